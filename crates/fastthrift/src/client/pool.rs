//! The connections of a channel.

#[cfg(all(test, fastthrift_loom))]
mod model;

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, PoisonError, Weak};

use fastthrift_rpc::policy::PoolPolicy;
use fastthrift_rpc::{CallKind, ClientConfig};
use tokio::sync::Notify;
use tokio::time::{timeout, timeout_at};

use super::connection::{Connection, NotBegun, Number, Outgoing};
use super::driver::Driver;
use super::waiting::Waiting;
use crate::CallError;
use crate::error::{Invalid, located};
use crate::sync::{Mutex, MutexGuard};
use crate::transport::{Direct, ReadSide, Target};

/// A call that was begun; a oneway has no reply to wait for.
pub(crate) type Begun = Option<Waiting>;

/// The connections of a channel.
#[derive(Debug)]
pub(crate) struct Pool {
    target: Target,
    config: ClientConfig,
    policy: PoolPolicy,
    /// Whether a connection carries one call at a time.
    is_exclusive: bool,
    connect_timeout: std::time::Duration,
    state: Mutex<PoolState>,
    /// Told when there is room for a call, or for a connection.
    room: Notify,
}

#[derive(Debug, Default)]
struct PoolState {
    /// Whether no further call is begun.
    is_closed: bool,
    /// Those over which a call can be made now.
    available: Vec<Arc<Connection>>,
    /// Those that were made and not removed.
    made: Vec<Weak<Connection>>,
    /// Those that were made or are being made, and not removed.
    open: usize,
    /// Which one has the next turn.
    next: usize,
}

impl Pool {
    pub(crate) fn new(
        target: Target,
        config: ClientConfig,
        policy: PoolPolicy,
        is_exclusive: bool,
        connect_timeout: std::time::Duration,
    ) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { target, config, policy, is_exclusive, connect_timeout, state, room: Notify::new() })
    }

    /// Whether a connection carries one call at a time.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.is_exclusive
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Begins a call at once; `None` when a connection has to be made or waited for before.
    pub(crate) fn try_begin(&self, call: &Outgoing<'_>) -> Result<Option<Begun>, CallError> {
        while let Some(connection) = self.pick() {
            match connection.begin(call) {
                Ok(number) => return Ok(Some(self.begun(connection, call, number))),
                // The driver that finds it so removes it; meanwhile nobody else picks it.
                Err(NotBegun::Ended) => self.retire(&connection),
                Err(NotBegun::Full) => {
                    self.keep(connection);
                    return Ok(None);
                }
                Err(NotBegun::Refused(error)) => {
                    self.keep(connection);
                    self.room.notify_one();
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Begins a call when that can be done, by the call's deadline.
    pub(crate) async fn begin(self: &Arc<Self>, call: &Outgoing<'_>) -> Result<Begun, CallError> {
        match call.deadline {
            None => self.begin_ever(call).await,
            Some(deadline) => {
                timeout_at(deadline, self.begin_ever(call)).await.map_err(|_| CallError::timeout(false))?
            }
        }
    }

    /// Makes a connection unless there is one.
    pub(crate) async fn warm(self: &Arc<Self>) -> Result<(), CallError> {
        if !self.lock().available.is_empty() {
            return Ok(());
        }
        if self.reserve()? { self.open().await } else { Ok(()) }
    }

    async fn begin_ever(self: &Arc<Self>, call: &Outgoing<'_>) -> Result<Begun, CallError> {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if let Some(begun) = self.try_begin(call)? {
                return Ok(begun);
            }
            if self.reserve()? {
                self.open().await?;
            } else {
                room.await;
            }
        }
    }

    /// Takes the place of a connection that is to be made, if there may be one more and it is needed.
    fn reserve(&self) -> Result<bool, CallError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(CallError::connect(Invalid("the channel was closed".to_owned())));
        }
        let may_open = state.available.is_empty() || !self.is_exclusive;
        let may_open = may_open && self.policy.may_open(self.counted(&state));
        if may_open {
            state.open += 1;
        }
        Ok(may_open)
    }

    /// How many connections count. Of those that only wait for the response to a oneway, no more do than there are others that may
    /// be made beside them, so that calls go on.
    fn counted(&self, state: &PoolState) -> usize {
        if self.policy.may_open(state.open) {
            return state.open;
        }
        let made = state.made.iter().filter_map(Weak::upgrade);
        let owing = made.filter(|connection| connection.owes_only_oneway()).count();
        state.open - owing.min(self.policy.size)
    }

    /// Makes the connection whose place was taken.
    async fn open(self: &Arc<Self>) -> Result<(), CallError> {
        let place = Place(Some(self));
        let connected = timeout(self.connect_timeout, self.target.connect()).await;
        let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = connected.map_err(|error| CallError::connect(located(&self.target.endpoint, error)))?;
        let (read_side, direct) = stream.into_sides();
        place.fill();
        tokio::spawn(self.adopt(read_side, direct).run());
        Ok(())
    }

    /// Lets calls be made over a connection, whose task is to be run.
    fn adopt(self: &Arc<Self>, read_side: ReadSide, direct: Option<Direct>) -> Driver {
        let connection = Connection::new(self, read_side, direct);
        let driver = Driver::new(Arc::clone(&connection), self.policy, self.connect_timeout);
        let mut state = self.lock();
        state.made.push(Arc::downgrade(&connection));
        let is_closed = state.is_closed;
        drop(state);
        if is_closed {
            connection.close();
        } else {
            self.put_back(connection);
        }
        driver
    }

    fn pick(&self) -> Option<Arc<Connection>> {
        let mut state = self.lock();
        if self.is_exclusive {
            return state.available.pop();
        }
        let PoolState { available, next, .. } = &mut *state;
        match available.len() {
            0 => None,
            1 => Some(Arc::clone(&available[0])),
            len => {
                *next = (*next + 1) % len;
                Some(Arc::clone(&available[*next]))
            }
        }
    }

    fn begun(&self, connection: Arc<Connection>, call: &Outgoing<'_>, number: Number) -> Begun {
        let Number { call: number, is_lent } = number;
        match call.kind {
            CallKind::Call => Some(Waiting::new(connection, number, call.deadline)),
            CallKind::Oneway => {
                if self.is_exclusive && !is_lent {
                    self.put_back(connection);
                } else if is_lent {
                    // There may be another connection meanwhile.
                    self.room.notify_one();
                }
                None
            }
        }
    }

    fn put_back(&self, connection: Arc<Connection>) {
        self.lock().available.push(connection);
        if self.is_exclusive {
            self.room.notify_one();
        } else {
            // It has room for all who wait.
            self.room.notify_waiters();
        }
    }

    /// Has a connection stay among the others, over which a call was not begun.
    fn keep(&self, connection: Arc<Connection>) {
        if self.is_exclusive {
            // The last is the next to be taken.
            self.lock().available.insert(0, connection);
        }
    }

    /// Lets a connection be used again that carries one call at a time, unless there are too many.
    pub(crate) fn give_back(&self, connection: &Arc<Connection>) {
        let mut state = self.lock();
        let is_one_too_many = state.open > self.policy.size && self.counted(&state) > self.policy.size;
        if is_one_too_many || state.is_closed {
            drop(state);
            return connection.close();
        }
        state.available.push(Arc::clone(connection));
        drop(state);
        self.room.notify_one();
    }

    /// Waits until all calls that were begun are handed to the system.
    pub(crate) async fn flush(&self) -> Result<(), CallError> {
        for connection in self.made() {
            let begun = connection.begun();
            poll_fn(|cx| connection.poll_sent(begun, cx)).await?;
        }
        Ok(())
    }

    /// Begins no further call, and waits until the connections ended, which they do when their calls are over.
    pub(crate) async fn close(&self) {
        self.end();
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if self.lock().made.is_empty() {
                return;
            }
            room.await;
        }
    }

    /// Begins no further call, and lets the connections end.
    fn end(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.available.clear();
        drop(state);
        self.room.notify_waiters();
        for connection in self.made() {
            connection.close();
        }
    }

    fn made(&self) -> Vec<Arc<Connection>> {
        self.lock().made.iter().filter_map(Weak::upgrade).collect()
    }

    /// Lets those who wait for room look again.
    pub(crate) fn wake_all(&self) {
        self.room.notify_waiters();
    }

    /// Gives no further call to a connection.
    pub(crate) fn retire(&self, connection: &Arc<Connection>) {
        self.lock().available.retain(|other| !Arc::ptr_eq(other, connection));
    }

    /// Forgets a connection, whose driver ended.
    pub(crate) fn remove(&self, connection: &Arc<Connection>) {
        self.retire(connection);
        self.lock().made.retain(|other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(connection)));
        self.release_place();
    }

    fn release_place(&self) {
        let mut state = self.lock();
        state.open = state.open.saturating_sub(1);
        drop(state);
        self.room.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for connection in state.made.iter().filter_map(Weak::upgrade) {
            connection.close();
        }
    }
}

/// The place of a connection that is being made; given up unless it is filled.
struct Place<'a>(Option<&'a Arc<Pool>>);

impl Place<'_> {
    fn fill(mut self) {
        self.0 = None;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(pool) = self.0 {
            pool.release_place();
        }
    }
}

#[cfg(all(test, not(fastthrift_loom)))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "these are tests")]

    use fastthrift_rpc::{Endpoint, Headers};
    use tokio::task::{JoinSet, yield_now};

    use super::*;
    use crate::{Request, Response, Server, Service};

    /// Answers by what it was asked, after others had their turn.
    struct Echo;

    impl Service for Echo {
        fn name(&self) -> &'static str {
            "Echo"
        }

        async fn serve(&self, request: Request) -> Response {
            yield_now().await;
            let body = request.body().to_vec();
            request.reply_encoded(&body)
        }
    }

    /// A pool of one connection, not made yet, to an echo.
    async fn pool(name: &str, config: ClientConfig) -> Arc<Pool> {
        let url = format!("memory://{name}");
        tokio::spawn(Server::builder(Echo).bind(&url).await.unwrap().serve());
        let target = Target {
            endpoint: Endpoint::parse(&url).unwrap(),
            #[cfg(feature = "tls")]
            securing: None,
        };
        Pool::new(target, config, PoolPolicy::default(), false, std::time::Duration::from_secs(10))
    }

    /// Makes so many calls at once, and waits until all are answered.
    async fn call_all(pool: &Arc<Pool>, count: usize) {
        let mut calls = JoinSet::new();
        for _ in 0..count {
            let pool = Arc::clone(pool);
            calls.spawn(async move {
                let (kind, headers, deadline) = (CallKind::Call, Headers::none(), None);
                let call = Outgoing { service: None, function: "echo", kind, headers, deadline, body: &[0] };
                pool.begin(&call).await.unwrap().unwrap().kept().await.unwrap();
            });
        }
        while let Some(called) = timeout(std::time::Duration::from_secs(20), calls.join_next()).await.unwrap() {
            called.unwrap();
        }
    }

    #[tokio::test]
    async fn all_who_wait_for_the_first_connection_call_over_it() {
        call_all(&pool("first", ClientConfig::default()).await, 20).await;
    }

    #[tokio::test]
    async fn calls_beyond_those_that_may_be_in_flight_wait_for_their_turn() {
        let config = ClientConfig { max_in_flight: 3, ..ClientConfig::default() };
        call_all(&pool("crowded", config).await, 50).await;
    }
}
