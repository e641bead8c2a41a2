//! The readers attached: who they are on the bus, what they were sent, and what they are sent next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bus::protocol::control::{ConsumerStatus, KillEvent};
use bus::protocol::reader::{LayerIdentity, Role, ToReader};
use bus::{Address, Client, Recipient};
use tracing::warn;

use crate::generation::{LayerFile, State};
use crate::rotation::{KillReason, ReaderId, ReaderStatus};

/// Descriptors sent in one message; the bus allows as many.
const LAYERS_A_MESSAGE: usize = 64;

/// Kills remembered for the status.
const KILLS_MAX: usize = 32;

/// One reader.
#[derive(Debug)]
pub(super) struct Reader {
    /// Its number in the rotation.
    pub(super) id: ReaderId,
    /// The part it plays.
    pub(super) role: Role,
    /// The supervisor's number for it.
    pub(super) slot: Option<u32>,
    /// Its process, from the kernel.
    pub(super) pid: i32,
    /// Its user, from the kernel.
    uid: u32,
    /// Layers it has: mapped, or on the way.
    holds: BTreeSet<(u64, u128)>,
    /// When it last said anything.
    seen: Instant,
    /// Why it refused the newest generation.
    pub(super) error: Option<String>,
}

/// Every reader, by address.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// Those attached.
    attached: BTreeMap<Address, Reader>,
    /// Numbers given out.
    last_id: u64,
    /// The last ones killed.
    kills: VecDeque<KillEvent>,
}

/// Who attaches.
pub(super) struct Newcomer {
    /// The part it plays.
    pub(super) role: Role,
    /// The supervisor's number for it.
    pub(super) slot: Option<u32>,
    /// Its process.
    pub(super) pid: i32,
    /// Its user.
    pub(super) uid: u32,
    /// Layers it has mapped.
    pub(super) holds: Vec<LayerIdentity>,
}

impl Readers {
    /// Takes one in; `None` when its address is attached already.
    pub(super) fn attach(&mut self, address: Address, new: Newcomer) -> Option<ReaderId> {
        if self.attached.contains_key(&address) {
            return None;
        }
        self.last_id += 1;
        let id = ReaderId(self.last_id);
        let holds = new.holds.iter().map(|identity| (identity.id, identity.content_hash)).collect();
        let Newcomer { role, slot, pid, uid, .. } = new;
        self.attached.insert(address, Reader { id, role, slot, pid, uid, holds, seen: Instant::now(), error: None });
        Some(id)
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, address: &Address) -> Option<Reader> {
        self.attached.remove(address)
    }

    /// Takes out a reader that was killed, and remembers it.
    pub(super) fn killed(
        &mut self,
        id: ReaderId,
        event: impl FnOnce(&Reader) -> KillEvent,
    ) -> Option<(Address, Reader)> {
        let address = self.address(id)?;
        let reader = self.attached.remove(&address)?;
        if self.kills.len() == KILLS_MAX {
            self.kills.pop_front();
        }
        self.kills.push_back(event(&reader));
        Some((address, reader))
    }

    /// The reader at an address, noting that it spoke.
    pub(super) fn spoke(&mut self, address: &Address) -> Option<&mut Reader> {
        let reader = self.attached.get_mut(address)?;
        reader.seen = Instant::now();
        Some(reader)
    }

    /// Where a reader is.
    pub(super) fn address(&self, id: ReaderId) -> Option<Address> {
        self.attached.iter().find(|(_, reader)| reader.id == id).map(|(address, _)| *address)
    }

    /// Sends a generation: the layers the reader lacks, then the switch that names all.
    pub(super) fn announce(&mut self, client: &Client, id: ReaderId, state: &State) {
        let Some((address, reader)) = self.attached.iter_mut().find(|(_, reader)| reader.id == id) else { return };
        reader.error = None;
        let to = Recipient::Address(*address);
        let lacking: Vec<&Arc<LayerFile>> = state.contents.layers().filter(|layer| !reader.has(layer)).collect();
        for chunk in lacking.chunks(LAYERS_A_MESSAGE) {
            let layers = chunk.iter().map(|layer| layer.identity()).collect();
            let descriptors: Vec<_> = chunk.iter().map(|layer| layer.descriptor()).collect();
            if let Err(error) = client.send(&to, &ToReader::Layers { layers }, &descriptors) {
                warn!(%error, pid = reader.pid, "layers-not-sent");
                return;
            }
        }
        reader.holds.extend(state.contents.identities());
        if let Err(error) = client.send(&to, &state.contents.switch(state.generation), &[]) {
            warn!(%error, pid = reader.pid, "switch-not-sent");
        }
    }

    /// Each auth process and the generation it answers from, by what the rotation knows.
    pub(super) fn auth<'a>(&'a self, statuses: &'a [ReaderStatus]) -> impl Iterator<Item = Option<u64>> + 'a {
        self.attached.values().filter(|reader| reader.role == Role::Auth).map(|reader| reader.acknowledged(statuses))
    }

    /// What operators are shown.
    pub(super) fn statuses(&self, statuses: &[ReaderStatus]) -> Vec<ConsumerStatus> {
        let one = |(address, reader): (&Address, &Reader)| ConsumerStatus {
            role: reader.role.as_str().to_owned(),
            pid: reader.pid,
            uid: reader.uid,
            generation: reader.acknowledged(statuses),
            address: address.to_string(),
            slot: reader.slot,
            last_seen_ms: u64::try_from(reader.seen.elapsed().as_millis()).unwrap_or(u64::MAX),
            error: reader.error.clone(),
        };
        self.attached.iter().map(one).collect()
    }

    /// The last readers killed.
    pub(super) fn kills(&self) -> Vec<KillEvent> {
        self.kills.iter().cloned().collect()
    }
}

impl Reader {
    /// The generation it answers from.
    fn acknowledged(&self, statuses: &[ReaderStatus]) -> Option<u64> {
        statuses.iter().find(|status| status.reader == self.id).and_then(|status| status.acknowledged)
    }

    /// Whether it has this layer.
    fn has(&self, layer: &LayerFile) -> bool {
        let identity = layer.identity();
        self.holds.contains(&(identity.id, identity.content_hash))
    }

    /// It let go of a generation: it has the layers of what it answers from now, and no others.
    pub(super) fn released(&mut self, now: &State) {
        self.holds = now.contents.identities();
    }
}

/// The reason as the supervisor's records carry it.
pub(super) fn kill_record_reason(reason: KillReason) -> bus::protocol::supervisor::KillReason {
    use bus::protocol::supervisor::KillReason as Record;
    match reason {
        KillReason::SwitchTimeout => Record::SwitchTimeout,
        KillReason::ReleaseTimeout => Record::ReleaseTimeout,
        KillReason::Stalled { .. } => Record::Stalled,
        KillReason::PingTimeout => Record::PingTimeout,
    }
}
