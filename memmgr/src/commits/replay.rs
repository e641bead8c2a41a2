//! What stands in the logs that come after a manifest: [`replay`].

use super::error::{ReadLogError, Torn, TornWhy};
use super::reader::{LogReader, Step};
use super::record::{CommitRecord, RecordPlace};
use crate::manifest::StateDir;

/// What a start finds in the logs.
#[derive(Debug)]
pub struct Replayed {
    /// The records, up to the first place where something is wrong.
    pub records: Vec<(RecordPlace, CommitRecord)>,
    /// The generation that the first log comes after; none when it has no sound beginning.
    pub after_generation: Option<u64>,
    /// Where the records end, if they end otherwise than the logs do. A tail ([`Torn::is_tail`]) is what an append leaves that was cut
    /// short; anything else is damage, and says what is lost.
    pub torn: Option<Torn>,
    /// A number that no log has or had: that of the next one. Where something is wrong no log that is there may be gone on with.
    pub next_log: u64,
}

/// Reads the logs from this number on, in their order. The first place where something is wrong ends it: what follows was made on top of
/// what can't be had.
///
/// # Errors
///
/// The system could not read a log now. Damage is no error, but is in [`Replayed::torn`].
pub fn replay(directory: &StateDir, first: u64) -> Result<Replayed, ReadLogError> {
    let present = match directory.commit_logs() {
        Ok(numbers) => numbers,
        Err(source) => return Err(ReadLogError { path: directory.commits(), source }),
    };
    let next_log = present.last().map_or(first, |last| first.max(*last)) + 1;
    let mut numbers: Vec<u64> = present.into_iter().filter(|number| *number >= first).collect();
    if numbers.first() != Some(&first) {
        numbers.insert(0, first);
    }
    let mut replayed = Replayed { records: Vec::new(), after_generation: None, torn: None, next_log };
    let mut reached = None;
    for (index, number) in numbers.iter().enumerate() {
        if let Some(mut torn) = replay_one(directory, *number, &mut reached, &mut replayed)? {
            torn.logs_lost = numbers[index + 1..].to_vec();
            replayed.torn = Some(torn);
            break;
        }
    }
    Ok(replayed)
}

/// Reads one log, which is to begin at the generation that is reached; tells what is wrong with it.
fn replay_one(
    directory: &StateDir,
    number: u64,
    reached: &mut Option<u64>,
    replayed: &mut Replayed,
) -> Result<Option<Torn>, ReadLogError> {
    let mut reader = match LogReader::open(directory, number)? {
        Ok(reader) => reader,
        Err(why) => {
            let path = directory.commit_log(number);
            let octets_lost = path.metadata().map_or(0, |metadata| metadata.len());
            return Ok(Some(Torn { path, offset: 0, why, octets_lost, records_lost: 0, logs_lost: Vec::new() }));
        }
    };
    match *reached {
        Some(reached) if reached != reader.at.after_generation => {
            return reader.torn(TornWhy::Gap { reached, after: reader.at.after_generation }).map(Some);
        }
        Some(_) => {}
        None => replayed.after_generation = Some(reader.at.after_generation),
    }
    loop {
        match reader.step()? {
            Step::Record(place, record) => replayed.records.push((place, *record)),
            Step::End => {
                *reached = Some(reader.at.generation);
                return Ok(None);
            }
            Step::Torn(why) => return reader.torn(why).map(Some),
        }
    }
}
