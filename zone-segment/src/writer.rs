//! Sorted RRsets in, one call each, a segment out: for who has no [`ZoneSource`](crate::ZoneSource) to show to a [`SegmentBuilder`].
//!
//! Zone by zone, owner by owner in canonical order. All is gathered in memory first.

use std::collections::BTreeSet;

use rkyv::rancor::{self, Source as _};

use crate::builder::{BuildError, SegmentBuilder};
use crate::error::WriteError;
use crate::gathered::GatheredZone;
use crate::hash::HashKey;
use crate::ids::ZoneId;
use crate::map::{SegmentBuffer, SegmentOctets};
use crate::name::NameRef;
use crate::zone::Zone;

mod owner;

use owner::Owner;

/// The type RRSIG.
const RRSIG: u16 = 46;

/// Collects zones and writes them as a segment. After an error it is of no use but to be dropped.
pub struct SegmentWriter {
    /// The key of the name hash.
    key: HashKey,
    /// The zones that are complete.
    zones: Vec<GatheredZone>,
    /// The ids of all zones.
    ids: BTreeSet<ZoneId>,
    /// The zone that is being written.
    current: Option<GatheredZone>,
    /// Its owner whose RRsets are coming in.
    owner: Option<Owner>,
}

impl SegmentWriter {
    /// An empty segment.
    pub fn new(key: HashKey) -> SegmentWriter {
        SegmentWriter { key, zones: Vec::new(), ids: BTreeSet::new(), current: None, owner: None }
    }

    /// Begins a zone and completes the one before. Zones come in any order, each id once.
    pub fn start_zone(&mut self, id: ZoneId, apex: NameRef<'_>) -> Result<(), WriteError> {
        self.complete_zone();
        if !self.ids.insert(id) {
            return Err(WriteError::ZoneTwice { zone: id });
        }
        self.current = Some(GatheredZone::new(id, apex.to_name()));
        Ok(())
    }

    /// Adds an RRset. The RRsets of an owner come together, in any order of types; owners in canonical order.
    ///
    /// Signatures come as type 46, of all covered types together or in several calls, and are hung on the RRsets they
    /// cover. `rdata` is in wire form without compression; equal records are kept once.
    pub fn rrset(&mut self, owner: NameRef<'_>, rtype: u16, ttl: u32, rdata: &[&[u8]]) -> Result<(), WriteError> {
        let zone = self.current.as_mut().ok_or_else(|| WriteError::NoZone { owner: owner.to_name() })?;
        if let Some(current) = self.owner.take_if(|current| current.name.as_ref() != owner) {
            zone.push(current.name.as_ref(), current.records());
        }
        if self.owner.is_none() {
            if !owner.is_at_or_below(zone.apex.as_ref()) {
                return Err(WriteError::OutOfZone { apex: zone.apex.clone(), owner: owner.to_name() });
            }
            if let Some(last) = zone.last().filter(|last| *last >= owner) {
                return Err(WriteError::OutOfOrder { before: last.to_name(), owner: owner.to_name() });
            }
        }
        self.owner.get_or_insert_with(|| Owner::new(owner.to_name())).add(rtype, ttl, rdata)
    }

    /// Adds a zone of an open segment as it is: how a group is built anew when only some of its zones changed.
    pub fn copy_zone<B: SegmentOctets>(&mut self, id: ZoneId, zone: &Zone<'_, B>) -> Result<(), WriteError> {
        self.start_zone(id, zone.apex())?;
        self.current = Some(GatheredZone::copy(id, zone));
        Ok(())
    }

    /// The whole file.
    pub fn finish(mut self) -> Result<SegmentBuffer, WriteError> {
        self.complete_zone();
        let mut builder = SegmentBuilder::new(self.key);
        let built = self.zones.into_iter().try_for_each(|zone| builder.zone(zone.id, zone.apex.clone(), zone));
        built.and_then(|()| builder.into_buffer()).map_err(|error| match error {
            BuildError::Records { source, .. } | BuildError::Zones(source) => source,
            // Memory is written to without errors.
            error => WriteError::Archive { source: rancor::Error::new(error) },
        })
    }

    /// Ends the current zone.
    fn complete_zone(&mut self) {
        if let Some(mut zone) = self.current.take() {
            if let Some(owner) = self.owner.take() {
                zone.push(owner.name.as_ref(), owner.records());
            }
            self.zones.push(zone);
        }
    }
}
