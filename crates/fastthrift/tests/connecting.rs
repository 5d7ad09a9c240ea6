//! What is told of connections that cannot be made, and how long it takes.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "blocking")]
use calculator::BlockingCalculatorClient;
use calculator::{CalculatorClient, CalculatorServer, Handler};
#[cfg(feature = "blocking")]
use fastthrift::{CallErrorKind, blocking};
use fastthrift::{Channel, ChannelBuilder, Framing, Limits, Protocol, Server, ServerBuilder};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

fn socket(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("fastthrift-{name}-{}.sock", std::process::id()))
}

#[tokio::test]
async fn errors_of_the_system_name_the_endpoint() {
    let service = || CalculatorServer::new(Handler::default());
    let server = Server::builder(service()).bind("tcp://127.0.0.1:0").await.unwrap();
    let url = server.url();
    let error = Server::builder(service()).bind(&url).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().starts_with(&format!("{url}: ")), "{error}");
    drop(server);
    let error = Channel::connect(&url).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot connect: {url}: ")), "{error}");
    let cause = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>();
    assert_eq!(cause.unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn times_may_be_as_long_as_can_be() {
    let for_ever = Duration::MAX;
    let builder = Server::builder(CalculatorServer::new(Handler::default())).message_timeout(for_ever);
    let server = builder.idle_timeout(for_ever).drain_timeout(for_ever).bind("tcp://127.0.0.1:0").await.unwrap();
    let url = server.url();
    let serving = tokio::spawn(server.serve());
    let builder = Channel::builder(&url).connect_timeout(for_ever).timeout(for_ever);
    let channel = builder.idle_timeout(for_ever).max_age(for_ever).connect().await.unwrap();
    assert_eq!(CalculatorClient::new(channel.clone()).add(2, 3).await.unwrap(), 5);
    channel.close().await;
    #[cfg(feature = "blocking")]
    tokio::task::spawn_blocking(move || {
        let builder = blocking::Channel::builder(&url).connect_timeout(for_ever).timeout(for_ever);
        assert!(builder.connect().is_ok());
    })
    .await
    .unwrap();
    serving.abort();
}

/// Limits each of which is 0 once, and what the error says of it.
fn limits_of_zero() -> [(Limits, &'static str); 5] {
    let usual = Limits::DEFAULT;
    [
        (Limits { message: 0, ..usual }, "limits.message must be at least 1, got 0"),
        (Limits { string: 0, ..usual }, "limits.string must be at least 1, got 0"),
        (Limits { container: 0, ..usual }, "limits.container must be at least 1, got 0"),
        (Limits { depth: 0, ..usual }, "limits.depth must be at least 1, got 0"),
        (Limits { memory: 0, ..usual }, "limits.memory must be at least 1, got 0"),
    ]
}

#[tokio::test]
async fn a_server_is_not_made_with_limits_of_zero() {
    type Builder = ServerBuilder<CalculatorServer<Handler>>;
    async fn check(says: &str, change: impl FnOnce(Builder) -> Builder) {
        let builder = change(Server::builder(CalculatorServer::new(Handler::default())));
        let error = builder.bind("tcp://127.0.0.1:0").await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (std::io::ErrorKind::InvalidInput, says));
    }
    check("max_connections must be at least 1, got 0", |builder| builder.max_connections(0)).await;
    check("max_in_flight must be at least 1, got 0", |builder| builder.max_in_flight(0)).await;
    check("max_memory must be at least 1, got 0", |builder| builder.max_memory(0)).await;
    check("max_open must be at least 1, got 0", |builder| builder.max_open(0)).await;
    check("message_timeout must be longer than 0", |builder| builder.message_timeout(Duration::ZERO)).await;
    check("idle_timeout must be longer than 0", |builder| builder.idle_timeout(Duration::ZERO)).await;
    for (limits, says) in limits_of_zero() {
        check(says, |builder| builder.limits(limits)).await;
    }
    // It waits for nobody, then.
    let builder = Server::builder(CalculatorServer::new(Handler::default())).drain_timeout(Duration::ZERO);
    assert!(builder.bind("tcp://127.0.0.1:0").await.is_ok());
}

#[test]
fn a_channel_is_not_made_with_limits_of_zero() {
    let check = |says: &str, change: &dyn Fn(ChannelBuilder) -> ChannelBuilder| {
        let error = change(Channel::builder("tcp://127.0.0.1:1")).lazy().unwrap_err();
        assert_eq!(error.to_string(), format!("cannot connect: {says}"));
    };
    check("connections must be at least 1, got 0", &|builder| builder.connections(0));
    check("timeout must be longer than 0", &|builder| builder.timeout(Duration::ZERO));
    check("connect_timeout must be longer than 0", &|builder| builder.connect_timeout(Duration::ZERO));
    check("idle_timeout must be longer than 0", &|builder| builder.idle_timeout(Duration::ZERO));
    check("max_age must be longer than 0", &|builder| builder.max_age(Duration::ZERO));
    for (limits, says) in limits_of_zero() {
        check(says, &|builder| builder.limits(limits));
    }
}

#[cfg(feature = "blocking")]
#[test]
fn a_channel_that_blocks_is_not_made_with_limits_of_zero() {
    type Builder = blocking::ChannelBuilder;
    let check = |says: &str, change: &dyn Fn(Builder) -> Builder| {
        let error = change(blocking::Channel::builder("tcp://127.0.0.1:1")).lazy().unwrap_err();
        assert_eq!(error.to_string(), format!("cannot connect: {says}"));
    };
    check("timeout must be longer than 0", &|builder| builder.timeout(Duration::ZERO));
    check("connect_timeout must be longer than 0", &|builder| builder.connect_timeout(Duration::ZERO));
    for (limits, says) in limits_of_zero() {
        check(says, &|builder| builder.limits(limits));
    }
    // None is kept, then.
    assert!(blocking::Channel::builder("tcp://127.0.0.1:1").kept(0).lazy().is_ok());
}

const NO_HEADERS: &str = "these connections carry no headers: set Framing::Header or take an HTTP URL for them";

/// Sets a header behind the back of who calls, as tracing does.
struct Marking;

impl fastthrift::Interceptor for Marking {
    async fn call(
        &self,
        mut request: fastthrift::ClientRequest,
        next: fastthrift::Next<'_>,
    ) -> Result<fastthrift::ClientReply, fastthrift::CallError> {
        request.headers.insert("mark", "1");
        next.run(request).await
    }
}

#[tokio::test]
async fn headers_that_would_not_travel_are_refused_before_anything_is_sent() {
    let server = Server::builder(CalculatorServer::new(Handler::default())).bind("tcp://127.0.0.1:0").await.unwrap();
    let url = server.url();
    let serving = tokio::spawn(server.serve());
    for framing in [Framing::Framed, Framing::Unframed] {
        let builder = || Channel::builder(&url).framing(framing).protocol(Protocol::Compact);
        let error = builder().header("token", "abc").lazy().unwrap_err();
        assert_eq!(error.to_string(), format!("cannot connect: {NO_HEADERS}"));
        let channel = builder().connect().await.unwrap();
        let marked = channel.with_interceptor(Marking);
        for channel in [channel.with_header("token", "abc"), marked.with_header("token", "abc")] {
            let error = CalculatorClient::new(channel).ping().await.unwrap_err();
            assert!(error.to_string().contains(NO_HEADERS) && !error.was_sent(), "{error}");
        }
        // What is set for whatever carries it is left out, and the channel is as good as before.
        CalculatorClient::new(marked).ping().await.unwrap();
    }
    let channel = Channel::builder(&url).framing(Framing::Header).header("token", "abc").connect().await.unwrap();
    CalculatorClient::new(channel.with_header("more", "d")).ping().await.unwrap();
    serving.abort();
}

#[cfg(feature = "blocking")]
#[test]
fn channels_that_block_refuse_headers_that_would_not_travel() {
    let builder = || blocking::Channel::builder("tcp://127.0.0.1:1");
    let error = builder().header("token", "abc").lazy().unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect: {NO_HEADERS}"));
    let channel = builder().lazy().unwrap().with_header("token", "abc");
    let error = BlockingCalculatorClient::new(channel).greet("nobody").unwrap_err();
    assert!(error.to_string().contains(NO_HEADERS) && !error.was_sent(), "{error}");
    assert!(builder().framing(Framing::Header).header("token", "abc").lazy().is_ok());
    assert!(blocking::Channel::builder("http://127.0.0.1:1/").header("token", "abc").lazy().is_ok());
}

/// A UNIX socket in whose queue there is no room.
#[cfg(all(unix, feature = "blocking"))]
fn full(path: &Path) -> (socket2::Socket, Vec<socket2::Socket>) {
    use socket2::{Domain, SockAddr, Socket, Type};

    let address = SockAddr::unix(path).unwrap();
    let socket = || Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let listener = socket();
    listener.bind(&address).unwrap();
    listener.listen(0).unwrap();
    let mut waiting = Vec::new();
    loop {
        let next = socket();
        next.set_nonblocking(true).unwrap();
        if next.connect(&address).is_err() {
            return (listener, waiting);
        }
        waiting.push(next);
    }
}

#[cfg(all(target_os = "linux", feature = "blocking"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unix_server_that_accepts_nobody_gains_no_time() {
    let path = socket("full");
    let held = full(&path);
    let url = format!("unix://{}", path.display());
    let channel = Channel::builder(&url).timeout(Duration::from_millis(50)).lazy().unwrap();
    let error = CalculatorClient::new(channel).ping().await.unwrap_err();
    assert!(error.is_timeout() && !error.was_sent(), "{error}");
    let blocked = tokio::task::spawn_blocking(move || {
        let channel = blocking::Channel::builder(&url).timeout(Duration::from_millis(50)).lazy().unwrap();
        let error = BlockingCalculatorClient::new(channel).greet("Ada").unwrap_err();
        assert!(error.is_timeout() && !error.was_sent(), "{error}");
        let error = blocking::Channel::builder(&url).connect_timeout(Duration::from_millis(50)).connect().unwrap_err();
        assert!(matches!(error.kind(), CallErrorKind::Connect(_)), "{error}");
    });
    timeout(PATIENCE, blocked).await.expect("nothing lasts").unwrap();
    drop(held);
    std::fs::remove_file(&path).unwrap();
}

#[cfg(all(unix, feature = "blocking"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_blocks_sees_that_a_unix_server_went_before_it_calls() {
    let path = socket("gone");
    let url = format!("unix://{}", path.display());
    let bind = async || Server::builder(CalculatorServer::new(Handler::default())).bind(&url).await.unwrap();
    let first = bind().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(first.serve_until(async move { drop(stopped.await) }));
    let client = BlockingCalculatorClient::new(blocking::Channel::builder(&url).timeout(PATIENCE).lazy().unwrap());
    let again = client.clone();
    let call = |client: BlockingCalculatorClient| tokio::task::spawn_blocking(move || client.add(2, 3).unwrap());
    assert_eq!(call(client).await.unwrap(), 5);
    stop.send(()).unwrap();
    serving.await.unwrap();
    let serving = tokio::spawn(bind().await.serve());
    // So long is a connection trusted without a look.
    tokio::time::sleep(Duration::from_millis(6)).await;
    assert_eq!(call(again).await.unwrap(), 5);
    serving.abort();
}
