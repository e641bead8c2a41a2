//! The signed root zone, as it was served.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

use std::io::Read;
use std::path::Path;

/// The root zone's file, unpacked.
///
/// # Panics
///
/// Outside of a checkout of the project, whose tests have it.
pub fn root_zone() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/root-zone/2018012900.zone.zst");
    let packed = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(packed).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// The TLDs in the root zone's file.
pub fn tlds(text: &str) -> Vec<String> {
    let owners = text.lines().filter_map(|line| line.split_whitespace().next());
    let top = owners.filter(|owner| owner.len() > 1 && owner.matches('.').count() == 1);
    // The file has them in two spellings.
    let mut tlds: Vec<String> = top.map(str::to_ascii_lowercase).collect();
    tlds.sort();
    tlds.dedup();
    tlds
}
