//! Chains and signatures of signed zones, and digests of zones.

use super::*;

/// A signed zone's apex with the types of its NSEC or NSEC3PARAM after it.
const KEYS: &str = "$TTL 60\n@ SOA a b 7 2 3 4 5\n NS ns.other.\n DNSKEY 256 3 13 AAAA\n";

/// Adds a signature of each type at each owner that names it: `OWNER TYPE…` a line.
fn signed(zone: &str, signatures: &[(&str, &str)]) -> String {
    let mut text = format!("{KEYS}{zone}\n");
    for (owner, types) in signatures {
        let labels = if *owner == "@" { 1 } else { 2 + owner.matches('.').count() };
        let labels = labels - usize::from(owner.starts_with('*'));
        for rtype in types.split(' ') {
            text += &format!("{owner} RRSIG {rtype} 13 {labels} 60 1000000001 999999999 1037 example. AAAA\n");
        }
    }
    text
}

/// Signatures of the apex.
const APEX_SIGNED: (&str, &str) = ("@", "SOA NS DNSKEY NSEC");

/// The types of the apex.
const APEX_NSEC: &str = "NS SOA RRSIG NSEC DNSKEY";

/// A sound zone with an NSEC chain: a delegation with glue, one that is signed, a wildcard and an empty non-terminal.
fn sound() -> String {
    signed(
        &format!(
            "@ NSEC *.a {APEX_NSEC}\n*.a A 192.0.2.1\n*.a NSEC b.b A RRSIG NSEC\nb.b A 192.0.2.1\nb.b NSEC c A RRSIG NSEC\n\
             c NS ns.c\nc NSEC d NS RRSIG NSEC\nns.c A 192.0.2.1\nd NS x.other.\nd DS 1 8 99 00\nd NSEC @ NS DS RRSIG NSEC"
        ),
        &[APEX_SIGNED, ("*.a", "A NSEC"), ("b.b", "A NSEC"), ("c", "NSEC"), ("d", "DS NSEC")],
    )
}

#[test]
fn a_sound_signed_zone_has_no_findings() {
    assert_eq!(broken(&sound(), &ALL), [""; 0]);
    assert_eq!(broken(&sound(), &Options { at: None, ..ALL }), [""; 0]);
}

#[test]
fn faults_of_signatures_are_told() {
    let sound = sound();
    let at = |at| Options { at: Some(at), ..ALL };
    let is_all_of = |found: &[String], rule: &str| found.len() == 11 && found.iter().all(|text| text.starts_with(rule));
    assert!(is_all_of(&broken(&sound, &at(1_000_000_002)), "rrsig-expired "));
    assert!(is_all_of(&broken(&sound, &at(999_999_998)), "rrsig-not-yet-valid "));
    assert!(is_all_of(
        &broken(&sound.replace("DNSKEY 256 3 13 AAAA", "DNSKEY 257 3 13 AAAA"), &ALL),
        "rrsig-unknown-key "
    ));
    let keyless = sound.replace("DNSKEY 256 3 13 AAAA\n", "TXT a\n");
    assert!(broken(&keyless, &ALL).contains(&"dnskey-missing example.".to_owned()));
    for (from, to, expected) in [
        ("b.b RRSIG A 13 3", "b.b RRSIG A 13 2", "rrsig-labels b.b.example. RRSIG A"),
        ("b.b RRSIG A 13 3 60 1000000001 999999999 1037 example. AAAA\n", "", "rrsig-missing b.b.example. A"),
        (
            "c RRSIG NSEC ",
            "c RRSIG NS 13 2 60 1000000001 999999999 1037 example. AAAA\nc RRSIG NSEC ",
            "rrsig-superfluous c.example. RRSIG NS",
        ),
        ("d RRSIG DS 13 2 60 1000000001 999999999 1037 example. AAAA\n", "", "rrsig-missing d.example. DS"),
    ] {
        assert_eq!(broken(&sound.replace(from, to), &ALL), [expected], "{to}");
    }
}

#[test]
fn faults_of_an_nsec_chain_are_told() {
    let sound = sound();
    for (from, to, expected) in [
        (
            "b.b NSEC c A RRSIG NSEC\n",
            "",
            &["nsec-missing b.b.example. A", "rrsig-superfluous b.b.example. RRSIG NSEC"][..],
        ),
        ("b.b NSEC c A", "b.b NSEC d A", &["nsec-chain b.b.example. NSEC, next is c.example."]),
        ("d NSEC @ ", "d NSEC a ", &["nsec-chain d.example. NSEC, next is example."]),
        ("c NSEC d NS RRSIG", "c NSEC d NS DS RRSIG", &["nsec-types c.example. NSEC"]),
        ("b.b NSEC c A RRSIG", "b.b NSEC c A MX RRSIG", &["nsec-types b.b.example. NSEC"]),
        (
            "c NSEC d NS RRSIG NSEC\n",
            "c NSEC d NS RRSIG NSEC\nc NSEC e NS RRSIG NSEC\n",
            &["nsec-multiple c.example. NSEC"],
        ),
    ] {
        assert_eq!(broken(&sound.replace(from, to), &ALL), expected, "{to}");
    }
}

/// A zone with an NSEC3 chain that is made here: owners and their types, hashed and linked.
fn hashed(zone: &str, names: &[(&str, &str)], flags: u8) -> String {
    let apex: Name = "example.".parse().unwrap();
    let hash = |owner: &str| {
        let name = if owner == "@" { apex.clone() } else { format!("{owner}.example.").parse().unwrap() };
        nsec3::hash_text(name.as_ref(), 1, &[0xab])
    };
    let mut hashes: Vec<(String, &str)> = names.iter().map(|(owner, types)| (hash(owner), *types)).collect();
    hashes.sort();
    let nexts = hashes.iter().cycle().skip(1).map(|(hash, _)| hash.clone());
    let mut text = format!("{zone}\n@ NSEC3PARAM 1 0 1 AB\n");
    let mut signatures = vec![("@".to_owned(), "SOA NS DNSKEY NSEC3PARAM")];
    for ((hash, types), next) in hashes.iter().zip(nexts) {
        text += &format!("{hash} NSEC3 1 {flags} 1 AB {next} {types}\n");
        signatures.push((hash.clone(), "NSEC3"));
    }
    let signatures: Vec<(&str, &str)> = signatures.iter().map(|(owner, types)| (owner.as_str(), *types)).collect();
    signed(&text, &signatures)
}

/// The types of the apex in an NSEC3.
const APEX_NSEC3: &str = "NS SOA RRSIG DNSKEY NSEC3PARAM";

/// Names of a zone, and what they are in its chain.
const HASHED: &str = "x.y NS ns.other.\nz NS ns.z\nns.z A 192.0.2.1";

#[test]
fn nsec3_chains_are_checked() {
    let whole = [("@", APEX_NSEC3), ("y", ""), ("x.y", "NS"), ("z", "NS")];
    assert_eq!(broken(&hashed(HASHED, &whole, 0), &ALL), [""; 0]);
    assert_eq!(broken(&hashed(HASHED, &whole, 1), &ALL), [""; 0]);
    // Opt-out may leave out what is not signed, and names that are there for it alone.
    assert_eq!(broken(&hashed(HASHED, &whole[..1], 1), &ALL), [""; 0]);
    let missing = ["nsec3-missing y.example.", "nsec3-missing x.y.example. NS", "nsec3-missing z.example. NS"];
    assert_eq!(broken(&hashed(HASHED, &whole[..1], 0), &ALL), missing);
    let secure = format!("{HASHED}\nx.y DS 1 8 99 00\nx.y RRSIG DS 13 3 60 1000000001 999999999 1037 example. AAAA");
    let missing = ["nsec3-missing y.example.", "nsec3-missing x.y.example. NS"];
    assert_eq!(broken(&hashed(&secure, &whole[..1], 1), &ALL), missing);

    let types = [("@", APEX_NSEC3), ("y", "A"), ("x.y", "NS"), ("z", "NS DS")];
    let found = broken(&hashed(HASHED, &types, 0), &ALL);
    assert!(found.len() == 2 && found.iter().all(|text| text.starts_with("nsec3-types ")), "{found:?}");
    let more = [("@", APEX_NSEC3), ("y", ""), ("x.y", "NS"), ("z", "NS"), ("ns.z", "A")];
    let found = broken(&hashed(HASHED, &more, 0), &ALL);
    assert!(found.len() == 1 && found[0].starts_with("nsec3-superfluous "), "{found:?}");
    let text = hashed(HASHED, &whole, 0);
    let found = broken(&text.replace("@ NSEC3PARAM 1 0 1 AB", "@ NSEC3PARAM 1 0 1 AC"), &ALL);
    assert!(found.iter().filter(|text| text.starts_with("nsec3-parameters ")).count() == 4, "{found:?}");
    let start = text.find(" 1 AB ").unwrap() + 6;
    let (next, other) = (&text[start..start + 32], "0".repeat(32));
    let found = broken(&text.replacen(&format!("AB {next}"), &format!("AB {other}"), 1), &ALL);
    assert!(found.len() == 1 && found[0].starts_with("nsec3-chain "), "{found:?}");
}

#[test]
fn zonemd_is_verified_when_asked_for() {
    // RFC 8976, appendices A.1 and A.2.
    let options = Options { zonemd: true, ..ALL };
    let simple = "@ 86400 SOA ns1 admin 2018031900 1800 900 604800 86400\n@ 86400 NS ns1\n@ 86400 NS ns2\n\
                  ns1 3600 A 203.0.113.63\nns2 3600 AAAA 2001:db8::63\n";
    let digest = "c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c";
    let with = |zonemd: &str| broken(&format!("{simple}{zonemd}\n"), &options);
    assert_eq!(with(&format!("@ 86400 ZONEMD 2018031900 1 1 {digest}")), [""; 0]);
    assert_eq!(with(""), ["zonemd-missing example."]);
    assert_eq!(with(&format!("@ ZONEMD 2018031901 1 1 {digest}")), ["zonemd-serial example. ZONEMD"]);
    assert_eq!(
        with(&format!("@ ZONEMD 2018031900 1 1 {}", digest.replace('c', "d"))),
        ["zonemd-mismatch example. ZONEMD"]
    );
    assert_eq!(with(&format!("@ ZONEMD 2018031900 2 1 {digest}")), ["zonemd-unsupported example. ZONEMD"]);
    assert_eq!(with(&format!("@ ZONEMD 2018031900 1 2 {digest}")), ["zonemd-unsupported example. ZONEMD"]);
    let twice = format!("@ ZONEMD 2018031900 1 1 {digest}\n@ ZONEMD 2018031900 1 1 {}", digest.replace('c', "d"));
    assert_eq!(with(&twice), ["zonemd-unsupported example. ZONEMD"]);
    let other = format!("@ ZONEMD 2018031900 1 1 {digest}\n@ ZONEMD 2018031900 1 240 {digest}");
    assert_eq!(with(&other), [""; 0]);
    let asked_not = broken(simple, &ALL);
    assert_eq!(asked_not, [""; 0]);
    let complex = "@ 86400 SOA ns1 admin 2018031900 1800 900 604800 86400\n@ 86400 NS ns1\n@ 86400 NS ns2\n\
        @ 86400 ZONEMD 2018031900 1 1 a3b69bad980a3504e1cffcb0fd6397f93848071c93151f552ae2f6b1711d4bd2d8b39808226d7b9db71e34b72077f8fe\n\
        ns1 3600 A 203.0.113.63\nNS2 3600 AAAA 2001:db8::63\noccluded.sub 7200 TXT \"I'm occluded but must be digested\"\n\
        sub 7200 NS ns1\nduplicate 300 TXT \"I must be digested just once\"\nduplicate 300 TXT \"I must be digested just once\"\n\
        foo.test. 555 TXT \"out-of-zone data must be excluded\"\nUPPERCASE 3600 TXT \"canonicalize uppercase owner names\"\n\
        * 777 PTR dont-forget-about-wildcards\nmail 3600 MX 20 MAIL1\nmail 3600 MX 10 Mail2.Example.\n\
        sortme 3600 AAAA 2001:db8::5:61\nsortme 3600 AAAA 2001:db8::3:62\nsortme 3600 AAAA 2001:db8::4:63\n\
        sortme 3600 AAAA 2001:db8::1:65\nsortme 3600 AAAA 2001:db8::2:64\nnon-apex 900 ZONEMD 2018031900 1 1 616c6c6f776564206275742069676e6f7265642e20616c6c6f776564206275742069676e6f7265642e20616c6c6f7765\n";
    let found = broken(complex, &options);
    assert!(!found.iter().any(|text| text.starts_with("zonemd")), "{found:?}");
}

#[test]
fn more_iterations_than_any_validator_takes_are_refused() {
    for (iterations, flags, refused) in
        [(0, 0, false), (150, 0, false), (151, 0, true), (65_535, 0, true), (151, 1, false)]
    {
        let found = findings(&format!("@ NSEC3PARAM 1 {flags} {iterations} -\n"));
        assert_eq!(found.iter().any(|text| text.contains("[nsec3-iterations]")), refused, "{iterations}: {found:?}");
    }
}
