//! The answer to a transfer's query, record by record: AXFR (RFC 5936, section 2.2) or IXFR (RFC 1995, section 4).
//!
//! ```text
//! whole zone   SOA  record …                                                          SOA
//! changes      SOA  SOA removed …  SOA added …  SOA removed …  SOA added …           SOA
//!              new  old            next         next           new                   new
//! nothing new  SOA
//! ```
//!
//! What an answer to IXFR is shows with its second record. [`Stream`] says of each record what it is, or why the stream is broken; what becomes of
//! the records is for [`super::gather`].

use dns::types::{Class, Rtype};
use zone_segment::{Name, NameRef};

use super::broken::Broken;
use crate::edit::is_forward;

#[cfg(test)]
mod tests;

/// One record of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IncomingRecord<'a> {
    /// The owner.
    pub(crate) owner: NameRef<'a>,
    /// The type.
    pub(crate) rtype: Rtype,
    /// The class.
    pub(crate) class: Class,
    /// The TTL in seconds.
    pub(crate) ttl: u32,
    /// The RDATA: uncompressed wire form.
    pub(crate) rdata: &'a [u8],
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The whole zone.
    Axfr,
    /// What changed since.
    Ixfr {
        /// The serial that is served.
        serial: u32,
    },
}

/// What a stream may be like.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The zone.
    pub(crate) apex: Name,
    /// What was asked for.
    pub(crate) asked: Asked,
    /// The serial that the primary said it has.
    pub(crate) promised: Option<u32>,
    /// How many octets of owners and RDATA a whole zone may have.
    pub(crate) zone_octets_max: u64,
    /// How many octets changes may have, which are kept in memory.
    pub(crate) change_octets_max: u64,
}

/// More octets of a whole zone are not taken: the most that a segment holds.
pub(crate) const ZONE_OCTETS_MAX: u64 = 16 << 30;

/// More octets of changes are not taken: the whole zone is asked for then, which need not lie in memory twice.
pub(crate) const CHANGE_OCTETS_MAX: u64 = 256 << 20;

/// More changes at once are not taken one by one: the whole zone is asked for then.
pub(crate) const CHANGES_MAX: usize = 65_536;

/// What a record is in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The first of all, whose meaning shows with the next: [`Stream::soa`] has it.
    First,
    /// A record of the whole zone. `is_second` says that the first of all is one too.
    Zone {
        /// Whether the first record was not told to be one.
        is_second: bool,
    },
    /// The SOA record that a change begins with.
    Old {
        /// The serial before.
        serial: u32,
    },
    /// A record that went.
    Removed,
    /// The SOA record behind which records come.
    New {
        /// The serial after.
        serial: u32,
    },
    /// A record that came.
    Added,
    /// The last of all.
    End,
}

/// Where in the answer the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before everything.
    Begin,
    /// Behind the first SOA record of an answer to IXFR.
    First,
    /// In the whole zone.
    Zone,
    /// Among records that went, from a serial.
    Removed(u32),
    /// Among records that came, to a serial.
    Added(u32),
    /// Behind everything.
    End,
}

/// What an answer turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// There is nothing new.
    UpToDate,
    /// The whole zone.
    Zone,
    /// Changes.
    Changes,
}

/// The SOA record that an answer begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FirstSoa {
    /// The owner as it is spelled.
    pub(crate) owner: Name,
    /// The TTL.
    pub(crate) ttl: u32,
    /// The RDATA.
    pub(crate) rdata: Box<[u8]>,
    /// The serial in it.
    pub(crate) serial: u32,
}

/// An answer under way.
#[derive(Debug)]
pub(crate) struct Stream {
    /// What it may be like.
    expected: Expected,
    /// Where it is.
    place: Place,
    /// What it is, once that is known.
    form: Form,
    /// Its first record.
    soa: Option<FirstSoa>,
    /// Records so far.
    records: u64,
    /// Octets of owners and RDATA so far.
    octets: u64,
    /// Changes so far.
    changes: usize,
    /// Whether the whole zone has an NS record at its apex.
    has_ns: bool,
}

impl Stream {
    /// Nothing came yet.
    pub(crate) fn new(expected: Expected) -> Self {
        Stream {
            expected,
            place: Place::Begin,
            form: Form::UpToDate,
            soa: None,
            records: 0,
            octets: 0,
            changes: 0,
            has_ns: false,
        }
    }

    /// Records so far.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// The SOA record that it began with.
    pub(crate) fn soa(&self) -> Option<&FirstSoa> {
        self.soa.as_ref()
    }

    /// Whether its end was seen.
    pub(crate) fn is_complete(&self) -> bool {
        self.place == Place::End
    }

    /// What it was, now that nothing more comes.
    ///
    /// # Errors
    ///
    /// [`Broken::Cut`] before its end.
    pub(crate) fn finish(&self) -> Result<Form, Broken> {
        if self.is_complete() { Ok(self.form) } else { Err(Broken::Cut { records: self.records }) }
    }

    /// Takes the next record.
    ///
    /// # Errors
    ///
    /// [`Broken`]: nothing of the stream is to be used, what came before included.
    pub(crate) fn take(&mut self, record: &IncomingRecord<'_>) -> Result<Meaning, Broken> {
        self.look_at(record)?;
        self.records += 1;
        self.count(record)?;
        let soa = (record.rtype == Rtype::SOA).then(|| serial_of(record.rdata)).flatten();
        match (self.place, soa) {
            (Place::Begin, Some(serial)) => self.first(record, serial),
            (Place::Begin, None) => Err(Broken::NoSoaFirst { owner: record.owner.to_name(), rtype: record.rtype }),
            (Place::First, Some(serial)) => self.begin_changes(serial),
            (Place::First, None) => {
                (self.place, self.form) = (Place::Zone, Form::Zone);
                self.zone(record);
                Ok(Meaning::Zone { is_second: true })
            }
            (Place::Zone, Some(serial)) => self.end_of_zone(record, serial),
            (Place::Zone, None) => {
                self.zone(record);
                Ok(Meaning::Zone { is_second: false })
            }
            (Place::Removed(from), Some(to)) => self.turn(from, to),
            (Place::Removed(_), None) => Ok(Meaning::Removed),
            (Place::Added(at), Some(serial)) => self.next_change(record, at, serial),
            (Place::Added(_), None) => Ok(Meaning::Added),
            (Place::End, _) => Err(Broken::BehindEnd { owner: record.owner.to_name(), rtype: record.rtype }),
        }
    }

    /// Looks at what holds for a record wherever it stands.
    fn look_at(&self, record: &IncomingRecord<'_>) -> Result<(), Broken> {
        let (owner, rtype, apex) = (record.owner, record.rtype, self.expected.apex.as_ref());
        if record.class != Class::IN {
            return Err(Broken::NotInternet { owner: owner.to_name(), class: record.class });
        }
        if !owner.is_at_or_below(apex) {
            return Err(Broken::OutOfZone { owner: owner.to_name(), rtype });
        }
        if !is_data(rtype) {
            return Err(Broken::NotData { owner: owner.to_name(), rtype });
        }
        if !dns::text::is_rdata_of(rtype, record.rdata) {
            return Err(Broken::Rdata { owner: owner.to_name(), rtype });
        }
        if rtype == Rtype::SOA && owner != apex {
            return Err(Broken::StraySoa { owner: owner.to_name() });
        }
        Ok(())
    }

    /// Counts a record's octets.
    fn count(&mut self, record: &IncomingRecord<'_>) -> Result<(), Broken> {
        self.octets += (record.owner.as_wire().len() + record.rdata.len()) as u64;
        let octets_max = match self.form {
            Form::Changes => self.expected.change_octets_max,
            Form::Zone | Form::UpToDate => self.expected.zone_octets_max,
        };
        if self.octets > octets_max { Err(Broken::TooLarge { octets_max }) } else { Ok(()) }
    }

    /// The first record.
    fn first(&mut self, record: &IncomingRecord<'_>, serial: u32) -> Result<Meaning, Broken> {
        let is_promised = |promised| promised == serial || is_forward(promised, serial);
        if let Some(promised) = self.expected.promised.filter(|promised| !is_promised(*promised)) {
            return Err(Broken::SerialNotAsPromised { promised, found: serial });
        }
        self.soa =
            Some(FirstSoa { owner: record.owner.to_name(), ttl: record.ttl, rdata: record.rdata.into(), serial });
        match self.expected.asked {
            Asked::Axfr => {
                (self.place, self.form) = (Place::Zone, Form::Zone);
                Ok(Meaning::Zone { is_second: false })
            }
            Asked::Ixfr { serial: served } if is_forward(served, serial) => {
                self.place = Place::First;
                Ok(Meaning::First)
            }
            // Ours is as new, or newer: the one record is all there is to be said (RFC 1995, section 2).
            Asked::Ixfr { .. } => {
                self.place = Place::End;
                Ok(Meaning::First)
            }
        }
    }

    /// A record of the whole zone.
    fn zone(&mut self, record: &IncomingRecord<'_>) {
        self.has_ns |= record.rtype == Rtype::NS && record.owner == self.expected.apex.as_ref();
    }

    /// An SOA record behind the whole zone.
    fn end_of_zone(&mut self, record: &IncomingRecord<'_>, last: u32) -> Result<Meaning, Broken> {
        self.end(record, last)?;
        if self.has_ns { Ok(Meaning::End) } else { Err(Broken::NoNs) }
    }

    /// The second SOA record of an answer to IXFR, right behind the first: changes follow.
    fn begin_changes(&mut self, serial: u32) -> Result<Meaning, Broken> {
        if let Asked::Ixfr { serial: asked } = self.expected.asked
            && asked != serial
        {
            return Err(Broken::OtherStart { asked, found: serial });
        }
        self.form = Form::Changes;
        self.begin_change(serial)
    }

    /// The SOA record that a change begins with.
    fn begin_change(&mut self, from: u32) -> Result<Meaning, Broken> {
        self.changes += 1;
        if self.changes > CHANGES_MAX {
            return Err(Broken::TooManyChanges { changes_max: CHANGES_MAX });
        }
        self.place = Place::Removed(from);
        Ok(Meaning::Old { serial: from })
    }

    /// The SOA record in the middle of a change.
    fn turn(&mut self, from: u32, to: u32) -> Result<Meaning, Broken> {
        let newest = self.soa.as_ref().map_or(to, |soa| soa.serial);
        // Not past the end either: the stream would lead nowhere.
        if !is_forward(from, to) || is_forward(newest, to) {
            return Err(Broken::NotForward { from, to });
        }
        self.place = Place::Added(to);
        Ok(Meaning::New { serial: to })
    }

    /// An SOA record behind what came by a change to a serial: the last of all, or the beginning of the next change.
    fn next_change(&mut self, record: &IncomingRecord<'_>, at: u32, serial: u32) -> Result<Meaning, Broken> {
        if self.soa.as_ref().is_some_and(|soa| soa.serial == at) {
            self.end(record, serial)?;
            return Ok(Meaning::End);
        }
        if serial != at {
            return Err(Broken::Gap { expected: at, found: serial });
        }
        self.begin_change(serial)
    }

    /// The SOA record at the end.
    fn end(&mut self, record: &IncomingRecord<'_>, last: u32) -> Result<(), Broken> {
        let Some(first) = &self.soa else { return Err(Broken::Cut { records: self.records }) };
        if dns::canonical_rdata_cmp(Rtype::SOA, &first.rdata, record.rdata).is_ne() {
            return Err(Broken::OtherSoaAtEnd { first: first.serial, last });
        }
        self.place = Place::End;
        Ok(())
    }
}

/// Whether a zone may have records of a type: not those of messages, queries and meta types (RFC 6895, section 3.1).
fn is_data(rtype: Rtype) -> bool {
    !matches!(rtype.0, 0 | 41 | 128..=255)
}

/// The serial in the RDATA of an SOA record that was checked: of its last five numbers the first.
pub(crate) fn serial_of(rdata: &[u8]) -> Option<u32> {
    let (serial, _) = rdata.last_chunk::<20>()?.split_first_chunk()?;
    Some(u32::from_be_bytes(*serial))
}
