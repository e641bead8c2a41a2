//! From blocks to names and numbers.

use std::collections::BTreeMap;

use bus::protocol::statistics::Counts;
use dns::types::{Opcode, Rcode, Rtype};

use super::counter::Counter;
use super::{ANSWERED_FLAGS, ASKED_FLAGS, Block, KINDS, RCODES, TYPES, WAYS};

/// All that these blocks have counted. Connections are not their concern: [`Counts::tcp`] stays empty.
pub fn gather<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> Counts {
    let mut total = Counts::default();
    for block in blocks {
        total.add(&counts(block));
    }
    total
}

/// What one block has counted.
fn counts(block: &Block) -> Counts {
    Counts {
        received: named(&block.received, |place| WAYS.get(place).copied().unwrap_or_default().to_owned()),
        ignored: block.ignored.value(),
        types: named(&block.types, |place| match u16::try_from(place) {
            Ok(number) if place < TYPES => Rtype(number).to_string(),
            _ => OTHER.to_owned(),
        }),
        opcodes: named(&block.opcodes, |place| Opcode(place as u8).to_string()),
        flags: flagged(&block.asked, &ASKED_FLAGS),
        rcodes: named(&block.rcodes, |place| match u16::try_from(place) {
            Ok(number) if place < RCODES => Rcode(number).to_string(),
            _ => OTHER.to_owned(),
        }),
        kinds: named(&block.kinds, |place| KINDS.get(place).copied().unwrap_or_default().to_owned()),
        answer_flags: flagged(&block.answered, &ANSWERED_FLAGS),
        limited: block.limited.value(),
        slipped: block.slipped.value(),
        unsent: block.unsent.value(),
        receive_errors: block.receive_errors.value(),
        tcp: BTreeMap::new(),
        query_octets: block.query_octets.gather(),
        answer_octets: block.answer_octets.gather(),
        latency_ns: block.latency.gather(),
    }
}

/// The places of a table that were counted at, by name.
fn named(table: &[Counter], name: impl Fn(usize) -> String) -> BTreeMap<String, u64> {
    let counts = table.iter().map(Counter::value).enumerate().filter(|(_, count)| *count > 0);
    counts.map(|(place, count)| (name(place), count)).collect()
}

/// Of a table by combinations of flags, how often each flag was set.
fn flagged(table: &[Counter], flags: &[&str]) -> BTreeMap<String, u64> {
    let count = |bit: usize| {
        let with = table.iter().enumerate().filter(|(place, _)| place >> bit & 1 == 1);
        with.map(|(_, counter)| counter.value()).sum::<u64>()
    };
    let counts = flags.iter().enumerate().map(|(bit, flag)| ((*flag).to_owned(), count(bit)));
    counts.filter(|(_, count)| *count > 0).collect()
}

/// What has no place of its own.
const OTHER: &str = "other";
