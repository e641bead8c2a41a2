//! What the checks of some owners of a zone need to know of others: [`around`], and where that is not enough, [`is_uncertain`].

use crate::columns::{Part, SortedZone};
use crate::types::Rtype;
use std::collections::BTreeMap;
use zone_segment::{LookupName, Name, NameRef, Node, SegmentOctets, Zone};

/// Owners, and what the zone has of each.
pub(super) type Owners<'z> = BTreeMap<Name, Option<Node<'z>>>;

/// The name servers of the zone that have names in it, before or by now.
pub(super) fn name_servers<B: SegmentOctets>(zone: &Zone<'_, B>, kept: &[Part]) -> Vec<Name> {
    let apex = zone.apex();
    let before = zone.apex_node().and_then(|node| node.rrset(Rtype::NS.0));
    let before = before.into_iter().flat_map(|rrset| rrset.rdata());
    let of_apex = kept.iter().flat_map(Part::groups).filter(|group| group.name() == apex);
    let by_now = of_apex.flat_map(|group| group.records()).filter(|record| record.kind.rtype == Rtype::NS);
    let names = before.chain(by_now.map(|record| record.rdata)).filter_map(|rdata| NameRef::from_wire(rdata).ok());
    names.filter(|name| name.is_at_or_below(apex)).map(|name| name.to_name()).collect()
}

/// Owners beside those concerned that checks look at: the apex, the zone's name servers, and what stands above these.
pub(super) fn around<'z, B: SegmentOctets>(zone: &Zone<'z, B>, concerned: &Owners<'z>, servers: &[Name]) -> Owners<'z> {
    let mut around = Owners::new();
    for name in servers.iter().map(Name::as_ref).chain([zone.apex()]) {
        for name in up_to_apex(zone, name) {
            let owner = name.to_name();
            if !concerned.contains_key(&owner) && !around.contains_key(&owner) {
                around.insert(owner, node(zone, name));
            }
        }
    }
    around
}

/// Whether an error may show in the whole zone alone. `sorted` has the owners concerned and those around as they are by now.
pub(super) fn is_uncertain<B: SegmentOctets>(
    zone: &Zone<'_, B>,
    sorted: &SortedZone,
    concerned: &Owners<'_>,
    servers: &[Name],
) -> bool {
    // A name server may get its address by a wildcard, of which more would have to be known.
    let has_no_records = |name: &Name| sorted.find(name.as_ref()).is_none();
    let is_below_cut = |name: &Name| {
        let mut above = up_to_apex(zone, name.as_ref()).skip(1).filter(|name| *name != zone.apex());
        above.any(|name| has(sorted, name, Rtype::NS))
    };
    servers.iter().any(|server| has_no_records(server) && !is_below_cut(server))
        || has_names_below_dname(zone, sorted, concerned)
}

/// Whether there may be names below a DNAME that are not both in `sorted`.
fn has_names_below_dname<B: SegmentOctets>(zone: &Zone<'_, B>, sorted: &SortedZone, concerned: &Owners<'_>) -> bool {
    // Many names have one parent: each is looked up once.
    let mut checked: Option<Name> = None;
    concerned.iter().any(|(name, node_before)| {
        let Some(rank) = sorted.find(name.as_ref()) else { return false };
        let is_new_dname = sorted.has_any(rank, &[Rtype::DNAME]) && node_before.is_some_and(|node| !node.owns_dname());
        let Some(parent) = name.parent().filter(|_| *name != Name::from(zone.apex())) else { return is_new_dname };
        if checked.as_ref() == Some(&parent) {
            return is_new_dname;
        }
        let is_below = up_to_apex(zone, parent.as_ref()).any(|above| {
            let is_known = sorted.find(above).is_some();
            !is_known && node(zone, above).is_some_and(|node| node.owns_dname())
        });
        checked = Some(parent);
        is_new_dname || is_below
    })
}

/// A name and those above it, up to the apex.
fn up_to_apex<'n, B: SegmentOctets>(zone: &Zone<'_, B>, name: NameRef<'n>) -> impl Iterator<Item = NameRef<'n>> {
    let labels = zone.apex_label_count();
    let count = (name.label_count() + 1).saturating_sub(labels);
    std::iter::successors(Some(name), NameRef::parent).take(count)
}

/// What the zone has of a name.
fn node<'z, B: SegmentOctets>(zone: &Zone<'z, B>, name: NameRef<'_>) -> Option<Node<'z>> {
    zone.address_node(&LookupName::new(zone.key(), name))
}

/// Whether a name has records of a type.
fn has(sorted: &SortedZone, name: NameRef<'_>, rtype: Rtype) -> bool {
    sorted.find(name).is_some_and(|rank| sorted.has_any(rank, &[rtype]))
}
