//! `trine stats`: exactly what was asked is counted, and a process that hangs is missing and holds nobody up.

use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use super::harness::{Faults, Server, ServerOptions, until, zones};

/// A server.
fn serving(auth: usize) -> Server {
    Server::start(&ServerOptions { auth, ..ServerOptions::default() }, |directory| {
        zones::install(directory, "example.com.zone", &zones::small("example.com.", 1, 9));
    })
}

/// How many queries over UDP have been answered to the end.
fn measured(stats: &Value) -> u64 {
    let steps = stats["total"]["latency_ns"].as_object();
    steps.map_or(0, |steps| steps.values().map(|count| count.as_u64().unwrap()).sum())
}

/// Asks from a port each.
fn ask(server: &Server) {
    let wire = server.wire();
    for host in 0..5 {
        wire.udp(&format!("host{host}.example.com."), RecordType::A);
    }
    for _ in 0..4 {
        wire.udp_dnssec("host1.example.com.", RecordType::TXT);
    }
    for _ in 0..3 {
        wire.udp("host1.example.com.", RecordType::AAAA);
    }
    wire.udp("none.example.com.", RecordType::CAA);
    wire.udp("www.elsewhere.", RecordType::from(60_000));
    for _ in 0..2 {
        wire.tcp("host1.example.com.", RecordType::A, false);
    }
    wire.tcp("none.example.com.", RecordType::MX, true);
}

#[test]
fn what_was_asked_is_counted_exactly() {
    let server = serving(3);
    ask(&server);
    let stats = until("the last batch is sent", || {
        let stats = server.json(&["stats"]);
        (measured(&stats) == 14).then_some(stats)
    });
    let total = &stats["total"];
    assert_eq!(total["received"], json!({"udp-ipv4": 14, "tcp-ipv4": 3}));
    assert_eq!(total["types"], json!({"A": 7, "TXT": 4, "AAAA": 3, "CAA": 1, "MX": 1, "other": 1}));
    assert_eq!(total["opcodes"], json!({"QUERY": 17}));
    assert_eq!(total["flags"], json!({"edns": 17, "dnssec-ok": 5}));
    assert_eq!(total["rcodes"], json!({"NOERROR": 14, "NXDOMAIN": 2, "REFUSED": 1}));
    assert_eq!(total["kinds"], json!({"positive": 11, "nodata": 3, "nxdomain": 2, "error": 1}));
    assert_eq!(total["answer_flags"], json!({"authoritative": 16}));
    assert_eq!(total["tcp"]["accepted"], 3);
    let sum = |steps: &Value| steps.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum(&total["query_octets"]), sum(&total["answer_octets"])), (17, 17));
    for name in ["ignored", "limited", "slipped", "unsent", "receive_errors"] {
        assert_eq!(total[name], 0, "{name}");
    }
    assert!(stats["latency"]["p50_ns"].as_u64() > Some(0));
    assert_eq!(stats["missing"], json!([]));

    // Each process is there, by slot, and together they are the total.
    let processes = stats["processes"].as_array().unwrap();
    let pids: Vec<i64> = processes.iter().map(|process| process["pid"].as_i64().unwrap()).collect();
    assert_eq!(pids, server.auth_pids().into_iter().map(i64::from).collect::<Vec<_>>());
    let of_each = processes.iter().map(|process| process["counts"]["types"]["A"].as_u64().unwrap_or(0));
    assert_eq!(of_each.sum::<u64>(), 7);

    let text = String::from_utf8(server.trine(&["stats", "--each"]).stdout).unwrap();
    assert!(text.contains("types      A 7, TXT 4, AAAA 3, CAA 1, MX 1, other 1"), "{text}");
    assert_eq!(text.matches("received ").count(), 4, "{text}");
}

#[test]
fn a_process_that_is_replaced_counts_from_0() {
    let server = serving(1);
    ask(&server);
    let before = until("all is counted", || {
        let stats = server.json(&["stats"]);
        (measured(&stats) == 14).then_some(stats)
    });
    let pid = server.auth_pids()[0];
    Server::signal(pid, "KILL");
    let after = until("another process counts", || {
        let stats = server.json(&["stats"]);
        let other = stats["processes"][0]["pid"].as_i64().is_some_and(|other| other != i64::from(pid));
        other.then_some(stats)
    });
    assert_eq!(after["total"]["types"], json!({}));
    let started = |stats: &Value| stats["processes"][0]["started_unix"].as_u64().unwrap();
    assert!(started(&after) >= started(&before));
}

#[test]
fn a_process_that_hangs_is_missing_and_holds_nobody_up() {
    let server = serving(2);
    ask(&server);
    let pids = server.auth_pids();
    Server::signal(pids[0], "STOP");
    let began = Instant::now();
    let output = server.trine(&["stats", "--json"]);
    let took = began.elapsed();
    Server::signal(pids[0], "CONT");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(output.status.code(), Some(1));
    let stats: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(stats["missing"][0]["pid"], pids[0]);
    assert_eq!(stats["processes"][0]["pid"], pids[1]);
    assert_eq!(stats["processes"].as_array().unwrap().len(), 1);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("the process {} is missing from the total", pids[0])), "{said}");
    assert!(server.trine(&["stats"]).status.success());
}

#[test]
fn a_build_under_way_holds_nobody_up() {
    let Some(faults) = Faults::new("a_build_under_way_holds_nobody_up") else { return };
    let server = Server::start(&faults.options(&[]), |directory| {
        zones::install(directory, "example.com.zone", &zones::small("example.com.", 1, 9));
    });
    faults.arm("build-begin", "stall 4000");
    let mut reload = server.begin_reload();
    faults.until_passed("build-begin");
    assert_eq!(server.json(&["stats"])["processes"].as_array().unwrap().len(), 2);
    assert!(reload.try_wait().unwrap().is_none(), "the build was under way all the while");
    server.end_reload(reload);
}
