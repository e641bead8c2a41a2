//! The simulated world: its time, its processes, its messages, and what goes wrong in it.
//!
//! [`World::run`] is one run: a time of faults, then peace, in which everything must come to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use memmgr::rotation::{Action, Event, KillReason, ReaderId};

use crate::invariant::{self, Standing};
use crate::memory_manager::MemoryManager;
use crate::occurrence::{Entry, History, Occurrence, Order};
use crate::process::{FAULTS, Mood, Process, Session};
use crate::random::Random;

/// What must have happened at least once in all runs together, else the simulation proves less than it says.
pub(crate) const EXPECTED: [&str; 17] = [
    "candidate replaced",
    "commit failed",
    "early release",
    "build failed",
    "generation became current",
    "generation retired",
    "ignored message",
    "announced at publication",
    "killed: ping",
    "killed: release",
    "killed: stall",
    "killed: switch",
    "manifest lost",
    "memmgr died",
    "memmgr slept",
    "reader died",
    "second announcement queued",
];

/// The most processes at a time.
const PROCESSES_MAX: usize = 6;

/// How long peace may take to bring rest: the longest release, and time for those that were killed to come back.
const PEACE_MAX: Duration = Duration::from_secs(300);

/// A run.
#[derive(Debug)]
pub(crate) struct World {
    /// Where chance comes from.
    random: Random,
    /// The present.
    now: Duration,
    /// What is to happen, by time and then in order of arrangement.
    queue: BTreeMap<(Duration, u64), Occurrence>,
    /// Counts what was arranged.
    arranged: u64,
    /// The memory manager.
    pub(crate) memmgr: MemoryManager,
    /// The living processes.
    pub(crate) processes: BTreeMap<u64, Process>,
    /// Which process has which address.
    owners: BTreeMap<ReaderId, u64>,
    /// The addresses whose end memmgr has seen or caused.
    pub(crate) ended: BTreeSet<ReaderId>,
    /// The announcements that memmgr has no answer to.
    pub(crate) owed: BTreeMap<ReaderId, u64>,
    /// Counts processes.
    started: u64,
    /// Counts addresses.
    connected: u64,
    /// The last candidate that was not given up.
    pub(crate) last_built: u64,
    /// Faults are over.
    is_peace: bool,
    /// How long the generations stand as they stand.
    pub(crate) standing: Standing,
    /// How often each thing happened.
    tally: BTreeMap<&'static str, u64>,
    /// What happened.
    pub(crate) history: History,
}

impl World {
    /// A world before its first second.
    pub(crate) fn new(seed: u64) -> Self {
        let mut world = Self {
            random: Random::new(seed),
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            arranged: 0,
            memmgr: MemoryManager::new(),
            processes: BTreeMap::new(),
            owners: BTreeMap::new(),
            ended: BTreeSet::new(),
            owed: BTreeMap::new(),
            started: 0,
            connected: 0,
            last_built: 0,
            is_peace: false,
            standing: Standing::default(),
            tally: BTreeMap::new(),
            history: History::new(),
        };
        world.arrange(Duration::ZERO, Occurrence::Tick);
        world.arrange(Duration::ZERO, Occurrence::Chance);
        for _ in 0..world.random.below(4) {
            world.arrange(Duration::ZERO, Occurrence::Spawn);
        }
        world
    }

    /// One run, faults and peace.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        // Mostly short, so that there are many; at times long enough for release timeouts to follow each other.
        let peace_at = self.random.delay(20_000, 400_000);
        while self.now < peace_at {
            self.happen()?;
        }
        self.make_peace()?;
        while !invariant::is_at_rest(self) {
            if self.now > peace_at + PEACE_MAX {
                return Err(format!("no rest after {PEACE_MAX:?} of peace: {:?}", self.memmgr.rotation));
            }
            self.happen()?;
        }
        Ok(())
    }

    /// Adds how often each thing happened.
    pub(crate) fn count(&self, seen: &mut BTreeMap<&'static str, u64>) {
        for (what, times) in &self.tally {
            *seen.entry(what).or_default() += times;
        }
    }

    /// The next thing to happen.
    fn happen(&mut self) -> Result<(), String> {
        let Some(((at, _), occurrence)) = self.queue.pop_first() else {
            return Err("nothing is to happen any more".to_owned());
        };
        self.now = at;
        self.befall(occurrence)
    }

    /// Lets something happen at once.
    fn befall(&mut self, occurrence: Occurrence) -> Result<(), String> {
        match occurrence {
            Occurrence::ToMemmgr { .. } if self.memmgr.is_asleep => self.memmgr.held.push(occurrence),
            Occurrence::ToMemmgr { run, event } => self.arrive(run, event)?,
            Occurrence::Tick => self.tick()?,
            Occurrence::BuildEnds { run } if run == self.memmgr.run => self.build_ends(occurrence)?,
            Occurrence::CommitEnds { run, generation } if run == self.memmgr.run => {
                self.commit_ends(generation, occurrence)?;
            }
            Occurrence::BuildEnds { .. } | Occurrence::CommitEnds { .. } => {}
            Occurrence::Wakes => self.wake()?,
            Occurrence::Starts => self.start_memmgr(),
            Occurrence::Spawn => self.spawn(),
            Occurrence::Chance => self.chance(),
            Occurrence::ToProcess { process, .. }
            | Occurrence::Swap { process, .. }
            | Occurrence::UseEnds { process, .. }
            | Occurrence::Attach { process } => self.happen_to(process, occurrence),
        }
        Ok(())
    }

    /// Arranges something for later.
    fn arrange(&mut self, after: Duration, occurrence: Occurrence) {
        self.arranged += 1;
        self.queue.insert((self.now + after, self.arranged), occurrence);
    }

    /// Counts that something happened.
    fn note(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Writes a line of history.
    fn tell(&mut self, what: String) {
        self.history.push((self.now, Entry::World(what)));
    }

    // memmgr

    /// A message of a session reaches memmgr.
    fn arrive(&mut self, run: u64, event: Event) -> Result<(), String> {
        if run != self.memmgr.run || self.memmgr.rotation.is_none() {
            return Ok(());
        }
        match &event {
            Event::ReaderJoined { reader, .. } => {
                let (now, reader) = (self.now, *reader);
                if let Some(session) = self.session_mut(reader) {
                    session.joined.get_or_insert(now);
                }
            }
            Event::ReaderGone { reader } => {
                self.ended.insert(*reader);
            }
            Event::Acknowledged { reader, generation } if self.owed.get(reader) == Some(generation) => {
                self.owed.remove(reader);
            }
            _ => {}
        }
        self.step(event)
    }

    /// memmgr's timer, which does not pile up while memmgr sleeps.
    fn tick(&mut self) -> Result<(), String> {
        let after = self.random.delay(300, 1_000);
        self.arrange(after, Occurrence::Tick);
        if self.memmgr.is_asleep || self.memmgr.rotation.is_none() {
            return Ok(());
        }
        self.step(Event::Tick)
    }

    /// memmgr goes on: the timer first, then what lies unread.
    fn wake(&mut self) -> Result<(), String> {
        if !self.memmgr.is_asleep {
            return Ok(());
        }
        self.tell("memmgr wakes".to_owned());
        self.memmgr.is_asleep = false;
        self.step(Event::Tick)?;
        std::mem::take(&mut self.memmgr.held).into_iter().try_for_each(|occurrence| self.befall(occurrence))
    }

    /// A build that memmgr had begun is complete, or fails.
    fn build_ends(&mut self, occurrence: Occurrence) -> Result<(), String> {
        if self.memmgr.is_asleep {
            self.memmgr.held.push(occurrence);
            return Ok(());
        }
        self.memmgr.is_building = false;
        let waiting = self.memmgr.rotation.as_ref().and_then(|rotation| rotation.candidate());
        let generation = match waiting {
            // The candidate that waits is either gathered into or replaced.
            Some(waiting) if self.random.one_in(2) => waiting,
            _ => self.memmgr.next_generation(),
        };
        if waiting.is_some_and(|waiting| waiting != generation) {
            self.note("candidate replaced");
        }
        self.memmgr.files.insert(generation);
        self.memmgr.candidate_since.get_or_insert(self.now);
        self.last_built = generation;
        self.step(Event::Built { generation })?;
        if !self.is_peace && self.random.one_in(10) {
            self.note("build failed");
            self.step(Event::BuildFailed { generation })?;
        }
        Ok(())
    }

    /// The manifest is written, or can't be.
    fn commit_ends(&mut self, generation: u64, occurrence: Occurrence) -> Result<(), String> {
        if self.memmgr.is_asleep {
            self.memmgr.held.push(occurrence);
            return Ok(());
        }
        if !self.is_peace && self.random.one_in(10) {
            self.note("commit failed");
            return self.step(Event::BuildFailed { generation });
        }
        self.memmgr.manifest_previous = self.memmgr.manifest;
        self.memmgr.manifest = generation;
        if !self.is_peace && self.random.one_in(20) {
            self.tell(format!("memmgr dies after the manifest of generation {generation}"));
            self.memmgr_dies();
            return Ok(());
        }
        self.step(Event::Committed { generation })
    }

    /// memmgr begins a build unless one is under way.
    fn begin_build(&mut self) {
        if self.memmgr.rotation.is_some() && !self.memmgr.is_building {
            self.memmgr.is_building = true;
            let after = self.random.delay(1, 5_000);
            let run = self.memmgr.run;
            self.arrange(after, Occurrence::BuildEnds { run });
        }
    }

    /// memmgr dies, and every connection with it.
    fn memmgr_dies(&mut self) {
        self.note("memmgr died");
        self.memmgr.die();
        self.standing = Standing::default();
        let processes: Vec<u64> = self.processes.keys().copied().collect();
        for process in processes {
            self.disconnect(process);
        }
        let after = self.random.delay(10, 5_000);
        self.arrange(after, Occurrence::Starts);
    }

    /// memmgr starts again.
    fn start_memmgr(&mut self) {
        if self.memmgr.rotation.is_none() {
            self.memmgr.start(self.now);
            self.tell(format!("memmgr starts with generation {}", self.memmgr.manifest));
        }
    }

    /// The rotation takes a step, and its actions are carried out.
    fn step(&mut self, event: Event) -> Result<(), String> {
        let said = |world: &Self| {
            let rotation = world.memmgr.rotation.as_ref();
            rotation.map(|rotation| (rotation.generations(), rotation.readers()))
        };
        let before = matches!(
            event,
            Event::Acknowledged { .. } | Event::Released { .. } | Event::Refused { .. } | Event::ReaderJoined { .. }
        )
        .then(|| said(self));
        let is_first_tick = matches!(event, Event::Tick);
        let early = self.is_early_release(&event);
        let is_publication = matches!(event, Event::Committed { .. });
        let actions = self.memmgr.step(self.now, event.clone());
        self.history.push((self.now, Entry::Step(event, actions.clone())));
        if let Some(before) = before
            && matches!(actions.as_slice(), [Action::Ignored { .. }])
            && !is_alike(&before, &said(self))
        {
            return Err("an ignored message has changed the rotation".to_owned());
        }
        if early && actions.is_empty() {
            self.note("early release");
        }
        if is_publication {
            self.count_queued(&actions);
        }
        for action in actions {
            if matches!(action, Action::Kill { .. }) && !is_first_tick {
                return Err("killed without a tick".to_owned());
            }
            self.carry_out(action)?;
        }
        invariant::check(self)
    }

    /// Whether a release comes before the acknowledgement that it belongs to.
    fn is_early_release(&self, event: &Event) -> bool {
        let Event::Released { reader, generation } = event else {
            return false;
        };
        let readers = self.memmgr.rotation.as_ref().map(|rotation| rotation.readers()).unwrap_or_default();
        readers.iter().any(|known| {
            known.reader == *reader && known.acknowledged == Some(*generation) && known.announced.is_some()
        })
    }

    /// Counts readers that still owe an answer at a publication.
    fn count_queued(&mut self, actions: &[Action]) {
        let announced = actions.iter().filter(|action| matches!(action, Action::Announce { .. })).count();
        let known = self.memmgr.rotation.as_ref().map_or(0, |rotation| rotation.readers().len());
        if announced > 0 {
            self.note("announced at publication");
        }
        if announced < known {
            self.note("second announcement queued");
        }
    }

    /// Does what the rotation asks for.
    fn carry_out(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Commit { generation } => {
                invariant::check_commit(self)?;
                self.memmgr.candidate_since = None;
                let after = self.random.delay(1, 2_000);
                let run = self.memmgr.run;
                self.arrange(after, Occurrence::CommitEnds { run, generation });
            }
            Action::Announce { reader, generation } => {
                invariant::check_announcement(self, reader, generation)?;
                self.owed.insert(reader, generation);
                self.order(reader, Order::Switch(generation));
            }
            Action::Ping { reader } => self.order(reader, Order::Ping),
            Action::Kill { reader, reason, .. } => self.kill(reader, reason)?,
            Action::BecameCurrent { .. } => self.note("generation became current"),
            Action::Retire { generation } => {
                self.note("generation retired");
                if !self.memmgr.files.remove(&generation) {
                    return Err(format!("generation {generation} is retired twice"));
                }
            }
            Action::StartBuild => {
                if self.memmgr.rotation.as_ref().is_some_and(|rotation| rotation.may_build()) {
                    self.memmgr.candidate_since = None;
                }
                if !self.is_peace && self.random.one_in(2) {
                    self.begin_build();
                }
            }
            Action::Ignored { .. } => self.note("ignored message"),
        }
        Ok(())
    }

    /// Ends a reader for memmgr: a child dies, another loses its connection.
    fn kill(&mut self, reader: ReaderId, reason: KillReason) -> Result<(), String> {
        self.note(match reason {
            KillReason::SwitchTimeout => "killed: switch",
            KillReason::ReleaseTimeout => "killed: release",
            KillReason::Stalled { .. } => "killed: stall",
            KillReason::PingTimeout => "killed: ping",
        });
        self.ended.insert(reader);
        let Some(number) = self.owners.get(&reader).copied() else {
            return Ok(());
        };
        let Some(process) = self.processes.get(&number) else {
            return Ok(());
        };
        if process.session.as_ref().is_none_or(|session| session.id != reader) {
            return Ok(());
        }
        if process.is_clean {
            return Err(format!("{reader:?} did nothing wrong and is killed: {reason}"));
        }
        if process.is_child {
            self.die(number)
        } else {
            self.disconnect(number)
        }
        Ok(())
    }

    // messages

    /// The session of an address, while its process has it.
    fn session_mut(&mut self, reader: ReaderId) -> Option<&mut Session> {
        let process = self.processes.get_mut(self.owners.get(&reader)?)?;
        process.session.as_mut().filter(|session| session.id == reader)
    }

    /// Sends a message of memmgr.
    fn order(&mut self, session: ReaderId, order: Order) {
        let Some(process) = self.owners.get(&session).copied() else {
            return;
        };
        let mood = self.processes.get(&process).map(|process| process.mood);
        for after in self.arrivals(mood) {
            self.arrange(after, Occurrence::ToProcess { process, session, order });
        }
    }

    /// Sends a message of a process, over its connection if it has one.
    fn send(&mut self, number: u64, event: impl FnOnce(ReaderId) -> Event) {
        let mood = self.processes.get(&number).map(|process| process.mood);
        let arrivals = self.arrivals(mood);
        let (now, is_lossy) = (self.now, mood == Some(Mood::Lossy));
        let Some(session) = self.processes.get_mut(&number).and_then(|process| process.session.as_mut()) else {
            return;
        };
        let (run, event) = (session.run, event(session.id));
        let mut times = Vec::new();
        for after in arrivals {
            let at = if is_lossy { now + after } else { session.last_arrival.max(now + after) };
            session.last_arrival = session.last_arrival.max(at);
            times.push(at);
        }
        for at in times {
            self.arrange(at - now, Occurrence::ToMemmgr { run, event: event.clone() });
        }
    }

    /// When a message arrives: once and soon, unless its way is bad.
    fn arrivals(&mut self, mood: Option<Mood>) -> Vec<Duration> {
        if mood != Some(Mood::Lossy) {
            return vec![self.random.delay(0, 300)];
        }
        match self.random.below(4) {
            0 => Vec::new(),
            1 => vec![self.random.delay(0, 20_000), self.random.delay(0, 20_000)],
            _ => vec![self.random.delay(0, 3_000)],
        }
    }

    // processes

    /// Something happens to a process, now or when it goes on.
    fn happen_to(&mut self, number: u64, occurrence: Occurrence) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        if process.is_stopped {
            process.held.push(occurrence);
            return;
        }
        match occurrence {
            Occurrence::ToProcess { session, order, .. } => self.obey(number, session, order),
            Occurrence::Swap { session, generation, .. } => self.swap(number, session, generation),
            Occurrence::UseEnds { generation, .. } => self.use_ends(number, generation),
            Occurrence::Attach { .. } => self.attach(number),
            _ => {}
        }
    }

    /// A process is started.
    fn spawn(&mut self) {
        if self.processes.len() >= PROCESSES_MAX {
            return;
        }
        self.started += 1;
        let number = self.started;
        let process = Process::new(&mut self.random);
        self.processes.insert(number, process);
        self.tell(format!("process {number} starts"));
        let after = self.random.delay(1, 500);
        self.arrange(after, Occurrence::Attach { process: number });
    }

    /// A process dies, and its supervisor may start another.
    fn die(&mut self, number: u64) {
        self.disconnect(number);
        self.processes.remove(&number);
        self.tell(format!("process {number} is dead"));
        if self.random.one_in(2) {
            let after = self.random.delay(10, 3_000);
            self.arrange(after, Occurrence::Spawn);
        }
    }

    /// A process loses its connection; memmgr learns it, and the process tries again.
    fn disconnect(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        process.mapping = None;
        if let Some(session) = process.session.take() {
            // The kernel tells it: never lost, and after all that was sent.
            let after = session.last_arrival.saturating_sub(self.now) + self.random.delay(0, 100);
            let event = Event::ReaderGone { reader: session.id };
            self.arrange(after, Occurrence::ToMemmgr { run: session.run, event });
        }
        let after = self.random.delay(50, 3_000);
        self.arrange(after, Occurrence::Attach { process: number });
    }

    /// A process connects and says what it holds.
    fn attach(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number).filter(|process| process.session.is_none()) else {
            return;
        };
        if self.memmgr.rotation.is_none() {
            let after = self.random.delay(50, 1_000);
            return self.arrange(after, Occurrence::Attach { process: number });
        }
        self.connected += 1;
        let id = ReaderId(self.connected);
        let holds = process.current;
        process.session = Some(Session {
            id,
            run: self.memmgr.run,
            joined: None,
            claimed: holds,
            is_exempt: true,
            announced: None,
            last_arrival: self.now,
        });
        self.owners.insert(id, number);
        self.tell(format!("process {number} attaches as {id:?} with {holds:?}"));
        self.send_join(number, holds);
    }

    /// Sends the request to follow generations, which is repeated by the reader library until it is answered: not lossy.
    fn send_join(&mut self, number: u64, holds: Option<u64>) {
        let after = self.random.delay(0, 300);
        let Some(session) = self.processes.get_mut(&number).and_then(|process| process.session.as_mut()) else {
            return;
        };
        session.last_arrival = self.now + after;
        let (run, reader) = (session.run, session.id);
        self.arrange(after, Occurrence::ToMemmgr { run, event: Event::ReaderJoined { reader, holds } });
    }

    /// A process takes a message of memmgr.
    fn obey(&mut self, number: u64, from: ReaderId, order: Order) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        let Some(session) = process.session.as_mut().filter(|session| session.id == from) else {
            return;
        };
        let Order::Switch(generation) = order else {
            if process.mood != Mood::Silent {
                let threads = process.threads();
                self.send(number, |reader| Event::Pong { reader, threads });
            }
            return;
        };
        if session.announced.is_some_and(|announced| announced > generation) {
            return;
        }
        session.announced = Some(generation);
        if process.mood == Mood::Refuses {
            return self.send(number, |reader| Event::Refused { reader, generation });
        }
        if process.current == Some(generation) {
            return self.send(number, |reader| Event::Acknowledged { reader, generation });
        }
        if process.mapping != Some(generation) {
            process.mapping = Some(generation);
            let after = self.random.delay(1, 3_000);
            self.arrange(after, Occurrence::Swap { process: number, session: from, generation });
        }
    }

    /// A process answers from another generation from here on.
    fn swap(&mut self, number: u64, from: ReaderId, generation: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        let is_same_session = process.session.as_ref().is_some_and(|session| session.id == from);
        if !is_same_session || process.mapping != Some(generation) {
            return;
        }
        process.mapping = None;
        process.maps.insert(generation);
        let (old, mood) = (process.current.replace(generation), process.mood);
        // The last use may end, and be told, before the acknowledgement is.
        let is_early = self.random.one_in(5);
        if let Some(old) = old.filter(|_| is_early) {
            self.use_ends(number, old);
        }
        if mood != Mood::NeverAcknowledges {
            self.send(number, |reader| Event::Acknowledged { reader, generation });
        }
        if let Some(old) = old.filter(|_| !is_early) {
            let after = self.random.delay(1, 40_000);
            self.arrange(after, Occurrence::UseEnds { process: number, generation: old });
        }
    }

    /// The last use of a generation ends, unless it is one without end.
    fn use_ends(&mut self, number: u64, generation: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        if process.current == Some(generation) || process.mood == Mood::NeverReleases {
            return;
        }
        if process.maps.remove(&generation) {
            self.send(number, |reader| Event::Released { reader, generation });
        }
    }

    // chance

    /// Something goes wrong, or somebody changes a zone.
    fn chance(&mut self) {
        if self.is_peace {
            return;
        }
        let after = self.random.delay(10, 4_000);
        self.arrange(after, Occurrence::Chance);
        let numbers: Vec<u64> = self.processes.keys().copied().collect();
        let victim = self.random.pick(&numbers);
        match (self.random.below(20), victim) {
            (0..=6, _) => self.begin_build(),
            (7..=9, _) => self.spawn(),
            (10, Some(victim)) => {
                self.note("reader died");
                self.die(victim);
            }
            (11, Some(victim)) => self.disconnect(victim),
            (12..=14, Some(victim)) => self.infect(victim),
            (15, Some(victim)) => self.stop_or_continue(victim),
            (16, Some(victim)) => self.say_nonsense(victim),
            (17, _) if self.random.one_in(2) => self.put_to_sleep(),
            (18, _) if self.random.one_in(4) && self.memmgr.rotation.is_some() => {
                self.tell("memmgr dies".to_owned());
                self.memmgr_dies();
                if self.memmgr.manifest_previous != 0 && self.random.one_in(8) {
                    self.note("manifest lost");
                    self.memmgr.lose_manifest();
                }
            }
            _ => {}
        }
    }

    /// A process gets a fault, or gets over one.
    fn infect(&mut self, number: u64) {
        let mood = self.random.pick(&FAULTS).unwrap_or(Mood::Sound);
        if let Some(process) = self.processes.get_mut(&number) {
            if process.mood == Mood::Sound {
                process.fall_ill(mood);
                self.tell(format!("process {number} gets {mood:?}"));
            } else if self.random.one_in(3) {
                self.heal(number);
            }
        }
    }

    /// A process gets over its fault, and over what it did not do because of it.
    fn heal(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        process.mood = Mood::Sound;
        let unused: Vec<u64> = process.maps.iter().copied().filter(|map| process.current != Some(*map)).collect();
        for generation in unused {
            let after = self.random.delay(1, 2_000);
            self.arrange(after, Occurrence::UseEnds { process: number, generation });
        }
        self.tell(format!("process {number} is sound"));
    }

    /// A process is stopped by a signal, or goes on.
    fn stop_or_continue(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        process.is_stopped = !process.is_stopped;
        process.is_clean = false;
        let (is_stopped, held) = (process.is_stopped, std::mem::take(&mut process.held));
        self.tell(format!("process {number} stopped: {is_stopped}"));
        for occurrence in held {
            self.happen_to(number, occurrence);
        }
    }

    /// A liar says what comes to its mind; anybody can speak under an address that nobody has.
    fn say_nonsense(&mut self, number: u64) {
        let generation = match self.random.below(4) {
            0 => u64::MAX,
            _ => self.random.below(self.last_built + 3),
        };
        let is_stranger = self.random.one_in(4);
        let choice = self.random.below(4);
        if let Some(process) = self.processes.get_mut(&number)
            && !is_stranger
        {
            process.fall_ill(Mood::Lies);
        }
        self.send(number, |own| {
            let reader = if is_stranger { ReaderId(u64::MAX) } else { own };
            match choice {
                0 => Event::Acknowledged { reader, generation },
                1 => Event::Released { reader, generation },
                2 => Event::Refused { reader, generation },
                _ if is_stranger => Event::Pong { reader, threads: Vec::new() },
                _ => Event::ReaderJoined { reader, holds: Some(generation) },
            }
        });
    }

    /// memmgr is stopped for a while.
    fn put_to_sleep(&mut self) {
        if self.memmgr.rotation.is_some() && !self.memmgr.is_asleep {
            self.note("memmgr slept");
            self.tell("memmgr sleeps".to_owned());
            self.memmgr.is_asleep = true;
            let after = self.random.delay(100, 90_000);
            self.arrange(after, Occurrence::Wakes);
        }
    }

    /// Faults end: everyone is sound and running, and a last generation is built.
    fn make_peace(&mut self) -> Result<(), String> {
        self.is_peace = true;
        self.tell("peace".to_owned());
        self.wake()?;
        self.start_memmgr();
        let numbers: Vec<u64> = self.processes.keys().copied().collect();
        for number in numbers {
            if self.processes.get(&number).is_some_and(|process| process.is_stopped) {
                self.stop_or_continue(number);
            }
            self.heal(number);
        }
        self.begin_build();
        Ok(())
    }
}

/// What can be seen of a rotation: its generations and its readers.
type Seen = Option<(Vec<memmgr::rotation::GenerationStatus>, Vec<memmgr::rotation::ReaderStatus>)>;

/// Whether two views differ in nothing but the passing of time.
fn is_alike(before: &Seen, after: &Seen) -> bool {
    let timeless = |seen: &Seen| {
        seen.clone().map(|(generations, mut readers)| {
            readers.iter_mut().for_each(|reader| reader.pong_age = Duration::ZERO);
            (generations, readers)
        })
    };
    timeless(before) == timeless(after)
}
