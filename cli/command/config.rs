//! `trine config`: the configuration file, without a server.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use config::file::File;
use config::options::CONFIG;
use consumers::auth::tls::CertificateError;

use super::print;
use crate::exit::Exit;
use crate::supervisor::Chain;

/// The command.
pub(super) fn command() -> Command {
    let check = Command::new("check")
        .about("Check configuration files as the server would read them")
        .long_about(
            "Check configuration files as the server would read them, with the secrets, keys and certificates that they name. Prints a line a file that is \
             sound; everything that is wrong goes to standard error, with line and column. docs/configuration.md has all keys.",
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .num_args(1..)
                .required(true)
                .help("Configuration files"),
        );
    Command::new("config")
        .about("Work with the configuration file")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(check)
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    match matches.subcommand() {
        Some(("check", matches)) => check(matches),
        _ => Exit::Usage,
    }
}

/// Checks files.
fn check(matches: &ArgMatches) -> Exit {
    let mut exit = Exit::Done;
    for path in matches.get_many::<PathBuf>("file").into_iter().flatten() {
        match File::read(path) {
            Ok(file) => match certificate_of(&file) {
                Ok(()) if print::text_line(&format!("{}: sound", path.display())) == Exit::Done => {}
                Ok(()) => return Exit::Failed,
                Err(error) => {
                    eprintln!("{}: error: {}", path.display(), Chain(&error));
                    exit = Exit::Usage;
                }
            },
            Err(errors) => {
                errors.iter().for_each(|error| eprintln!("{}", Chain(error)));
                exit = Exit::Usage;
            }
        }
    }
    exit
}

/// Finds out whether the server can show itself by the certificate that a file names, if it does.
fn certificate_of(file: &File) -> Result<(), CertificateError> {
    file.tls().map_or(Ok(()), |options| consumers::auth::tls::check(&options))
}

/// Reads the file that `--config` names, if it is given.
///
/// # Errors
///
/// Everything that is wrong with the file, a line each.
pub(super) fn read_given(matches: &ArgMatches) -> Result<Option<File>, String> {
    let given = CONFIG.on_line(matches).and_then(|mut paths| paths.pop());
    let lines = |errors: Vec<_>| errors.iter().map(|error| Chain(error).to_string()).collect::<Vec<_>>().join("\n");
    given.map(|path| File::read(&path).map_err(lines)).transpose()
}
