//! What a build is asked for: which sources it compares, and which zones expire.

use std::collections::BTreeSet;
use std::ffi::OsString;

use zone_segment::Name;

/// What is asked for.
///
/// Zones expire before sources are compared: one that is refreshed by the same build is refreshed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Whether all sources are compared.
    pub(crate) is_all: bool,
    /// Zones asked for by name: compared, and answered for again if they had expired.
    pub(crate) zones: BTreeSet<Name>,
    /// Those of them that are to be as their files have them, whatever they were changed to since.
    pub(crate) forced: BTreeSet<Name>,
    /// Files of the zone directory that came, went or changed. None of them is named when all sources are compared.
    pub(crate) files: BTreeSet<OsString>,
    /// Zones that expire. One that is asked for by name too expired later, and stays so unless it has other data by now.
    pub(crate) expiring: BTreeSet<Name>,
}

impl Scope {
    /// Every zone's sources.
    pub(crate) fn all() -> Self {
        Scope { is_all: true, ..Scope::none() }
    }

    /// No zone's: only what is damaged is made anew.
    pub(crate) fn none() -> Self {
        Scope::default()
    }

    /// One zone's.
    pub(crate) fn zone(apex: Name) -> Self {
        Scope { zones: BTreeSet::from([apex]), ..Scope::none() }
    }

    /// One zone's, which is to be as its file has it.
    pub(crate) fn forced(apex: Name) -> Self {
        Scope { forced: BTreeSet::from([apex.clone()]), ..Scope::zone(apex) }
    }

    /// Those in these files.
    pub(crate) fn files(files: BTreeSet<OsString>) -> Self {
        Scope { files, ..Scope::none() }
    }

    /// No source: a zone expires.
    pub(crate) fn expiring(apex: Name) -> Self {
        Scope { expiring: BTreeSet::from([apex]), ..Scope::none() }
    }

    /// Both scopes together, of which `later` was asked for later: a zone asked for by name after it expired does not expire.
    pub(crate) fn and(mut self, later: Scope) -> Scope {
        self.expiring.retain(|apex| !later.zones.contains(apex));
        self.expiring.extend(later.expiring);
        self.zones.extend(later.zones);
        self.forced.extend(later.forced);
        self.files.extend(later.files);
        self.is_all |= later.is_all;
        if self.is_all {
            self.files.clear();
        }
        self
    }

    /// Whether a zone that had expired is answered for again when its source is as it was.
    pub(super) fn refreshes(&self, apex: &Name) -> bool {
        self.zones.contains(apex) && !self.expiring.contains(apex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zone's name.
    fn name() -> Name {
        "one.test.".parse().unwrap()
    }

    #[test]
    fn what_expires_is_kept_whatever_is_asked_for_beside() {
        let file = || Scope::files(BTreeSet::from(["one.zone".into()]));
        for other in [Scope::all(), Scope::none(), file(), Scope::expiring("two.test.".parse().unwrap())] {
            assert!(Scope::expiring(name()).and(other.clone()).expiring.contains(&name()), "{other:?}");
            assert!(other.clone().and(Scope::expiring(name())).expiring.contains(&name()), "{other:?}");
        }
    }

    #[test]
    fn a_zone_asked_for_by_name_stays_so_among_all() {
        let scope = Scope::zone(name()).and(Scope::all());
        assert!(scope.is_all && scope.refreshes(&name()), "{scope:?}");
        assert_eq!(Scope::all().and(Scope::zone(name())), scope);
    }

    #[test]
    fn the_later_of_expiry_and_refresh_counts() {
        let refreshed = Scope::expiring(name()).and(Scope::zone("ONE.test.".parse().unwrap()));
        assert!(refreshed.refreshes(&name()) && refreshed.expiring.is_empty(), "{refreshed:?}");
        let expired = Scope::zone(name()).and(Scope::expiring(name()));
        assert!(!expired.refreshes(&name()) && expired.zones.contains(&name()), "{expired:?}");
        assert!(expired.and(Scope::zone(name())).refreshes(&name()));
    }

    #[test]
    fn files_need_not_be_named_when_all_are_compared() {
        let file = Scope::files(BTreeSet::from(["one.zone".into()]));
        assert_eq!(file.clone().and(Scope::all()), Scope::all());
        assert_eq!(Scope::all().and(file), Scope::all());
    }
}
