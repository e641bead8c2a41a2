//! The digest of a zone (ZONEMD, RFC 8976): scheme SIMPLE with SHA-384 and SHA-512.

use super::apex;
use super::finding::Findings;
use super::rule::Rule;
use crate::columns::{OwnerRecord, SortedZone};
use crate::types::{Rtype, canonical_names};
use sha2::{Digest, Sha384, Sha512};
use std::ops::ControlFlow;
use zone_segment::{SourceRecord, ZoneSource as _};

/// The scheme that takes the records one after the other.
const SIMPLE: u8 = 1;

/// The number of SHA-384.
const SHA384: u8 = 1;

/// The number of SHA-512.
const SHA512: u8 = 2;

/// The class of all records here, as on the wire.
const CLASS_IN: [u8; 2] = [0, 1];

/// Checks that one ZONEMD of the apex agrees with the zone (RFC 8976, section 4).
pub(super) fn check<'a>(zone: &'a SortedZone, findings: &mut Findings<'a>) {
    let records = apex::records(zone);
    let serial = apex::zone_serial(zone);
    let digests: Vec<Zonemd<'a>> = records
        .iter()
        .filter(|record| record.rtype == Rtype::ZONEMD)
        .filter_map(|record| Zonemd::of(*record))
        .collect();
    let Some(first) = digests.first() else {
        findings.about_name(Rule::ZonemdMissing, zone.apex());
        return;
    };
    let is_single = |one: &&Zonemd<'_>| digests.iter().filter(|other| other.kind() == one.kind()).count() == 1;
    let known: Vec<&Zonemd<'_>> = digests.iter().filter(|one| one.is_known()).filter(is_single).collect();
    if known.is_empty() {
        findings.about(Rule::ZonemdUnsupported, zone.apex(), first.record);
    }
    let mut faults = Vec::new();
    for one in known {
        if Some(one.serial) != serial {
            faults.push((Rule::ZonemdSerial, one.record));
        } else if !one.agrees(zone) {
            faults.push((Rule::ZonemdMismatch, one.record));
        } else {
            return;
        }
    }
    for (rule, record) in faults {
        findings.about(rule, zone.apex(), record);
    }
}

/// A ZONEMD, taken apart.
struct Zonemd<'a> {
    /// The record.
    record: OwnerRecord<'a>,
    /// The serial that it is of.
    serial: u32,
    /// How the records are taken.
    scheme: u8,
    /// How they are hashed.
    algorithm: u8,
    /// The digest.
    digest: &'a [u8],
}

impl<'a> Zonemd<'a> {
    /// Takes an RDATA apart (RFC 8976, section 2.2).
    fn of(record: OwnerRecord<'a>) -> Option<Self> {
        let ([s0, s1, s2, s3, scheme, algorithm], digest) = record.rdata.split_first_chunk()?;
        let serial = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
        Some(Self { record, serial, scheme: *scheme, algorithm: *algorithm, digest })
    }

    /// Scheme and algorithm, of which a zone has one digest at most.
    fn kind(&self) -> (u8, u8) {
        (self.scheme, self.algorithm)
    }

    /// Whether it can be verified here.
    fn is_known(&self) -> bool {
        matches!((self.scheme, self.algorithm, self.digest.len()), (SIMPLE, SHA384, 48) | (SIMPLE, SHA512, 64))
    }

    /// Whether it is the digest of the zone.
    fn agrees(&self, zone: &SortedZone) -> bool {
        match self.algorithm {
            SHA384 => digest::<Sha384>(zone) == self.digest,
            _ => digest::<Sha512>(zone) == self.digest,
        }
    }
}

/// The digest of all records in canonical order and form, but the apex's ZONEMD and its signatures (RFC 8976, section 3.3).
fn digest<D: Digest>(zone: &SortedZone) -> Vec<u8> {
    let mut hasher = D::new();
    let mut octets = Vec::new();
    zone.visit(0..zone.len(), &mut |_, name, records| {
        // A length octet is below the letters, so that folding the whole of the wire form changes labels only.
        let owner = name.as_wire().to_ascii_lowercase();
        for record in records {
            if name == zone.apex() && is_of_zonemd(record) {
                continue;
            }
            octets.clear();
            octets.extend_from_slice(&owner);
            octets.extend_from_slice(&record.rtype.to_be_bytes());
            octets.extend_from_slice(&CLASS_IN);
            octets.extend_from_slice(&record.ttl.to_be_bytes());
            push_canonical_rdata(record, &mut octets);
            hasher.update(&octets);
        }
        ControlFlow::Continue(())
    });
    hasher.finalize().to_vec()
}

/// Whether a record of the apex is a ZONEMD or the signature of one.
fn is_of_zonemd(record: &SourceRecord<'_>) -> bool {
    let zonemd = Rtype::ZONEMD.0;
    record.rtype == zonemd || record.rtype == Rtype::RRSIG.0 && record.rdata.starts_with(&zonemd.to_be_bytes())
}

/// Appends length and RDATA with its names in lower case where its type has them so (RFC 4034, section 6.2).
fn push_canonical_rdata(record: &SourceRecord<'_>, out: &mut Vec<u8>) {
    // RDATA has 65,535 octets at most.
    let length = u16::try_from(record.rdata.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    let start = out.len();
    out.extend_from_slice(record.rdata);
    if let Some(names) = canonical_names(Rtype(record.rtype)) {
        for name in names.ranges(record.rdata) {
            out[start + name.start..start + name.end].make_ascii_lowercase();
        }
    }
}
