//! Which process this is, without asking the system at each call: that would be one system call a call. And which interpreter
//! of it.
#![allow(unsafe_code)]

#[cfg(unix)]
use std::sync::OnceLock;
#[cfg(unix)]
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

/// The number of this process, kept right across forks.
#[cfg(unix)]
static ID: AtomicU32 = AtomicU32::new(0);

/// The number of this process.
///
/// Whoever forks by other means than the C library's `fork` has to ask the system.
#[cfg(unix)]
#[inline]
pub(crate) fn id() -> u32 {
    static WATCHED: OnceLock<bool> = OnceLock::new();
    let is_watched = *WATCHED.get_or_init(|| {
        ID.store(std::process::id(), Ordering::Relaxed);
        // SAFETY: the function does nothing in the child but ask for its number and store it, which a child of a process with threads
        // may do.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) == 0 }
    });
    if is_watched { ID.load(Ordering::Relaxed) } else { std::process::id() }
}

/// Whether this is the interpreter that the process began with, which is the one that a thread of the package's own attaches to.
pub(crate) fn is_main_interpreter(_attached: Python<'_>) -> bool {
    // SAFETY: the thread is attached to an interpreter, as its token shows, and the main one lasts until the process ends.
    unsafe { ffi::PyInterpreterState_Get() == ffi::PyInterpreterState_Main() }
}

/// The number of this process.
#[cfg(not(unix))]
#[inline]
pub(crate) fn id() -> u32 {
    std::process::id()
}

#[cfg(unix)]
extern "C" fn in_child() {
    ID.store(std::process::id(), Ordering::Relaxed);
}
