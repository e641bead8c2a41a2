//! Messages that memmgr answers: updates (RFC 2136) and notifications (RFC 1996) go to it over the bus, and its answers back to who asked.
//!
//! Read [`Relay`] first. Whoever receives such a message leaves it here and goes on; a task of the event loop waits for the answer. So many are
//! on their way at the most that what readers have to say to memmgr, on the same connection, waits for milliseconds behind them. What can't be
//! passed on is answered with SERVFAIL. Where memmgr took a message and gave no answer, nobody knows whether it had its effect, and
//! nothing is said: who asked does not get an answer that may be wrong, and asks again. What comes once more in a datagram while the first is on its way
//! gets that one's answer and is not passed on: carried out twice, an update could be refused because it was carried out.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bus::protocol::MEMMGR_GROUP;
use bus::protocol::messages::{DnsAnswer, FromAuth, MessageOctets, Transport as BusTransport};
use bus::{Client as BusClient, RequestError, SendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tracing::warn;

use super::answer::{Client, Policy, Transport, answered, failure};
use super::batch::{Datagram, QuerySocket};
use super::statistics::{Block, Way};
use super::udp::unix_now;

/// Takes messages that memmgr answers.
#[derive(Debug)]
pub struct Relay {
    /// The connection to the bus, once there is one.
    bus: ArcSwapOption<BusClient>,
    /// A permit for each message that may be on its way.
    permits: Arc<Semaphore>,
    /// To the event loop. It holds no more than there are permits.
    queue: mpsc::UnboundedSender<Relayed>,
    /// Datagrams on their way, no more than there are permits: how each came, and its message.
    under_way: Mutex<Vec<UnderWay>>,
    /// What failures are answered with.
    policy: Arc<Policy>,
    /// What was asked and answered, counted on the event loop alone.
    counts: Block,
}

/// The answer to a message that came in a stream, when it comes; none where there is none.
pub type Awaited = oneshot::Receiver<Option<Vec<u8>>>;

/// A message on its way.
#[derive(Debug)]
pub struct Relayed {
    /// The message.
    message: Arc<[u8]>,
    /// Who sent it.
    client: IpAddr,
    /// The way back.
    back: Back,
    /// Its permit, given back when all is done.
    _permit: OwnedSemaphorePermit,
}

/// A datagram on its way.
#[derive(Debug)]
struct UnderWay {
    /// The message in it.
    message: Arc<[u8]>,
    /// The socket that it came in by.
    socket: Arc<QuerySocket>,
    /// From where, and to which address.
    datagram: Datagram,
}

impl UnderWay {
    /// Whether another one is the same once more.
    fn is(&self, message: &[u8], socket: &Arc<QuerySocket>, datagram: &Datagram) -> bool {
        *self.message == *message && Arc::ptr_eq(&self.socket, socket) && self.datagram.is_same_way(datagram)
    }
}

/// The way back to a client.
#[derive(Debug)]
enum Back {
    /// Through the socket that a datagram came in by.
    Datagram(Arc<QuerySocket>, Datagram),
    /// To the connection.
    Stream(oneshot::Sender<Option<Vec<u8>>>),
}

impl Relay {
    /// A relay that knows no connection yet, and what [`run`](Self::run) takes.
    pub fn new(policy: Arc<Policy>) -> (Arc<Self>, mpsc::UnboundedReceiver<Relayed>) {
        let (queue, relayed) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(RELAYED_MAX));
        let bus = ArcSwapOption::empty();
        let under_way = Mutex::default();
        (Arc::new(Self { bus, permits, queue, under_way, policy, counts: Block::default() }), relayed)
    }

    /// Says over which connection to ask from now on.
    pub fn connect(&self, bus: BusClient) {
        self.bus.store(Some(Arc::new(bus)));
    }

    /// What was asked and answered so far.
    pub fn counts(&self) -> &Block {
        &self.counts
    }

    /// Takes a message that came in a datagram; false where it can't be passed on.
    #[cold]
    pub fn take_datagram(&self, message: &[u8], socket: &Arc<QuerySocket>, datagram: &Datagram) -> bool {
        let mut under_way = self.under_way();
        if under_way.iter().any(|other| other.is(message, socket, datagram)) {
            return true;
        }
        let octets: Arc<[u8]> = message.into();
        let back = || Back::Datagram(Arc::clone(socket), *datagram);
        let is_taken = self.take(&octets, datagram.ip(), back);
        if is_taken {
            under_way.push(UnderWay { message: octets, socket: Arc::clone(socket), datagram: *datagram });
        }
        is_taken
    }

    /// Datagrams on their way.
    fn under_way(&self) -> MutexGuard<'_, Vec<UnderWay>> {
        // Nothing panics while it is held.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message that came in a stream; none where it can't be passed on.
    #[cold]
    pub fn take_message(&self, message: &[u8], client: IpAddr) -> Option<Awaited> {
        let (sender, awaited) = oneshot::channel();
        self.take(&message.into(), client, || Back::Stream(sender)).then_some(awaited)
    }

    /// Takes a message, if one more may be on its way and there is somebody to ask.
    fn take(&self, message: &Arc<[u8]>, client: IpAddr, back: impl FnOnce() -> Back) -> bool {
        let is_connected = self.bus.load().as_ref().is_some_and(|bus| !bus.is_closed());
        let permit = is_connected.then(|| Arc::clone(&self.permits).try_acquire_owned().ok()).flatten();
        let Some(permit) = permit else { return false };
        let relayed = Relayed { message: Arc::clone(message), client, back: back(), _permit: permit };
        self.queue.send(relayed).is_ok()
    }

    /// Passes messages on until the process ends.
    pub async fn run(self: &Arc<Self>, mut relayed: mpsc::UnboundedReceiver<Relayed>) {
        while let Some(relayed) = relayed.recv().await {
            let relay = Arc::clone(self);
            tokio::spawn(async move { relay.pass(relayed).await });
        }
    }

    /// Passes one message on, and its answer back.
    async fn pass(&self, relayed: Relayed) {
        let Relayed { message, client, back, _permit } = relayed;
        let transport = match back {
            Back::Datagram(..) => Transport::Udp,
            Back::Stream(_) => Transport::Tcp,
        };
        let answer = match self.ask(&message, client, transport).await {
            Ok(answer) => answer,
            Err(error) => {
                warn!(%error, "message-not-relayed");
                is_untaken(&error).then(|| self.failure(&message, client, transport)).flatten()
            }
        };
        let noted = answered(&message, answer.as_deref());
        self.counts.note_received(Way::new(transport, client), message.len());
        self.counts.note_query(&noted.summary);
        if answer.is_some() {
            self.counts.note_answer(&noted.summary, noted.octets);
        }
        match (back, answer) {
            (Back::Datagram(socket, datagram), answer) => {
                if let Some(mut answer) = answer {
                    socket.answer_late(&datagram, &mut answer);
                }
                self.under_way().retain(|other| !Arc::ptr_eq(&other.message, &message));
            }
            // A connection that has ended does not wait.
            (Back::Stream(sender), answer) => drop(sender.send(answer)),
        }
    }

    /// Asks memmgr.
    async fn ask(&self, message: &[u8], client: IpAddr, transport: Transport) -> Result<Option<Vec<u8>>, RequestError> {
        let transport = match transport {
            Transport::Udp => BusTransport::Udp,
            Transport::Tcp => BusTransport::Tcp,
        };
        let request = FromAuth::DnsMessage { message: MessageOctets(message.to_vec()), client, transport };
        let Some(bus) = self.bus.load_full() else { return Ok(None) };
        let reply = bus.request(&MEMMGR_GROUP.into(), &request, &[], ANSWER_MAX).await?;
        Ok(reply.parse::<DnsAnswer>().ok().and_then(|reply| reply.answer).map(|answer| answer.0))
    }

    /// SERVFAIL to a message.
    fn failure(&self, message: &[u8], address: IpAddr, transport: Transport) -> Option<Vec<u8>> {
        let client = Client { transport, address, now: unix_now() };
        let mut room = vec![0; FAILURE_OCTETS_MAX];
        let octets = failure(message, &client, &self.policy, &mut room)?.octets;
        room.truncate(octets);
        Some(room)
    }
}

/// Whether an error says that memmgr has not seen the message.
fn is_untaken(error: &RequestError) -> bool {
    match error {
        // The connection may have ended behind it.
        RequestError::Send(SendError::Disconnected { .. }) => false,
        RequestError::Send(_) | RequestError::NoSuchRecipient { .. } | RequestError::Refused { .. } => true,
        _ => false,
    }
}

/// Messages on their way at the most, of one process: memmgr answers about so many in the time that nobody notices.
pub const RELAYED_MAX: usize = 64;

/// How long memmgr may take for an answer: for an update that waits for a large zone to be loaded, and not so long that nobody waits for it.
pub const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Room for a header, a question and an OPT record with all its options.
const FAILURE_OCTETS_MAX: usize = 1024;
