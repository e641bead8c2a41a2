//! Packets in octets and over sockets, sound ones and wrong ones.

use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use proptest::prelude::*;
use rustix::net::{AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType};

use super::*;

/// Any two addresses of one family.
fn addresses() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    let v4 = any::<([u8; 4], u16, [u8; 4], u16)>();
    let v6 = any::<([u8; 16], u16, [u8; 16], u16)>();
    prop_oneof![
        v4.prop_map(|(a, p, b, q)| (SocketAddr::from((a, p)), SocketAddr::from((b, q)))),
        v6.prop_map(|(a, p, b, q)| (SocketAddr::from((a, p)), SocketAddr::from((b, q)))),
    ]
}

/// A packet's octets.
fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let header = frame.header().unwrap();
    match frame {
        Frame::Hello => header.to_vec(),
        Frame::HandedOver(handed) | Frame::HandedBack(handed) => [&header[..], handed.request, handed.rest].concat(),
    }
}

/// Octets of some length.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), Just(vec![7; REQUEST_OCTETS_MAX])]
}

proptest! {
    #[test]
    fn a_packet_is_read_as_it_was_written((client, server) in addresses(), request in octets(), rest in octets()) {
        let over = Frame::HandedOver(Handed { client, server, request: &request, rest: &rest });
        let written = encoded(&over);
        prop_assert_eq!(Frame::decode(&written), Ok(over));
        let back = Frame::HandedBack(Handed { client, server, request: &[], rest: &rest });
        let written = encoded(&back);
        prop_assert_eq!(Frame::decode(&written), Ok(back));
    }

    #[test]
    fn b76_a_packet_cut_or_lengthened_is_none((client, server) in addresses(), cut in 1..200usize) {
        let whole = encoded(&Frame::HandedOver(Handed { client, server, request: &[1; 60], rest: &[2; 90] }));
        let found = whole.len();
        let wrong = Frame::decode(&whole[..found - cut]);
        prop_assert!(matches!(wrong, Err(FrameError::Short { .. } | FrameError::Lengths { .. })), "{:?}", wrong);
        let longer = [&whole[..], &vec![0; cut]].concat();
        prop_assert_eq!(Frame::decode(&longer), Err(FrameError::Lengths { request: 60, rest: 90, found: found + cut }));
    }

    #[test]
    fn any_octets_are_read_without_harm(octets in prop::collection::vec(any::<u8>(), 0..200), begins in any::<bool>()) {
        let octets = if begins { [b"TrHO\x01\x01".as_slice(), &octets].concat() } else { octets };
        if let Ok(frame) = Frame::decode(&octets) {
            prop_assert_eq!(encoded(&frame), octets);
        }
    }
}

#[test]
fn b76_wrong_headers_are_named() {
    let (client, server) = ("192.0.2.1:4000".parse().unwrap(), "192.0.2.2:53".parse().unwrap());
    let whole = encoded(&Frame::HandedOver(Handed { client, server, request: &[1; 3], rest: &[] }));
    let with = |at: usize, octet: u8| {
        let mut octets = whole.clone();
        octets[at] = octet;
        Frame::decode(&octets).unwrap_err()
    };
    assert_eq!(with(0, b'X'), FrameError::Magic { found: *b"XrHO" });
    assert_eq!(with(4, 2), FrameError::Version { expected: 1, found: 2 });
    assert_eq!(with(5, 3), FrameError::Kind { found: 3 });
    assert_eq!(with(5, 2), FrameError::Lengths { request: 3, rest: 0, found: 55 });
    assert_eq!(with(5, 0), FrameError::Family { found: 4 });
    for family in [0, 1, 2, 5, 10] {
        assert_eq!(with(6, family), FrameError::Family { found: family });
    }
    // Of an IPv4 address there are four octets.
    assert_eq!(with(20, 1), FrameError::Family { found: 4 });
    assert_eq!(with(44, 0xff), FrameError::Lengths { request: 0xff00_0003, rest: 0, found: 55 });
    let mixed = Frame::HandedOver(Handed { client, server: "[::1]:53".parse().unwrap(), request: &[], rest: &[] });
    assert_eq!(mixed.header(), Err(FrameError::Family { found: 6 }));
    let long = vec![0; REST_OCTETS_MAX + 1];
    let long = Frame::HandedOver(Handed { client, server, request: &[], rest: &long });
    assert!(matches!(long.header(), Err(FrameError::Lengths { .. })));
}

/// Two ends of a link, the second one plain.
fn pair() -> (Link, OwnedFd) {
    let (one, other) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    (Link::new(one).unwrap(), other)
}

/// Both ends of a connection over loopback.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// Sends octets and descriptors by hand.
fn send_raw(socket: &OwnedFd, octets: &[u8], descriptors: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(octets)], &mut control, SendFlags::empty()).unwrap();
}

/// What goes with a connection.
fn handed<'f>(server: &TcpStream, request: &'f [u8], rest: &'f [u8]) -> Handed<'f> {
    Handed { client: server.peer_addr().unwrap(), server: server.local_addr().unwrap(), request, rest }
}

#[tokio::test]
async fn a_connection_goes_over_and_comes_back() {
    let (auth, other) = pair();
    let xfrout = Link::new(other).unwrap();
    let mut room = vec![0; FRAME_OCTETS_MAX];
    xfrout.hello().unwrap();
    assert!(matches!(auth.receive(&mut room).await, Ok(Some(Arrived::Hello))));
    let (mut client, server) = connection();
    let (request, rest) = (vec![3; REQUEST_OCTETS_MAX], vec![4; REST_OCTETS_MAX]);
    let sent = handed(&server, &request, &rest);
    auth.hand_over(sent, server.as_fd()).unwrap();
    drop(server);
    let Ok(Some(Arrived::HandedOver(got, descriptor))) = xfrout.receive(&mut room).await else { panic!() };
    assert_eq!(got, sent);
    xfrout.hand_back(Handed { request: &[], rest: b"rest", ..got }, descriptor.as_fd()).unwrap();
    drop(descriptor);
    let Ok(Some(Arrived::HandedBack(got, descriptor))) = auth.receive(&mut room).await else { panic!() };
    assert_eq!(got.rest, b"rest");
    let mut stream = TcpStream::from(descriptor);
    stream.write_all(b"answer").unwrap();
    drop(stream);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "answer");
    drop(xfrout);
    assert!(matches!(auth.receive(&mut room).await, Ok(None)));
    let gone = auth.hand_over(Handed { request: &[], rest: &[], ..sent }, client.as_fd());
    assert!(matches!(gone, Err(SendError::Gone(_))), "{gone:?}");
}

#[tokio::test]
async fn b76_what_is_wrong_is_refused_and_every_descriptor_closed() {
    let mut room = vec![0; FRAME_OCTETS_MAX];
    let (_, server) = connection();
    let whole = encoded(&Frame::HandedOver(handed(&server, b"request", b"")));
    let v6 = Handed { client: "[::1]:1".parse().unwrap(), server: "[::1]:2".parse().unwrap(), request: b"", rest: b"" };
    let v6 = encoded(&Frame::HandedOver(v6));
    let hello = encoded(&Frame::Hello);
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    // Each is sent so often: octets, and whether a stream, too many of them, or something else goes with it.
    let cases: [(&str, &[u8], usize, bool); 9] = [
        ("no descriptor", &whole, 0, false),
        ("two descriptors", &whole, 2, false),
        ("six descriptors", &whole, 6, false),
        ("a hello with one", &hello, 1, false),
        ("a short header", &whole[..HEADER_OCTETS - 1], 1, false),
        ("a wrong family", &v6, 1, false),
        ("a bad length", &whole[..whole.len() - 1], 1, false),
        ("no stream", &whole, 0, true),
        ("too long", &vec![0; FRAME_OCTETS_MAX + 1], 1, false),
    ];
    for (case, octets, streams, has_datagrams) in cases {
        let (link, other) = pair();
        let (client, server) = connection();
        let mut descriptors = vec![server.as_fd(); streams];
        if has_datagrams {
            descriptors.push(datagrams.as_fd());
        }
        send_raw(&other, octets, &descriptors);
        drop(descriptors);
        drop(server);
        let error = link.receive(&mut room).await.expect_err(case);
        assert!(!error.to_string().is_empty());
        drop(link);
        // The last copy of it is closed, which its client sees.
        client.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        assert_eq!((&client).read(&mut [0]).unwrap(), 0, "{case}: {error}");
    }
}

#[tokio::test]
async fn b75_a_full_link_says_so() {
    let (auth, other) = pair();
    let (_client, server) = connection();
    let rest = vec![0; 4096];
    let sent = (0..100_000).find_map(|count| match auth.hand_over(handed(&server, b"r", &rest), server.as_fd()) {
        Ok(()) => None,
        Err(error) => Some((count, error)),
    });
    let (count, error) = sent.expect("a bounded queue");
    assert!(count > 0 && matches!(error, SendError::Full), "{count}: {error:?}");
    let xfrout = Link::new(other).unwrap();
    let mut room = vec![0; FRAME_OCTETS_MAX];
    assert!(matches!(xfrout.receive(&mut room).await, Ok(Some(Arrived::HandedOver(..)))));
}
