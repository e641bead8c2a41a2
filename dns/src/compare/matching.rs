//! Records of a part looked for in a zone: [`Matcher`].
//!
//! A source in canonical order has name after name where the zone has them, so that most names are found without a search. Others are looked
//! up many at once, so that the memory works on all of them.

use crate::columns::{Group, Part, PartRecord, covered};
use crate::order::canonical_rdata_cmp;
use crate::types::Rtype;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;
use zone_segment::{LookupName, Marks, Node, Rdata, Rrset, SegmentOctets, Zone};

/// Names that are looked up at once.
const BATCH_NAMES: usize = 32;

/// Nodes that are looked at behind the last that was found: empty ones and names that the source does not have any more lie between.
const FOLLOWING_NODES: usize = 4;

/// RRsets of so many nodes further on are asked for while records are compared.
const AHEAD_NODES: usize = 8;

/// An RRset with more records is searched by halving.
const FEW_RECORDS: usize = 32;

/// So many RRsets are remembered for that.
const SAMPLED_RRSETS: usize = 64;

/// Looks for the records of one part.
pub(super) struct Matcher<'m, 'z, B> {
    /// The zone.
    zone: &'m Zone<'z, B>,
    /// Marks on what was found.
    marks: &'m Marks<'z>,
    /// The node found last.
    last: Option<Node<'z>>,
    /// A node behind it, up to which RRsets were asked for, and how many nodes lie between.
    ahead: Option<(Node<'z>, usize)>,
    /// Names that are looked up.
    names: Vec<LookupName>,
    /// Where the records of large RRsets lie, by the RRset's first record: of each [`FEW_RECORDS`]th what follows from there.
    samples: HashMap<usize, Vec<Rdata<'z>>>,
}

/// Where in a node the last record was found: the next is mostly behind it.
struct Cursor<'z> {
    /// The type.
    rtype: Rtype,
    /// The type that it covers.
    covered: Rtype,
    /// The TTL.
    ttl: u32,
    /// What follows.
    rest: Rdata<'z>,
    /// The number of the next record.
    next: usize,
}

impl<'m, 'z, B: SegmentOctets> Matcher<'m, 'z, B> {
    /// A matcher of a part.
    pub(super) fn new(zone: &'m Zone<'z, B>, marks: &'m Marks<'z>) -> Self {
        Matcher { zone, marks, last: zone.apex_node(), ahead: None, names: Vec::new(), samples: HashMap::new() }
    }

    /// Marks the records of a part that the zone has, and gives the others.
    pub(super) fn unmatched(mut self, part: &Part) -> Part {
        let mut kept = Kept { part: Part::default(), line: part.first_line() };
        let (mut at, mut batch) = (0, 1);
        while at < part.len() {
            let group = part.group(at);
            if let Some(node) = self.following(group.wire()) {
                self.group(group, Some(node), &mut kept);
                (at, batch) = (at + 1, 1);
                continue;
            }
            let groups = at..part.len().min(at + batch);
            at = groups.end;
            batch = BATCH_NAMES.min(batch * 2);
            self.look_up(part, groups, &mut kept);
        }
        kept.part
    }

    /// Looks up the owners of some groups, and their records.
    fn look_up(&mut self, part: &Part, groups: Range<usize>, kept: &mut Kept) {
        let mut names = std::mem::take(&mut self.names);
        names.resize_with(names.len().max(groups.len()), LookupName::default);
        for (name, group) in names.iter_mut().zip(groups.clone()) {
            name.set(self.zone.key(), part.group(group).name());
            self.zone.prefetch_index(name);
        }
        if groups.len() > 1 {
            names.iter().take(groups.len()).for_each(|name| self.zone.prefetch_node(name));
        }
        for (name, group) in names.iter().zip(groups) {
            let (group, node) = (part.group(group), self.zone.address_node(name));
            self.last = node.or(self.last);
            // An owner in another case is another.
            self.group(group, node.filter(|node| node.is_written(group.wire())), kept);
        }
        self.names = names;
        self.ahead = None;
    }

    /// The node of a name, where it lies right behind the last that was found.
    #[inline]
    fn following(&mut self, wire: &[u8]) -> Option<Node<'z>> {
        let mut node = self.last?;
        if node.is_written(wire) {
            return Some(node);
        }
        for passed in 1..=FOLLOWING_NODES {
            node = self.zone.following(node)?;
            if node.is_written(wire) {
                self.look_ahead(node, passed);
                self.last = Some(node);
                return Some(node);
            }
        }
        None
    }

    /// Asks the processor for the RRsets of nodes behind one, so many nodes behind the one before.
    #[inline]
    fn look_ahead(&mut self, node: Node<'z>, passed: usize) {
        let (mut ahead, between) = self.ahead.unwrap_or((node, 0));
        let mut between = between.saturating_sub(passed);
        if between == 0 {
            ahead = node;
        }
        while between < AHEAD_NODES {
            let Some(next) = self.zone.following(ahead) else { break };
            (ahead, between) = (next, between + 1);
            ahead.prefetch_rrsets();
        }
        self.ahead = Some((ahead, between));
    }

    /// Marks the records of a group that a node of just this name has.
    #[inline]
    fn group(&mut self, group: Group<'_>, node: Option<Node<'z>>, kept: &mut Kept) {
        let Some(node) = node else {
            group.records().for_each(|record| kept.push(group, &record));
            return;
        };
        let (line, mut found) = (kept.line, 0);
        let mut cursor = None;
        for record in group.records() {
            // One that is there twice is kept, so that it is told of.
            match self.find(node, &record, &mut cursor) {
                Some(number @ 0..64) if found >> number & 1 == 0 => {
                    found |= 1 << number;
                    kept.pass(&record);
                }
                Some(number @ 64..) if self.marks.mark(node, number) => kept.pass(&record),
                _ => kept.push(group, &record),
            }
        }
        let twice = self.marks.mark_all(node, found);
        if twice != 0 {
            self.keep_twice(group, node, twice, Kept { part: std::mem::take(&mut kept.part), line }, kept);
        }
    }

    /// Keeps records of a group that were found by an earlier group of its owner as well.
    #[cold]
    fn keep_twice(&mut self, group: Group<'_>, node: Node<'z>, mut twice: u64, mut again: Kept, kept: &mut Kept) {
        for record in group.records() {
            let number = self.find(node, &record, &mut None).filter(|number| *number < 64 && twice >> number & 1 != 0);
            match number {
                Some(number) => {
                    twice &= !(1 << number);
                    again.push(group, &record);
                }
                None => again.pass(&record),
            }
        }
        kept.part = again.part;
    }

    /// The number of a record in a node.
    #[inline]
    fn find(&mut self, node: Node<'z>, record: &PartRecord<'_>, cursor: &mut Option<Cursor<'z>>) -> Option<usize> {
        let (rtype, ttl) = (record.kind.rtype, record.kind.ttl);
        let covered = Rtype(covered(rtype.0, record.rdata));
        if let Some(last) = cursor
            && (last.rtype, last.covered, last.ttl) == (rtype, covered, ttl)
        {
            let mut rest = last.rest.clone();
            if rest.next() == Some(record.rdata) {
                (last.rest, last.next) = (rest, last.next + 1);
                return Some(last.next - 1);
            }
        }
        let is_signature = rtype == Rtype::RRSIG;
        let wanted = if is_signature { covered } else { rtype };
        let mut first = 0;
        for rrset in node.rrsets() {
            if rrset.rtype() == wanted.0 {
                let signed = if is_signature { rrset.len() } else { 0 };
                let (number, rest) = self.find_in(rrset, ttl, rtype, record.rdata)?;
                let next = first + signed + number + 1;
                *cursor = Some(Cursor { rtype, covered, ttl, rest, next });
                return Some(next - 1);
            }
            first += rrset.len() + rrset.signature_count();
        }
        None
    }

    /// The number of a record among the records, or the signatures, of an RRset, and what follows it.
    fn find_in(&mut self, rrset: Rrset<'z>, ttl: u32, rtype: Rtype, rdata: &[u8]) -> Option<(usize, Rdata<'z>)> {
        let is_signature = rtype == Rtype::RRSIG;
        let found_ttl = if is_signature { rrset.signature_ttl() } else { rrset.ttl() };
        if found_ttl != ttl {
            return None;
        }
        let (mut rest, count) = match is_signature {
            true => (rrset.signatures(), rrset.signature_count()),
            false => (rrset.rdata(), rrset.len()),
        };
        let mut start = 0;
        if count > FEW_RECORDS {
            (start, rest) = self.nearest(rest, rtype, rdata)?;
        }
        for number in start..count.min(start + FEW_RECORDS) {
            if rest.next()? == rdata {
                return Some((number, rest));
            }
        }
        None
    }

    /// The number of a record of a large RRset that is not far before one, and what follows from there.
    fn nearest(&mut self, all: Rdata<'z>, rtype: Rtype, rdata: &[u8]) -> Option<(usize, Rdata<'z>)> {
        let address = all.clone().next()?.as_ptr() as usize;
        if self.samples.len() > SAMPLED_RRSETS {
            self.samples.clear();
        }
        let samples = self.samples.entry(address).or_insert_with(|| {
            let (mut samples, mut rest, mut number) = (Vec::new(), all, 0);
            loop {
                if number % FEW_RECORDS == 0 {
                    samples.push(rest.clone());
                }
                if rest.next().is_none() {
                    break samples;
                }
                number += 1;
            }
        });
        let is_behind = |sample: &Rdata<'z>| {
            let first = sample.clone().next();
            first.is_none_or(|first| canonical_rdata_cmp(rtype, first, rdata) == Ordering::Greater)
        };
        let sample = samples.partition_point(|sample| !is_behind(sample)).checked_sub(1)?;
        Some((sample * FEW_RECORDS, samples.get(sample)?.clone()))
    }
}

/// The records of a part that are kept.
struct Kept {
    /// They.
    part: Part,
    /// The line of the record looked at last.
    line: u32,
}

impl Kept {
    /// Goes past a record.
    #[inline]
    fn pass(&mut self, record: &PartRecord<'_>) {
        self.line = self.line.wrapping_add_signed(record.line_difference);
    }

    /// Keeps a record.
    #[inline(never)]
    fn push(&mut self, group: Group<'_>, record: &PartRecord<'_>) {
        self.pass(record);
        self.part.owner(group.name());
        let kind = self.part.kind(record.kind);
        self.part.record(kind, self.line, record.rdata);
    }
}
