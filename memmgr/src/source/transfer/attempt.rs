//! One attempt to get a zone up to date from one primary: [`run`]. Its serial is asked for, then changes, then, where they are not to be had, the whole zone.

use std::path::PathBuf;
use std::sync::Arc;

use dns::SortedZone;
use dns::change::ChangeSet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::info;
use zone_segment::{Name, Zone};

use super::conversation::{About, Query};
use super::exchange::{self, Messages, Primary};
use super::failure::Failure;
use super::gather::{Gather, Received};
use super::incoming::{Asked, CHANGE_OCTETS_MAX, Expected, serial_of};
use super::served::Served;
use super::timers::Intervals;
use crate::builder::is_compared;
use crate::edit::is_forward;
use crate::source::zonefile::ReadZone;

/// What is to be tried.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The zone.
    pub(crate) apex: Name,
    /// Who is asked.
    pub(crate) primary: Primary,
    /// What there is of the zone, if there is anything.
    pub(crate) served: Option<Served>,
    /// Whether the whole zone is wanted, whatever its serial is.
    pub(crate) is_whole: bool,
    /// Whether the zone has to have a digest that agrees with it (RFC 8976): then it always comes as a whole.
    pub(crate) zonemd: bool,
    /// How many octets of names and data a whole zone may have.
    pub(crate) size_max: u64,
}

/// What an attempt brought.
#[derive(Debug)]
pub(crate) enum Brought {
    /// What is served is as new.
    UpToDate(Intervals),
    /// Changes of what is served, one after the other.
    Changes {
        /// They.
        sets: Vec<ChangeSet>,
        /// Whether they were made by comparing a whole zone, which was checked.
        is_checked: bool,
        /// What checks found that keeps nothing from being served.
        warnings: Vec<String>,
        /// The intervals from then on.
        intervals: Intervals,
    },
    /// A whole zone.
    Whole {
        /// It.
        zone: Box<ReadZone>,
        /// The intervals from then on.
        intervals: Intervals,
    },
}

/// Carries an attempt out. A transfer waits for one of the permits, which goes along with what it brought.
pub(crate) async fn run(
    attempt: Attempt,
    permits: Arc<Semaphore>,
) -> Result<(Brought, Option<OwnedSemaphorePermit>), Failure> {
    let soa = exchange::soa(&attempt.primary, &attempt.apex).await?;
    let promised = serial_of(&soa).unwrap_or(0);
    let served = attempt.served.as_ref().and_then(Served::serial).filter(|_| !attempt.is_whole);
    let asked = match served {
        Some(served) if served == promised => {
            let intervals = Intervals::of_soa(&soa).ok_or(Failure::NoAnswer { expected: "the zone's SOA record" })?;
            return Ok((Brought::UpToDate(intervals), None));
        }
        Some(served) if !is_forward(served, promised) => return Err(Failure::Behind { served, found: promised }),
        Some(serial) if !attempt.zonemd => Asked::Ixfr { serial },
        _ => Asked::Axfr,
    };
    // None only where the semaphore is closed, which nobody does.
    let permit = permits.acquire_owned().await.ok();
    let brought = match transfer(&attempt, asked, promised).await {
        Err(failure) if asked != Asked::Axfr && failure.may_give_whole() => {
            info!(zone = %attempt.apex, primary = %attempt.primary.address, %failure, "transfer-whole-instead");
            transfer(&attempt, Asked::Axfr, promised).await
        }
        outcome => outcome,
    };
    Ok((brought?, permit))
}

/// Asks for a transfer and takes it.
async fn transfer(attempt: &Attempt, asked: Asked, promised: u32) -> Result<Brought, Failure> {
    let about = About::Transfer(asked);
    let query = Query { apex: attempt.apex.clone(), about };
    let expected = Expected {
        apex: attempt.apex.clone(),
        asked,
        promised: Some(promised),
        zone_octets_max: attempt.size_max,
        change_octets_max: CHANGE_OCTETS_MAX,
    };
    let from = PathBuf::from(format!("{} of {} from {}", about.as_str(), attempt.apex, attempt.primary.address));
    let (served, zonemd) = (attempt.served.clone(), attempt.zonemd);
    exchange::transfer(&attempt.primary, query, move |messages| take(messages, expected, from, served, zonemd)).await
}

/// Takes the messages of a transfer, on a thread of its own.
fn take(
    messages: Messages,
    expected: Expected,
    from: PathBuf,
    served: Option<Served>,
    zonemd: bool,
) -> Result<Brought, Failure> {
    config::fault::hit("transfer-take");
    let apex = expected.apex.clone();
    let zone = served.as_ref().filter(|_| !zonemd).filter(|served| is_compared(served.group()));
    let zone = zone.map(Served::verified_zone).transpose().map_err(|error| Failure::Damaged { error })?;
    match receive(messages, expected, from, zone)? {
        Received::UpToDate => {
            // It may have gone back between two questions.
            let intervals = served.as_ref().and_then(Served::intervals);
            intervals.map(Brought::UpToDate).ok_or(Failure::NoAnswer { expected: "a transfer" })
        }
        Received::Changes(sets) => {
            let intervals = sets.last().and_then(|set| Intervals::of_soa(&set.added.first()?.rdata));
            let intervals = intervals.ok_or(Failure::NoAnswer { expected: "changes" })?;
            Ok(Brought::Changes { sets, is_checked: false, warnings: Vec::new(), intervals })
        }
        Received::Compared(None) => {
            let intervals = served.as_ref().and_then(Served::intervals);
            intervals.map(Brought::UpToDate).ok_or(Failure::NoAnswer { expected: "a transfer" })
        }
        Received::Compared(Some(changed)) => {
            let set = changed.change.set;
            let intervals = set.added.first().and_then(|soa| Intervals::of_soa(&soa.rdata));
            let intervals = intervals.ok_or(Failure::NoAnswer { expected: "the zone's SOA record" })?;
            let warnings = changed.warnings.warnings.iter().map(ToString::to_string).collect();
            Ok(Brought::Changes { sets: vec![set], is_checked: true, warnings, intervals })
        }
        Received::Whole(columns) => whole(apex, columns, zonemd),
    }
}

/// Takes records until the stream has ended.
fn receive(
    mut messages: Messages,
    expected: Expected,
    from: PathBuf,
    served: Option<Zone<'_>>,
) -> Result<Received, Failure> {
    let mut gather = Gather::new(expected, from, served);
    while !gather.is_complete()
        && let Some(message) = messages.next()
    {
        messages.answer.records(&message, exchange::now(), &mut gather)?;
    }
    if gather.is_complete() {
        messages.answer.finish()?;
    }
    drop(messages);
    Ok(gather.finish()?)
}

/// A whole zone, put in order and checked.
fn whole(apex: Name, columns: dns::Columns, zonemd: bool) -> Result<Brought, Failure> {
    let records = columns.records();
    let zone = SortedZone::new(apex, columns);
    let report = if zonemd { dns::check::zone_with_digest(&zone) } else { dns::check::zone(&zone) };
    if !report.errors.is_empty() {
        return Err(Failure::Unsound { errors: report.errors.iter().map(ToString::to_string).collect() });
    }
    let warnings = report.warnings.iter().map(ToString::to_string).collect();
    let serial = dns::check::zone_serial(&zone);
    let intervals = soa_of(&zone).and_then(|rdata| Intervals::of_soa(&rdata));
    let intervals = intervals.ok_or(Failure::NoAnswer { expected: "the zone's SOA record" })?;
    let zone = Box::new(ReadZone { zone, records, serial, stamps: Vec::new(), warnings });
    Ok(Brought::Whole { zone, intervals })
}

/// The RDATA of a zone's SOA record.
fn soa_of(zone: &SortedZone) -> Option<Box<[u8]>> {
    let mut records = Vec::new();
    zone.records(zone.find(zone.apex())?, &mut records);
    records.iter().find(|record| record.rtype == dns::types::Rtype::SOA).map(|record| record.rdata.into())
}
