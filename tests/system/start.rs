//! Starting: what is printed, what is answered, what a restart costs.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::harness::{Server, ServerOptions, zones};

#[test]
fn the_real_root_zone_is_served() {
    let server = Server::start(&ServerOptions::default(), |directory| {
        zones::install(directory, "root.zone", &zones::root("2018012900"));
        zones::install(directory, "example.com.zone", &zones::small("example.com.", 7, 3));
    });
    assert!(server.ready.starts_with("ready: 2 zones, 22,574 records, generation 1, 2 auth, "), "{}", server.ready);
    let wire = server.wire();
    assert_eq!(wire.serial("."), Some(2_018_012_900));
    let referral = wire.udp("www.example.org.", RecordType::A);
    assert_eq!(referral.metadata.response_code, ResponseCode::NoError);
    assert!(!referral.metadata.authoritative && referral.answers.is_empty() && !referral.authorities.is_empty());
    let missing = wire.udp_dnssec("nosuchtld.", RecordType::A);
    assert_eq!(missing.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(wire.tcp("host1.example.com.", RecordType::A, false).answers.len(), 1);
}
