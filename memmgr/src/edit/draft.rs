//! The lines of an edit carried out on a view of a zone: [`Draft`] has what each owner concerned owned before, and owns from then on.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use dns::change::{ChangeSet, ChangedRecord, OwnerChanges, ZoneChange};
use dns::text::Place;
use dns::text::changes::{ChangeLine, Request};
use dns::text::limits::ERRORS_MAX;
use dns::text::present;
use dns::types::Rtype;
use zone_segment::{Name, SegmentOctets};

use super::error::{EditError, LineFault};
use super::records::{OwnerRecords, canonical, key_of};
use super::view::View;
use super::{Edit, serial};

/// Owners that an edit speaks of.
pub(super) struct Draft<'v, B> {
    /// The zone as it stands.
    pub(super) view: View<'v, B>,
    /// The owners, the apex among them.
    pub(super) owners: BTreeMap<Name, Touched>,
    /// The apex.
    apex: Name,
}

/// An owner that an edit speaks of.
pub(super) struct Touched {
    /// What it owned before.
    pub(super) before: OwnerRecords,
    /// What it owns from then on.
    pub(super) now: OwnerRecords,
    /// The first line that speaks of it; 0 where none does.
    pub(super) line: u32,
    /// Signatures that lines bring: the type that they cover, and their RDATA in canonical form.
    pub(super) signatures: BTreeSet<(Rtype, Box<[u8]>)>,
}

impl Touched {
    /// An owner as it stands.
    fn new(before: OwnerRecords, line: u32) -> Self {
        let now = before.clone();
        Self { before, now, line, signatures: BTreeSet::new() }
    }

    /// Adds a record that a line brings.
    pub(super) fn add(&mut self, record: &ChangedRecord, line: u32) {
        if self.now.is_empty() && self.before.is_empty() {
            self.now.owner = record.owner.clone();
        }
        self.now.add(record.rtype, record.ttl, &record.rdata, line);
        if let (Rtype::RRSIG, covered) = key_of(record.rtype, &record.rdata) {
            self.signatures.insert((covered, canonical(record.rtype, &record.rdata)));
        }
    }

    /// Whether anything is another than before.
    fn is_changed(&self) -> bool {
        !self.now.is_same(&self.before)
    }
}

impl<'v, B: SegmentOctets> Draft<'v, B> {
    /// Nothing changed yet.
    pub(super) fn new(view: View<'v, B>) -> Result<Self, EditError> {
        let apex = view.zone.apex().to_name();
        let before = view.owner(apex.as_ref());
        if before.soa().as_ref().and_then(|soa| serial::of_soa(&soa.rdata)).is_none() {
            return Err(EditError::NoData { apex });
        }
        let owners = BTreeMap::from([(apex.clone(), Touched::new(before, 0))]);
        Ok(Self { view, owners, apex })
    }

    /// Carries the lines out, in their order.
    pub(super) fn apply(&mut self, edit: &Edit) -> Result<(), EditError> {
        let mut faults = Vec::new();
        for line in &edit.lines {
            if !self.apply_line(line) {
                faults.push(fault(line));
            }
            if faults.len() == ERRORS_MAX {
                break;
            }
        }
        if !faults.is_empty() {
            return Err(EditError::Lines { path: edit.path.clone(), faults });
        }
        self.drop_old_signatures();
        Ok(())
    }

    /// Carries one line out. Whether what it wants to go was there.
    fn apply_line(&mut self, ChangeLine { place: Place { line, .. }, request }: &ChangeLine) -> bool {
        let touched = self.touch(request.owner().to_name(), *line);
        match request {
            Request::Add(record) => {
                touched.add(record, *line);
                true
            }
            Request::Delete { rtype, rdata, .. } => touched.now.remove(*rtype, rdata),
            Request::DeleteRrset { rtype, .. } => touched.now.remove_type(*rtype),
            Request::DeleteOwner { .. } => touched.now.clear(),
        }
    }

    /// An owner that a line speaks of.
    pub(super) fn touch(&mut self, name: Name, line: u32) -> &mut Touched {
        let view = self.view;
        let touched = self.owners.entry(name).or_insert_with_key(|name| Touched::new(view.owner(name.as_ref()), line));
        if touched.line == 0 {
            touched.line = line;
        }
        touched
    }

    /// Takes signatures away, once all lines are carried out, that are those of other records than there are from then on.
    pub(super) fn drop_old_signatures(&mut self) {
        self.owners.values_mut().for_each(drop_old_signatures);
    }

    /// Whether the zone is another than before.
    pub(super) fn is_changed(&self) -> bool {
        self.owners.values().any(Touched::is_changed)
    }

    /// The apex's name.
    pub(super) fn apex(&self) -> &Name {
        &self.apex
    }

    /// What the apex owned before.
    pub(super) fn apex_before(&self) -> &OwnerRecords {
        &self.owners[&self.apex].before
    }

    /// What the apex owns from then on.
    pub(super) fn apex_now(&self) -> &OwnerRecords {
        &self.owners[&self.apex].now
    }

    /// Whether lines bring an SOA record of another content.
    pub(super) fn brings_soa(&self) -> bool {
        let rdata = |owner: &OwnerRecords| owner.soa().map(|soa| canonical(Rtype::SOA, &soa.rdata));
        rdata(self.apex_before()) != rdata(self.apex_now())
    }

    /// The serial before.
    pub(super) fn serial_before(&self) -> u32 {
        serial_of(self.apex_before())
    }

    /// The serial from then on.
    pub(super) fn serial_now(&self) -> u32 {
        serial_of(self.apex_now())
    }

    /// Gives the SOA record another serial.
    pub(super) fn raise_serial(&mut self, to: u32) {
        let Some(touched) = self.owners.get_mut(&self.apex) else { return };
        let Some(soa) = touched.now.soa() else { return };
        let rdata = serial::with_serial(&soa.rdata, to);
        touched.now.remove(Rtype::SOA, &soa.rdata);
        touched.now.add(Rtype::SOA, soa.ttl, &rdata, 0);
    }

    /// What a name owns from then on.
    pub(super) fn owner(&self, name: &Name) -> Cow<'_, OwnerRecords> {
        match self.owners.get(name) {
            Some(touched) => Cow::Borrowed(&touched.now),
            None => Cow::Owned(self.view.owner(name.as_ref())),
        }
    }

    /// What a name owned before.
    pub(super) fn owner_before(&self, name: &Name) -> Cow<'_, OwnerRecords> {
        match self.owners.get(name) {
            Some(touched) => Cow::Borrowed(&touched.before),
            None => Cow::Owned(self.view.owner(name.as_ref())),
        }
    }

    /// The change that it all makes.
    pub(super) fn into_change(self) -> ZoneChange {
        let mut set = ChangeSet {
            from: self.serial_before(),
            to: self.serial_now(),
            removed: self.apex_before().soa().into_iter().collect(),
            added: self.apex_now().soa().into_iter().collect(),
            apex: self.apex,
        };
        let mut owners = OwnerChanges::new();
        for touched in self.owners.into_values().filter(Touched::is_changed) {
            touched.before.push_added(&touched.now, &mut set.removed);
            touched.now.push_added(&touched.before, &mut set.added);
            let records = touched.now.to_owned_records();
            owners.insert(touched.now.owner, records);
        }
        ZoneChange { set, owners }
    }
}

/// Takes signatures of one owner away: of an RRset that changed, those that no line brought.
fn drop_old_signatures(touched: &mut Touched) {
    for rtype in touched.now.changed_types(&touched.before) {
        let signatures = &touched.signatures;
        touched.now.retain_signatures(rtype, |rdata| signatures.contains(&(rtype, rdata.into())));
    }
}

/// The serial of an apex.
fn serial_of(apex: &OwnerRecords) -> u32 {
    apex.soa().and_then(|soa| serial::of_soa(&soa.rdata)).unwrap_or(0)
}

/// What is wrong with a line that deletes what is not there.
fn fault(line: &ChangeLine) -> LineFault {
    let text = match &line.request {
        Request::Add(record) => present::record(record.owner.as_ref(), record.ttl, record.rtype, &record.rdata),
        Request::Delete { owner, rtype, rdata } => format!("{owner} {rtype} {}", present::rdata(*rtype, rdata)),
        Request::DeleteRrset { owner, rtype } => format!("{owner} {rtype}"),
        Request::DeleteOwner { owner } => owner.to_string(),
    };
    LineFault { place: line.place, text }
}
