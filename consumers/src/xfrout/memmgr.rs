//! Asking memmgr: a connection to the bus for that alone, since the one that generations are followed by is the follower's.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bus::protocol::MEMMGR_GROUP;
use bus::session::Session;
use bus::{Client, Message};
use serde::Serialize;

/// What the connection calls itself.
const BUS_NAME: &str = "xfrout-asks";

/// The way to memmgr.
#[derive(Debug)]
pub(super) struct Memmgr {
    /// The bus's socket.
    path: PathBuf,
    /// The connection, while there is one.
    client: Mutex<Option<Client>>,
}

impl Memmgr {
    /// The way over the bus at this socket.
    pub(super) fn new(bus: &Path) -> Self {
        Self { path: bus.to_owned(), client: Mutex::new(None) }
    }

    /// Keeps a connection for ever.
    pub(super) async fn run(&self) {
        let mut session = Session::new(&self.path, BUS_NAME);
        loop {
            let (client, mut incoming) = session.connect().await;
            self.set(Some(client));
            // Nobody has anything to say to us but answers, which come to who waits for them.
            while incoming.next().await.is_some() {}
            self.set(None);
        }
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask(&self, ask: &impl Serialize, at_most: Duration) -> Result<Message, String> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let client = client.ok_or("there is no connection to memmgr")?;
        client.request(&MEMMGR_GROUP.into(), ask, &[], at_most).await.map_err(|error| error.to_string())
    }

    /// Notes the connection.
    fn set(&self, client: Option<Client>) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }
}
