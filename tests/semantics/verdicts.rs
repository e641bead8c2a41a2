//! The table of verdicts, `verdicts.txt`.

use std::path::PathBuf;

/// What is said of one zone.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// Its file below the folder, without `.zone`.
    pub(crate) zone: String,
    /// The rules that Trine says it breaks, errors first.
    pub(crate) rules: Vec<String>,
    /// Whether BIND, Knot and NSD take it.
    pub(crate) peers: [bool; 3],
    /// Why Trine goes its own way; empty where it does not.
    pub(crate) reason: String,
}

impl Verdict {
    /// Its file.
    pub(crate) fn path(&self) -> PathBuf {
        super::folder().join(format!("{}.zone", self.zone))
    }

    /// Whether Trine serves it.
    pub(crate) fn is_good(&self) -> bool {
        self.zone.starts_with("good/")
    }

    /// Whether two of three peers take it.
    pub(crate) fn majority(&self) -> bool {
        self.peers.iter().filter(|takes| **takes).count() >= 2
    }
}

/// The text of the table.
fn text() -> String {
    std::fs::read_to_string(super::folder().join("verdicts.txt")).unwrap()
}

/// What stands above the table.
pub(crate) fn header() -> String {
    text().lines().filter(|line| line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

/// All verdicts, in the order of their files.
pub(crate) fn all() -> Vec<Verdict> {
    text().lines().filter(|line| !line.starts_with('#')).map(verdict).collect()
}

/// Reads one line.
fn verdict(line: &str) -> Verdict {
    let mut words = line.split_whitespace();
    let mut word = || words.next().unwrap_or_else(|| panic!("too few columns: {line}"));
    let (zone, rules) = (word().to_owned(), word());
    let rules = rules.split(',').filter(|rule| *rule != "-").map(str::to_owned).collect();
    let peers = [word(), word(), word()].map(|says| match says {
        "yes" => true,
        "no" => false,
        _ => panic!("neither yes nor no: {line}"),
    });
    Verdict { zone, rules, peers, reason: words.collect::<Vec<_>>().join(" ") }
}
