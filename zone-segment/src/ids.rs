//! The numbers by which zones, groups and layers are known: given by the builder, never reused.

use std::fmt;

/// Declares a number type.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $number:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id!(
    /// A layer of a stack: higher is newer. Layers below a zone's floor are invisible for it.
    LayerId,
    u64
);
id!(
    /// A group: the zones that lie in one stack of segments.
    GroupId,
    u32
);
id!(
    /// A zone, in its group's segments and in the directory.
    ZoneId,
    u32
);
