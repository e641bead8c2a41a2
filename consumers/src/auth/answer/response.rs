//! An answer being built from the zones: [`Response`] follows aliases from zone to zone, writes the answer section as it goes, then authority
//! and additional section as the last outcome says.
//!
//! Everything needed goes in whole or sets TC and ends the answer there (RFC 2181, section 9): what a signed RRset needs is its
//! signatures too (RFC 4035, section 3.1.1).

use dns::message::{Builder, ExtendedError, Full, Question, Section, ZoneVersion};
use dns::types::{Rcode, Rtype};
use zone_segment::{LABELS_MAX, NameRef, Node, Rrset, SegmentOctets, Zone, ZoneState};

use super::additional::{Beside, put_apex_addresses, put_glue};
use super::denial::{Proofs, negative_ttl};
use super::frame::Body;
use super::outcome::{ALIASES_MAX, Outcome, Source, resolve, select_zone};
use super::put::put_rrset;
use super::summary::Kind;
use super::written::Written;
use super::{Data, Scratch, Style};

/// An answer being built.
pub(super) struct Response<'a, 'z, B> {
    /// What it is written with.
    builder: Builder<'a>,
    /// What it is answered from.
    data: Data<'z, B>,
    /// Names being looked up.
    scratch: &'a mut Scratch,
    /// How it is written.
    style: Style,
    /// The type asked for.
    rtype: Rtype,
    /// Proofs gathered for the authority section.
    proofs: Proofs<'z>,
    /// Aliases written so far.
    aliases: Written<ALIASES_MAX>,
    /// DNAME owners written so far.
    redirections: Written<ALIASES_MAX>,
    /// What is left for its frame to say.
    body: Body,
}

/// How a chain goes on after one outcome.
enum Next {
    /// Answer the alias's target.
    Follow,
    /// The answer is complete.
    Done,
}

impl<'a, 'z, B: SegmentOctets> Response<'a, 'z, B> {
    /// Begins: the builder holds header and question.
    pub(super) fn new(builder: Builder<'a>, data: Data<'z, B>, scratch: &'a mut Scratch, style: Style) -> Self {
        Self {
            builder,
            data,
            scratch,
            style,
            rtype: Rtype::ANY,
            proofs: Proofs::default(),
            aliases: Written::new(),
            redirections: Written::new(),
            body: Body::error(None),
        }
    }

    /// Writes the answer to a question, and gives the builder back to be finished.
    pub(super) fn answer(mut self, question: &Question<'_>) -> (Builder<'a>, Body) {
        self.rtype = question.rtype;
        self.scratch.name.set(question.name);
        // Prepared with the batch, or left by an earlier query: under another key it is found all the same.
        if self.scratch.lookup.name() != question.name {
            self.scratch.lookup.set(self.data.zones.key(), question.name);
        }
        let written = match question.rtype {
            Rtype::IXFR => self.write_soa_alone(),
            _ => self.write_chain(),
        };
        if written.is_err() {
            self.builder.set_truncated();
        }
        (self.builder, self.body)
    }

    /// Answers the name asked for, then each alias's target, until the chain ends, leaves the zones served here, comes round, or is too long.
    fn write_chain(&mut self) -> Result<(), Full> {
        for link in 0..=ALIASES_MAX {
            let closest = self.data.closest.take();
            let zone = match select_zone(self.data.zones, closest, &self.scratch.lookup, self.rtype) {
                Some(zone) if zone.state() == ZoneState::Serving && zone.serial().is_some() => zone,
                not_served if link == 0 => {
                    self.fail(not_served.map(|zone| zone.state()));
                    return Ok(());
                }
                // The target is for its own servers to answer.
                _ => break,
            };
            let outcome = resolve(&zone, &self.scratch.lookup, self.rtype);
            if link == 0 {
                self.note_first(&zone, &outcome);
            }
            match self.write_outcome(&zone, outcome, link)? {
                Next::Follow => self.scratch.lookup.set(self.data.zones.key(), self.scratch.name.name()),
                Next::Done => return Ok(()),
            }
        }
        self.write_proofs()
    }

    /// Notes what the first outcome says of the whole answer.
    fn note_first(&mut self, zone: &Zone<'z, B>, outcome: &Outcome<'z>) {
        // AA speaks of the first owner name (RFC 1035, section 4.1.1).
        if !matches!(outcome, Outcome::Referral { .. }) {
            self.builder.set_authoritative();
        }
        let apex_labels = zone.apex_label_count();
        let (kind, labels) = match outcome {
            Outcome::Found(source) | Outcome::Alias { source, .. } if source.is_synthesis => {
                (Kind::Wildcard, source.node.name().label_count().saturating_sub(1))
            }
            Outcome::Found(_) | Outcome::Alias { .. } => (Kind::Positive, self.scratch.lookup.label_count()),
            // Who asks for ever new names below it gets ever the same record.
            Outcome::Redirection { owner, .. } => (Kind::Wildcard, owner.name().label_count()),
            Outcome::NoData(_) => (Kind::NoData, apex_labels),
            Outcome::NxDomain { .. } => (Kind::NxDomain, apex_labels),
            Outcome::Referral { cut } => (Kind::Referral, cut.name().label_count()),
        };
        self.note(zone, kind, labels);
    }

    /// Notes what kind of answer it is, that those are like it whose names have their last `labels` labels in common, and what zone it is from.
    fn note(&mut self, zone: &Zone<'z, B>, kind: Kind, labels: usize) {
        let apex_labels = zone.apex_label_count().min(LABELS_MAX) as u8;
        self.body.kind = kind;
        self.body.like = self.scratch.lookup.suffix_hash(labels);
        self.body.zone_version = zone.serial().map(|serial| ZoneVersion { labels: apex_labels, serial });
    }

    /// Writes what one outcome contributes.
    fn write_outcome(&mut self, zone: &Zone<'z, B>, outcome: Outcome<'z>, link: usize) -> Result<Next, Full> {
        match outcome {
            Outcome::Found(source) => self.write_found(zone, source)?,
            Outcome::NoData(source) => self.write_no_data(zone, source)?,
            Outcome::NxDomain { closest_encloser } => self.write_nxdomain(zone, closest_encloser)?,
            Outcome::Referral { cut } => self.write_referral(zone, cut)?,
            Outcome::Alias { source, cname } => return self.write_alias(zone, source, cname, link),
            Outcome::Redirection { owner, dname } => return self.write_redirection(owner, dname, link),
        }
        Ok(Next::Done)
    }

    /// Found: the data; that a wildcard had to give it; for an apex's name servers their addresses.
    fn write_found(&mut self, zone: &Zone<'z, B>, source: Source<'z>) -> Result<(), Full> {
        let node = source.node;
        match self.rtype {
            // One RRset is enough of an answer to ANY (RFC 8482, section 4.1).
            Rtype::ANY => {
                if let Some(rrset) = node.rrsets().find(|rrset| !rrset.is_empty()) {
                    self.put_here(rrset)?;
                }
            }
            Rtype::RRSIG => self.put_signatures(node)?,
            rtype => {
                if let Some(rrset) = node.rrset(rtype.0) {
                    self.put_here(rrset)?;
                }
            }
        }
        self.prove_synthesis(zone, source);
        self.write_proofs()?;
        self.write_beside(zone, node);
        Ok(())
    }

    /// What goes along with data where it fits: addresses of what the data speaks of; unless answers are minimal, the apex's name servers.
    fn write_beside(&mut self, zone: &Zone<'z, B>, node: Node<'z>) {
        let Self { builder, style, scratch, .. } = self;
        let (style, room) = (*style, &mut scratch.lookup);
        let mut beside = Beside::new(scratch.name.name(), self.rtype, style);
        let is_apex_ns = self.rtype == Rtype::NS && node.is_apex();
        let servers = if style.is_minimal || is_apex_ns { None } else { zone.apex_node() };
        let servers = servers.and_then(|apex| Some((apex, apex.rrset(Rtype::NS.0)?)));
        if let Some((apex, servers)) = servers {
            builder.begin(Section::Authority);
            let _ = put_rrset(builder, apex.name(), servers, servers.ttl(), style);
        }
        if let Some(own) = node.rrset(self.rtype.0) {
            match self.rtype {
                // What resolvers prime with (RFC 9609).
                Rtype::NS if node.is_apex() => put_apex_addresses(builder, zone, node, own, style, room),
                Rtype::SVCB | Rtype::HTTPS => beside.put_targets(builder, zone, own, room),
                Rtype::NS | Rtype::MX | Rtype::SRV if !style.is_minimal => beside.put_targets(builder, zone, own, room),
                _ => {}
            }
        }
        if let Some((_, servers)) = servers {
            beside.put_targets(builder, zone, servers, room);
        }
    }

    /// NODATA: the SOA record and the proof (RFC 2308, section 2.2; RFC 4035, sections 3.1.3.1 and 3.1.3.4).
    fn write_no_data(&mut self, zone: &Zone<'z, B>, source: Source<'z>) -> Result<(), Full> {
        if self.style.is_dnssec_ok {
            self.proofs.prove_no_data(zone, source, &mut self.scratch.lookup);
        }
        self.put_soa(zone)?;
        self.write_proofs()
    }

    /// NXDOMAIN: the SOA record and the proofs (RFC 2308, section 2.1; RFC 4035, section 3.1.3.2).
    fn write_nxdomain(&mut self, zone: &Zone<'z, B>, closest_encloser: Node<'z>) -> Result<(), Full> {
        self.builder.set_rcode(Rcode::NXDOMAIN);
        if self.style.is_dnssec_ok {
            self.proofs.prove_no_name(zone, closest_encloser, &mut self.scratch.lookup);
        }
        self.put_soa(zone)?;
        self.write_proofs()
    }

    /// Referral: the cut's name servers, its DS RRset or the proof that it has none (RFC 4035, section 3.1.4), glue.
    fn write_referral(&mut self, zone: &Zone<'z, B>, cut: Node<'z>) -> Result<(), Full> {
        self.builder.begin(Section::Authority);
        let Some(servers) = cut.rrset(Rtype::NS.0) else { return Ok(()) };
        // The parent's copy is not signed, and not to be passed off as such.
        put_rrset(&mut self.builder, cut.name(), servers, servers.ttl(), self.style.without_signatures())?;
        if self.style.is_dnssec_ok {
            // Unsigned, in a zone that is not, it would prove nothing.
            match cut.rrset(Rtype::DS.0).filter(|ds| ds.signature_count() > 0) {
                Some(ds) => put_rrset(&mut self.builder, cut.name(), ds, ds.ttl(), self.style)?,
                None => self.proofs.prove_unsigned(zone, cut, &mut self.scratch.lookup),
            }
        }
        self.write_proofs()?;
        put_glue(&mut self.builder, zone, cut, servers, self.style, &mut self.scratch.lookup);
        Ok(())
    }

    /// Alias: the CNAME record; the name to answer becomes its target.
    fn write_alias(
        &mut self,
        zone: &Zone<'z, B>,
        source: Source<'z>,
        cname: Rrset<'z>,
        link: usize,
    ) -> Result<Next, Full> {
        if link == ALIASES_MAX || !self.aliases.note(&self.builder, self.scratch.name.name()) {
            self.write_proofs()?;
            return Ok(Next::Done);
        }
        self.put_here(cname)?;
        self.prove_synthesis(zone, source);
        let Some(target) = cname.rdata().next().and_then(|rdata| NameRef::from_wire(rdata).ok()) else {
            return Ok(Next::Done);
        };
        self.scratch.name.set(target);
        Ok(Next::Follow)
    }

    /// Redirection: the DNAME record and the CNAME record made from it (RFC 6672, section 3.1); the name to answer becomes its target.
    ///
    /// Who asks for the CNAME itself has it then.
    fn write_redirection(&mut self, owner: Node<'z>, dname: Rrset<'z>, link: usize) -> Result<Next, Full> {
        if self.redirections.note(&self.builder, owner.name()) {
            put_rrset(&mut self.builder, owner.name(), dname, dname.ttl(), self.style)?;
        }
        let target = dname.rdata().next().and_then(|rdata| NameRef::from_wire(rdata).ok());
        let mut substituted = self.scratch.name.clone();
        if target.is_none_or(|target| substituted.substitute(owner.name(), target).is_err()) {
            self.builder.set_rcode(Rcode::YXDOMAIN);
            self.write_proofs()?;
            return Ok(Next::Done);
        }
        if link == ALIASES_MAX || !self.aliases.note(&self.builder, self.scratch.name.name()) {
            self.write_proofs()?;
            return Ok(Next::Done);
        }
        let cname = [substituted.name().as_wire()];
        self.builder.rrset(self.scratch.name.name(), Rtype::CNAME, dname.ttl(), cname)?;
        self.scratch.name = substituted;
        if matches!(self.rtype, Rtype::CNAME | Rtype::ANY) {
            self.write_proofs()?;
            return Ok(Next::Done);
        }
        Ok(Next::Follow)
    }

    /// The answer to IXFR in a datagram: the zone's SOA record, from which the asker sees whether to come again over TCP (RFC 1995,
    /// section 2).
    fn write_soa_alone(&mut self) -> Result<(), Full> {
        let zone = self.data.zones.find_zone(&self.scratch.lookup);
        let Some(zone) = zone.filter(|zone| zone.apex() == self.scratch.lookup.name()) else {
            self.builder.set_rcode(Rcode::NOTAUTH);
            return Ok(());
        };
        match zone.apex_node().filter(|_| zone.state() == ZoneState::Serving).and_then(|apex| apex.rrset(Rtype::SOA.0))
        {
            Some(soa) => {
                self.builder.set_authoritative();
                self.note(&zone, Kind::Positive, zone.apex_label_count());
                self.put_here(soa)
            }
            None => {
                self.fail(Some(zone.state()));
                Ok(())
            }
        }
    }

    /// Says why there is no zone to answer from: none served here, or one whose data is not to be given out.
    fn fail(&mut self, state: Option<ZoneState>) {
        let (rcode, error) = match state {
            None | Some(ZoneState::Removed) => (Rcode::REFUSED, ExtendedError::NOT_AUTHORITATIVE),
            Some(ZoneState::Expired) => (Rcode::SERVFAIL, ExtendedError::INVALID_DATA),
            Some(ZoneState::Broken | ZoneState::Serving) => (Rcode::SERVFAIL, ExtendedError::NOT_READY),
        };
        self.builder.set_rcode(rcode);
        self.body.error = Some(error);
    }

    /// Notes that an answer came from a wildcard: the name itself must be proven not to exist (RFC 4035, section 3.1.3.3).
    fn prove_synthesis(&mut self, zone: &Zone<'z, B>, source: Source<'z>) {
        if self.style.is_dnssec_ok && source.is_synthesis {
            self.proofs.prove_synthesis(zone, source, &self.scratch.lookup);
        }
    }

    /// Adds the SOA record of a negative answer.
    fn put_soa(&mut self, zone: &Zone<'z, B>) -> Result<(), Full> {
        self.builder.begin(Section::Authority);
        let Some(soa) = zone.apex_node().and_then(|apex| apex.rrset(Rtype::SOA.0)) else { return Ok(()) };
        let ttl = negative_ttl(zone).unwrap_or(soa.ttl());
        put_rrset(&mut self.builder, zone.apex(), soa, ttl, self.style)
    }

    /// Adds the proofs gathered.
    fn write_proofs(&mut self) -> Result<(), Full> {
        self.builder.begin(Section::Authority);
        for proof in self.proofs.iter() {
            put_rrset(&mut self.builder, proof.owner, proof.rrset, proof.ttl, self.style)?;
        }
        Ok(())
    }

    /// Adds an RRset under the name being answered.
    fn put_here(&mut self, rrset: Rrset<'_>) -> Result<(), Full> {
        put_rrset(&mut self.builder, self.scratch.name.name(), rrset, rrset.ttl(), self.style)
    }

    /// Adds all signatures of a node under the name being answered.
    fn put_signatures(&mut self, node: Node<'_>) -> Result<(), Full> {
        let mark = self.builder.mark();
        for rrset in node.rrsets().filter(|rrset| rrset.signature_count() > 0) {
            let owner = self.scratch.name.name();
            if self.builder.rrset(owner, Rtype::RRSIG, rrset.signature_ttl(), rrset.signatures()).is_err() {
                self.builder.roll_back(mark);
                return Err(Full);
            }
        }
        Ok(())
    }
}
