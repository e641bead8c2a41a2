//! RFC 5155: denial by hashes. The zone has no salt, hashes once and leaves out delegations without DS records.

use std::collections::BTreeSet;

use hickory_proto::rr::RecordType;

use crate::probe::Reply;

/// The names whose hashes own the NSEC3 records of an answer's authority section.
fn proofs(reply: &Reply) -> BTreeSet<&'static str> {
    let records = reply.records(RecordType::NSEC3);
    let name = |record: &&hickory_proto::rr::Record| {
        let owner = record.name.to_ascii().to_ascii_lowercase();
        let hash = owner.strip_suffix(".nsec3.").unwrap();
        HASHES.iter().find(|(_, known)| *known == hash).unwrap_or_else(|| panic!("{owner}")).0
    };
    records.iter().map(name).collect()
}

/// A set of names.
fn set(names: &[&'static str]) -> BTreeSet<&'static str> {
    names.iter().copied().collect()
}

/// Section 7.2.2: the name does not exist.
mod section_7_2_2 {
    use super::{proofs, set};
    use crate::probe::{A, NXDOMAIN, Probe};
    use crate::served::plain;

    #[test]
    fn closest_encloser_next_closer_name_and_wildcard() {
        let reply = Probe::dnssec("nothing.nsec3.", A).ask(**plain());
        // The apex is there; b.a comes before the hash of the name, *.wild before that of the wildcard.
        assert_eq!((reply.rcode, proofs(&reply)), (NXDOMAIN, set(&["", "b.a", "*.wild"])));
        let reply = Probe::dnssec("x.www.nsec3.", A).ask(**plain());
        // The record of wild covers both hashes: it is there once.
        assert_eq!((reply.rcode, proofs(&reply)), (NXDOMAIN, set(&["www", "wild"])));
        assert_eq!(reply.authority().matches("NSEC3").count(), 2, "{}", reply.authority());
    }
}

/// Section 7.2.3: no data, not a DS record.
mod section_7_2_3 {
    use super::{proofs, set};
    use crate::probe::{A, MX, NOERROR, Probe};
    use crate::served::plain;

    #[test]
    fn the_record_of_the_name() {
        let reply = Probe::dnssec("www.nsec3.", MX).ask(**plain());
        assert_eq!((reply.rcode, proofs(&reply)), (NOERROR, set(&["www"])));
    }

    #[test]
    fn of_an_empty_non_terminal_too() {
        let reply = Probe::dnssec("a.nsec3.", A).ask(**plain());
        assert_eq!((reply.rcode, proofs(&reply)), (NOERROR, set(&["a"])));
    }
}

/// Section 7.2.4: no DS record.
mod section_7_2_4 {
    use super::{proofs, set};
    use crate::probe::{DS, NOERROR, Probe};
    use crate::served::plain;

    #[test]
    fn at_a_name_with_a_record() {
        assert_eq!(proofs(&Probe::dnssec("www.nsec3.", DS).ask(**plain())), set(&["www"]));
    }

    #[test]
    fn at_a_name_that_is_left_out() {
        let reply = Probe::dnssec("insecure.nsec3.", DS).ask(**plain());
        assert_eq!((reply.rcode, proofs(&reply)), (NOERROR, set(&["", "ns1"])));
    }
}

/// Section 7.2.5: no data from a wildcard.
mod section_7_2_5 {
    use super::{proofs, set};
    use crate::probe::{NOERROR, Probe, TXT};
    use crate::served::plain;

    #[test]
    fn closest_encloser_next_closer_name_and_the_wildcard_itself() {
        let reply = Probe::dnssec("any.wild.nsec3.", TXT).ask(**plain());
        assert_eq!((reply.rcode, proofs(&reply)), (NOERROR, set(&["wild", "secure", "*.wild"])));
    }
}

/// Section 7.2.6: an answer from a wildcard.
mod section_7_2_6 {
    use super::{proofs, set};
    use crate::probe::{A, Probe};
    use crate::served::plain;

    #[test]
    fn the_next_closer_name() {
        let reply = Probe::dnssec("any.wild.nsec3.", A).ask(**plain());
        assert_eq!(reply.answer(), "any.wild.nsec3. A, any.wild.nsec3. RRSIG");
        assert_eq!(proofs(&reply), set(&["secure"]));
    }
}

/// Section 7.2.7: referrals to unsigned zones.
mod section_7_2_7 {
    use super::{proofs, set};
    use crate::probe::{A, AA, Probe};
    use crate::served::plain;

    #[test]
    fn what_was_left_out_is_proven_so() {
        let reply = Probe::dnssec("www.insecure.nsec3.", A).ask(**plain());
        assert!(!reply.has(AA));
        assert_eq!(proofs(&reply), set(&["", "ns1"]));
    }

    #[test]
    fn signed_zones_have_their_ds_records() {
        let reply = Probe::dnssec("www.secure.nsec3.", A).ask(**plain());
        assert_eq!(reply.authority(), "secure.nsec3. NS, secure.nsec3. DS, secure.nsec3. RRSIG");
    }
}

/// Section 7.2.8: owners of NSEC3 records.
mod section_7_2_8 {
    use super::HASHES;
    use crate::probe::{NSEC3, NXDOMAIN, Probe};
    use crate::served::plain;

    #[test]
    fn they_are_no_names() {
        let owner = format!("{}.nsec3.", HASHES[0].1);
        let reply = Probe::dnssec(&owner, NSEC3).ask(**plain());
        assert_eq!((reply.rcode, reply.answer().as_str()), (NXDOMAIN, ""));
    }
}

/// Names below the apex and their hashes (section 5), worked out by another program.
const HASHES: [(&str, &str); 10] = [
    ("", "3rrjesemtuh627kgk4qgon0250128tou"),
    ("www", "7o01o900q0ieg4u6p88rfivuj16mdpc0"),
    ("b.a", "7pqkqgv4tumufpisu5coqsp8rji54ecs"),
    ("a", "j2fq2lhk920e99aqjjdfkgls94um4f0q"),
    ("d", "jiaffmgas6bga4kgvtsgam7d6ic7o4o6"),
    ("ns1", "jud5gqnui5nm42fcr8o4ftkcibrtlr80"),
    ("closer.wild", "ksbnjg5iesjk6j7b0b1n8m64uh7d0k9d"),
    ("*.wild", "q0i6p9u04hf2r5j8v867g4d8614330ea"),
    ("secure", "r80cgt397657hlfvnujji6j1l0r5tmmt"),
    ("wild", "valor037iqkh91krk6p6df034s0508uu"),
];
