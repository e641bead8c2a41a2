//! `trine stats`: what the processes that answer queries have done since they started.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::time::Duration;

use bus::group::Member;
use bus::protocol::AUTH_GROUP;
use bus::protocol::statistics::{Ask, Counts, Latency, MissingProcess, ProcessStatistics, ServerStatistics};
use bus::{Client, Recipient};
use clap::{Arg, ArgAction, ArgMatches, Command};
use tokio::task::JoinSet;

use super::{control, json_flag, print, wants_json};
use crate::exit::Exit;
use crate::supervisor::Chain;

/// How long a process may take to say what it has done. One that hangs costs this once, since all are asked at the same time.
const PROCESS_DEADLINE: Duration = Duration::from_secs(1);

/// The command.
pub(super) fn command() -> Command {
    let each = Arg::new("each").long("each").action(ArgAction::SetTrue).help("Show every process's own counts as well");
    let stats = Command::new("stats").about("Count what a running server's processes have answered since they started");
    control::declare(stats).arg(each).arg(json_flag()).after_help(
        "Each process counts from 0 when it starts: totals fall when one is replaced. A process that does not answer within a second is \
         named, its counts are missing from the total, and the exit code is 1.",
    )
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let server = match control::Server::connect(matches) {
        Ok(server) => server,
        Err(error) => return error.report(),
    };
    let statistics = match server.block_on(gather(&server.client)) {
        Ok(statistics) => statistics,
        Err(error) => return print::failed(&format!("asking who answers queries: {}", Chain(&error))),
    };
    let printed = if wants_json(matches) {
        print::json(&statistics)
    } else {
        print::text_line(&text(&statistics, matches.get_flag("each")))
    };
    for MissingProcess { pid, error } in &statistics.missing {
        print::failed(&format!("the process {pid} is missing from the total: {error}"));
    }
    if statistics.missing.is_empty() { printed } else { Exit::Failed }
}

/// Asks every process at the same time, and adds up what they say.
async fn gather(client: &Client) -> Result<ServerStatistics, bus::RequestError> {
    let mut asked = JoinSet::new();
    for Member { address, pid, .. } in client.members(&AUTH_GROUP).await? {
        let client = client.clone();
        asked.spawn(async move {
            let to = Recipient::Address(address);
            let reply = client.request(&to, &Ask::Statistics {}, &[], PROCESS_DEADLINE).await;
            let missing = |error: String| MissingProcess { pid, error };
            let reply = reply.map_err(|error| missing(Chain(&error).to_string()))?;
            reply.parse::<ProcessStatistics>().map_err(|error| missing(error.to_string()))
        });
    }
    let mut statistics = ServerStatistics::default();
    while let Some(answered) = asked.join_next().await {
        match answered {
            Ok(Ok(process)) => statistics.processes.push(process),
            Ok(Err(missing)) => statistics.missing.push(missing),
            // Nothing in there panics, and nothing is cancelled.
            Err(_) => {}
        }
    }
    statistics.processes.sort_by_key(|process| (process.slot, process.pid));
    statistics.missing.sort_by_key(|missing| missing.pid);
    for process in &statistics.processes {
        statistics.total.add(&process.counts);
    }
    statistics.latency = Latency::of(&statistics.total);
    Ok(statistics)
}

/// The counts for people.
fn text(statistics: &ServerStatistics, wants_each: bool) -> String {
    let mut text = String::new();
    for process in &statistics.processes {
        let ProcessStatistics { pid, slot, uptime_ms, counts, .. } = process;
        let received: u64 = counts.received.values().sum();
        // Writing to a String does not fail.
        let _ = writeln!(text, "auth {slot} pid {pid}, counting for {} s, {received} messages", uptime_ms / 1000);
        if wants_each {
            write_counts(&mut text, counts);
        }
    }
    let _ = writeln!(text, "total of {} processes", statistics.processes.len());
    write_counts(&mut text, &statistics.total);
    text.trim_end().to_owned()
}

/// Writes counts, a line each.
fn write_counts(text: &mut String, counts: &Counts) {
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "  {name:<10} {value}");
        }
    };
    line("received", listed(&counts.received));
    line("opcodes", listed(&counts.opcodes));
    line("types", listed(&counts.types));
    line("asked with", listed(&counts.flags));
    line("rcodes", listed(&counts.rcodes));
    line("answers", listed(&counts.kinds));
    line("flags", listed(&counts.answer_flags));
    line("tcp", listed(&counts.tcp));
    let Counts { ignored, limited, slipped, unsent, receive_errors, .. } = counts;
    line(
        "beside",
        format!(
            "ignored {ignored}, limited {limited}, slipped {slipped}, unsent {unsent}, receive errors {receive_errors}"
        ),
    );
    if let Some(Latency { p50_ns, p90_ns, p99_ns, p99_9_ns }) = Latency::of(counts) {
        let [p50, p90, p99, p99_9] = [p50_ns, p90_ns, p99_ns, p99_9_ns].map(Duration::from_nanos);
        line(
            "latency",
            format!("p50 {p50:.1?}, p90 {p90:.1?}, p99 {p99:.1?}, p99.9 {p99_9:.1?} in the process, over UDP"),
        );
    }
}

/// Counts by name, the largest first.
fn listed(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by(|(name, count), (other_name, other)| other.cmp(count).then(name.cmp(other_name)));
    let pair = |(name, count): &(&String, &u64)| format!("{name} {count}");
    join(counts.iter().map(pair))
}

/// Texts with commas between them.
fn join(texts: impl Iterator<Item = impl Display>) -> String {
    texts.map(|text| text.to_string()).collect::<Vec<_>>().join(", ")
}
