//! Secondaries are told of changes (B77).

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bus::protocol::control::Reached;
use dns::message::{Header, Records, header};
use dns::tsig::{Algorithm, Key, Keys, seconds, verify_request};
use dns::types::{Opcode, Rtype};

use super::client::{Client, axfr, key};
use super::configured::{Configured, keys, secret};
use super::{ZONE, install, until_linked};
use crate::changes::Changer;
use crate::harness::{Server, until, zones};

/// Somebody who is told.
struct Told {
    /// Where.
    socket: UdpSocket,
    /// The key that what comes is to be signed with.
    key: Option<Arc<Key>>,
}

/// What somebody is told.
struct Notice {
    /// The message.
    message: Vec<u8>,
    /// Who told.
    from: SocketAddr,
    /// The zone.
    zone: String,
    /// Its serial.
    serial: u32,
}

impl Told {
    /// Somebody on a free port.
    fn new(key: Option<Arc<Key>>) -> Told {
        Told { socket: UdpSocket::bind("127.0.0.1:0").unwrap(), key }
    }

    /// The table of it under a name.
    fn table(&self, name: &str) -> String {
        let address = self.socket.local_addr().unwrap();
        let key = self.key.as_ref().map(|key| format!("key = \"{}\"\n", key.name())).unwrap_or_default();
        format!("[[remote]]\nname = \"{name}\"\naddresses = [\"{address}\"]\n{key}")
    }

    /// What comes next within this time.
    fn next(&self, within: Duration) -> Option<Notice> {
        self.socket.set_read_timeout(Some(within)).unwrap();
        let mut room = [0; 2048];
        let (length, from) = self.socket.recv_from(&mut room).ok()?;
        let message = room[..length].to_vec();
        let mut records = Records::of(&message).unwrap();
        let (header, question) = (records.header(), records.question().unwrap());
        assert_eq!((header.opcode(), question.rtype), (Opcode::NOTIFY, Rtype::SOA));
        let zone = question.name.to_name().to_string();
        let soa = records.read().unwrap().expect("the SOA record as a hint");
        assert_eq!(soa.rtype, Rtype::SOA);
        let at = soa.rdata.len() - 20;
        let serial = u32::from_be_bytes(soa.rdata[at..at + 4].try_into().unwrap());
        if let Some(key) = &self.key {
            let keys = Keys::from_iter([Arc::clone(key)]);
            assert!(verify_request(&message, &keys, now()).unwrap().is_some(), "it is signed");
        }
        Some(Notice { message, from, zone, serial })
    }

    /// The next one within a quarter of a minute.
    fn expect(&self) -> Notice {
        self.next(Duration::from_secs(15)).expect("a notice")
    }

    /// Answers, signed with a key or not at all.
    fn answer(&self, notice: &Notice, key: Option<&Arc<Key>>) {
        let question = Records::of(&notice.message).unwrap().question().unwrap().wire;
        let asked = Header::parse(&notice.message).unwrap();
        let header = Header { id: asked.id, flags: asked.flags | header::QR, counts: [1, 0, 0, 0] };
        let mut answer = [&header.to_wire()[..], question].concat();
        if let Some(key) = key {
            let keys = Keys::from_iter([Arc::clone(self.key.as_ref().unwrap())]);
            let verified = verify_request(&notice.message, &keys, now()).unwrap().unwrap();
            match key.name() == verified.key().name() {
                true => verified.signer().sign(&mut answer, now()),
                false => drop(dns::tsig::sign_request(key, &mut answer, now())),
            }
        }
        self.socket.send_to(&answer, notice.from).unwrap();
    }
}

/// The time.
fn now() -> u64 {
    seconds(SystemTime::now())
}

/// A server that tells one, on one zone.
fn start(auth: usize, told: &Told) -> Configured {
    let tables = format!("{}{}[transfers]\nallow = [\"127.0.0.1\"]\nnotify = [\"told\"]\n", keys(), told.table("told"));
    let server = Configured::start_many(auth, "127.0.0.1:0", &tables, |directory| install(directory, 1, 3));
    until_linked(&server);
    server
}

#[test]
fn b77_each_change_is_told_and_an_answer_ends_it() {
    let told = Told::new(None);
    let server = start(1, &told);
    // What it has at its start too: it does not know whom that was told.
    let notice = told.expect();
    assert_eq!((notice.zone.as_str(), notice.serial), (ZONE, 1));
    told.answer(&notice, None);
    let changer = Changer::connect(&server.state);
    for serial in 2..6 {
        changer.update(ZONE, &format!("add new{serial} 60 A 192.0.2.1\n"), Reached::Visible).unwrap();
        let notice = told.expect();
        assert_eq!((notice.zone.as_str(), notice.serial), (ZONE, serial));
        assert_eq!(Client::to(&server).axfr(ZONE).serials()[0], serial, "and it can be had by then");
        told.answer(&notice, None);
    }
    install(&server.zones, 9, 3);
    server.reload();
    let notice = told.expect();
    assert_eq!(notice.serial, 9);
    told.answer(&notice, None);
    assert!(told.next(Duration::from_secs(4)).is_none(), "it was answered");
}

#[test]
fn b77_what_is_not_answered_is_told_again_with_growing_waits() {
    let told = Told::new(None);
    let server = start(1, &told);
    let first = told.expect();
    let mut times = vec![Instant::now()];
    for _ in 0..3 {
        let again = told.expect();
        assert_eq!(again.serial, 1);
        assert_ne!(again.message[..2], first.message[..2], "under another id");
        times.push(Instant::now());
    }
    let waits: Vec<u128> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    let is_about = |(wait, expected): (&u128, u128)| *wait > expected * 9 / 10 && *wait < expected * 2 + 500;
    assert!(waits.iter().zip([1000, 2000, 4000]).all(is_about), "{waits:?}");
    // A change takes the place of what was to be told.
    install(&server.zones, 2, 3);
    server.reload();
    let notice = told.expect();
    assert_eq!(notice.serial, 2);
    told.answer(&notice, None);
    assert!(told.next(Duration::from_secs(5)).is_none());
}

#[test]
fn b77_what_is_told_is_signed_and_so_must_be_the_answer() {
    let own = key("hmac-sha256.", Algorithm::HmacSha256, &secret());
    let told = Told::new(Some(Arc::clone(&own)));
    let _server = start(1, &told);
    // Neither an unsigned answer nor one of somebody else ends it.
    let notice = told.expect();
    told.answer(&notice, None);
    let notice = told.expect();
    told.answer(&notice, Some(&key("hmac-sha512.", Algorithm::HmacSha512, &secret())));
    let notice = told.expect();
    told.answer(&notice, Some(&own));
    assert!(told.next(Duration::from_secs(6)).is_none());
}

#[test]
fn b77_each_zone_has_its_own_list() {
    let (all, one) = (Told::new(None), Told::new(None));
    let tables = format!(
        "{}{}[transfers]\nallow = [\"127.0.0.1\"]\nnotify = [\"all\"]\n[[zone]]\nname = \"quiet.test.\"\nnotify = []\n\
         [[zone]]\nname = \"loud.test.\"\nnotify = [\"all\", \"one\"]\n",
        all.table("all"),
        one.table("one")
    );
    let apexes = ["plain.test.", "quiet.test.", "loud.test."];
    let server = Configured::start("127.0.0.1:0", &tables, |directory| {
        apexes.iter().for_each(|apex| zones::install(directory, &format!("{apex}zone"), &zones::small(apex, 1, 1)));
    });
    // Everything that both are told, whoever was told it.
    let heard = || {
        let (mut heard, began) = (Vec::new(), Instant::now());
        while began.elapsed() < Duration::from_secs(3) {
            for (name, told) in [("all", &all), ("one", &one)] {
                if let Some(notice) = told.next(Duration::from_millis(20)) {
                    told.answer(&notice, None);
                    heard.push(format!("{name}: {} {}", notice.zone, notice.serial));
                }
            }
        }
        heard.sort();
        heard
    };
    assert_eq!(heard(), ["all: loud.test. 1", "all: plain.test. 1", "one: loud.test. 1"]);
    for apex in apexes {
        zones::install(&server.zones, &format!("{apex}zone"), &zones::small(apex, 2, 1));
    }
    server.reload();
    assert_eq!(heard(), ["all: loud.test. 2", "all: plain.test. 2", "one: loud.test. 2"]);
}

#[test]
fn b77_nothing_is_told_or_given_away_before_every_auth_has_it() {
    let told = Told::new(None);
    let server = start(2, &told);
    told.answer(&told.expect(), None);
    let stopped = server.auth_pids()[0];
    Server::signal(stopped, "STOP");
    install(&server.zones, 2, 3);
    let (reload, began) = (server.begin_reload(), Instant::now());
    // Until the one that is stopped is given up, nobody learns of the new version from us.
    let mut client = Client::to(&server);
    client.send(&[axfr(ZONE)]);
    while began.elapsed() < Duration::from_secs(3) {
        assert!(told.next(Duration::from_millis(100)).is_none());
        if let Some(message) = client.try_read(Duration::from_millis(100)) {
            let answers = Records::of(&message).unwrap().header().counts[1];
            assert_eq!(answers, 2 + 2 + 6, "{:02x?}", &message[..12]);
            let serial = serial_in(&message);
            assert_eq!(serial, 1, "it was asked before");
        }
    }
    Server::signal(stopped, "CONT");
    let notice = told.expect();
    assert_eq!(notice.serial, 2);
    told.answer(&notice, None);
    server.end_reload(reload);
    until("it is given away", || (Client::to(&server).axfr(ZONE).serials() == [2, 2]).then_some(()));
}

/// The serial of the first SOA record of a message.
fn serial_in(message: &[u8]) -> u32 {
    let mut records = Records::of(message).unwrap();
    let soa = records.read().unwrap().unwrap();
    let at = soa.rdata.len() - 20;
    u32::from_be_bytes(soa.rdata[at..at + 4].try_into().unwrap())
}
