//! Questions as packets and answers as sections that can be compared: every name lower-cased and uncompressed, every section sorted.
//!
//! The parser is the test's own: it shares no code with the answers' builder, and refuses what a strict client would.

use std::fmt::{Debug, Formatter, Result as FormatResult};

/// A question, and how it is asked.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Question {
    /// QNAME in wire form, in the case it is to be sent in.
    pub(super) name: Vec<u8>,
    /// QTYPE.
    pub(super) rtype: u16,
    /// With or without OPT record and DO.
    pub(super) edns: Edns,
    /// Header bits of the query, such as RD.
    pub(super) flags: u16,
}

/// What a query says of EDNS.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Edns {
    /// No OPT record.
    None,
    /// An OPT record without DO.
    Plain,
    /// An OPT record with DO.
    Dnssec,
}

impl Question {
    /// A question in class IN with RD clear.
    pub(super) fn new(name: &[u8], rtype: u16, edns: Edns) -> Self {
        Question { name: name.to_vec(), rtype, edns, flags: 0 }
    }

    /// The query in wire form.
    pub(super) fn to_wire(&self, id: u16) -> Vec<u8> {
        let additional = u8::from(self.edns != Edns::None);
        let mut wire = id.to_be_bytes().to_vec();
        wire.extend(self.flags.to_be_bytes());
        wire.extend([0, 1, 0, 0, 0, 0, 0, additional]);
        wire.extend(&self.name);
        wire.extend(self.rtype.to_be_bytes());
        wire.extend([0, 1]);
        if self.edns != Edns::None {
            let flags = if self.edns == Edns::Dnssec { 0x80 } else { 0 };
            wire.extend([0, 0, 41, 0x04, 0xd0, 0, 0, flags, 0, 0, 0]);
        }
        wire
    }

    /// The question section as it has to be echoed.
    fn echoed(&self) -> Vec<u8> {
        [&self.name[..], &self.rtype.to_be_bytes(), &[0, 1]].concat()
    }
}

/// An answer. Options of its OPT record and its size are left out: servers differ in them by configuration.
#[derive(Clone)]
pub(super) struct Answer {
    /// Its length, which is not compared.
    pub(super) octets: usize,
    /// RCODE, its upper bits from the OPT record included.
    pub(super) rcode: u16,
    /// The header's flags without RCODE.
    pub(super) flags: u16,
    /// Whether there is an OPT record, and its version and flags.
    pub(super) edns: Option<(u8, u16)>,
    /// Answer, authority and additional section without OPT, sorted.
    pub(super) sections: [Vec<Record>; 3],
}

/// A record, ready to be compared.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Record {
    /// Its owner in wire form, lower-cased.
    pub(super) owner: Vec<u8>,
    /// Its type.
    pub(super) rtype: u16,
    /// Its TTL.
    pub(super) ttl: u32,
    /// Its RDATA without compression; names in types that RFC 1035 or 4034 defines are lower-cased.
    pub(super) rdata: Vec<u8>,
}

impl Answer {
    /// Parses an answer to this question.
    ///
    /// # Panics
    ///
    /// When it is malformed, answers something else, or has octets behind its end.
    pub(super) fn parse(message: &[u8], question: &Question) -> Self {
        let mut reader = Reader { message, position: 12 };
        let row = |index: usize| u16::from_be_bytes([message[index], message[index + 1]]);
        let counts = [row(6), row(8), row(10)];
        if row(4) == 1 {
            assert_eq!(reader.take(question.name.len() + 4), question.echoed(), "the question is echoed as sent");
        }
        let (rcode, flags) = (row(2) & 0xf, row(2) & !0xf);
        let mut answer = Answer { octets: message.len(), rcode, flags, edns: None, sections: Default::default() };
        for (section, count) in counts.into_iter().enumerate() {
            for _ in 0..count {
                let (record, class) = reader.record();
                if record.rtype == OPT {
                    assert!(answer.edns.is_none() && section == 2, "one OPT record, in the additional section");
                    let [upper, version, high, low] = record.ttl.to_be_bytes();
                    answer.rcode |= u16::from(upper) << 4;
                    answer.edns = Some((version, u16::from_be_bytes([high, low])));
                } else {
                    assert_eq!(class, 1, "the class of every record is IN");
                    answer.sections[section].push(record);
                }
            }
            answer.sections[section].sort();
        }
        assert_eq!(reader.position, message.len(), "octets behind the message's end");
        answer
    }

    /// Whether a header flag is set.
    pub(super) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

/// Walks a message.
struct Reader<'a> {
    /// The whole message, since pointers lead back into it.
    message: &'a [u8],
    /// Where the next octet is.
    position: usize,
}

impl<'a> Reader<'a> {
    /// The next octets.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let taken = &self.message[self.position..self.position + count];
        self.position += count;
        taken
    }

    /// The next two octets as a number.
    fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    /// The next name, uncompressed and lower-cased.
    fn name(&mut self) -> Vec<u8> {
        let mut name = Vec::new();
        let (mut at, mut end) = (self.position, None);
        loop {
            let length = usize::from(self.message[at]);
            if length >= 0xc0 {
                let target = (length & 0x3f) << 8 | usize::from(self.message[at + 1]);
                assert!(target < at, "a compression pointer goes backwards");
                end.get_or_insert(at + 2);
                at = target;
                continue;
            }
            assert!(length < 0x40, "a label has at most 63 octets");
            name.extend(self.message[at..=at + length].to_ascii_lowercase());
            at += 1 + length;
            if length == 0 {
                break;
            }
        }
        assert!(name.len() <= 255, "a name has at most 255 octets");
        self.position = end.unwrap_or(at);
        name
    }

    /// The next record and its class.
    fn record(&mut self) -> (Record, u16) {
        let owner = self.name();
        let (rtype, class) = (self.short(), self.short());
        let ttl = u32::from_be_bytes(self.take(4).try_into().unwrap());
        let length = usize::from(self.short());
        let end = self.position + length;
        let mut rdata = Vec::new();
        let (before, names) = names_in(rtype);
        rdata.extend(self.take(before.min(length)));
        for _ in 0..names {
            rdata.extend(self.name());
        }
        assert!(self.position <= end, "RDATA ends where it says");
        rdata.extend(self.take(end - self.position));
        (Record { owner, rtype, ttl, rdata }, class)
    }
}

/// In RDATA of a type: octets before its first name, and how many names there are in a row.
fn names_in(rtype: u16) -> (usize, usize) {
    match rtype {
        NS | CNAME | PTR | DNAME | NSEC => (0, 1),
        SOA | RP => (0, 2),
        MX => (2, 1),
        SRV => (6, 1),
        RRSIG => (18, 1),
        _ => (0, 0),
    }
}

/// A name in presentation format, for reports alone.
pub(super) fn name_text(wire: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = wire;
    while let Some((&length, tail)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let (label, tail) = tail.split_at(usize::from(length));
        text.extend(label.escape_ascii().map(char::from));
        text.push('.');
        rest = tail;
    }
    if text.is_empty() { ".".into() } else { text }
}

/// A name in wire form.
///
/// # Panics
///
/// When the text is no name; escapes are not known here.
pub(super) fn name_wire(text: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        wire.push(u8::try_from(label.len()).unwrap());
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire
}

impl Debug for Record {
    fn fmt(&self, f: &mut Formatter<'_>) -> FormatResult {
        let rdata = dns::text::present::rdata(dns::types::Rtype(self.rtype), &self.rdata);
        write!(f, "{} {} {} {rdata}", name_text(&self.owner), self.ttl, dns::types::Rtype(self.rtype))
    }
}

impl Debug for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> FormatResult {
        let flags: Vec<&str> = FLAGS.iter().filter(|(flag, _)| self.has(*flag)).map(|(_, name)| *name).collect();
        let rcode = dns::types::Rcode(self.rcode);
        writeln!(f, "{rcode} {} edns {:?}, {} octets", flags.join(" "), self.edns, self.octets)?;
        for (name, records) in SECTIONS.iter().zip(&self.sections) {
            for record in records {
                writeln!(f, "  {name:<10} {record:?}")?;
            }
        }
        Ok(())
    }
}

/// Names of sections, in reports.
const SECTIONS: [&str; 3] = ["answer", "authority", "additional"];

/// Names of flags, in reports.
const FLAGS: [(u16, &str); 7] = [(QR, "qr"), (AA, "aa"), (TC, "tc"), (RD, "rd"), (RA, "ra"), (AD, "ad"), (CD, "cd")];

/// The message is a response.
pub(super) const QR: u16 = 0x8000;
/// The answer is authoritative.
pub(super) const AA: u16 = 0x0400;
/// The answer is truncated.
pub(super) const TC: u16 = 0x0200;
/// Recursion is desired.
pub(super) const RD: u16 = 0x0100;
/// Recursion is available.
pub(super) const RA: u16 = 0x0080;
/// The data is authentic.
pub(super) const AD: u16 = 0x0020;
/// Checking is disabled.
pub(super) const CD: u16 = 0x0010;

/// Types by number, written out so that the test does not lean on the table it tests.
pub(super) const A: u16 = 1;
/// Name server.
pub(super) const NS: u16 = 2;
/// Alias.
pub(super) const CNAME: u16 = 5;
/// Start of authority.
pub(super) const SOA: u16 = 6;
/// Pointer.
pub(super) const PTR: u16 = 12;
/// Mail exchange.
pub(super) const MX: u16 = 15;
/// Text.
pub(super) const TXT: u16 = 16;
/// Responsible person.
pub(super) const RP: u16 = 17;
/// IPv6 address.
pub(super) const AAAA: u16 = 28;
/// Service.
pub(super) const SRV: u16 = 33;
/// Redirection of a subtree.
pub(super) const DNAME: u16 = 39;
/// EDNS.
pub(super) const OPT: u16 = 41;
/// Delegation signer.
pub(super) const DS: u16 = 43;
/// Signature.
pub(super) const RRSIG: u16 = 46;
/// Next secure name.
pub(super) const NSEC: u16 = 47;
/// Key.
pub(super) const DNSKEY: u16 = 48;
/// Every type.
pub(super) const ANY: u16 = 255;
