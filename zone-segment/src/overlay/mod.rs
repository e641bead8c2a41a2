//! What a reader keeps in its own memory about a zone that has changes above its base: which names may have changed, and for signed zones
//! where in the order of NSEC and NSEC3 records the changes stand.
//!
//! The names themselves stay in the deltas. With the filter a lookup of a name that did not change costs one word of memory more, however
//! many deltas there are ([`filter`]); a name that did change is looked for in each, the newest first. What proves that a name is not there
//! is found in two searches, one in the base and one in what all deltas say together ([`chains`]). It is made from the one before when
//! a delta comes, at the cost of that delta's names, and anew when the base is another.

mod chains;
mod filter;
mod ordered;
mod runs;

use std::sync::Arc;

use crate::denial::Nsec3;
use crate::hash::HashKey;
use crate::ids::{LayerId, ZoneId};
use crate::index;
use crate::lookup_name::LookupName;
use crate::map::SegmentOctets;
use crate::node::Node;
use crate::nsec3::Nsec3Hash;
use crate::order;
use crate::prefetch::line_of;
use crate::sort_key::SortKey;
use crate::stack::Layer;
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot, CHANGES, NSEC_OWNERS, STRUCTURAL};

use chains::Chains;
use filter::Filter;

/// A layer that has something of a zone.
#[derive(Debug)]
pub(crate) struct Part<B> {
    /// The layer.
    layer: Layer<B>,
    /// The number of the zone's row.
    row: usize,
}

impl<B> Clone for Part<B> {
    fn clone(&self) -> Self {
        Part { layer: self.layer.clone(), row: self.row }
    }
}

impl<B: SegmentOctets> Part<B> {
    /// What a layer has of a zone, if it has anything.
    fn of(layer: &Layer<B>, zone: ZoneId) -> Option<Part<B>> {
        let root = layer.segment.zones_root()?;
        let row = root.zones.binary_search_by_key(&zone.0, |row| row.zone.to_native()).ok()?;
        Some(Part { layer: layer.clone(), row })
    }

    /// The segment's tables and the zone's row.
    #[inline]
    pub(crate) fn tables(&self) -> Option<(&ArchivedZonesRoot, &ArchivedZoneRow)> {
        let root = self.layer.segment.zones_root()?;
        Some((root, root.zones.get(self.row)?))
    }

    /// Its layer's number.
    pub(crate) fn id(&self) -> LayerId {
        self.layer.id
    }

    /// Whether it is all of the zone.
    fn is_whole(&self) -> bool {
        self.tables().is_some_and(|(_, row)| row.flags.to_native() & CHANGES == 0)
    }

    /// Its nodes.
    fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.tables().into_iter().flat_map(|(root, row)| order::Nodes::of_zone(root, row))
    }

    /// The node that `is_it` says yes to among those of a hash.
    #[inline]
    fn find<'a>(&'a self, hash: u64, is_it: impl Fn(&Node<'a>) -> bool) -> Option<Node<'a>> {
        let (root, row) = self.tables()?;
        node_in(root, row, hash, is_it)
    }

    /// Whether it says anything of a name.
    fn has(&self, name: &LookupName, key: HashKey) -> bool {
        let wire = name.name().as_wire();
        self.find(name.full_hash(key), |node| node.is(wire)).is_some()
    }
}

/// The node of a zone in one segment that has a hash and that `is_it` says yes to.
#[inline(always)]
pub(crate) fn node_in<'a>(
    root: &'a ArchivedZonesRoot,
    row: &ArchivedZoneRow,
    hash: u64,
    is_it: impl Fn(&Node<'a>) -> bool,
) -> Option<Node<'a>> {
    // The same name may be in several zones of a segment: a cut in one is the apex of another.
    let of_zone = row.start.to_native()..row.end.to_native();
    index::find(&root.buckets, hash, |reference| {
        // The record may begin at the end of a line: both lines at once, not one behind the other.
        Node::prefetch(root, reference);
        Node::at(root, reference).filter(|node| of_zone.contains(&reference) && is_it(node))
    })
}

/// A zone's deltas, newest first, and its base.
type Parts<B> = (Vec<Part<B>>, Option<Part<B>>);

/// The changes of a zone above its base, as a reader sees them.
#[derive(Debug)]
pub(crate) struct Overlay<B> {
    /// The zone.
    pub(crate) zone: ZoneId,
    /// The layers with changes, newest first; there is one at least.
    deltas: Vec<Part<B>>,
    /// The newest layer that has all of the zone.
    base: Option<Part<B>>,
    /// Names that may have changed.
    filter: Arc<Filter>,
    /// How many the filter was given for this overlay and those before it.
    added: usize,
    /// Whether only the names above a name say what hides it.
    is_structural: bool,
    /// What proves that names are not there.
    chains: Chains,
}

impl<B: SegmentOctets> Overlay<B> {
    /// What a zone's overlay is made of, by its layers newest first; none where the newest that has anything of it has all of it.
    fn parts(layers: &[Layer<B>], zone: ZoneId) -> Option<Parts<B>> {
        let mut deltas = Vec::new();
        for part in layers.iter().filter_map(|layer| Part::of(layer, zone)) {
            if part.is_whole() {
                return (!deltas.is_empty()).then_some((deltas, Some(part)));
            }
            deltas.push(part);
        }
        (!deltas.is_empty()).then_some((deltas, None))
    }

    /// The overlay of a zone in a stack, made from the one before where that is possible.
    fn of(layers: &[Layer<B>], zone: ZoneId, before: Option<&Overlay<B>>) -> Option<Overlay<B>> {
        let (deltas, base) = Self::parts(layers, zone)?;
        let reused = before.filter(|before| before.is_continued_by(&deltas, base.as_ref()));
        let mut overlay = match reused {
            Some(before) => Overlay {
                zone,
                deltas,
                base,
                filter: Arc::clone(&before.filter),
                added: before.added,
                is_structural: false,
                chains: before.chains.clone(),
            },
            None => {
                let names = deltas.iter().filter_map(Part::tables).map(|(_, row)| row.names.to_native() as usize);
                let filter = Arc::new(Filter::new(2 * names.sum::<usize>()));
                Overlay { zone, deltas, base, filter, added: 0, is_structural: false, chains: Chains::default() }
            }
        };
        // What was taken in of deltas that are gone is compared with until each of their names is replaced.
        let is_gone = |part: &&Part<B>| overlay.deltas.iter().all(|other| other.id() != part.id());
        let gone: Vec<Part<B>> =
            reused.into_iter().flat_map(|before| before.deltas.iter().filter(is_gone).cloned()).collect();
        let is_new = |part: &Part<B>| reused.is_none_or(|before| before.deltas.iter().all(|old| old.id() != part.id()));
        // Oldest first, so that what comes later counts.
        for depth in (0..overlay.deltas.len()).rev() {
            if is_new(&overlay.deltas[depth]) {
                overlay.take(depth, &gone);
            }
        }
        overlay.is_structural = overlay.has_flag(STRUCTURAL);
        if overlay.added > overlay.filter.capacity() {
            overlay.grow();
        }
        Some(overlay)
    }

    /// Whether what is known for these deltas can be made from this: the base is the same, and of deltas that are gone each name is in one
    /// that came.
    fn is_continued_by(&self, deltas: &[Part<B>], base: Option<&Part<B>>) -> bool {
        if self.base.as_ref().map(Part::id) != base.map(Part::id) {
            return false;
        }
        let is_in = |part: &Part<B>, others: &[Part<B>]| others.iter().any(|other| other.id() == part.id());
        let came: Vec<&Part<B>> = deltas.iter().filter(|part| !is_in(part, &self.deltas)).collect();
        let mut lookup = LookupName::default();
        self.deltas.iter().filter(|part| !is_in(part, deltas)).all(|gone| {
            let key = gone.layer.segment.key();
            gone.nodes().all(|node| {
                lookup.set(key, node.name());
                came.iter().any(|part| part.has(&lookup, key))
            })
        })
    }

    /// Takes in what one delta says, as far as no newer one says otherwise.
    fn take(&mut self, depth: usize, gone: &[Part<B>]) {
        let Overlay { deltas, base, filter, added, chains, .. } = self;
        let (newer, part) = deltas.split_at(depth);
        let Some(part) = part.first() else { return };
        let key = part.layer.segment.key();
        let mut lookup = LookupName::default();
        let mut chains = chains.change([deltas, gone], base.as_ref(), part);
        for node in part.nodes() {
            lookup.set(key, node.name());
            filter.add(lookup.full_hash(key));
            *added += 1;
            if chains.concerns(node) && !newer.iter().any(|part| part.has(&lookup, key)) {
                chains.take(node, &lookup);
            }
        }
    }

    /// Makes the filter anew for twice as many names as there are.
    fn grow(&mut self) {
        let nodes = self.deltas.iter().filter_map(Part::tables).map(|(_, row)| row.names.to_native() as usize);
        self.added = nodes.sum();
        let filter = Filter::new(2 * self.added);
        let mut lookup = LookupName::default();
        for part in &self.deltas {
            for node in part.nodes() {
                lookup.set(part.layer.segment.key(), node.name());
                filter.add(lookup.full_hash(part.layer.segment.key()));
            }
        }
        self.filter = Arc::new(filter);
    }

    /// The newest layer that has all of the zone.
    pub(crate) fn base(&self) -> Option<&Part<B>> {
        self.base.as_ref()
    }

    /// The newest delta's tables and row: it says of the zone as a whole how it stands.
    #[inline]
    pub(crate) fn newest(&self) -> Option<(&ArchivedZonesRoot, &ArchivedZoneRow)> {
        self.deltas.first()?.tables()
    }

    /// The deltas, newest first.
    pub(crate) fn deltas(&self) -> &[Part<B>] {
        &self.deltas
    }

    /// Whether only the names above a name say what hides it.
    #[inline]
    pub(crate) fn is_structural(&self) -> bool {
        self.is_structural
    }

    /// Whether a name of this hash may have changed.
    #[inline]
    pub(crate) fn may_have(&self, hash: u64) -> bool {
        self.filter.may_have(hash)
    }

    /// Asks the processor for what [`may_have`](Overlay::may_have) reads.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64) {
        if let Some(word) = self.filter.word(hash) {
            line_of(word);
        }
    }

    /// What the newest delta that knows a name says of it: a tombstone where it went.
    #[inline(never)]
    pub(crate) fn find<'a>(&'a self, hash: u64, is_it: impl Fn(&Node<'a>) -> bool) -> Option<Node<'a>> {
        self.deltas.iter().find_map(|part| part.find(hash, &is_it))
    }

    /// The last owner of an authoritative NSEC RRset at or before a name, by what the base has.
    pub(crate) fn predecessor<'a>(
        &'a self,
        name: &LookupName,
        key: SortKey,
        apex_octets: usize,
        in_base: Option<Node<'a>>,
    ) -> Option<Node<'a>> {
        self.chains.predecessor(self, name, key, apex_octets, in_base)
    }

    /// Whether a changed name may own an NSEC RRset, with authority or without.
    pub(crate) fn has_nsec_owners(&self) -> bool {
        self.has_flag(NSEC_OWNERS)
    }

    /// Whether a row of a delta has a flag.
    fn has_flag(&self, flag: u32) -> bool {
        self.deltas.iter().filter_map(Part::tables).any(|(_, row)| row.flags.to_native() & flag != 0)
    }

    /// How many rows its NSEC3 chain has.
    pub(crate) fn nsec3_count(&self) -> u64 {
        self.chains.nsec3_count(self.base.as_ref())
    }

    /// What its NSEC3 chain says of a hash.
    pub(crate) fn nsec3(&self, hash: &Nsec3Hash) -> Option<Nsec3<'_>> {
        self.chains.nsec3(self, hash)
    }

    /// The delta with a number.
    fn delta(&self, id: LayerId) -> Option<&Part<B>> {
        self.deltas.iter().find(|part| part.id() == id)
    }

    /// Octets of memory that it takes beside the segments.
    pub(crate) fn octets(&self) -> usize {
        size_of::<Self>() + self.filter.octets() + self.chains.octets()
    }
}

/// The overlays of a stack, by zone.
pub(crate) type Overlays<B> = Arc<[Overlay<B>]>;

/// The overlays of a stack, made from those before where that is possible.
pub(crate) fn overlays<B: SegmentOctets>(layers: &[Layer<B>], before: &[Overlay<B>]) -> Overlays<B> {
    let mut zones: Vec<ZoneId> = Vec::new();
    // A base that is alone has none, and neither have zones that lie in the lowest layer alone.
    for layer in layers.iter().take(layers.len().saturating_sub(1)) {
        let rows = layer.segment.zones_root().into_iter().flat_map(|root| root.zones.iter());
        zones.extend(rows.filter(|row| row.flags.to_native() & CHANGES != 0).map(|row| ZoneId(row.zone.to_native())));
    }
    zones.sort_unstable();
    zones.dedup();
    zones.into_iter().filter_map(|zone| Overlay::of(layers, zone, find(before, zone))).collect()
}

/// The overlay of a zone.
#[inline]
pub(crate) fn find<B>(overlays: &[Overlay<B>], zone: ZoneId) -> Option<&Overlay<B>> {
    overlays.binary_search_by_key(&zone, |overlay| overlay.zone).ok().and_then(|at| overlays.get(at))
}
