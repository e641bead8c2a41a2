//! `trine serve`: the server, in the foreground.

use clap::{ArgMatches, Command};
use config::serve::Serve;

use crate::exit::Exit;
use crate::supervisor::{self, Chain};

/// The command.
pub(super) fn command() -> Command {
    Serve::declare(Command::new("serve")).about("Serve zones until told to stop").after_help(
        "Prints one line beginning with `ready: ` when every process answers. SIGHUP compares the zone files with what is \
         served, as `trine reload` does; SIGINT and SIGTERM stop the server. Logs go to standard error; TRINE_LOG sets \
         their level. The configuration file has more options, docs/configuration.md all of them.",
    )
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    crate::logging::start();
    let file = match super::config::read_given(matches) {
        Ok(file) => file,
        Err(lines) => {
            eprintln!("{lines}");
            return Exit::Usage;
        }
    };
    let options = match Serve::gather(matches, file.as_ref()) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("trine: {error}");
            return Exit::Usage;
        }
    };
    match supervisor::run(&options) {
        Ok(()) => Exit::Done,
        Err(error) => {
            eprintln!("trine: {}", Chain(&error));
            Exit::Failed
        }
    }
}
