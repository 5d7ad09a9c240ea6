use fastthrift_protocol::{Bounded, Loss};

use super::{RequestId, ServerConnection};
use crate::framing::{FRAME_HEADER, check_loss, close_message};
use crate::header::Transforms;
use crate::{Dialect, ReplyError};

/// A reply that is being written: its header stands in the outbound buffer, its body is the caller's to append.
///
/// Dropped without [`Self::finish`], it takes back all that was written; the request stays open, to be answered
/// otherwise.
#[derive(Debug)]
pub struct ReplyWriter<'c> {
    pub(super) connection: &'c mut ServerConnection,
    pub(super) request: RequestId,
    pub(super) dialect: Dialect,
    pub(super) transforms: Transforms,
    /// Where all that was written starts in the buffer.
    pub(super) start: usize,
    /// Where the message, its frame's length included, starts in the buffer.
    pub(super) message: usize,
    /// Where the body starts in the buffer.
    pub(super) body: usize,
    /// Why part of the body found no room.
    pub(super) loss: Option<Loss>,
    pub(super) is_finished: bool,
}

impl ReplyWriter<'_> {
    /// The outbound buffer, to append the result's struct to. What stands in it already must stay.
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

    /// Makes the reply ready to send and closes the request.
    ///
    /// Fails when the reply is over the limit, and then takes back what was written; the request stays open.
    #[inline]
    pub fn finish(mut self) -> Result<(), ReplyError> {
        let limit = self.connection.config.limits.message;
        check_loss(self.loss, limit)?;
        let buffer = self.connection.outbound.buffer();
        close_message(buffer, self.dialect, &self.transforms, self.message, self.body, limit)?;
        self.connection.seal(self.message)?;
        self.is_finished = true;
        self.connection.close(self.request);
        Ok(())
    }
}

impl Drop for ReplyWriter<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.connection.take_back(self.start);
        }
    }
}
