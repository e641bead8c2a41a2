//! Answers larger than the asker or we allow (B53): what is left out, and when TC is set.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use consumers::auth::answer::Policy;
use dns::message::header::{self, Header};
use zone_segment::ZoneSet;

use crate::ask::{Ask, ask, check_frame, text};
use crate::zones::{generation, sign, zone};

/// A zone of large RRsets, signed.
pub(crate) static ZONES: LazyLock<Arc<ZoneSet>> = LazyLock::new(|| {
    let mut text = String::from("$TTL 60\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nalias CNAME many\n");
    for number in 0..200 {
        writeln!(text, "many A 192.0.2.{number}\nsub NS ns{number}.sub\nns{number}.sub A 192.0.2.{number}").unwrap();
    }
    for number in 0..13 {
        writeln!(text, "in NS ns{number}.in\nns{number}.in A 192.0.2.{number}\nns{number}.in AAAA 2001:db8::{number}")
            .unwrap();
        writeln!(text, "out NS ns{number}.in").unwrap();
    }
    generation(1, vec![sign(zone("big.", &text))])
});

/// The answer to a line, with its length and whether it is truncated.
fn answer(line: &str) -> (String, usize, bool) {
    let octets = Ask::new(line).respond(&ZONES).unwrap();
    (ask(&ZONES, line), octets.len(), Header::parse(&octets).unwrap().has(header::TC))
}

#[test]
fn b53_an_rrset_that_does_not_fit_is_left_out_whole() {
    for (line, limit) in [
        ("many.big. A", 512),
        ("many.big. A +edns=1232", 1232),
        ("many.big. A +edns=100", 512),
        ("many.big. A +edns=65535", 1232),
        ("many.big. A +do", 1232),
    ] {
        let (text, length, is_truncated) = answer(line);
        assert!(is_truncated && length <= limit, "{line}: {length}");
        assert_eq!(text, "NOERROR aa tc\n", "{line}");
    }
    let (text, _, is_truncated) = answer("many.big. A +tcp");
    assert!(!is_truncated);
    assert_eq!(text.matches("answer many.big. 60 A ").count(), 200);
}

#[test]
fn b53_what_comes_before_the_rrset_that_does_not_fit_stays() {
    assert_eq!(answer("alias.big. A").0, "NOERROR aa tc\nanswer alias.big. 60 CNAME many.big.\n");
}

#[test]
fn b53_glue_of_the_cut_that_does_not_fit_sets_tc() {
    let (text, length, is_truncated) = answer("x.in.big. A");
    assert!(is_truncated && length <= 512, "{text}");
    assert_eq!(text.matches("authority in.big. 60 NS").count(), 13, "{text}");
    assert!(text.contains("additional"), "{text}");
    let (text, length, is_truncated) = answer("x.in.big. A +edns=1232");
    assert!(!is_truncated && length <= 1232, "{text}");
    assert_eq!(text.matches("additional").count(), 26, "{text}");
    // Not even the name servers fit.
    let (text, _, is_truncated) = answer("x.sub.big. A");
    assert!(is_truncated);
    assert_eq!(text, "NOERROR tc\n");
}

#[test]
fn b53_other_addresses_that_do_not_fit_are_just_left_out() {
    let (text, length, is_truncated) = answer("x.out.big. A");
    assert!(!is_truncated && length <= 512, "{text}");
    assert_eq!(text.matches("authority out.big. 60 NS").count(), 13, "{text}");
    assert!((1..26).contains(&text.matches("additional").count()), "{text}");
}

#[test]
fn b53_a_signature_that_does_not_fit_takes_its_rrset_along() {
    // At each size either both are there, or neither and TC.
    for size in 512..700 {
        let (text, length, is_truncated) = answer(&format!("x.in.big. A +do +edns={size}"));
        assert!(length <= size);
        let proof = (text.matches(" NSEC ").count(), text.matches("RRSIG NSEC\n").count());
        assert!(proof == (1, 2) || (proof == (0, 0) && is_truncated), "{size}: {text}");
    }
}

#[test]
fn b53_the_process_s_own_maximum_counts_too() {
    let query = Ask::new("x.in.big. A +edns=4096");
    for (own, limit) in [(1400, 1400), (700, 700), (100, 512)] {
        let policy = Policy { udp_octets_max: own, ..Policy::default() };
        let mut room = vec![0; 65_535];
        let answered = query.respond_into(&ZONES, &policy, &mut room).unwrap();
        let answer = &room[..answered.octets];
        check_frame(&query.message, answer);
        assert!(answer.len() <= limit);
        assert_eq!(text(answer).contains(" tc"), own < 800, "{own}");
    }
}

#[test]
fn b53_a_buffer_shorter_than_the_limit_is_not_overrun() {
    let query = Ask::new("www.big. A +do");
    for length in 0..200 {
        let mut room = vec![0; length];
        let answered = query.respond_into(&ZONES, &Policy::default(), &mut room);
        assert!(answered.is_none_or(|answered| answered.octets <= length));
    }
}
