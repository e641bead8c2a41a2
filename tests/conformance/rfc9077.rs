//! RFC 9077: TTLs of NSEC and NSEC3 records.

/// Section 3: no more than that of a negative answer.
mod section_3 {
    use hickory_proto::rr::RecordType;

    use crate::probe::{A, Probe};
    use crate::served::plain;

    #[test]
    fn they_end_with_the_soa_records() {
        for (name, rtype) in [("nothing.nsec.", RecordType::NSEC), ("nothing.nsec3.", RecordType::NSEC3)] {
            let reply = Probe::dnssec(name, A).ask(**plain());
            let soa = reply.records(RecordType::SOA)[0].ttl;
            assert!(reply.records(rtype).iter().all(|record| record.ttl == soa) && soa == 300, "{name}");
        }
    }
}
