//! What frames every answer: header, question, OPT record.

use dns::message::{Builder, Edns, EdnsReply, ExtendedError, Header, NameRoom, Question, ZoneVersion};

use dns::types::Rcode;

use super::options::Asked;
use super::policy::{Client, Policy};
use super::summary::{Answered, Kind, Summary};

/// The frame of one answer.
pub(super) struct Frame<'q> {
    /// The query's header.
    header: Header,
    /// Its question.
    question: Option<Question<'q>>,
    /// Its OPT record.
    edns: Option<Edns<'q>>,
    /// What the OPT record's options ask for.
    pub(super) asked: Asked<'q>,
    /// Who asks.
    client: Client,
    /// What is answered with.
    policy: &'q Policy,
}

/// What an answer's body leaves to be said by its frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    /// What kind of answer it is.
    pub(super) kind: Kind,
    /// What tells it from others of the kind.
    pub(super) like: u64,
    /// The version of the zone it is from.
    pub(super) zone_version: Option<ZoneVersion>,
    /// What more there is to say of an error.
    pub(super) error: Option<ExtendedError>,
}

impl Body {
    /// Of an answer that is an RCODE alone.
    pub(super) fn error(error: Option<ExtendedError>) -> Self {
        Self { kind: Kind::Error, like: 0, zone_version: None, error }
    }
}

impl<'q> Frame<'q> {
    /// The frame of the answer to a query of this header, question and OPT record.
    pub(super) fn new(
        header: Header,
        question: Option<Question<'q>>,
        edns: Option<Edns<'q>>,
        client: &Client,
        policy: &'q Policy,
    ) -> Self {
        let asked = edns.as_ref().map(|edns| Asked::of(edns, client, policy)).unwrap_or_default();
        Self { header, question, edns, asked, client: *client, policy }
    }

    /// Begins the answer: the question echoed, room kept for the OPT record. A long identifier is left out where there is none for it.
    pub(super) fn begin<'o>(&mut self, out: &'o mut [u8], names: &'o mut NameRoom) -> Option<Builder<'o>> {
        let limit = self.policy.answer_octets(self.client.transport, self.edns.as_ref());
        let mut builder = Builder::new(out, limit, self.header, names)?;
        if let Some(question) = &self.question {
            builder.question(question).ok()?;
        }
        if self.edns.is_some() && builder.reserve_edns(self.edns_octets()).is_err() {
            self.asked.identity = None;
            builder.reserve_edns(self.edns_octets()).ok()?;
        }
        Some(builder)
    }

    /// Octets of the OPT record, whatever zone the answer will be from.
    fn edns_octets(&self) -> usize {
        let body = Body { zone_version: Some(ZoneVersion::default()), ..Body::error(None) };
        self.edns_reply(&body).map_or(0, |reply| reply.octets())
    }

    /// Answers with an RCODE alone.
    pub(super) fn refuse(mut self, out: &mut [u8], rcode: Rcode, error: Option<ExtendedError>) -> Option<Answered> {
        let mut names = NameRoom::default();
        let mut builder = self.begin(out, &mut names)?;
        builder.set_rcode(rcode);
        Some(self.finish(builder, &Body::error(error)))
    }

    /// Ends the answer with its OPT record: one if the query has one.
    pub(super) fn finish(&self, builder: Builder<'_>, body: &Body) -> Answered {
        let summary = Summary {
            opcode: self.header.opcode(),
            rtype: self.question.map(|question| question.rtype),
            rcode: builder.rcode(),
            kind: body.kind,
            has_edns: self.edns.is_some(),
            is_dnssec_ok: self.edns.is_some_and(|edns| edns.is_dnssec_ok),
            is_truncated: builder.is_truncated(),
            is_authoritative: builder.is_authoritative(),
            has_valid_cookie: self.asked.has_valid_cookie,
            like: body.like,
        };
        Answered { octets: builder.finish(self.edns_reply(body).as_ref()), summary }
    }

    /// The OPT record of the answer.
    fn edns_reply(&self, body: &Body) -> Option<EdnsReply<'_>> {
        self.edns.map(|edns| EdnsReply {
            udp_size: self.policy.udp_size(),
            is_dnssec_ok: edns.is_dnssec_ok,
            cookie: self.asked.cookie.as_ref().map(|cookie| cookie.as_slice()),
            keepalive: self.asked.keepalive,
            identity: self.asked.identity,
            zone_version: body.zone_version.filter(|_| self.asked.wants_zone_version),
            error: body.error,
        })
    }
}
