//! RFC 9660: the version of the zone that an answer is from.

/// The option.
const ZONEVERSION: u16 = 19;

/// The serial of a zone of so many labels, as the option has it.
fn version(labels: u8, serial: u32) -> Vec<u8> {
    [&[labels, 0][..], &serial.to_be_bytes()].concat()
}

/// Section 3: what a server does.
mod section_3 {
    use super::{ZONEVERSION, version};
    use crate::probe::{A, NOERROR, Probe, REFUSED};
    use crate::served::plain;

    #[test]
    fn who_asks_gets_the_serial_and_the_labels_of_the_zone() {
        for (name, expected) in [
            ("www.plain.", version(1, 2_026_112_201)),
            ("nothing.plain.", version(1, 2_026_112_201)),
            ("www.child.plain.", version(2, 7)),
        ] {
            let reply = Probe::new(name, A).option(ZONEVERSION, b"").ask(**plain());
            assert_eq!(reply.option(ZONEVERSION), Some(expected.as_slice()), "{name}");
        }
    }

    #[test]
    fn who_does_not_ask_does_not() {
        let reply = Probe::new("www.plain.", A).edns().ask(**plain());
        assert_eq!((reply.rcode, reply.option(ZONEVERSION)), (NOERROR, None));
    }

    #[test]
    fn without_a_zone_there_is_none() {
        let reply = Probe::new("www.elsewhere.", A).option(ZONEVERSION, b"").ask(**plain());
        assert_eq!((reply.rcode, reply.option(ZONEVERSION)), (REFUSED, None));
    }
}
