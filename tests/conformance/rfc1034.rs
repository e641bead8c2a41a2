//! RFC 1034: concepts and facilities.

/// Section 3.6.2: aliases.
mod section_3_6_2 {
    use crate::probe::{A, CNAME, Probe, TXT};
    use crate::served::plain;

    #[test]
    fn an_alias_is_followed_and_both_are_in_the_answer() {
        let reply = Probe::new("chain.plain.", A).ask(**plain());
        assert_eq!(reply.answer(), "chain.plain. CNAME, alias.plain. CNAME, www.plain. A");
        let reply = Probe::new("alias.plain.", TXT).ask(**plain());
        assert_eq!(reply.answer(), "alias.plain. CNAME, www.plain. TXT");
    }

    #[test]
    fn an_alias_asked_for_is_not_followed() {
        assert_eq!(Probe::new("chain.plain.", CNAME).ask(**plain()).answer(), "chain.plain. CNAME");
    }
}

/// Section 4.3.2: the algorithm.
mod section_4_3_2 {
    use crate::probe::{A, AA, MX, NOERROR, NXDOMAIN, Probe, REFUSED, TXT};
    use crate::served::plain;

    #[test]
    fn step_2_without_a_zone_there_is_no_answer() {
        let reply = Probe::new("www.elsewhere.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.answer(), reply.authority()), (REFUSED, String::new(), String::new()));
    }

    #[test]
    fn step_2_the_nearest_zone_answers() {
        let reply = Probe::new("www.child.plain.", A).ask(**plain());
        assert_eq!((reply.has(AA), reply.answer()), (true, "www.child.plain. A".into()));
    }

    #[test]
    fn step_3a_what_matches_is_in_the_answer() {
        let reply = Probe::new("www.plain.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.has(AA), reply.answer()), (NOERROR, true, "www.plain. A".into()));
        let reply = Probe::new("www.plain.", MX).ask(**plain());
        assert_eq!((reply.rcode, reply.has(AA), reply.answer()), (NOERROR, true, String::new()));
    }

    #[test]
    fn step_3a_an_alias_goes_back_to_step_1_also_in_another_zone() {
        let reply = Probe::new("across.plain.", A).ask(**plain());
        assert_eq!(reply.answer(), "across.plain. CNAME, www.child.plain. A");
        let reply = Probe::new("outward.plain.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.answer()), (NOERROR, "outward.plain. CNAME".into()));
    }

    #[test]
    fn step_3b_below_a_cut_there_is_a_referral_with_glue() {
        for name in ["cut.plain.", "sub.cut.plain.", "x.y.cut.plain."] {
            let reply = Probe::new(name, A).ask(**plain());
            assert_eq!((reply.rcode, reply.has(AA), reply.answer()), (NOERROR, false, String::new()), "{name}");
            assert_eq!(reply.authority(), "cut.plain. NS");
            assert!(reply.additional().starts_with("ns.cut.plain. A"), "{}", reply.additional());
        }
    }

    #[test]
    fn step_3c_a_wildcard_gives_its_data_to_the_name_asked() {
        let reply = Probe::new("any.wild.plain.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.has(AA), reply.answer()), (NOERROR, true, "any.wild.plain. A".into()));
        assert_eq!(Probe::new("a.b.wild.plain.", TXT).ask(**plain()).answer(), "a.b.wild.plain. TXT");
    }

    #[test]
    fn step_3c_without_a_wildcard_the_name_does_not_exist() {
        let reply = Probe::new("nothing.plain.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.has(AA), reply.answer()), (NXDOMAIN, true, String::new()));
    }

    #[test]
    fn step_3c_the_name_that_matters_is_the_one_asked_not_an_aliass_target() {
        // RFC 6604: the RCODE is that of the last name.
        let reply = Probe::new("dangling.plain.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.has(AA), reply.answer()), (NXDOMAIN, true, "dangling.plain. CNAME".into()));
    }
}

/// Section 4.3.3: wildcards.
mod section_4_3_3 {
    use crate::probe::{A, NOERROR, NXDOMAIN, Probe};
    use crate::served::plain;

    #[test]
    fn a_name_that_exists_blocks_a_wildcard() {
        let reply = Probe::new("closer.wild.plain.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.answer()), (NOERROR, String::new()));
        assert_eq!(Probe::new("x.closer.wild.plain.", A).ask(**plain()).rcode, NXDOMAIN);
    }
}
