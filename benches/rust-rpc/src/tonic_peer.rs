//! tonic, for reference: the same call in gRPC, all callers on one connection of HTTP/2.

use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

use crate::load::Call;

/// The message in Protocol Buffers.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Message {
    /// A number.
    #[prost(int64, tag = "1")]
    pub id: i64,
    /// A text.
    #[prost(string, tag = "2")]
    pub name: String,
    /// A number.
    #[prost(double, tag = "3")]
    pub ratio: f64,
    /// A number.
    #[prost(int32, tag = "4")]
    pub count: i32,
    /// A flag.
    #[prost(bool, tag = "5")]
    pub active: bool,
    /// Some bytes.
    #[prost(bytes = "vec", tag = "6")]
    pub data: Vec<u8>,
}

#[allow(warnings, clippy::all, clippy::pedantic)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/echo.Echo.rs"));
}

use generated::echo_client::EchoClient;
use generated::echo_server::{Echo, EchoServer};

struct Handler;

#[tonic::async_trait]
impl Echo for Handler {
    async fn echo(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

/// Serves until the process ends.
pub async fn serve(url: &str, ready: impl FnOnce(&str)) {
    let server = Server::builder().tcp_nodelay(true).add_service(EchoServer::new(Handler));
    if let Some(path) = url.strip_prefix("unix://") {
        let listener = UnixListener::bind(path).expect("the address is free");
        ready(url);
        server.serve_with_incoming(UnixListenerStream::new(listener)).await.expect("it runs");
        return;
    }
    let listener = TcpListener::bind(url.trim_start_matches("tcp://")).await.expect("the address is free");
    ready(&format!("tcp://{}", listener.local_addr().expect("it is bound")));
    let incoming = TcpListenerStream::new(listener);
    server.serve_with_incoming(incoming).await.expect("it runs");
}

async fn connect(url: &str) -> Channel {
    let connected = match url.strip_prefix("unix://") {
        Some(path) => {
            let path = path.to_owned();
            let connector = tower::service_fn(move |_| {
                let path = path.clone();
                async move { UnixStream::connect(path).await.map(TokioIo::new) }
            });
            Endpoint::from_static("http://localhost").connect_with_connector(connector).await
        }
        None => {
            let url = url.replace("tcp://", "http://");
            Endpoint::from_shared(url).expect("it is an address").tcp_nodelay(true).connect().await
        }
    };
    connected.expect("the server is there")
}

/// A caller; all of them share the connection.
pub struct Caller(EchoClient<Channel>, Message);

impl Caller {
    /// Callers over one connection.
    pub async fn all(url: &str, callers: usize) -> Vec<Self> {
        let client = EchoClient::new(connect(url).await);
        let sent = crate::ours::message();
        let message = Message {
            id: sent.id,
            name: sent.name,
            ratio: sent.ratio,
            count: sent.count,
            active: sent.active,
            data: sent.data,
        };
        (0..callers).map(|_| Self(client.clone(), message.clone())).collect()
    }
}

impl Call for Caller {
    async fn call(&mut self) {
        let reply = self.0.echo(Request::new(self.1.clone())).await.expect("the server answers");
        assert_eq!(reply.into_inner().id, self.1.id);
    }
}
