//! Zones made from a seed: the same seed and size give the same zone on every machine, of any size, with names to ask it for.
//!
//! Half of the names are hosts, half are delegated, most of them to the name servers of few registrars, as in a TLD. Read [`generate`] first.
#![expect(clippy::unwrap_used, reason = "in a bench a panic is the report")]

use std::fmt::Write;

/// A zone and what to ask it for. The names are in no order, so that asking one after the other finds nothing in the cache of the one
/// before.
#[derive(Debug)]
pub(crate) struct GeneratedZone {
    /// Its zone file.
    pub(crate) text: String,
    /// Names that own an A RRset.
    pub(crate) hosts: Vec<String>,
    /// Names that own an NS RRset and are not the apex.
    pub(crate) cuts: Vec<String>,
}

/// The apex of every generated zone.
pub(crate) const APEX: &str = "generated.test.";

/// Makes a zone with about this many names.
pub(crate) fn generate(seed: u64, names: usize, serial: u32) -> GeneratedZone {
    let mut random = Random(seed);
    let mut zone = GeneratedZone {
        text: format!(
            "$ORIGIN {APEX}\n$TTL 3600\n@ SOA ns hostmaster {serial} 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.53\n"
        ),
        hosts: Vec::new(),
        cuts: Vec::new(),
    };
    let registrars = names / NAMES_OF_A_REGISTRAR + 1;
    for registrar in 0..registrars {
        let (a, b) = (registrar / 250 % 250, registrar % 250);
        let line = format!(
            "registrar{registrar} NS ns1.registrar{registrar}\nregistrar{registrar} NS ns2.registrar{registrar}"
        );
        writeln!(zone.text, "{line}\nns1.registrar{registrar} A 10.1.{a}.{b}\nns2.registrar{registrar} A 10.2.{a}.{b}")
            .unwrap();
        zone.cuts.push(format!("registrar{registrar}.{APEX}"));
    }
    for number in 0..names.saturating_sub(3 * registrars) {
        let label = random.label(number);
        match random.below(100) {
            0..50 => zone.add_host(&label, &mut random),
            _ => zone.add_cut(&label, registrars, &mut random),
        }
    }
    zone
}

impl GeneratedZone {
    /// Names that are not there, as many as hosts: one beside each.
    pub(crate) fn missing(&self) -> Vec<String> {
        // No label has a hyphen.
        self.hosts.iter().map(|host| format!("no-{host}")).collect()
    }

    /// Names below the delegated ones.
    pub(crate) fn below_cuts(&self) -> Vec<String> {
        self.cuts.iter().map(|cut| format!("www.{cut}")).collect()
    }

    /// Adds a host: an address, often two, sometimes a text; one in ten is a name deeper.
    fn add_host(&mut self, label: &str, random: &mut Random) {
        let owner = if random.below(10) == 0 { format!("www.{label}") } else { label.to_owned() };
        let [a, b, c, d] = (random.next() as u32).to_be_bytes();
        writeln!(self.text, "{owner} A 10.{a}.{b}.{c}").unwrap();
        if random.below(2) == 0 {
            writeln!(self.text, "{owner} AAAA 2001:db8::{a:x}{b:02x}:{c:x}{d:02x}").unwrap();
        }
        if random.below(4) == 0 {
            writeln!(self.text, "{owner} TXT \"host {a} {b} {c} {d}\"").unwrap();
        }
        self.hosts.push(format!("{owner}.{APEX}"));
    }

    /// Adds a delegation to a registrar's name servers; one in five has a DS record.
    fn add_cut(&mut self, label: &str, registrars: usize, random: &mut Random) {
        let registrar = random.below(registrars as u64);
        writeln!(self.text, "{label} NS ns1.registrar{registrar}\n{label} NS ns2.registrar{registrar}").unwrap();
        if random.below(5) == 0 {
            let digest = [random.next(), random.next(), random.next(), random.next()];
            let [a, b, c, d] = digest;
            writeln!(self.text, "{label} DS {} 13 2 {a:016x}{b:016x}{c:016x}{d:016x}", random.below(65536)).unwrap();
        }
        self.cuts.push(format!("{label}.{APEX}"));
    }
}

/// Numbers from a seed (SplitMix64): good enough to spread names, and the same everywhere.
#[derive(Debug)]
struct Random(u64);

impl Random {
    /// The next number.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below a limit.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A label of 4 to 12 letters and a number that no other has.
    fn label(&mut self, number: usize) -> String {
        let length = 4 + self.below(9);
        let letters: String = (0..length).map(|_| char::from(b'a' + (self.below(26) as u8))).collect();
        format!("{letters}{number}")
    }
}

/// Delegations to one registrar, about.
const NAMES_OF_A_REGISTRAR: usize = 200;
