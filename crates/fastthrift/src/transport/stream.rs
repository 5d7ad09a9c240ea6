//! One connection's bytes, whatever carries them.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpStream, tcp};
#[cfg(unix)]
use tokio::net::{UnixStream, unix};

/// One end of a connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Memory(DuplexStream),
    #[cfg(feature = "tls")]
    Tls(Box<super::tls::Secure>),
}

/// What a socket is written to by, from any task at once.
#[derive(Debug, Clone)]
pub(crate) enum Direct {
    Tcp(Arc<tcp::OwnedWriteHalf>),
    #[cfg(unix)]
    Unix(Arc<unix::OwnedWriteHalf>),
    #[cfg(all(test, fastthrift_loom))]
    Model(Arc<crate::sync::model::Socket>),
}

/// What one task at a time does with a stream.
#[derive(Debug)]
pub(crate) enum ReadSide {
    Tcp(tcp::OwnedReadHalf),
    #[cfg(unix)]
    Unix(unix::OwnedReadHalf),
    /// What cannot be written to by others.
    Whole(Stream),
    #[cfg(all(test, fastthrift_loom))]
    Model(Arc<crate::sync::model::Socket>),
}

impl Stream {
    /// Takes the stream apart, where several tasks may write to it.
    pub(crate) fn into_sides(self) -> (ReadSide, Option<Direct>) {
        match self {
            Self::Tcp(stream) => {
                let (read, write) = stream.into_split();
                (ReadSide::Tcp(read), Some(Direct::Tcp(Arc::new(write))))
            }
            #[cfg(unix)]
            Self::Unix(stream) => {
                let (read, write) = stream.into_split();
                (ReadSide::Unix(read), Some(Direct::Unix(Arc::new(write))))
            }
            whole => (ReadSide::Whole(whole), None),
        }
    }

    /// Receives what there is; 0 at the end.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(into);
        let read = match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            Self::Memory(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.poll_receive(cx, &mut buffer),
        };
        read.map_ok(|()| buffer.filled().len())
    }

    /// Sends what there is room for.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Memory(stream) => Pin::new(stream).poll_write(cx, bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.poll_send(cx, bytes),
        }
    }

    /// Sends what the stream itself holds back.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) => Poll::Ready(Ok(())),
            #[cfg(unix)]
            Self::Unix(_) => Poll::Ready(Ok(())),
            Self::Memory(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.poll_flush(cx),
        }
    }

    /// Tells the peer that nothing more comes.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.poll_end(cx),
        }
    }
}

impl ReadSide {
    /// Receives what there is; 0 at the end.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(into);
        let read = match self {
            Self::Tcp(half) => Pin::new(half).poll_read(cx, &mut buffer),
            #[cfg(unix)]
            Self::Unix(half) => Pin::new(half).poll_read(cx, &mut buffer),
            Self::Whole(stream) => return stream.poll_receive(cx, into),
            #[cfg(all(test, fastthrift_loom))]
            Self::Model(socket) => return socket.poll_read(cx, into),
        };
        read.map_ok(|()| buffer.filled().len())
    }

    /// Sends what there is room for, where this alone can send.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Whole(stream) => stream.poll_send(cx, bytes),
            _ => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        }
    }

    /// Sends what the stream itself holds back.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Whole(stream) => stream.poll_flush(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Tells the peer that nothing more comes, if that takes no time; a socket says so by itself when it is closed.
    pub(crate) fn end_now(&mut self, cx: &mut Context<'_>) {
        if let Self::Whole(stream) = self {
            let _ = stream.poll_end(cx);
        }
    }
}

impl Direct {
    /// Sends what there is room for now; `None` when there is none.
    pub(crate) fn try_send(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let sent = match self {
            Self::Tcp(half) => half.try_write(bytes),
            #[cfg(unix)]
            Self::Unix(half) => half.try_write(bytes),
            #[cfg(all(test, fastthrift_loom))]
            Self::Model(socket) => socket.try_write(bytes),
        };
        match sent {
            Ok(sent) => Ok(Some(sent)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends what there is room for.
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            if let Some(sent) = self.try_send(bytes)? {
                return Poll::Ready(Ok(sent));
            }
            ready!(self.poll_room(cx))?;
        }
    }

    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(half) => AsRef::<TcpStream>::as_ref(&**half).poll_write_ready(cx),
            #[cfg(unix)]
            Self::Unix(half) => AsRef::<UnixStream>::as_ref(&**half).poll_write_ready(cx),
            // There is room at once.
            #[cfg(all(test, fastthrift_loom))]
            Self::Model(_) => Poll::Ready(Ok(())),
        }
    }
}
