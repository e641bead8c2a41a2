//! Zone checks on what an edit concerns: the rules of `dns::check`, run on a small zone of the owners that can break them.
//!
//! Beside the owners that changed those are the apex, what is above them (a DNAME), the zone's name servers and what is above those, and of a name that
//! becomes the owner of a DNAME one that is below it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use dns::check::{self, CheckReport, Finding};
use dns::types::Rtype;
use dns::{Columns, Record, SortedZone};
use zone_segment::{Name, SegmentOctets};

use super::draft::{Draft, Touched};
use super::error::EditError;
use super::records::OwnerRecords;
use super::view::has_at_or_below;

/// Checks what an edit makes of a zone; `path` is the name of its file in messages. Gives what does not keep it from being served; what was wrong before
/// already is not the edit's fault.
pub(super) fn check<B: SegmentOctets>(draft: &Draft<'_, B>, path: &Path) -> Result<Vec<Finding>, EditError> {
    let names = concerned(draft);
    let report = report(draft, path, &names, |name| draft.owner(name));
    if !report.errors.is_empty() {
        let before = self::report(draft, path, &names, |name| draft.owner_before(name));
        let is_new =
            |error: &Finding| !before.errors.iter().any(|old| (old.rule, &old.text) == (error.rule, &error.text));
        let findings: Vec<Finding> = report.errors.into_iter().filter(is_new).collect();
        if !findings.is_empty() {
            return Err(EditError::Rules { findings });
        }
    }
    Ok(report.warnings.into_iter().filter(|finding| finding.line > 0).collect())
}

/// The names whose owners are checked.
fn concerned<B: SegmentOctets>(draft: &Draft<'_, B>) -> BTreeSet<Name> {
    let mut names: BTreeSet<Name> = draft.owners.keys().cloned().collect();
    draft.owners.keys().for_each(|name| add_above(draft, name, &mut names));
    let is_new_dname = |touched: &Touched| touched.now.has(Rtype::DNAME) && !touched.before.has(Rtype::DNAME);
    let new_dnames: BTreeSet<Name> =
        draft.owners.iter().filter(|(_, touched)| is_new_dname(touched)).map(|(name, _)| name.clone()).collect();
    if !new_dnames.is_empty() {
        names.extend(first_below(draft, &new_dnames));
    }
    for target in draft.apex_now().targets(Rtype::NS).filter(|target| target.is_at_or_below(draft.apex().as_ref())) {
        let target = target.to_name();
        add_above(draft, &target, &mut names);
        if draft.owner(&target).is_empty() {
            add_synthesis(draft, &target, &mut names);
        }
        names.insert(target);
    }
    names
}

/// Adds the names between a name and the apex.
fn add_above<B: SegmentOctets>(draft: &Draft<'_, B>, name: &Name, names: &mut BTreeSet<Name>) {
    let mut above = name.parent();
    while let Some(name) = above.filter(|above| above.label_count() > draft.apex().label_count()) {
        above = name.parent();
        names.insert(name);
    }
}

/// Adds what decides by which wildcard there is a name that owns nothing (RFC 4592, section 3.3.1): the one at its closest encloser, and where that is an
/// empty non-terminal what is below it.
fn add_synthesis<B: SegmentOctets>(draft: &Draft<'_, B>, name: &Name, names: &mut BTreeSet<Name>) {
    let is_touched = |name: &Name| has_at_or_below(&draft.owners, name, |touched| !touched.now.is_empty());
    let mut above = name.parent();
    while let Some(encloser) = above {
        if encloser == *draft.apex() || draft.view.has_name(encloser.as_ref()) || is_touched(&encloser) {
            if draft.owner(&encloser).is_empty() {
                names.extend(first_below(draft, &BTreeSet::from([encloser.clone()])));
            }
            names.extend(encloser.prepend_label(b"*").ok());
            return;
        }
        above = encloser.parent();
    }
}

/// Some owner of records below one of some names.
fn first_below<B: SegmentOctets>(draft: &Draft<'_, B>, tops: &BTreeSet<Name>) -> Option<Name> {
    let mut found = None;
    draft.view.visit_below(tops, |name| {
        if draft.owner(name).is_empty() {
            return ControlFlow::Continue(());
        }
        found = Some(name.clone());
        ControlFlow::Break(())
    });
    found
}

/// What the checks say of some owners. Records that the edit speaks of have its file and line.
fn report<'d, B: SegmentOctets>(
    draft: &Draft<'_, B>,
    path: &Path,
    names: &BTreeSet<Name>,
    owner: impl Fn(&Name) -> Cow<'d, OwnerRecords>,
) -> CheckReport {
    let records = names.iter().flat_map(|name| {
        let first_line = draft.owners.get(name).map_or(0, |touched| touched.line);
        records_of(&owner(name), first_line)
    });
    let mut columns: Columns = records.collect();
    columns.files = vec![path.to_owned()];
    check::zone(&SortedZone::new(draft.apex().clone(), columns))
}

/// The records of an owner, as a source would give them: from the line that brought each, or else the first that speaks of their owner; from no file
/// where none does.
fn records_of(owner: &OwnerRecords, first_line: u32) -> Vec<Record> {
    let mut records = Vec::new();
    for ((rtype, _), set) in owner.rrsets() {
        records.extend(set.rdata().map(|(rdata, line)| {
            let line = if line > 0 { line } else { first_line };
            let file = if line > 0 { EDIT_FILE } else { NO_FILE };
            Record { owner: owner.owner.clone(), rtype, ttl: set.ttl, rdata: rdata.into(), file, line }
        }));
    }
    records
}

/// The number of the edit's file.
const EDIT_FILE: u32 = 0;

/// The number of a file that is none.
const NO_FILE: u32 = 1;
