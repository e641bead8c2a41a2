//! RFC 4035: DNSSEC in the protocol.

/// Section 3.1: without DO.
mod section_3_1 {
    use crate::probe::{A, Probe};
    use crate::served::plain;

    #[test]
    fn who_does_not_ask_gets_no_dnssec_records() {
        for (name, sections) in [
            ("www.nsec.", ["www.nsec. A", "", ""]),
            ("nothing.nsec.", ["", "nsec. SOA", ""]),
            ("secure.nsec.", ["", "secure.nsec. NS", "ns.secure.nsec. A"]),
        ] {
            let reply = Probe::new(name, A).edns().ask(**plain());
            assert_eq!([reply.answer(), reply.authority(), reply.additional()], sections, "{name}");
        }
    }
}

/// Section 3.1.1: signatures.
mod section_3_1_1 {
    use crate::probe::{A, DNSKEY, NS, Probe};
    use crate::served::plain;

    #[test]
    fn they_go_with_what_they_sign() {
        assert_eq!(Probe::dnssec("www.nsec.", A).ask(**plain()).answer(), "www.nsec. A, www.nsec. RRSIG");
        assert_eq!(Probe::dnssec("nsec.", NS).ask(**plain()).answer(), "nsec. NS, nsec. RRSIG");
        assert_eq!(Probe::dnssec("nsec.", DNSKEY).ask(**plain()).answer(), "nsec. DNSKEY, nsec. RRSIG");
    }
}

/// Section 3.1.3: NSEC records.
mod section_3_1_3 {
    use crate::probe::{A, MX, NOERROR, NXDOMAIN, Probe, TXT};
    use crate::served::plain;

    #[test]
    fn case_1_no_data() {
        let reply = Probe::dnssec("www.nsec.", MX).ask(**plain());
        assert_eq!(reply.rcode, NOERROR);
        assert_eq!(reply.authority(), "nsec. SOA, nsec. RRSIG, www.nsec. NSEC, www.nsec. RRSIG");
    }

    #[test]
    fn case_1_no_data_at_an_empty_non_terminal() {
        let reply = Probe::dnssec("a.nsec.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.answer()), (NOERROR, String::new()));
        assert_eq!(reply.authority(), "nsec. SOA, nsec. RRSIG, nsec. NSEC, nsec. RRSIG");
    }

    #[test]
    fn case_2_no_such_name_and_no_wildcard() {
        let reply = Probe::dnssec("nothing.nsec.", A).ask(**plain());
        assert_eq!(reply.rcode, NXDOMAIN);
        let proofs = "insecure.nsec. NSEC, insecure.nsec. RRSIG, nsec. NSEC, nsec. RRSIG";
        assert_eq!(reply.authority(), format!("nsec. SOA, nsec. RRSIG, {proofs}"));
    }

    #[test]
    fn case_3_an_answer_from_a_wildcard() {
        let reply = Probe::dnssec("any.wild.nsec.", A).ask(**plain());
        assert_eq!(reply.answer(), "any.wild.nsec. A, any.wild.nsec. RRSIG");
        assert_eq!(reply.authority(), "*.wild.nsec. NSEC, *.wild.nsec. RRSIG");
    }

    #[test]
    fn case_4_no_data_from_a_wildcard() {
        let reply = Probe::dnssec("any.wild.nsec.", TXT).ask(**plain());
        assert_eq!((reply.rcode, reply.answer()), (NOERROR, String::new()));
        // One record proves both: that the name is not there, and what the wildcard has.
        assert_eq!(reply.authority(), "nsec. SOA, nsec. RRSIG, *.wild.nsec. NSEC, *.wild.nsec. RRSIG");
    }
}

/// Section 3.1.4: DS records in referrals.
mod section_3_1_4 {
    use crate::probe::{A, AA, DS, Probe};
    use crate::served::plain;

    #[test]
    fn a_signed_child_has_them() {
        let reply = Probe::dnssec("www.secure.nsec.", A).ask(**plain());
        assert!(!reply.has(AA));
        assert_eq!(reply.authority(), "secure.nsec. NS, secure.nsec. DS, secure.nsec. RRSIG");
    }

    #[test]
    fn that_there_are_none_is_proven() {
        let reply = Probe::dnssec("www.insecure.nsec.", A).ask(**plain());
        assert_eq!(reply.authority(), "insecure.nsec. NS, insecure.nsec. NSEC, insecure.nsec. RRSIG");
    }

    #[test]
    fn the_parent_answers_for_them_with_authority() {
        let reply = Probe::dnssec("secure.nsec.", DS).ask(**plain());
        assert_eq!((reply.has(AA), reply.answer()), (true, "secure.nsec. DS, secure.nsec. RRSIG".into()));
        let reply = Probe::dnssec("insecure.nsec.", DS).ask(**plain());
        assert_eq!((reply.has(AA), reply.answer()), (true, String::new()));
        assert!(reply.authority().contains("insecure.nsec. NSEC"), "{}", reply.authority());
    }
}

/// Section 3.1.4.1: DS at the apex of a zone whose parent is served too.
mod section_3_1_4_1 {
    use crate::probe::{AA, DS, Probe};
    use crate::served::plain;

    #[test]
    fn the_parent_answers() {
        let reply = Probe::new("child.plain.", DS).ask(**plain());
        assert_eq!((reply.has(AA), reply.authority()), (true, "plain. SOA".into()));
    }

    #[test]
    fn without_a_parent_the_zone_says_that_there_is_no_data() {
        let reply = Probe::new("plain.", DS).ask(**plain());
        assert_eq!((reply.has(AA), reply.authority()), (true, "plain. SOA".into()));
    }
}

/// Section 3.1.6: AD and CD.
mod section_3_1_6 {
    use crate::probe::{A, AD, CD, Probe};
    use crate::served::plain;

    #[test]
    fn both_are_clear() {
        assert!(!Probe::dnssec("www.nsec.", A).flags(AD | CD).ask(**plain()).has(AD | CD));
    }
}
