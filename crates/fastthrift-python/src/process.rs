//! Which process this is, without asking the system at each call: that would be one system call a call.
#![allow(unsafe_code)]

#[cfg(unix)]
use std::sync::OnceLock;
#[cfg(unix)]
use std::sync::atomic::{AtomicU32, Ordering};

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
