//! Zone-file text: a record a line, whole names, TTL and class on each, as registries hand their zones out.

use std::io;

use dns::text::present;
use dns::types::Rtype;
use zone_segment::{NameRef, ZoneId};

use crate::sink::Sink;

/// Writes text as the records come in.
#[derive(Debug)]
pub struct ZoneText<W> {
    /// Where it goes.
    out: W,
    /// Lines that are not written yet.
    lines: String,
    /// Octets written.
    written: u64,
}

impl<W: io::Write> ZoneText<W> {
    /// Text that goes to `out`.
    pub fn new(out: W) -> ZoneText<W> {
        ZoneText { out, lines: String::new(), written: 0 }
    }

    /// Writes what is left. Gives the octets written in all.
    pub fn finish(mut self) -> io::Result<u64> {
        self.write_lines()?;
        self.out.flush()?;
        Ok(self.written)
    }

    /// Writes what is left, and gives back where it went.
    pub(crate) fn into_inner(mut self) -> io::Result<W> {
        self.write_lines()?;
        Ok(self.out)
    }

    /// Writes the lines that are complete.
    fn write_lines(&mut self) -> io::Result<()> {
        self.out.write_all(self.lines.as_bytes())?;
        self.written += self.lines.len() as u64;
        self.lines.clear();
        Ok(())
    }
}

impl<W: io::Write> Sink for ZoneText<W> {
    type Error = io::Error;

    fn start_zone(&mut self, _: ZoneId, _: NameRef<'_>) -> io::Result<()> {
        Ok(())
    }

    fn rrset(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: u32, rdata: &[&[u8]]) -> io::Result<()> {
        for rdata in rdata {
            present::push_record(&mut self.lines, owner, ttl, rtype, rdata);
            self.lines.push('\n');
        }
        if self.lines.len() >= WRITE_OCTETS {
            self.write_lines()?;
        }
        Ok(())
    }
}

/// How much is written at once.
const WRITE_OCTETS: usize = 1 << 20;
