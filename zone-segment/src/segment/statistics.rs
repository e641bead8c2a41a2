//! What a segment holds, in numbers, for `trine segment show` and for status. Costs the number of zones.

use crate::tables::{ArchivedDirectoryRoot, ArchivedZonesRoot};

use super::bucket_octets;

/// What a segment holds, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Zones, or entries of a directory.
    pub zones: u64,
    /// Names, empty non-terminals included; in a directory the apexes.
    pub names: u64,
    /// Records, signatures included; none in a directory.
    pub records: u64,
    /// Octets of the whole file.
    pub octets: u64,
    /// The tables.
    pub parts: Vec<PartStatistics>,
}

/// One table of a segment, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartStatistics {
    /// What it is.
    pub part: &'static str,
    /// How many rows it has; an arena has none.
    pub rows: u64,
    /// How many octets.
    pub octets: u64,
}

/// Numbers of a segment of kind `Zones`.
pub(super) fn of_zones(root: &ArchivedZonesRoot, octets: u64) -> Statistics {
    Statistics {
        zones: root.zones.len() as u64,
        names: root.zones.iter().fold(0, |sum, zone| sum.saturating_add(u64::from(zone.names.to_native()))),
        records: root.zones.iter().fold(0, |sum, zone| sum.saturating_add(zone.records.to_native())),
        octets,
        parts: vec![
            part("index", root.buckets.len(), bucket_octets(&root.buckets)),
            part("nodes", 0, root.nodes.len() as u64),
            part("shared", 0, root.shared.len() as u64),
            part("order", 0, root.order.len() as u64),
            part("separators", root.upper_separators.len(), separator_octets(root)),
            part("blocks", root.blocks.len(), size_of_val(root.blocks.as_slice()) as u64),
            part("nsec3", root.nsec3_hashes.len(), nsec3_octets(root)),
            part("zones", root.zones.len(), size_of_val(root.zones.as_slice()) as u64),
        ],
    }
}

/// Numbers of a segment of kind `Directory`.
pub(super) fn of_directory(root: &ArchivedDirectoryRoot, octets: u64) -> Statistics {
    Statistics {
        zones: root.order.len() as u64,
        names: root.order.len() as u64,
        records: 0,
        octets,
        parts: vec![
            part("index", root.buckets.len(), bucket_octets(&root.buckets)),
            part("entries", 0, root.entries.len() as u64),
            part("order", root.order.len(), size_of_val(root.order.as_slice()) as u64),
        ],
    }
}

/// Octets of the separators.
fn separator_octets(root: &ArchivedZonesRoot) -> u64 {
    (size_of_val(root.upper_separators.as_slice()) + size_of_val(root.lower_separators.as_slice())) as u64
}

/// Octets of the tables of NSEC3 records.
fn nsec3_octets(root: &ArchivedZonesRoot) -> u64 {
    (size_of_val(root.nsec3_hashes.as_slice()) + size_of_val(root.nsec3_nodes.as_slice())) as u64
}

/// Numbers of one table.
fn part(part: &'static str, rows: usize, octets: u64) -> PartStatistics {
    PartStatistics { part, rows: rows as u64, octets }
}
