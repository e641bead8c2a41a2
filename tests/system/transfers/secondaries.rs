//! Other people's servers as secondaries of ours: each has the same zone after each change, which it was told of and took as a difference (B81).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bus::protocol::control::Reached;

use super::client::Client;
use super::configured::{Configured, keys};
use super::peer::{ALL, KEY, Kind, Peer, free_address};
use super::{ZONE, assert_same, folded, set};
use crate::changes::Changer;
use crate::harness::{self, within, zones};

/// Changes, one after the other.
const CHANGES: u32 = 100;

/// How long a secondary may take to have a change; NSD starts a process for each.
const PATIENCE: Duration = Duration::from_secs(60);

/// A primary and its secondaries.
struct Chain {
    /// The primary.
    primary: Configured,
    /// Those that take its zone.
    secondaries: Vec<Peer>,
    /// The zone.
    apex: &'static str,
}

impl Chain {
    /// Starts all of them on a zone; none, with the skip recorded, where no peer is installed.
    fn start(test: &str, apex: &'static str, text: &str) -> Option<Chain> {
        let installed: Vec<_> =
            ALL.into_iter().filter_map(|kind| Some((kind, kind.program()?, free_address()))).collect();
        if installed.is_empty() {
            harness::skip(test, "neither named nor knotd nor nsd is installed");
            return None;
        }
        let remote = |(kind, _, address): &(Kind, _, SocketAddr)| {
            format!("[[remote]]\nname = \"{kind:?}\"\naddresses = [\"{address}\"]\nkey = \"{KEY}\"\n")
        };
        let names: Vec<String> = installed.iter().map(|(kind, ..)| format!("\"{kind:?}\"")).collect();
        let tables = format!(
            "{}{}[transfers]\nallow = [\"key:{KEY}\", \"127.0.0.9\"]\nnotify = [{}]\n",
            keys(),
            installed.iter().map(remote).collect::<String>(),
            names.join(", ")
        );
        let file = if apex == "." { "root.zone".to_owned() } else { format!("{apex}zone") };
        let listen = free_address();
        let primary =
            Configured::start(&listen.to_string(), &tables, |directory| zones::install(directory, &file, text));
        primary.until_xfrout();
        let start = |(kind, program, address): &(Kind, std::path::PathBuf, SocketAddr)| {
            Peer::start(*kind, program, *address, listen, apex)
        };
        let secondaries = installed.iter().map(start).collect();
        Some(Chain { primary, secondaries, apex })
    }

    /// Waits until all have a serial, and checks that what they have is the same.
    fn until_equal(&self, serial: u32, expected: &BTreeSet<String>) {
        let own = Client::narrow_from(&self.primary, "127.0.0.9").axfr(self.apex);
        assert_eq!(own.serials()[0], serial);
        assert_same(&folded(&own.zone()), &folded(expected));
        for peer in &self.secondaries {
            within(PATIENCE, &format!("{:?} has serial {serial}", peer.kind), || {
                (peer.serial(self.apex) == Some(serial)).then_some(())
            });
            // Some answer from a version before they give it away.
            let zone = within(PATIENCE, &format!("{:?} gives serial {serial} away", peer.kind), || {
                let transfer = Client::to_address(peer.address).axfr(self.apex);
                (transfer.serials().first() == Some(&serial)).then(|| transfer.zone())
            });
            assert_same(&folded(&zone), &folded(expected));
        }
    }

    /// How often a zone was given to secondaries in a manner: `full`, `incremental`, `current`. The log may be a moment behind.
    fn sent(&self, kind: &str) -> usize {
        let log = self.primary.log();
        let sent = log.lines().filter(|line| line.contains("transfer-sent") && !line.contains("client=127.0.0.9:"));
        sent.filter(|line| line.contains(&format!("kind=\"{kind}\""))).count()
    }

    /// Waits until that was so often.
    fn until_sent(&self, kind: &str, count: usize) {
        within(PATIENCE, &format!("{count} are {kind}"), || (self.sent(kind) >= count).then_some(()));
    }
}

#[test]
fn b81_secondaries_have_equal_zones_after_each_of_a_hundred_changes() {
    let _alone = harness::heavy();
    let text = zones::small(ZONE, 1, 200);
    let test = "b81_secondaries_have_equal_zones_after_each_of_a_hundred_changes";
    let Some(chain) = Chain::start(test, ZONE, &text) else { return };
    chain.until_equal(1, &set(&text));
    chain.until_sent("full", chain.secondaries.len());
    let (full, began) = (chain.sent("full"), Instant::now());
    let changer = Changer::connect(&chain.primary.state);
    for number in 1..=CHANGES {
        let changes = match number % 4 {
            0 => format!("delete host{number} A\nadd host{number} 60 A 198.51.100.{number}\n"),
            1 => format!("add new{number} 60 AAAA 2001:db8::{number}\nadd *.new{number} 60 TXT \"below\"\n"),
            2 => format!("delete host{number}\n"),
            _ => format!(
                "add sub{number} 60 NS ns.sub{number}\nadd ns.sub{number} 60 A 192.0.2.{number}\nadd alias{number} 60 CNAME host1\n"
            ),
        };
        let updated = changer.update(ZONE, &changes, Reached::Visible).unwrap();
        let zone = Client::narrow_from(&chain.primary, "127.0.0.9").axfr(ZONE);
        chain.until_equal(updated.to, &zone.zone());
    }
    println!("{CHANGES} changes at {} secondaries in {} ms", chain.secondaries.len(), began.elapsed().as_millis());
    chain.until_sent("incremental", CHANGES as usize * chain.secondaries.len());
    assert_eq!(chain.sent("full"), full, "all came as differences");
}

#[test]
fn b81_secondaries_follow_the_root_zone() {
    let _alone = harness::heavy();
    let [first, rest @ ..] = zones::ROOT_SERIALS;
    let Some(chain) = Chain::start("b81_secondaries_follow_the_root_zone", ".", &zones::root(first)) else { return };
    chain.until_equal(first.parse().unwrap(), &set(&zones::root(first)));
    for serial in rest {
        let text = zones::root(serial);
        zones::install(&chain.primary.zones, "root.zone", &text);
        chain.primary.reload();
        chain.until_equal(serial.parse().unwrap(), &set(&text));
    }
    // Where it was signed anew, all of it is sent.
    chain.until_sent("incremental", 2 * chain.secondaries.len());
}
