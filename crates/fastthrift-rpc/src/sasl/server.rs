use std::fmt;

use super::frame::{Status, needed, next_frame, write_frame};
use super::{MAX_ROUNDS, is_mechanism};
use crate::SaslError;
use crate::inbound::Inbound;

/// How clients say who they are before their first call. Those that do not say it are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaslServer {
    mechanisms: Vec<String>,
}

impl SaslServer {
    /// Accepts these mechanisms. `None` when there are none, or when one cannot be: a name has 1 to 20 of the capital letters,
    /// digits, `-` and `_`.
    pub fn new<'n>(mechanisms: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        let mechanisms: Vec<_> = mechanisms.into_iter().map(str::to_owned).collect();
        let is_good = !mechanisms.is_empty() && mechanisms.iter().all(|name| is_mechanism(name));
        is_good.then_some(Self { mechanisms })
    }
}

/// What a client says to be judged: [accept](crate::ServerConnection::accept_peer) it,
/// [ask further](crate::ServerConnection::challenge_peer) or [refuse](crate::ServerConnection::refuse_peer) it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'c> {
    /// The mechanism, one of those that are accepted.
    pub mechanism: &'c str,
    /// The mechanism's response.
    pub response: &'c [u8],
}

impl fmt::Debug for Credentials<'_> {
    /// Leaves out the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// The response of the mechanism PLAIN (RFC 4616).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PlainCredentials<'c> {
    /// Who to act as; empty when that is the one who the name is of.
    pub authorization: &'c str,
    /// The name.
    pub username: &'c str,
    /// The password.
    pub password: &'c str,
}

impl<'c> PlainCredentials<'c> {
    /// Reads a response; `None` when it is none, or has an empty name.
    pub fn read(response: &'c [u8]) -> Option<Self> {
        let mut parts = str::from_utf8(response).ok()?.split('\0');
        let (authorization, username, password) = (parts.next()?, parts.next()?, parts.next()?);
        let is_good = parts.next().is_none() && !username.is_empty();
        is_good.then_some(Self { authorization, username, password })
    }
}

impl fmt::Debug for PlainCredentials<'_> {
    /// Leaves out the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainCredentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The server's side of a handshake that is not over.
pub(crate) struct ServerHandshake {
    config: SaslServer,
    mechanism: Option<String>,
    response: Option<Vec<u8>>,
    rounds: u32,
}

impl ServerHandshake {
    pub(crate) fn new(config: SaslServer) -> Self {
        Self { config, mechanism: None, response: None, rounds: 0 }
    }

    /// What is to be judged.
    pub(crate) fn credentials(&self) -> Option<Credentials<'_>> {
        let (mechanism, response) = (self.mechanism.as_deref()?, self.response.as_deref()?);
        Some(Credentials { mechanism, response })
    }

    /// How many bytes have to be unread for the next frame, as far as known.
    pub(crate) fn needed(&self, unread: &[u8]) -> usize {
        if self.response.is_some() { 0 } else { needed(unread) }
    }

    /// Whether the client has begun and is to go on.
    pub(crate) fn awaits_peer(&self) -> bool {
        self.mechanism.is_some() && self.response.is_none()
    }

    /// Reads what the client sent.
    pub(crate) fn receive(&mut self, inbound: &mut Inbound) -> Result<(), SaslError> {
        while self.response.is_none() {
            let Some((status, content)) = next_frame(inbound)? else { break };
            match (status, &self.mechanism) {
                (Status::Start, None) => self.mechanism = Some(self.find(&content)?),
                (Status::Ok | Status::Complete, Some(_)) => self.hear(content)?,
                (Status::Bad | Status::Error, _) => return Err(SaslError::GivenUp),
                _ => return Err(SaslError::OutOfOrder),
            }
        }
        Ok(())
    }

    /// Takes the response away, so that the next one is waited for.
    pub(crate) fn take_response(&mut self) -> bool {
        self.response.take().is_some()
    }

    /// Asks the client for another response.
    pub(crate) fn write_challenge(buffer: &mut Vec<u8>, challenge: &[u8]) {
        write_frame(buffer, Status::Ok, challenge);
    }

    /// Tells the client that calls may follow.
    pub(crate) fn write_complete(buffer: &mut Vec<u8>, last: &[u8]) {
        write_frame(buffer, Status::Complete, last);
    }

    /// Tells the client that it is refused.
    pub(crate) fn write_refusal(buffer: &mut Vec<u8>, text: &str) {
        write_frame(buffer, Status::Bad, text.as_bytes());
    }

    fn find(&self, name: &[u8]) -> Result<String, SaslError> {
        let name = String::from_utf8_lossy(name).into_owned();
        if self.config.mechanisms.contains(&name) {
            return Ok(name);
        }
        let found = name.chars().filter(|char| !char.is_control()).take(20).collect();
        Err(SaslError::Mechanism { found, expected: self.config.mechanisms.join(", ") })
    }

    fn hear(&mut self, response: Vec<u8>) -> Result<(), SaslError> {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            return Err(SaslError::TooManyRounds { limit: MAX_ROUNDS });
        }
        self.response = Some(response);
        Ok(())
    }
}

impl fmt::Debug for ServerHandshake {
    /// Leaves out the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandshake").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_response_has_three_parts_and_a_name() {
        let read = |response| PlainCredentials::read(response).map(|it| (it.authorization, it.username, it.password));
        assert_eq!(read(b"\0user\0pass word"), Some(("", "user", "pass word")));
        assert_eq!(read(b"admin\0\xc3\xbc\0"), Some(("admin", "\u{fc}", "")));
        for bad in [&b""[..], b"\0user", b"\0\0password", b"\0user\0a\0b", b"\0\xff\0password"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let plain = PlainCredentials::read(b"\0user\0hidden").unwrap();
        let credentials = Credentials { mechanism: "PLAIN", response: b"\0user\0hidden" };
        let client = crate::SaslClient::plain("user", "hidden", "").unwrap();
        assert!(!format!("{plain:?} {credentials:?} {client:?}").contains("hidden"));
    }
}
