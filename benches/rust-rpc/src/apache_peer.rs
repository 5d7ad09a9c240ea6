//! Apache's crate, framed Binary: threads, for it knows nothing else.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use thrift::protocol::{
    TBinaryInputProtocol, TBinaryInputProtocolFactory, TBinaryOutputProtocol, TBinaryOutputProtocolFactory,
};
use thrift::server::TServer;
use thrift::transport::{
    ReadHalf, TFramedReadTransport, TFramedReadTransportFactory, TFramedWriteTransport, TFramedWriteTransportFactory,
    TIoChannel, TTcpChannel, WriteHalf,
};

use crate::load::BlockingCall;

#[allow(warnings, clippy::all, clippy::pedantic)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/apache.rs"));
}

use generated::{EchoSyncClient, EchoSyncHandler, EchoSyncProcessor, Message, TEchoSyncClient as _};

/// As many threads as callers, since a connection holds one.
const THREADS: usize = 64;

struct Handler;

impl EchoSyncHandler for Handler {
    fn handle_echo(&self, message: Message) -> thrift::Result<Message> {
        Ok(message)
    }
}

/// Serves until the process ends; it does not tell when it listens.
pub fn serve(url: &str) {
    let mut server = TServer::new(
        TFramedReadTransportFactory::new(),
        TBinaryInputProtocolFactory::new(),
        TFramedWriteTransportFactory::new(),
        TBinaryOutputProtocolFactory::new(),
        EchoSyncProcessor::new(Handler),
        THREADS,
    );
    match url.strip_prefix("unix://") {
        Some(path) => server.listen_uds(path),
        None => server.listen(url.trim_start_matches("tcp://")),
    }
    .expect("it runs");
}

type Input<C> = TBinaryInputProtocol<TFramedReadTransport<ReadHalf<C>>>;
type Output<C> = TBinaryOutputProtocol<TFramedWriteTransport<WriteHalf<C>>>;
type Client<C> = EchoSyncClient<Input<C>, Output<C>>;

/// A caller, with a connection of its own.
pub enum Caller {
    /// Over TCP.
    Tcp(Client<TTcpChannel>, Message),
    /// Over a UNIX socket.
    Unix(Client<UnixStream>, Message),
}

fn client<C: TIoChannel>(channel: C) -> Client<C>
where
    ReadHalf<C>: std::io::Read,
    WriteHalf<C>: std::io::Write,
{
    let (input, output) = channel.split().expect("a socket has two ends");
    EchoSyncClient::new(
        TBinaryInputProtocol::new(TFramedReadTransport::new(input), true),
        TBinaryOutputProtocol::new(TFramedWriteTransport::new(output), true),
    )
}

impl Caller {
    /// Callers with a connection each.
    pub fn all(url: &str, callers: usize) -> Vec<Self> {
        (0..callers).map(|_| Self::new(url)).collect()
    }

    fn new(url: &str) -> Self {
        let sent = crate::ours::message();
        let message = Message {
            id: sent.id,
            name: sent.name,
            ratio: sent.ratio.into(),
            count: sent.count,
            active: sent.active,
            data: sent.data,
        };
        match url.strip_prefix("unix://") {
            Some(path) => Self::Unix(client(UnixStream::connect(path).expect("the server is there")), message),
            None => {
                let stream = TcpStream::connect(url.trim_start_matches("tcp://")).expect("the server is there");
                stream.set_nodelay(true).expect("it is a socket");
                Self::Tcp(client(TTcpChannel::with_stream(stream)), message)
            }
        }
    }
}

impl BlockingCall for Caller {
    fn call(&mut self) {
        let (reply, message) = match self {
            Self::Tcp(client, message) => (client.echo(message.clone()), message),
            Self::Unix(client, message) => (client.echo(message.clone()), message),
        };
        assert_eq!(reply.expect("the server answers").id, message.id);
    }
}
