//! The commands, one file each: what it is called, what it takes, what it does.

mod bus;
mod check;
mod config;
mod consumers;
mod control;
mod generation;
mod print;
mod reload;
mod segment;
mod serve;
mod stats;
mod status;
mod stop;
mod update;
mod zone;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::exit::Exit;

/// Every command.
pub(crate) fn all() -> Vec<Command> {
    vec![
        serve::command(),
        check::command(),
        config::command(),
        status::command(),
        stats::command(),
        reload::command(),
        stop::command(),
        zone::command(),
        generation::command(),
        consumers::command(),
        bus::command(),
        segment::command(),
    ]
}

/// Runs a command.
pub(crate) fn run(name: &str, matches: &ArgMatches) -> Exit {
    match name {
        "serve" => serve::run(matches),
        "check" => check::run(matches),
        "config" => config::run(matches),
        "status" => status::run(matches),
        "stats" => stats::run(matches),
        "reload" => reload::run(matches),
        "stop" => stop::run(matches),
        "zone" => zone::run(matches),
        "generation" => generation::run(matches),
        "consumers" => consumers::run(matches),
        "bus" => bus::run(matches),
        "segment" => segment::run(matches),
        _ => Exit::Usage,
    }
}

/// The flag for output that programs read.
fn json_flag() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON")
}

/// Whether it was given.
fn wants_json(matches: &ArgMatches) -> bool {
    matches.get_flag("json")
}
