//! What differs, once all parts were compared: [`find`].
//!
//! The owners concerned are those of records that were kept and those with records that were not marked. What each has from now on is what was
//! marked of it and what was kept, put in order and freed of duplicates as a whole zone is: by a [`SortedZone`] of them alone.

use super::context::{self, Owners};
use super::{Changed, Comparison, Outcome, Reason};
use crate::change::{ChangeSet, ChangedRecord, OwnerChanges, ZoneChange};
use crate::check::{self, CheckReport, Rule};
use crate::columns::{Columns, Kind, OwnerRecord, Part, SortedZone, compare_records};
use crate::types::Rtype;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic;
use zone_segment::{
    LookupName, Marks, Name, NameRef, Node, OwnedRecord, Piece, SegmentOctets, SourceRecord, Zone, ZoneSource as _,
};

/// The file of records that the zone has: where they stand in the source is not kept.
const MARKED: u32 = u32::MAX;

/// Pieces of a zone that threads go through.
const PIECES: usize = 64;

/// Owners that one task compares.
const OWNERS_OF_TASK: usize = 1024;

/// Nodes whose RRsets are asked for at once.
const ASKED_NODES: usize = 16;

/// Finds what differs; where all of the source is wanted instead and it can be had once only, also what it has.
pub(super) fn find<B: SegmentOctets + Send + Sync>(
    comparison: Comparison<'_, B>,
    files: Vec<PathBuf>,
) -> (Outcome, Columns) {
    let differing_max = comparison.differing_max();
    let Comparison { zone, marks, kept, seen, is_given_up, is_once, .. } = comparison;
    let mut kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    kept.sort_by_key(|(number, _)| *number);
    let mut kept: Vec<Part> = kept.into_iter().map(|(_, part)| part).collect();
    let unmarked = zone.record_count().saturating_sub(marks.count());
    let is_much = is_given_up.load(atomic::Ordering::Relaxed) || unmarked > differing_max;
    let records = seen.load(atomic::Ordering::Relaxed);
    let outcome = match is_much {
        true => Outcome::Whole(Reason::Much),
        false => find_in(&zone, &marks, &mut kept, &files, records),
    };
    let mut all = Columns::default();
    if is_once && matches!(outcome, Outcome::Whole(_)) {
        all.parts = marked_in(&zone, &marks);
        all.parts.append(&mut kept);
        all.files = files;
    }
    (outcome, all)
}

/// The same where not much differs. `kept` is as before in the end where the answer is that all of the source is wanted.
fn find_in<B: SegmentOctets + Send + Sync>(
    zone: &Zone<'_, B>,
    marks: &Marks<'_>,
    kept: &mut Vec<Part>,
    files: &[PathBuf],
    records: u64,
) -> Outcome {
    let unmarked = zone.record_count().saturating_sub(marks.count());
    let mut owners = of_parts(zone, kept);
    let found: u64 = owners.values().flatten().map(|node| unmarked_of(marks, *node)).sum();
    if found != unmarked {
        let with_unmarked = nodes_with_unmarked(zone, marks);
        owners.extend(with_unmarked.into_iter().map(|node| (node.name().to_name(), Some(node))));
    }
    if kept.is_empty() && owners.is_empty() {
        return Outcome::Same { records, warnings: CheckReport::default() };
    }
    let targets = context::name_servers(zone, kept);
    let around = context::around(zone, &owners, &targets);
    let mut parts = marked(marks, owners.iter().chain(&around));
    let marked_parts = parts.len();
    parts.append(kept);
    let sorted = SortedZone::new(zone.apex().to_name(), Columns { parts, files: files.to_vec() });
    let report = check::zone(&sorted);
    let change = if !report.errors.is_empty() || context::is_uncertain(zone, &sorted, &owners, &targets) {
        Err(Reason::Check)
    } else {
        difference(zone, &sorted, &owners)
    };
    match change {
        Err(reason) => {
            *kept = sorted.into_columns().parts.split_off(marked_parts);
            Outcome::Whole(reason)
        }
        Ok(change) => {
            let warnings = of_source(report, &sorted);
            match change.owners.is_empty() {
                true => Outcome::Same { records, warnings },
                false => Outcome::Changed(Box::new(Changed { change, records, warnings })),
            }
        }
    }
}

/// The owners in parts that are in the zone, with what the zone has of them; looked up on all cores.
fn of_parts<'z, B: SegmentOctets + Send + Sync>(zone: &Zone<'z, B>, parts: &[Part]) -> Owners<'z> {
    let of_part = |part: &Part| {
        let names = part.groups().map(|group| group.name()).filter(|name| name.is_at_or_below(zone.apex()));
        let mut names: Vec<NameRef<'_>> = names.collect();
        names.dedup();
        let mut lookups: Vec<LookupName> = vec![LookupName::default(); names.len().min(ASKED_NODES)];
        let mut owners = Vec::with_capacity(names.len());
        for names in names.chunks(ASKED_NODES) {
            for (lookup, name) in lookups.iter_mut().zip(names) {
                lookup.set(zone.key(), *name);
                zone.prefetch_index(lookup);
            }
            lookups.iter().take(names.len()).for_each(|lookup| zone.prefetch_node(lookup));
            let nodes = lookups.iter().map(|lookup| zone.address_node(lookup));
            owners.extend(names.iter().map(|name| name.to_name()).zip(nodes));
        }
        owners
    };
    let owners: Vec<Vec<(Name, Option<Node<'z>>)>> = parts.par_iter().map(of_part).collect();
    owners.into_iter().flatten().collect()
}

/// The records of a node in the order of their numbers.
fn records_of<'z>(node: Node<'z>) -> impl Iterator<Item = SourceRecord<'z>> {
    node.rrsets().flat_map(|rrset| {
        let (rtype, ttl, signature_ttl) = (rrset.rtype(), rrset.ttl(), rrset.signature_ttl());
        let records = rrset.rdata().map(move |rdata| SourceRecord { rtype, ttl, rdata });
        let signature = move |rdata| SourceRecord { rtype: Rtype::RRSIG.0, ttl: signature_ttl, rdata };
        records.chain(rrset.signatures().map(signature))
    })
}

/// How many records a node has.
fn count_of(node: Node<'_>) -> usize {
    node.rrsets().map(|rrset| rrset.len() + rrset.signature_count()).sum()
}

/// How many records of a node are not marked.
fn unmarked_of(marks: &Marks<'_>, node: Node<'_>) -> u64 {
    (0..count_of(node)).map(|record| u64::from(!marks.is_marked(node, record))).sum()
}

/// The nodes with records that are not marked, found on all cores.
fn nodes_with_unmarked<'z, B: SegmentOctets>(zone: &Zone<'z, B>, marks: &Marks<'z>) -> Vec<Node<'z>> {
    let of_piece = |mut piece: Piece<'z>| {
        let mut found = Vec::new();
        let mut nodes = Vec::with_capacity(ASKED_NODES);
        loop {
            nodes.extend(piece.by_ref().take(ASKED_NODES).inspect(Node::prefetch_rrsets));
            if nodes.is_empty() {
                break found;
            }
            found.extend(nodes.drain(..).filter(|node| unmarked_of(marks, *node) > 0));
        }
    };
    zone.pieces(PIECES).into_par_iter().flat_map_iter(of_piece).collect()
}

/// The marked records of owners, in parts.
fn marked<'o, 'z: 'o>(marks: &Marks<'_>, owners: impl Iterator<Item = (&'o Name, &'o Option<Node<'z>>)>) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    owners.filter_map(|(_, node)| *node).for_each(|node| push_marked(marks, node, &mut parts));
    parts
}

/// Appends the marked records of a node.
fn push_marked(marks: &Marks<'_>, node: Node<'_>, parts: &mut Vec<Part>) {
    if parts.last().is_some_and(Part::is_full) {
        parts.push(Part::default());
    }
    let Some(part) = parts.last_mut() else { return };
    let records = records_of(node).enumerate().filter(|(number, _)| marks.is_marked(node, *number));
    for (number, (_, record)) in records.enumerate() {
        if number == 0 {
            part.owner(node.name());
        }
        let (rtype, ttl) = (Rtype(record.rtype), record.ttl);
        let kind = part.kind(Kind { rtype, ttl, awaits_ttl: false, file: MARKED });
        part.record(kind, 0, record.rdata);
    }
}

/// All records of a zone that are marked, in parts.
pub(super) fn marked_in<B: SegmentOctets>(zone: &Zone<'_, B>, marks: &Marks<'_>) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    zone.nodes().for_each(|node| push_marked(marks, node, &mut parts));
    parts
}

/// Leaves out findings about records that the zone has: they were told of when those came.
fn of_source(mut report: CheckReport, sorted: &SortedZone) -> CheckReport {
    let path = sorted.columns().path(0);
    report.warnings.retain_mut(|finding| {
        if !finding.path.as_os_str().is_empty() || path.as_os_str().is_empty() {
            return true;
        }
        // These are as much about a record that differs.
        finding.path = path.to_owned();
        matches!(finding.rule, Rule::Duplicate | Rule::TtlMismatch)
    });
    report
}

/// Compares what the owners concerned have by now with what they have in the zone, on all cores.
fn difference<B: SegmentOctets>(
    zone: &Zone<'_, B>,
    sorted: &SortedZone,
    owners: &Owners<'_>,
) -> Result<ZoneChange, Reason> {
    let apex = zone.apex();
    let owners: Vec<(&Name, Option<Node<'_>>)> = owners.iter().map(|(owner, node)| (owner, *node)).collect();
    let of_some = |owners: &[(&Name, Option<Node<'_>>)]| {
        let mut change = Difference::new(apex);
        let mut raw = Vec::new();
        owners.iter().for_each(|(owner, node)| change.compare(sorted, owner, *node, &mut raw));
        change
    };
    let differences: Vec<Difference<'_>> = owners.par_chunks(OWNERS_OF_TASK).map(of_some).collect();
    let all = differences.into_iter().fold(Difference::new(apex), |mut all, more| {
        all.removed.extend(more.removed);
        all.added.extend(more.added);
        all.owners.extend(more.owners);
        all.reason = all.reason.or(more.reason);
        all
    });
    all.finish(zone, sorted)
}

/// The records of a node in canonical order.
fn sorted_records(node: Node<'_>) -> Vec<SourceRecord<'_>> {
    let mut records: Vec<SourceRecord<'_>> = records_of(node).collect();
    records.sort_by(|a, b| compare_records((a.rtype, a.rdata), (b.rtype, b.rdata)));
    records
}

/// Whether an owner, between two ranks, is written in several ways, or a record of it, and it is not known which of them comes first in
/// the source: the zone has one of them. `raw` are its records with duplicates, `count` is how many they are without.
fn is_spelling_uncertain(sorted: &SortedZone, ranks: (usize, usize), raw: &[OwnerRecord<'_>], count: usize) -> bool {
    let is_marked = |record: &OwnerRecord<'_>| record.file() == MARKED;
    if !raw.iter().any(is_marked) {
        return false;
    }
    let first = sorted.name(ranks.0);
    if (ranks.0..ranks.1).any(|rank| sorted.name(rank).as_wire() != first.as_wire()) {
        return true;
    }
    let is_same = |a: &OwnerRecord<'_>, b: &OwnerRecord<'_>| {
        compare_records((a.rtype.0, a.rdata), (b.rtype.0, b.rdata)) == Ordering::Equal
    };
    raw.len() > count
        && raw.chunk_by(is_same).any(|same| {
            same.iter().any(is_marked)
                && same.first().is_some_and(|first| same.iter().any(|one| one.rdata != first.rdata))
        })
}

/// What differs, owner by owner.
struct Difference<'a> {
    /// Records that went, but the SOA.
    removed: Vec<ChangedRecord>,
    /// Records that came, but the SOA.
    added: Vec<ChangedRecord>,
    /// The owners that differ, in order.
    owners: Vec<(Name, Vec<OwnedRecord>)>,
    /// The apex.
    apex: NameRef<'a>,
    /// Why the source is to be read whole.
    reason: Option<Reason>,
}

/// An owner and its records in canonical order.
type Owner<'o, 'r> = (NameRef<'o>, &'o [SourceRecord<'r>]);

impl<'a> Difference<'a> {
    /// None yet.
    fn new(apex: NameRef<'a>) -> Self {
        Difference { removed: Vec::new(), added: Vec::new(), owners: Vec::new(), apex, reason: None }
    }

    /// Compares what an owner has by now with what it has in the zone. `raw` is room that is used again.
    fn compare<'s>(
        &mut self,
        sorted: &'s SortedZone,
        owner: &Name,
        node: Option<Node<'_>>,
        raw: &mut Vec<OwnerRecord<'s>>,
    ) {
        let before = node.map(sorted_records).unwrap_or_default();
        let old_name = node.map_or(owner.as_ref(), |node| node.name());
        let Some(rank) = sorted.find(owner.as_ref()) else {
            return self.owner((old_name, &before), (old_name, &[]));
        };
        raw.clear();
        let end = sorted.records(rank, raw);
        sorted.visit(rank..end, &mut |_, name, after| {
            if is_spelling_uncertain(sorted, (rank, end), raw, after.len()) {
                self.reason = Some(Reason::Spelling);
            } else {
                self.owner((old_name, &before), (name, after));
            }
            ControlFlow::Break(())
        });
    }

    /// Compares what an owner had with what it has.
    fn owner(&mut self, before: Owner<'_, '_>, after: Owner<'_, '_>) {
        let is_same_name = before.0.as_wire() == after.0.as_wire() || before.1.is_empty() || after.1.is_empty();
        if before.1 == after.1 && is_same_name {
            return;
        }
        let (mut old, mut new) = (before.1, after.1);
        while let (Some((a, old_rest)), Some((b, new_rest))) = (old.split_first(), new.split_first()) {
            match compare_records((a.rtype, a.rdata), (b.rtype, b.rdata)) {
                Ordering::Less => {
                    self.went(before.0, a);
                    old = old_rest;
                    continue;
                }
                Ordering::Greater => self.came(after.0, b),
                Ordering::Equal => {
                    if a != b || !is_same_name {
                        self.went(before.0, a);
                        self.came(after.0, b);
                    }
                    old = old_rest;
                }
            }
            new = new_rest;
        }
        old.iter().for_each(|record| self.went(before.0, record));
        new.iter().for_each(|record| self.came(after.0, record));
        let records = after.1.iter().map(|record| OwnedRecord {
            rtype: record.rtype,
            ttl: record.ttl,
            rdata: record.rdata.into(),
        });
        self.owners.push((after.0.to_name(), records.collect()));
    }

    /// A record went.
    fn went(&mut self, owner: NameRef<'_>, record: &SourceRecord<'_>) {
        self.look_at(owner, record);
        if record.rtype != Rtype::SOA.0 {
            self.removed.push(changed(owner, record));
        }
    }

    /// A record came.
    fn came(&mut self, owner: NameRef<'_>, record: &SourceRecord<'_>) {
        self.look_at(owner, record);
        if record.rtype != Rtype::SOA.0 {
            self.added.push(changed(owner, record));
        }
    }

    /// Looks at a record that went or came.
    fn look_at(&mut self, owner: NameRef<'_>, record: &SourceRecord<'_>) {
        if record.rtype == Rtype::NSEC3PARAM.0 && owner == self.apex {
            self.reason = Some(Reason::Nsec3Parameters);
        }
    }

    /// All of it, between the SOA records before and after.
    fn finish<B: SegmentOctets>(self, zone: &Zone<'_, B>, sorted: &SortedZone) -> Result<ZoneChange, Reason> {
        let Difference { mut removed, mut added, owners, apex, reason } = self;
        if let Some(reason) = reason {
            return Err(reason);
        }
        let soa_before = zone.apex_node().and_then(|node| {
            let soa = records_of(node).find(|record| record.rtype == Rtype::SOA.0)?;
            Some(changed(node.name(), &soa))
        });
        let mut soa_after = None;
        if let Some(rank) = sorted.find(sorted.apex()) {
            let end = sorted.records(rank, &mut Vec::new());
            sorted.visit(rank..end, &mut |_, name, records| {
                let soa = records.iter().find(|record| record.rtype == Rtype::SOA.0);
                soa_after = soa.map(|soa| changed(name, soa));
                ControlFlow::Break(())
            });
        }
        // The checks of both saw to it that there is one.
        let (Some(before), Some(after)) = (soa_before, soa_after) else { return Err(Reason::Check) };
        let (from, to) = (serial(&before.rdata), serial(&after.rdata));
        removed.insert(0, before);
        added.insert(0, after);
        let set = ChangeSet { apex: apex.to_name(), from, to, removed, added };
        Ok(ZoneChange { set, owners: OwnerChanges::from_iter(owners) })
    }
}

/// A record as it stands in a change set.
fn changed(owner: NameRef<'_>, record: &SourceRecord<'_>) -> ChangedRecord {
    let (rtype, ttl, rdata) = (Rtype(record.rtype), record.ttl, record.rdata.into());
    ChangedRecord { owner: owner.to_name(), rtype, ttl, rdata }
}

/// The serial in the RDATA of an SOA: serial, refresh, retry, expire and minimum are the last 20 octets.
fn serial(rdata: &[u8]) -> u32 {
    let numbers = rdata.last_chunk::<20>().and_then(|numbers| numbers.first_chunk());
    numbers.map_or(0, |serial| u32::from_be_bytes(*serial))
}
