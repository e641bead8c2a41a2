//! What is not there (B50), and zones that are not served or can't be (B56, B57) in unsigned zones.

use consumers::auth::answer::{Policy, Scratch, Transport, respond};
use zone_segment::{ZoneSet, ZoneState};

use crate::ask::{Ask, check, client, text};
use crate::found::{EXAMPLE, ZONES};
use crate::zones::{generation, zone, zone_in_state};

#[test]
fn b50_a_name_without_the_type_is_nodata() {
    for line in ["www.example. MX", "ent.example. A", "*.went.example. A", "example. TXT +do", "www.example. DS"] {
        check(
            &ZONES,
            line,
            "
            NOERROR aa
            authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
        ",
        );
    }
}

#[test]
fn b50_a_name_that_does_not_exist_is_nxdomain() {
    for line in ["nope.example. A", "x.www.example. A", "x.a.ent.example. A", "nope.example. ANY +do"] {
        check(
            &ZONES,
            line,
            "
            NXDOMAIN aa
            authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
        ",
        );
    }
}

#[test]
fn b50_negative_answers_last_no_longer_than_the_soa_record() {
    let zones = generation(1, vec![zone("short.", "@ 30 SOA ns a 1 2 3 4 5000\n@ 30 NS ns\n")]);
    check(&zones, "x.short. A", "NXDOMAIN aa\n authority short. 30 SOA ns.short. a.short. 1 2 3 4 5000");
}

#[test]
fn b56_a_zone_not_served_is_refused() {
    check(&ZONES, "www.elsewhere. A", "REFUSED");
    check(&ZONES, "www.elsewhere. A +edns=1232", "REFUSED\n ede 20");
    check(&ZONES, ". NS +do", "REFUSED\n ede 20");
}

#[test]
fn b57_a_zone_that_expired_or_is_broken_is_servfail() {
    let zones = generation(
        1,
        vec![
            zone("example.", EXAMPLE),
            zone_in_state("broken.", ZoneState::Broken),
            zone_in_state("expired.", ZoneState::Expired),
            zone("pointing.", "@ 60 SOA ns a 1 2 3 4 5\n@ 60 NS ns\nx 60 CNAME www.broken.\n"),
        ],
    );
    check(&zones, "www.broken. A", "SERVFAIL");
    check(&zones, "www.broken. A +edns=1232", "SERVFAIL\n ede 14");
    check(&zones, "expired. SOA +edns=1232", "SERVFAIL\n ede 24");
    check(&zones, "x.pointing. A", "NOERROR aa\n answer x.pointing. 60 CNAME www.broken.");
}

#[test]
fn before_the_first_generation_queries_get_servfail() {
    let mut room = [0; 512];
    let query = Ask::new("www.example. A +edns=1232").message;
    let none: Option<&ZoneSet> = None;
    let client = client(Transport::Udp);
    let answered = respond(&query, none, &client, &Policy::default(), &mut room, &mut Scratch::default());
    assert_eq!(text(&room[..answered.unwrap().octets]), "SERVFAIL\nede 14\n");
}

#[test]
fn b54_other_classes_are_refused() {
    for class in [0, 2, 3, 4, 254, 255, 65535] {
        check(&ZONES, &format!("www.example. A +class={class}"), "REFUSED");
    }
}

#[test]
fn b70_transfers_are_not_answered_here() {
    check(&ZONES, "example. AXFR", "FORMERR");
    check(&ZONES, "example. AXFR +tcp +edns=1232", "SERVFAIL\n ede 14");
    check(&ZONES, "example. IXFR +tcp", "SERVFAIL");
    check(
        &ZONES,
        "example. IXFR",
        "
        NOERROR aa
        answer example. 3600 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    ",
    );
    check(&ZONES, "www.example. IXFR", "NOTAUTH");
}
