//! The heads that this side writes.

use std::time::Duration;

use crate::{Headers, HeadersError};

/// Where the length of the body is filled in when it is known. No message has more digits.
const LENGTH_PLACE: &[u8] = b"0000000000\r\n\r\n";

/// Headers that this side writes itself, or that would change where a body ends.
const RESERVED: [&str; 7] =
    ["connection", "content-length", "expect", "host", "transfer-encoding", "trailer", "upgrade"];

/// Appends these headers after having checked that each stays one.
pub(super) fn write_headers(buffer: &mut Vec<u8>, headers: &Headers) -> Result<(), HeadersError> {
    let (count, limit) = (headers.len(), Headers::MAX_LEN);
    if count > limit {
        return Err(HeadersError::TooMany { count, limit });
    }
    let (size, limit) = (headers.size(), Headers::MAX_BYTES);
    if size > limit {
        return Err(HeadersError::TooLarge { size, limit });
    }
    for (index, (name, value)) in headers.iter().enumerate() {
        if name.is_empty() || !name.bytes().all(is_token) || !value.bytes().all(is_in_value) {
            return Err(HeadersError::NotForHttp { index });
        }
        if RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
            return Err(HeadersError::Reserved { index });
        }
        write_header(buffer, name, value);
    }
    Ok(())
}

/// Appends a header that is known to be good.
pub(super) fn write_header(buffer: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        buffer.extend_from_slice(part.as_bytes());
    }
}

/// A time in whole milliseconds, rounded up, so that what is left of one is never said to be none.
pub(super) fn milliseconds(time: Duration) -> u128 {
    time.as_nanos().div_ceil(1_000_000)
}

/// Ends a head before a body whose length is not known yet.
pub(super) fn write_length_place(buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(b"Content-Length: ");
    buffer.extend_from_slice(LENGTH_PLACE);
}

/// Fills in the length of the body that starts at `body` of the buffer and goes to its end, and has
/// [its place](write_length_place) right before it.
pub(super) fn fill_in_length(buffer: &mut Vec<u8>, body: usize) {
    let digits = (buffer.len() - body).to_string();
    let place = body - LENGTH_PLACE.len();
    let end = place + digits.len();
    buffer[place..end].copy_from_slice(digits.as_bytes());
    let unused = body - b"\r\n\r\n".len();
    buffer.copy_within(unused.., end);
    buffer.truncate(buffer.len() - (unused - end));
}

/// Whether a header's name may have this byte.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a header's value may have this byte.
pub(super) fn is_in_value(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_filled_in_without_a_gap() {
        for (body, length) in [(&b""[..], "0"), (b"seven..", "7"), (&[b'x'; 1234], "1234")] {
            let mut buffer = b"before".to_vec();
            write_length_place(&mut buffer);
            let start = buffer.len();
            buffer.extend_from_slice(body);
            fill_in_length(&mut buffer, start);
            let expected = [b"beforeContent-Length: ", length.as_bytes(), b"\r\n\r\n", body].concat();
            assert_eq!(buffer, expected);
        }
    }

    #[test]
    fn headers_that_would_be_more_than_one_are_refused() {
        let write = |name, value| write_headers(&mut Vec::new(), &[("a", "b"), (name, value)].into_iter().collect());
        assert_eq!(write("x-trace", "a b\tc \u{fc}"), Ok(()));
        for (name, value) in
            [("a", "b\r\nc: d"), ("a", "b\n"), ("a\r\nb", "c"), ("a b", "c"), ("", "c"), ("a:", "c"), ("a", "\0")]
        {
            assert_eq!(write(name, value), Err(HeadersError::NotForHttp { index: 1 }), "{name:?}: {value:?}");
        }
        assert_eq!(write("Transfer-encoding", "chunked"), Err(HeadersError::Reserved { index: 1 }));
    }

    #[test]
    fn a_time_that_is_left_is_never_none() {
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_millis(1500)), 1500);
    }
}
