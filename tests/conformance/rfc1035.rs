//! RFC 1035: messages and transport.

/// Section 4.1.1: the header.
mod section_4_1_1 {
    use crate::probe::{A, NOTIMP, Probe, RA, RD, Z};
    use crate::served::plain;

    #[test]
    fn rd_is_copied_ra_is_clear() {
        assert!(!Probe::new("www.plain.", A).ask(**plain()).has(RD | RA));
        let reply = Probe::new("www.plain.", A).flags(RD).ask(**plain());
        assert!(reply.has(RD) && !reply.has(RA));
    }

    #[test]
    fn z_is_zero_in_answers() {
        assert!(!Probe::new("www.plain.", A).flags(Z).ask(**plain()).has(Z));
    }

    #[test]
    fn what_is_no_query_is_not_implemented() {
        for opcode in [1, 2, 3, 6, 15] {
            assert_eq!(Probe::new("www.plain.", A).opcode(opcode).ask(**plain()).rcode, NOTIMP, "{opcode}");
        }
    }
}

/// Section 2.3.3: the case of letters.
mod section_2_3_3 {
    use crate::probe::{A, NOERROR, Probe};
    use crate::served::plain;

    #[test]
    fn case_is_ignored_and_the_question_comes_back_as_sent() {
        let reply = Probe::new("wWw.PlaiN.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.answer()), (NOERROR, "wWw.PlaiN. A".into()));
    }
}

/// Section 4.1.4: compression.
mod section_4_1_4 {
    use crate::probe::{A, Probe, wire};
    use crate::served::plain;

    #[test]
    fn owners_point_at_the_question() {
        let reply = Probe::new("www.plain.", A).ask(**plain());
        let question = 12 + wire("www.plain.").len() + 4;
        assert_eq!(reply.octets[question..][..2], [0xc0, 12]);
        assert_eq!(reply.octets.len(), question + 2 * 16);
    }
}

/// Section 4.2: transport.
mod section_4_2 {
    use crate::probe::{AAAA, Probe, TC};
    use crate::served::plain;

    #[test]
    fn without_edns_a_datagram_has_512_octets() {
        let reply = Probe::new("large.plain.", AAAA).ask(**plain());
        assert!(reply.has(TC) && reply.octets.len() <= 512);
    }

    #[test]
    fn over_tcp_there_is_all_of_it() {
        let reply = Probe::new("large.plain.", AAAA).ask_tcp(**plain());
        assert!(!reply.has(TC) && reply.octets.len() > 100 * 28, "{}", reply.octets.len());
    }
}
