//! What threads share state by: that of `std`, or in models that of loom, which tries every order in which threads can come.

#[cfg(not(all(test, fastthrift_loom)))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

#[cfg(all(test, fastthrift_loom))]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};

#[cfg(all(test, fastthrift_loom))]
pub(crate) mod model {
    //! What models are made with: how orders are tried, and a socket whose peer answers at once.

    use std::collections::VecDeque;
    use std::io::{self, ErrorKind};
    use std::task::{Context, Poll, Waker};

    use fastthrift_rpc::{CallKind, ServerConfig, ServerConnection};

    use super::Mutex;

    /// Tries the orders in which threads can come, those where a thread is interrupted up to so many times (`LOOM_MAX_PREEMPTIONS`).
    pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound.get_or_insert(PREEMPTIONS);
        builder.check(model);
    }

    /// What takes seconds; with two it is minutes.
    const PREEMPTIONS: usize = 1;

    /// A socket to a server that answers each call with its arguments.
    #[derive(Debug)]
    pub(crate) struct Socket(Mutex<Peer>);

    #[derive(Debug)]
    struct Peer {
        server: ServerConnection,
        reader: Option<Waker>,
        /// How many bytes the next sends take; after those, all.
        room: VecDeque<usize>,
        has_ended: bool,
        served: usize,
    }

    impl Socket {
        pub(crate) fn new(room: &[usize]) -> Self {
            let server = ServerConnection::new(ServerConfig::default());
            let room = room.iter().copied().collect();
            Self(Mutex::new(Peer { server, reader: None, room, has_ended: false, served: 0 }))
        }

        /// How many requests the peer got.
        pub(crate) fn served(&self) -> usize {
            self.0.lock().unwrap().served
        }

        /// The peer closes it.
        pub(crate) fn end(&self) {
            let mut peer = self.0.lock().unwrap();
            peer.has_ended = true;
            let reader = peer.reader.take();
            drop(peer);
            if let Some(reader) = reader {
                reader.wake();
            }
        }

        pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
            let mut peer = self.0.lock().unwrap();
            if peer.has_ended {
                return Err(ErrorKind::BrokenPipe.into());
            }
            let len = peer.room.pop_front().map_or(bytes.len(), |room| room.min(bytes.len()));
            if len == 0 && !bytes.is_empty() {
                return Err(ErrorKind::WouldBlock.into());
            }
            peer.server.receive(&bytes[..len]);
            peer.answer();
            let reader = if peer.server.outbound().is_empty() { None } else { peer.reader.take() };
            drop(peer);
            if let Some(reader) = reader {
                reader.wake();
            }
            Ok(len)
        }

        pub(crate) fn poll_read(&self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
            let mut peer = self.0.lock().unwrap();
            let len = peer.server.outbound().len().min(into.len());
            if len == 0 && !peer.has_ended {
                peer.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            into[..len].copy_from_slice(&peer.server.outbound()[..len]);
            peer.server.advance_outbound(len);
            Poll::Ready(Ok(len))
        }
    }

    impl Peer {
        fn answer(&mut self) {
            while let Some(request) = self.server.poll_event().unwrap() {
                self.served += 1;
                if request.kind == CallKind::Oneway {
                    self.server.finish_oneway(request.id).unwrap();
                    continue;
                }
                let body = self.server.bytes(request.body).to_vec();
                let mut reply = self.server.begin_reply(request.id).unwrap();
                reply.buffer().extend_from_slice(&body);
                reply.finish().unwrap();
            }
        }
    }
}
