//! What attempts bring, on its way to be published, and what comes of it.

use bus::protocol::control::{Reached, Refreshed};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{info, warn};
use zone_segment::Name;

use super::Taking;
use crate::apex::Apex;
use crate::builder::changes::Ask;
use crate::builder::{ReceivedZone, Report, Scope};
use crate::catalogue::{Condition, Transferred};
use crate::service::changing::{self, AskedFor, Asker, Who};
use crate::service::waiting::{Answer, Waiting};
use crate::service::{RETRY, Service};
use crate::source::transfer::attempt::Brought;
use crate::source::transfer::failure::Failure;

impl Service {
    /// Sees to it that what an attempt brought is published.
    pub(super) fn take_brought(&mut self, apex: &Apex, brought: Brought, permit: Option<OwnedSemaphorePermit>) {
        let unix = changing::now();
        let condition =
            self.states.values().next_back().and_then(|state| state.zones.get(apex)).map(|zone| zone.condition);
        let Some(zone) = self.secondaries.zones.get_mut(apex) else { return };
        let intervals = match &brought {
            Brought::UpToDate(intervals) | Brought::Changes { intervals, .. } | Brought::Whole { intervals, .. } => {
                *intervals
            }
        };
        let transferred = Transferred { refreshed_at: Some(unix), expires_at: Some(unix + intervals.expire.as_secs()) };
        let is_unchecked = matches!(brought, Brought::Changes { is_checked: false, .. });
        let by = match &brought {
            Brought::UpToDate(_) => "SOA",
            Brought::Changes { is_checked: false, .. } => "IXFR",
            Brought::Changes { .. } | Brought::Whole { .. } => "AXFR",
        };
        if let Some(asked) = &mut zone.asked {
            asked.taking = Some(Taking { intervals, transferred, by, is_unchecked, _permit: permit });
        }
        match brought {
            Brought::UpToDate(_) if condition == Some(Condition::Expired) => {
                self.reload(Scope::zone(apex.name().clone()), None);
            }
            Brought::UpToDate(_) => {
                let generation = self.states.keys().next_back().copied().unwrap_or(0);
                self.transferred(apex, Ok((generation, None)));
            }
            Brought::Changes { sets, is_checked, warnings, .. } => {
                warnings.iter().for_each(|warning| warn!(warning, "zone-check"));
                let ask = Ask::Transferred { apex: apex.name().clone(), sets, is_checked, transferred };
                let who = Who::Primary(apex.clone());
                self.change(Asker { who, until: Reached::Visible, what: AskedFor::Update }, vec![ask]);
            }
            Brought::Whole { zone, .. } => {
                self.secondaries.received.insert(apex.clone(), ReceivedZone { zone: *zone, transferred });
                self.reload(Scope::zone(apex.name().clone()), None);
            }
        }
    }

    /// Nothing could be taken from a primary.
    pub(super) fn attempt_failed(&mut self, apex: &Apex, failure: &Failure) {
        let now = self.began.elapsed();
        let Some(zone) = self.secondaries.zones.get_mut(apex) else { return };
        let asked = zone.asked.take();
        let primary = asked.and_then(|asked| zone.primaries.get(asked.primary));
        let (name, address) = primary.map(|primary| (primary.name.as_ref(), primary.address)).unzip();
        warn!(zone = %apex, primary = name, address = address.map(tracing::field::display), error = %failure, "transfer-failed");
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        zone.error = Some(format!("{address}: {failure}"));
        match zone.schedule.failed(now) {
            Some(action) => self.act_on(apex, action),
            None => {
                let (waiters, error) = (std::mem::take(&mut zone.waiters), zone.error.clone().unwrap_or_default());
                self.refuse_all(
                    waiters,
                    &format!("{apex} could not be taken from any of its primaries; the last one said: {error}"),
                );
            }
        }
        self.secondaries.place(apex);
    }

    /// What was to be published is in a generation, with the change from one serial to another where there was one, or can't be.
    pub(in crate::service) fn transferred(&mut self, apex: &Apex, outcome: Result<(u64, Option<(u32, u32)>), String>) {
        let now = self.began.elapsed();
        let serial =
            self.states.values().next_back().and_then(|state| state.zones.get(apex)).and_then(|zone| zone.serial);
        let Some(zone) = self.secondaries.zones.get_mut(apex) else { return };
        let Some(Taking { intervals, transferred, by, is_unchecked, .. }) =
            zone.asked.as_mut().and_then(|asked| asked.taking.take())
        else {
            return;
        };
        match outcome {
            Ok((generation, change)) => {
                let Some(asked) = zone.asked.take() else { return };
                let primary = zone.primaries.get(asked.primary);
                if let Some(primary) = primary {
                    let (name, address, from) = (primary.name.as_ref(), primary.address, change.map(|change| change.0));
                    info!(zone = %apex, primary = name, %address, by, generation, from, serial, "zone-refreshed");
                }
                (zone.known, zone.expire, zone.error) = (transferred, intervals.expire, None);
                zone.generation = generation;
                zone.schedule.succeeded(intervals, asked.is_whole, now);
                for message in std::mem::take(&mut zone.waiters) {
                    let answer = Refreshed { zone: apex.to_string(), serial: serial.unwrap_or(0), generation };
                    self.waiting.push(Waiting {
                        generation,
                        until: Reached::Visible,
                        answer: Answer::Refreshed(answer),
                        message,
                    });
                }
            }
            // The whole zone from the same primary may do.
            Err(error) if is_unchecked => {
                if let Some(asked) = &mut zone.asked {
                    asked.is_whole = true;
                }
                info!(zone = %apex, error, "transfer-whole-instead");
                self.secondaries.waiting.push_back(apex.clone());
            }
            Err(error) => self.attempt_failed(apex, &Failure::NotPublished { error }),
        }
        self.secondaries.place(apex);
        self.answer_waiting();
    }

    /// A generation that was built will never be: what came with it is asked for again.
    pub(in crate::service) fn transfers_abandoned(&mut self, generation: u64) {
        let now = self.began.elapsed();
        self.catalogs.forget_made();
        for apex in std::sync::Arc::clone(&self.secondaries.apexes).iter() {
            if let Some(zone) = self.secondaries.zones.get_mut(apex).filter(|zone| zone.generation == generation) {
                // Not at once: whatever kept it from being written is still there.
                zone.schedule.notified(None, now + RETRY);
                self.secondaries.place(apex);
            }
        }
    }

    /// A build has ended that had zones in scope which came as a whole, or were found up to date after they had expired.
    pub(in crate::service) fn secondaries_built(
        &mut self,
        scope: &Scope,
        generation: u64,
        report: Result<&Report, &str>,
    ) {
        for apex in scope.zones.iter().cloned().map(Apex::new) {
            let zone = self.secondaries.zones.get(&apex);
            let is_building = zone.and_then(|zone| zone.asked.as_ref()).is_some_and(|asked| asked.taking.is_some());
            // One whose turn is yet to come was not in it.
            if !is_building || self.secondaries.received.contains_key(&apex) {
                continue;
            }
            let failed = |report: &Report| {
                report.failed.iter().find(|(name, _)| name == apex.name()).map(|(_, error)| error.clone())
            };
            let outcome = match report {
                Ok(report) => failed(report).map_or(Ok((generation, None)), Err),
                Err(error) => Err(error.to_owned()),
            };
            self.transferred(&apex, outcome);
        }
    }
    /// Zones that a build could not make. Those that had data until now, and lost it with a damaged layer, are asked for at once.
    pub(in crate::service) fn secondaries_lost(&mut self, failed: &[Name]) {
        let now = self.began.elapsed();
        for apex in failed.iter().cloned().map(Apex::new) {
            let found = self.states.values().next_back().and_then(|state| state.zones.get(&apex));
            let is_lost = found.is_some_and(|zone| !zone.has_data());
            let Some(zone) = self.secondaries.zones.get_mut(&apex) else { continue };
            if is_lost && zone.asked.is_none() && zone.schedule.expires().is_some() {
                // Once: if it can't be taken, the retry interval follows.
                zone.schedule.expire();
                zone.schedule.retransfer(now);
                self.secondaries.place(&apex);
            }
        }
    }
}
