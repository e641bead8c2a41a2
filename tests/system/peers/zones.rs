//! What is served: the small zones of `tests/data/peers`, under several apexes, unsigned and signed.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::message::{
    A, AAAA, ANY, CNAME, DNAME, DNSKEY, DS, Edns, MX, NS, NSEC, Question, RRSIG, SOA, SRV, TXT, name_wire,
};
use super::server::{Zone, installed};
use crate::harness::zones::data;

/// How a zone is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Denial {
    /// With a chain of NSEC records.
    Nsec,
    /// With a chain of NSEC3 records, under a salt and hashed again, as zones were before RFC 9276.
    Nsec3,
    /// With a chain of NSEC3 records that leaves out delegations without DS records, as large zones are.
    OptOut,
}

/// A small zone: the text of a file under an apex, with names of another apex in place of the words in it.
pub(super) fn zone(file: &str, apex: &str, other: &str) -> Zone {
    let text = std::fs::read_to_string(data().join("peers").join(file)).unwrap();
    let text = format!("$ORIGIN {apex}\n{}", text.replace("@OTHER@", other).replace("@PARENT@", other));
    Zone { apex: apex.to_owned(), text }
}

/// Whether zones can be signed here.
pub(super) fn can_sign() -> bool {
    installed("dnssec-signzone").is_some() && installed("dnssec-keygen").is_some()
}

/// Signs a zone with a key made for it, by BIND's tools.
///
/// # Panics
///
/// When a tool fails.
pub(super) fn sign(zone: &Zone, denial: Denial) -> Zone {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("unsigned"), &zone.text).unwrap();
    run(directory.path(), "dnssec-keygen", &["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", &zone.apex]);
    let chain: &[&str] = match denial {
        Denial::Nsec => &[],
        Denial::Nsec3 => &["-3", "aabbccdd", "-H", "5"],
        Denial::OptOut => &["-3", "-", "-H", "0", "-A"],
    };
    let arguments = ["-S", "-z", "-P", "-O", "full", "-o", &zone.apex, "-f", "signed", "unsigned"];
    run(directory.path(), "dnssec-signzone", &[chain, &arguments].concat());
    Zone { apex: zone.apex.clone(), text: std::fs::read_to_string(directory.path().join("signed")).unwrap() }
}

/// Runs a tool in a directory.
fn run(directory: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(installed(program).unwrap()).args(arguments).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Everything worth asking of a zone, each with these kinds of EDNS: of its owners and what is above them up to the apex every interesting
/// type; of names below each, which may not be there, the types that answers treat differently.
pub(super) fn questions(zone: &Zone, edns: &[Edns]) -> Vec<Question> {
    let owners = owners(zone);
    let mut questions = Vec::new();
    let mut ask = |name: &[u8], types: &[u16]| {
        for rtype in types {
            questions.extend(edns.iter().map(|edns| Question::new(name, *rtype, *edns)));
        }
    };
    for owner in &owners {
        ask(owner, OWNER_TYPES);
        for below in BELOW {
            let name = [below, &owner[..]].concat();
            if name.len() <= 255 && !owners.contains(&name) {
                ask(&name, BELOW_TYPES);
            }
        }
    }
    questions
}

/// Everything worth asking of the root zone: of every TLD and of the root every type its answers differ by, of a name below each, and of one
/// that sorts just before each and is not there; of every other name, which are those of name servers, less.
pub(super) fn root_questions(root: &Zone) -> Vec<Question> {
    let mut questions = Vec::new();
    let mut ask = |name: &[u8], rtype, edns| questions.push(Question::new(name, rtype, edns));
    for owner in owners(root) {
        let is_occluded = owner.get(1 + usize::from(owner[0])).is_some_and(|length| *length > 0);
        if is_occluded {
            [A, AAAA, DS].into_iter().for_each(|rtype| ask(&owner, rtype, Edns::Dnssec));
            continue;
        }
        let below = [b"\x03www", &owner[..]].concat();
        let mut before = owner.clone();
        if let Some(first) = before.get_mut(1) {
            *first = first.wrapping_sub(1).max(b'!');
        }
        for edns in [Edns::Plain, Edns::Dnssec] {
            [NS, DS, A, AAAA, SOA, ANY].into_iter().for_each(|rtype| ask(&owner, rtype, edns));
            [A, DS].into_iter().for_each(|rtype| ask(&below, rtype, edns));
            ask(&before, A, edns);
        }
        // Without EDNS a referral has to fit into 512 octets.
        ask(&below, A, Edns::None);
    }
    for name in ["www.example.com.", "nosuchtld.", "a.nosuchtld.", "local.", "0."] {
        [Edns::None, Edns::Plain, Edns::Dnssec].into_iter().for_each(|edns| ask(&name_wire(name), A, edns));
    }
    questions
}

/// The names in a zone, empty non-terminals included, lower-cased and in wire form.
fn owners(zone: &Zone) -> BTreeSet<Vec<u8>> {
    let apex: zone_segment::Name = zone.apex.parse().unwrap();
    let file = dns::text::zonefile::read_octets(Path::new("peers.zone"), zone.text.as_bytes(), &apex);
    assert!(file.errors.is_empty(), "{:?}", file.errors);
    let mut owners = BTreeSet::new();
    for record in &file.to_records() {
        let owner = record.owner.to_lowercase();
        let mut name = Some(owner.as_ref());
        while let Some(above) = name.filter(|name| name.is_at_or_below(apex.as_ref())) {
            owners.insert(above.as_wire().to_vec());
            name = above.parent();
        }
    }
    owners
}

/// Labels put before an owner to get a name below it.
const BELOW: [&[u8]; 3] = [b"\x04nope", b"\x01*", b"\x01a\x04nope"];

/// The types asked of owners: those that answers treat differently, some that zones have, one that none has.
const OWNER_TYPES: &[u16] = &[A, AAAA, NS, SOA, MX, TXT, CNAME, DNAME, DS, SRV, NSEC, RRSIG, DNSKEY, ANY, 65280, 65281];

/// The types asked of names below owners.
const BELOW_TYPES: &[u16] = &[A, NS, SOA, CNAME, DNAME, DS, NSEC, RRSIG, ANY];
