//! Messages and descriptors between processes over Unix sockets.
//!
//! A [`Broker`] accepts `SOCK_SEQPACKET` connections on one socket and carries messages between them. Every connection is
//! known by an [`Address`] that is never used again; a [`Group`] exists while somebody is subscribed to it; a message goes
//! to either. A request ends in a reply, or in a failure as soon as it is certain that no reply can come. Any message may
//! carry descriptors. The contract on the wire is `docs/bus-protocol.md`; this crate knows no DNS.
//!
//! Read in this order: [`address`], [`group`] and [`recipient`] (who can be spoken to), [`message`] (what is said), [`frame`] (how it is
//! laid out), [`client`] (one end), [`session`] (an end that comes back), [`broker`] (the middle), [`listen`] (the socket
//! file), [`descriptors`] (what travels beside the bytes). [`protocol`] holds Trine's own typed messages.
//!
//! # Example
//!
//! A broker, a service and a caller in one process; in three processes nothing differs but who calls [`listen::listen`].
//!
//! ```
//! use std::time::Duration;
//! use bus::{Broker, BrokerOptions, Client, Group, Recipient};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("bus.sock");
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! runtime.block_on(async {
//!     let socket = bus::listen::listen(&path, 0o600)?;
//!     let (broker, _handle) = Broker::new(socket, BrokerOptions::default());
//!     tokio::spawn(broker.run());
//!
//!     const CLOCK: Group = Group::from_static("clock");
//!     let (service, mut incoming) = Client::connect(&path, "clock").await?;
//!     service.subscribe(&CLOCK).await?;
//!     tokio::spawn(async move {
//!         while let Some(message) = incoming.next().await {
//!             // A caller that went away is no concern of the service.
//!             let _ = service.reply(&message, &"noon", &[]);
//!         }
//!     });
//!
//!     let (caller, _) = Client::connect(&path, "caller").await?;
//!     let reply = caller
//!         .request(&Recipient::Group(CLOCK), &"what time is it?", &[], Duration::from_secs(5))
//!         .await?;
//!     assert_eq!(reply.parse::<String>()?, "noon");
//!     Ok(())
//! })
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod address;
pub mod broker;
pub mod client;
pub mod descriptors;
pub mod frame;
pub mod group;
pub mod listen;
pub mod message;
pub mod protocol;
pub mod recipient;
pub mod session;

mod body;
mod link;
mod packet;
mod queue;
mod socket;

pub use address::{Address, PeerName, SessionId};
pub use broker::{Broker, BrokerHandle, BrokerOptions, LocalEnd, Peer};
pub use client::{Client, ConnectError, Incoming, RequestError, SendError};
pub use group::Group;
pub use message::{Failure, Message};
pub use recipient::Recipient;
pub use session::Session;
