//! `trine generation rollback`: the data of an older generation again.

use bus::protocol::control::{Command as Ask, RolledBack, ZoneRolledBack};
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::super::{control, json_flag, print, wants_json};
use super::number_argument;
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    let zones = Arg::new("zone").long("zone").value_name("ZONE").action(ArgAction::Append);
    let keep_serial = Arg::new("keep-serial").long("keep-serial").action(ArgAction::SetTrue);
    control::declare(
        Command::new("rollback").about("Serve the data of an older generation that is kept, as a new generation").after_help(
            "Ends when that is visible in every process. Serials go forward, so that secondaries follow. A signed zone can only have its old serial, with \
             --keep-serial, and its secondaries have to be made to transfer it anew. A zone file is taken again when it changes.",
        ),
    )
    .arg(number_argument().required(true).help("The generation whose data is to be served"))
    .arg(zones.help("Only this zone; may be given several times [default: every zone that differs]"))
    .arg(keep_serial.help("Give zones their old serials back"))
    .arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let Some(&generation) = matches.get_one::<u64>("generation") else { return Exit::Usage };
    let zones = matches.get_many::<String>("zone").unwrap_or_default().cloned().collect();
    let ask = Ask::Rollback { generation, zones, keep_serial: matches.get_flag("keep-serial") };
    control::ask_and(matches, &ask, |rolled_back: RolledBack| {
        if wants_json(matches) {
            return print::json(&rolled_back);
        }
        for zone in rolled_back.zones.iter().filter(|zone| zone.retransfer) {
            eprintln!("{}: the serial went back; have each secondary transfer the zone anew", zone.name);
        }
        let RolledBack { generation, data_of, zones } = &rolled_back;
        let head = format!("generation {generation} has the data of {data_of}: {} zones changed", zones.len());
        let lines = std::iter::once(head).chain(zones.iter().map(line));
        print::text_line(&lines.collect::<Vec<_>>().join("\n"))
    })
}

/// A zone as people read it.
fn line(zone: &ZoneRolledBack) -> String {
    let ZoneRolledBack { name, from, to, added, removed, .. } = zone;
    format!("{name} {from} -> {to}: {added} added, {removed} removed")
}
