//! An answer on its way: messages filled with records, signed, and sent one after the other.

use std::io;

use dns::message::{
    Builder, Edns, EdnsReply, Header, MessageStream, NameRoom, PushError, Query, Question, Received, receive,
};
use dns::tsig::{Signer, seconds};
use zone_segment::NameRef;

use super::checks::{Refusal, Signature};
use super::connection::Connection;
use super::desk::Desk;
use crate::auth::answer::UDP_OCTETS_MAX_DEFAULT;
use crate::reader::Lease;

/// The messages of one transfer.
pub(super) struct Outgoing<'c> {
    /// Where they go.
    connection: &'c Connection,
    /// What all transfers share.
    desk: &'c Desk,
    /// The one under way.
    messages: MessageStream,
    /// Signs each.
    signer: Option<Signer>,
    /// The lease of what is sent, renewed with each octet that the client takes.
    lease: Option<&'c Lease>,
    /// What was sent.
    pub(super) sent: Sent,
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    /// Messages.
    pub(super) messages: u64,
    /// Octets in them.
    pub(super) octets: u64,
    /// Records in them.
    pub(super) records: u64,
}

impl<'c> Outgoing<'c> {
    /// Begins the answer to a query.
    pub(super) fn new(
        desk: &'c Desk,
        connection: &'c Connection,
        query: &Query<'_>,
        signer: Option<Signer>,
        lease: Option<&'c Lease>,
    ) -> Self {
        let reserved = signer.as_ref().map_or(0, Signer::octets);
        let mut messages = MessageStream::new(query.header, &query.question, usize::from(u16::MAX), reserved);
        if let Some(edns) = &query.edns {
            messages.set_edns(&edns_reply(edns));
        }
        Self { connection, desk, messages, signer, lease, sent: Sent::default() }
    }

    /// Puts a record into the message under way, without sending.
    ///
    /// # Errors
    ///
    /// [`PushError`], of which [`PushError::Full`] asks for [`send`](Self::send).
    pub(super) fn push(&mut self, owner: NameRef<'_>, rtype: u16, ttl: u32, rdata: &[u8]) -> Result<(), PushError> {
        self.messages.push(owner, dns::types::Rtype(rtype), ttl, rdata)
    }

    /// Puts a record into the message under way; sends that before, if there is no room.
    ///
    /// # Errors
    ///
    /// What sending says, or `InvalidData` for a record that no message has room for.
    pub(super) async fn put(&mut self, owner: NameRef<'_>, rtype: u16, ttl: u32, rdata: &[u8]) -> io::Result<()> {
        match self.push(owner, rtype, ttl, rdata) {
            Ok(()) => return Ok(()),
            Err(PushError::Full) => self.send().await?,
            Err(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
        self.messages.begin();
        self.push(owner, rtype, ttl, rdata).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    /// Sends the message under way.
    ///
    /// # Errors
    ///
    /// What the system says, or `TimedOut`.
    pub(super) async fn send(&mut self) -> io::Result<()> {
        self.sent.records += u64::from(self.messages.records());
        let message = self.messages.finish();
        if let Some(signer) = &mut self.signer {
            signer.sign(message, seconds(std::time::SystemTime::now()));
        }
        self.sent.messages += 1;
        self.sent.octets += message.len() as u64;
        let lease = self.lease;
        let note = |has_progress: bool| {
            let Some(lease) = lease else { return Ok(()) };
            if has_progress {
                lease.renew();
            }
            if lease.is_ended() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
        };
        self.connection.send(message, self.desk.send_timeout, note).await?;
        // A client that takes all at once does not keep the others waiting.
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// The answer to a request that is not granted.
pub(super) fn refusing(message: &[u8], refusal: Refusal) -> Option<Vec<u8>> {
    let (header, question, edns): (Header, Option<Question<'_>>, Option<Edns<'_>>) = match receive(message) {
        Received::Query(query) => (query.header, Some(query.question), query.edns),
        Received::Reject(rejected) => (rejected.header, rejected.question, rejected.edns),
        Received::Drop => return None,
    };
    let mut octets = vec![0; REFUSAL_OCTETS_MAX];
    let mut names = NameRoom::default();
    let mut builder = Builder::new(&mut octets, REFUSAL_OCTETS_MAX, header, &mut names)?;
    if let Some(question) = &question {
        builder.question(question).ok()?;
    }
    builder.set_rcode(refusal.rcode);
    let reply = edns.map(|edns| EdnsReply { error: refusal.error, ..edns_reply(&edns) });
    if let Some(reply) = &reply {
        builder.reserve_edns(reply.octets()).ok()?;
    }
    let length = builder.finish(reply.as_ref());
    octets.truncate(length);
    match refusal.signature {
        Signature::None => {}
        Signature::Good(mut signer) => signer.sign(&mut octets, seconds(std::time::SystemTime::now())),
        Signature::Bad(refused) => refused.sign(&mut octets),
    }
    Some(octets)
}

/// The OPT record of an answer.
fn edns_reply(edns: &Edns<'_>) -> EdnsReply<'static> {
    EdnsReply { udp_size: UDP_OCTETS_MAX_DEFAULT, is_dnssec_ok: edns.is_dnssec_ok, ..EdnsReply::default() }
}

/// Room for a refusal before its signature: a header, a question, an OPT record.
const REFUSAL_OCTETS_MAX: usize = 512;
