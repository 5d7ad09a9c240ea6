//! The heads of HTTP messages: where they end, and what they say of the body behind them.

use httparse::Header;

use super::body::Body;
use crate::{Headers, HeadersError, HttpError};

/// How many headers a head may have.
pub(super) const MAX_HEADERS: usize = 100;

/// Headers that are about the connection and not about the message; they are nobody's metadata.
const OWN: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Finds the end of a head, and looks at each byte once.
#[derive(Debug, Default)]
pub(super) struct HeadEnd {
    seen: usize,
}

impl HeadEnd {
    /// How long the head is that the unread bytes start with; `None` while it has not ended.
    ///
    /// Lines end with CR LF alone: where one side takes LF for an end and the other does not, one request can be hidden
    /// in another.
    pub(super) fn find(&mut self, unread: &[u8], limit: usize) -> Result<Option<usize>, HttpError> {
        while let Some(offset) = unread[self.seen..].iter().position(|byte| *byte == b'\n') {
            let end = self.seen + offset + 1;
            let Some(line) = unread[..end].strip_suffix(b"\r\n") else { return Err(HttpError::Head) };
            if end > limit {
                return Err(HttpError::HeadTooLarge { limit });
            }
            self.seen = end;
            if line.ends_with(b"\r\n") {
                self.seen = 0;
                return Ok(Some(end));
            }
        }
        self.seen = unread.len();
        if unread.len() > limit { Err(HttpError::HeadTooLarge { limit }) } else { Ok(None) }
    }
}

/// What a head says that both sides need to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common {
    /// The body, as far as the head says one comes.
    pub(super) body: Option<Body>,
    /// Whether the connection stays open after it.
    pub(super) keeps_alive: bool,
    /// Whether the content is compressed or otherwise not what it is.
    pub(super) is_encoded: bool,
}

impl Common {
    /// Reads what a head of HTTP 1.`minor` says, and refuses what could be understood in two ways.
    pub(super) fn read(minor: u8, headers: &[Header<'_>]) -> Result<Self, HttpError> {
        let (mut length, mut is_chunked, mut keeps_alive, mut is_encoded) = (None, false, minor > 0, false);
        for Header { name, value } in headers {
            let value = value.trim_ascii();
            if name.eq_ignore_ascii_case("content-length") {
                let read = parse_length(value).ok_or(HttpError::Length)?;
                if length.replace(read).is_some() {
                    return Err(HttpError::Length);
                }
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                if is_chunked || minor == 0 || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(HttpError::TransferEncoding);
                }
                is_chunked = true;
            } else if name.eq_ignore_ascii_case("connection") {
                for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                    if option.eq_ignore_ascii_case(b"close") {
                        keeps_alive = false;
                    } else if option.eq_ignore_ascii_case(b"keep-alive") && minor == 0 {
                        keeps_alive = true;
                    }
                }
            } else if name.eq_ignore_ascii_case("content-encoding") {
                is_encoded |= !value.eq_ignore_ascii_case(b"identity");
            }
        }
        let body = match (length, is_chunked) {
            (Some(_), true) => return Err(HttpError::Length),
            (Some(length), false) => Some(Body::of_length(length)),
            (None, true) => Some(Body::chunked()),
            (None, false) => None,
        };
        Ok(Self { body, keeps_alive, is_encoded })
    }
}

/// Fills in the headers that are metadata, their names in small letters.
pub(super) fn keep_headers(kept: &mut Headers, headers: &[Header<'_>]) -> Result<(), HttpError> {
    kept.clear();
    for Header { name, value } in headers {
        let name = name.to_ascii_lowercase();
        if !OWN.contains(&&name[..]) {
            kept.push_bytes(name.as_bytes(), value.trim_ascii());
        }
    }
    let (size, limit) = (kept.size(), Headers::MAX_BYTES);
    if size > limit { Err(HttpError::Headers(HeadersError::TooLarge { size, limit })) } else { Ok(()) }
}

/// The value of the first header with this name.
pub(super) fn find<'h>(headers: &[Header<'h>], name: &str) -> Option<&'h [u8]> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.trim_ascii())
}

/// What is wrong with a head that could not be parsed.
pub(super) fn parse_error(error: httparse::Error) -> HttpError {
    match error {
        httparse::Error::TooManyHeaders => HttpError::TooManyHeaders { limit: MAX_HEADERS },
        httparse::Error::Version => HttpError::Version,
        _ => HttpError::Head,
    }
}

/// A length: digits and nothing else.
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(minor: u8, headers: &[(&'static str, &'static str)]) -> Result<Common, HttpError> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        Common::read(minor, &headers)
    }

    #[test]
    fn a_head_ends_where_it_does_at_every_split() {
        let head = b"POST / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n";
        for split in 0..28 {
            let mut end = HeadEnd::default();
            assert_eq!(end.find(&head[..split], 100), Ok(None));
            assert_eq!(end.find(head, 100), Ok(Some(28)));
        }
    }

    #[test]
    fn a_head_over_its_limit_or_with_other_line_ends_is_refused() {
        let too_large = Err(HttpError::HeadTooLarge { limit: 20 });
        assert_eq!(HeadEnd::default().find(&[b'a'; 21], 20), too_large);
        assert_eq!(HeadEnd::default().find(b"GET / HTTP/1.1\r\nA: b\r\n\r\n", 20), too_large);
        assert_eq!(HeadEnd::default().find(b"GET / HTTP/1.1\n\n", 20), Err(HttpError::Head));
        assert_eq!(HeadEnd::default().find(b"\nGET", 20), Err(HttpError::Head));
    }

    #[test]
    fn lengths_that_can_be_understood_in_two_ways_are_refused() {
        for headers in [
            &[("Content-Length", "5"), ("content-length", "5")][..],
            &[("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
            &[("Content-Length", "5, 5")],
            &[("Content-Length", "+5")],
            &[("Content-Length", "")],
            &[("Content-Length", "99999999999999999999")],
        ] {
            assert_eq!(common(1, headers).map(drop), Err(HttpError::Length), "{headers:?}");
        }
        for headers in [
            &[("Transfer-Encoding", "gzip, chunked")][..],
            &[("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
            &[("Transfer-Encoding", "identity")],
            &[("Transfer-Encoding", "\x0bchunked")],
        ] {
            assert_eq!(common(1, headers).map(drop), Err(HttpError::TransferEncoding), "{headers:?}");
        }
        assert_eq!(common(0, &[("Transfer-Encoding", "chunked")]).map(drop), Err(HttpError::TransferEncoding));
    }

    #[test]
    fn a_connection_stays_open_as_its_version_says_unless_a_header_does() {
        let keeps = |minor, value| common(minor, &[("Connection", value)]).unwrap().keeps_alive;
        assert!(keeps(1, "") && !keeps(0, ""));
        assert!(!keeps(1, "upgrade, Close") && keeps(0, "Keep-Alive"));
        assert!(!keeps(1, "close, keep-alive"));
    }
}
