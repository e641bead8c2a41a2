//! `trine reload`: compares sources and publishes what changed.

use bus::protocol::control::{Command as Ask, Reloaded};
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{control, json_flag, print, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    control::declare(
        Command::new("reload")
            .about("Compare zone files with what is served and publish what changed")
            .after_help(
                "Ends when what changed is visible in every process; with 1 when a zone could not be taken. A zone that has \
                 expired is served again when its file has changed, or when it is named. The file of a zone that was changed \
                 since by updates, `trine zone update` or a rollback is taken if its serial is ahead of what is served.",
            ),
    )
    .arg(control::zone_argument().help("Only this zone [default: every zone]"))
    .arg(
        Arg::new("force")
            .long("force")
            .action(ArgAction::SetTrue)
            .requires("zone")
            .help("Serve ZONE as its file has it, whatever it was changed to since and whatever its serial"),
    )
    .arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let zone = matches.get_one::<String>("zone").cloned();
    let force = matches.get_flag("force");
    control::ask_and(matches, &Ask::Reload { zone, force }, |reloaded: Reloaded| {
        let remark = "; the directory is watched, and changes are taken without a reload";
        report(matches, &reloaded, if reloaded.watching { remark } else { "" })
    })
}

/// Prints what was done, with a remark for people.
pub(super) fn report(matches: &ArgMatches, reloaded: &Reloaded, remark: &str) -> Exit {
    for failure in &reloaded.failed {
        eprintln!("{}", failure.error);
    }
    let printed = if wants_json(matches) {
        print::json(reloaded)
    } else {
        print::text_line(&format!(
            "generation {}: {} changed, {} unchanged, {} failed{remark}",
            reloaded.generation,
            reloaded.changed.len(),
            reloaded.unchanged,
            reloaded.failed.len()
        ))
    };
    if reloaded.failed.is_empty() { printed } else { Exit::Failed }
}
