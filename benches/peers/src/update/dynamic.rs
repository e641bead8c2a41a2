//! Asking others to change a record: dynamic updates (RFC 2136) over UDP, from an address that needs no signature.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use crate::Outcome;

/// A socket that updates go through.
pub struct Dynamic {
    /// The socket.
    socket: UdpSocket,
    /// The zone's name in wire form.
    apex: Vec<u8>,
    /// The identifier of the last update.
    id: u16,
}

impl Dynamic {
    /// Talks to a server about a zone.
    pub fn connect(port: u16, apex: &[u8]) -> Outcome<Dynamic> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Dynamic { socket, apex: apex.to_owned(), id: 0 })
    }

    /// Gives a name one address in place of those that it has, and waits until the server says that it did.
    pub fn set_address(&mut self, name: &[u8], ttl: u32, address: [u8; 4]) -> Outcome<()> {
        self.id = self.id.wrapping_add(1);
        let id = self.id.to_be_bytes();
        self.socket.send(&message(id, &self.apex, name, ttl, address))?;
        let mut answer = [0; 512];
        loop {
            let length = self.socket.recv(&mut answer)?;
            match answer[..length] {
                [first, second, flags, codes, ..] if [first, second] == id && flags & 0x80 != 0 => {
                    return match codes & 0x0f {
                        0 => Ok(()),
                        rcode => Err(format!("an update: expected NOERROR, found RCODE {rcode}").into()),
                    };
                }
                _ => {}
            }
        }
    }
}

/// The update: all A records of the name go (RFC 2136, section 2.5.2), one comes.
fn message(id: [u8; 2], apex: &[u8], name: &[u8], ttl: u32, address: [u8; 4]) -> Vec<u8> {
    let mut message = [&id[..], &[UPDATE, 0, 0, 1, 0, 0, 0, 2, 0, 0], apex, &[0, SOA, 0, IN]].concat();
    message.extend([name, &[0, A, 0, ANY, 0, 0, 0, 0, 0, 0]].concat());
    message.extend([name, &[0, A, 0, IN], &ttl.to_be_bytes(), &[0, 4], &address].concat());
    message
}

/// The opcode UPDATE at its place.
const UPDATE: u8 = 5 << 3;

/// The type SOA.
const SOA: u8 = 6;

/// The type A.
const A: u8 = 1;

/// The class IN.
const IN: u8 = 1;

/// The class ANY.
const ANY: u8 = 255;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
