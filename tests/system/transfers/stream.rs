//! A client of a transfer that reads as slowly as a test wants, and sees the messages.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::{Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};

use crate::harness::Server;
use crate::harness::wire::query;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub(super) struct Stream(TcpStream);

impl Stream {
    /// Connects to a server.
    pub(super) fn to(server: &Server) -> Stream {
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Stream(stream)
    }

    /// The same with a small window, so that what is not read is soon not sent.
    pub(super) fn narrow(server: &Server) -> Stream {
        use rustix::net::{AddressFamily, SocketType};
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 4096).unwrap();
        rustix::net::connect(&socket, &server.address).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Stream(stream)
    }

    /// Sends queries in one piece.
    pub(super) fn ask(&mut self, queries: &[(&str, RecordType)]) {
        let framed = |(name, rtype): &(&str, RecordType)| {
            let message = query(name, *rtype, false).to_bytes().unwrap();
            [&(message.len() as u16).to_be_bytes()[..], &message].concat()
        };
        self.0.write_all(&queries.iter().flat_map(framed).collect::<Vec<u8>>()).unwrap();
    }

    /// The next message, in octets; none at the end.
    pub(super) fn read_octets(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length).ok()?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut message).ok()?;
        Some(message)
    }

    /// The next message.
    pub(super) fn read(&mut self) -> Message {
        Message::from_bytes(&self.read_octets().expect("a message")).unwrap()
    }

    /// The records of a transfer, to the second SOA record; `each` is called after each message.
    pub(super) fn transfer(&mut self, mut each: impl FnMut(usize)) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::new();
        for number in 0.. {
            records.extend(self.read().answers);
            each(number);
            let is_soa = |record: &&Record| record.record_type() == RecordType::SOA;
            if records.iter().filter(is_soa).count() == 2 {
                break;
            }
        }
        records
    }

    /// Whether the server has ended the connection; waits for it.
    pub(super) fn has_ended(&mut self) -> bool {
        let mut room = vec![0; 1 << 16];
        loop {
            match self.0.read(&mut room) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
            }
        }
    }
}
