//! RFC 7873: cookies.

/// The option.
const COOKIE: u16 = 10;

/// A client's cookie.
const CLIENT: &[u8; 8] = b"a client";

/// Section 5.2: what a server does.
mod section_5_2 {
    use super::{CLIENT, COOKIE};
    use crate::probe::{A, FORMERR, NOERROR, Probe};
    use crate::served::talkative;

    #[test]
    fn case_1_no_cookie_no_cookie() {
        assert_eq!(Probe::new("www.plain.", A).edns().ask(**talkative()).option(COOKIE), None);
    }

    #[test]
    fn case_2_a_cookie_of_an_impossible_length_is_malformed() {
        for length in [0, 1, 7, 9, 15, 41] {
            let reply = Probe::new("www.plain.", A).option(COOKIE, &vec![1; length]).ask(**talkative());
            assert_eq!((reply.rcode, reply.answer().as_str()), (FORMERR, ""), "{length}");
        }
    }

    #[test]
    fn case_3_a_clients_cookie_alone_gets_a_servers() {
        let reply = Probe::new("www.plain.", A).option(COOKIE, CLIENT).ask(**talkative());
        let cookie = reply.option(COOKIE).unwrap();
        assert_eq!((reply.rcode, reply.answer().as_str()), (NOERROR, "www.plain. A"));
        assert!(cookie.starts_with(CLIENT) && (16..=40).contains(&cookie.len()), "{cookie:?}");
    }

    #[test]
    fn case_4_a_cookie_made_elsewhere_gets_a_right_one() {
        let forged = [CLIENT, [7; 16].as_slice()].concat();
        let reply = Probe::new("www.plain.", A).option(COOKIE, &forged).ask(**talkative());
        let cookie = reply.option(COOKIE).unwrap();
        assert_eq!((reply.rcode, reply.answer().as_str()), (NOERROR, "www.plain. A"));
        assert!(cookie.starts_with(CLIENT) && cookie != forged);
    }

    #[test]
    fn case_5_a_cookie_made_here_is_taken() {
        let server = talkative();
        let first = Probe::new("www.plain.", A).option(COOKIE, CLIENT).ask(**server);
        let reply = Probe::new("www.plain.", A).option(COOKIE, first.option(COOKIE).unwrap()).ask(**server);
        assert_eq!((reply.rcode, reply.answer().as_str()), (NOERROR, "www.plain. A"));
        assert!(reply.option(COOKIE).unwrap().starts_with(CLIENT));
    }
}

/// Section 5.4: asking for a cookie alone.
mod section_5_4 {
    use super::{CLIENT, COOKIE};
    use crate::probe::{NOERROR, Probe};
    use crate::served::talkative;

    #[test]
    fn a_query_without_a_question_gets_one() {
        let reply = Probe::without_question().option(COOKIE, CLIENT).ask(**talkative());
        assert_eq!((reply.rcode, reply.octets[4..6].to_vec()), (NOERROR, vec![0, 0]));
        assert!(reply.option(COOKIE).unwrap().starts_with(CLIENT));
    }
}
