//! Statistics: what a process that answers queries has done since it started.
//!
//! A request [`Ask`] to the group [`AUTH_GROUP`](super::AUTH_GROUP)'s members, each by its address, is answered by
//! [`ProcessStatistics`]; memmgr has no part in it. Every count only grows while a process lives, and begins at 0 with the next one in its
//! place: who adds processes up sees the sum fall then, and [`ProcessStatistics::started_unix`] tells why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is asked of a process that answers queries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Ask {
    /// What it has done; answered by [`ProcessStatistics`].
    Statistics {},
}

/// What one process has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatistics {
    /// The process.
    pub pid: i32,
    /// The supervisor's number for it.
    pub slot: u32,
    /// When it started, in seconds since 1970.
    pub started_unix: u64,
    /// For how long it has run, in milliseconds.
    pub uptime_ms: u64,
    /// What it counted.
    #[serde(default)]
    pub counts: Counts,
}

/// Counts by name. What was never counted is left out of its map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Messages received, by transport: `udp-ipv4`, `udp-ipv6`, `tcp-ipv4`, `tcp-ipv6`.
    pub received: BTreeMap<String, u64>,
    /// Of these, those that were given no answer because they are no query: responses, and what is too short for a header.
    pub ignored: u64,
    /// Queries by QTYPE, `other` together.
    pub types: BTreeMap<String, u64>,
    /// Queries by opcode.
    pub opcodes: BTreeMap<String, u64>,
    /// Queries that have an OPT record (`edns`), ask for DNSSEC records (`dnssec-ok`), have a cookie made here (`cookie`).
    pub flags: BTreeMap<String, u64>,
    /// Answers by RCODE, the whole one.
    pub rcodes: BTreeMap<String, u64>,
    /// Answers by kind: `positive`, `wildcard`, `referral`, `nodata`, `nxdomain`, `error`.
    pub kinds: BTreeMap<String, u64>,
    /// Answers that are authoritative (`authoritative`), and those that leave out something needed (`truncated`).
    pub answer_flags: BTreeMap<String, u64>,
    /// Queries that were given no answer because of their rate.
    pub limited: u64,
    /// Queries beyond the rate that were answered all the same: truncated, or with an error as it is.
    pub slipped: u64,
    /// Answers over UDP that could not be handed to the kernel.
    pub unsent: u64,
    /// Receptions over UDP that failed.
    pub receive_errors: u64,
    /// Connections: `accepted`, `evicted` to make room, `failed` to be taken, `open` at the moment.
    pub tcp: BTreeMap<String, u64>,
    /// Messages received by length: the least length of a step of 16 octets, and how many. Those of 4,096 octets and more are together.
    pub query_octets: BTreeMap<u32, u64>,
    /// Answers by length, in the same way.
    pub answer_octets: BTreeMap<u32, u64>,
    /// Queries over UDP by how long they were in the process's hands, from the reception of their batch to the sending of its last answer: the
    /// most nanoseconds of a step, and how many. A step is an eighth of its beginning. How long they waited in the kernel is not in it.
    pub latency_ns: BTreeMap<u64, u64>,
}

impl Counts {
    /// Adds another process's counts.
    pub fn add(&mut self, other: &Self) {
        let Self { received, types, opcodes, flags, rcodes, kinds, answer_flags, tcp, .. } = self;
        add(received, &other.received);
        add(types, &other.types);
        add(opcodes, &other.opcodes);
        add(flags, &other.flags);
        add(rcodes, &other.rcodes);
        add(kinds, &other.kinds);
        add(answer_flags, &other.answer_flags);
        add(tcp, &other.tcp);
        add(&mut self.query_octets, &other.query_octets);
        add(&mut self.answer_octets, &other.answer_octets);
        add(&mut self.latency_ns, &other.latency_ns);
        self.ignored += other.ignored;
        self.limited += other.limited;
        self.slipped += other.slipped;
        self.unsent += other.unsent;
        self.receive_errors += other.receive_errors;
    }

    /// The time that so many of a thousand queries were answered within, in nanoseconds, an eighth more at the most; `None` before the first.
    pub fn latency_quantile(&self, per_mille: u64) -> Option<u64> {
        let total: u64 = self.latency_ns.values().sum();
        let wanted = (u128::from(total) * u128::from(per_mille)).div_ceil(1000).max(1);
        let mut counted = 0u128;
        self.latency_ns.iter().find_map(|(nanoseconds, count)| {
            counted += u128::from(*count);
            (counted >= wanted).then_some(*nanoseconds)
        })
    }
}

/// Adds one map of counts to another.
fn add<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (name, count) in from {
        match to.get_mut(name) {
            Some(sum) => *sum += count,
            None => drop(to.insert(name.clone(), *count)),
        }
    }
}

/// The counts of every process together: what `trine stats --json` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStatistics {
    /// All counts of the processes that answered, added up.
    pub total: Counts,
    /// Quantiles of the total's latency.
    pub latency: Option<Latency>,
    /// The processes that answered, by slot.
    pub processes: Vec<ProcessStatistics>,
    /// Those that did not, so that the total lacks them.
    pub missing: Vec<MissingProcess>,
}

/// Quantiles of a latency, in nanoseconds: so many of a hundred queries were answered within that time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them.
    pub p50_ns: u64,
    /// Nine of ten.
    pub p90_ns: u64,
    /// All but one of a hundred.
    pub p99_ns: u64,
    /// All but one of a thousand.
    pub p99_9_ns: u64,
}

impl Latency {
    /// The quantiles of these counts; `None` when nothing was measured.
    pub fn of(counts: &Counts) -> Option<Self> {
        let quantile = |per_mille| counts.latency_quantile(per_mille);
        Some(Self { p50_ns: quantile(500)?, p90_ns: quantile(900)?, p99_ns: quantile(990)?, p99_9_ns: quantile(999)? })
    }
}

/// A process that did not say what it has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingProcess {
    /// The process.
    pub pid: i32,
    /// Why it did not.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of a process.
    fn counts(queries: u64, latency_ns: &[(u64, u64)]) -> Counts {
        Counts {
            received: [("udp-ipv4".to_owned(), queries)].into(),
            types: [("A".to_owned(), queries)].into(),
            limited: 1,
            latency_ns: latency_ns.iter().copied().collect(),
            ..Counts::default()
        }
    }

    #[test]
    fn counts_are_added_by_name() {
        let mut total = counts(3, &[(100, 3)]);
        let mut other = counts(4, &[(100, 1), (200, 3)]);
        other.types.insert("AAAA".to_owned(), 9);
        total.add(&other);
        assert_eq!(total.received["udp-ipv4"], 7);
        assert_eq!((total.types["A"], total.types["AAAA"], total.limited), (7, 9, 2));
        assert_eq!(total.latency_ns, [(100, 4), (200, 3)].into());
    }

    #[test]
    fn quantiles_are_those_of_the_steps() {
        let counts = counts(0, &[(10, 500), (20, 400), (30, 90), (40, 9), (50, 1)]);
        let latency = Latency { p50_ns: 10, p90_ns: 20, p99_ns: 30, p99_9_ns: 40 };
        assert_eq!(Latency::of(&counts), Some(latency));
        assert_eq!((counts.latency_quantile(0), counts.latency_quantile(1000)), (Some(10), Some(50)));
        assert_eq!(Latency::of(&Counts::default()), None);
    }

    #[test]
    fn a_reply_comes_back_as_it_went_and_may_lack_what_an_older_one_has_not() {
        let process =
            ProcessStatistics { pid: 7, slot: 1, started_unix: 2, uptime_ms: 3, counts: counts(3, &[(100, 3)]) };
        let json = serde_json::to_string(&process).unwrap();
        assert_eq!(serde_json::from_str::<ProcessStatistics>(&json).unwrap(), process);
        let older = r#"{"pid":7,"slot":1,"started_unix":2,"uptime_ms":3,"future":1}"#;
        assert_eq!(serde_json::from_str::<ProcessStatistics>(older).unwrap().counts, Counts::default());
    }
}
