//! The header page against its documentation, and the order of its checks.

use super::*;

/// Every field by its documented name.
const FIELDS: [(&str, &Field); 20] = [
    ("magic", &MAGIC_FIELD),
    ("format version", &FORMAT_VERSION_FIELD),
    ("byte order", &BYTE_ORDER_FIELD),
    ("layout hash", &LAYOUT_HASH_FIELD),
    ("kind", &KIND_FIELD),
    ("reserved", &RESERVED_FIELD),
    ("total length", &TOTAL_LENGTH_FIELD),
    ("archive offset", &ARCHIVE_OFFSET_FIELD),
    ("archive length", &ARCHIVE_LENGTH_FIELD),
    ("root offset", &ROOT_OFFSET_FIELD),
    ("root length", &ROOT_LENGTH_FIELD),
    ("hash key", &HASH_KEY_FIELD),
    ("block length", &BLOCK_OCTETS_FIELD),
    ("block count", &BLOCK_COUNT_FIELD),
    ("block table offset", &BLOCK_TABLE_FIELD),
    ("content hash", &CONTENT_HASH_FIELD),
    ("root hash", &ROOT_HASH_FIELD),
    ("builder", &BUILDER_FIELD),
    ("fill", &FILL_FIELD),
    ("header hash", &HEADER_HASH_FIELD),
];

/// A header of a segment with an archive of three and a half blocks.
fn header() -> Header {
    let archive_length = BLOCK_OCTETS * 7 / 2;
    Header {
        kind: Kind::Zones,
        total_length: HEADER_LENGTH as u64 + archive_length + 4 * BLOCK_HASH_OCTETS,
        archive_length,
        root_length: Kind::Zones.root_length(),
        key: HashKey([7; 16]),
        content_hash: 1,
        root_hash: 2,
        builder: [b'b'; 32],
    }
}

/// The header's page in front of a file of the right length.
fn file(header: &Header) -> Vec<u8> {
    let mut file = header.encode().to_vec();
    file.resize(header.total_length as usize, 0);
    file
}

/// The cells of a table's row.
fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn the_documented_table_is_the_one_in_the_code() {
    let document = include_str!("../../../docs/segment-format.md");
    let section = document.split("\n## ").find(|section| section.starts_with("Header\n")).expect("the section");
    let documented: Vec<(String, usize, usize)> = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = cells(line);
            let number = |at: usize| cells[at].parse().unwrap_or_else(|_| panic!("not a number: {line}"));
            (cells[2].to_owned(), number(0), number(1))
        })
        .collect();
    let coded: Vec<(String, usize, usize)> =
        FIELDS.iter().map(|(name, field)| ((*name).to_owned(), field.offset, field.length)).collect();
    assert_eq!(documented, coded);
}

#[test]
fn the_documented_root_lengths_are_those_in_the_code() {
    let document = include_str!("../../../docs/segment-format.md");
    for kind in [Kind::Zones, Kind::Directory] {
        let row = document
            .lines()
            .map(cells)
            .find(|cells| cells.len() == 3 && cells[0] == kind.to_string())
            .expect("a row of the kind");
        assert_eq!(row[2], kind.root_length().to_string());
    }
}

#[test]
fn what_is_encoded_is_decoded() {
    let header = header();
    assert_eq!(Header::decode(&file(&header)).expect("a good header"), header);
}

/// Changes a field and makes the header hash right again.
fn resealed(field: &Field, octets: &[u8]) -> Vec<u8> {
    let mut file = file(&header());
    file[field.offset..field.offset + octets.len()].copy_from_slice(octets);
    let hash = xxh3_128(&file[..HEADER_HASH_FIELD.offset]);
    file[HEADER_HASH_FIELD.offset..HEADER_LENGTH].copy_from_slice(&hash.to_le_bytes());
    file
}

#[test]
fn b38_another_version_order_or_layout_is_called_that_with_expected_and_found() {
    let refusal = |field, octets: &[u8]| Header::decode(&resealed(field, octets)).expect_err("refused").to_string();
    assert_eq!(
        refusal(&FORMAT_VERSION_FIELD, &1u32.to_le_bytes()),
        "a segment of another format version: expected 4, found 1"
    );
    assert_eq!(
        refusal(&BYTE_ORDER_FIELD, &BYTE_ORDER_MARK.to_be_bytes()),
        "a segment in another byte order: expected 0x01020304, found 0x04030201"
    );
    assert_eq!(
        refusal(&LAYOUT_HASH_FIELD, &5u64.to_le_bytes()),
        format!("a segment of another layout: expected {:016x}, found 0000000000000005", layout_hash())
    );
    assert_eq!(
        refusal(&KIND_FIELD, &9u32.to_le_bytes()),
        "a segment of an unknown kind: expected 1 (zones) or 2 (directory), found 9"
    );
    assert_eq!(refusal(&MAGIC_FIELD, b"ELF"), "not a segment: expected \"TRINESEG\", found \"ELFNESEG\"");
}

#[test]
fn b39_hostile_lengths_with_a_right_hash_are_refused() {
    let numbers = [
        &TOTAL_LENGTH_FIELD,
        &ARCHIVE_OFFSET_FIELD,
        &ARCHIVE_LENGTH_FIELD,
        &ROOT_OFFSET_FIELD,
        &ROOT_LENGTH_FIELD,
        &BLOCK_OCTETS_FIELD,
        &BLOCK_COUNT_FIELD,
        &BLOCK_TABLE_FIELD,
    ];
    for field in numbers {
        for value in [0, 1, u64::from(u32::MAX), i64::MAX as u64, u64::MAX - 4095, u64::MAX] {
            let error = Header::decode(&resealed(field, &value.to_le_bytes())).expect_err("refused");
            assert!(
                matches!(error, OpenError::TotalLength { .. } | OpenError::Extent { .. }),
                "field at {}, value {value}: {error}",
                field.offset
            );
        }
    }
}
