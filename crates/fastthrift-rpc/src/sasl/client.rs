use std::fmt;

use super::frame::{Status, next_frame, write_frame};
use super::{MAX_ROUNDS, PLAIN, is_mechanism};
use crate::SaslError;
use crate::inbound::Inbound;
use crate::outbound::Outbound;

/// How a client says who it is before its first call.
#[derive(Clone, PartialEq, Eq)]
pub struct SaslClient {
    mechanism: String,
    initial: Vec<u8>,
}

impl SaslClient {
    /// A mechanism whose first response is this. What the server asks next is given by
    /// [`crate::ClientConnection::challenge`]. `None` when there can be no such mechanism: a name has 1 to 20 of the capital
    /// letters, digits, `-` and `_`.
    pub fn new(mechanism: &str, initial: Vec<u8>) -> Option<Self> {
        is_mechanism(mechanism).then(|| Self { mechanism: mechanism.to_owned(), initial })
    }

    /// A name and a password (RFC 4616), and who to act as if that is another. They are readable to whoever sees the bytes, so
    /// the connection should be TLS. `None` when one of them has a NUL.
    pub fn plain(username: &str, password: &str, authorization: &str) -> Option<Self> {
        let parts = [authorization, username, password];
        let is_good = parts.iter().all(|part| !part.contains('\0'));
        is_good.then(|| Self { mechanism: PLAIN.to_owned(), initial: parts.join("\0").into_bytes() })
    }
}

impl fmt::Debug for SaslClient {
    /// Leaves out the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslClient").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// The client's side of a handshake that is not over.
pub(crate) struct ClientHandshake {
    outbound: Outbound,
    is_plain: bool,
    rounds: u32,
    challenge: Option<Challenge>,
}

struct Challenge {
    content: Vec<u8>,
    /// The server is content, and only tells who it is.
    is_last: bool,
}

/// How a handshake goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// More has to come, or be answered.
    Waits,
    /// Calls may be sent.
    Over,
}

impl ClientHandshake {
    pub(crate) fn new(config: &SaslClient) -> Self {
        let SaslClient { mechanism, initial } = config;
        let mut outbound = Outbound::default();
        write_frame(outbound.buffer(), Status::Start, mechanism.as_bytes());
        write_frame(outbound.buffer(), Status::Ok, initial);
        Self { outbound, is_plain: mechanism == PLAIN, rounds: 0, challenge: None }
    }

    pub(crate) fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    pub(crate) fn outbound_mut(&mut self) -> &mut Outbound {
        &mut self.outbound
    }

    /// What the server asks of the mechanism.
    pub(crate) fn challenge(&self) -> Option<&[u8]> {
        self.challenge.as_ref().map(|challenge| &challenge.content[..])
    }

    /// Gives the mechanism's response to the challenge, if there is one.
    pub(crate) fn respond(&mut self, response: &[u8]) -> Step {
        match self.challenge.take() {
            None => Step::Waits,
            Some(Challenge { is_last: true, .. }) => Step::Over,
            Some(Challenge { is_last: false, .. }) => {
                write_frame(self.outbound.buffer(), Status::Ok, response);
                Step::Waits
            }
        }
    }

    /// Reads what the server sent.
    pub(crate) fn receive(&mut self, inbound: &mut Inbound) -> Result<Step, SaslError> {
        while self.challenge.is_none() {
            let Some((status, content)) = next_frame(inbound)? else { break };
            if !self.outbound.pending().is_empty() {
                return Err(SaslError::Early);
            }
            self.rounds += 1;
            if self.rounds > MAX_ROUNDS {
                return Err(SaslError::TooManyRounds { limit: MAX_ROUNDS });
            }
            match status {
                Status::Complete if self.is_plain || content.is_empty() => return Ok(Step::Over),
                Status::Complete => self.challenge = Some(Challenge { content, is_last: true }),
                Status::Ok if !self.is_plain => self.challenge = Some(Challenge { content, is_last: false }),
                // A server without an empty message to end with asks once more for what it has.
                Status::Ok if content.is_empty() => write_frame(self.outbound.buffer(), Status::Ok, b""),
                Status::Bad | Status::Error => return Err(SaslError::Refused(printable(&content))),
                Status::Ok | Status::Start => return Err(SaslError::OutOfOrder),
            }
        }
        Ok(Step::Waits)
    }
}

impl fmt::Debug for ClientHandshake {
    /// Leaves out the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHandshake").field("rounds", &self.rounds).finish_non_exhaustive()
    }
}

/// A peer's text for an error, as far as it is short.
fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().filter(|char| !char.is_control()).take(512).collect()
}
