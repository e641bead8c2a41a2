//! Finding which zones changed: the layers that a generation has and the one before had not say it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use zone_segment::{LayerId, Name, ZoneSet};

use super::ChangedZone;
use crate::xfrout::checks;
use crate::xfrout::desk::Desk;

/// What was looked at.
#[derive(Default)]
struct Looked {
    /// The layers of the last generation.
    layers: BTreeSet<LayerId>,
    /// The serial of each zone whose secondaries were told.
    serials: BTreeMap<Name, u32>,
    /// Zones in layers that are new, which were not looked at in a generation that is settled.
    suspects: BTreeSet<Name>,
}

/// Passes on which zones changed, for ever. At the start all are: nothing is known of what was told before.
pub(super) async fn watch(desk: &Arc<Desk>, mut switched: watch::Receiver<u64>, changed: mpsc::Sender<ChangedZone>) {
    let mut looked = Looked::default();
    // Before that, nobody knows who is to be told of the members of catalogs.
    while !desk.knows_members() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    switched.mark_changed();
    while switched.changed().await.is_ok() {
        if let Some(zones) = desk.current() {
            looked.look(desk, &zones);
        }
        if looked.suspects.is_empty() {
            continue;
        }
        // Nothing is told of what could be taken back; what was found is not forgotten, however long that takes.
        let zones = loop {
            match desk.settled().await {
                Some(zones) => break zones,
                None => tokio::time::sleep(LOOK_AGAIN).await,
            }
        };
        looked.look(desk, &zones);
        let found = looked.changes(&zones);
        drop(zones);
        for zone in found {
            if changed.send(zone).await.is_err() {
                return;
            }
        }
    }
}

impl Looked {
    /// Notes the zones of layers that were not there before, as far as anybody is to be told of them.
    fn look(&mut self, desk: &Desk, zones: &ZoneSet) {
        let layers = || zones.groups().iter().flat_map(|(_, stack)| stack.layers());
        for layer in layers().filter(|layer| !self.layers.contains(&layer.id)) {
            let apexes = layer.segment.zones().map(|zone| zone.apex());
            self.suspects.extend(apexes.filter(|apex| desk.has_notify(*apex)).map(|apex| apex.to_name()));
        }
        self.layers = layers().map(|layer| layer.id).collect();
    }

    /// Those whose serial is another than the one that was told of.
    fn changes(&mut self, zones: &ZoneSet) -> Vec<ChangedZone> {
        let mut changes = Vec::new();
        for apex in std::mem::take(&mut self.suspects) {
            // One that is not served is told of when it is again.
            let Ok((zone, soa)) = checks::zone_of(zones, &apex) else { continue };
            let serial = zone.serial().unwrap_or_default();
            if self.serials.insert(apex.clone(), serial) != Some(serial) {
                changes.push(ChangedZone { apex, serial, soa: Arc::new(soa) });
            }
        }
        changes
    }
}

/// The wait after a generation did not settle in time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
