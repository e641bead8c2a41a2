//! The nodes that prove what is not there: predecessors in canonical order over all layers, and places in the NSEC3 chain.

use crate::denial::{self, Nsec3};
use crate::lookup_name::LookupName;
use crate::map::SegmentOctets;
use crate::node::Node;
use crate::nsec3::{Nsec3Hash, Nsec3Parameters};
use crate::order;
use crate::overlay::Overlay;
use crate::sort_key::SortKey;
use crate::tables::{ArchivedZoneRow, ArchivedZonesRoot, NSEC_OWNERS};

use super::{Zone, is_in};

/// Where in the canonical order a name is or would be; see [`Zone::order_place`].
#[derive(Clone, Copy, Debug)]
pub struct OrderPlace {
    /// The name's sort key.
    key: SortKey,
    /// The place in the base.
    place: order::Place,
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
        let mut place = order::Place::default();
        if let Some((root, row)) = self.proving_base() {
            place = order::find_block(root, row, name, key, self.apex.as_wire().len());
        }
        OrderPlace { key, place }
    }

    /// Second pass: finds the place but for a few names, and asks for what the last one,
    /// [`predecessor_at`](Zone::predecessor_at), reads.
    pub fn order_narrow(&self, place: &mut OrderPlace) {
        if let Some((root, row)) = self.proving_base() {
            place.place = order::narrow(root, row, place.place, place.key);
        }
    }

    /// The [`predecessor`](Zone::predecessor) of a name whose place is known.
    pub fn predecessor_at(&self, place: &OrderPlace, name: &LookupName) -> Option<Node<'a>> {
        let apex_octets = self.apex.as_wire().len();
        let in_base = self
            .proving_base()
            .and_then(|(root, row)| order::predecessor(root, row, place.place, name, place.key, apex_octets));
        match self.overlay {
            Some(overlay) => overlay.predecessor(name, place.key, apex_octets, in_base),
            None => in_base,
        }
    }

    /// Whether names of it may own an NSEC RRset, with authority or without.
    pub(crate) fn has_nsec_owners(&self) -> bool {
        let in_base = self.base.is_some_and(|(_, row)| row.flags.to_native() & NSEC_OWNERS != 0);
        in_base || self.overlay.is_some_and(Overlay::has_nsec_owners)
    }

    /// The base, if it has names that own an authoritative NSEC RRset.
    #[inline]
    fn proving_base(&self) -> Option<(&'a ArchivedZonesRoot, &'a ArchivedZoneRow)> {
        self.base.filter(|(_, row)| row.proofs.to_native() > 0)
    }

    /// What names are hashed with in its NSEC3 chain; none in a zone that is not signed so.
    pub fn nsec3_parameters(&self) -> Option<Nsec3Parameters<'a>> {
        let rows = match self.overlay {
            Some(overlay) => overlay.nsec3_count(),
            None => u64::from(self.base?.1.nsec3_count.to_native()),
        };
        if rows == 0 {
            return None;
        }
        self.apex_node()?.rrset(NSEC3PARAM)?.rdata().find_map(Nsec3Parameters::in_use)
    }

    /// What its NSEC3 chain says of a name that exists, without hashing it, where its segment knows; `node` is the name's.
    ///
    /// A link is a hint of one layer. What it leaves out another layer may say, so where there are changes it is not followed.
    pub fn nsec3_of(&self, node: Node<'a>) -> Option<Nsec3<'a>> {
        let (root, row) = self.base.filter(|_| self.overlay.is_none())?;
        let is_here = node.reference_in(root).is_some();
        let (reference, is_own) = node.denial().filter(|(reference, _)| is_here && is_in(*reference, row))?;
        let owner = Node::at(root, reference)?;
        Some(if is_own { Nsec3::Match(owner) } else { Nsec3::Cover(owner) })
    }

    /// What its NSEC3 chain says of a hash: that of the parameters in the first NSEC3PARAM record at the apex with no flags set
    /// (RFC 5155, section 4.1.2). None in a zone that is not signed so.
    pub fn nsec3(&self, hash: &Nsec3Hash) -> Option<Nsec3<'a>> {
        if let Some(overlay) = self.overlay {
            return overlay.nsec3(hash);
        }
        let (root, row) = self.base?;
        let (node, owner, _) = denial::at_or_before(root, row, hash)?;
        Some(if owner == *hash { Nsec3::Match(node) } else { Nsec3::Cover(node) })
    }
}

/// The type NSEC3PARAM.
const NSEC3PARAM: u16 = 51;
