//! The running memmgr: one loop that turns what happens into events of the rotation and carries its actions out.
//!
//! Everything that takes long happens elsewhere (builds and verification on their own threads), so that the loop answers within
//! milliseconds. [`Service`] is the type to read first; [`readers`] and [`updates`] are its two books, [`control`] what it tells
//! operators, [`link`] its line to the supervisor.

mod control;
mod link;
mod readers;
mod updates;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bus::group::MembershipEvent;
use bus::protocol::control::KillEvent;
use bus::protocol::reader::{Attached, FromReader, Pong, Role, ToReader};
use bus::protocol::supervisor::Record;
use bus::protocol::{GENERATIONS_FAMILY, MEMMGR_GROUP};
use bus::{BrokerHandle, Client, Incoming, Message, Recipient};
use config::process::MemmgrOptions;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};
use zone_segment::{HashKey, LayerId, Name};

use crate::build::{self, BuildRequest, Outcome, Scope};
use crate::generation::State;
use crate::recovery::{self, Recovered, StateDirectory};
use crate::rotation::{Action, Deadlines, Event, KillReason, ReaderId, Rotation, ThreadProgress};
pub(crate) use link::Link;
use readers::{Newcomer, Readers};
use updates::{Published, Running, Updates};

/// Deadlines are judged this often.
const TICK: Duration = Duration::from_millis(25);

/// How long a reader has for one ping; the rotation decides what a missing answer means.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// Pongs not yet read by the loop: one a reader and second, so this is never reached.
const PONGS_MAX: usize = 1024;

/// The running memmgr.
pub(crate) struct Service {
    /// What it was told.
    options: MemmgrOptions,
    /// The state directory.
    directory: StateDirectory,
    /// The key of every hash.
    key: HashKey,
    /// The bus's broker, which runs beside.
    broker: BrokerHandle,
    /// Our own connection to it.
    client: Client,
    /// The line to the supervisor.
    link: Link,
    /// When we started.
    began: Instant,
    /// Which generation is where.
    rotation: Rotation,
    /// The generations alive, candidates included.
    states: BTreeMap<u64, Arc<State>>,
    /// What recovery left of a generation that was damaged: built on, never published.
    remains: Option<Arc<State>>,
    /// Who reads.
    readers: Readers,
    /// What was asked for.
    updates: Updates,
    /// Layers found damaged and still in use.
    distrusted: BTreeSet<LayerId>,
    /// The verification that runs, if one does.
    verification: Option<JoinHandle<Vec<LayerId>>>,
    /// What is wrong with the sources as a whole.
    source_error: Option<String>,
    /// Answers to pings, from the tasks that wait for them.
    pongs: (mpsc::Sender<(ReaderId, Pong)>, mpsc::Receiver<(ReaderId, Pong)>),
    /// Whether the supervisor was told that all auth processes answer.
    is_ready: bool,
}

/// How the loop is set up.
pub(crate) struct Parts {
    /// What memmgr was told.
    pub(crate) options: MemmgrOptions,
    /// The line to the supervisor.
    pub(crate) link: Link,
    /// The bus's broker.
    pub(crate) broker: BrokerHandle,
    /// Our connection to it.
    pub(crate) client: Client,
    /// What was found in the state directory.
    pub(crate) recovered: Recovered,
}

impl Service {
    /// A service on what was recovered, nothing announced yet.
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { options, link, broker, client, recovered } = parts;
        let deadlines = Deadlines {
            switch_timeout: Duration::from_millis(options.switch_timeout_ms),
            release_timeout: Duration::from_millis(options.release_timeout_ms),
            stall_timeout: Duration::from_millis(options.stall_timeout_ms),
            ..Deadlines::default()
        };
        let mut updates = Updates::default();
        updates.ask(Scope::All, None);
        let (mut states, mut remains, mut verification) = (BTreeMap::new(), None, None);
        let rotation = match recovered.state.map(Arc::new) {
            Some(state) if recovered.is_servable => {
                let rotation = Rotation::recovered(state.generation, deadlines);
                verification = recovered.is_unverified.then(|| recovery::verify_in_background(&state));
                states.insert(state.generation, state);
                rotation
            }
            // Damaged in part: the build starts from what is whole, and its result is the first generation published.
            Some(state) => {
                let rotation = Rotation::empty_after(state.generation, deadlines);
                remains = Some(state);
                rotation
            }
            None => Rotation::new(deadlines),
        };
        Service {
            options,
            directory: recovered.directory,
            key: recovered.key,
            broker,
            client,
            link,
            began: Instant::now(),
            rotation,
            states,
            remains,
            readers: Readers::default(),
            updates,
            distrusted: recovered.distrusted,
            verification,
            source_error: None,
            pongs: mpsc::channel(PONGS_MAX),
            is_ready: false,
        }
    }

    /// Runs until the supervisor is gone or `stop` resolves.
    pub(crate) async fn run(mut self, mut incoming: Incoming, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.start_build();
        loop {
            tokio::select! {
                () = &mut stop => return self.finish(),
                message = incoming.next() => match message {
                    Some(message) => self.message(message),
                    None => return error!("bus-broker-ended"),
                },
                record = self.link.next() => match record {
                    Some(record) => self.record(record),
                    None => return info!("supervisor-gone"),
                },
                pong = self.pongs.1.recv() => if let Some((reader, pong)) = pong {
                    if let Some(address) = self.readers.address(reader) {
                        self.readers.spoke(&address);
                    }
                    let progress = |t: &bus::protocol::reader::ThreadProgress| ThreadProgress { progress: t.progress, waiting: t.waiting };
                    self.step(Event::Pong { reader, threads: pong.threads.iter().map(progress).collect() });
                },
                outcome = updates::finished(&mut self.updates.running) => self.built(outcome),
                damaged = recovery::verified(&mut self.verification) => self.verified(damaged),
                _ = tick.tick() => self.step(Event::Tick),
            }
        }
    }

    /// Says in the manifest that nothing was cut short.
    fn finish(self) {
        if let Some(state) = self.newest_committed()
            && let Err(error) = self.directory.save(state, true)
        {
            warn!(%error, "manifest-not-written");
        }
        info!("memmgr-stopped");
    }

    /// Takes a step of the rotation and carries out what follows, further steps included.
    fn step(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let (rotation, actions) = std::mem::take(&mut self.rotation).step(self.began.elapsed(), event);
            self.rotation = rotation;
            for action in actions {
                events.extend(self.act(action));
            }
        }
        self.tell_ready();
    }

    /// Carries one action out; some are answered by an event.
    fn act(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Commit { generation } => return Some(self.commit(generation)),
            Action::Announce { reader, generation } => {
                config::fault::hit("memmgr-announce");
                if let Some(state) = self.states.get(&generation) {
                    self.readers.announce(&self.client, reader, state);
                }
            }
            Action::Ping { reader } => self.ping(reader),
            Action::Kill { reader, reason, generation, waited } => self.kill(reader, reason, generation, waited),
            Action::BecameCurrent { generation } => self.became_current(generation),
            Action::Retire { generation } => self.retire(generation),
            Action::StartBuild => self.start_build(),
            Action::Ignored { reader, why } => warn!(?reader, %why, "rotation-event-ignored"),
        }
        None
    }

    /// Writes the manifest that names a generation.
    fn commit(&mut self, generation: u64) -> Event {
        config::fault::hit("memmgr-before-manifest");
        let Some(state) = self.states.get(&generation) else { return Event::BuildFailed { generation } };
        match self.directory.save(state, false) {
            Ok(()) => {
                config::fault::hit("memmgr-after-manifest");
                info!(generation, "generation-published");
                Event::Committed { generation }
            }
            Err(error) => {
                error!(generation, %error, "manifest-not-written");
                self.source_error = Some(error.to_string());
                for published in self.updates.abandoned(generation) {
                    self.refuse_all(published.waiters, &error.to_string());
                }
                Event::BuildFailed { generation }
            }
        }
    }

    /// Asks a reader for a sign of life, without waiting for it here.
    fn ping(&self, reader: ReaderId) {
        let Some(address) = self.readers.address(reader) else { return };
        let (client, pongs) = (self.client.clone(), self.pongs.0.clone());
        tokio::spawn(async move {
            let to = Recipient::Address(address);
            if let Ok(reply) = client.request(&to, &ToReader::Ping {}, &[], PING_TIMEOUT).await
                && let Ok(pong) = reply.parse()
            {
                // A loop that has ended needs no pong.
                let _ = pongs.send((reader, pong)).await;
            }
        });
    }

    /// Ends a reader: ours by the supervisor, who is its parent; anybody else's is only dropped.
    fn kill(&mut self, id: ReaderId, reason: KillReason, generation: Option<u64>, waited: Duration) {
        let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let event = |reader: &readers::Reader| KillEvent {
            pid: reader.pid,
            role: reader.role.as_str().to_owned(),
            generation,
            reason: reason.to_string(),
            waited_ms,
            at_unix: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        };
        let Some((address, reader)) = self.readers.killed(id, event) else { return };
        let role = reader.role.as_str();
        warn!(pid = reader.pid, role, generation, waited_ms, %reason, "reader-killed");
        if let Some(slot) = reader.slot {
            let reason = readers::kill_record_reason(reason);
            let generation = generation.unwrap_or(0);
            self.link.send(Record::Kill { slot, pid: reader.pid, reason, generation, waited_ms });
        }
        self.broker.disconnect(&address, &reason.to_string());
    }

    /// Every reader answers from this generation.
    fn became_current(&mut self, generation: u64) {
        info!(generation, "generation-current");
        if let Some(remains) = self.remains.take() {
            self.unlink_unused(&remains);
        }
        let _ = self
            .client
            .notify(GENERATIONS_FAMILY, &serde_json::json!({ "generation": generation, "state": "current" }));
        for Published { report, waiters, .. } in self.updates.visible(generation) {
            self.answer_all(waiters, &updates::reloaded(generation, &report));
        }
    }

    /// A generation is gone: its files without other use are unlinked.
    fn retire(&mut self, generation: u64) {
        config::fault::hit("memmgr-retire");
        if let Some(state) = self.states.remove(&generation) {
            self.unlink_unused(&state);
            info!(generation, "generation-released");
        }
    }

    /// Unlinks the files of a generation that no other one uses.
    fn unlink_unused(&self, state: &State) {
        let used: BTreeSet<LayerId> =
            self.states.values().flat_map(|state| state.contents.layers().map(|layer| layer.id)).collect();
        for layer in state.contents.layers().filter(|layer| !used.contains(&layer.id)) {
            if let Err(error) = std::fs::remove_file(&layer.path) {
                warn!(path = %layer.path.display(), %error, "segment-not-removed");
            }
        }
    }

    /// Builds what has gathered, if a place for it is free.
    fn start_build(&mut self) {
        if self.updates.running.is_some() || !self.rotation.may_build() {
            return;
        }
        let Some(gathered) = self.updates.gathered.take() else { return };
        let request = BuildRequest {
            base: self.states.values().next_back().or(self.remains.as_ref()).cloned(),
            generation: self.rotation.next_generation(),
            key: self.key,
            scope: gathered.scope,
            zones: self.options.zones.clone(),
            segments: self.directory.segments(),
            distrusted: self.distrusted.clone(),
        };
        let task = tokio::task::spawn_blocking(move || build::build(&request));
        self.updates.running = Some(Running { task, waiters: gathered.waiters });
    }

    /// A build has ended.
    fn built(&mut self, outcome: Result<Outcome, updates::BuildFailure>) {
        let waiters = self.updates.running.take().map(|running| running.waiters).unwrap_or_default();
        match outcome {
            Ok(outcome) => self.take_outcome(outcome, waiters),
            Err(error) => {
                error!(%error, "build-failed");
                self.source_error = Some(error.to_string());
                self.refuse_all(waiters, &error.to_string());
            }
        }
        self.start_build();
    }

    /// Takes in what a build found.
    fn take_outcome(&mut self, outcome: Outcome, waiters: Vec<Message>) {
        let Outcome { candidate, zones, report } = outcome;
        self.source_error = (!report.unnamed.is_empty()).then(|| report.unnamed.join("\n"));
        report.failed.iter().for_each(|(zone, error)| warn!(%zone, error, "zone-not-loaded"));
        report.warnings.iter().for_each(|warning| warn!(warning, "zone-check"));
        if let Some(state) = candidate {
            let generation = state.generation;
            info!(generation, changed = report.changed.len(), "generation-built");
            let in_use = |id: &LayerId| state.contents.layers().any(|layer| layer.id == *id);
            self.distrusted.retain(in_use);
            self.states.insert(generation, Arc::new(state));
            self.updates.published.push(Published { generation, report, waiters });
            self.step(Event::Built { generation });
            return;
        }
        self.note_zones(zones);
        let generation = self.states.keys().next_back().copied().unwrap_or(0);
        if self.rotation.current().is_some_and(|current| current >= generation) {
            self.answer_all(waiters, &updates::reloaded(generation, &report));
        } else {
            self.updates.published.push(Published { generation, report, waiters });
        }
    }

    /// Notes what was found about zones whose data did not change.
    fn note_zones(&mut self, zones: crate::generation::Catalogue) {
        let Some(newest) = self.states.values().next_back().filter(|state| state.zones != zones) else { return };
        let state = Arc::new(State { zones, ..State::clone(newest) });
        let generation = state.generation;
        self.states.insert(generation, Arc::clone(&state));
        if self.rotation.newest() == Some(generation)
            && let Err(error) = self.directory.save(&state, false)
        {
            warn!(%error, "manifest-not-written");
        }
    }

    /// The verification has ended: what is damaged is built anew.
    fn verified(&mut self, damaged: Vec<LayerId>) {
        self.verification = None;
        if damaged.is_empty() {
            return info!("segments-verified");
        }
        self.distrusted.extend(damaged);
        self.updates.ask(Scope::Zones(BTreeSet::new()), None);
        self.start_build();
    }

    /// Takes a message from the bus.
    fn message(&mut self, message: Message) {
        if let Some(notice) = self.client.membership_notice(&message) {
            self.membership(&notice.event);
        } else if let Ok(word) = message.parse::<FromReader>() {
            self.reader(message, word);
        } else if message.request.is_some() {
            self.command(message);
        } else {
            warn!(from = %message.from, "bus-message-unreadable");
        }
    }

    /// Somebody came or went.
    fn membership(&mut self, event: &MembershipEvent) {
        if let MembershipEvent::Disconnected { address } = event
            && let Some(reader) = self.readers.remove(address)
        {
            info!(pid = reader.pid, role = reader.role.as_str(), "reader-gone");
            self.step(Event::ReaderGone { reader: reader.id });
        }
    }

    /// A reader speaks.
    fn reader(&mut self, message: Message, word: FromReader) {
        if let FromReader::Attach { role, slot, generation, holds } = word {
            return self.attach(&message, role, slot, generation, holds);
        }
        let Some(reader) = self.readers.spoke(&message.from) else {
            return warn!(from = %message.from, ?word, "reader-message-from-stranger");
        };
        let id = reader.id;
        match word {
            FromReader::Attach { .. } => {}
            FromReader::Acknowledge { generation } => self.step(Event::Acknowledged { reader: id, generation }),
            FromReader::Release { generation } => {
                let now =
                    self.rotation.readers().iter().find(|status| status.reader == id).and_then(|s| s.acknowledged);
                if let (Some(state), Some(reader)) =
                    (now.and_then(|now| self.states.get(&now)), self.readers.spoke(&message.from))
                {
                    reader.released(state);
                }
                self.step(Event::Released { reader: id, generation });
            }
            FromReader::Refuse { generation, error } => {
                warn!(pid = reader.pid, generation, error, "generation-refused");
                reader.error = Some(error);
                self.step(Event::Refused { reader: id, generation });
            }
        }
    }

    /// A reader attaches.
    fn attach(
        &mut self,
        message: &Message,
        role: Role,
        slot: Option<u32>,
        generation: Option<u64>,
        holds: Vec<bus::protocol::reader::LayerIdentity>,
    ) {
        let Some(peer) = self.broker.peer(&message.from) else { return };
        let is_ours = peer.uid == nix::unistd::Uid::current().as_raw();
        // Only our own processes have a part; whatever another user's says it is, it is a reader.
        let (role, slot) = if is_ours { (role, slot) } else { (Role::Reader, None) };
        let held = generation.filter(|generation| {
            let identities = holds.iter().map(|identity| (identity.id, identity.content_hash)).collect::<BTreeSet<_>>();
            self.states.get(generation).is_some_and(|state| state.contents.identities().is_subset(&identities))
        });
        let new = Newcomer { role, slot, pid: peer.pid, uid: peer.uid, holds };
        let Some(reader) = self.readers.attach(message.from, new) else {
            return self.refuse(message, "attached already; one attachment a connection");
        };
        info!(pid = peer.pid, role = role.as_str(), generation = held, "reader-attached");
        self.answer(message, &Attached { generation: self.rotation.newest() });
        self.step(Event::ReaderJoined { reader, holds: held });
    }

    /// The supervisor speaks.
    fn record(&mut self, record: Record) {
        match record {
            Record::Ping { number } => self.link.send(Record::Pong { number }),
            Record::Reload => self.reload(Scope::All, None),
            other => warn!(?other, "supervisor-record-unexpected"),
        }
    }

    /// Compares sources, now or as soon as a place is free.
    fn reload(&mut self, scope: Scope, waiter: Option<Message>) {
        self.updates.ask(scope, waiter);
        self.start_build();
    }

    /// Tells the supervisor once that every auth process answers.
    fn tell_ready(&mut self) {
        let (false, Some(newest)) = (self.is_ready, self.rotation.newest()) else { return };
        let statuses = self.rotation.readers();
        let answering = self.readers.auth(&statuses).filter(|generation| *generation == Some(newest)).count();
        if answering < self.options.auth as usize {
            return;
        }
        let Some(state) = self.states.get(&newest) else { return };
        let (zones, records) = state.served();
        self.is_ready = true;
        self.link.send(Record::Ready { generation: newest, zones, records, auth: answering as u64 });
    }

    /// The newest generation that the manifest names.
    fn newest_committed(&self) -> Option<&State> {
        self.rotation.newest().and_then(|generation| self.states.get(&generation)).map(Arc::as_ref)
    }
}

/// Subscribes to what memmgr has to hear.
///
/// # Errors
///
/// When the broker is gone.
pub(crate) async fn subscribe(client: &Client) -> Result<(), bus::RequestError> {
    client.subscribe(&bus::group::MEMBERS).await?;
    client.subscribe(&MEMMGR_GROUP).await
}

/// A zone named by an operator.
fn zone_name(text: &str) -> Result<Name, String> {
    let absolute = if text.ends_with('.') { text.to_owned() } else { format!("{text}.") };
    absolute.parse().map_err(|error| format!("expected a zone's name, found {text:?}: {error}"))
}
