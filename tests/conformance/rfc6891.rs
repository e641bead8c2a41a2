//! RFC 6891: EDNS.

/// Section 6.1.1: the OPT record.
mod section_6_1_1 {
    use crate::probe::{A, FORMERR, Probe, exchange};
    use crate::served::plain;

    #[test]
    fn it_is_there_if_one_was_sent_and_only_then() {
        assert_eq!(Probe::new("www.plain.", A).ask(**plain()).opt, None);
        assert!(Probe::new("www.plain.", A).edns().ask(**plain()).opt.is_some());
        assert!(Probe::new("nothing.plain.", A).edns().ask(**plain()).opt.is_some());
        assert!(Probe::new("www.elsewhere.", A).edns().ask(**plain()).opt.is_some());
    }

    #[test]
    fn two_of_them_are_malformed() {
        let mut query = Probe::new("www.plain.", A).edns().to_wire();
        let opt = query[query.len() - 11..].to_vec();
        query.extend(opt);
        query[11] = 2;
        assert_eq!(exchange(**plain(), &query).unwrap()[3] & 0xf, FORMERR as u8);
    }
}

/// Section 6.1.2: options that are not known.
mod section_6_1_2 {
    use crate::probe::{A, NOERROR, Probe};
    use crate::served::plain;

    #[test]
    fn they_are_ignored() {
        let reply = Probe::new("www.plain.", A).option(65_001, b"what is this").ask(**plain());
        assert_eq!((reply.rcode, reply.opt.unwrap().options), (NOERROR, vec![]));
    }
}

/// Section 6.1.3: the version, and flags.
mod section_6_1_3 {
    use crate::probe::{A, BADVERS, Probe};
    use crate::served::plain;

    #[test]
    fn another_version_is_refused_and_ours_is_told() {
        let reply = Probe::new("www.plain.", A).edns_version(1).ask(**plain());
        assert_eq!((reply.rcode, reply.answer().as_str(), reply.opt.unwrap().version), (BADVERS, "", 0));
    }
}

/// Section 6.1.4: flags.
mod section_6_1_4 {
    use crate::probe::{A, DO, Probe};
    use crate::served::plain;

    #[test]
    fn do_is_copied_others_are_zero() {
        assert_eq!(Probe::new("www.plain.", A).edns_flags(0xffff).ask(**plain()).opt.unwrap().flags, DO);
        assert_eq!(Probe::new("www.plain.", A).edns_flags(0x7fff).ask(**plain()).opt.unwrap().flags, 0);
    }
}

/// Section 6.2.5: sizes.
mod section_6_2_5 {
    use crate::probe::{AAAA, Probe, TC};
    use crate::served::plain;

    #[test]
    fn less_than_512_means_512() {
        for size in [0, 1, 511, 512] {
            let reply = Probe::new("large.plain.", AAAA).edns_size(size).ask(**plain());
            assert!(reply.has(TC) && reply.octets.len() <= 512, "{size}");
        }
    }

    #[test]
    fn more_than_the_server_sends_is_not_sent() {
        // Section 6.2.3 lets a server choose; RFC 9715 says 1,232 or less without fragments.
        let reply = Probe::new("large.plain.", AAAA).edns_size(65_535).ask(**plain());
        assert!(reply.has(TC) && reply.octets.len() <= 1_232);
        assert_eq!(reply.opt.unwrap().size, 1_232);
    }
}
