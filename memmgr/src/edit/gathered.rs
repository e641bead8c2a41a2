//! Changes of one zone that wait for their publication together: what each owner owns after all of them, and each change set as it came.

use dns::change::{ChangeSet, OwnerChanges, ZoneChange};

/// Changes of one zone, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// The change sets: each has its own pair of SOA records, and none is made one with another.
    pub sets: Vec<ChangeSet>,
    /// What the owners concerned own after all of them.
    pub owners: OwnerChanges,
}

impl Gathered {
    /// Adds a change that was made on top of those before.
    pub fn push(&mut self, change: ZoneChange) {
        merge(&mut self.owners, change.owners);
        self.sets.push(change.set);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
}

/// Puts the owners of a later change over those of earlier ones; a name is spelled as it came last.
pub fn merge(owners: &mut OwnerChanges, later: OwnerChanges) {
    for (owner, records) in later {
        // The map keeps the spelling of a key that is there.
        owners.remove(&owner);
        owners.insert(owner, records);
    }
}
