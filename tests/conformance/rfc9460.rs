//! RFC 9460: SVCB and HTTPS.

/// Section 4.1: authoritative servers.
mod section_4_1 {
    use crate::probe::{HTTPS, Probe, SVCB};
    use crate::served::plain;

    #[test]
    fn addresses_of_targets_are_in_the_additional_section() {
        let reply = Probe::new("_dns.plain.", SVCB).edns().ask(**plain());
        assert_eq!(reply.answer(), "_dns.plain. SVCB");
        // Of the target named, and of the owner, where the target is the root.
        for rrset in ["svc.plain. A", "svc.plain. AAAA", "_dns.plain. A"] {
            assert!(reply.additional().contains(rrset), "{}", reply.additional());
        }
    }

    #[test]
    fn an_aliass_target_brings_its_own() {
        let reply = Probe::new("web.plain.", HTTPS).edns().ask(**plain());
        for rrset in ["svc.plain. HTTPS", "svc.plain. A", "svc.plain. AAAA"] {
            assert!(reply.additional().contains(rrset), "{}", reply.additional());
        }
    }

    #[test]
    fn what_is_not_in_the_zone_is_not_there() {
        assert_eq!(Probe::new("hidden.plain.", HTTPS).edns().ask(**plain()).additional(), "");
    }
}
