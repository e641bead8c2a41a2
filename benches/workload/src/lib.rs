//! Zones made from a seed, and names to ask them for: the same seed gives the same records on every machine, up to tens of
//! millions of names. Shared by benches, by tests and by the comparison with other programs' structures.
//!
//! RRsets are streamed in canonical order into a [`Sink`]: a `SegmentWriter`, zone-file text, a checksum. Nothing is held but the
//! labels the names are made of, so that the largest zone needs little beside what the sink keeps. Read [`Workload`] first; then
//! `labels` (what is held), a kind (`tld`, `registry`, `flat`, `deep`, `many`, `hosting`), `signed` (the NSEC chain over any of them) and `queries`.
//!
//! ```
//! use workload::{Kind, QuerySet, Workload};
//! use zone_segment::{HashKey, Segment};
//!
//! let zone = Workload::new(Kind::Tld, 100, 1).with_nsec();
//! let segment = Segment::open(zone.segment(HashKey(*b"sixteen octets!!"))?)?;
//! let missing = zone.queries(QuerySet::Misses, workload::uniform(zone.query_count(), 1).take(10), 1);
//! assert_eq!((segment.zones().count(), missing.len()), (1, 10));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod apex;
mod checksum;
mod deep;
mod flat;
mod hosting;
mod labels;
mod many;
mod queries;
mod random;
mod rdata;
mod records;
mod registry;
mod root;
mod served;
mod signed;
mod sink;
#[cfg(test)]
mod tests;
mod text;
mod text_forms;
mod tld;

use std::io;

use zone_segment::{HashKey, SegmentBuffer, SegmentWriter, WriteError};

pub use checksum::Checksum;
pub use queries::{Names, QuerySet, uniform};
pub use records::Records;
pub use root::{root_zone, tlds};
pub use served::{generation, generation_of, segment, sorted};
pub use sink::Sink;
pub use text::ZoneText;
pub use text_forms::{RelativeText, ZoneFiles};

use deep::Deep;
use flat::Flat;
use hosting::Hosting;
use many::Many;
use queries::Askable as _;
use registry::Registry;
use signed::Signed;
use text_forms::ShuffledText;
use tld::Tld;

/// What a zone is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A registry's: delegations to two name servers each. 30 % have one of their own with a glue A record, the others those of
    /// few registrars, a quarter of which lie in the zone; 40 % have a DS record. A name is a delegation.
    Tld,
    /// Hosts right below the apex with an address, half with a second family's, a quarter with a text. A name is a host.
    Flat,
    /// Names of 5 to 12 labels below empty non-terminals, four to a branch, and in each fourth branch a wildcard. A name is an
    /// owner.
    Deep,
    /// Many zones of two owners each: the apex with SOA, NS, A and MX, and `www`. A name is an owner.
    Many,
    /// A large registry's: 2 to 4 name servers to a delegation, 15 % with two of their own and their addresses, half of them of both
    /// families; 37 % with DS records, of which a tenth has two. 3.3 records to a name, which is a delegation.
    Registry,
    /// Many zones of ten records each: at the apex SOA, two NS, A, AAAA, two MX and TXT, and the hosts `mail` and `www`. A name is a
    /// zone.
    Hosting,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 6] = [Kind::Tld, Kind::Flat, Kind::Deep, Kind::Many, Kind::Registry, Kind::Hosting];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Tld => "tld",
            Kind::Flat => "flat",
            Kind::Deep => "deep",
            Kind::Many => "many",
            Kind::Registry => "registry",
            Kind::Hosting => "hosting",
        }
    }
}

/// A zone, or many small ones, ready to be written as often as needed.
#[derive(Debug)]
pub struct Workload {
    /// What it is like.
    kind: Kind,
    /// What its names are made of.
    shape: Shape,
    /// The serial of every SOA record.
    serial: u32,
    /// Whether an NSEC chain and signatures are added.
    has_nsec: bool,
}

/// What the names of each kind are made of.
#[derive(Debug)]
enum Shape {
    /// See [`Kind::Tld`].
    Tld(Tld),
    /// See [`Kind::Flat`].
    Flat(Flat),
    /// See [`Kind::Deep`].
    Deep(Deep),
    /// See [`Kind::Many`].
    Many(Many),
    /// See [`Kind::Registry`].
    Registry(Registry),
    /// See [`Kind::Hosting`].
    Hosting(Hosting),
}

impl Workload {
    /// Draws the labels of a zone with this many names; what counts as one is said at [`Kind`].
    ///
    /// Costs about a second and 300 MB at its peak for 10 million names of kind `Tld`, `Registry` or `Flat`: 24 octets a label, and a
    /// sixteenth more labels than are kept. `Many` has half and `Deep` a quarter of the labels. Writing adds nothing that grows
    /// with the zone, NSEC chains included.
    pub fn new(kind: Kind, names: usize, seed: u64) -> Workload {
        let shape = match kind {
            Kind::Tld => Shape::Tld(Tld::new(names, seed)),
            Kind::Flat => Shape::Flat(Flat::new(names, seed)),
            Kind::Deep => Shape::Deep(Deep::new(names, seed)),
            Kind::Many => Shape::Many(Many::new(names, seed)),
            Kind::Registry => Shape::Registry(Registry::new(names, seed)),
            Kind::Hosting => Shape::Hosting(Hosting::new(names, seed)),
        };
        Workload { kind, shape, serial: 1, has_nsec: false }
    }

    /// The same with an NSEC chain, and signatures of the length of ECDSA P-256 with octets from the seed.
    pub fn with_nsec(self) -> Workload {
        Workload { has_nsec: true, ..self }
    }

    /// The same with another serial.
    pub fn with_serial(self, serial: u32) -> Workload {
        Workload { serial, ..self }
    }

    /// What it is like.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its apex in presentation format, with the dot at its end; that of `Many` and `Hosting` is above all of their zones.
    pub fn apex(&self) -> &'static str {
        match self.kind {
            Kind::Tld | Kind::Many | Kind::Registry | Kind::Hosting => "test.",
            Kind::Flat => "flat.test.",
            Kind::Deep => "deep.test.",
        }
    }

    /// How many names there are to pick from, as said at [`Kind`].
    pub fn query_count(&self) -> usize {
        match &self.shape {
            Shape::Tld(zone) => zone.query_count(),
            Shape::Flat(zone) => zone.query_count(),
            Shape::Deep(zone) => zone.query_count(),
            Shape::Many(zones) => zones.query_count(),
            Shape::Registry(zone) => zone.query_count(),
            Shape::Hosting(zones) => zones.query_count(),
        }
    }

    /// Hands every RRset to `sink`, owners in canonical order, the types of an owner in any order.
    pub fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        if !self.has_nsec {
            return self.stream(sink);
        }
        let mut signed = Signed::new(sink);
        self.stream(&mut signed)?;
        signed.complete_zone()
    }

    /// Hands over what a zone has without an NSEC chain.
    fn stream<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        match &self.shape {
            Shape::Tld(zone) => zone.stream(self.serial, sink),
            Shape::Flat(zone) => zone.stream(self.serial, sink),
            Shape::Deep(zone) => zone.stream(self.serial, sink),
            Shape::Many(zones) => zones.stream(self.serial, sink),
            Shape::Registry(zone) => zone.stream(self.serial, sink),
            Shape::Hosting(zones) => zones.stream(self.serial, sink),
        }
    }

    /// Its segment.
    pub fn segment(&self, key: HashKey) -> Result<SegmentBuffer, WriteError> {
        let mut writer = SegmentWriter::new(key);
        self.write(&mut writer)?;
        writer.finish()
    }

    /// Its zone-file text, a record a line with whole names; many zones come one behind the other. Gives the octets written.
    pub fn write_text(&self, out: impl io::Write) -> io::Result<u64> {
        let mut text = ZoneText::new(out);
        self.write(&mut text)?;
        text.finish()
    }

    /// Its zone-file text with relative names below `$ORIGIN`, and no owner or TTL where it is that of the line before.
    pub fn write_relative_text(&self, out: impl io::Write) -> io::Result<()> {
        self.write(&mut RelativeText::new(out))
    }

    /// Its zone-file text with whole names, in an order of the seed's but for the SOA record, which is first. Holds all of the text
    /// in memory. Gives the octets written.
    pub fn write_shuffled_text(&self, seed: u64, out: impl io::Write) -> io::Result<u64> {
        let mut text = ShuffledText::new();
        self.write(&mut text)?;
        text.finish(seed, out)
    }

    /// Its zone-file text in memory.
    pub fn text(&self) -> String {
        let mut octets = Vec::new();
        self.write_text(&mut octets).expect("writing to memory does not fail");
        String::from_utf8(octets).expect("presentation format is ASCII")
    }

    /// Names to ask for: one for each pick, which is a number below [`query_count`](Workload::query_count).
    ///
    /// Each pick gives the same name of a set again, so that picks may follow any distribution; a missing name also depends on the
    /// seed and on how many came before it.
    pub fn queries(&self, set: QuerySet, picks: impl IntoIterator<Item = usize>, seed: u64) -> Names {
        match &self.shape {
            Shape::Tld(zone) => queries::of(zone, set, picks, seed),
            Shape::Flat(zone) => queries::of(zone, set, picks, seed),
            Shape::Deep(zone) => queries::of(zone, set, picks, seed),
            Shape::Many(zones) => queries::of(zones, set, picks, seed),
            Shape::Registry(zone) => queries::of(zone, set, picks, seed),
            Shape::Hosting(zones) => queries::of(zones, set, picks, seed),
        }
    }
}
