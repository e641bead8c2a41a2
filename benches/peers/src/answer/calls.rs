//! System calls under pressure, as strace counts them in all of a server's processes. Traced, a server is many times slower, so only numbers
//! are of use: batches are full, and whatever is called for each query would show.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::pressure::{Target, answers_in};
use super::queries::Queries;
use crate::Outcome;
use crate::processes::tree;
use crate::servers::find;

/// System calls, and the answers they made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls {
    /// Answers that came.
    pub answers: u64,
    /// Calls that receive or send a batch, or wait for one.
    pub batched: u64,
    /// All others: timers of the event loop, the bus.
    pub others: u64,
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let a_query = |calls: u64| calls as f64 / self.answers.max(1) as f64;
        write!(
            f,
            "System calls of all processes: **{:.3}** a query to receive, send or wait for a batch, **{:.4}** others",
            a_query(self.batched),
            a_query(self.others)
        )
    }
}

/// Counts a server's system calls while it is asked, or says why not.
pub fn count(target: &Target, queries: &Queries, time: Duration) -> Outcome<Calls> {
    let program = find("strace").ok_or("strace is not installed")?;
    let table = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(program);
    command.args(["-c", "-f", "-U", "name,calls", "-o"]).arg(table.path());
    for process in tree(target.process) {
        command.args(["-p", &process.to_string()]);
    }
    let mut tracer = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let began = Instant::now();
    while !is_traced(target.process) {
        if began.elapsed() > ATTACH_MAX || tracer.try_wait()?.is_some() {
            let _ = tracer.kill();
            let _ = tracer.wait();
            return Err("strace could not attach to the server".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let answers = answers_in(target, queries, time)?;
    let pid = i32::try_from(tracer.id()).ok().and_then(Pid::from_raw).ok_or("a process without a number")?;
    kill_process(pid, Signal::INT)?;
    tracer.wait()?;
    let mut calls = Calls { answers, ..Calls::default() };
    for line in std::fs::read_to_string(table.path())?.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(Ok(number))) = (words.next(), words.next().map(str::parse::<u64>)) else { continue };
        match name {
            "recvmmsg" | "sendmmsg" | "poll" | "ppoll" => calls.batched += number,
            "total" => {}
            _ => calls.others += number,
        }
    }
    match calls.batched {
        0 => Err("strace saw no batch".into()),
        _ => Ok(calls),
    }
}

/// Whether every process of a server has a tracer.
fn is_traced(process: u32) -> bool {
    tree(process).into_iter().all(|process| {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|tracer| tracer.trim() != "0"))
    })
}

/// How long attaching may take.
const ATTACH_MAX: Duration = Duration::from_secs(10);
