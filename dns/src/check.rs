//! Zone checks: what makes a set of records no zone that can be served, each check named by its [`Rule`].
//!
//! Read [`zone`] first. The checks are on records, whatever source they came from; what keeps a file from being records is in
//! `crate::text`.

use crate::order::{canonical_rdata_cmp, sort};
use crate::record::Record;
use crate::rrset::rrsets;
use crate::text::Severity;
use crate::types::Rtype;
use std::cmp::Ordering;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use zone_segment::Name;

#[cfg(test)]
mod tests;

/// The findings of one severity that are kept; a zone whose every name is outside of it would fill the log.
pub const FINDINGS_MAX: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: Rule,
    /// The file of the record it is about, or of the zone; empty where records came from no file.
    pub path: PathBuf,
    /// The line of the record it is about; 0 where it is about the zone, or where records came from no file.
    pub line: u32,
    /// The owner and type, or the name, it is about.
    pub text: String,
}

/// What the checks found in a zone, in the order of files and lines.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// What keeps the zone from being served, [`FINDINGS_MAX`] at most.
    pub errors: Vec<Finding>,
    /// What does not, [`FINDINGS_MAX`] at most.
    pub warnings: Vec<Finding>,
    /// How many findings were left out of both.
    pub left_out: usize,
}

/// A rule that a zone has to keep.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Rule {
    /// The apex has an SOA (RFC 1035, section 5.2).
    SoaMissing,
    /// The zone has one SOA (RFC 1035, section 5.2).
    SoaMultiple,
    /// An SOA stands at the apex alone.
    SoaBelowApex,
    /// The apex has NS records (RFC 1034, section 4.2.1).
    NsMissing,
    /// Every owner is at or below the apex.
    OutOfZone,
    /// A CNAME stands alone, but for records of DNSSEC (RFC 1034, section 3.6.2; RFC 4035, section 2.5).
    CnameAndOtherData,
    /// A name has one CNAME (RFC 2181, section 10.1).
    CnameMultiple,
    /// A name has one DNAME (RFC 6672, section 2.4).
    DnameMultiple,
    /// A record is there once; further ones are dropped.
    Duplicate,
    /// The records of an RRset have one TTL (RFC 2181, section 5.2); where they differ, the lowest is used.
    TtlMismatch,
}

impl Rule {
    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SoaMissing => "soa-missing",
            Self::SoaMultiple => "soa-multiple",
            Self::SoaBelowApex => "soa-below-apex",
            Self::NsMissing => "ns-missing",
            Self::OutOfZone => "out-of-zone",
            Self::CnameAndOtherData => "cname-and-other-data",
            Self::CnameMultiple => "cname-multiple",
            Self::DnameMultiple => "dname-multiple",
            Self::Duplicate => "duplicate",
            Self::TtlMismatch => "ttl-mismatch",
        }
    }

    /// Whether a zone that breaks it is not served.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Duplicate | Self::TtlMismatch => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What is said when it is broken.
    const fn text(self) -> &'static str {
        match self {
            Self::SoaMissing => "no SOA at the apex",
            Self::SoaMultiple => "more than one SOA",
            Self::SoaBelowApex => "SOA at a name that is not the apex",
            Self::NsMissing => "no NS at the apex",
            Self::OutOfZone => "owner outside of the zone",
            Self::CnameAndOtherData => "CNAME and other data at one name",
            Self::CnameMultiple => "more than one CNAME at one name",
            Self::DnameMultiple => "more than one DNAME at one name",
            Self::Duplicate => "record is there twice, one is dropped",
            Self::TtlMismatch => "TTLs differ in one RRset, the lowest is used",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Finding {
    /// Writes ``FILE:LINE:1: SEVERITY: REASON: `TEXT` [RULE]``; without line and column where the zone is meant, without a file
    /// where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.as_os_str().is_empty() {
            write!(f, "{}:", self.path.display())?;
            if self.line > 0 {
                // An entry is found by its line; which of its tokens is meant is not kept.
                write!(f, "{}:1:", self.line)?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}: {}: `{}` [{}]", self.rule.severity(), self.rule.text(), self.text, self.rule)
    }
}

impl Error for Finding {}

/// Checks the records of a zone, and leaves them in canonical order without duplicates, each RRset with one TTL: as
/// [`rrsets`] wants them. `files` is what [`Record::file`] is an index into; the first is the zone's own.
pub fn zone(apex: &Name, records: &mut Vec<Record>, files: &[PathBuf]) -> CheckReport {
    sort(records);
    let mut findings = Findings { files, report: CheckReport::default() };
    drop_duplicates(records, &mut findings);
    even_ttls(records, &mut findings);
    check_apex(apex, records, &mut findings);
    for owner in records.chunk_by(|a, b| a.owner == b.owner) {
        check_owner(apex, owner, &mut findings);
    }
    let CheckReport { errors, warnings, .. } = &mut findings.report;
    for list in [errors, warnings] {
        list.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    }
    findings.report
}

/// The serial of the SOA at the apex, of records that are in canonical order.
pub fn serial(apex: &Name, records: &[Record]) -> Option<u32> {
    let start = records.partition_point(|record| record.owner < *apex);
    let soa =
        records.get(start..)?.iter().take_while(|record| record.owner == *apex).find(|r| r.rtype == Rtype::SOA)?;
    // Serial, refresh, retry, expire and minimum are the last 20 octets.
    let (serial, _) = soa.rdata.last_chunk::<20>()?.split_first_chunk()?;
    Some(u32::from_be_bytes(*serial))
}

/// The findings so far.
struct Findings<'a> {
    /// The files of the zone.
    files: &'a [PathBuf],
    /// What was found.
    report: CheckReport,
}

impl Findings<'_> {
    /// Notes a finding about a record.
    fn about(&mut self, rule: Rule, record: &Record) {
        self.push(rule, record.file, record.line, format!("{} {}", record.owner, record.rtype));
    }

    /// Notes a finding about the zone.
    fn about_zone(&mut self, rule: Rule, apex: &Name) {
        self.push(rule, 0, 0, apex.to_string());
    }

    /// Notes a finding, if there is room for it.
    fn push(&mut self, rule: Rule, file: u32, line: u32, text: String) {
        let path = usize::try_from(file).ok().and_then(|file| self.files.get(file)).cloned().unwrap_or_default();
        let list = match rule.severity() {
            Severity::Error => &mut self.report.errors,
            Severity::Warning => &mut self.report.warnings,
        };
        if list.len() < FINDINGS_MAX {
            list.push(Finding { rule, path, line, text });
        } else {
            self.report.left_out += 1;
        }
    }
}

/// Keeps the first of records that are the same but for their TTL and the case of their names.
fn drop_duplicates(records: &mut Vec<Record>, findings: &mut Findings<'_>) {
    records.dedup_by(|later, first| {
        let is_duplicate = later.rtype == first.rtype
            && canonical_rdata_cmp(first.rtype, &first.rdata, &later.rdata) == Ordering::Equal
            && later.owner == first.owner;
        if is_duplicate {
            findings.about(Rule::Duplicate, later);
            first.ttl = first.ttl.min(later.ttl);
        }
        is_duplicate
    });
}

/// Gives all records of an RRset the lowest TTL among them. For signatures the RRset is that of one covered type.
fn even_ttls(records: &mut [Record], findings: &mut Findings<'_>) {
    let mut ttls: Vec<(usize, u32)> = Vec::new();
    let mut start = 0;
    for rrset in rrsets(records) {
        let ttl = rrset.ttl();
        let length = rrset.records().len();
        if let Some(other) = rrset.records().iter().find(|record| record.ttl != ttl) {
            findings.about(Rule::TtlMismatch, other);
            ttls.extend((start..start + length).map(|index| (index, ttl)));
        }
        start += length;
    }
    for (index, ttl) in ttls {
        records[index].ttl = ttl;
    }
}

/// Checks what the apex must have.
fn check_apex(apex: &Name, records: &[Record], findings: &mut Findings<'_>) {
    let has = |rtype| records.iter().any(|record| record.rtype == rtype && record.owner == *apex);
    for (rtype, rule) in [(Rtype::SOA, Rule::SoaMissing), (Rtype::NS, Rule::NsMissing)] {
        if !has(rtype) {
            findings.about_zone(rule, apex);
        }
    }
}

/// Checks the records of one owner.
fn check_owner(apex: &Name, records: &[Record], findings: &mut Findings<'_>) {
    let Some(first) = records.first() else { return };
    if !first.owner.is_at_or_below(apex.as_ref()) {
        findings.about(Rule::OutOfZone, first);
        return;
    }
    let second = |rtype| records.iter().filter(|record| record.rtype == rtype).nth(1);
    for (rtype, rule) in
        [(Rtype::SOA, Rule::SoaMultiple), (Rtype::CNAME, Rule::CnameMultiple), (Rtype::DNAME, Rule::DnameMultiple)]
    {
        if let Some(record) = second(rtype) {
            findings.about(rule, record);
        }
    }
    if first.owner != *apex
        && let Some(soa) = records.iter().find(|record| record.rtype == Rtype::SOA)
    {
        findings.about(Rule::SoaBelowApex, soa);
    }
    let other = records.iter().find(|record| record.rtype != Rtype::CNAME && !record.rtype.is_allowed_beside_cname());
    if let Some(other) = other
        && records.iter().any(|record| record.rtype == Rtype::CNAME)
    {
        findings.about(Rule::CnameAndOtherData, other);
    }
}
