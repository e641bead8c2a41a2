//! Following generations: attach, map what is new, swap one pointer, acknowledge, let go of the old one.
//!
//! One task does it all; no lock is held anywhere. What a process has to do with its own threads comes in as [`Hooks`]. A
//! generation that can't be taken is refused and the old one kept; a lost connection is made anew, and nothing of the old
//! session but the layers mapped is used in the new one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bus::protocol::reader::{Attached, FromReader, GroupLayers, LayerIdentity, Pong, Role, ThreadProgress, ToReader};
use bus::protocol::{MEMMGR_GROUP, reader};
use bus::session::Session;
use bus::{Address, Client, Group, Incoming, Message, Recipient};
use serde::Serialize;
use serde_json::Value;
use tracing::{info, warn};
use zone_segment::ZoneSet;

use super::layers::Layers;
use super::lease::{Book, Leases, Leasing};

/// How long memmgr may take to answer an attachment.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(5);

/// A generation that was followed is looked at this often until its last use has ended.
const RELEASE_CHECK: Duration = Duration::from_millis(2);

/// A switch on its way through a process's threads.
pub type Passing<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What a process does with its threads when the generation switches.
pub trait Hooks: Send {
    /// Resolves once every query thread has passed a batch boundary on this generation, which was swapped in before the call.
    fn passed(&self, generation: u64) -> Passing<'_>;

    /// How the query threads stand.
    fn progress(&self) -> Vec<ThreadProgress>;

    /// A connection to the bus was made and counts until it ends: whoever asks memmgr something may ask over it.
    fn connected(&self, _client: &Client) {}

    /// The group, if any, in which anybody may ask this process something.
    fn group(&self) -> Option<Group> {
        None
    }

    /// The answer to a request of somebody who is not memmgr; `None` to one that is not understood.
    fn asked(&self, _request: &Message) -> Option<Value> {
        None
    }
}

/// A process that follows generations.
pub struct Follower<H> {
    /// The bus's socket.
    bus: PathBuf,
    /// The part it plays.
    role: Role,
    /// The supervisor's number for it.
    slot: Option<u32>,
    /// Where the newest generation goes.
    current: Arc<ArcSwapOption<ZoneSet>>,
    /// What to do with threads.
    hooks: H,
    /// What outlives a session.
    held: Held,
    /// Leases, which outlive it too.
    leases: Book,
}

/// What a reader has, whatever becomes of the connection.
#[derive(Default)]
struct Held {
    /// Mapped.
    layers: Layers,
    /// The generation acknowledged last and its layers.
    current: Option<Taken>,
    /// Generations followed by another, until their last use ends.
    retiring: Vec<(Taken, Weak<ZoneSet>)>,
    /// Layers that have come for a switch that has not.
    coming: BTreeSet<u64>,
}

/// A generation taken.
struct Taken {
    /// Its number.
    generation: u64,
    /// Its layers.
    layers: BTreeSet<u64>,
}

/// One connection: nothing in it outlives it.
struct Link {
    /// To speak.
    client: Client,
    /// The one whose word counts: whoever answered the attachment.
    memmgr: Address,
    /// Why a layer of the coming switch could not be taken.
    layer_error: Option<String>,
    /// What is said of leases.
    leasing: Leasing,
    /// Where a test makes this process fail.
    points: FaultPoints,
}

/// The fault points of a reader, by its part: a test that means the processes that answer does not hit the one that gives zones away.
struct FaultPoints {
    /// A switch begins.
    switch: &'static str,
    /// A release is about to be told of.
    release: &'static str,
}

impl FaultPoints {
    /// Those of a part.
    fn of(role: Role) -> Self {
        match role {
            Role::Xfrout => FaultPoints { switch: "xfrout-switch", release: "xfrout-release" },
            Role::Auth | Role::Reader => FaultPoints { switch: "reader-switch", release: "reader-release" },
        }
    }
}

impl<H: Hooks> Follower<H> {
    /// A follower that is not connected yet.
    pub fn new(bus: &Path, role: Role, slot: Option<u32>, current: Arc<ArcSwapOption<ZoneSet>>, hooks: H) -> Self {
        Follower { bus: bus.to_owned(), role, slot, current, hooks, held: Held::default(), leases: Book::new() }
    }

    /// Where leases of this process are asked for.
    pub fn leases(&self) -> Leases {
        self.leases.handle()
    }

    /// Follows for ever.
    pub async fn run(mut self) {
        let mut session = Session::new(&self.bus, self.role.as_str());
        loop {
            let (client, incoming) = session.connect().await;
            match self.attach(client).await {
                Ok(link) => self.follow(link, incoming).await,
                Err(error) => {
                    warn!(%error, "reader-not-attached");
                    tokio::time::sleep(RELEASE_CHECK).await;
                }
            }
        }
    }

    /// Says who we are and what we have.
    async fn attach(&mut self, client: Client) -> Result<Link, bus::RequestError> {
        // What came for a switch of the old session belongs to no generation.
        self.held.coming.clear();
        let attach = FromReader::Attach {
            role: self.role,
            slot: self.slot,
            generation: self.held.current.as_ref().map(|taken| taken.generation),
            holds: self.held.lasting(),
        };
        let reply = client.request(&MEMMGR_GROUP.into(), &attach, &[], ATTACH_TIMEOUT).await?;
        if let Some(group) = self.hooks.group() {
            client.subscribe(&group).await?;
        }
        let attached: Option<Attached> = reply.parse().ok();
        info!(generation = attached.and_then(|attached| attached.generation), "reader-attached");
        self.hooks.connected(&client);
        let leasing = Leasing::begin(client.clone(), reply.from, &self.leases, &self.held.newest());
        Ok(Link { client, memmgr: reply.from, layer_error: None, leasing, points: FaultPoints::of(self.role) })
    }

    /// Lives one connection.
    async fn follow(&mut self, mut link: Link, mut incoming: Incoming) {
        let hooks = &self.hooks;
        let mut passing: Option<(u64, Passing<'_>)> = None;
        loop {
            let next_look = link.leasing.next_look();
            tokio::select! {
                message = incoming.next() => {
                    let Some(message) = message else { return };
                    if message.from != link.memmgr {
                        link.answer_stranger(&message, hooks.asked(&message));
                        continue;
                    }
                    match message.parse() {
                        Ok(ToReader::Ping {}) => link.pong(&message, hooks.progress()),
                        Ok(ToReader::Layers { layers }) => link.layers(&mut self.held, &layers, message),
                        Ok(ToReader::Switch { generation, directory, groups }) => {
                            match switch(&mut self.held, &self.current, &mut link, generation, &directory, &groups) {
                                Ok(()) => passing = Some((generation, hooks.passed(generation))),
                                Err(error) => link.refuse(generation, error),
                            }
                        }
                        Ok(ToReader::LeaseEnded { lease, reason }) => self.leases.ended(lease, reason),
                        Err(error) => warn!(%error, "reader-message-unreadable"),
                    }
                }
                generation = passed(&mut passing) => {
                    passing = None;
                    link.send(&FromReader::Acknowledge { generation });
                    // The word goes out before old layers are unmapped.
                    tokio::task::yield_now().await;
                    // With the last batch on it most often the last use of the one before has ended.
                    link.release(self.held.release(false));
                }
                // Of a generation that memmgr has not been told of there is no lease.
                Some(command) = self.leases.next(), if passing.is_none() => {
                    link.leasing.carry_out(&mut self.leases, command);
                }
                (number, reply) = link.leasing.answered() => {
                    link.leasing.take_in(&mut self.leases, number, reply, &self.held.newest());
                }
                () = tokio::time::sleep_until(next_look), if !self.leases.is_empty() => link.leasing.renew(&self.leases),
                () = tokio::time::sleep(RELEASE_CHECK), if self.held.is_any_retiring() => {
                    link.release(self.held.release(passing.is_some()));
                }
            }
        }
    }
}

/// Resolves when the switch under way has passed every thread; never when there is none.
async fn passed(passing: &mut Option<(u64, Passing<'_>)>) -> u64 {
    match passing {
        Some((generation, future)) => {
            future.await;
            *generation
        }
        None => std::future::pending().await,
    }
}

/// Assembles a generation and makes it the one that is answered from.
fn switch(
    held: &mut Held,
    current: &ArcSwapOption<ZoneSet>,
    link: &mut Link,
    generation: u64,
    directory: &[u64],
    groups: &[GroupLayers],
) -> Result<(), String> {
    config::fault::hit(link.points.switch);
    held.coming.clear();
    if let Some(error) = link.layer_error.take() {
        return Err(error);
    }
    let before = current.load_full();
    let zones = held.layers.assemble(before.as_deref(), generation, directory, groups);
    let zones = zones.map_err(|error| error.to_string())?;
    drop(before);
    let layers = directory.iter().chain(groups.iter().flat_map(|group| &group.layers)).copied().collect();
    let old = current.swap(Some(Arc::new(zones)));
    let taken = held.current.replace(Taken { generation, layers });
    if let (Some(taken), Some(old)) = (taken, old) {
        held.retiring.push((taken, Arc::downgrade(&old)));
    }
    info!(generation, "reader-switched");
    Ok(())
}

impl Held {
    /// The layers that stay mapped whatever use ends: those of the generation answered from.
    fn lasting(&self) -> Vec<LayerIdentity> {
        let used = self.current.as_ref().map(|taken| &taken.layers);
        let is_used = |identity: &LayerIdentity| used.is_some_and(|used| used.contains(&identity.id));
        self.layers.identities().into_iter().filter(is_used).collect()
    }

    /// The layers of the generation answered from.
    fn newest(&self) -> BTreeSet<u64> {
        self.current.as_ref().map(|taken| taken.layers.clone()).unwrap_or_default()
    }

    /// Whether the last use of any generation has yet to end.
    fn is_any_retiring(&self) -> bool {
        !self.retiring.is_empty()
    }

    /// Takes out the generations whose last use has ended and unmaps what only they used. While a switch is passing through
    /// the threads, none is told: the acknowledgement goes first.
    fn release(&mut self, is_passing: bool) -> Vec<u64> {
        if is_passing {
            return Vec::new();
        }
        let mut ended = Vec::new();
        self.retiring.retain(|(taken, zones)| {
            let in_use = zones.strong_count() > 0;
            if !in_use {
                ended.push(taken.generation);
            }
            in_use
        });
        if !ended.is_empty() {
            let retiring = self.retiring.iter().map(|(taken, _)| taken);
            let used = self.current.iter().chain(retiring).flat_map(|taken| &taken.layers).chain(&self.coming);
            self.layers.keep_only(&used.copied().collect());
        }
        ended
    }
}

impl Link {
    /// Maps the layers of a message.
    fn layers(&mut self, held: &mut Held, announced: &[LayerIdentity], mut message: Message) {
        let descriptors = std::mem::take(&mut message.descriptors);
        if message.request.is_some()
            && let Err(error) = self.client.reply(&message, &reader::Taken {}, &[])
        {
            warn!(%error, "reader-message-not-sent");
        }
        if announced.len() != descriptors.len() {
            let (expected, found) = (announced.len(), descriptors.len());
            self.layer_error = Some(format!("expected {expected} descriptors with a message of layers, found {found}"));
            return;
        }
        for (identity, descriptor) in announced.iter().zip(descriptors) {
            match held.layers.take(*identity, descriptor) {
                Ok(()) => drop(held.coming.insert(identity.id)),
                Err(error) => self.layer_error = Some(error.to_string()),
            }
        }
    }

    /// Says that the last use of generations has ended.
    fn release(&self, generations: Vec<u64>) {
        for generation in generations {
            config::fault::hit(self.points.release);
            self.send(&FromReader::Release { generation });
        }
    }

    /// Answers a ping.
    fn pong(&self, ping: &Message, threads: Vec<ThreadProgress>) {
        if let Err(error) = self.client.reply(ping, &Pong { threads }, &[]) {
            warn!(%error, "reader-pong-not-sent");
        }
    }

    /// Answers somebody who is not memmgr, if there is an answer.
    fn answer_stranger(&self, request: &Message, answer: Option<Value>) {
        match answer.filter(|_| request.request.is_some()) {
            Some(answer) => {
                if let Err(error) = self.client.reply(request, &answer, &[]) {
                    warn!(%error, "reader-message-not-sent");
                }
            }
            None => warn!(from = %request.from, "reader-message-from-stranger"),
        }
    }

    /// Says that a generation can't be taken; what is there goes on.
    fn refuse(&self, generation: u64, error: String) {
        warn!(generation, error, "reader-generation-refused");
        self.send(&FromReader::Refuse { generation, error });
    }

    /// Says something to memmgr.
    fn send(&self, body: &impl Serialize) {
        if let Err(error) = self.client.send(&Recipient::Address(self.memmgr), body, &[]) {
            // The connection is gone, which the next read will tell.
            warn!(%error, "reader-message-not-sent");
        }
    }
}
