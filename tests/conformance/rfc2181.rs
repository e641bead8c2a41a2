//! RFC 2181: clarifications.

/// Section 5: RRsets.
mod section_5 {
    use hickory_proto::rr::RecordType;

    use crate::probe::{A, AAAA, Probe, TC};
    use crate::served::plain;

    #[test]
    fn an_rrset_is_whole() {
        assert_eq!(Probe::new("www.plain.", A).ask(**plain()).records(RecordType::A).len(), 2);
        let reply = Probe::new("large.plain.", AAAA).edns().ask(**plain());
        assert!(reply.has(TC) && reply.records(RecordType::AAAA).is_empty(), "never a part of one");
    }
}

/// Section 9: the TC bit.
mod section_9 {
    use crate::probe::{A, AAAA, Probe, TC};
    use crate::served::plain;

    #[test]
    fn it_is_set_where_something_needed_was_left_out_and_nowhere_else() {
        assert!(Probe::new("large.plain.", AAAA).edns().ask(**plain()).has(TC));
        // Addresses that a referral can do without: those of servers outside of the cut.
        assert!(!Probe::new("cut.plain.", A).ask(**plain()).has(TC));
    }
}
