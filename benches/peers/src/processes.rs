//! What the kernel says of a server's processes: which there are, their memory, their time.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A process and all below it.
pub fn tree(process: u32) -> Vec<u32> {
    let mut found = vec![process];
    let mut next = 0;
    while next < found.len() {
        let tasks = fs::read_dir(format!("/proc/{}/task", found[next])).into_iter().flatten().flatten();
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        next += 1;
    }
    found
}

/// Memory of a process in octets.
#[derive(Clone, Debug)]
pub struct Memory {
    /// What it is called: for Trine its role.
    pub name: String,
    /// Its proportional share of all pages it has mapped.
    pub proportional: u64,
    /// The most it had mapped at once.
    pub peak: u64,
}

impl Memory {
    /// Of a process; none when it has ended.
    fn of(process: u32) -> Option<Memory> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
        let command = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        let mut arguments = command.split(|octet| *octet == 0).map(String::from_utf8_lossy);
        let program = arguments.next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        let name = match program.as_str() {
            "trine" => arguments.next().unwrap_or_default().into_owned(),
            _ => program,
        };
        Some(Memory { name, proportional: octets(&rollup, "Pss:"), peak: octets(&status, "VmHWM:") })
    }
}

/// Memory of a process and of all below it.
pub fn memory(process: u32) -> Vec<Memory> {
    tree(process).into_iter().filter_map(Memory::of).collect()
}

/// Processor time of a process, of those below it and of those that ended below it.
pub fn processor_time(process: u32) -> Duration {
    let ticks = |process: u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // Behind the name in parentheses: state, ten numbers, then user and system time, and those of children that ended.
        let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        fields.skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>()
    };
    Duration::from_millis(tree(process).into_iter().map(ticks).sum::<u64>() * MILLISECONDS_OF_A_TICK)
}

/// Processor time of running processes, as exact as the kernel knows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// All of it, to the nanosecond.
    pub all: Duration,
    /// The part outside of the kernel: found by looking where a process is at each tick, so it needs seconds to be exact.
    pub user: Duration,
}

impl Spent {
    /// Of a process and of those below it, all threads.
    pub fn of(process: u32) -> Spent {
        let (mut nanoseconds, mut ticks) = (0, 0);
        for process in tree(process) {
            for task in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
                let schedule = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
                nanoseconds += schedule.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap_or(0);
            }
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            let user = stat.rsplit(") ").next().and_then(|fields| fields.split(' ').nth(11)?.parse::<u64>().ok());
            ticks += user.unwrap_or(0);
        }
        Spent { all: Duration::from_nanos(nanoseconds), user: Duration::from_millis(ticks * MILLISECONDS_OF_A_TICK) }
    }

    /// What was spent since an earlier look.
    pub fn since(self, before: Spent) -> Spent {
        Spent { all: self.all.saturating_sub(before.all), user: self.user.saturating_sub(before.user) }
    }
}

/// What a process had mapped at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Memory of its own.
    pub anonymous: u64,
    /// Pages of files and of shared memory.
    pub file: u64,
}

impl Sample {
    /// Of a process that runs.
    fn of(process: u32) -> Sample {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let file = octets(&status, "RssFile:") + octets(&status, "RssShmem:");
        Sample { anonymous: octets(&status, "RssAnon:"), file }
    }

    /// All of it.
    pub fn all(&self) -> u64 {
        self.anonymous + self.file
    }
}

/// Looks at a server's memory every few milliseconds.
pub struct Watch {
    /// Whether to stop.
    is_over: Arc<AtomicBool>,
    /// What the largest process had when it was largest.
    peak: Arc<Mutex<Sample>>,
    /// Who looks.
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to look.
    pub fn new(process: u32) -> Watch {
        let (is_over, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Sample::default())));
        let (stop, into) = (Arc::clone(&is_over), Arc::clone(&peak));
        let thread = std::thread::spawn(move || {
            // Relaxed: nothing is read because of it.
            while !stop.load(Ordering::Relaxed) {
                let largest = tree(process).into_iter().map(Sample::of).max_by_key(Sample::all).unwrap_or_default();
                if let Ok(mut peak) = into.lock()
                    && largest.all() > peak.all()
                {
                    *peak = largest;
                }
                std::thread::sleep(BETWEEN_SAMPLES);
            }
        });
        Watch { is_over, peak, thread: Some(thread) }
    }

    /// Stops looking. Gives what the largest process had when it was largest.
    pub fn finish(mut self) -> Sample {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        self.peak.lock().map(|peak| *peak).unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// A number of kibibytes in a file of the kernel's, as octets.
fn octets(text: &str, field: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse::<u64>().ok());
    value.unwrap_or(0) << 10
}

/// How often memory is looked at: a few files of the kernel's each time, below a hundredth of a processor.
const BETWEEN_SAMPLES: Duration = Duration::from_millis(20);

/// The kernel's unit of processor time in `/proc`, on all machines that Debian runs on.
const MILLISECONDS_OF_A_TICK: u64 = 10;
