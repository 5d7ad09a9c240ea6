//! What runs around calls: interceptors, retries, layers of tower, spans and counters.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calculator::{AddError, CalculatorClient, CalculatorServer, Handler};
use fastthrift::{
    ApplicationException, ApplicationExceptionKind, Call, CallError, Channel, ClientReply, ClientRequest, Framing,
    Interceptor, Next, Request, Response, Retry, Server, Service,
};
use tokio::task::JoinHandle;

/// Notes what runs when.
#[derive(Clone)]
struct Noting(&'static str, Arc<Mutex<Vec<String>>>);

impl Noting {
    fn note(&self, text: &str) {
        self.1.lock().unwrap().push(format!("{} {text}", self.0));
    }
}

impl Interceptor for Noting {
    async fn call(&self, mut request: ClientRequest, next: Next<'_>) -> Result<ClientReply, CallError> {
        self.note(&format!("calls {}", request.function.name()));
        request.headers.insert("token", self.0);
        let reply = next.run(request).await;
        self.note(if reply.is_ok() { "is answered" } else { "fails" });
        reply
    }

    async fn serve<S: Service>(&self, request: Request, next: &S) -> Response {
        self.note(&format!("serves {}", request.function()));
        let response = next.serve(request).await;
        self.note(if response.exception().is_none() { "answers" } else { "refuses" });
        response
    }
}

async fn serve() -> (String, JoinHandle<()>) {
    let server = Server::builder(CalculatorServer::new(Handler::default())).bind("tcp://127.0.0.1:0").await.unwrap();
    (server.url(), tokio::spawn(server.serve()))
}

#[tokio::test]
async fn interceptors_run_around_calls_on_both_sides_the_last_outermost() {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let noting = |name| Noting(name, Arc::clone(&notes));
    let server = Server::builder(CalculatorServer::new(Handler::default()));
    let server =
        server.interceptor(noting("inner")).interceptor(noting("outer")).bind("memory://layers").await.unwrap();
    let serving = tokio::spawn(server.serve());
    let channel = Channel::builder("memory://layers").framing(Framing::Header).connect().await.unwrap();
    let client = CalculatorClient::new(channel.with_interceptor(noting("near")).with_interceptor(noting("far")));
    assert_eq!(client.greet("token").await.unwrap(), "near");
    let expected = [
        "far calls greet",
        "near calls greet",
        "outer serves greet",
        "inner serves greet",
        "inner answers",
        "outer answers",
        "near is answered",
        "far is answered",
    ];
    assert_eq!(*notes.lock().unwrap(), expected);
    notes.lock().unwrap().clear();
    client.log("a line").await.unwrap();
    assert!(matches!(client.add(i32::MAX, 1).await, Err(AddError::Overflow(_))));
    assert!(client.greet("error").await.is_err());
    assert!(notes.lock().unwrap().contains(&"inner refuses".to_owned()));
    serving.abort();
}

/// Fails the first calls as if there were no server, and counts them all.
struct Failing(usize, Arc<AtomicUsize>);

impl Interceptor for Failing {
    async fn call(&self, request: ClientRequest, next: Next<'_>) -> Result<ClientReply, CallError> {
        if self.1.fetch_add(1, Ordering::SeqCst) < self.0 {
            return Err(Channel::connect("memory://nobody").await.unwrap_err());
        }
        next.run(request).await
    }
}

/// Panics when it is told of a call that was refused.
struct Brittle;

impl Interceptor for Brittle {
    fn refused(&self, _: &Call, exception: &ApplicationException) {
        panic!("told of {exception}");
    }
}

#[tokio::test]
async fn a_refused_call_is_answered_though_an_interceptor_panics_when_it_is_told() {
    let server = Server::builder(CalculatorServer::new(Handler::default())).interceptor(Brittle);
    let serving = tokio::spawn(server.bind("memory://brittle").await.unwrap().serve());
    let channel = Channel::connect("memory://brittle").await.unwrap();
    let refused = CalculatorClient::new(channel.with_service("Nowhere")).ping().await.unwrap_err();
    assert_eq!(refused.application_exception().unwrap().kind, ApplicationExceptionKind::UNKNOWN_METHOD);
    CalculatorClient::new(channel).ping().await.unwrap();
    serving.abort();
}

#[tokio::test]
async fn calls_of_which_nothing_was_sent_are_made_again() {
    let (url, server) = serve().await;
    let channel = Channel::connect(&url).await.unwrap();
    let counts: Vec<_> = (0..2).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    let few = channel.with_interceptor(Failing(2, Arc::clone(&counts[0]))).with_interceptor(Retry::new(3));
    CalculatorClient::new(few).ping().await.unwrap();
    let many = channel.with_interceptor(Failing(9, Arc::clone(&counts[1]))).with_interceptor(Retry::new(3));
    assert!(CalculatorClient::new(many).ping().await.is_err());
    assert_eq!(counts.iter().map(|count| count.load(Ordering::SeqCst)).collect::<Vec<_>>(), [3, 3]);
    // What was sent is made again only where that does no harm.
    let hurried = channel.with_timeout(Duration::from_millis(30)).with_interceptor(Retry::new(2));
    assert!(CalculatorClient::new(hurried).greet("never").await.unwrap_err().is_timeout());
    server.abort();
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn layers_of_tower_go_around_a_channel() {
    let (url, server) = serve().await;
    let channel = Channel::connect(&url).await.unwrap();
    let service = tower::ServiceBuilder::new().concurrency_limit(1).timeout(Duration::from_millis(50));
    let client = CalculatorClient::new(channel.around(service.service(channel.clone())));
    assert_eq!(client.add(2, 3).await.unwrap(), 5);
    let error = client.greet("never").await.unwrap_err();
    assert!(matches!(error.kind(), fastthrift::CallErrorKind::Layer(_)), "{error}");
    assert!(client.greet("error").await.unwrap_err().application_exception().is_some());
    client.log("a line").await.unwrap();
    server.abort();
}

#[cfg(feature = "tower")]
mod towers {
    use std::future::{Ready, ready};

    use ::tower::balance::p2c::Balance;
    use ::tower::buffer::Buffer;
    use ::tower::discover::ServiceList;
    use ::tower::load::{CompleteOnResponse, PendingRequestsDiscover};
    use ::tower::retry::Policy;

    use super::*;

    /// Makes a call again so many times, and counts that.
    #[derive(Clone)]
    struct Again(usize, Arc<AtomicUsize>);

    impl Policy<ClientRequest, ClientReply, CallError> for Again {
        type Future = Ready<()>;

        fn retry(
            &mut self,
            _: &mut ClientRequest,
            outcome: &mut Result<ClientReply, CallError>,
        ) -> Option<Self::Future> {
            if outcome.is_ok() || self.0 == 0 {
                return None;
            }
            self.0 -= 1;
            self.1.fetch_add(1, Ordering::SeqCst);
            Some(ready(()))
        }

        fn clone_request(&mut self, request: &ClientRequest) -> Option<ClientRequest> {
            Some(request.clone())
        }
    }

    #[tokio::test]
    async fn a_layer_makes_calls_again() {
        let (url, server) = serve().await;
        let channel = Channel::builder(&url).timeout(Duration::from_millis(30)).connect().await.unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let service = ::tower::ServiceBuilder::new().retry(Again(2, Arc::clone(&count))).service(channel.clone());
        let client = CalculatorClient::new(channel.around(service));
        assert!(client.greet("never").await.unwrap_err().is_timeout());
        assert_eq!(count.load(Ordering::SeqCst), 2);
        server.abort();
    }

    #[tokio::test]
    async fn calls_are_balanced_over_servers() {
        let (mut channels, mut handlers, mut servers) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..3 {
            let handler = Handler::default();
            handlers.push(Arc::clone(&handler.lines));
            let server = Server::builder(CalculatorServer::new(handler)).bind("tcp://127.0.0.1:0").await.unwrap();
            channels.push(Channel::connect(&server.url()).await.unwrap());
            servers.push(tokio::spawn(server.serve()));
        }
        let terms = channels[0].clone();
        let servers_known = PendingRequestsDiscover::new(ServiceList::new(channels), CompleteOnResponse::default());
        let client = CalculatorClient::new(terms.around(Buffer::new(Balance::new(servers_known), 16)));
        for _ in 0..60 {
            client.log("a line").await.unwrap();
            client.ping().await.unwrap();
        }
        assert!(matches!(client.add(i32::MAX, 1).await, Err(AddError::Overflow(_))));
        assert!(client.greet("error").await.unwrap_err().application_exception().is_some());
        let has_served = |lines: &Arc<Mutex<Vec<String>>>| !lines.lock().unwrap().is_empty();
        for _ in 0..400 {
            if handlers.iter().all(has_served) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(handlers.iter().all(has_served));
        for server in servers {
            server.abort();
        }
    }
}

#[cfg(feature = "tracing")]
mod spans {
    use std::fmt::Debug;

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Notes spans and what is recorded of them.
    #[derive(Clone, Default)]
    struct Spans(Arc<Mutex<Vec<String>>>);

    impl Visit for Spans {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().push(format!("{field}={value:?}"));
        }
    }

    impl Subscriber for Spans {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, span: &Attributes<'_>) -> Id {
            self.0.lock().unwrap().push(span.metadata().name().to_owned());
            span.record(&mut self.clone());
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, values: &Record<'_>) {
            values.record(&mut self.clone());
        }
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[tokio::test]
    async fn each_call_has_a_span_that_says_how_it_ended() {
        let spans = Spans::default();
        let _default = tracing::subscriber::set_default(spans.clone());
        let server = Server::builder(CalculatorServer::new(Handler::default()));
        let server = server.interceptor(fastthrift::Tracing).bind("memory://spans").await.unwrap();
        let serving = tokio::spawn(server.serve());
        let channel = Channel::connect("memory://spans").await.unwrap().with_interceptor(fastthrift::Tracing);
        assert!(CalculatorClient::new(channel).add(i32::MAX, 1).await.is_err());
        let seen = spans.0.lock().unwrap().join(" ");
        for expected in ["thrift.client", "thrift.server", "rpc.method=\"add\"", "outcome=\"exception\""] {
            assert!(seen.contains(expected), "{seen}");
        }
        serving.abort();
    }

    #[tokio::test]
    async fn a_span_of_a_call_that_is_given_up_says_so() {
        let spans = Spans::default();
        let _default = tracing::subscriber::set_default(spans.clone());
        let (url, server) = serve().await;
        let channel = Channel::connect(&url).await.unwrap().with_interceptor(fastthrift::Tracing);
        let call = CalculatorClient::new(channel);
        assert!(tokio::time::timeout(Duration::from_millis(30), call.greet("never")).await.is_err());
        assert!(spans.0.lock().unwrap().iter().any(|it| it == "outcome=\"cancelled\""));
        server.abort();
    }
}

#[cfg(feature = "metrics")]
mod counters {
    use calculator::BaseServer;
    use fastthrift::ApplicationExceptionKind;
    use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder};
    use metrics::{SharedString, Unit};

    use super::*;

    /// Notes what is counted.
    #[derive(Clone, Default)]
    struct Counts(Arc<Mutex<Vec<String>>>, String);

    impl Counts {
        fn of(&self, key: &Key) -> Arc<Self> {
            let labels: Vec<_> = key.labels().map(|label| label.value().to_owned()).collect();
            Arc::new(Self(Arc::clone(&self.0), format!("{} {}", key.name(), labels.join(" "))))
        }
        fn note(&self, what: &str) {
            self.0.lock().unwrap().push(format!("{} {what}", self.1));
        }
    }

    impl CounterFn for Counts {
        fn increment(&self, value: u64) {
            self.note(&value.to_string());
        }
        fn absolute(&self, _: u64) {}
    }

    impl GaugeFn for Counts {
        fn increment(&self, _: f64) {
            self.note("up");
        }
        fn decrement(&self, _: f64) {
            self.note("down");
        }
        fn set(&self, _: f64) {}
    }

    impl HistogramFn for Counts {
        fn record(&self, _: f64) {
            self.note("took");
        }
    }

    impl Recorder for Counts {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.of(key))
        }
        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(self.of(key))
        }
        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(self.of(key))
        }
    }

    #[tokio::test]
    async fn calls_are_counted_by_how_they_end() {
        let counts = Counts::default();
        let _default = metrics::set_default_local_recorder(&counts);
        let server = Server::builder(CalculatorServer::new(Handler::default()));
        let server = server.interceptor(fastthrift::Metrics).bind("memory://counters").await.unwrap();
        let serving = tokio::spawn(server.serve());
        let channel = Channel::connect("memory://counters").await.unwrap().with_interceptor(fastthrift::Metrics);
        let client = CalculatorClient::new(channel);
        client.ping().await.unwrap();
        assert!(client.greet("error").await.is_err());
        let seen = counts.0.lock().unwrap().join("\n");
        for expected in [
            "thrift_calls_total client ping ok 1",
            "thrift_calls_total server ping ok 1",
            "thrift_calls_total client greet application_exception 1",
            "thrift_calls_in_flight client up",
            "thrift_calls_in_flight server down",
            "thrift_call_seconds client ping took",
        ] {
            assert!(seen.contains(expected), "{expected}:\n{seen}");
        }
        serving.abort();
    }

    #[tokio::test]
    async fn calls_that_a_server_refuses_are_counted_too() {
        let counts = Counts::default();
        let _default = metrics::set_default_local_recorder(&counts);
        let handler = Handler::default();
        let running = Arc::clone(&handler.running);
        let server = Server::builder(CalculatorServer::new(handler)).interceptor(fastthrift::Metrics);
        let server = server.service(BaseServer::new(Handler::default())).max_in_flight(1);
        let serving = tokio::spawn(server.bind("memory://refusing").await.unwrap().serve());
        let channel = Channel::connect("memory://refusing").await.unwrap();
        let unknown = CalculatorClient::new(channel.with_service("No\nwhere")).ping().await.unwrap_err();
        assert_eq!(unknown.application_exception().unwrap().kind, ApplicationExceptionKind::UNKNOWN_METHOD);
        let client = CalculatorClient::new(channel.with_interceptor(fastthrift::Metrics));
        let never = tokio::spawn({
            let client = client.clone();
            async move { client.greet("never").await }
        });
        while running.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let refused = client.ping().await.unwrap_err();
        assert_eq!(refused.application_exception().unwrap().kind, ApplicationExceptionKind::LOADSHEDDING);
        // A oneway is told nothing.
        client.log("a line").await.unwrap();
        // What another service alone would have been asked for is not counted by this one's interceptor.
        let base = CalculatorClient::new(channel.with_service("Base"));
        assert!(base.ping().await.is_err());
        let seen = counts.0.lock().unwrap().clone();
        let count = |line: &str| seen.iter().filter(|it| *it == line).count();
        assert_eq!(count("thrift_calls_total server  application_exception 1"), 1, "{seen:?}");
        assert_eq!(count("thrift_calls_total server  loadshedding 1"), 2, "{seen:?}");
        assert_eq!(count("thrift_calls_total client ping loadshedding 1"), 1, "{seen:?}");
        assert!(!seen.iter().any(|line| line.starts_with("thrift_call_seconds server")), "{seen:?}");
        never.abort();
        serving.abort();
    }

    #[tokio::test]
    async fn calls_whose_future_is_dropped_are_counted_too() {
        let counts = Counts::default();
        let _default = metrics::set_default_local_recorder(&counts);
        let server = Server::builder(CalculatorServer::new(Handler::default()));
        let server = server.interceptor(fastthrift::Metrics).bind("memory://dropped").await.unwrap();
        let serving = tokio::spawn(server.serve());
        let channel = Channel::builder("memory://dropped").framing(Framing::Header).connect().await.unwrap();
        let channel = channel.with_interceptor(fastthrift::Metrics);
        let hurried = CalculatorClient::new(channel.with_timeout(Duration::from_millis(30)));
        assert!(hurried.greet("never").await.unwrap_err().is_timeout());
        let client = CalculatorClient::new(channel);
        let given_up = tokio::time::timeout(Duration::from_millis(30), client.greet("never")).await;
        assert!(given_up.is_err());
        assert!(client.greet("panic").await.is_err());
        serving.abort();
        assert!(serving.await.is_err());
        drop(client);
        drop(hurried);
        let expected = [
            "thrift_calls_total client greet timeout 1",
            "thrift_calls_total client greet cancelled 1",
            "thrift_calls_total server  timeout 1",
            "thrift_calls_total server  panic 1",
            "thrift_calls_total server  cancelled 1",
        ];
        let is_seen = || {
            let seen = counts.0.lock().unwrap();
            expected.iter().all(|line| seen.iter().any(|it| it == line))
        };
        for _ in 0..400 {
            if is_seen() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{:?}", counts.0.lock().unwrap());
    }
}
