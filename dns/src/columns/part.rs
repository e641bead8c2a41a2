//! Records that follow each other in a source: [`Part`], written once from front to back.
//!
//! An arena of groups, one for each run of records with the same owner: length and octets of the owner's name, then for each record
//! the number of its kind, the difference of its line to that of the record before, and length and octets of its RDATA. About six
//! octets a record beside what the record itself has; in that the zones of registries are loaded.

use super::arena::{Arena, Room};
use super::kinds::{Kind, KindId, Kinds};
use super::varint;
use zone_segment::NameRef;

/// Records that follow each other in a source.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The groups, one after the other.
    octets: Arena,
    /// Where each begins.
    starts: Vec<u32>,
    /// What records have in common.
    kinds: Kinds,
    /// How many records there are.
    records: u64,
    /// The line that differences count from.
    first_line: u32,
    /// The line of the last record.
    last_line: u32,
}

/// Above this many octets a part takes no more, so that 32 bits address it.
const FULL_OCTETS: usize = 1 << 30;

impl Part {
    /// Begins the records of an owner; goes on with the last one's where it is the same, octet by octet.
    #[inline]
    pub fn owner(&mut self, name: NameRef<'_>) {
        let wire = name.as_wire();
        if !self.is_last(wire) {
            // Both far below 2^32: a full part is not written to, and a name has at most 255 octets.
            self.starts.push(self.octets.len() as u32);
            self.octets.append(&[wire.len() as u8]);
            self.octets.append(wire);
        }
    }

    /// Whether a name is that of the last group.
    #[inline]
    fn is_last(&self, wire: &[u8]) -> bool {
        let group = self.starts.last().and_then(|start| self.octets.as_slice().get(*start as usize..));
        // Most names differ in length or at their beginning.
        match group {
            Some([length, group @ ..]) => usize::from(*length) == wire.len() && group.starts_with(wire),
            _ => false,
        }
    }

    /// The number of a kind, for [`Part::record`].
    #[inline]
    pub fn kind(&mut self, kind: Kind) -> KindId {
        self.kinds.id(kind)
    }

    /// Adds a record to the owner begun last. `line` is that on which its entry starts; RDATA has 65,535 octets at most.
    #[inline]
    pub fn record(&mut self, kind: KindId, line: u32, rdata: &[u8]) {
        let (head, length) = varint::row([kind.0, self.line_difference(line), rdata.len() as u32]);
        self.octets.append(&head[head.len() - length..]);
        self.octets.append(rdata);
        self.last_line = line;
        self.records += 1;
    }

    /// Begins a record in the room behind the others, before which an owner's records begin unless they have: `owner` is a name in wire
    /// form and checked, with its length before it and a chunk's octets of anything behind it. RDATA goes to the room.
    #[inline(always)]
    pub(crate) fn begin_record(&mut self, owner: Option<&[u8]>, kind: KindId, line: u32) -> Option<BegunRecord<'_>> {
        let difference = self.line_difference(line);
        let owner = owner.filter(|owner| {
            let length = owner.first().copied().unwrap_or(0);
            !owner.get(1..=usize::from(length)).is_some_and(|wire| self.is_last(wire))
        });
        let mut room = self.octets.room()?;
        if let Some(owner) = owner {
            room.push_chunks(owner, 1 + usize::from(*owner.first()?))?;
        }
        room.push_number(kind.0)?;
        room.push_number(difference)?;
        room.push(&[0])?;
        let start = room.len();
        Some(BegunRecord { room, start, line, has_owner: owner.is_some() })
    }

    /// Adds a record that was begun and whose room holds its RDATA.
    #[inline(always)]
    pub(crate) fn end_record(&mut self, record: EndedRecord) {
        if record.has_owner {
            self.starts.push(self.octets.len() as u32);
        }
        self.octets.take(record.octets);
        self.last_line = record.line;
        self.records += 1;
    }

    /// The difference of a line to that of the last record, as a number.
    #[inline(always)]
    fn line_difference(&self, line: u32) -> u32 {
        varint::zigzag(line.wrapping_sub(self.last_line) as i32)
    }

    /// Whether it should take no more records: they go to another part.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.octets.len() > FULL_OCTETS
    }

    /// Whether it has no records.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// How many records it has.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Whether a TTL is only known once an earlier part is.
    pub fn awaits_ttl(&self) -> bool {
        self.kinds.iter().any(|kind| kind.awaits_ttl)
    }

    /// Gives the TTLs that kinds wait for: `ttl` is given what they have instead so far. Whether it knew all of them.
    #[must_use]
    pub fn set_awaited_ttls(&mut self, ttl: impl Fn(u32) -> Option<u32>) -> bool {
        self.kinds.iter_mut().filter(|kind| kind.awaits_ttl).all(|kind| {
            let known = ttl(kind.ttl);
            (kind.ttl, kind.awaits_ttl) = (known.unwrap_or(kind.ttl), known.is_none());
            known.is_some()
        })
    }

    /// Adds a number to the lines of all records: a part is scanned before it is known on which line it begins.
    ///
    /// Gives the numbers of files another meaning by `files`, from those of the part to those of the whole.
    pub fn move_to(&mut self, lines: u32, files: impl Fn(u32) -> u32) {
        self.first_line = self.first_line.wrapping_add(lines);
        for kind in self.kinds.iter_mut() {
            kind.file = files(kind.file);
        }
    }

    /// Octets that its records take.
    #[inline]
    pub(crate) fn used_octets(&self) -> usize {
        self.octets.len()
    }

    /// Reserves memory for the records in so many octets of text, which take about two thirds of that.
    pub(crate) fn reserve(&mut self, text_octets: usize) {
        self.octets.reserve_all(text_octets);
        // An owner begins every hundred octets or so.
        self.starts.reserve(text_octets / 64);
    }

    /// Whether it uses so little of its memory that a copy is better than to give back the rest.
    pub(crate) fn is_small(&self) -> bool {
        self.octets.len() < self.octets.capacity() / 4
    }

    /// Takes its records out, in just the memory that they need; its own is kept for others.
    pub(crate) fn take_copy(&mut self) -> Part {
        let copy = Part {
            octets: self.octets.copy(),
            starts: self.starts.as_slice().into(),
            kinds: self.kinds.copy(),
            records: self.records,
            first_line: self.first_line,
            last_line: self.last_line,
        };
        self.clear();
        copy
    }

    /// Forgets its records; its memory is kept for others.
    pub(crate) fn clear(&mut self) {
        self.octets.clear();
        self.starts.clear();
        self.kinds.clear();
        (self.records, self.first_line, self.last_line) = (0, 0, 0);
    }

    /// Gives back memory that is not used, once it is complete.
    pub fn shrink(&mut self) {
        self.octets.shrink();
        self.starts.shrink_to_fit();
        self.kinds.shrink();
    }

    /// Octets of memory that it takes.
    pub fn octets(&self) -> usize {
        self.octets.capacity() + self.starts.capacity() * size_of::<u32>() + self.kinds.octets()
    }

    /// How many groups it has.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// A group by its number; an empty one of the root where there is none.
    #[inline]
    pub fn group(&self, index: usize) -> Group<'_> {
        let start = self.starts.get(index).map_or(self.octets.len(), |start| *start as usize);
        let end = self.starts.get(index + 1).map_or(self.octets.len(), |start| *start as usize);
        let octets = self.octets.as_slice().get(start..end).unwrap_or_default();
        let (name, rest) = match octets {
            [length, rest @ ..] => rest.split_at_checked(usize::from(*length)).unwrap_or_default(),
            [] => Default::default(),
        };
        Group { part: self, name, rest, at: end - rest.len() }
    }

    /// All groups.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        (0..self.len()).map(|index| self.group(index))
    }

    /// The line that differences count from.
    pub(crate) fn first_line(&self) -> u32 {
        self.first_line
    }

    /// The line of a record by its place ([`PartRecord::at`]). Reads all before it: for messages.
    pub fn line(&self, at: usize) -> u32 {
        self.lines(std::iter::once(at)).first().copied().unwrap_or(0)
    }

    /// The lines of records by their places, which are in ascending order. Reads all before the last: for messages.
    pub fn lines(&self, places: impl Iterator<Item = usize>) -> Vec<u32> {
        let mut line = self.first_line;
        let mut records = self.groups().flat_map(|group| group.records()).peekable();
        let line_at = |at| {
            while let Some(record) = records.next_if(|record| record.at <= at) {
                line = line.wrapping_add_signed(record.line_difference);
            }
            line
        };
        places.map(line_at).collect()
    }
}

/// A record that is put together in the room behind the others.
#[derive(Debug)]
pub(crate) struct BegunRecord<'a> {
    /// The room; RDATA is appended to it.
    pub(crate) room: Room<'a>,
    /// Where the RDATA starts in it.
    start: usize,
    /// Its line.
    line: u32,
    /// Whether an owner's records begin with it.
    has_owner: bool,
}

impl BegunRecord<'_> {
    /// Ends it; `None` where the room is too small.
    #[inline(always)]
    pub(crate) fn end(mut self) -> Option<EndedRecord> {
        self.room.count_since(self.start)?;
        Some(EndedRecord { octets: self.room.len(), line: self.line, has_owner: self.has_owner })
    }
}

/// A record that lies whole in the room behind the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndedRecord {
    /// How many octets it takes.
    octets: usize,
    /// Its line.
    line: u32,
    /// Whether an owner's records begin with it.
    has_owner: bool,
}

/// The records of one owner that follow each other in a part.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// The part.
    part: &'a Part,
    /// The owner in wire form.
    name: &'a [u8],
    /// The records.
    rest: &'a [u8],
    /// Where they begin in the part.
    at: usize,
}

impl<'a> Group<'a> {
    /// The owner.
    #[inline]
    pub fn name(&self) -> NameRef<'a> {
        NameRef::from_wire(self.name).unwrap_or(NameRef::ROOT)
    }

    /// The owner in wire form.
    #[inline]
    pub(crate) fn wire(&self) -> &'a [u8] {
        self.name
    }

    /// Whether another has the same owner.
    #[inline]
    pub(super) fn has_owner_of(&self, other: Self) -> bool {
        self.name.eq_ignore_ascii_case(other.name)
    }

    /// Its records, in the order of the source.
    #[inline]
    pub fn records(&self) -> impl Iterator<Item = PartRecord<'a>> + use<'a> {
        let Self { part, mut rest, mut at, .. } = *self;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (start, before) = (at, rest.len());
            let kind = part.kinds.get(KindId(varint::take(&mut rest)))?;
            let line_difference = varint::unzigzag(varint::take(&mut rest));
            let length = varint::take(&mut rest) as usize;
            let (rdata, after) = rest.split_at_checked(length)?;
            rest = after;
            at += before - rest.len();
            Some(PartRecord { kind, rdata, at: start, line_difference })
        })
    }
}

/// One record of a part.
#[derive(Clone, Copy, Debug)]
pub struct PartRecord<'a> {
    /// Type, TTL and file.
    pub kind: Kind,
    /// The RDATA: uncompressed wire form, names in the case they were written in.
    pub rdata: &'a [u8],
    /// Its place in the part: what [`Part::line`] wants.
    pub at: usize,
    /// How many lines behind the record before it stands.
    pub(crate) line_difference: i32,
}
