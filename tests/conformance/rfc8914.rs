//! RFC 8914: what more there is to say of an error.

/// Section 4: codes.
mod section_4 {
    use crate::probe::{A, AXFR, NOTAUTH, Probe, REFUSED, SERVFAIL};
    use crate::served::plain;

    #[test]
    fn section_4_15_not_ready_of_a_zone_without_data() {
        let reply = Probe::new("www.broken.", A).edns().ask(**plain());
        assert_eq!((reply.rcode, reply.error()), (SERVFAIL, Some(14)));
    }

    #[test]
    fn section_4_21_not_authoritative() {
        let reply = Probe::new("www.elsewhere.", A).edns().ask(**plain());
        assert_eq!((reply.rcode, reply.error()), (REFUSED, Some(20)));
    }

    #[test]
    fn section_4_21_not_authoritative_for_a_zone_that_is_asked_for() {
        let reply = Probe::new("elsewhere.", AXFR).edns().ask_tcp(**plain());
        assert_eq!((reply.rcode, reply.error()), (NOTAUTH, Some(20)));
    }

    #[test]
    fn without_edns_nothing_is_said() {
        assert_eq!(Probe::new("www.elsewhere.", A).ask(**plain()).opt, None);
    }
}
