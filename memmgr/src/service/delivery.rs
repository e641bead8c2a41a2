//! Delivering a generation to one reader: the layers it lacks, a batch at a time, each after the one before was taken; then the
//! switch. What is on its way to a reader, in the kernel and in queues, so stays at one batch, however many layers and readers there are.

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
        for batch in self.lacking.chunks(LAYERS_A_BATCH) {
            match self.send(batch).await {
                Ok(()) => {}
                Err(error @ (RequestError::NoSuchRecipient { .. } | RequestError::CalleeGone { .. })) => {
                    return debug!(%error, pid = self.pid, "delivery-ended");
                }
                Err(error) => return warn!(%error, pid = self.pid, "layers-not-sent"),
            }
        }
        let switch = self.state.contents.switch(self.state.generation);
        while let Err(error) = self.client.send(&Recipient::Address(self.to), &switch, &[]) {
            if !matches!(error, SendError::Full(_)) {
                return warn!(%error, pid = self.pid, "switch-not-sent");
            }
            tokio::time::sleep(FULL_PAUSE).await;
        }
    }

    /// Sends one batch and waits until it is taken.
    async fn send(&self, batch: &[Arc<LayerFile>]) -> Result<(), RequestError> {
        let layers = ToReader::Layers { layers: batch.iter().map(|layer| layer.identity()).collect() };
        let descriptors: Vec<_> = batch.iter().map(|layer| layer.descriptor()).collect();
        loop {
            match self.client.request(&Recipient::Address(self.to), &layers, &descriptors, TAKEN_TIMEOUT).await {
                Err(RequestError::Send(SendError::Full(_))) => tokio::time::sleep(FULL_PAUSE).await,
                outcome => return outcome.map(drop),
            }
        }
    }
}
