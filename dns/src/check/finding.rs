//! What checks find: [`Findings`] while they run, [`CheckReport`] after.

use super::rule::Rule;
use crate::columns::{OwnerRecord, SortedZone};
use crate::text::Severity;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use zone_segment::NameRef;

/// The findings of one severity that are kept at a load; a zone whose every name breaks a rule would fill the log.
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

impl fmt::Display for Finding {
    /// Writes ``FILE:LINE:1: SEVERITY: REASON: `TEXT` [RULE]`` with ` (REMEDY)` after it where there is one; without line and column
    /// where the zone is meant, without a file where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.as_os_str().is_empty() {
            write!(f, "{}:", self.path.display())?;
            if self.line > 0 {
                // An entry is found by its line; which of its tokens is meant is not kept.
                write!(f, "{}:1:", self.line)?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}: {}: `{}` [{}]", self.rule.severity(), self.rule.text(), self.text, self.rule)?;
        match self.rule.remedy() {
            Some(remedy) => write!(f, " ({remedy})"),
            None => Ok(()),
        }
    }
}

impl Error for Finding {}

/// What the checks found in a zone, in the order of files and lines.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// What keeps the zone from being served.
    pub errors: Vec<Finding>,
    /// What does not.
    pub warnings: Vec<Finding>,
    /// How many findings were left out of both.
    pub left_out: usize,
}

impl CheckReport {
    /// The list of a severity.
    pub(super) fn list(&mut self, severity: Severity) -> &mut Vec<Finding> {
        match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        }
    }

    /// Puts both lists into the order of files and lines.
    pub(super) fn sort(&mut self) {
        for list in [&mut self.errors, &mut self.warnings] {
            list.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        }
    }
}

/// A finding whose place is not looked up yet.
#[derive(Debug)]
struct Found<'a> {
    /// The rule that is broken.
    rule: Rule,
    /// The record it is about; `None` where it is about the zone.
    record: Option<OwnerRecord<'a>>,
    /// What it is about.
    text: String,
}

/// The findings so far.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    /// Those that keep a zone from being served.
    errors: Vec<Found<'a>>,
    /// The others.
    warnings: Vec<Found<'a>>,
    /// How many of each are kept.
    kept_max: usize,
    /// How many were left out.
    left_out: usize,
}

impl<'a> Findings<'a> {
    /// None yet.
    pub(super) fn new(kept_max: usize) -> Self {
        Self { errors: Vec::new(), warnings: Vec::new(), kept_max, left_out: 0 }
    }

    /// How many of each severity are kept.
    pub(super) fn kept_max(&self) -> usize {
        self.kept_max
    }

    /// Notes a finding about a record.
    pub(super) fn about(&mut self, rule: Rule, owner: NameRef<'_>, record: OwnerRecord<'a>) {
        self.push(rule, Some(record), || format!("{owner} {}", record.rtype));
    }

    /// Notes a finding about a record and something else, which the text names.
    pub(super) fn about_text(&mut self, rule: Rule, record: OwnerRecord<'a>, text: impl FnOnce() -> String) {
        self.push(rule, Some(record), text);
    }

    /// Notes a finding about a name, or the zone.
    pub(super) fn about_name(&mut self, rule: Rule, name: NameRef<'_>) {
        self.push(rule, None, || name.to_string());
    }

    /// Adds those of a later range.
    pub(super) fn append(&mut self, later: Self) {
        self.left_out += later.left_out;
        for found in later.errors.into_iter().chain(later.warnings) {
            let Found { rule, record, text } = found;
            self.push(rule, record, || text);
        }
    }

    /// Notes a finding, if there is room for it.
    fn push(&mut self, rule: Rule, record: Option<OwnerRecord<'a>>, text: impl FnOnce() -> String) {
        let list = match rule.severity() {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < self.kept_max {
            list.push(Found { rule, record, text: text() });
        } else {
            self.left_out += 1;
        }
    }

    /// Looks up where the records stand.
    pub(super) fn into_report(self, zone: &SortedZone) -> CheckReport {
        let mut report = CheckReport { left_out: self.left_out, ..CheckReport::default() };
        let found: Vec<Found<'_>> = self.errors.into_iter().chain(self.warnings).collect();
        let records: Vec<OwnerRecord<'_>> = found.iter().filter_map(|found| found.record).collect();
        let mut places = zone.places(&records).into_iter();
        for Found { rule, record, text } in found {
            let (path, line) = record.and_then(|_| places.next()).unwrap_or((zone.columns().path(0), 0));
            report.list(rule.severity()).push(Finding { rule, path: path.to_owned(), line, text });
        }
        report.sort();
        report
    }
}
