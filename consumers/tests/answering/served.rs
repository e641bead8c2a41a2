//! The zones that are asked: every case of the answer path, in one generation made once.

use std::sync::{Arc, OnceLock};

use zone_segment::{ZoneSet, ZoneState};

use crate::zones::{generation, sign, zone, zone_in_state};

/// The generation.
pub(crate) fn served() -> &'static Arc<ZoneSet> {
    static SERVED: OnceLock<Arc<ZoneSet>> = OnceLock::new();
    SERVED.get_or_init(|| {
        let zones = vec![
            zone("plain.", include_str!("zones/plain.zone")),
            zone("child.plain.", include_str!("zones/child.zone")),
            sign(zone("nsec.", include_str!("zones/signed.zone"))),
            zone("optout.", include_str!("zones/optout.zone")),
            zone_in_state("expired.", ZoneState::Expired),
            zone_in_state("broken.plain.", ZoneState::Broken),
        ];
        generation(1, zones)
    })
}
