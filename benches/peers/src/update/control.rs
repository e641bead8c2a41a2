//! Asking Trine over its bus, as its command line does, with one connection for all that is asked.

use std::path::Path;
use std::time::Duration;

use bus::protocol::MEMMGR_GROUP;
use bus::protocol::control::{Command, CommandError, Reached, Reloaded, SerialRule, Updated};
use bus::{Client, Incoming, Recipient};
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::Outcome;

/// A connection to a running server.
pub struct Control {
    /// Runs the connection.
    runtime: Runtime,
    /// The connection.
    client: Client,
    /// What comes without being asked for: nothing. Answers come only while there is room for it.
    _incoming: Incoming,
}

impl Control {
    /// Connects to the server with a state directory.
    pub fn connect(state: &Path) -> Outcome<Control> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (client, incoming) = runtime.block_on(Client::connect(&state.join("bus.sock"), "bench"))?;
        Ok(Control { runtime, client, _incoming: incoming })
    }

    /// Changes records of a zone, and waits until that has come so far.
    pub fn update(&self, zone: &str, changes: String, wait: Reached) -> Outcome<Updated> {
        let serial = SerialRule::Increment;
        self.ask(&Command::UpdateZone { zone: zone.to_owned(), changes, name: "changes".to_owned(), serial, wait })
    }

    /// Hands changes in at a rate, whether or not those before are done, and waits for all; gives them in the order in which they were handed in.
    pub fn update_at(&self, zone: &str, changes: Vec<String>, rate: f64, wait: Reached) -> Outcome<Vec<Made>> {
        self.runtime.block_on(async {
            let begin = tokio::time::Instant::now();
            let mut tasks = Vec::with_capacity(changes.len());
            for (number, changes) in changes.into_iter().enumerate() {
                tokio::time::sleep_until(begin + Duration::from_secs_f64(number as f64 / rate)).await;
                let (client, zone) = (self.client.clone(), zone.to_owned());
                tasks.push(tokio::spawn(async move {
                    let serial = SerialRule::Increment;
                    let ask = Command::UpdateZone { zone, changes, name: "changes".to_owned(), serial, wait };
                    let begin = std::time::Instant::now();
                    let reply = client.request(&Recipient::Group(MEMMGR_GROUP), &ask, &[], PATIENCE).await;
                    let reply = reply.map_err(|error| error.to_string())?;
                    let time = begin.elapsed();
                    match (reply.parse::<CommandError>(), reply.parse::<Updated>()) {
                        (Ok(refused), _) => Err(refused.error),
                        (_, Ok(Updated { from, to, .. })) => Ok(Made { from, to, time }),
                        (_, Err(error)) => Err(error.to_string()),
                    }
                }));
            }
            let mut made = Vec::with_capacity(tasks.len());
            for task in tasks {
                made.push(task.await??);
            }
            Ok(made)
        })
    }

    /// Has sources compared, and waits until what changed is visible.
    pub fn reload(&self) -> Outcome<()> {
        let reloaded: Reloaded = self.ask(&Command::Reload { zone: None, force: false })?;
        match reloaded.failed.first() {
            Some(failed) => Err(failed.error.clone().into()),
            None => Ok(()),
        }
    }

    /// Asks and waits for the answer.
    fn ask<T: DeserializeOwned>(&self, command: &Command) -> Outcome<T> {
        let to = Recipient::Group(MEMMGR_GROUP);
        let reply = self.runtime.block_on(self.client.request(&to, command, &[], PATIENCE))?;
        match reply.parse::<CommandError>() {
            Ok(refused) => Err(refused.error.into()),
            Err(_) => Ok(reply.parse()?),
        }
    }
}

/// A change that was made.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// The serial before.
    pub from: u32,
    /// The serial after.
    pub to: u32,
    /// From handing it in until the answer.
    pub time: Duration,
}

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
