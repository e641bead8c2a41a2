//! From octets to what is asked: [`receive`].

use std::net::IpAddr;

use bus::protocol::messages::Transport;
use dns::message::header::QR;
use dns::message::{Header, MessageRecord, Records, Section};
use dns::tsig::{Keys, verify_request};
use dns::types::{Class, Opcode, Rcode, Rtype};
use zone_segment::Name;

use super::answer::{AskedEdns, Exchange, Signature, Verdict};
use crate::edit::UpdateRecord;

/// What a message is.
#[derive(Debug)]
pub(crate) enum Received {
    /// Nothing that is answered.
    Nothing,
    /// Something that is answered at once.
    Answered(Vec<u8>),
    /// Something that is asked about a zone, by somebody whose signature is good if there is one.
    Asked(Box<Exchange>, Asked),
}

/// What is asked about a zone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// That it be changed.
    Update {
        /// The zone.
        apex: Name,
        /// What has to be so.
        prerequisites: Vec<UpdateRecord>,
        /// What is to be changed.
        records: Vec<UpdateRecord>,
    },
    /// Nothing: it has changed elsewhere.
    Notify {
        /// The zone.
        apex: Name,
    },
}

/// Says what a message is: it is read, its signature checked, then its zone section (RFC 2136, section 3.1; RFC 8945, section 5.2). One that is
/// malformed behind a good signature is answered with one, too (section 5.3).
pub(crate) fn receive(message: Vec<u8>, client: IpAddr, transport: Transport, keys: &Keys, now: u64) -> Received {
    let Some(header) = Header::parse(&message).filter(|header| !header.has(QR)) else { return Received::Nothing };
    let mut exchange = Exchange::new(header, client, transport);
    let read = read(&message, &mut exchange);
    let answer = |exchange: &Exchange, verdict: Verdict| Received::Answered(exchange.answer(&verdict, now));
    match verify_request(&message, keys, now) {
        Ok(verified) => exchange.signature = verified.map_or(Signature::None, Signature::Good),
        Err(refused) => {
            let rcode = refused.rcode();
            exchange.signature = Signature::Refused(refused);
            return answer(&exchange, Verdict::of(rcode));
        }
    }
    let Some(records) = read else { return answer(&exchange, Verdict::of(Rcode::FORMERR)) };
    if exchange.edns.is_some_and(|edns| edns.version > 0) {
        return answer(&exchange, Verdict::of(Rcode::BADVERS));
    }
    let Some((apex, rtype, class)) = exchange.zone.clone().filter(|(_, rtype, _)| *rtype == Rtype::SOA) else {
        return answer(&exchange, Verdict::of(Rcode::FORMERR));
    };
    debug_assert_eq!(rtype, Rtype::SOA);
    if class != Class::IN {
        return answer(&exchange, Verdict::of(Rcode::NOTAUTH));
    }
    let asked = match header.opcode() {
        Opcode::UPDATE => {
            let of = |section| {
                let records = records.iter().filter(move |record| record.section == section);
                records.cloned().map(UpdateRecord::from).collect()
            };
            Asked::Update { apex, prerequisites: of(Section::Answer), records: of(Section::Authority) }
        }
        Opcode::NOTIFY => Asked::Notify { apex },
        _ => return answer(&exchange, Verdict::of(Rcode::NOTIMP)),
    };
    exchange.message = message;
    Received::Asked(Box::new(exchange), asked)
}

/// Reads all of a message, and notes what its answer needs; none where it is malformed.
fn read(message: &[u8], exchange: &mut Exchange) -> Option<Vec<MessageRecord>> {
    let records = Records::of(message).ok()?;
    if let Some(question) = records.question() {
        exchange.zone = Some((question.name.to_name(), question.rtype, question.class));
        exchange.zone_section = question.wire.into();
    }
    let records = records.collect::<Result<Vec<_>, _>>().ok()?;
    for record in records.iter().filter(|record| record.rtype == Rtype::OPT) {
        let is_allowed = record.section == Section::Additional && exchange.edns.is_none() && record.owner.is_root();
        exchange.edns = Some(is_allowed.then(|| AskedEdns::new(record.class, record.ttl))?);
    }
    Some(records)
}

impl From<MessageRecord> for UpdateRecord {
    fn from(MessageRecord { owner, rtype, class, ttl, rdata, .. }: MessageRecord) -> Self {
        Self { owner, rtype, class, ttl, rdata }
    }
}
