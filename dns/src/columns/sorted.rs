//! Records in canonical order of their owners: [`SortedZone`].
//!
//! Zones that come from a dump or a transfer mostly are in that order already; then nothing is sorted and nothing is kept beside the
//! parts. Else one row a group is sorted, on all cores. Records themselves never move.

use super::key::{self, Head};
use super::part::Group;
use super::{Columns, Part};
use crate::order::canonical_rdata_cmp;
use crate::types::Rtype;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use zone_segment::{Name, NameRef, SourceRecord, Visitor, ZoneSource};

/// The records of one zone, by rank: the place of a group of records in the canonical order of owners. An owner that the source comes back
/// to has several ranks, one behind the other.
#[derive(Debug)]
pub struct SortedZone {
    /// The apex.
    apex: Name,
    /// The records.
    columns: Columns,
    /// Which group has which rank.
    order: Order,
    /// Groups whose owner is not in the zone; they have no rank.
    outside: Vec<Row>,
    /// The types of owners with many records that were asked for, by rank: a zone may have many questions about one.
    types: RwLock<HashMap<usize, BTreeSet<Rtype>>>,
}

/// Above this many records the types of an owner are remembered.
const MANY_RECORDS: usize = 64;

/// Which group has which rank.
#[derive(Debug)]
enum Order {
    /// The source's order: for each part the rank of its first group.
    Source(Vec<usize>),
    /// Another.
    Rows(Vec<Row>),
}

/// A group: its part and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    /// The number of the part.
    part: u32,
    /// The number of the group in it.
    group: u32,
}

/// A record with its type and where it came from.
#[derive(Clone, Copy, Debug)]
pub struct OwnerRecord<'a> {
    /// The type.
    pub rtype: Rtype,
    /// The TTL in seconds.
    pub ttl: u32,
    /// The RDATA: uncompressed wire form, names in the case they were written in.
    pub rdata: &'a [u8],
    /// The part it is in.
    part: u32,
    /// Its place there.
    at: u32,
    /// The file it came from.
    pub(super) file: u32,
}

impl OwnerRecord<'_> {
    /// The type that a signature covers; for other types 0.
    pub fn covered(&self) -> Rtype {
        Rtype(covered(self.rtype.0, self.rdata))
    }

    /// The file it came from.
    pub(crate) fn file(&self) -> u32 {
        self.file
    }
}

impl SortedZone {
    /// Puts records into order.
    pub fn new(apex: Name, columns: Columns) -> Self {
        let order = match order_of_source(&apex, &columns) {
            Some(first_ranks) => Order::Source(first_ranks),
            None => {
                let (rows, outside) = sort(&apex, &columns);
                return Self { apex, columns, order: Order::Rows(rows), outside, types: RwLock::default() };
            }
        };
        Self { apex, columns, order, outside: Vec::new(), types: RwLock::default() }
    }

    /// The apex.
    pub fn apex(&self) -> NameRef<'_> {
        self.apex.as_ref()
    }

    /// The records as they were given.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The records again, in the order of their source.
    pub fn into_columns(self) -> Columns {
        self.columns
    }

    /// Appends all records of the owner that begins at a rank, by type, covered type and canonical RDATA, then in the order of the
    /// source; as they were read, duplicates and all. Gives the rank behind that owner.
    pub fn records<'a>(&'a self, rank: usize, records: &mut Vec<OwnerRecord<'a>>) -> usize {
        let start = records.len();
        let end = self.each_group(rank, |part, group| push_group(part, group, records));
        order_records(&mut records[start..]);
        end
    }

    /// The records whose owner is outside of the zone, owner by owner.
    pub fn outside(&self) -> impl Iterator<Item = (NameRef<'_>, OwnerRecord<'_>)> {
        self.outside.iter().flat_map(|row| {
            let group = self.group(*row);
            let mut records = Vec::new();
            push_group(row.part, group, &mut records);
            records.into_iter().map(move |record| (group.name(), record))
        })
    }

    /// Whether the owner that begins at a rank has records of one of some types.
    pub fn has_any(&self, rank: usize, types: &[Rtype]) -> bool {
        if let Some(known) = self.types.read().unwrap_or_else(PoisonError::into_inner).get(&rank) {
            return types.iter().any(|rtype| known.contains(rtype));
        }
        let (mut records, mut is_found) = (0, false);
        self.each_group(rank, |_, group| {
            records += group.records().inspect(|record| is_found |= types.contains(&record.kind.rtype)).count();
        });
        if records > MANY_RECORDS {
            let mut known = BTreeSet::new();
            self.each_group(rank, |_, group| known.extend(group.records().map(|record| record.kind.rtype)));
            self.types.write().unwrap_or_else(PoisonError::into_inner).insert(rank, known);
        }
        is_found
    }

    /// The first rank of an owner.
    pub fn find(&self, name: NameRef<'_>) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.name(middle).canonical_cmp(name) == Ordering::Less {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low < self.len() && self.name(low) == name).then_some(low)
    }

    /// The file and line of a record: the file empty and the line 0 where it came from no file. Costs a walk over its part: for messages.
    pub fn place(&self, record: &OwnerRecord<'_>) -> (&Path, u32) {
        let part = self.columns.parts.get(record.part as usize);
        (self.columns.path(record.file), part.map_or(0, |part| part.line(record.at as usize)))
    }

    /// The places of many records, as [`SortedZone::place`], in one walk over each part.
    pub fn places(&self, records: &[OwnerRecord<'_>]) -> Vec<(&Path, u32)> {
        let mut order: Vec<usize> = (0..records.len()).collect();
        order.sort_unstable_by_key(|index| (records[*index].part, records[*index].at));
        let mut places = vec![(Path::new(""), 0); records.len()];
        for of_part in order.chunk_by(|a, b| records[*a].part == records[*b].part) {
            let part = of_part.first().and_then(|first| self.columns.parts.get(records[*first].part as usize));
            let Some(part) = part else { continue };
            let lines = part.lines(of_part.iter().map(|index| records[*index].at as usize));
            for (index, line) in of_part.iter().zip(lines) {
                places[*index] = (self.columns.path(records[*index].file), line);
            }
        }
        places
    }

    /// The group of a row.
    #[inline]
    fn group(&self, row: Row) -> Group<'_> {
        static NONE: std::sync::LazyLock<Part> = std::sync::LazyLock::new(Part::default);
        self.columns.parts.get(row.part as usize).unwrap_or(&NONE).group(row.group as usize)
    }

    /// The row of a rank.
    #[inline]
    fn row(&self, rank: usize) -> Row {
        match &self.order {
            Order::Source(first_ranks) => {
                let part = first_ranks.partition_point(|first| *first <= rank).saturating_sub(1);
                let first = first_ranks.get(part).copied().unwrap_or(0);
                Row { part: part as u32, group: (rank - first) as u32 }
            }
            Order::Rows(rows) => rows.get(rank).copied().unwrap_or(Row { part: u32::MAX, group: 0 }),
        }
    }

    /// Shows the owners that begin in a range of ranks, which begins at one: the rank behind each, its name, and its records as
    /// [`SortedZone::records`] has them.
    pub fn visit_records<'a>(
        &'a self,
        ranks: Range<usize>,
        mut to: impl FnMut(usize, NameRef<'a>, &[OwnerRecord<'a>]),
    ) {
        let mut records = Vec::new();
        let mut groups = self.groups(ranks.start).zip(ranks.start..self.len()).peekable();
        while let Some(((part, group), rank)) = groups.next_if(|(_, rank)| *rank < ranks.end) {
            let mut end = rank + 1;
            records.clear();
            push_group(part, group, &mut records);
            while let Some(((part, more), _)) = groups.next_if(|((_, next), _)| next.has_owner_of(group)) {
                push_group(part, more, &mut records);
                end += 1;
            }
            order_records(&mut records);
            to(end, group.name(), &records);
        }
    }

    /// The groups from a rank on, in order, each with the number of its part.
    fn groups(&self, rank: usize) -> impl Iterator<Item = (u32, Group<'_>)> {
        let rows = match &self.order {
            Order::Source(_) => &[][..],
            Order::Rows(rows) => rows.get(rank..).unwrap_or_default(),
        };
        let first = match &self.order {
            Order::Source(_) => self.row(rank),
            Order::Rows(_) => Row { part: u32::MAX, group: 0 },
        };
        let parts = self.columns.parts.get(first.part as usize..).unwrap_or_default();
        let in_source = parts.iter().enumerate().flat_map(move |(index, part)| {
            let start = if index == 0 { first.group as usize } else { 0 };
            let number = first.part.wrapping_add(index as u32);
            (start..part.len()).map(move |group| (number, part.group(group)))
        });
        rows.iter().map(|row| (row.part, self.group(*row))).chain(in_source)
    }

    /// Hands over the groups of the owner that begins at a rank; gives the rank behind them.
    #[inline]
    fn each_group<'a>(&'a self, rank: usize, mut take: impl FnMut(u32, Group<'a>)) -> usize {
        let row = self.row(rank);
        let first = self.group(row);
        take(row.part, first);
        let mut end = rank + 1;
        while end < self.len() {
            let row = self.row(end);
            let group = self.group(row);
            if group.name() != first.name() {
                break;
            }
            take(row.part, group);
            end += 1;
        }
        end
    }
}

impl ZoneSource for SortedZone {
    fn len(&self) -> usize {
        match &self.order {
            Order::Source(first_ranks) => {
                first_ranks.last().map_or(0, |first| first + self.columns.parts.last().map_or(0, Part::len))
            }
            Order::Rows(rows) => rows.len(),
        }
    }

    #[inline]
    fn name(&self, rank: usize) -> NameRef<'_> {
        self.group(self.row(rank)).name()
    }

    fn visit<'a>(&'a self, ranks: Range<usize>, to: &mut Visitor<'_, 'a>) {
        let mut records = Vec::new();
        let mut groups = self.groups(ranks.start).zip(ranks).peekable();
        while let Some(((_, group), rank)) = groups.next() {
            let name = group.name();
            records.clear();
            push_records(group, &mut records);
            while let Some(((_, more), _)) = groups.next_if(|((_, next), _)| next.has_owner_of(group)) {
                push_records(more, &mut records);
            }
            clean(&mut records);
            if to(rank, name, &records).is_break() {
                break;
            }
        }
    }
}

/// Appends the records of a group.
#[inline]
fn push_records<'a>(group: Group<'a>, records: &mut Vec<SourceRecord<'a>>) {
    records.extend(group.records().map(|record| SourceRecord {
        rtype: record.kind.rtype.0,
        ttl: record.kind.ttl,
        rdata: record.rdata,
    }));
}

/// Puts the records of an owner into order, each once and those of an RRset with one TTL.
#[inline]
fn clean(records: &mut Vec<SourceRecord<'_>>) {
    if records.len() < 2 {
        return;
    }
    let order = |a: &SourceRecord<'_>, b: &SourceRecord<'_>| compare_records((a.rtype, a.rdata), (b.rtype, b.rdata));
    if !records.is_sorted_by(|a, b| order(a, b) == Ordering::Less) {
        records.sort_by(order);
        drop_duplicates(records);
    }
    even_ttls(records);
}

/// The rank of each part's first group, if the source is in canonical order and all in the zone.
fn order_of_source(apex: &Name, columns: &Columns) -> Option<Vec<usize>> {
    let are_sorted = match columns.parts.as_slice() {
        // Most zones are small, and many of them are loaded at once.
        [part] => is_part_sorted(apex, part),
        parts => parts.par_iter().all(|part| is_part_sorted(apex, part)),
    };
    let filled = || columns.parts.iter().filter(|part| !part.is_empty());
    let mut borders = filled().zip(filled().skip(1));
    if !are_sorted || !borders.all(|(a, b)| a.group(a.len() - 1).name() <= b.group(0).name()) {
        return None;
    }
    let mut rank = 0;
    let first_ranks = columns.parts.iter().map(|part| {
        rank += part.len();
        rank - part.len()
    });
    Some(first_ranks.collect())
}

/// Whether the groups of a part are in canonical order and in the zone.
fn is_part_sorted(apex: &Name, part: &Part) -> bool {
    let mut last: Option<(Head, NameRef<'_>)> = None;
    part.groups().all(|group| {
        let name = group.name();
        let Some(head) = key::head(name, apex.as_ref()) else { return false };
        let is_behind = last.is_none_or(|last| key::compare(last, (head, name)).is_le());
        last = Some((head, name));
        is_behind
    })
}

/// Sorts the groups in the zone, and lists the others.
fn sort(apex: &Name, columns: &Columns) -> (Vec<Row>, Vec<Row>) {
    let name = |row: Row| columns.parts[row.part as usize].group(row.group as usize).name();
    let rows_of_part = |(number, part): (usize, &Part)| {
        // Parts have far fewer than 2^32 groups, and a zone far fewer parts.
        let rows = (0..part.len() as u32).map(move |group| Row { part: number as u32, group });
        rows.map(|row| (key::head(name(row), apex.as_ref()), row)).collect::<Vec<(Option<Head>, Row)>>()
    };
    let of_parts: Vec<Vec<(Option<Head>, Row)>> = columns.parts.par_iter().enumerate().map(rows_of_part).collect();
    let mut outside = Vec::new();
    let mut rows: Vec<(Head, Row)> = Vec::with_capacity(of_parts.iter().map(Vec::len).sum());
    for of_part in of_parts {
        for (head, row) in of_part {
            match head {
                Some(head) => rows.push((head, row)),
                None => outside.push(row),
            }
        }
    }
    rows.par_sort_unstable_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| name(a.1).canonical_cmp(name(b.1))).then_with(|| a.1.cmp(&b.1))
    });
    outside.sort_by(|a, b| name(*a).canonical_cmp(name(*b)));
    (rows.par_iter().map(|(_, row)| *row).collect(), outside)
}

/// Puts the records of an owner into order.
#[inline]
fn order_records(records: &mut [OwnerRecord<'_>]) {
    let order = |a: &OwnerRecord<'_>, b: &OwnerRecord<'_>| compare_records((a.rtype.0, a.rdata), (b.rtype.0, b.rdata));
    if !records.is_sorted_by(|a, b| order(a, b).is_le()) {
        records.sort_by(order);
    }
}

/// Appends the records of a group.
#[inline]
fn push_group<'a>(part: u32, group: Group<'a>, records: &mut Vec<OwnerRecord<'a>>) {
    records.extend(group.records().map(|record| OwnerRecord {
        rtype: record.kind.rtype,
        ttl: record.kind.ttl,
        rdata: record.rdata,
        part,
        // A part has far fewer than 2^32 octets.
        at: record.at as u32,
        file: record.kind.file,
    }));
}

/// The type that a signature covers; for other types 0.
#[inline]
pub(crate) fn covered(rtype: u16, rdata: &[u8]) -> u16 {
    match rdata {
        [high, low, ..] if rtype == Rtype::RRSIG.0 => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}

/// Compares records of one owner, each its type and RDATA, in canonical order.
#[inline]
pub(crate) fn compare_records(a: (u16, &[u8]), b: (u16, &[u8])) -> Ordering {
    let by_type = a.0.cmp(&b.0).then_with(|| covered(a.0, a.1).cmp(&covered(b.0, b.1)));
    by_type.then_with(|| canonical_rdata_cmp(Rtype(a.0), a.1, b.1))
}

/// Keeps the first of records that are the same but for their TTL and the case of their names, with the lowest TTL.
fn drop_duplicates(records: &mut Vec<SourceRecord<'_>>) {
    let mut kept = 0;
    for at in 1..records.len() {
        let (last, record) = (records[kept], records[at]);
        if compare_records((last.rtype, last.rdata), (record.rtype, record.rdata)) == Ordering::Equal {
            records[kept].ttl = last.ttl.min(record.ttl);
        } else {
            kept += 1;
            records[kept] = record;
        }
    }
    records.truncate(kept + 1);
}

/// Gives all records of an RRset the lowest TTL among them (RFC 2181, section 5.2). For signatures the RRset is that of one covered type.
fn even_ttls(records: &mut [SourceRecord<'_>]) {
    let is_same = |a: &SourceRecord<'_>, b: &SourceRecord<'_>| {
        a.rtype == b.rtype && covered(a.rtype, a.rdata) == covered(b.rtype, b.rdata)
    };
    for rrset in records.chunk_by_mut(is_same) {
        let lowest = rrset.iter().map(|record| record.ttl).min().unwrap_or(0);
        rrset.iter_mut().for_each(|record| record.ttl = lowest);
    }
}
