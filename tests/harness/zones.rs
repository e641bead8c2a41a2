//! Zone files for tests.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The real root zone of a serial, unpacked.
///
/// # Panics
///
/// When there is none of this serial in `tests/data/root-zone`.
pub(crate) fn root(serial: &str) -> String {
    let path = data().join(format!("root-zone/{serial}.zone.zst"));
    let packed = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(packed).unwrap();
    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    text
}

/// The serials of the six versions in a row, oldest first.
pub(crate) const ROOT_SERIALS: [&str; 6] =
    ["2018012900", "2018012901", "2018013000", "2018013001", "2018013002", "2018013100"];

/// Where test data lies.
pub(crate) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// A small sound zone of this serial with `hosts` addresses.
pub(crate) fn small(apex: &str, serial: u32, hosts: usize) -> String {
    let mut text = format!(
        "$ORIGIN {apex}\n$TTL 300\n@ SOA ns.{apex} hostmaster.{apex} {serial} 3600 900 604800 60\n@ NS ns\nns A 192.0.2.53\n"
    );
    for host in 0..hosts {
        writeln!(text, "host{host} A 192.0.2.{}", host % 256).unwrap();
        writeln!(text, "host{host} TXT \"serial {serial}\"").unwrap();
    }
    text
}

/// Puts a zone file in place by rename, as an operator should.
pub(crate) fn install(directory: &Path, file: &str, text: &str) {
    let new = directory.join(format!("{file}.new"));
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, directory.join(file)).unwrap();
}
