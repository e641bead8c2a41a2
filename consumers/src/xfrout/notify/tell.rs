//! Sending notices, and hearing the answers.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dns::message::header::Header;
use dns::message::{Asked, is_answer_to, question};
use dns::tsig::{Checked, Verifier, seconds, sign_request};
use dns::types::Rcode;
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::ChangedZone;
use super::notices::{Due, Notices};
use crate::xfrout::desk::Desk;

/// What waits for an answer.
struct Sent {
    /// Its notice.
    number: u64,
    /// As it was sent.
    message: Vec<u8>,
    /// Checks the signature of the answer.
    verifier: Option<Verifier>,
}

/// Who tells.
struct Teller<'d> {
    /// What all of the process share.
    desk: &'d Arc<Desk>,
    /// Whom to tell what, and when.
    notices: Notices,
    /// What was sent, by where and the message's id; of each notice the last.
    sent: BTreeMap<(SocketAddr, u16), Sent>,
    /// Where that is, by the notice.
    places: BTreeMap<u64, (SocketAddr, u16)>,
    /// The sockets of both families, where there are such.
    sockets: [Option<UdpSocket>; 2],
    /// When times began.
    began: Instant,
}

/// Tells the secondaries of each zone that comes, for ever.
///
/// # Errors
///
/// There is no socket to do it.
pub(super) async fn tell(desk: &Arc<Desk>, mut changes: mpsc::Receiver<ChangedZone>) -> io::Result<()> {
    let v4 = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await;
    // A machine without IPv6 tells those that have IPv4.
    let v6 = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).await.ok();
    let mut teller = Teller {
        desk,
        notices: Notices::default(),
        sent: BTreeMap::new(),
        places: BTreeMap::new(),
        sockets: [Some(v4?), v6],
        began: Instant::now(),
    };
    let mut rooms = [[0; ANSWER_OCTETS_MAX]; 2];
    loop {
        let [room, other_room] = &mut rooms;
        let [v4, v6] = &teller.sockets;
        let due = teller.notices.next_due().map(|due| teller.began + due);
        tokio::select! {
            zone = changes.recv() => match zone {
                Some(zone) => teller.changed(&zone),
                None => return Ok(()),
            },
            Ok((length, from)) = receive(v4, room) => {
                teller.answered(room.get(..length).unwrap_or_default(), from);
            }
            Ok((length, from)) = receive(v6, other_room) => {
                teller.answered(other_room.get(..length).unwrap_or_default(), from);
            }
            () = until(due) => teller.send_due().await,
        }
    }
}

/// Waits for a datagram; for ever without a socket.
async fn receive(socket: &Option<UdpSocket>, room: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    match socket {
        Some(socket) => socket.recv_from(room).await,
        None => std::future::pending().await,
    }
}

/// Waits for a time; for ever without one.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

impl Teller<'_> {
    /// A zone has changed.
    fn changed(&mut self, zone: &ChangedZone) {
        let now = self.began.elapsed();
        for remote in self.desk.notified(zone.apex.as_ref()) {
            if let Some(before) = self.notices.changed(zone.clone(), remote, now) {
                self.forget(before);
            }
        }
    }

    /// No answer to what was sent last of a notice counts any more.
    fn forget(&mut self, number: u64) {
        let Some(place) = self.places.remove(&number) else { return };
        // Another notice may have come by the same number since.
        if self.sent.get(&place).is_some_and(|sent| sent.number == number) {
            self.sent.remove(&place);
        }
    }

    /// Sends what is due, a few at a time.
    async fn send_due(&mut self) {
        for _ in 0..BURST_MAX {
            let Some(due) = self.notices.take_due(self.began.elapsed()) else { return };
            self.forget(due.number);
            let Some((remote, addresses)) = self.desk.remote(due.remote).map(|remote| (remote, &remote.addresses))
            else {
                continue;
            };
            if due.is_given_up {
                warn!(zone = %due.apex, remote = remote.name, serial = due.serial, tries = due.tries, "notify-given-up");
                continue;
            }
            let turn = due.tries as usize % addresses.len().max(1);
            let Some(address) = addresses.get(turn) else { continue };
            self.send(&due, *address).await;
        }
        tokio::time::sleep(BURST_PAUSE).await;
    }

    /// Sends one.
    async fn send(&mut self, due: &Due, address: SocketAddr) {
        let (id, soa) = (random_id(), &due.soa);
        let mut message = question(id, due.apex.as_ref(), Asked::Notify { soa: Some((soa.ttl, &soa.rdata)) });
        let asked = message.clone();
        let key = self.desk.remote(due.remote).and_then(|remote| remote.key.as_ref());
        let key = key.and_then(|name| self.desk.keys.get(name));
        let verifier = key.map(|key| sign_request(key, &mut message, seconds(SystemTime::now())));
        self.sent.insert((address, id), Sent { number: due.number, message: asked, verifier });
        self.places.insert(due.number, (address, id));
        let [v4, v6] = &self.sockets;
        let Some(socket) = (if address.is_ipv4() { v4 } else { v6 }) else { return };
        match socket.send_to(&message, address).await {
            Ok(_) => debug!(zone = %due.apex, serial = due.serial, %address, tries = due.tries + 1, "notify-sent"),
            // It is due again later.
            Err(error) => debug!(zone = %due.apex, %address, %error, "notify-not-sent"),
        }
    }

    /// A datagram came: the answer to a notice ends it, whatever it says (RFC 1996, section 4.7).
    fn answered(&mut self, answer: &[u8], from: SocketAddr) {
        let Some(header) = Header::parse(answer) else { return };
        let place = (from, header.id);
        let Some(sent) = self.sent.get_mut(&place) else { return };
        if !is_answer_to(&sent.message, answer) {
            return;
        }
        if let Some(verifier) = &mut sent.verifier
            && !matches!(verifier.verify(answer, seconds(SystemTime::now())), Ok(Checked::Signed { .. }))
        {
            return debug!(%from, "notify-answer-not-signed");
        }
        let number = sent.number;
        self.sent.remove(&place);
        self.places.remove(&number);
        if self.notices.is_waiting(number) && self.notices.answered(number) {
            match header.rcode() {
                Rcode::NOERROR => debug!(%from, "notify-answered"),
                rcode => info!(%from, %rcode, "notify-answered"),
            }
        }
    }
}

/// An id that nobody guesses.
fn random_id() -> u16 {
    let mut octets = [0; 2];
    // So few octets come at once, or not at all: then the answer to a guess ends a notice.
    let _ = getrandom(&mut octets, GetRandomFlags::empty());
    u16::from_be_bytes(octets)
}

/// The longest answer that is read whole: a header, a question, an SOA record, OPT and TSIG.
const ANSWER_OCTETS_MAX: usize = 2048;

/// Notices sent at once: at a start there may be one for each zone.
const BURST_MAX: usize = 100;

/// The pause between so many and the next.
const BURST_PAUSE: Duration = Duration::from_millis(50);
