//! The task of one connection: frames from the socket to whoever waits for them, frames from the queue to the socket.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::incoming::{Copied, Cost, Sender};
use super::{Answer, Shared, value_of};
use crate::body::Body;
use crate::descriptors::Descriptor;
use crate::frame::{FrameError, Kind};
use crate::link::Link;
use crate::message::{Envelope, Message};
use crate::packet::{Frame, Packet};
use crate::socket::{ReceiveError, SendEnd};

/// Ends everything that waits, however the task ends; also when its runtime is shut down.
struct EndOnDrop {
    /// The connection.
    shared: Arc<Shared>,
    /// Where messages go.
    incoming: Sender<Message>,
    /// Why the connection ended.
    reason: String,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let mut waiting = self.shared.waiting.lock();
        waiting.ended = Some(std::mem::take(&mut self.reason));
        let requests = std::mem::take(&mut waiting.requests);
        let monitor = waiting.monitor.take();
        drop(waiting);
        // Each request's receiver learns from this.
        drop(requests);
        self.shared.queue.close(None);
        self.incoming.close();
        if let Some(monitor) = monitor {
            monitor.close();
        }
    }
}

/// Drives a connection to its end.
pub(super) async fn drive(link: Link, shared: Arc<Shared>, incoming: Sender<Message>) {
    let reason = "the runtime it ran in was shut down".to_owned();
    let mut end = EndOnDrop { shared: Arc::clone(&shared), incoming: incoming.clone(), reason };
    let reason = tokio::select! {
        reason = read(&link, &shared, &incoming) => reason,
        reason = write(&link, &shared) => reason,
    };
    tracing::debug!(reason, "bus-connection-ended");
    end.reason = reason;
}

/// Sends what is in the queue. Ends once the program has let go of the connection and all has been sent.
async fn write(link: &Link, shared: &Shared) -> String {
    if let SendEnd::Io(error) = link.send_all(&shared.queue).await {
        // What the broker said before it closed may still be unread, so the reading side decides about the end.
        tracing::debug!(%error, "bus-connection-unwritable");
        shared.queue.finishing().await;
    }
    "it was no longer used".to_owned()
}

/// Reads frames until the connection ends, and says why it did.
async fn read(link: &Link, shared: &Shared, incoming: &Sender<Message>) -> String {
    let mut buffer = link.buffer();
    loop {
        incoming.room().await;
        let monitor = shared.waiting.lock().monitor.clone();
        if let Some(monitor) = monitor {
            monitor.room().await;
        }
        let frame = match link.receive(&mut buffer).await {
            Ok(frame) => frame,
            Err(ReceiveError::Closed) => return "the broker closed it".to_owned(),
            Err(ReceiveError::Io(error)) => return error.to_string(),
            Err(ReceiveError::Frame(error)) => return error.to_string(),
        };
        tell_taken(shared, frame.descriptors());
        match frame.kind {
            Kind::Goodbye => {
                let reason = frame.envelope.reason.unwrap_or_default();
                return format!("the broker ended it: {reason}");
            }
            _ => {
                if let Err(error) = dispatch(shared, incoming, frame) {
                    return error.to_string();
                }
            }
        }
    }
}

/// Tells the broker that descriptors are out of the kernel, so that it sends more.
fn tell_taken(shared: &Shared, count: usize) {
    if count == 0 {
        return;
    }
    let envelope = Envelope { descriptors: u32::try_from(count).ok(), ..Envelope::default() };
    shared.queue.push_word(Packet::new(Kind::Taken, 0, &envelope, Body::NONE, Vec::new()));
}

/// Gives a frame to whoever waits for it.
fn dispatch(shared: &Shared, incoming: &Sender<Message>, frame: Frame) -> Result<(), FrameError> {
    let request = frame.request;
    match frame.kind {
        Kind::Message | Kind::Request => {
            let cost = Cost { bytes: frame.body.bytes(), descriptors: frame.attached.len() };
            if let Some(message) = message(frame)? {
                incoming.put(message, cost);
            }
        }
        Kind::Reply | Kind::Answer => {
            let answer = message(frame)?.map_or(Answer::Unreadable, Answer::Reply);
            end_request(shared, request, answer);
        }
        Kind::Failure => {
            let failure = frame.envelope.failure.ok_or(frame.missing("failure"))?;
            end_request(shared, request, Answer::Failure(failure));
        }
        Kind::Copy => copy(shared, frame)?,
        got => return Err(FrameError::UnexpectedKind { got }),
    }
    Ok(())
}

/// Ends a request; one that is no longer waited for is none.
fn end_request(shared: &Shared, request: u64, answer: Answer) {
    let waiting = shared.waiting.lock().requests.remove(&request);
    if let Some(waiting) = waiting {
        // The one who waited may have given up in this moment.
        let _ = waiting.send(answer);
    }
}

/// The message in a frame, unless its body cannot be read.
fn message(frame: Frame) -> Result<Option<Message>, FrameError> {
    let from = frame.envelope.from.ok_or(frame.missing("from"))?;
    let to = frame.envelope.to.clone().ok_or(frame.missing("to"))?;
    let Some(body) = value_of(&frame.body) else { return Ok(None) };
    let request = (frame.kind != Kind::Message).then_some(frame.request);
    let deadline = frame.envelope.deadline_ms.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
    Ok(Some(Message { from, to, request, deadline, body, descriptors: owned(frame.attached) }))
}

/// Gives a copy to the monitor.
fn copy(shared: &Shared, frame: Frame) -> Result<(), FrameError> {
    let Some(monitor) = shared.waiting.lock().monitor.clone() else { return Ok(()) };
    let copied = Copied {
        kind: frame.envelope.kind.ok_or(frame.missing("kind"))?,
        from: frame.envelope.from.ok_or(frame.missing("from"))?,
        to: frame.envelope.to.clone().ok_or(frame.missing("to"))?,
        request: Some(frame.request).filter(|request| *request != 0),
        failure: frame.envelope.failure,
        descriptors: frame.envelope.descriptors.unwrap_or(0),
        body: value_of(&frame.body).unwrap_or(Value::Null),
    };
    monitor.put(copied, Cost { bytes: frame.body.bytes(), descriptors: 0 });
    Ok(())
}

/// The descriptors of a frame that was received here, which nobody else holds.
fn owned(descriptors: Vec<Descriptor>) -> Vec<OwnedFd> {
    descriptors.into_iter().filter_map(Arc::into_inner).collect()
}
