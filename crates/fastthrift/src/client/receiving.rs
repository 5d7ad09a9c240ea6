//! Receiving for a connection: by its task, or by the only caller who waits.

use std::io;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fastthrift_rpc::LargeMessage;

use super::connection::{Connection, Outcome, ReadReply};
use super::state::{Shared, notify};
use crate::sync::MutexGuard;
use crate::transport::ReadSide;

/// Bytes to receive at once.
const READ_SIZE: usize = 16 << 10;

/// How many times it is received before others have their turn.
const READS_A_TURN: usize = 8;

/// What is received from, and into.
#[derive(Debug)]
pub(super) struct Receiver {
    stream: Option<ReadSide>,
    buffer: Vec<u8>,
    /// Instead, what of a large message came.
    large: Option<LargeMessage>,
    /// Wakes whoever receives when something comes.
    waker: Waker,
}

/// What came of receiving.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they say different things")]
pub(super) struct Received {
    /// Whether there may be more. Otherwise who receives is woken when more comes.
    pub(super) is_part: bool,
    /// Whether the connection can carry another call, and is to be given back.
    pub(super) is_returned: bool,
    /// Whether there is room again for calls that wait to be begun.
    pub(super) has_room: bool,
    /// Whether the connection ends.
    pub(super) is_done: bool,
    /// Whether what came made something to send.
    owes_bytes: bool,
    /// The outcome of the caller's own call.
    outcome: Option<Outcome>,
}

impl Receiver {
    pub(super) fn new(stream: ReadSide, shared: &Arc<Shared>) -> Self {
        Self { stream: Some(stream), buffer: vec![0; READ_SIZE], large: None, waker: Waker::from(Arc::clone(shared)) }
    }

    /// Does something with the stream, which fails once it was closed.
    #[inline]
    fn with<R>(
        &mut self,
        act: impl FnOnce(&mut ReadSide, &mut Context<'_>, &mut [u8]) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let Self { stream, buffer, large, waker } = self;
        let buffer = large.as_mut().map_or(&mut buffer[..], LargeMessage::receive_buffer);
        match stream {
            Some(stream) => act(stream, &mut Context::from_waker(waker), buffer),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Notes what was received, if that is a part of a large message of which more has to come.
    #[inline]
    fn takes_part(&mut self, received: &io::Result<usize>) -> bool {
        match (&mut self.large, received) {
            (Some(large), Ok(count @ 1..)) => {
                large.received(*count);
                !large.is_over()
            }
            _ => false,
        }
    }
}

impl Connection {
    /// Receives what came, hands it out, and collects who waits for it; the reply to one's own call is read here.
    pub(super) fn receive(&self, mut own: Option<(u64, &mut ReadReply<'_>)>, wakers: &mut Vec<Waker>) -> Received {
        let mut came = Received::default();
        let mut receiver = self.receiver();
        for _ in 0..READS_A_TURN {
            // After one that gave less than there was room for, this asks no system, and only lets the reader be woken.
            let Poll::Ready(count) = receiver.with(ReadSide::poll_receive) else {
                return came;
            };
            if receiver.takes_part(&count) {
                continue;
            }
            let mut state = self.lock();
            match (receiver.large.take(), count) {
                (None, count) => state.feed(count.map(|count| &receiver.buffer[..count])),
                (Some(large), count) => state.feed_large(large, count),
            }
            if let Some((call, read)) = &mut own {
                came.outcome = state.read_usual(*call, *read);
            }
            if came.outcome.is_none() || state.rpc.reply_len() > 0 {
                state.dispatch(Duration::ZERO, wakers);
                receiver.large = state.rpc.begin_large();
            }
            came.is_returned |= state.take_back();
            came.has_room |= state.take_room();
            came.is_done = state.is_done();
            came.owes_bytes = state.owes_bytes();
            if let (Some((call, _)), None) = (&own, &came.outcome) {
                came.outcome = state.take_outcome(*call);
            }
            if came.outcome.is_some() {
                own = None;
            }
            if came.is_done {
                return came;
            }
        }
        came.is_part = true;
        came
    }

    /// Receives for the only caller who waits, and gives the outcome of its call, if it is over.
    pub(super) fn receive_alone(self: &Arc<Self>, call: u64, read: &mut ReadReply<'_>) -> Option<Outcome> {
        let mut wakers = Vec::new();
        let received = self.receive(Some((call, read)), &mut wakers);
        let Received { is_part, is_returned, has_room, is_done, owes_bytes, outcome } = received;
        if is_part || is_done || owes_bytes {
            self.go_on(call, is_done || owes_bytes);
        }
        if is_returned {
            self.give_back();
        }
        if has_room {
            self.tell_of_room();
        }
        wakers.into_iter().for_each(Waker::wake);
        outcome
    }

    /// Lets the caller receive again, or the task if that is not the only one any more, or there is something to do for the task.
    #[cold]
    fn go_on(&self, call: u64, needs_driver: bool) {
        let mut state = self.lock();
        if state.reader == Some(call) && !needs_driver {
            state.has_arrived = true;
        } else {
            notify(state);
        }
    }

    /// Sends what there is room for.
    pub(super) fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &self.direct {
            Some(direct) => direct.poll_send(cx, bytes),
            None => self.receiver().with(|stream, cx, _| stream.poll_send(cx, bytes)),
        }
    }

    /// Sends what the stream itself holds back.
    pub(super) fn poll_flush(&self) -> Poll<io::Result<()>> {
        match &self.direct {
            Some(_) => Poll::Ready(Ok(())),
            None => self.receiver().with(|stream, cx, _| stream.poll_flush(cx)),
        }
    }

    /// Receives nothing any more, and lets the peer know that nothing more comes.
    pub(super) fn hang_up(&self) {
        let stream = self.receiver().stream.take();
        if let Some(mut stream) = stream {
            stream.end_now(&mut Context::from_waker(Waker::noop()));
        }
    }

    fn receiver(&self) -> MutexGuard<'_, Receiver> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
