//! Asking: queries made of a line of text, answers written down as lines of text. Every answer is also read by an independent parser.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use consumers::auth::answer::{Answered, Client, Policy, Scratch, Transport, respond};
use dns::message::header::{self, Header};
use dns::text::present;
use dns::types::{Rtype, compressible_names};
use hickory_proto::op::Message;
use zone_segment::{Name, NameRef, ZoneSet};

use crate::zones::name;

/// The id of every query made here.
pub(crate) const ID: u16 = 0x5452;

/// A query: `NAME TYPE [+do] [+edns=SIZE] [+tcp] [+cd] [+ad] [+rd] [+class=N]`.
pub(crate) struct Ask {
    /// The message.
    pub(crate) message: Vec<u8>,
    /// How it goes.
    pub(crate) transport: Transport,
}

impl Ask {
    /// Makes a query from its line of text.
    pub(crate) fn new(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let owner = name(words.next().unwrap());
        let rtype: Rtype = words.next().unwrap().parse().unwrap();
        let (mut flags, mut class, mut edns, mut edns_flags) = (0, 1u16, None, 0);
        let mut transport = Transport::Udp;
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("+do", _) => (edns, edns_flags) = (edns.or(Some(1232)), 0x8000u16),
                ("+edns", size) => edns = Some(size.parse::<u16>().unwrap()),
                ("+tcp", _) => transport = Transport::Tcp,
                ("+cd", _) => flags |= header::CD,
                ("+ad", _) => flags |= header::AD,
                ("+rd", _) => flags |= header::RD,
                ("+class", number) => class = number.parse().unwrap(),
                other => panic!("{other:?}"),
            }
        }
        let counts = [1, 0, 0, u16::from(edns.is_some())];
        let mut message = Header { id: ID, flags, counts }.to_wire().to_vec();
        message.extend(owner.as_wire());
        message.extend(rtype.0.to_be_bytes());
        message.extend(class.to_be_bytes());
        if let Some(size) = edns {
            message.extend([0, 0, 41]);
            message.extend(size.to_be_bytes());
            message.extend([0, 0]);
            message.extend(edns_flags.to_be_bytes());
            message.extend([0, 0]);
        }
        Self { message, transport }
    }

    /// The answer's octets.
    pub(crate) fn respond(&self, zones: &ZoneSet) -> Option<Vec<u8>> {
        let mut room = vec![0xee; 65_535];
        let answered = self.respond_into(zones, &Policy::default(), &mut room)?;
        room.truncate(answered.octets);
        Some(room)
    }

    /// The answer under a policy, written into some room.
    pub(crate) fn respond_into(&self, zones: &ZoneSet, policy: &Policy, room: &mut [u8]) -> Option<Answered> {
        respond(&self.message, Some(zones), &client(self.transport), policy, room, &mut Scratch::default())
    }
}

/// A client on this machine.
pub(crate) fn client(transport: Transport) -> Client {
    Client { transport, address: IpAddr::V4(Ipv4Addr::LOCALHOST), now: 0 }
}

/// Asks, and gives the answer as text.
pub(crate) fn ask(zones: &ZoneSet, line: &str) -> String {
    let ask = Ask::new(line);
    let answer = ask.respond(zones).expect("an answer");
    check_frame(&ask.message, &answer);
    text(&answer)
}

/// Asserts that asking `line` gives `expected`, indentation aside.
#[track_caller]
pub(crate) fn check(zones: &ZoneSet, line: &str, expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let found = ask(zones, line);
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, expected, "asked {line}; found:\n{}\n", found.join("\n"));
}

/// Asserts what holds of each answer: id and question are the query's, QR is set, an independent parser reads it to its end.
pub(crate) fn check_frame(query: &[u8], answer: &[u8]) {
    let (asked, answered) = (Header::parse(query).unwrap(), Header::parse(answer).unwrap());
    assert_eq!(asked.id, answered.id);
    assert!(answered.has(header::QR) && !answered.has(header::RA | header::AD | header::CD));
    assert_eq!(asked.opcode(), answered.opcode());
    assert_eq!(asked.has(header::RD), answered.has(header::RD));
    if answered.counts[0] == 1 {
        let question = 12 + NameRef::parse_prefix(&query[12..]).unwrap().1 + 4;
        assert_eq!(query[12..question], answer[12..question]);
    }
    let message = Message::from_vec(answer).unwrap_or_else(|error| panic!("{error}: {answer:02x?}"));
    let records = message.answers.len() + message.authorities.len() + message.additionals.len();
    let edns = usize::from(message.edns.is_some());
    assert_eq!(records + edns, answered.counts[1..].iter().map(|count| usize::from(*count)).sum::<usize>());
}

/// An answer as text: RCODE and flags, then a line a record, its section first. Signatures by the type they cover; OPT by
/// its extended error, if it has one.
pub(crate) fn text(answer: &[u8]) -> String {
    let header = Header::parse(answer).unwrap();
    let mut position = 12;
    for _ in 0..header.counts[0] {
        position = read_name(answer, position).1 + 4;
    }
    let (mut lines, mut rcode) = (String::new(), header.rcode().0);
    let sections = ["answer", "authority", "additional"].into_iter().zip(&header.counts[1..]);
    for section in sections.flat_map(|(section, count)| (0..*count).map(move |_| section)) {
        let record = read_record(answer, &mut position);
        match record.rtype {
            Rtype::OPT => {
                rcode |= (record.ttl >> 24 << 4) as u16;
                if let [0, 15, 0, 2, high, low] = *record.rdata {
                    writeln!(lines, "ede {}", u16::from_be_bytes([high, low])).unwrap();
                }
            }
            _ => writeln!(lines, "{section} {record}").unwrap(),
        }
    }
    assert_eq!(position, answer.len());
    let mut first = dns::types::Rcode(rcode).to_string();
    for (flag, word) in [(header::AA, " aa"), (header::TC, " tc")] {
        first.push_str(if header.has(flag) { word } else { "" });
    }
    format!("{first}\n{lines}")
}

/// A record, uncompressed.
pub(crate) struct Read {
    /// Its owner.
    pub(crate) owner: Name,
    /// Its type.
    pub(crate) rtype: Rtype,
    /// Its TTL.
    pub(crate) ttl: u32,
    /// Its RDATA.
    pub(crate) rdata: Vec<u8>,
}

impl std::fmt::Display for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { owner, rtype, ttl, rdata } = self;
        match *rtype {
            Rtype::RRSIG => {
                let covered = Rtype(u16::from_be_bytes([rdata[0], rdata[1]]));
                write!(f, "{owner} {ttl} RRSIG {covered}")
            }
            _ => write!(f, "{owner} {ttl} {rtype} {}", present::rdata(*rtype, rdata)),
        }
    }
}

/// Reads the record at a position, and moves behind it.
pub(crate) fn read_record(message: &[u8], position: &mut usize) -> Read {
    let (owner, fixed) = read_name(message, *position);
    let number = |at: usize| u16::from_be_bytes([message[fixed + at], message[fixed + at + 1]]);
    let rtype = Rtype(number(0));
    let ttl = u32::from(number(4)) << 16 | u32::from(number(6));
    let (start, end) = (fixed + 10, fixed + 10 + usize::from(number(8)));
    let mut rdata = Vec::new();
    let mut at = start;
    if let Some(fields) = compressible_names(rtype) {
        rdata.extend(&message[at..at + fields.offset]);
        at += fields.offset;
        for _ in 0..fields.count {
            let (name, behind) = read_name(message, at);
            rdata.extend(name.as_wire());
            at = behind;
        }
    }
    rdata.extend(&message[at..end]);
    *position = end;
    Read { owner, rtype, ttl, rdata }
}

/// Reads the name at a position, pointers followed; also gives where it ends.
pub(crate) fn read_name(message: &[u8], position: usize) -> (Name, usize) {
    let (mut wire, mut at, mut end) = (Vec::new(), position, None);
    loop {
        let length = usize::from(message[at]);
        if length >= 0xc0 {
            end.get_or_insert(at + 2);
            at = (length & 0x3f) << 8 | usize::from(message[at + 1]);
            continue;
        }
        wire.extend(&message[at..=at + length]);
        at += 1 + length;
        if length == 0 {
            return (Name::from_wire(&wire).unwrap(), end.unwrap_or(at));
        }
    }
}
