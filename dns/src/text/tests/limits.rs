//! Limits of what a text may ask for, met by texts that ask for more.

use super::scanner::{assert_same, read_as};
use super::*;
use crate::text::error::{Place, Reason};
use crate::text::limits::TOKENS_MAX;
use crate::text::zonefile::Options;

/// The reasons and places of the errors of a text.
fn faults(source: &str, options: &Options<'_>) -> Vec<(Reason, Place)> {
    let errors = read_as(source.as_bytes(), options).errors;
    errors.into_iter().map(|error| (error.reason, error.place.unwrap())).collect()
}

#[test]
fn generated_octets_are_counted_over_the_whole_zone() {
    // Each record is 1 octet of owner and 9 of RDATA as text, 11 and 4 in wire form.
    let directive = "$GENERATE 1-9 $ 7 A 192.0.2.$\n";
    let source = format!("{directive}b 1 A 192.0.2.1\n{directive}");
    let options = |generated_octets_max| Options { generated_octets_max, ..Options::default() };
    assert_eq!(faults(&source, &options(18 * 15)), []);
    let expected = (Reason::GeneratedTooLarge, Place { line: 3, column: 11 });
    assert_eq!(faults(&source, &options(18 * 15 - 1)), [expected]);
}

#[test]
fn text_that_leaves_no_rdata_counts_too() {
    let source = format!("$GENERATE 1-9 $ 7 A \"192.0.2.$ ;{}\"", "c".repeat(1000));
    let options = Options { generated_octets_max: 9000, ..Options::default() };
    assert_eq!(faults(&source, &options), [(Reason::GeneratedTooLarge, Place { line: 1, column: 11 })]);
}

#[test]
fn generated_records_are_counted_over_all_parts_wherever_their_directive_stands() {
    for directive in
        ["$GENERATE 1-9 $ 7 A 192.0.2.$", "($GENERATE 1-9 $ 7 A 192.0.2.$ )", "\r$GENERATE 1-9 $ 7 A 192.0.2.$"]
    {
        let source = format!("{directive}\n{}", "b 1 A 192.0.2.1\n".repeat(20)).repeat(3);
        let whole = Options { generated_octets_max: 20 * 15, ..Options::default() };
        let in_parts = Options { part_octets: 100, threads: 2, ..whole };
        let read = read_as(source.as_bytes(), &in_parts);
        assert_same(&read, &read_as(source.as_bytes(), &whole), directive);
        assert_eq!(read.errors.len(), 1, "{directive:?}");
    }
}

#[test]
fn an_entry_without_end_is_given_up_where_its_parenthesis_opens() {
    let source = format!("a 1 TXT (\nb 1 A 192.0.2.1\n{}", "c 1 A 192.0.2.1\n".repeat(TOKENS_MAX));
    let read = read_as(source.as_bytes(), &Options::default());
    assert_eq!(errors(&source), ["x.zone:1:9: error: parenthesis is never closed: `(`"]);
    assert_eq!(read.columns.to_records().len(), TOKENS_MAX + 1);
    let in_parts = Options { part_octets: 10_000, threads: 2, ..Options::default() };
    assert_same(&read_as(source.as_bytes(), &in_parts), &read, "in parts");
}

#[test]
fn an_unclosed_parenthesis_is_told_before_the_rest_of_the_file_is_looked_at() {
    // Were all read up to the end, this parenthesis there would close the one that was forgotten.
    let source = format!("a 1 TXT (\n{})\n", "1 ".repeat(TOKENS_MAX + 1));
    let expected = Place { line: 1, column: 9 };
    let faults = faults(&source, &Options::default());
    assert_eq!(faults[0], (Reason::UnclosedParenthesis, expected));
    assert_eq!(faults[1].0, Reason::TooManyTokens);
}

#[test]
fn a_record_of_as_many_words_as_there_can_be_is_read() {
    let source = format!("a 1 TYPE65280 \\# 65535 ( {})", "0 ".repeat(2 * 65_535));
    let read = parse(&source);
    assert_eq!(read.errors.len(), 0, "{}", read.errors[0]);
}
