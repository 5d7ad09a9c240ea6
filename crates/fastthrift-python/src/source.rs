//! Where bytes to read come from.
#![allow(unsafe_code)]

use fastthrift_protocol::{DecodeError, DecodeErrorKind};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyMemoryError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

use crate::error::restore;
use crate::object::{Object, Ref, borrowed, held, made, python_raised};
use crate::settings::{Blobs, Settings};
use crate::views::Views;

/// The bytes of a bytes-like object.
///
/// The walk goes over bytes that cannot change: those of `bytes`, and copies of others. What could be long, such as a mapped file, is
/// copied as far as a value needs it.
pub(crate) struct Source {
    object: Ref,
    content: Content,
}

enum Content {
    /// Of an object that is `bytes` itself, and lives as long as the source is used.
    Bytes { start: *const u8, len: usize },
    /// Of a `bytes` object behind a memoryview, which the buffer keeps.
    Fixed(PyBuffer<u8>),
    /// Of anything else that holds bytes in one run.
    Changing(PyBuffer<u8>),
    /// A copy of what lies in several runs.
    Copy(Vec<u8>),
}

/// The bytes of an object that is `bytes` itself, as long as the object lives.
#[inline]
pub(crate) fn plain_bytes<'a>(object: Ref) -> Option<&'a [u8]> {
    // SAFETY: the object is live; `bytes` never change.
    unsafe {
        if ffi::PyBytes_Check(object) == 0 {
            return None;
        }
        let len = usize::try_from(ffi::Py_SIZE(object)).unwrap_or(0);
        Some(std::slice::from_raw_parts(ffi::PyBytes_AsString(object).cast(), len))
    }
}

/// How many times more bytes are copied when those that were copied before were too few.
const GROWTH: usize = 8;

impl Source {
    /// The bytes of this object, which the caller keeps. Those of a mutable one cannot be moved or resized until the source is
    /// dropped.
    #[inline]
    pub(crate) fn open(object: Ref) -> PyResult<Self> {
        let content = match plain_bytes(object) {
            Some(bytes) => Content::Bytes { start: bytes.as_ptr(), len: bytes.len() },
            None => Self::other(object)?,
        };
        Ok(Self { object, content })
    }

    fn other(object: Ref) -> PyResult<Content> {
        let py = held();
        let object = borrowed(py, object);
        let buffer = PyBuffer::<u8>::get(&object)?;
        Ok(match buffer.is_c_contiguous() {
            true if is_view_of_bytes(&object) => Content::Fixed(buffer),
            true => Content::Changing(buffer),
            false => Content::Copy(buffer.to_vec(py)?),
        })
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        match &self.content {
            Content::Bytes { len, .. } => *len,
            Content::Fixed(buffer) | Content::Changing(buffer) => buffer.len_bytes(),
            Content::Copy(bytes) => bytes.len(),
        }
    }

    /// The copy that was made, where the bytes did not lie in one run.
    pub(crate) fn copied(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Copy(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The bytes, where they cannot change.
    #[inline]
    fn fixed(&self) -> Option<&[u8]> {
        // SAFETY: the pointer and length are those of a `bytes` object that is kept.
        match &self.content {
            Content::Bytes { start, len } => Some(unsafe { std::slice::from_raw_parts(*start, *len) }),
            Content::Fixed(buffer) => {
                Some(unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), buffer.len_bytes()) })
            }
            Content::Changing(_) => None,
            Content::Copy(bytes) => Some(bytes),
        }
    }

    /// Reads a value that starts at `from`: `read` gets the bytes from there on. Of bytes that can change, it gets a copy of the first
    /// `window`, and is called again with more when it fails on these. Errors name offsets of the whole.
    #[inline]
    pub(crate) fn read<T>(
        &self,
        from: usize,
        window: usize,
        settings: &Settings,
        mut read: impl FnMut(&[u8]) -> Result<T, DecodeError>,
    ) -> PyResult<Result<T, DecodeError>> {
        let there = self.len().saturating_sub(from);
        let most = there.min(settings.limits.message);
        let result = match self.fixed() {
            Some(bytes) => read(&bytes[from.min(bytes.len())..][..most]),
            None => self.read_copies(from, window, most, read)?,
        };
        Ok(match result {
            Ok(value) => Ok(value),
            Err(error) => Err(in_whole(error, from, there, most)),
        })
    }

    #[cold]
    fn read_copies<T>(
        &self,
        from: usize,
        window: usize,
        most: usize,
        mut read: impl FnMut(&[u8]) -> Result<T, DecodeError>,
    ) -> PyResult<Result<T, DecodeError>> {
        let mut window = most.min(window);
        loop {
            let result = read(&self.copy(from, window)?);
            // SAFETY: the interpreter is held.
            let raised = unsafe { !ffi::PyErr_Occurred().is_null() };
            if result.is_ok() || window == most || raised {
                return Ok(result);
            }
            window = window.saturating_mul(GROWTH).min(most);
        }
    }

    /// A copy of `len` bytes from `from` on.
    fn copy(&self, from: usize, len: usize) -> PyResult<Vec<u8>> {
        let Content::Changing(buffer) = &self.content else { return Ok(Vec::new()) };
        assert!(from.checked_add(len).is_some_and(|end| end <= buffer.len_bytes()), "the bytes are in the buffer");
        let mut copy: Vec<u8> = Vec::new();
        copy.try_reserve_exact(len)
            .map_err(|_| PyMemoryError::new_err(format!("cannot copy {len} bytes to read them")))?;
        // SAFETY: the buffer is one run of bytes that stays where it is, these are in it, and the copy has room for them. Another thread
        // may write there meanwhile; then any mix of what was and what is there is as good as another.
        unsafe {
            copy.as_mut_ptr().copy_from_nonoverlapping(buffer.buf_ptr().cast::<u8>().add(from), len);
            copy.set_len(len);
        }
        Ok(copy)
    }

    /// The first byte from `from` on that is no white space of JSON, or the end.
    pub(crate) fn skip_space(&self, mut from: usize) -> usize {
        let byte = |at: usize| match self.fixed() {
            Some(bytes) => bytes.get(at).copied(),
            None if at < self.len() => self.copy(at, 1).ok()?.pop(),
            None => None,
        };
        while matches!(byte(from), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            from += 1;
        }
        from
    }

    /// What makes the views that the settings ask for, of the bytes from `from` on that the walk gets as `walked`.
    #[inline]
    pub(crate) fn views(&self, settings: &Settings, from: usize, walked: &[u8]) -> Result<Option<Views>, DecodeError> {
        match settings.binary {
            Blobs::Bytes => Ok(None),
            Blobs::Views => self.view().map(|whole| Some(Views::new(whole, from, walked))),
        }
    }

    /// Checks that the settings can be met.
    #[inline]
    pub(crate) fn check(&self, settings: &Settings) -> PyResult<()> {
        if settings.binary == Blobs::Views && matches!(self.content, Content::Copy(_)) {
            return Err(PyBufferError::new_err("binary='memoryview' needs a buffer that is contiguous"));
        }
        Ok(())
    }

    /// The whole as a memoryview of bytes.
    fn view(&self) -> Result<Object, DecodeError> {
        // SAFETY: the object is live.
        let view = made(unsafe { ffi::PyMemoryView_FromObject(self.object) })?;
        if matches!(self.content, Content::Bytes { .. }) {
            return Ok(view);
        }
        // One of several dimensions, or of items of another kind, becomes one of plain bytes.
        view.into_bound(held()).call_method1("cast", ("B",)).map(Object::from).map_err(|error| {
            restore(error);
            python_raised()
        })
    }
}

/// An error of bytes that start at `from` of a whole, and were `most` of the bytes that were `there`.
#[cold]
fn in_whole(error: DecodeError, from: usize, there: usize, most: usize) -> DecodeError {
    if most < there && matches!(error.kind(), DecodeErrorKind::UnexpectedEnd { .. }) {
        let kind = DecodeErrorKind::SizeLimit { what: "message", size: most + 1, limit: most };
        return DecodeError::new(kind, from + most);
    }
    error.moved(from)
}

/// Whether this is a memoryview of a `bytes` object. What is behind any other could be changed by Python code that runs meanwhile.
fn is_view_of_bytes(data: &Bound<'_, PyAny>) -> bool {
    data.cast::<PyMemoryView>()
        .is_ok_and(|view| view.getattr("obj").is_ok_and(|viewed| viewed.is_exact_instance_of::<PyBytes>()))
}
