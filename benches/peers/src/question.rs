//! Questions over UDP, and whether what comes back is the answer.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use crate::Outcome;

/// Asks a server for names in turn until each was answered, every millisecond until the first sign of life. `is_alive` says whether
/// there is anybody to wait for. Gives the time of the last answer.
pub fn until_answered(
    port: u16,
    names: &[Vec<u8>],
    limit: Duration,
    mut is_alive: impl FnMut() -> bool,
) -> Outcome<Instant> {
    let socket = connect(port)?;
    let end = Instant::now() + limit;
    let mut is_heard = false;
    // The number of a name is the identifier of its questions, so that a late answer counts too.
    for (id, name) in (0..).zip(names) {
        let question = question(id, name);
        while !is_answered(&socket, id, &question, &mut is_heard) {
            if Instant::now() > end {
                return Err(format!("no answer within {} s", limit.as_secs()).into());
            }
            if !is_alive() {
                return Err("it ended before it answered".into());
            }
        }
    }
    Ok(Instant::now())
}

/// Asks for many names, one at a time from several ports so that all threads of a server get some. Gives how many were answered.
pub fn ask_all<'n>(port: u16, names: impl Iterator<Item = &'n [u8]>) -> Outcome<usize> {
    let sockets = (0..PORTS).map(|_| connect(port)).collect::<Outcome<Vec<_>>>()?;
    let mut answered = 0;
    for (index, name) in names.enumerate() {
        let id = index as u16;
        answered += usize::from(is_answered(&sockets[index % PORTS], id, &question(id, name), &mut true));
    }
    Ok(answered)
}

/// A port of this machine that nobody has, neither for UDP nor for TCP.
pub fn free_port() -> Outcome<u16> {
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = udp.local_addr()?.port();
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
}

/// A socket that talks to a server.
fn connect(port: u16) -> Outcome<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, port))?;
    Ok(socket)
}

/// Asks once. `is_heard` is whether the server ever said something.
fn is_answered(socket: &UdpSocket, id: u16, question: &[u8], is_heard: &mut bool) -> bool {
    // A timeout of zero is refused; these are none.
    let patience = if *is_heard { HEARD } else { UNHEARD };
    let is_sent = socket.set_read_timeout(Some(patience)).is_ok() && socket.send(question).is_ok();
    let mut answer = [0; 4096];
    loop {
        let length = match socket.recv(&mut answer) {
            Ok(length) if is_sent => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            _ => break,
        };
        *is_heard = true;
        let answer = &answer[..length];
        if answer.len() < HEADER || answer[..2] != id.to_be_bytes() {
            // To a question before this one.
            continue;
        }
        if is_the_answer(answer) {
            return true;
        }
        break;
    }
    // Refused: nobody has the port yet, or the zone is not there yet.
    std::thread::sleep(UNHEARD);
    false
}

/// Whether a message is an answer or a referral, not an error and not "no such data".
fn is_the_answer(message: &[u8]) -> bool {
    let count = |at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    let (is_response, is_authoritative) = (message[2] & 0x80 != 0, message[2] & 0x04 != 0);
    let has_no_error = message[3] & 0x0f == 0;
    is_response && has_no_error && (count(6) > 0 || !is_authoritative && count(8) > 0)
}

/// A question for an A record.
fn question(id: u16, name: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes(), &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], name, &[0, 1, 0, 1]].concat()
}

/// Octets of a message's header.
const HEADER: usize = 12;

/// How long a question waits where nothing was heard yet: short, since the figure is as exact as that.
const UNHEARD: Duration = Duration::from_millis(1);

/// How long it waits where something was: a server that is there answers within it, unless it is busy.
const HEARD: Duration = Duration::from_millis(20);

/// Ports that many names are asked from.
const PORTS: usize = 16;
