//! The same zones served by BIND's named: what is asked here must be answered alike. Skipped, and the skip recorded, where named is not
//! installed.
//!
//! Left out is where we differ on purpose (`docs/rfc-compliance.md`): aliases into another zone are followed, loops of aliases are no
//! SERVFAIL, NSEC at a cut is the child's; and where named errs: proofs of a wildcard that is an empty non-terminal, or behind a DNAME.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use dns::text::present;
use zone_segment::ZoneSet;

use crate::ask::{Ask, text};
use crate::found::{CHILD, EXAMPLE, SERVED};
use crate::root_zone::root_zone;
use crate::zones::{TestZone, generation, sign, zone};

/// A running named; killed when dropped.
struct Named {
    /// The process.
    process: Child,
    /// Where it answers.
    address: SocketAddr,
    /// Its directory.
    _directory: tempfile::TempDir,
}

impl Drop for Named {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Named {
    /// Starts it with these zones; `None` where it is not installed.
    fn start(zones: &[TestZone]) -> Option<Self> {
        if Command::new("named").arg("-V").output().is_err() {
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        // Named takes no socket from us, so a port is chosen and left free for a moment.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(directory.path().join("named.conf"), configuration(directory.path(), port, zones)).unwrap();
        let process = Command::new("named")
            .args(["-g", "-n", "1", "-c"])
            .arg(directory.path().join("named.conf"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut named = Self { process, address: ([127, 0, 0, 1], port).into(), _directory: directory };
        let log = BufReader::new(named.process.stderr.take().unwrap());
        let mut seen = Vec::new();
        let mut lines = log.lines().map(Result::unwrap);
        while lines
            .by_ref()
            .inspect(|line| seen.push(line.clone()))
            .next()
            .is_some_and(|line| !line.ends_with(" running"))
        {}
        assert!(seen.last().is_some_and(|line| line.ends_with(" running")), "{seen:#?}");
        std::thread::spawn(move || lines.for_each(drop));
        Some(named)
    }

    /// Its answer to a query.
    fn ask(&self, message: &[u8]) -> Vec<u8> {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client.send_to(message, self.address).unwrap();
        let mut answer = vec![0; 4096];
        let length = client.recv(&mut answer).unwrap();
        answer.truncate(length);
        answer
    }
}

/// Writes the zones as files, and a configuration that serves them as minimally as we do.
fn configuration(directory: &Path, port: u16, zones: &[TestZone]) -> String {
    let path = directory.display();
    let mut text = format!(
        "options {{ directory \"{path}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none;
        session-keyfile none; recursion no; minimal-responses yes; minimal-any yes; dnssec-validation no; max-udp-size 1232;
        edns-udp-size 1232; empty-zones-enable no; zero-no-soa-ttl no; }};\ncontrols {{ }};\n"
    );
    for (number, zone) in zones.iter().enumerate() {
        let records = zone
            .records
            .iter()
            .map(|record| present::record(record.owner.as_ref(), record.ttl, record.rtype, &record.rdata) + "\n");
        fs::write(directory.join(format!("{number}.zone")), records.collect::<String>()).unwrap();
        text += &format!(
            "zone \"{}\" {{ type primary; file \"{number}.zone\"; check-names ignore; check-integrity no; }};\n",
            zone.apex
        );
    }
    text
}

/// Whether two answers say the same: RCODE, flags, answer and authority section in any order. Of the additional section ours may have more:
/// addresses of name servers that are no glue.
fn agree(ours: &[u8], theirs: &[u8]) -> bool {
    let lines = |answer: &[u8]| -> BTreeSet<String> {
        text(answer).lines().filter(|line| !line.starts_with("ede")).map(str::to_lowercase).collect()
    };
    let (ours, theirs) = (lines(ours), lines(theirs));
    theirs.is_subset(&ours) && ours.difference(&theirs).all(|line| line.starts_with("additional"))
}

/// Asserts that named and we answer alike.
fn compare(test: &str, make: impl Fn() -> Vec<TestZone>, queries: impl IntoIterator<Item = String>) {
    let zones: Arc<ZoneSet> = generation(1, make());
    let Some(named) = Named::start(&make()) else { return record_skip(test) };
    let mut different = Vec::new();
    for line in queries {
        let ask = Ask::new(&line);
        let (ours, theirs) = (ask.respond(&zones).unwrap(), named.ask(&ask.message));
        if !agree(&ours, &theirs) {
            different.push(format!("## {line}\n-- ours\n{}-- named\n{}", text(&ours), text(&theirs)));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Says that a test cannot run here: loudly, and on the list that `.ci/run` prints.
fn record_skip(test: &str) {
    eprintln!("SKIPPED {test}: named is not installed");
    // The executable is TARGET/debug/deps/NAME.
    let executable = std::env::current_exe().unwrap();
    let list = executable.ancestors().nth(3).unwrap().join("skipped.txt");
    let mut list = fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
    writeln!(list, "{test}: named is not installed").unwrap();
}

/// Every interesting name of the small zones with every interesting type.
fn small_queries(kinds: &[&str]) -> Vec<String> {
    let names = "@ www mail ns1 nope x.www ent x.ent a.ent x.a.ent sub www.sub ns.sub ns.sibling sibling secure x.secure \
        child www.child x.child ns.child wild x.wild x.y.wild *.wild x.*.wild closer.wild x.closer.wild walias x.walias went x.went \
        *.went b.*.went alias chain1 out to-missing to-sub dname a.dname x.b.dname c.dname \
        nope.dname srv zzz 0 x.target long";
    let mut queries = Vec::new();
    for name in names.split_whitespace() {
        let owner = if name == "@" { "example.".to_owned() } else { format!("{name}.example.") };
        for rtype in ["A", "NS", "SOA", "TXT", "MX", "DS", "CNAME", "DNAME", "SRV", "TYPE65280"] {
            queries.extend(kinds.iter().map(|kind| format!("{owner} {rtype} {kind}")));
        }
    }
    queries
}

#[test]
fn b50_unsigned_zones_answer_as_named_does() {
    let zones = || vec![zone("example.", EXAMPLE), zone("served.", SERVED), zone("child.example.", CHILD)];
    compare("b50_unsigned_zones_answer_as_named_does", zones, small_queries(&["", "+edns=1232", "+do"]));
}

#[test]
fn b51_signed_zones_answer_as_named_does() {
    let mut queries = small_queries(&["+edns=1232", "+do"]);
    queries.retain(|line| !line.starts_with("x.went.") && !line.starts_with("x.b.dname."));
    compare("b51_signed_zones_answer_as_named_does", || vec![sign(zone("example.", EXAMPLE))], queries);
}

#[test]
fn b50_the_root_zone_answers_as_named_does() {
    let names: BTreeSet<String> = root_zone().records.iter().map(|record| record.owner.to_string()).collect();
    let queries = names.into_iter().enumerate().flat_map(|(number, name)| {
        let kinds = ["A +do", "DS +do", "NS +edns=1232", "TXT +edns=4096", "SOA +do"];
        let below = format!("x{number}.{}", if name == "." { "" } else { &name });
        [
            format!("{name} {}", kinds[number % kinds.len()]),
            format!("{below} {}", kinds[number / 5 % kinds.len()]),
            format!("{}0. A +do", name.trim_end_matches('.').replace('.', "-")),
        ]
    });
    compare("b50_the_root_zone_answers_as_named_does", || vec![root_zone()], queries.collect::<Vec<_>>());
}
