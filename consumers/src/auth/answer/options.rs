//! EDNS options: what a query asks for ([`Asked`]), of which the answer's OPT record brings what can be given.

use std::time::Duration;

use dns::message::Edns;

use super::cookie::{Cookie, Received};
use super::policy::{Client, Policy, Transport};

/// What the options of a query ask for, and what is to be given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked<'p> {
    /// The cookie to answer with.
    pub(super) cookie: Option<Cookie>,
    /// Whether the query had a cookie that was made here for this client.
    pub(super) has_valid_cookie: bool,
    /// Whether an option is not as its RFC says.
    pub(super) is_malformed: bool,
    /// How long an idle connection is kept, in tenths of a second.
    pub(super) keepalive: Option<u16>,
    /// The name server's identifier.
    pub(super) identity: Option<&'p [u8]>,
    /// Whether the zone's version is asked for.
    pub(super) wants_zone_version: bool,
}

impl<'p> Asked<'p> {
    /// Reads the options of a query. The first of two cookies counts (RFC 7873, section 5.2); what is not known is ignored (RFC 6891, section
    /// 6.1.2).
    pub(super) fn of(edns: &Edns<'_>, client: &Client, policy: &'p Policy) -> Self {
        let mut asked = Self::default();
        for (code, value) in edns.options() {
            match code {
                Edns::COOKIE if asked.cookie.is_none() => asked.read_cookie(value, client, policy),
                Edns::NSID => asked.identity = policy.identity.as_deref().map(str::as_bytes),
                // In a datagram it means nothing (RFC 7828, section 3.2.1).
                Edns::KEEPALIVE if client.transport == Transport::Tcp => {
                    asked.keepalive = policy.keepalive.map(tenths);
                }
                Edns::ZONEVERSION => asked.wants_zone_version = true,
                _ => {}
            }
        }
        asked
    }

    /// Reads a cookie and makes the one to answer with.
    fn read_cookie(&mut self, value: &[u8], client: &Client, policy: &Policy) {
        let Some(cookies) = &policy.cookies else { return };
        let theirs = match cookies.read(value, client.address, client.now) {
            Received::Valid(theirs) => {
                self.has_valid_cookie = true;
                theirs
            }
            Received::Unproven(theirs) => theirs,
            Received::Malformed => {
                self.is_malformed = true;
                return;
            }
        };
        self.cookie = Some(cookies.make(&theirs, client.address, client.now));
    }
}

/// A time in tenths of a second, as long as two octets can say.
fn tenths(time: Duration) -> u16 {
    u16::try_from(time.as_millis() / 100).unwrap_or(u16::MAX)
}
