//! One connection: reads queries, has them answered, writes the answers, in turns that never wait.
//!
//! Read [`Connection::poll`]. While nothing is left over, a connection holds no buffer: it reads to the desk and writes from there. It is not
//! read while answers wait to be written.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

use super::TcpServer;
use super::desk::{Desk, Turn};
use super::input::{Input, split_message};
use super::limits::TcpLimits;
use super::stream::Stream;
use super::table::Known;
use crate::auth::relay::{ANSWER_MAX, Awaited};
use crate::auth::udp::unix_now;

/// A connection being served.
pub(super) struct Connection {
    /// The socket.
    stream: Stream,
    /// What others know of it.
    known: Arc<Known>,
    /// What was read and not answered.
    input: Input,
    /// What was answered and not written.
    unsent: Vec<u8>,
    /// How much of that was written.
    sent: usize,
    /// When the client began not to read.
    unread_since: Option<Instant>,
    /// Whether it ends when all answers are written.
    is_ending: bool,
    /// The answer that comes next from memmgr, and since when it is waited for: nothing is read meanwhile.
    awaited: Option<(Instant, Awaited)>,
    /// What becomes of the next message, where that is a transfer.
    transfer: Transfer,
}

/// What becomes of transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    /// The connection is to be given to xfrout with the next one.
    Asked,
    /// The first of what was read is one: it goes when the answers before it are written.
    Next,
    /// It could not go: it is answered here, with SERVFAIL.
    Refused,
}

/// How far a step came.
enum Step {
    /// So many queries were taken.
    Taken(usize),
    /// The connection is at its end.
    Ended,
}

impl Connection {
    /// A connection just taken, of which so much was read before.
    pub(super) fn new(stream: Stream, known: Arc<Known>, read: &[u8]) -> Self {
        let mut input = Input::default();
        input.keep(read);
        Self {
            stream,
            known,
            input,
            unsent: Vec::new(),
            sent: 0,
            unread_since: None,
            is_ending: false,
            awaited: None,
            transfer: Transfer::Asked,
        }
    }

    /// Serves it until its client ends it, is too slow, or sends what is no query.
    ///
    /// One timer serves all its deadlines. It is moved when it goes off too early, not with each query.
    pub(super) async fn serve(mut self, server: &TcpServer) -> io::Result<()> {
        let limits = &server.limits;
        let mut timer = pin!(sleep_until(self.deadline(limits)));
        poll_fn(|context| {
            if let Poll::Ready(ended) = self.poll(context, server) {
                return Poll::Ready(ended);
            }
            let deadline = self.deadline(limits);
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            loop {
                ready!(timer.as_mut().poll(context));
                if Instant::now() >= deadline {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                timer.as_mut().reset(deadline);
            }
        })
        .await
    }

    /// When its client is too slow.
    fn deadline(&self, limits: &TcpLimits) -> Instant {
        match (self.unread_since, &self.awaited) {
            (Some(since), _) => since + limits.write_timeout,
            // It comes or is given up long before, and not by the client's fault.
            (None, Some((since, _))) => *since + 2 * ANSWER_MAX,
            (None, None) => self.known.last_query() + limits.idle_timeout,
        }
    }

    /// Does what can be done without waiting.
    fn poll(&mut self, context: &mut Context<'_>, server: &TcpServer) -> Poll<io::Result<()>> {
        let mut queries = 0;
        loop {
            ready!(self.poll_send(context))?;
            if self.is_ending || self.is_handed_over(server) {
                return Poll::Ready(Ok(()));
            }
            if self.awaited.is_some() {
                match ready!(self.poll_awaited(context)) {
                    true => continue,
                    false => return Poll::Ready(Ok(())),
                }
            }
            if queries >= server.limits.pipelined_max {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            match ready!(self.poll_answer(context, server, server.limits.pipelined_max - queries))? {
                Step::Taken(taken) => queries += taken,
                Step::Ended => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Gives the connection to xfrout, if a transfer is next; every answer before is written. Says whether it did.
    fn is_handed_over(&mut self, server: &TcpServer) -> bool {
        if self.transfer != Transfer::Next {
            return false;
        }
        let handed = split_message(self.input.octets())
            .is_some_and(|(request, rest)| server.hand_over(&self.stream, request, rest));
        self.transfer = Transfer::Refused;
        handed
    }

    /// Reads, answers what is whole, and begins to write the answers.
    fn poll_answer(
        &mut self,
        context: &mut Context<'_>,
        server: &TcpServer,
        queries_max: usize,
    ) -> Poll<io::Result<Step>> {
        let mut desk = server.desk();
        let desk = &mut *desk;
        let own = match self.input.is_empty() {
            true => Some(ready!(poll_read(&mut self.stream, context, &mut desk.input))?),
            false => None,
        };
        if own.is_none() && !self.input.has_message() {
            let octets = ready!(poll_read(&mut self.stream, context, self.input.room()))?;
            if octets == 0 {
                return Poll::Ready(Ok(Step::Ended));
            }
            self.input.filled(octets);
        }
        if own == Some(0) {
            return Poll::Ready(Ok(Step::Ended));
        }
        let zones = server.zones.load();
        let turn = Turn {
            zones: zones.as_deref(),
            policy: &server.policy,
            address: self.known.address,
            now: unix_now(),
            queries_max,
            counts: &server.counts,
            relay: &server.relay,
            takes_transfer: self.transfer == Transfer::Refused,
        };
        let done = match own {
            Some(filled) => desk.answer_own(&turn, filled),
            None => desk.answer_kept(&turn, self.input.octets()),
        };
        match own {
            Some(filled) if done.taken < filled => {
                self.input.keep(desk.input.get(done.taken..filled).unwrap_or_default())
            }
            Some(_) => {}
            None => self.input.take(done.taken),
        }
        if done.queries > 0 {
            server.count_queries(done.queries);
            self.known.note(Instant::now());
        }
        self.is_ending = done.is_refused;
        if let Some(awaited) = done.awaited {
            self.awaited = Some((Instant::now(), awaited));
            self.known.set_idle(false);
        }
        self.transfer = if done.is_transfer_next { Transfer::Next } else { Transfer::Asked };
        self.send(context, desk, done.written)?;
        Poll::Ready(Ok(Step::Taken(done.queries)))
    }

    /// Writes what the desk has; what the client does not take now is kept.
    fn send(&mut self, context: &mut Context<'_>, desk: &Desk, written: usize) -> io::Result<()> {
        let mut rest = desk.output.get(..written).unwrap_or_default();
        while !rest.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(sent)) => rest = rest.get(sent..).unwrap_or_default(),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.unsent.extend_from_slice(rest);
                    self.unread_since = Some(Instant::now());
                    self.known.set_idle(false);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Takes the answer that memmgr gives, to be written; false where there is none, which ends the connection: what became of the message is not
    /// known, and another answer would be taken for the one to it.
    fn poll_awaited(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let Some((_, awaited)) = &mut self.awaited else { return Poll::Ready(true) };
        let answer = ready!(Pin::new(awaited).poll(context)).unwrap_or_default();
        self.awaited = None;
        let length = answer.as_ref().and_then(|answer| u16::try_from(answer.len()).ok());
        let (Some(answer), Some(length)) = (answer, length) else { return Poll::Ready(false) };
        self.unsent.extend_from_slice(&length.to_be_bytes());
        self.unsent.extend_from_slice(&answer);
        self.unread_since = Some(Instant::now());
        Poll::Ready(true)
    }

    /// Writes what is left of answers; ready when nothing is.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.unsent.get(self.sent..) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.sent += sent,
            }
        }
        if self.unread_since.take().is_some() {
            self.unsent = Vec::new();
            self.sent = 0;
            // The time its client took to read is not held against it.
            self.known.note(Instant::now());
            self.known.set_idle(true);
        }
        Poll::Ready(Ok(()))
    }
}

/// Reads what is there.
fn poll_read(stream: &mut Stream, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut room = ReadBuf::new(room);
    ready!(Pin::new(stream).poll_read(context, &mut room))?;
    Poll::Ready(Ok(room.filled().len()))
}
