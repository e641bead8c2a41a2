//! What changed in a zone that was read anew: the difference that secondaries are told, where it is small.

use dns::SortedZone;
use dns::change::ChangeSet;
use dns::compare::{Comparison, Outcome};
use zone_segment::Zone;

/// What a zone that was read whole has other than before.
pub(super) enum Difference {
    /// Nothing.
    None,
    /// This.
    Set(ChangeSet),
    /// So much, or of such a kind, that it is not told.
    Whole,
}

/// Compares a zone that was read whole with what it was.
pub(super) fn difference(before: Zone<'_>, after: &SortedZone) -> Difference {
    let comparison = Comparison::new(before);
    let columns = after.columns();
    let is_compared = (0..).zip(&columns.parts).all(|(number, part)| comparison.take(number, part));
    match comparison.finish(columns.files.clone()) {
        Outcome::Changed(changed) if is_compared => Difference::Set(changed.change.set),
        Outcome::Same { .. } if is_compared => Difference::None,
        _ => Difference::Whole,
    }
}
