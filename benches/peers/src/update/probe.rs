//! Looking whether a change is there, by questions over UDP.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use crate::Outcome;

/// Sockets to a server: several, so that all that answer are asked, each of which has some of the ports.
pub struct Probe {
    /// The sockets.
    sockets: Vec<UdpSocket>,
    /// The socket that is asked through next.
    next: usize,
    /// The identifier of the last question.
    id: u16,
}

impl Probe {
    /// Sockets to a server.
    pub fn connect(port: u16) -> Outcome<Probe> {
        let connect = |_| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.connect((Ipv4Addr::LOCALHOST, port))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            Ok(socket)
        };
        let sockets = (0..SOCKETS).map(connect).collect::<Outcome<Vec<_>>>()?;
        Ok(Probe { sockets, next: 0, id: 0 })
    }

    /// Asks until a name has an address. Gives how often it had another one.
    pub fn until(&mut self, name: &[u8], address: [u8; 4]) -> Outcome<usize> {
        let end = Instant::now() + PATIENCE;
        let mut old = 0;
        while self.address(name)? != Some(address) {
            old += 1;
            if Instant::now() > end {
                return Err(format!("a change was not seen within {} s", PATIENCE.as_secs()).into());
            }
        }
        Ok(old)
    }

    /// Through how many of all sockets a name has another address.
    pub fn count_other(&mut self, name: &[u8], address: [u8; 4]) -> Outcome<usize> {
        let found = (0..SOCKETS).map(|_| self.address(name)).collect::<Outcome<Vec<_>>>()?;
        Ok(found.into_iter().filter(|found| *found != Some(address)).count())
    }

    /// The address of a name, by the first record of the answer.
    pub fn address(&mut self, name: &[u8]) -> Outcome<Option<[u8; 4]>> {
        let answer = self.ask(name)?;
        Ok((answer.records[0] > 0).then(|| answer.first_address()).flatten())
    }

    /// Asks for the A records of a name.
    pub fn ask(&mut self, name: &[u8]) -> Outcome<Answer> {
        self.id = self.id.wrapping_add(1);
        self.next = (self.next + 1) % self.sockets.len();
        let (socket, id) = (&self.sockets[self.next], self.id.to_be_bytes());
        socket.send(&[&id[..], &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0], name, &[0, 1, 0, 1]].concat())?;
        let mut octets = vec![0; 4096];
        loop {
            let length = socket.recv(&mut octets)?;
            if length >= HEADER && octets[..2] == id {
                octets.truncate(length);
                let count = |at: usize| u16::from_be_bytes([octets[at], octets[at + 1]]);
                let records = [count(6), count(8), count(10)];
                return Ok(Answer { records, after_question: HEADER + name.len() + 4, octets });
            }
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Records of the answer, of the authority section and beside them.
    pub records: [u16; 3],
    /// Where the first record is.
    after_question: usize,
    /// The message.
    octets: Vec<u8>,
}

impl Answer {
    /// Whether it sends elsewhere: not authoritative, name servers, no data.
    pub fn is_referral(&self) -> bool {
        self.octets[2] & 0x04 == 0 && self.octets[3] & 0x0f == 0 && self.records[0] == 0 && self.records[1] > 0
    }

    /// The RDATA of the first record, if that is an address.
    fn first_address(&self) -> Option<[u8; 4]> {
        let mut at = self.after_question;
        // The owner: labels up to the root or to a pointer.
        loop {
            match *self.octets.get(at)? {
                0 => break at += 1,
                length if length >= 0xc0 => break at += 2,
                length => at += 1 + usize::from(length),
            }
        }
        let record = self.octets.get(at..at + RECORD)?;
        (record[..2] == [0, 1]).then(|| [record[10], record[11], record[12], record[13]])
    }
}

/// Sockets of a probe.
pub const SOCKETS: usize = 8;

/// Octets of a message's header.
const HEADER: usize = 12;

/// Octets of an A record behind its owner.
const RECORD: usize = 14;

/// How long is waited for an answer, and for a change.
const PATIENCE: Duration = Duration::from_secs(10);
