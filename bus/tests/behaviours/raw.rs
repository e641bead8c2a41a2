//! A peer that is not a [`bus::Client`] and need not behave: [`Raw`], a blocking socket and frames put together by hand.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use bus::Address;
use bus::frame::{self, FRAME_MAX, Header, Kind};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};
use serde_json::{Value, json};

use super::harness::PATIENCE;

/// A blocking connection.
pub(crate) struct Raw {
    /// The socket.
    pub(crate) socket: OwnedFd,
    /// The address that the broker gave.
    pub(crate) address: Address,
}

/// A frame as it came.
pub(crate) struct RawFrame {
    /// Its header.
    pub(crate) header: Header,
    /// Its envelope.
    pub(crate) envelope: Value,
    /// Its body, `null` if it has none in the frame.
    pub(crate) body: Value,
}

impl Raw {
    /// Connects, hears hello and says its name.
    pub(crate) fn connect(path: &Path, name: &str) -> Self {
        let raw = Self::connect_unnamed(path);
        raw.ask(Kind::Name, 1, &json!({ "name": name }));
        raw
    }

    /// Connects and hears hello.
    pub(crate) fn connect_unnamed(path: &Path) -> Self {
        let socket = connect(path);
        let hello = receive(&socket).expect("hello");
        assert_eq!(hello.header.kind, Kind::Hello);
        let address = hello.envelope["address"].as_str().unwrap().parse().unwrap();
        Self { socket, address }
    }

    /// Joins a group.
    pub(crate) fn subscribe(&self, group: &str) {
        self.ask(Kind::Subscribe, 2, &json!({ "group": group }));
    }

    /// Sends a frame and waits for the answer; anything else that comes before it is dropped.
    pub(crate) fn ask(&self, kind: Kind, request: u64, envelope: &Value) -> RawFrame {
        self.send(kind, request, envelope, None);
        loop {
            let frame = self.receive().expect("an answer");
            if frame.header.request == request && matches!(frame.header.kind, Kind::Answer | Kind::Failure) {
                return frame;
            }
        }
    }

    /// Sends a sound frame.
    pub(crate) fn send(&self, kind: Kind, request: u64, envelope: &Value, body: Option<&Value>) {
        assert!(self.send_packet(&packet(kind, request, envelope, body, 0), &[]));
    }

    /// Sends any packet; false if the connection has ended.
    pub(crate) fn send_packet(&self, packet: &[u8], descriptors: &[BorrowedFd<'_>]) -> bool {
        send(&self.socket, packet, descriptors)
    }

    /// Receives a frame; `None` at the end of the connection.
    pub(crate) fn receive(&self) -> Option<RawFrame> {
        receive(&self.socket)
    }

    /// Whether the connection ends, after whatever is still to come.
    pub(crate) fn is_ended(&self) -> bool {
        while self.receive().is_some() {}
        true
    }
}

/// A connected socket that waits for nothing longer than a test does.
pub(crate) fn connect(path: &Path) -> OwnedFd {
    let socket = fresh();
    rustix::net::connect(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    for timeout in [sockopt::Timeout::Recv, sockopt::Timeout::Send] {
        sockopt::set_socket_timeout(&socket, timeout, Some(PATIENCE)).unwrap();
    }
    socket
}

/// A blocking socket.
pub(crate) fn fresh() -> OwnedFd {
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
}

/// The bytes of a sound frame.
pub(crate) fn packet(kind: Kind, request: u64, envelope: &Value, body: Option<&Value>, descriptors: u16) -> Vec<u8> {
    let envelope = envelope.to_string();
    let body = body.map(Value::to_string).unwrap_or_default();
    let header = Header {
        kind,
        body_in_memfd: false,
        descriptors,
        envelope_bytes: envelope.len() as u16,
        body_bytes: body.len() as u32,
        request,
    };
    [&header.encode()[..], envelope.as_bytes(), body.as_bytes()].concat()
}

/// Sends any packet with up to 253 descriptors; false if the connection has ended.
pub(crate) fn send(socket: &OwnedFd, packet: &[u8], descriptors: &[BorrowedFd<'_>]) -> bool {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
    }
    let sent = rustix::net::sendmsg(socket, &[IoSlice::new(packet)], &mut control, SendFlags::NOSIGNAL);
    match sent {
        Ok(_) => true,
        Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => false,
        Err(error) => panic!("sending: {error}"),
    }
}

/// Receives a frame; `None` at the end of the connection.
pub(crate) fn receive(socket: &OwnedFd) -> Option<RawFrame> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(frame::DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = vec![0; FRAME_MAX];
    let received = loop {
        let received = rustix::net::recvmsg(
            socket.as_fd(),
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        );
        match received {
            Ok(received) => break received,
            // The broker closed with something of ours unread; what it sent before that is behind this error.
            Err(rustix::io::Errno::CONNRESET) => {}
            Err(error) => panic!("receiving: {error}"),
        }
    };
    if received.bytes == 0 {
        return None;
    }
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let parts = frame::split(&bytes[..received.bytes], descriptors.len()).unwrap();
    let envelope = serde_json::from_slice(parts.envelope).unwrap();
    let body = serde_json::from_slice(parts.body).unwrap_or(Value::Null);
    Some(RawFrame { header: parts.header, envelope, body })
}
