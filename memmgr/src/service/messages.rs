//! DNS messages that auth passes on: updates, gathered with all other changes and answered when they are durable, and notifications.

use std::sync::Arc;
use std::time::Instant;

use bus::Message;
use bus::protocol::control::Reached;
use bus::protocol::messages::{DnsAnswer, FromAuth, MessageOctets};
use dns::types::Rcode;
use tracing::{debug, info, warn};
use zone_segment::Name;

use super::Service;
use super::changing::{AskedFor, Asker, Who, now};
use crate::apex::Apex;
use crate::builder::changes::{Ask, Refusal};
use crate::edit::{SerialPolicy, Update};
use crate::update::{self, Asked, Exchange, Forwarded, Primary, Received, Verdict};

impl Service {
    /// Takes a message that auth passes on.
    pub(super) fn dns_message(&mut self, message: Message, word: FromAuth) {
        // Whom it is from is what it says: nobody but our own processes is to be believed that.
        if !self.may_command(&message) {
            warn!(from = %message.from, "dns-message-refused");
            return self.refuse(&message, "only the server's own processes pass messages on");
        }
        if message.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            // It was kept back while zones were read, and nobody waits for it any more.
            return warn!(from = %message.from, "update-overdue");
        }
        if self.awaits_zones() && self.zones.deferred.len() < DEFERRED_MAX {
            return self.zones.deferred.push(message);
        }
        let FromAuth::DnsMessage { message: MessageOctets(octets), client, transport } = word;
        match update::receive(octets, client, transport, &self.keys, now()) {
            Received::Nothing => self.answer(&message, &DnsAnswer::default()),
            Received::Answered(octets) => self.answer(&message, &DnsAnswer { answer: Some(MessageOctets(octets)) }),
            Received::Asked(exchange, Asked::Update { apex, prerequisites, records }) => {
                let update = Update { apex, prerequisites, records, serial: SerialPolicy::Increment };
                self.update(message, exchange, update);
            }
            Received::Asked(exchange, Asked::Notify { apex }) => {
                let rcode = self.notified(&apex, exchange.client, exchange.key());
                self.settle(&message, &exchange, &Verdict::of(rcode));
            }
        }
    }

    /// Begins an update, if the zone is one of ours and who asks may change it.
    fn update(&mut self, message: Message, exchange: Box<Exchange>, update: Update) {
        if let Err(rcode) = self.has_zone(&update.apex) {
            return self.settle(&message, &exchange, &Verdict::of(rcode));
        }
        let policy = self.policy(&update.apex);
        let (client, key) = (exchange.client, exchange.key());
        if !update::permitted(&policy.allow_update, client, key, &update.apex, &update.records) {
            // Anybody can send these, as many as he likes.
            debug!(zone = %update.apex, %client, key = key.map(ToString::to_string), "update-not-allowed");
            return self.settle(&message, &exchange, &Verdict::prohibited());
        }
        if policy.is_secondary() {
            let primaries = policy.primaries.iter().filter_map(|name| self.primary(name)).collect();
            return self.forward(message, exchange, primaries);
        }
        if self.changing.gathered() + self.waiting.len() >= UPDATES_MAX {
            warn!(zone = %update.apex, %client, waiting = UPDATES_MAX, "updates-too-many");
            return self.settle(&message, &exchange, &Verdict::of(Rcode::SERVFAIL));
        }
        let asker = Asker { who: Who::Asker(message), until: Reached::Durable, what: AskedFor::Message(exchange) };
        self.change(asker, vec![Ask::Update(update)]);
    }

    /// Whether there is such a zone here, whatever its state; else what is answered to who speaks of it.
    pub(super) fn has_zone(&self, zone: &Name) -> Result<(), Rcode> {
        if self.awaits_zones() {
            return Err(Rcode::SERVFAIL);
        }
        let newest = self.states.values().next_back().ok_or(Rcode::SERVFAIL)?;
        newest.zones.get(&Apex::new(zone.clone())).map(drop).ok_or(Rcode::NOTAUTH)
    }

    /// A remote by its name in the configuration.
    fn primary(&self, name: &str) -> Option<Primary> {
        let remote = self.options.remotes.iter().find(|remote| remote.name == name)?;
        let key = remote.key.as_ref().and_then(|key| self.keys.get(key)).map(Arc::clone);
        Some(Primary { name: remote.name.clone(), addresses: remote.addresses.clone(), key })
    }

    /// Sends an update on to where its zone comes from; the answer comes back the same way.
    fn forward(&self, message: Message, exchange: Box<Exchange>, primaries: Vec<Primary>) {
        let client = self.client.clone();
        tokio::spawn(async move {
            let answer = match update::forward(&exchange.message, exchange.id(), &primaries).await {
                Forwarded::Answered(verdict) => Some(exchange.answer(&verdict, now())),
                Forwarded::Untaken => Some(exchange.answer(&Verdict::of(Rcode::SERVFAIL), now())),
                Forwarded::Unknown => None,
            };
            if let Err(error) = client.reply(&message, &DnsAnswer { answer: answer.map(MessageOctets) }, &[]) {
                warn!(%error, to = %message.from, "answer-not-sent");
            }
        });
    }

    /// Answers a message.
    pub(super) fn settle(&self, message: &Message, exchange: &Exchange, verdict: &Verdict) {
        self.answer(message, &DnsAnswer { answer: Some(MessageOctets(exchange.answer(verdict, now()))) });
    }

    /// Answers an update of which nothing was carried out.
    pub(super) fn settle_refused(&self, message: &Message, exchange: &Exchange, Refusal { rcode, reason }: &Refusal) {
        info!(client = %exchange.client, key = exchange.key().map(ToString::to_string), %rcode, reason, "update-refused");
        // What goes wrong here is nobody's business elsewhere.
        let told = if *rcode == Rcode::SERVFAIL { String::new() } else { reason.clone() };
        self.settle(message, exchange, &Verdict::because(*rcode, told));
    }
}

/// Changes that gather or wait for readers and the disk at the most, for one more update to be taken: ten seconds' worth on a slow disk. More get SERVFAIL
/// at once. All processes of auth have fewer on their way while answers come at all.
const UPDATES_MAX: usize = 1024;

/// Messages that are kept back at a start until it is known which zones there are. More get SERVFAIL.
const DEFERRED_MAX: usize = 1024;
