//! `trine serve`: the server, in the foreground.

use clap::{ArgMatches, Command};
use config::options::Serve;

use crate::exit::Exit;
use crate::supervisor::{self, Chain, ServeError};

/// The command.
pub(super) fn command() -> Command {
    Serve::declare(Command::new("serve")).about("Serve zones until told to stop").after_help(
        "Prints one line beginning with `ready: ` when every process answers. SIGHUP compares the zone files with what is \
         served, as `trine reload` does; SIGINT and SIGTERM stop the server. Logs go to standard error; TRINE_LOG sets \
         their level.",
    )
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    crate::logging::start();
    let options = match Serve::from_matches(matches) {
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
            if matches!(error, ServeError::Option { .. }) { Exit::Usage } else { Exit::Failed }
        }
    }
}
