//! Dynamic updates at the edges of B80: what comes twice, is large, is signed and at fault, has odd names, or whose fate nobody knows.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bus::protocol::MEMMGR_GROUP;
use bus::protocol::messages::{DnsAnswer, FromAuth, MessageOctets, Transport};
use bus::{Client, RequestError};
use dns::tsig::{self, Algorithm, Key, VerifyError, sign_request};
use dns::types::Rcode;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};

use crate::dynamic_update::{POLICIES, Updated, ZONE, connected, receive, start, start_in, start_listening, update};
use crate::harness::{Server, skip, until};

/// How long a connection is read from.
const PATIENCE: Duration = Duration::from_secs(20);

/// A message over a connection of its own; none where that ends without an answer.
fn over_tcp(updated: &Updated, message: &[u8]) -> Option<Vec<u8>> {
    let mut stream = opened(updated, message);
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).unwrap();
    Some(answer)
}

/// A connection with a message on its way.
fn opened(updated: &Updated, message: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(updated.server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length[..], message].concat()).unwrap();
    stream
}

/// The key of the configuration.
fn key() -> Arc<Key> {
    Arc::new(Key::new("ddns.".parse().unwrap(), Algorithm::HmacSha256, b"not so secret, but long"))
}

/// Now, as signatures have it.
fn now() -> u64 {
    tsig::seconds(SystemTime::now())
}

#[test]
fn b80_a_datagram_that_comes_again_is_carried_out_once() {
    let updated = start();
    let memmgr = updated.server.memmgr_pid();
    let socket = connected(updated.server.address);
    let message = update(7, ZONE, "new.one.test. 0 NONE ANY", "new.one.test. 300 IN A 192.0.2.77");
    let query = |id: u16| {
        let mut query = crate::harness::wire::query("host1.one.test.", RecordType::A, false).to_bytes().unwrap();
        query[..2].copy_from_slice(&id.to_be_bytes());
        query
    };
    Server::signal(memmgr, "STOP");
    // As a client sends it again that has no answer yet: carried out twice, its own success would refuse it.
    for _ in 0..3 {
        socket.send(&message).unwrap();
    }
    socket.send(&query(8)).unwrap();
    assert_eq!(receive(&socket).metadata.id, 8, "queries do not wait for it");
    // From elsewhere it is another one.
    let other = connected(updated.server.address);
    other.send(&message).unwrap();
    Server::signal(memmgr, "CONT");
    let first = [receive(&socket), receive(&other)].map(|answer| (answer.metadata.id, answer.metadata.response_code));
    let won = first.iter().filter(|(id, rcode)| (*id, *rcode) == (7, ResponseCode::NoError)).count();
    assert_eq!(won, 1, "{first:?}");
    socket.send(&query(9)).unwrap();
    assert_eq!(receive(&socket).metadata.id, 9, "one answer, not three");
    assert_eq!(updated.serial(ZONE), 2);
    // Once it is answered, the same octets are a question of their own.
    socket.send(&message).unwrap();
    assert_eq!(receive(&socket).metadata.response_code, ResponseCode::YXDomain);
}

#[test]
fn b80_an_update_whose_fate_is_unknown_is_not_answered() {
    let updated = start();
    let memmgr = updated.server.memmgr_pid();
    let message = update(7, ZONE, "", "new.one.test. 300 IN A 192.0.2.77");
    let socket = connected(updated.server.address);
    socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    Server::signal(memmgr, "STOP");
    socket.send(&message).unwrap();
    let mut stream = opened(&updated, &message);
    // With the query behind it answered, the datagram was taken by the process, too.
    assert_eq!(updated.addresses("host1.one.test."), ["192.0.2.1"]);
    Server::signal(memmgr, "KILL");
    let mut octets = Vec::new();
    let end = stream.read_to_end(&mut octets);
    assert!(end.is_ok_and(|read| read == 0) || octets.is_empty(), "{octets:?}");
    let rcode = until("updates are carried out again", || {
        let rcode = Message::from_bytes(&over_tcp(&updated, &message)?).unwrap().metadata.response_code;
        (rcode != ResponseCode::ServFail).then_some(rcode)
    });
    assert_eq!((rcode, updated.addresses("new.one.test.").len()), (ResponseCode::NoError, 1));
    let mut room = [0; 512];
    let late =
        socket.recv(&mut room).map(|length| Message::from_bytes(&room[..length]).unwrap().metadata.response_code);
    // Taken when nobody was there any more it was refused, and not carried out.
    assert!(late.as_ref().is_ok_and(|rcode| *rcode == ResponseCode::ServFail) || late.is_err(), "{late:?}");
}

#[test]
fn b80_the_largest_update_is_one_step() {
    let updated = start();
    // Thirty octets each, as many as a message has room for.
    let lines: Vec<String> = (0..2183).map(|n| format!("h{n:04}.one.test. 300 IN A 192.0.2.1")).collect();
    let message = update(7, ZONE, "", &lines.join("\n"));
    assert_eq!(message.len(), 65_527);
    let answer = Message::from_bytes(&over_tcp(&updated, &message).unwrap()).unwrap();
    assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    assert_eq!(updated.serial(ZONE), 2);
    for name in ["h0000.one.test.", "h2182.one.test."] {
        assert_eq!(updated.addresses(name).len(), 1, "{name}");
    }
    // One record too many for a rule, and all of it comes to nothing.
    let broken = format!(
        "{}\none.test. 300 IN NS gone.one.test.",
        lines[..2000].join("\n").replace(" A 192.0.2.1", " A 192.0.2.2")
    );
    let answer = over_tcp(&updated, &update(8, ZONE, "", &broken)).unwrap();
    assert_eq!(Message::from_bytes(&answer).unwrap().metadata.response_code, ResponseCode::Refused);
    assert_eq!((updated.serial(ZONE), updated.addresses("h0000.one.test.")), (2, vec!["192.0.2.1".to_owned()]));
}

#[test]
fn b80_answers_to_signed_messages_are_signed_whatever_they_say() {
    let updated = start();
    let zone = "keyed.test.";
    let add = "new.keyed.test. 300 IN A 192.0.2.77";
    let outside = "new.elsewhere. 300 IN A 192.0.2.77";
    let malformed = {
        // RDATA of a name server that is no name.
        let mut message = update(7, zone, "", "new.keyed.test. 300 IN NS ns.keyed.test.");
        let opt = message.len() - 11;
        message[opt - 1] = 0xc0;
        message
    };
    let cases = [
        (update(7, zone, "host0.keyed.test. 0 NONE ANY", add), Rcode::YXDOMAIN),
        (update(7, zone, "host0.keyed.test. 0 ANY MX", add), Rcode::NXRRSET),
        (update(7, zone, "", outside), Rcode::NOTZONE),
        (update(7, "elsewhere.", "", outside), Rcode::NOTAUTH),
        (update(7, "closed.test.", "", "new.closed.test. 300 IN A 192.0.2.77"), Rcode::REFUSED),
        (update(7, zone, "", "new.keyed.test. 300 IN AXFR"), Rcode::FORMERR),
        (malformed, Rcode::FORMERR),
        (update(7, zone, "", add), Rcode::NOERROR),
    ];
    for (message, expected) in cases {
        let mut signed = message.clone();
        let mut verifier = sign_request(&key(), &mut signed, now());
        let answer = over_tcp(&updated, &signed).unwrap();
        verifier.verify(&answer, now()).unwrap_or_else(|error| panic!("{expected}: {error}"));
        assert!(verifier.is_settled());
        assert_eq!(Message::from_bytes(&answer).unwrap().metadata.response_code, expected.0.into());
    }
    // Too old, with the server's time in a signed answer; and what is not signed at all stays so.
    let mut signed = update(7, zone, "", add);
    let mut verifier = sign_request(&key(), &mut signed, now() - 1000);
    let answer = over_tcp(&updated, &signed).unwrap();
    let error = verifier.verify(&answer, now()).unwrap_err();
    assert!(
        matches!(error, VerifyError::Peer { error: Rcode::BADTIME, time: Some(time) } if time.abs_diff(now()) < 60),
        "{error}"
    );
    let answer = over_tcp(&updated, &update(7, zone, "", add)).unwrap();
    assert_eq!(tsig::find(&answer), Ok(None));
    assert_eq!(updated.serial(zone), 2);
}

#[test]
fn b80_wildcards_and_odd_octets_are_names_as_any_others() {
    let updated = start();
    let rcode = |prerequisites: &str, records: &str| updated.rcode(ZONE, prerequisites, records);
    assert_eq!(rcode("*.w.one.test. 0 NONE ANY", "*.w.one.test. 300 IN A 192.0.2.77"), ResponseCode::NoError);
    assert_eq!(updated.addresses("any.w.one.test."), ["192.0.2.77"]);
    // The wildcard is there, what it stands for is not.
    assert_eq!(rcode("*.w.one.test. 0 ANY A", ""), ResponseCode::NoError);
    assert_eq!(rcode("any.w.one.test. 0 ANY ANY", ""), ResponseCode::NXDomain);
    assert_eq!(
        rcode("any.w.one.test. 0 NONE ANY\nw.one.test. 0 NONE ANY", "any.w.one.test. 0 ANY ANY"),
        ResponseCode::NoError
    );
    assert_eq!((updated.addresses("any.w.one.test.").len(), updated.serial(ZONE)), (1, 2));
    assert_eq!(rcode("", "*.w.one.test. 0 NONE A 192.0.2.77"), ResponseCode::NoError);
    assert_eq!(updated.addresses("any.w.one.test."), Vec::<String>::new());
    for odd in [r"a\.b.one.test.", r"\000\255.one.test.", r"\@\$\(.one.test.", r"\*a.one.test."] {
        assert_eq!(rcode("", &format!("{odd} 300 IN TXT x")), ResponseCode::NoError, "{odd}");
        assert_eq!(rcode(&format!("{odd} 0 IN TXT x"), &format!("{odd} 0 ANY ANY")), ResponseCode::NoError, "{odd}");
        assert_eq!(rcode(&format!("{odd} 0 NONE ANY"), ""), ResponseCode::NoError, "{odd}");
    }
    assert_eq!(rcode("b.one.test. 0 NONE ANY", r"a\.b.one.test. 300 IN TXT x"), ResponseCode::NoError);
    assert_eq!(rcode("a.b.one.test. 0 NONE ANY\nb.one.test. 0 NONE ANY", ""), ResponseCode::NoError);
}

#[test]
fn b80_rules_are_kept_to_the_letter() {
    let policies = r"
[[zone]]
name = 'one.test.'
allow-update = [
    { from = '127.0.0.1', names = '\*.w.one.test.', types = ['A'] },
    { from = '127.0.0.1', names = ['*.dyn.one.test.', 'Own.one.test.'] },
    { from = '192.0.2.0/24' },
]
[[zone]]
name = 'part.test.'
allow-update = [{ from = '192.0.2.0/24' }]
";
    let updated = start_in(tempfile::tempdir().unwrap(), policies);
    let cases = [
        ("*.w.one.test. 300 IN A 192.0.2.1", ResponseCode::NoError),
        ("*.w.one.test. 300 IN AAAA 2001:db8::1", ResponseCode::Refused),
        ("*.w.one.test. 0 ANY ANY", ResponseCode::Refused),
        ("*.w.one.test. 0 ANY A", ResponseCode::NoError),
        ("x.w.one.test. 300 IN A 192.0.2.1", ResponseCode::Refused),
        ("w.one.test. 300 IN A 192.0.2.1", ResponseCode::Refused),
        ("x.dyn.one.test. 300 IN A 192.0.2.1", ResponseCode::NoError),
        ("*.dyn.one.test. 300 IN TXT x", ResponseCode::NoError),
        ("b.a.DYN.one.test. 300 IN MX 10 x.", ResponseCode::NoError),
        ("x.dyn.one.test. 0 ANY ANY", ResponseCode::NoError),
        ("*.dyn.one.test. 0 NONE TXT x", ResponseCode::NoError),
        ("dyn.one.test. 300 IN A 192.0.2.1", ResponseCode::Refused),
        (r"x\.dyn.one.test. 300 IN A 192.0.2.1", ResponseCode::Refused),
        ("own.ONE.test. 300 IN A 192.0.2.1", ResponseCode::NoError),
        ("a.own.one.test. 300 IN A 192.0.2.1", ResponseCode::Refused),
        ("one.test. 300 IN SOA ns.one.test. h.one.test. 99 1 1 1 1", ResponseCode::Refused),
        ("one.test. 0 ANY ANY", ResponseCode::Refused),
    ];
    for (record, expected) in cases {
        assert_eq!(updated.rcode(ZONE, "", record), expected, "{record}");
    }
    // Whoever may change nothing learns nothing.
    for prerequisite in ["host0.part.test. 0 NONE ANY", "host0.part.test. 0 ANY ANY", "host0.part.test. 1 ANY ANY"] {
        assert_eq!(updated.rcode("part.test.", prerequisite, ""), ResponseCode::Refused);
    }
}

#[test]
fn b80_an_answer_comes_from_the_address_that_was_asked() {
    let updated = start_listening(tempfile::tempdir().unwrap(), "0.0.0.0:0", POLICIES);
    let port = updated.server.address.port();
    for last in 1..=3u8 {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        // Connected, it takes answers from this address alone.
        socket.connect((Ipv4Addr::new(127, 0, 0, last), port)).unwrap();
        socket.send(&update(7, ZONE, "", &format!("new{last}.one.test. 300 IN A 192.0.2.77"))).unwrap();
        assert_eq!(receive(&socket).metadata.response_code, ResponseCode::NoError, "127.0.0.{last}");
    }
    // The same octets to another address are another message.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let message = update(7, ZONE, "", "new.one.test. 300 IN A 192.0.2.77");
    let memmgr = updated.server.memmgr_pid();
    Server::signal(memmgr, "STOP");
    for last in 1..=2 {
        socket.send_to(&message, (Ipv4Addr::new(127, 0, 0, last), port)).unwrap();
    }
    Server::signal(memmgr, "CONT");
    let mut from: Vec<_> = (0..2).map(|_| socket.recv_from(&mut [0; 512]).unwrap().1.ip().to_string()).collect();
    from.sort();
    assert_eq!(from, ["127.0.0.1", "127.0.0.2"]);
}

#[test]
fn b80_knsupdate_changes_a_zone() {
    let updated = start();
    let run = |lines: &str| {
        let mut command = Command::new("knsupdate");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let (ip, port) = (updated.server.address.ip(), updated.server.address.port());
        let script = format!("server {ip} {port}\nzone {ZONE}\n{lines}\nsend\nquit\n");
        child.stdin.take()?.write_all(script.as_bytes()).ok()?;
        let output = child.wait_with_output().ok()?;
        Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let Some(said) = run("prereq nxdomain new.one.test.\nupdate add new.one.test. 300 A 192.0.2.77") else {
        return skip("b80_knsupdate_changes_a_zone", "there is no knsupdate (Debian: knot-dnsutils)");
    };
    assert_eq!((updated.addresses("new.one.test.").len(), updated.serial(ZONE)), (1, 2), "{said}");
    let said = run("prereq nxdomain new.one.test.\nupdate del new.one.test.").unwrap();
    assert!(said.contains("YXDOMAIN"), "{said}");
    let said = run("prereq yxrrset new.one.test. A 192.0.2.77\nupdate del new.one.test. A").unwrap();
    assert_eq!((updated.addresses("new.one.test.").len(), updated.serial(ZONE)), (0, 3), "{said}");
}

/// A policy with which a stopped process is waited for, and who may change what.
fn patient() -> String {
    format!("[memmgr]\nswitch-timeout = '60s'\nstall-timeout = '60s'\n{POLICIES}")
}

/// Passes a message on as auth does, and waits so long for the answer.
async fn relayed(client: &Client, message: Vec<u8>, patience: Duration) -> Result<ResponseCode, RequestError> {
    let message = MessageOctets(message);
    let word = FromAuth::DnsMessage { message, client: [127, 0, 0, 1].into(), transport: Transport::Udp };
    let reply = client.request(&MEMMGR_GROUP.into(), &word, &[], patience).await?;
    let MessageOctets(answer) = reply.parse::<DnsAnswer>().unwrap().answer.unwrap();
    Ok(Message::from_bytes(&answer).unwrap().metadata.response_code)
}

/// An event loop, and a connection to the bus.
fn on_the_bus(updated: &Updated) -> (tokio::runtime::Runtime, Client) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connected = runtime.block_on(Client::connect(&updated.server.state.join("bus.sock"), "relay"));
    (runtime, connected.unwrap().0)
}

#[test]
fn b80_an_update_that_nobody_waits_for_any_more_is_not_begun() {
    let updated = start_in(tempfile::tempdir().unwrap(), &patient());
    let (runtime, client) = on_the_bus(&updated);
    let add = |name: &str| update(7, ZONE, "", &format!("{name}.one.test. 300 IN A 192.0.2.77"));
    let stopped = updated.server.auth_pids()[0];
    Server::signal(stopped, "STOP");
    // The first is on its way to a process that does not take it, the second is built behind it, the third is not begun.
    for name in ["first", "second", "third"] {
        let given_up = runtime.block_on(relayed(&client, add(name), Duration::from_millis(200)));
        assert!(matches!(given_up, Err(RequestError::DeadlinePassed { .. })), "{given_up:?}");
    }
    Server::signal(stopped, "CONT");
    assert_eq!(runtime.block_on(relayed(&client, add("fourth"), PATIENCE)).unwrap(), ResponseCode::NoError);
    let found =
        ["first", "second", "third", "fourth"].map(|name| updated.addresses(&format!("{name}.one.test.")).len());
    assert_eq!((found, updated.serial(ZONE)), ([1, 1, 0, 1], 4), "{}", updated.server.log());
    assert!(updated.server.log().contains("update-overdue"), "{}", updated.server.log());
}

#[test]
fn b80_so_many_updates_wait_and_more_are_refused_at_once() {
    /// Updates that wait at the most.
    const WAITING_MAX: usize = 1024;
    /// Updates that are sent by each of two.
    const EACH: usize = 600;
    /// Those that find no place at the least.
    const REFUSED_MIN: usize = 100;
    let updated = start_in(tempfile::tempdir().unwrap(), &patient());
    let (runtime, first) = on_the_bus(&updated);
    let (second, _incoming) =
        runtime.block_on(Client::connect(&updated.server.state.join("bus.sock"), "relay")).unwrap();
    let clients = [Arc::new(first), Arc::new(second)];
    let stopped = updated.server.auth_pids()[0];
    Server::signal(stopped, "STOP");
    let (mut refused, mut taken) = (0, 0);
    runtime.block_on(async {
        let mut asked = tokio::task::JoinSet::new();
        for number in 0..2 * EACH {
            let client = Arc::clone(&clients[number % 2]);
            let message = update(7, ZONE, "", &format!("n{number}.one.test. 300 IN A 192.0.2.77"));
            asked.spawn(async move { relayed(&client, message, PATIENCE).await.unwrap() });
        }
        while let Some(answer) = asked.join_next().await {
            match answer.unwrap() {
                ResponseCode::ServFail => refused += 1,
                ResponseCode::NoError => taken += 1,
                other => panic!("{other}"),
            }
            if refused == REFUSED_MIN && taken == 0 {
                assert!(updated.server.log().contains("updates-too-many"));
                Server::signal(stopped, "CONT");
            }
        }
    });
    // Beside those that wait some are in generations on their way.
    assert!(refused >= REFUSED_MIN && taken >= WAITING_MAX && refused + taken == 2 * EACH, "{refused} and {taken}");
    assert_eq!(updated.serial(ZONE), 1 + u32::try_from(taken).unwrap());
}
