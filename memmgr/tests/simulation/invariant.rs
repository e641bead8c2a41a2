//! What must hold after each step, whatever has happened.
//!
//! Each check is a function from the world to a fault in words; [`check`] runs them all.

use std::time::Duration;

use memmgr::rotation::{GenerationState, ReaderId, ReaderStatus, Rotation};

use crate::process::Mood;
use crate::world::World;

/// The longest that a switch can take: a reader that owes an answer about the generation before has a switch timeout for
/// each, one that comes back late has one after it came; and deadlines are judged once a tick.
const SWITCH_MAX: Duration = Duration::from_millis(10_000 + 2_000);

/// The longest that a release can take: a reader that comes back with the old generation within the release timeout has to
/// acknowledge the newest one, and a release timeout after that.
const RELEASE_MAX: Duration = Duration::from_millis(60_000 + 5_000 + 60_000 + 4_000);

/// How long the generations have stood as they stand.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// The one that is switched to, and since when.
    switching: Option<(u64, Duration)>,
    /// The one that is let go, and since when.
    releasing: Option<(u64, Duration)>,
}

/// Everything that must hold.
pub(crate) fn check(world: &mut World) -> Result<(), String> {
    let Some(rotation) = &world.memmgr.rotation else {
        return Ok(());
    };
    at_most_three_alive(rotation)?;
    nothing_waits_for_the_dead(world, rotation)?;
    every_reader_has_one_whole_generation(world, rotation)?;
    nothing_in_use_is_retired(world, rotation)?;
    let (switching, releasing) =
        (in_state(rotation, GenerationState::Switching), in_state(rotation, GenerationState::Releasing));
    let (counted, has_judged) = (world.memmgr.counted, world.memmgr.has_judged);
    let switched = stands_too_long(&mut world.standing.switching, switching, counted, SWITCH_MAX);
    let released = stands_too_long(&mut world.standing.releasing, releasing, counted, RELEASE_MAX);
    // Whoever is overdue is killed when deadlines are judged, and not before.
    if has_judged {
        switched.map_err(|generation| format!("generation {generation} is switched to without end"))?;
        released.map_err(|generation| format!("generation {generation} is let go without end"))?;
    }
    forgive_those_with_the_newest_alone(world);
    Ok(())
}

/// The generation in a state.
fn in_state(rotation: &Rotation, state: GenerationState) -> Option<u64> {
    rotation.generations().iter().find(|status| status.state == state).map(|status| status.generation)
}

/// Never more than three generations, two of them published, each number once.
fn at_most_three_alive(rotation: &Rotation) -> Result<(), String> {
    let alive = rotation.generations();
    let published = alive.iter().filter(|status| status.state != GenerationState::Updating).count();
    let is_sorted = alive.windows(2).all(|pair| pair[0].generation > pair[1].generation);
    (alive.len() <= 3 && published <= 2 && is_sorted).then_some(()).ok_or_else(|| format!("alive: {alive:?}"))
}

/// Only readers whose connection memmgr has not seen end are known, and a switch or a release waits for one of them.
fn nothing_waits_for_the_dead(world: &World, rotation: &Rotation) -> Result<(), String> {
    let readers = rotation.readers();
    if let Some(dead) = readers.iter().find(|reader| world.ended.contains(&reader.reader)) {
        return Err(format!("{:?} is gone and still known", dead.reader));
    }
    if let Some(generation) = in_state(rotation, GenerationState::Switching)
        && readers.iter().all(|reader| [reader.acknowledged, reader.excused].contains(&Some(generation)))
    {
        return Err(format!("nobody is waited for, and generation {generation} is still switched to"));
    }
    match in_state(rotation, GenerationState::Releasing) {
        Some(generation)
            if readers.iter().all(|reader| reader.excused.is_some() || !reader.holding.contains(&generation)) =>
        {
            Err(format!("nobody is waited for, and generation {generation} is still let go"))
        }
        _ => Ok(()),
    }
}

/// A reader that has acknowledged once has a generation from then on, in the rotation's eyes and in truth; the newest
/// generation's files are there for those that come.
fn every_reader_has_one_whole_generation(world: &World, rotation: &Rotation) -> Result<(), String> {
    for reader in rotation.readers() {
        if let Some(generation) = reader.acknowledged
            && !reader.holding.contains(&generation)
        {
            return Err(format!("{:?} has let go of generation {generation}, from which it answers", reader.reader));
        }
        if reader.holding.len() > 3 {
            return Err(format!("{:?} holds {:?}", reader.reader, reader.holding));
        }
    }
    for (number, process) in &world.processes {
        if process.current.is_some_and(|generation| !process.maps.contains(&generation)) {
            return Err(format!("process {number} answers from nothing: {process:?}"));
        }
    }
    match rotation.newest() {
        Some(newest) if !world.memmgr.files.contains(&newest) => Err(format!("generation {newest} has no files")),
        _ => Ok(()),
    }
}

/// What a reader has mapped, that keeps to the protocol and that memmgr could wait for, is alive.
fn nothing_in_use_is_retired(world: &World, rotation: &Rotation) -> Result<(), String> {
    let published: Vec<u64> = rotation
        .generations()
        .iter()
        .filter(|status| status.state != GenerationState::Updating)
        .map(|status| status.generation)
        .collect();
    for (number, process) in &world.processes {
        let is_judged = !process.has_lied && process.session.as_ref().is_some_and(|session| !session.is_exempt);
        if let Some(generation) = process.uses_other_than(&published)
            && is_judged
        {
            return Err(format!("process {number} uses generation {generation}, which is retired: {process:?}"));
        }
    }
    Ok(())
}

/// Takes note of what stands in a state, and tells when it has stood too long.
fn stands_too_long(
    standing: &mut Option<(u64, Duration)>,
    generation: Option<u64>,
    now: Duration,
    max: Duration,
) -> Result<(), u64> {
    *standing = match (*standing, generation) {
        (Some((noted, since)), Some(generation)) if noted == generation => Some((noted, since)),
        (_, generation) => generation.map(|generation| (generation, now)),
    };
    match *standing {
        Some((generation, since)) if now.saturating_sub(since) > max => Err(generation),
        _ => Ok(()),
    }
}

/// Judges a process again whose past is over.
fn forgive_those_with_the_newest_alone(world: &mut World) {
    let Some(newest) = world.memmgr.rotation.as_ref().and_then(Rotation::newest) else {
        return;
    };
    for process in world.processes.values_mut() {
        let is_over = process.uses_other_than(&[newest]).is_none();
        if let Some(session) = &mut process.session {
            session.is_exempt &= !(is_over && session.joined.is_some());
        }
    }
}

/// A reader is told of the newest generation and no other, of whole ones, and of one at a time.
pub(crate) fn check_announcement(world: &World, reader: ReaderId, generation: u64) -> Result<(), String> {
    if !world.memmgr.files.contains(&generation) {
        return Err(format!("generation {generation} is announced and has no files"));
    }
    let newest = world.memmgr.rotation.as_ref().and_then(Rotation::newest);
    if newest != Some(generation) {
        return Err(format!("{reader:?} is told of generation {generation} when {newest:?} is the newest"));
    }
    if world.ended.contains(&reader) {
        return Err(format!("{reader:?} is gone and told of generation {generation}"));
    }
    match world.owed.get(&reader) {
        Some(owed) => Err(format!("{reader:?} is told of generation {generation} and owes an answer about {owed}")),
        None => Ok(()),
    }
}

/// A candidate is committed while a reader that was there before it still uses what is older than the current generation.
pub(crate) fn check_commit(world: &World) -> Result<(), String> {
    let (Some(rotation), Some(since)) = (&world.memmgr.rotation, world.memmgr.candidate_since) else {
        return Ok(());
    };
    for (number, process) in &world.processes {
        let Some(session) = &process.session else {
            continue;
        };
        let is_counted = session.joined.is_some_and(|joined| joined <= since) && !process.has_lied;
        let still_uses = session.claimed.filter(|claimed| process.maps.contains(claimed));
        if is_counted
            && rotation.current().is_some()
            && still_uses.is_some_and(|claimed| Some(claimed) != rotation.current())
        {
            return Err(format!("process {number} still uses generation {still_uses:?} at a publication: {process:?}"));
        }
    }
    Ok(())
}

/// A generation becomes current when every reader that was there at its publication has acknowledged it, or can't take it.
pub(crate) fn check_current(world: &World, generation: u64) -> Result<(), String> {
    let readers = world.memmgr.rotation.as_ref().map(Rotation::readers).unwrap_or_default();
    let was_there = |reader: ReaderId| world.present_at_publication.contains(&reader);
    let has_answered = |reader: &ReaderStatus| [reader.acknowledged, reader.excused].contains(&Some(generation));
    match readers.iter().find(|reader| was_there(reader.reader) && !has_answered(reader)) {
        Some(reader) => Err(format!("generation {generation} is current and not acknowledged by {:?}", reader.reader)),
        None => Ok(()),
    }
}

/// When nothing has gone wrong for long enough, the last generation is current everywhere and alive alone.
pub(crate) fn is_at_rest(world: &World) -> bool {
    let Some(rotation) = &world.memmgr.rotation else {
        return false;
    };
    let last = world.last_built;
    let alive: Vec<_> = rotation.generations().iter().map(|status| (status.generation, status.state)).collect();
    alive == [(last, GenerationState::Current)]
        && world.memmgr.files.iter().eq([&last])
        && rotation.is_acknowledged_by_all(last)
        && rotation.readers().len() == world.processes.len()
        && world.processes.values().all(|process| {
            process.mood == Mood::Sound && process.current == Some(last) && process.uses_other_than(&[last]).is_none()
        })
}
