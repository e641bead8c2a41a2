//! RFC 9619: one question.

/// Section 4: other counts are malformed.
mod section_4 {
    use crate::probe::{A, FORMERR, Probe, exchange};
    use crate::served::plain;

    #[test]
    fn two_questions() {
        let mut query = Probe::new("www.plain.", A).to_wire();
        let question = query[12..].to_vec();
        query.extend(question);
        query[5] = 2;
        assert_eq!(exchange(**plain(), &query).unwrap()[3] & 0xf, FORMERR as u8);
    }

    #[test]
    fn none() {
        assert_eq!(Probe::without_question().ask(**plain()).rcode, FORMERR);
    }
}
