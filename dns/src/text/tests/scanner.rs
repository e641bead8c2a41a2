//! The scanner against the reader of tokens: for any text the same records, errors, warnings and files.

use super::*;
use crate::text::zonefile::{Buffers, Options};
use proptest::prelude::*;
use proptest::sample::select;

/// Entries of every form, each a line or several, without the last line end.
pub(super) const ENTRIES: &[&str] = &[
    "example. 3600 IN SOA ns.example. admin.example. 1 7200 3600 604800 300",
    "@ SOA ns admin ( 2024010101 ; serial\n  2h 1h\n 1w 300 ) ; end",
    "example123.test. 3600 IN NS ns1.registrar.test.",
    "example123.test. 3600 IN NS ns2.registrar.test.",
    "a NS b",
    " IN NS c.",
    "\tNS\t@",
    "\t 7 A 192.0.2.1\r",
    "b.c 1h30m A 192.0.2.255",
    "www IN 300 AAAA 2001:db8::1",
    "www AAAA ::",
    "www 5 AAAA ::ffff:192.0.2.1",
    "d CNAME .",
    "e 1 DNAME very.long.labels.of.many.characters.that.go.over.the.end.of.a.look.at.a.mask.example.",
    "mail 1 MX 10 mx",
    "_sip._tcp SRV 0 5 5060 sip.example.",
    "t 1 TXT word \"quoted ; ( string\" \"\"",
    "t 1 TXT \"joined\"word\"again\"",
    "t 1 TXT \"with \\\" an escape\" a\\032b",
    "t 1 TXT ( \"over\"\n\"lines\" ; comment )\n )",
    "k 86400 DNSKEY 257 3 13 ( mdsswUyr3DPW132mOi8V9xESWE8jTo0d\n xCjjnopKl+GqJxpVXckHAeF+KkxLbxIL\n fDLUT0rAK9iUzy1L53eKGQ== ) ; key",
    "k CDNSKEY 0 3 0 AA==",
    "s DS 12345 13 2 0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef",
    "s DS 12345 RSASHA256 2 0123 4567 89",
    "s CDS 0 0 0 00",
    "r 1 RRSIG A 13 2 3600 20240201000000 ( 20240101000000 12345 example.\n  YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4\n  eXo= )",
    "r RRSIG NSEC3 8 1 1D 4294967295 0 1 example. AAAA",
    "n NSEC o.example. A NS SOA MX TXT AAAA RRSIG NSEC DNSKEY CAA URI TYPE65534",
    "n NSEC \\000.n A TYPE1 a",
    "2vptu5timamqttgl4luu9kg21e0aor3s NSEC3 1 0 0 - 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S A RRSIG",
    "h NSEC3 1 1 12 aabbccdd 35mthgpgcu1qg68fab165klnsnk3dpvl",
    "@ NSEC3PARAM 1 0 0 -",
    "_443._tcp TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
    "c CAA 0 issue \"letsencrypt.org; x=y\"",
    "c CAA 128 \"iodef\" mailto:a",
    "f SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789",
    "v 1 HTTPS 1 . alpn=\"h2,h3\" ipv4hint=192.0.2.1",
    "l 1 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
    "u URI 10 1 \"ftp://ftp.example/\"",
    "p 1 NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:a@b!\" .",
    "g 1 TYPE65280 \\# 4 01020304",
    "g 1 A \\# 4 c0000201",
    "i 1 HINFO PC \"a b\"",
    "$ORIGIN sub",
    "$ORIGIN example.",
    "$TTL 1d",
    "$TTL 60 ; a minute",
    "$GENERATE 1-3 a$ 7 A 192.0.2.$",
    "$GENERATE 1-5/2 ${0,3,d} CNAME b${-1,1,n}",
    "$INCLUDE none.zone",
    "; a comment",
    "",
    "   ; a comment after blanks",
    "( )",
    "( j 1\nA 192.0.2.7 )",
    " ( 1 A\n 192.0.2.8 )",
    "\r",
    "*.w 1 A 192.0.2.9",
    "\u{fc} 1 TXT \u{fc}",
    // With a fault.
    "a.. 1 A 192.0.2.1",
    "x 1 A 192.0.2.256",
    "x 1 A 192.0.2.01",
    "x 1 A 192.0.2.1 x",
    "x 1 NS a b",
    "x 1 CH A 192.0.2.1",
    "x 2147483648 A 192.0.2.1",
    "x 4294967296 A 192.0.2.1",
    "x 1 ( A ( 192.0.2.1 ) )",
    "x 1 TXT ( \"over\nlines\" a )",
    "x 1 MX 65536 a",
    "x 1 TXT \"open",
    "x 1 TXT a )",
    "x 1 ( A 192.0.2.1",
    "x 1 AXFR",
    "x 1 \"A\" 192.0.2.1",
    "x 1 NS \"a\"",
    "x 1 DS 1 1 1 abc",
    "x 1 DNSKEY 256 3 8 AAA",
    "x 1 DNSKEY 256 3 8 AA==AA==",
    "x 1 NSEC a FOO",
    "x 1 IN",
    "$FOO",
    "k 1 CDNSKEY\u{7} 0 3 0 AA==",
    "k 1 RESINFO\u{7} a",
    "k 1 A\0\0\0\0\0\0\u{1} 192.0.2.1",
    "k 1 IN\0\0\0\0\0\u{2} A 192.0.2.1",
];

/// What an entry may be changed by.
const PIECES: &[&str] = &[
    " ", "\t", "\r", "\n", ";", "(", ")", "\"", "\\", ".", "@", "$", "0", "9", "a", "IN ", "A ", "=", "-", "\u{0}",
    "\u{13}", "  ", "_", ":", "\u{1}", "\u{2}", "\u{3}", "\u{4}", "\u{5}", "\u{6}", "\u{7}",
];

/// A zone file of some entries, some of them changed.
pub(super) fn zone_file() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), select(PIECES), 0_usize..3);
    let changes = prop_oneof![6 => Just(Vec::new()), 1 => proptest::collection::vec(change, 1..3)];
    let entry = (select(ENTRIES), changes).prop_map(|(entry, changes)| {
        let mut entry = entry.to_owned();
        for (place, piece, removed) in changes {
            let boundaries: Vec<usize> = (0..=entry.len()).filter(|at| entry.is_char_boundary(*at)).collect();
            let first = place.index(boundaries.len());
            let end = boundaries[(first + removed).min(boundaries.len() - 1)];
            entry.replace_range(boundaries[first]..end, piece);
        }
        entry
    });
    let end = prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\n\n")];
    let entries = proptest::collection::vec((entry, end), 0..40);
    (entries, any::<bool>(), any::<bool>()).prop_map(|(entries, has_ttl, is_ended)| {
        let mut text = if has_ttl { "$TTL 3600\n".to_owned() } else { String::new() };
        entries.iter().for_each(|(entry, end)| text.extend([entry.as_str(), end]));
        if !is_ended {
            text.pop();
        }
        text
    })
}

/// Reads a text in one way.
pub(super) fn read_as(source: &[u8], options: &Options<'_>) -> ZoneFile {
    Buffers::default().read_octets(Path::new("x.zone"), source, &"example.".parse().unwrap(), options)
}

/// Asserts that two ways of reading agree.
pub(super) fn assert_same(one: &ZoneFile, other: &ZoneFile, text: &str) {
    assert_eq!(one.errors, other.errors, "{text}");
    assert_eq!(one.warnings, other.warnings, "{text}");
    assert_eq!(one.columns.files, other.columns.files, "{text}");
    assert_eq!(one.sources, other.sources, "{text}");
    assert_eq!(one.to_records(), other.to_records(), "{text}");
}

/// Reads a text as it comes, and by its tokens alone.
fn assert_scanned(text: &str) {
    let scanned = read_as(text.as_bytes(), &Options::default());
    let plain = read_as(text.as_bytes(), &Options { is_plain: true, ..Options::default() });
    assert_same(&scanned, &plain, text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_scanner_reads_what_the_tokens_say(text in zone_file()) {
        assert_scanned(&text);
    }

    #[test]
    fn the_scanner_reads_any_characters_as_the_tokens_say(text in "(\\$(ORIGIN|TTL|INCLUDE) |[a-c.@\\\\\"();\t \r\n]|[0-9]{1,5} |(A|NS|TXT|NSEC|SOA|SVCB|LOC|CAA|NSEC3) |\\PC){0,60}") {
        assert_scanned(&text);
    }
}

#[test]
fn every_entry_is_read_at_every_place_of_a_window() {
    for entry in ENTRIES {
        for comment in (0..150).chain(crate::text::simd::WINDOW_OCTETS - 300..crate::text::simd::WINDOW_OCTETS + 5) {
            let filler = "c".repeat(comment);
            assert_scanned(&format!("$TTL 1\na A 192.0.2.1\n;{filler}\n{entry}\nb A 192.0.2.2"));
        }
    }
}

#[test]
fn lines_and_words_longer_than_a_window_are_read() {
    let long = "x".repeat(40_000);
    for text in [
        format!("a 1 A 192.0.2.1 ;{long}\nb 1 A 192.0.2.1"),
        format!(";{long}\nb 1 A 192.0.2.1"),
        format!("a 1 {}A 192.0.2.1\nb 1 A 192.0.2.1", " ".repeat(40_000)),
        format!("a 1 A (\n{}192.0.2.1 )\nb 1 A 192.0.2.1", "\n;x".repeat(20_000)),
        format!("a 1 TXT {}\nb 1 A 192.0.2.1", "\"abc\" ".repeat(15_000)),
        format!("a 1 TXT {}\nb 1 A 192.0.2.1", "\"abc\" ".repeat(20_000)),
        format!("a 1 TXT {long}\nb 1 A 192.0.2.1"),
        format!("{}b 1 A 192.0.2.1", "\n".repeat(40_000)),
        format!("{}b 1 A 192.0.2.1", "a 1 A 192.0.2.1\n".repeat(5_000)),
        format!("a 1 DNSKEY 256 3 8 {}", "AAAA".repeat(10_000)),
    ] {
        assert_scanned(&text);
    }
}
