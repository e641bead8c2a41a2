//! RFC 7766: TCP.

/// Section 6.2.1: connections are used again.
mod section_6_2_1 {
    use crate::probe::{A, Probe, connect, receive, send};
    use crate::served::plain;

    #[test]
    fn one_query_behind_the_other() {
        let server = plain();
        let mut stream = connect(**server);
        for id in 0..50 {
            send(&mut stream, &Probe::new("www.plain.", A).id(id).to_wire());
            assert_eq!(receive(&mut stream)[..2], id.to_be_bytes());
        }
    }
}

/// Section 6.2.1.1: pipelining.
mod section_6_2_1_1 {
    use std::collections::BTreeSet;
    use std::io::Write as _;

    use crate::probe::{A, Probe, connect, receive, send};
    use crate::served::plain;

    #[test]
    fn queries_do_not_wait_for_answers() {
        let server = plain();
        let mut stream = connect(**server);
        for id in 0..300 {
            send(&mut stream, &Probe::new("www.plain.", A).id(id).to_wire());
        }
        let answered: BTreeSet<u16> = (0..300)
            .map(|_| {
                let answer = receive(&mut stream);
                u16::from_be_bytes([answer[0], answer[1]])
            })
            .collect();
        assert_eq!(answered, (0..300).collect());
    }

    #[test]
    fn a_message_may_come_in_pieces() {
        // Section 8.
        let server = plain();
        let mut stream = connect(**server);
        stream.set_nodelay(true).unwrap();
        let query = Probe::new("www.plain.", A).to_wire();
        let framed = [&u16::try_from(query.len()).unwrap().to_be_bytes()[..], &query].concat();
        for octet in framed {
            stream.write_all(&[octet]).unwrap();
        }
        assert_eq!(receive(&mut stream)[..2], query[..2]);
    }
}
