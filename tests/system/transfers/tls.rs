//! Queries and transfers over TLS (RFC 7858, RFC 9103), as `kdig` and the operator see them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};

use super::configured::{Configured, SECRET, keys};
use super::peer::{KEY, Kind, Peer, free_address};
use super::{ZONE, install, lines, set};
use crate::harness::server::trine;
use crate::harness::{self, Server, until, within, zones};

/// The name in every certificate here.
const NAME: &str = "ns.one.test";

/// How long a secondary may take to have a change.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tables of TLS.
const TLS: &str = "[auth]\ntls-listen = '127.0.0.1:0'\n[auth.tls]\ncertificate = 'tls.pem'\nkey = 'tls.key'\n";

/// Puts a new certificate and its key into a folder.
fn certify(directory: &Path) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([NAME.to_owned()]).unwrap();
    write(&directory.join("tls.pem"), &cert.pem(), 0o644);
    write(&directory.join("tls.key"), &signing_key.serialize_pem(), 0o600);
}

/// Writes a file by rename.
fn write(path: &Path, text: &str, mode: u32) {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::rename(draft, path).unwrap();
}

/// A server with a zone of so many hosts, which speaks TLS, and lets transfer whom these tables say.
fn start(hosts: usize, tables: &str) -> Configured {
    Configured::start("127.0.0.1:0", &format!("{TLS}{}{tables}", keys()), |zones| {
        install(zones, 1, hosts);
        certify(zones.parent().unwrap());
    })
}

/// Where a server answers over TLS.
fn address(server: &Server) -> SocketAddr {
    server.ready.rsplit_once("over TLS on ").unwrap().1.parse().unwrap()
}

/// The folder of its certificate.
fn folder(server: &Server) -> PathBuf {
    server.state.parent().unwrap().to_owned()
}

/// What `kdig` prints over TLS, trusting the certificate that is there.
fn kdig(server: &Server, arguments: &[&str]) -> String {
    let (address, trusted) = (address(server), folder(server).join("tls.pem"));
    let output = Command::new("kdig")
        .args([format!("@{}", address.ip()), "-p".to_owned(), address.port().to_string()])
        .args([format!("+tls-ca={}", trusted.display()), format!("+tls-hostname={NAME}")])
        .args(["+timeout=20", "+retry=0"])
        .args(arguments)
        .output()
        .unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits until a transfer over TLS is answered, by xfrout.
fn until_linked(server: &Server) {
    until("xfrout answers over TLS", || {
        let printed = kdig(server, &["nowhere.test.", "AXFR"]);
        (printed.contains("REFUSED") || printed.contains("NOTAUTH")).then_some(())
    });
}

#[test]
fn a_query_over_tls_is_answered_as_over_tcp() {
    let server = start(3, "");
    let asked = ["host1.one.test.", "A", "+noall", "+answer"];
    let answer = kdig(&server, &asked);
    assert_eq!(lines(&answer), lines("host1.one.test. 300 IN A 192.0.2.1\n"), "{answer}");
    let all = kdig(&server, &["host1.one.test.", "A"]);
    assert!(all.contains("TLS session (TLS1.3)"), "{all}");
    let stats = server.json(&["stats"]);
    assert_eq!(stats["total"]["tcp"]["tls-accepted"], 2, "{stats}");
    let plain = Command::new("kdig")
        .args(["@127.0.0.1", "-p", &address(&server).port().to_string(), "+tcp", "+retry=0", "host1.one.test."])
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&plain.stdout).contains("NOERROR"), "plain DNS where TLS is spoken");
}

#[test]
fn zones_go_out_over_tls_whole_and_as_what_changed() {
    let server = start(5000, "[transfers]\nallow = '127.0.0.1'\n");
    until_linked(&server);
    let printed = kdig(&server, &[ZONE, "AXFR", "+noall", "+answer"]);
    let found = lines(&printed);
    assert!(found.first() == found.last() && found[0].contains("SOA"), "{printed}");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), set(&zones::small(ZONE, 1, 5000)));
    install(&server.zones, 2, 5001);
    server.reload();
    let printed = kdig(&server, &[ZONE, "IXFR=1", "+noall", "+answer"]);
    assert!(printed.contains("host5000.one.test."), "{printed}");
    assert!(lines(&printed)[0].contains(" 2 3600 "), "{printed}");
    let log = server.log();
    assert_eq!(log.matches("transfer-sent").count(), 2, "{log}");
}

#[test]
fn an_entry_may_ask_for_tls() {
    let server = start(3, "[transfers]\nallow = ['127.0.0.1 tls key:hmac-sha256.']\n");
    until_linked(&server);
    let key = format!("hmac-sha256:hmac-sha256.:{SECRET}");
    let asked = [ZONE, "AXFR", "-y", &key];
    let over_tls = kdig(&server, &asked);
    assert!(over_tls.contains("host2.one.test.") && !over_tls.contains("WARNING"), "{over_tls}");
    assert!(kdig(&server, &asked[..2]).contains("REFUSED"), "without its key");
    let plain = super::ask("kdig", &server, &asked);
    assert!(plain.contains("REFUSED"), "{plain}");
}

/// A peer's configuration with what has it take the zone over TLS.
fn over_tls(kind: Kind, plain: &str, primary: SocketAddr, trusted: &Path) -> String {
    let trusted = trusted.display();
    match kind {
        Kind::Named => {
            let tls = format!(
                "tls trine {{ ca-file \"{trusted}\"; remote-hostname \"{NAME}\"; protocols {{ TLSv1.3; }}; }};\n"
            );
            let asked = format!("{} key \"{KEY}\"", primary.ip());
            tls + &plain.replace(&asked, &format!("{asked} tls trine"))
        }
        Kind::Nsd => {
            let asked = format!("request-xfr: {}@{} {KEY}", primary.ip(), primary.port());
            let tls = format!("tls-auth:\n  name: trine\n  auth-domain-name: \"{NAME}\"\n");
            plain
                .replace("remote-control:", &format!("  tls-cert-bundle: \"{trusted}\"\nremote-control:"))
                .replace("zone:\n", &format!("{tls}zone:\n"))
                .replace(&asked, &format!("{asked} trine"))
        }
        Kind::Knotd => unreachable!("this version of it speaks no TLS"),
    }
}

#[test]
fn secondaries_follow_over_tls() {
    let installed = [Kind::Named, Kind::Nsd].map(|kind| Some((kind, kind.program()?, free_address())));
    let installed: Vec<_> = installed.into_iter().flatten().collect();
    if installed.is_empty() {
        return harness::skip("secondaries_follow_over_tls", "neither named nor nsd is installed");
    }
    let remotes: String = installed
        .iter()
        .map(|(kind, _, at)| format!("[[remote]]\nname = \"{kind:?}\"\naddresses = \"{at}\"\nkey = \"{KEY}\"\n"))
        .collect();
    let names: Vec<_> = installed.iter().map(|(kind, ..)| format!("\"{kind:?}\"")).collect();
    let lists = format!("[transfers]\nallow = \"key:{KEY} tls\"\nnotify = [{}]\n", names.join(", "));
    let server = start(50, &format!("{remotes}{lists}"));
    until_linked(&server);
    let (primary, trusted) = (address(&server), folder(&server).join("tls.pem"));
    let peers: Vec<Peer> = installed
        .iter()
        .map(|(kind, program, at)| {
            Peer::start_with(*kind, program, *at, |directory| {
                over_tls(*kind, &kind.configuration(directory, *at, primary, ZONE), primary, &trusted)
            })
        })
        .collect();
    for serial in 1..=3 {
        if serial > 1 {
            install(&server.zones, serial, 50);
            server.reload();
        }
        for peer in &peers {
            within(PATIENCE, &format!("{:?} has serial {serial}", peer.kind), || {
                (peer.serial(ZONE) == Some(serial)).then_some(())
            });
        }
    }
    let sent = server.log().lines().filter(|line| line.contains("transfer-sent")).count();
    assert!(sent >= 3 * peers.len(), "{}", server.log());
}

#[test]
fn a_new_certificate_is_shown_without_a_restart() {
    let server = start(1, "");
    let pids = server.auth_pids();
    let asked = ["host0.one.test.", "A"];
    assert!(kdig(&server, &asked).contains("NOERROR"));
    // `kdig` trusts the certificate that lies there, and no other.
    certify(&folder(&server));
    until("the new certificate is shown", || kdig(&server, &asked).contains("NOERROR").then_some(()));
    write(&folder(&server).join("tls.key"), &KeyPair::generate().unwrap().serialize_pem(), 0o600);
    until("the key is found not to fit", || server.log().contains("certificate-not-loaded").then_some(()));
    assert!(kdig(&server, &asked).contains("NOERROR"), "{}", server.log());
    assert_eq!(server.auth_pids(), pids);
}

#[test]
fn a_certificate_that_is_not_sound_is_told_before_anything_starts() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("trine.toml");
    std::fs::create_dir(directory.path().join("zones")).unwrap();
    std::fs::write(&config, format!("version = 1\n[server]\nstate = 'state'\n[zones]\ndirectory = 'zones'\n{TLS}"))
        .unwrap();
    let run = |arguments: &[&str]| {
        let output = trine().args(arguments).arg(&config).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    certify(directory.path());
    assert_eq!(run(&["config", "check"]), (0, String::new()));
    let key = directory.path().join("tls.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, error) = run(&["config", "check"]);
    let says = format!(
        "trine.toml:10:1: error: expected a file that others can't read or write, found {} with mode 644",
        key.display()
    );
    assert!(code == 2 && error.contains(&says), "{error}");
    write(&key, &KeyPair::generate().unwrap().serialize_pem(), 0o600);
    for command in [&["config", "check"][..], &["serve", "--config"]] {
        let (code, error) = run(command);
        assert!(code != 0 && error.contains("the key of the first certificate in"), "{command:?}: {code} {error}");
    }
}
