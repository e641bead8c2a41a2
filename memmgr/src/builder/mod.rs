//! From sources to a candidate: what changed is read, the groups it is in are written anew, everything else is shared with
//! the generation before.
//!
//! [`plan`] compares sources with the base and reads what changed; [`group`] decides where a zone's data goes; [`segments`]
//! writes. [`build`] runs them in this order and touches nothing that readers see: a build that fails leaves no trace.

mod group;
mod plan;
mod segments;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use zone_segment::{HashKey, LayerId, Name};

use crate::generation::{Catalogue, LayerError, State};
use crate::source::directory::ListError;

/// Which sources are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All.
    All,
    /// These zones' alone.
    Zones(BTreeSet<Name>),
}

impl Scope {
    /// No zone's: only what is damaged is made anew.
    pub(crate) fn none() -> Self {
        Scope::Zones(BTreeSet::new())
    }

    /// Whether a zone is in it.
    fn includes(&self, apex: &Name) -> bool {
        match self {
            Scope::All => true,
            Scope::Zones(zones) => zones.contains(apex),
        }
    }

    /// Both scopes together.
    pub(crate) fn and(self, other: Scope) -> Scope {
        match (self, other) {
            (Scope::Zones(mut zones), Scope::Zones(more)) => {
                zones.extend(more);
                Scope::Zones(zones)
            }
            _ => Scope::All,
        }
    }
}

/// What to build.
#[derive(Clone, Debug)]
pub(crate) struct BuildRequest {
    /// The generation to start from.
    pub(crate) base: Option<Arc<State>>,
    /// The number of the candidate.
    pub(crate) generation: u64,
    /// The key of every hash.
    pub(crate) key: HashKey,
    /// Which sources to compare.
    pub(crate) scope: Scope,
    /// The directory of zone files.
    pub(crate) zones: PathBuf,
    /// Where segments are written.
    pub(crate) segments: PathBuf,
    /// Layers found damaged: what is in them is read again from its source.
    pub(crate) distrusted: BTreeSet<LayerId>,
}

impl BuildRequest {
    /// Whether the base's zone directory is damaged, or was not to be had.
    fn distrusts_directory(&self) -> bool {
        self.base.as_ref().is_some_and(|base| {
            let layers = &base.contents.directory;
            layers.is_empty() || layers.iter().any(|layer| self.distrusted.contains(&layer.id))
        })
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The candidate, when anything that readers see differs from the base.
    pub(crate) candidate: Option<State>,
    /// The zones as they stand, errors included; the candidate's are the same.
    pub(crate) zones: Catalogue,
    /// What happened, for the one who asked.
    pub(crate) report: Report,
}

/// What happened to the zones in scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Zones whose data changed, that came or went.
    pub(crate) changed: Vec<Name>,
    /// Zones found unchanged.
    pub(crate) unchanged: u64,
    /// Zones whose source can't be taken, and why.
    pub(crate) failed: Vec<(Name, String)>,
    /// Files that name no zone.
    pub(crate) unnamed: Vec<String>,
    /// Why the sources could not be listed, when a repair was made without them.
    pub(crate) unlisted: Option<String>,
    /// What the checks found that keeps nothing from being served.
    pub(crate) warnings: Vec<String>,
}

/// Builds a candidate.
///
/// # Errors
///
/// [`BuildError`]; nothing that was there before has changed, and what was written is removed again.
pub(crate) fn build(request: &BuildRequest) -> Result<Outcome, BuildError> {
    config::fault::hit("build-begin");
    let plan = plan::make(request)?;
    let candidate = segments::write(request, &plan)?;
    config::fault::hit("build-end");
    Ok(Outcome { candidate, zones: plan.zones, report: plan.report })
}

/// A build that failed as a whole.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum BuildError {
    /// The sources can't be listed.
    List(ListError),
    /// A segment that zones were to be copied from is damaged; without it in the request's base the build can be made.
    Damaged {
        /// The layers to distrust.
        layers: Vec<LayerId>,
        /// What was found.
        error: String,
    },
    /// The segments of the candidate do not belong together.
    Set(zone_segment::ZoneSetError),
    /// Records can't be put into a segment.
    Records {
        /// Of which zone.
        zone: Name,
        /// Why.
        error: zone_segment::WriteError,
    },
    /// A segment can't be finished.
    Segment(zone_segment::WriteError),
    /// A segment's file can't be written.
    File(zone_segment::WriteFileError),
    /// A segment just written can't be opened.
    Layer(LayerError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(error) => error.fmt(f),
            Self::Damaged { error, .. } => write!(f, "copying from the generation before: {error}"),
            Self::Set(error) => write!(f, "putting the candidate together: {error}"),
            Self::Records { zone, error } => write!(f, "building zone {zone}: {error}"),
            Self::Segment(error) => write!(f, "building a segment: {error}"),
            Self::File(error) => error.fmt(f),
            Self::Layer(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::List(error) => error.source(),
            Self::Damaged { .. } => None,
            Self::Set(error) => Some(error),
            Self::Records { error, .. } | Self::Segment(error) => Some(error),
            Self::File(error) => error.source(),
            Self::Layer(error) => error.source(),
        }
    }
}
