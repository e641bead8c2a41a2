//! Which sources a build compares.

use std::collections::BTreeSet;
use std::ffi::OsString;

use zone_segment::Name;

/// Which sources are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All.
    All,
    /// Some.
    Some {
        /// Zones asked for by name.
        zones: BTreeSet<Name>,
        /// Files of the zone directory that came, went or changed.
        files: BTreeSet<OsString>,
    },
}

impl Scope {
    /// No zone's: only what is damaged is made anew.
    pub(crate) fn none() -> Self {
        Scope::Some { zones: BTreeSet::new(), files: BTreeSet::new() }
    }

    /// One zone's.
    pub(crate) fn zone(apex: Name) -> Self {
        Scope::Some { zones: BTreeSet::from([apex]), files: BTreeSet::new() }
    }

    /// Those in these files.
    pub(crate) fn files(files: BTreeSet<OsString>) -> Self {
        Scope::Some { zones: BTreeSet::new(), files }
    }

    /// Both scopes together.
    pub(crate) fn and(self, other: Scope) -> Scope {
        match (self, other) {
            (Scope::Some { mut zones, mut files }, Scope::Some { zones: more, files: further }) => {
                zones.extend(more);
                files.extend(further);
                Scope::Some { zones, files }
            }
            _ => Scope::All,
        }
    }
}
