//! Queries over TCP (B60): pipelining, timeouts, the limit of connections, clients that never read.

use std::future::Future;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use consumers::auth::answer::Policy;
use consumers::auth::relay::Relay;
use consumers::auth::tcp::{TcpLimits, TcpServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::ask::{Ask, check_frame, text};
use crate::found::ZONES;

/// Runs a test against a server with these limits.
fn with_server<F: Future<Output = ()>>(limits: TcpLimits, test: impl FnOnce(SocketAddr, Arc<TcpServer>) -> F) {
    with_server_at(|| TcpListener::bind("127.0.0.1:0"), limits, test);
}

/// The same, with a listening socket of the test's own.
fn with_server_at<F: Future<Output = ()>>(
    listening: impl FnOnce() -> std::io::Result<TcpListener>,
    limits: TcpLimits,
    test: impl FnOnce(SocketAddr, Arc<TcpServer>) -> F,
) {
    let zones = Arc::new(ArcSwapOption::from(Some(Arc::clone(&ZONES))));
    let relay = Relay::new(Arc::default()).0;
    let server = TcpServer::new(zones, Arc::new(Policy::default()), limits, relay, None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = listening().unwrap();
        let address = listener.local_addr().unwrap();
        tokio::select! {
            ended = Arc::clone(&server).run(vec![listener]) => panic!("the server ended: {ended:?}"),
            () = test(address, Arc::clone(&server)) => {}
        }
    });
}

/// A message with its length before it.
fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

/// Reads one answer.
async fn read_answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = vec![0; usize::from(stream.read_u16().await.unwrap())];
    stream.read_exact(&mut answer).await.unwrap();
    answer
}

/// Waits until something is so.
async fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits for the end of a connection.
async fn read_end(stream: &mut TcpStream) {
    match stream.read(&mut [0; 64]).await {
        Ok(octets) => assert_eq!(octets, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn b60_pipelined_queries_are_all_answered() {
    with_server(TcpLimits::default(), |address, _| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let lines =
            ["www.example. A +tcp", "nope.example. A +tcp +do", "chain1.example. TXT +tcp", "sub.example. NS +tcp"];
        let messages: Vec<Vec<u8>> = lines.iter().cycle().take(400).map(|line| Ask::new(line).message).collect();
        let all: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
        stream.write_all(&all).await.unwrap();
        for message in &messages {
            check_frame(message, &read_answer(&mut stream).await);
        }
        // Answers still come when the client has no more to ask.
        stream.write_all(&framed(&messages[0])).await.unwrap();
        stream.shutdown().await.unwrap();
        check_frame(&messages[0], &read_answer(&mut stream).await);
        read_end(&mut stream).await;
    });
}

#[test]
fn b60_a_query_may_come_octet_by_octet() {
    with_server(TcpLimits::default(), |address, _| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for octet in framed(&Ask::new("mail.example. A").message) {
            stream.write_all(&[octet]).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(text(&read_answer(&mut stream).await), "NOERROR aa\nanswer mail.example. 3600 A 192.0.2.25\n");
    });
}

#[test]
fn b60_what_is_no_query_ends_the_connection() {
    with_server(TcpLimits::default(), |address, server| async move {
        let mut response = Ask::new("www.example. A").message;
        response[2] |= 0x80;
        for message in [&b""[..], b"short", &response] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&framed(message)).await.unwrap();
            read_end(&mut stream).await;
        }
        wait_until(|| server.connection_count() == 0).await;
    });
}

#[test]
fn b60_a_message_of_the_longest_size_is_read() {
    with_server(TcpLimits::default(), |address, _| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut message = Ask::new("www.example. A").message;
        message.resize(65_535, 0);
        stream.write_all(&framed(&message)).await.unwrap();
        assert_eq!(text(&read_answer(&mut stream).await), "FORMERR\n");
    });
}

#[test]
fn b60_an_idle_client_and_a_slow_one_are_timed_out() {
    let limits = TcpLimits { idle_timeout: Duration::from_millis(50), ..TcpLimits::default() };
    with_server(limits, |address, server| async move {
        let mut idle = TcpStream::connect(address).await.unwrap();
        let mut slow = TcpStream::connect(address).await.unwrap();
        // Octets that make no whole query do not count as life.
        let writing = async {
            for octet in framed(&[0; 60_000]) {
                if slow.write_all(&[octet]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::join!(writing, read_end(&mut idle));
        wait_until(|| server.connection_count() == 0).await;
    });
}

#[test]
fn b60_at_the_limit_the_connection_idle_longest_goes_first() {
    let limits = TcpLimits { connections_max: 3, ..TcpLimits::default() };
    with_server(limits, |address, server| async move {
        let query = framed(&Ask::new("www.example. A").message);
        let mut streams = Vec::new();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&query).await.unwrap();
            read_answer(&mut stream).await;
            streams.push(stream);
            // Ages are told in milliseconds.
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        // The first asks again, so the second is the one idle longest.
        streams[0].write_all(&query).await.unwrap();
        read_answer(&mut streams[0]).await;
        let mut fourth = TcpStream::connect(address).await.unwrap();
        fourth.write_all(&query).await.unwrap();
        read_answer(&mut fourth).await;
        read_end(&mut streams[1]).await;
        for index in [0, 2] {
            streams[index].write_all(&query).await.unwrap();
            read_answer(&mut streams[index]).await;
        }
        assert_eq!((server.connection_count(), server.statistics().evicted), (3, 1));
    });
}

#[test]
fn b60_at_the_limit_of_one_client_its_own_idle_longest_goes() {
    let limits = TcpLimits { connections_per_client_max: 2, ..TcpLimits::default() };
    with_server(limits, |address, server| async move {
        let query = framed(&Ask::new("www.example. A").message);
        // Another client of this machine, idle longest of all.
        let other = TcpSocket::new_v4().unwrap();
        other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut other = other.connect(address).await.unwrap();
        other.write_all(&query).await.unwrap();
        read_answer(&mut other).await;
        let mut streams = Vec::new();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(3)).await;
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&query).await.unwrap();
            read_answer(&mut stream).await;
            streams.push(stream);
        }
        read_end(&mut streams[0]).await;
        for stream in [&mut other].into_iter().chain(&mut streams[1..]) {
            stream.write_all(&query).await.unwrap();
            read_answer(stream).await;
        }
        assert_eq!((server.connection_count(), server.statistics().evicted), (3, 1));
        // Connections that end make room again.
        drop(streams);
        wait_until(|| server.connection_count() == 1).await;
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&query).await.unwrap();
            read_answer(&mut stream).await;
        }
        assert_eq!(server.statistics().evicted, 1);
    });
}

#[test]
fn b60_one_client_with_much_to_ask_does_not_keep_others_waiting() {
    let limits = TcpLimits { pipelined_max: 8, ..TcpLimits::default() };
    with_server(limits, |address, server| async move {
        let query = framed(&Ask::new("www.example. A").message);
        let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
        let asked = 20_000;
        let flood = async {
            let all = query.repeat(100);
            for _ in 0..asked / 100 {
                writing.write_all(&all).await.unwrap();
            }
        };
        let drain = async {
            for _ in 0..asked {
                let length = reading.read_u16().await.unwrap();
                reading.read_exact(&mut vec![0; usize::from(length)]).await.unwrap();
            }
        };
        let other = async {
            wait_until(|| server.statistics().queries > 0).await;
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&query).await.unwrap();
            read_answer(&mut stream).await;
            server.statistics().queries
        };
        let ((), (), answered) = tokio::join!(flood, drain, other);
        assert!(answered < asked, "the other's query was answered after {answered}");
    });
}

#[test]
fn b60_a_client_that_never_reads_costs_a_bounded_buffer() {
    let limits = TcpLimits { write_timeout: Duration::from_secs(60), ..TcpLimits::default() };
    let listening = || {
        let socket = TcpSocket::new_v4()?;
        // Connections inherit it.
        socket.set_send_buffer_size(4096)?;
        socket.bind("127.0.0.1:0".parse().unwrap())?;
        socket.listen(16)?.into_std()
    };
    with_server_at(listening, limits, |address, server| async move {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        let query = framed(&Ask::new("www.example. A").message);
        let answer = {
            let mut other = TcpStream::connect(address).await.unwrap();
            other.write_all(&query).await.unwrap();
            read_answer(&mut other).await.len() + 2
        };
        let all = query.repeat(1000);
        let stuck = Duration::from_millis(300);
        while tokio::time::timeout(stuck, stream.write_all(&all)).await.is_ok() {}
        // What was answered is in the two socket buffers, which the kernel doubles, or waits: at most 64 KiB and an answer.
        let answered = usize::try_from(server.statistics().queries).unwrap() * answer;
        assert!(answered <= 2 * 2 * 4096 + 64 * 1024 + 2 * answer, "{answered} octets were answered");
        // Nothing of it is kept once it has gone.
        drop(stream);
        wait_until(|| server.connection_count() == 0).await;
    });
}

#[test]
fn b60_a_client_that_never_reads_is_not_read_from_either() {
    let limits = TcpLimits { write_timeout: Duration::from_millis(200), ..TcpLimits::default() };
    with_server(limits, |address, server| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let query = framed(&Ask::new("www.example. A").message).repeat(1000);
        // Answers are longer than queries: once the socket's buffers are full the server reads no more, and in the end it hangs up.
        while stream.write_all(&query).await.is_ok() {}
        wait_until(|| server.connection_count() == 0).await;
        assert!(server.statistics().queries > 0);
    });
}

#[test]
fn connections_end_with_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let zones = Arc::new(ArcSwapOption::from(Some(Arc::clone(&ZONES))));
    let relay = Relay::new(Arc::default()).0;
    let server = TcpServer::new(zones, Arc::new(Policy::default()), TcpLimits::default(), relay, None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut stream = tokio::select! {
            _ = Arc::clone(&server).run(vec![listener]) => panic!("the server ended"),
            stream = async {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(&framed(&Ask::new("www.example. A").message)).await.unwrap();
                read_answer(&mut stream).await;
                stream
            } => stream,
        };
        read_end(&mut stream).await;
        wait_until(|| server.connection_count() == 0).await;
    });
}

#[test]
fn an_update_that_can_not_be_passed_on_is_answered_in_its_turn() {
    with_server(TcpLimits::default(), |address, _| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let query = Ask::new("mail.example. A").message;
        let mut update = Ask::new("example. SOA").message;
        update[2] |= 5 << 3;
        stream.write_all(&[framed(&query), framed(&update), framed(&query)].concat()).await.unwrap();
        check_frame(&query, &read_answer(&mut stream).await);
        assert_eq!(read_answer(&mut stream).await[2..4], [0x80 | 5 << 3, 2]);
        check_frame(&query, &read_answer(&mut stream).await);
    });
}
