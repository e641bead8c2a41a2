//! `trine segment verify`: every block of segments compared with its hash.

use std::path::PathBuf;

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::file_argument;
use crate::command::{json_flag, print, wants_json};
use crate::exit::Exit;
use crate::supervisor::Chain;

/// The command.
pub(super) fn command() -> Command {
    Command::new("verify")
        .about("Compare every block of segments with its hash")
        .arg(file_argument().num_args(1..).help("Segment files"))
        .arg(json_flag())
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Result<Exit, String> {
    let mut results = Vec::new();
    for path in matches.get_many::<PathBuf>("file").into_iter().flatten() {
        let error = zone_segment::verify_file(path).err().map(|error| Chain(&error).to_string());
        results.push((path, error));
    }
    let sound = results.iter().all(|(_, error)| error.is_none());
    if wants_json(matches) {
        let rows = results.iter().map(|(path, error)| json!({"file": path, "error": error}));
        print::json(&rows.collect::<Vec<Value>>());
    } else {
        for (path, error) in &results {
            match error {
                Some(error) => eprintln!("trine: {error}"),
                None => drop(print::text_line(&format!("{}: sound", path.display()))),
            }
        }
    }
    Ok(if sound { Exit::Done } else { Exit::Failed })
}
