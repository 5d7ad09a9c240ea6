//! Listening sockets that another process made and left open for this one: to listen at one's address takes it instead
//! of a new one.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use socket2::{SockAddr, Socket};

static INHERITED: Mutex<Vec<(SockAddr, Socket)>> = Mutex::new(Vec::new());

/// The socket that was inherited for this address, if there is one. It stays there for the next server, too.
pub(super) fn find(address: &SockAddr) -> io::Result<Option<Socket>> {
    let inherited = INHERITED.lock().unwrap_or_else(PoisonError::into_inner);
    let found = inherited.iter().find(|(known, _)| known == address);
    found.map(|(_, socket)| socket.try_clone()).transpose()
}

/// The socket that was inherited for this path.
pub(super) fn find_path(path: &Path) -> io::Result<Option<Socket>> {
    find(&SockAddr::unix(path)?)
}

/// Lets servers that are to listen at the addresses of these listening sockets use them. Those named before are let go;
/// the descriptors themselves stay open.
pub(super) fn replace(descriptors: &[RawFd]) -> io::Result<()> {
    let taken = descriptors.iter().map(|&descriptor| listening(descriptor)).collect::<io::Result<_>>()?;
    *INHERITED.lock().unwrap_or_else(PoisonError::into_inner) = taken;
    Ok(())
}

/// A descriptor of one's own for the same.
pub(super) fn duplicate(descriptor: RawFd) -> io::Result<OwnedFd> {
    if descriptor < 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a descriptor is not negative"));
    }
    // SAFETY: it is not -1, and borrowed for one system call, which says so when it is not open.
    unsafe { BorrowedFd::borrow_raw(descriptor) }.try_clone_to_owned()
}

fn listening(descriptor: RawFd) -> io::Result<(SockAddr, Socket)> {
    let socket = Socket::from(duplicate(descriptor)?);
    socket.set_nonblocking(true)?;
    Ok((socket.local_addr()?, socket))
}
