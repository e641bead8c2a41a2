//! A primary that does nothing but send what was recorded: so that what is measured is who takes it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use dns::message::{Asked, MessageStream, Received, Records, Section, question, receive};
use dns::types::Rtype;
use zone_segment::{Name, NameRef};

use crate::Outcome;

/// The messages of a whole zone, one behind the other, each behind its length.
#[derive(Clone)]
pub struct Stream {
    /// All of them.
    octets: Vec<u8>,
    /// Where each begins.
    starts: Vec<usize>,
    /// Where the serials of the first and of the last record are.
    serials: [usize; 2],
    /// The zone's apex.
    pub apex: Name,
    /// TTL and RDATA of its SOA record.
    soa: (u32, Vec<u8>),
}

/// A record that came with a change.
#[derive(Clone, Debug)]
pub struct Added {
    /// Its owner.
    pub owner: Name,
    /// Its address.
    pub address: [u8; 4],
}

/// What the threads of a primary share.
struct State {
    /// The zone.
    stream: Stream,
    /// Its serial.
    serial: u32,
    /// What came with that serial, to who has the one before.
    added: Option<Added>,
    /// When a transfer was asked for last.
    asked: Option<Instant>,
    /// When the last octet of a transfer was handed to the system.
    sent: Option<Instant>,
}

/// The primary, on a port of its own. Its threads end with the program.
pub struct Primary {
    /// What they share.
    state: Arc<Mutex<State>>,
    /// Where it tells of changes from.
    socket: Arc<UdpSocket>,
}

impl Stream {
    /// Of recorded messages.
    pub fn of(messages: &[Vec<u8>]) -> Outcome<Stream> {
        let (mut octets, mut starts) = (Vec::new(), Vec::new());
        for message in messages {
            octets.extend_from_slice(&u16::try_from(message.len())?.to_be_bytes());
            starts.push(octets.len());
            octets.extend_from_slice(message);
        }
        let first = messages.first().ok_or("no messages")?;
        let mut records = Records::of(first)?;
        let apex = records.question().ok_or("no question")?.name.to_name();
        let soa = records.read()?.ok_or("no record")?;
        let soa = (soa.ttl, soa.rdata.to_vec());
        // The serial is the first of five numbers at the end of the record; the last record ends the last message.
        let numbers = soa.1.last_chunk::<NUMBERS>().ok_or("no SOA record")?;
        let begin = starts[0];
        let within = octets[begin..begin + first.len()].windows(NUMBERS).position(|found| found == numbers);
        let serials = [begin + within.ok_or("no serial")?, octets.len() - NUMBERS];
        if octets[serials[1]..] != numbers[..] {
            return Err("the zone does not end with its SOA record".into());
        }
        Ok(Stream { octets, starts, serials, apex, soa })
    }

    /// Its serial.
    fn serial(&self) -> u32 {
        let at = self.serials[0];
        u32::from_be_bytes([self.octets[at], self.octets[at + 1], self.octets[at + 2], self.octets[at + 3]])
    }

    /// The messages as the answer to a query of this id, of this serial.
    fn answer(&mut self, id: [u8; 2], serial: u32) -> &[u8] {
        for start in &self.starts {
            self.octets[*start..start + 2].copy_from_slice(&id);
        }
        for at in self.serials {
            self.octets[at..at + 4].copy_from_slice(&serial.to_be_bytes());
        }
        &self.octets
    }

    /// The RDATA of the SOA record of a serial.
    fn soa_of(&self, serial: u32) -> Vec<u8> {
        let mut rdata = self.soa.1.clone();
        let at = rdata.len() - NUMBERS;
        rdata[at..at + 4].copy_from_slice(&serial.to_be_bytes());
        rdata
    }
}

impl Primary {
    /// Starts one at a port.
    pub fn start(stream: Stream, port: u16) -> Outcome<Primary> {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let serial = stream.serial();
        let state = Arc::new(Mutex::new(State { stream, serial, added: None, asked: None, sent: None }));
        let (shared, own) = (Arc::clone(&state), Arc::clone(&socket));
        std::thread::spawn(move || answer_datagrams(&own, &shared));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || drop(answer_stream(connection, &shared)));
            }
        });
        Ok(Primary { state, socket })
    }

    /// Adds a record under the next serial, and tells a secondary of it.
    pub fn add(&self, added: Added, secondary: u16) -> Outcome<()> {
        let mut state = lock(&self.state);
        state.serial = state.serial.wrapping_add(1);
        state.added = Some(added);
        (state.asked, state.sent) = (None, None);
        let rdata = state.stream.soa_of(state.serial);
        let soa = Some((state.stream.soa.0, &rdata[..]));
        let message = question(state.serial as u16, state.stream.apex.as_ref(), Asked::Notify { soa });
        drop(state);
        self.socket.send_to(&message, SocketAddr::from((Ipv4Addr::LOCALHOST, secondary)))?;
        Ok(())
    }

    /// When a transfer was asked for last, and when its last octet was sent.
    pub fn times(&self) -> (Option<Instant>, Option<Instant>) {
        let state = lock(&self.state);
        (state.asked, state.sent)
    }
}

/// The state. A panic while it was locked ends the program anyway.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers datagrams: each with the SOA record, which is what secondaries ask for.
fn answer_datagrams(socket: &UdpSocket, state: &Mutex<State>) {
    let mut room = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut room) {
        // An answer to what was told is none that is answered.
        if let Some(answer) = soa_alone(&room[..length], &lock(state)) {
            let _ = socket.send_to(&answer, from);
        }
    }
}

/// The answer with the SOA record alone.
fn soa_alone(query: &[u8], state: &State) -> Option<Vec<u8>> {
    let Received::Query(query) = receive(query) else { return None };
    let mut messages = MessageStream::new(query.header, &query.question, usize::from(u16::MAX), 0);
    let (stream, serial) = (&state.stream, state.serial);
    messages.push(stream.apex.as_ref(), Rtype::SOA, stream.soa.0, &stream.soa_of(serial)).ok()?;
    Some(messages.finish().clone())
}

/// Answers what comes over a connection.
fn answer_stream(mut connection: TcpStream, state: &Mutex<State>) -> Outcome<()> {
    loop {
        let mut length = [0; 2];
        connection.read_exact(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        connection.read_exact(&mut message)?;
        let begin = Instant::now();
        let Received::Query(query) = receive(&message) else { return Ok(()) };
        let mut state = lock(state);
        let serial = state.serial;
        let from = serial_of(&message)?;
        if query.question.rtype == Rtype::SOA || from == Some(serial) {
            let answer = soa_alone(&message, &state).ok_or("no query")?;
            connection.write_all(&framed(&answer)?)?;
            continue;
        }
        state.asked = Some(begin);
        match state.added.clone().filter(|_| from == Some(serial.wrapping_sub(1))) {
            Some(added) => {
                let mut messages = MessageStream::new(query.header, &query.question, usize::from(u16::MAX), 0);
                let (apex, ttl) = (state.stream.apex.clone(), state.stream.soa.0);
                let (old, new) = (state.stream.soa_of(serial.wrapping_sub(1)), state.stream.soa_of(serial));
                let mut push = |owner: NameRef<'_>, rtype, rdata: &[u8]| messages.push(owner, rtype, ttl, rdata);
                push(apex.as_ref(), Rtype::SOA, &new)?;
                push(apex.as_ref(), Rtype::SOA, &old)?;
                push(apex.as_ref(), Rtype::SOA, &new)?;
                push(added.owner.as_ref(), Rtype::A, &added.address)?;
                push(apex.as_ref(), Rtype::SOA, &new)?;
                connection.write_all(&framed(messages.finish())?)?;
            }
            None => connection.write_all(state.stream.answer([message[0], message[1]], serial))?,
        }
        state.sent = Some(Instant::now());
    }
}

/// A message behind its length.
fn framed(message: &[u8]) -> Outcome<Vec<u8>> {
    Ok([&u16::try_from(message.len())?.to_be_bytes()[..], message].concat())
}

/// The serial that an IXFR query says its sender has.
fn serial_of(query: &[u8]) -> Outcome<Option<u32>> {
    let mut records = Records::of(query)?;
    while let Some(record) = records.read()? {
        if let (Section::Authority, Some(numbers)) = (record.section, record.rdata.last_chunk::<NUMBERS>()) {
            return Ok(numbers.first_chunk().map(|serial| u32::from_be_bytes(*serial)));
        }
    }
    Ok(None)
}

/// Octets of the numbers at the end of an SOA record.
const NUMBERS: usize = 20;
