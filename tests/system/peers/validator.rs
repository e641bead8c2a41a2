//! BIND's `delv` as a judge that shares no code with us: it asks a server, and says whether what comes proves itself by a key it was given.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::{Zone, installed};

/// A validator that trusts the key of one zone.
pub(super) struct Validator {
    /// The program.
    program: PathBuf,
    /// The zone's apex.
    apex: String,
    /// Where its trust anchor lies.
    directory: tempfile::TempDir,
}

impl Validator {
    /// One for a signed zone; `None` where `delv` is not installed.
    pub(super) fn of(zone: &Zone) -> Option<Validator> {
        let program = installed("delv")?;
        let directory = tempfile::tempdir().unwrap();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let key = zone.text.lines().map(words).find(|words| words.get(3).is_some_and(|word| word == "DNSKEY")).unwrap();
        let (numbers, key) = (key[4..7].join(" "), key[7..].concat());
        let anchor = format!("trust-anchors {{ {} static-key {numbers} \"{key}\"; }};\n", zone.apex);
        std::fs::write(directory.path().join(ANCHOR), anchor).unwrap();
        Some(Validator { program, apex: zone.apex.clone(), directory })
    }

    /// Has the answer of a server checked; `Err` with all the validator says when it is not proven. What opt-out leaves unproven may be
    /// allowed: that no delegation stands in a wildcard's way (RFC 5155, section 9.2).
    pub(super) fn check(
        &self,
        server: SocketAddr,
        (name, rtype): (&str, &str),
        may_be_unsigned: bool,
    ) -> Result<(), String> {
        let output = Command::new(&self.program)
            .current_dir(self.directory.path())
            .args([&format!("@{}", server.ip()), "-p", &server.port().to_string(), "-a"])
            .arg(Path::new(".").join(ANCHOR))
            .args([&format!("+root={}", self.apex), name, rtype])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let is_accepted = said.contains("fully validated") || may_be_unsigned && said.contains("; unsigned answer");
        if is_accepted { Ok(()) } else { Err(said) }
    }
}

/// The anchor's file.
const ANCHOR: &str = "anchor";
