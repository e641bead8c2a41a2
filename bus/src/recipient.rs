//! Where a message goes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::group::Group;

/// Where a message goes: to every other member of a group, or to one connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipient {
    /// Every member of the group but the sender itself.
    Group(Group),
    /// One connection.
    Address(Address),
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => write!(f, "group {group}"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl From<Group> for Recipient {
    fn from(group: Group) -> Self {
        Self::Group(group)
    }
}

impl From<Address> for Recipient {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}
