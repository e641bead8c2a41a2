//! The queries of a zone: its names in random order, some that are not there among them, and what each has to be answered with.

use workload::{QuerySet, Workload, uniform};

/// Queries ready to be sent, one behind the other. The identifier of each is its number, so that answers are told apart by it. A power of two of
/// at least 65,536, so that identifiers go on where the queries begin anew.
#[derive(Debug)]
pub struct Queries {
    /// All of them.
    octets: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    /// For each, whether its name is there.
    is_there: Vec<bool>,
}

impl Queries {
    /// Draws them for a zone's names.
    pub fn of(zone: &Workload, asked: &Asked, seed: u64) -> Queries {
        let picks = || uniform(zone.query_count(), seed).take(asked.count);
        let hits = zone.queries(QuerySet::Hits, picks(), seed);
        let missing = zone.queries(QuerySet::Misses, picks(), seed);
        let mut chances = uniform(100, seed ^ CHANCES);
        let mut queries = Queries { octets: Vec::new(), ends: Vec::new(), is_there: Vec::new() };
        for index in 0..asked.count {
            let is_there = chances.next() >= Some(asked.missing_percent);
            let name = if is_there { hits.wire(index) } else { missing.wire(index) };
            queries.octets.extend_from_slice(&(index as u16).to_be_bytes());
            queries.octets.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
            queries.octets.extend_from_slice(name);
            queries.octets.extend_from_slice(&[0, asked.rtype, 0, 1]);
            let dnssec = if asked.is_dnssec_ok { 0x80 } else { 0 };
            queries.octets.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, dnssec, 0, 0, 0]);
            queries.ends.push(queries.octets.len());
            queries.is_there.push(is_there);
        }
        queries
    }

    /// The query with a number; the numbers go round.
    pub fn query(&self, number: usize) -> &[u8] {
        let index = number % self.ends.len();
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.octets[start..self.ends[index]]
    }

    /// The number of the query that a message answers: the last one sent before `sent` with its identifier. `None` if that is not among the
    /// last `outstanding`.
    pub fn answered(message: &[u8], sent: usize, outstanding: usize) -> Option<usize> {
        let id = u16::from_be_bytes([*message.first()?, *message.get(1)?]);
        // At least 1: the last one sent has the number before `sent`.
        let behind = usize::from((sent as u16).wrapping_sub(id).wrapping_sub(1)) + 1;
        (behind <= outstanding).then(|| sent - behind)
    }

    /// Whether a message answers the query with a number as its zone says.
    pub fn is_right(&self, number: usize, message: &[u8]) -> bool {
        let [_, _, flags, codes, ..] = *message else { return false };
        let rcode = codes & 0x0f;
        let is_there = self.is_there[number % self.is_there.len()];
        flags & 0x80 != 0 && rcode == if is_there { NOERROR } else { NXDOMAIN }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// How many queries: a power of two of at least 65,536.
    pub count: usize,
    /// How many in a hundred ask for names that are not there.
    pub missing_percent: usize,
    /// The type.
    pub rtype: u8,
    /// Whether signatures are asked for.
    pub is_dnssec_ok: bool,
}

/// No error.
const NOERROR: u8 = 0;

/// No such name.
const NXDOMAIN: u8 = 3;

/// Keeps the choice of missing names apart from that of names.
const CHANCES: u64 = 0x6d69_7373;
