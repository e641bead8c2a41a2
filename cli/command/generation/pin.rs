//! `trine generation pin` and `unpin`: what stays on disk to go back to.

use bus::protocol::control::{Command as Ask, GenerationStatus};
use clap::{ArgMatches, Command};

use super::super::{control, json_flag, print, wants_json};
use super::number_argument;
use crate::exit::Exit;

/// The command that pins.
pub(super) fn pin_command() -> Command {
    let command =
        Command::new("pin").about("Keep a generation's files until it is unpinned, to compare with and go back to");
    declare(command)
}

/// The command that unpins.
pub(super) fn unpin_command() -> Command {
    declare(Command::new("unpin").about("Let a pinned generation's files go once nothing else keeps them"))
}

/// Adds what both take.
fn declare(command: Command) -> Command {
    let command = control::declare(command);
    command.arg(number_argument().required(true).help("The generation")).arg(json_flag())
}

/// Pins.
pub(super) fn pin(matches: &ArgMatches) -> Exit {
    run(matches, |generation| Ask::Pin { generation })
}

/// Unpins.
pub(super) fn unpin(matches: &ArgMatches) -> Exit {
    run(matches, |generation| Ask::Unpin { generation })
}

/// Asks for either.
fn run(matches: &ArgMatches, ask: impl FnOnce(u64) -> Ask) -> Exit {
    let Some(&generation) = matches.get_one::<u64>("generation") else { return Exit::Usage };
    control::ask_and(matches, &ask(generation), |status: GenerationStatus| {
        if wants_json(matches) {
            return print::json(&status);
        }
        super::print(&[status])
    })
}
