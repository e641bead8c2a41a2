//! Tests of zone files and presentation format; what the helpers here share is how a snippet is read.

use super::present;
use super::zonefile::{ZoneFile, read_octets};
use crate::types::Rtype;
use std::path::Path;
use zone_segment::Name;

mod changes;
mod errors;
mod include;
mod limits;
mod parts;
mod rdata;
mod records;
mod round_trip;
mod scanner;

/// Reads a snippet as `x.zone` with the origin `example.`.
fn parse(source: impl AsRef<[u8]>) -> ZoneFile {
    read_octets(Path::new("x.zone"), source.as_ref(), &"example.".parse::<Name>().unwrap())
}

/// The records of a snippet without errors, each on a line.
fn lines(source: impl AsRef<[u8]>) -> Vec<String> {
    let zone_file = parse(source);
    assert_eq!(zone_file.errors, [], "{}", zone_file.errors[0]);
    let line = |r: &crate::Record| present::record(r.owner.as_ref(), r.ttl, r.rtype, &r.rdata);
    zone_file.to_records().iter().map(line).collect()
}

/// The errors of a snippet, each as it is displayed.
fn errors(source: impl AsRef<[u8]>) -> Vec<String> {
    parse(source).errors.iter().map(ToString::to_string).collect()
}

/// The octets of the RDATA of a snippet's only record.
fn wire(rtype: Rtype, text: &str) -> Vec<u8> {
    let zone_file = parse(format!("x 1 {rtype} {text}\n"));
    assert_eq!(zone_file.errors, [], "{}", zone_file.errors[0]);
    zone_file.to_records()[0].rdata.to_vec()
}
