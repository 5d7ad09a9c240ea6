//! Instances that were freed, kept for the next ones of their class: most programs make and drop the same few kinds all the time.
//!
//! They are kept under the interpreter's lock; free-threaded builds, which have none, keep none.
#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};

use pyo3::ffi;

use crate::object::Ref;

/// How many instances of one class are kept.
const MOST: usize = 256;

/// The memory of instances that nobody refers to: no slot holds anything, and neither the collector nor the class counts them.
#[derive(Default)]
pub(crate) struct Spare {
    objects: UnsafeCell<Vec<Ref>>,
    /// Whether the class is going, so that nothing is kept any more.
    is_closed: Cell<bool>,
}

// SAFETY: it is only touched with the interpreter held, which no other thread has meanwhile; and no Python code runs while it is.
unsafe impl Sync for Spare {}
// SAFETY: as above.
unsafe impl Send for Spare {}

impl Spare {
    /// An instance with all slots empty that the collector does not know; `None` when none is kept.
    ///
    /// # Safety
    /// All instances that were kept are of this class and size.
    #[inline]
    pub(super) unsafe fn take(&self, class: *mut ffi::PyTypeObject) -> Option<Ref> {
        if cfg!(Py_GIL_DISABLED) {
            return None;
        }
        // SAFETY: as for `Sync`; the memory is that of an instance of the class, which counts it again from now on.
        unsafe {
            let object = (*self.objects.get()).pop()?;
            Some(ffi::PyObject_Init(object, class))
        }
    }

    /// Keeps an instance; false when there are enough.
    ///
    /// # Safety
    /// Nobody refers to the instance, its slots are empty, and the collector does not know it.
    #[inline]
    pub(super) unsafe fn keep(&self, object: Ref) -> bool {
        if cfg!(Py_GIL_DISABLED) || self.is_closed.get() {
            return false;
        }
        // SAFETY: as for `Sync`.
        let objects = unsafe { &mut *self.objects.get() };
        let keeps = objects.len() < MOST;
        if keeps {
            objects.push(object);
        }
        keeps
    }

    /// Gives the memory back, before the class goes.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        // SAFETY: as for `Sync`; the instances were made by the collector's allocator, and nobody refers to them.
        unsafe {
            for object in std::mem::take(&mut *self.objects.get()) {
                ffi::PyObject_GC_Del(object.cast());
            }
        }
    }
}
