use std::fmt;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge as WINDOW_TOO_LARGE;
use zstd::zstd_safe::{CCtx, DCtx, DParameter, InBuffer, OutBuffer, compress_bound, is_error_kind};

use crate::HeaderError;
use crate::inbound::Inbound;

/// The least room to restore into.
const ROOM: usize = 4 << 10;
/// The levels of compression: what both libraries choose for themselves.
const ZSTD_LEVEL: i32 = 3;
/// The windows of zstd data that are accepted whatever the limit is and at most, as logarithms: what RFC 8878 wants of each
/// decoder, and what zstd's own tools take unasked.
const ZSTD_WINDOWS: (u32, u32) = (23, 27);

/// How the bytes of a message are changed before they go into a frame of the Header transport.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Transform {
    /// Compressed as RFC 1950 says; each library of the Header transport knows it.
    #[default]
    Zlib,
    /// Compressed as RFC 8878 says; known to fastthrift and fbthrift, not to Apache's libraries.
    Zstd,
}

/// What one step of restoring did.
struct Step {
    read: usize,
    written: usize,
    is_end: bool,
}

/// Why there can be no step.
enum NoStep {
    Corrupt,
    TooLarge,
}

impl Transform {
    /// Its number in a frame.
    pub(super) const fn id(self) -> u32 {
        match self {
            Self::Zlib => 1,
            Self::Zstd => 5,
        }
    }

    /// The transform with this number.
    pub(super) fn of(id: u32) -> Option<Self> {
        [Self::Zlib, Self::Zstd].into_iter().find(|transform| transform.id() == id)
    }

    /// Transforms these bytes; `None` when there is no memory for it.
    pub(crate) fn apply(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Zlib => deflate(bytes),
            Self::Zstd => compress_zstd(bytes),
        }
    }

    /// Appends what these bytes were before, which is at most `limit` long. Memory grows with what is restored.
    pub(super) fn undo(self, bytes: &[u8], into: &mut Inbound, limit: usize) -> Result<(), HeaderError> {
        match self {
            Self::Zlib => {
                let mut state = Decompress::new(true);
                self.restore(bytes, into, limit, |input, room| inflate(&mut state, input, room))
            }
            Self::Zstd => {
                let mut state = DCtx::try_create().ok_or(HeaderError::OutOfMemory)?;
                // Data that was written at once has a window as large as itself, and gets no memory before it is restored.
                let window = limit.checked_next_power_of_two().map_or(u32::MAX, usize::ilog2);
                let window = DParameter::WindowLogMax(window.clamp(ZSTD_WINDOWS.0, ZSTD_WINDOWS.1));
                state.set_parameter(window).map_err(|_| HeaderError::OutOfMemory)?;
                self.restore(bytes, into, limit, |input, room| decompress_zstd(&mut state, input, room))
            }
        }
    }

    fn restore(
        self,
        mut bytes: &[u8],
        into: &mut Inbound,
        limit: usize,
        mut step: impl FnMut(&[u8], &mut [u8]) -> Result<Step, NoStep>,
    ) -> Result<(), HeaderError> {
        let start = into.len();
        loop {
            let left = limit - (into.len() - start);
            let room = into.spare(ROOM);
            // One byte over the limit shows that there is more.
            let most = room.len().min(left.saturating_add(1));
            let Step { read, written, is_end } = step(bytes, &mut room[..most]).map_err(|reason| match reason {
                NoStep::Corrupt => HeaderError::Corrupt(self),
                NoStep::TooLarge => HeaderError::TooLarge { transform: self, limit },
            })?;
            if written > left {
                return Err(HeaderError::TooLarge { transform: self, limit });
            }
            into.commit(written);
            if into.is_exhausted() {
                return Err(HeaderError::OutOfMemory);
            }
            if is_end {
                return Ok(());
            }
            if (read, written) == (0, 0) {
                return Err(HeaderError::Corrupt(self));
            }
            bytes = &bytes[read..];
        }
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
        })
    }
}

fn inflate(state: &mut Decompress, input: &[u8], room: &mut [u8]) -> Result<Step, NoStep> {
    let (read, written) = (state.total_in(), state.total_out());
    let status = state.decompress(input, room, FlushDecompress::None).map_err(|_| NoStep::Corrupt)?;
    let since = |total: u64, before| usize::try_from(total - before).map_err(|_| NoStep::TooLarge);
    Ok(Step {
        read: since(state.total_in(), read)?,
        written: since(state.total_out(), written)?,
        is_end: status == Status::StreamEnd,
    })
}

fn decompress_zstd(state: &mut DCtx<'_>, input: &[u8], room: &mut [u8]) -> Result<Step, NoStep> {
    let mut input = InBuffer::around(input);
    let mut output = OutBuffer::around(room);
    match state.decompress_stream(&mut output, &mut input) {
        Ok(left) => Ok(Step { read: input.pos(), written: output.pos(), is_end: left == 0 }),
        Err(code) if is_error_kind(code, WINDOW_TOO_LARGE) => Err(NoStep::TooLarge),
        Err(_) => Err(NoStep::Corrupt),
    }
}

fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut state = Compress::new(Compression::default(), true);
    let mut out = Vec::new();
    loop {
        out.try_reserve((bytes.len() / 2).max(ROOM)).ok()?;
        let read = usize::try_from(state.total_in()).ok()?;
        match state.compress_vec(&bytes[read..], &mut out, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => return Some(out),
            Ok(Status::Ok | Status::BufError) => {}
            Err(_) => return None,
        }
    }
}

fn compress_zstd(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    out.try_reserve_exact(compress_bound(bytes.len())).ok()?;
    CCtx::try_create()?.compress(&mut out, bytes, ZSTD_LEVEL).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Transform; 2] = [Transform::Zlib, Transform::Zstd];

    fn restored(transform: Transform, bytes: &[u8], limit: usize) -> Result<Vec<u8>, HeaderError> {
        let mut into = Inbound::default();
        transform.undo(bytes, &mut into, limit).map(|()| into.unread().to_vec())
    }

    #[test]
    fn what_is_transformed_is_restored_up_to_the_limit_and_not_beyond() {
        for transform in ALL {
            for len in [0, 1, 4095, 4096, 4097, 300_000] {
                let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
                let changed = transform.apply(&bytes).unwrap();
                assert_eq!(restored(transform, &changed, len).as_ref(), Ok(&bytes), "{transform} {len}");
                if len > 0 {
                    let limit = len - 1;
                    let error = restored(transform, &changed, limit);
                    assert_eq!(error, Err(HeaderError::TooLarge { transform, limit }), "{transform} {len}");
                }
            }
        }
    }

    #[test]
    fn a_bomb_takes_no_more_memory_than_the_limit_allows() {
        for transform in ALL {
            let bomb = transform.apply(&vec![0; 32 << 20]).unwrap();
            assert!(bomb.len() < 64 << 10);
            let mut into = Inbound::default();
            let limit = 1 << 20;
            let error = HeaderError::TooLarge { transform, limit };
            assert_eq!(transform.undo(&bomb, &mut into, limit), Err(error));
            assert!(into.capacity() <= 2 * limit + ROOM, "{}", into.capacity());
        }
    }

    #[test]
    fn each_prefix_is_refused_and_what_follows_is_ignored() {
        for transform in ALL {
            let bytes: Vec<u8> = (0..2000_u32).flat_map(u32::to_be_bytes).collect();
            let mut changed = transform.apply(&bytes).unwrap();
            for len in 0..changed.len() {
                assert_eq!(restored(transform, &changed[..len], 1 << 20), Err(HeaderError::Corrupt(transform)));
            }
            changed.extend_from_slice(b"trailing");
            assert_eq!(restored(transform, &changed, 1 << 20), Ok(bytes));
        }
    }
}
