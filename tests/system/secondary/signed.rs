//! Transfers and what is said of them with signatures, by each algorithm.

use super::changes::{ZONE, change, version};
use super::primary::{KEY, KINDS, Kind, Primary, Task};
use super::{Secondary, key, remote, zone};

/// Which algorithms both ends know.
fn algorithms(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Nsd => &["hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"],
        Kind::Named | Kind::Knotd => {
            &["hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"]
        }
    }
}

#[test]
fn transfers_are_signed_by_each_algorithm() {
    for kind in KINDS {
        for algorithm in algorithms(kind) {
            let task = Task { algorithm: Some(algorithm), ..Task::of(ZONE, version(1)) };
            let Some(primary) = Primary::start("transfers_are_signed_by_each_algorithm", kind, task) else { break };
            let tables = key(KEY.0, algorithm)
                + &remote("primary", primary.address, Some(KEY.0))
                + &zone(ZONE, &["primary"], "");
            let secondary = Secondary::start(&tables);
            secondary.until_serial(ZONE, 1);
            change(&primary, 2);
            assert_eq!(secondary.refresh(ZONE), Ok(2), "{kind:?} {algorithm}");
            // Without a signature it gives nothing away.
            let tables = remote("primary", primary.address, None) + &zone(ZONE, &["primary"], "");
            let other = Secondary::start(&tables);
            let said = other.refresh(ZONE).unwrap_err();
            assert!(said.contains("the primary has to have the zone and allow its transfer"), "{kind:?} {said}");
        }
    }
}
