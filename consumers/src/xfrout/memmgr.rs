//! Asking memmgr: a connection to the bus for that alone, since the one that generations are followed by is the follower's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::protocol::MEMMGR_GROUP;
use bus::session::Session;
use bus::{Client, Message};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

/// What the connection calls itself.
const BUS_NAME: &str = "xfrout-asks";

/// The way to memmgr.
#[derive(Debug)]
pub(super) struct Memmgr {
    /// The bus's socket.
    path: PathBuf,
    /// The connection, while there is one.
    client: watch::Sender<Option<Client>>,
}

impl Memmgr {
    /// The way over the bus at this socket.
    pub(super) fn new(bus: &Path) -> Self {
        Self { path: bus.to_owned(), client: watch::Sender::new(None) }
    }

    /// Keeps a connection for ever.
    pub(super) async fn run(&self) {
        let mut session = Session::new(&self.path, BUS_NAME);
        loop {
            let (client, mut incoming) = session.connect().await;
            self.client.send_replace(Some(client));
            // Nobody has anything to say to us but answers, which come to who waits for them.
            while incoming.next().await.is_some() {}
            self.client.send_replace(None);
        }
    }

    /// Asks, and waits for the answer; while memmgr is being replaced, for the next one. What is asked must do nothing.
    pub(super) async fn ask(&self, ask: &impl Serialize, at_most: Duration) -> Result<Message, String> {
        let deadline = Instant::now() + at_most;
        let mut clients = self.client.subscribe();
        loop {
            let is_open = |client: &Option<Client>| client.as_ref().is_some_and(|client| !client.is_closed());
            let client = match tokio::time::timeout_at(deadline, clients.wait_for(is_open)).await {
                Ok(Ok(client)) => client.clone(),
                Ok(Err(_)) | Err(_) => None,
            };
            let client = client.ok_or("there is no connection to memmgr")?;
            let left = deadline.saturating_duration_since(Instant::now());
            match client.request(&MEMMGR_GROUP.into(), ask, &[], left).await {
                Err(_) if client.is_closed() => {}
                answered => return answered.map_err(|error| error.to_string()),
            }
        }
    }
}
