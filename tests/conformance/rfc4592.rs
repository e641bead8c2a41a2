//! RFC 4592: wildcards.

/// Section 2.2.1: an example. The zone has the shape of the one there.
mod section_2_2_1 {
    use crate::probe::{A, AA, MX, NOERROR, NXDOMAIN, Probe, SRV, TXT};
    use crate::served::plain;

    #[test]
    fn what_comes_from_the_wildcard() {
        for (name, rtype, answer) in [
            ("host3.example.", MX, "host3.example. MX"),
            ("foo.bar.example.", TXT, "foo.bar.example. TXT"),
            // The wildcard has no address: no data, and no alias to look for.
            ("host3.example.", A, ""),
        ] {
            let reply = Probe::new(name, rtype).ask(**plain());
            assert_eq!((reply.rcode, reply.answer().as_str()), (NOERROR, answer), "{name}");
        }
    }

    #[test]
    fn what_does_not() {
        for (name, rtype, rcode, why) in [
            ("host1.example.", MX, NOERROR, "the name is there"),
            ("sub.*.example.", MX, NOERROR, "the name is there"),
            ("_telnet._tcp.host1.example.", SRV, NXDOMAIN, "_tcp.host1 is there"),
            ("ghost.*.example.", MX, NXDOMAIN, "the wildcard is there, as a name"),
        ] {
            let reply = Probe::new(name, rtype).ask(**plain());
            assert_eq!((reply.rcode, reply.answer().as_str()), (rcode, ""), "{name}: {why}");
        }
    }

    #[test]
    fn below_a_cut_there_is_none() {
        let reply = Probe::new("host.subdel.example.", A).ask(**plain());
        assert_eq!((reply.has(AA), reply.authority()), (false, "subdel.example. NS".into()));
    }
}

/// Section 2.2.2: empty non-terminals.
mod section_2_2_2 {
    use crate::probe::{A, NOERROR, Probe};
    use crate::served::plain;

    #[test]
    fn they_exist_and_block_wildcards() {
        for name in ["_tcp.host1.example.", "host2.example."] {
            let reply = Probe::new(name, A).ask(**plain());
            assert_eq!((reply.rcode, reply.answer().as_str()), (NOERROR, ""), "{name}");
        }
    }
}

/// Section 2.2.3: the asterisk asked for.
mod section_2_2_3 {
    use crate::probe::{MX, Probe};
    use crate::served::plain;

    #[test]
    fn a_wildcard_is_a_name_too() {
        assert_eq!(Probe::new("*.example.", MX).ask(**plain()).answer(), "*.example. MX");
    }
}
