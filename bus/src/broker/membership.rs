//! Groups and who is in them: [`Membership`]. It numbers each change, so that a list and the notices after it fit together.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::group::{Group, MembershipEvent, MembershipNotice};

/// Every group that exists, which is every group with a member.
#[derive(Debug, Default)]
pub(super) struct Membership {
    /// The members of each group.
    groups: BTreeMap<Group, BTreeSet<Address>>,
    /// The groups of each peer that is in one.
    peers: BTreeMap<Address, BTreeSet<Group>>,
    /// The number of the last change.
    sequence: u64,
}

impl Membership {
    /// The number of the last change.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The members of a group, in order of their addresses.
    pub(super) fn members(&self, group: &Group) -> impl Iterator<Item = Address> {
        self.groups.get(group).into_iter().flatten().copied()
    }

    /// The groups of a peer, in order of their names.
    pub(super) fn groups(&self, peer: Address) -> Vec<Group> {
        self.peers.get(&peer).into_iter().flatten().cloned().collect()
    }

    /// How many groups a peer is in.
    pub(super) fn group_count(&self, peer: Address) -> usize {
        self.peers.get(&peer).map_or(0, BTreeSet::len)
    }

    /// Whether a peer is in a group.
    pub(super) fn is_member(&self, peer: Address, group: &Group) -> bool {
        self.groups.get(group).is_some_and(|members| members.contains(&peer))
    }

    /// Numbers a change.
    pub(super) fn notice(&mut self, event: MembershipEvent) -> MembershipNotice {
        self.sequence += 1;
        MembershipNotice { sequence: self.sequence, event }
    }

    /// Puts a peer into a group; what to tell, unless it was in it.
    pub(super) fn join(&mut self, peer: Address, group: &Group) -> Option<MembershipNotice> {
        if !self.groups.entry(group.clone()).or_default().insert(peer) {
            return None;
        }
        self.peers.entry(peer).or_default().insert(group.clone());
        Some(self.notice(MembershipEvent::Joined { address: peer, group: group.clone() }))
    }

    /// Takes a peer out of a group; what to tell, unless it was not in it.
    pub(super) fn leave(&mut self, peer: Address, group: &Group) -> Option<MembershipNotice> {
        let members = self.groups.get_mut(group)?;
        if !members.remove(&peer) {
            return None;
        }
        if members.is_empty() {
            self.groups.remove(group);
        }
        if let Some(groups) = self.peers.get_mut(&peer) {
            groups.remove(group);
            if groups.is_empty() {
                self.peers.remove(&peer);
            }
        }
        Some(self.notice(MembershipEvent::Left { address: peer, group: group.clone() }))
    }

    /// Takes a peer that has gone out of each of its groups; what to tell, in order, its disconnection last.
    pub(super) fn disconnect(&mut self, peer: Address) -> Vec<MembershipNotice> {
        let groups = self.groups(peer);
        let mut notices: Vec<_> = groups.iter().filter_map(|group| self.leave(peer, group)).collect();
        notices.push(self.notice(MembershipEvent::Disconnected { address: peer }));
        notices
    }
}
