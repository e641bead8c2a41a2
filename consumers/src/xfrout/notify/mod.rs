//! Secondaries are told of changes (RFC 1996), once what changed is durable and answered from everywhere.
//!
//! Read `notices` first, which is who is to be told what and when, without a clock; `watch` finds what changed, `tell` sends and hears.

mod notices;
mod tell;
mod watch;

use std::sync::Arc;

use tokio::sync::{mpsc, watch as watch_channel};
use tracing::warn;
use zone_segment::Name;

use super::checks::Soa;
use super::desk::Desk;

/// A zone that changed.
#[derive(Clone, Debug)]
pub(super) struct ChangedZone {
    /// Its apex.
    pub(super) apex: Name,
    /// Its serial.
    pub(super) serial: u32,
    /// Its SOA record.
    pub(super) soa: Arc<Soa>,
}

/// Tells of changes for ever; `switched` tells of each generation.
pub(super) async fn run(desk: Arc<Desk>, switched: watch_channel::Receiver<u64>) {
    if !desk.notifies() {
        return std::future::pending().await;
    }
    let (changed, changes) = mpsc::channel(CHANGES_MAX);
    tokio::select! {
        () = watch::watch(&desk, switched, changed) => {}
        ended = tell::tell(&desk, changes) => if let Err(error) = ended {
            warn!(%error, "notify-not-sent");
            std::future::pending().await
        },
    }
}

/// Zones found changed that are not yet among the notices; more of them wait to be looked for.
const CHANGES_MAX: usize = 1024;
