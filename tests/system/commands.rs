//! The command line as scripts rely on it: what goes to which stream, fields of JSON, exit codes.

use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::harness::server::trine;
use crate::harness::{Server, ServerOptions, Wire, until, zones};

/// Done.
pub(crate) const DONE: i32 = 0;

/// What was asked for could not be done.
pub(crate) const FAILED: i32 = 1;

/// The command line is wrong.
const USAGE: i32 = 2;

/// No server runs.
const NO_SERVER: i32 = 3;

/// A command's end: exit code, standard output, standard error.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) out: String,
    /// What it said.
    pub(crate) err: String,
}

impl Ran {
    /// Its output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Takes an ended command apart.
fn ran(Output { status, stdout, stderr }: Output) -> Ran {
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// Runs `trine` with these words.
pub(crate) fn run(arguments: &[&str]) -> Ran {
    ran(trine().args(arguments).output().unwrap())
}

/// A server with one sound zone and one broken one.
fn serving() -> Server {
    let server = Server::start(&ServerOptions::default(), |directory| {
        zones::install(directory, "example.com.zone", &zones::small("example.com.", 7, 3));
        zones::install(directory, "broken.test.zone", "@ SOA ns host 1 2 3 4 5\n@ NS ns\nwww A 192.0.2.300\n");
    });
    server.until_xfrout();
    server
}

/// The fields an object has to have at least.
pub(crate) fn assert_fields(object: &Value, fields: &[&str]) {
    let object = object.as_object().unwrap_or_else(|| panic!("expected an object: {object}"));
    for field in fields {
        assert!(object.contains_key(*field), "{field} is missing: {object:?}");
    }
}

#[test]
fn one_line_on_standard_output_says_that_the_server_answers() {
    let base = tempfile::tempdir().unwrap();
    zones::install(base.path(), "example.com.zone", &zones::small("example.com.", 7, 3));
    let state = base.path().join("state");
    let mut serve = trine();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--auth", "1"]);
    serve.arg("--zones").arg(base.path()).arg("--state").arg(&state);
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut ready = String::new();
    out.read_line(&mut ready).unwrap();
    assert!(ready.starts_with("ready: 1 zone, 9 records, generation 1, 1 auth, listening on 127.0.0.1:"), "{ready}");
    let address = ready.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(Wire::to(address).serial("example.com."), Some(7));
    let stop = ran(trine().arg("stop").arg("--state").arg(&state).output().unwrap());
    assert_eq!((stop.code, stop.out.as_str(), stop.err.as_str()), (DONE, "", ""));
    let rest: Vec<String> = out.lines().map(Result::unwrap).collect();
    let Ran { code, err, .. } = ran(child.wait_with_output().unwrap());
    assert_eq!((code, rest.len()), (DONE, 0), "{rest:?}");
    for event in ["listening", "process-started", "generation-published", "reader-switched"] {
        assert!(err.contains(event), "{event} is not in the log: {err}");
    }
}

#[test]
fn status_has_the_fields_of_the_contract() {
    let server = serving();
    let status = server.status();
    assert_fields(&status, &["version", "generation", "zones", "consumers", "generations", "listen", "kills"]);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["generation"], 1);
    assert_eq!(status["supervisor_pid"], server.pid());
    assert_eq!(status["listen"][0], server.address.to_string());
    let zones = status["zones"].as_array().unwrap();
    assert_eq!(zones.len(), 2);
    zones.iter().for_each(|zone| assert_fields(zone, &["name", "serial", "records", "state", "error"]));
    let zone = |name: &str| zones.iter().find(|zone| zone["name"] == name).unwrap();
    let sound = zone("example.com.");
    assert_eq!((&sound["serial"], &sound["records"], &sound["state"]), (&7.into(), &9.into(), &"serving".into()));
    assert!(sound["error"].is_null());
    let broken = zone("broken.test.");
    assert_eq!((&broken["serial"], &broken["state"]), (&Value::Null, &"broken".into()));
    assert!(broken["error"].as_str().unwrap().contains("broken.test.zone:3:7: error: "), "{broken}");
    let consumers = status["consumers"].as_array().unwrap();
    for consumer in consumers {
        assert_fields(consumer, &["role", "pid", "generation", "address"]);
        assert_eq!(consumer["generation"], 1);
    }
    let with = |role: &str| consumers.iter().filter(|consumer| consumer["role"] == role).count();
    assert_eq!((with("auth"), with("xfrout"), consumers.len()), (2, 1, 3));
}

#[test]
fn lists_have_the_fields_of_the_contract() {
    let server = serving();
    let generations = server.json(&["generation", "list"]);
    let generation = &generations.as_array().unwrap()[0];
    assert_fields(generation, &["id", "state", "layers", "bytes", "readers"]);
    assert_eq!((&generation["id"], &generation["state"]), (&1.into(), &"current".into()));
    assert_eq!((&generation["layers"], &generation["readers"]), (&2.into(), &3.into()));
    assert!(generation["bytes"].as_u64().unwrap() > 8192, "two segments of a page at least");

    let zones = server.json(&["zone", "list"]);
    assert_eq!(zones, server.status()["zones"]);

    let consumers = server.json(&["consumers"]);
    let pids: Vec<i64> = consumers.as_array().unwrap().iter().map(|one| one["pid"].as_i64().unwrap()).collect();
    assert_eq!(pids.len(), 3, "two auth and xfrout");

    let members = server.json(&["bus", "members"]);
    let members = members.as_array().unwrap();
    members.iter().for_each(|member| assert_fields(member, &["address", "name", "pid", "uid", "groups"]));
    let named = |name: &str| members.iter().filter(|member| member["name"] == name).count();
    assert_eq!((named("memmgr"), named("auth"), named("xfrout"), named("trine")), (1, 2, 1, 1), "{members:?}");
    let memmgr = members.iter().find(|member| member["name"] == "memmgr").unwrap();
    assert!(memmgr["groups"].as_array().unwrap().contains(&"memmgr".into()), "{memmgr}");
}

#[test]
fn what_is_printed_for_people_says_the_same() {
    let server = serving();
    for (command, says) in [
        (&["status"][..], &["generation 1, 2 zones", "auth pid", "zone broken.test. is broken"][..]),
        (&["zone", "list"], &["ZONE", "SERIAL", "example.com.", "serving", "broken.test.", "broken"]),
        (
            &["generation", "list"],
            &["ID", "STATE", "LAYERS", "BYTES", "READERS", "DURABLE", "PINNED", "MADE", "current"],
        ),
        (&["consumers"], &["ROLE", "PID", "GENERATION", "auth"]),
        (&["bus", "members"], &["ADDRESS", "NAME", "memmgr", "auth"]),
    ] {
        let Ran { code, out, err } = ran(server.trine(command));
        assert_eq!((code, err.as_str()), (DONE, ""), "{command:?}");
        for word in says {
            assert!(out.contains(word), "{command:?} does not say {word:?}:\n{out}");
        }
    }
}

#[test]
fn reload_tells_what_changed_and_what_failed() {
    let server = serving();
    let unchanged = ran(server.trine(&["reload", "--json"]));
    assert_eq!(unchanged.code, FAILED, "a zone is still broken: {unchanged:?}");
    assert!(unchanged.err.contains("broken.test.zone:3:7: error: "), "{unchanged:?}");
    assert_fields(&unchanged.json(), &["generation", "changed", "unchanged", "failed"]);
    zones::install(&server.zones, "example.com.zone", &zones::small("example.com.", 8, 3));
    let changed = ran(server.trine(&["reload", "example.com", "--json"]));
    assert_eq!((changed.code, changed.err.as_str()), (DONE, ""), "{changed:?}");
    assert_eq!(changed.json()["changed"], serde_json::json!(["example.com."]));
    assert_eq!(server.wire().serial("example.com."), Some(8));
    let unknown = ran(server.trine(&["reload", "example.net"]));
    assert_eq!(unknown.code, FAILED);
    assert!(unknown.err.contains("example.net."), "{unknown:?}");
}

#[test]
fn commands_to_a_server_end_with_3_when_none_runs() {
    let base = tempfile::tempdir().unwrap();
    let state = base.path().to_str().unwrap();
    for words in [
        "status",
        "reload",
        "reload example.com",
        "stop",
        "zone list",
        "generation list",
        "consumers",
        "bus members",
        "bus monitor",
    ] {
        let arguments: Vec<&str> = words.split(' ').chain(["--state", state]).collect();
        let Ran { code, out, err } = run(&arguments);
        assert_eq!((code, out.as_str()), (NO_SERVER, ""), "{words}: {err}");
        assert!(err.contains(state) && err.contains("trine serve"), "{words}: {err}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for words in [
        "",
        "frobnicate",
        "serve",
        "serve --zones",
        "serve --zones z --unknown",
        "serve --zones z --auth 0",
        "serve --zones z --listen here",
        "serve --zones z --switch-timeout 5",
        "status --unknown",
        "status --timeout never",
        "zone",
        "zone frobnicate",
        "zone update",
        "zone update example.",
        "zone update example. --file c --serial never",
        "zone update example. --file c --wait long",
        "generation",
        "generation wait x",
        "generation wait --for ever",
        "generation diff 1",
        "generation diff 1 x",
        "generation rollback",
        "generation rollback x",
        "generation pin",
        "generation unpin -1",
        "bus",
        "bus frobnicate",
        "segment",
        "segment show",
        "segment lookup file",
        "segment lookup file a..b",
        "segment dump",
        "segment dump file --zone a..b",
        "segment diff file",
        "segment bench",
        "segment bench file --zone zone",
        "segment bench file --queries 0",
        "segment build file",
        "check",
        "check --origin a..b file",
        "config",
        "config frobnicate",
        "config check",
        "config check no-such-file",
        "serve --config no-such-file",
        "status --config no-such-file",
        "stop --json",
    ] {
        let Ran { code, out, err } = run(&words.split_whitespace().collect::<Vec<_>>());
        assert_eq!((code, out.as_str()), (USAGE, ""), "trine {words}: {err}");
        assert!(!err.is_empty(), "trine {words}: nothing is said");
    }
    let base = tempfile::tempdir().unwrap();
    let state = base.path().join("state");
    for (flags, says) in [
        ("--bus-allow no-such-user", ["--bus-allow", "no-such-user"]),
        ("--listen 127.0.0.1:5353 --listen 127.0.0.1:5353", ["--listen", "127.0.0.1:5353"]),
    ] {
        let mut serve = trine();
        serve.args(["serve", "--zones", "."]).args(flags.split(' ')).arg("--state").arg(&state);
        let Ran { code, err, .. } = ran(serve.output().unwrap());
        assert_eq!(code, USAGE, "{flags}: {err}");
        assert!(says.iter().all(|word| err.contains(word)), "{flags}: {err}");
    }
}

#[test]
fn every_command_has_help() {
    let mut commands = vec![String::new()];
    let mut asked = 0;
    while let Some(command) = commands.pop() {
        let words: Vec<&str> = command.split_whitespace().collect();
        let Ran { code, out, err } = run(&[&words[..], &["--help"]].concat());
        assert_eq!((code, err.as_str()), (DONE, ""), "trine {command} --help");
        assert!(out.contains("Usage: trine"), "trine {command} --help: {out}");
        let list = out.split_once("Commands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap());
        let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        commands.extend(names.map(|name| format!("{command} {name}")));
        asked += 1;
    }
    // trine itself, eleven commands, and the commands of five of them.
    assert!(asked >= 1 + 11 + 1 + 1 + 1 + 2 + 7, "{asked} commands have help");
    assert_eq!(run(&["--version"]).out, format!("trine {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn parts_of_a_server_are_not_started_by_hand() {
    for role in ["auth", "memmgr"] {
        let Ran { code, out, err } = run(&[role]);
        assert_eq!((code, out.as_str()), (USAGE, ""), "{err}");
        assert!(err.contains("is started by `trine serve`"), "{err}");
    }
}

#[test]
fn check_says_what_is_wrong_and_where() {
    let base = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = base.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let sound = file("example.com.zone", &zones::small("example.com.", 7, 3));
    let broken = file(
        "example.org.zone",
        "$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.300\nftp B x\n",
    );
    let nameless = file("zone.txt", "$TTL 300\n@ SOA ns.example.net. host 1 2 3 4 5\n@ NS ns.example.org.\n");

    let Ran { code, out, err } = run(&["check", &sound]);
    assert_eq!((code, err.as_str()), (DONE, ""));
    assert_eq!(out, format!("{sound}: example.com., serial 7, 9 records, 0 errors, 0 warnings\n"));
    let Ran { code, out, err } = run(&["check", &sound, &broken]);
    assert_eq!(code, FAILED);
    assert_eq!(out.lines().nth(1), Some(format!("{broken}: example.org., 3 records, 2 errors, 0 warnings").as_str()));
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 2, "{err}");
    assert!(lines[0].starts_with(&format!("{broken}:5:7: error: ")) && lines[0].contains("192.0.2.300"), "{err}");
    assert!(lines[1].starts_with(&format!("{broken}:6:5: error: ")) && lines[1].contains('B'), "{err}");
    let Ran { code, err, .. } = run(&["check", &nameless]);
    assert_eq!(code, FAILED);
    assert!(err.contains("--origin"), "{err}");
    let Ran { code, out, err } = run(&["check", "--origin", "example.net", "--json", &nameless]);
    assert_eq!((code, err.as_str()), (DONE, ""));
    let checked: Value = serde_json::from_str(&out).unwrap();
    let file = &checked["files"][0];
    assert_fields(file, &["file", "zone", "serial", "records", "errors", "warnings", "left_out"]);
    assert_eq!((&file["zone"], &file["serial"], &file["errors"]), (&"example.net.".into(), &1.into(), &0.into()));
    let Ran { code, err, .. } = run(&["check", base.path().join("missing.zone").to_str().unwrap()]);
    assert_eq!(code, FAILED);
    assert!(err.contains("missing.zone"), "{err}");
}

#[test]
fn check_tells_all_findings_for_people_and_for_programs() {
    let base = tempfile::tempdir().unwrap();
    let path = base.path().join("example.org.zone");
    let records: String = (0..150).map(|host| format!("host{host} CNAME other.\nhost{host} TXT a\n")).collect();
    std::fs::write(
        &path,
        format!("$TTL 300\n@ SOA ns.other. host 1 2 3 4 5\n@ NS ns.other.\nsub NS ns.sub\n{records}"),
    )
    .unwrap();
    let path = path.to_str().unwrap();

    let Ran { code, out, err } = run(&["check", path]);
    assert_eq!(code, FAILED);
    assert_eq!(out, format!("{path}: example.org., serial 1, 303 records, 150 errors, 1 warning\n"));
    assert_eq!(err.lines().count(), 151);
    let glue = "warning: name server below its own delegation without an address here: \
                `sub.example.org. NS ns.sub.example.org.` [glue-missing]";
    assert_eq!(err.lines().last(), Some(format!("{path}:4:1: {glue}").as_str()));
    let Ran { code, out, err } = run(&["check", "--max", "2", path]);
    assert_eq!((code, err.lines().count()), (FAILED, 3));
    assert!(out.ends_with("2 errors, 1 warning, 148 not told\n"), "{out}");

    let ran = run(&["check", "--json", path]);
    assert_eq!((ran.code, ran.err.as_str()), (FAILED, ""));
    let report = ran.json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 151);
    let finding = &report["findings"][150];
    assert_fields(finding, &["file", "line", "column", "severity", "rule", "text", "remedy"]);
    assert_eq!((&finding["file"], &finding["line"], &finding["column"]), (&path.into(), &4.into(), &1.into()));
    assert_eq!((&finding["severity"], &finding["rule"]), (&"warning".into(), &"glue-missing".into()));

    std::fs::write(path, "$TTL 300\n@ SOA ns.other. host 1 2 3 4 5\n@ NS ns.other.\nwww A 192.0.2.300\n").unwrap();
    let report = run(&["check", "--json", path]).json();
    let finding = &report["findings"][0];
    assert_eq!((&finding["line"], &finding["column"], &finding["rule"]), (&4.into(), &7.into(), &"rdata".into()));
    assert_eq!(run(&["check", "--at", "yesterday", path]).code, USAGE);
}

#[test]
fn check_verifies_digests_and_signatures_when_asked() {
    let base = tempfile::tempdir().unwrap();
    let path = base.path().join("example.zone");
    // RFC 8976, appendix A.1, with a key and a signature.
    let zone = "@ 86400 SOA ns1 admin 2018031900 1800 900 604800 86400\n@ 86400 NS ns1\n@ 86400 NS ns2\n\
                @ 86400 ZONEMD 2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9\
                a9713b3c9ae5cc27777f98b8e730044c\nns1 3600 A 203.0.113.63\nns2 3600 AAAA 2001:db8::63\n";
    std::fs::write(&path, zone).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(run(&["check", "--zonemd", path]).code, DONE);
    std::fs::write(path, zone.replace("203.0.113.63", "203.0.113.64")).unwrap();
    assert_eq!(run(&["check", path]).code, DONE);
    let Ran { code, err, .. } = run(&["check", "--zonemd", path]);
    assert_eq!(code, FAILED);
    assert!(err.contains("[zonemd-mismatch]"), "{err}");
    let signature = "@ RRSIG SOA 13 1 86400 20300101000000 20200101000000 1037 example. AAAA";
    std::fs::write(path, format!("{zone}@ DNSKEY 256 3 13 AAAA\n{signature}\n")).unwrap();
    for (at, expected) in
        [("20250101000000", ""), ("20310101000000", "[rrsig-expired]"), ("1500000000", "[rrsig-not-yet-valid]")]
    {
        let Ran { code, err, .. } = run(&["check", "--at", at, path]);
        assert_eq!(code, DONE);
        assert_eq!(
            (err.contains("[rrsig-expired]"), err.contains("[rrsig-not-yet-valid]")),
            (expected.contains("expired"), expected.contains("not-yet")),
            "{err}"
        );
    }
}

#[test]
fn bus_monitor_shows_what_passes() {
    let server = serving();
    for (flags, shows) in [(&["--json"][..], "\"command\":\"reload\""), (&[], "\"command\":\"reload\"")] {
        let mut monitor = trine();
        monitor.args(["bus", "monitor"]).args(flags).arg("--state").arg(&server.state).stdout(Stdio::piped());
        let mut monitor = monitor.spawn().unwrap();
        let pid = i64::from(monitor.id());
        until("the monitor is on the bus", || {
            let members = server.json(&["bus", "members"]);
            members.as_array()?.iter().any(|member| member["pid"] == pid).then_some(())
        });
        let mut lines = BufReader::new(monitor.stdout.take().unwrap()).lines().map(Result::unwrap);
        // It may be on the bus a moment before it is shown anything, so there is something to show until it does.
        let (sender, shown) = std::sync::mpsc::channel();
        let wanted = shows.to_owned();
        let reading = std::thread::spawn(move || sender.send(lines.find(|line| line.contains(&wanted))));
        let line = until("the monitor shows a reload", || {
            server.trine(&["reload"]);
            shown.try_recv().ok()
        });
        let line = line.unwrap();
        if !flags.is_empty() {
            let copied: Value = serde_json::from_str(&line).unwrap();
            assert_fields(&copied, &["kind", "from", "to", "request", "body", "descriptors"]);
            assert_eq!((&copied["kind"], &copied["to"]["group"]), (&"request".into(), &"memmgr".into()), "{line}");
        } else {
            assert!(line.contains(" -> group memmgr  request "), "{line}");
        }
        monitor.kill().unwrap();
        monitor.wait().unwrap();
        reading.join().unwrap().unwrap();
    }
}

#[test]
fn output_that_nobody_reads_is_no_error() {
    let server = serving();
    let mut status = trine();
    status.args(["status", "--json", "--state"]).arg(&server.state).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = status.spawn().unwrap();
    drop(child.stdout.take());
    let Ran { code, err, .. } = ran(child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (DONE, ""));
}
