//! Writes bytes into Python's buffers.
#![allow(unsafe_code)]

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::object::{Ref, borrowed, held, type_name};
use crate::reading::offset_in;

/// A place that a struct is written to.
pub(crate) enum Sink {
    /// The end of a `bytearray`.
    End(Ref),
    /// The bytes of a buffer from an offset on. The buffer cannot be moved or resized meanwhile.
    Part(PyBuffer<u8>, usize),
}

impl Sink {
    /// The place that a buffer and an offset, if given, stand for.
    pub(crate) fn open(buffer: Ref, offset: Option<Ref>) -> PyResult<Self> {
        let py = held();
        // SAFETY: the buffer is live.
        if unsafe { ffi::PyByteArray_Check(buffer) } != 0 {
            return match offset {
                None => Ok(Self::End(buffer)),
                Some(_) => Err(PyTypeError::new_err(
                    "a bytearray is appended to, so it takes no offset: write into a memoryview of it instead",
                )),
            };
        }
        let object = borrowed(py, buffer);
        let buffer = PyBuffer::<u8>::get(&object).map_err(|error| {
            if !error.is_instance_of::<PyBufferError>(py) {
                return error;
            }
            PyBufferError::new_err(format!("expected a writable buffer of bytes, got {}", type_name(buffer)))
        })?;
        if buffer.readonly() {
            return Err(PyBufferError::new_err(format!("the {} cannot be written to", type_name(object.as_ptr()))));
        }
        if !buffer.is_c_contiguous() {
            return Err(PyBufferError::new_err("the buffer is not contiguous"));
        }
        let offset = offset_in(offset, buffer.len_bytes())?;
        Ok(Self::Part(buffer, offset))
    }

    /// Writes all of these bytes, or raises and changes nothing. Returns how many they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> PyResult<usize> {
        match self {
            Self::End(array) => append(*array, bytes)?,
            Self::Part(buffer, offset) => {
                let room = buffer.len_bytes() - offset;
                if room < bytes.len() {
                    let len = bytes.len();
                    let text =
                        format!("the struct takes {len} bytes, and the buffer has {room} from offset {offset} on");
                    return Err(PyValueError::new_err(text));
                }
                // SAFETY: the buffer is writable, in one run, and long enough; `bytes` are not part of it.
                unsafe {
                    let start = buffer.buf_ptr().cast::<u8>().add(*offset);
                    start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                }
            }
        }
        Ok(bytes.len())
    }
}

/// Appends to a bytearray, which fails when somebody has a view of it.
fn append(array: Ref, bytes: &[u8]) -> PyResult<()> {
    let object = borrowed(held(), array);
    let resize = || {
        // SAFETY: a live bytearray, which nothing else changes between its resizing and the copy: the interpreter, or the object's
        // lock, is held.
        unsafe {
            let len = ffi::PyByteArray_Size(array);
            let added = isize::try_from(bytes.len()).expect("invariant: a slice is at most isize::MAX bytes long");
            let Some(total) = len.checked_add(added) else { return -1 };
            let result = ffi::PyByteArray_Resize(array, total);
            if result == 0 {
                let end = ffi::PyByteArray_AsString(array).cast::<u8>().offset(len);
                end.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            }
            result
        }
    };
    match pyo3::sync::critical_section::with_critical_section(&object, resize) {
        0 => Ok(()),
        _ => Err(PyErr::take(object.py()).unwrap_or_else(|| PyValueError::new_err("the bytearray would be too long"))),
    }
}
