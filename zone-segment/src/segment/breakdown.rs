//! Where the octets of nodes and RRsets go, for `trine segment show`. Costs a read of every node.

use std::collections::BTreeMap;

use crate::node::FIXED_OCTETS;
use crate::octets::u32_at;
use crate::order::Nodes;
use crate::rrset::{DIRECTORY_ENTRY_OCTETS, Rrset, SHARED};
use crate::tables::ArchivedZonesRoot;

/// Where the octets of nodes and RRsets go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakdown {
    /// The fixed part of the nodes' records.
    pub fixed: u64,
    /// Their names.
    pub names: u64,
    /// Their links.
    pub links: u64,
    /// Their RRset directories.
    pub directories: u64,
    /// The RRsets in them, signatures included, by type.
    pub rrsets: BTreeMap<u16, TypeBreakdown>,
    /// What fills them up to a multiple of four octets.
    pub padding: u64,
}

/// The RRsets of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeBreakdown {
    /// How many there are.
    pub rrsets: u64,
    /// How many of them lie in the shared arena.
    pub shared: u64,
    /// Octets of the others.
    pub octets: u64,
}

impl Breakdown {
    /// Reads every node.
    pub(super) fn of(root: &ArchivedZonesRoot) -> Breakdown {
        let mut breakdown = Breakdown::default();
        for node in root.zones.iter().flat_map(|zone| Nodes::of_zone(root, zone)) {
            let link = node.link_octets();
            let directory = node.directory();
            let mut used = FIXED_OCTETS + node.name_octets().len() + link + size_of_val(directory);
            for entry in directory {
                used += breakdown.add(Rrset::from_entry(node.record(), &root.shared, entry), entry);
            }
            breakdown.fixed += FIXED_OCTETS as u64;
            breakdown.names += node.name_octets().len() as u64;
            breakdown.links += link as u64;
            breakdown.directories += size_of_val(directory) as u64;
            breakdown.padding += node.record().len().saturating_sub(used) as u64;
        }
        breakdown
    }

    /// Counts one RRset, and gives the octets it takes in its node's record.
    fn add(&mut self, rrset: Rrset<'_>, entry: &[u8; DIRECTORY_ENTRY_OCTETS]) -> usize {
        let of_type = self.rrsets.entry(rrset.rtype()).or_default();
        of_type.rrsets += 1;
        if u32_at(entry, 2) & SHARED != 0 {
            of_type.shared += 1;
            return 0;
        }
        let octets = rrset.octets();
        of_type.octets += octets as u64;
        octets
    }
}
