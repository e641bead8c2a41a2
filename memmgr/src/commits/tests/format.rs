//! The tables in `docs/generations.md` against the code.

use std::fs;

use super::*;
use crate::commits::frame::{LOG_HEADER_OCTETS, RECORD_HEADER_OCTETS};

/// The rows of a table: where a field begins, how many octets it has, and what it is.
fn table(of: &str) -> Vec<(usize, usize, String)> {
    let page = include_str!("../../../../docs/generations.md");
    let head = format!("| {of}: octet |");
    let rows =
        page.lines().skip_while(|line| !line.starts_with(&head)).skip(2).take_while(|line| line.starts_with('|'));
    let fields = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    fields.map(|row| (row[1].parse().unwrap(), row[2].parse().unwrap_or(0), row[3].to_owned())).collect()
}

#[test]
fn the_tables_are_those_of_the_code() {
    for (of, octets) in [("log", LOG_HEADER_OCTETS), ("record", RECORD_HEADER_OCTETS)] {
        let end = table(of).iter().fold(0, |at, (begin, octets, what)| {
            assert_eq!(at, *begin, "{of}: {what}");
            begin + octets
        });
        assert_eq!(end, octets, "{of}");
    }
}

#[test]
fn the_fields_lie_where_the_tables_say() {
    let (_temporary, directory) = directory();
    let mut log = CommitLog::create(&directory, 0x1234, 0x5678).unwrap();
    let first = log.append(&record(0x9abc)).unwrap();
    let second = log.append(&record(0x9abd)).unwrap();
    let octets = fs::read(directory.commit_log(0x1234)).unwrap();
    let field = |of: &str, at: u64, word: &str| {
        let (begin, length, _) = table(of).into_iter().find(|(_, _, what)| what.contains(word)).unwrap();
        let begin = usize::try_from(at).unwrap() + begin;
        octets[begin..begin + length].to_vec()
    };
    assert_eq!(field("log", 0, "TRINELOG"), b"TRINELOG");
    assert_eq!(field("log", 0, "format"), 1_u32.to_le_bytes());
    assert_eq!(field("log", 0, "number"), 0x1234_u64.to_le_bytes());
    assert_eq!(field("log", 0, "comes after"), 0x5678_u64.to_le_bytes());
    assert_eq!(field("record", first.offset, "TREC"), b"TREC");
    let length = u32::try_from(first.length).unwrap() - 48;
    assert_eq!(field("record", first.offset, "length"), length.to_le_bytes());
    assert_eq!(field("record", second.offset, "generation"), 0x9abd_u64.to_le_bytes());
    assert_eq!(field("record", first.offset, "checksum of the record before"), field("log", 0, "xxh3"));
    assert_eq!(field("record", second.offset, "checksum of the record before"), field("record", first.offset, "xxh3"));
}
