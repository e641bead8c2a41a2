//! The rotation's rules, one by one. The interleavings of all of them are in `tests/simulation`.

use super::*;

/// A rotation, its clock and what it asked for so far.
struct Scene {
    /// The rotation between two steps.
    rotation: Rotation,
    /// The time of the latest step.
    now: Duration,
    /// The actions of the latest call.
    actions: Vec<Action>,
}

/// The first reader.
const A: ReaderId = ReaderId(1);
/// The second reader.
const B: ReaderId = ReaderId(2);

impl Scene {
    /// Nothing published yet.
    fn empty() -> Self {
        Self { rotation: Rotation::default(), now: Duration::ZERO, actions: Vec::new() }
    }

    /// Generation 1 is current and each reader has acknowledged it.
    fn settled(readers: &[ReaderId]) -> Self {
        let mut scene = Self::empty();
        scene.publish(1);
        for &reader in readers {
            scene.join(reader, None);
            scene.acknowledge(reader, 1);
        }
        scene
    }

    /// One event, at the present time.
    fn step(&mut self, event: Event) -> &[Action] {
        let (rotation, actions) = std::mem::take(&mut self.rotation).step(self.now, event);
        self.rotation = rotation;
        self.actions = actions;
        &self.actions
    }

    fn build(&mut self, generation: u64) -> &[Action] {
        self.step(Event::Built { generation })
    }

    fn commit(&mut self, generation: u64) -> &[Action] {
        self.step(Event::Committed { generation })
    }

    /// Builds a candidate that is committed at once.
    fn publish(&mut self, generation: u64) -> &[Action] {
        assert_eq!(self.build(generation), [Action::Commit { generation }, Action::StartBuild]);
        self.commit(generation)
    }

    fn join(&mut self, reader: ReaderId, holds: Option<u64>) -> &[Action] {
        self.step(Event::ReaderJoined { reader, holds })
    }

    fn acknowledge(&mut self, reader: ReaderId, generation: u64) -> &[Action] {
        self.step(Event::Acknowledged { reader, generation })
    }

    fn release(&mut self, reader: ReaderId, generation: u64) -> &[Action] {
        self.step(Event::Released { reader, generation })
    }

    fn refuse(&mut self, reader: ReaderId, generation: u64) -> &[Action] {
        self.step(Event::Refused { reader, generation })
    }

    fn gone(&mut self, reader: ReaderId) -> &[Action] {
        self.step(Event::ReaderGone { reader })
    }

    fn pong(&mut self, reader: ReaderId, progress: u64, waiting: bool) -> &[Action] {
        self.step(Event::Pong { reader, threads: vec![ThreadProgress { progress, waiting }] })
    }

    /// Half seconds pass, in each of which the idle readers answer. Collects what is asked for but the pings.
    fn pass(&mut self, half_seconds: u32, answering: &[ReaderId]) -> Vec<Action> {
        let mut all = Vec::new();
        for _ in 0..half_seconds {
            self.now += Duration::from_millis(500);
            for &reader in answering {
                self.pong(reader, 0, false);
            }
            all.extend(self.step(Event::Tick).iter().filter(|action| !is_ping(action)).cloned());
        }
        all
    }

    /// The generations alive as (number, state), newest first.
    fn alive(&self) -> Vec<(u64, GenerationState)> {
        self.rotation.generations().iter().map(|status| (status.generation, status.state)).collect()
    }
}

fn is_ping(action: &Action) -> bool {
    matches!(action, Action::Ping { .. })
}

fn announce(reader: ReaderId, generation: u64) -> Action {
    Action::Announce { reader, generation }
}

fn kill(reader: ReaderId, reason: KillReason, generation: u64, seconds: u64) -> Action {
    Action::Kill { reader, reason, generation: Some(generation), waited: Duration::from_secs(seconds) }
}

use GenerationState::{Current, Releasing as Letting, Switching as Moving, Updating};

#[test]
fn b21_old_generation_stays_until_both_have_acknowledged_and_released() {
    let mut scene = Scene::settled(&[A, B]);
    assert_eq!(scene.publish(2), [announce(A, 2), announce(B, 2)]);
    assert_eq!(scene.acknowledge(A, 2), []);
    assert_eq!(scene.release(A, 1), []);
    assert_eq!(scene.alive(), [(2, Moving), (1, Current)]);
    assert_eq!(scene.rotation.current(), Some(1));
    assert_eq!(scene.acknowledge(B, 2), [Action::BecameCurrent { generation: 2 }]);
    assert_eq!(scene.alive(), [(2, Current), (1, Letting)]);
    assert_eq!(scene.release(B, 1), [Action::Retire { generation: 1 }]);
    assert_eq!(scene.alive(), [(2, Current)]);
}

#[test]
fn b21_old_generation_goes_when_the_last_reader_of_it_leaves() {
    let mut scene = Scene::settled(&[A, B]);
    scene.publish(2);
    scene.acknowledge(A, 2);
    scene.release(A, 1);
    assert_eq!(scene.gone(B), [Action::BecameCurrent { generation: 2 }, Action::Retire { generation: 1 }]);
}

#[test]
fn b21_release_before_the_acknowledgement_counts_with_it() {
    let mut scene = Scene::settled(&[A]);
    scene.publish(2);
    assert_eq!(scene.release(A, 1), []);
    assert_eq!(scene.alive(), [(2, Moving), (1, Current)]);
    assert_eq!(scene.acknowledge(A, 2), [Action::BecameCurrent { generation: 2 }, Action::Retire { generation: 1 }]);
}

#[test]
fn b22_reader_without_acknowledgement_is_killed_at_the_switch_timeout() {
    let mut scene = Scene::settled(&[A, B]);
    scene.publish(2);
    scene.acknowledge(A, 2);
    scene.release(A, 1);
    assert_eq!(scene.pass(9, &[A, B]), []);
    let expected = [
        kill(B, KillReason::SwitchTimeout, 2, 5),
        Action::BecameCurrent { generation: 2 },
        Action::Retire { generation: 1 },
    ];
    assert_eq!(scene.pass(1, &[A, B]), expected);
    assert_eq!(scene.join(B, Some(1)), [ignored(Some(B), Ignored::Killed)]);
    assert_eq!(scene.gone(B), [], "the end of a killed reader's connection is no news");
}

#[test]
fn b38_readers_that_refuse_a_damaged_generation_live_and_take_the_next() {
    let mut scene = Scene::settled(&[A, B]);
    scene.publish(2);
    assert_eq!(scene.refuse(A, 2), [Action::Examine { generation: 2 }]);
    assert_eq!(scene.alive(), [(2, Moving), (1, Current)]);
    // Nothing waits for those that refused, and they are not killed, however long the examination and the repair take.
    let expected =
        [Action::Examine { generation: 2 }, Action::BecameCurrent { generation: 2 }, Action::Retire { generation: 1 }];
    assert_eq!(scene.refuse(B, 2), expected);
    assert_eq!(scene.pass(1000, &[A, B]), []);
    assert_eq!(scene.publish(3), [announce(A, 3), announce(B, 3)]);
    scene.acknowledge(A, 3);
    scene.release(A, 1);
    assert_eq!(scene.acknowledge(B, 3), [Action::BecameCurrent { generation: 3 }, Action::Retire { generation: 2 }]);
    scene.release(B, 1);
    assert_eq!(scene.publish(4), [announce(A, 4), announce(B, 4)]);
}

#[test]
fn b22_reader_that_refuses_a_sound_generation_is_told_once_more_and_then_killed() {
    let mut scene = Scene::settled(&[A, B]);
    scene.publish(2);
    scene.acknowledge(B, 2);
    scene.release(B, 1);
    scene.now += Duration::from_secs(1);
    let expected =
        [Action::Examine { generation: 2 }, Action::BecameCurrent { generation: 2 }, Action::Retire { generation: 1 }];
    assert_eq!(scene.refuse(A, 2), expected);
    assert_eq!(scene.step(Event::Examined { generation: 2 }), [announce(A, 2)]);
    assert_eq!(scene.refuse(A, 2), [Action::Examine { generation: 2 }]);
    assert_eq!(scene.step(Event::Examined { generation: 2 }), [], "there is no third time");
    scene.now += Duration::from_secs(1);
    assert_eq!(scene.step(Event::Tick).first(), Some(&kill(A, KillReason::Refused, 2, 2)));
}

#[test]
fn b22_reader_that_was_told_once_more_has_its_deadline_and_holds_nothing_up() {
    let mut scene = Scene::settled(&[A]);
    scene.publish(2);
    scene.refuse(A, 2);
    assert_eq!(scene.step(Event::Examined { generation: 2 }), [announce(A, 2)]);
    assert_eq!(scene.publish(3), [], "it owes an answer about generation 2");
    let actions = scene.pass(10, &[A]);
    assert_eq!(actions.first(), Some(&kill(A, KillReason::SwitchTimeout, 2, 5)));
}

#[test]
fn b22_a_pause_of_memmgr_is_held_against_no_reader_however_short_its_deadline() {
    let deadlines = Deadlines { switch_timeout: Duration::from_millis(200), ..Deadlines::default() };
    let mut scene = Scene { rotation: Rotation::new(deadlines), ..Scene::empty() };
    scene.publish(1);
    scene.join(A, None);
    scene.acknowledge(A, 1);
    scene.publish(2);
    // The acknowledgement lies unread meanwhile.
    scene.now += Duration::from_secs(1);
    assert!(scene.step(Event::Tick).iter().all(is_ping));
    assert_eq!(scene.acknowledge(A, 2), [Action::BecameCurrent { generation: 2 }]);
}

#[test]
fn b38_reader_that_refuses_what_is_not_the_newest_is_told_of_the_newest() {
    let mut scene = Scene::settled(&[A]);
    assert_eq!(scene.join(B, None), [announce(B, 1)]);
    scene.publish(2);
    assert_eq!(scene.refuse(B, 1), [announce(B, 2)]);
    assert_eq!(scene.acknowledge(A, 2), []);
    assert_eq!(scene.acknowledge(B, 2), [Action::BecameCurrent { generation: 2 }]);
}

#[test]
fn an_examination_of_what_nobody_refused_changes_nothing() {
    let mut scene = Scene::settled(&[A]);
    assert_eq!(scene.step(Event::Examined { generation: 1 }), []);
    scene.publish(2);
    assert_eq!(scene.step(Event::Examined { generation: 2 }), []);
    scene.refuse(A, 2);
    assert_eq!(scene.step(Event::Examined { generation: 1 }), []);
    assert_eq!(scene.step(Event::Examined { generation: 2 }), [announce(A, 2)]);
    assert_eq!(scene.acknowledge(A, 2), []);
}

#[test]
fn b22_reader_that_does_not_release_is_killed_at_the_release_timeout() {
    let mut scene = Scene::settled(&[A]);
    scene.publish(2);
    scene.acknowledge(A, 2);
    assert_eq!(scene.pass(119, &[A]), []);
    let expected = [kill(A, KillReason::ReleaseTimeout, 1, 60), Action::Retire { generation: 1 }];
    assert_eq!(scene.pass(1, &[A]), expected);
}

#[test]
fn b22_thread_that_stands_with_work_waiting_is_a_stalled_reader_whatever_the_others_do() {
    let mut scene = Scene::settled(&[A]);
    let mut killed_after = None;
    for second in 1..=20_u64 {
        scene.now += Duration::from_secs(1);
        let threads = vec![
            ThreadProgress { progress: second, waiting: true },
            ThreadProgress { progress: 7, waiting: second > 3 },
        ];
        scene.step(Event::Pong { reader: A, threads });
        if let Some(action) = scene.step(Event::Tick).iter().find(|action| !is_ping(action)) {
            assert_eq!(*action, kill(A, KillReason::Stalled { thread: 1 }, 1, 10));
            killed_after = Some(second);
            break;
        }
    }
    assert_eq!(killed_after, Some(14));
}

#[test]
fn b22_reader_without_pongs_is_killed_at_the_stall_timeout() {
    let mut scene = Scene::settled(&[A]);
    assert_eq!(scene.pass(19, &[]), []);
    assert_eq!(scene.pass(1, &[]), [kill(A, KillReason::PingTimeout, 1, 10)]);
}

#[test]
fn b22_idle_reader_lives_through_ten_minutes_and_a_hundred_rotations() {
    let mut scene = Scene::settled(&[A]);
    for generation in 2..=101 {
        assert_eq!(scene.publish(generation), [announce(A, generation)]);
        scene.acknowledge(A, generation);
        scene.release(A, generation - 1);
        assert_eq!(scene.pass(12, &[A]), []);
    }
    assert_eq!(scene.now, Duration::from_secs(600));
    assert_eq!(scene.alive(), [(101, Current)]);
}

#[test]
fn b22_sleep_of_memmgr_itself_is_held_against_no_reader() {
    let mut scene = Scene::settled(&[A]);
    scene.publish(2);
    scene.now += Duration::from_secs(3600);
    assert_eq!(scene.step(Event::Tick), [Action::Ping { reader: A }]);
    assert_eq!(scene.acknowledge(A, 2), [Action::BecameCurrent { generation: 2 }]);
    scene.now -= Duration::from_secs(60);
    assert_eq!(scene.pass(4, &[A]), [], "a clock that runs backwards kills nobody");
}

#[test]
fn b22_first_tick_after_a_sleep_judges_nobody_so_that_what_lies_unread_is_read() {
    let mut scene = Scene::settled(&[A]);
    scene.publish(2);
    assert_eq!(scene.pass(9, &[A]), []);
    scene.now += Duration::from_secs(60);
    assert_eq!(scene.step(Event::Tick), [Action::Ping { reader: A }]);
    assert_eq!(scene.acknowledge(A, 2), [Action::BecameCurrent { generation: 2 }]);
    assert_eq!(scene.pass(1, &[A]), []);
}

#[test]
fn b22_pings_go_out_once_an_interval() {
    let mut scene = Scene::settled(&[A]);
    let mut pings = 0;
    for _ in 0..100 {
        scene.now += Duration::from_millis(100);
        pings += scene.step(Event::Tick).iter().filter(|action| is_ping(action)).count();
        scene.pong(A, 0, false);
    }
    assert_eq!(pings, 10);
}

#[test]
fn b22_idle_reader_lives_with_the_shortest_stall_timeout() {
    let mut scene = Scene::empty();
    let deadlines = Deadlines { stall_timeout: Duration::from_millis(100), ..Deadlines::default() };
    scene.rotation = Rotation::new(deadlines);
    scene.join(A, None);
    for _ in 0..200 {
        scene.now += Duration::from_millis(25);
        let actions = scene.step(Event::Tick).to_vec();
        assert!(actions.iter().all(is_ping), "{actions:?}");
        if !actions.is_empty() {
            scene.pong(A, 0, false);
        }
    }
}

#[test]
fn b23_reader_that_dies_while_the_candidate_is_committed_is_not_announced_to() {
    let mut scene = Scene::settled(&[A]);
    scene.build(2);
    scene.gone(A);
    assert_eq!(scene.commit(2), [Action::BecameCurrent { generation: 2 }, Action::Retire { generation: 1 }]);
}

#[test]
fn b23_reader_that_dies_between_announcement_and_acknowledgement_ends_the_switch() {
    let mut scene = Scene::settled(&[A]);
    scene.publish(2);
    assert_eq!(scene.gone(A), [Action::BecameCurrent { generation: 2 }, Action::Retire { generation: 1 }]);
}

#[test]
fn b23_reader_that_dies_while_releasing_ends_the_release() {
    let mut scene = Scene::settled(&[A]);
    scene.publish(2);
    scene.acknowledge(A, 2);
    assert_eq!(scene.gone(A), [Action::Retire { generation: 1 }]);
}

#[test]
fn b24_without_readers_an_update_is_published_at_once() {
    let mut scene = Scene::empty();
    assert_eq!(scene.publish(1), [Action::BecameCurrent { generation: 1 }]);
    assert_eq!(scene.publish(2), [Action::BecameCurrent { generation: 2 }, Action::Retire { generation: 1 }]);
}

#[test]
fn b24_readers_that_came_first_are_given_the_first_generation() {
    let mut scene = Scene::empty();
    assert_eq!(scene.join(A, None), []);
    assert_eq!(scene.publish(1), [announce(A, 1)]);
    assert_eq!(scene.alive(), [(1, Moving)]);
    assert_eq!(scene.acknowledge(A, 1), [Action::BecameCurrent { generation: 1 }]);
}

#[test]
fn b25_reader_that_joins_is_given_the_newest_published_generation_and_only_that() {
    let mut scene = Scene::settled(&[A]);
    scene.build(2);
    assert_eq!(scene.join(ReaderId(10), None), [announce(ReaderId(10), 1)], "while committing");
    scene.acknowledge(ReaderId(10), 1);
    scene.commit(2);
    scene.now += Duration::from_millis(1);
    assert_eq!(scene.join(ReaderId(11), None), [announce(ReaderId(11), 2)], "while switching");
    scene.acknowledge(A, 2);
    assert_eq!(scene.acknowledge(ReaderId(10), 2), [Action::BecameCurrent { generation: 2 }]);
    assert_eq!(scene.join(ReaderId(12), None), [announce(ReaderId(12), 2)], "while releasing");
    scene.release(A, 1);
    assert_eq!(scene.release(ReaderId(10), 1), [Action::Retire { generation: 1 }]);
    assert_eq!(scene.join(ReaderId(13), None), [announce(ReaderId(13), 2)], "at rest");
}

#[test]
fn b25_reader_that_joins_with_nothing_holds_up_no_switch() {
    let mut scene = Scene::settled(&[A]);
    scene.publish(2);
    scene.now += Duration::from_millis(1);
    scene.join(B, None);
    assert_eq!(scene.acknowledge(A, 2), [Action::BecameCurrent { generation: 2 }]);
}

#[test]
fn b25_reader_that_owes_an_answer_is_told_of_the_next_after_it() {
    let mut scene = Scene::settled(&[]);
    scene.join(A, None);
    assert_eq!(scene.publish(2), []);
    assert_eq!(scene.acknowledge(A, 1), [announce(A, 2)]);
    assert_eq!(scene.acknowledge(A, 2), [Action::BecameCurrent { generation: 2 }]);
    assert_eq!(scene.release(A, 1), [Action::Retire { generation: 1 }]);
}

#[test]
fn b26_candidate_waits_until_the_switch_is_complete_and_the_one_before_released() {
    let mut scene = Scene::settled(&[A]);
    scene.publish(2);
    assert_eq!(scene.build(3), []);
    assert!(!scene.rotation.may_build());
    assert_eq!(scene.alive(), [(3, Updating), (2, Moving), (1, Current)]);
    assert_eq!(scene.build(4), [Action::Retire { generation: 3 }], "what has gathered since takes its place");
    assert_eq!(scene.acknowledge(A, 2), [Action::BecameCurrent { generation: 2 }]);
    let expected = [Action::Retire { generation: 1 }, Action::Commit { generation: 4 }, Action::StartBuild];
    assert_eq!(scene.release(A, 1), expected);
    assert_eq!(scene.build(5), []);
    assert_eq!(scene.alive(), [(5, Updating), (4, Updating), (2, Current)]);
    assert_eq!(scene.commit(4), [announce(A, 4)]);
}

#[test]
fn b27_failed_candidate_changes_nothing_that_is_served() {
    let mut scene = Scene::settled(&[A]);
    scene.build(2);
    assert_eq!(scene.step(Event::BuildFailed { generation: 2 }), [Action::Retire { generation: 2 }]);
    assert_eq!(scene.alive(), [(1, Current)]);
    let stale = Ignored::StaleBuild { generation: 2, expected_min: 3 };
    assert_eq!(scene.build(2), [ignored(None, stale)], "a number that may stand in a manifest is not used again");
    assert_eq!(scene.publish(3), [announce(A, 3)]);
    scene.build(4);
    let expected = [Action::Retire { generation: 4 }, Action::StartBuild];
    assert_eq!(scene.step(Event::BuildFailed { generation: 4 }), expected);
    let unknown = Ignored::NotCandidate { generation: 4 };
    assert_eq!(scene.step(Event::BuildFailed { generation: 4 }), [ignored(None, unknown)]);
    assert_eq!(scene.commit(4), [ignored(None, unknown)]);
}

#[test]
fn b29_stale_and_untrue_words_are_reported_and_change_nothing() {
    let mut scene = Scene::settled(&[A, B]);
    scene.publish(2);
    scene.acknowledge(A, 2);
    let before = (scene.rotation.generations(), scene.rotation.readers());
    let stranger = ReaderId(99);
    let expected = Some(2);
    let cases = [
        (Event::Acknowledged { reader: A, generation: 2 }, A, Ignored::AcknowledgedTwice { generation: 2 }),
        (Event::Acknowledged { reader: B, generation: 1 }, B, Ignored::AcknowledgedTwice { generation: 1 }),
        (Event::Acknowledged { reader: B, generation: 0 }, B, Ignored::NotAnnounced { generation: 0, expected }),
        (
            Event::Acknowledged { reader: B, generation: u64::MAX },
            B,
            Ignored::NotAnnounced { generation: u64::MAX, expected },
        ),
        (Event::Acknowledged { reader: A, generation: 1 }, A, Ignored::NotAnnounced { generation: 1, expected: None }),
        (Event::Acknowledged { reader: stranger, generation: 2 }, stranger, Ignored::UnknownReader),
        (Event::Released { reader: A, generation: 2 }, A, Ignored::StillInUse { generation: 2 }),
        (Event::Released { reader: B, generation: 2 }, B, Ignored::StillInUse { generation: 2 }),
        (Event::Released { reader: A, generation: 7 }, A, Ignored::NotHeld { generation: 7 }),
        (Event::Released { reader: stranger, generation: 1 }, stranger, Ignored::UnknownReader),
        (Event::Refused { reader: A, generation: 2 }, A, Ignored::NotAnnounced { generation: 2, expected: None }),
        (Event::Refused { reader: stranger, generation: 2 }, stranger, Ignored::UnknownReader),
        (Event::Pong { reader: stranger, threads: Vec::new() }, stranger, Ignored::UnknownReader),
        (Event::ReaderJoined { reader: A, holds: None }, A, Ignored::AlreadyJoined),
    ];
    for (event, reader, why) in cases {
        assert_eq!(scene.step(event.clone()), [ignored(Some(reader), why)], "{event:?}");
        assert_eq!((scene.rotation.generations(), scene.rotation.readers()), before, "{event:?}");
    }
    assert_eq!(scene.gone(stranger), []);
}

#[test]
fn b29_release_of_the_only_generation_is_not_believed() {
    let mut scene = Scene::settled(&[A]);
    let why = Ignored::StillInUse { generation: 1 };
    assert_eq!(scene.release(A, 1), [ignored(Some(A), why)]);
    assert_eq!(scene.rotation.readers()[0].holding, [1]);
}

#[test]
fn b32_survivors_of_a_restart_are_adopted_with_what_they_hold() {
    let mut scene = Scene::empty();
    scene.rotation = Rotation::recovered(7, Deadlines::default());
    assert_eq!(scene.join(A, Some(7)), [], "it has the newest");
    assert_eq!(scene.join(B, Some(6)), [announce(B, 7)]);
    assert_eq!(scene.alive(), [(7, Current)]);
    assert_eq!(scene.build(8), [], "generation 6 is still in use");
    assert_eq!(scene.acknowledge(B, 7), []);
    assert_eq!(scene.release(B, 6), [Action::Commit { generation: 8 }, Action::StartBuild]);
    assert_eq!(scene.commit(8), [announce(A, 8), announce(B, 8)]);
}

#[test]
fn b32_survivor_of_a_lost_history_is_given_what_there_is() {
    let mut scene = Scene::empty();
    assert_eq!(scene.join(A, Some(40)), []);
    assert_eq!(scene.publish(1), [announce(A, 1)]);
    assert_eq!(scene.acknowledge(A, 1), [Action::BecameCurrent { generation: 1 }]);
    assert_eq!(scene.release(A, 40), []);
    assert_eq!(scene.rotation.readers()[0].holding, [1]);
}

#[test]
fn b33_numbers_of_a_damaged_generation_are_not_given_to_other_contents() {
    let mut scene = Scene::empty();
    scene.rotation = Rotation::empty_after(7, Deadlines::default());
    assert_eq!(scene.join(A, Some(7)), []);
    let why = Ignored::StaleBuild { generation: 7, expected_min: 8 };
    assert_eq!(scene.build(7), [ignored(None, why)]);
    assert_eq!(scene.rotation.next_generation(), 8);
    assert_eq!(scene.publish(8), [announce(A, 8)]);
}

#[test]
fn reader_that_comes_again_and_again_keeps_no_update_back() {
    let mut scene = Scene::settled(&[]);
    let mut committed = 1;
    for id in 100..700 {
        let mut actions = scene.join(ReaderId(id), Some(committed - 1)).to_vec();
        if scene.rotation.may_build() {
            let generation = scene.rotation.next_generation();
            actions.extend_from_slice(scene.build(generation));
        }
        scene.now += Duration::from_secs(1);
        actions.extend_from_slice(scene.step(Event::Tick));
        actions.extend_from_slice(scene.gone(ReaderId(id - 1)));
        if let Some(Action::Commit { generation }) =
            actions.iter().find(|action| matches!(action, Action::Commit { .. }))
        {
            committed = *generation;
            scene.commit(committed);
        }
    }
    assert!(committed > 5, "only {committed} generations in 600 s");
}

#[test]
fn threads_above_the_limit_are_not_watched() {
    let mut scene = Scene::settled(&[A]);
    let idle = ThreadProgress { progress: 0, waiting: false };
    let mut threads = vec![idle; WATCHED_THREADS_MAX];
    threads.push(ThreadProgress { progress: 0, waiting: true });
    for _ in 0..20 {
        scene.now += Duration::from_secs(1);
        scene.step(Event::Pong { reader: A, threads: threads.clone() });
        assert_eq!(scene.step(Event::Tick), [Action::Ping { reader: A }]);
    }
}
