//! RFC 8020: NXDOMAIN means that there is nothing below.

/// Section 2: rules.
mod section_2 {
    use crate::probe::{A, AA, NOERROR, NXDOMAIN, Probe};
    use crate::served::plain;

    #[test]
    fn a_name_with_something_below_exists() {
        // And so do resolvers that ask label by label (RFC 9156) find their way.
        for name in ["a.plain.", "b.a.plain."] {
            let reply = Probe::new(name, A).ask(**plain());
            assert_eq!((reply.rcode, reply.has(AA), reply.authority()), (NOERROR, true, "plain. SOA".into()), "{name}");
        }
        for name in ["x.a.plain.", "x.c.b.a.plain."] {
            assert_eq!(Probe::new(name, A).ask(**plain()).rcode, NXDOMAIN, "{name}");
        }
    }
}
