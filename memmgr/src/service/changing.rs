//! Changes that are handed in: they gather while a build runs or a generation is on its way, are built together at the cost of what they change,
//! and each is answered by itself.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bus::Message;
use bus::protocol::control::{Reached, RolledBack, Updated, ZoneRolledBack};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use super::Service;
use super::waiting::{Answer, Waiting};
use crate::apex::Apex;
use crate::builder::changes::{self, Ask, ChangesOutcome, ChangesRequest, Done, Merged, Refusal};
use crate::builder::record::record_of;
use crate::builder::{BuildError, Scope};
use crate::rotation::Event;
use crate::update::Exchange;

/// Who asked for changes.
#[derive(Debug)]
pub(super) struct Asker {
    /// Who that is.
    pub(super) who: Who,
    /// What is waited for before it is answered.
    pub(super) until: Reached,
    /// How it is answered.
    pub(super) what: AskedFor,
}

impl Asker {
    /// Whether whoever asked over the wire has given up by now. Operators are told that what they asked for may be done though they did not wait.
    fn is_overdue(&self, now: Instant) -> bool {
        let is_past = matches!(&self.who, Who::Asker(Message { deadline: Some(deadline), .. }) if *deadline <= now);
        is_past && matches!(self.what, AskedFor::Message(_))
    }
}

/// Somebody who asked for changes.
#[derive(Debug)]
pub(super) enum Who {
    /// Whoever sent this request.
    Asker(Message),
    /// A primary of this zone, by what it gave away.
    Primary(Apex),
}

/// What was asked for.
#[derive(Debug)]
pub(super) enum AskedFor {
    /// One zone to be changed.
    Update,
    /// The same, by a message over the wire.
    Message(Box<Exchange>),
    /// Zones to be as they were in a generation, with their serials of then or not.
    Rollback {
        /// The generation.
        data_of: u64,
        /// Whether serials go back.
        keeps_serial: bool,
    },
}

/// One request: who asked, and which changes are for it.
#[derive(Debug)]
struct Request {
    /// Who asked.
    asker: Asker,
    /// What for.
    asks: Vec<Ask>,
}

/// Changes not published.
#[derive(Debug, Default)]
pub(super) struct Changing {
    /// Gathering.
    gathered: Vec<Request>,
    /// Layers merged that are to take the place of others.
    pub(super) merged: Vec<Merged>,
    /// Being built.
    pub(super) running: Option<Running>,
    /// Whether the last build was one of these: then sources that wait are first.
    pub(super) was_last: bool,
}

/// A build of changes that runs.
#[derive(Debug)]
pub(super) struct Running {
    /// The thread.
    task: JoinHandle<(ChangesRequest, Result<ChangesOutcome, BuildError>)>,
    /// Who asked, in order.
    askers: Vec<Asker>,
}

/// What a thread that built changes came back with.
pub(super) type Ended = Result<(ChangesRequest, Result<ChangesOutcome, BuildError>), tokio::task::JoinError>;

impl Changing {
    /// Whether there is anything to build.
    pub(super) fn is_waiting(&self) -> bool {
        !self.gathered.is_empty() || !self.merged.is_empty()
    }

    /// Requests that gather.
    pub(super) fn gathered(&self) -> usize {
        self.gathered.len()
    }

    /// Leaves out updates that nobody waits for any more: whoever gave up is not to find the change made later, when others may have built on that it
    /// was not.
    fn drop_overdue(&mut self) {
        let now = Instant::now();
        for Request { asks, .. } in self.gathered.extract_if(.., |request| request.asker.is_overdue(now)) {
            let zone = asks.first().map(|ask| ask.apex().to_string());
            warn!(zone, "update-overdue");
        }
    }
}

/// The build of changes that runs, until it ends; never when there is none.
pub(super) async fn ended(running: &mut Option<Running>) -> Ended {
    match running {
        Some(running) => (&mut running.task).await,
        None => std::future::pending().await,
    }
}

/// Changes that are built at once: more wait for the next generation.
const ASKS_MAX: usize = 4096;

impl Service {
    /// Gathers changes.
    pub(super) fn change(&mut self, asker: Asker, asks: Vec<Ask>) {
        self.changing.gathered.push(Request { asker, asks });
        self.start_build();
    }

    /// Builds what has gathered.
    pub(super) fn start_changes(&mut self) {
        self.changing.drop_overdue();
        if !self.changing.is_waiting() {
            return self.start_build();
        }
        let Some(base) = self.states.values().next_back().filter(|base| base.set.is_some()).cloned() else {
            let error = "no zone is served yet; ask again when one is";
            let gathered = std::mem::take(&mut self.changing.gathered);
            return self.refuse_askers(gathered.into_iter().map(|request| request.asker).collect(), error);
        };
        let mut count = 0;
        let taken = self.changing.gathered.iter().take_while(|request| {
            count += request.asks.len();
            count <= ASKS_MAX
        });
        let taken = taken.count().max(1).min(self.changing.gathered.len());
        let (mut asks, mut askers) = (Vec::new(), Vec::new());
        for Request { asker, asks: own } in self.changing.gathered.drain(..taken) {
            askers.push(asker);
            asks.push(own);
        }
        let request = ChangesRequest {
            base,
            generation: self.rotation.next_generation(),
            key: self.key,
            segments: self.directory.segments(),
            numbers: Arc::clone(&self.numbers),
            merged: std::mem::take(&mut self.changing.merged),
            asks,
            leaps: self.leaps.clone(),
            now: now(),
        };
        self.changing.was_last = true;
        if request.is_small() {
            // Two ways between threads would take as long as the work.
            let outcome = changes::build(&request);
            return self.take_built(Ok((request, outcome)), askers);
        }
        let task = tokio::task::spawn_blocking(move || {
            let outcome = changes::build(&request);
            (request, outcome)
        });
        self.changing.running = Some(Running { task, askers });
    }

    /// A build of changes has ended.
    pub(super) fn changed(&mut self, ended: Ended) {
        if let Some(Running { askers, .. }) = self.changing.running.take() {
            self.take_built(ended, askers);
        }
    }

    /// Takes in what became of a build of changes, and builds what has gathered since.
    fn take_built(&mut self, ended: Ended, askers: Vec<Asker>) {
        match ended {
            Ok((request, Ok(outcome))) => self.take_changes(&request, outcome, askers),
            Ok((request, Err(BuildError::Damaged { layers, error }))) => {
                error!(error, "segment-damaged");
                if self.distrust(&layers) {
                    // What is damaged is made anew first, as sources are first now; where that can't be, the next try is refused.
                    self.gather_again(request.asks, askers);
                    self.reload(Scope::none(), None);
                } else {
                    self.refuse_askers(askers, &error);
                }
            }
            Ok((request, Err(error))) if !request.merged.is_empty() => {
                // Perhaps the merged layers are at fault; they have no other place.
                self.note_untidy();
                request.merged.iter().for_each(|merged| self.note_merge_failed(merged.group));
                error!(error = %super::updates::BuildFailure::Build(error), "merge-failed");
                self.gather_again(request.asks, askers);
            }
            Ok((_, Err(error))) => {
                let error = super::updates::BuildFailure::Build(error).to_string();
                error!(error, "changes-not-built");
                // A full disk may have room for more without what only the manifest names.
                self.want_snapshot();
                self.refuse_askers(askers, &error);
            }
            Err(error) => {
                error!(%error, "changes-not-built");
                self.refuse_askers(askers, &format!("the building thread ended: {error}"));
            }
        }
        self.start_build();
    }

    /// Puts changes back before all that gathered since.
    fn gather_again(&mut self, asks: Vec<Vec<Ask>>, askers: Vec<Asker>) {
        let again = askers.into_iter().zip(asks).map(|(asker, asks)| Request { asker, asks });
        let again: Vec<Request> = again.collect();
        self.changing.gathered.splice(0..0, again);
    }

    /// Answers all with the reason why nothing came of it.
    fn refuse_askers(&mut self, askers: Vec<Asker>, error: &str) {
        for asker in askers {
            self.refuse_asker(asker, &error.to_owned().into());
        }
    }

    /// Answers one with the reason why nothing came of it.
    fn refuse_asker(&mut self, asker: Asker, refusal: &Refusal) {
        match (asker.who, &asker.what) {
            (Who::Asker(message), AskedFor::Message(exchange)) => self.settle_refused(&message, exchange, refusal),
            (Who::Asker(message), AskedFor::Update | AskedFor::Rollback { .. }) => {
                self.refuse(&message, &refusal.reason)
            }
            (Who::Primary(apex), _) => self.transferred(&apex, Err(refusal.reason.clone())),
        }
    }

    /// Takes in what was built.
    fn take_changes(&mut self, request: &ChangesRequest, outcome: ChangesOutcome, askers: Vec<Asker>) {
        let ChangesOutcome { candidate, changes, answers } = outcome;
        let generation = candidate.as_ref().map_or(request.base.generation, |state| state.generation);
        let mut transfers = Vec::new();
        for (asker, own) in askers.into_iter().zip(answers) {
            match (own, asker) {
                (Ok(done), Asker { who: Who::Asker(message), until, what }) => {
                    self.waiting.push(Waiting { generation, until, answer: answer(what, generation, done), message });
                }
                (Ok(done), Asker { who: Who::Primary(apex), .. }) => {
                    transfers.push((apex, done.first().map(|done| (done.from, done.to))));
                }
                (Err(refusal), asker) => self.refuse_asker(asker, &refusal),
            }
        }
        if let Some(leaps) = &mut self.leaps {
            for set in &changes {
                if leaps.insert(set.apex.clone()) {
                    warn!(zone = %set.apex, from = set.from, to = set.to, "serial-leaps");
                }
            }
        }
        if let Some(state) = candidate {
            let merged: Vec<_> = request.merged.iter().map(|merged| merged.layer.id.0).collect();
            info!(generation, changes = changes.len(), ?merged, "generation-built");
            if changes.is_empty() {
                self.kept.repeating.insert(generation);
            }
            self.records.insert(generation, record_of(&request.base, &state, changes, Vec::new()));
            self.states.insert(generation, Arc::new(state));
            // Before the step: it may find that the record can't be written, and then gives them up again.
            transfers.drain(..).for_each(|(apex, change)| self.transferred(&apex, Ok((generation, change))));
            self.step(Event::Built { generation });
            self.look_at_catalogs(false);
        }
        transfers.into_iter().for_each(|(apex, change)| self.transferred(&apex, Ok((generation, change))));
        if request.merged.iter().any(|merged| merged.is_base) {
            // The base before it goes once no manifest names it.
            self.want_snapshot();
        }
        self.drop_merged_unused(request);
        self.answer_waiting();
    }
}

/// How a request is answered once its generation has come so far.
fn answer(what: AskedFor, generation: u64, done: Vec<Done>) -> Answer {
    match what {
        AskedFor::Update => Answer::Updated(done.into_iter().map(|done| updated(generation, done)).next()),
        AskedFor::Message(exchange) => {
            for Done { apex, from, to, removed, added, .. } in done {
                let key = exchange.key().map(ToString::to_string);
                info!(zone = %apex, client = %exchange.client, key, from, to, removed, added, "zone-updated");
            }
            Answer::Message(exchange)
        }
        AskedFor::Rollback { data_of, keeps_serial } => {
            let changed = done.into_iter().filter(|done| done.from != done.to || done.added + done.removed > 0);
            let zones = changed.map(|done| ZoneRolledBack {
                name: done.apex.to_string(),
                from: done.from,
                to: done.to,
                added: done.added as u64,
                removed: done.removed as u64,
                retransfer: keeps_serial,
            });
            Answer::RolledBack(RolledBack { generation, data_of, zones: zones.collect() })
        }
    }
}

/// The answer to an update.
fn updated(generation: u64, done: Done) -> Updated {
    Updated {
        zone: done.apex.to_string(),
        generation,
        from: done.from,
        to: done.to,
        added: done.added as u64,
        removed: done.removed as u64,
        state: Reached::Built,
        warnings: done.warnings,
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
