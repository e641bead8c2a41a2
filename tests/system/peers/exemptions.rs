//! The differences that are known, each with the name under which `docs/rfc-compliance.md` explains it.

use super::comparison::Part;
use super::exchange::Transport;
use super::message::{AA, AD, ANY, Answer, CD, CNAME, DNAME, DS, Edns, MX, NS, NSEC, Question, RRSIG, Record, SRV, TC};
use super::server::Kind;

/// Two answers that differ.
pub(super) struct Differing<'a> {
    /// What was asked.
    pub(super) question: &'a Question,
    /// How.
    pub(super) transport: Transport,
    /// The apexes of all zones served, in wire form.
    pub(super) apexes: &'a [Vec<u8>],
    /// Whom Trine differs from.
    pub(super) kind: Kind,
    /// What Trine says.
    pub(super) ours: &'a Answer,
    /// What the peer says.
    pub(super) theirs: &'a Answer,
}

impl Differing<'_> {
    /// The apex of the zone that a name is answered from.
    fn apex_of(&self, name: &[u8]) -> Option<&[u8]> {
        let lowercase = name.to_ascii_lowercase();
        let above = suffixes(&lowercase).find(|suffix| self.apexes.iter().any(|apex| apex == suffix))?;
        self.apexes.iter().find(|apex| *apex == above).map(Vec::as_slice)
    }

    /// Whether one of the answers comes within an address of the longest datagram.
    fn is_full(&self) -> bool {
        let limit = if self.question.edns == Edns::None { 512 } else { 1232 };
        self.transport == Transport::Udp && self.ours.octets.max(self.theirs.octets) + ADDRESS_OCTETS_MAX > limit
    }
}

/// A difference that is known.
pub(super) struct Exemption {
    /// Its name.
    pub(super) name: &'static str,
    /// Whom Trine differs from by it.
    pub(super) kinds: &'static [Kind],
    /// The parts in which answers may differ by it.
    pub(super) parts: &'static [Part],
    /// Whether it explains a difference.
    pub(super) applies: fn(&Differing<'_>) -> bool,
}

/// NSD differs from Trine, and from another peer that says what Trine says.
pub(super) const NSD_ALONE: &str = "nsd-alone";

/// All others.
pub(super) const EXEMPTIONS: &[Exemption] = &[
    Exemption {
        name: "any-one-rrset",
        kinds: &[Kind::Named, Kind::Knotd, Kind::Nsd],
        parts: &[Part::Flags, Part::Rcode, Part::Answer, Part::Authority, Part::Additional],
        applies: |it| {
            let [ours, theirs] = [&it.ours.sections[0], &it.theirs.sections[0]];
            let is_part = it.theirs.has(TC) || is_subset(ours, theirs);
            it.question.rtype == ANY && !ours.is_empty() && is_part && it.ours.has(AA)
        },
    },
    Exemption {
        name: "alias-loops",
        kinds: &[Kind::Named, Kind::Knotd, Kind::Nsd],
        parts: &[Part::Rcode, Part::Flags, Part::Answer, Part::Authority],
        applies: |it| {
            let end = follow(&it.question.name, it.ours, it.kind);
            it.ours.rcode == 0 && matches!(end, End::ComesRound | End::TooLong)
        },
    },
    Exemption {
        name: "aliases-across-zones",
        kinds: &[Kind::Named, Kind::Knotd, Kind::Nsd],
        parts: &[Part::Rcode, Part::Answer, Part::Authority, Part::Additional],
        applies: |it| {
            let [ours, theirs] = [it.ours, it.theirs];
            let apex = it.apex_of(&it.question.name);
            let leaves =
                matches!(follow(&it.question.name, theirs, it.kind), End::At(name) if it.apex_of(name) != apex);
            leaves && theirs.rcode == 0 && is_subset(&theirs.sections[0], &ours.sections[0])
        },
    },
    Exemption {
        name: "proofs-behind-an-alias-into-another-zone",
        kinds: &[Kind::Nsd],
        parts: &[Part::Authority],
        applies: |it| {
            let apex = it.apex_of(&it.question.name);
            let leaves =
                matches!(follow(&it.question.name, it.theirs, it.kind), End::At(name) if it.apex_of(name) != apex);
            leaves && is_subset(&it.theirs.sections[1], &it.ours.sections[1])
        },
    },
    Exemption {
        name: "ds-below-a-parent-not-served",
        kinds: &[Kind::Named, Kind::Knotd, Kind::Nsd],
        parts: &[Part::Flags, Part::Authority, Part::Additional],
        applies: |it| {
            let is_apex = it.apexes.contains(&it.question.name.to_ascii_lowercase());
            it.question.rtype == DS && is_apex && is_no_data(it.ours) && is_referral(it.theirs)
        },
    },
    Exemption {
        name: "proof-of-a-wildcard-that-is-an-empty-non-terminal",
        kinds: &[Kind::Named, Kind::Knotd, Kind::Nsd],
        parts: &[Part::Authority],
        applies: |it| {
            // The names `*.went` and `*.middle` of `cases.zone`.
            let is_below = |above: &[u8]| suffixes(&it.question.name).any(|suffix| suffix.starts_with(above));
            it.question.edns == Edns::Dnssec
                && it.ours.sections[0].is_empty()
                && (is_below(b"\x04went") || is_below(b"\x06middle"))
        },
    },
    Exemption {
        name: "nsec-at-a-cut-is-the-childs",
        kinds: &[Kind::Named],
        parts: &[Part::Flags, Part::Answer, Part::Authority, Part::Additional],
        applies: |it| {
            let answers = it.theirs.sections[0].iter().any(|record| record.rtype == NSEC);
            it.question.rtype == NSEC && (is_referral(it.ours) || it.ours.has(TC)) && answers
        },
    },
    Exemption {
        name: "nsec-from-a-wildcard-is-proven",
        kinds: &[Kind::Knotd],
        parts: &[Part::Authority],
        applies: |it| {
            let answers = it.ours.sections[0].iter().any(|record| record.rtype == NSEC);
            it.question.rtype == NSEC && answers && is_subset(&it.theirs.sections[1], &it.ours.sections[1])
        },
    },
    Exemption {
        name: "rrsig-every-rrset",
        kinds: &[Kind::Knotd],
        parts: &[Part::Flags, Part::Answer],
        applies: |it| {
            let is_part = it.ours.has(TC) || is_subset(&it.theirs.sections[0], &it.ours.sections[0]);
            it.question.rtype == RRSIG && !it.theirs.sections[0].is_empty() && is_part
        },
    },
    Exemption {
        name: "referral-without-all-glue-is-truncated",
        kinds: &[Kind::Named],
        parts: &[Part::Flags, Part::Additional],
        applies: |it| {
            let is_cut_short = it.transport == Transport::Udp && it.ours.has(TC) && !it.theirs.has(TC);
            is_cut_short && is_referral(it.ours) && it.ours.sections[1] == it.theirs.sections[1]
        },
    },
    Exemption {
        name: "referral-with-addresses-of-other-names",
        kinds: &[Kind::Named],
        parts: &[Part::Additional],
        applies: |it| is_referral(it.ours) && is_subset(&it.theirs.sections[2], &it.ours.sections[2]),
    },
    Exemption {
        name: "no-addresses-of-targets",
        kinds: &[Kind::Knotd],
        parts: &[Part::Additional],
        applies: |it| {
            let points = it.ours.sections[0].iter().any(|record| [MX, SRV].contains(&record.rtype));
            points && it.ours.has(AA) && it.ours.sections[2].is_empty()
        },
    },
    Exemption {
        name: "no-addresses-from-wildcards",
        kinds: &[Kind::Knotd],
        parts: &[Part::Additional],
        applies: |it| {
            let [ours, theirs] = [&it.ours.sections[2], &it.theirs.sections[2]];
            let mut more = theirs.iter().filter(|record| !ours.contains(record));
            is_subset(ours, theirs) && more.all(|record| record.owner.starts_with(b"\x03any\x04wild"))
        },
    },
    Exemption {
        name: "negative-answer-without-soa-is-truncated",
        kinds: &[Kind::Knotd],
        parts: &[Part::Flags],
        applies: |it| {
            let is_cut_short = it.transport == Transport::Udp && it.ours.has(TC) && !it.theirs.has(TC);
            is_cut_short && it.ours.has(AA) && it.theirs.sections[1].is_empty()
        },
    },
    Exemption {
        name: "ad-and-cd-are-cleared",
        kinds: &[Kind::Named],
        parts: &[Part::Flags],
        applies: |it| {
            let copied = if it.theirs.has(TC) { AD | CD } else { CD };
            let differing = it.theirs.flags ^ it.ours.flags;
            differing & !copied == 0 && it.ours.flags & copied == 0
        },
    },
    Exemption {
        name: "what-just-fits",
        kinds: &[Kind::Named, Kind::Knotd, Kind::Nsd],
        parts: &[Part::Flags, Part::Answer, Part::Authority, Part::Additional],
        applies: |it| {
            let [ours, theirs] = [it.ours, it.theirs];
            let is_redirected = ours.sections[0].iter().any(|record| record.rtype == DNAME);
            let [some, all] = [&theirs.sections[1], &ours.sections[1]];
            let has_less = theirs.has(TC) || some.len() < all.len() && is_subset(some, all);
            it.transport == Transport::Udp && !ours.has(TC) && has_less && (it.is_full() || is_redirected)
        },
    },
    Exemption {
        name: "which-addresses-fit",
        kinds: &[Kind::Named, Kind::Knotd, Kind::Nsd],
        parts: &[Part::Additional],
        applies: |it| it.is_full() && !it.ours.sections[2].is_empty(),
    },
];

/// Whether each record of one section is in the other.
fn is_subset(some: &[Record], all: &[Record]) -> bool {
    some.iter().all(|record| all.binary_search(record).is_ok())
}

/// Whether an answer refers to other servers, aliases before it or not.
fn is_referral(answer: &Answer) -> bool {
    answer.sections[1].iter().any(|record| record.rtype == NS)
}

/// Whether an answer says with authority that there is no such data.
fn is_no_data(answer: &Answer) -> bool {
    answer.has(AA) && answer.rcode == 0 && answer.sections[0].is_empty()
}

/// A name, what is above it, and so on up to the root.
fn suffixes(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(name), |name| match name.split_first() {
        Some((&length, rest)) if length > 0 => rest.get(usize::from(length)..),
        _ => None,
    })
}

/// Where the aliases of an answer lead.
enum End<'a> {
    /// To this name, the QNAME if there is no alias.
    At(&'a [u8]),
    /// To one of themselves.
    ComesRound,
    /// Further than peers follow.
    TooLong,
}

/// Follows the aliases of an answer section as far as this peer would.
fn follow<'a>(name: &'a [u8], answer: &'a Answer, kind: Kind) -> End<'a> {
    let aliases_max = match kind {
        Kind::Named | Kind::Nsd => 10,
        Kind::Knotd => 5,
    };
    let mut aliases: Vec<&Record> = answer.sections[0].iter().filter(|record| record.rtype == CNAME).collect();
    let mut at = name;
    for _ in 0..=aliases_max {
        let Some(place) = aliases.iter().position(|alias| alias.owner.eq_ignore_ascii_case(at)) else {
            let comes_round = answer.sections[0].iter().any(|alias| alias.rtype == CNAME && alias.owner == at);
            return if comes_round { End::ComesRound } else { End::At(at) };
        };
        at = &aliases.swap_remove(place).rdata;
    }
    End::TooLong
}

/// An AAAA record with a compressed owner, or two of A: what may have been left out when a datagram has less room than that.
const ADDRESS_OCTETS_MAX: usize = 2 * 28;
