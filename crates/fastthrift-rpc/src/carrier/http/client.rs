use std::fmt;
use std::time::Duration;

use super::HttpClient;
use super::body::Body;
use super::head::{Common, HeadEnd, MAX_HEADERS, keep_headers, parse_error};
use super::write::{fill_in_length, milliseconds, write_header, write_headers, write_length_place};
use crate::carrier::{HttpSide, Pumped};
use crate::inbound::Inbound;
use crate::outbound::Outbound;
use crate::{CallKind, ConnectionErrorKind, Headers, HeadersError, HttpError};

/// How many bytes of a refusal's text an error tells.
const MAX_TEXT: usize = 512;

/// How many interim responses may come before the one that counts.
const MAX_INTERIM: u32 = 16;

/// The client's side of HTTP: one request, then one response.
pub(crate) struct ClientHttp {
    raw: Inbound,
    /// What each request starts with.
    head: Vec<u8>,
    max_head: usize,
    max_body: usize,
    end: HeadEnd,
    state: State,
    /// What the request was whose response did not come yet.
    owed: Option<CallKind>,
    /// Whether another request may follow the response that is being received.
    keeps_alive: bool,
    /// What came with the last response.
    headers: Headers,
    interim: u32,
}

#[derive(Debug)]
enum State {
    Head,
    /// The body of a good response comes.
    Body(Body),
    /// The body of another response comes, which is told as far as it came.
    Refused(Box<Refusal>),
    /// The whole response came and was not looked at.
    Complete,
}

#[derive(Debug)]
struct Refusal {
    status: u16,
    reason: String,
    body: Body,
    text: Vec<u8>,
}

impl ClientHttp {
    pub(crate) fn new(config: &HttpClient, max_body: usize) -> Self {
        Self {
            raw: Inbound::default(),
            head: config.head(),
            max_head: config.max_head(),
            max_body,
            end: HeadEnd::default(),
            state: State::Head,
            owed: None,
            keeps_alive: true,
            headers: Headers::new(),
            interim: 0,
        }
    }

    /// Whether the response to the last request did not come, or was not looked at.
    pub(crate) fn is_owed(&self) -> bool {
        self.owed.is_some()
    }

    /// What came with the last response.
    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Appends the head of a request.
    pub(crate) fn open(
        &self,
        buffer: &mut Vec<u8>,
        headers: &Headers,
        timeout: Option<Duration>,
    ) -> Result<(), HeadersError> {
        let start = buffer.len();
        buffer.extend_from_slice(&self.head);
        if let Err(error) = write_headers(buffer, headers) {
            buffer.truncate(start);
            return Err(error);
        }
        if let Some(timeout) = timeout.filter(|_| headers.find_ignoring_case("client-timeout").is_none()) {
            write_header(buffer, "Client-Timeout", &milliseconds(timeout).to_string());
        }
        write_length_place(buffer);
        Ok(())
    }

    /// Notes that a request is ready to send.
    pub(crate) fn asked(&mut self, kind: CallKind) {
        self.owed = Some(kind);
    }

    /// What the request was whose whole response came.
    pub(crate) fn answered(&self) -> Option<CallKind> {
        if matches!(self.state, State::Complete) { self.owed } else { None }
    }

    /// Notes that the response was looked at. Whether another request may follow.
    pub(crate) fn finish(&mut self) -> bool {
        self.state = State::Head;
        self.owed = None;
        self.interim = 0;
        self.keeps_alive
    }

    /// Reads the head that the unread bytes start with.
    fn read_head(&mut self, len: usize) -> Result<State, HttpError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(&self.raw.unread()[..len]).map_err(parse_error)?;
        let (httparse::Status::Complete(_), Some(minor), Some(status)) = (parsed, response.version, response.code)
        else {
            return Err(HttpError::Head);
        };
        let Common { body, keeps_alive, is_encoded } = Common::read(minor, response.headers)?;
        if (100..200).contains(&status) && status != 101 {
            self.interim += 1;
            return if self.interim > MAX_INTERIM { Err(HttpError::Head) } else { Ok(State::Head) };
        }
        let body = match body {
            _ if status == 204 || status == 304 => Body::of_length(0),
            Some(body) => body,
            None => Body::until_close(),
        };
        self.keeps_alive = keeps_alive && !body.is_until_close();
        let is_good = status == 200 || ((200..300).contains(&status) && self.owed == Some(CallKind::Oneway));
        if !is_good {
            let reason = printable(response.reason.unwrap_or_default().as_bytes());
            return Ok(State::Refused(Box::new(Refusal { status, reason, body, text: Vec::new() })));
        }
        if is_encoded && !body.is_complete() {
            return Err(HttpError::Encoded);
        }
        body.check(self.max_body)?;
        keep_headers(&mut self.headers, response.headers)?;
        Ok(State::Body(body))
    }
}

impl HttpSide for ClientHttp {
    fn raw(&self) -> &Inbound {
        &self.raw
    }

    fn raw_mut(&mut self) -> &mut Inbound {
        &mut self.raw
    }

    fn is_drained(&self) -> bool {
        self.raw.len() == 0
    }

    fn pump(
        &mut self,
        plain: &mut Inbound,
        _outbound: &mut Outbound,
        at_eof: bool,
    ) -> Result<Pumped, ConnectionErrorKind> {
        loop {
            match &mut self.state {
                State::Complete => return Ok(Pumped::Nothing),
                State::Head => {
                    if self.raw.len() > 0 && self.owed.is_none() {
                        return Err(HttpError::Unasked.into());
                    }
                    let Some(len) = self.end.find(self.raw.unread(), self.max_head)? else {
                        return Ok(Pumped::Nothing);
                    };
                    self.state = self.read_head(len)?;
                    self.raw.consume(len);
                }
                State::Body(body) => {
                    let is_oneway = self.owed == Some(CallKind::Oneway);
                    body.take(&mut self.raw, self.max_body, |part| {
                        if !is_oneway {
                            plain.append(part);
                        }
                    })?;
                    if plain.is_exhausted() {
                        return Err(ConnectionErrorKind::OutOfMemory);
                    }
                    if !(body.is_complete() || (body.is_until_close() && at_eof)) {
                        return Ok(Pumped::Nothing);
                    }
                    self.state = State::Complete;
                    return Ok(Pumped::More);
                }
                State::Refused(refusal) => {
                    let Refusal { status, reason, body, text } = &mut **refusal;
                    let taken = body.take(&mut self.raw, self.max_body, |part| {
                        text.extend_from_slice(&part[..part.len().min(MAX_TEXT - text.len())]);
                    });
                    if taken.is_ok() && text.len() < MAX_TEXT && !body.is_complete() && !at_eof {
                        return Ok(Pumped::Nothing);
                    }
                    let reason = std::mem::take(reason);
                    return Err(HttpError::Status { status: *status, reason, text: printable(text) }.into());
                }
            }
        }
    }

    fn seal(&mut self, buffer: &mut Vec<u8>, message: usize) {
        fill_in_length(buffer, message);
    }
}

impl fmt::Debug for ClientHttp {
    /// Leaves out what may be secret: the headers of requests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { raw, state, owed, keeps_alive, .. } = self;
        f.debug_struct("ClientHttp")
            .field("raw", raw)
            .field("state", state)
            .field("owed", owed)
            .field("keeps_alive", keeps_alive)
            .finish_non_exhaustive()
    }
}

/// A peer's text for a line of an error.
fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let words = text.split(|char: char| char.is_control() || char.is_whitespace()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
