//! Memory that one value after another is encoded into.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::c_int;
use std::mem::MaybeUninit;

use fastthrift_protocol::Sink;
use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::object::{Object, held};

/// How large the buffer may be that is kept for the next value. What does not fit there is written into a `bytes` object that grows in
/// place, so that it is not copied in the end.
const KEPT: usize = 64 << 10;

unsafe extern "C" {
    /// Resizes a `bytes` object that nobody else has; frees it and leaves null when there is no memory. Part of the stable C API, but
    /// not of the bindings that are used here.
    fn _PyBytes_Resize(bytes: *mut *mut ffi::PyObject, size: ffi::Py_ssize_t) -> c_int;
}

/// The buffer that is kept; empty while it is in use.
#[cfg(not(Py_GIL_DISABLED))]
struct Kept(Cell<Vec<u8>>);

// SAFETY: it is only touched with the interpreter held, which no other thread has meanwhile.
#[cfg(not(Py_GIL_DISABLED))]
unsafe impl Sync for Kept {}

#[cfg(not(Py_GIL_DISABLED))]
static BUFFER: Kept = Kept(Cell::new(Vec::new()));

#[cfg(Py_GIL_DISABLED)]
thread_local! {
    /// The buffer that this thread keeps; empty while it is in use.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

#[inline]
fn take_kept() -> Vec<u8> {
    #[cfg(not(Py_GIL_DISABLED))]
    return BUFFER.0.take();
    #[cfg(Py_GIL_DISABLED)]
    return BUFFER.take();
}

#[inline]
fn keep(buffer: Vec<u8>) {
    #[cfg(not(Py_GIL_DISABLED))]
    let _old = BUFFER.0.replace(buffer);
    #[cfg(Py_GIL_DISABLED)]
    let _old = BUFFER.replace(buffer);
}

/// What was encoded so far.
pub(crate) struct Output {
    start: *mut u8,
    /// Where the next byte goes.
    next: *mut u8,
    /// Where the room ends.
    end: *mut u8,
    /// The buffer that is kept; `start` points into it as long as there is no `bytes`.
    buffer: Vec<u8>,
    bytes: Option<Object>,
    /// Whether something was lost because there was no memory for it.
    is_broken: bool,
}

impl Output {
    #[inline]
    pub(crate) fn new() -> Self {
        let mut buffer = take_kept();
        let start = buffer.as_mut_ptr();
        let end = start.wrapping_add(buffer.capacity());
        Self { start, next: start, end, buffer, bytes: None, is_broken: false }
    }

    #[inline]
    fn written_len(&self) -> usize {
        self.next.addr() - self.start.addr()
    }

    /// Goes on in other memory, of which the first `len` bytes are stored.
    fn move_to(&mut self, start: *mut u8, len: usize, capacity: usize) {
        (self.start, self.next, self.end) = (start, start.wrapping_add(len), start.wrapping_add(capacity));
    }

    /// What was written, which must be whole.
    pub(crate) fn written(&self) -> PyResult<&[u8]> {
        if self.is_broken {
            return Err(PyMemoryError::new_err("no memory for the encoded value"));
        }
        // SAFETY: the bytes up to `next` were stored; `start` is never null.
        Ok(unsafe { std::slice::from_raw_parts(self.start, self.written_len()) })
    }

    /// What was written, as a `bytes` object.
    #[inline]
    pub(crate) fn into_bytes(mut self) -> PyResult<Object> {
        let Some(bytes) = self.bytes.take() else { return bytes_of(self.written()?) };
        self.written()?;
        let mut pointer = bytes.into_ptr();
        // SAFETY: nobody else has the object; the call gives it back resized, or frees it and leaves null.
        let shrunk = unsafe {
            _PyBytes_Resize(&raw mut pointer, signed(self.written_len()));
            Object::from_new(pointer)
        };
        shrunk.ok_or_else(|| PyErr::fetch(held()))
    }

    /// Makes room for `count` more bytes, and says whether there is.
    #[cold]
    fn grow(&mut self, count: usize) -> bool {
        let (len, capacity) = (self.written_len(), self.end.addr() - self.start.addr());
        let grown = len.checked_add(count).filter(|&needed| isize::try_from(needed).is_ok()).is_some_and(|needed| {
            let capacity = capacity.saturating_mul(2).clamp(needed, isize::MAX.unsigned_abs());
            if capacity <= KEPT { self.grow_buffer(capacity) } else { self.grow_bytes(capacity) }
        });
        self.is_broken |= !grown;
        grown
    }

    fn grow_buffer(&mut self, capacity: usize) -> bool {
        let len = self.written_len();
        // SAFETY: the first `len` bytes were stored.
        unsafe { self.buffer.set_len(len) };
        let grown = self.buffer.try_reserve_exact(capacity - len).is_ok();
        let (start, capacity) = (self.buffer.as_mut_ptr(), self.buffer.capacity());
        self.move_to(start, len, capacity);
        grown
    }

    fn grow_bytes(&mut self, capacity: usize) -> bool {
        let len = self.written_len();
        // SAFETY: nobody else has the object, so it may grow; of the buffer, the first `len` bytes were stored.
        let bytes = unsafe {
            if let Some(bytes) = self.bytes.take() {
                let mut pointer = bytes.into_ptr();
                _PyBytes_Resize(&raw mut pointer, signed(capacity));
                Object::from_new(pointer)
            } else {
                let bytes = Object::from_new(ffi::PyBytes_FromStringAndSize(std::ptr::null(), signed(capacity)));
                if let Some(bytes) = &bytes {
                    let to = ffi::PyBytes_AsString(bytes.as_ptr()).cast::<u8>();
                    std::ptr::copy_nonoverlapping(self.start, to, len);
                }
                bytes
            }
        };
        if let Some(bytes) = bytes {
            // SAFETY: the object is a live `bytes` of this size.
            let start = unsafe { ffi::PyBytes_AsString(bytes.as_ptr()).cast() };
            self.move_to(start, len, capacity);
            self.bytes = Some(bytes);
            true
        } else {
            // SAFETY: drops the MemoryError that the call set; it is raised when all is written.
            unsafe { ffi::PyErr_Clear() };
            let (start, capacity) = (self.buffer.as_mut_ptr(), self.buffer.capacity());
            self.move_to(start, 0, capacity);
            false
        }
    }
}

// SAFETY: the bytes from `start` to `end` belong to this value alone, and those up to `next` are stored.
unsafe impl Sink for Output {
    #[inline]
    fn len(&self) -> usize {
        self.written_len()
    }

    #[inline]
    fn room(&mut self, count: usize) -> Option<&mut [MaybeUninit<u8>]> {
        if self.end.addr() - self.next.addr() < count && !self.grow(count) {
            return None;
        }
        // SAFETY: the bytes from `next` to `end` are there, and may be uninitialised.
        Some(unsafe { std::slice::from_raw_parts_mut(self.next.cast(), self.end.addr() - self.next.addr()) })
    }

    #[inline]
    unsafe fn advance(&mut self, count: usize) {
        self.next = self.next.wrapping_add(count);
    }

    #[inline]
    fn has_lost(&self) -> bool {
        self.is_broken
    }
}

impl Drop for Output {
    #[inline]
    fn drop(&mut self) {
        keep(std::mem::take(&mut self.buffer));
    }
}

/// A `bytes` object with this content.
pub(crate) fn bytes_of(content: &[u8]) -> PyResult<Object> {
    // SAFETY: the pointer and length are those of a slice.
    let bytes = unsafe { ffi::PyBytes_FromStringAndSize(content.as_ptr().cast(), signed(content.len())) };
    // SAFETY: a new reference or null.
    unsafe { Object::from_new(bytes) }.ok_or_else(|| PyErr::fetch(held()))
}

fn signed(len: usize) -> isize {
    isize::try_from(len).expect("invariant: no run of bytes is longer than isize::MAX")
}
