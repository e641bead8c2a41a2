//! `trine status`: the whole state of a running server.

use std::fmt::Write;

use bus::protocol::control::{Command as Ask, Status, ZoneCondition};
use clap::{ArgMatches, Command};

use super::{control, json_flag, print, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    control::declare(Command::new("status").about("Show the state of a running server")).arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    control::ask_and(matches, &Ask::Status {}, |status: Status| {
        if wants_json(matches) { print::json(&status) } else { print::text_line(&text(&status)) }
    })
}

/// The state for people.
fn text(status: &Status) -> String {
    let mut text = String::new();
    let records: u64 = status.zones.iter().map(|zone| zone.records).sum();
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "trine {}, generation {}, {} zones with {records} records, up {} s",
        status.version,
        status.generation,
        status.zones.len(),
        status.uptime_seconds
    );
    let _ = writeln!(text, "listening on {}", status.listen.join(", "));
    let _ = writeln!(text, "supervisor pid {}, memmgr pid {}", status.supervisor_pid, status.memmgr_pid);
    if status.watching {
        let _ = writeln!(text, "the zone directory is watched");
    }
    for load in &status.loads {
        let seconds = load.elapsed_ms / 1000;
        let _ = match load.zones {
            0 => writeln!(text, "comparing sources for {seconds} s"),
            zones => writeln!(
                text,
                "loading for {seconds} s: {} of {zones} zones, {} of {} octets, {} records",
                load.zones_done, load.octets_done, load.octets, load.records
            ),
        };
    }
    for consumer in &status.consumers {
        let generation = print::or_dash(consumer.generation);
        let _ = writeln!(text, "{} pid {} on generation {generation}", consumer.role, consumer.pid);
    }
    if let Some(error) = &status.error {
        let _ = writeln!(text, "sources: {error}");
    }
    for zone in status.zones.iter().filter(|zone| zone.state != ZoneCondition::Serving) {
        let error = zone.error.as_deref().unwrap_or("no reason known");
        let _ = writeln!(text, "zone {} is {}: {error}", zone.name, super::zone::condition(zone.state));
    }
    for kill in &status.kills {
        let generation = print::or_dash(kill.generation);
        let _ = writeln!(
            text,
            "killed: {} pid {} on generation {generation} after {} ms: {}",
            kill.role, kill.pid, kill.waited_ms, kill.reason
        );
    }
    text.trim_end().to_owned()
}
