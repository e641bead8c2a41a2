//! A start of a server: from the process to the first answer.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::processes::{Memory, Sample, Watch, memory, processor_time, tree};
use crate::{Outcome, question};

/// What a start took.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// From the process to the first answer, for many zones to that of the last.
    pub first: Duration,
    /// From the process to its word that it is ready; none of who gives none on standard output.
    pub ready: Option<Duration>,
    /// Processor time of all processes until then.
    pub processor: Duration,
    /// What its largest process had when it was largest.
    pub peak: Sample,
    /// The load average before it.
    pub load: f64,
}

/// What a start waits for.
#[derive(Clone, Copy, Debug)]
pub struct Wait<'a> {
    /// The server's port.
    pub port: u16,
    /// Names that have to be answered.
    pub names: &'a [Vec<u8>],
    /// Where its log goes.
    pub log: &'a Path,
    /// How long it may take.
    pub limit: Duration,
}

/// A running server. Ends with the value.
pub struct Running {
    /// The first process; all others are below it. They are in the group of this program, so that who stops it stops them.
    child: Child,
    /// Its port.
    port: u16,
    /// What its start took.
    pub start: Start,
}

impl Running {
    /// Starts a server and waits for its answers, and for its word that it is ready if it `says_ready`.
    pub fn start(mut command: Command, says_ready: bool, wait: &Wait<'_>) -> Outcome<Running> {
        let load = load_average();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(wait.log)?);
        let begin = Instant::now();
        let mut running = Running { child: command.spawn()?, port: wait.port, start: Start::default() };
        let process = running.child.id();
        let watch = Watch::new(process);
        let lines = lines(&mut running.child);
        let is_alive = || matches!(running.child.try_wait(), Ok(None));
        let answered = question::until_answered(wait.port, wait.names, wait.limit, is_alive).map_err(|error| {
            let said: Vec<String> = lines.try_iter().map(|(_, line)| line).collect();
            format!("{error}\n{}", last_lines(wait.log, &said))
        })?;
        let processor = processor_time(process);
        // Ready and first answer are some milliseconds apart, in either order.
        let end = Instant::now() + READY_AFTER_ANSWER_MAX;
        let mut ready = None;
        while says_ready && ready.is_none() {
            let (at, line) = lines.recv_timeout(end.saturating_duration_since(Instant::now()))?;
            ready = line.starts_with("ready: ").then(|| at - begin);
        }
        running.start = Start { first: answered - begin, ready, processor, peak: watch.finish(), load };
        Ok(running)
    }

    /// Its first process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Asks for names and then looks at the memory of all processes.
    pub fn serve(&self, names: &[Vec<u8>]) -> Outcome<Vec<Memory>> {
        let answered = question::ask_all(self.port, names.iter().map(Vec::as_slice))?;
        if answered * 100 < names.len() * 99 {
            return Err(format!("{answered} of {} names were answered", names.len()).into());
        }
        // What loading left behind is given back by then.
        std::thread::sleep(AFTER_FIRST_ANSWER);
        Ok(memory(self.child.id()))
    }

    /// Stops it as an operator would, and waits for that.
    pub fn stop(mut self) -> Outcome<()> {
        let processes = tree(self.child.id());
        kill(&processes[..1], Signal::TERM);
        let end = Instant::now() + STOP_MAX;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > end {
                return Err("it did not end when told to".into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // Some end before those they started; those get a moment too.
        let is_there = |process: &u32| Path::new(&format!("/proc/{process}")).exists();
        let end = Instant::now() + CHILDREN_STOP_MAX;
        while processes[1..].iter().any(is_there) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        kill(&processes[1..], Signal::KILL);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends what is left of a server, and nothing else.
fn end(child: &mut Child) {
    if matches!(child.try_wait(), Ok(None)) {
        kill(&tree(child.id()), Signal::KILL);
    }
    drop(child.wait());
}

/// Sends a signal to processes, of which some may have ended by themselves.
fn kill(processes: &[u32], signal: Signal) {
    for process in processes.iter().filter_map(|process| Pid::from_raw(i32::try_from(*process).ok()?)) {
        let _ = kill_process(process, signal);
    }
}

/// The lines that a server prints, with their times. Read to their end: who writes a log there must not be stopped by a full pipe.
fn lines(child: &mut Child) -> mpsc::Receiver<(Instant, String)> {
    let out = child.stdout.take();
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in out.into_iter().flat_map(|out| BufReader::new(out).lines().map_while(Result::ok)) {
            drop(sender.send((Instant::now(), line)));
        }
    });
    lines
}

/// The last lines of what a server said.
pub fn last_lines(log: &Path, said: &[String]) -> String {
    let log = fs::read(log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().chain(said.iter().map(String::as_str)).collect();
    lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
}

/// How many processes wanted a processor during the last minute, on average.
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

/// How long after its first answer a server may say that it is ready.
const READY_AFTER_ANSWER_MAX: Duration = Duration::from_secs(10);

/// How long a server is left alone before its memory is looked at.
const AFTER_FIRST_ANSWER: Duration = Duration::from_millis(500);

/// How long a server may take to end.
const STOP_MAX: Duration = Duration::from_secs(60);

/// How long those that it started may take after that.
const CHILDREN_STOP_MAX: Duration = Duration::from_secs(2);

/// Lines of a log that are shown.
const LINES_SHOWN: usize = 12;
