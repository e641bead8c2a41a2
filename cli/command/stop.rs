//! `trine stop`: ends a running server and waits until it has.

use std::time::{Duration, Instant};

use bus::protocol::control::{Command as Ask, Stopping};
use clap::{ArgMatches, Command};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{control, print};
use crate::exit::Exit;
use crate::supervisor::lock;

/// A server ends within 2 s; a machine under load gets a few more.
const STOP_MAX: Duration = Duration::from_secs(10);

/// The command.
pub(super) fn command() -> Command {
    control::declare(Command::new("stop").about("Stop a running server"))
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches) -> Exit {
    let server = match control::Server::connect(matches) {
        Ok(server) => server,
        Err(error) => return error.report(),
    };
    let stopping: Stopping = match server.ask(&Ask::Stop {}) {
        Ok(stopping) => stopping,
        Err(error) => return error.report(),
    };
    let deadline = Instant::now() + STOP_MAX;
    // Taken while it runs, so that no other process can come to have its number.
    let supervisor = Pid::from_raw(stopping.supervisor_pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    while lock::is_held(server.state()) {
        if Instant::now() >= deadline {
            let pid = stopping.supervisor_pid;
            return print::failed(&format!("the server with pid {pid} was told to stop and still runs after 10 s"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    if let Some(supervisor) = supervisor {
        // The lock is let go of a moment before the end.
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        let _ = poll(&mut [PollFd::new(&supervisor, PollFlags::IN)], Some(&left));
    }
    Exit::Done
}
