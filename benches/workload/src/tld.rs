//! A registry's zone: delegations, and glue of the name servers that lie below them.

use dns::types::Rtype;
use zone_segment::{Name, ZoneId};

use crate::apex::{DS_TTL, NS_TTL, fixed_name, name, start_zone};
use crate::labels::{Label, Labels};
use crate::queries::Askable;
use crate::random::Random;
use crate::rdata;
use crate::sink::Sink;

/// See [`Kind::Tld`](crate::Kind::Tld).
#[derive(Debug)]
pub(crate) struct Tld {
    /// The apex.
    apex: Name,
    /// What records are drawn from.
    seed: u64,
    /// The delegated names, right below the apex.
    labels: Labels,
    /// The registrars' pairs of name servers.
    pairs: Vec<Pair>,
}

/// Two name servers that many names are delegated to.
#[derive(Debug)]
pub(crate) struct Pair {
    /// Both names.
    servers: [Vec<u8>; 2],
    /// Which delegation they lie below; none outside of the zone.
    registrar: Option<usize>,
}

impl Tld {
    /// Draws names and registrars.
    pub(crate) fn new(names: usize, seed: u64) -> Tld {
        let apex = fixed_name("test.");
        let mut random = Random::new(seed);
        let labels = Labels::draw(names, &mut random);
        let count = (names / DELEGATIONS_OF_A_PAIR).clamp(4, PAIRS_MAX);
        let mut in_zone = 0;
        let pair = |index: usize| {
            let is_in_zone = index % 4 == 1 && in_zone < names;
            // Evenly over the zone, so that no two pairs lie below one delegation.
            let registrar = is_in_zone.then(|| in_zone * names / count.div_ceil(4).min(names));
            in_zone += usize::from(is_in_zone);
            let (label, parent) = match registrar {
                Some(index) => (*labels.get(index), apex.as_wire()),
                None => (Label::draw(&mut random), &b"\x03net\0"[..]),
            };
            Pair { servers: [1, 2].map(|number| server(number, &label, parent)), registrar }
        };
        let pairs = (0..count).map(pair).collect();
        Tld { apex, seed, labels, pairs }
    }

    /// Hands over all RRsets.
    pub(crate) fn stream<S: Sink>(&self, serial: u32, sink: &mut S) -> Result<(), S::Error> {
        start_zone(sink, ZoneId(1), self.apex.as_ref(), serial)?;
        self.with_registrars(|label, registrar| self.stream_delegation(label, registrar, sink))
    }

    /// Calls `each` for every delegation, with the servers of the registrar it is, if it is one.
    pub(crate) fn with_registrars<E>(
        &self,
        mut each: impl FnMut(&Label, Option<&Pair>) -> Result<(), E>,
    ) -> Result<(), E> {
        // In the order of the delegations they lie below.
        let mut registrars = self.pairs.iter().filter(|pair| pair.registrar.is_some()).peekable();
        (0..self.labels.len()).try_for_each(|index| {
            let registrar = registrars.next_if(|pair| pair.registrar == Some(index));
            each(self.labels.get(index), registrar)
        })
    }

    /// What records are drawn from.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Draws a registrar's pair, as few registrars have most names, and the one beside it.
    pub(crate) fn pairs(&self, random: &mut Random) -> (&Pair, &Pair) {
        let index = self.popular(random);
        (&self.pairs[index], &self.pairs[(index + 1) % self.pairs.len()])
    }

    /// Draws a pair's index.
    fn popular(&self, random: &mut Random) -> usize {
        let shares = [random.below(self.pairs.len() + 1), random.below(self.pairs.len()) + 1];
        shares[0] * shares[1] / (self.pairs.len() + 1)
    }

    /// Hands over a delegation; `registrar` are the servers of the registrar it is.
    fn stream_delegation<S: Sink>(
        &self,
        label: &Label,
        registrar: Option<&Pair>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let mut random = Random::of(self.seed, label.words());
        let mut wire = Vec::with_capacity(64);
        self.push_delegation(label, &mut wire);
        let owner = name(&wire);
        // Few registrars have most names.
        let pair = &self.pairs[self.popular(&mut random)];
        let own_server = server(1, label, self.apex.as_wire());
        let has_own_server = random.percent(30);
        let (servers, glued) = match (registrar, has_own_server) {
            (Some(registrar), _) => (registrar.servers.each_ref(), 2),
            (None, true) => ([&own_server, &pair.servers[1]], 1),
            (None, false) => (pair.servers.each_ref(), 0),
        };
        sink.rrset(owner, Rtype::NS, NS_TTL, &servers.map(|server| server.as_slice()))?;
        if random.percent(40) {
            sink.rrset(owner, Rtype::DS, DS_TTL, &[&rdata::ds(&mut random)])?;
        }
        servers
            .iter()
            .take(glued)
            .try_for_each(|server| sink.rrset(name(server), Rtype::A, NS_TTL, &[&rdata::a(&mut random)]))
    }

    /// Appends the name of a delegation.
    pub(crate) fn push_delegation(&self, label: &Label, out: &mut Vec<u8>) {
        label.push_wire(out);
        out.extend(self.apex.as_wire());
    }
}

impl Askable for Tld {
    fn query_count(&self) -> usize {
        self.labels.len()
    }

    fn push_hit(&self, pick: usize, out: &mut Vec<u8>) {
        self.push_delegation(self.labels.get(pick), out);
    }

    fn push_missing(&self, _: usize, random: &mut Random, out: &mut Vec<u8>) {
        self.push_delegation(&self.labels.draw_missing(random), out);
    }

    fn push_below_cut(&self, pick: usize, out: &mut Vec<u8>) {
        let label = self.labels.get(pick);
        // None of these is a name server's.
        let below: [&[u8]; 4] = [b"\x03www", b"\x04mail", b"\x03api", b"\x01a\x03www"];
        out.extend(Random::of(self.seed, label.words()).one_of(&below));
        self.push_delegation(label, out);
    }
}

impl Pair {
    /// Both names.
    pub(crate) fn servers(&self) -> &[Vec<u8>; 2] {
        &self.servers
    }
}

/// The name of a name server below a name.
pub(crate) fn server(number: u8, label: &Label, parent: &[u8]) -> Vec<u8> {
    let mut wire = vec![3, b'n', b's', b'0' + number];
    label.push_wire(&mut wire);
    wire.extend(parent);
    wire
}

/// Delegations to each pair of name servers, about.
const DELEGATIONS_OF_A_PAIR: usize = 500;

/// The most pairs of name servers: registrars have hundreds each.
const PAIRS_MAX: usize = 20_000;
