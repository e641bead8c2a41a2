//! Existing names, aliases, DNAME and wildcards in unsigned zones (B50), and names in mixed case (B55).

use std::sync::{Arc, LazyLock};

use zone_segment::ZoneSet;

use crate::ask::{Ask, ask, check, text};
use crate::zones::{generation, zone};

/// The zone most tests ask.
pub(crate) const EXAMPLE: &str = r#"
$TTL 3600
@            SOA    ns1 admin 1 7200 3600 1209600 900
@            NS     ns1
@            NS     ns.other.
@            MX     10 mail
ns1          A      192.0.2.1
ns1          AAAA   2001:db8::1
mail         A      192.0.2.25
www          A      192.0.2.80
www          A      192.0.2.81
www          TXT    "text"
a.ent        A      192.0.2.7
sub          NS     ns.sub
sub          NS     ns.sibling
sub          NS     ns1
sub          NS     ns.elsewhere.
ns.sub       A      192.0.2.53
ns.sub       AAAA   2001:db8::53
sibling      NS     ns.sibling
ns.sibling   A      192.0.2.54
secure       NS     ns.secure
secure       DS     12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.secure    A      192.0.2.55
child        NS     ns.child
child        DS     54321 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.child     A      192.0.2.56
*.wild       A      192.0.2.100
*.wild       TXT    "wild"
closer.wild  A      192.0.2.101
*.walias     CNAME  www
a.b.*.went   A      192.0.2.102
alias        CNAME  www
chain1       CNAME  chain2
chain2       CNAME  alias
out          CNAME  www.elsewhere.
to-missing   CNAME  missing
to-sub       CNAME  host.sub
to-served    CNAME  www.served.
to-child     CNAME  www.child
loop1        CNAME  loop2
loop2        CNAME  loop1
self         CNAME  self
wloop.w      TXT    "in the way"
*.w          CNAME  a.w
dname        DNAME  target
a.target     A      192.0.2.110
*.b.target   A      192.0.2.111
c.target     CNAME  www
long         DNAME  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
dloop        DNAME  x.dloop
srv          SRV    0 0 443 www
"#;

/// A zone that aliases of the first lead into.
pub(crate) const SERVED: &str = "
$TTL 300
@    SOA   ns admin 1 7200 3600 1209600 900
@    NS    ns
ns   A     198.51.100.1
www  CNAME www.example.
back CNAME alias.example.
";

/// A child zone of the first.
pub(crate) const CHILD: &str = "
$TTL 300
@    SOA   ns admin 1 7200 3600 1209600 900
@    NS    ns
ns   A     192.0.2.56
www  A     198.51.100.80
";

/// The three of them.
pub(crate) static ZONES: LazyLock<Arc<ZoneSet>> = LazyLock::new(|| {
    generation(1, vec![zone("example.", EXAMPLE), zone("served.", SERVED), zone("child.example.", CHILD)])
});

#[test]
fn b50_an_existing_name_and_type_is_found() {
    check(
        &ZONES,
        "www.example. A",
        "
        NOERROR aa
        answer www.example. 3600 A 192.0.2.80
        answer www.example. 3600 A 192.0.2.81
    ",
    );
    check(
        &ZONES,
        "example. SOA",
        "
        NOERROR aa
        answer example. 3600 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    ",
    );
    check(
        &ZONES,
        "example. MX +do",
        "
        NOERROR aa
        answer example. 3600 MX 10 mail.example.
    ",
    );
    check(
        &ZONES,
        "srv.example. SRV",
        "
        NOERROR aa
        answer srv.example. 3600 SRV 0 0 443 www.example.
    ",
    );
}

#[test]
fn b50_the_name_servers_of_an_apex_come_with_their_addresses() {
    check(
        &ZONES,
        "example. NS",
        "
        NOERROR aa
        answer example. 3600 NS ns.other.
        answer example. 3600 NS ns1.example.
        additional ns1.example. 3600 A 192.0.2.1
        additional ns1.example. 3600 AAAA 2001:db8::1
    ",
    );
}

#[test]
fn b50_any_gets_one_rrset() {
    check(
        &ZONES,
        "www.example. ANY",
        "
        NOERROR aa
        answer www.example. 3600 A 192.0.2.80
        answer www.example. 3600 A 192.0.2.81
    ",
    );
    check(&ZONES, "alias.example. ANY", "NOERROR aa\n answer alias.example. 3600 CNAME www.example.");
    check(&ZONES, "x.wild.example. ANY", "NOERROR aa\n answer x.wild.example. 3600 A 192.0.2.100");
}

#[test]
fn b50_an_alias_is_followed_in_its_zone() {
    check(
        &ZONES,
        "alias.example. TXT",
        r#"
        NOERROR aa
        answer alias.example. 3600 CNAME www.example.
        answer www.example. 3600 TXT "text"
    "#,
    );
    check(&ZONES, "alias.example. CNAME", "NOERROR aa\n answer alias.example. 3600 CNAME www.example.");
    check(
        &ZONES,
        "chain1.example. A",
        "
        NOERROR aa
        answer chain1.example. 3600 CNAME chain2.example.
        answer chain2.example. 3600 CNAME alias.example.
        answer alias.example. 3600 CNAME www.example.
        answer www.example. 3600 A 192.0.2.80
        answer www.example. 3600 A 192.0.2.81
    ",
    );
}

#[test]
fn b50_an_alias_out_of_the_zones_served_ends_the_answer() {
    check(&ZONES, "out.example. A", "NOERROR aa\n answer out.example. 3600 CNAME www.elsewhere.");
}

#[test]
fn b50_an_alias_into_another_zone_served_is_followed() {
    check(
        &ZONES,
        "to-served.example. A",
        "
        NOERROR aa
        answer to-served.example. 3600 CNAME www.served.
        answer www.served. 300 CNAME www.example.
        answer www.example. 3600 A 192.0.2.80
        answer www.example. 3600 A 192.0.2.81
    ",
    );
    check(
        &ZONES,
        "to-child.example. A",
        "
        NOERROR aa
        answer to-child.example. 3600 CNAME www.child.example.
        answer www.child.example. 300 A 198.51.100.80
    ",
    );
    check(
        &ZONES,
        "to-served.example. MX",
        "
        NOERROR aa
        answer to-served.example. 3600 CNAME www.served.
        answer www.served. 300 CNAME www.example.
        authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    ",
    );
}

#[test]
fn b50_an_alias_to_a_missing_name_is_nxdomain() {
    check(
        &ZONES,
        "to-missing.example. A",
        "
        NXDOMAIN aa
        answer to-missing.example. 3600 CNAME missing.example.
        authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    ",
    );
}

#[test]
fn b50_an_alias_below_a_cut_ends_in_a_referral() {
    check(
        &ZONES,
        "to-sub.example. A",
        "
        NOERROR aa
        answer to-sub.example. 3600 CNAME host.sub.example.
        authority sub.example. 3600 NS ns.sub.example.
        authority sub.example. 3600 NS ns.sibling.example.
        authority sub.example. 3600 NS ns.elsewhere.
        authority sub.example. 3600 NS ns1.example.
        additional ns.sub.example. 3600 A 192.0.2.53
        additional ns.sub.example. 3600 AAAA 2001:db8::53
        additional ns.sibling.example. 3600 A 192.0.2.54
        additional ns1.example. 3600 A 192.0.2.1
        additional ns1.example. 3600 AAAA 2001:db8::1
    ",
    );
}

#[test]
fn b50_a_loop_of_aliases_ends() {
    check(
        &ZONES,
        "loop1.example. A",
        "
        NOERROR aa
        answer loop1.example. 3600 CNAME loop2.example.
        answer loop2.example. 3600 CNAME loop1.example.
    ",
    );
    check(&ZONES, "self.example. A", "NOERROR aa\n answer self.example. 3600 CNAME self.example.");
    check(
        &ZONES,
        "q.w.example. A",
        "
        NOERROR aa
        answer q.w.example. 3600 CNAME a.w.example.
        answer a.w.example. 3600 CNAME a.w.example.
    ",
    );
}

#[test]
fn b50_a_chain_of_aliases_ends_at_its_limit() {
    let mut text = String::from("@ 60 SOA ns a 1 2 3 4 5\n@ 60 NS ns\nc40 60 A 192.0.2.1\n");
    for link in 0..40 {
        text.push_str(&format!("c{link} 60 CNAME c{}\n", link + 1));
    }
    let zones = generation(1, vec![zone("chain.", &text)]);
    let answer = ask(&zones, "c0.chain. A +tcp");
    assert!(answer.starts_with("NOERROR aa\n"), "{answer}");
    assert_eq!(answer.matches("CNAME").count(), 16);
    // From here on the limit is just not reached.
    let answer = ask(&zones, "c24.chain. A +tcp");
    assert!(answer.ends_with("answer c40.chain. 60 A 192.0.2.1\n"), "{answer}");
}

#[test]
fn b50_a_wildcard_gives_what_it_has() {
    check(&ZONES, "x.wild.example. A", "NOERROR aa\n answer x.wild.example. 3600 A 192.0.2.100");
    check(&ZONES, "x.y.wild.example. A", "NOERROR aa\n answer x.y.wild.example. 3600 A 192.0.2.100");
    check(
        &ZONES,
        "x.wild.example. MX",
        "
        NOERROR aa
        authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    ",
    );
    check(
        &ZONES,
        "x.walias.example. TXT",
        r#"
        NOERROR aa
        answer x.walias.example. 3600 CNAME www.example.
        answer www.example. 3600 TXT "text"
    "#,
    );
    check(&ZONES, "*.wild.example. A", "NOERROR aa\n answer *.wild.example. 3600 A 192.0.2.100");
}

#[test]
fn b50_a_wildcard_is_blocked_by_a_closer_name() {
    for line in ["x.closer.wild.example. A", "x.*.wild.example. A"] {
        check(
            &ZONES,
            line,
            "
            NXDOMAIN aa
            authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
        ",
        );
    }
    // An empty non-terminal is a wildcard too.
    check(
        &ZONES,
        "x.went.example. A",
        "
        NOERROR aa
        authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    ",
    );
}

#[test]
fn b50_dname_redirects_what_is_below_it() {
    check(
        &ZONES,
        "a.dname.example. A",
        "
        NOERROR aa
        answer dname.example. 3600 DNAME target.example.
        answer a.dname.example. 3600 CNAME a.target.example.
        answer a.target.example. 3600 A 192.0.2.110
    ",
    );
    check(
        &ZONES,
        "x.b.dname.example. A",
        "
        NOERROR aa
        answer dname.example. 3600 DNAME target.example.
        answer x.b.dname.example. 3600 CNAME x.b.target.example.
        answer x.b.target.example. 3600 A 192.0.2.111
    ",
    );
    check(
        &ZONES,
        "c.dname.example. A",
        "
        NOERROR aa
        answer dname.example. 3600 DNAME target.example.
        answer c.dname.example. 3600 CNAME c.target.example.
        answer c.target.example. 3600 CNAME www.example.
        answer www.example. 3600 A 192.0.2.80
        answer www.example. 3600 A 192.0.2.81
    ",
    );
    check(
        &ZONES,
        "missing.dname.example. A",
        "
        NXDOMAIN aa
        answer dname.example. 3600 DNAME target.example.
        answer missing.dname.example. 3600 CNAME missing.target.example.
        authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    ",
    );
    check(
        &ZONES,
        "a.dname.example. CNAME",
        "
        NOERROR aa
        answer dname.example. 3600 DNAME target.example.
        answer a.dname.example. 3600 CNAME a.target.example.
    ",
    );
    check(&ZONES, "dname.example. DNAME", "NOERROR aa\n answer dname.example. 3600 DNAME target.example.");
    check(
        &ZONES,
        "dname.example. A",
        "
        NOERROR aa
        authority example. 900 SOA ns1.example. admin.example. 1 7200 3600 1209600 900
    ",
    );
}

#[test]
fn b50_dname_whose_result_is_too_long_is_yxdomain() {
    let target = [["a"; 62].concat(), ["a"; 62].concat(), ["a"; 62].concat()].join(".");
    let long = ["b"; 60].concat();
    check(
        &ZONES,
        &format!("{long}.long.example. A"),
        &format!(
            "
        YXDOMAIN aa
        answer long.example. 3600 DNAME {target}.example.
    "
        ),
    );
}

#[test]
fn b50_dname_into_itself_ends_when_the_name_is_too_long() {
    let answer = ask(&ZONES, "a.dloop.example. A +tcp");
    assert_eq!(answer.matches(" DNAME ").count(), 1, "{answer}");
    assert_eq!(answer.matches(" CNAME ").count(), 16, "{answer}");
}

#[test]
fn b55_the_question_is_echoed_as_sent_and_case_is_ignored() {
    let ask = Ask::new("wWw.ExAmPlE. A");
    let answer = ask.respond(&ZONES).unwrap();
    assert_eq!(answer[12..12 + 17], ask.message[12..12 + 17]);
    assert_eq!(
        text(&answer),
        "NOERROR aa\nanswer wWw.ExAmPlE. 3600 A 192.0.2.80\nanswer wWw.ExAmPlE. 3600 A 192.0.2.81\n"
    );
    check(&ZONES, "X.WILD.EXAMPLE. A", "NOERROR aa\n answer X.WILD.EXAMPLE. 3600 A 192.0.2.100");
}
