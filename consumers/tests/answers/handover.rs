//! Transfers leave auth with their connection (B70, B75, B82): the test stands for xfrout.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use consumers::auth::answer::Policy;
use consumers::auth::relay::Relay;
use consumers::auth::tcp::{TcpLimits, TcpServer};
use consumers::handover::{Arrived, FRAME_OCTETS_MAX, Handed, Link};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ask::{Ask, check_frame, text};
use crate::found::ZONES;

/// Runs a test against a server that looks for xfrout at the listening socket the test gets.
fn with_server<F: Future<Output = ()>>(test: impl FnOnce(SocketAddr, Arc<TcpServer>, OwnedFd) -> F) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("xfrout.sock");
    let links = listen(&path);
    let zones = Arc::new(ArcSwapOption::from(Some(Arc::clone(&ZONES))));
    let relay = Relay::new(Arc::default()).0;
    let server = TcpServer::new(zones, Arc::new(Policy::default()), TcpLimits::default(), relay, Some(path));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        tokio::select! {
            ended = Arc::clone(&server).run(vec![listener]) => panic!("the server ended: {ended:?}"),
            () = test(address, Arc::clone(&server), links) => {}
        }
    });
}

/// The socket that the supervisor would have.
pub(crate) fn listen(path: &Path) -> OwnedFd {
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    rustix::net::bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    rustix::net::listen(&socket, 8).unwrap();
    rustix::io::ioctl_fionbio(&socket, true).unwrap();
    socket
}

/// The next link, taken as soon as it is there.
pub(crate) async fn take_link(links: &OwnedFd) -> Link {
    loop {
        match rustix::net::accept_with(links, SocketFlags::CLOEXEC) {
            Ok(socket) => return Link::new(socket).unwrap(),
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

/// A message with its length before it.
fn framed(line: &str) -> Vec<u8> {
    let message = Ask::new(line).message;
    [&(message.len() as u16).to_be_bytes()[..], &message].concat()
}

/// Reads one answer.
async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut answer = vec![0; usize::from(stream.read_u16().await.unwrap())];
    stream.read_exact(&mut answer).await.unwrap();
    answer
}

/// Asks for a transfer until it is not answered with SERVFAIL any more, and leaves it asked.
pub(crate) async fn ask_until_taken(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), server: &TcpServer) {
    let taken = server.statistics().handed_over;
    loop {
        stream.write_all(&framed("example. AXFR +tcp +edns=1232")).await.unwrap();
        tokio::select! {
            answer = read_answer(stream) => assert_eq!(text(&answer), "SERVFAIL\nede 14\n"),
            () = async {
                while server.statistics().handed_over == taken {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            } => return,
        }
    }
}

#[test]
fn b75_without_xfrout_a_transfer_gets_servfail_and_the_connection_goes_on() {
    with_server(|address, server, links| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let asked: Vec<u8> =
            ["example. AXFR +tcp +edns=1232", "www.example. A +tcp", "example. IXFR +tcp"].map(framed).concat();
        stream.write_all(&asked).await.unwrap();
        // The link has been made, and nobody is behind it.
        assert_eq!(text(&read_answer(&mut stream).await), "SERVFAIL\nede 14\n");
        check_frame(&Ask::new("www.example. A +tcp").message, &read_answer(&mut stream).await);
        assert_eq!(text(&read_answer(&mut stream).await), "SERVFAIL\n");
        assert_eq!(server.statistics().not_handed_over, 2);
        drop(links);
    });
}

#[test]
fn b82_what_comes_with_a_transfer_is_answered_too() {
    with_server(|address, server, links| async move {
        let mut room = vec![0; FRAME_OCTETS_MAX];
        let link = take_link(&links).await;
        link.hello().unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        ask_until_taken(&mut stream, &server).await;
        let Ok(Some(Arrived::HandedOver(handed, connection))) = link.receive(&mut room).await else { panic!() };
        assert_eq!((handed.client, handed.server), (stream.local_addr().unwrap(), address));
        assert_eq!(handed.request, Ask::new("example. AXFR +tcp +edns=1232").message);
        link.hand_back(Handed { request: &[], ..handed }, connection.as_fd()).unwrap();
        drop(connection);
        let lines = ["www.example. A +tcp", "example. AXFR +tcp", "sub.example. NS +tcp", "example. SOA +tcp"];
        stream.write_all(&lines.map(framed).concat()).await.unwrap();
        let Ok(Some(Arrived::HandedOver(handed, connection))) = link.receive(&mut room).await else { panic!() };
        assert_eq!(handed.request, Ask::new(lines[1]).message);
        assert_eq!(handed.rest, [lines[2], lines[3]].map(framed).concat());
        assert_eq!(server.statistics().handed_over, 2);
        // The answer before it is written by now; the transfer's would be here.
        check_frame(&Ask::new(lines[0]).message, &read_answer(&mut stream).await);
        link.hand_back(Handed { request: &[], ..handed }, connection.as_fd()).unwrap();
        drop(connection);
        for line in &lines[2..] {
            check_frame(&Ask::new(line).message, &read_answer(&mut stream).await);
        }
        assert_eq!(server.statistics().taken_back, 2);
        drop(stream);
        while server.connection_count() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn b75_the_next_request_finds_the_new_link() {
    with_server(|address, server, links| async move {
        let mut room = vec![0; FRAME_OCTETS_MAX];
        let link = take_link(&links).await;
        link.hello().unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        ask_until_taken(&mut stream, &server).await;
        // With xfrout goes what it had.
        drop(link);
        let Ok(0) = stream.read(&mut [0; 64]).await else { panic!() };
        let link = take_link(&links).await;
        link.hello().unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        ask_until_taken(&mut stream, &server).await;
        assert!(matches!(link.receive(&mut room).await, Ok(Some(Arrived::HandedOver(..)))));
    });
}

#[test]
fn b75_a_full_link_is_not_waited_for() {
    with_server(|address, server, links| async move {
        let link = take_link(&links).await;
        link.hello().unwrap();
        let mut room = vec![0; FRAME_OCTETS_MAX];
        let mut waiting = Vec::new();
        while server.statistics().handed_over == 0 || server.statistics().not_handed_over == 0 {
            // What lies behind the request fills the link soon.
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&[framed("example. AXFR +tcp"), vec![0xff; 8000]].concat()).await.unwrap();
            waiting.push(stream);
            tokio::time::sleep(Duration::from_millis(1)).await;
            if server.statistics().handed_over == 0 {
                waiting.clear();
            }
        }
        let mut refused = waiting.pop().unwrap();
        assert_eq!(text(&read_answer(&mut refused).await), "SERVFAIL\n");
        let mut other = TcpStream::connect(address).await.unwrap();
        other.write_all(&framed("www.example. A +tcp")).await.unwrap();
        check_frame(&Ask::new("www.example. A +tcp").message, &read_answer(&mut other).await);
        assert!(matches!(link.receive(&mut room).await, Ok(Some(Arrived::HandedOver(..)))));
    });
}
