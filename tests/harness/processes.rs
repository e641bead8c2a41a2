//! Processes as the kernel shows them in `/proc`.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use super::server::is_alive;

/// The living children of a process.
pub(crate) fn children(parent: i32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter(|pid| parent_of(*pid) == Some(parent) && is_alive(*pid)).collect()
}

/// A process's parent.
fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Waits until none of these processes lives; how long it took.
///
/// # Panics
///
/// When one lives on for a quarter of a minute.
pub(crate) fn until_gone(pids: &[i32]) -> Duration {
    let began = Instant::now();
    super::wait::within(Duration::from_secs(15), &format!("processes {pids:?} end"), || {
        pids.iter().all(|pid| !is_alive(*pid)).then_some(())
    });
    began.elapsed()
}

/// The sockets a process has, by inode.
pub(crate) fn sockets(pid: i32) -> BTreeSet<u64> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map(|entries| entries.flatten().collect::<Vec<_>>());
    let links = descriptors.unwrap_or_default().into_iter().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

/// The octets of memory that a process has for itself: no files, which are the same pages for all that map them.
pub(crate) fn own_octets(pid: i32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

/// One line of `/proc/net/udp` or `/proc/net/tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetworkSocket {
    /// The port it is bound to.
    pub(crate) local_port: u16,
    /// The port at its other end, 0 when it is not connected.
    pub(crate) remote_port: u16,
    /// Its inode, as `/proc/PID/fd` names it; 0 when no process has it open.
    pub(crate) inode: u64,
    /// Datagrams dropped for want of room in its queue; of UDP sockets only.
    pub(crate) drops: u64,
}

/// The sockets of a protocol over IPv4: `udp` or `tcp`.
pub(crate) fn network_sockets(protocol: &str) -> Vec<NetworkSocket> {
    let table = fs::read_to_string(format!("/proc/net/{protocol}")).unwrap();
    let port = |end: &str| u16::from_str_radix(end.rsplit(':').next().unwrap(), 16).unwrap();
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        NetworkSocket {
            local_port: port(fields[1]),
            remote_port: port(fields[2]),
            inode: fields[9].parse().unwrap(),
            drops: fields.get(12).and_then(|drops| drops.parse().ok()).unwrap_or(0),
        }
    };
    table.lines().skip(1).map(line).collect()
}
