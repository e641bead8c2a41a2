//! A manifest body as octets, under a first line that tells any change of them.
//!
//! No files here. [`encode`] and [`decode`] are what there is.

use std::io;

use xxhash_rust::xxh3::xxh3_128;

use super::body::ManifestBody;
use super::error::{DecodeError, SaveError};

/// The most octets of a manifest: about 300,000 groups. A longer file is not read into memory.
pub const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// The first word of the file.
const MAGIC: &str = "trine-manifest";

/// The format. A change that this code would misread needs the next number.
const VERSION: u32 = 3;

/// The octets of a manifest file.
///
/// # Errors
///
/// A body that [`decode`] would refuse is not written.
pub fn encode(body: &ManifestBody) -> Result<Vec<u8>, SaveError> {
    if let Some(what) = body.contradiction() {
        return Err(SaveError::Contradiction(what));
    }
    let mut text = serde_json::to_vec_pretty(body).map_err(SaveError::Encode)?;
    text.push(b'\n');
    let mut octets = first_line(&text).into_bytes();
    octets.append(&mut text);
    let got = length_of(&octets);
    if got > MANIFEST_BYTES_MAX {
        return Err(SaveError::TooLong { got, expected_max: MANIFEST_BYTES_MAX });
    }
    Ok(octets)
}

/// The body of a manifest file.
///
/// # Errors
///
/// Any octet changed, added or missing.
pub fn decode(octets: &[u8]) -> Result<ManifestBody, DecodeError> {
    let got = length_of(octets);
    if got > MANIFEST_BYTES_MAX {
        return Err(DecodeError::TooLong { got, expected_max: MANIFEST_BYTES_MAX });
    }
    let end = octets.iter().position(|&octet| octet == b'\n').ok_or(DecodeError::NotManifest)?;
    let (line, text) = octets.split_at(end + 1);
    let sound = first_line(text);
    if line != sound.as_bytes() {
        return Err(difference(line, &sound, text));
    }
    let body: ManifestBody = serde_json::from_slice(text).map_err(DecodeError::Body)?;
    match body.contradiction() {
        Some(what) => Err(DecodeError::Contradiction(what)),
        None => Ok(body),
    }
}

/// The one first line that a body can have.
fn first_line(text: &[u8]) -> String {
    format!("{MAGIC} {VERSION} {} {:032x}\n", text.len(), xxh3_128(text))
}

/// What a first line says other than it should, in the words of its fields.
fn difference(line: &[u8], sound: &str, text: &[u8]) -> DecodeError {
    let line = String::from_utf8_lossy(line);
    let found: Vec<&str> = line.trim_end_matches('\n').split(' ').collect();
    let wanted: Vec<&str> = sound.trim_end_matches('\n').split(' ').collect();
    let ([magic, version, length, checksum], [_, _, _, computed]) = (found.as_slice(), wanted.as_slice()) else {
        return DecodeError::NotManifest;
    };
    if *magic != MAGIC {
        return DecodeError::NotManifest;
    }
    if *version != VERSION.to_string() {
        return DecodeError::Version { expected: VERSION, got: (*version).to_owned() };
    }
    if *length != text.len().to_string() {
        return DecodeError::Length { expected: (*length).to_owned(), got: length_of(text) };
    }
    DecodeError::Checksum { expected: (*checksum).to_owned(), got: (*computed).to_owned() }
}

/// A length in memory as one on disk.
fn length_of(octets: &[u8]) -> u64 {
    octets.len() as u64
}

/// Reads a whole file unless it is longer than a manifest may be; one octet above the limit tells that.
pub(super) fn read_limited(file: impl io::Read) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    io::Read::read_to_end(&mut file.take(MANIFEST_BYTES_MAX + 1), &mut octets)?;
    Ok(octets)
}
