//! RFC 3597: types that are not known.

/// Section 2: they are handled as octets.
mod section_2 {
    use crate::probe::{NOERROR, Probe};
    use crate::served::plain;

    #[test]
    fn a_type_without_a_name_is_answered() {
        let reply = Probe::new("unknown.plain.", 65_280).ask(**plain());
        assert_eq!(reply.rcode, NOERROR);
        assert!(reply.octets.ends_with(&[0, 4, 1, 2, 3, 4]));
    }

    #[test]
    fn a_type_that_is_not_there_is_no_error() {
        let reply = Probe::new("www.plain.", 65_280).ask(**plain());
        assert_eq!((reply.rcode, reply.authority()), (NOERROR, "plain. SOA".into()));
    }
}
