use fastthrift_protocol::{Bounded, Loss};

use super::connection::ClientConnection;
use super::in_flight::InFlight;
use crate::framing::{FRAME_HEADER, check_loss, close_message};
use crate::{CallError, CallId, CallKind, Dialect};

/// A call that is being written: its header stands in the outbound buffer, its body is the caller's to append.
///
/// Dropped without [`Self::finish`], it takes back all that was written, and the connection stays good.
#[derive(Debug)]
pub struct CallWriter<'c> {
    pub(super) connection: &'c mut ClientConnection,
    /// The call; taken by `finish`.
    pub(super) call: Option<InFlight>,
    pub(super) kind: CallKind,
    /// Where all that was written starts in the buffer.
    pub(super) start: usize,
    /// Where the message, its frame's length included, starts in the buffer.
    pub(super) message: usize,
    /// Where the body starts in the buffer.
    pub(super) body: usize,
    /// Why part of the body found no room.
    pub(super) loss: Option<Loss>,
}

impl CallWriter<'_> {
    /// The outbound buffer, to append the arguments' struct to. What stands in it already must stay.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.connection.outbound.buffer()
    }

    /// The outbound buffer's end, to append the body to; what is over the limit gets no memory, and [`Self::finish`] says so.
    #[inline]
    pub fn sink(&mut self) -> Bounded<'_> {
        let limit = self.message.saturating_add(FRAME_HEADER).saturating_add(self.connection.config.limits.message);
        Bounded::new(self.connection.outbound.buffer(), limit, &mut self.loss)
    }

    /// Where the body starts in the buffer.
    #[inline]
    pub fn body_start(&self) -> usize {
        self.body
    }

    /// Makes the call ready to send. A oneway gets an id too, but no event ever has it.
    ///
    /// Fails when the call is over the limit, and then takes back what was written.
    #[inline]
    pub fn finish(mut self) -> Result<CallId, CallError> {
        let ClientConnection { config, outbound, .. } = &mut *self.connection;
        check_loss(self.loss, config.limits.message)?;
        let dialect = Dialect { protocol: config.protocol, framing: config.framing };
        let limit = config.limits.message;
        close_message(outbound.buffer(), dialect, &config.transforms, self.message, self.body, limit)?;
        self.connection.seal(self.message, self.kind)?;
        let call = self.call.take().expect("invariant: only finish takes the call, and it takes the writer too");
        Ok(self.connection.commit(call, self.kind))
    }
}

impl Drop for CallWriter<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.connection.take_back(self.start);
            self.connection.reuse_name(call.name);
        }
    }
}
