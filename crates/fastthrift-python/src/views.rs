//! Parts of the input as `memoryview`s, without a copy.
#![allow(unsafe_code)]

use fastthrift_protocol::DecodeError;
use pyo3::ffi;

use crate::object::{Object, made};

/// The input's memoryview, and where in it the bytes are that the walk goes over: those of the input or a copy of them.
pub(crate) struct Views {
    whole: Object,
    /// The place in `whole` of the first of the bytes.
    offset: usize,
    /// The address of the first of the bytes, which is only compared with others.
    address: usize,
    len: usize,
}

impl Views {
    /// About how many bytes of memory a view takes.
    pub(crate) const MEMORY: usize = 200;

    /// Views of `whole`, of which `walked` are the bytes from `offset` on.
    pub(crate) fn new(whole: Object, offset: usize, walked: &[u8]) -> Self {
        Self { whole, offset, address: walked.as_ptr().addr(), len: walked.len() }
    }

    /// A view of the input where these bytes are; of a copy if they are not there as they are, but in an encoding.
    pub(crate) fn of(&self, bytes: &[u8]) -> Result<Object, DecodeError> {
        let start = bytes.as_ptr().addr().wrapping_sub(self.address);
        // SAFETY: makes new objects of live ones; the pointer and length are those of a slice.
        unsafe {
            match start.checked_add(bytes.len()) {
                Some(end) if end <= self.len => made(ffi::PySequence_GetSlice(
                    self.whole.as_ptr(),
                    place(self.offset + start),
                    place(self.offset + end),
                )),
                _ => {
                    let copy = ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast(), place(bytes.len()));
                    let copy = made(copy)?;
                    made(ffi::PyMemoryView_FromObject(copy.as_ptr()))
                }
            }
        }
    }
}

fn place(index: usize) -> isize {
    isize::try_from(index).expect("invariant: a buffer is at most isize::MAX bytes long")
}
