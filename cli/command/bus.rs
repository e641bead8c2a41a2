//! `trine bus`: who is on a running server's bus, and what they say.

use bus::client::Copied;
use bus::group::Member;
use clap::{ArgMatches, Command};

use super::{control, json_flag, print, wants_json};
use crate::exit::Exit;
use crate::supervisor::Chain;

/// The command.
pub(super) fn command() -> Command {
    let members = Command::new("members").about("List the processes on the bus, their groups and who they are");
    let monitor = Command::new("monitor").about("Show every message as it passes, until interrupted").after_help(
        "One line a message. A monitor that is read too slowly is cut off, as any peer is; the server is not held up by it.",
    );
    Command::new("bus")
        .about("The bus of a running server")
        .subcommand_required(true)
        .subcommand(control::declare(members).arg(json_flag()))
        .subcommand(control::declare(monitor).arg(json_flag()))
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    match matches.subcommand() {
        Some(("members", matches)) => members(matches),
        Some(("monitor", matches)) => monitor(matches),
        _ => Exit::Usage,
    }
}

/// `trine bus members`.
fn members(matches: &ArgMatches) -> Exit {
    let server = match control::Server::connect(matches) {
        Ok(server) => server,
        Err(error) => return error.report(),
    };
    let members = match server.block_on(server.client.peers()) {
        Ok(members) => members,
        Err(error) => return print::failed(&format!("listing the members: {}", Chain(&error))),
    };
    if wants_json(matches) {
        return print::json(&members);
    }
    let row = |member: &Member| {
        let groups: Vec<&str> = member.groups.iter().map(|group| group.as_str()).collect();
        [
            member.address.to_string(),
            member.name.to_string(),
            member.pid.to_string(),
            member.uid.to_string(),
            groups.join(" "),
        ]
    };
    print::table(["ADDRESS", "NAME", "PID", "UID", "GROUPS"], &members.iter().map(row).collect::<Vec<_>>())
}

/// `trine bus monitor`.
fn monitor(matches: &ArgMatches) -> Exit {
    let server = match control::Server::connect(matches) {
        Ok(server) => server,
        Err(error) => return error.report(),
    };
    let mut monitor = match server.block_on(server.client.monitor()) {
        Ok(monitor) => monitor,
        Err(error) => return print::failed(&format!("monitoring the bus: {}", Chain(&error))),
    };
    while let Some(copied) = server.block_on(monitor.next()) {
        let line = if wants_json(matches) { json(&copied).to_string() } else { text(&copied) };
        if print::text_line(&line) != Exit::Done {
            return Exit::Failed;
        }
    }
    print::failed("the server ended the connection")
}

/// A message for programs.
fn json(copied: &Copied) -> serde_json::Value {
    serde_json::json!({
        "kind": copied.kind,
        "from": copied.from,
        "to": copied.to,
        "request": copied.request,
        "failure": copied.failure,
        "descriptors": copied.descriptors,
        "body": copied.body,
    })
}

/// A message for people.
fn text(copied: &Copied) -> String {
    let kind = serde_json::to_value(copied.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
    let mut text = format!("{} -> {}  {}", copied.from, copied.to, kind.unwrap_or_default());
    if let Some(request) = copied.request {
        text.push_str(&format!(" {request}"));
    }
    if copied.descriptors > 0 {
        text.push_str(&format!(" +{} descriptors", copied.descriptors));
    }
    match &copied.failure {
        Some(failure) => text.push_str(&format!("  {failure}")),
        None => text.push_str(&format!("  {}", copied.body)),
    }
    text
}
