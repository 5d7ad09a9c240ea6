//! Clients and servers of IDL that is loaded at run time, against each other and against generated ones.
#![cfg(all(feature = "dynamic", feature = "tokio", feature = "blocking"))]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use calculator::{AddError, CalculatorClient, CalculatorServer, Handler as Generated, Overflow};
use fastthrift::dynamic::{
    BlockingClient, Client, Error, Exception, Idl, Invocation, Served, Service, Value, ValueErrorKind, fields,
};
use fastthrift::{
    CallError, CallErrorKind, Channel, ClientRequest, Framing, Protocol, Request, Response, Server, blocking,
};
use tokio::task::JoinHandle;

const PROTOCOLS: [Protocol; 3] = [Protocol::Binary, Protocol::Compact, Protocol::Json];

fn calculator() -> Service {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rust/calculator.thrift");
    Idl::load(file).unwrap().service("Calculator").unwrap()
}

/// What the generated handler of these tests does, as a dynamic one.
async fn handle(invocation: Invocation) -> Result<Value, Error> {
    let number = |name| invocation.argument(name).as_i64().unwrap();
    match invocation.name() {
        "add" => match i32::try_from(number("a") + number("b")) {
            Ok(sum) => Ok(sum.into()),
            Err(_) => Err(Exception::new("Overflow", fields! { message: "too large", limit: i32::MAX }).into()),
        },
        "greet" => match invocation.argument("name").as_str().unwrap() {
            "error" => Err(CallError::internal("no names today").into()),
            "other" => Err(Exception::new("Other", ()).into()),
            "nothing" => Ok(Value::Null),
            "number" => Ok(7.into()),
            "token" => Ok(invocation.call().headers().find_ignoring_case("token").unwrap_or("none").into()),
            name => Ok(format!("Hello, {name}!").into()),
        },
        _ => Ok(Value::Null),
    }
}

async fn serve(service: impl fastthrift::Service) -> (String, JoinHandle<()>) {
    let server = Server::builder(service).bind("tcp://127.0.0.1:0").await.unwrap();
    (server.url(), tokio::spawn(server.serve()))
}

async fn client(url: &str) -> Client {
    Client::new(Channel::connect(url).await.unwrap(), calculator())
}

#[tokio::test]
async fn a_dynamic_client_calls_a_generated_server() {
    let handler = Generated::default();
    let lines = Arc::clone(&handler.lines);
    let (url, server) = serve(CalculatorServer::new(handler)).await;
    for (protocol, framing) in PROTOCOLS
        .map(|it| (it, Framing::Framed))
        .into_iter()
        .chain([(Protocol::Compact, Framing::Header), (Protocol::Binary, Framing::Unframed)])
    {
        let channel = Channel::builder(&url).protocol(protocol).framing(framing).connect().await.unwrap();
        let client = Client::new(channel, calculator());
        assert_eq!(client.call("add", fields! { a: 2, b: 3 }).await.unwrap().as_i64(), Some(5));
        assert_eq!(client.call("greet", fields! { name: "Ada" }).await.unwrap().as_str(), Some("Hello, Ada!"));
        assert!(client.call("ping", ()).await.unwrap().is_null());
        assert!(client.call("log", fields! { line: "a line" }).await.unwrap().is_null());
        let error = client.call("add", [("a", i32::MAX), ("b", 1)]).await.unwrap_err();
        let overflow = error.exception().unwrap();
        assert_eq!((overflow.name(), overflow.get("limit").unwrap().as_i64()), ("Overflow", Some(i32::MAX.into())));
        assert_eq!(error.to_string(), "Overflow {message: \"too large\", limit: 2147483647}");
        let error = client.call("greet", fields! { name: "error" }).await.unwrap_err();
        assert!(matches!(error.call_error().unwrap().kind(), CallErrorKind::Application(_)), "{error}");
    }
    assert_eq!(*lines.lock().unwrap(), ["a line"; 5]);
    server.abort();
}

#[tokio::test]
async fn a_generated_client_calls_a_dynamic_server() {
    let (url, server) = serve(Served::new(calculator(), handle)).await;
    for protocol in PROTOCOLS {
        let channel = Channel::builder(&url).protocol(protocol).connect().await.unwrap();
        let client = CalculatorClient::new(channel);
        client.ping().await.unwrap();
        assert_eq!(client.add(2, 3).await.unwrap(), 5);
        let AddError::Overflow(overflow) = client.add(i32::MAX, 1).await.unwrap_err() else { panic!("declared") };
        assert_eq!(overflow, Overflow { message: "too large".to_owned(), limit: i32::MAX });
        client.log("a line").await.unwrap();
        assert_eq!(client.greet("Ada").await.unwrap(), "Hello, Ada!");
        for (name, text) in [
            ("error", "no names today"),
            ("other", "'greet' does not declare an exception: Other {}"),
            ("nothing", "the result of 'greet' is empty"),
            ("number", "success: expected string, got integer 7"),
        ] {
            let error = client.greet(name).await.unwrap_err();
            assert_eq!(&*error.application_exception().unwrap().message, text);
        }
    }
    server.abort();
}

#[tokio::test]
async fn a_function_that_returns_nothing_has_no_value() {
    let (url, server) = serve(Served::new(calculator(), async |_: Invocation| Ok::<_, Error>(Value::from(7)))).await;
    let client = client(&url).await;
    let Err(Error::Call(error)) = client.call("ping", fields! {}).await else { panic!("there is a value") };
    assert_eq!(error.to_string(), "INTERNAL_ERROR: 'ping' returns nothing, got integer 7");
    assert!(client.call("log", fields! { line: "a line" }).await.is_ok());
    server.abort();
}

#[tokio::test]
async fn wrong_calls_are_refused_before_anything_is_sent() {
    let (url, server) = serve(Served::new(calculator(), handle)).await;
    let client = client(&url).await;
    let text = async |function: &str, arguments| client.call(function, arguments).await.unwrap_err().to_string();
    assert_eq!(text("ad", fields! {}).await, "'Calculator' has no function 'ad'");
    assert_eq!(text("great", fields! {}).await, "'Calculator' has no function 'great', did you mean 'greet'?");
    assert_eq!(text("add", fields! { a: 1 }).await, "'add' cannot be called: argument 'b' is missing");
    assert_eq!(text("add", fields! { a: 1, b: true }).await, "'add' cannot be called: b: expected i32, got bool true");
    let large = text("add", fields! { a: 1, b: 1_i64 << 40 }).await;
    assert_eq!(large, "'add' cannot be called: b: 1099511627776 is outside the range of i32");
    let error = client.call("greet", fields! { nam: "Ada" }).await.unwrap_err();
    let Error::Arguments { error, .. } = &error else { panic!("{error}") };
    let ValueErrorKind::UnknownField { nearest, .. } = error.kind() else { panic!("{error}") };
    assert_eq!(nearest.as_deref(), Some("name"));
    // What is left out on purpose goes out as nothing.
    assert_eq!(client.call("add", fields! { a: 1, b: 1 }).await.unwrap().as_i64(), Some(2));
    server.abort();
}

#[tokio::test]
async fn services_of_both_kinds_are_served_on_one_port() {
    let idl: Idl = "service Echo { string echo(1: string text) }".parse().unwrap();
    let echo = idl.service("Echo").unwrap();
    let handler = async |invocation: Invocation| Ok::<_, Error>(invocation.argument("text").clone());
    let both = Server::builder(CalculatorServer::new(Generated::default())).service(Served::new(echo.clone(), handler));
    let server = both.bind("tcp://127.0.0.1:0").await.unwrap();
    let (url, server) = (server.url(), tokio::spawn(server.serve()));
    let channel = Channel::connect(&url).await.unwrap();
    let echo = Client::new(channel.with_service("Echo"), echo);
    assert_eq!(echo.call("echo", fields! { text: "x" }).await.unwrap().as_str(), Some("x"));
    let named = Client::new(channel.with_service("Calculator"), calculator());
    assert_eq!(named.call("add", fields! { a: 1, b: 2 }).await.unwrap().as_i64(), Some(3));
    let unnamed = Client::new(channel.clone(), calculator());
    assert_eq!(unnamed.call("add", fields! { a: 1, b: 2 }).await.unwrap().as_i64(), Some(3));
    let wrong = Client::new(channel.with_service("Echo"), calculator());
    let error = wrong.call("ping", ()).await.unwrap_err();
    assert_eq!(error.to_string(), "UNKNOWN_METHOD: 'Echo' has no function 'ping'");
    server.abort();
}

#[tokio::test]
async fn timeouts_and_headers_are_those_of_a_generated_client() {
    let (url, server) = serve(Served::new(calculator(), handle)).await;
    let channel = Channel::builder(&url).framing(Framing::Header).connect().await.unwrap();
    let client = Client::new(channel, calculator()).with_header("token", "sesame");
    assert_eq!(client.call("greet", fields! { name: "token" }).await.unwrap().as_str(), Some("sesame"));
    server.abort();
    let (url, server) = serve(CalculatorServer::new(Generated::default())).await;
    let client = self::client(&url).await.with_timeout(Duration::from_millis(1));
    let error = client.call("greet", fields! { name: "never" }).await.unwrap_err();
    assert!(error.call_error().unwrap().is_timeout(), "{error}");
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocking_client_calls_by_name_too() {
    let (url, server) = serve(CalculatorServer::new(Generated::default())).await;
    let blocked = tokio::task::spawn_blocking(move || {
        let channel = blocking::Channel::builder(&url).timeout(Duration::from_secs(20)).connect().unwrap();
        let client = BlockingClient::new(channel, calculator());
        assert_eq!(client.call("add", fields! { a: 2, b: 3 }).unwrap().as_i64(), Some(5));
        let error = client.call("add", fields! { a: i32::MAX, b: 1 }).unwrap_err();
        assert_eq!(error.exception().unwrap().name(), "Overflow");
        assert!(matches!(client.call("add", fields! { a: 2 }).unwrap_err(), Error::Arguments { .. }));
        assert!(client.call("log", fields! { line: "a line" }).unwrap().is_null());
        assert!(client.call("ping", ()).unwrap().is_null());
    });
    blocked.await.unwrap();
    server.abort();
}

/// Hands calls on as they are, without a look into their bodies.
struct Forward(Channel);

impl fastthrift::Service for Forward {
    fn name(&self) -> &'static str {
        "Calculator"
    }

    async fn serve(&self, request: Request) -> Response {
        let call = request.call();
        let kind = if call.is_oneway() { fastthrift::CallKind::Oneway } else { fastthrift::CallKind::Call };
        let forwarded = ClientRequest {
            function: fastthrift::Function::named(request.function().to_owned(), kind),
            service: None,
            headers: call.headers().clone(),
            timeout: call.remaining(),
            protocol: call.protocol(),
            body: request.body().to_vec(),
        };
        match self.0.send(forwarded).await {
            _ if call.is_oneway() => request.finish(),
            Ok(reply) => request.reply_encoded(&reply.body),
            Err(error) => request.fail(error),
        }
    }
}

#[tokio::test]
async fn a_gateway_hands_on_calls_that_it_does_not_decode_and_errors_of_those_that_it_does() {
    let (url, server) = serve(CalculatorServer::new(Generated::default())).await;
    let (raw, forwarding) = serve(Forward(Channel::connect(&url).await.unwrap())).await;
    let behind = client(&url).await;
    let relay = move |invocation: Invocation| {
        let behind = behind.clone();
        async move {
            let function = invocation.function().clone();
            behind.call_function(&function, invocation.arguments()).await
        }
    };
    let (decoded, relaying) = serve(Served::new(calculator(), relay)).await;
    for url in [raw, decoded] {
        let client = CalculatorClient::new(Channel::connect(&url).await.unwrap());
        assert_eq!(client.add(2, 3).await.unwrap(), 5);
        assert!(matches!(client.add(i32::MAX, 1).await.unwrap_err(), AddError::Overflow(_)));
        client.log("a line").await.unwrap();
        let error = client.greet("error").await.unwrap_err();
        assert_eq!(&*error.application_exception().unwrap().message, "no names today");
    }
    for task in [server, forwarding, relaying] {
        task.abort();
    }
}
