//! What is said to a primary and what it says, message by message: the queries ([`Query`]), and what every message of an answer has to be ([`Answer`]).
//!
//! No sockets and no clock: times come in, octets go out.

use std::sync::Arc;

use dns::message::header::{HEADER_OCTETS, QR, TC};
use dns::message::{Header, Records, Section, question};
use dns::tsig::{Checked, Key, Verifier, sign_request};
use dns::types::{Class, Opcode, Rcode, Rtype};
use zone_segment::Name;

use super::failure::Failure;
use super::gather::Gather;
use super::incoming::{Asked, IncomingRecord, serial_of};

/// What a primary is asked.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// The zone.
    pub(crate) apex: Name,
    /// What about it.
    pub(crate) about: About,
}

/// What a query is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Its SOA record.
    Soa,
    /// A transfer.
    Transfer(Asked),
}

impl About {
    /// The type asked for.
    fn rtype(self) -> Rtype {
        match self {
            About::Soa => Rtype::SOA,
            About::Transfer(Asked::Axfr) => Rtype::AXFR,
            About::Transfer(Asked::Ixfr { .. }) => Rtype::IXFR,
        }
    }

    /// The same for people.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            About::Soa => "SOA",
            About::Transfer(Asked::Axfr) => "AXFR",
            About::Transfer(Asked::Ixfr { .. }) => "IXFR",
        }
    }
}

impl Query {
    /// The query as a message, signed where there is a key, and what checks the answer.
    pub(crate) fn message(&self, id: u16, key: Option<&Arc<Key>>, now: u64) -> (Vec<u8>, Answer) {
        // RFC 1995, section 3: the SOA record of what is served, of which the serial alone counts.
        let mut soa = [0; 22];
        let asked = match self.about {
            About::Soa => dns::message::Asked::Soa,
            About::Transfer(Asked::Axfr) => dns::message::Asked::Axfr,
            About::Transfer(Asked::Ixfr { serial }) => {
                soa[2..6].copy_from_slice(&serial.to_be_bytes());
                dns::message::Asked::Ixfr { soa: &soa }
            }
        };
        let mut message = question(id, self.apex.as_ref(), asked);
        let verifier = key.map(|key| sign_request(key, &mut message, now));
        (message, Answer { query: self.clone(), id, verifier })
    }
}

/// An answer under way.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What was asked.
    query: Query,
    /// The id of the query.
    id: u16,
    /// Checks signatures.
    verifier: Option<Verifier>,
}

impl Answer {
    /// Whether a datagram may be an answer: others are not looked at, since anybody can send them.
    pub(crate) fn is_meant(&self, message: &[u8]) -> bool {
        Header::parse(message).is_some_and(|header| header.id == self.id && header.has(QR))
    }

    /// Checks that a message is the next one of the answer.
    fn check(&mut self, message: &[u8], now: u64) -> Result<Header, Failure> {
        let records = Records::of(message)?;
        let header = records.header();
        if !self.is_meant(message) || header.opcode() != Opcode::QUERY {
            return Err(Failure::NoAnswer { expected: "an answer with the id of the query" });
        }
        if let Some(verifier) = &mut self.verifier {
            match verifier.verify(message, now) {
                Ok(Checked::Signed { .. } | Checked::Unsigned) => {}
                // A primary that does not know the key, or us, says so without a signature.
                Err(_) if header.rcode() != Rcode::NOERROR => {
                    return Err(Failure::Refused { asked: self.query.about.as_str(), rcode: header.rcode() });
                }
                Err(error) => return Err(Failure::Tsig(error)),
            }
        }
        if header.rcode() != Rcode::NOERROR {
            return Err(Failure::Refused { asked: self.query.about.as_str(), rcode: header.rcode() });
        }
        let is_question = |name, rtype, class| {
            name == self.query.apex.as_ref() && rtype == self.query.about.rtype() && class == Class::IN
        };
        match records.question() {
            Some(question) if !is_question(question.name, question.rtype, question.class) => {
                Err(Failure::NoAnswer { expected: "an answer with the question that was asked" })
            }
            // Only the first message has to have it (RFC 5936, section 2.2.1); some primaries leave it out there too.
            _ => Ok(header),
        }
    }

    /// The SOA record of the zone out of the one message of an answer; none where it was truncated.
    pub(crate) fn soa(&mut self, message: &[u8], now: u64) -> Result<Option<Box<[u8]>>, Failure> {
        let header = self.check(message, now)?;
        if header.has(TC) {
            return Ok(None);
        }
        let mut records = Records::of(message)?;
        let mut found: Option<Box<[u8]>> = None;
        while let Some(record) = records.read()? {
            let is_soa = record.section == Section::Answer && record.rtype == Rtype::SOA && record.class == Class::IN;
            if is_soa && record.owner == self.query.apex.as_ref() && record.is_well_formed() {
                found = found.or(Some(record.rdata.into()));
            }
        }
        let soa = found.filter(|rdata| serial_of(rdata).is_some());
        soa.map(Some).ok_or(Failure::NoAnswer { expected: "the zone's SOA record" })
    }

    /// Takes the records of the next message of a transfer.
    pub(crate) fn records(&mut self, message: &[u8], now: u64, gather: &mut Gather<'_>) -> Result<(), Failure> {
        let header = self.check(message, now)?;
        if header.has(TC) {
            return Err(Failure::NoAnswer { expected: "an answer that is not truncated" });
        }
        let mut records = Records::of(message)?;
        while let Some(record) = records.read()? {
            if record.section == Section::Answer {
                gather.take(&IncomingRecord {
                    owner: record.owner,
                    rtype: record.rtype,
                    class: record.class,
                    ttl: record.ttl,
                    rdata: record.rdata,
                })?;
            }
        }
        Ok(())
    }

    /// Checks, behind the last message, that all of them were signed.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        match &self.verifier {
            Some(verifier) if !verifier.is_settled() => Err(Failure::Unsigned),
            _ => Ok(()),
        }
    }
}

/// A message that is shorter is none.
pub(crate) const MESSAGE_OCTETS_MIN: usize = HEADER_OCTETS;
