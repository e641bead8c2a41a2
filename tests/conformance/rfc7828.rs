//! RFC 7828: the keepalive option.

/// Section 3: the option.
mod section_3 {
    use crate::probe::{A, NOERROR, Probe};
    use crate::served::{IDLE_TENTHS, talkative};

    /// The option.
    const KEEPALIVE: u16 = 11;

    #[test]
    fn over_tcp_who_asks_is_told_how_long() {
        let reply = Probe::new("www.plain.", A).option(KEEPALIVE, b"").ask_tcp(**talkative());
        assert_eq!(reply.option(KEEPALIVE), Some(IDLE_TENTHS.to_be_bytes().as_slice()));
    }

    #[test]
    fn who_does_not_ask_is_not() {
        assert_eq!(Probe::new("www.plain.", A).edns().ask_tcp(**talkative()).option(KEEPALIVE), None);
    }

    #[test]
    fn over_udp_it_is_ignored() {
        let reply = Probe::new("www.plain.", A).option(KEEPALIVE, b"").ask(**talkative());
        assert_eq!((reply.rcode, reply.option(KEEPALIVE)), (NOERROR, None));
    }
}
