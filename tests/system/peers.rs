//! Trine beside other people's servers: `named`, `knotd` and `nsd`, as far as they are installed, serve the same zone files and are asked the same.
//!
//! Every difference has to be explained in `docs/rfc-compliance.md`, under the name that `exemptions` knows it by. `TRINE_PEERS=named`,
//! for one, compares with that one alone.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod comparison;
mod exchange;
mod exemptions;
mod message;
mod server;
mod validator;
mod zones;

use std::sync::MutexGuard;

use comparison::Comparison;
use exchange::Transport;
use message::{A, AA, AD, Answer, CD, DS, Edns, NSEC, Question, RD, RRSIG, SOA, name_wire};
use server::{Peer, Zone};
use validator::Validator;
use zones::Denial;

use crate::harness::{self, Server, ServerOptions};
pub(crate) use server::installed;

/// Trine and its peers, on the same zones.
struct Stage {
    /// Trine.
    trine: Server,
    /// The others.
    peers: Vec<Peer>,
    /// The apexes of the zones, in wire form.
    apexes: Vec<Vec<u8>>,
    /// Four servers asked as fast as they answer would disturb tests that measure.
    _alone: MutexGuard<'static, ()>,
}

impl Stage {
    /// Starts all; `None`, with the skip recorded, where no peer is installed.
    fn start(test: &str, served: &[Zone]) -> Option<Stage> {
        let alone = harness::heavy();
        let peers = Peer::start_all(served);
        if peers.is_empty() {
            harness::skip(test, "neither named nor knotd is installed");
            return None;
        }
        let trine = Server::start(&ServerOptions::default(), |directory| {
            for Zone { apex, text } in served {
                let stem = if apex == "." { "root" } else { apex.trim_end_matches('.') };
                harness::zones::install(directory, &format!("{stem}.zone"), text);
            }
        });
        let status = trine.status();
        let is_serving = |zone: &serde_json::Value| zone["state"] == "serving";
        let count = status["zones"].as_array().unwrap().iter().filter(|zone| is_serving(zone)).count();
        assert_eq!(count, served.len(), "{status:#}");
        let apexes = served.iter().map(|zone| name_wire(&zone.apex)).collect();
        Some(Stage { trine, peers, apexes, _alone: alone })
    }

    /// Trine's answers to the three questions that a root zone has to answer whatever else it does: its SOA record, a name below a
    /// delegation, a name that is not there.
    fn essentials(&self) -> [Answer; 3] {
        let ask = |name: &str, rtype| {
            let question = Question::new(&name_wire(name), rtype, Edns::Dnssec);
            exchange::ask(self.trine.address, Transport::Udp, &[question]).remove(0)
        };
        [ask(".", SOA), ask("www.example.com.", A), ask("nosuchtld.", A)]
    }

    /// Asks all of them the same, over UDP and TCP.
    fn compare(&self, comparison: &mut Comparison, questions: &[Question]) {
        for transport in [Transport::Udp, Transport::Tcp] {
            comparison.compare(self.trine.address, &self.peers, &self.apexes, transport, questions);
        }
    }
}

#[test]
fn b50_unsigned_zones_answer_as_peers_do() {
    let test = "b50_unsigned_zones_answer_as_peers_do";
    let served =
        [zones::zone("cases.zone", "cases.test.", "other.test."), zones::zone("other.zone", "other.test.", "")];
    let Some(stage) = Stage::start(test, &served) else { return };
    let mut comparison = Comparison::default();
    for zone in &served {
        stage.compare(&mut comparison, &zones::questions(zone, &EDNS));
    }
    comparison.finish(test);
}

#[test]
fn b55_case_and_header_bits_are_answered_as_peers_do() {
    let test = "b55_case_and_header_bits_are_answered_as_peers_do";
    let served = [zones::zone("cases.zone", "cases.test.", "other.test.")];
    let Some(stage) = Stage::start(test, &served) else { return };
    let mut questions = zones::questions(&served[0], &[Edns::None, Edns::Dnssec]);
    for (index, question) in questions.iter_mut().enumerate() {
        // Another case for each letter, and each of the bits alone and together.
        let letters = question.name.iter_mut().filter(|octet| octet.is_ascii_lowercase());
        letters.step_by(1 + index % 3).for_each(|octet| octet.make_ascii_uppercase());
        question.flags = [RD, CD, AD, RD | CD | AD][index / 2 % 4];
    }
    let mut comparison = Comparison::default();
    stage.compare(&mut comparison, &questions);
    comparison.finish(test);
}

#[test]
fn b52_parents_and_children_answer_as_peers_do() {
    let test = "b52_parents_and_children_answer_as_peers_do";
    let served = [
        zones::zone("parent.zone", "parent.test.", "parent.test."),
        zones::zone("child.zone", "child.parent.test.", "parent.test."),
        zones::zone("grandchild.zone", "x.gap.child.parent.test.", "parent.test."),
        // A child that its parent knows nothing of.
        zones::zone("grandchild.zone", "undelegated.parent.test.", "parent.test."),
    ];
    let Some(stage) = Stage::start(test, &served) else { return };
    let mut comparison = Comparison::default();
    for zone in &served {
        stage.compare(&mut comparison, &zones::questions(zone, &EDNS));
    }
    comparison.finish(test);
}

#[test]
fn b51_signed_zones_answer_as_peers_do() {
    let test = "b51_signed_zones_answer_as_peers_do";
    if !zones::can_sign() {
        return harness::skip(test, "dnssec-signzone or dnssec-keygen is not installed");
    }
    let sign = |file, apex, other| zones::sign(&zones::zone(file, apex, other), Denial::Nsec);
    let served = [
        sign("cases.zone", "signed.test.", "other.test."),
        sign("other.zone", "other.test.", ""),
        sign("parent.zone", "parent.test.", "parent.test."),
        sign("child.zone", "child.parent.test.", "parent.test."),
    ];
    let Some(stage) = Stage::start(test, &served) else { return };
    let mut comparison = Comparison::default();
    for zone in &served {
        stage.compare(&mut comparison, &zones::questions(zone, &EDNS));
    }
    comparison.finish(test);
}

#[test]
fn b51_a_validator_accepts_every_answer() {
    let test = "b51_a_validator_accepts_every_answer";
    if !zones::can_sign() {
        return harness::skip(test, "dnssec-signzone or dnssec-keygen is not installed");
    }
    let _alone = harness::heavy();
    for denial in [Denial::Nsec, Denial::Nsec3, Denial::OptOut] {
        let zone = zones::sign(&zones::zone("cases.zone", "signed.test.", "other.test."), denial);
        let Some(validator) = Validator::of(&zone) else { return harness::skip(test, "delv is not installed") };
        let trine = Server::start(&ServerOptions::default(), |directory| {
            harness::zones::install(directory, "signed.test.zone", &zone.text);
        });
        let ask = |(name, rtype): &(&str, &str)| {
            let may_be_unsigned = denial == Denial::OptOut && SYNTHESISED.contains(&(name, rtype));
            let name = format!("{name}signed.test.");
            let said = validator.check(trine.address, (&name, rtype), may_be_unsigned).err()?;
            Some(format!("## {name} {rtype}\n{said}"))
        };
        let refused: Vec<String> = VALIDATED.iter().filter_map(ask).collect();
        assert!(refused.is_empty(), "{denial:?}: {}", refused.concat());
    }
}

#[test]
fn b51_nsec3_zones_answer_as_peers_do() {
    nsec3_zones_answer_as_peers_do("b51_nsec3_zones_answer_as_peers_do", Denial::Nsec3);
}

#[test]
fn b51_opt_out_zones_answer_as_peers_do() {
    nsec3_zones_answer_as_peers_do("b51_opt_out_zones_answer_as_peers_do", Denial::OptOut);
}

/// Compares answers from zones signed with NSEC3, parent and child among them.
fn nsec3_zones_answer_as_peers_do(test: &str, denial: Denial) {
    if !zones::can_sign() {
        return harness::skip(test, "dnssec-signzone or dnssec-keygen is not installed");
    }
    let sign = |file, apex, other| zones::sign(&zones::zone(file, apex, other), denial);
    let served = [
        sign("cases.zone", "nsec3.test.", "other.test."),
        sign("parent.zone", "parent.test.", "parent.test."),
        sign("child.zone", "child.parent.test.", "parent.test."),
    ];
    let Some(stage) = Stage::start(test, &served) else { return };
    let mut comparison = Comparison::default();
    for zone in &served {
        stage.compare(&mut comparison, &zones::questions(zone, &EDNS));
    }
    comparison.finish(test);
}

#[test]
fn the_root_zone_answers_as_peers_do() {
    let test = "the_root_zone_answers_as_peers_do";
    let root = Zone { apex: ".".into(), text: harness::zones::root(harness::zones::ROOT_SERIALS[0]) };
    let Some(stage) = Stage::start(test, std::slice::from_ref(&root)) else { return };
    let mut comparison = Comparison::default();
    let [soa, referral, missing] = stage.essentials();
    assert!(soa.has(AA) && soa.sections[0].iter().any(|record| record.rtype == RRSIG), "{soa:?}");
    assert!(!referral.has(AA) && referral.sections[1].iter().any(|record| record.rtype == DS), "{referral:?}");
    assert!(missing.rcode == 3 && missing.sections[1].iter().any(|record| record.rtype == NSEC), "{missing:?}");
    stage.compare(&mut comparison, &zones::root_questions(&root));
    comparison.finish(test);
}

#[test]
fn the_page_explains_every_difference() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rfc-compliance.md")).unwrap();
    let (_, table) = page.split_once("## Differences to peers").unwrap();
    let explained: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let known: Vec<&str> =
        exemptions::EXEMPTIONS.iter().map(|exemption| exemption.name).chain([exemptions::NSD_ALONE]).collect();
    assert_eq!(explained, known, "the table has each exemption, in the same order");
}

/// With and without OPT record and DO.
const EDNS: [Edns; 3] = [Edns::None, Edns::Plain, Edns::Dnssec];

/// Those of the cases below whose answers come from a wildcard.
const SYNTHESISED: &[(&str, &str)] =
    &[("x.wild.", "A"), ("a.nope.wild.", "TXT"), ("x.b.*.middle.", "TXT"), ("x.wchain.", "A")];

/// What is asked of the signed zone by a validator: the cases of B50 that stay in the zone.
const VALIDATED: &[(&str, &str)] = &[
    ("", "SOA"),
    ("", "MX"),
    ("", "TYPE65280"),
    ("www.", "A"),
    ("www.", "MX"),
    ("WWW.", "TXT"),
    ("nope.", "A"),
    ("a.nope.www.", "A"),
    ("ent.", "A"),
    ("c.ent.", "TXT"),
    ("x.ent.", "A"),
    ("x.wild.", "A"),
    ("a.nope.wild.", "TXT"),
    ("x.wild.", "SRV"),
    ("*.wild.", "A"),
    ("*.wild.", "SRV"),
    ("closer.wild.", "A"),
    ("x.closer.wild.", "A"),
    ("ent.wild.", "A"),
    ("y.ent.wild.", "A"),
    ("x.went.", "A"),
    ("b.nope.went.", "TXT"),
    ("x.middle.", "A"),
    ("x.b.*.middle.", "TXT"),
    ("x.walias.", "A"),
    ("x.walias.", "MX"),
    ("x.wmissing.", "A"),
    ("x.wchain.", "A"),
    ("three.", "AAAA"),
    ("to-nodata.", "A"),
    ("to-missing.", "A"),
    ("to-ent.", "A"),
    ("to-wild.", "A"),
    ("to-wmissing.", "A"),
    ("to-dname.", "A"),
    ("to-apex.", "TXT"),
    ("a.dname.", "A"),
    ("dname.", "A"),
    ("x.b.dname.", "A"),
    ("c.dname.", "A"),
    ("d.dname.", "A"),
    ("nope.dname.", "A"),
    ("a.dname2.", "A"),
    ("secure.", "DS"),
    ("sub.", "DS"),
    ("sibling1.", "DS"),
    ("big.", "TXT"),
    ("types.", "TYPE65280"),
    ("types.", "HTTPS"),
];
