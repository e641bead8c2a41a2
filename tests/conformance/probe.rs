//! Queries with everything that a header and an OPT record can say, and answers read by a walker that is not ours.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::{Record, RecordType};
use hickory_proto::serialize::binary::BinDecodable as _;

/// A query to be.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// The identifier.
    id: u16,
    /// The header's flags, opcode included.
    flags: u16,
    /// QNAME in wire form; none for a query without a question.
    name: Option<Vec<u8>>,
    /// QTYPE.
    rtype: u16,
    /// QCLASS.
    class: u16,
    /// The OPT record.
    opt: Option<Opt>,
}

/// An OPT record.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Opt {
    /// The largest datagram taken.
    pub(crate) size: u16,
    /// The version.
    pub(crate) version: u8,
    /// The flags.
    pub(crate) flags: u16,
    /// The options.
    pub(crate) options: Vec<(u16, Vec<u8>)>,
}

impl Probe {
    /// A question in class IN without EDNS.
    pub(crate) fn new(name: &str, rtype: u16) -> Probe {
        Probe { id: 0x4711, flags: 0, name: Some(wire(name)), rtype, class: 1, opt: None }
    }

    /// With DO, in datagrams of 1,232 octets.
    pub(crate) fn dnssec(name: &str, rtype: u16) -> Probe {
        Probe::new(name, rtype).edns_flags(DO)
    }

    /// Without a question.
    pub(crate) fn without_question() -> Probe {
        Probe { name: None, ..Probe::new(".", 0) }
    }

    /// With an identifier.
    pub(crate) fn id(mut self, id: u16) -> Probe {
        self.id = id;
        self
    }

    /// With these bits of the header set.
    pub(crate) fn flags(mut self, flags: u16) -> Probe {
        self.flags |= flags;
        self
    }

    /// With an opcode.
    pub(crate) fn opcode(self, opcode: u16) -> Probe {
        self.flags(opcode << 11)
    }

    /// In a class.
    pub(crate) fn class(mut self, class: u16) -> Probe {
        self.class = class;
        self
    }

    /// With an OPT record, changed so.
    pub(crate) fn opt(mut self, change: impl FnOnce(&mut Opt)) -> Probe {
        change(self.opt.get_or_insert(Opt { size: 1232, ..Opt::default() }));
        self
    }

    /// With an OPT record that says nothing.
    pub(crate) fn edns(self) -> Probe {
        self.opt(|_| {})
    }

    /// With EDNS flags.
    pub(crate) fn edns_flags(self, flags: u16) -> Probe {
        self.opt(|opt| opt.flags |= flags)
    }

    /// With a version of EDNS.
    pub(crate) fn edns_version(self, version: u8) -> Probe {
        self.opt(|opt| opt.version = version)
    }

    /// With a size of datagrams.
    pub(crate) fn edns_size(self, size: u16) -> Probe {
        self.opt(|opt| opt.size = size)
    }

    /// With an option.
    pub(crate) fn option(self, code: u16, value: &[u8]) -> Probe {
        self.opt(|opt| opt.options.push((code, value.to_vec())))
    }

    /// The query in wire form.
    pub(crate) fn to_wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        let counts = [u16::from(self.name.is_some()), 0, 0, u16::from(self.opt.is_some())];
        for word in [self.id, self.flags].into_iter().chain(counts) {
            wire.extend(word.to_be_bytes());
        }
        if let Some(name) = &self.name {
            wire.extend(name);
            wire.extend(self.rtype.to_be_bytes());
            wire.extend(self.class.to_be_bytes());
        }
        if let Some(opt) = &self.opt {
            let octets = opt.options.iter().map(|(_, value)| 4 + value.len()).sum::<usize>();
            wire.extend([0, 0, 41]);
            wire.extend(opt.size.to_be_bytes());
            wire.extend([0, opt.version]);
            wire.extend(opt.flags.to_be_bytes());
            wire.extend(u16::try_from(octets).unwrap().to_be_bytes());
            for (code, value) in &opt.options {
                wire.extend(code.to_be_bytes());
                wire.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
                wire.extend(value);
            }
        }
        wire
    }

    /// Asks over UDP.
    pub(crate) fn ask(&self, server: SocketAddr) -> Reply {
        let octets = exchange(server, &self.to_wire()).unwrap_or_else(|| panic!("no answer to {self:?}"));
        Reply::read(self, octets)
    }

    /// Asks over TCP.
    pub(crate) fn ask_tcp(&self, server: SocketAddr) -> Reply {
        let mut stream = connect(server);
        send(&mut stream, &self.to_wire());
        Reply::read(self, receive(&mut stream))
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Its octets.
    pub(crate) octets: Vec<u8>,
    /// The header's flags without RCODE.
    pub(crate) flags: u16,
    /// The whole RCODE.
    pub(crate) rcode: u16,
    /// Its OPT record.
    pub(crate) opt: Option<Opt>,
    /// All of it as another parser reads it.
    message: Message,
}

impl Reply {
    /// Reads the answer to a probe: its identifier and question have to be those asked.
    fn read(probe: &Probe, octets: Vec<u8>) -> Reply {
        let message = Message::from_bytes(&octets).unwrap();
        let word = |at: usize| u16::from_be_bytes([octets[at], octets[at + 1]]);
        assert_eq!(word(0), probe.id, "the identifier");
        assert!(word(2) & QR != 0, "a response");
        if let Some(name) = &probe.name
            && word(4) == 1
        {
            let question = &probe.to_wire()[12..][..name.len() + 4];
            assert_eq!(&octets[12..][..question.len()], question, "the question");
        }
        let opt = opt_of(&octets);
        let high = opt.as_ref().map_or(0, |(_, high)| u16::from(*high));
        let (flags, rcode) = (word(2) & 0xfff0, word(2) & 0x000f | high << 4);
        Reply { flags, rcode, opt: opt.map(|(opt, _)| opt), message, octets }
    }

    /// Whether a flag of the header is set.
    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// The value of an option.
    pub(crate) fn option(&self, code: u16) -> Option<&[u8]> {
        let options = self.opt.iter().flat_map(|opt| &opt.options);
        options.filter(|(other, _)| *other == code).map(|(_, value)| value.as_slice()).next()
    }

    /// The code of its Extended DNS Error.
    pub(crate) fn error(&self) -> Option<u16> {
        self.option(15).map(|value| u16::from_be_bytes([value[0], value[1]]))
    }

    /// The answer section as text: owners and types in the order they came, each RRset once.
    pub(crate) fn answer(&self) -> String {
        rrsets(&self.message.answers)
    }

    /// The authority section.
    pub(crate) fn authority(&self) -> String {
        rrsets(&self.message.authorities)
    }

    /// The additional section, without the OPT record.
    pub(crate) fn additional(&self) -> String {
        rrsets(&self.message.additionals)
    }

    /// The records of a type in all sections.
    pub(crate) fn records(&self, rtype: RecordType) -> Vec<&Record> {
        let sections = [&self.message.answers, &self.message.authorities, &self.message.additionals];
        sections.into_iter().flatten().filter(|record| record.record_type() == rtype).collect()
    }
}

/// The RRsets of a section, such as `www.plain. A, www.plain. RRSIG`.
fn rrsets(records: &[Record]) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for record in records {
        let rrset = format!("{} {}", record.name.to_ascii(), record.record_type());
        if rrset != last {
            if !text.is_empty() {
                text.push_str(", ");
            }
            write!(text, "{rrset}").unwrap();
            last = rrset;
        }
    }
    text
}

/// The OPT record of a message and the upper bits of RCODE that it has.
fn opt_of(message: &[u8]) -> Option<(Opt, u8)> {
    let word = |at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    let skip_name = |mut at: usize| loop {
        match message[at] {
            0 => return at + 1,
            0xc0.. => return at + 2,
            length => at += 1 + usize::from(length),
        }
    };
    let mut at = 12;
    for _ in 0..word(4) {
        at = skip_name(at) + 4;
    }
    let mut found = None;
    for _ in 0..word(6) + word(8) + word(10) {
        let is_root = message[at] == 0;
        at = skip_name(at);
        let (rtype, length) = (word(at), usize::from(word(at + 8)));
        let rdata = &message[at + 10..at + 10 + length];
        if rtype == 41 {
            assert!(is_root && found.is_none(), "one OPT record, at the root");
            let mut opt =
                Opt { size: word(at + 2), version: message[at + 5], flags: word(at + 6), options: Vec::new() };
            let mut rest = rdata;
            while !rest.is_empty() {
                let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
                opt.options.push((u16::from_be_bytes([rest[0], rest[1]]), rest[4..4 + length].to_vec()));
                rest = &rest[4 + length..];
            }
            found = Some((opt, message[at + 4]));
        }
        at += 10 + length;
    }
    found
}

/// Sends octets over UDP and gives what comes back, if anything does.
pub(crate) fn exchange(server: SocketAddr, query: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(server).unwrap();
    socket.send(query).unwrap();
    let mut answer = vec![0; 65_535];
    let length = socket.recv(&mut answer).ok()?;
    answer.truncate(length);
    Some(answer)
}

/// Opens a connection.
pub(crate) fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a message on a connection.
pub(crate) fn send(stream: &mut TcpStream, message: &[u8]) {
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length, message].concat()).unwrap();
}

/// Takes a message from a connection.
pub(crate) fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).unwrap();
    message
}

/// A name in wire form. Escapes are not known here.
pub(crate) fn wire(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(u8::try_from(label.len()).unwrap());
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The message is a response.
pub(crate) const QR: u16 = 0x8000;
/// The answer is authoritative.
pub(crate) const AA: u16 = 0x0400;
/// The answer is truncated.
pub(crate) const TC: u16 = 0x0200;
/// Recursion is desired.
pub(crate) const RD: u16 = 0x0100;
/// Recursion is available.
pub(crate) const RA: u16 = 0x0080;
/// The bit without a meaning.
pub(crate) const Z: u16 = 0x0040;
/// The data is authentic.
pub(crate) const AD: u16 = 0x0020;
/// Checking is disabled.
pub(crate) const CD: u16 = 0x0010;
/// DNSSEC records are wanted: a flag of EDNS.
pub(crate) const DO: u16 = 0x8000;

/// No error.
pub(crate) const NOERROR: u16 = 0;
/// The query is malformed.
pub(crate) const FORMERR: u16 = 1;
/// The server can't.
pub(crate) const SERVFAIL: u16 = 2;
/// No such name.
pub(crate) const NXDOMAIN: u16 = 3;
/// The server does not know how.
pub(crate) const NOTIMP: u16 = 4;
/// The server does not want to.
pub(crate) const REFUSED: u16 = 5;
/// A name grew too long.
pub(crate) const YXDOMAIN: u16 = 6;
/// The server is not authoritative for the zone.
pub(crate) const NOTAUTH: u16 = 9;
/// The version of EDNS is not known.
pub(crate) const BADVERS: u16 = 16;

/// Address.
pub(crate) const A: u16 = 1;
/// Name server.
pub(crate) const NS: u16 = 2;
/// Alias.
pub(crate) const CNAME: u16 = 5;
/// Start of authority.
pub(crate) const SOA: u16 = 6;
/// Mail exchange.
pub(crate) const MX: u16 = 15;
/// Text.
pub(crate) const TXT: u16 = 16;
/// IPv6 address.
pub(crate) const AAAA: u16 = 28;
/// Service.
pub(crate) const SRV: u16 = 33;
/// Delegation signer.
pub(crate) const DS: u16 = 43;
/// Key.
pub(crate) const DNSKEY: u16 = 48;
/// Hashed next secure name.
pub(crate) const NSEC3: u16 = 50;
/// Service binding.
pub(crate) const SVCB: u16 = 64;
/// Service binding of HTTPS.
pub(crate) const HTTPS: u16 = 65;
/// A transfer.
pub(crate) const AXFR: u16 = 252;
/// Every type.
pub(crate) const ANY: u16 = 255;
