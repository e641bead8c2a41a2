//! What becomes of the records of a transfer: [`Gather`] makes change sets of changes, and of a whole zone the parts that builders take.
//!
//! Where the zone is served already, a whole zone is compared with that while it comes ([`dns::compare`]): what is the same is dropped, so that there is no
//! second copy of it. Where it turns out that too much differs, what was dropped is taken from what is served again.

use std::path::PathBuf;

use dns::Columns;
use dns::change::{ChangeSet, ChangedRecord};
use dns::columns::{Kind, Part};
use dns::compare::{Changed, Comparison, Outcome};
use dns::text::TTL_MAX;
use dns::types::Rtype;
use zone_segment::{Name, NameRef, Zone};

use super::broken::Broken;
use super::incoming::{Expected, Form, IncomingRecord, Meaning, Stream};

/// Records are compared with what is served when there are so many octets of them.
const PART_OCTETS: usize = 1 << 20;

/// A transfer under way.
#[derive(Debug)]
pub(crate) struct Gather<'z> {
    /// The zone.
    apex: Name,
    /// What each record means.
    stream: Stream,
    /// Where it comes from, in messages.
    from: PathBuf,
    /// A whole zone.
    whole: Whole<'z>,
    /// Changes.
    sets: Vec<ChangeSet>,
}

/// What a transfer brought.
#[derive(Debug)]
pub(crate) enum Received {
    /// Nothing: what is served is as new.
    UpToDate,
    /// Changes, one after the other.
    Changes(Vec<ChangeSet>),
    /// A whole zone that differs from what is served by this; nothing where it is the same.
    Compared(Option<Box<Changed>>),
    /// A whole zone.
    Whole(Columns),
}

impl<'z> Gather<'z> {
    /// Nothing came yet. A whole zone is compared with `served`, if there is any.
    pub(crate) fn new(expected: Expected, from: PathBuf, served: Option<Zone<'z>>) -> Self {
        let apex = expected.apex.clone();
        let whole = Whole { comparison: served.map(Comparison::once), ..Whole::default() };
        Gather { apex, stream: Stream::new(expected), from, whole, sets: Vec::new() }
    }

    /// Whether the end of the stream was seen.
    pub(crate) fn is_complete(&self) -> bool {
        self.stream.is_complete()
    }

    /// Takes the next record.
    ///
    /// # Errors
    ///
    /// [`Broken`]: nothing of the transfer is to be used.
    pub(crate) fn take(&mut self, record: &IncomingRecord<'_>) -> Result<(), Broken> {
        let meaning = self.stream.take(record)?;
        let number = u32::try_from(self.stream.records()).unwrap_or(u32::MAX);
        match meaning {
            Meaning::First | Meaning::End => {}
            Meaning::Zone { is_second } => {
                if let Some(soa) = self.stream.soa().filter(|_| is_second) {
                    self.whole.push(soa.owner.as_ref(), Rtype::SOA, soa.ttl, &soa.rdata, 1);
                }
                self.whole.push(record.owner, record.rtype, record.ttl, record.rdata, number);
            }
            Meaning::Old { serial } => {
                let set = ChangeSet {
                    apex: self.apex.clone(),
                    from: serial,
                    to: serial,
                    removed: vec![changed(record)],
                    added: Vec::new(),
                };
                self.sets.push(set);
            }
            Meaning::New { serial } => {
                if let Some(set) = self.sets.last_mut() {
                    set.to = serial;
                    set.added.push(changed(record));
                }
            }
            Meaning::Removed => self.sets.last_mut().into_iter().for_each(|set| set.removed.push(changed(record))),
            Meaning::Added => self.sets.last_mut().into_iter().for_each(|set| set.added.push(changed(record))),
        }
        Ok(())
    }

    /// What came, now that nothing more comes.
    ///
    /// # Errors
    ///
    /// [`Broken::Cut`] before the end of the stream.
    pub(crate) fn finish(self) -> Result<Received, Broken> {
        Ok(match self.stream.finish()? {
            Form::UpToDate => Received::UpToDate,
            Form::Changes => Received::Changes(self.sets),
            Form::Zone => self.whole.finish(vec![self.from]),
        })
    }
}

/// A whole zone under way.
#[derive(Debug, Default)]
struct Whole<'z> {
    /// The comparison with what is served, until too much differs.
    comparison: Option<Comparison<'z>>,
    /// Records that are not compared yet.
    part: Part,
    /// About how many octets they take.
    octets: usize,
    /// Parts compared, for their numbers.
    compared: u64,
    /// The parts, where nothing is compared.
    parts: Vec<Part>,
}

impl Whole<'_> {
    /// Adds a record, which is that of this number.
    fn push(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[u8], number: u32) {
        self.part.owner(owner);
        let kind = self.part.kind(Kind { rtype, ttl: ttl_of(ttl), awaits_ttl: false, file: 0 });
        self.part.record(kind, number, rdata);
        self.octets += owner.as_wire().len() + rdata.len();
        if self.octets > PART_OCTETS {
            self.flush();
        }
    }

    /// Compares what has come, or puts it with the rest.
    fn flush(&mut self) {
        self.octets = 0;
        let mut part = std::mem::take(&mut self.part);
        match &self.comparison {
            Some(comparison) => {
                let is_wanted = comparison.take(self.compared, &part);
                self.compared += 1;
                if !is_wanted && let Some(comparison) = self.comparison.take() {
                    self.parts = comparison.into_parts();
                }
            }
            None => {
                part.shrink();
                self.parts.push(part);
            }
        }
    }

    /// What the zone is.
    fn finish(mut self, files: Vec<PathBuf>) -> Received {
        if !self.part.is_empty() {
            self.flush();
        }
        let Some(comparison) = self.comparison else { return Received::Whole(Columns { parts: self.parts, files }) };
        match comparison.finish_once(files) {
            Ok(Outcome::Changed(changed)) => Received::Compared(Some(changed)),
            Ok(_) => Received::Compared(None),
            Err((reason, columns)) => {
                tracing::debug!(?reason, "transfer-built-whole");
                Received::Whole(columns)
            }
        }
    }
}

/// A record as it stands in a change set.
fn changed(record: &IncomingRecord<'_>) -> ChangedRecord {
    ChangedRecord {
        owner: record.owner.to_name(),
        rtype: record.rtype,
        ttl: ttl_of(record.ttl),
        rdata: record.rdata.into(),
    }
}

/// A TTL as it is meant: one with the first bit set means 0 (RFC 2181, section 8).
fn ttl_of(ttl: u32) -> u32 {
    if ttl > TTL_MAX { 0 } else { ttl }
}
