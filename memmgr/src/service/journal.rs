//! What changed in a zone from one serial to another, for whoever sends it on (RFC 1995): read from the journal and handed over as one sealed memfd.

use std::sync::{Arc, Mutex, PoisonError};

use bus::Message;
use bus::descriptors::seal;
use bus::protocol::control::{Changes, CommandError};
use dns::change::ChangeSet;
use dns::change_list::list_of;
use tracing::warn;
use zone_segment::Name;

use super::Service;
use crate::apex::Apex;
use crate::commits::Journal;

/// The name of the memfd.
const MEMFD_NAME: &str = "trine-changes";

impl Service {
    /// Says what changed in a zone up to a generation, where all of it is there and it is no more than the zone itself.
    pub(super) fn changes(&self, message: Message, apex: Name, from: u32, to: u32, generation: u64) {
        let zone =
            self.states.values().next_back().and_then(|state| state.zones.get(&Apex::new(apex.clone())).cloned());
        let Some(zone) = zone else { return self.refuse(&message, &format!("{apex} is not served")) };
        let (journal, client) = (Arc::clone(&self.journal), self.client.clone());
        // Read from disk, beside the loop.
        tokio::task::spawn_blocking(move || {
            let sent = match found(&journal, &apex, (from, to), generation, zone.records) {
                Ok(None) => client.reply(&message, &Changes { sets: 0, octets: None }, &[]),
                Ok(Some(sets)) => {
                    let (list, count) = (list_of(&sets), sets.len() as u64);
                    match seal(MEMFD_NAME, &list) {
                        Ok(memfd) => {
                            let changes = Changes { sets: count, octets: Some(list.len() as u64) };
                            client.reply(&message, &changes, &[std::os::fd::AsFd::as_fd(&memfd)])
                        }
                        Err(error) => client.reply(&message, &CommandError { error: error.to_string() }, &[]),
                    }
                }
                Err(error) => client.reply(&message, &CommandError { error }, &[]),
            };
            if let Err(error) = sent {
                warn!(%error, to = %message.from, "answer-not-sent");
            }
        });
    }
}

/// The change sets from one serial to another; as one, if there are more records in them than the zone has, and none where that is so too, or they
/// are not all there.
fn found(
    journal: &Mutex<Journal>,
    apex: &Name,
    (from, to): (u32, u32),
    generation: u64,
    records_max: u64,
) -> Result<Option<Vec<ChangeSet>>, String> {
    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
    let places = journal.find(apex, from, to, generation).map_err(|error| error.to_string())?;
    // Each has two SOA records at the least: so many are not even read.
    let may_fit = |sets: usize| 2 * sets as u64 <= records_max;
    if places.is_none_or(|places| places.is_empty() || !may_fit(places.len())) {
        return Ok(None);
    }
    let sets = journal.between(apex, from, to, generation).map_err(|error| error.to_string())?;
    drop(journal);
    Ok(sets.and_then(|sets| fitting(sets, records_max)))
}

/// What of change sets is no more than so many records: they as they are, or condensed.
fn fitting(sets: Vec<ChangeSet>, records_max: u64) -> Option<Vec<ChangeSet>> {
    let fits = |sets: &[ChangeSet]| sets.iter().map(ChangeSet::record_count).sum::<u64>() <= records_max;
    if fits(&sets) {
        return Some(sets);
    }
    let condensed = vec![ChangeSet::condensed(sets)?];
    fits(&condensed).then_some(condensed)
}
