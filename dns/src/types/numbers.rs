//! What all registries of numbers here share: the macro that makes one from a table of mnemonics, and the error of an unknown mnemonic.
//!
//! The tables themselves stand in `rtype.rs`, `class.rs` and `header.rs`.

use std::error::Error;
use std::fmt;

/// A word that is no mnemonic of the registry it was looked up in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownMnemonic {
    /// What was looked up: "type", "class", "opcode" or "rcode".
    pub registry: &'static str,
    /// The word as it was found.
    pub found: String,
}

impl fmt::Display for UnknownMnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} `{}`", self.registry, self.found)
    }
}

impl Error for UnknownMnemonic {}

/// The longest mnemonic that is looked up; every table entry and every `TYPEnnnnn` is shorter, so a longer word is unknown.
pub(super) const MNEMONIC_OCTETS_MAX: usize = 16;

/// Folds a word to upper case on the stack, or gives `None` when it is too long to be a mnemonic.
pub(super) fn fold<'a>(word: &[u8], buffer: &'a mut [u8; MNEMONIC_OCTETS_MAX]) -> Option<&'a [u8]> {
    let folded = buffer.get_mut(..word.len())?;
    folded.copy_from_slice(word);
    folded.make_ascii_uppercase();
    Some(folded)
}

/// Reads the number of a generic mnemonic (RFC 3597, section 5): `folded` is upper case and starts with `prefix`, decimal digits follow.
pub(super) fn generic(prefix: &[u8], folded: &[u8]) -> Option<u16> {
    let digits = folded.strip_prefix(prefix)?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Makes a newtype over a number of the wire, with a constant and a mnemonic for each line of a table.
///
/// `$generic` is the prefix of the generic form, `TYPE` in `TYPE65280`, used for numbers without a mnemonic, both ways.
macro_rules! registry {
    (
        $(#[$docs:meta])*
        $name:ident($number:ty), $registry:literal, $generic:literal;
        $( $(#[$entry_docs:meta])* $constant:ident = $value:literal $mnemonic:literal; )*
    ) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub $number);

        impl $name {
            $( $(#[$entry_docs])* pub const $constant: Self = Self($value); )*

            /// The mnemonic, if the number has one.
            pub const fn mnemonic(self) -> Option<&'static str> {
                match self.0 {
                    $( $value => Some($mnemonic), )*
                    _ => None,
                }
            }

            /// Looks a mnemonic up, in any case, the generic form included.
            pub fn from_mnemonic(word: &[u8]) -> Option<Self> {
                let mut buffer = [0; $crate::types::numbers::MNEMONIC_OCTETS_MAX];
                let folded = $crate::types::numbers::fold(word, &mut buffer)?;
                $(
                    const $constant: &[u8] = $mnemonic.as_bytes();
                )*
                match folded {
                    $( $constant => Some(Self($value)), )*
                    _ => {
                        let number = $crate::types::numbers::generic($generic.as_bytes(), folded)?;
                        Some(Self(<$number>::try_from(number).ok()?))
                    }
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.mnemonic() {
                    Some(mnemonic) => f.pad(mnemonic),
                    None => f.pad(&format!("{}{}", $generic, self.0)),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::types::UnknownMnemonic;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::from_mnemonic(word.as_bytes()).ok_or_else(|| $crate::types::UnknownMnemonic {
                    registry: $registry,
                    found: word.to_owned(),
                })
            }
        }

        impl From<$number> for $name {
            fn from(number: $number) -> Self {
                Self(number)
            }
        }

        impl From<$name> for $number {
            fn from(number: $name) -> Self {
                number.0
            }
        }
    };
}

pub(super) use registry;
