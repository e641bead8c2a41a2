//! The zones of a group in, a segment out, on all cores. The same zones give the same octets, on however many.
//!
//! Zones are cut into parts of some thousand owners. Each part is looked at once to count names and to find what several owners have
//! alike (`survey`, `sharing`), and a second time to write its nodes (`encode`), while nobody knows where they will lie; part by part they
//! then get their places (`tables`) and are written where they belong (`output`). The index (`index`), the links to name servers
//! (`targets`), those to NSEC3 records (`denials`) and the tables around the nodes come last (`assemble`).
//!
//! Beside the zones themselves memory holds 16 octets for an RRset that might be shared, later 16 for each name and 5 for its places in
//! tables; the nodes go out as they are made. Read [`SegmentBuilder`] first.

mod assemble;
mod body;
mod denials;
mod encode;
mod error;
mod index;
mod nsec3;
mod order;
mod output;
mod owned;
mod path;
mod plan;
mod sharing;
mod survey;
mod tables;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use rayon::prelude::*;

use crate::changes::{self, ZoneChanges};
use crate::error::WriteError;
use crate::file::{Temporary, Unpublished, publish};
use crate::gathered::GatheredZone;
use crate::hash::HashKey;
use crate::header::HEADER_LENGTH;
use crate::ids::ZoneId;
use crate::map::{SegmentBuffer, SegmentOctets};
use crate::name::Name;
use crate::node;
use crate::source::{OwnedRecord, ZoneSource};
use crate::stacked::StackedZone;
use crate::tables::Bucket;
use crate::zone::Zone;

pub use body::RRSET_RECORDS_MAX;
pub use encode::RRSETS_MAX;
pub use error::BuildError;

use assemble::{Changes, Layout, Rows};
use denials::{Chains, Denials};
use encode::Encoded;
use nsec3::Chain;
use output::{FileOutput, MemoryOutput, Output};
use plan::{Part, ZonePlan};
use sharing::{Candidate, Shared};
use survey::Survey;
use tables::{Placed, Tables};
use targets::Lookup;

/// The type NS.
const NS: u16 = 2;
/// The type SOA.
const SOA: u16 = 6;
/// The type DNAME.
const DNAME: u16 = 39;
/// The type RRSIG.
const RRSIG: u16 = 46;
/// The type NSEC.
const NSEC: u16 = 47;

/// The type NSEC3.
const NSEC3: u16 = 50;

/// Ranks of a part: their nodes are some hundred kilobytes, so that many parts are there to be spread over threads and none of them
/// takes much memory.
const PART_RANKS: usize = 4096;

/// Ranks of the parts that are in memory as octets at the same time: enough for a few threads to be busy, and a few megabytes.
const WAVE_RANKS: usize = 16 * PART_RANKS;

/// Octets of nodes that are written at once, where zones are so small that each would be a write of its own.
const WRITE_OCTETS: usize = 256 << 10;

/// A segment of no more ranks is put together in memory and written with one call: many small calls take longer than all else that it needs.
const AT_ONCE_RANKS: usize = 256;

/// Takes zones, and writes them as a segment.
pub struct SegmentBuilder<'a> {
    /// The key of the name hash.
    key: HashKey,
    /// The zones.
    zones: Vec<ZonePlan<'a>>,
    /// Their ids.
    ids: BTreeSet<ZoneId>,
    /// Ranks of a part.
    part_ranks: usize,
}

impl<'a> SegmentBuilder<'a> {
    /// A segment without zones.
    pub fn new(key: HashKey) -> SegmentBuilder<'a> {
        SegmentBuilder { key, zones: Vec::new(), ids: BTreeSet::new(), part_ranks: PART_RANKS }
    }

    /// Adds a zone. Zones come in any order, each id once. The source is dropped once its records are written.
    pub fn zone(&mut self, id: ZoneId, apex: Name, source: impl ZoneSource + 'a) -> Result<(), BuildError> {
        if !self.ids.insert(id) {
            return Err(BuildError::Zones(WriteError::ZoneTwice { zone: id }));
        }
        self.zones.push(ZonePlan::new(id, apex, Box::new(source)));
        Ok(())
    }

    /// Adds what changed of a zone since the layers that the segment will lie above.
    pub fn changes(&mut self, id: ZoneId, changes: ZoneChanges) -> Result<(), BuildError> {
        if !self.ids.insert(id) {
            return Err(BuildError::Zones(WriteError::ZoneTwice { zone: id }));
        }
        self.zones.push(ZonePlan::of_changes(id, changes));
        Ok(())
    }

    /// Adds a zone of open segments whole, as it will be when some owners own these records. All of it is held in memory: it is small, or there
    /// is no other way.
    pub fn changed_zone<B: SegmentOctets>(
        &mut self,
        id: ZoneId,
        zone: &Zone<'_, B>,
        owners: &BTreeMap<Name, Vec<OwnedRecord>>,
    ) -> Result<(), BuildError> {
        self.zone(id, zone.apex().to_name(), changes::whole(zone, owners))
    }

    /// Adds a zone of open segments as it stands, changes above its base included. Nothing of it is copied in memory but names that changed.
    pub fn copy_zone<B: SegmentOctets + Sync + 'a>(
        &mut self,
        id: ZoneId,
        zone: &Zone<'a, B>,
    ) -> Result<(), BuildError> {
        let apex = zone.apex().to_name();
        match StackedZone::new(*zone) {
            Some(stacked) => self.zone(id, apex, stacked),
            None => self.zone(id, apex, GatheredZone::copy(id, zone)),
        }
    }

    /// Writes a file into a directory, under a temporary name until it is whole and synced.
    ///
    /// The file is readable by all and writable by nobody. A full disk is an error here and never a reader's SIGBUS later: every octet
    /// is written, none left as a hole. After any error there is no temporary file.
    pub fn write_file(self, directory: &Path, final_name: &str) -> Result<(), BuildError> {
        Ok(publish(vec![self.write_unpublished(directory, final_name)?])?)
    }

    /// [`write_file`](Self::write_file) up to the point where the file gets its name: for who [`publish`]es several together.
    pub fn write_unpublished(self, directory: &Path, final_name: &str) -> Result<Unpublished, BuildError> {
        self.write_to(Temporary::create(directory, final_name)?)
    }

    /// The same under the final name from the beginning, to be [`place`](crate::place)d: for who knows by other means which files are whole, and
    /// makes those anew that a crash has left otherwise.
    pub fn write_in_place(self, directory: &Path, final_name: &str) -> Result<Unpublished, BuildError> {
        self.write_to(Temporary::create_in_place(directory, final_name)?)
    }

    /// Writes into a file.
    fn write_to(self, mut temporary: Temporary) -> Result<Unpublished, BuildError> {
        if self.zones.iter().map(|zone| zone.source.len()).sum::<usize>() <= AT_ONCE_RANKS {
            temporary.write_whole(&self.into_buffer()?)?;
            return Ok(temporary.finish()?);
        }
        let mut output = FileOutput { file: temporary.file()? };
        match self.write(&mut output) {
            Ok(()) => Ok(temporary.finish()?),
            Err(Failure::Build(error)) => Err(error),
            Err(Failure::Output(error)) => Err(BuildError::File(temporary.not_written(error))),
        }
    }

    /// The whole file, in memory.
    pub fn into_buffer(self) -> Result<SegmentBuffer, BuildError> {
        let mut output = MemoryOutput::default();
        match self.write(&mut output) {
            Ok(()) => Ok(output.octets.into_inner()),
            Err(Failure::Build(error)) => Err(error),
            Err(Failure::Output(error)) => Err(BuildError::Output(error)),
        }
    }

    /// Writes everything.
    fn write(self, output: &mut dyn Output) -> Result<(), Failure> {
        let SegmentBuilder { key, mut zones, part_ranks, .. } = self;
        let parts = plan::cut(&zones, part_ranks);
        let (names, candidates) = look_at(&parts, &mut zones)?;
        let shared = Shared::of(candidates, &zones)?;
        let layout = Layout::new(names);
        let mut tables = Tables::new(names, shared);
        for wave in plan::waves(&parts, WAVE_RANKS) {
            write_nodes(key, output, &layout, &mut tables, &zones, wave)?;
        }
        let chains = zones.into_iter().map(|zone| zone.nsec3).collect::<Vec<_>>();
        if tables.hashes.len() != names {
            return Err(Failure::Output(io::Error::other("the records of a zone changed while they were written")));
        }
        finish(key, output, &layout, tables, &chains)
    }
}

/// Why nothing came of it.
enum Failure {
    /// The zones do not make a segment.
    Build(BuildError),
    /// Writing or reading again failed.
    Output(io::Error),
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Failure {
        Failure::Build(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// Counts the names of all parts, lists RRsets that might be shared, and notes the zones' NSEC3 chains.
fn look_at(parts: &[Part], zones: &mut [ZonePlan<'_>]) -> Result<(usize, Vec<Candidate>), BuildError> {
    let surveys = parts.par_iter().with_min_len(at_once(parts)).map(|part| Survey::of(part, zones));
    let mut surveys: Vec<Survey> = surveys.collect::<Result<_, _>>()?;
    for (part, survey) in parts.iter().zip(&mut surveys).filter(|(part, _)| part.ranks.start == 0) {
        let zone = &mut zones[part.zone];
        if zone.changes.is_none() {
            zone.nsec3 = survey.nsec3.take();
        }
    }
    let names = surveys.iter().map(|survey| survey.nodes).sum();
    let mut candidates = Vec::with_capacity(surveys.iter().map(|survey| survey.candidates.len()).sum());
    surveys.into_iter().for_each(|survey| candidates.extend(survey.candidates));
    Ok((names, candidates))
}

/// How many parts are a task: they may be as small as a zone of a few names.
fn at_once(parts: &[Part]) -> usize {
    (parts.len() / TASKS).max(1)
}

/// Tasks that work is cut into, so that no thread waits long for the last of them.
const TASKS: usize = 64;

/// Writes the nodes of some parts, behind those that are there.
fn write_nodes(
    key: HashKey,
    output: &dyn Output,
    layout: &Layout,
    tables: &mut Tables,
    zones: &[ZonePlan<'_>],
    parts: &[Part],
) -> Result<(), Failure> {
    let shared = &tables.shared;
    let encoded = parts.par_iter().with_min_len(at_once(parts)).map(|part| encode::encode(key, zones, part, shared));
    let encoded: Vec<Encoded> = encoded.collect::<Result<_, _>>()?;
    let mut placed: Vec<Placed> = Vec::new();
    for (part, encoded) in parts.iter().zip(encoded) {
        let zone = &zones[part.zone];
        let next = tables.place(zone, part, encoded).map_err(|error| BuildError::records(zone, error))?;
        match placed.last_mut().filter(|last| last.nodes.len() + next.nodes.len() <= WRITE_OCTETS) {
            Some(last) => last.append(next),
            None => placed.push(next),
        }
    }
    placed.par_iter_mut().try_for_each(|part| {
        part.complete();
        output.write_at(&part.nodes, HEADER_LENGTH as u64 + layout.nodes() + part.base)
    })?;
    Ok(())
}

/// Writes what is around the nodes, and links nodes with each other.
fn finish(
    key: HashKey,
    output: &mut dyn Output,
    layout: &Layout,
    tables: Tables,
    chains: &[Option<Chain>],
) -> Result<(), Failure> {
    let Tables { hashes, order, mut shared, mut zones, targets, denials: denied, mut wildcard_parents, .. } = tables;
    let names = hashes.len();
    let broken_hash = || BuildError::Zones(WriteError::Index { names });
    let buckets: Vec<Bucket> = hashes.build(layout.buckets).ok_or_else(broken_hash)?;
    let (mut links, mut denials) = (Vec::new(), Denials::default());
    if !targets.is_empty() || !shared.with_targets.is_empty() || !denied.is_empty() {
        output.show(&mut |octets| {
            let start = HEADER_LENGTH + layout.nodes() as usize;
            let nodes = octets.get(start..).unwrap_or_default();
            let lookup = Lookup { key, nodes, buckets: &buckets, zones: &zones };
            links = lookup.links(&targets);
            lookup.fill_in(&mut shared);
            let (hashes, owners) = (&tables.nsec3_hashes, &tables.nsec3_nodes);
            denials = Chains { nodes, chains, zones: &zones, hashes, owners }.links(&denied);
        })?;
    }
    drop((targets, denied));
    zones.sort_by_key(|zone| zone.zone);
    wildcard_parents.sort_unstable();
    let rows = Rows {
        buckets: &buckets,
        node_octets: tables.node_octets,
        shared: &shared.octets,
        order: &order.finish(),
        nsec3_hashes: &tables.nsec3_hashes,
        nsec3_nodes: &tables.nsec3_nodes,
        zones: &zones,
    };
    let written = assemble::write_tables(output, layout, &rows)?;
    drop(buckets);
    let changes = Changes {
        links: [links, denials.links],
        flags: [(node::WILDCARD_CHILD, wildcard_parents), (node::COVERED, denials.covered)],
    };
    Ok(assemble::seal(output, key, layout, &changes, written)?)
}
