//! `trine generation`: the generations of a running server.

mod diff;
mod pin;
mod rollback;
mod wait;

use bus::protocol::control::{Command as Ask, GenerationState, GenerationStatus};
use clap::{Arg, ArgMatches, Command, value_parser};

use super::{control, json_flag, print, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    let list = Command::new("list").about("List the generations that are alive or kept");
    Command::new("generation")
        .about("Generations of a running server")
        .subcommand_required(true)
        .subcommand(control::declare(list).arg(json_flag()))
        .subcommand(wait::command())
        .subcommand(diff::command())
        .subcommand(rollback::command())
        .subcommand(pin::pin_command())
        .subcommand(pin::unpin_command())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    match matches.subcommand() {
        Some(("list", matches)) => list(matches),
        Some(("wait", matches)) => wait::run(matches),
        Some(("diff", matches)) => diff::run(matches),
        Some(("rollback", matches)) => rollback::run(matches),
        Some(("pin", matches)) => pin::pin(matches),
        Some(("unpin", matches)) => pin::unpin(matches),
        _ => Exit::Usage,
    }
}

/// An argument that is a generation's number.
fn number_argument() -> Arg {
    Arg::new("generation").value_name("GENERATION").value_parser(value_parser!(u64))
}

/// Lists the generations.
fn list(matches: &ArgMatches) -> Exit {
    control::ask_and(matches, &Ask::Generations {}, |generations: Vec<GenerationStatus>| {
        if wants_json(matches) {
            return print::json(&generations);
        }
        print(&generations)
    })
}

/// Prints generations, one a line.
fn print(generations: &[GenerationStatus]) -> Exit {
    let yes_or_no = |is_so: bool| if is_so { "yes" } else { "no" }.to_owned();
    let row = |generation: &GenerationStatus| {
        [
            generation.id.to_string(),
            state(generation.state).to_owned(),
            generation.layers.to_string(),
            generation.bytes.to_string(),
            generation.readers.to_string(),
            yes_or_no(generation.durable),
            yes_or_no(generation.pinned),
            print::or_dash(generation.at_unix.map(print::time)),
        ]
    };
    let headings = ["ID", "STATE", "LAYERS", "BYTES", "READERS", "DURABLE", "PINNED", "MADE"];
    print::table(headings, &generations.iter().map(row).collect::<Vec<_>>())
}

/// A state as people read it.
fn state(state: GenerationState) -> &'static str {
    match state {
        GenerationState::Updating => "updating",
        GenerationState::Switching => "switching",
        GenerationState::Current => "current",
        GenerationState::Releasing => "releasing",
        GenerationState::Kept => "kept",
    }
}
