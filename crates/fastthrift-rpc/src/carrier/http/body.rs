//! The bodies of HTTP messages, taken out of the bytes that carry them.

use crate::inbound::Inbound;
use crate::{ConnectionErrorKind, HttpError};

/// Bytes of the line that a chunk starts with, what some peers add to it included.
const MAX_CHUNK_LINE: usize = 256;

/// Bytes of all that may follow the last chunk.
const MAX_TRAILERS: usize = 8 << 10;

/// A body that is being received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Body {
    form: Form,
    /// Bytes that came.
    received: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// So many bytes have to come.
    Length(u64),
    /// The line comes that a chunk starts with.
    ChunkLine,
    /// So many bytes of a chunk have to come.
    Chunk(u64),
    /// The end of a chunk's line comes.
    ChunkEnd,
    /// The lines after the last chunk come, of which so many bytes came.
    Trailers(usize),
    /// All until the end of the connection.
    UntilClose,
    Complete,
}

impl Body {
    pub(super) fn of_length(length: u64) -> Self {
        Self { form: if length == 0 { Form::Complete } else { Form::Length(length) }, received: 0 }
    }

    pub(super) fn chunked() -> Self {
        Self { form: Form::ChunkLine, received: 0 }
    }

    pub(super) fn until_close() -> Self {
        Self { form: Form::UntilClose, received: 0 }
    }

    /// Whether all of it came.
    pub(super) fn is_complete(self) -> bool {
        self.form == Form::Complete
    }

    /// Whether only the end of the connection ends it.
    pub(super) fn is_until_close(self) -> bool {
        self.form == Form::UntilClose
    }

    /// How many bytes have to come, where that is known.
    pub(super) fn left(self) -> Option<u64> {
        match self.form {
            Form::Length(left) => Some(left),
            Form::Complete => Some(0),
            _ => None,
        }
    }

    /// Refuses a body that is known to be over the limit.
    pub(super) fn check(self, limit: usize) -> Result<(), HttpError> {
        self.check_more(self.left().unwrap_or(0), limit)
    }

    /// Moves what came of the body to its place, and what is around it away. No more than `limit` bytes belong to it.
    pub(super) fn take(
        &mut self,
        raw: &mut Inbound,
        limit: usize,
        mut place: impl FnMut(&[u8]),
    ) -> Result<(), ConnectionErrorKind> {
        while raw.len() > 0 {
            match self.form {
                Form::Complete => break,
                Form::Length(left) => {
                    let left = self.take_part(raw, left, &mut place);
                    self.form = if left == 0 { Form::Complete } else { Form::Length(left) };
                }
                Form::Chunk(left) => {
                    let left = self.take_part(raw, left, &mut place);
                    self.form = if left == 0 { Form::ChunkEnd } else { Form::Chunk(left) };
                }
                Form::UntilClose => {
                    self.check_more(u64::try_from(raw.len()).unwrap_or(u64::MAX), limit)?;
                    self.take_part(raw, u64::MAX, &mut place);
                }
                Form::ChunkLine | Form::ChunkEnd | Form::Trailers(_) => {
                    let Some(len) = line(raw.unread())? else { break };
                    let content = &raw.unread()[..len - 2];
                    self.form = self.after_line(content, limit)?;
                    raw.consume(len);
                }
            }
        }
        Ok(())
    }

    /// Takes as much of these `left` bytes as came; how many are left then.
    fn take_part(&mut self, raw: &mut Inbound, left: u64, place: &mut impl FnMut(&[u8])) -> u64 {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(raw.len());
        place(&raw.unread()[..count]);
        raw.consume(count);
        let count = u64::try_from(count).unwrap_or(left);
        self.received += count;
        left - count
    }

    /// What comes after a line with this content.
    fn after_line(&self, content: &[u8], limit: usize) -> Result<Form, HttpError> {
        match self.form {
            Form::ChunkLine => match chunk_size(content).ok_or(HttpError::Chunk)? {
                0 => Ok(Form::Trailers(0)),
                size => {
                    self.check_more(size, limit)?;
                    Ok(Form::Chunk(size))
                }
            },
            Form::Trailers(_) if content.is_empty() => Ok(Form::Complete),
            Form::Trailers(before) if before + content.len() <= MAX_TRAILERS => {
                // A line counts even if it is short: else there could be any number of them.
                Ok(Form::Trailers(before + content.len() + 2))
            }
            Form::ChunkEnd if content.is_empty() => Ok(Form::ChunkLine),
            _ => Err(HttpError::Chunk),
        }
    }

    fn check_more(self, more: u64, limit: usize) -> Result<(), HttpError> {
        let size = self.received.saturating_add(more);
        if usize::try_from(size).is_ok_and(|size| size <= limit) {
            Ok(())
        } else {
            Err(HttpError::BodyTooLarge { limit })
        }
    }
}

/// How long the line is that these bytes start with, its end included; `None` while it has not ended.
fn line(unread: &[u8]) -> Result<Option<usize>, HttpError> {
    let window = &unread[..unread.len().min(MAX_CHUNK_LINE)];
    let Some(end) = window.iter().position(|byte| *byte == b'\r') else {
        let is_bad = window.len() == MAX_CHUNK_LINE || window.contains(&b'\n');
        return if is_bad { Err(HttpError::Chunk) } else { Ok(None) };
    };
    if window[..end].contains(&b'\n') {
        return Err(HttpError::Chunk);
    }
    match window.get(end + 1) {
        None if window.len() < MAX_CHUNK_LINE => Ok(None),
        Some(b'\n') => Ok(Some(end + 2)),
        _ => Err(HttpError::Chunk),
    }
}

/// The size that a chunk's line says: hexadecimal digits, then nothing, or an extension that is ignored.
fn chunk_size(content: &[u8]) -> Option<u64> {
    let digits = content.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = content.split_at(digits);
    let extension = rest.trim_ascii_start();
    if digits.is_empty() || digits.len() > 15 || !(rest.is_empty() || extension.starts_with(b";")) {
        return None;
    }
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, how many bytes were left, and whether it is complete.
    fn take(mut body: Body, bytes: &[u8], size: usize, limit: usize) -> Result<(Vec<u8>, usize, bool), HttpError> {
        let (mut raw, mut taken) = (Inbound::default(), Vec::new());
        for piece in bytes.chunks(size) {
            raw.append(piece);
            body.take(&mut raw, limit, |part| taken.extend_from_slice(part)).map_err(|error| match error {
                ConnectionErrorKind::Http(error) => error,
                other => panic!("{other}"),
            })?;
            assert!(raw.len() < MAX_CHUNK_LINE || body.is_complete());
        }
        Ok((taken, raw.len(), body.is_complete()))
    }

    #[test]
    fn a_body_of_a_known_length_ends_there() {
        for size in 1..12 {
            assert_eq!(take(Body::of_length(5), b"hello POST", size, 5), Ok((b"hello".to_vec(), 5, true)));
        }
        assert_eq!(take(Body::of_length(5), b"hell", 9, 5), Ok((b"hell".to_vec(), 0, false)));
        assert!(Body::of_length(0).is_complete());
        assert_eq!(Body::of_length(6).check(5), Err(HttpError::BodyTooLarge { limit: 5 }));
        assert_eq!(
            Body::of_length(u64::MAX).check(usize::MAX - 1),
            Err(HttpError::BodyTooLarge { limit: usize::MAX - 1 })
        );
    }

    #[test]
    fn chunks_are_joined_however_they_are_split() {
        let bytes = b"5\r\nhello\r\n00B ;a=\"b\"\r\n, my world!\r\n0\r\nTrailer: x\r\n\r\nPOST";
        for size in 1..bytes.len() {
            assert_eq!(take(Body::chunked(), bytes, size, 16), Ok((b"hello, my world!".to_vec(), 4, true)));
        }
    }

    #[test]
    fn broken_chunks_are_refused() {
        for bytes in [
            &b"\r\n"[..],
            b"-1\r\n",
            b"0x5\r\nhello",
            b"5\nhello\n0\n\n",
            b"5\r\nhello0\r\n\r\n",
            b"5\r\nhello\r\r\n",
            b"5 5\r\nhello",
            b"5\rhello",
            b"1000000000000000\r\n",
            &[b'0'; 300],
            &[b"5;".to_vec(), vec![b'x'; 300]].concat(),
        ] {
            assert_eq!(take(Body::chunked(), bytes, 7, usize::MAX), Err(HttpError::Chunk), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn chunks_and_trailers_without_end_are_refused_before_they_are_held() {
        let too_large = Err(HttpError::BodyTooLarge { limit: 8 });
        assert_eq!(take(Body::chunked(), b"5\r\nhello\r\n4\r\n", 3, 8), too_large);
        assert_eq!(take(Body::chunked(), b"fffffffffffffff\r\n", 3, 8), too_large);
        assert_eq!(take(Body::until_close(), b"123456789", 3, 8), too_large);
        let trailers = [b"0\r\n".to_vec(), b"A: b\r\n".repeat(2000)].concat();
        assert_eq!(take(Body::chunked(), &trailers, 100, 8), Err(HttpError::Chunk));
        let empty_names = [b"0\r\n".to_vec(), b"x\r\n".repeat(9000)].concat();
        assert_eq!(take(Body::chunked(), &empty_names, 100, 8), Err(HttpError::Chunk));
    }
}
