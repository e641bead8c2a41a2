//! RFC 9471: glue in referrals.

/// Section 3.1: glue for servers in the delegated domain.
mod section_3_1 {
    use crate::probe::{A, AA, Probe, TC};
    use crate::served::plain;

    #[test]
    fn all_of_it_or_tc() {
        let reply = Probe::new("www.wide.plain.", A).edns().ask(**plain());
        assert!(!reply.has(AA) && reply.has(TC));
        let reply = Probe::new("www.wide.plain.", A).ask_tcp(**plain());
        assert!(!reply.has(TC));
        for server in ["ns1", "ns2"] {
            let glue = format!("a.long.name.of.a.server.{server}.wide.plain. AAAA");
            assert!(reply.additional().contains(&glue), "{}", reply.additional());
        }
    }
}
