//! A primary asked over the network: its serial over UDP, or TCP where that fails, and transfers over TCP.
//!
//! Sockets belong to the event loop; what costs time, reading records and comparing them, is done on a thread of its own, to which messages go through
//! a short queue. All waiting ends, whatever the primary does.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dns::tsig::Key;
use dns::types::Rcode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;
use zone_segment::Name;

use super::conversation::{About, Answer, MESSAGE_OCTETS_MIN, Query};
use super::failure::Failure;

/// A primary.
#[derive(Clone, Debug)]
pub(crate) struct Primary {
    /// What the configuration calls it.
    pub(crate) name: Arc<str>,
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// The key that it shares with us.
    pub(crate) key: Option<Arc<Key>>,
}

/// How long a datagram's answer is waited for, and how often one is sent.
const DATAGRAM_WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long the answer's first message may take: a primary may have to put it together.
const FIRST_MESSAGE_MAX: Duration = Duration::from_secs(60);

/// How long each further message may take as a whole, so that one who trickles octets holds nothing for long.
const MESSAGE_MAX: Duration = Duration::from_secs(30);

/// How long a transfer may take as a whole.
const TRANSFER_MAX: Duration = Duration::from_secs(2 * 3600);

/// Messages that wait for the thread that reads their records: 1 MiB at the most.
const MESSAGES_WAITING_MAX: usize = 16;

/// Octets that are read from a connection at once.
const READ_OCTETS: usize = 1 << 16;

/// Octets of a datagram that is taken.
const DATAGRAM_OCTETS_MAX: usize = 4096;

/// The SOA record that a primary has, over UDP or else over TCP.
pub(crate) async fn soa(primary: &Primary, apex: &Name) -> Result<Box<[u8]>, Failure> {
    match soa_by_datagram(primary, apex).await {
        Ok(Some(rdata)) => Ok(rdata),
        // Truncated, lost on the way, or not answered over UDP at all: some refuse that for catalog zones.
        Ok(None)
        | Err(Failure::Silence { .. } | Failure::Io { .. } | Failure::Refused { rcode: Rcode::REFUSED, .. }) => {
            soa_by_connection(primary, apex).await
        }
        Err(failure) => Err(failure),
    }
}

/// The same over UDP; none where the answer was truncated.
async fn soa_by_datagram(primary: &Primary, apex: &Name) -> Result<Option<Box<[u8]>>, Failure> {
    let failed = |error| Failure::Io { doing: "asking for the SOA record", error };
    let any: SocketAddr = match primary.address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let query = Query { apex: apex.clone(), about: About::Soa };
    for wait in DATAGRAM_WAITS {
        // A port of its own for each: who guesses one has guessed no other.
        let socket = UdpSocket::bind(any).await.map_err(failed)?;
        socket.connect(primary.address).await.map_err(failed)?;
        let (message, mut answer) = query.message(random_id().map_err(failed)?, primary.key.as_ref(), now());
        socket.send(&message).await.map_err(failed)?;
        let mut buffer = [0; DATAGRAM_OCTETS_MAX];
        let received = async {
            loop {
                let length = socket.recv(&mut buffer).await?;
                let message = &buffer[..length];
                if answer.is_meant(message) {
                    return Ok(message.to_vec());
                }
            }
        };
        match timeout(wait, received).await {
            Ok(Ok(message)) => return answer.soa(&message, now()),
            Ok(Err(error)) => return Err(failed(error)),
            Err(_) => {}
        }
    }
    Err(Failure::Silence { awaited: "an answer over UDP", waited: DATAGRAM_WAITS.iter().sum() })
}

/// The same over TCP.
async fn soa_by_connection(primary: &Primary, apex: &Name) -> Result<Box<[u8]>, Failure> {
    let (mut connection, mut answer) = ask(primary, Query { apex: apex.clone(), about: About::Soa }).await?;
    let message = next_message(&mut connection, MESSAGE_MAX).await?;
    let message = message.ok_or(Failure::NoAnswer { expected: "an answer over TCP" })?;
    answer.soa(&message, now())?.ok_or(Failure::NoAnswer { expected: "an answer that is not truncated" })
}

/// Asks for a transfer, and has each message of the answer taken by `take` on a thread of its own: that is given where messages come from, and gives what came of
/// them. It stops to read when it has what it wants.
pub(crate) async fn transfer<T: Send + 'static>(
    primary: &Primary,
    query: Query,
    take: impl FnOnce(Messages) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let whole = async {
        let (mut connection, answer) = ask(primary, query).await?;
        let (sender, receiver) = mpsc::channel(MESSAGES_WAITING_MAX);
        let task = tokio::task::spawn_blocking(move || take(Messages { answer, receiver }));
        let read = read_all(&mut connection, sender).await;
        // What the records are comes before what became of the connection: a stream that is cut says so itself.
        let taken = task
            .await
            .map_err(|error| Failure::NotPublished { error: format!("the reading thread ended: {error}") })?;
        match (taken, read) {
            (Ok(taken), _) => Ok(taken),
            (Err(Failure::Broken(super::broken::Broken::Cut { .. })), Err(failure)) => Err(failure),
            (Err(failure), _) => Err(failure),
        }
    };
    match timeout(TRANSFER_MAX, whole).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::Silence { awaited: "the end of the transfer", waited: TRANSFER_MAX }),
    }
}

/// The messages of an answer, for the thread that takes them.
#[derive(Debug)]
pub(crate) struct Messages {
    /// What they have to be.
    pub(crate) answer: Answer,
    /// They.
    receiver: mpsc::Receiver<Vec<u8>>,
}

impl Messages {
    /// The next message; none when the connection has ended. Waits.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        self.receiver.blocking_recv()
    }
}

/// Reads messages until nobody wants more of them, or there are none.
async fn read_all(connection: &mut BufReader<TcpStream>, to: mpsc::Sender<Vec<u8>>) -> Result<(), Failure> {
    let mut wait = FIRST_MESSAGE_MAX;
    loop {
        let message = tokio::select! {
            () = to.closed() => return Ok(()),
            message = next_message(connection, wait) => message?,
        };
        let Some(message) = message else { return Ok(()) };
        if to.send(message).await.is_err() {
            return Ok(());
        }
        wait = MESSAGE_MAX;
    }
}

/// Connects and asks.
async fn ask(primary: &Primary, query: Query) -> Result<(BufReader<TcpStream>, Answer), Failure> {
    let failed = |error| Failure::Io { doing: "connecting", error };
    let connected = timeout(CONNECT_MAX, TcpStream::connect(primary.address)).await;
    let silence = |_| Failure::Silence { awaited: "a connection", waited: CONNECT_MAX };
    let mut connection = connected.map_err(silence)?.map_err(failed)?;
    let (message, answer) = query.message(random_id().map_err(failed)?, primary.key.as_ref(), now());
    // A query has far fewer than 2^16 octets.
    let mut octets = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    octets.extend(message);
    let asked = |error| Failure::Io { doing: "asking", error };
    timeout(CONNECT_MAX, connection.write_all(&octets)).await.map_err(silence)?.map_err(asked)?;
    Ok((BufReader::with_capacity(READ_OCTETS, connection), answer))
}

/// The next message of a connection; none at its end.
async fn next_message(connection: &mut BufReader<TcpStream>, wait: Duration) -> Result<Option<Vec<u8>>, Failure> {
    let read = async {
        let mut length = [0; 2];
        if connection.read(&mut length[..1]).await? == 0 {
            return Ok(None);
        }
        connection.read_exact(&mut length[1..]).await?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        connection.read_exact(&mut message).await?;
        Ok(Some(message))
    };
    let message = match timeout(wait, read).await {
        Ok(Ok(message)) => message,
        Ok(Err(error)) => return Err(Failure::Io { doing: "reading the answer", error }),
        Err(_) => return Err(Failure::Silence { awaited: "the next message of the answer", waited: wait }),
    };
    match message {
        Some(message) if message.len() < MESSAGE_OCTETS_MIN => Err(Failure::NoAnswer { expected: "a message" }),
        message => Ok(message),
    }
}

/// An id that nobody can guess.
fn random_id() -> std::io::Result<u16> {
    let mut octets = [0; 2];
    let mut filled = 0;
    while filled < octets.len() {
        filled += rustix::rand::getrandom(&mut octets[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(u16::from_be_bytes(octets))
}

/// The time in seconds since 1970.
pub(crate) fn now() -> u64 {
    dns::tsig::seconds(SystemTime::now())
}
