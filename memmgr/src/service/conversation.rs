//! What is said to memmgr: by readers, by the supervisor, by the broker of who comes and goes.

use std::collections::BTreeSet;
use std::time::Duration;

use bus::group::MembershipEvent;
use bus::protocol::messages::FromAuth;
use bus::protocol::reader::{Attached, FromReader, LayerIdentity, Role};
use bus::protocol::supervisor::Record;
use bus::{Address, Message};
use tracing::{info, warn};

use super::Service;
use super::readers::{Lost, Newcomer};
use crate::builder::Scope;
use crate::rotation::{Event, KillReason};

/// Connections a process of ours may lose in a row, each before it has acknowledged anything.
const LOSSES_MAX: u32 = 5;

impl Service {
    /// Takes a message from the bus.
    pub(super) fn message(&mut self, message: Message) {
        if let Some(notice) = self.client.membership_notice(&message) {
            self.membership(&notice.event);
        } else if let Ok(word) = message.parse::<FromReader>() {
            self.reader(message, word);
        } else if let (Some(_), Ok(word)) = (message.request, message.parse::<FromAuth>()) {
            self.dns_message(message, word);
        } else if message.request.is_some() {
            self.command(message);
        } else {
            warn!(from = %message.from, "bus-message-unreadable");
        }
    }

    /// Somebody came or went.
    pub(super) fn membership(&mut self, event: &MembershipEvent) {
        let MembershipEvent::Disconnected { address } = event else { return };
        self.leases.disconnected(address);
        match self.readers.disconnected(address) {
            Some(Lost::Gone(reader, pid)) => {
                info!(pid, "reader-gone");
                self.step(Event::ReaderGone { reader });
            }
            Some(Lost::Absent(pid)) => warn!(pid, "reader-connection-lost"),
            None => {}
        }
    }

    /// Looks after processes of ours that lost their connection: those that died meanwhile are gone.
    pub(super) fn bury_the_dead(&mut self) {
        for reader in self.readers.dead() {
            self.step(Event::ReaderGone { reader });
        }
    }

    /// A reader speaks.
    pub(super) fn reader(&mut self, message: Message, word: FromReader) {
        if let FromReader::Attach { role, slot, generation, holds } = word {
            return self.attach(&message, role, slot, generation, holds);
        }
        let Some(reader) = self.readers.spoke(&message.from) else {
            warn!(from = %message.from, ?word, "reader-message-from-stranger");
            if message.request.is_some() {
                self.refuse(&message, "not attached");
            }
            return;
        };
        let id = reader.id;
        match word {
            FromReader::Attach { .. } => {}
            FromReader::Acknowledge { generation } => {
                reader.losses = 0;
                reader.took();
                self.step(Event::Acknowledged { reader: id, generation });
            }
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
                reader.refused(error);
                self.step(Event::Refused { reader: id, generation });
            }
            FromReader::Lease { lease, generation, kept } => self.lease(&message, id, lease, generation, kept),
            FromReader::Renew { lease } => self.renew(&message.from, lease),
            FromReader::EndLease { lease } => self.leases.end(&message.from, lease),
        }
    }

    /// A reader attaches.
    pub(super) fn attach(
        &mut self,
        message: &Message,
        role: Role,
        slot: Option<u32>,
        generation: Option<u64>,
        holds: Vec<LayerIdentity>,
    ) {
        let Some(peer) = self.broker.peer(&message.from) else { return };
        let is_ours = peer.uid == nix::unistd::Uid::current().as_raw();
        // Only our own processes have a part; whatever another user's says it is, it is a reader.
        let (role, slot) = if is_ours { (role, slot) } else { (Role::Reader, None) };
        let held = generation.filter(|generation| self.may_hold(*generation, &holds));
        let new = Newcomer { role, slot, pid: peer.pid, uid: peer.uid, process: peer.pidfd, holds };
        let Some(reader) = self.readers.attach(message.from, new) else {
            return self.refuse(message, "attached already; one attachment a connection");
        };
        info!(pid = peer.pid, role = role.as_str(), generation = held, "reader-attached");
        self.answer(message, &Attached { generation: self.rotation.newest() });
        self.step(Event::ReaderJoined { reader, holds: held });
        // First joined, then gone: in between nobody is missing, and no switch is complete for want of him.
        if let Some(before) = self.readers.returned(&message.from) {
            self.step(Event::ReaderGone { reader: before });
        }
        self.end_who_loses_every_connection(&message.from);
    }

    /// Ends a process that comes back again and again and never gets as far as an acknowledgement: each return would give it a new
    /// deadline.
    fn end_who_loses_every_connection(&mut self, address: &Address) {
        if let Some(reader) = self.readers.spoke(address).filter(|reader| reader.losses >= LOSSES_MAX) {
            let (id, generation) = (reader.id, self.rotation.newest());
            self.kill(id, KillReason::SwitchTimeout, generation, Duration::ZERO);
            self.step(Event::ReaderGone { reader: id });
        }
    }

    /// Whether what a reader says of its generation can be so: it has the layers, or the generation is from before the oldest
    /// that we know, and is waited for as any other.
    fn may_hold(&self, generation: u64, holds: &[LayerIdentity]) -> bool {
        let held = || holds.iter().map(|identity| (identity.id, identity.content_hash)).collect::<BTreeSet<_>>();
        match self.states.get(&generation) {
            Some(state) => state.contents.identities().is_subset(&held()),
            None => self.rotation.newest().is_some_and(|newest| generation < newest),
        }
    }

    /// The supervisor speaks.
    pub(super) fn record(&mut self, record: Record) {
        match record {
            Record::Ping { number } => self.link.send(Record::Pong { number }),
            Record::Reload => self.reload(Scope::all(), None),
            other => warn!(?other, "supervisor-record-unexpected"),
        }
    }
}
