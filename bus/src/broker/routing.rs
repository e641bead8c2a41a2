//! What each frame does: [`Core`], the one place that has an order of events.
//!
//! It reads no socket and waits for nothing: frames, departures and the time come in, packets go into the queues of peers.
//! A peer whose queue is full is not removed where that is noticed but put on a list that is worked off afterwards, since its
//! removal is itself told to others, whose queues may be full as well.

mod control;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::BrokerOptions;
use super::calls::{CallId, Calls};
use super::membership::Membership;
use super::peer::{Credentials, PeerEnd};
use crate::address::{Address, PeerName, SessionId};
use crate::body::Body;
use crate::frame::{FrameError, Kind};
use crate::group::{self, Group, MembershipNotice};
use crate::message::{Envelope, Failure};
use crate::packet::{Frame, Packet};
use crate::queue::{PushError, SendQueue};
use crate::recipient::Recipient;

/// The longest deadline of a request; a longer one counts as this one.
pub(crate) const DEADLINE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How much of a reason is told to the peer that is cut off, so that it fits into an envelope however it is escaped.
const REASON_CHARACTERS_MAX: usize = 160;

/// The broker's state.
#[derive(Debug)]
pub(super) struct Core {
    /// This run of the broker.
    session: SessionId,
    /// The number of the last connection.
    last_number: u64,
    /// What was set.
    options: BrokerOptions,
    /// Every connection, named or not.
    peers: BTreeMap<Address, PeerEntry>,
    /// Groups.
    membership: Membership,
    /// Requests in flight.
    calls: Calls,
    /// Peers that get a copy of everything.
    monitors: BTreeSet<Address>,
    /// Peers to be removed.
    doomed: VecDeque<(Address, PeerEnd)>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct PeerEntry {
    /// What it calls itself, once it has.
    pub(super) name: Option<PeerName>,
    /// Who it is.
    pub(super) credentials: Credentials,
    /// Since when.
    pub(super) since: Instant,
    /// What waits for it.
    pub(super) queue: Arc<SendQueue>,
}

impl Core {
    /// A broker without peers.
    pub(super) fn new(options: BrokerOptions) -> Self {
        Self {
            session: SessionId::random(),
            last_number: 0,
            options,
            peers: BTreeMap::new(),
            membership: Membership::default(),
            calls: Calls::default(),
            monitors: BTreeSet::new(),
            doomed: VecDeque::new(),
        }
    }

    /// This run of the broker.
    pub(super) fn session(&self) -> SessionId {
        self.session
    }

    /// Whether a peer has given its name.
    pub(super) fn is_named(&self, address: Address) -> bool {
        self.peers.get(&address).is_some_and(|peer| peer.name.is_some())
    }

    /// Every connection, named or not.
    pub(super) fn peers(&self) -> &BTreeMap<Address, PeerEntry> {
        &self.peers
    }

    /// How many connections are guests'.
    pub(super) fn guest_count(&self) -> usize {
        self.peers.values().filter(|peer| peer.credentials.is_guest()).count()
    }

    /// The groups of a peer.
    pub(super) fn groups(&self, address: Address) -> Vec<Group> {
        self.membership.groups(address)
    }

    /// The earliest deadline of a request.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.calls.next_deadline()
    }

    /// Gives a new connection its address and greets it.
    pub(super) fn admit(&mut self, credentials: Credentials, queue: &Arc<SendQueue>) -> Address {
        self.last_number += 1;
        let address = Address::new(self.session, self.last_number);
        let entry = PeerEntry { name: None, credentials, since: Instant::now(), queue: Arc::clone(queue) };
        self.peers.insert(address, entry);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let hello = Envelope { address: Some(address), broker_version: Some(version), ..Envelope::default() };
        self.deliver(address, &Packet::new(Kind::Hello, 0, &hello, Body::NONE, Vec::new()));
        address
    }

    /// Handles a frame of a peer; true if the earliest deadline may have changed. On an error the peer is to be removed.
    pub(super) fn handle(&mut self, from: Address, frame: Frame) -> Result<bool, FrameError> {
        let Some(peer) = self.peers.get(&from) else { return Ok(false) };
        if (frame.kind == Kind::Name) == peer.name.is_some() {
            return Err(FrameError::UnexpectedKind { got: frame.kind });
        }
        let handled = match frame.kind {
            Kind::Name => self.name(from, &frame).map(|()| false),
            Kind::Taken => self.taken(from, &frame).map(|()| false),
            Kind::Subscribe | Kind::Unsubscribe | Kind::Members | Kind::Monitor => {
                self.control(from, &frame).map(|()| false)
            }
            Kind::Message | Kind::Request | Kind::Reply => self.route(from, frame),
            Kind::Hello | Kind::Answer | Kind::Failure | Kind::Copy | Kind::Goodbye => {
                Err(FrameError::UnexpectedKind { got: frame.kind })
            }
        };
        self.remove_doomed();
        handled
    }

    /// Removes a peer, once, and tells those who need to know.
    pub(super) fn remove(&mut self, address: Address, end: PeerEnd) {
        self.doomed.push_back((address, end));
        self.remove_doomed();
    }

    /// Ends the requests whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) {
        for id in self.calls.expire(now) {
            self.fail(id, Failure::DeadlinePassed);
        }
        self.remove_doomed();
    }

    /// Forgets every peer without telling anybody.
    pub(super) fn clear(&mut self) {
        for peer in self.peers.values() {
            peer.queue.close(None);
        }
        self.peers.clear();
        self.monitors.clear();
        self.membership = Membership::default();
        self.calls = Calls::default();
    }

    /// Passes a message, a request or a reply on; true if the earliest deadline may have changed.
    fn route(&mut self, from: Address, mut frame: Frame) -> Result<bool, FrameError> {
        if self.is_guest(from) && frame.body.is_long() {
            self.doomed.push_back((from, PeerEnd::LongBody));
            return Ok(false);
        }
        frame.body.check()?;
        let to = frame.envelope.to.take().ok_or(frame.missing("to"))?;
        let envelope = Envelope {
            from: Some(from),
            deadline_ms: frame.envelope.deadline_ms.filter(|_| frame.kind == Kind::Request),
            to: Some(to),
            ..Envelope::default()
        };
        match frame.kind {
            Kind::Request => return self.route_request(from, frame, envelope),
            Kind::Reply => self.route_reply(from, frame, envelope),
            _ => {
                // Nobody waits for an answer, so nobody is told if there is no recipient.
                let recipients = self.recipients(from, &envelope).unwrap_or_default();
                self.pass_on(from, &recipients, frame, &envelope);
            }
        }
        Ok(false)
    }

    /// Passes a request on to every recipient, or fails it at once.
    fn route_request(&mut self, from: Address, frame: Frame, envelope: Envelope) -> Result<bool, FrameError> {
        let id = (from, frame.request);
        if frame.request == 0 || self.calls.contains(id) {
            return Err(FrameError::RequestId { got: frame.request });
        }
        let deadline_ms = envelope.deadline_ms.ok_or(frame.missing("deadline-ms"))?;
        let deadline = Instant::now() + Duration::from_millis(deadline_ms).min(DEADLINE_MAX);
        let recipients = match self.recipients(from, &envelope) {
            Ok(recipients) if self.calls.count(from) < self.options.requests_max => Ok(recipients),
            Ok(_) => Err(Failure::TooManyRequests),
            Err(failure) => Err(failure),
        };
        if let Ok(recipients) = &recipients {
            self.calls.open(id, recipients, deadline);
        }
        self.pass_on(from, recipients.as_deref().unwrap_or_default(), frame, &envelope);
        if let Err(failure) = recipients {
            self.fail(id, failure);
        }
        Ok(true)
    }

    /// Passes a reply on if its sender was asked and is the first to answer; else it vanishes.
    fn route_reply(&mut self, from: Address, frame: Frame, envelope: Envelope) {
        let Some(Recipient::Address(caller)) = envelope.to else { return };
        if self.calls.reply((caller, frame.request), from) {
            self.pass_on(from, &[caller], frame, &envelope);
        } else {
            tracing::debug!(%from, to = %caller, request = frame.request, "bus-reply-unwanted");
        }
    }

    /// Whether a peer is a guest.
    fn is_guest(&self, address: Address) -> bool {
        self.peers.get(&address).is_none_or(|peer| peer.credentials.is_guest())
    }

    /// Who gets a message.
    fn recipients(&self, from: Address, envelope: &Envelope) -> Result<Vec<Address>, Failure> {
        let recipients: Vec<_> = match &envelope.to {
            Some(Recipient::Group(group)) if *group == group::MEMBERS => return Err(Failure::NotAllowed),
            Some(Recipient::Group(group)) if group.is_of_notifications() && self.is_guest(from) => {
                return Err(Failure::NotAllowed);
            }
            Some(Recipient::Group(group)) => self.membership.members(group).filter(|member| *member != from).collect(),
            Some(Recipient::Address(address)) => {
                Some(*address).filter(|address| self.is_named(*address)).into_iter().collect()
            }
            None => Vec::new(),
        };
        if recipients.is_empty() { Err(Failure::NoSuchRecipient) } else { Ok(recipients) }
    }

    /// Puts a frame into the queue of each recipient, under the envelope that the broker made, and shows it to monitors.
    fn pass_on(&mut self, from: Address, recipients: &[Address], frame: Frame, envelope: &Envelope) {
        self.show(frame.kind, frame.request, envelope, &frame.body, frame.attached.len());
        if recipients.is_empty() {
            return;
        }
        let packet = Packet::new(frame.kind, frame.request, envelope, frame.body, frame.attached);
        let is_guest = self.is_guest(from);
        for recipient in recipients {
            if is_guest {
                self.deliver_for_guest(from, *recipient, &packet);
            } else {
                self.deliver(*recipient, &packet);
            }
        }
    }

    /// Tells a caller that there will be no reply.
    fn fail(&mut self, (caller, request): CallId, failure: Failure) {
        let to = Some(Recipient::Address(caller));
        let envelope = Envelope { to, failure: Some(failure), ..Envelope::default() };
        let from = Some(caller.broker());
        self.show(Kind::Failure, request, &Envelope { from, ..envelope.clone() }, &Body::NONE, 0);
        self.deliver(caller, &Packet::new(Kind::Failure, request, &envelope, Body::NONE, Vec::new()));
    }

    /// Answers what a peer asked of the broker.
    fn answer(&mut self, (peer, request): CallId, body: &impl Serialize) {
        let to = Some(Recipient::Address(peer));
        let envelope = Envelope { from: Some(peer.broker()), to, ..Envelope::default() };
        match Body::encode(body) {
            Ok(body) => self.deliver(peer, &Packet::new(Kind::Answer, request, &envelope, body, Vec::new())),
            // Only a memfd can be missing, and then descriptors or memory are, here and not at the peer.
            Err(error) => tracing::warn!(address = %peer, %error, "bus-answer-lost"),
        }
    }

    /// Tells a change of membership to those who want to know.
    fn tell_members(&mut self, notice: &MembershipNotice) {
        let watchers: Vec<_> = self.membership.members(&group::MEMBERS).collect();
        let body = match Body::encode(notice) {
            Ok(body) => body,
            Err(error) => return tracing::warn!(%error, "bus-answer-lost"),
        };
        let from = Some(Address::new(self.session, 0));
        let envelope = Envelope { from, to: Some(Recipient::Group(group::MEMBERS)), ..Envelope::default() };
        self.show(Kind::Message, 0, &envelope, &body, 0);
        let packet = Packet::new(Kind::Message, 0, &envelope, body, Vec::new());
        for watcher in watchers {
            self.deliver(watcher, &packet);
        }
    }

    /// Shows a frame to the monitors: its envelope, its body and how many descriptors went with it.
    fn show(&mut self, kind: Kind, request: u64, envelope: &Envelope, body: &Body, attached: usize) {
        if self.monitors.is_empty() {
            return;
        }
        let body = if kind.has_body() { body.clone() } else { Body::Inline(b"null".to_vec()) };
        let descriptors = Some(attached as u32);
        let envelope = Envelope { kind: Some(kind), descriptors, ..envelope.clone() };
        let packet = Packet::new(Kind::Copy, request, &envelope, body, Vec::new());
        let monitors: Vec<_> = self.monitors.iter().copied().collect();
        for monitor in monitors {
            self.deliver(monitor, &packet);
        }
    }

    /// Puts a packet into a peer's queue. A peer whose queue is full is to be removed.
    fn deliver(&mut self, to: Address, packet: &Arc<Packet>) {
        let Some(peer) = self.peers.get(&to) else { return };
        match peer.queue.push(Arc::clone(packet)) {
            Ok(()) | Err(PushError::Closed) => {}
            Err(PushError::Full(full)) => self.doomed.push_back((to, PeerEnd::Overflow(full))),
        }
    }

    /// Puts a guest's packet into a peer's queue. A guest may fill another guest's; of anybody else's it has half, and ends itself by
    /// more: nobody whom others need can be cut off by one who is only let in.
    fn deliver_for_guest(&mut self, from: Address, to: Address, packet: &Arc<Packet>) {
        let Some(peer) = self.peers.get(&to) else { return };
        if !peer.credentials.is_guest()
            && let Err(full) = peer.queue.has_half_free_for(packet)
        {
            self.doomed.push_back((from, PeerEnd::Flood(full)));
            return;
        }
        self.deliver(to, packet);
    }

    /// Removes the peers whose time has come, and those whose time comes by that.
    fn remove_doomed(&mut self) {
        // Each round removes a peer or passes over one that is gone, and only peers that are there are added.
        while let Some((address, end)) = self.doomed.pop_front() {
            self.remove_one(address, &end);
        }
    }

    /// Removes one peer, if it is still there.
    fn remove_one(&mut self, address: Address, end: &PeerEnd) {
        let Some(peer) = self.peers.remove(&address) else { return };
        let Credentials { pid, uid, .. } = peer.credentials;
        let name = peer.name.as_ref().map_or("", PeerName::as_str);
        match end {
            PeerEnd::Closed | PeerEnd::Told(_) => {
                tracing::info!(%address, name, pid, uid, reason = %end, "bus-peer-disconnected");
            }
            _ => tracing::warn!(%address, name, pid, uid, reason = %end, "bus-peer-cut-off"),
        }
        peer.queue.close(farewell(end));
        self.monitors.remove(&address);
        for id in self.calls.peer_gone(address) {
            self.fail(id, Failure::CalleeGone);
        }
        if peer.name.is_some() {
            for notice in self.membership.disconnect(address) {
                self.tell_members(&notice);
            }
        }
    }
}

/// What to tell a peer whose connection the broker ends.
fn farewell(end: &PeerEnd) -> Option<Arc<Packet>> {
    if matches!(end, PeerEnd::Closed | PeerEnd::Read(_)) {
        return None;
    }
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let reason = end.to_string().chars().map(plain).take(REASON_CHARACTERS_MAX).collect();
    let envelope = Envelope { reason: Some(reason), ..Envelope::default() };
    Some(Packet::new(Kind::Goodbye, 0, &envelope, Body::NONE, Vec::new()))
}
