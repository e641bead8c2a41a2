//! Which core works for whom: the server has one to itself, the load another.

use std::process::Command;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::Outcome;

/// The cores of a run.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    /// The server's.
    pub server: usize,
    /// The load's.
    pub load: usize,
}

impl Cores {
    /// The first two cores that this program may use.
    pub fn choose() -> Outcome<Cores> {
        let allowed = sched_getaffinity(Pid::from_raw(0))?;
        let mut cores = (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or(false));
        match (cores.next(), cores.next()) {
            (Some(server), Some(load)) => Ok(Cores { server, load }),
            _ => Err("two cores are needed: one for the server, one for the load".into()),
        }
    }

    /// Keeps this thread, and those it starts, on the load's core.
    pub fn keep_load(&self) -> Outcome<()> {
        let mut set = CpuSet::new();
        set.set(self.load)?;
        Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
    }
}

/// The same command, kept on a core with all that it starts.
pub fn on_core(command: Command, core: usize) -> Command {
    let mut kept = Command::new("taskset");
    kept.args(["--cpu-list", &core.to_string()]).arg(command.get_program()).args(command.get_args());
    kept
}
