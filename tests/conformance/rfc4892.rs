//! RFC 4892: how a server is asked who it is.

/// Section 3.1: `id.server` in class CHAOS, and what came before it.
mod section_3_1 {
    use crate::probe::{Probe, REFUSED, TXT};
    use crate::served::{IDENTITY, VERSION, plain, talkative};

    /// Class CHAOS.
    const CHAOS: u16 = 3;

    #[test]
    fn it_says_what_it_is_told_to() {
        let server = talkative();
        for (name, text) in [
            ("id.server.", IDENTITY),
            ("hostname.bind.", IDENTITY),
            ("version.bind.", VERSION),
            ("version.server.", VERSION),
        ] {
            let reply = Probe::new(name, TXT).class(CHAOS).ask(**server);
            assert_eq!(reply.answer(), format!("{name} TXT"));
            assert!(reply.octets.ends_with(text.as_bytes()), "{name}");
        }
    }

    #[test]
    fn it_says_nothing_if_it_is_told_nothing() {
        for name in ["id.server.", "hostname.bind.", "version.bind.", "version.server."] {
            let reply = Probe::new(name, TXT).class(CHAOS).ask(**plain());
            assert_eq!((reply.rcode, reply.answer()), (REFUSED, String::new()), "{name}");
        }
    }
}
