//! Signed zones (B51): what DO adds to each case, and that nothing is added without it.

use std::sync::{Arc, LazyLock};

use zone_segment::ZoneSet;

use crate::ask::{ask, check};
use crate::found::EXAMPLE;
use crate::zones::{generation, sign, zone};

/// The example zone, signed.
static ZONES: LazyLock<Arc<ZoneSet>> = LazyLock::new(|| generation(1, vec![sign(zone("example.", EXAMPLE))]));

/// The SOA record of each negative answer, with its signature.
const SOA: &str = "
    authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    authority example. 900 RRSIG SOA
";

#[test]
fn b51_an_answer_brings_its_signatures() {
    check(
        &ZONES,
        "www.example. A +do",
        "
        NOERROR aa
        answer www.example. 3600 A 192.0.2.80
        answer www.example. 3600 A 192.0.2.81
        answer www.example. 3600 RRSIG A
    ",
    );
    check(
        &ZONES,
        "www.example. RRSIG",
        "
        NOERROR aa
        answer www.example. 3600 RRSIG A
        answer www.example. 3600 RRSIG TXT
        answer www.example. 900 RRSIG NSEC
    ",
    );
    check(&ZONES, "www.example. NSEC", "NOERROR aa\n answer www.example. 900 NSEC example. A TXT RRSIG NSEC");
    check(
        &ZONES,
        "alias.example. NSEC",
        "NOERROR aa\n answer alias.example. 900 NSEC chain1.example. CNAME RRSIG NSEC",
    );
    check(
        &ZONES,
        "www.example. ANY +do",
        "
        NOERROR aa
        answer www.example. 3600 A 192.0.2.80
        answer www.example. 3600 A 192.0.2.81
        answer www.example. 3600 RRSIG A
    ",
    );
}

#[test]
fn b51_without_do_nothing_is_added() {
    for line in [
        "www.example. A",
        "nope.example. A",
        "www.example. MX +edns=1232",
        "x.wild.example. A",
        "sub.example. A",
        "secure.example. A",
        "ent.example. A",
    ] {
        let answer = ask(&ZONES, line);
        assert!(!answer.contains("RRSIG") && !answer.contains("NSEC") && !answer.contains(" DS "), "{line}: {answer}");
    }
}

/// An NSEC record and its signature, as lines of the authority section.
fn nsec(owner: &str, next: &str, types: &str) -> String {
    let key = if owner == "example." { " DNSKEY" } else { "" };
    format!("authority {owner} 900 NSEC {next} {types} RRSIG NSEC{key}\nauthority {owner} 900 RRSIG NSEC\n")
}

#[test]
fn b51_nodata_is_proven() {
    let proof = nsec("www.example.", "example.", "A TXT");
    check(&ZONES, "www.example. MX +do", &format!("NOERROR aa\n{SOA}{proof}"));
    let proof = nsec("sub.example.", "a.target.example.", "NS");
    check(&ZONES, "sub.example. DS +do", &format!("NOERROR aa\n{SOA}{proof}"));
    // An empty non-terminal owns no NSEC record; the one before covers it.
    let proof = nsec("dname.example.", "a.ent.example.", "DNAME");
    check(&ZONES, "ent.example. A +do", &format!("NOERROR aa\n{SOA}{proof}"));
}

#[test]
fn b51_nxdomain_is_proven_for_the_name_and_the_wildcard() {
    let (name, wildcard) =
        (nsec("mail.example.", "ns1.example.", "A"), nsec("example.", "alias.example.", "NS SOA MX"));
    check(&ZONES, "nope.example. A +do", &format!("NXDOMAIN aa\n{SOA}{name}{wildcard}"));
    // One record that proves both is there once.
    check(&ZONES, "aaa.example. A +do", &format!("NXDOMAIN aa\n{SOA}{wildcard}"));
    let both = nsec("closer.wild.example.", "www.example.", "A");
    check(&ZONES, "x.closer.wild.example. A +do", &format!("NXDOMAIN aa\n{SOA}{both}"));
}

#[test]
fn b51_a_wildcard_answer_is_proven_to_be_one() {
    let closer = nsec("closer.wild.example.", "www.example.", "A");
    check(
        &ZONES,
        "x.wild.example. A +do",
        &format!(
            "
        NOERROR aa
        answer x.wild.example. 3600 A 192.0.2.100
        answer x.wild.example. 3600 RRSIG A
        {closer}
    "
        ),
    );
    let wildcard = nsec("*.wild.example.", "closer.wild.example.", "A TXT");
    check(&ZONES, "x.wild.example. MX +do", &format!("NOERROR aa\n{SOA}{closer}{wildcard}"));
    // Of a wildcard that is an empty non-terminal too.
    let (name, wildcard) = (
        nsec("a.b.*.went.example.", "*.wild.example.", "A"),
        nsec("*.walias.example.", "a.b.*.went.example.", "CNAME"),
    );
    check(&ZONES, "x.went.example. A +do", &format!("NOERROR aa\n{SOA}{name}{wildcard}"));
    // An alias that a wildcard gave is proven with what its target ends in.
    let end = nsec("www.example.", "example.", "A TXT");
    let closer = nsec("*.walias.example.", "a.b.*.went.example.", "CNAME");
    check(
        &ZONES,
        "x.walias.example. MX +do",
        &format!(
            "
        NOERROR aa
        answer x.walias.example. 3600 CNAME www.example.
        answer x.walias.example. 3600 RRSIG CNAME
        {SOA}{closer}{end}
    "
        ),
    );
}

#[test]
fn b51_a_referral_has_ds_or_the_proof_that_there_is_none() {
    let digest = ["0123456789ABCDEF"; 4].concat();
    check(
        &ZONES,
        "www.secure.example. A +do",
        &format!(
            "
        NOERROR
        authority secure.example. 3600 NS ns.secure.example.
        authority secure.example. 3600 DS 12345 13 2 {digest}
        authority secure.example. 3600 RRSIG DS
        additional ns.secure.example. 3600 A 192.0.2.55
    "
        ),
    );
    check(
        &ZONES,
        "secure.example. DS +do",
        &format!(
            "
        NOERROR aa
        answer secure.example. 3600 DS 12345 13 2 {digest}
        answer secure.example. 3600 RRSIG DS
    "
        ),
    );
    let proof = nsec("sub.example.", "a.target.example.", "NS");
    check(
        &ZONES,
        "www.sub.example. A +do",
        &format!(
            "
        NOERROR
        authority sub.example. 3600 NS ns.sub.example.
        authority sub.example. 3600 NS ns.sibling.example.
        authority sub.example. 3600 NS ns.elsewhere.
        authority sub.example. 3600 NS ns1.example.
        {proof}
        additional ns.sub.example. 3600 A 192.0.2.53
        additional ns.sub.example. 3600 AAAA 2001:db8::53
        additional ns.sibling.example. 3600 A 192.0.2.54
        additional ns1.example. 3600 A 192.0.2.1
        additional ns1.example. 3600 RRSIG A
        additional ns1.example. 3600 AAAA 2001:db8::1
        additional ns1.example. 3600 RRSIG AAAA
    "
        ),
    );
}

#[test]
fn b51_a_redirection_is_signed_but_for_what_is_made_from_it() {
    let (name, wildcard) =
        (nsec("c.target.example.", "to-child.example.", "CNAME"), nsec("sub.example.", "a.target.example.", "NS"));
    check(
        &ZONES,
        "nope.dname.example. A +do",
        &format!(
            "
        NXDOMAIN aa
        answer dname.example. 3600 DNAME target.example.
        answer dname.example. 3600 RRSIG DNAME
        answer nope.dname.example. 3600 CNAME nope.target.example.
        {SOA}{name}{wildcard}
    "
        ),
    );
}

#[test]
fn b51_owners_of_nsec3_records_are_no_names() {
    let text = "
@    3600 SOA ns admin 1 7200 3600 1209600 900
@    3600 NS  ns
ns   3600 A   192.0.2.1
0p9mhaveqvm6t7vbl5lop2u3t2rp3tom 900 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA RRSIG
";
    let owner = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.";
    let zones = generation(1, vec![zone("example.", text)]);
    let soa = "authority example. 900 SOA ns.example. admin.example. 1 7200 3600 1209600 900";
    for rtype in ["A", "NSEC3", "RRSIG", "ANY"] {
        check(&zones, &format!("{owner} {rtype}"), &format!("NXDOMAIN aa\n{soa}"));
        check(&zones, &format!("x.{owner} {rtype}"), &format!("NXDOMAIN aa\n{soa}"));
    }
    // A wildcard covers them as any name that is not there.
    let zones = generation(1, vec![zone("example.", &format!("{text}\n* 60 A 192.0.2.2\n"))]);
    for name in [owner.to_owned(), format!("x.{owner}")] {
        check(&zones, &format!("{name} A"), &format!("NOERROR aa\nanswer {name} 60 A 192.0.2.2"));
        check(&zones, &format!("{name} MX"), &format!("NOERROR aa\n{soa}"));
    }
}
