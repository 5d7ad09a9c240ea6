//! Who accepts connections, looks after them and ends them.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastthrift_rpc::ServerConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::ServerBuilder;
use super::budget::Budget;
use super::connection::{self, Common};
use super::login::Check;
use super::service::Service;
use super::watch::{Duty, Order, Progress, Watch};
use crate::transport::{Arriving, Door, Listener};

/// How long it is waited after connections cannot be accepted, for lack of descriptors for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a TLS handshake may take where nothing else is said.
const HANDSHAKE: Duration = Duration::from_mins(1);

/// What a server is made with.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) max_connections: usize,
    pub(super) max_in_flight: Option<usize>,
    pub(super) max_memory: Option<usize>,
    pub(super) message_timeout: Option<Duration>,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) drain_timeout: Duration,
    pub(super) check: Option<Check>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_in_flight: None,
            max_memory: None,
            message_timeout: Some(Duration::from_mins(1)),
            idle_timeout: None,
            drain_timeout: Duration::from_secs(30),
            check: None,
        }
    }
}

/// A server that listens. It accepts connections while [`Self::serve`] or [`Self::serve_until`] runs, which needs a runtime of tokio.
///
/// ```
/// use std::{future::Future, io, time::Duration};
///
/// use fastthrift::{Server, Service};
///
/// /// Serves until it is told to stop, and then what came before.
/// async fn serve(service: impl Service, stop: impl Future<Output = ()>) -> io::Result<()> {
///     let server = Server::builder(service).drain_timeout(Duration::from_secs(5)).bind("tcp://127.0.0.1:0").await?;
///     println!("listening on {}", server.url());
///     server.serve_until(stop).await;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Server<S> {
    service: S,
    settings: Settings,
    listeners: Vec<(Listener, ServerConfig)>,
}

impl<S: Service> Server<S> {
    /// A server of this service, of which more is to be said: see [`ServerBuilder`].
    pub fn builder(service: S) -> ServerBuilder<S> {
        ServerBuilder::new(service)
    }

    pub(super) fn new(service: S, settings: Settings, listeners: Vec<(Listener, ServerConfig)>) -> Self {
        Self { service, settings, listeners }
    }

    /// Where clients reach the server, the port that the system chose filled in; of several URLs the first.
    pub fn url(&self) -> String {
        self.urls().next().unwrap_or_default()
    }

    /// Where clients reach the server, one URL for each that it listens on.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        self.listeners.iter().map(|(listener, _)| listener.endpoint.to_string())
    }

    /// Serves until the future is dropped, which ends all connections.
    pub async fn serve(self) {
        self.serve_until(std::future::pending()).await;
    }

    /// Serves until `stop` is done. Then no connection is accepted and nothing more received, and what came before is served:
    /// it is waited for that, for at most [`ServerBuilder::drain_timeout`].
    pub async fn serve_until(self, stop: impl Future<Output = ()>) {
        let Self { service, settings, listeners } = self;
        let keeps_time = settings.message_timeout.is_some() || settings.idle_timeout.is_some();
        let budget = settings.max_memory.map(Budget::new);
        let (max_in_flight, in_flight) = (settings.max_in_flight, Arc::default());
        let check = settings.check.clone();
        let common = Common { service, max_in_flight, in_flight, keeps_time, budget, check };
        let keeps_memory = settings.max_memory.is_some();
        let floor = Arc::new(Floor::new(common, settings));
        let mut accepting = JoinSet::new();
        let mut doors = Doors::default();
        for (listener, config) in listeners {
            let (floor, door) = (Arc::clone(&floor), Door::new(listener));
            doors.0.push(door.clone());
            accepting.spawn(async move { floor.accept_all(&door, &config).await });
        }
        let mut looking = JoinSet::new();
        if keeps_time || keeps_memory {
            looking.spawn(Arc::clone(&floor).look_after());
        }
        let ending = Ending(Arc::clone(&floor));
        stop.await;
        drop(doors);
        accepting.shutdown().await;
        floor.drain().await;
        drop(ending);
    }
}

/// All connections of a server.
struct Floor<S> {
    common: Arc<Common<S>>,
    settings: Settings,
    places: Arc<Semaphore>,
    watches: Mutex<Watches>,
    /// Told when a connection ended.
    ended: tokio::sync::Notify,
}

#[derive(Default)]
struct Watches {
    open: HashMap<u64, Arc<Watch>>,
    next: u64,
    order: Order,
}

impl<S: Service> Floor<S> {
    fn new(common: Common<S>, settings: Settings) -> Self {
        let places = Arc::new(Semaphore::new(settings.max_connections.min(Semaphore::MAX_PERMITS)));
        let (watches, ended) = (Mutex::default(), tokio::sync::Notify::new());
        Self { common: Arc::new(common), settings, places, watches, ended }
    }

    async fn accept_all(self: &Arc<Self>, door: &Door, config: &ServerConfig) {
        while let Some(accepted) = door.accept().await {
            match accepted {
                Ok((stream, peer)) => {
                    // Who waits to accept has no place: another listener may need it.
                    let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
                    self.open(stream, peer, config.clone(), place);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn open(
        self: &Arc<Self>,
        arriving: Arriving,
        peer: Option<Arc<str>>,
        config: ServerConfig,
        place: OwnedSemaphorePermit,
    ) {
        let watch = Arc::new(Watch::default());
        let seat = self.seat(&watch);
        let number = seat.number;
        let common = Arc::clone(&self.common);
        let patience = self.settings.message_timeout.unwrap_or(HANDSHAKE);
        tokio::spawn(async move {
            let _held = (seat, place);
            let Ok(Ok(stream)) = timeout(patience, arriving.arrive()).await else { return };
            connection::run(common, watch, config, stream, peer, number).await;
        });
    }

    /// Notes a connection for as long as the seat is held.
    fn seat(self: &Arc<Self>, watch: &Arc<Watch>) -> Seat<S> {
        let mut watches = self.lock();
        let number = watches.next;
        watches.next += 1;
        watches.open.insert(number, Arc::clone(watch));
        if watches.order != Order::Serve {
            watch.order(watches.order);
        }
        Seat { floor: Arc::clone(self), number }
    }

    /// Lets all connections serve what came, and ends them.
    async fn drain(&self) {
        self.order(Order::Drain);
        let all_ended = async {
            loop {
                let ended = self.ended.notified();
                tokio::pin!(ended);
                ended.as_mut().enable();
                if self.lock().open.is_empty() {
                    return;
                }
                ended.await;
            }
        };
        let _ = timeout(self.settings.drain_timeout, all_ended).await;
    }

    /// Closes the connections of slow and silent peers.
    async fn look_after(self: Arc<Self>) {
        let Settings { message_timeout, idle_timeout, .. } = self.settings;
        let least = [message_timeout, idle_timeout].into_iter().flatten().min().unwrap_or(Duration::MAX);
        // Those that wait for memory are woken by this.
        let longest = if self.common.budget.is_some() { Duration::from_millis(50) } else { Duration::from_secs(1) };
        let period = (least / 4).clamp(Duration::from_millis(10), longest);
        let mut patience: HashMap<u64, Patience> = HashMap::new();
        loop {
            sleep(period).await;
            let now = Instant::now();
            let watches: Vec<_> = self.lock().open.iter().map(|(number, watch)| (*number, Arc::clone(watch))).collect();
            let mut kept = HashMap::with_capacity(watches.len());
            for (number, watch) in watches {
                let mut own = patience.remove(&number).unwrap_or_else(|| Patience::new(now));
                if own.is_over(&watch, now, message_timeout, idle_timeout) {
                    watch.order(Order::Cut);
                } else if self.common.budget.is_some() {
                    watch.wake();
                }
                kept.insert(number, own);
            }
            patience = kept;
        }
    }
}

impl<S> Floor<S> {
    fn lock(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all connections, those that come later too.
    fn order(&self, order: Order) {
        let mut watches = self.lock();
        watches.order = watches.order.max(order);
        let open: Vec<_> = watches.open.values().cloned().collect();
        drop(watches);
        for watch in open {
            watch.order(order);
        }
    }
}

/// Listens no more when it is dropped, also where the future that serves is. The tasks that accept end later, when their runtime
/// comes to it.
#[derive(Default)]
struct Doors(Vec<Door>);

impl Drop for Doors {
    fn drop(&mut self) {
        for door in &self.0 {
            door.close();
        }
    }
}

/// Ends all connections when it is dropped, also where the future that serves is.
struct Ending<S>(Arc<Floor<S>>);

impl<S> Drop for Ending<S> {
    fn drop(&mut self) {
        self.0.order(Order::Cut);
    }
}

/// The place of a connection among the others.
struct Seat<S> {
    floor: Arc<Floor<S>>,
    number: u64,
}

impl<S> Drop for Seat<S> {
    fn drop(&mut self) {
        self.floor.lock().open.remove(&self.number);
        self.floor.ended.notify_waiters();
    }
}

/// Keeps the time of one peer.
struct Patience {
    seen: Progress,
    last_active: Instant,
    message_since: Option<Instant>,
}

impl Patience {
    fn new(now: Instant) -> Self {
        Self { seen: Progress::default(), last_active: now, message_since: None }
    }

    /// Whether the peer took too long for what it has to do.
    fn is_over(&mut self, watch: &Watch, now: Instant, message: Option<Duration>, idle: Option<Duration>) -> bool {
        let (progress, duty) = watch.look();
        if progress.served != self.seen.served {
            self.message_since = None;
        }
        if progress != self.seen {
            self.last_active = now;
        }
        self.seen = progress;
        let (limit, since) = match duty {
            Duty::Wait => {
                self.last_active = now;
                return false;
            }
            Duty::Take => (message, self.last_active),
            // A peer that trickles moves bytes, too, so the time runs from the message's begin.
            Duty::Finish => (message, *self.message_since.get_or_insert(now)),
            Duty::Ask => {
                self.message_since = None;
                (idle, self.last_active)
            }
        };
        limit.is_some_and(|limit| now.saturating_duration_since(since) >= limit)
    }
}

/// Whether an error of `accept` says something of the connection alone.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
