//! The memory of the process that gives zones away.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Outcome;
use crate::processes::tree;

/// Looks at the memory of Trine's xfrout every few milliseconds.
pub struct Watch {
    /// Whether to stop.
    is_over: Arc<AtomicBool>,
    /// The most it had of its own.
    peak: Arc<AtomicU64>,
    /// Who looks.
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to look at the xfrout below a process.
    pub fn new(process: u32) -> Outcome<Watch> {
        let is_xfrout = |process: &u32| {
            let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            command.split(|octet| *octet == 0).any(|argument| argument == b"xfrout")
        };
        let xfrout = tree(process).into_iter().find(is_xfrout).ok_or("there is no xfrout")?;
        let (is_over, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stop, into) = (Arc::clone(&is_over), Arc::clone(&peak));
        let thread = std::thread::spawn(move || {
            // Relaxed: nothing is read because of it.
            while !stop.load(Ordering::Relaxed) {
                into.fetch_max(own_octets(xfrout), Ordering::Relaxed);
                std::thread::sleep(BETWEEN_LOOKS);
            }
        });
        Ok(Watch { is_over, peak, thread: Some(thread) })
    }

    /// Stops looking. Gives the most it had.
    pub fn finish(mut self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Octets that a process has for itself. Segments are files, and the same pages for all that map them.
fn own_octets(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}

/// How often it is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
