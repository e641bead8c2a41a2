//! RFC 2308: negative answers.

/// Section 2.1: the name does not exist.
mod section_2_1 {
    use crate::probe::{A, AA, NXDOMAIN, Probe};
    use crate::served::plain;

    #[test]
    fn the_soa_record_says_so() {
        let reply = Probe::new("nothing.plain.", A).ask(**plain());
        assert_eq!((reply.rcode, reply.has(AA), reply.authority()), (NXDOMAIN, true, "plain. SOA".into()));
    }
}

/// Section 2.2: there is no data.
mod section_2_2 {
    use crate::probe::{AA, MX, NOERROR, Probe};
    use crate::served::plain;

    #[test]
    fn the_soa_record_says_so() {
        let reply = Probe::new("www.plain.", MX).ask(**plain());
        assert_eq!((reply.rcode, reply.has(AA), reply.answer()), (NOERROR, true, String::new()));
        assert_eq!(reply.authority(), "plain. SOA");
    }
}

/// Section 3: authoritative servers.
mod section_3 {
    use hickory_proto::rr::RecordType;

    use crate::probe::{A, Probe, SOA};
    use crate::served::plain;

    #[test]
    fn the_ttl_is_the_lesser_of_the_records_and_its_minimum() {
        let ttl = |rtype, name| Probe::new(name, rtype).ask(**plain()).records(RecordType::SOA)[0].ttl;
        assert_eq!((ttl(A, "nothing.plain."), ttl(SOA, "plain.")), (300, 3600));
    }
}
