//! A sink that keeps large byte strings as they are.

#![expect(unsafe_code, reason = "a sink promises what the trait asks for")]

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use bytes::Bytes;

use crate::Sink;

/// Appended bytes, among which large [`Bytes`] stand as they came, without a copy: what a vectored write takes.
///
/// ```
/// use fastthrift_protocol::{BinaryWriter, Chunks, OutputProtocol};
///
/// let large = bytes::Bytes::from(vec![7; 100_000]);
/// let mut chunks = Chunks::new();
/// BinaryWriter::new(&mut chunks).write_bytes(&large);
/// let slices: Vec<&[u8]> = chunks.slices().collect();
/// assert_eq!(slices[0], 100_000_u32.to_be_bytes());
/// assert_eq!(slices[1].as_ptr(), large.as_ptr());
/// ```
#[derive(Debug, Clone)]
pub struct Chunks {
    /// All that was copied.
    copied: Vec<u8>,
    /// What was not, and how many of the copied bytes stand before it.
    kept: Vec<(usize, Bytes)>,
    kept_len: usize,
    threshold: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self::new()
    }
}

impl Chunks {
    /// From how many bytes on a byte string is kept by default: below, a copy costs less than one more part of a write.
    pub const THRESHOLD: usize = 4096;

    /// An empty one, which keeps byte strings from [`Self::THRESHOLD`] on.
    pub const fn new() -> Self {
        Self::with_threshold(Self::THRESHOLD)
    }

    /// An empty one, which keeps byte strings of at least `threshold` bytes.
    pub const fn with_threshold(threshold: usize) -> Self {
        Self { copied: Vec::new(), kept: Vec::new(), kept_len: 0, threshold }
    }

    /// All parts in order, none of them empty.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.kept.iter().map(|(end, _)| *end);
        let starts = core::iter::once(0).chain(ends.clone());
        let copied = starts.zip(ends.chain([self.copied.len()])).map(|(start, end)| &self.copied[start..end]);
        let kept = self.kept.iter().map(|(_, bytes)| &bytes[..]).chain([&[][..]]);
        copied.zip(kept).flat_map(|(copied, kept)| [copied, kept]).filter(|slice| !slice.is_empty())
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets everything go, and keeps the memory for what is appended next.
    pub fn clear(&mut self) {
        self.copied.clear();
        self.kept.clear();
        self.kept_len = 0;
    }
}

// SAFETY: room and what is stored there are those of the vector, which upholds this.
unsafe impl Sink for Chunks {
    #[inline]
    fn len(&self) -> usize {
        self.copied.len() + self.kept_len
    }

    #[inline]
    fn room(&mut self, count: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.copied.room(count)
    }

    #[inline]
    fn spare(&mut self, count: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.copied.spare(count)
    }

    #[inline]
    unsafe fn advance(&mut self, count: usize) {
        // SAFETY: by the caller's word the bytes up to there are stored.
        unsafe { self.copied.advance(count) };
    }

    #[inline]
    fn put_bytes(&mut self, bytes: &Bytes) {
        if bytes.len() < self.threshold {
            return self.put_slice(bytes);
        }
        self.kept_len += bytes.len();
        self.kept.push((self.copied.len(), bytes.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_order_whatever_is_kept() {
        let mut chunks = Chunks::with_threshold(3);
        assert!(chunks.is_empty());
        for text in ["abc", "d", "ef", "ghij", "klm", "n"] {
            chunks.put_bytes(&Bytes::from_static(text.as_bytes()));
        }
        let slices: Vec<_> = chunks.slices().collect();
        assert_eq!(slices, [&b"abc"[..], b"def", b"ghij", b"klm", b"n"]);
        assert_eq!(chunks.len(), 14);
        chunks.clear();
        assert_eq!(chunks.slices().count(), 0);
    }
}
