//! Giving connections to another process that serves the same, instead of closing them: their clients notice nothing.
//!
//! Through a socket between the two, each connection comes as one message: the place of its endpoint as a byte, and with it the
//! descriptor, as UNIX systems pass them (`SCM_RIGHTS`). What the client sent meanwhile waits in the connection itself.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// How long the other process may take to receive what was sent before. It does nothing else meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where connections go.
pub(super) struct Heir(UnixStream);

impl Heir {
    /// The process at the other end of this socket.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        let socket = UnixStream::from(socket);
        socket.set_nonblocking(false)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(socket))
    }

    /// Gives a connection, which the caller then closes on its own side alone.
    pub(super) fn give(&self, place: u8, connection: BorrowedFd<'_>) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut passed = SendAncillaryBuffer::new(&mut space);
        let descriptors = [connection];
        if !passed.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        sendmsg(self.0.as_fd(), &[IoSlice::new(&[place])], &mut passed, SendFlags::empty())?;
        Ok(())
    }
}
