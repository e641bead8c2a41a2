//! The configuration file: checked by a command, read by the server, its values seen in answers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};

use crate::harness::server::trine;
use crate::harness::{Server, until, zones};

/// Exit codes of `trine`.
const DONE: i32 = 0;
/// The same for a wrong command line or configuration.
const USAGE: i32 = 2;

/// What a command printed, and how it ended.
fn check(file: &Path) -> (i32, String, String) {
    let output = trine().args(["config", "check"]).arg(file).output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_check_says_sound_or_everything_that_is_wrong() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/trine.toml");
    assert_eq!(check(&sample), (DONE, format!("{}: sound\n", sample.display()), String::new()));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trine.toml");
    std::fs::write(&file, "version = 1\n[server]\nauth = 0\n[auth]\nudp-size = 4096\n").unwrap();
    let (code, out, err) = check(&file);
    let place = |place: &str| format!("{}:{place}: error: ", file.display());
    assert_eq!((code, out.as_str()), (USAGE, ""));
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 2, "{err}");
    assert_eq!(lines[0], format!("{}expected a whole number from 1 to 64, found \"0\"", place("3:8")));
    let unknown = "expected a key of [auth], found \"udp-size\"; the nearest is \"udp-size-max\"";
    assert_eq!(lines[1], format!("{}{unknown}", place("5:1")));
    let missing = directory.path().join("nowhere");
    let (code, _, err) = check(&missing);
    assert!(code == USAGE && err.contains(missing.to_str().unwrap()) && err.contains("No such file"), "{err}");
}

#[test]
fn a_server_refuses_a_file_as_the_check_does_and_says_what_it_lacks() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trine.toml");
    let serve = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let output = trine().args(["serve", "--config"]).arg(&file).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, err) = serve("version = 1\n[auth]\nudp-size-max = 100\n");
    assert_eq!((code, err), (USAGE, check(&file).2));
    let (code, err) = serve("version = 1\n[server]\nstate = 'state'\n");
    assert_eq!(code, USAGE);
    assert!(err.contains("--zones DIR") && err.contains("directory in [zones]"), "{err}");
}

/// A server started by a file alone, in a folder of its own.
struct Configured {
    /// The server.
    server: Server,
    /// Where it lies.
    directory: tempfile::TempDir,
}

/// Starts one by a file with these further lines.
fn configured(further: &str) -> Configured {
    configured_in(tempfile::tempdir().unwrap(), further)
}

/// The same in a folder that is there already.
fn configured_in(directory: tempfile::TempDir, further: &str) -> Configured {
    let (zones, state) = (directory.path().join("zones"), directory.path().join("state"));
    std::fs::create_dir_all(&zones).unwrap();
    zones::install(&zones, "example.zone", &zones::small("example.", 1, 3));
    let config = directory.path().join("trine.toml");
    // Relative paths begin at the folder of the file, wherever the server is started.
    let text = format!(
        "version = 1\n[server]\nlisten = '127.0.0.1:0'\nauth = 2\nstate = 'state'\n[zones]\ndirectory = 'zones'\n{further}"
    );
    std::fs::write(&config, text).unwrap();
    Configured { server: Server::start_configured(&config, &zones, &state), directory }
}

/// Sends a query from a port of its own.
fn ask(server: SocketAddr, class: DNSClass, name: &str, rtype: RecordType, option: Option<EdnsOption>) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.connect(server).unwrap();
    let mut query = Message::new(4711, MessageType::Query, OpCode::Query);
    let mut question = Query::query(Name::from_ascii(name).unwrap(), rtype);
    question.set_query_class(class);
    query.add_query(question);
    let mut edns = Edns::new();
    edns.set_max_payload(4096);
    edns.options_mut().options.extend(option.map(|option| (EdnsCode::from(&option), option)));
    query.edns = Some(edns);
    socket.send(&query.to_bytes().unwrap()).unwrap();
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).unwrap();
    Message::from_bytes(&answer[..length]).unwrap()
}

#[test]
fn values_of_the_file_are_seen_in_answers() {
    let further = "[auth]\nversion = 'quite new'\nidentity = 'left one'\nudp-size-max = 777\n\
                   [auth.tcp]\nidle-timeout = '300ms'\nfast-open = 16\n";
    let configured = configured(further);
    let address = configured.server.address;
    let text = |name: &str| {
        let answer = ask(address, DNSClass::CH, name, RecordType::TXT, None);
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{name}: {answer}");
        match &answer.answers[0].data {
            RData::TXT(text) => String::from_utf8(text.txt_data.concat()).unwrap(),
            other => panic!("{other}"),
        }
    };
    assert_eq!((text("version.bind."), text("id.server.")), ("quite new".to_owned(), "left one".to_owned()));
    let answer = ask(address, DNSClass::IN, "example.", RecordType::SOA, None);
    assert_eq!(answer.edns.unwrap().max_payload(), 777);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(&[0]).unwrap();
    let began = Instant::now();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    assert!(began.elapsed() < Duration::from_secs(5), "an idle connection ended after {:?}", began.elapsed());
    // The state directory is found by the file too.
    let config = configured.server.state.with_file_name("trine.toml");
    let status = trine().args(["status", "--config"]).arg(&config).output().unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
}

/// Sends a cookie and gives the one that comes back, which is a whole one for the same client.
fn exchange_cookie(server: SocketAddr, cookie: &[u8]) -> Vec<u8> {
    let option = EdnsOption::Unknown(10, cookie.to_vec());
    let answer = ask(server, DNSClass::IN, "example.", RecordType::SOA, Some(option));
    let edns = answer.edns.unwrap();
    let found = match edns.option(EdnsCode::Cookie).unwrap() {
        EdnsOption::Unknown(_, octets) => octets.clone(),
        other => Vec::<u8>::try_from(other).unwrap(),
    };
    assert_eq!((found.len(), &found[..8]), (24, &cookie[..8]));
    found
}

#[test]
fn b58_secrets_are_rolled_without_refusing_a_client() {
    let (one, other) = ("e5e973e5a6b2a43f48e7dc849e37bfcf", "dd3bdf9344b678b185a6f5cb60fca715");
    let mut directory = tempfile::tempdir().unwrap();
    let mut cookie = b"8 octets".to_vec();
    // What the file of secrets has, and whether the cookie made first is known: the next secret comes behind, then before, then is alone.
    for (secrets, is_known) in
        [(vec![one], false), (vec![one, other], true), (vec![other, one], true), (vec![other], false)]
    {
        let file = directory.path().join("secrets");
        std::fs::write(&file, secrets.join("\n")).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let mut configured = configured_in(directory, "[auth]\ncookie-secrets = 'secrets'\n");
        let made = exchange_cookie(configured.server.address, &cookie);
        let flags = until("the query is counted", || {
            let total = configured.server.json(&["stats"])["total"].clone();
            (total["flags"]["edns"] == 1).then(|| total["flags"].clone())
        });
        assert_eq!(flags["cookie"].as_u64().unwrap_or(0), u64::from(is_known), "{secrets:?}: {flags}");
        if cookie.len() == 8 {
            cookie = made;
        }
        configured.server.stop();
        directory = configured.directory;
    }
}

#[test]
fn without_a_file_of_secrets_all_processes_make_the_same_cookies_also_after_one_was_replaced() {
    let configured = configured("");
    let server = &configured.server;
    // The time that a cookie was made, and its hash.
    let mut made: BTreeMap<[u8; 4], BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut ask_all = || {
        // From so many ports that each process is asked.
        for _ in 0..48 {
            let cookie = exchange_cookie(server.address, b"8 octets");
            made.entry(cookie[12..16].try_into().unwrap()).or_default().insert(cookie[16..].to_vec());
        }
    };
    ask_all();
    let before = server.auth_pids();
    Server::signal(before[0], "KILL");
    until("the process killed is replaced", || {
        let now = server.auth_pids();
        (now.len() == 2 && now[0] != before[0]).then_some(())
    });
    ask_all();
    assert!(made.values().all(|hashes| hashes.len() == 1), "{made:?}");
}
