//! How values are written and read: what the arguments of the codecs come to.

use fastthrift_protocol::{Limits, Protocol};

use crate::arrays::Maker;

/// All that the walk over Python objects has to know beside the values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// How values look in bytes.
    pub(crate) protocol: Protocol,
    /// Whether messages without a version are refused; Binary alone.
    pub(crate) strict: bool,
    /// Whether messages are written without a version; Binary alone.
    pub(crate) old: bool,
    /// What becomes of a `string` that is not UTF-8.
    pub(crate) utf8: Utf8,
    /// What makes the arrays that `list`s of numbers are read as, where they are to be arrays.
    pub(crate) arrays: Option<&'static Maker>,
    /// What `binary` values are read as.
    pub(crate) binary: Blobs,
    /// The bounds of what is read; `depth` is also that of what is written.
    pub(crate) limits: Limits,
}

/// What becomes of a `string` that is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Utf8 {
    /// It is an error.
    Strict,
    /// It is read as `bytes`, and `bytes` are written as they are.
    Bytes,
}

/// What `binary` values are read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blobs {
    /// `bytes`
    Bytes,
    /// Slices of a `memoryview` of the input.
    Views,
}

impl Settings {
    /// Those of a protocol that is given by its name.
    ///
    /// Whoever reads one struct has it in memory already, so its size has no bound.
    pub(crate) const fn of(protocol: Protocol) -> Self {
        Self {
            protocol,
            strict: false,
            old: false,
            utf8: Utf8::Strict,
            arrays: None,
            binary: Blobs::Bytes,
            limits: Limits { message: usize::MAX, ..Limits::DEFAULT },
        }
    }

    /// The same to refer to.
    pub(crate) const fn plain(protocol: Protocol) -> &'static Self {
        match protocol {
            Protocol::Binary => const { &Self::of(Protocol::Binary) },
            Protocol::Compact => const { &Self::of(Protocol::Compact) },
            Protocol::Json => const { &Self::of(Protocol::Json) },
            Protocol::SimpleJson => const { &Self::of(Protocol::SimpleJson) },
        }
    }
}
