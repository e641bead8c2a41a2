//! Delivering a generation to one reader: the layers it lacks, a batch at a time, each after the one before was taken; right behind the last
//! of them the switch. What is on its way to a reader, in the kernel and in queues, so stays at one batch, however many layers and readers there are.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use bus::protocol::reader::ToReader;
use bus::{Address, Client, Recipient, RequestError, SendError};
use tracing::{debug, warn};

use crate::generation::{LayerFile, State};

/// Descriptors of one batch; as many as the bus allows in a message.
const LAYERS_A_BATCH: usize = 64;

/// How long a reader may take for a batch. The rotation has deadlines of its own and does not wait for this one.
const TAKEN_TIMEOUT: Duration = Duration::from_secs(60);

/// Wait while memmgr's own queue to the bus is full of other readers' batches.
const FULL_PAUSE: Duration = Duration::from_millis(2);

/// A generation on its way to a reader.
pub(super) struct Delivery {
    /// To send with.
    pub(super) client: Client,
    /// Where to.
    pub(super) to: Address,
    /// Whose process that is, for the log.
    pub(super) pid: i32,
    /// The generation.
    pub(super) state: Arc<State>,
    /// The layers of it that the reader lacks.
    pub(super) lacking: Vec<Arc<LayerFile>>,
}

impl Delivery {
    /// Delivers. A reader that goes away ends it; one that does not answer is for the rotation to judge.
    pub(super) async fn run(self) {
        let mut batches: Vec<&[Arc<LayerFile>]> = self.lacking.chunks(LAYERS_A_BATCH).collect();
        // Behind the last one comes the switch, whose answer is that to both: mostly there is one small layer, and one way less to wait for.
        let last = batches.pop();
        for batch in batches {
            match self.send(batch).await {
                Ok(()) => {}
                Err(error @ (RequestError::NoSuchRecipient { .. } | RequestError::CalleeGone { .. })) => {
                    return debug!(%error, pid = self.pid, "delivery-ended");
                }
                Err(error) => return warn!(%error, pid = self.pid, "layers-not-sent"),
            }
        }
        if let Some(last) = last {
            let (layers, descriptors) = message_of(last);
            if let Err(error) = self.tell(&layers, &descriptors).await {
                return warn!(%error, pid = self.pid, "layers-not-sent");
            }
        }
        if let Err(error) = self.tell(&self.state.contents.switch(self.state.generation), &[]).await {
            warn!(%error, pid = self.pid, "switch-not-sent");
        }
    }

    /// Sends what has no answer of its own.
    async fn tell(&self, message: &ToReader, descriptors: &[BorrowedFd<'_>]) -> Result<(), SendError> {
        loop {
            match self.client.send(&Recipient::Address(self.to), message, descriptors) {
                Err(SendError::Full(_)) => tokio::time::sleep(FULL_PAUSE).await,
                outcome => return outcome,
            }
        }
    }

    /// Sends one batch and waits until it is taken.
    async fn send(&self, batch: &[Arc<LayerFile>]) -> Result<(), RequestError> {
        let (layers, descriptors) = message_of(batch);
        loop {
            match self.client.request(&Recipient::Address(self.to), &layers, &descriptors, TAKEN_TIMEOUT).await {
                Err(RequestError::Send(SendError::Full(_))) => tokio::time::sleep(FULL_PAUSE).await,
                outcome => return outcome.map(drop),
            }
        }
    }
}

/// What is said of layers, and what goes with it.
fn message_of(batch: &[Arc<LayerFile>]) -> (ToReader, Vec<BorrowedFd<'_>>) {
    let layers = ToReader::Layers { layers: batch.iter().map(|layer| layer.identity()).collect() };
    (layers, batch.iter().map(|layer| layer.descriptor()).collect())
}
