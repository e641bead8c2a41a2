//! Asks Trine and every peer the same, and compares what they say. Each difference has to be one of those that
//! `docs/rfc-compliance.md` explains, told apart by its name in `exemptions`; all others are reported together. Where `nsd` stands alone, against
//! Trine and one of the others at least, that is one difference, [`NSD_ALONE`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::SocketAddr;

use super::exchange::{Transport, ask};
use super::exemptions::{Differing, EXEMPTIONS, NSD_ALONE};
use super::message::{Answer, Question, TC, name_text};
use super::server::{Kind, Peer};

/// What has been compared so far.
#[derive(Default)]
pub(super) struct Comparison {
    /// Pairs of answers compared.
    compared: usize,
    /// How often each exemption was needed, and against whom.
    exempted: BTreeMap<(&'static str, Kind), usize>,
    /// Differences that nothing explains.
    differences: Vec<Difference>,
}

/// A difference that nothing explains.
struct Difference {
    /// The parts that differ.
    parts: BTreeSet<Part>,
    /// Against whom.
    kind: Kind,
    /// All of it, to be read.
    report: String,
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Part {
    /// RCODE.
    Rcode,
    /// The header's flags.
    Flags,
    /// The OPT record.
    Edns,
    /// The answer section.
    Answer,
    /// The authority section.
    Authority,
    /// The additional section.
    Additional,
}

impl Comparison {
    /// Asks all questions and compares all answers. `apexes` are those of all zones served.
    pub(super) fn compare(
        &mut self,
        trine: SocketAddr,
        peers: &[Peer],
        apexes: &[Vec<u8>],
        transport: Transport,
        questions: &[Question],
    ) {
        let (ours, theirs) = std::thread::scope(|scope| {
            let theirs: Vec<_> =
                peers.iter().map(|peer| scope.spawn(move || ask(peer.address, transport, questions))).collect();
            let ours = ask(trine, transport, questions);
            (ours, theirs.into_iter().map(|asked| asked.join().unwrap()).collect::<Vec<_>>())
        });
        for (peer, theirs_all) in peers.iter().zip(&theirs) {
            for (index, (question, ours)) in questions.iter().zip(&ours).enumerate() {
                // What others than NSD say of the same.
                let others = peers.iter().zip(&theirs).filter(|(other, _)| other.kind != Kind::Nsd);
                let others: Vec<&Answer> = others.map(|(_, answers)| &answers[index]).collect();
                let theirs = &theirs_all[index];
                let differing = Differing { question, transport, apexes, kind: peer.kind, ours, theirs };
                self.compare_one(&differing, &others);
            }
        }
    }

    /// Compares one answer with a peer's; `others` are those of BIND and Knot.
    fn compare_one(&mut self, differing: &Differing<'_>, others: &[&Answer]) {
        self.compared += 1;
        let mut parts = differing_parts(differing.ours, differing.theirs);
        if parts.is_empty() {
            return;
        }
        if differing.kind == Kind::Nsd {
            let all = parts.len();
            parts.retain(|part| others.iter().all(|other| differing_parts(differing.ours, other).contains(part)));
            if parts.len() < all {
                *self.exempted.entry((NSD_ALONE, differing.kind)).or_default() += 1;
            }
        }
        for exemption in EXEMPTIONS {
            let is_needed = exemption.parts.iter().any(|part| parts.contains(part));
            if is_needed && exemption.kinds.contains(&differing.kind) && (exemption.applies)(differing) {
                parts.retain(|part| !exemption.parts.contains(part));
                *self.exempted.entry((exemption.name, differing.kind)).or_default() += 1;
            }
        }
        if !parts.is_empty() {
            let Differing { question, transport, kind, ours, theirs, .. } = differing;
            let Question { name, rtype, edns, flags } = question;
            let asked = format!("{} {} {edns:?} {flags:#06x}", name_text(name), dns::types::Rtype(*rtype));
            let report = format!("## {asked} over {transport:?}: {parts:?}\ntrine: {ours:?}{kind:?}: {theirs:?}");
            self.differences.push(Difference { parts, kind: *kind, report });
        }
    }

    /// Says what was compared and which exemptions were needed.
    ///
    /// # Panics
    ///
    /// When there is a difference that nothing explains.
    pub(super) fn finish(self, test: &str) {
        println!("{test}: {} pairs of answers compared", self.compared);
        for ((name, kind), count) in &self.exempted {
            println!("  {count:>6} differ from {} by `{name}`", kind.program());
        }
        assert!(self.differences.is_empty(), "{}", report(&self.differences));
    }
}

/// The parts in which two answers differ. Of truncated ones what is left in them is no one's promise: only RCODE and flags count.
fn differing_parts(ours: &Answer, theirs: &Answer) -> BTreeSet<Part> {
    let [our_answer, our_authority, our_additional] = &ours.sections;
    let [their_answer, their_authority, their_additional] = &theirs.sections;
    let is_whole = !(ours.has(TC) && theirs.has(TC));
    let pairs = [
        (Part::Rcode, ours.rcode == theirs.rcode),
        (Part::Flags, ours.flags == theirs.flags),
        (Part::Edns, ours.edns == theirs.edns),
        (Part::Answer, !is_whole || our_answer == their_answer),
        (Part::Authority, !is_whole || our_authority == their_authority),
        (Part::Additional, !is_whole || our_additional == their_additional),
    ];
    pairs.into_iter().filter(|(_, agree)| !agree).map(|(part, _)| part).collect()
}

/// Some differences of each sort, and how many there are.
fn report(differences: &[Difference]) -> String {
    let mut by_sort: BTreeMap<(Kind, &BTreeSet<Part>), Vec<&str>> = BTreeMap::new();
    for difference in differences {
        by_sort.entry((difference.kind, &difference.parts)).or_default().push(&difference.report);
    }
    let mut text = format!("{} differences\n", differences.len());
    for ((kind, parts), reports) in by_sort {
        writeln!(text, "# {} from {kind:?} in {parts:?}", reports.len()).unwrap();
        let step = reports.len().div_ceil(SHOWN_MAX);
        reports.iter().step_by(step).take(SHOWN_MAX).for_each(|report| writeln!(text, "{report}").unwrap());
    }
    text
}

/// Differences of one sort that are shown.
const SHOWN_MAX: usize = 12;
