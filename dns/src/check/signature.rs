//! Signatures: that each authoritative RRset of a signed zone has one, that each is of something that is there, by a key of the zone, and in its
//! time. Whether a signature is right is for resolvers to say; nothing here computes one.

use super::Owner;
use super::apex;
use super::finding::Findings;
use super::rule::Rule;
use super::standing::{Standing, each_standing};
use crate::columns::{OwnerRecord, SortedZone};
use crate::types::Rtype;

/// Whether the zone means to be signed: its apex has a key or a signature.
pub(super) fn is_signed(zone: &SortedZone) -> bool {
    apex::records(zone).iter().any(|record| matches!(record.rtype, Rtype::DNSKEY | Rtype::RRSIG))
}

/// Checks all signatures at a time, in seconds since 1970.
pub(super) fn check<'a>(zone: &'a SortedZone, at: Option<u32>, findings: &mut Findings<'a>) {
    let keys: Vec<Key> = apex::records(zone)
        .iter()
        .filter(|record| record.rtype == Rtype::DNSKEY)
        .filter_map(|record| Key::of(record.rdata))
        .collect();
    if keys.is_empty() {
        findings.about_name(Rule::DnskeyMissing, zone.apex());
    }
    each_standing(zone, findings, |owner, standing, findings| {
        check_signed(owner, standing, findings);
        if standing.is_in_chain() {
            for record in owner.records.iter().filter(|record| record.rtype == Rtype::RRSIG) {
                check_signature(owner, standing, *record, &keys, at, findings);
            }
        }
    });
}

/// Whether an RRset of a type is signed at an owner: all but signatures where the zone is authoritative, at a cut those alone that are about it
/// (RFC 4035, section 2.2).
fn is_to_be_signed(rtype: Rtype, standing: Standing<'_>) -> bool {
    match standing {
        Standing::Authoritative => rtype != Rtype::RRSIG,
        Standing::Cut => matches!(rtype, Rtype::DS | Rtype::NSEC),
        Standing::BelowCut(_) | Standing::BelowDname => false,
    }
}

/// Checks that the RRsets of an owner are signed.
fn check_signed<'a>(owner: Owner<'_, 'a>, standing: Standing<'_>, findings: &mut Findings<'a>) {
    let signatures = || owner.records.iter().filter(|record| record.rtype == Rtype::RRSIG);
    for rrset in owner.records.chunk_by(|a, b| a.rtype == b.rtype) {
        let Some(first) = rrset.first().filter(|first| is_to_be_signed(first.rtype, standing)) else { continue };
        if !signatures().any(|signature| signature.covered() == first.rtype) {
            findings.about(Rule::RrsigMissing, owner.name, *first);
        }
    }
}

/// Checks one signature.
fn check_signature<'a>(
    owner: Owner<'_, 'a>,
    standing: Standing<'_>,
    record: OwnerRecord<'a>,
    keys: &[Key],
    at: Option<u32>,
    findings: &mut Findings<'a>,
) {
    let Some(signature) = Signature::of(record.rdata) else { return };
    let covered = record.covered();
    let has_covered = owner.records.iter().any(|record| record.rtype == covered);
    let labels = owner.name.label_count() - usize::from(owner.name.is_wildcard());
    let rule = if !has_covered || !is_to_be_signed(covered, standing) {
        Rule::RrsigSuperfluous
    } else if !keys.contains(&signature.key) && !keys.is_empty() {
        Rule::RrsigUnknownKey
    } else if usize::from(signature.labels) != labels {
        Rule::RrsigLabels
    } else if at.is_some_and(|at| is_after(at, signature.expiration)) {
        Rule::RrsigExpired
    } else if at.is_some_and(|at| is_after(signature.inception, at)) {
        Rule::RrsigNotYetValid
    } else {
        return;
    };
    let name = owner.name;
    findings.about_text(rule, record, || format!("{name} RRSIG {covered}"));
}

/// Whether a time is after another, in serial number arithmetic (RFC 4034, section 3.1.5).
fn is_after(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < 1 << 31
}

/// What a signature names a key by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Key {
    /// Its algorithm.
    algorithm: u8,
    /// Its tag.
    tag: u16,
}

impl Key {
    /// That of a DNSKEY (RFC 4034, appendix B).
    fn of(rdata: &[u8]) -> Option<Self> {
        let algorithm = *rdata.get(3)?;
        if algorithm == 1 {
            // RSAMD5 has its own (appendix B.1): the last but two octets of the modulus.
            let [.., high, low, _] = rdata else { return None };
            return Some(Self { algorithm, tag: u16::from_be_bytes([*high, *low]) });
        }
        let sum = rdata.chunks(2).fold(0_u32, |sum, pair| {
            let [high, low] = [pair[0], pair.get(1).copied().unwrap_or(0)];
            sum.wrapping_add(u32::from(u16::from_be_bytes([high, low])))
        });
        let folded = (sum + (sum >> 16 & 0xffff)) & 0xffff;
        Some(Self { algorithm, tag: u16::try_from(folded).ok()? })
    }
}

/// The fields of a signature that are checked (RFC 4034, section 3.1).
struct Signature {
    /// How many labels the owner has, without a wildcard's.
    labels: u8,
    /// When it ends.
    expiration: u32,
    /// When it begins.
    inception: u32,
    /// Whose it is.
    key: Key,
}

impl Signature {
    /// Those of an RDATA.
    fn of(rdata: &[u8]) -> Option<Self> {
        let [_, _, algorithm, labels, _, _, _, _, e0, e1, e2, e3, i0, i1, i2, i3, high, low, ..] = *rdata else {
            return None;
        };
        Some(Self {
            labels,
            expiration: u32::from_be_bytes([e0, e1, e2, e3]),
            inception: u32::from_be_bytes([i0, i1, i2, i3]),
            key: Key { algorithm, tag: u16::from_be_bytes([high, low]) },
        })
    }
}
