//! Until when a peer has to do something.

use std::time::{Duration, Instant};

use super::connection::Timeouts;

/// What a connection did lately; of two, the greater one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    None,
    /// Bytes were received or sent.
    Bytes,
    /// A request was served.
    Request,
}

/// What a peer has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Nothing: it waits for this side.
    Wait,
    /// To take what is sent.
    Take,
    /// To send the rest of a message.
    Finish,
    /// To send a request, when it likes.
    Ask,
}

/// Keeps the time of one peer; it looks at no clock.
pub(crate) struct Patience {
    /// What happened since the last look.
    progress: Progress,
    last_active: Instant,
    message_since: Option<Instant>,
}

impl Patience {
    pub(crate) fn new(now: Instant) -> Self {
        Self { progress: Progress::None, last_active: now, message_since: None }
    }

    /// Notes that bytes were received or sent.
    #[inline]
    pub(crate) fn saw_bytes(&mut self) {
        self.progress = self.progress.max(Progress::Bytes);
    }

    /// Notes that a request was served.
    #[inline]
    pub(crate) fn served(&mut self) {
        self.progress = Progress::Request;
    }

    /// Whether a request was served since the last look.
    pub(crate) fn just_served(&self) -> bool {
        self.progress == Progress::Request
    }

    /// When the connection will have been quiet for so long, if nothing happens.
    pub(crate) fn calm_at(&self, calm: Duration) -> Option<Instant> {
        self.last_active.checked_add(calm)
    }

    /// Takes what happened since the last look as of now, and returns by when the peer has to have done its duty.
    pub(crate) fn deadline(&mut self, duty: Duty, now: Instant, timeouts: &Timeouts) -> Option<Instant> {
        let progress = std::mem::replace(&mut self.progress, Progress::None);
        if progress > Progress::None {
            self.last_active = now;
        }
        if progress == Progress::Request {
            self.message_since = None;
        }
        let (limit, since): (Option<Duration>, _) = match duty {
            Duty::Wait => {
                self.last_active = now;
                return None;
            }
            Duty::Take => (timeouts.message, self.last_active),
            Duty::Finish => (timeouts.message, *self.message_since.get_or_insert(now)),
            Duty::Ask => {
                self.message_since = None;
                (timeouts.idle, self.last_active)
            }
        };
        limit.and_then(|limit| since.checked_add(limit))
    }
}
