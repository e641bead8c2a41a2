//! Reads a zone file and says how many records it has: `read_zone FILE ORIGIN [THREADS]`. Made to be profiled.
#![expect(clippy::unwrap_used, reason = "in an example a panic is the report")]

use dns::text::zonefile::{self, Options};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let threads = arguments.get(3).map_or(0, |threads| threads.parse().unwrap());
    let options = Options { threads, ..Options::default() };
    let zone = zonefile::read(arguments[1].as_ref(), &arguments[2].parse().unwrap(), &options);
    zone.errors.iter().chain(&zone.warnings).for_each(|error| eprintln!("{error}"));
    println!("{} records in {} octets", zone.columns.records(), zone.columns.octets());
}
