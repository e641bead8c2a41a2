//! `trine generation wait`: until a generation is where it is asked to be.

use bus::protocol::control::{Command as Ask, GenerationReached};
use clap::{ArgMatches, Command};

use super::super::{control, json_flag, print, update, wants_json};
use super::number_argument;
use crate::exit::Exit;

/// The command.
pub(super) fn command() -> Command {
    control::declare(
        Command::new("wait").about("Wait until a generation is visible in every process, or durable").after_help(
            "Ends with 1 when it has not come so far within --timeout. A generation that was followed counts as visible: what it changed is.",
        ),
    )
    .arg(number_argument().help("The generation [default: the newest]"))
    .arg(control::wait_argument("for"))
    .arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let generation = matches.get_one::<u64>("generation").copied();
    let ask = Ask::WaitGeneration { generation, until: control::wait(matches) };
    control::ask_and(matches, &ask, |reached: GenerationReached| {
        if wants_json(matches) {
            return print::json(&reached);
        }
        print::text_line(&format!("generation {} {}", reached.generation, update::reached(reached.state)))
    })
}
