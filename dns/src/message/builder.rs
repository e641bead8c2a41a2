//! The builder of an answer: [`Builder`] writes header, question, whole RRsets and the OPT record into bytes given by the caller.

use std::error::Error;
use std::fmt;

use zone_segment::NameRef;

use super::edns::{Edns, EdnsReply, OPTION_FIXED_OCTETS};
use super::header::{self, HEADER_OCTETS, Header};
use super::names::{LabelStarts, NameRoom, NameTable, POINTER_FIRST, stands_at, suffix_of_question};
use super::query::Question;
use crate::types::{Class, Rcode, Rtype, compressible_names};

/// An answer being written.
///
/// What does not fit is not written at all: [`rrset`](Self::rrset) adds a whole RRset or nothing, and [`roll_back`](Self::roll_back) takes
/// several out again. Sections come in their order.
#[derive(Debug)]
pub struct Builder<'a> {
    /// Where it is written.
    out: &'a mut [u8],
    /// Its header, written by `finish`.
    header: Header,
    /// Octets written.
    position: usize,
    /// Octets there may be before the OPT record.
    limit: usize,
    /// Octets kept free for the OPT record.
    reserved: usize,
    /// The section records go to.
    section: Section,
    /// The class of records.
    class: Class,
    /// The whole RCODE, of which the header holds four bits.
    rcode: Rcode,
    /// Octets of the question's name, which stands behind the header; 0 without a question.
    question_octets: usize,
    /// Names written so far, once there are others than the question's and those above it.
    names: &'a mut NameRoom,
}

/// A section that records go to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Section {
    /// The answer section.
    Answer,
    /// The authority section.
    Authority,
    /// The additional section.
    Additional,
}

/// A point to roll back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// Octets written by then.
    position: usize,
    /// Entries by then.
    counts: [u16; 4],
}

/// What was to be written does not fit; nothing of it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message is full")
    }
}

impl Error for Full {}

impl<'a> Builder<'a> {
    /// Begins the answer to the query with this header, of at most `limit` octets; `None` when not even a header fits. What is in the room
    /// does not matter.
    pub fn new(out: &'a mut [u8], limit: usize, query: Header, names: &'a mut NameRoom) -> Option<Self> {
        let limit = limit.min(out.len()).min(MESSAGE_OCTETS_MAX);
        names.0 = None;
        (limit >= HEADER_OCTETS).then(|| Self {
            out,
            header: query.answer(),
            position: HEADER_OCTETS,
            limit,
            reserved: 0,
            section: Section::Answer,
            class: Class::IN,
            rcode: Rcode::NOERROR,
            question_octets: 0,
            names,
        })
    }

    /// Echoes the question, octet by octet: the asker may have put randomness into the case of the name.
    ///
    /// # Errors
    ///
    /// [`Full`] when it does not fit.
    pub fn question(&mut self, question: &Question<'_>) -> Result<(), Full> {
        self.put(question.wire)?;
        self.question_octets = question.name.as_wire().len();
        let [questions, ..] = &mut self.header.counts;
        *questions += 1;
        Ok(())
    }

    /// Keeps room for an OPT record of so many octets, so that whatever else is left out, it fits.
    ///
    /// # Errors
    ///
    /// [`Full`] when there is no such room.
    pub fn reserve_edns(&mut self, octets: usize) -> Result<(), Full> {
        if self.limit - self.position < octets {
            return Err(Full);
        }
        self.reserved = octets;
        self.limit -= octets;
        Ok(())
    }

    /// Makes the records that follow ones of another class than IN.
    pub fn set_class(&mut self, class: Class) {
        self.class = class;
    }

    /// Goes on to a section. Records never go to an earlier one again.
    pub fn begin(&mut self, section: Section) {
        debug_assert!(section as usize >= self.section as usize, "sections come in their order");
        self.section = section;
    }

    /// Adds an RRset, whole.
    ///
    /// # Errors
    ///
    /// [`Full`] when it does not fit; nothing of it is written.
    pub fn rrset<'r>(
        &mut self,
        owner: NameRef<'_>,
        rtype: Rtype,
        ttl: u32,
        rdata: impl IntoIterator<Item = &'r [u8]>,
    ) -> Result<(), Full> {
        let mark = self.mark();
        for rdata in rdata {
            if self.record(owner, rtype, ttl, rdata).is_err() {
                self.roll_back(mark);
                return Err(Full);
            }
        }
        Ok(())
    }

    /// A point to come back to.
    pub fn mark(&self) -> Mark {
        Mark { position: self.position, counts: self.header.counts }
    }

    /// Takes out what was added since a mark.
    pub fn roll_back(&mut self, mark: Mark) {
        self.position = mark.position;
        self.header.counts = mark.counts;
        if let Some(names) = &mut self.names.0 {
            names.forget_from(mark.position);
        }
    }

    /// Octets written: where the next record will start.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Whether the name written at `position` is `name`, in any case.
    pub fn has_name_at(&self, position: usize, name: NameRef<'_>) -> bool {
        let written = self.out.get(..self.position).unwrap_or_default();
        u16::try_from(position).is_ok_and(|position| stands_at(written, position, name.as_wire()))
    }

    /// Sets the RCODE; its upper bits go to the OPT record.
    pub fn set_rcode(&mut self, rcode: Rcode) {
        self.rcode = rcode;
    }

    /// The RCODE set so far.
    pub fn rcode(&self) -> Rcode {
        self.rcode
    }

    /// Says that the answer is authoritative.
    pub fn set_authoritative(&mut self) {
        self.header.flags |= header::AA;
    }

    /// Whether the answer is authoritative.
    pub fn is_authoritative(&self) -> bool {
        self.header.has(header::AA)
    }

    /// Says that something needed was left out.
    pub fn set_truncated(&mut self) {
        self.header.flags |= header::TC;
    }

    /// Whether something needed was left out.
    pub fn is_truncated(&self) -> bool {
        self.header.has(header::TC)
    }

    /// Ends the answer with its OPT record, if it gets one and room was reserved, and gives its length.
    pub fn finish(mut self, edns: Option<&EdnsReply<'_>>) -> usize {
        self.limit += self.reserved;
        if let Some(edns) = edns.filter(|_| self.reserved > 0) {
            let mark = self.mark();
            if self.opt(edns).is_err() {
                self.roll_back(mark);
            }
        }
        self.header.flags = self.header.flags & !header::RCODE_MASK | self.rcode.0 & header::RCODE_MASK;
        if let Some(place) = self.out.get_mut(..HEADER_OCTETS) {
            place.copy_from_slice(&self.header.to_wire());
        }
        self.position
    }

    /// Adds the OPT record; an error that does not fit into it is left out.
    fn opt(&mut self, edns: &EdnsReply<'_>) -> Result<(), Full> {
        self.put(&edns.fixed(self.rcode))?;
        let start = self.position;
        let mut fits = Ok(());
        edns.options(|code, value| fits = fits.and_then(|()| self.option(code, value)));
        fits?;
        if let Some(error) = edns.error {
            // The asker gets its RCODE all the same.
            let _ = self.option(Edns::EXTENDED_ERROR, &error.0.to_be_bytes());
        }
        let length = u16::try_from(self.position - start).map_err(|_| Full)?;
        if let Some(place) = self.out.get_mut(start - 2..start) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        self.count(Section::Additional);
        Ok(())
    }

    /// Adds an option, whole or not at all.
    fn option(&mut self, code: u16, value: &[u8]) -> Result<(), Full> {
        if self.position + OPTION_FIXED_OCTETS + value.len() > self.limit {
            return Err(Full);
        }
        let length = u16::try_from(value.len()).map_err(|_| Full)?;
        self.put(&code.to_be_bytes())?;
        self.put(&length.to_be_bytes())?;
        self.put(value)
    }

    /// Adds one record. Where it does not fit, what was written of it is for the caller to roll back.
    fn record(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[u8]) -> Result<(), Full> {
        self.name(owner)?;
        let ([a, b], [c, d], [e, f, g, h]) = (rtype.0.to_be_bytes(), self.class.0.to_be_bytes(), ttl.to_be_bytes());
        self.put(&[a, b, c, d, e, f, g, h, 0, 0])?;
        let start = self.position;
        self.rdata(rtype, rdata)?;
        let length = u16::try_from(self.position - start).map_err(|_| Full)?;
        if let Some(place) = self.out.get_mut(start - 2..start) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        self.count(self.section);
        Ok(())
    }

    /// Writes RDATA, compressing the names that may be. RDATA that is no such type's in truth goes out as it is.
    fn rdata(&mut self, rtype: Rtype, rdata: &[u8]) -> Result<(), Full> {
        let mut done = 0;
        if let Some(fields) = compressible_names(rtype) {
            for range in fields.ranges(rdata) {
                let Some(Ok(name)) = rdata.get(range.clone()).map(NameRef::from_wire) else { break };
                self.put(rdata.get(done..range.start).unwrap_or_default())?;
                self.name(name)?;
                done = range.end;
            }
        }
        let start = self.position;
        self.put(rdata.get(done..).unwrap_or_default())?;
        if rtype == Rtype::DNAME
            && let Ok(target) = NameRef::from_wire(rdata)
        {
            // It is not to be compressed itself (RFC 6672, section 2.5), but the CNAME made from it can point at it.
            let starts = LabelStarts::of(target);
            let (written, names) = self.written_names();
            let plan = names.plan(target, &starts, written.get(..start).unwrap_or_default());
            names.remember(target, &starts, &plan, start);
        }
        Ok(())
    }

    /// Writes a name, as short as the names before it allow.
    fn name(&mut self, name: NameRef<'_>) -> Result<(), Full> {
        let question = self.out.get(HEADER_OCTETS..HEADER_OCTETS + self.question_octets).unwrap_or_default();
        if let Some(offset) = suffix_of_question(question, name) {
            let [high, low] = offset.to_be_bytes();
            return self.put(&[high | POINTER_FIRST, low]);
        }
        let starts = LabelStarts::of(name);
        let (written, names) = self.written_names();
        let plan = names.plan(name, &starts, written);
        let start = self.position;
        self.put(name.as_wire().get(..plan.literal).unwrap_or_default())?;
        if let Some(offset) = plan.pointer {
            let [high, low] = offset.to_be_bytes();
            self.put(&[high | POINTER_FIRST, low])?;
        }
        let (_, names) = self.written_names();
        names.remember(name, &starts, &plan, start);
        Ok(())
    }

    /// What is written, and where its names stand: the question's before the first other one.
    fn written_names(&mut self) -> (&[u8], &mut NameTable) {
        let written = self.out.get(..self.position).unwrap_or_default();
        let question = written.get(HEADER_OCTETS..HEADER_OCTETS + self.question_octets).unwrap_or_default();
        (written, self.names.0.get_or_insert_with(|| NameTable::of_question(question)))
    }

    /// Writes octets.
    #[inline]
    fn put(&mut self, octets: &[u8]) -> Result<(), Full> {
        let end = self.position + octets.len();
        if end > self.limit {
            return Err(Full);
        }
        self.out.get_mut(self.position..end).ok_or(Full)?.copy_from_slice(octets);
        self.position = end;
        Ok(())
    }

    /// Counts an entry of a section.
    fn count(&mut self, section: Section) {
        let [_, answers, authority, additional] = &mut self.header.counts;
        let count = match section {
            Section::Answer => answers,
            Section::Authority => authority,
            Section::Additional => additional,
        };
        // A message of 65,535 octets has room for less than 6,000 records.
        *count = count.saturating_add(1);
    }
}

/// The longest message: what the length before a message on TCP can say.
const MESSAGE_OCTETS_MAX: usize = u16::MAX as usize;
