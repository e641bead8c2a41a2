//! What all transfers share: [`Desk`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bus::protocol::control::{Command, CommandError, GenerationReached, Reached};
use config::peers::{Remote, signing_keys};
use config::policy::{Catalog, ZonePolicy, Zones};
use config::process::XfroutOptions;
use dns::tsig::Keys;
use dns::types::Rcode;
use tokio::sync::watch;
use tracing::{debug, info, warn};
use zone_segment::{NameRef, ZoneSet};

use super::journal::Journal;
use super::members::Members;
use super::memmgr::Memmgr;
use super::quota::Quota;
use super::telling::Telling;
use crate::reader::Leases;

/// What all transfers share.
#[derive(Debug)]
pub(super) struct Desk {
    /// The newest generation.
    current: Arc<ArcSwapOption<ZoneSet>>,
    /// The newest generation that is known to be durable and acknowledged by all.
    settled: AtomicU64,
    /// Held by whoever asks whether a generation is; others wait for the same answer.
    settling: tokio::sync::Mutex<()>,
    /// Where leases are asked for.
    pub(super) leases: Leases,
    /// To memmgr.
    pub(super) memmgr: Memmgr,
    /// Keys shared with other servers.
    pub(super) keys: Keys,
    /// Who may have which zone, and who is told of it.
    policies: Zones,
    /// The members of catalogs.
    members: Members,
    /// Other servers.
    remotes: Vec<Remote>,
    /// Places for transfers.
    pub(super) quota: Arc<Quota>,
    /// Places for those who are refused and do not read that.
    pub(super) refused: Arc<Quota>,
    /// What changed in zones.
    pub(super) journal: Journal,
    /// How often it is told that somebody is refused, who need not be a client.
    telling: Telling,
    /// How long a client may take nothing.
    pub(super) send_timeout: Duration,
}

impl Desk {
    /// The desk of a process with these options.
    pub(super) fn new(options: &XfroutOptions, current: Arc<ArcSwapOption<ZoneSet>>, leases: Leases) -> Arc<Self> {
        let transfers = options.transfers;
        Arc::new(Self {
            current,
            settled: AtomicU64::new(0),
            settling: tokio::sync::Mutex::default(),
            leases,
            memmgr: Memmgr::new(&options.bus),
            keys: signing_keys(&options.keys),
            policies: options.policies.clone(),
            members: Members::default(),
            remotes: options.remotes.clone(),
            quota: Quota::new(transfers.connections_max, transfers.connections_per_client_max),
            refused: Quota::new(REFUSED_MAX, REFUSED_PER_CLIENT_MAX),
            journal: Journal::default(),
            telling: Telling::new(Instant::now()),
            send_timeout: Duration::from_millis(transfers.send_timeout_ms),
        })
    }

    /// The newest generation, once every auth process answers from it and a power cut does not take it back: what a client gets is never undone.
    /// None where there is none, or it does not come so far in time.
    ///
    /// Nothing older is kept for the time until then: it is a matter of milliseconds, and a client that has seen a new serial in an answer must
    /// not be given an older one.
    pub(super) async fn settled(&self) -> Option<Arc<ZoneSet>> {
        match tokio::time::timeout(SETTLE_MAX, self.until_settled()).await {
            Ok(zones) => zones,
            Err(_) => {
                let generation = self.current.load().as_ref().map(|zones| zones.generation());
                warn!(generation, waited_s = SETTLE_MAX.as_secs(), "generation-not-durable");
                None
            }
        }
    }

    /// The same, however long it takes.
    async fn until_settled(&self) -> Option<Arc<ZoneSet>> {
        let begun = Instant::now();
        loop {
            let zones = self.current.load_full()?;
            let generation = zones.generation();
            if self.is_settled(generation) {
                return Some(zones);
            }
            // Not held while it is waited for: there may be others meanwhile, and this one is to be released. Under changes without a pause the newest is
            // never on the disk, so that after a while one is held until it is.
            let held = (begun.elapsed() >= HOLD_AFTER).then_some(zones);
            let _asking = self.settling.lock().await;
            if !self.is_settled(generation) {
                if let Err(error) = self.ask_settled(generation).await {
                    // memmgr is being replaced, or that generation was.
                    debug!(generation, error, "generation-not-settled");
                    tokio::time::sleep(ASK_AGAIN).await;
                    continue;
                }
                self.settled.fetch_max(generation, Ordering::Relaxed);
            }
            if held.is_some() {
                return held;
            }
        }
    }

    /// Tells that a transfer is refused.
    pub(super) fn tell_refused(&self, client: SocketAddr, zone: Option<NameRef<'_>>, rcode: Rcode) {
        if let Some(left_out) = self.telling.may_tell(Instant::now()) {
            let (zone, left_out) = (zone.map(tracing::field::display), (left_out > 0).then_some(left_out));
            info!(%client, zone, %rcode, left_out, "transfer-refused");
        }
    }

    /// The newest generation, be it settled or not.
    pub(super) fn current(&self) -> Option<Arc<ZoneSet>> {
        self.current.load_full()
    }

    /// Keeps the members of catalogs as memmgr has them, for ever; `switched` tells of each generation.
    pub(super) async fn follow_members(&self, switched: watch::Receiver<u64>) {
        match self.has_catalogs() {
            true => self.members.follow(&self.memmgr, switched).await,
            false => std::future::pending().await,
        }
    }

    /// Whether zones are served by what catalogs say.
    fn has_catalogs(&self) -> bool {
        self.policies.any(|policy| matches!(policy.catalog, Some(Catalog::Interpret { .. })))
    }

    /// Whether it is known which zones are members of catalogs.
    pub(super) fn knows_members(&self) -> bool {
        !self.has_catalogs() || self.members.are_known()
    }

    /// Whether a zone's policy is known: until memmgr has said which zones are members of catalogs, only that of zones with one of their own is.
    pub(super) fn knows_policy(&self, apex: NameRef<'_>) -> bool {
        self.policies.names(apex) || self.knows_members()
    }

    /// Asks something of a zone's policy: its own, or that of the template by which its catalog has it served.
    pub(super) fn policy<T>(&self, apex: NameRef<'_>, ask: impl FnOnce(&ZonePolicy) -> T) -> T {
        let template = self.members.template(apex).filter(|_| !self.policies.names(apex));
        let policy = template.as_deref().and_then(|template| self.policies.template(template));
        ask(policy.unwrap_or_else(|| self.policies.policy(apex)))
    }

    /// Whether anybody is told of changes of any zone.
    pub(super) fn notifies(&self) -> bool {
        self.policies.any(|policy| !policy.notify.is_empty())
    }

    /// Whether anybody is told of changes of a zone.
    pub(super) fn has_notify(&self, apex: NameRef<'_>) -> bool {
        self.policy(apex, |policy| !policy.notify.is_empty())
    }

    /// The remotes that are told of changes of a zone, by their places among all.
    pub(super) fn notified(&self, apex: NameRef<'_>) -> Vec<usize> {
        let place = |name: &String| self.remotes.iter().position(|remote| remote.name == *name);
        self.policy(apex, |policy| policy.notify.iter().filter_map(place).collect())
    }

    /// A remote by its place.
    pub(super) fn remote(&self, place: usize) -> Option<&Remote> {
        self.remotes.get(place)
    }

    /// Whether a generation is known to be settled. A later one says it of all before.
    fn is_settled(&self, generation: u64) -> bool {
        // Relaxed: says nothing of other memory.
        self.settled.load(Ordering::Relaxed) >= generation
    }

    /// Waits until a generation is settled.
    async fn ask_settled(&self, generation: u64) -> Result<(), String> {
        let ask = Command::WaitGeneration { generation: Some(generation), until: Reached::Durable };
        let reply = self.memmgr.ask(&ask, SETTLE_MAX).await?;
        match reply.parse::<GenerationReached>() {
            Ok(reached) if reached.generation >= generation && reached.state == Reached::Durable => Ok(()),
            Ok(reached) => Err(format!("expected generation {generation} on the disk, found {reached:?}")),
            Err(error) => Err(reply.parse::<CommandError>().map_or_else(|_| error.to_string(), |said| said.error)),
        }
    }
}

/// How long a generation may take from its publication until it is durable and acknowledged, before who waits for it is refused.
const SETTLE_MAX: Duration = Duration::from_secs(10);

/// Those who are refused and do not read that, at a time: each is a descriptor and what it sent, for the send timeout.
const REFUSED_MAX: u32 = 64;

/// The same of one client's address.
const REFUSED_PER_CLIENT_MAX: u32 = 4;

/// A generation is held while it is waited for once this has passed.
const HOLD_AFTER: Duration = Duration::from_millis(250);

/// The wait before memmgr is asked once more.
const ASK_AGAIN: Duration = Duration::from_millis(50);
