use fastthrift_protocol::Loss;

use crate::header::{HeaderFrame, open_frame, payload_start};
use crate::{CallError, ConnectionErrorKind, Dialect, Framing, HeadersError, ReplyError, Transform};

/// Bytes of a frame's length.
pub(crate) const FRAME_HEADER: usize = 4;

/// The size that a frame's first bytes announce.
#[inline]
pub(crate) fn frame_size(length: [u8; FRAME_HEADER], limit: usize) -> Result<usize, ConnectionErrorKind> {
    let length = i32::from_be_bytes(length);
    match usize::try_from(length) {
        Ok(0) | Err(_) => Err(ConnectionErrorKind::FrameLength(length)),
        Ok(size) if size > limit => Err(ConnectionErrorKind::FrameTooLarge { size, limit }),
        Ok(size) => Ok(size),
    }
}

/// Writes what stands before a message: the place of a frame's length, and what the Header transport has there. Writes
/// nothing when there are too many headers.
#[inline]
pub(crate) fn open_message<'h>(
    buffer: &mut Vec<u8>,
    framing: Framing,
    header: impl FnOnce() -> HeaderFrame<'h>,
) -> Result<(), HeadersError> {
    match framing {
        Framing::Framed => buffer.extend_from_slice(&[0; FRAME_HEADER]),
        Framing::Unframed => {}
        Framing::Header => open_frame(buffer, &header())?,
    }
    Ok(())
}

/// Ends the message that was opened at `start` of the buffer, has its body at `body` and goes to the buffer's end: checks
/// it, writes what ends it, transforms it, and writes its frame's length. The transforms are those that its frame names.
#[inline]
pub(crate) fn close_message(
    buffer: &mut Vec<u8>,
    dialect: Dialect,
    transforms: &[Transform],
    start: usize,
    body: usize,
    limit: usize,
) -> Result<(), CloseError> {
    if buffer.len() < body {
        return Err(CloseError::BufferShrunk);
    }
    dialect.protocol.write_message_end(buffer);
    if dialect.framing == Framing::Header {
        transform(buffer, transforms, start, limit)?;
    }
    let written = buffer.get_mut(start..).ok_or(CloseError::BufferShrunk)?;
    match dialect.framing {
        Framing::Unframed => check_size(written.len(), limit).map(drop),
        Framing::Framed | Framing::Header => {
            let (length, message) = written.split_first_chunk_mut().ok_or(CloseError::BufferShrunk)?;
            *length = check_size(message.len(), limit)?.to_be_bytes();
            Ok(())
        }
    }
}

/// Transforms the messages of the frame at `start` of the buffer.
fn transform(buffer: &mut Vec<u8>, transforms: &[Transform], start: usize, limit: usize) -> Result<(), CloseError> {
    let payload = buffer.get(start..).and_then(payload_start).ok_or(CloseError::BufferShrunk)? + start;
    for transform in transforms {
        let bytes = buffer.get(payload..).ok_or(CloseError::BufferShrunk)?;
        check_size(bytes.len(), limit)?;
        let transformed = transform.apply(bytes).ok_or(CloseError::OutOfMemory)?;
        buffer.truncate(payload);
        buffer.try_reserve(transformed.len()).map_err(|_| CloseError::OutOfMemory)?;
        buffer.extend_from_slice(&transformed);
    }
    Ok(())
}

/// Checks that all of a message found room.
#[inline]
pub(crate) fn check_loss(loss: Option<Loss>, limit: usize) -> Result<(), CloseError> {
    match loss {
        None => Ok(()),
        Some(Loss::TooLarge) => Err(CloseError::TooLarge { size: limit.saturating_add(1), limit }),
        Some(Loss::OutOfMemory) => Err(CloseError::OutOfMemory),
    }
}

#[inline]
fn check_size(size: usize, limit: usize) -> Result<i32, CloseError> {
    i32::try_from(size).ok().filter(|_| size <= limit).ok_or(CloseError::TooLarge { size, limit })
}

/// Why a written message cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseError {
    TooLarge { size: usize, limit: usize },
    OutOfMemory,
    BufferShrunk,
}

impl From<CloseError> for CallError {
    fn from(error: CloseError) -> Self {
        match error {
            CloseError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            CloseError::OutOfMemory => Self::OutOfMemory,
            CloseError::BufferShrunk => Self::BufferShrunk,
        }
    }
}

impl From<CloseError> for ReplyError {
    fn from(error: CloseError) -> Self {
        match error {
            CloseError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            CloseError::OutOfMemory => Self::OutOfMemory,
            CloseError::BufferShrunk => Self::BufferShrunk,
        }
    }
}

#[cfg(test)]
mod tests {
    use fastthrift_protocol::Protocol;

    use super::*;

    const FRAMED: Dialect = Dialect { protocol: Protocol::Binary, framing: Framing::Framed };
    const UNFRAMED: Dialect = Dialect { protocol: Protocol::Binary, framing: Framing::Unframed };

    #[test]
    fn a_frame_is_refused_by_its_length_alone() {
        assert_eq!(frame_size([0, 0, 0, 9], 9), Ok(9));
        assert_eq!(frame_size([0, 0, 0, 9], 8), Err(ConnectionErrorKind::FrameTooLarge { size: 9, limit: 8 }));
        assert_eq!(frame_size([0; 4], 8), Err(ConnectionErrorKind::FrameLength(0)));
        assert_eq!(frame_size([0xff; 4], usize::MAX), Err(ConnectionErrorKind::FrameLength(-1)));
    }

    #[test]
    fn the_length_is_written_when_the_message_is_whole() {
        let mut buffer = b"before".to_vec();
        open_message(&mut buffer, Framing::Framed, || unreachable!("only the Header transport has headers")).unwrap();
        buffer.extend_from_slice(b"message");
        assert_eq!(close_message(&mut buffer, FRAMED, &[], 6, 10, 7), Ok(()));
        assert_eq!(buffer, b"before\0\0\0\x07message");
        let json = Dialect { protocol: Protocol::Json, ..FRAMED };
        let mut buffer = b"----[1,{}".to_vec();
        assert_eq!(close_message(&mut buffer, json, &[], 0, 7, 6), Ok(()));
        assert_eq!(buffer, b"\0\0\0\x06[1,{}]");
    }

    #[test]
    fn a_message_over_the_limit_or_cut_short_is_not_sent() {
        let too_large = Err(CloseError::TooLarge { size: 7, limit: 6 });
        assert_eq!(close_message(&mut b"----message".to_vec(), FRAMED, &[], 0, 4, 6), too_large);
        assert_eq!(close_message(&mut b"message".to_vec(), UNFRAMED, &[], 0, 0, 6), too_large);
        let shrunk = Err(CloseError::BufferShrunk);
        assert_eq!(close_message(&mut b"----mess".to_vec(), FRAMED, &[], 0, 10, 100), shrunk);
    }
}
