//! Zone data as immutable, memory-mapped segments: the format, its writer and its readers.
//!
//! A *segment* is a file that is written once and never changes: a header page, one archive of flat tables, and a table
//! of hashes over it (`docs/segment-format.md`). A segment of kind `Zones` holds whole zones of one group; one of kind
//! `Directory` says which zones there are and where. A [`ZoneSet`] puts them together as a generation, and is what
//! queries are looked up in.
//!
//! Files in the order to read them: `name`, `fold`, `hash`, `lookup_name` (the key of every lookup) · `kind`, `header`, `tables`, `segment`
//! (what is in a file) · `node`, `rrset` (an owner's record) · `index`, `sort_key`, `order`, `denial` (how it is found) · `directory`, `stack`,
//! `zone`, `zone_set` (a generation and lookups in it) · `source`, `builder`, `writer`, `directory_writer`, `seal`, `file` (how a segment is
//! made) · `error` · `map`, `prefetch` (the two files with unsafe code).
//!
//! ```
//! use std::sync::Arc;
//! use zone_segment::*;
//!
//! let key = HashKey(*b"sixteen octets!!");
//! let apex: Name = "example.".parse()?;
//! let mut writer = SegmentWriter::new(key);
//! writer.start_zone(ZoneId(1), apex.as_ref())?;
//! writer.rrset(apex.as_ref(), 2, 3600, &[b"\x02ns\x07example\x00"])?;
//! writer.rrset("ns.example.".parse::<Name>()?.as_ref(), 1, 3600, &[&[192, 0, 2, 1]])?;
//! let zones = Arc::new(Segment::open(writer.finish()?)?);
//!
//! let mut writer = DirectoryWriter::new(key);
//! writer.entry(DirectoryEntry {
//!     apex,
//!     group: GroupId(1),
//!     zone: ZoneId(1),
//!     state: ZoneState::Serving,
//!     floor: LayerId(1),
//! });
//! let directory = Arc::new(Segment::open(writer.finish()?)?);
//!
//! let base = Stack::new(vec![Layer { id: LayerId(1), segment: zones }]);
//! let set = ZoneSet::new(1, vec![Layer { id: LayerId(2), segment: directory }], vec![(GroupId(1), base)])?;
//!
//! let name = LookupName::new(set.key(), "NS.Example.".parse::<Name>()?.as_ref());
//! let zone = set.find_zone(&name).ok_or("not served")?;
//! let Find::Name(node) = zone.find(&name) else { return Err("no such name".into()) };
//! let addresses = node.rrset(1).ok_or("no data")?;
//! assert_eq!(addresses.rdata().collect::<Vec<_>>(), [[192, 0, 2, 1]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(unsafe_code)]

mod builder;
mod changes;
mod denial;
mod directory;
mod directory_writer;
mod error;
mod file;
mod fold;
mod gathered;
mod hash;
mod header;
mod ids;
mod index;
mod kind;
mod lookup_name;
mod map;
mod name;
mod node;
mod nsec3;
mod octets;
mod order;
mod overlay;
mod prefetch;
mod rrset;
mod seal;
mod segment;
mod sort_key;
mod source;
mod stack;
mod stacked;
mod tables;
mod writer;
mod zone;
mod zone_set;

pub use builder::{BuildError, RRSET_RECORDS_MAX, RRSETS_MAX, SegmentBuilder};
pub use changes::ZoneChanges;
pub use denial::Nsec3;
pub use directory::{DirectoryEntry, ZoneState};
pub use directory_writer::DirectoryWriter;
pub use error::{OpenError, VerifyError, WriteError};
pub use file::{
    Step, TEMPORARY_SUFFIX, Unpublished, VerifyFileCause, VerifyFileError, WriteFileError, place, publish, verify_file,
    write_file, write_unpublished,
};
pub use hash::HashKey;
pub use header::{BLOCK_OCTETS, FORMAT_VERSION};
pub use ids::{GroupId, LayerId, ZoneId};
pub use kind::Kind;
pub use lookup_name::LookupName;
pub use map::{Mapping, SegmentBuffer, SegmentOctets};
pub use name::{LABEL_OCTETS_MAX, LABELS_MAX, Labels, NAME_OCTETS_MAX, Name, NameError, NameRef};
pub use node::{Node, Rrsets};
pub use nsec3::{NSEC3_HASH_OCTETS, NSEC3_SHA1, Nsec3Hash, Nsec3Parameters};
pub use rrset::{Rdata, Rrset, Target};
pub use segment::{Breakdown, PartStatistics, Segment, Statistics, TypeBreakdown, map};
pub use source::{OwnedRecord, SourceRecord, Visitor, ZoneSource};
pub use stack::{LAYERS_MAX, Layer, Stack};
pub use writer::SegmentWriter;
pub use zone::{Find, Marks, Nodes, OrderPlace, Piece, Zone};
pub use zone_set::{ZoneSet, ZoneSetError};
