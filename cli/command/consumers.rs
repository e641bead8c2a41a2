//! `trine consumers`: the readers of a running server.

use bus::protocol::control::{Command as Ask, ConsumerStatus};
use clap::{ArgMatches, Command};

use super::{control, json_flag, print, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    control::declare(Command::new("consumers").about("List the processes that read a running server's zone data"))
        .arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    control::ask_and(matches, &Ask::Consumers {}, |consumers: Vec<ConsumerStatus>| {
        if wants_json(matches) {
            return print::json(&consumers);
        }
        let row = |consumer: &ConsumerStatus| {
            [
                consumer.role.clone(),
                consumer.pid.to_string(),
                consumer.uid.to_string(),
                print::or_dash(consumer.generation),
                consumer.last_seen_ms.to_string(),
                consumer.leases.to_string(),
                consumer.leased_bytes.to_string(),
                consumer.address.clone(),
                consumer.error.clone().unwrap_or_default(),
            ]
        };
        let headings =
            ["ROLE", "PID", "UID", "GENERATION", "SEEN MS AGO", "LEASES", "LEASED BYTES", "ADDRESS", "ERROR"];
        print::table(headings, &consumers.iter().map(row).collect::<Vec<_>>())
    })
}
