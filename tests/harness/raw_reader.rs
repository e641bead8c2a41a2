//! A reader that says what a test wants it to say: the protocol of the bus without the reader library's good manners.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use bus::protocol::MEMMGR_GROUP;
use bus::protocol::reader::{Attached, FromReader, LayerIdentity, Role, Taken, ToReader};
use bus::{Client, Incoming, Recipient};
use serde::Serialize;
use tokio::runtime::Runtime;

/// How long a message is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to a server's bus. It is alive only inside its own methods: between them it neither reads nor answers pings.
pub(crate) struct RawReader {
    /// Runs it.
    runtime: Runtime,
    /// To speak.
    client: Client,
    /// To listen.
    incoming: Incoming,
}

/// A generation as it was announced.
#[derive(Debug)]
pub(crate) struct Announced {
    /// Its number.
    pub(crate) generation: u64,
    /// The layers that were sent for it, with their descriptors.
    pub(crate) layers: Vec<(LayerIdentity, OwnedFd)>,
}

impl RawReader {
    /// Connects to the bus of this state directory.
    pub(crate) fn connect(state: &Path) -> RawReader {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let path = state.join("bus.sock");
        let (client, incoming) = runtime.block_on(Client::connect(&path, "raw-reader")).unwrap();
        RawReader { runtime, client, incoming }
    }

    /// Its address on the bus, as the status shows it.
    pub(crate) fn address(&self) -> String {
        self.client.address().to_string()
    }

    /// Attaches as a reader that holds nothing.
    pub(crate) fn attach(&mut self) -> Attached {
        let attach = FromReader::Attach { role: Role::Reader, slot: None, generation: None, holds: Vec::new() };
        let to = Recipient::Group(MEMMGR_GROUP);
        let request = self.client.request(&to, &attach, &[], PATIENCE);
        self.runtime.block_on(request).unwrap().parse().unwrap()
    }

    /// Says something to memmgr and sees it off.
    pub(crate) fn say(&self, body: &impl Serialize) {
        let to = Recipient::Group(MEMMGR_GROUP);
        self.runtime.block_on(async {
            self.client.send(&to, body, &[]).unwrap();
            assert!(self.client.flush().await);
        });
    }

    /// Waits for the next announcement; pings on the way are left unanswered.
    pub(crate) fn announced(&mut self) -> Announced {
        let mut layers = Vec::new();
        self.runtime.block_on(async {
            loop {
                let next = tokio::time::timeout(PATIENCE, self.incoming.next()).await;
                let message = next.expect("no announcement").expect("the connection has ended");
                match message.parse() {
                    Ok(ToReader::Layers { layers: sent }) => {
                        self.client.reply(&message, &Taken {}, &[]).unwrap();
                        layers.extend(sent.into_iter().zip(message.descriptors));
                    }
                    Ok(ToReader::Switch { generation, .. }) => return Announced { generation, layers },
                    Ok(ToReader::Ping {} | ToReader::LeaseEnded { .. }) => {}
                    Err(error) => panic!("{error}: {}", message.body),
                }
            }
        })
    }

    /// Takes the next announcement and acknowledges it.
    pub(crate) fn follow(&mut self) -> Announced {
        let announced = self.announced();
        self.say(&FromReader::Acknowledge { generation: announced.generation });
        announced
    }
}
