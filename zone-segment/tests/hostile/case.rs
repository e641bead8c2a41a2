//! One input of the fuzz target, from its octets to its verdict: which segment is damaged, how, and what is asked of it.
//! The fuzz target and the tests call the same [`run`].
//!
//! ```text
//! input:  u8 the sample, u8 the kind of damage, u8 the other layer, whether the damaged one is above it, and whether it is copied
//!         u8 edits, each u8 operation, u24 where, and what the operation needs (damage.rs)
//!         names to ask for until the input ends: u8 kind, u8 length or which, then octets
//! ```

use zone_segment::{Kind, LookupName, Name, NameRef, OpenError, Segment, SegmentBuffer};

use super::damage::{self, Input};
use super::exercise::{exercise_segment, exercise_set};
use super::model::compare::{compare_batch, compare_hashes, compare_name, compare_zone};
use super::samples::{KEY, Sample, Shared, directory, lookup, samples};
use super::seal;

/// The most names that one input asks for by itself.
const NAMES_MAX: usize = 12;

/// The most existing names, or neighbours of them, that are asked for beside them.
const EXISTING_MAX: usize = 12;

/// Which octets are damaged, and which hashes made right again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// Those under the block hashes alone: opening reads none of them.
    Body,
    /// The same, and the block hashes made right: as if a builder had written it.
    BodyVerified,
    /// The root, its hash made right.
    Root,
    /// The header, its hash made right.
    Header,
    /// Header or root, hashes left as they were: always refused.
    Unsealed,
    /// The body's length, with lengths, offsets and hashes made to agree.
    Length,
}

impl Damage {
    /// The kind that an octet of the input means: half of all inputs damage the body and nothing else.
    fn of(octet: u8) -> Damage {
        match octet % 12 {
            0..=5 => Damage::Body,
            6 | 7 => Damage::BodyVerified,
            8 => Damage::Root,
            9 => Damage::Header,
            10 => Damage::Unsealed,
            _ => Damage::Length,
        }
    }
}

/// Damages a segment as the input says, opens it, and asks it everything. Panics when something is wrong.
pub(crate) fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let sample = &samples()[input.number(1) % samples().len()];
    let damage = Damage::of(input.octet());
    let arrangement = input.octet();
    let octets = damaged(&mut input, sample, damage);
    let names = asked(&mut input, sample);
    let is_changed = octets.as_slice() != sample.octets.as_slice();
    let segment = match Segment::open(octets) {
        Ok(segment) => Shared::new(segment),
        Err(error) => return check_refused(&error, damage, is_changed),
    };
    assert!(damage != Damage::Unsealed || !is_changed, "a changed octet of header or root is found at open");
    match damage {
        Damage::Body => assert_eq!(segment.verify().is_err(), is_changed, "a changed octet is found by a full check"),
        Damage::BodyVerified => segment.verify().expect("the hashes are right"),
        _ => {}
    }
    if !is_changed {
        // The model is slow: a few names an input, and all of them in a test of their own.
        return check_names(sample, &segment, names.into_iter().take(4).collect());
    }
    let lookups: Vec<LookupName> = names.iter().map(|name| lookup(segment.key(), name)).collect();
    // Writing costs more than all the rest: an input in eight does it.
    exercise_segment(&segment, &lookups, arrangement & 0xe0 == 0);
    if segment.key() == KEY {
        let zones = &samples()[usize::from(arrangement >> 1 & 0xf) % (samples().len() - 1)].segment;
        let (other, fellow) = match segment.kind() {
            Kind::Zones => (zones, &directory().segment),
            Kind::Directory => (&directory().segment, zones),
        };
        exercise_set(&segment, other, fellow, arrangement & 1 == 0, &lookups);
    }
}

/// The octets of a sample after the damage.
fn damaged(input: &mut Input<'_>, sample: &Sample, damage: Damage) -> SegmentBuffer {
    let mut octets = sample.octets.clone();
    let (body, root) = (seal::body(&octets), seal::root(&octets));
    match damage {
        Damage::Body => damage::apply(input, &mut octets, body),
        Damage::BodyVerified => {
            damage::apply(input, &mut octets, body);
            seal::everything(&mut octets);
        }
        Damage::Root => {
            damage::apply(input, &mut octets, root);
            seal::root_and_header(&mut octets);
        }
        Damage::Header => {
            // The fields; behind them there are zeros up to the hash.
            damage::apply(input, &mut octets, 0..176);
            seal::header(&mut octets);
        }
        Damage::Unsealed => {
            let region = if input.octet() & 1 == 0 { 0..seal::HEADER_OCTETS } else { root };
            damage::apply(input, &mut octets, region);
        }
        Damage::Length => octets = of_other_length(input, &octets),
    }
    octets
}

/// A segment with octets cut out before its root, or added there, that agrees with itself on its lengths.
fn of_other_length(input: &mut Input<'_>, octets: &SegmentBuffer) -> SegmentBuffer {
    let (body, root) = (seal::body(octets), seal::root(octets));
    let at = body.start + input.number(3) % body.len();
    let change = input.number(2);
    let before = &octets[..at];
    let parts: [&[u8]; 4] = match change % 2 {
        0 => [before, &[], &octets[(at + change / 2).min(body.end)..body.end], &octets[root.clone()]],
        _ => [before, &[0xa5; 256][..(change / 2) % 256], &octets[at..body.end], &octets[root.clone()]],
    };
    let mut new = seal::buffer(&parts.concat());
    let end = new.len();
    let blocks = 1;
    for (field, number) in [
        (seal::ROOT_OFFSET, end - root.len()),
        (seal::BLOCK_TABLE, end),
        (seal::ARCHIVE_LENGTH, end - seal::HEADER_OCTETS),
        (seal::BLOCK_COUNT, blocks),
        (seal::TOTAL_LENGTH, end + 16 * blocks),
    ] {
        seal::set_number(&mut new, field, number as u64);
    }
    new.resize(end + 16 * blocks, 0);
    seal::everything(&mut new);
    new
}

/// The names that an input asks for, and some of those that exist.
fn asked(input: &mut Input<'_>, sample: &Sample) -> Vec<Name> {
    let existing = existing(sample);
    let mut names = Vec::new();
    while !input.is_empty() && names.len() < NAMES_MAX {
        let (kind, which) = (input.octet(), input.octet());
        let base = &existing[usize::from(which) % existing.len()];
        let name = match kind % 6 {
            0 => Some(base.clone()),
            1 => base.parent(),
            2 => base.prepend_label(&[kind / 6]).ok(),
            3 => base.prepend_label(input.take(usize::from(which) % 63 + 1)).ok(),
            4 => base.parent().and_then(|parent| parent.prepend_label(input.take(usize::from(kind / 6) + 1)).ok()),
            _ => NameRef::parse_prefix(input.take(255)).ok().map(|(name, _)| name.to_name()),
        };
        names.extend(name);
    }
    let step = existing.len().div_ceil(EXISTING_MAX);
    names.extend(existing.into_iter().step_by(step));
    names.push(Name::root());
    names
}

/// The names of a sample.
pub(crate) fn existing(sample: &Sample) -> Vec<Name> {
    let zones = sample.zones.iter().flat_map(|(_, zone)| zone.nodes()).map(|node| node.name.clone());
    zones.chain(sample.entries.iter().map(|entry| entry.apex.clone())).collect()
}

/// Checks that a segment was refused with reason.
fn check_refused(error: &OpenError, damage: Damage, is_changed: bool) {
    assert!(is_changed, "a sound segment is refused: {error}");
    assert!(!error.to_string().is_empty());
    match damage {
        Damage::Body | Damage::BodyVerified => panic!("{damage:?}: opening reads none of it: {error}"),
        Damage::Root => assert!(matches!(error, OpenError::Root { .. }), "{error}"),
        Damage::Length => assert!(matches!(error, OpenError::Root { .. } | OpenError::RootHash { .. }), "{error}"),
        Damage::Header | Damage::Unsealed => {}
    }
}

/// Checks that a sound segment says exactly what it was written from.
pub(crate) fn check_exact(sample: &Sample, segment: &Shared, names: Vec<Name>) {
    segment.verify().expect("sound");
    let entries: Vec<_> = segment.directory_entries().collect();
    assert_eq!(entries, sample.entries);
    assert_eq!(segment.zones().count(), sample.zones.len());
    for (id, model) in &sample.zones {
        let zone = segment.zones().find(|zone| zone.id() == *id).expect("written");
        compare_zone(&zone, model);
        compare_hashes(&zone, model);
    }
    check_names(sample, segment, names);
}

/// Checks that a sound segment says of names exactly what it was written from.
fn check_names(sample: &Sample, segment: &Shared, names: Vec<Name>) {
    let names: Vec<(Name, LookupName)> = names.into_iter().map(|name| (name.clone(), lookup(KEY, &name))).collect();
    for (id, model) in &sample.zones {
        let zone = segment.zones().find(|zone| zone.id() == *id).expect("written");
        let of_zone = || names.iter().filter(|(name, _)| name.is_at_or_below(model.apex.as_ref()));
        for (name, lookup) in of_zone() {
            compare_name(&zone, model, name, lookup);
        }
        compare_batch(&zone, &of_zone().map(|(_, lookup)| lookup.clone()).collect::<Vec<_>>());
    }
    for (name, lookup) in &names {
        let longest = sample.zones.iter().map(|(_, zone)| &zone.apex).filter(|apex| name.is_at_or_below(apex.as_ref()));
        let expected = longest.max_by_key(|apex| apex.label_count());
        assert_eq!(segment.find_zone(lookup).map(|zone| zone.apex().to_name()).as_ref(), expected);
    }
}
