//! The link between auth and xfrout: what comes over it, and what becomes of it.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use dns::types::Rcode;
use hickory_proto::rr::RecordType;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};

use super::client::{Client, axfr};
use super::{ZONE, install, set, start};
use crate::harness::server::is_alive;
use crate::harness::{Server, until, zones};

/// The RCODE of a message.
fn rcode(message: &[u8]) -> Rcode {
    Rcode(u16::from(message[3] & 0xf))
}

#[test]
fn b82_a_transfer_and_queries_in_one_segment_are_all_answered() {
    let server = start(10, &[]);
    let mut client = Client::to(&server);
    let query = axfr(ZONE);
    for _ in 0..3 {
        client.ask(&[(ZONE, RecordType::AXFR), ("host1.one.test.", RecordType::A), (ZONE, RecordType::SOA)]);
        assert_eq!(client.read().answers.len(), 2 + 2 + 20);
        assert_eq!(client.read().answers[0].data.to_string(), "192.0.2.1");
        assert_eq!(client.read().answers[0].record_type(), RecordType::SOA);
        client.ask(&[("ns.one.test.", RecordType::A), (ZONE, RecordType::AXFR), (ZONE, RecordType::AXFR)]);
        assert_eq!(client.read().answers[0].data.to_string(), "192.0.2.53");
        assert_eq!(client.read().answers.len(), 2 + 2 + 20);
        assert_eq!(client.read().answers.len(), 2 + 2 + 20);
    }
    // One message cut in two, with the transfer before it.
    let next = axfr("nowhere.test.");
    client.send_cut(&[query, next], 20);
    assert_eq!(client.read().answers.len(), 2 + 2 + 20);
    client.send_rest();
    assert_eq!(rcode(&client.read_octets().unwrap()), Rcode::NOTAUTH);
}

#[test]
fn b82_hundreds_of_pipelined_requests_are_answered_in_order() {
    let server = start(3000, &[]);
    let mut client = Client::to(&server);
    let kinds = [RecordType::AXFR, RecordType::A, RecordType::SOA];
    let asked: Vec<(&str, RecordType)> = (0..300).map(|number| (ZONE, kinds[number % 3])).collect();
    client.ask(&asked);
    for (number, (_, rtype)) in asked.iter().enumerate() {
        match rtype {
            RecordType::AXFR => {
                let mut soas = 0;
                while soas < 2 {
                    let message = client.read();
                    soas += message.answers.iter().filter(|record| record.record_type() == RecordType::SOA).count();
                }
            }
            RecordType::SOA => assert_eq!(client.read().answers.len(), 1, "{number}"),
            _ => assert!(client.read().answers.is_empty(), "{number}"),
        }
    }
}

#[test]
fn b75_without_xfrout_a_transfer_gets_servfail_and_later_the_zone() {
    let server = start(10, &[]);
    let before = server.until_xfrout();
    Server::signal(before, "KILL");
    let mut answers = Vec::new();
    until("xfrout is replaced", || {
        let mut client = Client::to(&server);
        client.ask(&[(ZONE, RecordType::AXFR)]);
        // One that was on its way when it ended, ends with it.
        answers.push(rcode(&client.read_octets()?));
        (*answers.last()? == Rcode::NOERROR).then_some(())
    });
    assert!(answers.contains(&Rcode::SERVFAIL), "{answers:?}");
    assert_ne!(server.until_xfrout(), before);
    assert_eq!(Client::to(&server).axfr(ZONE).zone(), set(&zones::small(ZONE, 1, 10)));
}

#[test]
fn b75_xfrout_killed_in_the_middle_of_a_transfer_ends_that_and_nothing_else() {
    let server = start(100_000, &[]);
    let (xfrout, auth) = (server.until_xfrout(), server.auth_pids());
    let mut other = Client::to(&server);
    let mut client = Client::narrow(&server);
    client.send(&[axfr(ZONE)]);
    assert!(client.read_octets().is_some());
    Server::signal(xfrout, "KILL");
    assert!(client.has_ended());
    // Auth has the same clients as before.
    other.ask(&[("host1.one.test.", RecordType::A)]);
    assert_eq!(other.read().answers.len(), 1);
    assert_eq!(server.wire().serial(ZONE), Some(1));
    until("transfers are answered again", || {
        let mut client = Client::to(&server);
        client.ask(&[(ZONE, RecordType::SOA), (ZONE, RecordType::AXFR)]);
        assert_eq!(client.read().answers.len(), 1);
        (rcode(&client.read_octets()?) == Rcode::NOERROR).then_some(())
    });
    assert_eq!(server.auth_pids(), auth);
}

#[test]
fn b75_a_stopped_xfrout_holds_nobody_up_and_is_replaced() {
    let server = start(100_000, &["--switch-timeout", "1s"]);
    let xfrout = server.until_xfrout();
    let mut client = Client::narrow(&server);
    client.send(&[axfr(ZONE)]);
    assert!(client.read_octets().is_some());
    Server::signal(xfrout, "STOP");
    let began = Instant::now();
    for _ in 0..50 {
        assert_eq!(server.wire().serial(ZONE), Some(1));
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    // The next generation finds it out.
    install(&server.zones, 2, 10);
    server.reload();
    until("it is ended", || (!is_alive(xfrout)).then_some(()));
    assert!(client.has_ended());
    assert_eq!(server.wire().serial(ZONE), Some(2));
    until("transfers are answered again", || {
        let mut client = Client::to(&server);
        client.ask(&[(ZONE, RecordType::AXFR)]);
        (rcode(&client.read_octets()?) == Rcode::NOERROR).then_some(())
    });
}

#[test]
fn b75_a_full_link_is_servfail_and_what_was_in_it_is_answered() {
    let server = start(10, &[]);
    let xfrout = server.until_xfrout();
    Server::signal(xfrout, "STOP");
    // What a packet takes of the link's buffer depends on the kernel; a thousand do not fit.
    let mut waiting = Vec::new();
    let refused = (0..1000).find(|_| {
        let mut client = Client::to(&server);
        client.send(&[axfr(ZONE)]);
        let answer = client.try_read(Duration::from_millis(if waiting.len() < 100 { 1 } else { 30 }));
        let is_refused = answer.is_some_and(|answer| rcode(&answer) == Rcode::SERVFAIL);
        waiting.push(client);
        is_refused
    });
    let refused = refused.expect("the link is full some day");
    Server::signal(xfrout, "CONT");
    println!("{refused} transfers wait in a link");
    let answers = waiting.iter_mut().map(|client| client.try_read(Duration::from_secs(20)));
    let answered = answers.flatten().filter(|answer| rcode(answer) == Rcode::NOERROR).count();
    assert!(answered >= refused.min(10), "{answered} of {refused}");
    assert_eq!(Client::to(&server).axfr(ZONE).zone(), set(&zones::small(ZONE, 1, 10)));
    assert_eq!(server.until_xfrout(), xfrout);
}

/// Connects to xfrout as auth does.
fn link(server: &Server) -> OwnedFd {
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    rustix::net::connect(&socket, &SocketAddrUnix::new(server.state.join("xfrout.sock")).unwrap()).unwrap();
    let mut hello = [0; 64];
    let (_, length) = rustix::net::recv(&socket, &mut hello[..], rustix::net::RecvFlags::empty()).unwrap();
    assert_eq!((length, &hello[..6]), (52, &b"TrHO\x01\x00"[..]));
    socket
}

/// Sends octets with a descriptor, or without.
fn send(link: &OwnedFd, octets: &[u8], descriptor: Option<&TcpStream>) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<_> = descriptor.iter().map(|stream| stream.as_fd()).collect();
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    rustix::net::sendmsg(link, &[IoSlice::new(octets)], &mut control, SendFlags::empty()).unwrap();
}

#[test]
fn b76_a_wrong_packet_drops_its_link_alone() {
    let server = start(10, &[]);
    let pid = server.until_xfrout();
    let descriptors = || std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let before = descriptors();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    // A header with no request, of IPv4.
    let whole = [&b"TrHO\x01\x01\x04\x00"[..], &[0; 44]].concat();
    let with = |at: usize, octet: u8| [&whole[..at], &[octet], &whole[at + 1..]].concat();
    let cases = [
        (whole.clone(), false),
        (whole[..51].to_vec(), true),
        (with(6, 7), true),
        (with(6, 6), true),
        (with(47, 1), true),
        (with(51, 1), true),
        (with(5, 2), true),
        (vec![0xff; 200], true),
    ];
    for (octets, has_descriptor) in cases {
        let link = link(&server);
        send(&link, &octets, has_descriptor.then_some(&client));
        let ended = rustix::net::recv(&link, &mut [0; 64][..], rustix::net::RecvFlags::empty());
        assert_eq!(ended.map_or(0, |(_, length)| length), 0, "{octets:02x?}");
        // The other links go on.
        assert_eq!(Client::to(&server).axfr(ZONE).zone(), set(&zones::small(ZONE, 1, 10)));
    }
    until("every descriptor is closed", || (descriptors() <= before).then_some(()));
    assert_eq!(server.until_xfrout(), pid);
}
