//! What is served of a secondary zone, as an attempt to bring it up to date needs it: [`Served`].

use std::sync::Arc;

use dns::types::Rtype;
use zone_segment::{GroupId, Name, Zone};

use super::timers::Intervals;
use crate::builder;
use crate::generation::State;

/// A zone of a generation, which stays mapped as long as this lives.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    /// The generation.
    state: Arc<State>,
    /// The zone.
    apex: Name,
}

impl Served {
    /// A zone, if the generation has data of it.
    pub(crate) fn new(state: &Arc<State>, apex: &Name) -> Option<Self> {
        let served = Served { state: Arc::clone(state), apex: apex.clone() };
        served.serial().is_some().then_some(served)
    }

    /// The zone.
    fn zone(&self) -> Option<Zone<'_>> {
        let zone = self.state.set.as_deref()?.zone(self.apex.as_ref())?;
        (zone.apex() == self.apex.as_ref()).then_some(zone)
    }

    /// Its serial.
    pub(crate) fn serial(&self) -> Option<u32> {
        self.zone()?.serial()
    }

    /// The group that it is in.
    pub(crate) fn group(&self) -> GroupId {
        self.zone().map_or(GroupId(0), |zone| zone.group())
    }

    /// The intervals in its SOA record.
    pub(crate) fn intervals(&self) -> Option<Intervals> {
        let soa = self.zone()?.apex_node()?.rrset(Rtype::SOA.0)?;
        Intervals::of_soa(soa.rdata().next()?)
    }

    /// It, out of layers that are verified: what is damaged is no good to compare with.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    pub(crate) fn verified_zone(&self) -> Result<Zone<'_>, String> {
        let zone = self.zone().ok_or_else(|| format!("{} is not served any more", self.apex))?;
        let mut layers = self.state.contents.groups.get(&zone.group()).into_iter().flatten();
        layers.try_for_each(builder::verified).map_err(|error| error.to_string())?;
        Ok(zone)
    }
}
