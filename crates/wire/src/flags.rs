//! What the flags of messages can do, whichever bits a protocol gives them.

/// Makes a type of flags of 16 bits, each with its bit; bits that have no name are kept.
macro_rules! flags {
    ($($(#[doc = $doc:literal])* $name:ident = $bit:literal;)*) => {
        /// What is special about a message, bit by bit; bits that have no name are kept.
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct Flags(u16);

        impl Flags {
            /// None at all.
            pub const NONE: Flags = Flags(0);
            $($(#[doc = $doc])* pub const $name: Flags = Flags(1 << $bit);)*

            const NAMES: &[(Flags, &'static str)] = &[$((Flags::$name, stringify!($name))),*];

            /// The flags of these bits.
            pub const fn from_bits(bits: u16) -> Self {
                Self(bits)
            }

            /// The bits, those without a name too.
            pub const fn bits(self) -> u16 {
                self.0
            }

            /// Whether all of these are set.
            pub const fn contains(self, flags: Flags) -> bool {
                self.0 & flags.0 == flags.0
            }

            /// Sets these.
            pub const fn insert(&mut self, flags: Flags) {
                self.0 |= flags.0;
            }

            /// Clears these.
            pub const fn remove(&mut self, flags: Flags) {
                self.0 &= !flags.0;
            }
        }

        impl std::ops::BitOr for Flags {
            type Output = Flags;

            fn bitor(self, other: Flags) -> Flags {
                Flags(self.0 | other.0)
            }
        }

        impl std::ops::BitOrAssign for Flags {
            fn bitor_assign(&mut self, other: Flags) {
                self.0 |= other.0;
            }
        }

        impl std::fmt::Debug for Flags {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut rest = *self;
                f.write_str("Flags(")?;
                for &(flag, name) in Flags::NAMES {
                    if rest.contains(flag) {
                        rest.remove(flag);
                        write!(f, "{name} ")?;
                    }
                }
                write!(f, "{:#x})", rest.0)
            }
        }
    };
}

pub(crate) use flags;
