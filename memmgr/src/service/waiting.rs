//! Who waits until a generation has come so far: built, visible in every process, or durable beside.

use bus::Message;
use bus::protocol::control::{GenerationReached, Reached, Refreshed, RolledBack, Updated};
use dns::types::Rcode;

use super::Service;
use crate::update::{Exchange, Verdict};

/// Who waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// For which generation.
    pub(super) generation: u64,
    /// Until when.
    pub(super) until: Reached,
    /// The answer then.
    pub(super) answer: Answer,
    /// The request.
    pub(super) message: Message,
}

/// An answer that is ready.
#[derive(Debug)]
pub(super) enum Answer {
    /// To an update; none where there is nothing to say.
    Updated(Option<Updated>),
    /// To a rollback.
    RolledBack(RolledBack),
    /// To who asked for a zone to be refreshed.
    Refreshed(Refreshed),
    /// To an update over the wire.
    Message(Box<Exchange>),
    /// To who asked for nothing but to wait.
    Reached,
}

impl Service {
    /// Answers who has waited long enough.
    pub(super) fn answer_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let current = self.rotation.current().filter(|_| !self.readers.any_has_refused());
        let durable = self.durable.borrow().clone();
        let mut sync = None;
        for waiting in std::mem::take(&mut self.waiting) {
            let generation = waiting.generation;
            let is_visible = current.is_some_and(|current| current >= generation);
            match (waiting.until, durable.has(generation)) {
                (Reached::Durable, Err(error)) => {
                    let error = format!("generation {generation} is served and not on the disk: {error}");
                    self.refuse_one(&waiting, &error);
                }
                (Reached::Built, _) => self.reply(&waiting, Reached::Built),
                (Reached::Visible, _) if is_visible => self.reply(&waiting, Reached::Visible),
                (Reached::Durable, Ok(true)) if is_visible => self.reply(&waiting, Reached::Durable),
                (until, _) => {
                    if until == Reached::Durable {
                        sync = sync.max(Some(generation));
                    }
                    self.waiting.push(waiting);
                }
            }
        }
        if let Some(generation) = sync {
            self.sync_up_to(generation);
        }
    }

    /// Answers one.
    fn reply(&self, waiting: &Waiting, state: Reached) {
        match &waiting.answer {
            Answer::Updated(Some(updated)) => self.answer(&waiting.message, &Updated { state, ..updated.clone() }),
            Answer::Updated(None) => self.refuse(&waiting.message, "nothing was asked for"),
            Answer::Message(exchange) => self.settle(&waiting.message, exchange, &Verdict::of(Rcode::NOERROR)),
            Answer::RolledBack(rolled_back) => self.answer(&waiting.message, rolled_back),
            Answer::Refreshed(refreshed) => self.answer(&waiting.message, refreshed),
            Answer::Reached => {
                self.answer(&waiting.message, &GenerationReached { generation: waiting.generation, state });
            }
        }
    }

    /// Tells one that what was asked for is not to be.
    fn refuse_one(&self, Waiting { message, answer, .. }: &Waiting, error: &str) {
        match answer {
            Answer::Message(exchange) => self.settle_refused(message, exchange, &error.to_owned().into()),
            Answer::Updated(_) | Answer::RolledBack(_) | Answer::Refreshed(_) | Answer::Reached => {
                self.refuse(message, error);
            }
        }
    }

    /// Refuses who waits for a generation that will not be.
    pub(super) fn refuse_waiting(&mut self, generation: u64, error: &str) {
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting.generation == generation {
                true => self.refuse_one(&waiting, error),
                false => self.waiting.push(waiting),
            }
        }
    }

    /// Asks the disk for all that was appended, unless it was asked already.
    pub(super) fn sync_up_to(&mut self, generation: u64) {
        if let Some((log, last)) = self.unsynced.take_if(|(_, last)| *last >= generation) {
            self.syncer.sync(log, last);
        }
    }

    /// Asks the disk for what nobody waits for.
    pub(super) fn sync_the_rest(&mut self) {
        if let Some((log, last)) = self.unsynced.take() {
            self.syncer.sync(log, last);
        }
    }
}
