//! `trine zone update`: records of a zone that come and go.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use bus::protocol::control::{Command as Ask, Reached, SerialRule, Updated};
use clap::{Arg, ArgMatches, Command};

use super::control::{self, Server, ServerError};
use super::{json_flag, print, wants_json};
use crate::exit::Exit;

/// What stands for standard input in the place of a file.
const STANDARD_INPUT: &str = "-";

/// The command.
pub(super) fn command() -> Command {
    let file = Arg::new("file").long("file").value_name("CHANGES").required(true);
    let serial = Arg::new("serial").long("serial").value_name("RULE").value_parser(["increment", "date", "unixtime"]);
    let command = Command::new("update").about("Add and delete records of a zone, all that a file asks for or nothing");
    control::declare(command.after_help(
        "A line of the file is `add NAME TTL TYPE RDATA`, or `delete NAME [TYPE [RDATA]]`; names are completed with the zone's, RDATA is as in \
         zone files. Lines that bring no SOA raise the serial. The zone is checked as when it is loaded; with 1 when nothing was changed because of an \
         error. docs/change-files.md has the rules.",
    ))
    .arg(control::zone_argument().required(true))
    .arg(file.help("Read the changes from this file; - for standard input"))
    .arg(serial.default_value("increment").help("Raise the serial by one, to YYYYMMDD00, or to the seconds since 1970"))
    .arg(control::wait_argument("wait"))
    .arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let (Some(zone), Some(name)) = (matches.get_one::<String>("zone"), matches.get_one::<String>("file")) else {
        return Exit::Usage;
    };
    let changes = match read(name) {
        Ok(changes) => changes,
        Err(error) => return print::failed(&format!("reading {name}: {error}")),
    };
    let serial = match matches.get_one::<String>("serial").map(String::as_str) {
        Some("date") => SerialRule::Date,
        Some("unixtime") => SerialRule::UnixTime,
        _ => SerialRule::Increment,
    };
    let wait = control::wait(matches);
    let ask = Ask::UpdateZone { zone: zone.clone(), changes, name: name.clone(), serial, wait };
    match Server::connect(matches).and_then(|server| server.ask(&ask)) {
        Ok(updated) => report(matches, &updated),
        Err(ServerError::Refused { text }) if is_of_file(&text, name) => {
            // Errors of the file stand at the beginning of their lines, as those of zone files.
            eprintln!("{text}");
            Exit::Failed
        }
        Err(error) => error.report(),
    }
}

/// Reads the changes.
fn read(name: &str) -> io::Result<String> {
    if name != STANDARD_INPUT {
        return fs::read_to_string(Path::new(name));
    }
    let mut changes = String::new();
    io::stdin().read_to_string(&mut changes)?;
    Ok(changes)
}

/// Whether a refusal is about places in the file.
fn is_of_file(text: &str, name: &str) -> bool {
    text.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'))
}

/// Prints what was done.
fn report(matches: &ArgMatches, updated: &Updated) -> Exit {
    for warning in &updated.warnings {
        eprintln!("{warning}");
    }
    if wants_json(matches) {
        return print::json(updated);
    }
    print::text_line(&line(updated))
}

/// What was done, as people read it.
fn line(updated: &Updated) -> String {
    let Updated { zone, generation, from, to, added, removed, state, .. } = updated;
    if from == to {
        return format!("{zone} {to}: nothing to change, generation {generation} {}", reached(*state));
    }
    format!("{zone} {from} -> {to}: {added} added, {removed} removed, generation {generation} {}", reached(*state))
}

/// How far a generation has come, as people read it.
pub(super) fn reached(state: Reached) -> &'static str {
    match state {
        Reached::Built => "built",
        Reached::Visible => "visible",
        Reached::Durable => "durable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_told_on_one_line() {
        let mut updated = Updated {
            zone: "example.".to_owned(),
            generation: 17,
            from: 2026112201,
            to: 2026112202,
            added: 2,
            removed: 1,
            state: Reached::Visible,
            warnings: Vec::new(),
        };
        assert_eq!(line(&updated), "example. 2026112201 -> 2026112202: 2 added, 1 removed, generation 17 visible");
        updated.to = updated.from;
        assert_eq!(line(&updated), "example. 2026112201: nothing to change, generation 17 visible");
        assert!(is_of_file("c:1:1: error: x", "c") && !is_of_file("command", "c"));
    }
}
