//! Where writers append.

#![expect(unsafe_code, reason = "a store and a new length cost less than an append that checks each byte's room")]

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use crate::Run;
use crate::append::copy_unchecked;

/// A growing run of bytes. Writers reserve room once for several stores.
///
/// # Safety
/// [`Self::room`] and [`Self::spare`] give at least as many bytes as it was asked for, and [`Self::advance`] keeps what was stored there.
#[expect(clippy::len_without_is_empty, reason = "nobody asks a sink whether it is empty")]
pub unsafe trait Sink {
    /// How many bytes were appended so far, what stood there before included.
    fn len(&self) -> usize;

    /// Room for at least `count` more bytes; `None` where there is none. What then would have gone there is lost, which the
    /// sink's owner finds out from the sink.
    fn room(&mut self, count: usize) -> Option<&mut [MaybeUninit<u8>]>;

    /// The same, but `None` says only that it is not there without further ado: many bytes may be asked for of which few are then filled.
    #[inline]
    fn spare(&mut self, count: usize) -> Option<&mut [MaybeUninit<u8>]> {
        let _ = count;
        None
    }

    /// Counts the first `count` bytes of the room as appended.
    ///
    /// # Safety
    /// They lie in the room that was given last, and were stored.
    unsafe fn advance(&mut self, count: usize);

    /// Whether something found no room. What a writer appended is not whole then, and to go on is of no use.
    #[inline]
    fn has_lost(&self) -> bool {
        false
    }

    /// Appends a few bytes.
    #[inline]
    fn put<const N: usize>(&mut self, bytes: [u8; N])
    where
        Self: Sized,
    {
        self.put_first(bytes, N);
    }

    /// Appends the first `len` of a few bytes: one store of all, of which the end does not count.
    ///
    /// # Panics
    /// When `len` is over `N`.
    #[inline]
    fn put_first<const N: usize>(&mut self, bytes: [u8; N], len: usize)
    where
        Self: Sized,
    {
        assert!(len <= N, "only bytes that are there can be appended");
        if let Some(room) = self.room(N) {
            // SAFETY: the room is at least as large as was asked for; the first `len` bytes of it were just stored.
            unsafe {
                room.as_mut_ptr().cast::<[u8; N]>().write_unaligned(bytes);
                self.advance(len);
            }
        }
    }

    /// Appends bytes.
    #[inline]
    fn put_slice(&mut self, bytes: &[u8])
    where
        Self: Sized,
    {
        if let Some(room) = self.room(bytes.len()) {
            // SAFETY: the room is at least as large as was asked for, and all of that is stored.
            unsafe {
                copy_unchecked(bytes, room.as_mut_ptr().cast());
                self.advance(bytes.len());
            }
        }
    }

    /// Appends bytes, which a sink may keep as they are instead of copying them.
    #[cfg(feature = "bytes")]
    #[inline]
    fn put_bytes(&mut self, bytes: &bytes::Bytes)
    where
        Self: Sized,
    {
        self.put_slice(bytes);
    }

    /// Appends the fields of a run as Binary has them, after one check of the room.
    #[inline]
    fn put_run<R: Run>(&mut self, run: R, ids: R::Ids)
    where
        Self: Sized,
    {
        if let Some(room) = self.room(R::SIZE) {
            run.store(ids, room);
            // SAFETY: a run stores all of its bytes, and nobody else can implement it.
            unsafe { self.advance(R::SIZE) };
        }
    }

    /// The same as Compact has them, after a field of the id `last`; false, and nothing is appended, where there is no spare room.
    #[inline]
    fn put_compact_run<R: Run>(&mut self, run: R, ids: R::Ids, last: i16) -> bool
    where
        Self: Sized,
    {
        let Some(room) = self.spare(R::MOST_COMPACT) else { return false };
        let len = run.store_compact(ids, last, room);
        // SAFETY: a run stores as many bytes as it says, and nobody else can implement it.
        unsafe { self.advance(len) };
        true
    }

    /// Appends the first `head_len` bytes of `head`, then `bytes`, after one check of the room.
    ///
    /// # Panics
    /// When `head_len` is over 8.
    #[inline]
    fn put_with_head(&mut self, head: [u8; 8], head_len: usize, bytes: &[u8])
    where
        Self: Sized,
    {
        assert!(head_len <= head.len(), "only bytes that are there can be appended");
        let Some(len) = bytes.len().checked_add(head.len()) else { return };
        if let Some(room) = self.room(len) {
            // SAFETY: the room is at least as large as was asked for; what counts of it was just stored.
            unsafe {
                let room = room.as_mut_ptr().cast::<u8>();
                room.cast::<[u8; 8]>().write_unaligned(head);
                copy_unchecked(bytes, room.add(head_len));
                self.advance(head_len + bytes.len());
            }
        }
    }
}

// SAFETY: `reserve` makes the spare capacity large enough, and the new length covers what was stored.
unsafe impl Sink for Vec<u8> {
    #[inline]
    fn len(&self) -> usize {
        Vec::len(self)
    }

    #[inline]
    fn room(&mut self, count: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.reserve(count);
        Some(self.spare_capacity_mut())
    }

    #[inline]
    fn spare(&mut self, count: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.room(count)
    }

    #[inline]
    unsafe fn advance(&mut self, count: usize) {
        let len = Vec::len(self) + count;
        // SAFETY: by the caller's word the bytes up to there are stored.
        unsafe { self.set_len(len) };
    }
}

/// How much more room a writer may ask for than it then fills.
const OVERASKED: usize = 64;

/// Why something found no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// There would be more bytes than allowed.
    TooLarge,
    /// The system has no memory for them.
    OutOfMemory,
}

/// The end of a buffer, up to a limit that is kept while it grows: a value that is larger takes neither the memory nor the time.
///
/// A few bytes more than the limit may be appended before it shows; the owner compares the length in the end.
#[derive(Debug)]
pub struct Bounded<'a> {
    bytes: &'a mut Vec<u8>,
    /// How long the buffer may become.
    limit: usize,
    loss: &'a mut Option<Loss>,
}

impl<'a> Bounded<'a> {
    /// Appends to `bytes` until these are `limit` long; the first loss is noted in `loss`.
    pub fn new(bytes: &'a mut Vec<u8>, limit: usize, loss: &'a mut Option<Loss>) -> Self {
        Self { bytes, limit, loss }
    }

    /// Makes room for `count` more bytes, and says whether there is.
    #[cold]
    fn grow(&mut self, count: usize) -> bool {
        if self.loss.is_none() {
            *self.loss = self.grown(count).err();
        }
        self.loss.is_none()
    }

    fn grown(&mut self, count: usize) -> Result<(), Loss> {
        let len = self.bytes.len();
        let needed = len.saturating_add(count);
        let most = self.limit.saturating_add(OVERASKED);
        if len > self.limit || needed > most {
            return Err(Loss::TooLarge);
        }
        let capacity = self.bytes.capacity().saturating_mul(2).min(most).max(needed);
        self.bytes.try_reserve_exact(capacity - len).map_err(|_| Loss::OutOfMemory)
    }
}

// SAFETY: the spare capacity is as large as was asked for, and the new length covers what was stored.
unsafe impl Sink for Bounded<'_> {
    #[inline]
    fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    fn room(&mut self, count: usize) -> Option<&mut [MaybeUninit<u8>]> {
        if self.bytes.capacity() - self.bytes.len() < count && !self.grow(count) {
            return None;
        }
        Some(self.bytes.spare_capacity_mut())
    }

    #[inline]
    fn spare(&mut self, count: usize) -> Option<&mut [MaybeUninit<u8>]> {
        let spare = self.bytes.spare_capacity_mut();
        if spare.len() < count { None } else { Some(spare) }
    }

    #[inline]
    unsafe fn advance(&mut self, count: usize) {
        // SAFETY: by the caller's word the bytes up to there are stored.
        unsafe { self.bytes.advance(count) };
    }

    #[inline]
    fn has_lost(&self) -> bool {
        self.loss.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_buffer_takes_all_that_fits_and_no_more_memory_than_its_limit() {
        let mut bytes = b"head".to_vec();
        let mut loss = None;
        let mut sink = Bounded::new(&mut bytes, 10_004, &mut loss);
        for _ in 0..100 {
            sink.put_slice(&[7; 100]);
        }
        assert!(!sink.has_lost());
        assert_eq!(sink.len(), 10_004);
        sink.put_slice(&[7; 100]);
        assert!(sink.has_lost());
        sink.put([1]);
        assert_eq!(loss, Some(Loss::TooLarge));
        assert!(bytes.starts_with(b"head\x07"));
        assert!(bytes.capacity() <= 10_004 + OVERASKED, "{}", bytes.capacity());
    }

    #[test]
    fn small_steps_over_a_bound_are_noticed() {
        let (mut bytes, mut loss) = (Vec::new(), None);
        let mut sink = Bounded::new(&mut bytes, 100, &mut loss);
        for _ in 0..300 {
            sink.put([1]);
        }
        assert_eq!(loss, Some(Loss::TooLarge));
        assert!(bytes.len() > 100);
        assert!(bytes.capacity() <= 100 + OVERASKED);
    }

    #[test]
    fn memory_that_is_not_there_is_a_loss() {
        let (mut bytes, mut loss) = (Vec::new(), None);
        let mut sink = Bounded::new(&mut bytes, usize::MAX, &mut loss);
        assert!(sink.room(usize::MAX >> 1).is_none());
        assert_eq!(loss, Some(Loss::OutOfMemory));
    }

    #[test]
    fn heads_and_bytes_of_every_length_are_appended() {
        let bytes: Vec<u8> = (0..100).collect();
        for head_len in 0..=8 {
            for len in 0..=bytes.len() {
                let mut out = vec![0xaa];
                out.put_with_head(*b"headhead", head_len, &bytes[..len]);
                assert_eq!(out, [&[0xaa], &b"headhead"[..head_len], &bytes[..len]].concat());
                out.put_slice(&bytes[..len]);
                out.put_first(*b"tail", 2);
                out.put([1, 2]);
                assert_eq!(out[1 + head_len + len..], [&bytes[..len], b"ta\x01\x02"].concat());
            }
        }
    }
}
