//! What lies between the bytes on the wire and the bytes of messages.

mod zlib;

use crate::ConnectionErrorKind;
use crate::inbound::Inbound;

pub(crate) use zlib::{Zlib, starts_zlib};

/// What carries the messages' bytes of one connection.
#[derive(Debug)]
pub(crate) enum Layer {
    /// Nothing: what is received is messages, and so is what is sent.
    Direct,
    /// One compressed stream in each direction.
    Zlib(Box<Zlib>),
}

/// What came out of the bytes that were received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pumped {
    /// There are more bytes of messages.
    More,
    /// Nothing until more is received.
    Nothing,
    /// The peer said that nothing more comes.
    End,
}

impl Layer {
    /// Where received bytes go: without a carrier, to the messages' own.
    #[inline]
    pub(crate) fn raw<'i>(&'i mut self, plain: &'i mut Inbound) -> &'i mut Inbound {
        match self {
            Self::Direct => plain,
            Self::Zlib(zlib) => zlib.raw(),
        }
    }

    /// How many received bytes wait to be taken out of the carrier.
    pub(crate) fn waiting(&self) -> usize {
        match self {
            Self::Direct => 0,
            Self::Zlib(zlib) => zlib.waiting(),
        }
    }

    /// Whether all that can be taken out of the carrier was.
    pub(crate) fn is_drained(&self) -> bool {
        match self {
            Self::Direct => true,
            Self::Zlib(zlib) => zlib.is_drained(),
        }
    }

    /// Whether received bytes were dropped for want of memory.
    pub(crate) fn is_exhausted(&self) -> bool {
        match self {
            Self::Direct => false,
            Self::Zlib(zlib) => zlib.is_exhausted(),
        }
    }

    /// How many bytes of memory the received bytes take that wait in the carrier.
    pub(crate) fn capacity(&self) -> usize {
        match self {
            Self::Direct => 0,
            Self::Zlib(zlib) => zlib.capacity(),
        }
    }

    /// Takes a few more bytes of messages out of what was received.
    pub(crate) fn pump(&mut self, plain: &mut Inbound) -> Result<Pumped, ConnectionErrorKind> {
        match self {
            Self::Direct => Ok(Pumped::Nothing),
            Self::Zlib(zlib) => zlib.pump(plain),
        }
    }

    /// Gives the message that starts at `start` of the buffer and goes to its end the form in which it is carried.
    pub(crate) fn seal(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), ConnectionErrorKind> {
        match self {
            Self::Direct => Ok(()),
            Self::Zlib(zlib) => zlib.seal(buffer, start),
        }
    }
}
