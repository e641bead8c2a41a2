//! What a peer asks of the broker itself: its name, its groups, lists, a monitor's place.

use super::Core;
use crate::address::Address;
use crate::broker::calls::CallId;
use crate::broker::peer::Credentials;
use crate::frame::{FrameError, Kind};
use crate::group::{Group, Listing, Member, MembershipEvent};
use crate::message::Failure;
use crate::packet::Frame;

impl Core {
    /// A peer gives its name and counts from here on.
    pub(super) fn name(&mut self, from: Address, frame: &Frame) -> Result<(), FrameError> {
        if frame.request == 0 {
            return Err(FrameError::RequestId { got: 0 });
        }
        let name = frame.envelope.name.clone().ok_or(frame.missing("name"))?;
        let Some(peer) = self.peers.get_mut(&from) else { return Ok(()) };
        let Credentials { pid, uid, .. } = peer.credentials;
        tracing::info!(address = %from, %name, pid, uid, "bus-peer-connected");
        peer.name = Some(name);
        self.answer((from, frame.request), &());
        if let Some(member) = self.member(from) {
            let notice = self.membership.notice(MembershipEvent::Connected { member });
            self.tell_members(&notice);
        }
        Ok(())
    }

    /// A peer has taken descriptors out of the kernel, so that more may follow.
    pub(super) fn taken(&mut self, from: Address, frame: &Frame) -> Result<(), FrameError> {
        let got = frame.envelope.descriptors.ok_or(frame.missing("descriptors"))? as usize;
        let Some(peer) = self.peers.get(&from) else { return Ok(()) };
        peer.queue.taken(got).map_err(|expected| FrameError::Taken { expected, got })
    }

    /// A peer asks something of the broker itself.
    pub(super) fn control(&mut self, from: Address, frame: &Frame) -> Result<(), FrameError> {
        if frame.request == 0 {
            return Err(FrameError::RequestId { got: 0 });
        }
        let id = (from, frame.request);
        let group = frame.envelope.group.clone();
        match frame.kind {
            Kind::Subscribe => self.subscribe(id, &group.ok_or(frame.missing("group"))?),
            Kind::Unsubscribe => self.unsubscribe(id, &group.ok_or(frame.missing("group"))?),
            Kind::Monitor => self.monitor(id),
            _ => self.list(id, group.as_ref()),
        }
        Ok(())
    }

    /// Puts a peer into a group. The answer comes before any message to the group.
    fn subscribe(&mut self, id: CallId, group: &Group) {
        let (peer, _) = id;
        // Who is in a group gets what is meant for it and may answer: guests only listen to what is told to everybody.
        if self.is_guest(peer) && !group.is_of_notifications() {
            return self.fail(id, Failure::NotAllowed);
        }
        if !self.membership.is_member(peer, group) && self.membership.group_count(peer) >= self.options.groups_max {
            return self.fail(id, Failure::TooManyGroups);
        }
        self.answer(id, &());
        if let Some(notice) = self.membership.join(peer, group) {
            self.tell_members(&notice);
        }
    }

    /// Takes a peer out of a group. No message to the group comes after the answer.
    fn unsubscribe(&mut self, id: CallId, group: &Group) {
        let notice = self.membership.leave(id.0, group);
        self.answer(id, &());
        if let Some(notice) = notice {
            self.tell_members(&notice);
        }
    }

    /// Lets a peer have a copy of everything from here on, if it is root's or the broker's own user's.
    fn monitor(&mut self, id: CallId) {
        if self.is_guest(id.0) {
            return self.fail(id, Failure::NotAllowed);
        }
        self.answer(id, &());
        self.monitors.insert(id.0);
    }

    /// Lists the members of a group, or all peers.
    fn list(&mut self, id: CallId, group: Option<&Group>) {
        let members = match group {
            Some(group) => self.membership.members(group).filter_map(|address| self.member(address)).collect(),
            None => self.peers.keys().filter_map(|address| self.member(*address)).collect(),
        };
        self.answer(id, &Listing { sequence: self.membership.sequence(), members });
    }

    /// A peer as others see it, once it has a name.
    fn member(&self, address: Address) -> Option<Member> {
        let peer = self.peers.get(&address)?;
        let Credentials { pid, uid, gid, .. } = peer.credentials;
        Some(Member { address, name: peer.name.clone()?, pid, uid, gid, groups: self.membership.groups(address) })
    }
}
