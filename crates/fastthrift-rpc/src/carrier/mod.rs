//! What lies between the bytes on the wire and the bytes of messages.

mod http;
mod zlib;

use crate::ConnectionErrorKind;
use crate::inbound::Inbound;
use crate::outbound::Outbound;

pub(crate) use http::{ClientHttp, ServerHttp};
pub use http::{HttpClient, HttpServer, HttpTargetError};
pub(crate) use zlib::{Zlib, starts_zlib};

/// What carries the messages' bytes of one connection, of which `H` is this side of HTTP.
#[derive(Debug)]
pub(crate) enum Layer<H> {
    /// Nothing: what is received is messages, and so is what is sent.
    Direct,
    /// One compressed stream in each direction.
    Zlib(Box<Zlib>),
    /// A message is the body of a request or a response.
    Http(Box<H>),
}

/// What both sides of HTTP do.
pub(crate) trait HttpSide {
    /// What was received and not looked at.
    fn raw(&self) -> &Inbound;
    /// Where received bytes go.
    fn raw_mut(&mut self) -> &mut Inbound;
    /// Whether nothing was received that was not looked at.
    fn is_drained(&self) -> bool;
    /// See [`Layer::pump`].
    fn pump(
        &mut self,
        plain: &mut Inbound,
        outbound: &mut Outbound,
        at_eof: bool,
    ) -> Result<Pumped, ConnectionErrorKind>;
    /// See [`Layer::seal`].
    fn seal(&mut self, buffer: &mut Vec<u8>, message: usize);
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

impl<H: HttpSide> Layer<H> {
    /// Where received bytes go: without a carrier, to the messages' own.
    #[inline]
    pub(crate) fn raw<'i>(&'i mut self, plain: &'i mut Inbound) -> &'i mut Inbound {
        match self {
            Self::Direct => plain,
            Self::Zlib(zlib) => zlib.raw_mut(),
            Self::Http(http) => http.raw_mut(),
        }
    }

    /// What was received, from its first byte on; `None` once some of it was taken.
    pub(crate) fn beginning<'i>(&'i self, plain: &'i Inbound) -> Option<&'i [u8]> {
        let raw = self.carried().unwrap_or(plain);
        (raw.position() == 0).then(|| raw.unread())
    }

    /// How many received bytes wait to be taken out of the carrier.
    pub(crate) fn waiting(&self) -> usize {
        self.carried().map_or(0, Inbound::len)
    }

    /// Whether received bytes were dropped for want of memory.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.carried().is_some_and(Inbound::is_exhausted)
    }

    /// How many bytes of memory the received bytes take that wait in the carrier.
    pub(crate) fn capacity(&self) -> usize {
        self.carried().map_or(0, Inbound::capacity)
    }

    /// Whether all that can be taken out of the carrier was.
    pub(crate) fn is_drained(&self) -> bool {
        match self {
            Self::Direct => true,
            Self::Zlib(zlib) => zlib.is_drained(),
            Self::Http(http) => http.is_drained(),
        }
    }

    /// Takes a few more bytes of messages out of what was received. What the carrier itself has to say goes out.
    pub(crate) fn pump(
        &mut self,
        plain: &mut Inbound,
        outbound: &mut Outbound,
        at_eof: bool,
    ) -> Result<Pumped, ConnectionErrorKind> {
        match self {
            Self::Direct => Ok(Pumped::Nothing),
            Self::Zlib(zlib) => zlib.pump(plain),
            Self::Http(http) => http.pump(plain, outbound, at_eof),
        }
    }

    /// Gives the message that starts there in the buffer, and goes to its end, the form in which it is carried.
    pub(crate) fn seal(&mut self, buffer: &mut Vec<u8>, message: usize) -> Result<(), ConnectionErrorKind> {
        match self {
            Self::Direct => Ok(()),
            Self::Zlib(zlib) => zlib.seal(buffer, message),
            Self::Http(http) => {
                http.seal(buffer, message);
                Ok(())
            }
        }
    }

    /// This side of HTTP, if that carries the messages.
    pub(crate) fn http(&self) -> Option<&H> {
        if let Self::Http(http) = self { Some(http) } else { None }
    }

    /// See [`Self::http`].
    pub(crate) fn http_mut(&mut self) -> Option<&mut H> {
        if let Self::Http(http) = self { Some(http) } else { None }
    }

    fn carried(&self) -> Option<&Inbound> {
        match self {
            Self::Direct => None,
            Self::Zlib(zlib) => Some(zlib.raw()),
            Self::Http(http) => Some(http.raw()),
        }
    }
}
