//! Messages that come to memmgr: updates (RFC 2136, signed as RFC 3007 says) and notifications (RFC 1996).
//!
//! [`receive`] reads a message and checks its signature; [`permitted`] says whether who sent it may change what it asks; an [`Exchange`] writes the
//! answer. What an update does to a zone is in [`crate::edit`], when it is done and answered in `service::messages`. [`forward`] sends it on where the zone
//! comes from another server.

mod answer;
mod forward;
mod message;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use config::policy::UpdateRule;
use zone_segment::Name;

use crate::edit::UpdateRecord;

pub(crate) use answer::{Exchange, Verdict};
pub(crate) use forward::{Forwarded, Primary, forward};
pub(crate) use message::{Asked, Received, receive};

/// Whether somebody may change these records of a zone: for each there is a rule that is about him and covers its name and type.
///
/// Records outside of the zone are left to the update itself, which has another answer to them.
pub(crate) fn permitted(
    rules: &[UpdateRule],
    client: IpAddr,
    key: Option<&Name>,
    apex: &Name,
    records: &[UpdateRecord],
) -> bool {
    let own: Vec<&UpdateRule> = rules.iter().filter(|rule| rule.is_about(client, key)).collect();
    let covers = |record: &UpdateRecord| {
        !record.owner.is_at_or_below(apex.as_ref())
            || own.iter().any(|rule| rule.covers(record.owner.as_ref(), record.rtype))
    };
    !own.is_empty() && records.iter().all(covers)
}
