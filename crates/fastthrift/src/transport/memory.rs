//! Connections within this process: `memory://name`.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::DuplexStream;
use tokio::sync::mpsc;

/// Bytes that wait in each direction of a connection.
const CAPACITY: usize = 64 << 10;
/// Connections that wait to be accepted.
const BACKLOG: usize = 128;

type Names = HashMap<Arc<str>, mpsc::Sender<DuplexStream>>;

/// Who listens under which name.
static NAMES: LazyLock<Mutex<Names>> = LazyLock::new(Mutex::default);

/// Listens under a name as long as it lives.
#[derive(Debug)]
pub(super) struct MemoryListener {
    name: Arc<str>,
    arriving: mpsc::Receiver<DuplexStream>,
}

impl MemoryListener {
    pub(super) fn bind(name: &Arc<str>) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let mut names = names();
        if names.contains_key(name) {
            return Err(io::Error::new(ErrorKind::AddrInUse, "somebody listens there already"));
        }
        names.insert(Arc::clone(name), sender);
        Ok(Self { name: Arc::clone(name), arriving: receiver })
    }

    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<DuplexStream>> {
        let arrived = self.arriving.poll_recv(cx);
        arrived.map(|arrived| arrived.ok_or_else(|| ErrorKind::NotConnected.into()))
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        names().remove(&self.name);
    }
}

/// A connection to whoever listens under this name.
pub(super) async fn connect(name: &str) -> io::Result<DuplexStream> {
    let nobody = || io::Error::new(ErrorKind::ConnectionRefused, "nobody listens there");
    let listener = names().get(name).cloned().ok_or_else(nobody)?;
    let (own, other) = tokio::io::duplex(CAPACITY);
    listener.send(other).await.map_err(|_| nobody())?;
    Ok(own)
}

fn names() -> MutexGuard<'static, Names> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}
