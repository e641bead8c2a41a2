//! Zone cuts in unsigned zones: referrals, glue, DS, parent and child served together (B50, B52).

use crate::ask::check;
use crate::found::{EXAMPLE, ZONES};
use crate::zones::{generation, zone};

#[test]
fn b50_a_name_below_a_cut_is_referred_with_glue() {
    let expected = "
        NOERROR
        authority sub.example. 3600 NS ns.sub.example.
        authority sub.example. 3600 NS ns.sibling.example.
        authority sub.example. 3600 NS ns.elsewhere.
        authority sub.example. 3600 NS ns1.example.
        additional ns.sub.example. 3600 A 192.0.2.53
        additional ns.sub.example. 3600 AAAA 2001:db8::53
        additional ns.sibling.example. 3600 A 192.0.2.54
        additional ns1.example. 3600 A 192.0.2.1
        additional ns1.example. 3600 AAAA 2001:db8::1
    ";
    // The cut itself, a name below, a glue name, any type but DS.
    for line in [
        "sub.example. A",
        "www.sub.example. A",
        "ns.sub.example. A",
        "sub.example. NS",
        "a.sub.example. ANY",
        "sub.example. NSEC",
        "sub.example. SOA",
    ] {
        check(&ZONES, line, expected);
    }
}

#[test]
fn b50_ds_at_a_cut_is_answered_with_authority() {
    check(
        &ZONES,
        "secure.example. DS",
        "
        NOERROR aa
        answer secure.example. 3600 DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
    ",
    );
    check(
        &ZONES,
        "sub.example. DS",
        "
        NOERROR aa
        authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    ",
    );
    check(
        &ZONES,
        "below.secure.example. DS",
        "
        NOERROR
        authority secure.example. 3600 NS ns.secure.example.
        additional ns.secure.example. 3600 A 192.0.2.55
    ",
    );
}

#[test]
fn b50_ds_at_an_apex_without_its_parent_is_nodata() {
    check(
        &ZONES,
        "example. DS",
        "
        NOERROR aa
        authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    ",
    );
}

#[test]
fn b52_parent_and_child_answer_each_what_is_theirs() {
    check(&ZONES, "www.child.example. A", "NOERROR aa\n answer www.child.example. 300 A 198.51.100.80");
    check(
        &ZONES,
        "child.example. SOA",
        "
        NOERROR aa
        answer child.example. 300 SOA ns.child.example. admin.child.example. 1 7200 3600 1209600 900
    ",
    );
    check(
        &ZONES,
        "child.example. DS",
        "
        NOERROR aa
        answer child.example. 3600 DS 54321 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
    ",
    );
    check(
        &ZONES,
        "www.child.example. DS",
        "
        NOERROR aa
        authority child.example. 300 SOA ns.child.example. admin.child.example. 1 7200 3600 1209600 900
    ",
    );
}

#[test]
fn b52_a_zone_further_up_does_not_answer_for_the_parent() {
    let soa = "@ 60 SOA ns a 1 2 3 4 5\n@ 60 NS ns\n";
    let zones = generation(1, vec![zone("example.", EXAMPLE), zone("deep.sub.example.", soa)]);
    check(
        &zones,
        "deep.sub.example. DS",
        "
        NOERROR aa
        authority deep.sub.example. 5 SOA ns.deep.sub.example. a.deep.sub.example. 1 2 3 4 5
    ",
    );
}
