//! What has to be known before the first node is written: how many nodes there will be, and which RRsets may be shared.

use crate::name::{LabelStarts, NameRef};

use super::error::BuildError;
use super::nsec3::Chain;
use super::plan::{Part, ZonePlan};
use super::sharing::{self, Candidate};

/// What a part will need.
#[derive(Default)]
pub(super) struct Survey {
    /// How many nodes it has, empty non-terminals included.
    pub(super) nodes: usize,
    /// Its RRsets that may be shared.
    pub(super) candidates: Vec<Candidate>,
    /// The NSEC3 chain that the apex names, of a zone's first part.
    pub(super) nsec3: Option<Chain>,
}

impl Survey {
    /// Looks at each owner of a part.
    pub(super) fn of(part: &Part, zones: &[ZonePlan<'_>]) -> Result<Survey, BuildError> {
        let zone = &zones[part.zone];
        let mut survey = Survey::default();
        if part.ranks.is_empty() {
            survey.nodes = 1;
        }
        let mut last = part.ranks.start.checked_sub(1).map(|before| zone.source.name(before));
        zone.visit(part.ranks.clone(), |rank, name, owned| {
            survey.nodes += match zone.changes {
                // What stands between is said there, if there is anything to say.
                Some(_) => 1,
                None => new_nodes(last, name, zone.apex_labels),
            };
            if rank == 0 && name == zone.apex.as_ref() {
                survey.nsec3 = Chain::of_apex(owned);
            }
            for gathered in owned.rrsets() {
                let has_targets = owned.has_targets(gathered, zone.apex.as_ref());
                let hash = sharing::hash_of(owned, gathered, has_targets, zone.id);
                survey.candidates.extend(hash.map(|hash| Candidate::new(hash, part.zone, rank)));
            }
            last = Some(name);
            Ok(())
        })?;
        Ok(survey)
    }
}

/// How many nodes a name brings: itself, and the empty non-terminals between it and what is there already.
fn new_nodes(last: Option<NameRef<'_>>, name: NameRef<'_>, apex_labels: usize) -> usize {
    let labels = name.label_count();
    match last {
        // The apex is there in any case.
        None => (labels + 1).saturating_sub(apex_labels),
        Some(_) if labels == apex_labels + 1 => 1,
        Some(last) => labels.saturating_sub(shared_labels(last, name)),
    }
}

/// How many labels two names share from the right.
pub(super) fn shared_labels(a: NameRef<'_>, b: NameRef<'_>) -> usize {
    let (a_starts, b_starts) = (LabelStarts::of(a), LabelStarts::of(b));
    let most = a_starts.count().min(b_starts.count());
    let is_shared = |labels: &usize| {
        let label = |starts: &LabelStarts| starts.suffix_start(*labels)..starts.suffix_start(labels - 1);
        a.as_wire()[label(&a_starts)].eq_ignore_ascii_case(&b.as_wire()[label(&b_starts)])
    };
    (1..=most).take_while(is_shared).count()
}
