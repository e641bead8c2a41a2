//! DNS messages that memmgr answers: updates (RFC 2136) and notifications (RFC 1996), as auth passes them on.
//!
//! ```text
//! auth                                     memmgr
//!   │ ── DnsMessage (request to `memmgr`) ──▶ │
//!   │ ◀──────────────────────── DnsAnswer ── │   an update's once it is durable
//! ```

use std::net::IpAddr;

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What auth passes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromAuth {
    /// Sent as a request; the reply is [`DnsAnswer`].
    DnsMessage {
        /// The message as it came, its signature included.
        message: MessageOctets,
        /// Whom it is from.
        client: IpAddr,
        /// How it came.
        transport: Transport,
    },
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// In a stream.
    Tcp,
}

/// What is sent back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsAnswer {
    /// The message to send; none where there is to be no answer.
    #[serde(default)]
    pub answer: Option<MessageOctets>,
}

/// The octets of a message, in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageOctets(pub Vec<u8>);

impl Serialize for MessageOctets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for MessageOctets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let octets = BASE64.decode(text.as_bytes());
        octets.map(Self).map_err(|error| de::Error::custom(format!("expected octets in base64, found {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_were() {
        let message = FromAuth::DnsMessage {
            message: MessageOctets((0..=255).collect()),
            client: "2001:db8::1".parse().unwrap(),
            transport: Transport::Udp,
        };
        let json = serde_json::to_string(&message).unwrap();
        assert!(json.starts_with(r#"{"type":"dns-message","message":"AAEC"#), "{json}");
        assert_eq!(serde_json::from_str::<FromAuth>(&json).unwrap(), message);
        assert_eq!(serde_json::from_str::<DnsAnswer>("{}").unwrap(), DnsAnswer::default());
        assert!(serde_json::from_str::<DnsAnswer>(r#"{"answer":"?"}"#).is_err());
    }
}
