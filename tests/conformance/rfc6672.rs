//! RFC 6672: DNAME.

/// Section 3.2: the server's algorithm.
mod section_3_2 {
    use hickory_proto::rr::RecordType;

    use crate::probe::{A, AA, NOERROR, NXDOMAIN, Probe, TXT, YXDOMAIN};
    use crate::served::plain;

    #[test]
    fn a_name_below_is_redirected_by_an_alias_made_for_it() {
        let reply = Probe::new("host.d.plain.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.has(AA)), (NOERROR, true));
        assert_eq!(reply.answer(), "d.plain. DNAME, host.d.plain. CNAME, host.www.plain. A");
        let reply = Probe::new("nothing.d.plain.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.answer().as_str()), (NXDOMAIN, "d.plain. DNAME, nothing.d.plain. CNAME"));
    }

    #[test]
    fn the_owner_itself_is_not() {
        let reply = Probe::new("d.plain.", TXT).ask(**plain());
        assert_eq!((reply.rcode, reply.answer().as_str(), reply.authority().as_str()), (NOERROR, "", "plain. SOA"));
    }

    #[test]
    fn a_name_that_grows_too_long_is_an_error_of_its_own() {
        let name = format!("{}.{}.long.plain.", "x".repeat(40), "y".repeat(40));
        let reply = Probe::new(&name, A).ask(**plain());
        assert_eq!((reply.rcode, reply.answer().as_str()), (YXDOMAIN, "long.plain. DNAME"));
    }

    #[test]
    fn the_alias_has_the_ttl_of_the_dname_record() {
        // Section 3.1.
        let reply = Probe::new("host.d.plain.", A).ask(**plain());
        let ttl = |rtype| reply.records(rtype)[0].ttl;
        assert_eq!(ttl(RecordType::CNAME), ttl(RecordType::from(39)));
    }
}

/// Section 5.3.1: DNSSEC.
mod section_5_3_1 {
    use crate::probe::{A, Probe};
    use crate::served::plain;

    #[test]
    fn the_dname_record_is_signed_the_alias_is_not() {
        let reply = Probe::dnssec("x.d.nsec.", A).ask(**plain());
        assert_eq!(reply.answer(), "d.nsec. DNAME, d.nsec. RRSIG, x.d.nsec. CNAME");
    }
}
