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

mod asked;
mod taking;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::Message;
use config::peers::Remote;
use config::policy::ZonePolicy;
use config::process::MemmgrOptions;
use dns::access::AccessList;
use dns::tsig::Keys;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::warn;
use zone_segment::Name;

use super::Service;
use crate::apex::Apex;
use crate::builder::{ReceivedZone, Scope};
use crate::catalogue::{Condition, Transferred};
use crate::source::transfer::attempt::{self, Attempt, Brought};
use crate::source::transfer::exchange::Primary;
use crate::source::transfer::failure::Failure;
use crate::source::transfer::incoming::ZONE_OCTETS_MAX;
use crate::source::transfer::served::Served;
use crate::source::transfer::timers::{Action, Intervals, Schedule};

/// Attempts at once. One costs a socket and a few octets until a transfer begins.
const ATTEMPTS_MAX: usize = 64;

/// Transfers at once: each may hold a whole zone in memory until that is built.
const TRANSFERS_MAX: usize = 8;

/// A secondary zone.
#[derive(Debug)]
struct Secondary {
    /// Its primaries, in the order in which they are asked.
    primaries: Vec<Primary>,
    /// Who else may tell that it changed.
    allow_notify: AccessList,
    /// How many octets of it are taken at the most.
    size_max: u64,
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
    /// The number of the attempt, once it has begun.
    attempt: u64,
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
#[derive(Debug)]
pub(super) struct Ended {
    /// The zone.
    apex: Apex,
    /// The attempt's number.
    attempt: u64,
    /// What it brought.
    outcome: Result<(Brought, Option<OwnedSemaphorePermit>), Failure>,
}

/// The book of secondary zones.
#[derive(Debug)]
pub(super) struct Secondaries {
    /// Each.
    zones: BTreeMap<Apex, Secondary>,
    /// Their apexes, for builds.
    pub(super) apexes: Arc<BTreeSet<Apex>>,
    /// Where the next zone's jitter comes from.
    seed: u64,
    /// Attempts so far, for their numbers.
    attempts: u64,
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
    /// Those of the configuration, and catalogs that are made here.
    pub(super) fn new(options: &MemmgrOptions) -> Self {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        let mut secondaries = Self::empty(u64::from(start) << 32);
        let keys = config::peers::signing_keys(&options.keys);
        for (apex, policy) in options.policies.named() {
            if policy.is_secondary() {
                secondaries.add(apex, policy, &options.remotes, &keys);
            } else if policy.is_generated() {
                Arc::make_mut(&mut secondaries.apexes).insert(Apex::new(apex.clone()));
            }
        }
        secondaries
    }

    /// None.
    fn empty(seed: u64) -> Self {
        let (sender, ended) = mpsc::unbounded_channel();
        Secondaries {
            apexes: Arc::default(),
            zones: BTreeMap::new(),
            seed,
            attempts: 0,
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

    /// Adds a zone that has this policy; its primaries are asked once [`Service::begin_secondary`] has said so.
    pub(super) fn add(&mut self, apex: &Name, policy: &ZonePolicy, remotes: &[Remote], keys: &Keys) {
        let primaries = primaries_of(policy, remotes, keys);
        self.seed = self.seed.wrapping_add(1);
        let secondary = Secondary {
            schedule: Schedule::new(primaries.len(), self.seed),
            primaries,
            allow_notify: policy.allow_notify.clone(),
            size_max: policy.size_max.unwrap_or(ZONE_OCTETS_MAX).min(ZONE_OCTETS_MAX),
            due: None,
            asked: None,
            known: Transferred::default(),
            expire: Duration::ZERO,
            generation: 0,
            error: None,
            waiters: Vec::new(),
        };
        let apex = Apex::new(apex.clone());
        Arc::make_mut(&mut self.apexes).insert(apex.clone());
        self.zones.insert(apex, secondary);
    }

    /// Whether what is known of them was read.
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Forgets a zone, with what came of it and was not built. Gives who waits for it.
    pub(super) fn remove(&mut self, apex: &Name) -> Vec<Message> {
        let apex = Apex::new(apex.clone());
        Arc::make_mut(&mut self.apexes).remove(&apex);
        self.received.remove(&apex);
        let Some(zone) = self.zones.remove(&apex) else { return Vec::new() };
        if let Some(due) = zone.due {
            self.due.remove(&(due, apex));
        }
        zone.waiters
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

/// The primaries of a zone that has this policy, in the order in which they are asked.
fn primaries_of(policy: &ZonePolicy, remotes: &[Remote], keys: &Keys) -> Vec<Primary> {
    let of_remote = |name: &String| {
        let remote = remotes.iter().find(|remote| remote.name == *name);
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
    policy.primaries.iter().flat_map(of_remote).collect()
}

impl Service {
    /// Takes up what is known of the zones, once that was read.
    pub(super) fn begin_secondaries(&mut self) {
        if self.secondaries.is_begun || self.awaits_zones() {
            return;
        }
        self.secondaries.is_begun = true;
        self.begin_catalogs();
        for apex in Arc::clone(&self.secondaries.apexes).iter() {
            self.begin_secondary(apex);
        }
        self.ask_primaries();
    }

    /// Takes up what is known of a zone: when its primaries are asked, and how long its data is good.
    pub(super) fn begin_secondary(&mut self, apex: &Apex) {
        let (now, unix) = (self.began.elapsed(), super::changing::now());
        let newest = self.states.values().next_back().or(self.remains.as_ref());
        let Some(zone) = self.secondaries.zones.get_mut(apex) else { return };
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
                    zone.asked = Some(Asked { primary, attempt: 0, is_whole, taking: None });
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
            let Some(zone) = self.secondaries.zones.get_mut(&apex) else { continue };
            let Some(asked) = &mut zone.asked else { continue };
            let Some(primary) = zone.primaries.get(asked.primary).cloned() else { continue };
            self.secondaries.attempts += 1;
            asked.attempt = self.secondaries.attempts;
            let (number, is_whole, zonemd, size_max) =
                (asked.attempt, asked.is_whole, self.options.zonemd, zone.size_max);
            let attempt = Attempt { apex: apex.name().clone(), primary, served, is_whole, zonemd, size_max };
            let (sender, permits) = (self.secondaries.sender.clone(), Arc::clone(&self.secondaries.permits));
            self.secondaries.running += 1;
            tokio::spawn(async move {
                let outcome = attempt::run(attempt, permits).await;
                // A loop that has ended needs no zones.
                let _ = sender.send(Ended { apex, attempt: number, outcome });
            });
        }
    }

    /// An attempt has ended.
    pub(super) fn attempted(&mut self, Ended { apex, attempt, outcome }: Ended) {
        self.secondaries.running = self.secondaries.running.saturating_sub(1);
        let asked = self.secondaries.zones.get(&apex).and_then(|zone| zone.asked.as_ref());
        // What came of a zone that is gone, or another by now, is of no use.
        if asked.is_some_and(|asked| asked.attempt == attempt) {
            match outcome {
                Ok((brought, permit)) => self.take_brought(&apex, brought, permit),
                Err(failure) => self.attempt_failed(&apex, &failure),
            }
        }
        self.ask_primaries();
    }
}
