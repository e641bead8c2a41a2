//! What an answer was, for those who count and limit: [`Answered`].

use dns::types::{Opcode, Rcode, Rtype};

/// An answer that was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answered {
    /// Its length.
    pub octets: usize,
    /// What it says.
    pub summary: Summary,
}

/// What an answer says, in short.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Summary {
    /// The query's opcode.
    pub opcode: Opcode,
    /// QTYPE, where there is a question.
    pub rtype: Option<Rtype>,
    /// The whole RCODE.
    pub rcode: Rcode,
    /// What kind of answer it is: of its first name, where it follows aliases.
    pub kind: Kind,
    /// Whether the query had an OPT record.
    pub has_edns: bool,
    /// Whether DNSSEC records were asked for.
    pub is_dnssec_ok: bool,
    /// Whether something needed was left out (TC).
    pub is_truncated: bool,
    /// Whether it is authoritative (AA).
    pub is_authoritative: bool,
    /// Whether the query had a cookie that was made here for this client: its address is not forged.
    pub has_valid_cookie: bool,
    /// What tells answers of one kind apart that count as different: a hash of the name asked for, of the wildcard's parent, of the zone
    /// cut, or of the apex for what is not there; 0 for errors. Under the secret key of the zone data.
    pub like: u64,
}

/// What kind of answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// Data, or an alias.
    Positive,
    /// Data, or an alias, from a wildcard.
    Wildcard,
    /// A referral.
    Referral,
    /// The name exists, or a wildcard covers it, without data of the type.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// An RCODE that speaks of the query or the server.
    Error,
}
