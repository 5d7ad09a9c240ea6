//! The same calls over everything that carries them.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::path::PathBuf;

use calculator::{AddError, BaseServer, CalculatorClient, CalculatorServer, Handler};
use fastthrift::{CallErrorKind, Channel, Framing, Headers, Protocol, Server, Transform};
use tokio::task::JoinHandle;

/// Stops the server when it is dropped.
struct Serving(String, JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.1.abort();
    }
}

async fn serve(url: &str) -> Serving {
    let server = Server::builder(CalculatorServer::new(Handler::default())).bind(url).await.unwrap();
    Serving(server.url(), tokio::spawn(server.serve()))
}

fn socket(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("fastthrift-{name}-{}.sock", std::process::id()))
}

async fn check(channel: Channel) {
    let client = CalculatorClient::new(channel);
    assert_eq!(client.add(2, 3).await.unwrap(), 5);
    client.log("a line").await.unwrap();
    assert_eq!(client.greet("Ada").await.unwrap(), "Hello, Ada!");
    assert!(matches!(client.add(i32::MAX, 1).await, Err(AddError::Overflow(_))));
    assert!(client.greet("error").await.unwrap_err().application_exception().is_some());
    assert_eq!(client.greet("large").await.unwrap().len(), 1 << 20);
    client.ping().await.unwrap();
}

#[tokio::test]
async fn every_protocol_goes_through_every_framing_and_socket() {
    let path = socket("matrix");
    for url in ["tcp://127.0.0.1:0", &format!("unix://{}", path.display()), "memory://matrix"] {
        let server = serve(url).await;
        for protocol in [Protocol::Binary, Protocol::Compact, Protocol::Json] {
            for framing in [Framing::Framed, Framing::Unframed, Framing::Header] {
                check(Channel::builder(&server.0).protocol(protocol).framing(framing).connect().await.unwrap()).await;
            }
        }
        check(Channel::builder(&server.0).zlib().connect().await.unwrap()).await;
        let zlib = Channel::builder(&server.0).framing(Framing::Header).transforms(&[Transform::Zlib]);
        check(zlib.connect().await.unwrap()).await;
    }
}

#[tokio::test]
async fn every_protocol_goes_through_http() {
    let server = serve("http://127.0.0.1:0/calculator").await;
    for protocol in [Protocol::Binary, Protocol::Compact, Protocol::Json] {
        check(Channel::builder(&server.0).protocol(protocol).connect().await.unwrap()).await;
    }
    let elsewhere = server.0.replace("/calculator", "/elsewhere");
    let client = CalculatorClient::new(Channel::connect(&elsewhere).await.unwrap());
    assert!(client.ping().await.unwrap_err().to_string().contains("404"));
}

#[tokio::test]
async fn headers_and_deadlines_travel_where_headers_do() {
    let urls = ["tcp://127.0.0.1:0", "http://127.0.0.1:0/"];
    for url in urls {
        let server = serve(url).await;
        let channel =
            Channel::builder(&server.0).framing(Framing::Header).header("token", "abc").connect().await.unwrap();
        let client = CalculatorClient::new(channel.clone());
        assert_eq!(client.greet("token").await.unwrap(), "abc");
        assert_eq!(client.greet("deadline").await.unwrap(), "there is none");
        let hurried = CalculatorClient::new(channel.with_timeout(std::time::Duration::from_secs(30)));
        assert_eq!(hurried.greet("deadline").await.unwrap(), "there is one");
        let request = fastthrift::ClientRequest {
            function: fastthrift::Function::new("greet"),
            service: None,
            headers: Headers::new(),
            timeout: None,
            protocol: channel.protocol(),
            body: b"\x0b\0\x01\0\0\0\x05token\0".to_vec(),
        };
        let other = fastthrift::ClientRequest { protocol: Protocol::Json, ..request.clone() };
        let error = channel.send(other).await.unwrap_err();
        let text = "the call cannot be written: the arguments are in json, and the channel speaks binary";
        assert_eq!((error.to_string().as_str(), error.was_sent()), (text, false));
        let reply = channel.send(request).await.unwrap();
        assert_eq!(reply.headers.find_ignoring_case("answer"), Some("42"));
        assert!(!reply.is_declared_exception());
    }
}

#[tokio::test]
async fn several_services_share_a_port_by_their_names() {
    let first = CalculatorServer::new(Handler::default());
    let server = Server::builder(first).service(BaseServer::new(Handler::default()));
    let server = server.listen("memory://several").bind("tcp://127.0.0.1:0").await.unwrap();
    let urls: Vec<_> = server.urls().collect();
    let serving = tokio::spawn(server.serve());
    for url in urls {
        let channel = Channel::connect(&url).await.unwrap();
        let calculator = CalculatorClient::new(channel.with_service("Calculator"));
        assert_eq!(calculator.add(1, 2).await.unwrap(), 3);
        let base = CalculatorClient::new(channel.with_service("Base"));
        base.ping().await.unwrap();
        let AddError::Call(error) = base.add(1, 2).await.unwrap_err() else { panic!("nothing is declared") };
        assert_eq!(error.to_string(), "UNKNOWN_METHOD: 'Base' has no function 'add'");
        let other = CalculatorClient::new(channel.with_service("Other"));
        assert_eq!(other.ping().await.unwrap_err().to_string(), "UNKNOWN_METHOD: there is no service 'Other' here");
        assert_eq!(CalculatorClient::new(channel).add(1, 2).await.unwrap(), 3);
    }
    serving.abort();
}

#[tokio::test]
async fn urls_and_settings_that_make_no_sense_are_refused() {
    for url in ["nonsense", "tcp://host", "ftp://host:1", "memory://"] {
        let error = Channel::builder(url).lazy().unwrap_err();
        assert!(matches!(error.kind(), CallErrorKind::Connect(_)) && !error.was_sent(), "{url}");
    }
    let service = || CalculatorServer::new(Handler::default());
    assert!(Server::builder(service()).bind("tls://127.0.0.1:0").await.is_err());
    assert!(Channel::connect("memory://nobody").await.is_err());
    let _first = Server::builder(service()).bind("memory://taken").await.unwrap();
    assert!(Server::builder(service()).bind("memory://taken").await.is_err());
}

#[cfg(feature = "blocking")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_clients_call_without_a_runtime() {
    use std::time::Duration;

    use fastthrift::blocking;

    let http = serve("http://127.0.0.1:0/calculator").await;
    let tcp = serve("tcp://127.0.0.1:0").await;
    let urls = [http.0.clone(), tcp.0.clone()];
    let called = tokio::task::spawn_blocking(move || {
        for url in urls {
            for protocol in [Protocol::Binary, Protocol::Compact, Protocol::Json] {
                let builder = blocking::Channel::builder(&url).protocol(protocol).timeout(Duration::from_secs(20));
                let client = calculator::BlockingCalculatorClient::new(builder.connect().unwrap());
                assert_eq!(client.add(2, 3).unwrap(), 5);
                client.log("a line").unwrap();
                assert_eq!(client.greet("large").unwrap().len(), 1 << 20);
                assert!(matches!(client.add(i32::MAX, 1), Err(AddError::Overflow(_))));
                assert!(client.greet("error").unwrap_err().application_exception().is_some());
            }
            let hurried = blocking::Channel::builder(&url).timeout(Duration::from_millis(30)).connect().unwrap();
            let hurried = calculator::BlockingCalculatorClient::new(hurried);
            assert!(hurried.greet("never").unwrap_err().is_timeout());
            let nobody = blocking::Channel::connect("tcp://127.0.0.1:1").unwrap_err();
            assert!(!nobody.was_sent());
        }
    });
    called.await.unwrap();
}

#[cfg(feature = "blocking")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interceptors_run_around_calls_that_block() {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use calculator::BlockingCalculatorClient;
    use fastthrift::blocking::{self, Interceptor, Next};
    use fastthrift::{CallError, ClientReply, ClientRequest};

    /// Notes what goes by.
    struct Noting(&'static str, Arc<Mutex<Vec<String>>>);

    impl Interceptor for Noting {
        fn call(&self, mut request: ClientRequest, next: Next<'_>) -> Result<ClientReply, CallError> {
            request.headers.insert("by", self.0);
            let line = format!("{} {}", self.0, request.function.name());
            let outcome = next.run(request);
            let outcome_line =
                outcome.as_ref().map_or("error", |reply| if reply.body.is_empty() { "sent" } else { "reply" });
            self.1.lock().unwrap().push(format!("{line} {outcome_line}"));
            outcome
        }
    }

    /// Makes each call twice, or answers itself.
    struct Twice;

    impl Interceptor for Twice {
        fn call(&self, request: ClientRequest, next: Next<'_>) -> Result<ClientReply, CallError> {
            if request.function.is_idempotent() {
                return Err(CallError::internal("not today"));
            }
            next.run(request.clone())?;
            next.run(request)
        }
    }

    let served = serve("tcp://127.0.0.1:0").await;
    let url = served.0.clone();
    let called = tokio::task::spawn_blocking(move || {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let channel = blocking::Channel::builder(&url).framing(Framing::Header).timeout(Duration::from_secs(20));
        let channel = channel.connect().unwrap();
        let noted = channel.with_interceptor(Noting("inner", Arc::clone(&lines))).with_interceptor(Twice);
        let client = BlockingCalculatorClient::new(noted.with_interceptor(Noting("outer", Arc::clone(&lines))));
        assert_eq!(client.add(2, 3).unwrap(), 5);
        assert!(matches!(client.add(i32::MAX, 1), Err(AddError::Overflow(_))));
        client.log("a line").unwrap();
        assert!(client.greet("Ada").unwrap_err().application_exception().is_some());
        let expected = ["inner add reply", "inner add reply", "outer add reply"];
        let logged = ["inner log sent", "inner log sent", "outer log sent", "outer greet error"];
        assert_eq!(*lines.lock().unwrap(), [&expected[..], &expected, &logged].concat());
        assert_eq!(BlockingCalculatorClient::new(channel).greet("Ada").unwrap(), "Hello, Ada!");
    });
    called.await.unwrap();
}
