//! Requests to compare sources: they gather while a build runs, and each is answered when what it asked for is visible.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bus::Message;
use bus::protocol::control::{Reloaded, ZoneFailure};
use tokio::task::JoinHandle;

use crate::builder::{BuildError, Outcome, Report, Scope};
use crate::progress::Progress;

/// Requests not built yet.
#[derive(Debug)]
pub(super) struct Gathered {
    /// All their zones.
    pub(super) scope: Scope,
    /// Who waits for an answer.
    pub(super) waiters: Vec<Message>,
}

/// A build that runs.
#[derive(Debug)]
pub(super) struct Running {
    /// The thread.
    pub(super) task: JoinHandle<Result<Outcome, BuildError>>,
    /// What was asked for.
    pub(super) scope: Scope,
    /// Who waits for an answer.
    pub(super) waiters: Vec<Message>,
    /// How far it is.
    pub(super) progress: Arc<Progress>,
    /// When it began, for people.
    pub(super) since: SystemTime,
    /// The same, for reckoning.
    pub(super) began: Instant,
}

/// A build whose generation is not current yet.
#[derive(Debug)]
pub(super) struct Published {
    /// Its generation.
    pub(super) generation: u64,
    /// The answer.
    pub(super) report: Report,
    /// Who waits for it.
    pub(super) waiters: Vec<Message>,
}

/// Everything that was asked for and is not done.
#[derive(Debug, Default)]
pub(super) struct Updates {
    /// Gathering.
    pub(super) gathered: Option<Gathered>,
    /// Building.
    pub(super) running: Option<Running>,
    /// On its way to the readers.
    pub(super) published: Vec<Published>,
}

impl Updates {
    /// Adds a request.
    pub(super) fn ask(&mut self, scope: Scope, waiter: Option<Message>) {
        let gathered = match self.gathered.take() {
            Some(before) => Gathered { scope: before.scope.and(scope), waiters: before.waiters },
            None => Gathered { scope, waiters: Vec::new() },
        };
        self.gathered.insert(gathered).waiters.extend(waiter);
    }

    /// Adds what was asked for together, to be built again.
    pub(super) fn ask_again(&mut self, scope: Scope, waiters: Vec<Message>) {
        self.ask(scope, None);
        if let Some(gathered) = &mut self.gathered {
            gathered.waiters.extend(waiters);
        }
    }

    /// Takes out what is visible once this generation is current.
    pub(super) fn visible(&mut self, generation: u64) -> Vec<Published> {
        let (visible, waiting) =
            std::mem::take(&mut self.published).into_iter().partition(|published| published.generation <= generation);
        self.published = waiting;
        visible
    }

    /// Takes out what will never be visible.
    pub(super) fn abandoned(&mut self, generation: u64) -> Vec<Published> {
        let (abandoned, waiting) =
            std::mem::take(&mut self.published).into_iter().partition(|published| published.generation == generation);
        self.published = waiting;
        abandoned
    }
}

/// The build that runs, until it ends; never when there is none.
pub(super) async fn finished(running: &mut Option<Running>) -> Result<Outcome, BuildFailure> {
    match running {
        Some(running) => match (&mut running.task).await {
            Ok(result) => result.map_err(BuildFailure::Build),
            Err(error) => Err(BuildFailure::Thread(error)),
        },
        None => std::future::pending().await,
    }
}

/// A build that came to nothing.
#[derive(Debug)]
pub(super) enum BuildFailure {
    /// It said why.
    Build(BuildError),
    /// Its thread did not come back.
    Thread(tokio::task::JoinError),
}

impl std::fmt::Display for BuildFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Build(error) => {
                let mut text = error.to_string();
                let mut cause = std::error::Error::source(error);
                while let Some(error) = cause {
                    let said = error.to_string();
                    // Some have their cause in the text already.
                    if !text.ends_with(&said) {
                        text.push_str(": ");
                        text.push_str(&said);
                    }
                    cause = error.source();
                }
                f.write_str(&text)
            }
            Self::Thread(error) => write!(f, "the building thread ended: {error}"),
        }
    }
}

/// The answer to a reload.
pub(super) fn reloaded(generation: u64, report: &Report, watching: bool) -> Reloaded {
    let unnamed = report.unnamed.iter().chain(&report.unlisted);
    let unnamed = unnamed.map(|error| ZoneFailure { name: String::new(), error: error.clone() });
    let failed = report.failed.iter().map(|(zone, error)| ZoneFailure { name: zone.to_string(), error: error.clone() });
    Reloaded {
        generation,
        changed: report.changed.iter().map(ToString::to_string).collect(),
        unchanged: report.unchanged,
        failed: failed.chain(unnamed).collect(),
        watching,
    }
}
