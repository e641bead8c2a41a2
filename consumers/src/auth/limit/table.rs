//! The accounts: a fixed number, in sets of a cache line each. What finds no place takes that of the account in its set that owes least,
//! which is most often one that owes nothing and is lost without loss.

use super::account::Account;

/// The accounts of one query thread.
#[derive(Debug)]
pub(super) struct Table {
    /// The sets, a power of two of them.
    sets: Box<[Set]>,
}

impl Table {
    /// Makes one of at most so many octets, rounded down to a power of two; one set at the least.
    pub(super) fn new(octets: usize) -> Self {
        let sets = (octets / size_of::<Set>()).checked_ilog2().map_or(1, |power| 1 << power);
        Self { sets: vec![Set::default(); sets].into_boxed_slice() }
    }

    /// The account of a hash; one without entries if there was none.
    #[inline]
    pub(super) fn account(&mut self, hash: u64) -> &mut Account {
        // The lower half finds the set, the upper half the account in it.
        let tag = (hash >> 32) as u32;
        let index = hash as u32 as usize & (self.sets.len() - 1);
        let Set(accounts) = &mut self.sets[index];
        // Without branches on what is there: nothing of it could be foreseen.
        let mut found = 0;
        let mut least = (accounts[0].settled_at, 0);
        for (place, account) in accounts.iter().enumerate() {
            found |= usize::from(account.tag == tag) << place;
            least = least.min((account.settled_at, place));
        }
        if found != 0 {
            return &mut accounts[found.trailing_zeros() as usize % ACCOUNTS];
        }
        let (_, place) = least;
        accounts[place] = Account::new(tag);
        &mut accounts[place]
    }
}

/// The accounts that may stand in one place.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Set([Account; ACCOUNTS]);

/// Accounts in a set.
const ACCOUNTS: usize = 4;

const _: () = assert!(size_of::<Set>() == 64);
