//! Where changes stand in the order of NSEC records and of NSEC3 hashes: those that count, and which of the base's do not count any more.

use crate::denial::{self, Nsec3, hash_of_label};
use crate::hash::HashKey;
use crate::ids::LayerId;
use crate::lookup_name::LookupName;
use crate::map::SegmentOctets;
use crate::node::Node;
use crate::nsec3::Nsec3Hash;
use crate::order;
use crate::sort_key::SortKey;
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot};

use super::ordered::{Ordered, Place};
use super::runs::Runs;
use super::{Overlay, Part, node_in};

/// Both orders.
#[derive(Clone, Debug, Default)]
pub(super) struct Chains {
    /// Names that changed and own an authoritative NSEC RRset.
    proofs: Ordered<Proof>,
    /// References of the base's that do not count.
    overruled: Runs,
    /// NSEC3 records that changed and are there.
    hashes: Ordered<Hashed>,
    /// Rows of the base's that do not count.
    overruled_rows: Runs,
}

/// A name that owns an authoritative NSEC RRset.
#[derive(Clone, Copy, Debug)]
struct Proof {
    /// Its sort key.
    key: SortKey,
    /// The layer that it is in.
    layer: LayerId,
    /// Its node there.
    node: u32,
}

/// An owner of an NSEC3 record.
#[derive(Clone, Copy, Debug)]
struct Hashed {
    /// The hash in its name.
    hash: Nsec3Hash,
    /// Its node.
    node: u32,
    /// The layer that it is in.
    layer: LayerId,
}

impl Chains {
    /// Octets that they take.
    pub(super) fn octets(&self) -> usize {
        self.proofs.octets() + self.overruled.octets() + self.hashes.octets() + self.overruled_rows.octets()
    }

    /// What takes in one of some deltas; the second ones are gone.
    pub(super) fn change<'c, 'd, B: SegmentOctets>(
        &'c mut self,
        deltas: [&'d [Part<B>]; 2],
        base: Option<&'d Part<B>>,
        part: &'d Part<B>,
    ) -> Change<'c, 'd, B> {
        let base = base.and_then(Part::tables);
        let apex = part.tables().and_then(|(root, row)| Node::at(root, row.start.to_native()));
        let apex = apex.unwrap_or(Node::NOTHING).name();
        let (apex_labels, apex_octets) = (apex.label_count(), apex.as_wire().len());
        let key = part.layer.segment.key();
        Change { chains: self, deltas, base, part, key, apex_labels, apex_octets }
    }

    /// The last owner of an authoritative NSEC RRset at or before a name, of the base's one and those that changed.
    pub(super) fn predecessor<'a, B: SegmentOctets>(
        &self,
        overlay: &'a Overlay<B>,
        name: &LookupName,
        key: SortKey,
        apex_octets: usize,
        mut in_base: Option<Node<'a>>,
    ) -> Option<Node<'a>> {
        let place = self.place(|id| overlay.delta(id), name, key, apex_octets);
        let changed = self.proofs.before(place).and_then(|proof| proof.node(overlay.delta(proof.layer)));
        if let Some((root, row)) = overlay.base.as_ref().and_then(Part::tables) {
            let run_of = |node: Node<'_>| self.overruled.run_of(node.reference_in(root)?);
            while let Some(run) = in_base.and_then(run_of) {
                // Always further back: a damaged table might say otherwise.
                in_base = order::proof_before(root, row, run.start)
                    .filter(|node| node.reference_in(root).is_some_and(|reference| reference < run.start));
            }
        }
        match (in_base, changed) {
            (Some(base), Some(changed)) => Some(if changed.name() > base.name() { changed } else { base }),
            (base, changed) => base.or(changed),
        }
    }

    /// The place behind the names that changed and are at or before a name.
    #[inline]
    fn place<'d, B: SegmentOctets + 'd>(
        &self,
        delta: impl Fn(LayerId) -> Option<&'d Part<B>>,
        name: &LookupName,
        key: SortKey,
        apex_octets: usize,
    ) -> Place {
        self.proofs.behind(|proof| {
            proof.key < key
                || proof.key == key
                    && proof
                        .node(delta(proof.layer))
                        .is_some_and(|node| name.is_at_or_behind(node.name_octets(), apex_octets))
        })
    }

    /// How many rows the NSEC3 chain has.
    pub(super) fn nsec3_count<B: SegmentOctets>(&self, base: Option<&Part<B>>) -> u64 {
        let in_base = base.and_then(Part::tables).map_or(0, |(_, row)| row.nsec3_count.to_native());
        u64::from(in_base.saturating_sub(self.overruled_rows.count())) + self.hashes.len() as u64
    }

    /// What the NSEC3 chain says of a hash.
    pub(super) fn nsec3<'a, B: SegmentOctets>(&self, overlay: &'a Overlay<B>, hash: &Nsec3Hash) -> Option<Nsec3<'a>> {
        let place = self.hashes.behind(|other| other.hash <= *hash);
        let changed = self.hashes.before(place).or_else(|| self.hashes.last());
        let changed = changed.and_then(|found| {
            let (root, _) = overlay.delta(found.layer)?.tables()?;
            Some((Node::at(root, found.node)?, found.hash))
        });
        let in_base = overlay.base.as_ref().and_then(Part::tables).and_then(|base| self.nsec3_in_base(base, hash));
        let nearest = match (in_base, changed) {
            (Some(base), Some(changed)) => {
                // The nearest before the hash, counted round the end of the chain.
                let place = |found: &(Node<'_>, Nsec3Hash)| (found.1 <= *hash, found.1);
                Some(if place(&changed) > place(&base) { changed } else { base })
            }
            (base, changed) => base.or(changed),
        };
        let (node, owner) = nearest?;
        Some(if owner == *hash { Nsec3::Match(node) } else { Nsec3::Cover(node) })
    }

    /// The base's last record at or before a hash, round the end of the chain, of those that count.
    fn nsec3_in_base<'a>(
        &self,
        (root, row): (&'a ArchivedZonesRoot, &'a ArchivedZoneRow),
        hash: &Nsec3Hash,
    ) -> Option<(Node<'a>, Nsec3Hash)> {
        let count = row.nsec3_count.to_native();
        if self.overruled_rows.count() >= count {
            return None;
        }
        let (node, found, mut at) = denial::at_or_before(root, row, hash)?;
        let Some(mut run) = self.overruled_rows.run_of(at) else { return Some((node, found)) };
        loop {
            at = run.start.checked_sub(1).unwrap_or(count - 1);
            match self.overruled_rows.run_of(at) {
                Some(next) => run = next,
                None => return denial::owner_of_row(root, row, at),
            }
        }
    }
}

impl Proof {
    /// Its node.
    #[inline]
    fn node<'a, B: SegmentOctets>(&self, delta: Option<&'a Part<B>>) -> Option<Node<'a>> {
        let (root, _) = delta?.tables()?;
        Node::at(root, self.node)
    }
}

/// A delta being taken in.
pub(super) struct Change<'c, 'd, B> {
    /// What it is taken into.
    chains: &'c mut Chains,
    /// The deltas, and those that are gone, for what was taken in of them.
    deltas: [&'d [Part<B>]; 2],
    /// The base.
    base: Option<(&'d ArchivedZonesRoot, &'d ArchivedZoneRow)>,
    /// The delta.
    part: &'d Part<B>,
    /// The key of the name hash.
    key: HashKey,
    /// Labels of the apex.
    apex_labels: usize,
    /// Octets of the apex.
    apex_octets: usize,
}

impl<'d, B: SegmentOctets> Change<'_, 'd, B> {
    /// Whether a node may say anything of the order.
    pub(super) fn concerns(&self, node: Node<'_>) -> bool {
        let (proofs, rows) = self.base.map_or((0, 0), |(_, row)| (row.proofs.to_native(), row.nsec3_count.to_native()));
        let own_rows = self.part.tables().map_or(0, |(_, row)| row.nsec3_count.to_native());
        let has_proofs = proofs > 0 || self.chains.proofs.len() > 0 || node.is_proof();
        has_proofs || rows > 0 || own_rows > 0 || self.chains.hashes.len() > 0
    }

    /// Takes a node in, of which no newer delta says anything.
    pub(super) fn take(&mut self, node: Node<'d>, name: &LookupName) {
        self.take_proof(node, name);
        if name.label_count() == self.apex_labels + 1
            && let Some(hash) = hash_of_label(name.label(name.label_count()))
        {
            self.take_hash(node, hash);
        }
    }

    /// Takes in whether a name owns an authoritative NSEC RRset.
    fn take_proof(&mut self, node: Node<'d>, name: &LookupName) {
        let key = SortKey::of(name, self.apex_labels, name.label_count());
        let deltas = self.deltas;
        let delta = |id| deltas.iter().copied().flatten().find(|part| part.id() == id);
        let is_it = |proof: &Proof| {
            proof.key == key && proof.node(delta(proof.layer)).is_some_and(|node| node.is(name.name().as_wire()))
        };
        let place = self.chains.place(delta, name, key, self.apex_octets);
        let before = self.chains.proofs.before(place).filter(is_it);
        let own = node.is_proof().then(|| self.reference(node)).flatten();
        let own = own.map(|reference| Proof { key, layer: self.part.id(), node: reference });
        match (before, own) {
            (Some(_), Some(own)) => self.chains.proofs.replace_before(place, own),
            (Some(_), None) => self.chains.proofs.remove_before(place),
            (None, Some(own)) => self.chains.proofs.insert(place, own),
            (None, None) => {}
        }
        let Some((root, row)) = self.base.filter(|(_, row)| row.proofs.to_native() > 0) else { return };
        let wire = name.name().as_wire();
        let in_base = node_in(root, row, name.full_hash(self.key), |node| node.is(wire));
        if let Some(reference) = in_base.filter(Node::is_proof).and_then(|node| node.reference_in(root)) {
            let before = |reference| order::proof_before(root, row, reference)?.reference_in(root);
            self.chains.overruled.add(reference, before);
        }
    }

    /// Takes in whether a name that is a hash owns an NSEC3 record of the chain.
    fn take_hash(&mut self, node: Node<'d>, hash: Nsec3Hash) {
        let place = self.chains.hashes.behind(|other| other.hash <= hash);
        let before = self.chains.hashes.before(place).filter(|other| other.hash == hash);
        let own = self.part.tables().and_then(|(root, row)| {
            let (found, found_hash, _) = denial::at_or_before(root, row, &hash)?;
            let is_own = found_hash == hash && found.name() == node.name();
            is_own.then(|| found.reference_in(root)).flatten()
        });
        let own = own.map(|node| Hashed { hash, node, layer: self.part.id() });
        match (before, own) {
            (Some(_), Some(own)) => self.chains.hashes.replace_before(place, own),
            (Some(_), None) => self.chains.hashes.remove_before(place),
            (None, Some(own)) => self.chains.hashes.insert(place, own),
            (None, None) => {}
        }
        let Some((root, row)) = self.base else { return };
        if let Some((found, found_hash, number)) = denial::at_or_before(root, row, &hash)
            && found_hash == hash
            && found.name() == node.name()
        {
            self.chains.overruled_rows.add(number, |row| row.checked_sub(1));
        }
    }

    /// The reference of a node of the delta.
    fn reference(&self, node: Node<'_>) -> Option<u32> {
        self.part.tables().and_then(|(root, _)| node.reference_in(root))
    }
}
