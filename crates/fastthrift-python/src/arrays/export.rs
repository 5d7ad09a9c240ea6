use std::ffi::{CStr, c_int};

use pyo3::ffi;

use crate::object::Ref;

/// The memory of an array, which cannot be moved or resized until this is dropped. Where the array lives longer, no Python code runs
/// when it is dropped.
pub(super) struct Export(Box<ffi::Py_buffer>);

impl Export {
    /// The memory of an object, as `flags` ask for it; `None` when a Python exception is set. The collector rests meanwhile.
    pub(super) fn of(object: Ref, flags: c_int) -> Option<Self> {
        let mut buffer = Box::new(ffi::Py_buffer::new());
        // SAFETY: the object is live, and the buffer stays where it is.
        unsafe {
            let was_on = !cfg!(Py_GIL_DISABLED) && ffi::PyGC_Disable() != 0;
            let result = ffi::PyObject_GetBuffer(object, &raw mut *buffer, flags);
            if was_on {
                ffi::PyGC_Enable();
            }
            (result == 0).then_some(Self(buffer))
        }
    }

    /// Where the memory starts; with strides, where the first element does.
    #[inline]
    pub(super) fn start(&self) -> *mut u8 {
        self.0.buf.cast()
    }

    /// How many bytes the elements take.
    #[inline]
    pub(super) fn byte_len(&self) -> usize {
        usize::try_from(self.0.len).unwrap_or(0)
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.0.readonly != 0
    }

    pub(super) fn dimensions(&self) -> c_int {
        self.0.ndim
    }

    pub(super) fn item_size(&self) -> usize {
        usize::try_from(self.0.itemsize).unwrap_or(0)
    }

    /// What an element is, as the module `struct` writes it.
    pub(super) fn format(&self) -> &CStr {
        // SAFETY: null, or a C string that lives as long as the export.
        if self.0.format.is_null() { c"B" } else { unsafe { CStr::from_ptr(self.0.format) } }
    }

    /// Of memory of one dimension, how many elements there are, and how many bytes from one to the next.
    pub(super) fn run(&self) -> (usize, isize) {
        let (shape, strides) = (self.0.shape, self.0.strides);
        // SAFETY: null, or as many numbers as there are dimensions, of which there is one.
        unsafe {
            let len = if shape.is_null() { self.0.len / self.0.itemsize.max(1) } else { *shape };
            let stride = if strides.is_null() { self.0.itemsize } else { *strides };
            (usize::try_from(len).unwrap_or(0), stride)
        }
    }
}

impl Drop for Export {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the buffer was filled by the object that it names, and is released once.
        unsafe { ffi::PyBuffer_Release(&raw mut *self.0) };
    }
}
