//! RDATA of each type: text to octets, and octets to text.

use super::*;
use crate::text::is_rdata_of;

/// A type, its RDATA in canonical presentation, and the octets in hexadecimal digits.
const SAMPLES: &[(&str, &str, &str)] = &[
    ("A", "192.0.2.1", "c0000201"),
    ("AAAA", "2001:db8::1", "20010db8000000000000000000000001"),
    ("NS", "Ns.example.", "024e73076578616d706c6500"),
    ("CNAME", "a.", "016100"),
    ("DNAME", "a.", "016100"),
    ("PTR", "a.", "016100"),
    ("MB", "a.", "016100"),
    ("SOA", "a. b. 1 2 3 4 4294967295", "01610001620000000001000000020000000300000004ffffffff"),
    ("MX", "10 a.", "000a016100"),
    ("MX", "0 .", "000000"),
    ("TXT", "\"a b\" \"\" \"\\\"\\\\\\000\"", "0361206200 03225c00"),
    ("SPF", "\"a\"", "0161"),
    ("HINFO", "\"a\" \"b\"", "01610162"),
    ("MINFO", "a. b.", "016100016200"),
    ("RP", "a. b.", "016100016200"),
    ("AFSDB", "1 a.", "0001016100"),
    ("X25", "\"311\"", "03333131"),
    ("ISDN", "\"150\"", "03313530"),
    ("ISDN", "\"150\" \"4\"", "033135300134"),
    ("RT", "1 a.", "0001016100"),
    ("KX", "1 a.", "0001016100"),
    ("PX", "1 a. b.", "0001016100016200"),
    ("SRV", "1 2 3 a.", "000100020003016100"),
    (
        "NAPTR",
        "1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:a@b!\" .",
        "0001000201750745 32552b736970 0e215e2e2a24217369703a61406221 00",
    ),
    ("LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000.00m 10.00m", "00001613 8b3cf018 810cbce0 009895b8"),
    ("CERT", "1 2 8 AAAA", "000100 0208000000"),
    ("APL", "1:192.0.2.0/24 !2:2001:db8::/32 1:0.0.0.0/0", "00011803c00002 0002208420010db8 00010000"),
    ("APL", "", ""),
    ("DS", "1 8 2 00FF", "0001080200ff"),
    ("CDS", "0 0 0 00", "0000000000"),
    ("DLV", "1 8 2 00FF", "0001080200ff"),
    ("SSHFP", "1 2 00FF", "010200ff"),
    ("DNSKEY", "256 3 8 AAAA", "01000308000000"),
    ("CDNSKEY", "0 3 0 AA==", "0000030000"),
    ("KEY", "256 3 8 AAAA", "01000308000000"),
    ("KEY", "49152 3 8", "c0000308"),
    (
        "RRSIG",
        "NSEC 8 0 86400 20180211050000 20180129040000 41824 . AAAA",
        "002f0800000151805a7fcdd05a6e9c40a36000000000",
    ),
    (
        "RRSIG",
        "RESINFO 13 1 1 19700101000000 21060207062815 0 a. AAAA",
        "01050d0100000001 00000000ffffffff 0000016100000000",
    ),
    ("NSEC", "a. NS SOA RRSIG NSEC DNSKEY", "0161000007220000 00000380"),
    ("NSEC", "a. A WALLET TYPE65280", "016100 000140 010102 ff0180"),
    ("NSEC", "\\000.a. ", "01000161 00"),
    (
        "NSEC3",
        "1 1 10 AB 0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM A RRSIG",
        "0101000a01ab14065368abeed7ec6e9feba96b8c8bc3e8b791f7160006400000000002",
    ),
    ("NSEC3PARAM", "1 0 10 AB", "0100000a01ab"),
    ("NSEC3PARAM", "1 0 0 -", "0100000000"),
    ("TLSA", "3 1 1 00FF", "03010100ff"),
    ("SMIMEA", "3 1 1 00FF", "03010100ff"),
    ("IPSECKEY", "10 0 2 . AAAA", "0a0002000000"),
    ("IPSECKEY", "10 1 2 192.0.2.1 AAAA", "0a0102c0000201000000"),
    ("IPSECKEY", "10 2 2 2001:db8::1 AAAA", "0a020220010db8000000000000000000000001000000"),
    ("IPSECKEY", "10 3 0 a.", "0a0300016100"),
    ("AMTRELAY", "10 0 1 192.0.2.1", "0a01c0000201"),
    ("AMTRELAY", "0 1 3 a.", "0083016100"),
    ("AMTRELAY", "0 1 0 .", "0080"),
    ("OPENPGPKEY", "AAAA", "000000"),
    ("DHCID", "AAAA", "000000"),
    ("CSYNC", "66 3 A NS AAAA", "00000042000300046000 0008"),
    ("ZONEMD", "1 1 1 00112233445566778899AABB", "000000010101 00112233445566778899aabb"),
    ("SVCB", "0 a.", "0000016100"),
    (
        "HTTPS",
        "1 . alpn=\"h2,h3\" port=443 ipv4hint=192.0.2.1",
        "000100 0001000602683202 6833 00030002 01bb 00040004c0000201",
    ),
    ("NID", "10 0014:4fff:ff20:ee64", "000a00144fffff20ee64"),
    ("L32", "10 192.0.2.1", "000ac0000201"),
    ("L64", "10 2001:0db8:1140:1000", "000a20010db811401000"),
    ("LP", "10 a.", "000a016100"),
    ("EUI48", "00-00-5e-00-53-2a", "00005e00532a"),
    ("EUI64", "00-00-5e-ef-10-00-00-2a", "00005eef1000002a"),
    ("URI", "10 1 \"ftp://a\\\"b\"", "000a00016674703a2f2f612262"),
    ("CAA", "0 issue \"ca.example\"", "0005697373756563612e6578616d706c65"),
    ("DSYNC", "CDS 1 53 a.", "003b010035016100"),
    ("WKS", "192.0.2.1 6 0 25 80", "c0000201 06 80000040 000000000000 80"),
    ("WKS", "192.0.2.1 17", "c0000201 11"),
    ("NSAP", "0x47000580005a0000000001e133ffffff00016100", "47000580005a0000000001e133ffffff00016100"),
    ("NXT", "a. A MX SIG NXT", "016100 40010082"),
    ("NXT", "a. TYPE127", "016100 00000000000000000000000000000001"),
    ("NXT", "a. ", "016100"),
    ("A6", "0 2001:db8::1", "0020010db8000000000000000000000001"),
    ("A6", "64 ::1 a.", "400000000000000001016100"),
    ("A6", "61 ::7:0:0:0:1 a.", "3d 07 0000000000000001 016100"),
    ("A6", "128 a.", "80016100"),
    ("HIP", "2 200100107B1A74DF365639CC39F1D578 AwEAAQ==", "10020004200100107b1a74df365639cc39f1d57803010001"),
    ("HIP", "2 00FF AA== a. b.", "02020001 00ff 00 016100 016200"),
    ("TYPE65280", "\\# 2 00ff", "00ff"),
    ("TYPE65280", "\\# 0", ""),
    ("NULL", "\\# 1 00", "00"),
];

/// Octets from hexadecimal digits with blanks.
fn octets(digits: &str) -> Vec<u8> {
    let digits: Vec<char> = digits.chars().filter(|digit| !digit.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

#[test]
fn each_type_is_read_and_written() {
    for (rtype, text, digits) in SAMPLES {
        let rtype: Rtype = rtype.parse().unwrap();
        let (text, expected) = (text.trim(), octets(digits));
        let read = wire(rtype, text);
        assert_eq!(read, expected, "{rtype} {text}: {read:02x?}");
        assert_eq!(present::rdata(rtype, &expected).to_ascii_lowercase(), text.to_ascii_lowercase(), "{rtype}");
        assert!(is_rdata_of(rtype, &expected), "{rtype} {text}");
    }
}

#[test]
fn each_type_is_read_and_written_in_the_notation_for_any_type() {
    for (rtype, text, digits) in SAMPLES {
        let rtype: Rtype = rtype.parse().unwrap();
        let expected = octets(digits);
        let digits: String = expected.iter().map(|octet| format!("{octet:02X}")).collect();
        assert_eq!(wire(rtype, &format!("\\# {} {digits}", expected.len())), expected, "{rtype} {text}");
    }
}

#[test]
fn other_ways_to_write_the_same() {
    for (rtype, text, same) in [
        ("SOA", "a. b. 1 1h 1m 1w 2d1s", "a. b. 1 3600 60 604800 172801"),
        ("SOA", "@ a\\.b 1 1 1 1 1", "example. a\\.b.example. 1 1 1 1 1"),
        ("AAAA", "2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("AAAA", "::ffff:192.0.2.1", "::ffff:c000:201"),
        ("TXT", "a b", "\"a\" \"b\""),
        ("TXT", "a\\ b \\097", "\"a b\" a"),
        ("TXT", "\"a;b(c)\"", "a\\;b\\(c\\)"),
        ("DNSKEY", "256 3 RSASHA256 AA AA", "256 3 8 AAAA"),
        ("DS", "1 RSASHA256 2 00 ff", "1 8 2 00FF"),
        ("RRSIG", "A 8 1 1h 1518325200 1517198400 1 a AA AA", "A 8 1 3600 20180211050000 20180129040000 1 a AAAA"),
        ("KEY", "256 3 RSASHA256 AA AA", "256 3 8 AAAA"),
        ("NSEC", "b NSEC A ns A", "b A NS NSEC"),
        ("CERT", "PKIX 2 RSASHA256 AAAA", "1 2 8 AAAA"),
        ("DSYNC", "CDS NOTIFY 53 a", "TYPE59 1 53 a"),
        ("LOC", "52 N 4 53 E 0m", "52 0 0 N 4 53 0.0 E 0 1m 10000m 10m"),
        ("HTTPS", "1 . port=443 alpn=\"h2,h3\"", "1 . alpn=h2,h3 port=443"),
        ("HTTPS", "1 . \"alpn=h2\"", "1 . alpn=h2"),
        (
            "HTTPS",
            "1 . no-default-alpn alpn=h2 ech=\"AAAA\" mandatory=alpn",
            "1 . mandatory=alpn alpn=h2 no-default-alpn ech=AAAA",
        ),
        ("CAA", "0 issue ca.example", "0 issue \"ca.example\""),
        ("WKS", "192.0.2.1 tcp http SMTP 25", "192.0.2.1 6 25 80"),
        ("NSAP", "0x47.0005.80.005A00", "0X470005.80005a00"),
        ("A6", "64 2001:db8::1 a", "64 ::1 a"),
        ("HIP", "2 00ff AA== a", "2 00FF AA== a.example."),
    ] {
        let rtype: Rtype = rtype.parse().unwrap();
        assert_eq!(wire(rtype, text), wire(rtype, same), "{rtype} {text}");
    }
}

#[test]
fn rare_types_are_refused_where_malformed() {
    for text in [
        "WKS 192.0.2.1",
        "WKS 192.0.2.1 6 65536",
        "WKS 192.0.2.1 256 1",
        "WKS 192.0.2.1 tcp nosuchservice",
        "NSAP 47000580",
        "NSAP 0x",
        "NSAP 0x4",
        "NSAP 0x47 00",
        "NXT a TYPE128",
        "NXT a TYPE0",
        "A6 129 ::1 a",
        "A6 64 ::1",
        "A6 0 ::1 a",
        "A6 128 ::1 a",
        "HIP 2 00FF",
        "HIP 2 - AA==",
        "HIP 2 00FF AA",
    ] {
        assert_eq!(errors(format!("a 1 {text}")).len(), 1, "{text}");
    }
}

#[test]
fn octets_that_are_not_of_their_type_are_written_in_the_notation_for_any_type() {
    for (rtype, octets, text) in [
        (Rtype::A, &b"\x01\x02\x03"[..], "\\# 3 010203"),
        (Rtype::NS, b"\xc0\x00", "\\# 2 c000"),
        (Rtype::MX, b"\x00\x01\x01a\xc0\x02", "\\# 6 00010161c002"),
        (Rtype::SRV, b"\x00\x01\x00\x01\x00\x01\xc0\x06", "\\# 8 000100010001c006"),
        (Rtype::NSEC, b"\x00\x00\x01\x00", "\\# 4 00000100"),
        (Rtype::NAPTR, b"", "\\# 0"),
        (Rtype::TXT, b"\x02a", "\\# 2 0261"),
        (Rtype::SPF, b"", "\\# 0"),
        (Rtype::WKS, b"\xc0\x00\x02\x01\x06\x00", "\\# 6 c00002010600"),
        (Rtype::NXT, b"\x00\x80", "\\# 2 0080"),
        (Rtype::A6, b"\x81\x00", "\\# 2 8100"),
        (Rtype::HIP, b"\x01\x02\x00\x01\x00", "\\# 5 0102000100"),
        (Rtype::LOC, &[0xff; 16], "\\# 16 ffffffffffffffffffffffffffffffff"),
    ] {
        assert_eq!(present::rdata(rtype, octets), text);
        assert!(!is_rdata_of(rtype, octets), "{rtype}");
    }
}

#[test]
fn signature_times_follow_the_calendar() {
    let times = "20000229000000 20991231235959 20240228235960 20230229000000 20241301000000 19691231235959";
    let read = |time: &str| errors(format!("a 1 SIG A 1 1 1 {time} 1 1 . AAAA")).is_empty();
    assert_eq!(times.split(' ').map(read).collect::<Vec<_>>(), [true, true, false, false, false, false]);
    for time in ["20000229000000", "20991231235959", "20001231000001", "19700101000000", "20380119031408"] {
        let text = format!("A 1 1 1 {time} {time} 1 . AAAA");
        assert_eq!(present::rdata(Rtype::SIG, &wire(Rtype::SIG, &text)), text);
    }
}

#[test]
fn service_bindings_are_read_as_rfc_9460_shows() {
    // RFC 9460, appendix D.2.
    for (text, digits) in [
        ("0 foo.example.com.", "0000 03666f6f076578616d706c6503636f6d00"),
        ("1 .", "0001 00"),
        ("16 foo.example.com. port=53", "0010 03666f6f076578616d706c6503636f6d00 0003 0002 0035"),
        ("1 foo.example.com. key667=hello", "0001 03666f6f076578616d706c6503636f6d00 029b 0005 68656c6c6f"),
        (
            "1 foo.example.com. key667=\"hello\\210qoo\"",
            "0001 03666f6f076578616d706c6503636f6d00 029b 0009 68656c6c6fd2716f6f",
        ),
        (
            "1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
            "0001 03666f6f076578616d706c6503636f6d00 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001",
        ),
        (
            "16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
            "0010 03666f6f076578616d706c65036f726700 0000 0004 00010004 0001 0009 02683205 68332d3139 0004 0004 c0000201",
        ),
        (
            "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
            "0010 03666f6f076578616d706c65036f726700 0001 000c 08665c6f6f2c626172 026832",
        ),
        (
            "16 foo.example.org. alpn=f\\\\\\\\oo\\\\,bar,h2",
            "0010 03666f6f076578616d706c65036f726700 0001 000c 08665c6f6f2c626172 026832",
        ),
    ] {
        let expected = octets(digits);
        assert_eq!(wire(Rtype::SVCB, text), expected, "{text}");
        assert_eq!(wire(Rtype::SVCB, &present::rdata(Rtype::SVCB, &expected)), expected, "{text}");
    }
    // RFC 9460, appendix D.3, and the likes of it.
    for text in [
        "1 a. key123=abc key123=def",
        "1 a. mandatory",
        "1 a. alpn",
        "1 a. port",
        "1 a. ipv4hint",
        "1 a. ipv6hint",
        "1 a. no-default-alpn=abc",
        "1 a. mandatory=key123",
        "1 a. mandatory=mandatory",
        "1 a. mandatory=key123,key123 key123=abc",
        "1 a. \"\"",
        "1 a. Port=1",
        "1 a. port=65536",
        "1 a. port=+1",
        "1 a. alpn=h2,,h3",
        "1 a. keyx=1",
        "1 a. key65536=1",
        "1 a. ipv4hint=192.0.2.1,",
        "1 a. key3=abc",
        "1 a. alpn=\"h2\\\\\"",
    ] {
        assert_eq!(errors(format!("a 1 SVCB {text}")).len(), 1, "{text}");
    }
}
