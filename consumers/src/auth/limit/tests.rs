//! The limiter against a plain model, and case by case.

use std::collections::HashMap;
use std::net::IpAddr;

use dns::types::{Opcode, Rcode};
use proptest::prelude::*;

use super::*;

/// A second.
const SECOND: u64 = 1_000_000_000;

/// An answer of a kind, about something.
fn answer(kind: Kind, like: u64) -> Summary {
    Summary {
        opcode: Opcode::QUERY,
        rtype: None,
        rcode: Rcode::NOERROR,
        kind,
        has_edns: false,
        is_dnssec_ok: false,
        is_truncated: false,
        is_authoritative: true,
        has_valid_cookie: false,
        like,
    }
}

/// An address.
fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Options with these rates.
fn options(responses: u32, nxdomains: u32, errors: u32) -> RateLimitOptions {
    RateLimitOptions {
        responses_per_second: responses,
        nxdomains_per_second: nxdomains,
        errors_per_second: errors,
        ..RateLimitOptions::default()
    }
}

/// Of `count` like answers spread evenly over `nanoseconds` from `start` on, those of each verdict: sent, leaked, truncated, dropped.
fn flood(limiter: &mut Limiter, from: &str, answer: &Summary, count: u64, start: u64, nanoseconds: u64) -> [u64; 4] {
    let mut verdicts = [0; 4];
    for number in 0..count {
        verdicts[limiter.judge(start + nanoseconds * number / count, address(from), answer) as usize] += 1;
    }
    verdicts
}

#[test]
fn a_flood_gets_a_seconds_answers_and_then_every_second_one_truncated() {
    let mut limiter = Limiter::new(&options(10, 0, 0));
    let like = answer(Kind::Positive, 7);
    assert_eq!(flood(&mut limiter, "192.0.2.1", &like, 1010, SECOND, 5 * SECOND), [10, 0, 500, 500]);
}

#[test]
fn who_keeps_to_the_rate_gets_every_answer() {
    let mut limiter = Limiter::new(&options(10, 0, 0));
    let like = answer(Kind::Positive, 7);
    assert_eq!(flood(&mut limiter, "192.0.2.1", &like, 600, SECOND, 60 * SECOND), [600, 0, 0, 0]);
}

#[test]
fn who_stops_is_answered_again_when_the_window_has_passed_and_no_sooner() {
    let like = answer(Kind::Positive, 7);
    for (window, silence, is_answered) in
        [(0, SECOND / 9, true), (3, 3 * SECOND, false), (3, 3 * SECOND + SECOND / 9, true)]
    {
        let mut limiter = Limiter::with_window(&options(10, 0, 0), window);
        flood(&mut limiter, "192.0.2.1", &like, 10_000, 0, 10 * SECOND);
        let verdict = limiter.judge(10 * SECOND + silence, address("192.0.2.1"), &like);
        assert_eq!(verdict == Verdict::Send, is_answered, "{window} {silence}: {verdict:?}");
    }
}

#[test]
fn each_process_gives_the_rate_at_once_and_then_its_share() {
    let shared = RateLimitOptions { processes: 8, slip: 0, ..options(5, 0, 0) };
    let like = answer(Kind::Positive, 7);
    // Five a second over eight processes are 0.625 a second in each, or one in 1.6 s.
    for (interval, sent) in [(SECOND * 16 / 10, 5 + 100), (SECOND * 8 / 10, 5)] {
        let mut limiter = Limiter::new(&shared);
        let at_once = flood(&mut limiter, "192.0.2.1", &like, 5, SECOND, 0)[0];
        let after = flood(&mut limiter, "192.0.2.1", &like, 100, SECOND + interval, 100 * interval)[0];
        assert_eq!(at_once + after, sent, "{interval}");
    }
}

#[test]
fn slip_says_how_many_of_the_limited_are_truncated() {
    for (slip, truncated, dropped) in [(0, 0, 60), (1, 60, 0), (3, 20, 40)] {
        let mut limiter = Limiter::new(&RateLimitOptions { slip, ..options(1, 0, 0) });
        let verdicts = flood(&mut limiter, "192.0.2.1", &answer(Kind::Positive, 7), 61, 0, SECOND / 2);
        assert_eq!(verdicts, [1, 0, truncated, dropped], "slip {slip}");
    }
}

#[test]
fn each_class_has_its_rate_and_0_does_not_limit() {
    let mut limiter = Limiter::new(&RateLimitOptions { slip: 0, ..options(0, 20, 5) });
    for (kind, sent) in [
        (Kind::Positive, 100),
        (Kind::Wildcard, 100),
        (Kind::Referral, 100),
        (Kind::NoData, 20),
        (Kind::NxDomain, 20),
        (Kind::Error, 5),
    ] {
        assert_eq!(flood(&mut limiter, "192.0.2.1", &answer(kind, 7), 100, 0, SECOND / 100)[0], sent, "{kind:?}");
    }
}

#[test]
fn errors_leak_where_others_are_truncated() {
    let mut limiter = Limiter::new(&options(0, 0, 1));
    assert_eq!(flood(&mut limiter, "192.0.2.1", &answer(Kind::Error, 0), 101, 0, SECOND / 2), [1, 50, 0, 50]);
}

#[test]
fn neighbours_share_an_account_and_others_do_not() {
    let mut limiter = Limiter::new(&RateLimitOptions { slip: 0, ..options(1, 0, 0) });
    let like = answer(Kind::Positive, 7);
    for (from, about, is_sent) in [
        ("192.0.2.1", 7, true),
        ("192.0.2.255", 7, false),
        ("::ffff:192.0.2.9", 7, false),
        ("192.0.3.1", 7, true),
        ("192.0.2.1", 8, true),
        ("2001:db8:0:100::1", 7, true),
        ("2001:db8:0:1ff::", 7, false),
        ("2001:db8:0:200::", 7, true),
    ] {
        let verdict = limiter.judge(0, address(from), &Summary { like: about, ..like });
        assert_eq!(verdict == Verdict::Send, is_sent, "{from} {about}");
    }
}

#[test]
fn cookies_and_exempt_prefixes_are_spared() {
    let exempt = vec!["198.51.100.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let mut limiter = Limiter::new(&RateLimitOptions { exempt, ..options(1, 0, 0) });
    let like = answer(Kind::Positive, 7);
    for from in ["198.51.100.7", "::ffff:198.51.100.7", "2001:db8::7"] {
        assert_eq!(flood(&mut limiter, from, &like, 100, 0, SECOND), [100, 0, 0, 0], "{from}");
    }
    let with_cookie = Summary { has_valid_cookie: true, ..like };
    assert_eq!(flood(&mut limiter, "192.0.2.1", &with_cookie, 100, 0, SECOND), [100, 0, 0, 0]);
    assert_eq!(flood(&mut limiter, "192.0.2.1", &like, 2, 0, SECOND / 2)[0], 1, "what was spared was not counted");
}

#[test]
fn in_a_full_table_a_flood_stays_limited() {
    // One set of four accounts.
    let mut limiter = Limiter::new(&RateLimitOptions { table_octets: 1, slip: 0, ..options(10, 0, 0) });
    let flooded = answer(Kind::Positive, 0);
    let mut sent = 0;
    for number in 0..10_000u64 {
        let now = number * SECOND / 1000;
        sent += u64::from(limiter.judge(now, address("192.0.2.1"), &flooded) == Verdict::Send);
        // Others pass by, a hundred a second, each once.
        if number % 10 == 0 {
            assert_eq!(limiter.judge(now, address("192.0.2.1"), &answer(Kind::Positive, number + 1)), Verdict::Send);
        }
    }
    assert_eq!(sent, 10);
}

#[test]
fn the_network_counted_is_told() {
    let limiter = Limiter::new(&RateLimitOptions::default());
    for (from, network) in [("192.0.2.77", "192.0.2.0"), ("2001:db8:1:2ff::1", "2001:db8:1:200::")] {
        let counted = limiter.network(address(from));
        assert_eq!((counted.address(), Network::from_word(counted.to_word())), (address(network), counted));
    }
}

/// Accounts as one would write them down: what each has earned and not used, in a map without bounds.
struct Model {
    /// Nanoseconds that an answer costs.
    cost: i128,
    /// The most that is earned ahead.
    balance_max: i128,
    /// The most that is owed.
    debt_max: i128,
    /// Of each client and subject: when it was looked at last, its balance then, and how many of its answers were limited.
    accounts: HashMap<(u8, u64), (u64, i128, u32)>,
}

impl Model {
    /// What becomes of an answer.
    fn judge(&mut self, slip: u32, now: u64, client: u8, like: u64) -> Verdict {
        let (last, balance, limited) = self.accounts.entry((client, like)).or_insert((now, self.balance_max, 0));
        *balance = (*balance + i128::from(now - *last)).min(self.balance_max) - self.cost;
        *last = now;
        if *balance >= 0 {
            return Verdict::Send;
        }
        *balance = (*balance).max(-self.debt_max);
        *limited += 1;
        if slip != 0 && *limited % slip == 0 { Verdict::Truncate } else { Verdict::Drop }
    }
}

proptest! {
    #[test]
    fn the_limiter_does_what_the_model_does(
        rate in 1u32..50,
        processes in 1u32..5,
        window_seconds in 0u32..4,
        slip in 0u32..4,
        queries in prop::collection::vec((0u64..SECOND / 4, 0u8..4, 0u64..4), 1..400),
    ) {
        let mut limiter = Limiter::with_window(&RateLimitOptions { processes, slip, ..options(rate, 0, 0) }, window_seconds);
        let cost = i128::from(SECOND) * i128::from(processes) / i128::from(rate);
        let mut model = Model {
            cost,
            balance_max: cost * i128::from(rate),
            debt_max: i128::from(SECOND) * i128::from(window_seconds),
            accounts: HashMap::new(),
        };
        let mut now = 0;
        for (number, (pause, client, like)) in queries.into_iter().enumerate() {
            // Bursts and pauses.
            now += if number % 32 < 24 { pause / 256 } else { pause };
            let from = IpAddr::from([192, 0, client, 1]);
            let expected = model.judge(slip, now, client, like);
            prop_assert_eq!(limiter.judge(now, from, &answer(Kind::Positive, like)), expected);
        }
    }
}
