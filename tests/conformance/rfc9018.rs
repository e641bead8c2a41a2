//! RFC 9018: server cookies that servers of any make understand.

/// Section 4: the server's cookie.
mod section_4 {
    use std::time::{SystemTime, UNIX_EPOCH};

    use crate::probe::{A, Probe};
    use crate::served::talkative;

    /// The option.
    const COOKIE: u16 = 10;

    #[test]
    fn version_reserved_octets_and_time() {
        let reply = Probe::new("www.plain.", A).option(COOKIE, b"a client").ask(**talkative());
        let cookie = reply.option(COOKIE).unwrap();
        assert_eq!((cookie.len(), &cookie[8..12]), (24, [1, 0, 0, 0].as_slice()));
        let made = u32::from_be_bytes(cookie[12..16].try_into().unwrap());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32;
        assert!(now.wrapping_sub(made) < 60, "{made}, {now}");
    }

    #[test]
    fn a_cookie_of_this_second_is_the_same_again() {
        let server = talkative();
        let ask = || Probe::new("www.plain.", A).option(COOKIE, b"a client").ask(**server);
        let same = (0..10).any(|_| ask().option(COOKIE) == ask().option(COOKIE));
        assert!(same, "it has the time in it and nothing else that changes");
    }
}
