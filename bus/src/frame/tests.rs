//! Tests of the layout: the page and the constants agree, and no packet is read as something that it is not.

use proptest::prelude::*;

use super::*;
use crate::address::NAME_MAX;
use crate::group::GROUP_BYTES_MAX;

/// The page that describes the protocol.
const PAGE: &str = include_str!("../../../docs/bus-protocol.md");

/// The cells of each row of the table in the page whose heading row begins so, without the heading.
fn table(heading: &str) -> Vec<Vec<String>> {
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows = PAGE.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
    rows.take_while(|line| line.starts_with('|')).map(cells).collect()
}

#[test]
fn the_page_has_the_header_as_it_is() {
    let written: Vec<_> = table("| offset |").into_iter().map(|row| row[..3].to_vec()).collect();
    let real: Vec<_> =
        FIELDS.iter().map(|(at, size, name)| vec![at.to_string(), size.to_string(), (*name).to_owned()]).collect();
    assert_eq!(written, real);
    let mut at = 0;
    for (offset, size, name) in FIELDS {
        assert_eq!(offset, at, "{name}");
        at += size;
    }
    assert_eq!(at, HEADER_BYTES);
    assert!(PAGE.contains(&format!("exactly {HEADER_BYTES} bytes")));
}

#[test]
fn the_page_has_the_kinds_as_they_are() {
    let written: Vec<_> =
        table("| kind |").into_iter().map(|row| (row[0].clone(), row[1].clone(), row[4] == "yes")).collect();
    let real: Vec<_> =
        Kind::ALL.iter().map(|kind| ((*kind as u8).to_string(), kind.to_string(), kind.has_body())).collect();
    assert_eq!(written, real);
}

#[test]
fn the_page_has_the_limits_as_they_are() {
    let written: Vec<_> = table("| limit |").into_iter().map(|row| row[1].clone()).collect();
    let real = [
        format!("{FRAME_MAX} bytes"),
        format!("{ENVELOPE_MAX} bytes"),
        format!("{BODY_INLINE_MAX} bytes"),
        format!("{BODY_MAX} bytes"),
        DESCRIPTORS_MAX.to_string(),
        format!("{NAME_MAX} bytes"),
        format!("{GROUP_BYTES_MAX} bytes"),
    ];
    assert_eq!(written, real);
}

#[test]
fn the_page_has_the_limits_of_a_peer_as_they_are_unless_set() {
    let options = crate::BrokerOptions::default();
    let page = PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
    const MIB: usize = 1024 * 1024;
    for text in [
        format!("a queue of {} MiB, {} descriptors", options.queue_bytes_max / MIB, options.queue_descriptors_max),
        format!("and {} MiB in memfds", options.queue_memfd_bytes_max / MIB),
        format!("at most {} untaken", options.descriptors_untaken_max),
        format!("the caller has {} in flight", options.requests_max),
        format!("the caller is in {} groups", options.groups_max),
        format!("the broker waits {} s for it", options.name_timeout.as_secs()),
    ] {
        assert!(page.contains(&text), "{text}");
    }
}

#[test]
fn names_of_kinds_are_the_same_in_json_and_in_words() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
    }
}

/// A header that has nothing wrong.
fn header() -> Header {
    Header { kind: Kind::Message, body_in_memfd: false, descriptors: 0, envelope_bytes: 2, body_bytes: 4, request: 7 }
}

/// A frame with this header and as much behind it as the header says.
fn packet(header: Header) -> Vec<u8> {
    let mut packet = header.encode().to_vec();
    packet.resize(HEADER_BYTES + usize::from(header.envelope_bytes) + header.inline_bytes(), b' ');
    packet
}

#[test]
fn a_frame_comes_apart_as_it_was_put_together() {
    let packet = packet(header());
    let parts = split(&packet, 0).unwrap();
    assert_eq!((parts.header, parts.envelope.len(), parts.body.len()), (header(), 2, 4));
}

#[test]
fn each_fault_has_its_own_name() {
    let with = |change: fn(&mut Header)| {
        let mut header = header();
        change(&mut header);
        split(&packet(header), usize::from(header.descriptors)).unwrap_err()
    };
    let byte = |at: usize| {
        let mut packet = packet(header());
        packet[at] ^= 0x80;
        split(&packet, 0).unwrap_err()
    };
    assert!(matches!(split(&[0; HEADER_BYTES - 1], 0), Err(FrameError::TooShort { .. })));
    assert!(matches!(split(&[0; FRAME_MAX + 1], 0), Err(FrameError::TooLong { .. })));
    assert!(matches!(split(&packet(header()), 1), Err(FrameError::Descriptors { expected: 0, got: 1 })));
    assert!(matches!(split(&packet(header())[..29], 0), Err(FrameError::Length { expected: 30, got: 29 })));
    assert!(matches!(byte(MAGIC_AT), FrameError::Magic { .. }));
    assert!(matches!(byte(VERSION_AT), FrameError::Version { .. }));
    assert!(matches!(byte(KIND_AT), FrameError::Kind { .. }));
    assert!(matches!(byte(FLAGS_AT), FrameError::Flags { .. }));
    assert!(matches!(with(|h| h.envelope_bytes = 1025), FrameError::Envelope { .. }));
    assert!(matches!(with(|h| h.body_bytes = BODY_INLINE_MAX as u32 + 1), FrameError::Body { .. }));
    assert!(matches!(with(|h| h.kind = Kind::Subscribe), FrameError::Body { max: 0, .. }));
    assert!(matches!(with(|h| h.descriptors = 65), FrameError::TooManyDescriptors { max: 64, got: 65 }));
    assert!(matches!(with(|h| h.body_in_memfd = true), FrameError::Descriptors { expected: 1, got: 0 }));
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), descriptors in 0usize..70) {
        let _ = split(&bytes, descriptors);
    }

    #[test]
    fn what_is_read_is_what_was_written(
        kind in prop::sample::select(&Kind::ALL[..]), body_in_memfd: bool, descriptors in 0u16..70,
        envelope_bytes in 0u16..1100, body_bytes in 0u32..70_000, request: u64, cut in 0usize..3,
    ) {
        let header = Header { kind, body_in_memfd, descriptors, envelope_bytes, body_bytes, request };
        let mut packet = packet(header);
        packet.truncate(packet.len() - cut);
        match split(&packet, usize::from(descriptors)) {
            Ok(parts) => {
                prop_assert_eq!(cut, 0);
                prop_assert_eq!(parts.header, header);
                prop_assert_eq!(parts.envelope.len() + parts.body.len() + HEADER_BYTES, packet.len());
                prop_assert!(usize::from(descriptors) <= DESCRIPTORS_MAX && packet.len() <= FRAME_MAX);
            }
            Err(_) => {
                let is_sound = cut == 0
                    && usize::from(descriptors) <= if kind.has_body() { DESCRIPTORS_MAX } else { 0 }
                    && usize::from(envelope_bytes) <= ENVELOPE_MAX
                    && body_bytes as usize <= if kind.has_body() { BODY_INLINE_MAX } else { 0 }
                    && (!body_in_memfd || descriptors > 0);
                prop_assert!(!is_sound);
            }
        }
    }

    #[test]
    fn a_changed_byte_is_never_a_panic(at in 0usize..30, value: u8) {
        let mut packet = packet(header());
        packet[at] = value;
        if let Ok(parts) = split(&packet, 0) {
            prop_assert_eq!(parts.header.encode().len() + parts.envelope.len() + parts.body.len(), packet.len());
        }
    }
}
