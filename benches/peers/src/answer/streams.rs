//! The same over TCP: connections that stay, each with several queries in flight.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use super::pressure::{Counts, Pressure, Target};
use super::queries::Queries;
use crate::Outcome;
use crate::processes::Spent;

/// Asks over TCP for so long, after a while that does not count.
pub fn pressure(target: &Target, queries: &Queries, first: usize, time: Duration) -> Outcome<Pressure> {
    let connections = (0..CONNECTIONS).map(|index| Connection::open(target.port, first + index * APART));
    let mut connections = connections.collect::<Outcome<Vec<_>>>()?;
    let mut counts = Counts::default();
    let mut run = |time: Duration, counts: &mut Counts| -> Outcome<()> {
        let end = Instant::now() + time;
        let mut heard = Instant::now();
        while Instant::now() < end {
            for connection in &mut connections {
                let before = counts.answers;
                connection.step(queries, counts)?;
                if counts.answers > before {
                    heard = Instant::now();
                }
            }
            if heard.elapsed() > PATIENCE {
                return Err("no answer over TCP".into());
            }
        }
        Ok(())
    };
    run(time.min(WARM_UP), &mut counts)?;
    let before = (Spent::of(target.process), counts);
    let begin = Instant::now();
    run(time, &mut counts)?;
    let wall = begin.elapsed();
    let spent = Spent::of(target.process).since(before.0);
    let (answers, wrong) = (counts.answers - before.1.answers, counts.wrong - before.1.wrong);
    Ok(Pressure { answers, wrong, lost: 0, wall, spent })
}

/// A connection.
struct Connection {
    /// The stream.
    stream: TcpStream,
    /// The number of the next query.
    next: usize,
    /// Queries in flight.
    outstanding: usize,
    /// What was read and is no whole message yet.
    read: Vec<u8>,
    /// What is written at once.
    written: Vec<u8>,
}

impl Connection {
    /// Connects; `next` is the number of the first query.
    fn open(port: u16, next: usize) -> Outcome<Connection> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Connection { stream, next, outstanding: 0, read: Vec::new(), written: Vec::new() })
    }

    /// Sends a query for each that was answered; takes what is there.
    fn step(&mut self, queries: &Queries, counts: &mut Counts) -> Outcome<()> {
        if self.outstanding < IN_FLIGHT {
            self.written.clear();
            for _ in self.outstanding..IN_FLIGHT {
                let query = queries.query(self.next);
                self.written.extend_from_slice(&(query.len() as u16).to_be_bytes());
                self.written.extend_from_slice(query);
                self.next += 1;
            }
            self.outstanding = IN_FLIGHT;
            // Far less than the smallest send buffer: it takes all of it.
            self.stream.write_all(&self.written)?;
        }
        let mut room = [0; 16 << 10];
        match self.stream.read(&mut room) {
            Ok(0) => return Err("the server closed a connection".into()),
            Ok(length) => self.read.extend_from_slice(&room[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let mut rest = self.read.as_slice();
        while let Some((length, behind)) = rest.split_first_chunk::<2>()
            && let Some(message) = behind.get(..usize::from(u16::from_be_bytes(*length)))
        {
            // In any order.
            let number = Queries::answered(message, self.next, RECENT);
            counts.answers += 1;
            counts.wrong += u64::from(!number.is_some_and(|number| queries.is_right(number, message)));
            self.outstanding = self.outstanding.saturating_sub(1);
            rest = &behind[message.len()..];
        }
        let taken = self.read.len() - rest.len();
        self.read.drain(..taken);
        Ok(())
    }
}

/// Connections.
const CONNECTIONS: usize = 16;

/// Queries in flight on each.
const IN_FLIGHT: usize = 16;

/// By how many queries connections are apart: a prime.
const APART: usize = 7_919;

/// Among how many of the last queries that of an answer is: some may be answered late.
const RECENT: usize = 1 << 10;

/// How long before figures are taken.
const WARM_UP: Duration = Duration::from_millis(300);

/// How long a server may say nothing.
const PATIENCE: Duration = Duration::from_secs(2);
