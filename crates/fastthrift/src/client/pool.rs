//! The connections of a channel.

#[cfg(all(test, fastthrift_loom))]
mod model;

use std::sync::{Arc, PoisonError, Weak};

use fastthrift_rpc::policy::PoolPolicy;
use fastthrift_rpc::{CallKind, ClientConfig};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::connection::{Connection, NotBegun, Outgoing};
use super::driver::Driver;
use super::waiting::Waiting;
use crate::CallError;
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

    pub(crate) fn policy(&self) -> PoolPolicy {
        self.policy
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Begins a call at once; `None` when a connection has to be made or waited for before.
    pub(crate) fn try_begin(&self, call: &Outgoing<'_>) -> Result<Option<Begun>, CallError> {
        while let Some(connection) = self.pick() {
            match connection.begin(call) {
                Ok(id) => return Ok(Some(self.begun(connection, call, id))),
                // The driver that finds it so removes it; meanwhile nobody else picks it.
                Err(NotBegun::Ended) => self.retire(&connection),
                Err(NotBegun::Full) => return Ok(None),
                Err(NotBegun::Refused(error)) => {
                    self.put_back(connection);
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
        if self.reserve() { self.open().await } else { Ok(()) }
    }

    async fn begin_ever(self: &Arc<Self>, call: &Outgoing<'_>) -> Result<Begun, CallError> {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if let Some(begun) = self.try_begin(call)? {
                return Ok(begun);
            }
            if self.reserve() {
                self.open().await?;
            } else {
                room.await;
            }
        }
    }

    /// Takes the place of a connection that is to be made, if there may be one more and it is needed.
    fn reserve(&self) -> bool {
        let mut state = self.lock();
        let may_open = state.available.is_empty() || !self.is_exclusive;
        let may_open = may_open && self.policy.may_open(state.open);
        if may_open {
            state.open += 1;
        }
        may_open
    }

    /// Makes the connection whose place was taken.
    async fn open(self: &Arc<Self>) -> Result<(), CallError> {
        let place = Place(Some(self));
        let by = Instant::now() + self.connect_timeout;
        let connected = timeout_at(by, self.target.connect()).await;
        let stream = connected.map_err(CallError::connect)?.map_err(CallError::connect)?;
        let (read_side, direct) = stream.into_sides();
        place.fill();
        tokio::spawn(self.adopt(read_side, direct).run());
        Ok(())
    }

    /// Lets calls be made over a connection, whose task is to be run.
    fn adopt(self: &Arc<Self>, read_side: ReadSide, direct: Option<Direct>) -> Driver {
        let connection = Connection::new(self.config.clone(), direct, self.is_exclusive);
        self.lock().made.push(Arc::downgrade(&connection));
        let driver = Driver::new(Arc::clone(&connection), self, read_side);
        self.put_back(connection);
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

    fn begun(&self, connection: Arc<Connection>, call: &Outgoing<'_>, id: u64) -> Begun {
        match call.kind {
            CallKind::Call => Some(Waiting::new(connection, id)),
            CallKind::Oneway => {
                if self.is_exclusive && connection.is_free() {
                    self.put_back(connection);
                }
                None
            }
        }
    }

    fn put_back(&self, connection: Arc<Connection>) {
        let mut state = self.lock();
        if !state.available.iter().any(|other| Arc::ptr_eq(other, &connection)) {
            state.available.push(connection);
        }
        drop(state);
        self.room.notify_one();
    }

    /// Lets a connection be used again.
    pub(crate) fn give_back(&self, connection: &Arc<Connection>) {
        self.put_back(Arc::clone(connection));
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
