//! A client of transfers, with every message in sight: asks signed or not, reads as slowly as a test wants, applies what changed.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dns::message::{Asked, Records, Section, is_answer_to, question};
use dns::text::present;
use dns::tsig::{Algorithm, Checked, Key, Verifier, seconds, sign_request};
use dns::types::{Rcode, Rtype};
use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use zone_segment::Name;

use crate::harness::Server;
use crate::harness::wire::query;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub(super) struct Client {
    /// It.
    stream: TcpStream,
    /// What is to be sent later.
    later: Vec<u8>,
}

/// A record of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Its type.
    pub(super) rtype: Rtype,
    /// Its RDATA, with names as they are.
    pub(super) rdata: Vec<u8>,
    /// All of it as a line of text.
    pub(super) line: String,
}

impl Record {
    /// The serial of an SOA record.
    pub(super) fn serial(&self) -> Option<u32> {
        let at = self.rdata.len().checked_sub(20)?;
        let serial = self.rdata[at..at + 4].try_into().unwrap();
        (self.rtype == Rtype::SOA).then(|| u32::from_be_bytes(serial))
    }
}

/// What a transfer brought.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    /// The RCODE of the last message.
    pub(super) rcode: Rcode,
    /// The records of all messages, in their order.
    pub(super) records: Vec<Record>,
    /// The length of each message.
    pub(super) lengths: Vec<usize>,
}

impl Transfer {
    /// The serials of its SOA records, in their order.
    pub(super) fn serials(&self) -> Vec<u32> {
        self.records.iter().filter_map(Record::serial).collect()
    }

    /// The records of a whole zone, sorted, without the SOA record at the end.
    pub(super) fn zone(&self) -> BTreeSet<String> {
        assert_eq!(self.rcode, Rcode::NOERROR);
        assert_eq!(self.serials().len(), 2, "a whole zone: {:?}", self.serials());
        assert_eq!(self.records.first(), self.records.last());
        let zone: BTreeSet<String> = self.records.iter().map(|record| record.line.clone()).collect();
        assert_eq!(zone.len() + 1, self.records.len(), "each record once, but for the SOA record");
        zone
    }

    /// The zone that comes of another by what changed (RFC 1995, section 4): each record that goes has to be there, none that comes may be.
    pub(super) fn applied_to(&self, mut zone: BTreeSet<String>) -> BTreeSet<String> {
        let [first, differences @ .., last] = &self.records[..] else { panic!("{:?}", self.records) };
        assert_eq!(first, last);
        // The first SOA record of each difference begins what goes, the second what comes.
        let mut goes = false;
        for record in differences {
            goes ^= record.rtype == Rtype::SOA;
            let has_changed = if goes { zone.remove(&record.line) } else { zone.insert(record.line.clone()) };
            assert!(has_changed, "{} {}", if goes { "-" } else { "+" }, record.line);
        }
        assert!(!goes && zone.contains(&first.line));
        zone
    }
}

impl Client {
    /// Connects to a server.
    pub(super) fn to(server: &Server) -> Client {
        Client::to_address(server.address)
    }

    /// Connects to an address.
    pub(super) fn to_address(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client { stream, later: Vec::new() }
    }

    /// Connects with a small window, so that what is not read is soon not sent.
    pub(super) fn narrow(server: &Server) -> Client {
        Client::narrow_from(server, "127.0.0.1")
    }

    /// The same from one of this machine's addresses.
    pub(super) fn narrow_from(server: &Server, own: &str) -> Client {
        // Servers that other tests start meanwhile must not inherit it.
        let flags = SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 4096).unwrap();
        rustix::net::bind(&socket, &SocketAddr::new(own.parse::<IpAddr>().unwrap(), 0)).unwrap();
        rustix::net::connect(&socket, &server.address).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream, later: Vec::new() }
    }

    /// Sends queries in one piece.
    pub(super) fn ask(&mut self, queries: &[(&str, RecordType)]) {
        let messages: Vec<Vec<u8>> =
            queries.iter().map(|(name, rtype)| query(name, *rtype, false).to_bytes().unwrap()).collect();
        self.send(&messages);
    }

    /// Sends messages in one piece, each behind its length.
    pub(super) fn send(&mut self, messages: &[Vec<u8>]) {
        self.stream.write_all(&framed(messages)).unwrap();
    }

    /// Sends messages but for so many octets at their end.
    pub(super) fn send_cut(&mut self, messages: &[Vec<u8>], octets: usize) {
        let framed = framed(messages);
        let (now, later) = framed.split_at(framed.len() - octets);
        self.stream.write_all(now).unwrap();
        self.later = later.to_vec();
    }

    /// Sends those octets.
    pub(super) fn send_rest(&mut self) {
        self.stream.write_all(&std::mem::take(&mut self.later)).unwrap();
    }

    /// Sends a query again and again, until the server reads no more of it or ends the connection.
    pub(super) fn ask_until_stuck(&mut self, query: &[u8]) {
        let framed = framed(&vec![query.to_vec(); 100]);
        self.stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        while self.stream.write_all(&framed).is_ok() {}
    }

    /// Says that nothing more will be asked.
    pub(super) fn end_asking(&mut self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// The next message, in octets; none at the end.
    pub(super) fn read_octets(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        self.stream.read_exact(&mut length).ok()?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.read_exact(&mut message).ok()?;
        Some(message)
    }

    /// The next message.
    pub(super) fn read(&mut self) -> Message {
        Message::from_bytes(&self.read_octets().expect("a message")).unwrap()
    }

    /// The next message, if it comes within this time.
    pub(super) fn try_read(&mut self, within: Duration) -> Option<Vec<u8>> {
        self.stream.set_read_timeout(Some(within)).unwrap();
        let message = self.read_octets();
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        message
    }

    /// Reads a single octet.
    pub(super) fn read_one(&mut self) -> Option<u8> {
        let mut octet = [0];
        self.stream.read_exact(&mut octet).ok().map(|()| octet[0])
    }

    /// Asks for a whole zone and reads it.
    pub(super) fn axfr(&mut self, apex: &str) -> Transfer {
        self.transfer(&axfr(apex), None, |_| ())
    }

    /// Asks for what changed in a zone since a serial and reads it.
    pub(super) fn ixfr(&mut self, apex: &str, from: u32) -> Transfer {
        self.transfer(&ixfr(apex, from), None, |_| ())
    }

    /// Sends a query and reads the transfer that is its answer; each message is to be signed if the query was. `each` is called after each message.
    pub(super) fn transfer(&mut self, query: &[u8], verifier: Option<Verifier>, each: impl FnMut(usize)) -> Transfer {
        self.send(&[query.to_vec()]);
        self.rest_of(query, verifier, each)
    }

    /// Reads a transfer.
    pub(super) fn rest_of(
        &mut self,
        query: &[u8],
        mut verifier: Option<Verifier>,
        mut each: impl FnMut(usize),
    ) -> Transfer {
        let mut transfer = Transfer { rcode: Rcode::NOERROR, records: Vec::new(), lengths: Vec::new() };
        loop {
            let message = self.read_octets().expect("a message of a transfer");
            if transfer.lengths.is_empty() {
                assert!(is_answer_to(query, &message), "{message:02x?}");
            }
            if let Some(verifier) = &mut verifier {
                let checked = verifier.verify(&message, seconds(SystemTime::now()));
                assert!(matches!(checked, Ok(Checked::Signed { .. })), "{checked:?}");
            }
            transfer.lengths.push(message.len());
            each(transfer.lengths.len());
            let mut records = Records::of(&message).unwrap();
            transfer.rcode = records.header().rcode();
            while let Some(record) = records.read().unwrap() {
                if record.section == Section::Answer {
                    let line = present::record(record.owner, record.ttl, record.rtype, record.rdata);
                    transfer.records.push(Record { rtype: record.rtype, rdata: record.rdata.to_vec(), line });
                }
            }
            if transfer.rcode != Rcode::NOERROR || has_ended(query, &transfer.records) {
                return transfer;
            }
        }
    }

    /// Whether the server has ended the connection; waits for it.
    pub(super) fn has_ended(&mut self) -> bool {
        let mut room = vec![0; 1 << 16];
        loop {
            match self.stream.read(&mut room) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
            }
        }
    }
}

/// Messages in one piece, each behind its length.
fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    let framed = |message: &Vec<u8>| [&(message.len() as u16).to_be_bytes()[..], message].concat();
    messages.iter().flat_map(framed).collect()
}

/// Whether these are all records of the answer to a query: with the second SOA record of a zone, or the last one of what changed (RFC 5936,
/// section 2.2; RFC 1995, section 4).
fn has_ended(query: &[u8], records: &[Record]) -> bool {
    let serials: Vec<u32> = records.iter().filter_map(Record::serial).collect();
    let [first, rest @ ..] = &serials[..] else { return false };
    let last_is_soa = records.last().is_some_and(|record| record.rtype == Rtype::SOA);
    let is_incremental = records.get(1).is_some_and(|second| second.rtype == Rtype::SOA);
    match rest {
        // The client has the version, or a newer one.
        [] => asked_serial(query).is_some_and(|from| first.wrapping_sub(from) as i32 <= 0),
        [_, ..] if is_incremental => last_is_soa && rest.len() % 2 == 1 && rest.last() == Some(first),
        [..] => last_is_soa,
    }
}

/// The serial that an IXFR query has.
fn asked_serial(query: &[u8]) -> Option<u32> {
    let mut records = Records::of(query).unwrap();
    let record = records.read().unwrap().filter(|record| record.rtype == Rtype::SOA)?;
    Record { rtype: record.rtype, rdata: record.rdata.to_vec(), line: String::new() }.serial()
}

/// A query for a whole zone.
pub(super) fn axfr(apex: &str) -> Vec<u8> {
    question(next_id(), apex.parse::<Name>().unwrap().as_ref(), Asked::Axfr)
}

/// A query for what changed in a zone since a serial.
pub(super) fn ixfr(apex: &str, from: u32) -> Vec<u8> {
    question(next_id(), apex.parse::<Name>().unwrap().as_ref(), Asked::Ixfr { soa: &soa(from) })
}

/// The RDATA of an SOA record of which nothing but the serial matters.
pub(super) fn soa(serial: u32) -> Vec<u8> {
    [&[0, 0][..], &serial.to_be_bytes(), &[0; 16]].concat()
}

/// A message id.
fn next_id() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A key of these tests.
pub(super) fn key(name: &str, algorithm: Algorithm, secret: &[u8]) -> Arc<Key> {
    Arc::new(Key::new(name.parse().unwrap(), algorithm, secret))
}

/// Signs a query; what checks the answer.
pub(super) fn sign(query: &mut Vec<u8>, key: &Arc<Key>) -> Verifier {
    sign_request(key, query, seconds(SystemTime::now()))
}
