//! Records between the supervisor and the processes it started, over a socket pair each.
//!
//! They are fixed in size and simple to read, since the supervisor must work when everything else does not: no JSON,
//! no broker, no address. A record is [`RECORD_LENGTH`] octets: a kind (u32), then seven numbers (u64), little endian,
//! at offsets 8, 16 … 56; octets 4 to 7 are zero.

use std::fmt;

/// The length of a record.
pub const RECORD_LENGTH: usize = 64;

/// The processes that can be killed by a record, beside memmgr itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child {
    /// The auth process of a slot.
    Auth,
    /// The process that gives zones away; its slot is 0.
    Xfrout,
}

impl Child {
    /// Its role, as it stands in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Child::Auth => "auth",
            Child::Xfrout => "xfrout",
        }
    }

    /// Its number in a record.
    fn number(self) -> u64 {
        match self {
            Child::Auth => 1,
            Child::Xfrout => 2,
        }
    }

    /// The process of a number.
    fn from_number(number: u64) -> Option<Self> {
        [Self::Auth, Self::Xfrout].into_iter().find(|child| child.number() == number)
    }
}

/// Why a reader is to be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillReason {
    /// It did not acknowledge a generation in time.
    SwitchTimeout,
    /// It did not let go of a followed generation in time.
    ReleaseTimeout,
    /// A query thread stood still with work waiting.
    Stalled,
    /// It did not answer pings.
    PingTimeout,
    /// It could not take a generation whose files are whole.
    Refused,
}

impl KillReason {
    /// The reason as it stands in logs and in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            KillReason::SwitchTimeout => "switch-timeout",
            KillReason::ReleaseTimeout => "release-timeout",
            KillReason::Stalled => "stalled",
            KillReason::PingTimeout => "ping-timeout",
            KillReason::Refused => "refused",
        }
    }

    /// Its number in a record.
    fn number(self) -> u64 {
        match self {
            KillReason::SwitchTimeout => 1,
            KillReason::ReleaseTimeout => 2,
            KillReason::Stalled => 3,
            KillReason::PingTimeout => 4,
            KillReason::Refused => 5,
        }
    }

    /// The reason of a number.
    fn from_number(number: u64) -> Option<Self> {
        [Self::SwitchTimeout, Self::ReleaseTimeout, Self::Stalled, Self::PingTimeout, Self::Refused]
            .into_iter()
            .find(|reason| reason.number() == number)
    }
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// memmgr → supervisor: every auth process has acknowledged its first generation.
    Ready {
        /// The generation.
        generation: u64,
        /// Zones served.
        zones: u64,
        /// Resource records in them.
        records: u64,
        /// Auth processes that answer.
        auth: u64,
    },
    /// memmgr → supervisor: kill this process and start another in its slot.
    Kill {
        /// Which kind of process.
        child: Child,
        /// Its slot.
        slot: u32,
        /// The process; ignored when it is no longer the one in that slot.
        pid: i32,
        /// Which deadline passed.
        reason: KillReason,
        /// The generation it held up, 0 if none.
        generation: u64,
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// memmgr → supervisor: zones are being loaded; sent a few times a second meanwhile.
    Loading {
        /// Zones read.
        zones_done: u64,
        /// Zones to read, those included.
        zones: u64,
        /// Octets of their files that were read.
        octets_done: u64,
        /// Octets of all their files.
        octets: u64,
        /// Records read.
        records: u64,
        /// For how long.
        elapsed_ms: u64,
    },
    /// memmgr → supervisor: no zones are being loaded any more, and this is served.
    Serving {
        /// The generation.
        generation: u64,
        /// Zones served.
        zones: u64,
        /// Resource records in them.
        records: u64,
    },
    /// memmgr → supervisor: stop everything.
    StopAll,
    /// supervisor → memmgr: compare the sources.
    Reload,
    /// supervisor → memmgr: a sign of life is wanted.
    Ping {
        /// Echoed in the answer.
        number: u64,
    },
    /// memmgr → supervisor: the sign of life.
    Pong {
        /// The ping's number.
        number: u64,
    },
    /// supervisor → auth: read this sibling's UDP sockets too.
    Drain {
        /// The sibling.
        slot: u32,
    },
    /// supervisor → auth: the sibling reads its own again.
    Undrain {
        /// The sibling.
        slot: u32,
    },
}

impl Record {
    /// The record as octets.
    pub fn encode(self) -> [u8; RECORD_LENGTH] {
        let (kind, numbers): (u32, [u64; 7]) = match self {
            Record::Ready { generation, zones, records, auth } => (1, [generation, zones, records, auth, 0, 0, 0]),
            Record::Kill { child, slot, pid, reason, generation, waited_ms } => {
                let pid = u64::from(pid.cast_unsigned());
                (2, [slot.into(), pid, reason.number(), generation, waited_ms, child.number(), 0])
            }
            Record::StopAll => (3, [0; 7]),
            Record::Reload => (4, [0; 7]),
            Record::Ping { number } => (5, [number, 0, 0, 0, 0, 0, 0]),
            Record::Pong { number } => (6, [number, 0, 0, 0, 0, 0, 0]),
            Record::Drain { slot } => (7, [slot.into(), 0, 0, 0, 0, 0, 0]),
            Record::Undrain { slot } => (8, [slot.into(), 0, 0, 0, 0, 0, 0]),
            Record::Loading { zones_done, zones, octets_done, octets, records, elapsed_ms } => {
                (9, [zones_done, zones, octets_done, octets, records, elapsed_ms, 0])
            }
            Record::Serving { generation, zones, records } => (10, [generation, zones, records, 0, 0, 0, 0]),
        };
        let mut octets = [0; RECORD_LENGTH];
        octets[..4].copy_from_slice(&kind.to_le_bytes());
        for (i, number) in numbers.into_iter().enumerate() {
            octets[8 + 8 * i..16 + 8 * i].copy_from_slice(&number.to_le_bytes());
        }
        octets
    }

    /// The record of these octets.
    ///
    /// # Errors
    ///
    /// [`RecordError`] for another length, an unknown kind or a number out of range.
    pub fn decode(octets: &[u8]) -> Result<Self, RecordError> {
        let octets: &[u8; RECORD_LENGTH] =
            octets.try_into().map_err(|_| RecordError::Length { expected: RECORD_LENGTH, found: octets.len() })?;
        let kind = u32::from_le_bytes([octets[0], octets[1], octets[2], octets[3]]);
        let number = |i: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&octets[8 + 8 * i..16 + 8 * i]);
            u64::from_le_bytes(bytes)
        };
        let narrow = |i: usize| u32::try_from(number(i)).map_err(|_| RecordError::Number { kind, found: number(i) });
        Ok(match kind {
            1 => Record::Ready { generation: number(0), zones: number(1), records: number(2), auth: number(3) },
            2 => Record::Kill {
                slot: narrow(0)?,
                pid: narrow(1)?.cast_signed(),
                reason: KillReason::from_number(number(2)).ok_or(RecordError::Number { kind, found: number(2) })?,
                generation: number(3),
                waited_ms: number(4),
                child: Child::from_number(number(5)).ok_or(RecordError::Number { kind, found: number(5) })?,
            },
            3 => Record::StopAll,
            4 => Record::Reload,
            5 => Record::Ping { number: number(0) },
            6 => Record::Pong { number: number(0) },
            7 => Record::Drain { slot: narrow(0)? },
            8 => Record::Undrain { slot: narrow(0)? },
            9 => Record::Loading {
                zones_done: number(0),
                zones: number(1),
                octets_done: number(2),
                octets: number(3),
                records: number(4),
                elapsed_ms: number(5),
            },
            10 => Record::Serving { generation: number(0), zones: number(1), records: number(2) },
            found => return Err(RecordError::Kind { found }),
        })
    }
}

/// Octets that are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// The length is another.
    Length {
        /// What a record has.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// No record has this kind.
    Kind {
        /// The kind.
        found: u32,
    },
    /// A number is out of its range.
    Number {
        /// The record's kind.
        kind: u32,
        /// The number.
        found: u64,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } => write!(f, "expected a record of {expected} octets, found {found}"),
            Self::Kind { found } => write!(f, "expected a record kind from 1 to 10, found {found}"),
            Self::Number { kind, found } => write!(f, "record kind {kind}: number {found} is out of range"),
        }
    }
}

impl std::error::Error for RecordError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of a kill.
    fn kill(child: Child) -> Record {
        let (pid, reason) = (4_194_304, KillReason::Stalled);
        Record::Kill { child, slot: 3, pid, reason, generation: 9, waited_ms: 5_001 }
    }

    #[test]
    fn every_record_comes_back_as_it_went() {
        for record in [
            Record::Ready { generation: 1, zones: 2, records: 22_565, auth: 4 },
            kill(Child::Auth),
            kill(Child::Xfrout),
            Record::StopAll,
            Record::Reload,
            Record::Ping { number: u64::MAX },
            Record::Pong { number: 7 },
            Record::Drain { slot: 63 },
            Record::Undrain { slot: 0 },
            Record::Loading { zones_done: 1, zones: 2, octets_done: 3, octets: 4, records: 5, elapsed_ms: 6 },
            Record::Serving { generation: 1, zones: 2, records: 3 },
        ] {
            assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn other_octets_are_refused_with_what_was_found() {
        assert_eq!(Record::decode(&[0; 3]), Err(RecordError::Length { expected: 64, found: 3 }));
        assert_eq!(Record::decode(&[9; 64]), Err(RecordError::Kind { found: 0x0909_0909 }));
        let mut drain = Record::Drain { slot: 1 }.encode();
        drain[15] = 1;
        assert!(matches!(Record::decode(&drain), Err(RecordError::Number { kind: 7, .. })));
        let mut nobody = kill(Child::Auth).encode();
        nobody[48] = 3;
        assert_eq!(Record::decode(&nobody), Err(RecordError::Number { kind: 2, found: 3 }));
    }
}
