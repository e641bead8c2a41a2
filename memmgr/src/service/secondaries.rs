//! Secondary zones: their primaries asked when it is time, and what these give away handed to where changes and whole zones are built.
//!
//! ```text
//!  schedule ─► attempt ─┬─► up to date ─────────────────────────────► schedule
//!     ▲         (task)  ├─► changes ───► changes that are handed in ─┐
//!  NOTIFY,              └─► whole zone ─► build of sources ───────────┴► schedule
//!  command
//! ```
//!
//! [`Secondaries`] is the book; [`crate::source::transfer`] does the work. Attempts run as tasks, [`ATTEMPTS_MAX`] at once, of which [`TRANSFERS_MAX`] may hold what they were given.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::Message;
use bus::protocol::control::{Reached, Refreshed, TransferStatus};
use config::process::MemmgrOptions;
use dns::access::AccessList;
use dns::types::Rcode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::{debug, info, warn};
use zone_segment::Name;

use super::Service;
use super::changing::{AskedFor, Asker, Who};
use super::waiting::{Answer, Waiting};
use crate::apex::Apex;
use crate::builder::changes::Ask;
use crate::builder::{ReceivedZone, Report, Scope};
use crate::catalogue::{Condition, Shard, Transferred, ZoneInfo};
use crate::source::transfer::attempt::{self, Attempt, Brought};
use crate::source::transfer::exchange::Primary;
use crate::source::transfer::failure::Failure;
use crate::source::transfer::served::Served;
use crate::source::transfer::timers::{Action, Intervals, Schedule};

/// Attempts at once. One costs a socket and a few octets until a transfer begins.
const ATTEMPTS_MAX: usize = 64;

/// Transfers at once: each may hold a whole zone in memory until that is built.
const TRANSFERS_MAX: usize = 8;

/// When a zone is known to be good is written down once that is later by this part of its expire interval: a crash makes it look older by no more.
const NOTED_PART: u32 = 10;

/// How often is looked for zones of which that is so.
const NOTE_EVERY: Duration = Duration::from_secs(10);

/// A secondary zone.
#[derive(Debug)]
struct Secondary {
    /// Its primaries, in the order in which they are asked.
    primaries: Vec<Primary>,
    /// Who else may tell that it changed.
    allow_notify: AccessList,
    /// When they are asked.
    schedule: Schedule,
    /// For when it stands among those that are due.
    due: Option<Duration>,
    /// The question that is out.
    asked: Option<Asked>,
    /// What is known of it.
    known: Transferred,
    /// Its expire interval.
    expire: Duration,
    /// The generation that has what came last.
    generation: u64,
    /// Why the last attempt came to nothing.
    error: Option<String>,
    /// Who wants to know what comes of the round.
    waiters: Vec<Message>,
}

/// A question that is out, or what it brought on its way to be published.
#[derive(Debug)]
struct Asked {
    /// Which primary.
    primary: usize,
    /// Whether the whole zone is wanted.
    is_whole: bool,
    /// What is being published.
    taking: Option<Taking>,
}

/// What is being published.
#[derive(Debug)]
struct Taking {
    /// The intervals from then on.
    intervals: Intervals,
    /// When it was known to be good.
    transferred: Transferred,
    /// What the primary gave: its SOA record alone, changes, or the whole zone.
    by: &'static str,
    /// Whether it came as changes that nobody has checked: then the primary may be asked for the whole zone.
    is_unchecked: bool,
    /// The place among transfers.
    _permit: Option<OwnedSemaphorePermit>,
}

/// What comes of an attempt.
type Ended = (Apex, Result<(Brought, Option<OwnedSemaphorePermit>), Failure>);

/// The book of secondary zones.
#[derive(Debug)]
pub(super) struct Secondaries {
    /// Each.
    zones: BTreeMap<Apex, Secondary>,
    /// Their apexes, for builds.
    pub(super) apexes: Arc<BTreeSet<Apex>>,
    /// Whether what is known of them was read.
    is_begun: bool,
    /// When there is something to be done for which.
    due: BTreeSet<(Duration, Apex)>,
    /// Attempts that wait for a place.
    waiting: VecDeque<Apex>,
    /// Attempts that run.
    running: usize,
    /// Where attempts say what came of them.
    sender: mpsc::UnboundedSender<Ended>,
    /// The same, for the loop.
    ended: mpsc::UnboundedReceiver<Ended>,
    /// Places for transfers.
    permits: Arc<Semaphore>,
    /// Whole zones that the next build takes.
    pub(super) received: BTreeMap<Apex, ReceivedZone>,
    /// When was last looked for what is to be written down.
    noted: Duration,
    /// NOTIFY messages from nobody that was allowed to send them.
    pub(super) refused_notifies: u64,
}

impl Secondaries {
    /// Those of the configuration.
    pub(super) fn new(options: &MemmgrOptions) -> Self {
        let keys = config::peers::signing_keys(&options.keys);
        let of_remote = |name: &String| {
            let remote = options.remotes.iter().find(|remote| remote.name == *name);
            remote.into_iter().flat_map(|remote| {
                let key = remote.key.as_ref().and_then(|key| keys.get(key).map(Arc::clone));
                let name: Arc<str> = remote.name.as_str().into();
                remote.addresses.iter().map(move |address| Primary {
                    name: Arc::clone(&name),
                    address: *address,
                    key: key.clone(),
                })
            })
        };
        let start = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        let secondaries = options.policies.named().filter(|(_, policy)| policy.is_secondary());
        let zones: BTreeMap<Apex, Secondary> = (u64::from(start) << 32..)
            .zip(secondaries)
            .map(|(seed, (apex, policy))| {
                let primaries: Vec<Primary> = policy.primaries.iter().flat_map(of_remote).collect();
                let secondary = Secondary {
                    schedule: Schedule::new(primaries.len(), seed),
                    primaries,
                    allow_notify: policy.allow_notify.clone(),
                    due: None,
                    asked: None,
                    known: Transferred::default(),
                    expire: Duration::ZERO,
                    generation: 0,
                    error: None,
                    waiters: Vec::new(),
                };
                (Apex::new(apex.clone()), secondary)
            })
            .collect();
        let (sender, ended) = mpsc::unbounded_channel();
        Secondaries {
            apexes: Arc::new(zones.keys().cloned().collect()),
            zones,
            is_begun: false,
            due: BTreeSet::new(),
            waiting: VecDeque::new(),
            running: 0,
            sender,
            ended,
            permits: Arc::new(Semaphore::new(TRANSFERS_MAX)),
            received: BTreeMap::new(),
            noted: Duration::ZERO,
            refused_notifies: 0,
        }
    }

    /// Puts a zone where it is due.
    fn place(&mut self, apex: &Apex) {
        let Some(zone) = self.zones.get_mut(apex) else { return };
        let due = zone.schedule.due();
        if due != zone.due {
            if let Some(before) = zone.due {
                self.due.remove(&(before, apex.clone()));
            }
            zone.due = due;
            self.due.extend(due.map(|due| (due, apex.clone())));
        }
    }

    /// What came of an attempt; never, when none runs.
    pub(super) async fn ended(&mut self) -> Ended {
        match self.ended.recv().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        }
    }

    /// Of zones that are to expire, those for which that still holds: others were refreshed meanwhile.
    pub(super) fn keep_expiring(&self, scope: &mut Scope) {
        scope.expiring.retain(|apex| {
            let zone = self.zones.get(&Apex::new(apex.clone()));
            zone.is_none_or(|zone| zone.schedule.expires().is_none())
        });
    }
}

impl Service {
    /// Takes up what is known of the zones, once that was read.
    pub(super) fn begin_secondaries(&mut self) {
        if self.secondaries.is_begun || self.awaits_zones() {
            return;
        }
        self.secondaries.is_begun = true;
        let (now, unix) = (self.began.elapsed(), super::changing::now());
        let newest = self.states.values().next_back().or(self.remains.as_ref());
        for apex in Arc::clone(&self.secondaries.apexes).iter() {
            let Some(zone) = self.secondaries.zones.get_mut(apex) else { continue };
            let served = newest.and_then(|state| Served::new(state, apex.name()));
            let info = newest.and_then(|state| state.zones.get(apex));
            if let (Some(info), Some(intervals)) = (info, served.and_then(|served| served.intervals())) {
                zone.known = info.transferred.unwrap_or_default();
                zone.expire = intervals.expire;
                let schedule = zone.schedule.clone();
                zone.schedule = match (info.condition, zone.known.expires_at) {
                    (Condition::Expired, _) => schedule.expired(intervals),
                    (_, expires_at) => {
                        let left = expires_at.map(|at| Duration::from_secs(at.saturating_sub(unix)));
                        schedule.with_data(intervals, left, now)
                    }
                };
            }
            self.secondaries.place(apex);
        }
        self.ask_primaries();
    }

    /// Does what is due.
    pub(super) fn ask_primaries(&mut self) {
        let now = self.began.elapsed();
        while let Some((due, apex)) = self.secondaries.due.first().cloned() {
            if due > now {
                break;
            }
            let action = self.secondaries.zones.get_mut(&apex).and_then(|zone| zone.schedule.poll(now));
            if let Some(action) = action {
                self.act_on(&apex, action);
            }
            self.secondaries.place(&apex);
        }
        self.start_attempts();
    }

    /// Carries out what a schedule says.
    fn act_on(&mut self, apex: &Apex, action: Action) {
        match action {
            Action::Ask { primary, is_whole } => {
                if let Some(zone) = self.secondaries.zones.get_mut(apex) {
                    zone.asked = Some(Asked { primary, is_whole, taking: None });
                    self.secondaries.waiting.push_back(apex.clone());
                }
            }
            Action::Expire => {
                let refreshed_at = self.secondaries.zones.get(apex).and_then(|zone| zone.known.refreshed_at);
                warn!(zone = %apex, refreshed_at, "zone-expired");
                self.reload(Scope::expiring(apex.name().clone()), None);
            }
        }
    }

    /// Starts attempts while there is room for them.
    fn start_attempts(&mut self) {
        while self.secondaries.running < ATTEMPTS_MAX
            && let Some(apex) = self.secondaries.waiting.pop_front()
        {
            let served = self.states.values().next_back().and_then(|state| Served::new(state, apex.name()));
            let Some(zone) = self.secondaries.zones.get(&apex) else { continue };
            let Some(Asked { primary, is_whole, .. }) = zone.asked else { continue };
            let Some(primary) = zone.primaries.get(primary).cloned() else { continue };
            let zonemd = self.options.zonemd;
            let attempt = Attempt { apex: apex.name().clone(), primary, served, is_whole, zonemd };
            let (sender, permits) = (self.secondaries.sender.clone(), Arc::clone(&self.secondaries.permits));
            self.secondaries.running += 1;
            tokio::spawn(async move {
                let outcome = attempt::run(attempt, permits).await;
                // A loop that has ended needs no zones.
                let _ = sender.send((apex, outcome));
            });
        }
    }

    /// An attempt has ended.
    pub(super) fn attempted(&mut self, (apex, outcome): Ended) {
        self.secondaries.running = self.secondaries.running.saturating_sub(1);
        match outcome {
            Ok((brought, permit)) => self.take_brought(&apex, brought, permit),
            Err(failure) => self.attempt_failed(&apex, &failure),
        }
        self.ask_primaries();
    }

    /// Sees to it that what an attempt brought is published.
    fn take_brought(&mut self, apex: &Apex, brought: Brought, permit: Option<OwnedSemaphorePermit>) {
        let unix = super::changing::now();
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
    fn attempt_failed(&mut self, apex: &Apex, failure: &Failure) {
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
    pub(super) fn transferred(&mut self, apex: &Apex, outcome: Result<(u64, Option<(u32, u32)>), String>) {
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
    pub(super) fn transfers_abandoned(&mut self, generation: u64) {
        let now = self.began.elapsed();
        for apex in Arc::clone(&self.secondaries.apexes).iter() {
            if let Some(zone) = self.secondaries.zones.get_mut(apex).filter(|zone| zone.generation == generation) {
                // Not at once: whatever kept it from being written is still there.
                zone.schedule.notified(None, now + super::RETRY);
                self.secondaries.place(apex);
            }
        }
    }

    /// A build has ended that had zones in scope which came as a whole, or were found up to date after they had expired.
    pub(super) fn secondaries_built(&mut self, scope: &Scope, generation: u64, report: Result<&Report, &str>) {
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

    /// Word came that a zone has changed, from this address and signed with this key if with any (RFC 1996): its primaries are asked at once. Gives the answer's
    /// RCODE.
    pub(super) fn notified(&mut self, zone: &Name, from: IpAddr, key: Option<&Name>) -> Rcode {
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
    pub(super) fn refresh_zone(&mut self, message: Message, zone: &Name, is_whole: bool) {
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
    pub(super) fn expire_secondary(&mut self, zone: &Name) {
        let apex = Apex::new(zone.clone());
        if let Some(secondary) = self.secondaries.zones.get_mut(&apex) {
            secondary.schedule.expire();
            self.secondaries.place(&apex);
        }
    }

    /// Whether a zone comes from primaries.
    pub(super) fn is_secondary(&self, zone: &Name) -> bool {
        self.secondaries.zones.contains_key(&Apex::new(zone.clone()))
    }

    /// What is to be shown of a zone that comes from primaries, and why the last attempt came to nothing.
    pub(super) fn transfer_status(&self, apex: &Name) -> Option<(TransferStatus, Option<String>)> {
        let zone = self.secondaries.zones.get(&Apex::new(apex.clone()))?;
        let (now, unix) = (self.began.elapsed(), super::changing::now());
        let status = TransferStatus {
            primaries: zone.primaries.iter().map(|primary| primary.address.to_string()).collect(),
            refreshed_unix: zone.known.refreshed_at,
            expires_unix: zone.known.expires_at,
            next_refresh_unix: zone.schedule.next_round().map(|at| unix + at.saturating_sub(now).as_secs()),
        };
        Some((status, zone.error.clone()))
    }

    /// Writes down when zones were known to be good, where that was long after what is written.
    pub(super) fn note_secondaries(&mut self) {
        let now = self.began.elapsed();
        let is_quiet = self.updates.running.is_none() && self.changing.running.is_none();
        if is_quiet && now >= self.secondaries.noted + NOTE_EVERY {
            self.secondaries.noted = now;
            self.note_refreshed(|late, expire| late > u64::max(1, (expire / NOTED_PART).as_secs()));
        }
    }

    /// Writes down when zones were known to be good, where `is_late` says so of the seconds since what is written, and of their expire interval.
    pub(super) fn note_refreshed(&mut self, is_late: impl Fn(u64, Duration) -> bool) {
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
