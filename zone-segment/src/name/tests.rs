//! Names against the examples and limits of the RFCs.

use std::cmp::Ordering;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use proptest::prelude::*;

use super::*;

/// A name in presentation format.
fn name(text: &str) -> Name {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn wire_form_is_checked() {
    assert_eq!(NameRef::from_wire(b"\x03www\x07example\x00").expect("a name").to_string(), "www.example.");
    assert_eq!(NameRef::from_wire(b""), Err(NameError::Truncated { expected: 1, found: 0 }));
    assert_eq!(NameRef::from_wire(b"\x03ww"), Err(NameError::Truncated { expected: 5, found: 3 }));
    assert_eq!(NameRef::from_wire(b"\x03www"), Err(NameError::Truncated { expected: 5, found: 4 }));
    assert_eq!(NameRef::from_wire(b"\x00\x00"), Err(NameError::TrailingOctets { expected: 1, found: 2 }));
    assert_eq!(NameRef::from_wire(b"\x01a\xc0\x00"), Err(NameError::LabelType { offset: 2, found: 0xc0 }));
    let (prefix, length) = NameRef::parse_prefix(b"\x01a\x00rest").expect("a name");
    assert_eq!((prefix.to_string().as_str(), length), ("a.", 3));
}

#[test]
fn limits_are_63_and_255_octets() {
    let label = [b'x'; 63];
    let longest = [&label[..], &label, &label, &label[..61]];
    let longest = Name::from_labels(longest, NameRef::ROOT).expect("255 octets");
    assert_eq!(longest.as_wire().len(), NAME_OCTETS_MAX);
    assert_eq!(NameRef::from_wire(longest.as_wire()).expect("a name"), longest.as_ref());
    assert_eq!(longest.to_string().parse::<Name>().expect("the same"), longest);
    assert_eq!(longest.prepend_label(b"y"), Err(NameError::NameTooLong { expected_max: 255, found: 257 }));
    let mut wire = vec![1, b'y'];
    wire.extend_from_slice(longest.as_wire());
    assert!(matches!(NameRef::from_wire(&wire), Err(NameError::NameTooLong { expected_max: 255, .. })));
    assert_eq!(Name::root().prepend_label(&[b'x'; 64]), Err(NameError::LabelTooLong { expected_max: 63, found: 64 }));
    let most = Name::from_labels([&b"a"[..]; LABELS_MAX], NameRef::ROOT).expect("127 labels");
    assert_eq!((most.label_count(), most.as_wire().len()), (127, 255));
    assert_eq!(crate::LookupName::new(crate::HashKey::default(), most.as_ref()).suffix(127), most.as_ref());
    assert_eq!(crate::LookupName::new(crate::HashKey::default(), most.as_ref()).suffix(1).to_string(), "a.");
}

#[test]
fn presentation_format_escapes_and_reads_escapes() {
    let odd = Name::from_labels([&b"a.b"[..], b"\\", b"\x00\xff ", b"(;)@$\""], NameRef::ROOT).expect("a name");
    assert_eq!(odd.to_string(), r#"a\.b.\\.\000\255\032.\(\;\)\@\$\"."#);
    assert_eq!(name(&odd.to_string()).as_wire(), odd.as_wire());
    assert_eq!(name("example"), name("example."), "names are absolute");
    assert_eq!(name(".").as_wire(), b"\0");
    assert_eq!("".parse::<Name>(), Err(NameError::EmptyLabel));
    assert_eq!("a..b".parse::<Name>(), Err(NameError::EmptyLabel));
    assert_eq!(".a".parse::<Name>(), Err(NameError::EmptyLabel));
    assert_eq!("ab\\".parse::<Name>(), Err(NameError::Escape { offset: 2 }));
    assert_eq!("a\\25".parse::<Name>(), Err(NameError::Escape { offset: 1 }));
    assert_eq!("a\\256".parse::<Name>(), Err(NameError::Escape { offset: 1 }));
}

#[test]
fn canonical_order_is_that_of_rfc_4034_section_6_1() {
    let sorted = [
        "example.",
        "a.example.",
        "yljkjljk.a.example.",
        "Z.a.example.",
        "zABC.a.EXAMPLE.",
        "z.example.",
        r"\001.z.example.",
        "*.z.example.",
        r"\200.z.example.",
    ]
    .map(name);
    for (at, a) in sorted.iter().enumerate() {
        for (other_at, b) in sorted.iter().enumerate() {
            assert_eq!(a.cmp(b), at.cmp(&other_at), "{a} and {b}");
        }
    }
    assert_eq!(name("ab.example.").cmp(&name("abc.example.")), Ordering::Less);
    assert_eq!(Name::root().cmp(&name("example.")), Ordering::Less);
}

#[test]
fn case_is_kept_and_ignored() {
    let (upper, lower) = (name("WWW.Example."), name("www.example."));
    assert_eq!(upper, lower);
    assert_eq!(upper.to_string(), "WWW.Example.");
    assert_eq!(upper.to_lowercase().as_wire(), lower.as_wire());
    let hash = |name: &Name| {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        hasher.finish()
    };
    assert_eq!(hash(&upper), hash(&lower));
    // 0xc0 to 0xde are letters in Latin-1 only, and `@` and `[` stand around the letters.
    assert_ne!(Name::from_wire(b"\x01\xc0\x00"), Name::from_wire(b"\x01\xe0\x00"));
    assert_ne!(name("\\@."), name("`."));
    assert_ne!(name("[."), name("{."));
}

#[test]
fn parents_and_descendants() {
    let www = name("www.example.");
    assert_eq!(www.parent(), Some(name("example.")));
    assert_eq!(Name::root().parent(), None);
    assert!(www.is_at_or_below(name("EXAMPLE.").as_ref()));
    assert!(www.is_at_or_below(www.as_ref()) && www.is_at_or_below(NameRef::ROOT));
    assert!(!name("example.").is_at_or_below(www.as_ref()));
    assert!(!name("www.xexample.").is_at_or_below(name("example.").as_ref()));
    // The octets of `example.` end those of this name too, but not at a label's start.
    let tail = Name::from_labels([&b"x\x07example"[..]], NameRef::ROOT).expect("a name");
    assert!(!tail.is_at_or_below(name("example.").as_ref()));
    assert!(name("*.example.").as_ref().is_wildcard());
    assert!(!name("**.example.").as_ref().is_wildcard() && !name("a.*.").as_ref().is_wildcard());
    assert_eq!(www.as_ref().labels().collect::<Vec<_>>(), [&b"www"[..], b"example"]);
}

proptest! {
    #[test]
    fn presentation_format_round_trips(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..10), 0..8)) {
        let name = Name::from_labels(labels.iter().map(Vec::as_slice), NameRef::ROOT).expect("short enough");
        let read = name.to_string().parse::<Name>().expect("readable");
        prop_assert_eq!(read.as_wire(), name.as_wire());
    }

    #[test]
    fn order_agrees_with_lists_of_folded_labels(
        a in prop::collection::vec(prop::collection::vec(0u8..100, 1..4), 0..4),
        b in prop::collection::vec(prop::collection::vec(0u8..100, 1..4), 0..4),
    ) {
        let name = |labels: &[Vec<u8>]| {
            Name::from_labels(labels.iter().rev().map(Vec::as_slice), NameRef::ROOT).expect("short enough")
        };
        let folded = |labels: &[Vec<u8>]| labels.iter().map(|label| label.to_ascii_lowercase()).collect::<Vec<_>>();
        prop_assert_eq!(name(&a).cmp(&name(&b)), folded(&a).cmp(&folded(&b)));
        let lookup = crate::LookupName::new(crate::HashKey::default(), name(&a).as_ref());
        prop_assert_eq!(lookup.is_at_or_behind(name(&b).as_wire(), 1), folded(&a) >= folded(&b));
    }

    #[test]
    fn any_octets_are_a_name_or_an_error(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok((name, length)) = NameRef::parse_prefix(&octets) {
            prop_assert_eq!(name.as_wire(), &octets[..length]);
            prop_assert!(name.label_count() <= LABELS_MAX);
        }
    }
}
