//! Copying bytes, of which most runs are short, without a call.

#![expect(unsafe_code, reason = "encoding nested data takes a tenth less time when short text is copied in place")]

use alloc::string::String;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use crate::Sink;

/// Copies all bytes of `from` to the start of `to`; up to 32 of them as words that overlap.
///
/// # Panics
/// When `to` is shorter than `from`.
#[inline]
pub fn copy_bytes(from: &[u8], to: &mut [MaybeUninit<u8>]) {
    assert!(from.len() <= to.len(), "there must be room for all bytes");
    // SAFETY: there is room; a shared and an exclusive slice do not overlap.
    unsafe { copy_unchecked(from, to.as_mut_ptr().cast()) };
}

/// The same for a caller that has seen that there is room.
///
/// # Safety
/// As many bytes can be written from `to` on, and none of them is one of `from`.
#[inline]
pub(crate) unsafe fn copy_unchecked(from: &[u8], to: *mut u8) {
    let (from, len) = (from.as_ptr(), from.len());
    // SAFETY: each arm reads and writes within the first `len` bytes, which both have.
    unsafe {
        match len {
            17..=32 => copy_ends::<16>(from, to, len),
            8..=16 => copy_ends::<8>(from, to, len),
            4..=7 => copy_ends::<4>(from, to, len),
            _ => core::ptr::copy_nonoverlapping(from, to, len),
        }
    }
}

/// A vector of its own of these bytes.
#[inline]
pub fn to_vec(bytes: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(bytes.len());
    copy.put_slice(bytes);
    copy
}

/// A text of its own that is the same.
#[inline]
pub fn to_string(text: &str) -> String {
    // SAFETY: these are the bytes of a text.
    unsafe { String::from_utf8_unchecked(to_vec(text.as_bytes())) }
}

/// Copies the first and the last `N` of `len` bytes.
///
/// # Safety
/// `N` is at most `len`, and both have `len` bytes that do not overlap.
#[inline]
unsafe fn copy_ends<const N: usize>(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: by the caller's word both arrays lie within.
    unsafe {
        let first = from.cast::<[u8; N]>().read();
        let last = from.add(len - N).cast::<[u8; N]>().read();
        to.cast::<[u8; N]>().write(first);
        to.add(len - N).cast::<[u8; N]>().write(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_every_length_are_copied() {
        let bytes: Vec<u8> = (0..100).collect();
        for len in 0..=bytes.len() {
            let mut room = vec![MaybeUninit::new(0); len + 1];
            copy_bytes(&bytes[..len], &mut room);
            // SAFETY: all were initialised.
            let copied: Vec<u8> = room.iter().map(|byte| unsafe { byte.assume_init() }).collect();
            assert_eq!(copied[..len], bytes[..len]);
            assert_eq!(copied[len], 0);
            assert_eq!(to_vec(&bytes[..len]), bytes[..len]);
            assert_eq!(to_string(&"ab".repeat(len)), "ab".repeat(len));
        }
    }

    #[test]
    #[should_panic(expected = "room for all bytes")]
    fn bytes_that_have_no_room_are_not_copied() {
        copy_bytes(b"abc", &mut [MaybeUninit::uninit(); 2]);
    }
}
