//! The running memmgr: one loop that turns what happens into events of the rotation and carries its actions out.
//!
//! Everything that takes long happens elsewhere (builds and verification on their own threads), so that the loop answers within
//! milliseconds. [`Service`] is the type to read first; [`actions`] carries out what the rotation says, [`building`] starts and takes
//! in builds, [`conversation`] hears readers and the supervisor, [`control`] answers operators, [`messages`] updates over the wire. [`readers`], [`leases`],
//! [`updates`], [`secondaries`] and [`catalogs`] are its books, [`link`] its line to the supervisor; [`zones`] has what is known of the zones read after a start.

mod actions;
mod building;
mod catalogs;
mod changing;
mod control;
mod conversation;
mod delivery;
mod examination;
mod journal;
mod keeping;
mod leases;
mod link;
mod loading;
mod merging;
mod messages;
mod readers;
mod secondaries;
mod snapshot;
mod updates;
mod waiting;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bus::protocol::MEMMGR_GROUP;
use bus::protocol::reader::Pong;
use bus::{BrokerHandle, Client, Incoming};
use config::peers::signing_keys;
use config::process::MemmgrOptions;
use dns::tsig::Keys;
use tokio::sync::{mpsc, watch as watch_channel};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};
use zone_segment::{HashKey, LayerId, Name};

use crate::builder::Scope;
use crate::commits::{CommitRecord, Durable, Journal, LogSync, Syncer};
use crate::generation::State;
use crate::recovery::{self, Recovered, StateDirectory};
use crate::rotation::{Deadlines, Event, ReaderId, Rotation, ThreadProgress};
use crate::source::watch::{self, Watch};
use actions::Aftermath;
use building::Sourced;
use catalogs::Catalogs;
use changing::Changing;
use examination::Examinations;
use keeping::Kept;
use leases::Leases;
pub(crate) use link::Link;
use loading::Told;
use merging::Merging;
use readers::Readers;
use secondaries::Secondaries;
use snapshot::Snapshots;
use updates::Updates;
use waiting::Waiting;
use zones::Unread;

/// Deadlines are judged this often.
const TICK: Duration = Duration::from_millis(25);

/// How long a reader has for one ping; the rotation decides what a missing answer means.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the end waits for answers to be sent; with what else ends, the whole stays under 2 s.
const FAREWELL_MAX: Duration = Duration::from_millis(300);

/// How often the end looks whether they are.
const FAREWELL_CHECK: Duration = Duration::from_millis(1);

/// What is not needed to serve is left alone until every auth process answers, or for this long: the processors are theirs.
const LOOK_CLOSER_AFTER: Duration = Duration::from_millis(500);

/// A build that failed, for want of room or of sources, is tried again after this long.
const RETRY: Duration = Duration::from_secs(5);

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
    /// What readers keep for longer.
    leases: Leases,
    /// The keys that messages are signed with.
    keys: Keys,
    /// What was asked for of sources.
    updates: Updates,
    /// Changes that were handed in.
    changing: Changing,
    /// Who waits for a generation.
    waiting: Vec<Waiting>,
    /// Records of generations that are published by them, until they are.
    records: BTreeMap<u64, CommitRecord>,
    /// What the next record or manifest has to add to the journal, by generation: what changed, and which zones were replaced.
    sourced: BTreeMap<u64, Sourced>,
    /// Where layers' numbers are drawn from.
    numbers: Arc<AtomicU64>,
    /// Waits for the disk.
    syncer: Syncer,
    /// How far the disk is.
    durable: watch_channel::Receiver<Durable>,
    /// The log with generations that nobody waits for, and the last of them.
    unsynced: Option<(LogSync, u64)>,
    /// The layers that the manifest names.
    named: BTreeSet<LayerId>,
    /// Where records of the commit log were lost: the zones whose serials have left free since the start those that may have been given out.
    leaps: Option<BTreeSet<Name>>,
    /// Generations kept.
    kept: Kept,
    /// When generations were made, in seconds since 1970.
    made_at: BTreeMap<u64, u64>,
    /// The journal of changes.
    journal: Arc<Mutex<Journal>>,
    /// What is left to be done of steps taken.
    aftermath: Vec<Aftermath>,
    /// Layers being merged.
    merging: Merging,
    /// A manifest being prepared.
    snapshots: Snapshots,
    /// Layers found damaged and still in use.
    distrusted: BTreeSet<LayerId>,
    /// Files that recovery refused: of no use once what was in them is built anew.
    refused: Vec<PathBuf>,
    /// What is left of the start: the catalogue and the segments, looked at when readers have what they need.
    zones: Unread,
    /// The verification that runs, if one does.
    verification: Option<JoinHandle<Vec<LayerId>>>,
    /// What readers could not map.
    examinations: Examinations,
    /// What is wrong with the sources as a whole.
    source_error: Option<String>,
    /// Answers to pings, for the tasks that wait for them.
    pong_sender: mpsc::Sender<(ReaderId, Pong)>,
    /// The same, for the loop.
    pongs: mpsc::Receiver<(ReaderId, Pong)>,
    /// Whether the supervisor was told that all auth processes answer.
    is_ready: bool,
    /// What the supervisor was told of loads.
    told: Told,
    /// The zone directory under watch, where that is asked for.
    watch: Option<Watch>,
    /// Zones that come from primaries.
    secondaries: Secondaries,
    /// Catalog zones.
    catalogs: Catalogs,
    /// Gives memory that a build has left back to the system.
    give_back: fn(),
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
    /// Gives memory that a build has left back to the system.
    pub(crate) give_back: fn(),
}

impl Service {
    /// A service on what was recovered, nothing announced yet.
    ///
    /// # Errors
    ///
    /// The system refused a thread.
    pub(crate) fn new(parts: Parts) -> std::io::Result<Self> {
        let Parts { options, link, broker, client, recovered, give_back } = parts;
        let deadlines = Deadlines {
            switch_timeout: Duration::from_millis(options.switch_timeout_ms),
            release_timeout: Duration::from_millis(options.release_timeout_ms),
            stall_timeout: Duration::from_millis(options.stall_timeout_ms),
            ..Deadlines::default()
        };
        let (pong_sender, pongs) = mpsc::channel(PONGS_MAX);
        // Before sources are compared for the first time: what changes meanwhile is told.
        let watch = options.watch.then(|| Watch::new(&options.zones));
        let mut updates = Updates::default();
        updates.ask(Scope::all(), None);
        let (mut states, mut remains, mut is_unverified) = (BTreeMap::new(), None, false);
        let next_layer = recovered.state.as_ref().map_or(1, |state| state.next.layer);
        let numbers = Arc::new(AtomicU64::new(next_layer));
        let newest = recovered.state.as_ref().map_or(recovered.generation_floor, |state| state.generation);
        let syncer = Syncer::start(newest)?;
        let durable = syncer.durable();
        let journal = Arc::new(Mutex::new(Journal::new(recovered.directory.root())));
        let rotation = match recovered.state.map(Arc::new) {
            Some(state) if recovered.is_servable => {
                let rotation = Rotation::recovered(state.generation, deadlines);
                is_unverified = recovered.is_unverified;
                states.insert(state.generation, state);
                rotation
            }
            // Damaged in part: the build starts from what is whole, and its result is the first generation published.
            Some(state) => {
                let rotation = Rotation::empty_after(state.generation, deadlines);
                remains = Some(state);
                rotation
            }
            None => Rotation::empty_after(recovered.generation_floor, deadlines),
        };
        let kept_at = recovered.kept.iter().filter_map(|(entry, _)| Some((entry.generation, entry.at_unix?)));
        Ok(Service {
            keys: signing_keys(&options.keys),
            changing: Changing::default(),
            waiting: Vec::new(),
            records: BTreeMap::new(),
            sourced: BTreeMap::new(),
            numbers,
            syncer,
            durable,
            unsynced: None,
            named: recovered.named,
            leaps: recovered.directory.lost_serials().then(BTreeSet::new),
            kept: Kept::of(&recovered.kept, newest),
            made_at: kept_at.chain(recovered.made_unix.map(|made| (newest, made))).collect(),
            journal,
            aftermath: Vec::new(),
            merging: Merging::default(),
            secondaries: Secondaries::new(&options),
            catalogs: Catalogs::new(&options),
            snapshots: Snapshots::default(),
            options,
            directory: recovered.directory,
            key: recovered.key,
            broker,
            client,
            link,
            began: Instant::now(),
            give_back,
            rotation,
            states,
            remains,
            readers: Readers::default(),
            leases: Leases::default(),
            updates,
            distrusted: recovered.distrusted,
            refused: recovered.refused,
            zones: Unread::new(is_unverified, recovered.is_closed, recovered.patches),
            verification: None,
            examinations: Examinations::default(),
            source_error: None,
            pong_sender,
            pongs,
            is_ready: false,
            told: Told::default(),
            watch,
        })
    }

    /// Runs until the supervisor is gone or `stop` resolves.
    pub(crate) async fn run(mut self, mut incoming: Incoming, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        if self.states.is_empty() {
            // Nobody is served yet, and nothing is to be waited for.
            self.look_closer();
        }
        // First: what is a member of a catalog is not to be taken for what has no file.
        self.begin_secondaries();
        self.start_build();
        loop {
            tokio::select! {
                () = &mut stop => return self.finish().await,
                message = incoming.next() => match message {
                    Some(message) => self.message(message),
                    None => return error!("bus-broker-ended"),
                },
                record = self.link.next() => match record {
                    Some(record) => self.record(record),
                    None => return info!("supervisor-gone"),
                },
                pong = self.pongs.recv() => if let Some((reader, pong)) = pong {
                    self.pong(reader, &pong);
                },
                scope = watch::changed(&mut self.watch) => self.reload(scope, None),
                outcome = updates::finished(&mut self.updates.running) => self.built(outcome),
                ended = changing::ended(&mut self.changing.running) => self.changed(ended),
                prepared = snapshot::prepared(&mut self.snapshots) => self.prepared(prepared),
                merged = merging::ended(&mut self.merging) => self.merged(merged),
                Ok(()) = self.durable.changed() => self.answer_waiting(),
                zones = recovery::zones::ended(&mut self.zones.reading) => self.zones_read(zones),
                ended = self.secondaries.ended() => self.attempted(ended),
                damaged = recovery::verified(&mut self.verification) => self.verified(damaged),
                damaged = self.examinations.ended() => self.examined(&damaged),
                _ = tick.tick() => {
                    self.bury_the_dead();
                    self.step(Event::Tick);
                    self.judge_leases();
                    self.retry();
                    self.sync_the_rest();
                    self.tidy();
                    self.look_for_merges();
                    self.look_for_snapshots();
                    self.ask_primaries();
                    self.note_secondaries();
                    self.tell_progress();
                    if self.began.elapsed() > LOOK_CLOSER_AFTER {
                        self.look_closer();
                    }
                }
            }
            self.clear_up().await;
        }
    }

    /// A reader gave a sign of life.
    fn pong(&mut self, reader: ReaderId, pong: &Pong) {
        if let Some(address) = self.readers.address(reader) {
            self.readers.spoke(&address);
        }
        let threads = pong.threads.iter().map(|t| ThreadProgress { progress: t.progress, waiting: t.waiting });
        self.step(Event::Pong { reader, threads: threads.collect() });
    }

    /// Says in the manifest that nothing was cut short, and sees off what was said.
    async fn finish(mut self) {
        self.note_refreshed(|_, _| true);
        self.note_kept();
        if let Some(state) = self.newest_committed()
            // What is known to be damaged is not to be trusted after a restart of the machine.
            && let made_unix = self.made_at.get(&state.generation).copied()
            && let Err(error) = self.directory.save(state, made_unix, self.distrusted.is_empty())
        {
            warn!(%error, "manifest-not-written");
        }
        // One that does not read is not waited for.
        let _ = tokio::time::timeout(FAREWELL_MAX, self.sent()).await;
        info!("memmgr-stopped");
    }

    /// Waits until the kernel has every answer for whoever asked, that of the stop itself among them.
    async fn sent(&mut self) {
        // The broker takes what we say in its order: with its answer, what was said before is in its queues.
        if self.client.peers().await.is_ok() {
            while self.broker.peers().iter().any(|peer| peer.queued_bytes > 0) {
                tokio::time::sleep(FAREWELL_CHECK).await;
            }
        }
    }

    /// The newest generation that a start would find, as it stands by now.
    fn newest_committed(&self) -> Option<&Arc<State>> {
        self.rotation.newest().and_then(|generation| self.states.get(&generation))
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
