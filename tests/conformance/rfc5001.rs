//! RFC 5001: the name server's identifier.

/// Section 2.2: answers.
mod section_2_2 {
    use crate::probe::{A, NOERROR, Probe};
    use crate::served::{IDENTITY, plain, talkative};

    /// The option.
    const NSID: u16 = 3;

    #[test]
    fn who_asks_gets_it() {
        let reply = Probe::new("www.plain.", A).option(NSID, b"").ask(**talkative());
        assert_eq!(reply.option(NSID), Some(IDENTITY.as_bytes()));
    }

    #[test]
    fn who_does_not_ask_does_not() {
        assert_eq!(Probe::new("www.plain.", A).edns().ask(**talkative()).option(NSID), None);
    }

    #[test]
    fn without_one_the_option_is_ignored() {
        let reply = Probe::new("www.plain.", A).option(NSID, b"").ask(**plain());
        assert_eq!((reply.rcode, reply.option(NSID)), (NOERROR, None));
    }
}
