//! Frames in memory: a [`Packet`] ready to be sent, to one peer or to many, and a [`Frame`] as it was received.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::body::Body;
use crate::descriptors::Descriptor;
use crate::frame::{self, ENVELOPE_MAX, FrameError, HEADER_BYTES, Header, Kind};
use crate::message::Envelope;
use crate::socket::ReceiveError;

/// A frame ready to be sent.
#[derive(Debug)]
pub(crate) struct Packet {
    /// Header, envelope and inline body.
    pub(crate) bytes: Vec<u8>,
    /// What goes with it, the memfd of a long body first.
    pub(crate) descriptors: Vec<Descriptor>,
    /// The bytes that the memfd of a long body keeps in memory.
    pub(crate) memfd_bytes: usize,
}

impl Packet {
    /// Puts a frame together.
    ///
    /// # Panics
    /// If the envelope or the number of descriptors is over its limit. Clients check descriptors beforehand, and no
    /// envelope of checked names can be that long.
    pub(crate) fn new(
        kind: Kind,
        request: u64,
        envelope: &Envelope,
        body: Body,
        attached: Vec<Descriptor>,
    ) -> Arc<Self> {
        let body_bytes = u32::try_from(body.bytes()).unwrap_or(u32::MAX);
        let (inline, memfd) = match body {
            Body::Inline(bytes) => (bytes, None),
            Body::Memfd { memfd, .. } => (Vec::new(), Some(memfd)),
        };
        let body_in_memfd = memfd.is_some();
        let descriptors: Vec<_> = memfd.into_iter().chain(attached).collect();
        let envelope = serde_json::to_vec(envelope).unwrap_or_default();
        assert!(envelope.len() <= ENVELOPE_MAX, "an envelope of {} bytes", envelope.len());
        assert!(descriptors.len() <= frame::DESCRIPTORS_MAX, "{} descriptors", descriptors.len());
        let header = Header {
            kind,
            body_in_memfd,
            descriptors: descriptors.len() as u16,
            envelope_bytes: envelope.len() as u16,
            body_bytes,
            request,
        };
        let mut bytes = Vec::with_capacity(HEADER_BYTES + envelope.len() + inline.len());
        bytes.extend_from_slice(&header.encode());
        bytes.extend_from_slice(&envelope);
        bytes.extend_from_slice(&inline);
        Arc::new(Self { bytes, descriptors, memfd_bytes: if body_in_memfd { body_bytes as usize } else { 0 } })
    }
}

/// A frame as it was received: lengths, envelope and the form of the body are checked.
#[derive(Debug)]
pub(crate) struct Frame {
    /// What it is for.
    pub(crate) kind: Kind,
    /// The id of the request it makes or answers.
    pub(crate) request: u64,
    /// Where it goes.
    pub(crate) envelope: Envelope,
    /// What it says.
    pub(crate) body: Body,
    /// What came with it, without the memfd of a long body.
    pub(crate) attached: Vec<Descriptor>,
}

impl Frame {
    /// Reads a packet and the descriptors that came with it. On an error they are closed.
    pub(crate) fn decode(packet: &[u8], descriptors: Vec<OwnedFd>) -> Result<Self, FrameError> {
        let parts = frame::split(packet, descriptors.len())?;
        let envelope = serde_json::from_slice(parts.envelope).map_err(FrameError::EnvelopeSyntax)?;
        let header = parts.header;
        let mut attached = descriptors.into_iter().map(Arc::new);
        let memfd = if header.body_in_memfd { attached.next() } else { None };
        let body = match memfd {
            Some(memfd) => Body::Memfd { memfd, bytes: header.body_bytes },
            None => Body::Inline(parts.body.to_vec()),
        };
        Ok(Self { kind: header.kind, request: header.request, envelope, body, attached: attached.collect() })
    }

    /// Reads a packet that came through memory. Descriptors that other packets hold too are duplicated, as the kernel does.
    pub(crate) fn of(packet: Arc<Packet>) -> Result<Self, ReceiveError> {
        let decode = |bytes: &[u8], descriptors| Self::decode(bytes, descriptors).map_err(ReceiveError::Frame);
        match Arc::try_unwrap(packet) {
            Ok(Packet { bytes, descriptors, .. }) => {
                let owned = descriptors.into_iter().map(|descriptor| match Arc::try_unwrap(descriptor) {
                    Ok(descriptor) => Ok(descriptor),
                    Err(shared) => shared.try_clone(),
                });
                decode(&bytes, owned.collect::<io::Result<_>>().map_err(ReceiveError::Io)?)
            }
            Err(shared) => {
                let cloned = shared.descriptors.iter().map(|descriptor| descriptor.try_clone());
                decode(&shared.bytes, cloned.collect::<io::Result<_>>().map_err(ReceiveError::Io)?)
            }
        }
    }

    /// How many descriptors came, the memfd of a long body included.
    pub(crate) fn descriptors(&self) -> usize {
        self.attached.len() + usize::from(matches!(self.body, Body::Memfd { .. }))
    }

    /// The error for a member that is missing from the envelope.
    pub(crate) fn missing(&self, expected: &'static str) -> FrameError {
        FrameError::MissingMember { kind: self.kind, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, NAME_MAX, PeerName};
    use crate::group::{GROUP_BYTES_MAX, Group};
    use crate::message::Failure;
    use crate::recipient::Recipient;

    #[test]
    fn the_longest_envelope_fits() {
        let address: Address = format!("ffffffffffffffff-{}", u64::MAX).parse().unwrap();
        let group = Group::new("g".repeat(GROUP_BYTES_MAX)).unwrap();
        let envelope = Envelope {
            from: Some(address),
            to: Some(Recipient::Group(group.clone())),
            group: Some(group),
            name: Some(PeerName::new("n".repeat(NAME_MAX)).unwrap()),
            deadline_ms: Some(u64::MAX),
            address: Some(address),
            broker_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            failure: Some(Failure::TooManyRequests),
            reason: None,
            kind: Some(Kind::Unsubscribe),
            descriptors: Some(u32::MAX),
        };
        let packet = Packet::new(Kind::Message, u64::MAX, &envelope, Body::Inline(b"null".to_vec()), Vec::new());
        let frame = Frame::decode(&packet.bytes, Vec::new()).unwrap();
        assert_eq!(frame.envelope, envelope);
        // As much again is left for a reason.
        assert!(packet.bytes.len() < HEADER_BYTES + ENVELOPE_MAX - 2 * 160);
    }
}
