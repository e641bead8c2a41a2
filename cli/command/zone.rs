//! `trine zone`: the zones of a running server.

use bus::protocol::control::{Command as Ask, Refreshed, Reloaded, TransferStatus, ZoneCondition, ZoneStatus};
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
    let refresh = control::declare(
        Command::new("refresh").about("Ask the primaries of a secondary zone for what is new").after_help(
            "Ends when what they have is visible in every process, or none of them could be asked. The SOA record of the zone says when they are \
                 asked without that.",
        ),
    )
    .arg(control::zone_argument().required(true))
    .arg(json_flag());
    let retransfer = control::declare(
        Command::new("retransfer").about("Take all of a secondary zone from its primaries anew").after_help(
            "Whatever serials they have: also where theirs is older than ours. Ends as `trine zone refresh` does.",
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
        .subcommand(refresh)
        .subcommand(retransfer)
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    match matches.subcommand() {
        Some(("list", matches)) => list(matches),
        Some(("update", matches)) => update::run(matches),
        Some(("expire", matches)) => expire(matches),
        Some(("refresh", matches)) => refresh(matches, false),
        Some(("retransfer", matches)) => refresh(matches, true),
        _ => Exit::Usage,
    }
}

/// Has a zone expire.
fn expire(matches: &ArgMatches) -> Exit {
    let Some(zone) = matches.get_one::<String>("zone").cloned() else { return Exit::Usage };
    control::ask_and(matches, &Ask::ExpireZone { zone }, |reloaded: Reloaded| reload::report(matches, &reloaded, ""))
}

/// Has the primaries of a zone asked.
fn refresh(matches: &ArgMatches, whole: bool) -> Exit {
    let Some(zone) = matches.get_one::<String>("zone").cloned() else { return Exit::Usage };
    control::ask_and(matches, &Ask::RefreshZone { zone, whole }, |refreshed: Refreshed| {
        if wants_json(matches) {
            return print::json(&refreshed);
        }
        let Refreshed { zone, serial, generation } = refreshed;
        print::text_line(&format!("{zone}: serial {serial}, generation {generation}"))
    })
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
        if zones.iter().all(|zone| zone.transfer.is_none()) {
            let rows: Vec<_> = zones.iter().map(row).collect();
            return print::table(["ZONE", "SERIAL", "RECORDS", "STATE", "ERROR"], &rows);
        }
        let row = |zone: &ZoneStatus| {
            let [name, serial, records, state, error] = row(zone);
            let transfer = zone.transfer.as_ref();
            let time = |of: fn(&TransferStatus) -> Option<u64>| print::or_dash(transfer.and_then(of).map(print::time));
            let refreshed = time(|transfer| transfer.refreshed_unix);
            let (next, expires) = (time(|transfer| transfer.next_refresh_unix), time(|transfer| transfer.expires_unix));
            [name, serial, records, state, refreshed, next, expires, error]
        };
        let head = ["ZONE", "SERIAL", "RECORDS", "STATE", "REFRESHED", "NEXT REFRESH", "EXPIRES", "ERROR"];
        print::table(head, &zones.iter().map(row).collect::<Vec<_>>())
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
