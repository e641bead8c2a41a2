//! RFC 8906: a server that answers all that it can be asked. Every probe of section 8, with what it expects.

/// Section 8.1: basic DNS.
mod section_8_1 {
    use crate::probe::{A, AA, AD, CD, NOERROR, NOTIMP, Probe, RA, RD, SOA, Z};
    use crate::served::plain;

    /// The flags that no answer to a probe may have.
    const UNEXPECTED: u16 = AD | CD | Z | RA;

    #[test]
    fn section_8_1_1_is_the_server_configured_for_the_zone() {
        let reply = Probe::new("plain.", SOA).ask(**plain());
        assert_eq!((reply.rcode, reply.answer().as_str()), (NOERROR, "plain. SOA"));
        assert!(reply.has(AA) && !reply.has(UNEXPECTED | RD) && reply.opt.is_none());
    }

    #[test]
    fn section_8_1_2_unknown_types() {
        let reply = Probe::new("plain.", 1_000).ask(**plain());
        assert_eq!((reply.rcode, reply.answer().as_str()), (NOERROR, ""));
        assert!(reply.has(AA) && !reply.has(UNEXPECTED | RD) && reply.opt.is_none());
    }

    #[test]
    fn section_8_1_3_header_bits() {
        // 8.1.3.1 to 8.1.3.4: CD, AD, the reserved bit, RD.
        for bit in [CD, AD, Z, RD] {
            let reply = Probe::new("plain.", SOA).flags(bit).ask(**plain());
            assert_eq!((reply.rcode, reply.answer().as_str()), (NOERROR, "plain. SOA"), "{bit:#06x}");
            assert!(reply.has(AA) && !reply.has(UNEXPECTED), "{bit:#06x}: {:#06x}", reply.flags);
            assert_eq!(reply.has(RD), bit == RD);
        }
    }

    #[test]
    fn section_8_1_4_unknown_opcodes() {
        let reply = Probe::without_question().opcode(15).ask(**plain());
        assert_eq!((reply.rcode, reply.answer().as_str(), reply.authority().as_str()), (NOTIMP, "", ""));
        assert!(!reply.has(AA | UNEXPECTED | RD) && reply.opt.is_none());
        assert_eq!(reply.flags & 0x7800, 15 << 11, "the opcode comes back");
    }

    #[test]
    fn section_8_1_5_tcp() {
        let reply = Probe::new("plain.", SOA).ask_tcp(**plain());
        assert_eq!((reply.rcode, reply.answer().as_str()), (NOERROR, "plain. SOA"));
        assert!(reply.has(AA) && !reply.has(UNEXPECTED | RD) && reply.opt.is_none());
        assert_eq!(Probe::new("www.plain.", A).ask_tcp(**plain()).answer(), "www.plain. A");
    }
}

/// Section 8.2: extended DNS.
mod section_8_2 {
    use crate::probe::{AA, AAAA, AD, BADVERS, DNSKEY, DO, NOERROR, Probe, Reply, SOA, TC};
    use crate::served::{plain, talkative};

    /// A question for the SOA record, as all probes ask it.
    fn soa() -> Probe {
        Probe::new("nsec.", SOA)
    }

    /// Checks an answer with data and an OPT record of version 0 without flags or options.
    fn assert_answered(reply: &Reply) {
        let opt = reply.opt.as_ref().unwrap();
        assert!(reply.answer().starts_with("nsec. SOA"), "{}", reply.answer());
        assert_eq!((reply.rcode, opt.version, opt.flags & !DO, opt.options.len()), (NOERROR, 0, 0, 0));
        assert!(reply.has(AA) && !reply.has(AD));
    }

    /// Checks a refusal of a version that is not known.
    fn assert_bad_version(reply: &Reply) {
        let opt = reply.opt.as_ref().unwrap();
        assert_eq!((reply.rcode, reply.answer().as_str()), (BADVERS, ""));
        assert_eq!((opt.version, opt.flags & !DO, opt.options.len()), (0, 0, 0));
        assert!(!reply.has(AD));
    }

    #[test]
    fn section_8_2_1_minimal_edns() {
        let reply = soa().edns().ask(**plain());
        assert_answered(&reply);
        assert_eq!(reply.opt.unwrap().flags, 0);
    }

    #[test]
    fn section_8_2_2_version_negotiation() {
        assert_bad_version(&soa().edns_version(1).ask(**plain()));
        assert_bad_version(&soa().edns_version(100).ask(**plain()));
    }

    #[test]
    fn section_8_2_3_unknown_options() {
        assert_answered(&soa().option(100, b"").ask(**plain()));
        assert_answered(&soa().option(100, b"\0\x01").ask(**plain()));
    }

    #[test]
    fn section_8_2_4_unknown_flags() {
        let reply = soa().edns_flags(0x0040).ask(**plain());
        assert_answered(&reply);
        assert_eq!(reply.opt.unwrap().flags, 0);
    }

    #[test]
    fn section_8_2_5_version_negotiation_with_unknown_flags() {
        let reply = soa().edns_version(1).edns_flags(0x0040).ask(**plain());
        assert_bad_version(&reply);
        assert_eq!(reply.opt.unwrap().flags, 0);
    }

    #[test]
    fn section_8_2_6_version_negotiation_with_unknown_options() {
        assert_bad_version(&soa().edns_version(1).option(100, b"").ask(**plain()));
    }

    #[test]
    fn section_8_2_7_truncated_responses() {
        // The probe asks for keys, which may fit; the other question's answer does not.
        for (name, rtype, is_truncated) in [("nsec.", DNSKEY, false), ("large.plain.", AAAA, true)] {
            let reply = Probe::new(name, rtype).edns_size(512).edns_flags(DO).ask(**plain());
            assert!(reply.has(TC) == is_truncated && reply.octets.len() <= 512, "{name}: {}", reply.octets.len());
            let opt = reply.opt.unwrap();
            assert_eq!((reply.rcode, opt.version, opt.flags), (NOERROR, 0, DO));
        }
    }

    #[test]
    fn section_8_2_8_do() {
        let reply = soa().edns_flags(DO).ask(**plain());
        assert_answered(&reply);
        assert_eq!((reply.answer().as_str(), reply.opt.unwrap().flags), ("nsec. SOA, nsec. RRSIG", DO));
    }

    #[test]
    fn section_8_2_9_version_negotiation_with_do() {
        let reply = soa().edns_version(1).edns_flags(DO).ask(**plain());
        assert_bad_version(&reply);
    }

    #[test]
    fn section_8_2_10_several_known_options() {
        // NSID, the client's subnet, EXPIRE and a cookie.
        let probe = soa().option(3, b"").option(8, b"\0\x01\0\0").option(9, b"").option(10, b"a client");
        for server in [plain(), talkative()] {
            let reply = probe.ask(**server);
            assert_eq!((reply.rcode, reply.answer().as_str()), (NOERROR, "nsec. SOA"));
            assert!(reply.has(AA) && reply.opt.is_some_and(|opt| opt.version == 0 && opt.flags == 0));
        }
    }
}
