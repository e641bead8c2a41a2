//! `trine zone update` and changes over the bus: who sees what, what is refused, how serials go, what is waited for, and what gathers while a
//! generation is on its way.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bus::protocol::MEMMGR_GROUP;
use bus::protocol::control::{Command, CommandError, Reached, SerialRule, Updated, ZoneDifference};
use bus::{Client, Recipient};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::generations::segments;
use crate::harness::server::trine;
use crate::harness::{Faults, Server, ServerOptions, until, within, zones};
use crate::updates::zone;

/// The zone of most of these tests.
const ZONE: &str = "one.test.";

/// So many source ports that each of two processes is asked, unless chance is one in thirty thousand.
const PORTS: usize = 16;

/// How long an answer is waited for on the bus.
const PATIENCE: Duration = Duration::from_secs(60);

/// Clients that change something at once.
const CLIENTS: usize = 100;

/// Starts a server on two small zones of serial 1.
fn start_with(options: &ServerOptions) -> Server {
    Server::start(options, |directory| {
        for apex in [ZONE, "two.test."] {
            zones::install(directory, &format!("{apex}zone"), &zones::small(apex, 1, 3));
        }
    })
}

/// The same without options.
fn start() -> Server {
    start_with(&ServerOptions::default())
}

/// A client on a server's bus that hands in changes.
pub(crate) struct Changer {
    /// Runs it.
    runtime: Runtime,
    /// To speak.
    client: Client,
}

impl Changer {
    /// Connects to the bus of this state directory.
    pub(crate) fn connect(state: &Path) -> Changer {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (client, _) = runtime.block_on(Client::connect(&state.join("bus.sock"), "changer")).unwrap();
        Changer { runtime, client }
    }

    /// Asks; the refusal when it is refused, or why no answer came.
    pub(crate) fn ask<T: DeserializeOwned>(&self, command: &Command) -> Result<T, String> {
        self.runtime.block_on(ask(&self.client, command))
    }

    /// Changes a zone, its serial raised by one.
    pub(crate) fn update(&self, zone: &str, changes: &str, wait: Reached) -> Result<Updated, String> {
        self.ask(&update(zone, changes, wait))
    }

    /// What changed of a zone from one generation to another.
    pub(crate) fn diff(&self, from: u64, to: u64, zone: &str) -> Result<Vec<ZoneDifference>, String> {
        self.ask(&Command::DiffGenerations { from, to, zone: Some(zone.to_owned()) })
    }
}

/// The command that changes a zone, its serial raised by one.
fn update(zone: &str, changes: &str, wait: Reached) -> Command {
    let (zone, changes, name) = (zone.to_owned(), changes.to_owned(), "changes".to_owned());
    Command::UpdateZone { zone, changes, name, serial: SerialRule::Increment, wait }
}

/// Asks memmgr.
async fn ask<T: DeserializeOwned>(client: &Client, command: &Command) -> Result<T, String> {
    let to = Recipient::Group(MEMMGR_GROUP);
    let reply = client.request(&to, command, &[], PATIENCE).await.map_err(|error| error.to_string())?;
    match reply.parse::<CommandError>() {
        Ok(refused) => Err(refused.error),
        Err(_) => Ok(reply.parse().unwrap()),
    }
}

/// Hands changes in at once, each by a client of its own; each one's answer. `sent` is called when all of them have come.
fn update_at_once(state: &Path, asks: &[(&str, String)], sent: impl FnOnce()) -> Vec<Result<Updated, String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let path = state.join("bus.sock");
    runtime.block_on(async {
        let mut running = Vec::new();
        for (zone, changes) in asks {
            let (client, incoming) = Client::connect(&path, "changer").await.unwrap();
            let (client, command) = (Arc::new(client), update(zone, changes, Reached::Visible));
            let asking = Arc::clone(&client);
            running.push(tokio::spawn(async move {
                let answer = ask(&asking, &command).await;
                drop(incoming);
                answer
            }));
            tokio::task::yield_now().await;
            // Messages of one sender come in order: once this is answered, what was asked before has come.
            ask::<Value>(&client, &Command::Generations {}).await.unwrap();
        }
        sent();
        let mut answers = Vec::new();
        for one in running {
            answers.push(one.await.unwrap());
        }
        answers
    })
}

/// Runs `trine zone update` with changes from a file; further arguments.
fn run(server: &Server, zone: &str, changes: &str, arguments: &[&str]) -> Output {
    let file = server.state.with_extension("changes");
    std::fs::write(&file, changes).unwrap();
    server.trine(&[&["zone", "update", zone, "--file", file.to_str().unwrap()], arguments].concat())
}

/// The same with `--json`, which has to succeed.
fn updated(server: &Server, zone: &str, changes: &str, arguments: &[&str]) -> Value {
    let output = run(server, zone, changes, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}\n{}", error_of(&output), server.log());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command wrote on standard error.
fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The data a name has of a type in every process: asserts that all say the same.
fn everywhere(server: &Server, name: &str, rtype: RecordType) -> (ResponseCode, Vec<String>) {
    let ask = || {
        let answer = server.wire().udp(name, rtype);
        let mut data: Vec<String> = answer.answers.iter().map(|record| record.data.to_string()).collect();
        data.sort_unstable();
        (answer.metadata.response_code, data)
    };
    let first = ask();
    (1..PORTS).for_each(|_| assert_eq!(ask(), first, "{name} {rtype}: processes differ"));
    first
}

/// Data of a name that is there.
fn data(records: &[&str]) -> (ResponseCode, Vec<String>) {
    (ResponseCode::NoError, records.iter().map(ToString::to_string).collect())
}

/// A name that is not there.
fn nothing() -> (ResponseCode, Vec<String>) {
    (ResponseCode::NXDomain, Vec::new())
}

/// Everything that an update that is refused leaves as it is.
fn untouched(server: &Server) -> (u64, Option<u32>, std::collections::BTreeSet<std::path::PathBuf>, u64) {
    let commits = std::fs::read_dir(server.state.join("commits")).unwrap();
    let octets = commits.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    (server.generation(), server.wire().serial(ZONE), segments(&server.state), octets)
}

#[test]
fn an_update_is_seen_in_every_process_once_the_command_ends() {
    let server = start();
    let changes = "; three ways\nadd new 300 A 192.0.2.77\ndelete host0\nadd host1 300 A 192.0.2.78 ; beside\ndelete host1 A 192.0.2.1\n";
    let output = run(&server, ZONE, changes, &[]);
    assert!(output.status.success(), "{}", error_of(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one.test. 1 -> 2: 2 added, 3 removed, generation 2 visible\n");
    assert_eq!(everywhere(&server, "new.one.test.", RecordType::A), data(&["192.0.2.77"]));
    assert_eq!(everywhere(&server, "host0.one.test.", RecordType::A), nothing());
    assert_eq!(everywhere(&server, "host1.one.test.", RecordType::A), data(&["192.0.2.78"]));
    assert_eq!(everywhere(&server, "host1.one.test.", RecordType::TXT), data(&["serial 1"]));
    assert_eq!(server.wire().serial(ZONE), Some(2));
    assert_eq!(server.wire().serial("two.test."), Some(1));
    let status = zone(&server, ZONE).unwrap();
    assert_eq!((&status["serial"], &status["state"], &status["records"]), (&json!(2), &json!("serving"), &json!(8)));
}

#[test]
fn an_update_is_told_to_programs_and_read_from_standard_input() {
    let server = start();
    let expected = json!({
        "zone": ZONE, "generation": 2, "from": 1, "to": 2, "added": 1, "removed": 0, "state": "visible", "warnings": []
    });
    assert_eq!(updated(&server, "one.test", "add new 300 A 192.0.2.77\n", &[]), expected);
    let mut command = trine();
    command.args(["zone", "update", ZONE, "--file", "-", "--state"]).arg(&server.state);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"delete new A\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one.test. 2 -> 3: 0 added, 1 removed, generation 3 visible\n");
    assert_eq!(everywhere(&server, "new.one.test.", RecordType::A), nothing());
}

/// Lines, a name and type to ask for, and what is found then.
type Step<'s> = (&'s str, &'s str, RecordType, (ResponseCode, Vec<String>));

#[test]
fn names_come_and_go_in_every_form() {
    let server = start();
    let steps: [Step<'_>; 10] = [
        // Empty non-terminals come and go with what is below them.
        ("add a.deep.ent 60 A 192.0.2.9", "deep.ent.one.test.", RecordType::A, data(&[])),
        ("delete a.deep.ent", "deep.ent.one.test.", RecordType::A, nothing()),
        ("add * 60 TXT wild", "any.one.test.", RecordType::TXT, data(&["wild"])),
        ("add b.any 60 TXT closer", "any.one.test.", RecordType::TXT, data(&[])),
        ("delete *", "some.one.test.", RecordType::TXT, nothing()),
        (
            "add host0 60 NS ns.host0\nadd ns.host0 60 A 192.0.2.3\ndelete host0 A\ndelete host0 TXT",
            "www.host0.one.test.",
            RecordType::A,
            data(&[]),
        ),
        ("delete host0 NS\nadd www.host0 60 A 192.0.2.4", "www.host0.one.test.", RecordType::A, data(&["192.0.2.4"])),
        ("add alias 60 CNAME host1", "alias.one.test.", RecordType::A, data(&["192.0.2.1", "host1.one.test."])),
        (
            "add tree 60 DNAME host1",
            "x.tree.one.test.",
            RecordType::DNAME,
            data(&["host1.one.test.", "x.host1.one.test."]),
        ),
        (
            "delete host1 A\nadd host1 60 A 192.0.2.99",
            "alias.one.test.",
            RecordType::A,
            data(&["192.0.2.99", "host1.one.test."]),
        ),
    ];
    for (changes, name, rtype, expected) in steps {
        updated(&server, ZONE, changes, &[]);
        let found = everywhere(&server, name, rtype);
        if rtype == RecordType::DNAME {
            assert!(
                found.1.contains(&"host1.one.test.".to_owned()) || found.0 == ResponseCode::NXDomain,
                "{changes}: {found:?}"
            );
            continue;
        }
        assert_eq!(found, expected, "{changes}");
    }
    // The referral of the delegation that was there is gone, and its glue is an address like others.
    assert_eq!(everywhere(&server, "ns.host0.one.test.", RecordType::A), data(&["192.0.2.3"]));
}

#[test]
fn serials_go_forward_by_the_rule_that_is_asked_for() {
    let server = start();
    let serials = |changes: &str, rule: &[&str]| {
        let done = updated(&server, ZONE, changes, rule);
        let (from, to) = (done["from"].as_u64().unwrap(), done["to"].as_u64().unwrap());
        assert_eq!(server.wire().serial(ZONE).map(u64::from), Some(to));
        (from, to)
    };
    assert_eq!(serials("add a 300 A 192.0.2.1", &[]), (1, 2));
    assert_eq!(serials("add b 300 A 192.0.2.1", &["--serial", "increment"]), (2, 3));
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let before = now();
    let (_, unix) = serials("add c 300 A 192.0.2.1", &["--serial", "unixtime"]);
    assert!((before..=now()).contains(&unix), "{unix}");
    let (_, date) = serials("add d 300 A 192.0.2.1", &["--serial", "date"]);
    assert!((2_026_010_100..2_100_000_000).contains(&date) && date % 100 == 0, "{date}");
    assert_eq!(serials("add e 300 A 192.0.2.1", &["--serial", "date"]), (date, date + 1));
    // Back to the time would be no way forward.
    assert_eq!(serials("add f 300 A 192.0.2.1", &["--serial", "unixtime"]), (date + 1, date + 2));
    // Lines that bring one say it themselves.
    let soa = |serial: u64| {
        format!(
            "delete @ SOA\nadd @ 300 SOA ns hostmaster {serial} 3600 900 604800 60\nadd s{serial} 300 A 192.0.2.1\n"
        )
    };
    assert_eq!(serials(&soa(date + 1000), &[]), (date + 2, date + 1000));
    let before = untouched(&server);
    for back in [date + 999, date + 500, 1] {
        let output = run(&server, ZONE, &format!("{}add back 300 A 192.0.2.1\n", soa(back)), &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error_of(&output).contains(&format!("found {back}")), "{}", error_of(&output));
    }
    assert_eq!(untouched(&server), before);
    // Half of the circle forward and round it: 0 is left out.
    let jump = |serial: u64| serials(&soa(serial), &[]);
    jump(date + 2_000_000_000);
    assert_eq!(jump(u64::from(u32::MAX)).1, u64::from(u32::MAX));
    assert_eq!(serials("add g 300 A 192.0.2.1", &[]), (u64::from(u32::MAX), 1));
}

#[test]
fn an_update_with_errors_names_each_line_and_changes_nothing() {
    let server = start();
    let before = untouched(&server);
    let file = server.state.with_extension("changes").display().to_string();
    // Changes, and where and what the faults are.
    let cases: [(&str, &[&str]); 12] = [
        ("add a 300 A 192.0.2.1\nadd b 300 A 192.0.2.one\n", &[":2:13: error: "]),
        (
            "ad a 300 A 192.0.2.1\nadd c 300\nadd d 300 A 1.2.3.4\ndelete e A 1.2.3\n",
            &[":1:1: error: ", ":2:", ":4:12: error: "],
        ),
        ("add a 300 A 192.0.2.1\ndelete nobody\n", &[":2:1: error: expected something to delete", "nobody"]),
        ("delete host0 A 192.0.2.9\n", &[":1:1: error: expected something to delete"]),
        ("delete host0 AAAA\n", &[":1:1: error: expected something to delete"]),
        ("add host0 300 CNAME host1\n", &[":1:", "cname"]),
        ("delete @ NS\n", &["ns"]),
        ("delete @ SOA\n", &["soa"]),
        ("add @ 300 SOA ns hostmaster 9 3600 900 604800 60\n", &["soa"]),
        ("add www.two.test. 300 A 192.0.2.1\n", &[":1:", "two.test."]),
        ("add tree 300 DNAME host1\nadd below.tree 300 A 192.0.2.1\n", &["dname"]),
        ("delete ns\n", &["ns.one.test."]),
    ];
    for (changes, expected) in cases {
        let output = run(&server, ZONE, changes, &[]);
        let error = error_of(&output);
        assert_eq!(output.status.code(), Some(1), "{changes}: {error}");
        assert!(output.stdout.is_empty(), "{changes}");
        // What the outcome lacks is no line's fault.
        let first = error.lines().next().unwrap();
        assert!(first.starts_with(&file) || !expected[0].starts_with(':'), "{changes}: {error}");
        for part in expected {
            assert!(error.to_lowercase().contains(part), "{changes}: expected {part}, found {error}");
        }
    }
    assert_eq!(untouched(&server), before);
    assert_eq!(everywhere(&server, "a.one.test.", RecordType::A), nothing());
    assert_eq!(zone(&server, ZONE).unwrap()["error"], Value::Null, "a refused update is no fault of the zone");
}

#[test]
fn an_update_of_what_is_not_served_says_so() {
    let server = Server::start(&ServerOptions::default(), |directory| {
        zones::install(directory, "one.test.zone", &zones::small(ZONE, 1, 3));
        zones::install(directory, "bad.test.zone", "@ SOA ns hostmaster 1 2 3 4\n");
    });
    let before = untouched(&server);
    for (zone, expected) in [
        ("nowhere.test", "nowhere.test. is not served here"),
        ("bad.test", "bad.test. is not served"),
        ("a..b", "a..b"),
    ] {
        let output = run(&server, zone, "add a 300 A 192.0.2.1\n", &[]);
        assert_eq!(output.status.code(), Some(1), "{zone}");
        assert!(error_of(&output).contains(expected), "{}", error_of(&output));
    }
    let output = server.trine(&["zone", "update", ZONE, "--file", "/nonexistent/changes"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("reading /nonexistent/changes"), "{}", error_of(&output));
    assert_eq!(untouched(&server), before);
}

#[test]
fn an_update_that_changes_nothing_raises_no_serial() {
    let server = start();
    let before = untouched(&server);
    for changes in [
        "",
        "; nothing\n",
        "add host0 300 A 192.0.2.0\n",
        "add new 300 A 192.0.2.9\ndelete new\n",
        "delete host0 A\nadd host0 300 A 192.0.2.0\n",
    ] {
        let output = run(&server, ZONE, changes, &[]);
        assert!(output.status.success(), "{changes}: {}", error_of(&output));
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(printed, "one.test. 1: nothing to change, generation 1 visible\n", "{changes}");
    }
    assert_eq!(untouched(&server), before);
}

/// The lines of a real root zone's apex that are of SOA or sign it, as changes.
fn root_soa(serial: &str, word: &str) -> String {
    let text = zones::root(serial);
    let is_of_soa = |line: &&str| {
        let mut words = line.split_whitespace();
        let (owner, rtype, covered) = (words.next(), words.nth(2), words.next());
        owner == Some(".") && (rtype == Some("SOA") || rtype == Some("RRSIG") && covered == Some("SOA"))
    };
    let lines: Vec<String> = text.lines().filter(is_of_soa).map(|line| format!("{word} {line}\n")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    lines.concat()
}

#[test]
fn a_signed_zone_is_changed_with_its_signatures_alone() {
    let [old, new, ..] = zones::ROOT_SERIALS;
    let server = Server::start(&ServerOptions::default(), |directory| {
        zones::install(directory, "root.zone", &zones::root(old));
    });
    let before = (server.generation(), segments(&server.state));
    for changes in ["add nowhere. 300 TXT unsigned\n", "add com. 172800 NS ns.example.\n", "delete com. DS\n"] {
        let output = run(&server, ".", changes, &[]);
        assert_eq!(output.status.code(), Some(1), "{changes}");
        assert!(
            error_of(&output).contains("expected a signature with each change of a signed zone"),
            "{}",
            error_of(&output)
        );
    }
    // With the SOA of the next version, signed by the zone's signer, but an unsigned record beside.
    let resigned = format!("delete . SOA\n{}", root_soa(new, "add"));
    let output = run(&server, ".", &format!("{resigned}add nowhere. 300 TXT unsigned\n"), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("nowhere. TXT"), "{}", error_of(&output));
    assert_eq!((server.generation(), segments(&server.state)), before);
    // A delegation's name servers are not signed (RFC 4035, section 2.2).
    let done = updated(&server, ".", &format!("{resigned}add com. 172800 NS ns.example.\n"), &[]);
    assert_eq!(done["to"], json!(new.parse::<u32>().unwrap()));
    let answer = server.wire().udp_dnssec(".", RecordType::SOA);
    assert_eq!(answer.answers.len(), 2, "{answer}");
    let answer = server.wire().udp("www.com.", RecordType::A);
    assert!(answer.authorities.iter().any(|record| record.data.to_string() == "ns.example."), "{answer}");
}

/// The first auth process, stopped; a switch waits for it.
fn stop_one(server: &Server) -> i32 {
    let stopped = server.auth_pids()[0];
    Server::signal(stopped, "STOP");
    stopped
}

/// Options with which a stopped process is waited for.
fn patient() -> Vec<&'static str> {
    vec!["--switch-timeout", "60s", "--stall-timeout", "60s"]
}

/// The same as a server's options.
fn patient_options() -> ServerOptions {
    ServerOptions { arguments: patient().into_iter().map(Into::into).collect(), ..ServerOptions::default() }
}

#[test]
fn an_update_is_waited_for_as_long_as_it_is_told_to() {
    let Some(faults) = Faults::new("an_update_is_waited_for_as_long_as_it_is_told_to") else { return };
    let server = start_with(&faults.options(&patient()));
    let stopped = stop_one(&server);
    assert_eq!(updated(&server, ZONE, "add a 300 A 192.0.2.1\n", &["--wait", "built"])["state"], "built");
    // Its next one waits behind it, and is built all the same.
    let output = run(&server, ZONE, "add b 300 A 192.0.2.1\n", &["--wait", "visible", "--timeout", "500ms"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "{output:?}");
    assert!(error_of(&output).contains("may be done all the same"), "{}", error_of(&output));
    let wait = |of: &[&str]| server.trine(&[&["generation", "wait"], of].concat());
    let output = wait(&["2", "--for", "visible", "--timeout", "300ms"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(wait(&["2", "--for", "built"]).status.code(), Some(0));
    assert_eq!(wait(&["9999", "--for", "built"]).status.code(), Some(1));
    faults.arm("commit-sync", "stall 1500");
    Server::signal(stopped, "CONT");
    let output = wait(&["--for", "visible"]);
    assert!(output.status.success(), "{}", error_of(&output));
    assert_eq!(everywhere(&server, "a.one.test.", RecordType::A), data(&["192.0.2.1"]));
    assert_eq!(everywhere(&server, "b.one.test.", RecordType::A), data(&["192.0.2.1"]));
    // Durable it is only after the disk has said so.
    let done = updated(&server, ZONE, "add c 300 A 192.0.2.1\n", &["--wait", "durable"]);
    assert_eq!(done["state"], "durable");
    assert!(!faults.is_armed("commit-sync"), "nothing was synced");
    let list = server.json(&["generation", "list"]);
    let current = list.as_array().unwrap().iter().find(|generation| generation["state"] == "current").unwrap();
    assert_eq!((&current["id"], &current["durable"]), (&done["generation"], &json!(true)));
    assert!(wait(&["--for", "durable"]).status.success());
}

#[test]
fn an_update_outlives_a_stop_and_a_reload_and_ends_with_another_file() {
    let directory = tempfile::tempdir().unwrap();
    let (files, state) = (directory.path().join("zones"), directory.path().join("state"));
    std::fs::create_dir(&files).unwrap();
    zones::install(&files, "one.test.zone", &zones::small(ZONE, 1, 3));
    let mut server = Server::start_in(&ServerOptions::default(), &files, &state);
    updated(&server, ZONE, "add new 300 A 192.0.2.77\n", &[]);
    server.reload();
    assert_eq!(everywhere(&server, "new.one.test.", RecordType::A), data(&["192.0.2.77"]));
    server.stop();
    let mut server = Server::start_in(&ServerOptions::default(), &files, &state);
    assert_eq!(server.wire().serial(ZONE), Some(2));
    assert_eq!(everywhere(&server, "new.one.test.", RecordType::A), data(&["192.0.2.77"]));
    server.reload();
    assert_eq!(everywhere(&server, "new.one.test.", RecordType::A), data(&["192.0.2.77"]));
    updated(&server, ZONE, "add newer 300 A 192.0.2.78\n", &[]);
    server.stop();
    // The file is what an operator says it is, once it changes.
    let server = Server::start_in(&ServerOptions::default(), &files, &state);
    zones::install(&files, "one.test.zone", &zones::small(ZONE, 10, 3));
    server.reload();
    assert_eq!(server.wire().serial(ZONE), Some(10));
    assert_eq!(everywhere(&server, "new.one.test.", RecordType::A), nothing());
    assert_eq!(everywhere(&server, "newer.one.test.", RecordType::A), nothing());
}

#[test]
fn a_file_behind_what_its_zone_was_changed_to_is_refused_until_it_is_ahead_or_forced() {
    let directory = tempfile::tempdir().unwrap();
    let (files, state) = (directory.path().join("zones"), directory.path().join("state"));
    std::fs::create_dir(&files).unwrap();
    let install = |serial: u32, more: &str| {
        // Of any serial the same records.
        let text =
            zones::small(ZONE, 1, 3).replace("hostmaster.one.test. 1 ", &format!("hostmaster.one.test. {serial} "));
        zones::install(&files, "one.test.zone", &(text + more));
    };
    let start = || Server::start_in(&ServerOptions::default(), &files, &state);
    let stands = |server: &Server| (server.wire().serial(ZONE), everywhere(server, "new.one.test.", RecordType::A));
    let edited = || (Some(2), data(&["192.0.2.77"]));
    let assert_refused = |server: &Server| {
        let reload = server.trine(&["reload", ZONE]);
        let said = String::from_utf8_lossy(&reload.stderr).into_owned();
        assert!(said.contains("not ahead of 2") && said.contains("trine reload --force one.test."), "{said}");
        assert_eq!((reload.status.code(), stands(server)), (Some(1), edited()));
        assert_eq!(zone(server, ZONE).unwrap()["state"], "stale", "{:?}", zone(server, ZONE));
    };
    install(1, "");
    let mut server = start();
    updated(&server, ZONE, "add new 300 A 192.0.2.77\n", &[]);
    // A comment, a serial that is used already: either would take an answered update back.
    for (serial, more) in [(1, "; a comment\n"), (2, "other A 192.0.2.99\n"), (u32::MAX, "")] {
        install(serial, more);
        assert_refused(&server);
    }
    // It is known after a stop and after a crash.
    server.stop();
    let server = start();
    assert_refused(&server);
    crate::durability::kill_all(server);
    let mut server = start();
    assert_refused(&server);
    // Where it can't be known, it is taken to be so.
    server.stop();
    for file in std::fs::read_dir(state.join("catalogue")).unwrap() {
        crate::damage::damage(&file.unwrap().path(), |octets| octets.iter_mut().for_each(|octet| *octet ^= 1));
    }
    let server = start();
    assert_refused(&server);
    assert!(server.log().contains("catalogue-damaged"), "{}", server.log());
    // With what is served in it the file is as good as the zone, and from then on counts as it did.
    install(2, "new 300 A 192.0.2.77\n");
    server.reload();
    assert_eq!(zone(&server, ZONE).unwrap()["state"], "serving");
    install(2, "");
    server.reload();
    assert_eq!(stands(&server), (Some(2), nothing()));
    // Ahead of what is served it is taken, and by force in any case.
    updated(&server, ZONE, "add new 300 A 192.0.2.77\n", &[]);
    install(4, "");
    server.reload();
    assert_eq!(stands(&server), (Some(4), nothing()));
    assert!(server.log().contains("takes the place of what one.test. was changed to"), "{}", server.log());
    updated(&server, ZONE, "add new 300 A 192.0.2.77\n", &[]);
    server.reload();
    assert_eq!(stands(&server), (Some(5), data(&["192.0.2.77"])));
    assert_eq!(server.trine(&["reload", "--force"]).status.code(), Some(2));
    let forced = server.trine(&["reload", "--force", ZONE]);
    assert!(forced.status.success(), "{forced:?}");
    assert_eq!(stands(&server), (Some(4), nothing()));
}

/// The changes of a zone in the journal up to a generation: asserts that each goes on where the one before ended, and gives their serials.
fn chain(changer: &Changer, to: u64, zone: &str) -> Vec<ZoneDifference> {
    let found = changer.diff(1, to, zone).unwrap();
    for pair in found.windows(2) {
        assert_eq!(pair[0].to, pair[1].from, "{pair:?}");
        assert!(pair[0].generation <= pair[1].generation);
    }
    for change in &found {
        // Its own pair of SOAs.
        let soa = |records: &[String], serial: u32| {
            let of_soa: Vec<&String> = records.iter().filter(|record| record.contains(" SOA ")).collect();
            assert!(of_soa.len() == 1 && of_soa[0].contains(&format!(" {serial} ")), "{change:?}");
        };
        soa(&change.removed, change.from);
        soa(&change.added, change.to);
    }
    found
}

#[test]
fn b26_changes_that_come_while_a_generation_switches_are_published_together() {
    let server = start_with(&patient_options());
    let changer = Changer::connect(&server.state);
    let stopped = stop_one(&server);
    changer.update(ZONE, "add first 300 A 192.0.2.1\n", Reached::Built).unwrap();
    until("the switch is held up", || server.generations().contains(&(2, "switching".to_owned())).then_some(()));
    // One of them deletes what is not there, and one adds what another one's CNAME forbids, whichever is first.
    let mut asks: Vec<(&str, String)> =
        (0..CLIENTS).map(|n| (ZONE, format!("add n{n} 300 TXT \"change {n}\"\nadd all 300 TXT {n}\n"))).collect();
    asks[40].1.push_str("delete nobody\n");
    asks[60].1.push_str("add host0 300 CNAME elsewhere\n");
    let answers = update_at_once(&server.state, &asks, || {
        Server::signal(stopped, "CONT");
    });
    let mut generations = std::collections::BTreeSet::new();
    for (number, answer) in answers.iter().enumerate() {
        match (number, answer) {
            (40, Err(error)) => assert!(error.contains("changes:3:1: error: ") && error.contains("nobody"), "{error}"),
            (60, Err(error)) => assert!(error.contains("changes:3:") && error.contains("cname"), "{error}"),
            (40 | 60, Ok(done)) => panic!("{number} was not refused: {done:?}"),
            (_, Ok(done)) => {
                assert_eq!((done.to, done.added, done.removed), (done.from + 1, 2, 0));
                generations.insert(done.generation);
            }
            (_, Err(error)) => panic!("{number}: {error}"),
        }
    }
    // One that was built at once, and one for all that came meanwhile; a third where the switch ended before the last had come.
    assert!(generations.len() <= 3, "{generations:?}");
    let newest = server.generation();
    let serial = u32::try_from(2 + CLIENTS - 2).unwrap();
    assert_eq!(server.wire().serial(ZONE), Some(serial));
    let found = chain(&changer, newest, ZONE);
    assert_eq!(found.len(), 1 + CLIENTS - 2);
    assert_eq!((found[0].from, found.last().unwrap().to), (1, serial));
    // Each change is in the journal as it was handed in and as it was answered.
    for (number, answer) in answers.iter().enumerate() {
        let name = format!("n{number}.one.test.");
        match answer {
            Ok(done) => {
                let change = found.iter().find(|change| change.to == done.to).unwrap();
                assert_eq!((change.from, change.generation), (done.from, done.generation));
                assert!(change.added.iter().any(|record| record.starts_with(&name)), "{change:?}");
                assert_eq!((change.added.len(), change.removed.len()), (3, 1), "{change:?}");
                assert_eq!(server.wire().udp(&name, RecordType::TXT).answers.len(), 1, "{name}");
            }
            Err(_) => assert_eq!(everywhere(&server, &name, RecordType::TXT), nothing()),
        }
    }
    assert_eq!(server.wire().tcp("all.one.test.", RecordType::TXT, false).answers.len(), CLIENTS - 2);
    assert_eq!(server.status()["kills"], json!([]));
    server.until_settled(newest);
    let built = server.log().matches("generation-built").count();
    assert_eq!(u64::try_from(built).unwrap(), newest, "something was built twice");
}

#[test]
fn b26_changes_of_many_zones_gather_and_one_that_fails_is_taken_out_alone() {
    let Some(faults) = Faults::new("b26_changes_of_many_zones_gather_and_one_that_fails_is_taken_out_alone") else {
        return;
    };
    let server = Server::start(&faults.options(&[]), |directory| {
        (0..20).for_each(|n| {
            let apex = format!("z{n}.test.");
            zones::install(directory, &format!("{apex}zone"), &zones::small(&apex, 100, 3));
        });
    });
    let changer = Changer::connect(&server.state);
    // What holds them up is a build that takes long.
    faults.arm("changes-begin", "stall 1500");
    let names: Vec<String> = (0..20).map(|n| format!("z{n}.test.")).collect();
    let mut asks: Vec<(&str, String)> = Vec::new();
    for round in 0..3 {
        for name in &names {
            let line = if name == "z7.test." && round == 1 { "add bad 300 A nonsense\n" } else { "add new 300 TXT" };
            asks.push((name, if line.ends_with('\n') { line.to_owned() } else { format!("{line} {round}\n") }));
        }
    }
    let answers = update_at_once(&server.state, &asks, || faults.until_passed("changes-begin"));
    let refused: Vec<usize> = (0..asks.len()).filter(|n| answers[*n].is_err()).collect();
    assert_eq!(refused, [27]);
    let newest = server.generation();
    assert!(newest <= 4, "{newest} generations for changes that came at once");
    for name in &names {
        let count = if name == "z7.test." { 2 } else { 3 };
        assert_eq!(server.wire().serial(name), Some(100 + count));
        assert_eq!(chain(&changer, newest, name).len(), usize::try_from(count).unwrap());
        assert_eq!(
            server.wire().udp(&format!("new.{name}"), RecordType::TXT).answers.len(),
            usize::try_from(count).unwrap()
        );
    }
}

#[test]
fn b26_reloads_and_changes_take_turns_while_a_generation_switches() {
    let server = start_with(&patient_options());
    let changer = Changer::connect(&server.state);
    let stopped = stop_one(&server);
    changer.update(ZONE, "add first 300 A 192.0.2.1\n", Reached::Built).unwrap();
    until("the switch is held up", || server.generations().contains(&(2, "switching".to_owned())).then_some(()));
    zones::install(&server.zones, "two.test.zone", &zones::small("two.test.", 2, 4));
    let reload = server.begin_reload();
    let asks: Vec<(&str, String)> = (0..10).map(|n| (ZONE, format!("add n{n} 300 A 192.0.2.{n}\n"))).collect();
    let answers = update_at_once(&server.state, &asks, || Server::signal(stopped, "CONT"));
    answers.into_iter().for_each(|answer| drop(answer.unwrap()));
    server.end_reload(reload);
    assert_eq!(server.wire().serial("two.test."), Some(2));
    assert_eq!(server.wire().serial(ZONE), Some(12));
    assert_eq!(chain(&changer, server.generation(), ZONE).len(), 11);
}

#[test]
fn changes_of_clients_that_leave_are_made_all_the_same() {
    let server = start_with(&patient_options());
    let stopped = stop_one(&server);
    {
        let changer = Changer::connect(&server.state);
        changer.update(ZONE, "add a 300 A 192.0.2.1\n", Reached::Built).unwrap();
        changer.update(ZONE, "add b 300 A 192.0.2.1\n", Reached::Built).unwrap();
    }
    Server::signal(stopped, "CONT");
    within(Duration::from_secs(30), "both are served", || (server.wire().serial(ZONE) == Some(3)).then_some(()));
}
