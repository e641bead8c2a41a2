//! What others say and ask of secondary zones: notifications, commands, the status; and what is written down of them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::Message;
use bus::protocol::control::TransferStatus;
use dns::types::Rcode;
use tracing::{debug, info};
use zone_segment::Name;

use crate::apex::Apex;
use crate::catalogue::{Shard, ZoneInfo};
use crate::service::{Service, changing};
use crate::source::transfer::exchange::Primary;

/// When a zone is known to be good is written down once that is later by this part of its expire interval: a crash makes it look older by no more.
const NOTED_PART: u32 = 10;

/// How often is looked for zones of which that is so.
const NOTE_EVERY: Duration = Duration::from_secs(10);

impl Service {
    /// Word came that a zone has changed, from this address and signed with this key if with any (RFC 1996): its primaries are asked at once. Gives the answer's
    /// RCODE.
    pub(in crate::service) fn notified(&mut self, zone: &Name, from: IpAddr, key: Option<&Name>) -> Rcode {
        let (apex, now, from) = (Apex::new(zone.clone()), self.began.elapsed(), from.to_canonical());
        let is_sender = |primary: &Primary| {
            let is_signed = primary.key.as_ref().is_none_or(|expected| key == Some(expected.name()));
            primary.address.ip().to_canonical() == from && is_signed
        };
        if let Err(rcode) = self.has_zone(zone) {
            return rcode;
        }
        let secondary = self.secondaries.zones.get_mut(&apex);
        let primary = secondary.as_ref().and_then(|zone| zone.primaries.iter().position(is_sender));
        let secondary = secondary.filter(|zone| primary.is_some() || zone.allow_notify.allows(from, key));
        let Some(secondary) = secondary else {
            self.secondaries.refused_notifies += 1;
            let (count, key) = (self.secondaries.refused_notifies, key.map(ToString::to_string));
            // Anybody can send these, as many as he likes.
            debug!(%zone, %from, key, count, "notification-refused");
            return Rcode::REFUSED;
        };
        secondary.schedule.notified(primary, now);
        self.secondaries.place(&apex);
        self.ask_primaries();
        Rcode::NOERROR
    }

    /// An operator wants a zone refreshed, or all of it taken anew.
    pub(in crate::service) fn refresh_zone(&mut self, message: Message, zone: &Name, is_whole: bool) {
        let (apex, now) = (Apex::new(zone.clone()), self.began.elapsed());
        let Some(secondary) = self.secondaries.zones.get_mut(&apex) else {
            let error = format!("{zone} does not come from primaries; `trine reload` takes a zone from its file");
            return self.refuse(&message, &error);
        };
        info!(from = %message.from, %zone, is_whole, "refresh-asked");
        match is_whole {
            true => secondary.schedule.retransfer(now),
            false => secondary.schedule.notified(None, now),
        }
        secondary.waiters.push(message);
        self.secondaries.place(&apex);
        self.ask_primaries();
    }

    /// An operator wants a zone to expire: it is so until it is refreshed.
    pub(in crate::service) fn expire_secondary(&mut self, zone: &Name) {
        let apex = Apex::new(zone.clone());
        if let Some(secondary) = self.secondaries.zones.get_mut(&apex) {
            secondary.schedule.expire();
            self.secondaries.place(&apex);
        }
    }

    /// Whether a zone comes from primaries.
    pub(in crate::service) fn is_secondary(&self, zone: &Name) -> bool {
        self.secondaries.zones.contains_key(&Apex::new(zone.clone()))
    }

    /// What is to be shown of a zone that comes from primaries, and why the last attempt came to nothing.
    pub(in crate::service) fn transfer_status(&self, apex: &Name) -> Option<(TransferStatus, Option<String>)> {
        let zone = self.secondaries.zones.get(&Apex::new(apex.clone()))?;
        let (now, unix) = (self.began.elapsed(), changing::now());
        let status = TransferStatus {
            primaries: zone.primaries.iter().map(|primary| primary.address.to_string()).collect(),
            refreshed_unix: zone.known.refreshed_at,
            expires_unix: zone.known.expires_at,
            next_refresh_unix: zone.schedule.next_round().map(|at| unix + at.saturating_sub(now).as_secs()),
        };
        Some((status, zone.error.clone()))
    }

    /// Writes down when zones were known to be good, where that was long after what is written.
    pub(in crate::service) fn note_secondaries(&mut self) {
        let now = self.began.elapsed();
        let is_quiet = self.updates.running.is_none() && self.changing.running.is_none();
        if is_quiet && now >= self.secondaries.noted + NOTE_EVERY {
            self.secondaries.noted = now;
            self.note_refreshed(|late, expire| late > u64::max(1, (expire / NOTED_PART).as_secs()));
        }
    }

    /// Writes down when zones were known to be good, where `is_late` says so of the seconds since what is written, and of their expire interval.
    pub(in crate::service) fn note_refreshed(&mut self, is_late: impl Fn(u64, Duration) -> bool) {
        let Some(newest) = self.states.values().next_back() else { return };
        let mut zones = newest.zones.clone();
        for (apex, secondary) in &self.secondaries.zones {
            let Some(refreshed_at) = secondary.known.refreshed_at else { continue };
            let shard = zones.shard(apex.shard());
            let Some(info) = shard.zones.get(apex) else { continue };
            let Some(written) = info.transferred.filter(|written| *written != secondary.known) else { continue };
            if is_late(refreshed_at.saturating_sub(written.refreshed_at.unwrap_or(0)), secondary.expire) {
                let info = ZoneInfo { transferred: Some(secondary.known), ..ZoneInfo::clone(info) };
                let mut of_shard = shard.zones.clone();
                of_shard.insert(apex.clone(), Arc::new(info));
                zones.set(apex.shard(), Shard::new(of_shard));
            }
        }
        self.note_zones(zones);
    }
}
