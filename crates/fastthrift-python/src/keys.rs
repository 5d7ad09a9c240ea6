//! The keys of maps that come again and again: made once, hashed once.
//!
//! They are kept for the whole process, under the interpreter's lock; free-threaded builds, which have none, keep none.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;

use crate::object::Object;

/// How many keys are kept, each in the one place that its bytes give it.
const PLACES: usize = 256;
/// How long a key may be to be kept.
const LONGEST: usize = 24;
/// How many more keys than were found may be looked for in vain, before a message counts as one of ever new keys.
const PATIENCE: u32 = 16;

static KEPT: Kept = Kept(UnsafeCell::new([const { None }; PLACES]));

struct Kept(UnsafeCell<[Option<Key>; PLACES]>);

// SAFETY: it is only touched with the interpreter held, which no other thread has meanwhile; and no Python code runs while it is.
unsafe impl Sync for Kept {}

struct Key {
    bytes: [u8; LONGEST],
    len: usize,
    text: Object,
}

impl Kept {
    fn find(&self, bytes: &[u8]) -> Option<Object> {
        // SAFETY: as for `Sync`; the reference ends before anything else can run.
        let key = unsafe { (*self.0.get())[place(bytes)].as_ref()? };
        (key.bytes.get(..key.len) == Some(bytes)).then(|| key.text.clone())
    }

    fn replace(&self, key: Key) -> Option<Key> {
        // SAFETY: as for `Sync`; what was there before is dropped by the caller.
        unsafe { (*self.0.get())[place(&key.bytes[..key.len])].replace(key) }
    }
}

/// How one message uses the kept keys.
#[derive(Default)]
pub(crate) struct KeyUse {
    found: u32,
    missed: u32,
}

impl KeyUse {
    /// The kept key with these bytes.
    #[inline]
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<Object> {
        if !self.is_worth(bytes) {
            return None;
        }
        let found = KEPT.find(bytes);
        match found {
            Some(_) => self.found += 1,
            None => self.missed += 1,
        }
        found
    }

    /// Keeps a key that was not found.
    #[cold]
    pub(crate) fn offer(&self, bytes: &[u8], text: &Object) {
        if !self.is_worth(bytes) {
            return;
        }
        let mut key = Key { bytes: [0; LONGEST], len: bytes.len(), text: text.clone() };
        key.bytes[..bytes.len()].copy_from_slice(bytes);
        drop(KEPT.replace(key));
    }

    #[inline]
    fn is_worth(&self, bytes: &[u8]) -> bool {
        !cfg!(Py_GIL_DISABLED) && bytes.len() <= LONGEST && self.missed <= self.found + PATIENCE
    }
}

/// The place of a key: a mix of its length and of its first and last bytes.
#[inline]
fn place(bytes: &[u8]) -> usize {
    let word = |bytes: &[u8]| bytes.first_chunk::<8>().map(|chunk| u64::from_le_bytes(*chunk));
    let (first, last) = match (word(bytes), bytes.len().checked_sub(8)) {
        (Some(first), Some(start)) => (first, word(&bytes[start..]).unwrap_or(0)),
        _ => (bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
    };
    let mixed = (first ^ last.rotate_left(29) ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as usize
}
