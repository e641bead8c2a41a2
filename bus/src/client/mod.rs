//! One end of the bus: [`Client`] speaks, [`Incoming`] is what others say to it.
//!
//! A client is one connection of one broker session. When it ends, so do its requests, and nothing of it is of use in
//! another; [`crate::Session`] makes the next.
//!
//! - `connect`: from a path or a descriptor to a connection that counts
//! - `driver`: the task that moves frames between the socket and the two ends
//! - `incoming`: the bounded queues to the program
//! - `errors`: what can go wrong

mod connect;
mod driver;
mod errors;
mod incoming;

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::oneshot;

pub use connect::HELLO_TIMEOUT;
pub use errors::{ConnectError, RequestError, SendError};
pub use incoming::{Copied, Incoming, Monitor};

pub use crate::body::BodyError;
pub use crate::queue::Full;

use crate::address::Address;
use crate::body::Body;
use crate::descriptors::duplicate;
use crate::frame::{DESCRIPTORS_MAX, Kind};
use crate::group::{self, Group, Listing, Member, MembershipNotice, Roster};
use crate::message::{Envelope, Failure, Message};
use crate::packet::Packet;
use crate::queue::{QueueLimits, SendQueue};
use crate::recipient::Recipient;

/// How long the broker may take to answer what only it has to answer.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);
/// The limits of a client's queue to its broker. The broker always reads, so this much waits only while it is busy or stopped.
pub(crate) const QUEUE_LIMITS: QueueLimits = QueueLimits {
    bytes_max: 4 * 1024 * 1024,
    descriptors_max: 1024,
    memfd_bytes_max: 256 * 1024 * 1024,
    untaken_max: usize::MAX,
};

/// A connection to a broker. Cheap to clone; it ends when the last clone and its [`Incoming`] are dropped, after what was
/// sent has gone out.
#[derive(Debug, Clone)]
pub struct Client {
    /// The connection.
    connection: Arc<Connection>,
}

/// The program's side of a connection, shared by all that keep it alive.
#[derive(Debug)]
struct Connection {
    /// What is shared with the driver.
    shared: Arc<Shared>,
    /// The address that the broker gave.
    address: Address,
    /// The broker's release.
    broker_version: String,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.queue.finish();
    }
}

/// What the program's side and the driver share.
#[derive(Debug)]
struct Shared {
    /// What waits to be sent.
    queue: Arc<SendQueue>,
    /// What waits for an answer.
    waiting: Mutex<Waiting>,
}

/// What waits for an answer. Locked for a few instructions at a time.
#[derive(Debug, Default)]
struct Waiting {
    /// The id of the last request.
    last_request: u64,
    /// Requests without an answer.
    requests: HashMap<u64, oneshot::Sender<Answer>>,
    /// Where copies go, if the client monitors.
    monitor: Option<incoming::Sender<Copied>>,
    /// Why the connection has ended.
    ended: Option<String>,
}

/// How a request ends.
#[derive(Debug)]
enum Answer {
    /// A reply, from a peer or from the broker.
    Reply(Message),
    /// No reply, says the broker.
    Failure(Failure),
    /// A reply whose body cannot be read.
    Unreadable,
}

/// The place of a request among those that wait; dropping it gives the place up.
struct Place<'a> {
    /// Where it waits.
    shared: &'a Shared,
    /// Its id.
    request: u64,
    /// Where the answer comes.
    answer: oneshot::Receiver<Answer>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.waiting.lock().requests.remove(&self.request);
    }
}

impl Client {
    /// The address that the broker gave this connection.
    #[must_use]
    pub fn address(&self) -> Address {
        self.connection.address
    }

    /// The broker's release, for people to read.
    #[must_use]
    pub fn broker_version(&self) -> &str {
        &self.connection.broker_version
    }

    /// Joins a group. Every message to it that the broker handles after this will come.
    pub async fn subscribe(&self, group: &Group) -> Result<(), RequestError> {
        self.control(Kind::Subscribe, Some(group)).await.map(drop)
    }

    /// Leaves a group. What was sent to it before may still be in [`Incoming`].
    pub async fn unsubscribe(&self, group: &Group) -> Result<(), RequestError> {
        self.control(Kind::Unsubscribe, Some(group)).await.map(drop)
    }

    /// Who is in a group.
    pub async fn members(&self, group: &Group) -> Result<Vec<Member>, RequestError> {
        self.list(Some(group)).await.map(|listing| listing.members)
    }

    /// Everyone who is connected.
    pub async fn peers(&self) -> Result<Vec<Member>, RequestError> {
        self.list(None).await.map(|listing| listing.members)
    }

    /// Who is connected, and from here on every change as a message in [`Incoming`]: give those for which
    /// [`Client::membership_notice`] finds something to [`Roster::apply`].
    pub async fn watch_members(&self) -> Result<Roster, RequestError> {
        self.subscribe(&group::MEMBERS).await?;
        self.list(None).await.map(Roster::new)
    }

    /// The change of membership that `message` tells, if it is one and the broker itself tells it.
    #[must_use]
    pub fn membership_notice(&self, message: &Message) -> Option<MembershipNotice> {
        let is_notice = message.from.is_broker() && message.to == Recipient::Group(group::MEMBERS);
        is_notice.then(|| message.parse().ok()).flatten()
    }

    /// Asks for a copy of every message from here on. Only root and the broker's own user may.
    pub async fn monitor(&self) -> Result<Monitor, RequestError> {
        let (sender, receiver) = incoming::channel(Arc::clone(&self.connection));
        self.connection.shared.waiting.lock().monitor = Some(sender);
        self.control(Kind::Monitor, None).await?;
        Ok(Monitor::new(receiver))
    }

    /// Sends a request and waits for its reply, for `deadline` at most.
    ///
    /// To a group it goes to every member, and the first reply counts; it fails with `callee gone` when the last member that
    /// got it is gone. A reply can come only while [`Incoming`] is read or has room: see there.
    pub async fn request(
        &self,
        to: &Recipient,
        body: &impl Serialize,
        descriptors: &[BorrowedFd<'_>],
        deadline: Duration,
    ) -> Result<Message, RequestError> {
        let deadline_ms = Some(u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX));
        let envelope = Envelope { to: Some(to.clone()), deadline_ms, ..Envelope::default() };
        let place = self.place()?;
        self.push(Kind::Request, place.request, &envelope, body, descriptors)?;
        self.wait(place, deadline, || to.to_string()).await
    }

    /// Sends a message that wants no reply. If there is no recipient, it vanishes.
    pub fn send(&self, to: &Recipient, body: &impl Serialize, descriptors: &[BorrowedFd<'_>]) -> Result<(), SendError> {
        let envelope = Envelope { to: Some(to.clone()), ..Envelope::default() };
        self.push(Kind::Message, 0, &envelope, body, descriptors)
    }

    /// Sends a message to everyone who wants to hear of `family`, the group `notifications/FAMILY`.
    pub fn notify(&self, family: &str, body: &impl Serialize) -> Result<(), SendError> {
        let group = Group::notifications(family).map_err(SendError::Group)?;
        self.send(&Recipient::Group(group), body, &[])
    }

    /// Replies to a request. If its sender is gone or no longer waits, the reply vanishes.
    pub fn reply(&self, to: &Message, body: &impl Serialize, descriptors: &[BorrowedFd<'_>]) -> Result<(), SendError> {
        let request = to.request.ok_or(SendError::NotARequest { from: to.from })?;
        let envelope = Envelope { to: Some(Recipient::Address(to.from)), ..Envelope::default() };
        self.push(Kind::Reply, request, &envelope, body, descriptors)
    }

    /// Waits until the kernel, or the broker in this process, has everything that was sent; false if the connection ended before.
    pub async fn flush(&self) -> bool {
        self.connection.shared.queue.emptied().await
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.connection.shared.waiting.lock().ended.is_some()
    }

    /// Waits until the connection has ended.
    pub async fn closed(&self) {
        self.connection.shared.queue.closed().await;
    }

    /// Asks the broker for a list.
    async fn list(&self, group: Option<&Group>) -> Result<Listing, RequestError> {
        let answer = self.control(Kind::Members, group).await?;
        answer.parse().map_err(|_| RequestError::Unreadable { to: BROKER.to_owned() })
    }

    /// Asks something of the broker itself.
    async fn control(&self, kind: Kind, group: Option<&Group>) -> Result<Message, RequestError> {
        let envelope = Envelope { group: group.cloned(), ..Envelope::default() };
        let place = self.place()?;
        let packet = Packet::new(kind, place.request, &envelope, Body::NONE, Vec::new());
        self.connection.shared.queue.push(packet).map_err(|error| self.send_error(error))?;
        self.wait(place, CONTROL_TIMEOUT, || BROKER.to_owned()).await
    }

    /// Takes a place among the requests that wait.
    fn place(&self) -> Result<Place<'_>, SendError> {
        let shared = &*self.connection.shared;
        let (sender, answer) = oneshot::channel();
        let mut waiting = shared.waiting.lock();
        if let Some(reason) = &waiting.ended {
            return Err(SendError::Disconnected { reason: reason.clone() });
        }
        waiting.last_request += 1;
        let request = waiting.last_request;
        waiting.requests.insert(request, sender);
        Ok(Place { shared, request, answer })
    }

    /// Waits for the answer to a request.
    async fn wait(
        &self,
        mut place: Place<'_>,
        deadline: Duration,
        to: impl FnOnce() -> String,
    ) -> Result<Message, RequestError> {
        match tokio::time::timeout(deadline, &mut place.answer).await {
            Ok(Ok(Answer::Reply(message))) => Ok(message),
            Ok(Ok(Answer::Failure(failure))) => Err(RequestError::from_failure(failure, to(), deadline)),
            Ok(Ok(Answer::Unreadable)) => Err(RequestError::Unreadable { to: to() }),
            Ok(Err(_dropped)) => Err(RequestError::Send(self.send_error(crate::queue::PushError::Closed))),
            Err(_elapsed) => Err(RequestError::DeadlinePassed { to: to(), waited: deadline }),
        }
    }

    /// Puts a frame into the queue.
    fn push(
        &self,
        kind: Kind,
        request: u64,
        envelope: &Envelope,
        body: &impl Serialize,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), SendError> {
        let body = Body::encode(body).map_err(SendError::Body)?;
        let max = DESCRIPTORS_MAX - usize::from(matches!(body, Body::Memfd { .. }));
        if descriptors.len() > max {
            return Err(SendError::TooManyDescriptors { max, got: descriptors.len() });
        }
        let descriptors = duplicate(descriptors).map_err(SendError::Duplicate)?;
        let descriptors = descriptors.into_iter().map(Arc::new).collect();
        let packet = Packet::new(kind, request, envelope, body, descriptors);
        self.connection.shared.queue.push(packet).map_err(|error| self.send_error(error))
    }

    /// What a queue's error means to the program.
    fn send_error(&self, error: crate::queue::PushError) -> SendError {
        match error {
            crate::queue::PushError::Full(full) => SendError::Full(full),
            crate::queue::PushError::Closed => {
                let ended = self.connection.shared.waiting.lock().ended.clone();
                SendError::Disconnected { reason: ended.unwrap_or_default() }
            }
        }
    }
}

/// The broker, where an error names it.
const BROKER: &str = "the broker";

/// Reads the body of a message, or says why not.
fn value_of(body: &Body) -> Option<Value> {
    match body.decode() {
        Ok(value) => Some(value),
        Err(error) => {
            // The broker is sound; it is the peer that sent this who is not, and only its message is lost.
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, source, "bus-body-unreadable");
            None
        }
    }
}
