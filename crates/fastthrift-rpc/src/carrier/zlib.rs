use std::fmt;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::Pumped;
use crate::ConnectionErrorKind;
use crate::inbound::{Inbound, RETAINED};
use crate::span::distance;

/// The most bytes that are decompressed at once. A peer that sends few bytes for many takes no more memory than the
/// message that is waited for, and this.
const STEP: usize = 16 << 10;

/// Room for the end of a compressed block, less than which would be filled by the marks of one flush after another.
const LEAST_ROOM: usize = 64;

/// One compressed stream in each direction, as of RFC 1950, flushed after each message.
///
/// The streams live as long as the connection. A peer may flush in any way that leaves nothing of a message behind, or
/// not at all until the connection ends.
pub(crate) struct Zlib {
    raw: Inbound,
    inflate: Decompress,
    /// The last output filled its room, so there may be more without any further input.
    is_full: bool,
    has_ended: bool,
    /// Where the stream is broken, if something came out before that: it is told after what came out was looked at.
    broken_at: Option<u64>,
    /// There once something was sent: a connection on which nothing is takes no memory for it.
    deflate: Option<Compress>,
    /// What was compressed last.
    scratch: Vec<u8>,
}

/// Whether a stream that starts with these bytes is compressed; `None` when more are needed.
///
/// It is the deflate method with a window of 32 KiB, and a second byte that makes both a multiple of 31. As a frame's
/// length this would be over 1.8 GiB, and no protocol's message starts so.
pub(crate) fn starts_zlib(bytes: &[u8]) -> Option<bool> {
    match *bytes {
        [] | [0x78] => None,
        [0x78, check, ..] => Some(u16::from_be_bytes([0x78, check]).is_multiple_of(31)),
        _ => Some(false),
    }
}

impl Zlib {
    /// Streams of which these are the first received bytes.
    pub(crate) fn new(raw: Inbound) -> Self {
        let inflate = Decompress::new(true);
        Self { raw, inflate, is_full: false, has_ended: false, broken_at: None, deflate: None, scratch: Vec::new() }
    }

    pub(super) fn raw(&self) -> &Inbound {
        &self.raw
    }

    pub(super) fn raw_mut(&mut self) -> &mut Inbound {
        &mut self.raw
    }

    pub(super) fn is_drained(&self) -> bool {
        self.has_ended || (self.raw.len() == 0 && !self.is_full && self.broken_at.is_none())
    }

    /// Decompresses at most [`STEP`] bytes. All input may go without any output.
    pub(super) fn pump(&mut self, plain: &mut Inbound) -> Result<Pumped, ConnectionErrorKind> {
        if self.has_ended {
            self.raw.consume(self.raw.len());
            return Ok(Pumped::End);
        }
        if self.is_drained() {
            return Ok(Pumped::Nothing);
        }
        if let Some(position) = self.broken_at {
            return Err(ConnectionErrorKind::Zlib { position });
        }
        let room = plain.spare(STEP);
        let size = room.len().min(STEP);
        let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
        let result = self.inflate.decompress(self.raw.unread(), &mut room[..size], FlushDecompress::Sync);
        let taken = count(self.inflate.total_in() - taken);
        let given = count(self.inflate.total_out() - given);
        plain.commit(given);
        if plain.is_exhausted() {
            return Err(ConnectionErrorKind::OutOfMemory);
        }
        self.is_full = given == size;
        match result {
            Ok(Status::StreamEnd) => self.has_ended = true,
            // Input that is not taken although there is room would never be.
            Ok(_) if self.is_full || self.raw.len() == taken => {}
            // What cannot be read stays, to be recognised.
            Ok(_) | Err(_) => {
                let position = self.raw.position() + distance(taken);
                if given == 0 {
                    return Err(ConnectionErrorKind::Zlib { position });
                }
                self.broken_at = Some(position);
            }
        }
        self.raw.consume(taken);
        Ok(match given {
            0 if self.has_ended => Pumped::End,
            0 => Pumped::Nothing,
            _ => Pumped::More,
        })
    }

    /// Replaces the end of the buffer by its compressed form. Once it has failed, the stream is not to be used.
    pub(super) fn seal(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), ConnectionErrorKind> {
        let deflate = self.deflate.get_or_insert_with(|| Compress::new(Compression::default(), true));
        let message = &buffer[start..];
        self.scratch.clear();
        let mut taken = 0;
        loop {
            let left = &message[taken..];
            self.scratch.try_reserve(left.len() / 2 + LEAST_ROOM).map_err(|_| ConnectionErrorKind::OutOfMemory)?;
            let before = deflate.total_in();
            deflate
                .compress_vec(left, &mut self.scratch, FlushCompress::Sync)
                .map_err(|_| ConnectionErrorKind::OutOfMemory)?;
            taken += count(deflate.total_in() - before);
            if taken == message.len() && self.scratch.len() < self.scratch.capacity() {
                break;
            }
        }
        buffer.truncate(start);
        buffer.try_reserve(self.scratch.len()).map_err(|_| ConnectionErrorKind::OutOfMemory)?;
        buffer.extend_from_slice(&self.scratch);
        if self.scratch.capacity() > RETAINED {
            self.scratch = Vec::new();
        }
        Ok(())
    }
}

impl fmt::Debug for Zlib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zlib").field("raw", &self.raw).field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}

/// A number of bytes of one step.
fn count(bytes: u64) -> usize {
    usize::try_from(bytes).expect("invariant: a step takes and gives no more than slices hold")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(pieces: &[&[u8]], flush: FlushCompress) -> Vec<u8> {
        let mut deflate = Compress::new(Compression::best(), true);
        let mut out = Vec::with_capacity(1 << 16);
        for piece in pieces {
            deflate.compress_vec(piece, &mut out, flush).unwrap();
        }
        out
    }

    fn pump_all(zlib: &mut Zlib, plain: &mut Inbound) -> Result<Pumped, ConnectionErrorKind> {
        loop {
            match zlib.pump(plain)? {
                Pumped::More => {}
                other => return Ok(other),
            }
        }
    }

    #[test]
    fn a_stream_is_read_however_its_bytes_are_split_and_flushed() {
        for flush in [FlushCompress::Sync, FlushCompress::Full, FlushCompress::Partial] {
            let bytes = packed(&[b"one message ", b"", b"and one message more"], flush);
            for size in 1..=bytes.len() {
                let (mut zlib, mut plain) = (Zlib::new(Inbound::default()), Inbound::default());
                for piece in bytes.chunks(size) {
                    zlib.raw_mut().append(piece);
                    assert_eq!(pump_all(&mut zlib, &mut plain), Ok(Pumped::Nothing));
                    assert!(zlib.is_drained());
                }
                assert_eq!(plain.unread(), b"one message and one message more");
            }
        }
    }

    #[test]
    fn a_peer_that_finishes_its_stream_has_ended() {
        let mut bytes = packed(&[b"the last message"], FlushCompress::Finish);
        bytes.extend_from_slice(b"and what nobody reads");
        let (mut zlib, mut plain) = (Zlib::new(Inbound::default()), Inbound::default());
        zlib.raw_mut().append(&bytes);
        assert_eq!(pump_all(&mut zlib, &mut plain), Ok(Pumped::End));
        assert_eq!((plain.unread(), zlib.raw().len()), (&b"the last message"[..], 0));
    }

    #[test]
    fn output_is_pulled_in_steps_however_little_input_it_takes() {
        let zeros = vec![0; 4 << 20];
        let bytes = packed(&[&zeros], FlushCompress::Sync);
        assert!(bytes.len() < 8 << 10);
        let (mut zlib, mut plain) = (Zlib::new(Inbound::default()), Inbound::default());
        zlib.raw_mut().append(&bytes);
        let mut steps = 0;
        while zlib.pump(&mut plain) == Ok(Pumped::More) {
            assert!(plain.len() <= STEP && plain.capacity() <= 4 * STEP);
            plain.consume(plain.len());
            steps += 1;
        }
        assert_eq!(plain.received(), 4 << 20);
        assert!(steps >= 256 && zlib.is_drained());
    }

    #[test]
    fn what_is_sealed_is_read_back_and_shares_one_stream() {
        let (mut sender, mut receiver) = (Zlib::new(Inbound::default()), Zlib::new(Inbound::default()));
        let noise: Vec<u8> = (0..200_000_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_be_bytes()).collect();
        let mut plain = Inbound::default();
        let mut sizes = Vec::new();
        for message in [&noise[..], b"short", b"short", b"", &noise[..100]] {
            let mut buffer = b"before".to_vec();
            buffer.extend_from_slice(message);
            sender.seal(&mut buffer, 6).unwrap();
            assert_eq!(&buffer[..6], b"before");
            sizes.push(buffer.len() - 6);
            receiver.raw_mut().append(&buffer[6..]);
            pump_all(&mut receiver, &mut plain).unwrap();
            assert_eq!(plain.unread(), message);
            plain.consume(message.len());
        }
        assert!(sizes[2] <= sizes[1], "the second message refers to the first: {sizes:?}");
    }

    #[test]
    fn broken_streams_are_refused_where_they_break() {
        let good = packed(&[b"a message"], FlushCompress::Sync);
        let mut wrong_block = good.clone();
        wrong_block[2] = 0xff;
        for bytes in [b"\x78\x9d....".to_vec(), b"\x78\xbb\0\0\0\0....".to_vec(), wrong_block] {
            let (mut zlib, mut plain) = (Zlib::new(Inbound::default()), Inbound::default());
            zlib.raw_mut().append(&bytes);
            assert!(matches!(pump_all(&mut zlib, &mut plain), Err(ConnectionErrorKind::Zlib { .. })), "{bytes:?}");
        }
    }

    #[test]
    fn a_compressed_stream_is_told_by_two_bytes() {
        for second in [0x01, 0x5e, 0x9c, 0xda] {
            assert_eq!(starts_zlib(&[0x78, second]), Some(true));
        }
        assert_eq!((starts_zlib(b""), starts_zlib(b"\x78")), (None, None));
        assert_eq!((starts_zlib(b"\x78\x9d"), starts_zlib(b"\0")), (Some(false), Some(false)));
    }
}
