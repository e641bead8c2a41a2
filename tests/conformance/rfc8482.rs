//! RFC 8482: ANY.

/// Section 4.1: a subset.
mod section_4_1 {
    use crate::probe::{AA, ANY, NOERROR, NXDOMAIN, Probe};
    use crate::served::plain;

    #[test]
    fn one_rrset_over_either_transport() {
        let probe = Probe::new("www.plain.", ANY);
        for reply in [probe.ask(**plain()), probe.ask_tcp(**plain())] {
            assert_eq!((reply.rcode, reply.has(AA), reply.answer().as_str()), (NOERROR, true, "www.plain. A"));
        }
        assert_eq!(Probe::dnssec("www.nsec.", ANY).ask(**plain()).answer(), "www.nsec. A, www.nsec. RRSIG");
    }

    #[test]
    fn what_is_not_there_is_denied_as_ever() {
        let reply = Probe::new("nothing.plain.", ANY).ask(**plain());
        assert_eq!((reply.rcode, reply.authority().as_str()), (NXDOMAIN, "plain. SOA"));
    }
}
