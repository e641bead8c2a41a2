//! Why nothing could be taken from a primary: [`Failure`].

use std::fmt;
use std::io;
use std::time::Duration;

use dns::message::Malformed;
use dns::tsig::VerifyError;
use dns::types::Rcode;

use super::broken::Broken;

/// An attempt that came to nothing. What is served goes on.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// The system refused something, or the connection broke.
    Io {
        /// What was done.
        doing: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The primary did not say anything for too long.
    Silence {
        /// What was waited for.
        awaited: &'static str,
        /// How long.
        waited: Duration,
    },
    /// The primary refused.
    Refused {
        /// What was asked for.
        asked: &'static str,
        /// Its answer.
        rcode: Rcode,
    },
    /// A message that is no answer to what was asked.
    NoAnswer {
        /// What was expected.
        expected: &'static str,
    },
    /// A signature that is missing, or wrong.
    Tsig(VerifyError),
    /// The last message of an answer is not signed.
    Unsigned,
    /// A message that can't be read.
    Malformed(Malformed),
    /// Records that are no transfer of the zone.
    Broken(Broken),
    /// The primary has older data.
    Behind {
        /// The serial that is served.
        served: u32,
        /// Its own.
        found: u32,
    },
    /// The zone breaks rules that a zone has to keep.
    Unsound {
        /// Each with what is wrong.
        errors: Vec<String>,
    },
    /// What is served is damaged, so that nothing can be put on top of it.
    Damaged {
        /// What was found.
        error: String,
    },
    /// It was not published.
    NotPublished {
        /// Why.
        error: String,
    },
}

impl Failure {
    /// Whether the same primary may give the whole zone where it could not give changes.
    pub(crate) fn may_give_whole(&self) -> bool {
        match self {
            Self::Refused { rcode, .. } => *rcode != Rcode::NOTAUTH,
            Self::NoAnswer { .. } | Self::Malformed(_) | Self::Unsound { .. } => true,
            Self::Broken(broken) => !matches!(broken, Broken::Cut { .. }),
            _ => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, error } => write!(f, "{doing}: {error}"),
            Self::Silence { awaited, waited } => {
                write!(f, "expected {awaited}, found nothing in {} s", waited.as_secs())
            }
            Self::Refused { asked, rcode } => {
                write!(
                    f,
                    "asked for {asked}, found {rcode}: the primary has to have the zone and allow its transfer to this server"
                )
            }
            Self::NoAnswer { expected } => write!(f, "expected {expected}, found another message"),
            Self::Tsig(error) => {
                write!(f, "{error}; name, algorithm and secret of the key have to be the same at both ends")
            }
            Self::Unsigned => write!(f, "expected a signature with the last message, found none"),
            Self::Malformed(error) => error.fmt(f),
            Self::Broken(broken) => broken.fmt(f),
            Self::Behind { served, found } => write!(
                f,
                "expected serial {served} or a newer one, found {found}: the primary has older data than is served here; `trine zone retransfer` takes it"
            ),
            Self::Unsound { errors } => f.write_str(&errors.join("\n")),
            Self::Damaged { error } | Self::NotPublished { error } => f.write_str(error),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Tsig(error) => Some(error),
            Self::Malformed(error) => Some(error),
            Self::Broken(broken) => Some(broken),
            _ => None,
        }
    }
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Failure::Broken(broken)
    }
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Failure::Malformed(malformed)
    }
}
