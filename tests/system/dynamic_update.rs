//! Dynamic updates over the wire (B80), by Debian's `nsupdate` and by messages written octet by octet.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use dns::text::zonefile;
use dns::types::{Class, Rtype};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsCode;
use hickory_proto::rr::{RData, RecordType};
use hickory_proto::serialize::binary::BinDecodable;
use tempfile::TempDir;
use zone_segment::Name;

use crate::durability::kill_all;
use crate::harness::{Server, skip, until, zones};

/// The zone that everybody on this machine may change.
pub(crate) const ZONE: &str = "one.test.";

/// The secret of the key, as `nsupdate` and the configuration take it.
const SECRET: &str = "bm90IHNvIHNlY3JldCwgYnV0IGxvbmc=";

/// A secret that the server does not know.
const GUESS: &str = "Z3Vlc3NlZCwgYW5kIHF1aXRlIHdyb25n";

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who may change what.
pub(crate) const POLICIES: &str = "\
[[key]]\nname = 'ddns.'\nalgorithm = 'hmac-sha256'\nsecret-file = 'ddns.secret'
[[zone]]\nname = 'one.test.'\nallow-update = [{ from = '127.0.0.1' }]
[[zone]]\nname = 'signed.test.'\nallow-update = [{ from = '127.0.0.1' }]
[[zone]]\nname = 'keyed.test.'\nallow-update = [{ key = 'ddns.' }]
[[zone]]\nname = 'part.test.'\nallow-update = [{ key = 'ddns.', names = '*.dyn.part.test.', types = ['A', 'AAAA'] }]
";

/// A server with a folder of its own.
pub(crate) struct Updated {
    /// The server.
    pub(crate) server: Server,
    /// Where it lies.
    pub(crate) directory: TempDir,
}

/// Starts a server in a folder, on what is there; in an empty one on small zones of serial 1.
pub(crate) fn start_in(directory: TempDir, policies: &str) -> Updated {
    start_listening(directory, "127.0.0.1:0", policies)
}

/// The same, listening at this address.
pub(crate) fn start_listening(directory: TempDir, listen: &str, policies: &str) -> Updated {
    let (zones, state) = (directory.path().join("zones"), directory.path().join("state"));
    let config = directory.path().join("trine.toml");
    if !zones.exists() {
        std::fs::create_dir(&zones).unwrap();
        for apex in [ZONE, "keyed.test.", "part.test.", "closed.test."] {
            zones::install(&zones, &format!("{apex}zone"), &zones::small(apex, 1, 3));
        }
        let signature = "@ RRSIG SOA 13 2 300 20400101000000 20260101000000 1 signed.test. AAAA\n";
        let signed = zones::small("signed.test.", 1, 1) + signature;
        zones::install(&zones, "signed.test.zone", &signed);
        write_secret(&directory.path().join("ddns.secret"));
        let text = format!(
            "version = 1\n[server]\nlisten = '{listen}'\nauth = 2\nstate = 'state'\n[zones]\ndirectory = 'zones'\n{policies}"
        );
        std::fs::write(&config, text).unwrap();
    }
    Updated { server: Server::start_configured(&config, &zones, &state), directory }
}

/// Starts one in a folder of its own.
pub(crate) fn start() -> Updated {
    start_in(tempfile::tempdir().unwrap(), POLICIES)
}

/// Writes the key's secret where nobody else may read it.
fn write_secret(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(SECRET.as_bytes()).unwrap();
}

impl Updated {
    /// Runs `nsupdate` with these further arguments on these lines; none where there is no `nsupdate`.
    fn nsupdate(&self, arguments: &[&str], zone: &str, lines: &str) -> Output {
        let mut command = Command::new("nsupdate");
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (ip, port) = (self.server.address.ip(), self.server.address.port());
        let script = format!("server {ip} {port}\nzone {zone}\n{lines}\nsend\n");
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// The same, which has to succeed.
    fn nsupdate_succeeds(&self, arguments: &[&str], zone: &str, lines: &str) {
        let output = self.nsupdate(arguments, zone, lines);
        assert!(output.status.success(), "{lines}\n{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The same, which has to fail; what it says.
    fn nsupdate_fails(&self, arguments: &[&str], zone: &str, lines: &str) -> String {
        let output = self.nsupdate(arguments, zone, lines);
        assert!(!output.status.success(), "{lines}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// The addresses that a name has.
    pub(crate) fn addresses(&self, name: &str) -> Vec<String> {
        let answer = self.server.wire().udp(name, RecordType::A);
        let address = |data: &RData| match data {
            RData::A(address) => Some(address.0.to_string()),
            _ => None,
        };
        let mut addresses: Vec<String> = answer.answers.iter().filter_map(|record| address(&record.data)).collect();
        addresses.sort();
        addresses
    }

    /// The serial of a zone.
    pub(crate) fn serial(&self, zone: &str) -> u32 {
        self.server.wire().serial(zone).unwrap()
    }

    /// Sends an update over UDP.
    pub(crate) fn update(&self, zone: &str, prerequisites: &str, records: &str) -> Message {
        let socket = connected(self.server.address);
        socket.send(&update(1, zone, prerequisites, records)).unwrap();
        receive(&socket)
    }

    /// The code that an update is answered with.
    pub(crate) fn rcode(&self, zone: &str, prerequisites: &str, records: &str) -> ResponseCode {
        self.update(zone, prerequisites, records).metadata.response_code
    }
}

/// Whether there is an `nsupdate`; without one the test is skipped.
pub(crate) fn has_nsupdate(test: &str) -> bool {
    let is_there = Command::new("nsupdate").arg("-V").output().is_ok();
    if !is_there {
        skip(test, "there is no nsupdate (Debian: bind9-dnsutils)");
    }
    is_there
}

/// A socket that speaks to the server.
pub(crate) fn connected(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(server).unwrap();
    socket
}

/// The next answer.
pub(crate) fn receive(socket: &UdpSocket) -> Message {
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).unwrap();
    Message::from_bytes(&answer[..length]).unwrap()
}

/// An update of a zone: records a line each, `OWNER TTL CLASS TYPE RDATA`, absolute owners; without RDATA it is empty.
pub(crate) fn update(id: u16, zone: &str, prerequisites: &str, records: &str) -> Vec<u8> {
    let wire = |name: &str| name.parse::<Name>().unwrap().as_wire().to_vec();
    let count = |lines: &str| u16::try_from(lines.lines().count()).unwrap().to_be_bytes();
    let counts = [[0, 1], count(prerequisites), count(records), [0, 1]];
    let mut message = [&id.to_be_bytes()[..], &[5 << 3, 0], counts.as_flattened(), &wire(zone)].concat();
    message.extend([0, 6, 0, 1]);
    for line in prerequisites.lines().chain(records.lines()) {
        let mut fields = line.splitn(5, ' ');
        let mut field = || fields.next().unwrap_or_default();
        let (owner, ttl, class, rtype, rdata) = (field(), field(), field(), field(), field());
        let (class, rtype): (Class, Rtype) = (class.parse().unwrap(), rtype.parse().unwrap());
        let data = match rdata {
            "" => Box::default(),
            rdata => {
                let entry = format!("{owner} 0 {rtype} {rdata}\n");
                let file = zonefile::read_octets(Path::new("x"), entry.as_bytes(), &zone.parse().unwrap());
                assert_eq!(file.errors, [], "{line}");
                file.columns.to_records().swap_remove(0).rdata
            }
        };
        message.extend(wire(owner));
        message.extend([rtype.0.to_be_bytes(), class.0.to_be_bytes()].concat());
        message.extend(ttl.parse::<u32>().unwrap().to_be_bytes());
        message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        message.extend(data);
    }
    // With EDNS, so that an error comes with its reason.
    message.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    message
}

/// The reason that an answer gives for its code.
fn reason(answer: &Message) -> String {
    let options = &answer.edns.as_ref().unwrap().options().options;
    let error = options.iter().find(|(code, _)| u16::from(*code) == 15).map(|(_, option)| option);
    match error {
        Some(hickory_proto::rr::rdata::opt::EdnsOption::Unknown(_, octets)) => {
            String::from_utf8_lossy(&octets[2..]).into_owned()
        }
        other => panic!("{other:?} {:?}", EdnsCode::from(15)),
    }
}

#[test]
fn b80_nsupdate_changes_a_zone() {
    if !has_nsupdate("b80_nsupdate_changes_a_zone") {
        return;
    }
    let updated = start();
    updated.nsupdate_succeeds(&[], ZONE, "update add new.one.test. 300 A 192.0.2.77");
    assert_eq!((updated.addresses("new.one.test."), updated.serial(ZONE)), (vec!["192.0.2.77".to_owned()], 2));
    let lines = "prereq yxrrset new.one.test. A 192.0.2.77\nupdate add new.one.test. 300 A 192.0.2.78";
    updated.nsupdate_succeeds(&["-v"], ZONE, lines);
    assert_eq!((updated.addresses("new.one.test.").len(), updated.serial(ZONE)), (2, 3));
    let said = updated.nsupdate_fails(&[], ZONE, "prereq nxdomain new.one.test.\nupdate delete new.one.test.");
    assert!(said.contains("YXDOMAIN"), "{said}");
    assert_eq!((updated.addresses("new.one.test.").len(), updated.serial(ZONE)), (2, 3));
    updated.nsupdate_succeeds(&["-v"], ZONE, "update delete new.one.test. A\nupdate delete host0.one.test.");
    assert_eq!((updated.addresses("new.one.test."), updated.serial(ZONE)), (vec![], 4));
    assert_eq!(updated.addresses("host0.one.test."), Vec::<String>::new());
    // More than a datagram, in one message.
    let many: String = (0..1000).map(|n| format!("update add h{n}.one.test. 300 A 192.0.2.1\n")).collect();
    updated.nsupdate_succeeds(&[], ZONE, &many);
    assert_eq!((updated.addresses("h999.one.test.").len(), updated.serial(ZONE)), (1, 5));
    // An SOA that is brought.
    updated.nsupdate_succeeds(&[], ZONE, "update add one.test. 300 SOA ns.one.test. hostmaster.one.test. 99 1 1 1 1");
    assert_eq!(updated.serial(ZONE), 99);
}

#[test]
fn b80_nsupdate_signs_with_a_key_that_is_checked() {
    if !has_nsupdate("b80_nsupdate_signs_with_a_key_that_is_checked") {
        return;
    }
    let updated = start();
    let key = |secret: &str| format!("hmac-sha256:ddns.:{secret}");
    let line = |zone: &str| format!("update add new.{zone} 300 A 192.0.2.77");
    let said = updated.nsupdate_fails(&[], "keyed.test.", &line("keyed.test."));
    assert!(said.contains("REFUSED"), "{said}");
    for wrong in [key(GUESS), format!("hmac-sha256:other.:{SECRET}"), format!("hmac-sha512:ddns.:{SECRET}")] {
        let said = updated.nsupdate_fails(&["-y", &wrong], "keyed.test.", &line("keyed.test."));
        assert!(said.contains("NOTAUTH"), "{wrong}: {said}");
    }
    assert_eq!(updated.serial("keyed.test."), 1);
    // That the answer is signed is checked by nsupdate.
    for (arguments, count) in [(&["-v"][..], 1), (&[], 2)] {
        let key = key(SECRET);
        let arguments = [arguments, &["-y", &key]].concat();
        updated.nsupdate_succeeds(
            &arguments,
            "keyed.test.",
            &format!("update add new.keyed.test. 300 A 192.0.2.{count}"),
        );
        assert_eq!(updated.addresses("new.keyed.test.").len(), count);
    }
    // Names and types that the key is for, and others.
    let arguments = ["-y", &key(SECRET)];
    updated.nsupdate_succeeds(&arguments, "part.test.", "update add a.dyn.part.test. 300 A 192.0.2.77");
    for beyond in ["update add a.part.test. 300 A 192.0.2.1", "update add a.dyn.part.test. 300 TXT x"] {
        let lines = format!("update add b.dyn.part.test. 300 A 192.0.2.77\n{beyond}");
        let said = updated.nsupdate_fails(&arguments, "part.test.", &lines);
        assert!(said.contains("REFUSED"), "{beyond}: {said}");
    }
    assert_eq!(updated.serial("part.test."), 2);
    let said = updated.nsupdate_fails(&arguments, "closed.test.", &line("closed.test."));
    assert!(said.contains("REFUSED"), "{said}");
}

#[test]
fn b80_each_case_has_its_code_and_what_fails_changes_nothing() {
    let updated = start();
    let add = "new.one.test. 300 IN A 192.0.2.77";
    let cases = [
        ("host9.one.test. 0 ANY ANY", add, ResponseCode::NXDomain),
        ("host0.one.test. 0 NONE ANY", add, ResponseCode::YXDomain),
        ("host0.one.test. 0 ANY AAAA", add, ResponseCode::NXRRSet),
        ("host0.one.test. 0 NONE A", add, ResponseCode::YXRRSet),
        ("host0.one.test. 0 IN A 192.0.2.99", add, ResponseCode::NXRRSet),
        ("host0.one.test. 7 ANY ANY", add, ResponseCode::FormErr),
        ("host0.two.test. 0 NONE ANY", add, ResponseCode::NotZone),
        ("", "new.two.test. 300 IN A 192.0.2.77", ResponseCode::NotZone),
        ("", "new.one.test. 300 ANY A", ResponseCode::FormErr),
        ("", "new.one.test. 300 IN AXFR", ResponseCode::FormErr),
        ("", "one.test. 300 IN NS gone.one.test.", ResponseCode::Refused),
    ];
    for (prerequisites, records, expected) in cases {
        // What comes before what is at fault is not carried out either.
        let records = format!("{add}\n{records}");
        assert_eq!(updated.rcode(ZONE, prerequisites, &records), expected, "{prerequisites} {records}");
    }
    assert_eq!(updated.rcode("elsewhere.test.", "", "new.elsewhere.test. 300 IN A 192.0.2.77"), ResponseCode::NotAuth);
    assert_eq!(updated.rcode("closed.test.", "", "new.closed.test. 300 IN A 192.0.2.77"), ResponseCode::Refused);
    assert_eq!((updated.serial(ZONE), updated.addresses("new.one.test.")), (1, vec![]));
    let all_five = "host0.one.test. 0 ANY ANY\nhost0.one.test. 0 ANY A\nhost0.one.test. 0 IN A 192.0.2.0\n\
                    host0.one.test. 0 NONE MX\nnew.one.test. 0 NONE ANY";
    assert_eq!(updated.rcode(ZONE, all_five, add), ResponseCode::NoError);
    assert_eq!((updated.serial(ZONE), updated.addresses("new.one.test.").len()), (2, 1));
    // Nothing to do is done at once, under the same serial.
    assert_eq!(updated.rcode(ZONE, "", add), ResponseCode::NoError);
    assert_eq!(updated.serial(ZONE), 2);
    let refused = updated.update(ZONE, "", "one.test. 300 IN NS gone.one.test.");
    assert!(reason(&refused).contains("[ns-without-address]"), "{}", reason(&refused));
}

#[test]
fn b80_a_signed_zone_is_refused_without_signatures() {
    let updated = start();
    let refused = updated.update("signed.test.", "", "new.signed.test. 300 IN A 192.0.2.77");
    assert_eq!(refused.metadata.response_code, ResponseCode::Refused);
    assert!(reason(&refused).contains("expected a signature with each change"), "{}", reason(&refused));
    let signature = |name: &str, covered: &str, labels| {
        format!("{name} 300 IN RRSIG {covered} 13 {labels} 300 20400101000000 20260101000000 1 signed.test. BBBB\n")
    };
    let soa = "signed.test. 300 IN SOA ns.signed.test. hostmaster.signed.test. 2 3600 900 604800 60\n";
    let brought = [
        soa,
        &signature("signed.test.", "SOA", 2),
        "new.signed.test. 300 IN A 192.0.2.77\n",
        &signature("new.signed.test.", "A", 3),
    ];
    assert_eq!(updated.rcode("signed.test.", "", &brought.concat()), ResponseCode::NoError);
    assert_eq!((updated.serial("signed.test."), updated.addresses("new.signed.test.").len()), (2, 1));
}

#[test]
fn b80_what_was_answered_survives_the_death_of_every_process() {
    let mut updated = start();
    for round in 0..3u32 {
        for number in 0..5 {
            let line = format!("r{round}n{number}.one.test. 300 IN A 192.0.2.7");
            assert_eq!(updated.rcode(ZONE, "", &line), ResponseCode::NoError);
        }
        let Updated { server, directory } = updated;
        kill_all(server);
        updated = start_in(directory, POLICIES);
        assert_eq!(updated.serial(ZONE), 1 + 5 * (round + 1));
        for (round, number) in (0..=round).flat_map(|round| (0..5).map(move |number| (round, number))) {
            assert_eq!(updated.addresses(&format!("r{round}n{number}.one.test.")).len(), 1, "r{round}n{number}");
        }
    }
}

#[test]
fn b80_of_clients_at_once_one_wins_and_nothing_is_lost() {
    /// Updates of each client.
    const EACH: u16 = 25;
    let updated = start();
    let address = updated.server.address;
    let clients: Vec<_> = (0..2u16)
        .map(|client| {
            std::thread::spawn(move || {
                let socket = connected(address);
                let mut won = Vec::new();
                for number in 0..EACH {
                    // Both want the first name, each has the second for itself.
                    let prerequisite = format!("both{number}.one.test. 0 NONE ANY");
                    let contested = format!("both{number}.one.test. 300 IN A 192.0.2.{client}");
                    let own = format!("own{number}-{client}.one.test. 300 IN A 192.0.2.1");
                    for (id, message) in [
                        (2 * number, update(2 * number, ZONE, &prerequisite, &contested)),
                        (2 * number + 1, update(2 * number + 1, ZONE, "", &own)),
                    ] {
                        socket.send(&message).unwrap();
                        let answer = receive(&socket);
                        assert_eq!(answer.metadata.id, id);
                        won.push(answer.metadata.response_code);
                    }
                }
                won
            })
        })
        .collect();
    let answers: Vec<Vec<ResponseCode>> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    for number in 0..usize::from(EACH) {
        let mut contested = [answers[0][2 * number], answers[1][2 * number]].map(u16::from);
        contested.sort_unstable();
        assert_eq!(contested, [ResponseCode::NoError, ResponseCode::YXDomain].map(u16::from), "{number}");
        let winner = usize::from(answers[1][2 * number] == ResponseCode::NoError);
        assert_eq!(updated.addresses(&format!("both{number}.one.test.")), [format!("192.0.2.{winner}")]);
        for (client, answers) in answers.iter().enumerate() {
            assert_eq!(answers[2 * number + 1], ResponseCode::NoError);
            assert_eq!(updated.addresses(&format!("own{number}-{client}.one.test.")).len(), 1);
        }
    }
    assert_eq!(updated.serial(ZONE), 1 + 3 * u32::from(EACH));
}

#[test]
fn b80_queries_do_not_wait_for_updates() {
    let updated = start();
    let memmgr = updated.server.memmgr_pid();
    Server::signal(memmgr, "STOP");
    // All of one port go to one process, which has as many on their way as it may and refuses the others.
    let socket = connected(updated.server.address);
    for id in 0..70 {
        socket.send(&update(id, ZONE, "", &format!("new{id}.one.test. 300 IN A 192.0.2.77"))).unwrap();
    }
    let refused: Vec<Message> = (64..70).map(|_| receive(&socket)).collect();
    assert!(refused.iter().all(|answer| answer.metadata.response_code == ResponseCode::ServFail));
    assert_eq!(updated.addresses("host1.one.test."), ["192.0.2.1"]);
    Server::signal(memmgr, "CONT");
    for _ in 0..64 {
        assert_eq!(receive(&socket).metadata.response_code, ResponseCode::NoError);
    }
    assert_eq!(updated.serial(ZONE), 65);
    // Without memmgr an update is refused or not answered, and after it is back carried out.
    Server::signal(updated.server.memmgr_pid(), "KILL");
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    until("an update is carried out again", || {
        let record = "again.one.test. 300 IN A 192.0.2.77";
        socket.send(&update(0x7000, ZONE, "", record)).unwrap();
        let mut answer = [0; 4096];
        let length = socket.recv(&mut answer).ok()?;
        let rcode = Message::from_bytes(&answer[..length]).unwrap().metadata.response_code;
        assert!(matches!(rcode, ResponseCode::NoError | ResponseCode::ServFail), "{rcode}");
        (rcode == ResponseCode::NoError).then_some(())
    });
    assert_eq!(updated.addresses("again.one.test.").len(), 1);
}

#[test]
fn an_update_among_queries_of_a_connection_is_answered_in_its_turn() {
    let updated = start();
    let mut stream = TcpStream::connect(updated.server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let query = |id: u16| {
        let mut query = hickory_proto::serialize::binary::BinEncodable::to_bytes(&crate::harness::wire::query(
            "new.one.test.",
            RecordType::A,
            false,
        ))
        .unwrap();
        query[..2].copy_from_slice(&id.to_be_bytes());
        query
    };
    let messages = [query(1), update(2, ZONE, "", "new.one.test. 300 IN A 192.0.2.77"), query(3)];
    let framed = messages
        .iter()
        .flat_map(|message| [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat());
    stream.write_all(&framed.collect::<Vec<u8>>()).unwrap();
    let answers: Vec<Message> = (0..3)
        .map(|_| {
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut answer).unwrap();
            Message::from_bytes(&answer).unwrap()
        })
        .collect();
    let ids: Vec<u16> = answers.iter().map(|answer| answer.metadata.id).collect();
    let counts: Vec<usize> = answers.iter().map(|answer| answer.answers.len()).collect();
    assert_eq!((ids, counts), (vec![1, 2, 3], vec![0, 0, 1]), "what was asked behind the update sees it");
    assert_eq!(answers[1].metadata.response_code, ResponseCode::NoError);
}

#[test]
fn a_notification_of_a_zone_that_is_no_secondary_one_is_refused() {
    let updated = start();
    let notify = |zone: &str| {
        let mut message = update(7, zone, "", "");
        message[2] = 4 << 3;
        let socket = connected(updated.server.address);
        socket.send(&message).unwrap();
        receive(&socket).metadata.response_code
    };
    assert_eq!(notify(ZONE), ResponseCode::Refused);
    assert_eq!(notify("elsewhere.test."), ResponseCode::NotAuth);
    assert_eq!(notify("www.one.test."), ResponseCode::NotAuth);
}

#[test]
fn an_update_of_a_secondary_zone_goes_on_to_its_primary() {
    if !has_nsupdate("an_update_of_a_secondary_zone_goes_on_to_its_primary") {
        return;
    }
    let primary = start();
    let policies = format!(
        "[[key]]\nname = 'ddns.'\nalgorithm = 'hmac-sha256'\nsecret-file = 'ddns.secret'\n\
         [[remote]]\nname = 'primary'\naddresses = ['{}']\nkey = 'ddns.'\n\
         [[zone]]\nname = 'keyed.test.'\nprimaries = ['primary']\nallow-update = [{{ from = '127.0.0.1' }}]\n\
         [[zone]]\nname = 'closed.test.'\nprimaries = ['primary']\nallow-update = [{{ from = '127.0.0.1' }}]\n",
        primary.server.address
    );
    let secondary = start_in(tempfile::tempdir().unwrap(), &policies);
    // Not signed by who asks, and signed by the secondary, whom the primary lets.
    secondary.nsupdate_succeeds(&[], "keyed.test.", "update add new.keyed.test. 300 A 192.0.2.77");
    assert_eq!(primary.addresses("new.keyed.test.").len(), 1);
    let said = secondary.nsupdate_fails(&["-v"], "closed.test.", "update add new.closed.test. 300 A 192.0.2.77");
    assert!(said.contains("REFUSED"), "{said}");
    let address = primary.server.address;
    drop(primary);
    let said = secondary.nsupdate_fails(&[], "keyed.test.", "update add newer.keyed.test. 300 A 192.0.2.77");
    assert!(said.contains("SERVFAIL"), "{address}: {said}");
}
