//! Takes zones, as a secondary does that does nothing with them: every record is looked at, so that it is known when all have come.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use dns::message::{Asked, question};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use zone_segment::Name;

use crate::Outcome;

/// What a transfer brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// From the query to the last octet.
    pub time: Duration,
    /// Records, the SOA record at both ends among them.
    pub records: u64,
    /// Messages.
    pub messages: u64,
    /// Octets of messages.
    pub octets: u64,
}

/// How fast octets are taken.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// As they come.
    Free,
    /// At most so many a second.
    Octets(f64),
}

/// A client of its own address.
pub struct Client {
    /// Its connection.
    stream: TcpStream,
    /// Where messages are read to.
    room: Vec<u8>,
}

impl Client {
    /// Connects from the address of a number to a port of this machine.
    pub fn connect(number: u8, port: u16) -> Outcome<Client> {
        let descriptor = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        let own = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, number), 0);
        bind(descriptor.as_raw_fd(), &SockaddrIn::from(own))?;
        connect(descriptor.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)))?;
        let stream = TcpStream::from(descriptor);
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Client { stream, room: vec![0; 2 + usize::from(u16::MAX)] })
    }

    /// Takes all of a zone.
    pub fn take(&mut self, apex: &str, pace: Pace) -> Outcome<Taken> {
        let (mut taken, mut soas, begin) = (Taken::default(), 0, Instant::now());
        self.ask(apex)?;
        while soas < 2 {
            let message = self.read()?;
            let seen = look(message).ok_or("a message that is no part of a transfer")?;
            soas += seen.soas;
            taken.records += seen.records;
            taken.messages += 1;
            taken.octets += message.len() as u64;
            if let Pace::Octets(rate) = pace {
                let due = Duration::from_secs_f64(taken.octets as f64 / rate);
                std::thread::sleep(due.saturating_sub(begin.elapsed()));
            }
        }
        taken.time = begin.elapsed();
        Ok(taken)
    }
}

impl Client {
    /// Takes all of a zone, and keeps the messages.
    pub fn record(&mut self, apex: &str) -> Outcome<Vec<Vec<u8>>> {
        self.ask(apex)?;
        let (mut messages, mut soas) = (Vec::new(), 0);
        while soas < 2 {
            let message = self.read()?;
            soas += look(message).ok_or("a message that is no part of a transfer")?.soas;
            messages.push(message.to_vec());
        }
        Ok(messages)
    }

    /// Asks for all of a zone.
    fn ask(&mut self, apex: &str) -> Outcome<()> {
        let query = question(0x1234, apex.parse::<Name>()?.as_ref(), Asked::Axfr);
        let framed = [&u16::try_from(query.len())?.to_be_bytes()[..], &query].concat();
        Ok(self.stream.write_all(&framed)?)
    }

    /// The next message.
    fn read(&mut self) -> Outcome<&[u8]> {
        let mut length = [0; 2];
        self.stream.read_exact(&mut length)?;
        let message = self.room.get_mut(..usize::from(u16::from_be_bytes(length))).unwrap_or_default();
        self.stream.read_exact(message)?;
        Ok(message)
    }
}

/// What is in a message.
struct Seen {
    /// Records of its answer section.
    records: u64,
    /// SOA records among them.
    soas: u64,
}

/// Looks at each record of a message; none where it is an error or no answer at all.
fn look(message: &[u8]) -> Option<Seen> {
    let word = |at: usize| Some(u16::from_be_bytes(*message.get(at..)?.first_chunk()?));
    if word(2)? & RCODE != 0 {
        return None;
    }
    let (questions, records) = (word(4)?, word(6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = behind_name(message, at)? + 4;
    }
    let mut soas = 0;
    for _ in 0..records {
        at = behind_name(message, at)?;
        soas += u64::from(word(at)? == SOA);
        at += 10 + usize::from(word(at + 8)?);
    }
    (at <= message.len()).then_some(Seen { records: records.into(), soas })
}

/// Where a name ends.
fn behind_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match usize::from(*message.get(at)?) {
            0 => return Some(at + 1),
            pointer if pointer >= 0xc0 => return Some(at + 2),
            length => at += 1 + length,
        }
    }
}

/// How long a client waits for octets.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bits of an RCODE in the second word of a message.
const RCODE: u16 = 0x000f;

/// The type SOA.
const SOA: u16 = 6;
