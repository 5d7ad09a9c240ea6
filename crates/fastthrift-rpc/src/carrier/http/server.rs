use std::time::Duration;

use httparse::Header;

use super::HttpServer;
use super::body::Body;
use super::head::{Common, HeadEnd, MAX_HEADERS, find, keep_headers, parse_error};
use super::write::{fill_in_length, write_header, write_headers, write_length_place};
use crate::carrier::{HttpSide, Pumped};
use crate::headers::read_timeout;
use crate::inbound::Inbound;
use crate::outbound::Outbound;
use crate::{ConnectionErrorKind, Headers, HeadersError, HttpError};

/// How large the body of a refused request may be for the connection to go on behind it.
const MAX_SKIPPED: u64 = 64 << 10;

/// How many empty lines may stand before a request; RFC 9112 section 2.2 asks for one.
const MAX_BLANK: u32 = 4;

/// The server's side of HTTP: requests one after the other, each answered before the next is looked at.
#[derive(Debug)]
pub(crate) struct ServerHttp {
    raw: Inbound,
    config: HttpServer,
    max_body: usize,
    end: HeadEnd,
    blank: u32,
    state: State,
    /// What came with the request that is being received or served.
    headers: Headers,
    /// The number after `HTTP/1.` of that request.
    minor: u8,
    /// Whether another request may follow it.
    keeps_alive: bool,
    /// What the checks of health are answered with.
    is_serving: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// The body of a call comes.
    Body(Body),
    /// The body of a request comes that was answered already.
    Skip(Body),
    /// The whole body of a call came and was not looked at.
    Complete,
    /// A call waits for its answer.
    Open,
    /// No further request is looked at.
    Over,
}

/// What is to become of a request.
enum Verdict {
    Call,
    Health { with_text: bool },
    Refuse { status: u16, with_text: bool },
}

impl ServerHttp {
    pub(crate) fn new(config: HttpServer, max_body: usize) -> Self {
        Self {
            raw: Inbound::default(),
            config,
            max_body,
            end: HeadEnd::default(),
            blank: 0,
            state: State::Head,
            headers: Headers::new(),
            minor: 1,
            keeps_alive: true,
            is_serving: true,
        }
    }

    /// Sets what the checks of health are answered with.
    pub(crate) fn set_serving(&mut self, is_serving: bool) {
        self.is_serving = is_serving;
    }

    /// What came with the request that was handed out last.
    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    /// How long the client of that request waits, if it says so in a way that can be read.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        read_timeout(self.headers.find("client-timeout")?)
    }

    /// Notes that the call was handed out.
    pub(crate) fn hand_out(&mut self) {
        self.state = State::Open;
    }

    /// Whether a part of a request came and the rest did not.
    pub(crate) fn is_mid_message(&self) -> bool {
        match self.state {
            State::Head => self.raw.len() > 0,
            State::Body(_) | State::Skip(_) => true,
            State::Complete | State::Open | State::Over => false,
        }
    }

    /// Whether more should be received.
    pub(crate) fn wants_read(&self, max_inbound: usize) -> bool {
        self.raw.len() < max_inbound.max(self.config.max_head)
    }

    /// Lets no further request follow.
    pub(crate) fn close(&mut self) {
        self.keeps_alive = false;
    }

    /// Appends the head of an answer.
    pub(crate) fn open(&self, buffer: &mut Vec<u8>, headers: &Headers) -> Result<(), HeadersError> {
        let start = buffer.len();
        buffer.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-thrift\r\n");
        if let Err(error) = write_headers(buffer, headers) {
            buffer.truncate(start);
            return Err(error);
        }
        self.write_connection(buffer);
        write_length_place(buffer);
        Ok(())
    }

    /// Answers a call that gets no message.
    pub(crate) fn answer_empty(&mut self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        self.write_connection(buffer);
        buffer.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    }

    /// Notes that the call was answered. Whether another request may follow.
    pub(crate) fn answered(&mut self) -> bool {
        self.state = if self.keeps_alive { State::Head } else { State::Over };
        self.keeps_alive
    }

    /// Tells the peer why its connection ends.
    pub(crate) fn refuse(&mut self, kind: &ConnectionErrorKind, buffer: &mut Vec<u8>) {
        self.keeps_alive = false;
        self.state = State::Over;
        let status = if let ConnectionErrorKind::Http(error) = kind { error.status() } else { 400 };
        self.write_text(buffer, status, &kind.to_string(), true);
    }

    fn write_connection(&self, buffer: &mut Vec<u8>) {
        if !self.keeps_alive {
            write_header(buffer, "Connection", "close");
        } else if self.minor == 0 {
            write_header(buffer, "Connection", "keep-alive");
        }
    }

    /// Appends an answer that is no message.
    fn write_text(&self, buffer: &mut Vec<u8>, status: u16, text: &str, with_text: bool) {
        let status = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        buffer.extend_from_slice(status.as_bytes());
        if status.contains(" 405 ") {
            write_header(buffer, "Allow", "POST");
        }
        self.write_connection(buffer);
        write_header(buffer, "Content-Type", "text/plain; charset=utf-8");
        write_length_place(buffer);
        let body = buffer.len();
        buffer.extend_from_slice(text.as_bytes());
        buffer.push(b'\n');
        fill_in_length(buffer, body);
        if !with_text {
            buffer.truncate(buffer.len() - text.len() - 1);
        }
    }

    /// Reads the head that the unread bytes start with, and answers it if it is no call.
    fn read_head(&mut self, len: usize, outbound: &mut Outbound) -> Result<(), HttpError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(&self.raw.unread()[..len]).map_err(parse_error)?;
        let (httparse::Status::Complete(_), Some(minor), Some(method), Some(target)) =
            (parsed, request.version, request.method, request.path)
        else {
            return Err(HttpError::Head);
        };
        let common = Common::read(minor, request.headers)?;
        if request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host")).count() > 1 {
            return Err(HttpError::Head);
        }
        self.minor = minor;
        self.keeps_alive = common.keeps_alive;
        let expects = match find(request.headers, "expect") {
            Some(expected) if !expected.eq_ignore_ascii_case(b"100-continue") => return Err(HttpError::Refused(417)),
            expected => expected.is_some() && minor > 0,
        };
        let verdict = judge(&self.config, method, path(target), request.headers, common.is_encoded);
        if let Verdict::Call = verdict {
            keep_headers(&mut self.headers, request.headers)?;
        }
        self.raw.consume(len);
        match verdict {
            Verdict::Call => self.expect_body(common.body.ok_or(HttpError::LengthRequired)?, expects, outbound),
            Verdict::Health { with_text } => {
                let (status, text) = if self.is_serving { (200, "serving") } else { (503, "not serving") };
                self.skip_body(common.body, expects, status)?;
                self.write_text(outbound.buffer(), status, text, with_text);
                Ok(())
            }
            Verdict::Refuse { status, with_text } => {
                self.skip_body(common.body, expects, status)?;
                self.write_text(outbound.buffer(), status, &HttpError::Refused(status).to_string(), with_text);
                Ok(())
            }
        }
    }

    fn expect_body(&mut self, body: Body, expects: bool, outbound: &mut Outbound) -> Result<(), HttpError> {
        body.check(self.max_body)?;
        if expects && !body.is_complete() && self.raw.len() == 0 {
            outbound.buffer().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        self.state = State::Body(body);
        Ok(())
    }

    /// Goes on behind a request that is answered without its body being looked at; ends the connection when that is too long, or
    /// may never come.
    fn skip_body(&mut self, body: Option<Body>, expects: bool, status: u16) -> Result<(), HttpError> {
        self.state = match body {
            Some(body) if !body.is_complete() => {
                if expects || body.left().is_none_or(|left| left > MAX_SKIPPED) {
                    return Err(HttpError::Refused(status));
                }
                State::Skip(body)
            }
            _ if self.keeps_alive => State::Head,
            _ => State::Over,
        };
        Ok(())
    }

    /// Lets go of empty lines before a request.
    fn skip_blank(&mut self) -> Result<(), HttpError> {
        while self.raw.unread().starts_with(b"\r\n") {
            self.raw.consume(2);
            self.end = HeadEnd::default();
            self.blank += 1;
            if self.blank > MAX_BLANK {
                return Err(HttpError::Head);
            }
        }
        match self.raw.unread() {
            [] | [b'\r'] => Ok(()),
            [first, ..] if first.is_ascii_uppercase() => {
                self.blank = 0;
                Ok(())
            }
            _ => Err(HttpError::NotHttp),
        }
    }
}

impl HttpSide for ServerHttp {
    fn raw(&self) -> &Inbound {
        &self.raw
    }

    fn raw_mut(&mut self) -> &mut Inbound {
        &mut self.raw
    }

    fn is_drained(&self) -> bool {
        match self.state {
            State::Head => self.raw.len() == 0,
            State::Over => true,
            State::Body(_) | State::Skip(_) | State::Complete | State::Open => false,
        }
    }

    fn pump(
        &mut self,
        plain: &mut Inbound,
        outbound: &mut Outbound,
        _at_eof: bool,
    ) -> Result<Pumped, ConnectionErrorKind> {
        loop {
            match &mut self.state {
                State::Complete | State::Open => return Ok(Pumped::Nothing),
                State::Over => {
                    self.raw.consume(self.raw.len());
                    return Ok(Pumped::End);
                }
                State::Head => {
                    self.skip_blank()?;
                    let Some(len) = self.end.find(self.raw.unread(), self.config.max_head)? else {
                        return Ok(Pumped::Nothing);
                    };
                    self.read_head(len, outbound)?;
                }
                State::Body(body) => {
                    body.take(&mut self.raw, self.max_body, |part| plain.append(part))?;
                    if plain.is_exhausted() {
                        return Err(ConnectionErrorKind::OutOfMemory);
                    }
                    if !body.is_complete() {
                        return Ok(Pumped::Nothing);
                    }
                    self.state = State::Complete;
                    return Ok(Pumped::More);
                }
                State::Skip(body) => {
                    body.take(&mut self.raw, self.max_body.max(1 << 20), |_| ())?;
                    if !body.is_complete() {
                        return Ok(Pumped::Nothing);
                    }
                    self.answered();
                }
            }
        }
    }

    fn seal(&mut self, buffer: &mut Vec<u8>, message: usize) {
        fill_in_length(buffer, message);
    }
}

fn judge(config: &HttpServer, method: &str, path: &str, headers: &[Header<'_>], is_encoded: bool) -> Verdict {
    let with_text = method != "HEAD";
    if matches!(method, "GET" | "HEAD") && matches!(path, "/healthz" | "/readyz") {
        return Verdict::Health { with_text };
    }
    if config.path.as_ref().is_some_and(|only| only != path) {
        return Verdict::Refuse { status: 404, with_text };
    }
    if method != "POST" {
        return Verdict::Refuse { status: 405, with_text };
    }
    if is_encoded || find(headers, "content-type").is_some_and(is_from_a_form) {
        return Verdict::Refuse { status: 415, with_text };
    }
    Verdict::Call
}

/// Whether content of this type is no message. Clients name many types, or none; but these are what a page of another site
/// can make a browser send without asking anybody.
fn is_from_a_form(content_type: &[u8]) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    [&b"text/"[..], b"multipart/", b"application/x-www-form-urlencoded"]
        .iter()
        .any(|form| content_type.starts_with(form))
}

/// The path of a request's target, which may be a whole URL.
fn path(target: &str) -> &str {
    let behind_scheme = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://"));
    let path = behind_scheme.map_or(target, |rest| rest.find('/').map_or("/", |slash| &rest[slash..]));
    path.split(['?', '#']).next().unwrap_or_default()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Bad Request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_target_is_without_its_query_and_host() {
        assert_eq!((path("/a/b?c=/d"), path("http://host:1/a?b"), path("http://host")), ("/a/b", "/a", "/"));
        assert_eq!((path("*"), path("/")), ("*", "/"));
    }
}
