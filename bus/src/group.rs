//! Groups: [`Group`], who is in one ([`Member`]), and how membership changes ([`MembershipEvent`]).
//!
//! A group needs no making: it exists while somebody is subscribed to it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::address::{Address, PeerName};

/// The longest name of a group; it stands in the envelope of each message to it.
pub const GROUP_BYTES_MAX: usize = 128;

/// What the groups of notifications begin with.
const NOTIFICATIONS: &str = "notifications/";

/// The group that hears of connections, joins, leaves and disconnections. Only the broker speaks to it.
pub const MEMBERS: Group = Group::from_static("notifications/members");

/// The name of a group: 1 to [`GROUP_BYTES_MAX`] of `a`–`z`, `0`–`9`, `-`, `_`, `.` and `/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Group(Cow<'static, str>);

impl Group {
    /// Checks `name` and takes it.
    pub fn new(name: impl Into<String>) -> Result<Self, GroupError> {
        let name = name.into();
        if is_group_name(&name) { Ok(Self(Cow::Owned(name))) } else { Err(GroupError { got: name }) }
    }

    /// A group whose name stands in the program.
    ///
    /// # Panics
    /// If the name is not a group's; in a `const` the compiler says so.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        assert!(is_group_name(name), "not the name of a group");
        Self(Cow::Borrowed(name))
    }

    /// The group that notifications of `family` go to.
    pub fn notifications(family: &str) -> Result<Self, GroupError> {
        Self::new(format!("{NOTIFICATIONS}{family}"))
    }

    /// Whether it is one that notifications go to.
    #[must_use]
    pub fn is_of_notifications(&self) -> bool {
        self.0.starts_with(NOTIFICATIONS)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `name` may name a group.
const fn is_group_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > GROUP_BYTES_MAX {
        return false;
    }
    let mut at = 0;
    while at < bytes.len() {
        if !matches!(bytes[at], b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/') {
            return false;
        }
        at += 1;
    }
    true
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl TryFrom<String> for Group {
    type Error = GroupError;

    fn try_from(name: String) -> Result<Self, GroupError> {
        Self::new(name)
    }
}

impl From<Group> for String {
    fn from(group: Group) -> Self {
        group.0.into_owned()
    }
}

/// A name that no group may have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupError {
    /// What was given.
    pub got: String,
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "naming a bus group: expected 1 to {GROUP_BYTES_MAX} of a-z, 0-9, `-`, `_`, `.` and `/`, got {:?}",
            self.got
        )
    }
}

impl std::error::Error for GroupError {}

/// One connected peer, as the broker lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its connection.
    pub address: Address,
    /// What it calls itself.
    pub name: PeerName,
    /// Its process, from the kernel; 0 if it lies in a process namespace that the broker cannot see.
    pub pid: i32,
    /// Its user, from the kernel.
    pub uid: u32,
    /// Its group of users, from the kernel.
    pub gid: u32,
    /// Every group it is subscribed to, in order of their names.
    pub groups: Vec<Group>,
}

/// The members of a group, or all peers, at one point of the broker's order of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The number of the last [`MembershipEvent`] that is already part of the list.
    pub sequence: u64,
    /// The members, in order of their addresses.
    pub members: Vec<Member>,
}

/// What is told to [`MEMBERS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipNotice {
    /// Counts the events of one broker session from 1, without gaps.
    pub sequence: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: MembershipEvent,
}

/// A change of who is there.
///
/// A peer that goes, in whatever way, is first told to have left each of its groups, then to be disconnected; each once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MembershipEvent {
    /// A peer has connected and given its name. It is in no group yet.
    Connected {
        /// Who.
        member: Member,
    },
    /// A peer has subscribed to a group.
    Joined {
        /// Its connection.
        address: Address,
        /// The group.
        group: Group,
    },
    /// A peer has left a group.
    Left {
        /// Its connection.
        address: Address,
        /// The group.
        group: Group,
    },
    /// A peer's connection has ended.
    Disconnected {
        /// The connection that was.
        address: Address,
    },
}

/// Who is there, kept current from a [`Listing`] of all peers and the notices that follow it.
///
/// [`crate::Client::watch_members`] makes one. Notices that the list already contains are told by their number and change nothing, so
/// nobody is missed and nobody is counted twice, however the list and the notices overlap.
#[derive(Debug, Clone)]
pub struct Roster {
    /// The last event taken in.
    sequence: u64,
    /// Everyone who is connected.
    members: BTreeMap<Address, Member>,
}

impl Roster {
    /// Starts from a list of all peers.
    #[must_use]
    pub fn new(listing: Listing) -> Self {
        let members = listing.members.into_iter().map(|member| (member.address, member)).collect();
        Self { sequence: listing.sequence, members }
    }

    /// Takes in a notice; false if it was part of the list already and nothing changed.
    pub fn apply(&mut self, notice: &MembershipNotice) -> bool {
        if notice.sequence <= self.sequence {
            return false;
        }
        self.sequence = notice.sequence;
        match &notice.event {
            MembershipEvent::Connected { member } => {
                self.members.insert(member.address, member.clone());
            }
            MembershipEvent::Joined { address, group } => {
                if let Some(member) = self.members.get_mut(address)
                    && let Err(at) = member.groups.binary_search(group)
                {
                    member.groups.insert(at, group.clone());
                }
            }
            MembershipEvent::Left { address, group } => {
                if let Some(member) = self.members.get_mut(address) {
                    member.groups.retain(|each| each != group);
                }
            }
            MembershipEvent::Disconnected { address } => {
                self.members.remove(address);
            }
        }
        true
    }

    /// Everyone who is connected, in order of their addresses.
    pub fn peers(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// The members of one group, in order of their addresses.
    pub fn members<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Member> {
        self.members.values().filter(move |member| member.groups.binary_search(group).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_names_are_plain() {
        for name in ["", "A", "a b", "ä", "a\"", &"x".repeat(129)] {
            assert!(Group::new(name).is_err(), "{name}");
        }
        assert_eq!(Group::notifications("members"), Ok(MEMBERS));
    }

    #[test]
    fn a_notice_reads_back_as_written() {
        let address: Address = "0000000000003f2a-17".parse().unwrap();
        let notice = MembershipNotice { sequence: 3, event: MembershipEvent::Joined { address, group: MEMBERS } };
        let text = serde_json::to_string(&notice).unwrap();
        assert_eq!(
            text,
            r#"{"sequence":3,"event":"joined","address":"0000000000003f2a-17","group":"notifications/members"}"#
        );
        assert_eq!(serde_json::from_str::<MembershipNotice>(&text).unwrap(), notice);
    }
}
