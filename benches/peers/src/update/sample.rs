//! Times of things that were done often, and figures that were taken in pairs.

use std::time::Duration;

/// Values, in the order in which they were found.
#[derive(Clone, Debug, Default)]
pub struct Sample(pub Vec<f64>);

impl Sample {
    /// Adds a time, as microseconds.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64() * 1e6);
    }

    /// The value below which a part of them lie.
    pub fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((part * last as f64).round() as usize).copied().unwrap_or(0.0)
    }

    /// The value in the middle.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// How far the middle half of them lie apart, as a part of the value in the middle.
    pub fn spread(&self) -> f64 {
        match self.median() {
            median if median > 0.0 => (self.quantile(0.75) - self.quantile(0.25)) / median,
            _ => 0.0,
        }
    }

    /// By how much the value in the middle may be off: as much less than the values as the root of their number.
    pub fn error(&self) -> f64 {
        self.spread() / (self.0.len().max(1) as f64).sqrt()
    }
}

/// What rounds say of two things that took turns: the quotient of their medians, round by round.
pub fn ratios(these: &[Sample], those: &[Sample]) -> Sample {
    let pairs = these.iter().zip(those).filter(|(_, that)| that.median() > 0.0);
    Sample(pairs.map(|(this, that)| this.median() / that.median()).collect())
}

/// The values of all rounds.
pub fn together(rounds: &[Sample]) -> Sample {
    Sample(rounds.iter().flat_map(|round| round.0.iter().copied()).collect())
}
