//! The schedule against what RFC 1034 says of it, through random histories.

use proptest::prelude::*;

use super::*;

/// Intervals in seconds.
fn intervals(refresh: u64, retry: u64, expire: u64) -> Intervals {
    let seconds = Duration::from_secs;
    Intervals { refresh: seconds(refresh), retry: seconds(retry), expire: seconds(expire) }
}

/// What happens to a schedule.
#[derive(Clone, Debug)]
enum Event {
    /// So many milliseconds pass.
    Time(u64),
    /// A NOTIFY comes.
    Notify(Option<usize>),
    /// An operator wants the whole zone.
    Retransfer,
    /// The question that is out is answered well.
    Succeed,
    /// It is not.
    Fail,
}

/// Some of them.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => (0_u64..30_000).prop_map(Event::Time),
        2 => proptest::option::of(0_usize..5).prop_map(Event::Notify),
        1 => Just(Event::Retransfer),
        4 => Just(Event::Succeed),
        6 => Just(Event::Fail),
    ];
    proptest::collection::vec(event, 1..200)
}

/// What is known of a schedule from outside.
struct Model {
    /// The time.
    now: Duration,
    /// The question that is out: which primary, and whether the whole zone is wanted.
    out: Option<(usize, bool)>,
    /// Those asked since a round began.
    round: Vec<usize>,
    /// When data expires.
    expires: Option<Duration>,
    /// Not before this and not after that a round begins.
    window: (Duration, Duration),
    /// Whether the whole zone was asked for and did not come.
    is_whole: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn primaries_are_asked_in_order_and_in_time(
        events in events(),
        primaries in 1_usize..4,
        seed in any::<u64>(),
        (refresh, retry, expire) in (1_u64..60, 1_u64..30, 100_u64..200),
    ) {
        let soa = intervals(refresh, retry, expire);
        let mut schedule = Schedule::new(primaries, seed);
        let mut model = Model {
            now: Duration::ZERO, out: None, round: Vec::new(), expires: None, window: (Duration::ZERO, Duration::ZERO),
            is_whole: false,
        };
        let mut rounds_failed = 0_u32;
        let mut had_data = false;
        let mut again = false;
        for event in events {
            let mut acted = None;
            match event {
                Event::Time(milliseconds) => model.now += Duration::from_millis(milliseconds),
                Event::Notify(from) => {
                    schedule.notified(from, model.now);
                    again |= model.out.is_some();
                    if model.out.is_none() {
                        model.window = (Duration::ZERO, model.now);
                    }
                }
                Event::Retransfer => {
                    schedule.retransfer(model.now);
                    model.is_whole = true;
                    again |= model.out.is_some();
                    if model.out.is_none() {
                        model.window = (Duration::ZERO, model.now);
                    }
                }
                Event::Succeed => if let Some((_, was_whole)) = model.out.take() {
                    schedule.succeeded(soa, was_whole, model.now);
                    model.is_whole &= !was_whole;
                    model.expires = Some(model.now + soa.expire);
                    model.window = (model.now + soa.refresh * 3 / 4, model.now + soa.refresh);
                    if std::mem::take(&mut again) {
                        model.window = (Duration::ZERO, model.now);
                    }
                    model.round.clear();
                    (rounds_failed, had_data) = (0, true);
                },
                Event::Fail => if model.out.take().is_some() {
                    acted = schedule.failed(model.now);
                    prop_assert_eq!(acted.is_some(), model.round.len() < primaries);
                    if acted.is_none() {
                        let wait = match had_data {
                            true => soa.retry,
                            false => Duration::from_secs(1 << rounds_failed.min(9)).min(FIRST_RETRY_MAX),
                        };
                        rounds_failed += 1;
                        model.window = (model.now + wait * 3 / 4, model.now + wait);
                        if std::mem::take(&mut again) {
                            model.window = (Duration::ZERO, model.now);
                        }
                        model.round.clear();
                    }
                },
            }
            let mut is_next = acted.is_some();
            while let Some(action) = acted.take().or_else(|| schedule.poll(model.now)) {
                match action {
                    Action::Ask { primary, is_whole } => {
                        prop_assert!(model.out.is_none(), "one question at a time");
                        prop_assert!(primary < primaries && !model.round.contains(&primary));
                        if let Some(last) = model.round.last() {
                            prop_assert_eq!(primary, (last + 1) % primaries);
                        }
                        prop_assert_eq!(is_whole, model.is_whole);
                        prop_assert!(is_next || model.now >= model.window.0);
                        model.out = Some((primary, is_whole));
                        model.round.push(primary);
                    }
                    Action::Expire => {
                        prop_assert!(model.expires.take().is_some_and(|expires| expires <= model.now));
                    }
                }
                is_next = false;
            }
            prop_assert!(model.out.is_some() || model.now < model.window.1, "nobody is asked");
            prop_assert!(model.expires.is_none_or(|expires| expires > model.now), "old data is served");
            prop_assert_eq!(schedule.expires(), model.expires);
            prop_assert!(schedule.due().is_none_or(|due| due > model.now));
            prop_assert!(schedule.due().is_some() || model.out.is_some());
        }
    }

    #[test]
    fn intervals_are_within_bounds(numbers in any::<[u32; 5]>()) {
        let rdata: Vec<u8> = [0, 0].into_iter().chain(numbers.iter().flat_map(|number| number.to_be_bytes())).collect();
        let Intervals { refresh, retry, expire } = Intervals::of_soa(&rdata).unwrap();
        prop_assert!((INTERVAL_MIN..=REFRESH_MAX).contains(&refresh));
        prop_assert!((INTERVAL_MIN..=RETRY_MAX).contains(&retry));
        prop_assert!((refresh + retry..=EXPIRE_MAX).contains(&expire));
    }
}

#[test]
fn data_keeps_its_age_over_a_restart() {
    let (soa, now) = (intervals(10, 5, 100), Duration::from_secs(3));
    let mut schedule = Schedule::new(1, 1).with_data(soa, Some(Duration::from_secs(40)), now);
    assert_eq!(schedule.poll(now), Some(Action::Ask { primary: 0, is_whole: false }));
    assert_eq!(schedule.failed(now), None);
    assert_eq!(schedule.expires(), Some(Duration::from_secs(43)));
    let mut old = Schedule::new(1, 1).with_data(soa, Some(Duration::ZERO), now);
    assert_eq!(old.poll(now), Some(Action::Expire));
    assert_eq!(old.poll(now), Some(Action::Ask { primary: 0, is_whole: false }));
}

#[test]
fn data_that_came_from_elsewhere_is_replaced_as_a_whole() {
    let mut schedule = Schedule::new(2, 1).with_data(intervals(10, 5, 100), None, Duration::ZERO);
    assert_eq!(schedule.poll(Duration::ZERO), Some(Action::Ask { primary: 0, is_whole: true }));
    assert_eq!(schedule.failed(Duration::ZERO), Some(Action::Ask { primary: 1, is_whole: true }));
}

#[test]
fn a_notify_begins_with_its_sender_and_is_not_lost_during_a_round() {
    let (soa, now) = (intervals(1000, 500, 10_000), Duration::from_secs(1));
    let mut schedule = Schedule::new(3, 1);
    assert_eq!(schedule.poll(now), Some(Action::Ask { primary: 0, is_whole: false }));
    schedule.notified(Some(2), now);
    schedule.succeeded(soa, false, now);
    assert_eq!(schedule.poll(now), Some(Action::Ask { primary: 2, is_whole: false }));
    assert_eq!(schedule.failed(now), Some(Action::Ask { primary: 0, is_whole: false }));
    schedule.succeeded(soa, false, now);
    assert_eq!(schedule.poll(now + Duration::from_secs(749)), None);
}
