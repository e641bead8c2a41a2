//! The rows and roots of the archive: flat tables of integers. Every bit pattern of a row is a valid row, which is what
//! makes opening a segment cost the number of its tables and not of its records.
//!
//! No `bool`, enum or reference may stand in a row. A change of any row here needs a new [`LAYOUT`] line and a new
//! [`FORMAT_VERSION`](crate::FORMAT_VERSION).

use std::marker::PhantomData;
use std::mem::size_of;

use rkyv::rancor::Fallible;
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::{Archive, Place, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// Entries of a bucket: as many 16-bit tags and 32-bit references as fit into a cache line beside the overflow count.
pub(crate) const BUCKET_ENTRIES: usize = 10;

/// A reference to no node.
pub(crate) const NO_NODE: u32 = u32::MAX;

/// One cache line of the hash index; see [`index`](crate::index).
#[derive(Archive, Serialize, Clone)]
#[rkyv(attr(repr(align(64))))]
pub(crate) struct Bucket {
    /// Low bits of the hash of the first eight entries, four in a word, the first one lowest; 0 in an empty entry.
    pub(crate) tags: [u64; 2],
    /// Those of the last two.
    pub(crate) last_tags: u32,
    /// Node references: an offset in the arena, in units of four octets.
    pub(crate) nodes: [u32; BUCKET_ENTRIES],
    /// How many buckets further on an entry that belongs here may stand.
    pub(crate) overflow: u32,
}

impl Bucket {
    /// One without entries.
    pub(crate) const EMPTY: Bucket = Bucket { tags: [0; 2], last_tags: 0, nodes: [0; BUCKET_ENTRIES], overflow: 0 };
}

/// A row as octets, as it lies in the archive.
pub(crate) trait Row {
    /// Appends them.
    fn push_to(&self, out: &mut Vec<u8>);
}

impl Row for Bucket {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend(self.tags.iter().flat_map(|tags| tags.to_le_bytes()));
        out.extend(self.last_tags.to_le_bytes());
        out.extend(self.nodes.iter().flat_map(|node| node.to_le_bytes()));
        out.extend(self.overflow.to_le_bytes());
    }
}

impl Row for ZoneRow {
    fn push_to(&self, out: &mut Vec<u8>) {
        let numbers = [
            self.zone,
            self.serial,
            self.start,
            self.end,
            self.names,
            self.name_start,
            self.block_start,
            self.proofs,
            self.nsec3_start,
            self.nsec3_count,
            self.flags,
            self.zone_names,
        ];
        out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        out.extend(self.records.to_le_bytes());
    }
}

impl Row for BlockRow {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend([self.first, self.proof, self.scale].iter().flat_map(|number| number.to_le_bytes()));
    }
}

impl Row for u8 {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
}

impl Row for u32 {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }
}

impl Row for u64 {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }
}

/// A table that lies in the archive already, where it was written row by row.
pub(crate) struct Placed<T> {
    /// Where in the archive it begins.
    position: usize,
    /// How many rows it has.
    length: usize,
    /// What its rows are.
    rows: PhantomData<T>,
}

impl<T> Placed<T> {
    /// A table of `length` rows at a position of the archive.
    pub(crate) fn new(position: u64, length: usize) -> Placed<T> {
        Placed { position: position as usize, length, rows: PhantomData }
    }
}

impl<T: Archive> Archive for Placed<T> {
    type Archived = ArchivedVec<T::Archived>;
    type Resolver = VecResolver;

    fn resolve(&self, resolver: VecResolver, out: Place<Self::Archived>) {
        ArchivedVec::resolve_from_len(self.length, resolver, out);
    }
}

impl<T: Archive, S: Fallible + ?Sized> Serialize<S> for Placed<T> {
    fn serialize(&self, _: &mut S) -> Result<VecResolver, S::Error> {
        Ok(VecResolver::from_pos(self.position))
    }
}

/// In a row of a zone: the segment has only what changed of it since the layers below.
pub(crate) const CHANGES: u32 = 1;
/// Cuts or DNAME records came or went above names that lie in layers below: what hides a name is seen from the names above it alone.
pub(crate) const STRUCTURAL: u32 = 2;
/// Some name in it owns an NSEC RRset, with authority or without.
pub(crate) const NSEC_OWNERS: u32 = 4;

/// One zone of a segment.
#[derive(Archive, Serialize, Clone)]
pub(crate) struct ZoneRow {
    /// The zone's id; rows are sorted by it.
    pub(crate) zone: u32,
    /// Serial of the SOA record; 0 without one.
    pub(crate) serial: u32,
    /// Reference of the first of its nodes, the apex; they follow each other in canonical order.
    pub(crate) start: u32,
    /// The reference behind its last node.
    pub(crate) end: u32,
    /// How many of its names the segment has, empty non-terminals included.
    pub(crate) names: u32,
    /// How many names stand before its own in the table of canonical order.
    pub(crate) name_start: u32,
    /// First of the zone's blocks and separators; there is one for each block after the first.
    pub(crate) block_start: u32,
    /// How many of its names own an NSEC RRset with authority.
    pub(crate) proofs: u32,
    /// First of the zone's rows of NSEC3 records.
    pub(crate) nsec3_start: u32,
    /// How many of them.
    pub(crate) nsec3_count: u32,
    /// [`CHANGES`], [`STRUCTURAL`] and [`NSEC_OWNERS`].
    pub(crate) flags: u32,
    /// How many names the zone has as of this segment: `names`, but where the row is of changes.
    pub(crate) zone_names: u32,
    /// How many records the zone has as of this segment, signatures included.
    pub(crate) records: u64,
}

/// Names of a zone that follow each other in canonical order; see [`order`](crate::order).
#[derive(Archive, Serialize, Clone)]
pub(crate) struct BlockRow {
    /// Reference of the first node.
    pub(crate) first: u32,
    /// The last node before it that owns an authoritative NSEC RRset, or [`NO_NODE`].
    pub(crate) proof: u32,
    /// How distances from its separator are counted.
    pub(crate) scale: u32,
}

/// Root of a segment of kind `Zones`.
#[derive(Archive, Serialize)]
pub(crate) struct ZonesRoot {
    /// The hash index. First, so that its cache lines and those of the arena behind it are whole.
    pub(crate) buckets: Placed<Bucket>,
    /// For each block the distance of each name's sort key from the separator, then the length of each node; filled up to whole cache lines.
    pub(crate) order: Placed<u8>,
    /// The node records, each at a multiple of four octets, zone by zone in canonical order; see [`node`](crate::node).
    pub(crate) nodes: Placed<u8>,
    /// RRsets that several nodes own, or that are too long for a node's record, each at a multiple of four octets; see
    /// [`rrset`](crate::rrset).
    pub(crate) shared: Placed<u8>,
    /// The upper half of the sort key of the first name of each block behind the first of each zone.
    pub(crate) upper_separators: Placed<u64>,
    /// The lower half.
    pub(crate) lower_separators: Placed<u64>,
    /// Those blocks.
    pub(crate) blocks: Placed<BlockRow>,
    /// The first eight octets of the hash in each NSEC3 owner's name, ascending in each zone; see [`denial`](crate::denial).
    pub(crate) nsec3_hashes: Placed<u64>,
    /// The nodes of those owners.
    pub(crate) nsec3_nodes: Placed<u32>,
    /// The zones, by id.
    pub(crate) zones: Placed<ZoneRow>,
}

/// Root of a segment of kind `Directory`.
#[derive(Archive, Serialize)]
pub(crate) struct DirectoryRoot {
    /// The hash index over the apex names.
    pub(crate) buckets: Vec<Bucket>,
    /// The directory records, each at a multiple of four octets; see [`directory`](crate::directory).
    pub(crate) entries: Vec<u8>,
    /// References of the records, by apex in canonical order.
    pub(crate) order: Vec<u32>,
    /// How many labels the apexes have: bit n of the 128 is set when there is one with n labels. A query is asked for those only.
    pub(crate) label_counts: [u64; 2],
}

/// What the rows and records hold, field by field. Not parsed by anyone: a changed text is a changed layout.
const LAYOUT: &str = "\
bucket: tags u16 x 10, nodes [u32; 10], overflow u32, align 64; bucket = hash * count >> 64, tag = low 16 bits or 1
zone: zone u32, serial u32, start u32, end u32, names u32, name_start u32, block_start u32, proofs u32, nsec3_start u32, nsec3_count u32, flags u32, zone_names u32, records u64
zone-flags: changes 1, structural 2, nsec-owners 4
block: first u32, proof u32, scale u32
zones-root: buckets, order [u8], nodes [u8], shared [u8], upper_separators [u64], lower_separators [u64], blocks, nsec3_hashes [u64], nsec3_nodes [u32], zones
directory-root: buckets, entries [u8], order [u32], label_counts [u64; 2]
node: units u16, flags u16, rrsets u16, name_length u8, name, link u32 if linked, denial u32 if denial, rrsets { rtype u16, place u32 }, bodies, pad 4
node-flags: apex 1, cut 2, occluded 4, dname 8, wildcard 16, wildcard-child 32, empty 64, linked 128, proof 256, denial 512, covered 1024, tombstone 2048
place: top bit: shared, in units of 4; else offset in the record
body: ttl u32, count u8, signatures u7, has-targets u1, if count is 255 count u16 and signatures u16, targets [u32; count] if so, rdata { length u16, octets }, \
signature_ttl u32 and signatures { length u16, octets } if any
entry: length u32, group u32, zone u32, state u8, name_length u8, labels u8, zero u8, floor u64, name, pad 4
sort key: labels below the apex from the right, folded, each ended by 0, as 22 digits of base 46, two halves of 11
digits: end 0, * 2, - 4, 0 to 9 6 to 15, _ 17, a to z 19 to 44, what is between and around them one each, and last
order: for each block of 64 names of a zone: ((key - separator) >> scale % 256) * (scale / 256) >> 16 of each name, then units of each node or 0 if over 255
hash: polynomial over 2^61-1 of the folded labels from the root, words of 7 octets, mixed
";

/// A hash over [`LAYOUT`] and the sizes that the compiler gave the rows: equal layouts only read each other's segments.
pub(crate) fn layout_hash() -> u64 {
    let mut hash = Xxh3::new();
    hash.update(LAYOUT.as_bytes());
    for size in [
        size_of::<ArchivedBucket>(),
        size_of::<ArchivedZoneRow>(),
        size_of::<ArchivedBlockRow>(),
        size_of::<ArchivedZonesRoot>(),
        size_of::<ArchivedDirectoryRoot>(),
    ] {
        hash.update(&(size as u64).to_le_bytes());
    }
    hash.digest()
}

const _: () = assert!(size_of::<ArchivedBucket>() == 64, "a bucket is one cache line");
const _: () = assert!(align_of::<ArchivedBucket>() == 64, "a bucket begins at a cache line");
const _: () = assert!(size_of::<ArchivedZoneRow>() == 56, "no padding in a row");
