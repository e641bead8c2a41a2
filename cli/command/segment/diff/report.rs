//! How differences are printed: lines with a sign for people, an object for programs; both as they are found.

use std::io::{self, Write};

use serde_json::json;
use zone_segment::{NameRef, Zone};

use super::super::records::RecordRef;
use super::walk::{Report, Side, Summary};
use crate::command::print;

/// Lines with a sign, under a comment with each zone's name and serials, and a summary.
pub(super) struct TextReport<'o> {
    /// Where it goes.
    out: &'o mut dyn Write,
    /// Room for a line.
    line: String,
}

impl<'o> TextReport<'o> {
    /// Begins one.
    pub(super) fn begin(out: &'o mut dyn Write) -> TextReport<'o> {
        TextReport { out, line: String::new() }
    }

    /// Writes the summary.
    pub(super) fn end(self, summary: &Summary) -> io::Result<()> {
        let Summary { zones, zones_differing, removed, added } = summary;
        match zones_differing {
            0 => writeln!(self.out, "no difference; zones compared: {zones}"),
            _ => writeln!(self.out, "zones that differ: {zones_differing} of {zones}; records: -{removed} +{added}"),
        }
    }
}

impl Report for TextReport<'_> {
    fn zone(&mut self, old: Option<Zone<'_>>, new: Option<Zone<'_>>) -> io::Result<()> {
        match (old, new) {
            (Some(old), Some(new)) if old.serial() == new.serial() => writeln!(self.out, "; zone {}", new.apex()),
            (Some(old), Some(new)) => {
                let serial = |zone: Zone<'_>| print::or_dash(zone.serial());
                writeln!(self.out, "; zone {}, serial {} before and {} after", new.apex(), serial(old), serial(new))
            }
            (Some(old), None) => writeln!(self.out, "; zone {}, in the old segment alone", old.apex()),
            (None, Some(new)) => writeln!(self.out, "; zone {}, in the new segment alone", new.apex()),
            (None, None) => Ok(()),
        }
    }

    fn record(&mut self, side: Side, owner: NameRef<'_>, record: &RecordRef<'_>) -> io::Result<()> {
        self.line.clear();
        self.line.push_str(match side {
            Side::Old => "- ",
            Side::New => "+ ",
        });
        record.present(owner, &mut self.line);
        self.line.push('\n');
        self.out.write_all(self.line.as_bytes())
    }
}

/// One object: an array of the differences, then the summary's numbers.
pub(super) struct JsonReport<'o> {
    /// Where it goes.
    out: &'o mut dyn Write,
    /// The zone that records are of.
    zone: String,
    /// What stands between the last difference and the next.
    separator: &'static str,
}

impl<'o> JsonReport<'o> {
    /// Begins one.
    pub(super) fn begin(out: &'o mut dyn Write) -> io::Result<JsonReport<'o>> {
        write!(out, "{{\"changes\": [")?;
        Ok(JsonReport { out, zone: String::new(), separator: "\n  " })
    }

    /// Closes it with the summary.
    pub(super) fn end(self, summary: &Summary) -> io::Result<()> {
        let Summary { zones, zones_differing, removed, added } = summary;
        writeln!(
            self.out,
            "\n], \"equal\": {}, \"zones\": {zones}, \"zones_differing\": {zones_differing}, \"removed\": {removed}, \"added\": {added}}}",
            *zones_differing == 0
        )
    }

    /// Writes one difference.
    fn change(&mut self, change: &str, record: Option<&str>) -> io::Result<()> {
        let object = json!({"zone": self.zone, "change": change, "record": record});
        write!(self.out, "{}{object}", self.separator)?;
        self.separator = ",\n  ";
        Ok(())
    }
}

impl Report for JsonReport<'_> {
    fn zone(&mut self, old: Option<Zone<'_>>, new: Option<Zone<'_>>) -> io::Result<()> {
        self.zone = old.or(new).map(|zone| zone.apex().to_string()).unwrap_or_default();
        match (old, new) {
            (Some(_), None) => self.change("zone removed", None),
            (None, Some(_)) => self.change("zone added", None),
            _ => Ok(()),
        }
    }

    fn record(&mut self, side: Side, owner: NameRef<'_>, record: &RecordRef<'_>) -> io::Result<()> {
        let mut line = String::new();
        record.present(owner, &mut line);
        self.change(if side == Side::Old { "removed" } else { "added" }, Some(&line))
    }
}
