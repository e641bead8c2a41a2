//! Requests to compare sources or to have zones expire: they gather while a build runs, and each is answered when what it asked for
//! is visible.

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
    /// What they ask for.
    pub(super) scope: Scope,
    /// Who waits for an answer.
    pub(super) waiters: Vec<Message>,
}

/// What builds that came to nothing had in scope.
#[derive(Debug)]
struct Owed {
    /// What it was.
    scope: Scope,
    /// When it is tried again, if nothing else is built before.
    due: Instant,
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
    /// What was asked for.
    pub(super) scope: Scope,
    /// The answer.
    pub(super) report: Report,
    /// Who waits for it.
    pub(super) waiters: Vec<Message>,
}

/// Everything that was asked for and is not done.
#[derive(Debug, Default)]
pub(super) struct Updates {
    /// Gathering.
    gathered: Option<Gathered>,
    /// To be done again.
    owed: Option<Owed>,
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

    /// Adds what was asked for together, to be built again: before what gathered meanwhile.
    pub(super) fn ask_again(&mut self, scope: Scope, mut waiters: Vec<Message>) {
        let scope = match self.gathered.take() {
            Some(later) => {
                waiters.extend(later.waiters);
                scope.and(later.scope)
            }
            None => scope,
        };
        self.gathered = Some(Gathered { scope, waiters });
    }

    /// Notes what a build that came to nothing had in scope: the next build has it too, and there is one by then.
    pub(super) fn owe(&mut self, scope: Scope, due: Instant) {
        let scope = match self.owed.take() {
            Some(before) => before.scope.and(scope),
            None => scope,
        };
        self.owed = Some(Owed { scope, due });
    }

    /// Asks for what is owed, once it is due; tells whether it is.
    pub(super) fn ask_owed(&mut self, now: Instant) -> bool {
        let is_due = self.owed.as_ref().is_some_and(|owed| owed.due <= now);
        if is_due {
            self.ask(Scope::none(), None);
        }
        is_due
    }

    /// Whether anything is asked for.
    pub(super) fn is_waiting(&self) -> bool {
        self.gathered.is_some()
    }

    /// Takes out what the next build has to do: what has gathered and what is owed. Without a base it is everything, since a
    /// generation of some zones would refuse all others.
    pub(super) fn next(&mut self, has_base: bool) -> Option<Gathered> {
        let Gathered { scope, waiters } = self.gathered.take()?;
        let scope = match self.owed.take() {
            Some(owed) => owed.scope.and(scope),
            None => scope,
        };
        let scope = if has_base { scope } else { scope.and(Scope::all()) };
        Some(Gathered { scope, waiters })
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    /// The scope of one file.
    fn file(name: &str) -> Scope {
        Scope::files(BTreeSet::from([name.into()]))
    }

    /// A zone's name.
    fn apex() -> zone_segment::Name {
        "one.test.".parse().unwrap()
    }

    /// The scope of the next build.
    fn next(updates: &mut Updates, has_base: bool) -> Option<Scope> {
        updates.next(has_base).map(|gathered| gathered.scope)
    }

    #[test]
    fn without_a_base_every_build_is_of_all_zones() {
        let mut updates = Updates::default();
        updates.ask(file("one.zone"), None);
        assert_eq!(next(&mut updates, false), Some(Scope::all()));
        assert_eq!(next(&mut updates, false), None);
    }

    #[test]
    fn what_a_failed_build_had_in_scope_is_in_the_next_one() {
        let (mut updates, now) = (Updates::default(), Instant::now());
        updates.owe(file("one.zone"), now);
        updates.owe(file("two.zone"), now);
        updates.ask(file("three.zone"), None);
        let all = file("one.zone").and(file("two.zone")).and(file("three.zone"));
        assert_eq!(next(&mut updates, true), Some(all));
        updates.ask(file("three.zone"), None);
        assert_eq!(next(&mut updates, true), Some(file("three.zone")));
    }

    #[test]
    fn what_is_owed_or_built_again_was_asked_for_before_what_gathered() {
        let (expiring, refreshing) = (|| Scope::expiring(apex()), || Scope::zone(apex()));
        let mut updates = Updates::default();
        updates.owe(expiring(), Instant::now());
        updates.ask(Scope::none(), None);
        assert_eq!(next(&mut updates, true), Some(expiring()));
        updates.owe(expiring(), Instant::now());
        updates.ask(refreshing(), None);
        assert_eq!(next(&mut updates, true), Some(refreshing()));
        updates.ask(refreshing(), None);
        updates.ask_again(expiring(), Vec::new());
        assert_eq!(next(&mut updates, true), Some(refreshing()));
        updates.ask(expiring(), None);
        assert_eq!(next(&mut updates, false), Some(expiring().and(Scope::all())));
    }

    #[test]
    fn what_is_owed_is_asked_for_when_it_is_due() {
        let (mut updates, now) = (Updates::default(), Instant::now());
        let due = now + Duration::from_secs(5);
        assert!(!updates.ask_owed(due));
        updates.owe(Scope::all(), due);
        assert!(!updates.ask_owed(now));
        assert_eq!(next(&mut updates, true), None);
        assert!(updates.ask_owed(due));
        assert_eq!(next(&mut updates, true), Some(Scope::all()));
        assert!(!updates.ask_owed(due));
    }
}
