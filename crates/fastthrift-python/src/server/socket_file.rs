//! The file of a UNIX socket, which outlives its server unless somebody removes it.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use mio::net::UnixListener;

/// A socket's file; removed with this value, if it is still the same one.
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// The process that made it: a forked child must not remove its parent's.
    process: u32,
}

impl SocketFile {
    /// Listens at a path. A file that no server listens on any more is replaced; any other is an error.
    pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, Self)> {
        remove_stale(path)?;
        let listener = std::os::unix::net::UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        let metadata = fs::symlink_metadata(path)?;
        let file =
            Self { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino(), process: std::process::id() };
        Ok((UnixListener::from_std(listener), file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_same =
            fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if is_same && self.process == std::process::id() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes a socket's file that nobody listens on.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the path exists and is no socket"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another server listens there")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}
