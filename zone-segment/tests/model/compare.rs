//! A zone of a segment against its model: every node, every record, every lookup.

use zone_segment::{Find, LookupName, Name, Node, Nsec3, SegmentOctets, Zone};

use super::{Answer, DNAME, ModelNode, ModelZone, NS, NSEC3, RRSIG, SOA, hash_of};

/// An answer in the model's words.
pub(crate) fn answer_of(find: Find<'_>) -> Answer {
    let name = |node: Node<'_>| node.name().to_name();
    match find {
        Find::Name(node) => Answer::Name(name(node)),
        Find::Cut(node) => Answer::Cut(name(node)),
        Find::Dname(node) => Answer::Dname(name(node)),
        Find::Wildcard { source, closest_encloser } => Answer::Wildcard(name(source), name(closest_encloser)),
        Find::NoName { closest_encloser } => Answer::NoName(name(closest_encloser)),
    }
}

/// The nodes an answer speaks of.
pub(crate) fn nodes_of(find: Find<'_>) -> Vec<Node<'_>> {
    match find {
        Find::Name(node) | Find::Cut(node) | Find::Dname(node) => vec![node],
        Find::Wildcard { source, closest_encloser } => vec![source, closest_encloser],
        Find::NoName { closest_encloser } => vec![closest_encloser],
    }
}

/// Compares all nodes of a zone, in order, with all they say of themselves.
pub(crate) fn compare_zone<B: SegmentOctets>(zone: &Zone<'_, B>, model: &ModelZone) {
    assert_eq!(zone.apex().to_name(), model.apex);
    let found: Vec<_> = zone.nodes().collect();
    let names = |nodes: &mut dyn Iterator<Item = Name>| nodes.collect::<Vec<_>>();
    assert_eq!(
        names(&mut found.iter().map(|node| node.name().to_name())),
        names(&mut model.nodes().map(|node| node.name.clone())),
        "names of {}, in canonical order",
        model.apex
    );
    for (node, expected) in found.iter().zip(model.nodes()) {
        compare_node(*node, model, expected, zone.has_changes());
    }
    compare_denials(zone, model, &found);
    let apex = model.node(&model.apex).expect("a zone has an apex");
    compare_node(zone.apex_node().expect("a zone has an apex"), model, apex, zone.has_changes());
    assert_eq!(zone.name_count(), found.len() as u64);
    let records = model.nodes().flat_map(|node| node.rrsets.values());
    assert_eq!(
        zone.record_count(),
        records.map(|rrset| (rrset.records.len() + rrset.signatures.len()) as u64).sum::<u64>(),
        "records of {}",
        model.apex
    );
    let serial = apex.rrsets.get(&SOA).and_then(|rrset| rrset.records.first()).map_or(0, |rdata| {
        let numbers = rdata.len() - 20;
        u32::from_be_bytes(rdata[numbers..numbers + 4].try_into().expect("four octets"))
    });
    assert_eq!(zone.serial(), Some(serial), "serial of {}", model.apex);
}

/// What a segment says of its names in the NSEC3 chain is what is found by hashing them.
fn compare_denials<'a, B: SegmentOctets>(zone: &Zone<'a, B>, model: &ModelZone, nodes: &[Node<'a>]) {
    let place = |found: Nsec3<'_>| match found {
        Nsec3::Match(node) => (true, node.name().to_name()),
        Nsec3::Cover(node) => (false, node.name().to_name()),
    };
    let parameters = zone.nsec3_parameters();
    let is_linked = nodes.iter().any(|node| zone.nsec3_of(*node).is_some());
    for node in nodes {
        let expected = parameters.and_then(|parameters| zone.nsec3(&parameters.hash(node.name())));
        let is_name = !node.is_occluded() && model.node(&node.name().to_name()).is_some_and(|node| !node.owns(NSEC3));
        let expected = expected.filter(|_| is_name && is_linked).map(place);
        assert_eq!(zone.nsec3_of(*node).map(place), expected, "NSEC3 of {}", node.name());
    }
}

/// Compares all that a zone says about one name, which is at or below its apex.
pub(crate) fn compare_name<B: SegmentOctets>(zone: &Zone<'_, B>, model: &ModelZone, name: &Name, lookup: &LookupName) {
    let context = format!("{name} in {}", model.apex);
    let find = zone.find(lookup);
    assert_eq!(answer_of(find), model.find(name), "{context}");
    let predecessor = zone.predecessor(lookup);
    assert_eq!(predecessor.map(|node| node.name().to_name()), model.predecessor(name), "predecessor of {context}");
    let address = zone.address_node(lookup);
    assert_eq!(address.map(|node| node.name().to_name()), model.node(name).map(|_| name.clone()), "node of {context}");
    for node in nodes_of(find).into_iter().chain(predecessor).chain(address) {
        let expected = model.node(&node.name().to_name()).expect("a node of the zone");
        compare_node(node, model, expected, zone.has_changes());
        compare_targets(zone, model, node);
    }
}

/// Compares what is found of the names that an NS RRset speaks of.
fn compare_targets<'a, B: SegmentOctets>(zone: &Zone<'a, B>, model: &ModelZone, owner: Node<'a>) {
    let Some(rrset) = owner.rrset(NS) else { return };
    let names = rrset.rdata().filter_map(|rdata| Name::from_wire(rdata).ok());
    assert_eq!(rrset.targets().map(|target| target.name.to_name()).collect::<Vec<_>>(), names.collect::<Vec<_>>());
    let mut room = LookupName::default();
    for target in rrset.targets() {
        let name = target.name.to_name();
        let node = zone.target_node(owner, target, &mut room);
        let expected = model.node(&name).map(|_| name.clone());
        assert_eq!(node.map(|node| node.name().to_name()), expected, "{name}, a server of {}", owner.name());
    }
}

/// Asks for names in batches, each pass for all of them before the next: the answers are those of one at a time.
pub(crate) fn compare_batch<B: SegmentOctets>(zone: &Zone<'_, B>, lookups: &[LookupName]) {
    let place = |node: Option<Node<'_>>| node.map(|node| node.name().as_wire().as_ptr());
    let places = |find: Find<'_>| nodes_of(find).into_iter().map(|node| place(Some(node))).collect::<Vec<_>>();
    for batch in lookups.chunks(32) {
        let alone: Vec<_> = batch.iter().map(|name| (places(zone.find(name)), place(zone.predecessor(name)))).collect();
        batch.iter().for_each(|name| zone.prefetch_index(name));
        batch.iter().for_each(|name| zone.prefetch_node(name));
        let finds: Vec<_> = batch.iter().map(|name| places(zone.find(name))).collect();
        let mut in_order: Vec<_> = batch.iter().map(|name| zone.order_place(name)).collect();
        in_order.iter_mut().for_each(|place| zone.order_narrow(place));
        let predecessors = batch.iter().zip(&in_order).map(|(name, at)| place(zone.predecessor_at(at, name)));
        assert_eq!(finds.into_iter().zip(predecessors).collect::<Vec<_>>(), alone, "in {}", zone.apex());
    }
}

/// Compares what a zone says of hashes in its NSEC3 chain: of its own, those next to them, and the extremes.
pub(crate) fn compare_hashes<B: SegmentOctets>(zone: &Zone<'_, B>, model: &ModelZone) {
    let owners = model.nodes().filter(|node| node.owns(NSEC3)).filter_map(|node| hash_of(&node.name));
    let near = owners.flat_map(|owner| {
        [(19, -1), (0, 0), (19, 1), (5, 1)].map(|(at, step): (usize, i8)| {
            let mut hash = owner;
            hash[at] = hash[at].wrapping_add_signed(step);
            hash
        })
    });
    for hash in near.chain([[0; 20], [0xff; 20]]) {
        let found = zone.nsec3(&hash).map(|found| match found {
            Nsec3::Match(node) => (true, node.name().to_name()),
            Nsec3::Cover(node) => (false, node.name().to_name()),
        });
        assert_eq!(found, model.nsec3(&hash), "{hash:02x?} in {}", model.apex);
    }
}

/// Compares what a node says of itself, and each of its RRsets. With changes above its segment it may not know what hides it.
fn compare_node(node: Node<'_>, model: &ModelZone, expected: &ModelNode, has_changes: bool) {
    let name = &expected.name;
    assert_eq!(node.name(), name.as_ref());
    if !expected.rrsets.is_empty() {
        assert_eq!(node.name().as_wire(), name.as_wire(), "{name}: the case of an owner is kept");
    }
    assert_eq!(node.is_apex(), *name == model.apex, "{name}");
    assert_eq!(node.is_empty_non_terminal(), expected.rrsets.is_empty(), "{name}");
    assert_eq!(node.is_cut(), *name != model.apex && expected.owns(NS), "{name}");
    assert_eq!(node.owns_dname(), expected.owns(DNAME), "{name}");
    if !has_changes {
        assert_eq!(node.is_occluded(), model.is_occluded(name), "{name}");
    }
    assert_eq!(node.is_wildcard(), name.as_ref().is_wildcard(), "{name}");
    let has_wildcard = name.prepend_label(b"*").is_ok_and(|child| model.node(&child).is_some());
    assert_eq!(node.has_wildcard_child(), has_wildcard, "{name}");
    let types: Vec<u16> = node.rrsets().map(|rrset| rrset.rtype()).collect();
    assert_eq!(types, expected.rrsets.keys().copied().collect::<Vec<_>>(), "types of {name}");
    for (at, (rrset, (&rtype, expected))) in node.rrsets().zip(&expected.rrsets).enumerate() {
        assert_eq!(rrset.rdata().collect::<Vec<_>>(), Vec::from_iter(&expected.records), "{name} TYPE{rtype}");
        assert_eq!(rrset.len(), expected.records.len(), "{name} TYPE{rtype}");
        assert_eq!(rrset.is_empty(), expected.records.is_empty(), "{name} TYPE{rtype}");
        let signatures: Vec<_> = rrset.signatures().collect();
        assert_eq!(signatures, Vec::from_iter(&expected.signatures), "signatures of {name} TYPE{rtype}");
        assert_eq!(rrset.signature_count(), expected.signatures.len(), "{name} TYPE{rtype}");
        if !expected.signatures.is_empty() {
            assert_eq!(rrset.signature_ttl(), expected.signature_ttl, "{name} TYPE{rtype}");
        }
        // A search among those before it: of many, some say as much.
        if at > 200 && at % 997 != 0 {
            continue;
        }
        let by_type = node.rrset(rtype);
        assert_eq!(by_type.is_some(), !expected.records.is_empty(), "{name} TYPE{rtype}");
        if let Some(by_type) = by_type {
            assert_eq!(by_type.ttl(), expected.ttl, "{name} TYPE{rtype}");
            assert!(by_type.rdata().eq(rrset.rdata()), "{name} TYPE{rtype}");
        }
    }
    for absent in [0, RRSIG, 65_535] {
        assert_eq!(node.rrset(absent).is_some(), expected.owns(absent), "{name} TYPE{absent}");
    }
}
