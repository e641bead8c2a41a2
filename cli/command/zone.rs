//! `trine zone`: the zones of a running server.

use bus::protocol::control::{Command as Ask, Reloaded, ZoneCondition, ZoneStatus};
use clap::{ArgMatches, Command};

use super::{control, json_flag, print, reload, update, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    let list = control::declare(Command::new("list").about("List the zones and how they are served")).arg(json_flag());
    let expire = control::declare(
        Command::new("expire").about("Answer SERVFAIL for a zone until its source is taken again").after_help(
            "Ends when that is visible in every process. `trine reload ZONE` takes the source again; other reloads do \
                 when the file has changed. A restart does not.",
        ),
    )
    .arg(control::zone_argument().required(true))
    .arg(json_flag());
    Command::new("zone")
        .about("Zones of a running server")
        .subcommand_required(true)
        .subcommand(list)
        .subcommand(update::command())
        .subcommand(expire)
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    match matches.subcommand() {
        Some(("list", matches)) => list(matches),
        Some(("update", matches)) => update::run(matches),
        Some(("expire", matches)) => expire(matches),
        _ => Exit::Usage,
    }
}

/// Has a zone expire.
fn expire(matches: &ArgMatches) -> Exit {
    let Some(zone) = matches.get_one::<String>("zone").cloned() else { return Exit::Usage };
    control::ask_and(matches, &Ask::ExpireZone { zone }, |reloaded: Reloaded| reload::report(matches, &reloaded, ""))
}

/// Lists the zones.
fn list(matches: &ArgMatches) -> Exit {
    control::ask_and(matches, &Ask::Zones {}, |zones: Vec<ZoneStatus>| {
        if wants_json(matches) {
            return print::json(&zones);
        }
        let row = |zone: &ZoneStatus| {
            [
                zone.name.clone(),
                print::or_dash(zone.serial),
                zone.records.to_string(),
                condition(zone.state).to_owned(),
                zone.error.as_deref().and_then(|error| error.lines().next()).unwrap_or_default().to_owned(),
            ]
        };
        print::table(["ZONE", "SERIAL", "RECORDS", "STATE", "ERROR"], &zones.iter().map(row).collect::<Vec<_>>())
    })
}

/// A condition as people read it.
pub(super) fn condition(condition: ZoneCondition) -> &'static str {
    match condition {
        ZoneCondition::Serving => "serving",
        ZoneCondition::Stale => "stale",
        ZoneCondition::Broken => "broken",
        ZoneCondition::Expired => "expired",
    }
}
