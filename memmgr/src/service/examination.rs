//! Generations that a reader could not map: their files are looked at, and what is damaged is built anew.

use std::time::Instant;

use tokio::task::JoinHandle;
use tracing::info;
use zone_segment::LayerId;

use super::{RETRY, Service};
use crate::builder::Scope;
use crate::recovery;
use crate::rotation::Event;

/// What was refused: one generation is looked at, and the newest refused meanwhile waits.
#[derive(Debug, Default)]
pub(super) struct Examinations {
    /// The generation looked at, and the thread.
    running: Option<(u64, JoinHandle<Vec<LayerId>>)>,
    /// The one after it.
    next: Option<u64>,
    /// When damage was last found. A disk that damages whatever is written is not written to without a pause.
    last_damage: Option<Instant>,
}

impl Examinations {
    /// The layers found damaged, when an examination ends; never when none runs.
    pub(super) async fn ended(&mut self) -> Vec<LayerId> {
        match &mut self.running {
            Some((_, task)) => recovery::found(task).await,
            None => std::future::pending().await,
        }
    }
}

impl Service {
    /// Looks at the files of a generation that a reader could not map.
    pub(super) fn examine(&mut self, generation: u64) {
        if self.examinations.running.is_some() {
            self.examinations.next = Some(generation);
            return;
        }
        let Some(state) = self.states.get(&generation) else { return };
        self.examinations.running = Some((generation, recovery::examine_in_background(state)));
    }

    /// An examination has ended.
    pub(super) fn examined(&mut self, damaged: &[LayerId]) {
        let Some((generation, _)) = self.examinations.running.take() else { return };
        if damaged.is_empty() {
            info!(generation, "generation-examined");
            self.step(Event::Examined { generation });
        } else {
            self.distrust(damaged);
            let now = Instant::now();
            match self.examinations.last_damage.replace(now) {
                Some(last) if now.duration_since(last) < RETRY => self.updates.owe(Scope::none(), now + RETRY),
                _ => self.reload(Scope::none(), None),
            }
        }
        if let Some(next) = self.examinations.next.take().filter(|next| *next != generation) {
            self.examine(next);
        }
    }
}
