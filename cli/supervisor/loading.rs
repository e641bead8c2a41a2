//! Loads as people and service managers see them: a bar on a terminal, a line in the log every few seconds elsewhere, and `STATUS=` for
//! the service manager that `$NOTIFY_SOCKET` names.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sd_notify::NotifyState;

use super::ready::thousands;

/// A load shorter than this is over before a bar could be read.
const BAR_AFTER: Duration = Duration::from_secs(1);

/// Lines in a log come this often.
const LINE_EVERY: Duration = Duration::from_secs(3);

/// How far a load is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Zones read.
    pub(super) zones_done: u64,
    /// Zones to read, those included.
    pub(super) zones: u64,
    /// Octets of their files that were read.
    pub(super) octets_done: u64,
    /// Octets of all their files.
    pub(super) octets: u64,
    /// Records read.
    pub(super) records: u64,
    /// For how long.
    pub(super) elapsed: Duration,
}

/// What is shown of loads.
#[derive(Debug)]
pub(super) struct Loading {
    /// Whether somebody looks at a terminal.
    is_terminal: bool,
    /// The bar, while there is one.
    bar: Option<ProgressBar>,
    /// When the last line went to the log, of a load that one was written of.
    line: Option<Instant>,
}

impl Loading {
    /// Nothing under way.
    pub(super) fn new() -> Self {
        Loading { is_terminal: std::io::stderr().is_terminal(), bar: None, line: None }
    }

    /// A load has moved on.
    pub(super) fn moved(&mut self, load: Load) {
        notify(&[NotifyState::Status(&format!("loading zones: {}", load.text()))]);
        if self.is_terminal {
            self.draw(load);
        } else if load.elapsed >= LINE_EVERY && self.line.is_none_or(|line| line.elapsed() >= LINE_EVERY) {
            self.line = Some(Instant::now());
            let (percent, left) = (load.percent(), load.left().map(|left| left.as_secs()));
            let Load { zones_done, zones, octets_done, octets, records, .. } = load;
            tracing::info!(
                zones_done,
                zones,
                octets_done,
                octets,
                records,
                percent,
                seconds_left = left,
                "zones-loading"
            );
        }
    }

    /// Draws the bar.
    fn draw(&mut self, load: Load) {
        if self.bar.is_none() && load.elapsed < BAR_AFTER {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(load.octets), ProgressDrawTarget::stderr());
            // A template that is not understood leaves the bar as it is.
            ProgressStyle::with_template("{bar:28} {msg}").map_or(bar.clone(), |style| bar.with_style(style))
        });
        bar.set_length(load.octets);
        bar.set_position(load.octets_done);
        bar.set_message(load.text());
    }

    /// Every process answers.
    pub(super) fn ready(&mut self, generation: u64, zones: u64, records: u64) {
        self.clear();
        notify(&[NotifyState::Ready, NotifyState::Status(&serving(generation, zones, records))]);
    }

    /// No load is under way any more.
    pub(super) fn ended(&mut self, generation: u64, zones: u64, records: u64) {
        self.clear();
        notify(&[NotifyState::Status(&serving(generation, zones, records))]);
    }

    /// The server ends.
    pub(super) fn stopping(&mut self) {
        self.clear();
        notify(&[NotifyState::Stopping]);
    }

    /// Takes the bar away.
    fn clear(&mut self) {
        self.line = None;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Load {
    /// How much of it is done, in hundredths.
    fn percent(&self) -> u64 {
        // Files can grow while they are read, and are read again then.
        (self.octets_done.saturating_mul(100) / self.octets.max(1)).min(100)
    }

    /// The time left, if it goes on as it did.
    fn left(&self) -> Option<Duration> {
        let left = self.octets.saturating_sub(self.octets_done);
        (self.octets_done > 0).then(|| self.elapsed.mul_f64(left as f64 / self.octets_done as f64))
    }

    /// The same for people.
    fn text(&self) -> String {
        let rate = (self.records as f64 / self.elapsed.as_secs_f64().max(0.001)).round();
        let left = match self.left() {
            Some(_) if self.octets_done >= self.octets => "writing".to_owned(),
            Some(left) => format!("{} s left", left.as_secs().saturating_add(1)),
            None => "starting".to_owned(),
        };
        format!(
            "{} % · {} of {} zones · {} records · {} records/s · {left}",
            self.percent(),
            thousands(self.zones_done),
            thousands(self.zones),
            thousands(self.records),
            // Saturates, and is never negative.
            thousands(rate as u64),
        )
    }
}

/// What is served, for the service manager.
fn serving(generation: u64, zones: u64, records: u64) -> String {
    format!("serving {} zones, {} records, generation {generation}", thousands(zones), thousands(records))
}

/// Tells the service manager, if there is one.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "service-manager-not-told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A load of this many octets of 4,000, after two seconds.
    fn load(octets_done: u64) -> Load {
        let elapsed = Duration::from_secs(2);
        Load { zones_done: 1_234, zones: 100_000, octets_done, octets: 4_000, records: 2_468_000, elapsed }
    }

    #[test]
    fn records_rate_and_time_left_are_told() {
        assert_eq!(
            load(1_000).text(),
            "25 % · 1,234 of 100,000 zones · 2,468,000 records · 1,234,000 records/s · 7 s left"
        );
        assert!(load(0).text().ends_with("starting"), "{}", load(0).text());
        assert!(load(4_000).text().starts_with("100 % ") && load(4_000).text().ends_with("writing"));
        assert!(load(5_000).text().starts_with("100 % "));
    }
}
