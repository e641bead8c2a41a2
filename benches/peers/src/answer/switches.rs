//! Generations that follow each other under load: a small zone beside the large one changes each second.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::cores::on_core;
use crate::Outcome;
use crate::processes::tree;

/// The small zone's apex.
pub const APEX: &str = "switched.example.";

/// The small zone's text.
pub fn text(serial: u32) -> String {
    let mut text = format!(
        "{APEX} 3600 IN SOA ns.{APEX} hostmaster.{APEX} {serial} 7200 3600 1209600 300\n{APEX} 3600 IN NS ns.{APEX}\n\
         ns.{APEX} 3600 IN A 192.0.2.1\n"
    );
    for host in 0..HOSTS {
        text += &format!("host{host}.{APEX} 3600 IN A 192.0.{}.{}\n", serial % 256, host % 256);
    }
    text
}

/// Changes the zone each second until it is dropped.
pub struct Switches {
    /// Whether to stop.
    is_over: Arc<AtomicBool>,
    /// How many there were.
    count: Arc<AtomicUsize>,
    /// Who changes it.
    thread: Option<JoinHandle<()>>,
}

impl Switches {
    /// Begins; `folder` is the server's, `core` where it runs, `serial` the first serial.
    pub fn start(trine: &Path, folder: &Path, core: usize, serial: u32) -> Switches {
        let (is_over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stop, counted) = (Arc::clone(&is_over), Arc::clone(&count));
        let (trine, folder) = (trine.to_owned(), folder.to_owned());
        let thread = std::thread::spawn(move || {
            for serial in serial.. {
                let next = Instant::now() + BETWEEN;
                // Relaxed: nothing is read because of it.
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                if switch(&trine, &folder, core, serial).is_ok_and(|is_done| is_done) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        Switches { is_over, count, thread: Some(thread) }
    }

    /// Stops, and gives how many switches there were.
    pub fn finish(mut self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        self.count.load(Ordering::Relaxed)
    }
}

/// Puts a version of the zone in place and has it published. Gives whether it was.
fn switch(trine: &Path, folder: &Path, core: usize, serial: u32) -> Outcome<bool> {
    let (file, whole) = (file(folder), folder.join("switched.whole"));
    fs::write(&whole, text(serial))?;
    fs::rename(whole, file)?;
    let mut command = Command::new(trine);
    command.arg("reload").arg("--state").arg(folder.join("state")).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(idle(on_core(command, core)).status()?.success())
}

/// The small zone's file in the folder of a server.
fn file(folder: &Path) -> PathBuf {
    folder.join("zones").join(format!("{APEX}zone"))
}

/// The same command, run when nobody else wants its core.
fn idle(command: Command) -> Command {
    let mut idle = Command::new("chrt");
    idle.args(["--idle", "0"]).arg(command.get_program()).args(command.get_args());
    idle.stdout(Stdio::null()).stderr(Stdio::null());
    idle
}

/// Lets a server's builder run when nobody else wants its core.
pub fn make_builder_idle(server: u32) -> Outcome<()> {
    let is_builder = |process: &u32| {
        let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        command.split(|octet| *octet == 0).nth(1) == Some(b"memmgr".as_slice())
    };
    let builder = tree(server).into_iter().find(is_builder).ok_or("the builder is not there")?;
    let status = Command::new("chrt").args(["--all-tasks", "--idle", "--pid", "0", &builder.to_string()]).status()?;
    if status.success() { Ok(()) } else { Err(format!("chrt: {status}").into()) }
}

/// Hosts of the small zone.
const HOSTS: usize = 1_000;

/// Time from one switch to the next.
const BETWEEN: Duration = Duration::from_secs(1);
