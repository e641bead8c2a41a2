//! Who has an address: found in `/proc`, for the error message alone.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

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

/// The process that has this address, if we may see it. A Trine is named by its supervisor, which opened the sockets and passed them on:
/// of several holders the one is shown whose parent is none of them.
pub(crate) fn of(address: SocketAddr) -> Option<Owner> {
    let inodes: Vec<String> = ["udp", "udp6", "tcp", "tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(format!("/proc/net/{table}")).ok())
        .flat_map(|table| sockets_in(&table, address))
        .collect();
    let pids = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let holders: BTreeSet<u32> = pids.filter(|pid| holds_any(*pid, &inodes)).collect();
    let is_first = |pid: &&u32| parent(**pid).is_none_or(|parent| !holders.contains(&parent));
    holders.iter().find(is_first).map(|&pid| Owner {
        pid,
        name: fs::read_to_string(format!("/proc/{pid}/comm")).map_or_else(|_| "a process".into(), |n| n.trim().into()),
    })
}

/// A process's parent.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it is in parentheses and may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// The sockets that keep others from an address by a table of `/proc/net`, as links in `/proc/PID/fd` name them.
fn sockets_in(table: &str, address: SocketAddr) -> Vec<String> {
    let inodes = table.lines().skip(1).filter_map(|line| bound_inode(line, address));
    inodes.map(|inode| format!("socket:[{inode}]")).collect()
}

/// The socket's inode when this line of `/proc/net/*` is bound to the address, or one of the two is to every address; connected sockets
/// excepted.
fn bound_inode(line: &str, address: SocketAddr) -> Option<&str> {
    let mut fields = line.split_whitespace();
    let (ip, port) = end(fields.nth(1)?)?;
    let (_, remote_port) = end(fields.next()?)?;
    let inode = fields.nth(6)?;
    let wanted = address.ip().to_canonical();
    let is_same = ip == wanted || ip.is_unspecified() || wanted.is_unspecified();
    (is_same && port == address.port() && remote_port == 0).then_some(inode)
}

/// An address and a port as `/proc/net/*` writes them: words of 32 bits in the machine's order, `:`, the port.
fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(address.get(at..at + 8)?, 16).ok().map(u32::from_be);
    let ip = match address.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        _ => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let number = words.into_iter().fold(0u128, |number, word| number << 32 | u128::from(word));
            Ipv6Addr::from(number).to_canonical()
        }
    };
    Some((ip, u16::from_str_radix(port, 16).ok()?))
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
    fn our_own_sockets_are_found_as_ours() {
        for ip in ["127.0.0.1", "0.0.0.0", "::1"] {
            // A machine without IPv6 has no such socket.
            let Ok(socket) = std::net::UdpSocket::bind((ip, 0)) else { continue };
            let owner = of(socket.local_addr().unwrap()).unwrap();
            assert_eq!(owner.pid, std::process::id());
        }
    }

    #[test]
    fn another_address_with_the_same_port_is_nobodys_fault() {
        let inode = |local: &str, remote: &str, wanted: &str| {
            let line =
                format!("  7: {local} {remote} 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0 0");
            bound_inode(&line, wanted.parse().unwrap()).is_some()
        };
        let loopback = format!("{:08X}:14B4", u32::from_be_bytes([127, 0, 0, 1]).to_be());
        assert!(inode(&loopback, "00000000:0000", "127.0.0.1:5300"));
        assert!(inode(&loopback, "00000000:0000", "0.0.0.0:5300"));
        assert!(inode("00000000:14B4", "00000000:0000", "127.0.0.1:5300"));
        assert!(!inode(&loopback, "00000000:0000", "127.0.0.2:5300"));
        assert!(!inode(&loopback, "00000000:0000", "127.0.0.1:5301"));
        assert!(!inode(&loopback, "0100007F:0035", "127.0.0.1:5300"));
        let any = "00000000000000000000000000000000:14B4";
        assert!(inode(any, "00000000000000000000000000000000:0000", "[2001:db8::1]:5300"));
    }
}
