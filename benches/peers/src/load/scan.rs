//! Reading a zone file on one core: this project's scanner, and the checkers of Knot and NSD.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dns::text::zonefile;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use super::zones::Zones;
use crate::Outcome;
use crate::lookup::say;
use crate::servers::find;

/// What reads a file.
#[derive(Clone, Debug)]
pub struct Scanner {
    /// Its name in tables.
    pub name: &'static str,
    /// Each run.
    pub runs: Vec<Run>,
}

/// Time of a run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// In the program.
    pub user: Duration,
    /// In the kernel for it.
    pub system: Duration,
    /// By the clock.
    pub wall: Duration,
}

impl Scanner {
    /// The figure in the middle.
    pub fn median(&self, of: impl Fn(&Run) -> Duration) -> Duration {
        let mut times: Vec<Duration> = self.runs.iter().map(of).collect();
        times.sort_unstable();
        times[times.len() / 2]
    }

    /// How far user times lie apart, half of it, as a part of the one in the middle.
    pub fn spread(&self) -> f64 {
        let times = || self.runs.iter().map(|run| run.user.as_secs_f64());
        let (least, most) = (times().fold(f64::MAX, f64::min), times().fold(0.0, f64::max));
        (most - least) / 2.0 / self.median(|run| run.user).as_secs_f64().max(1e-9)
    }
}

/// Runs all of them in turn, each run a process of its own.
pub fn compare(zones: &Zones, rounds: usize) -> Outcome<Vec<Scanner>> {
    let (apex, file) = &zones.files[0];
    let apex = apex.trim_end_matches('.');
    let commands: [(&'static str, Option<Command>); 3] = [
        (TRINE, Some(command(&std::env::current_exe()?, &["scan-once", apex]))),
        (KZONECHECK, find("kzonecheck").map(|program| command(&program, &["-o", apex]))),
        (NSD_CHECKZONE, find("nsd-checkzone").map(|program| command(&program, &[apex]))),
    ];
    let mut scanners = Vec::new();
    for (name, command) in commands {
        match command {
            Some(mut command) => {
                command.arg(file);
                scanners.push((Scanner { name, runs: Vec::new() }, command));
            }
            None => say(&format!("MISSING: {name} is not installed; its rows are left out")),
        }
    }
    for _ in 0..rounds {
        scanners.retain_mut(|(scanner, command)| match run(command) {
            Ok(run) => {
                scanner.runs.push(run);
                true
            }
            Err(error) => {
                say(&format!("FAILED: {}: {error}; its rows are left out", scanner.name));
                false
            }
        });
    }
    Ok(scanners.into_iter().map(|(scanner, _)| scanner).collect())
}

/// Scans a file into columns on one thread: what is measured, in a process of its own.
pub fn once(apex: &str, file: &Path) -> Outcome<()> {
    let zone = zonefile::read(file, &apex.parse()?, &zonefile::Options { threads: 1, ..zonefile::Options::default() });
    match zone.errors.first() {
        Some(error) => Err(error.to_string().into()),
        None => {
            println!("{} records", zone.columns.records());
            Ok(())
        }
    }
}

/// Runs a command and looks at its time.
fn run(command: &mut Command) -> Outcome<Run> {
    let before = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let begin = Instant::now();
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    let wall = begin.elapsed();
    let after = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        return Err(format!("{}: {}", output.status, said.lines().next_back().unwrap_or_default()).into());
    }
    let user = duration(after.user_time()).saturating_sub(duration(before.user_time()));
    let system = duration(after.system_time()).saturating_sub(duration(before.system_time()));
    Ok(Run { user, system, wall })
}

/// A command with arguments.
fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// A time of the kernel's.
fn duration(time: TimeVal) -> Duration {
    Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1_000)
}

/// This project's.
pub const TRINE: &str = "Trine, into columns";
/// Knot's.
pub const KZONECHECK: &str = "kzonecheck";
/// NSD's.
pub const NSD_CHECKZONE: &str = "nsd-checkzone";
