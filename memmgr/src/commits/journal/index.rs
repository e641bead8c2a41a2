//! What the journal keeps in memory: where each zone's changes lie, and which logs follow one another without a gap.

use std::collections::BTreeMap;

use zone_segment::Name;

use super::SetPlace;
use crate::commits::error::ReadLogError;
use crate::commits::reader::{LogPosition, LogReader, Step};
use crate::commits::record::RecordPlace;
use crate::manifest::StateDir;

/// The index of the logs.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The logs that were read, by their numbers.
    logs: BTreeMap<u64, IndexedLog>,
    /// Where the changes of each zone lie, in their order.
    zones: BTreeMap<Name, Vec<Entry>>,
    /// Where the record of each generation lies.
    records: BTreeMap<u64, RecordPlace>,
}

/// A log that was read.
#[derive(Debug)]
struct IndexedLog {
    /// How far it was read; none when it has no sound beginning.
    at: Option<LogPosition>,
    /// Logs of one era follow one another without a gap.
    era: u64,
}

/// A change of a zone.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where the record lies.
    place: RecordPlace,
    /// What it says of the zone.
    what: What,
}

/// Whether a serial may have stood for other data than the last change before left, by all that came before: a client that has the serial may have that other data.
fn is_twofold(before: &[Entry], serial: u32) -> bool {
    let names = |entry: &Entry| matches!(entry.what, What::Set { from, to, .. } if from == serial || to == serial);
    let born = before.iter().rposition(|entry| match entry.what {
        What::Break => true,
        What::Set { to, .. } => to == serial,
    });
    let Some((born, earlier)) = born.and_then(|born| Some((before.get(born)?, before.get(..born)?))) else {
        return false;
    };
    match born.what {
        // Which serial that brought is not known here.
        What::Break => true,
        What::Set { from, .. } => from == serial || earlier.iter().any(names),
    }
}

/// What a record says of a zone.
#[derive(Clone, Copy, Debug)]
enum What {
    /// A change set.
    Set {
        /// The serial before.
        from: u32,
        /// The serial after.
        to: u32,
        /// Which one of the record's.
        ordinal: u32,
    },
    /// It was replaced, or went.
    Break,
}

impl Index {
    /// The chain of change sets that ends with the last of a zone up to a generation.
    pub(super) fn chain(&self, apex: &Name, from: u32, to: u32, until: u64) -> Option<Vec<SetPlace>> {
        if from == to {
            return Some(Vec::new());
        }
        let entries = self.zones.get(apex)?;
        let entries = &entries[..entries.partition_point(|entry| entry.place.generation <= until)];
        let (mut places, mut expected) = (Vec::new(), to);
        // What came without a record may have changed anything, the last word of the journal included.
        let era = self.era_of(until)?;
        for (index, entry) in entries.iter().enumerate().rev() {
            let What::Set { from: set_from, to: set_to, ordinal } = entry.what else { return None };
            if set_to != expected || self.logs.get(&entry.place.log)?.era != era {
                return None;
            }
            expected = set_from;
            places.push(SetPlace { from: set_from, to: set_to, record: entry.place, ordinal });
            if set_from == from && set_to != from {
                places.reverse();
                return (!is_twofold(entries.get(..index)?, from)).then_some(places);
            }
        }
        None
    }

    /// Whether the logs lead from one generation to another without a gap.
    pub(super) fn reaches(&self, from: u64, to: u64) -> bool {
        let reaches = |log: &IndexedLog| log.at.is_some_and(|at| at.generation >= to);
        self.era_of(from).is_some_and(|era| self.logs.values().any(|log| log.era == era && reaches(log)))
    }

    /// The era that a generation is in: that of the last log that begins there or before.
    fn era_of(&self, generation: u64) -> Option<u64> {
        let begins_before = |log: &&IndexedLog| log.at.is_some_and(|at| at.after_generation <= generation);
        self.logs.values().rev().find(begins_before).map(|log| log.era)
    }

    /// Where the records of these generations lie, in their order; with a zone, those that speak of it alone.
    pub(super) fn records_of(&self, after: u64, to: u64, zone: Option<&Name>) -> Vec<RecordPlace> {
        if after >= to {
            return Vec::new();
        }
        let is_asked = |place: &RecordPlace| place.generation > after && place.generation <= to;
        match zone.map(|apex| self.zones.get(apex)) {
            None => self.records.range(after + 1..=to).map(|(_, place)| *place).collect(),
            Some(entries) => {
                let places = entries.into_iter().flatten().map(|entry| entry.place);
                let mut places: Vec<_> = places.filter(is_asked).collect();
                places.dedup();
                places
            }
        }
    }

    /// How far a log was read.
    pub(super) fn position(&self, number: u64) -> Option<LogPosition> {
        self.logs.get(&number)?.at
    }

    /// Brings the index up to date: what was appended since, and logs that came and went.
    ///
    /// # Errors
    ///
    /// The system could not read one of these.
    pub(super) fn refresh(&mut self, directory: &StateDir, present: &[u64]) -> Result<(), ReadLogError> {
        let gone: Vec<u64> =
            self.logs.keys().copied().filter(|number| present.binary_search(number).is_err()).collect();
        gone.into_iter().for_each(|number| self.forget(number));
        let last = self.logs.last_key_value().map(|(number, _)| *number);
        for number in present.iter().copied().filter(|number| last.is_none_or(|last| *number >= last)) {
            match self.logs.get(&number).map(|log| log.at) {
                // It had no beginning; it may have one by now.
                Some(None) => self.forget(number),
                Some(Some(at)) => match LogReader::resume(directory, &at)? {
                    Some(reader) => {
                        self.index(reader)?;
                        continue;
                    }
                    None => self.forget(number),
                },
                None => {}
            }
            self.begin(directory, number)?;
        }
        Ok(())
    }

    /// Reads a log that was not read so far. It is of the era of the one before it if it begins where that ends.
    fn begin(&mut self, directory: &StateDir, number: u64) -> Result<(), ReadLogError> {
        let reader = LogReader::open(directory, number)?.ok();
        let before = self.logs.last_key_value().and_then(|(_, log)| Some((log.era, log.at?.generation)));
        let era = match (&reader, before) {
            (Some(reader), Some((era, reached))) if reader.at.after_generation == reached => era,
            _ => number,
        };
        self.logs.insert(number, IndexedLog { at: reader.as_ref().map(|reader| reader.at), era });
        reader.map_or(Ok(()), |reader| self.index(reader))
    }

    /// Reads what was appended to a log. What is torn ends it: either somebody is appending just now, or it is damaged.
    fn index(&mut self, mut reader: LogReader) -> Result<(), ReadLogError> {
        while let Step::Record(place, record) = reader.step()? {
            self.records.insert(place.generation, place);
            for (ordinal, set) in (0..).zip(&record.changes) {
                let what = What::Set { from: set.from, to: set.to, ordinal };
                self.note(&set.apex, Entry { place, what });
            }
            for apex in record.rewritten.iter().chain(&record.gone) {
                self.note(apex, Entry { place, what: What::Break });
            }
            if let Some(log) = self.logs.get_mut(&place.log) {
                log.at = Some(reader.at);
            }
        }
        Ok(())
    }

    /// Adds a change of a zone.
    fn note(&mut self, apex: &Name, entry: Entry) {
        match self.zones.get_mut(apex) {
            Some(entries) => entries.push(entry),
            None => drop(self.zones.insert(apex.clone(), vec![entry])),
        }
    }

    /// Leaves a log out that is not there any more.
    pub(super) fn forget(&mut self, number: u64) {
        if self.logs.remove(&number).is_none() {
            return;
        }
        self.records.retain(|_, place| place.log != number);
        self.zones.retain(|_, entries| {
            entries.retain(|entry| entry.place.log != number);
            !entries.is_empty()
        });
    }
}
