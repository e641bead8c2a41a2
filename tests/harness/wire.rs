//! Questions and answers as packets, with a message parser that is not ours.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};

/// How long one attempt waits for its answer.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Somebody who asks one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    /// The server.
    server: SocketAddr,
}

/// An answer, parsed.
pub(crate) type Answer = Message;

impl Wire {
    /// Asks this server.
    pub(crate) fn to(server: SocketAddr) -> Self {
        Wire { server }
    }

    /// Asks over UDP; `None` when nothing comes.
    pub(crate) fn try_udp(&self, name: &str, rtype: RecordType, dnssec: bool) -> Option<Answer> {
        let socket = UdpSocket::bind(if self.server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).unwrap();
        socket.set_read_timeout(Some(ATTEMPT)).unwrap();
        socket.connect(self.server).unwrap();
        let query = query(name, rtype, dnssec);
        socket.send(&query.to_bytes().unwrap()).ok()?;
        let mut buffer = [0; 65535];
        let length = socket.recv(&mut buffer).ok()?;
        let answer = Message::from_bytes(&buffer[..length]).unwrap();
        assert_eq!(answer.metadata.id, query.metadata.id);
        Some(answer)
    }

    /// Asks over UDP; an answer has to come.
    pub(crate) fn udp(&self, name: &str, rtype: RecordType) -> Answer {
        self.try_udp(name, rtype, false).unwrap_or_else(|| panic!("no answer for {name} {rtype} over UDP"))
    }

    /// Asks over UDP with DO set.
    pub(crate) fn udp_dnssec(&self, name: &str, rtype: RecordType) -> Answer {
        self.try_udp(name, rtype, true).unwrap_or_else(|| panic!("no answer for {name} {rtype} over UDP"))
    }

    /// Asks over TCP.
    pub(crate) fn tcp(&self, name: &str, rtype: RecordType, dnssec: bool) -> Answer {
        let mut stream = TcpStream::connect(self.server).unwrap();
        stream.set_read_timeout(Some(ATTEMPT)).unwrap();
        let octets = query(name, rtype, dnssec).to_bytes().unwrap();
        stream.write_all(&u16::try_from(octets.len()).unwrap().to_be_bytes()).unwrap();
        stream.write_all(&octets).unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).unwrap();
        Message::from_bytes(&answer).unwrap()
    }

    /// The serial of a zone's SOA, asked over UDP.
    pub(crate) fn serial(&self, zone: &str) -> Option<u32> {
        let answer = self.try_udp(zone, RecordType::SOA, false)?;
        (answer.metadata.response_code == ResponseCode::NoError).then_some(())?;
        answer.answers.iter().find_map(|record: &Record| match &record.data {
            hickory_proto::rr::RData::SOA(soa) => Some(soa.serial),
            _ => None,
        })
    }
}

/// A query with EDNS.
pub(crate) fn query(name: &str, rtype: RecordType, dnssec: bool) -> Message {
    let mut message = Message::new(rand_id(), MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), rtype));
    let mut edns = Edns::new();
    edns.set_max_payload(1232).set_dnssec_ok(dnssec);
    message.edns = Some(edns);
    message
}

/// A message id; that they differ is all that matters here.
fn rand_id() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
