//! `trine generation`: the generations of a running server.

use bus::protocol::control::{Command as Ask, GenerationState, GenerationStatus};
use clap::{ArgMatches, Command};

use super::{control, json_flag, print, wants_json};
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    let list = control::declare(Command::new("list").about("List the generations that are alive")).arg(json_flag());
    Command::new("generation").about("Generations of a running server").subcommand_required(true).subcommand(list)
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let Some(("list", matches)) = matches.subcommand() else { return Exit::Usage };
    control::ask_and(matches, &Ask::Generations {}, |generations: Vec<GenerationStatus>| {
        if wants_json(matches) {
            return print::json(&generations);
        }
        let row = |generation: &GenerationStatus| {
            [
                generation.id.to_string(),
                state(generation.state).to_owned(),
                generation.layers.to_string(),
                generation.bytes.to_string(),
                generation.readers.to_string(),
            ]
        };
        print::table(["ID", "STATE", "LAYERS", "BYTES", "READERS"], &generations.iter().map(row).collect::<Vec<_>>())
    })
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
