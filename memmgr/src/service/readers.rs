//! The readers attached: who they are on the bus, what they were sent, and what they are sent next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use bus::protocol::control::{ConsumerStatus, KillEvent};
use bus::protocol::reader::{LayerIdentity, Role};
use bus::protocol::supervisor::Child;
use bus::{Address, Client};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::delivery::Delivery;
use super::leases::Standing;
use crate::generation::{LayerFile, State};
use crate::rotation::{KillReason, ReaderId, ReaderStatus};

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
    /// The process itself, where the kernel gives it.
    process: Option<Arc<OwnedFd>>,
    /// Connections that ended since its last acknowledgement, without its end.
    pub(super) losses: u32,
}

/// Every reader, by address.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// Those attached.
    attached: BTreeMap<Address, Reader>,
    /// Processes of ours that lost their connection and live: still waited for.
    absent: Vec<Reader>,
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
    /// The process itself, where the kernel gives it.
    pub(super) process: Option<Arc<OwnedFd>>,
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
        let Newcomer { role, slot, pid, uid, process, .. } = new;
        let (seen, error, losses) = (Instant::now(), None, 0);
        let reader = Reader { id, role, slot, pid, uid, holds, seen, error, process, losses };
        self.attached.insert(address, reader);
        Some(id)
    }

    /// A connection has ended: with its process, and then the reader is gone; or without, and then one of our own stays awaited until
    /// it comes back, dies, or misses its deadline.
    pub(super) fn disconnected(&mut self, address: &Address) -> Option<Lost> {
        let reader = self.attached.remove(address)?;
        if reader.slot.is_none() || !reader.is_alive() {
            return Some(Lost::Gone(reader.id, reader.pid));
        }
        let pid = reader.pid;
        self.absent.push(reader);
        Some(Lost::Absent(pid))
    }

    /// Takes out the absent whose process has ended.
    pub(super) fn dead(&mut self) -> Vec<ReaderId> {
        self.absent.extract_if(.., |reader| !reader.is_alive()).map(|reader| reader.id).collect()
    }

    /// Takes out what was known of a process that is back under a new address. Its losses go on to be counted.
    pub(super) fn returned(&mut self, address: &Address) -> Option<ReaderId> {
        let back = self.attached.get_mut(address)?;
        let is_it = |absent: &Reader| absent.slot == back.slot && absent.pid == back.pid;
        let before = self.absent.remove(self.absent.iter().position(is_it)?);
        back.losses = before.losses + 1;
        Some(before.id)
    }

    /// Takes out a reader that was killed, and remembers it.
    pub(super) fn killed(
        &mut self,
        id: ReaderId,
        event: impl FnOnce(&Reader) -> KillEvent,
    ) -> Option<(Option<Address>, Reader)> {
        let (address, reader) = match self.address(id) {
            Some(address) => (Some(address), self.attached.remove(&address)?),
            None => (None, self.absent.remove(self.absent.iter().position(|reader| reader.id == id)?)),
        };
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

    /// Sends a generation, beside the loop: the layers the reader lacks, then the switch that names all.
    pub(super) fn announce(&mut self, client: &Client, id: ReaderId, state: &Arc<State>) {
        let Some((address, reader)) = self.attached.iter_mut().find(|(_, reader)| reader.id == id) else { return };
        let lacking = state.contents.layers().filter(|layer| !reader.has(layer)).cloned().collect();
        reader.holds.extend(state.contents.identities());
        let delivery =
            Delivery { client: client.clone(), to: *address, pid: reader.pid, state: Arc::clone(state), lacking };
        tokio::spawn(delivery.run());
    }

    /// Each auth process and the generation it answers from, by what the rotation knows.
    pub(super) fn auth<'a>(&'a self, statuses: &'a [ReaderStatus]) -> impl Iterator<Item = Option<u64>> + 'a {
        self.attached.values().filter(|reader| reader.role == Role::Auth).map(|reader| reader.acknowledged(statuses))
    }

    /// What operators are shown.
    pub(super) fn statuses(
        &self,
        statuses: &[ReaderStatus],
        leased: impl Fn(&Address) -> Standing,
    ) -> Vec<ConsumerStatus> {
        let one = |(address, reader): (&Address, &Reader)| {
            let Standing { leases, octets } = leased(address);
            ConsumerStatus {
                role: reader.role.as_str().to_owned(),
                pid: reader.pid,
                uid: reader.uid,
                generation: reader.acknowledged(statuses),
                address: address.to_string(),
                slot: reader.slot,
                last_seen_ms: u64::try_from(reader.seen.elapsed().as_millis()).unwrap_or(u64::MAX),
                leases,
                leased_bytes: octets,
                error: reader.error.clone(),
            }
        };
        self.attached.iter().map(one).collect()
    }

    /// Whether a reader could not take the newest generation and has taken none since.
    pub(super) fn any_has_refused(&self) -> bool {
        self.attached.values().any(|reader| reader.error.is_some())
    }

    /// The last readers killed.
    pub(super) fn kills(&self) -> Vec<KillEvent> {
        self.kills.iter().cloned().collect()
    }
}

/// What became of a reader whose connection has ended.
pub(super) enum Lost {
    /// It is gone.
    Gone(ReaderId, i32),
    /// It is one of ours, and lives.
    Absent(i32),
}

impl Reader {
    /// Whether its process lives. One that the kernel gives no handle of is taken to have ended with its connection.
    fn is_alive(&self) -> bool {
        self.process.as_ref().is_some_and(|process| {
            let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
            poll(&mut ended, PollTimeout::ZERO) == Ok(0)
        })
    }

    /// The generation it answers from.
    fn acknowledged(&self, statuses: &[ReaderStatus]) -> Option<u64> {
        statuses.iter().find(|status| status.reader == self.id).and_then(|status| status.acknowledged)
    }

    /// Whether it has this layer.
    fn has(&self, layer: &LayerFile) -> bool {
        let identity = layer.identity();
        self.holds.contains(&(identity.id, identity.content_hash))
    }

    /// It could not take a generation. What it has of it is not known: the next is sent whole.
    pub(super) fn refused(&mut self, error: String) {
        self.error = Some(error);
        self.holds.clear();
    }

    /// It has taken a generation.
    pub(super) fn took(&mut self) {
        self.error = None;
    }

    /// It let go of a generation: it has the layers of what it answers from now, and no others.
    pub(super) fn released(&mut self, now: &State) {
        self.holds = now.contents.identities();
    }
}

/// What the supervisor calls a reader of this part, if it starts such.
pub(super) fn child_of(role: Role) -> Option<Child> {
    match role {
        Role::Auth => Some(Child::Auth),
        Role::Xfrout => Some(Child::Xfrout),
        Role::Reader => None,
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
        KillReason::Refused => Record::Refused,
    }
}
