//! Response rate limiting: how many like answers a part of the network gets over UDP, so that this server is of no use to whoever asks
//! in the name of a victim.
//!
//! Read [`Limiter`] first. No I/O and no clock: the caller gives the time, one reading a batch. No lock and no allocation once it is
//! made: each query thread has its own, and enforces its share of the rates (`docs/rate-limiting.md` says what follows from that).
//!
//! - `account`: what one kind of answer to one prefix has used of its rate
//! - `table`: the accounts, a fixed number of them
//! - `prefix`: which part of the network an address is counted in

mod account;
mod prefix;
mod table;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use config::process::RateLimitOptions;
use dns::access::Prefix;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::answer::{Kind, Summary};
use account::Rate;
use prefix::Masks;
use table::Table;

pub use prefix::Network;

/// Limits the answers of one query thread.
#[derive(Debug)]
pub struct Limiter {
    /// Makes hashes that nobody outside can foresee, so that nobody can choose whose accounts share a place. Nor does anybody see one: all
    /// that shows is who is limited, so a fast hash does, as for the names in segments.
    seed: u64,
    /// The accounts.
    table: Table,
    /// The rate of answers that are neither of the next two.
    responses: Option<Rate>,
    /// The rate of denials: NXDOMAIN and NODATA.
    nxdomains: Option<Rate>,
    /// The rate of errors.
    errors: Option<Rate>,
    /// Of the answers limited, each so-manieth is truncated; 0: none.
    slip: u32,
    /// The bits of an address that count.
    masks: Masks,
    /// Who is not limited.
    exempt: Box<[Prefix]>,
}

impl Limiter {
    /// Makes one, all accounts settled.
    pub fn new(options: &RateLimitOptions) -> Self {
        Self::with_window(options, WINDOW_SECONDS)
    }

    /// The same; those who went on asking beyond a rate stay limited for so many seconds at the most when they have stopped.
    fn with_window(options: &RateLimitOptions, window_seconds: u32) -> Self {
        let rate = |per_second| Rate::new(per_second, options.processes, window_seconds);
        Self {
            // The standard library's own key, which the system drew.
            seed: RandomState::new().hash_one(0),
            table: Table::new(usize::try_from(options.table_octets).unwrap_or(usize::MAX)),
            responses: rate(options.responses_per_second),
            nxdomains: rate(options.nxdomains_per_second),
            errors: rate(options.errors_per_second),
            slip: options.slip,
            masks: Masks::new(options.ipv4_prefix, options.ipv6_prefix),
            exempt: options.exempt.clone().into(),
        }
    }

    /// Says what becomes of an answer to `address`. `now` is nanoseconds on a clock that does not go back.
    ///
    /// Answers are like each other when they are of one kind and [`Summary::like`] is the same, whatever the type asked for: who floods would
    /// choose another one each time.
    pub fn judge(&mut self, now: u64, address: IpAddr, answer: &Summary) -> Verdict {
        let rate = match answer.kind {
            Kind::NxDomain | Kind::NoData => &self.nxdomains,
            Kind::Error => &self.errors,
            Kind::Positive | Kind::Wildcard | Kind::Referral => &self.responses,
        };
        let Some(rate) = rate else { return Verdict::Send };
        // A client that has shown that it gets what is sent to its address is no victim (RFC 7873, section 5.2.5).
        if answer.has_valid_cookie {
            return Verdict::Send;
        }
        let address = address.to_canonical();
        // Before the account: what they ask is not their neighbours' to pay for.
        if self.exempt.iter().any(|prefix| prefix.contains(address)) {
            return Verdict::Send;
        }
        let account = self.table.account(hash(self.seed, self.masks.network(address), answer));
        if account.take(rate, now) {
            return Verdict::Send;
        }
        match self.slip != 0 && account.limited().is_multiple_of(self.slip) {
            true if answer.kind == Kind::Error => Verdict::Leak,
            true => Verdict::Truncate,
            false => Verdict::Drop,
        }
    }

    /// The part of the network that an address is counted in.
    pub fn network(&self, address: IpAddr) -> Network {
        self.masks.network(address.to_canonical())
    }
}

/// The hash that finds an account.
#[inline]
fn hash(seed: u64, Network(network): Network, answer: &Summary) -> u64 {
    let mut octets = [0; 24];
    octets[..16].copy_from_slice(&network.to_le_bytes());
    octets[16..].copy_from_slice(&(answer.like ^ (answer.kind as u64) << 56).to_le_bytes());
    xxh3_64_with_seed(&octets, seed)
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It goes out.
    Send,
    /// It goes out though it is beyond the rate, in place of a truncated one: an error is no longer than that, and tells more.
    Leak,
    /// In its place goes one that is empty and truncated, so that its client may ask over TCP.
    Truncate,
    /// Nothing goes out.
    Drop,
}

/// How long, at the most, those who went on asking beyond a rate stay limited when they have stopped: as BIND has it.
pub const WINDOW_SECONDS: u32 = 15;
