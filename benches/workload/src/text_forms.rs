//! Other forms of zone-file text: relative names below `$ORIGIN`, lines in no order, a file a zone.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use dns::text::present;
use dns::types::Rtype;
use zone_segment::{Name, NameRef, ZoneId};

use crate::random::Random;
use crate::sink::Sink;
use crate::text::ZoneText;

/// Writes owners relative to the apex, an owner once, and TTLs only where they change: as zones are kept by hand and by programs that
/// save space.
#[derive(Debug)]
pub struct RelativeText<W> {
    /// Where it goes.
    out: W,
    /// The apex as text, with the dot at its end.
    apex: String,
    /// The owner of the line before.
    owner: Option<Name>,
    /// The TTL of the line before.
    ttl: Option<u32>,
    /// The line that is being written.
    line: String,
}

impl<W: Write> RelativeText<W> {
    /// Text that goes to `out`.
    pub fn new(out: W) -> RelativeText<W> {
        RelativeText { out, apex: String::new(), owner: None, ttl: None, line: String::new() }
    }
}

impl<W: Write> Sink for RelativeText<W> {
    type Error = io::Error;

    fn start_zone(&mut self, _: ZoneId, apex: NameRef<'_>) -> io::Result<()> {
        self.apex = apex.to_string();
        (self.owner, self.ttl) = (None, None);
        writeln!(self.out, "$ORIGIN {}", self.apex)
    }

    fn rrset(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> io::Result<()> {
        for rdata in rdata {
            self.line.clear();
            present::push_record(&mut self.line, owner, ttl, rtype, rdata);
            // Owner, TTL, class, and the rest, with tabs between them.
            let mut fields = self.line.splitn(4, ['\t', ' ']);
            let (text, rest) = (fields.next().unwrap_or_default(), fields.nth(2).unwrap_or_default());
            if self.owner.as_ref().map(Name::as_ref) == Some(owner) {
                // The owner of the line before.
            } else if text == self.apex {
                self.out.write_all(b"@")?;
            } else {
                let relative = text.strip_suffix(&self.apex).and_then(|text| text.strip_suffix('.'));
                self.out.write_all(relative.unwrap_or(text).as_bytes())?;
            }
            match self.ttl == Some(ttl) {
                true => writeln!(self.out, "\t{rest}")?,
                false => writeln!(self.out, "\t{ttl}\t{rest}")?,
            }
            (self.owner, self.ttl) = (Some(owner.to_name()), Some(ttl));
        }
        Ok(())
    }
}

/// Lines with whole names in no order but for the first, which is that of the SOA record; all of them in memory until then.
#[derive(Debug)]
pub(crate) struct ShuffledText {
    /// All lines, in order.
    text: ZoneText<Vec<u8>>,
}

impl ShuffledText {
    /// No lines yet.
    pub(crate) fn new() -> ShuffledText {
        ShuffledText { text: ZoneText::new(Vec::new()) }
    }

    /// Writes the lines. Gives their octets.
    pub(crate) fn finish(self, seed: u64, mut out: impl Write) -> io::Result<u64> {
        let octets = self.text.into_inner()?;
        let ends = octets.iter().enumerate().filter(|(_, octet)| **octet == b'\n').map(|(at, _)| at + 1);
        let mut start = 0;
        let mut lines: Vec<&[u8]> = ends.map(|end| &octets[std::mem::replace(&mut start, end)..end]).collect();
        let mut random = Random::new(seed);
        for last in (2..lines.len()).rev() {
            lines.swap(last, 1 + random.below(last));
        }
        lines.iter().try_for_each(|line| out.write_all(line))?;
        out.flush()?;
        Ok(octets.len() as u64)
    }
}

impl Sink for ShuffledText {
    type Error = io::Error;

    fn start_zone(&mut self, id: ZoneId, apex: NameRef<'_>) -> io::Result<()> {
        self.text.start_zone(id, apex)
    }

    fn rrset(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> io::Result<()> {
        self.text.rrset(owner, rtype, ttl, rdata)
    }
}

/// Writes each zone into a file of its own, which is named by its apex.
#[derive(Debug)]
pub struct ZoneFiles {
    /// Their folder.
    folder: PathBuf,
    /// The zone that is being written.
    zone: Option<ZoneText<BufWriter<File>>>,
    /// The apexes so far, each with the dot at its end.
    apexes: Vec<String>,
    /// Octets of the zones before.
    octets: u64,
}

impl ZoneFiles {
    /// Files in a folder that is there.
    pub fn new(folder: &Path) -> ZoneFiles {
        ZoneFiles { folder: folder.to_owned(), zone: None, apexes: Vec::new(), octets: 0 }
    }

    /// Writes what is left. Gives all apexes, each with the dot at its end, and the octets of all files.
    pub fn finish(mut self) -> io::Result<(Vec<String>, u64)> {
        self.complete_zone()?;
        Ok((self.apexes, self.octets))
    }

    /// Writes what is left of a zone.
    fn complete_zone(&mut self) -> io::Result<()> {
        if let Some(zone) = self.zone.take() {
            self.octets += zone.finish()?;
        }
        Ok(())
    }
}

impl Sink for ZoneFiles {
    type Error = io::Error;

    fn start_zone(&mut self, _: ZoneId, apex: NameRef<'_>) -> io::Result<()> {
        self.complete_zone()?;
        let apex = apex.to_string();
        // With the dot of the apex.
        let file = File::create(self.folder.join(format!("{apex}zone")))?;
        self.zone = Some(ZoneText::new(BufWriter::new(file)));
        self.apexes.push(apex);
        Ok(())
    }

    fn rrset(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> io::Result<()> {
        let Some(zone) = &mut self.zone else { return Ok(()) };
        zone.rrset(owner, rtype, ttl, rdata)
    }
}
