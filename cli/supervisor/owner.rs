//! Who has an address: found in `/proc`, for the error message alone.

use std::fmt;
use std::fs;
use std::net::SocketAddr;

/// A process with a socket bound to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Its number.
    pub(crate) pid: u32,
    /// Its name.
    pub(crate) name: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with pid {}", self.name, self.pid)
    }
}

/// The process that has this port, if we may see it. A Trine is named by its supervisor, which opened the socket and
/// passed it on: of several holders the lowest number is shown.
pub(crate) fn of(address: SocketAddr) -> Option<Owner> {
    let inodes: Vec<String> = ["udp", "udp6", "tcp", "tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(format!("/proc/net/{table}")).ok())
        .flat_map(|table| sockets_in(&table, address.port()))
        .collect();
    let mut pids: Vec<u32> =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids.into_iter().find(|pid| holds_any(*pid, &inodes)).map(|pid| Owner {
        pid,
        name: fs::read_to_string(format!("/proc/{pid}/comm")).map_or_else(|_| "a process".into(), |n| n.trim().into()),
    })
}

/// The sockets bound to a port by a table of `/proc/net`, as links in `/proc/PID/fd` name them.
fn sockets_in(table: &str, port: u16) -> Vec<String> {
    let inodes = table.lines().skip(1).filter_map(|line| bound_inode(line, port));
    inodes.map(|inode| format!("socket:[{inode}]")).collect()
}

/// The socket's inode when this line of `/proc/net/*` is bound to the port, connected sockets excepted.
fn bound_inode(line: &str, port: u16) -> Option<&str> {
    let mut fields = line.split_whitespace();
    let local = fields.nth(1)?;
    let remote = fields.next()?;
    let inode = fields.nth(6)?;
    let port_of = |end: &str| u16::from_str_radix(end.rsplit(':').next()?, 16).ok();
    (port_of(local)? == port && port_of(remote)? == 0).then_some(inode)
}

/// Whether a process holds one of these sockets.
fn holds_any(pid: u32, sockets: &[String]) -> bool {
    fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|fds| {
        fds.flatten()
            .filter_map(|fd| fs::read_link(fd.path()).ok())
            .any(|link| link.to_str().is_some_and(|link| sockets.iter().any(|socket| socket == link)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_socket_is_found_as_ours() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let owner = of(socket.local_addr().unwrap()).unwrap();
        assert_eq!(owner.pid, std::process::id());
    }
}
