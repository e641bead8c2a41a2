//! The bare echo: datagrams in, the same datagrams out as answers. What the kernel's way of UDP costs by itself.

use std::net::{Ipv4Addr, UdpSocket};

use super::datagrams::Datagrams;
use crate::Outcome;

/// Echoes until it is ended.
pub fn once(port: u16) -> Outcome<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
    let mut datagrams = Datagrams::new();
    loop {
        let count = datagrams.receive(&socket, true)?;
        datagrams.send_back(&socket, count)?;
    }
}
