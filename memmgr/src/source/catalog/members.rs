//! Which catalog a zone belongs to, and what follows when a catalog changes: [`Members`].

use std::collections::BTreeMap;

use zone_segment::Name;

use super::read::{Catalog, Member};

/// Where a zone comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The catalog.
    pub(crate) catalog: Name,
    /// What that says of it.
    pub(crate) member: Member,
}

/// All zones that there are because of catalogs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// By zone.
    owners: BTreeMap<Name, Owner>,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is a new zone.
    Add {
        /// It.
        zone: Name,
    },
    /// A zone is gone, with all that was known of it.
    Remove {
        /// It.
        zone: Name,
    },
    /// A zone has become another one of the same name: what was known of it is forgotten (RFC 9432, section 5.4).
    Reset {
        /// It.
        zone: Name,
    },
    /// Its options are to be looked at again; its data stays.
    Change {
        /// It.
        zone: Name,
    },
    /// A zone was not taken: there is one of that name already (RFC 9432, section 5.2).
    Clash {
        /// It.
        zone: Name,
        /// The catalog that has it; none where it is configured by itself.
        with: Option<Name>,
    },
}

impl Members {
    /// Where a zone comes from; none where it does not come from a catalog.
    pub(crate) fn owner(&self, zone: &Name) -> Option<&Owner> {
        self.owners.get(zone)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, &Owner)> {
        self.owners.iter()
    }

    /// Takes in what a catalog says by now. `is_configured` tells of zones that there are without any catalog, which always win.
    ///
    /// What clashed before is looked at again each time, so that a zone comes once its name is free.
    pub(crate) fn apply(&mut self, catalog: &Name, now: &Catalog, is_configured: impl Fn(&Name) -> bool) -> Vec<Step> {
        let mut steps = Vec::new();
        let is_gone = |(zone, owner): &(&Name, &Owner)| owner.catalog == *catalog && !now.members.contains_key(*zone);
        let gone: Vec<Name> = self.owners.iter().filter(is_gone).map(|(zone, _)| zone.clone()).collect();
        for zone in gone {
            self.owners.remove(&zone);
            steps.push(Step::Remove { zone });
        }
        for (zone, member) in &now.members {
            steps.extend(self.take(catalog, zone, member, &is_configured));
        }
        steps
    }

    /// Takes a member in.
    fn take(
        &mut self,
        catalog: &Name,
        zone: &Name,
        member: &Member,
        is_configured: impl Fn(&Name) -> bool,
    ) -> Option<Step> {
        // Neither itself nor what is configured can come from a catalog.
        if is_configured(zone) {
            return Some(Step::Clash { zone: zone.clone(), with: None });
        }
        let (zone, owner) = (zone.clone(), Owner { catalog: catalog.clone(), member: member.clone() });
        let step = match self.owners.get(&zone) {
            None => Step::Add { zone: zone.clone() },
            Some(before) if before.catalog == *catalog => {
                if before.member == *member {
                    return None;
                }
                match before.member.label == member.label || before.member.label.is_empty() {
                    true => Step::Change { zone: zone.clone() },
                    false => Step::Reset { zone: zone.clone() },
                }
            }
            // A change of ownership (RFC 9432, section 4.3.1): the one that has it says who may take it, and under the same label
            // it stays the zone that it was.
            Some(before) if before.member.successor.as_ref() == Some(catalog) => {
                match before.member.label == member.label {
                    true => Step::Change { zone: zone.clone() },
                    false => Step::Reset { zone: zone.clone() },
                }
            }
            Some(before) => return Some(Step::Clash { zone, with: Some(before.catalog.clone()) }),
        };
        self.owners.insert(zone, owner);
        Some(step)
    }

    /// A zone that was there at the start is the catalog's, which can't be read for now: its label is not known, and any will do.
    pub(crate) fn adopt(&mut self, catalog: &Name, zone: &Name) {
        let member = Member { label: Box::default(), groups: Vec::new(), successor: None };
        self.owners.entry(zone.clone()).or_insert_with(|| Owner { catalog: catalog.clone(), member });
    }

    /// Forgets a zone, so that it comes anew when its catalog is looked at again.
    pub(crate) fn forget(&mut self, zone: &Name) {
        self.owners.remove(zone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name.
    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    /// A catalog of members: zone, label, successor.
    fn catalog(members: &[(&str, &str, Option<&str>)]) -> Catalog {
        let member = |(zone, label, successor): &(&str, &str, Option<&str>)| {
            let member = Member { label: label.as_bytes().into(), groups: Vec::new(), successor: successor.map(name) };
            (name(zone), member)
        };
        Catalog { members: members.iter().map(member).collect() }
    }

    /// Nothing is configured by itself.
    fn none(_: &Name) -> bool {
        false
    }

    #[test]
    fn zones_come_go_and_are_reset() {
        let (mut members, first) = (Members::default(), name("first.test."));
        let added = members.apply(&first, &catalog(&[("a.", "1", None), ("b.", "2", None)]), none);
        assert_eq!(added, [Step::Add { zone: name("a.") }, Step::Add { zone: name("b.") }]);
        assert_eq!(members.apply(&first, &catalog(&[("a.", "1", None), ("b.", "2", None)]), none), []);
        let changed = members.apply(&first, &catalog(&[("b.", "3", None), ("c.", "4", None)]), none);
        let expected =
            [Step::Remove { zone: name("a.") }, Step::Reset { zone: name("b.") }, Step::Add { zone: name("c.") }];
        assert_eq!(changed, expected);
        let gone = members.apply(&first, &catalog(&[]), none);
        assert_eq!(gone, [Step::Remove { zone: name("b.") }, Step::Remove { zone: name("c.") }]);
        assert_eq!(members, Members::default());
    }

    #[test]
    fn what_was_there_stays_while_a_catalog_cannot_be_read() {
        let (mut members, first) = (Members::default(), name("first.test."));
        members.adopt(&first, &name("a."));
        members.adopt(&first, &name("b."));
        let changed = members.apply(&first, &catalog(&[("a.", "1", None)]), none);
        assert_eq!(changed, [Step::Remove { zone: name("b.") }, Step::Change { zone: name("a.") }]);
        members.forget(&name("a."));
        assert_eq!(members.apply(&first, &catalog(&[("a.", "1", None)]), none), [Step::Add { zone: name("a.") }]);
    }

    #[test]
    fn who_has_a_zone_keeps_it_unless_it_says_who_may_take_it() {
        let (mut members, first, second) = (Members::default(), name("first.test."), name("second.test."));
        members.apply(&first, &catalog(&[("a.", "1", None), ("b.", "2", Some("second.test."))]), none);
        let both = catalog(&[("a.", "1", None), ("b.", "2", None)]);
        let taken = members.apply(&second, &both, none);
        let clash = Step::Clash { zone: name("a."), with: Some(first.clone()) };
        assert_eq!(taken, [clash.clone(), Step::Change { zone: name("b.") }]);
        assert_eq!(members.owner(&name("b.")).unwrap().catalog, second);
        // The one before still lists it, and has it no more: neither a removal nor a clash takes it away again.
        assert_eq!(members.apply(&first, &catalog(&[("a.", "1", None)]), none), []);
        assert_eq!(members.owner(&name("b.")).unwrap().catalog, second);
        // Once the name is free it comes.
        assert_eq!(members.apply(&first, &catalog(&[]), none), [Step::Remove { zone: name("a.") }]);
        assert_eq!(members.apply(&second, &both, none), [Step::Add { zone: name("a.") }]);
    }

    #[test]
    fn what_is_configured_wins() {
        let (mut members, first) = (Members::default(), name("first.test."));
        let steps = members.apply(&first, &catalog(&[("a.", "1", None)]), |_| true);
        assert_eq!(steps, [Step::Clash { zone: name("a."), with: None }]);
        assert_eq!(members, Members::default());
    }
}
