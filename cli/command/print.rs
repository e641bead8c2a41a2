//! Output: JSON for programs, aligned columns for people; errors on standard error.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::exit::Exit;

/// Prints JSON.
pub(super) fn json(value: &impl Serialize) -> Exit {
    match serde_json::to_string_pretty(value) {
        Ok(text) => text_line(&text),
        Err(error) => failed(&format!("writing JSON: {error}")),
    }
}

/// Prints a text and a line end.
pub(super) fn text_line(text: &str) -> Exit {
    stream(|out| writeln!(out, "{text}").map(|()| Exit::Done))
}

/// Prints what `write` writes, as it comes: for what may be too long to be held.
pub(super) fn stream(write: impl FnOnce(&mut dyn Write) -> io::Result<Exit>) -> Exit {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = write(&mut out).and_then(|exit| out.flush().map(|()| exit));
    match written {
        Ok(exit) => exit,
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => failed(&format!("writing to standard output: {error}")),
    }
}

/// Prints rows as columns under their headings; the last column is not padded.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Exit {
    let mut widths = headings.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let lines = std::iter::once(line(headings)).chain(rows.iter().map(|row| line(row.each_ref().map(String::as_str))));
    text_line(&lines.collect::<Vec<_>>().join("\n"))
}

/// A time in seconds since 1970, in UTC.
pub(super) fn time(unix: u64) -> String {
    let (year, month, day) = dns::text::calendar_date(unix);
    let (hour, minute, second) = (unix / 3600 % 24, unix / 60 % 60, unix % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Says on standard error what went wrong.
pub(super) fn failed(message: &str) -> Exit {
    eprintln!("trine: {message}");
    Exit::Failed
}

/// A value or a dash.
pub(super) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(951_782_400 + 86_399), "2000-02-29T23:59:59Z");
        assert_eq!(time(1_795_348_801), "2026-11-22T12:00:01Z");
    }
}
