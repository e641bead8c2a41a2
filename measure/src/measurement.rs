//! What was measured of one subject. Read [`Measurement::mean`] first: it is the figure to compare.

use hdrhistogram::Histogram;

/// The longest call that is told from longer ones, in nanoseconds: 10 s.
const CALL_NS_MAX: u64 = 10_000_000_000;

/// What was measured of one subject. Times are nanoseconds of one operation, unless it says of a call.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// What the subject is called.
    pub name: String,
    /// How many operations a call does.
    pub operations_per_call: usize,
    /// How many calls were measured.
    pub calls: u64,
    /// The sum of the checksums of the first calls, a fixed number of them: the same in every run on the same keys.
    pub checksum: u64,
    /// The times of the calls, in nanoseconds of a call, with the clock's own cost taken off.
    pub histogram: Histogram<u64>,
    /// The mean of each slice, in the order they were measured in.
    pub slice_means: Vec<f64>,
    /// The cost of the clock that was taken off each call, slice by slice.
    pub clock_costs: Vec<f64>,
}

impl Measurement {
    /// Nothing measured yet.
    pub(crate) fn new(name: &str, operations_per_call: usize, checksum: u64) -> Measurement {
        // Refused would be a lower bound of 0, an upper one below twice the lower, or more than five digits.
        let histogram = Histogram::new_with_bounds(1, CALL_NS_MAX, 3)
            .unwrap_or_else(|error| unreachable!("1 to {CALL_NS_MAX} with 3 digits: {error}"));
        Measurement {
            name: name.to_owned(),
            operations_per_call: operations_per_call.max(1),
            calls: 0,
            checksum,
            histogram,
            slice_means: Vec::new(),
            clock_costs: Vec::new(),
        }
    }

    /// Counts a call.
    pub(crate) fn record(&mut self, nanoseconds: f64) {
        self.histogram.saturating_record(nanoseconds.max(0.0).round() as u64);
    }

    /// Ends a slice of so many calls; it has no mean when all of them were interrupted.
    pub(crate) fn end_slice(&mut self, calls: u64, call_mean: Option<f64>, clock: f64) {
        self.calls += calls;
        self.slice_means.extend(call_mean.map(|mean| mean / self.operations_per_call as f64));
        self.clock_costs.push(clock);
    }

    /// The mean of the slice in the middle, when slices are ordered by their means: the figure to compare.
    pub fn mean(&self) -> f64 {
        quantile(&self.slice_means, 0.5)
    }

    /// The time that half of the calls kept within.
    pub fn p50(&self) -> f64 {
        self.percentile(50.0)
    }

    /// The time that 99 of 100 calls kept within.
    pub fn p99(&self) -> f64 {
        self.percentile(99.0)
    }

    /// The time that this many of 100 calls kept within. Of a batch each operation gets an equal part.
    pub fn percentile(&self, percent: f64) -> f64 {
        self.histogram.value_at_percentile(percent) as f64 / self.operations_per_call as f64
    }

    /// How far the slices' means lie apart: the middle half of them, as a part of the figure. 0.05 is five per cent.
    pub fn spread(&self) -> f64 {
        let mean = self.mean();
        if mean <= 0.0 {
            return 0.0;
        }
        (quantile(&self.slice_means, 0.75) - quantile(&self.slice_means, 0.25)) / mean
    }
}

/// The value below which a part of the values lie, interpolated between the two beside it; 0 of none.
fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = part * last as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    below + (above - below) * place.fract()
}
