use std::borrow::Cow;
use std::fmt;

use super::write::{is_in_value, write_header, write_headers};
use crate::{Headers, HeadersError};

/// Bytes that a head may have, unless something else is said.
const MAX_HEAD: usize = 32 << 10;

/// What a client's requests have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpClient {
    host: Cow<'static, str>,
    path: Cow<'static, str>,
    headers: Headers,
    max_head: usize,
}

/// Why requests cannot be made so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpTargetError {
    /// The host is empty, or has a character that cannot be in one.
    Host,
    /// The path does not start with `/`, or has a character that has to be escaped.
    Path,
    /// A header cannot be sent.
    Headers(HeadersError),
}

/// What a server accepts as requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpServer {
    /// The only path, without a query, that calls are taken at; others are answered 404. `None`, the default, takes calls at
    /// any path.
    pub path: Option<String>,
    /// Bytes of a request's line and headers. Default 32 KiB.
    pub max_head: usize,
}

impl HttpClient {
    /// Requests to this host, with its port unless it is the usual one, and this path, perhaps with a query. The headers go out
    /// with each call before its own; `User-Agent`, `Accept` and `Content-Type` replace what is sent otherwise.
    pub fn new(host: &str, path: &str, headers: &Headers) -> Result<Self, HttpTargetError> {
        let is_good = |byte: u8| byte.is_ascii_graphic();
        if host.is_empty() || !host.bytes().all(|byte| is_good(byte) && !b"/?#@\\".contains(&byte)) {
            return Err(HttpTargetError::Host);
        }
        if !path.starts_with('/') || !path.bytes().all(|byte| is_good(byte) && byte != b'#') {
            return Err(HttpTargetError::Path);
        }
        write_headers(&mut Vec::new(), headers).map_err(HttpTargetError::Headers)?;
        let (host, path) = (Cow::Owned(host.to_owned()), Cow::Owned(path.to_owned()));
        Ok(Self { host, path, headers: headers.clone(), max_head: MAX_HEAD })
    }

    /// Sets how many bytes the line and headers of a response may have. Default 32 KiB.
    #[must_use]
    pub fn with_max_head(self, max_head: usize) -> Self {
        Self { max_head, ..self }
    }

    pub(super) fn max_head(&self) -> usize {
        self.max_head
    }

    /// What each request starts with.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = Vec::new();
        for part in ["POST ", &self.path, " HTTP/1.1\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
        write_header(&mut head, "Host", &self.host);
        for (name, value) in [
            ("Content-Type", "application/x-thrift"),
            ("Accept", "application/x-thrift"),
            ("User-Agent", concat!("fastthrift/", env!("CARGO_PKG_VERSION"))),
        ] {
            if self.headers.find_ignoring_case(name).is_none() {
                write_header(&mut head, name, value);
            }
        }
        for (name, value) in self.headers.iter() {
            debug_assert!(value.bytes().all(is_in_value), "they were checked when this was made");
            write_header(&mut head, name, value);
        }
        head
    }
}

impl Default for HttpClient {
    /// Requests to `localhost` and `/`.
    fn default() -> Self {
        let (host, path) = (Cow::Borrowed("localhost"), Cow::Borrowed("/"));
        Self { host, path, headers: Headers::new(), max_head: MAX_HEAD }
    }
}

impl Default for HttpServer {
    fn default() -> Self {
        Self { path: None, max_head: MAX_HEAD }
    }
}

impl std::error::Error for HttpTargetError {}

impl fmt::Display for HttpTargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("expected a host and perhaps a port, got something else"),
            Self::Path => f.write_str("expected a path that starts with '/' and has everything else escaped"),
            Self::Headers(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_start_with_what_was_configured() {
        let headers = [("Authorization", "Basic eA=="), ("user-agent", "test")].into_iter().collect();
        let client = HttpClient::new("[::1]:9090", "/a/b?c=d", &headers).unwrap();
        assert_eq!(
            client.head().escape_ascii().to_string(),
            "POST /a/b?c=d HTTP/1.1\\r\\nHost: [::1]:9090\\r\\nContent-Type: application/x-thrift\\r\\n\
             Accept: application/x-thrift\\r\\nAuthorization: Basic eA==\\r\\nuser-agent: test\\r\\n"
        );
        assert!(HttpClient::default().head().starts_with(b"POST / HTTP/1.1\r\nHost: localhost\r\n"));
    }

    #[test]
    fn hosts_and_paths_that_would_be_more_than_that_are_refused() {
        let new = |host, path| HttpClient::new(host, path, Headers::none()).map(drop);
        for host in ["", "a b", "a\r\nX: y", "a/b", "user@a"] {
            assert_eq!(new(host, "/"), Err(HttpTargetError::Host), "{host:?}");
        }
        for path in ["", "a", "/a b", "/ HTTP/1.1\r\nX: y", "/\u{fc}", "/#a"] {
            assert_eq!(new("a", path), Err(HttpTargetError::Path), "{path:?}");
        }
    }
}
