//! The nodes that prove what is not there: predecessors in canonical order over all layers, and places in the NSEC3 chain.

use crate::denial::{self, Nsec3};
use crate::lookup_name::LookupName;
use crate::map::SegmentOctets;
use crate::node::Node;
use crate::nsec3::{Nsec3Hash, Nsec3Parameters};
use crate::order;
use crate::sort_key::SortKey;
use crate::stack::LAYERS_MAX;

use super::{Zone, is_in};

/// Where in the canonical order a name is or would be; see [`Zone::order_place`].
#[derive(Clone, Copy, Debug)]
pub struct OrderPlace {
    /// The name's sort key.
    key: SortKey,
    /// The place in each layer.
    places: [order::Place; LAYERS_MAX],
}

impl<'a, B: SegmentOctets> Zone<'a, B> {
    /// The last node, at or before a name in canonical order, that owns an authoritative NSEC RRset: the one that proves
    /// what is (not) there. None in a zone that is not signed with NSEC.
    pub fn predecessor(&self, name: &LookupName) -> Option<Node<'a>> {
        self.predecessor_at(&self.order_place(name), name)
    }

    /// First pass of a batch of [`predecessor`](Zone::predecessor): finds about where a name is or would be in the order, and asks the
    /// processor for what the second pass, [`order_narrow`](Zone::order_narrow), reads.
    pub fn order_place(&self, name: &LookupName) -> OrderPlace {
        let key = SortKey::of(name, self.apex_labels, name.label_count());
        let mut places = [order::Place::default(); LAYERS_MAX];
        for (depth, place) in places.iter_mut().enumerate().take(self.depths()) {
            if let Some((root, row)) = self.layer(depth).filter(|(_, row)| row.proofs.to_native() > 0) {
                *place = order::find_block(root, row, name, key, self.apex.as_wire().len());
            }
        }
        OrderPlace { key, places }
    }

    /// Second pass: finds the place but for a few names, and asks for what the last one,
    /// [`predecessor_at`](Zone::predecessor_at), reads.
    pub fn order_narrow(&self, place: &mut OrderPlace) {
        let key = place.key;
        for (depth, place) in place.places.iter_mut().enumerate().take(self.depths()) {
            if let Some((root, row)) = self.layer(depth).filter(|(_, row)| row.proofs.to_native() > 0) {
                *place = order::narrow(root, row, *place, key);
            }
        }
    }

    /// The [`predecessor`](Zone::predecessor) of a name whose place is known.
    pub fn predecessor_at(&self, place: &OrderPlace, name: &LookupName) -> Option<Node<'a>> {
        let key = place.key;
        let found = |(depth, place): (usize, &order::Place)| {
            let (root, row) = self.layer(depth)?;
            order::predecessor(root, row, *place, name, key, self.apex.as_wire().len())
        };
        // Of equal names the newest layer's: a later maximum must be greater to win.
        place.places.iter().enumerate().take(self.depths()).filter_map(found).reduce(|best, node| {
            match node.name() > best.name() {
                true => node,
                false => best,
            }
        })
    }

    /// What names are hashed with in its NSEC3 chain; none in a zone that is not signed so.
    pub fn nsec3_parameters(&self) -> Option<Nsec3Parameters<'a>> {
        let has_chain = |depth| self.layer(depth).is_some_and(|(_, row)| row.nsec3_count.to_native() > 0);
        if !(0..self.depths()).any(has_chain) {
            return None;
        }
        self.apex_node()?.rrset(NSEC3PARAM)?.rdata().find_map(Nsec3Parameters::in_use)
    }

    /// What its NSEC3 chain says of a name that exists, without hashing it, where its segment knows; `node` is the name's.
    ///
    /// A link is a hint of one layer. What it leaves out another layer may say, so with more than one of them it is not followed.
    pub fn nsec3_of(&self, node: Node<'a>) -> Option<Nsec3<'a>> {
        let (root, row) = self.newest.filter(|_| self.older.is_empty())?;
        let is_here = root.nodes.as_ptr_range().contains(&node.record().as_ptr());
        let (reference, is_own) = node.denial().filter(|(reference, _)| is_here && is_in(*reference, row))?;
        let owner = Node::at(root, reference)?;
        Some(if is_own { Nsec3::Match(owner) } else { Nsec3::Cover(owner) })
    }

    /// What its NSEC3 chain says of a hash: that of the parameters in the first NSEC3PARAM record at the apex with no flags set
    /// (RFC 5155, section 4.1.2). None in a zone that is not signed so.
    pub fn nsec3(&self, hash: &Nsec3Hash) -> Option<Nsec3<'a>> {
        let found = |depth| {
            let (root, row) = self.layer(depth)?;
            denial::at_or_before(root, row, hash)
        };
        // The nearest before the hash, counted round the end of the chain; of equal ones the newest layer's.
        let nearest = (0..self.depths()).filter_map(found).reduce(|best, other| {
            let place = |found: &(Node<'_>, Nsec3Hash)| (found.1 <= *hash, found.1);
            if place(&other) > place(&best) { other } else { best }
        });
        let (node, owner) = nearest?;
        Some(if owner == *hash { Nsec3::Match(node) } else { Nsec3::Cover(node) })
    }
}

/// The type NSEC3PARAM.
const NSEC3PARAM: u16 = 51;
