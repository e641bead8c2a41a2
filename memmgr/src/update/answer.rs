//! Answers: an [`Exchange`] has what of a message its answer needs, a [`Verdict`] what the answer says.

use std::net::IpAddr;

use bus::protocol::messages::Transport;
use dns::message::header::{AA, HEADER_OCTETS};
use dns::message::{ExtendedError, Header, MessageRecord, Records};
use dns::tsig::{Refused, Verified};
use dns::types::{Class, Opcode, Rcode, Rtype};
use zone_segment::Name;

/// A message that is being answered.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Its header.
    pub(super) header: Header,
    /// Whom it is from.
    pub(crate) client: IpAddr,
    /// How it came.
    pub(super) transport: Transport,
    /// Its zone section, to be echoed; empty where it has none.
    pub(super) zone_section: Box<[u8]>,
    /// The same, read.
    pub(super) zone: Option<(Name, Rtype, Class)>,
    /// Its OPT record.
    pub(super) edns: Option<AskedEdns>,
    /// Its signature.
    pub(super) signature: Signature,
    /// All of it, where it may have to go on to another server.
    pub(crate) message: Vec<u8>,
}

/// The OPT record of a message (RFC 6891).
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedEdns {
    /// The largest datagram that its sender takes.
    udp_size: u16,
    /// Its version.
    pub(super) version: u8,
    /// The DO bit, which the answer has too (RFC 3225, section 3).
    is_dnssec_ok: bool,
}

impl AskedEdns {
    /// What class and TTL of the record say.
    pub(super) fn new(class: Class, ttl: u32) -> Self {
        let [_, version, flags, _] = ttl.to_be_bytes();
        Self { udp_size: class.0, version, is_dnssec_ok: flags & DO != 0 }
    }
}

/// The signature of a message (RFC 8945).
#[derive(Debug)]
pub(super) enum Signature {
    /// There is none.
    None,
    /// It is good; so is the answer's.
    Good(Verified),
    /// It is not.
    Refused(Box<Refused>),
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The code.
    pub(crate) rcode: Rcode,
    /// What more there is to say, for who asked with EDNS (RFC 8914).
    pub(crate) error: Option<(ExtendedError, String)>,
}

impl Verdict {
    /// A code that says it all.
    pub(crate) fn of(rcode: Rcode) -> Self {
        Self { rcode, error: None }
    }

    /// A code with its reason.
    pub(crate) fn because(rcode: Rcode, reason: String) -> Self {
        let error = (!reason.is_empty()).then_some((OTHER, reason));
        Self { rcode, error }
    }

    /// Whoever asked may not ask this.
    pub(crate) fn prohibited() -> Self {
        Self { rcode: Rcode::REFUSED, error: Some((ExtendedError::PROHIBITED, String::new())) }
    }

    /// What another server's answer says, its OPT record included, which is meant for us alone (RFC 6891, section 6.1.1); none where it can't be read.
    pub(super) fn of_answer(message: &[u8]) -> Option<Self> {
        let header = Header::parse(message)?;
        let records: Vec<MessageRecord> = Records::of(message).ok()?.collect::<Result<_, _>>().ok()?;
        let opt = records.iter().find(|record| record.rtype == Rtype::OPT);
        let upper = opt.map_or(0, |opt| opt.ttl.to_be_bytes()[0]);
        let rcode = Rcode(header.rcode().0 | u16::from(upper) << 4);
        Some(Self { rcode, error: opt.and_then(|opt| extended_error(&opt.rdata)) })
    }
}

/// The first Extended DNS Error among the options of an OPT record.
fn extended_error(mut options: &[u8]) -> Option<(ExtendedError, String)> {
    loop {
        let ([a, b, c, d], rest) = options.split_first_chunk()?;
        let (octets, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes([*c, *d])))?;
        if u16::from_be_bytes([*a, *b]) == EXTENDED_ERROR {
            let (code, text) = octets.split_first_chunk()?;
            return Some((ExtendedError(u16::from_be_bytes(*code)), String::from_utf8_lossy(text).into_owned()));
        }
        options = behind;
    }
}

impl Exchange {
    /// What is to be answered where nothing but the header is read.
    pub(super) fn new(header: Header, client: IpAddr, transport: Transport) -> Self {
        Self {
            header,
            client,
            transport,
            zone_section: Box::default(),
            zone: None,
            edns: None,
            signature: Signature::None,
            message: Vec::new(),
        }
    }

    /// The key it was signed with.
    pub(crate) fn key(&self) -> Option<&Name> {
        match &self.signature {
            Signature::Good(verified) => Some(verified.key().name()),
            Signature::None | Signature::Refused(_) => None,
        }
    }

    /// Its id.
    pub(crate) fn id(&self) -> u16 {
        self.header.id
    }

    /// Writes the answer (RFC 2136, section 3.8): the header, the zone section, the OPT record, the signature.
    pub(crate) fn answer(&self, verdict: &Verdict, now: u64) -> Vec<u8> {
        let mut header = self.header.answer();
        header.flags |= verdict.rcode.0 & 0xf;
        if self.header.opcode() == Opcode::NOTIFY && verdict.rcode == Rcode::NOERROR {
            header.flags |= AA;
        }
        // An answer need not have the zone section (RFC 2136, section 3.8); with the longest names there is no room for it.
        let zone_section = match self.octets_max() < HEADER_OCTETS + self.zone_section.len() + self.fixed_octets() {
            true => &[],
            false => &*self.zone_section,
        };
        header.counts = [u16::from(!zone_section.is_empty()), 0, 0, u16::from(self.edns.is_some())];
        let mut message = Vec::with_capacity(ANSWER_OCTETS);
        message.extend_from_slice(&header.to_wire());
        message.extend_from_slice(zone_section);
        if let Some(edns) = self.edns {
            self.push_opt(edns, verdict, &mut message);
        }
        self.sign(message, now)
    }

    /// Signs an answer, if the message was signed.
    fn sign(&self, mut message: Vec<u8>, now: u64) -> Vec<u8> {
        match &self.signature {
            Signature::None => {}
            Signature::Good(verified) => verified.signer().sign(&mut message, now),
            Signature::Refused(refused) => refused.sign(&mut message),
        }
        message
    }

    /// Octets of the answer's signature.
    fn signature_octets(&self) -> usize {
        match &self.signature {
            Signature::None => 0,
            Signature::Good(verified) => verified.signer().octets(),
            Signature::Refused(refused) => refused.octets(),
        }
    }

    /// Octets that the answer may have.
    fn octets_max(&self) -> usize {
        match (self.transport, self.edns) {
            (Transport::Udp, Some(edns)) => usize::from(edns.udp_size.clamp(UDP_OCTETS_MIN, UDP_OCTETS)),
            (Transport::Udp, None) => usize::from(UDP_OCTETS_MIN),
            (Transport::Tcp, _) => usize::from(u16::MAX),
        }
    }

    /// Octets of the answer's signature, and of its OPT record with an error without text.
    fn fixed_octets(&self) -> usize {
        let opt = self.edns.map_or(0, |_| OPT_OCTETS + ERROR_FIXED_OCTETS);
        opt + self.signature_octets()
    }

    /// Adds the OPT record, with the error and as much of its text as fits.
    fn push_opt(&self, edns: AskedEdns, verdict: &Verdict, message: &mut Vec<u8>) {
        let [udp_high, udp_low] = UDP_OCTETS.to_be_bytes();
        let flags = if edns.is_dnssec_ok { DO } else { 0 };
        message.extend_from_slice(&[0, 0, OPT_TYPE, udp_high, udp_low, (verdict.rcode.0 >> 4) as u8, 0, flags, 0]);
        let rest = 2 + ERROR_FIXED_OCTETS + self.signature_octets();
        let room = self.octets_max().saturating_sub(message.len() + rest);
        let mut options = Vec::new();
        if let Some((ExtendedError(code), text)) = &verdict.error {
            let text = &text[..text.floor_char_boundary(room.min(TEXT_OCTETS_MAX))];
            let length = 2 + text.len() as u16;
            for number in [EXTENDED_ERROR, length, *code] {
                options.extend_from_slice(&number.to_be_bytes());
            }
            options.extend_from_slice(text.as_bytes());
        }
        message.extend_from_slice(&(options.len() as u16).to_be_bytes());
        message.extend_from_slice(&options);
    }
}

/// An error of no other kind (RFC 8914, section 4.1); its text says which.
const OTHER: ExtendedError = ExtendedError(0);

/// The option of Extended DNS Errors (RFC 8914).
const EXTENDED_ERROR: u16 = 15;

/// Octets of an OPT record without options.
const OPT_OCTETS: usize = 11;

/// Octets of that option beside its text.
const ERROR_FIXED_OCTETS: usize = 6;

/// The most text of an error: some findings of zone checks, for a person to read.
const TEXT_OCTETS_MAX: usize = 400;

/// Room that most answers need.
const ANSWER_OCTETS: usize = 512;

/// What every asker takes in a datagram (RFC 1035, section 4.2.1).
const UDP_OCTETS_MIN: u16 = 512;

/// The largest datagram sent or taken: what passes without fragments nearly everywhere (RFC 9715).
const UDP_OCTETS: u16 = 1232;

/// The DO bit in the upper octet of the flags.
const DO: u8 = 0x80;

/// The low octet of type OPT.
const OPT_TYPE: u8 = 41;
