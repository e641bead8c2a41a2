//! The one executable: the server's supervisor, every role a process of it can have, and every tool.
//!
//! [`command`] has one file a command; [`supervisor`] is `trine serve`; [`role`] is what the supervisor starts.

mod command;
mod exit;
mod heap;
mod inherit;
mod logging;
mod role;
mod supervisor;

use std::process::ExitCode;

use clap::Command;
use clap::error::ErrorKind;

use exit::Exit;

/// The roles that `trine serve` starts; not for people, and so not in the help.
const ROLES: [&str; 3] = ["memmgr", "auth", "xfrout"];

fn main() -> ExitCode {
    let matches = match line().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // A stream that can't be written to leaves nothing to say.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { Exit::Done } else { Exit::Usage }.into();
        }
    };
    let Some((name, arguments)) = matches.subcommand() else { return Exit::Usage.into() };
    if ROLES.contains(&name) {
        return role::run(name).into();
    }
    command::run(name, arguments).into()
}

/// The whole command line.
fn line() -> Command {
    let roles = ROLES.map(|role| Command::new(role).hide(true));
    Command::new("trine")
        .version(env!("CARGO_PKG_VERSION"))
        .about("An authoritative DNS server whose zone data lives once, in shared memory")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(command::all())
        .subcommands(roles)
}
