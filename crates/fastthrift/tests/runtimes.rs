//! Calls over connections whose runtime ends or rests: they end, too.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod calculator;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use calculator::{AddError, CalculatorClient, CalculatorServer, Handler};
use fastthrift::{CallError, CallErrorKind, Channel, ChannelBuilder, Server};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);

/// A runtime that runs only while somebody blocks on it.
fn resting() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A runtime that always runs.
fn running() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn socket(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("fastthrift-runtimes-{name}-{}.sock", std::process::id()))
}

/// A server, and who calls it, in a runtime that stays.
struct Scene {
    runtime: Runtime,
    url: String,
    /// How many calls of `greet` run.
    greeting: Arc<AtomicUsize>,
}

impl Scene {
    fn new(url: &str) -> Self {
        let (runtime, handler) = (running(), Handler::default());
        let greeting = Arc::clone(&handler.running);
        let server = runtime.block_on(Server::builder(CalculatorServer::new(handler)).bind(url)).unwrap();
        let url = server.url();
        runtime.spawn(server.serve());
        Self { runtime, url, greeting }
    }

    /// One for each kind of connection.
    fn all(name: &str) -> Vec<Self> {
        let mut urls =
            vec!["tcp://127.0.0.1:0".to_owned(), "http://127.0.0.1:0".to_owned(), format!("memory://{name}")];
        if cfg!(unix) {
            urls.push(format!("unix://{}", socket(name).display()));
        }
        urls.iter().map(|url| Self::new(url)).collect()
    }

    fn builder(&self) -> ChannelBuilder {
        Channel::builder(&self.url).connections(1)
    }

    /// Waits for what is not to take long.
    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { timeout(PATIENCE, work).await }).expect("nothing hangs")
    }

    /// Makes a call that is never answered, from the runtime that stays.
    fn call(&self, client: &CalculatorClient) -> JoinHandle<Result<String, CallError>> {
        let client = client.clone();
        self.runtime.spawn(async move { client.greet("never").await })
    }

    /// Waits until the server waits with so many calls, in all.
    async fn served(&self, count: usize) {
        while self.greeting.load(Ordering::SeqCst) < count {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

fn sum(outcome: Result<i32, AddError>) -> Result<i32, CallError> {
    outcome.map_err(|error| match error {
        AddError::Call(error) => error,
        AddError::Overflow(_) => CallError::internal("a small sum"),
    })
}

#[test]
fn calls_end_with_the_runtime_of_their_connection_and_later_ones_connect_anew() {
    for scene in Scene::all("ends") {
        let mut served = 0;
        for runtime in [resting(), running()] {
            let channel = runtime.block_on(scene.builder().connect()).unwrap();
            let client = CalculatorClient::new(channel.clone());
            let calls = if scene.url.starts_with("http") { 1 } else { 3 };
            let calls: Vec<_> = (0..calls).map(|_| scene.call(&client)).collect();
            served += calls.len();
            runtime.block_on(async { timeout(PATIENCE, scene.served(served)).await }).unwrap();
            drop(runtime);
            for call in calls {
                let error = scene.wait(call).unwrap().unwrap_err();
                assert!(matches!(error.kind(), CallErrorKind::ConnectionLost(_)) && error.was_sent(), "{error}");
                assert!(error.to_string().contains("the runtime ended"), "{error}");
            }
            assert_eq!(scene.wait(client.add(2, 3)).unwrap(), 5, "{}", scene.url);
            scene.wait(channel.flush()).unwrap();
            scene.wait(channel.close());
        }
    }
}

#[test]
fn who_waits_for_a_connection_has_one_when_the_runtime_of_another_ends() {
    let scene = Scene::new("tcp://127.0.0.1:0");
    for (round, runtime) in [resting(), running()].into_iter().enumerate() {
        let channel = scene.builder().one_call_a_connection().lazy().unwrap();
        let client = CalculatorClient::new(channel);
        runtime.spawn({
            let client = client.clone();
            async move { client.greet("never").await }
        });
        runtime.block_on(async { timeout(PATIENCE, scene.served(round + 1)).await }).unwrap();
        let waiting = scene.runtime.spawn(async move { client.add(2, 3).await });
        scene.wait(async { sleep(SHORT).await });
        assert!(!waiting.is_finished());
        drop(runtime);
        assert_eq!(scene.wait(waiting).unwrap().unwrap(), 5);
    }
}

#[test]
fn what_is_done_over_connections_of_a_runtime_that_ends_meanwhile_ends() {
    for scene in Scene::all("meanwhile") {
        for round in 0_u64..40 {
            let runtime = if round % 2 == 0 { resting() } else { running() };
            let builder = scene.builder().connections(1 + usize::from(round % 4 > 1));
            let builder = if round % 8 > 3 { builder.one_call_a_connection() } else { builder };
            let channel = runtime.block_on(builder.connect()).unwrap();
            let client = CalculatorClient::new(channel.clone());
            for _ in 0..2 {
                let client = client.clone();
                runtime.spawn(async move {
                    loop {
                        drop(client.add(1, 2).await);
                        yield_now().await;
                    }
                });
            }
            let calling = (0..3).map(|_| {
                let (client, channel) = (client.clone(), channel.clone());
                scene.runtime.spawn(async move {
                    for _ in 0..10 {
                        match sum(client.add(1, 2).await) {
                            Ok(sum) => assert_eq!(sum, 3),
                            Err(error) => assert!(matches!(error.kind(), CallErrorKind::ConnectionLost(_)), "{error}"),
                        }
                        // What was begun and not sent is lost with its connection.
                        drop(channel.flush().await);
                    }
                })
            });
            let calling: Vec<_> = calling.collect();
            std::thread::sleep(Duration::from_micros(round * 25));
            if round % 3 == 0 {
                runtime.shutdown_background();
            } else {
                drop(runtime);
            }
            for calls in calling {
                scene.wait(calls).unwrap();
            }
            scene.wait(channel.close());
        }
    }
}

#[test]
fn a_call_ends_by_its_timeout_where_nobody_runs_the_runtime_of_its_connection() {
    for scene in Scene::all("rests") {
        let runtime = resting();
        let channel = runtime.block_on(scene.builder().timeout(SHORT).connect()).unwrap();
        let client = CalculatorClient::new(channel);
        for _ in 0..2 {
            let error = sum(scene.wait(client.add(1, 2))).unwrap_err();
            assert!(error.is_timeout(), "{}: {error}", scene.url);
        }
        let again = client.clone();
        let patient = async move { again.add(1, 2).await };
        let outcome = runtime.block_on(async { timeout(PATIENCE, patient).await }).expect("it runs again");
        // Where a call of those that were given up holds the only connection, that one is made anew.
        assert_eq!(outcome.unwrap(), 3);
        let waiting = scene.runtime.spawn(async move { client.add(1, 2).await });
        let outcome = runtime.block_on(async { timeout(PATIENCE, waiting).await }).expect("it runs");
        assert_eq!(outcome.unwrap().unwrap(), 3);
    }
}

/// A UNIX socket in whose queue there is no room.
#[cfg(target_os = "linux")]
fn full(path: &std::path::Path) -> Vec<socket2::Socket> {
    use socket2::{Domain, SockAddr, Socket, Type};

    let address = SockAddr::unix(path).unwrap();
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    listener.bind(&address).unwrap();
    listener.listen(0).unwrap();
    let mut sockets = vec![listener];
    loop {
        let next = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        next.set_nonblocking(true).unwrap();
        if next.connect(&address).is_err() {
            return sockets;
        }
        sockets.push(next);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn who_waits_for_a_connection_that_is_being_made_makes_it_when_the_runtime_of_its_maker_ends() {
    let scene = Scene::new("memory://making");
    let path = socket("making");
    for runtime in [resting(), running()] {
        let sockets = full(&path);
        let channel = Channel::builder(&format!("unix://{}", path.display())).connect_timeout(10 * PATIENCE);
        let client = CalculatorClient::new(channel.lazy().unwrap());
        let call = |client: CalculatorClient| async move { client.add(2, 3).await };
        let making = runtime.spawn(call(client.clone()));
        runtime.block_on(async { sleep(SHORT).await });
        let waiting = scene.runtime.spawn(call(client));
        scene.wait(async { sleep(SHORT).await });
        assert!(!making.is_finished() && !waiting.is_finished());
        drop(runtime);
        // Nobody listens any more.
        drop(sockets);
        std::fs::remove_file(&path).unwrap();
        let error = sum(scene.wait(waiting).unwrap()).unwrap_err();
        assert!(matches!(error.kind(), CallErrorKind::Connect(_)) && !error.was_sent(), "{error}");
    }
}
