//! What a handler can know of the call that it serves.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastthrift_protocol::{Limits, Protocol};
use fastthrift_rpc::policy::HOP;
use fastthrift_rpc::{CallKind, Headers};
use tokio::time::Instant;

thread_local! {
    static CURRENT: RefCell<Option<Call>> = const { RefCell::new(None) };
}

/// The call that is being served: who makes it, what travels beside it, and until when.
#[derive(Debug, Clone)]
pub struct Call(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) service: Option<String>,
    pub(crate) function: String,
    pub(crate) kind: CallKind,
    pub(crate) protocol: Protocol,
    pub(crate) headers: Headers,
    pub(crate) reply_headers: Mutex<Headers>,
    /// Whether there are any.
    pub(crate) has_reply_headers: AtomicBool,
    pub(crate) peer: Option<Arc<str>>,
    pub(crate) user: Option<Arc<str>>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) request_bytes: AtomicUsize,
    /// What the arguments may ask of this side.
    pub(crate) limits: Limits,
}

/// The call that the handler around this serves; `None` outside of handlers, and in tasks and threads that they start.
///
/// ```
/// use fastthrift::current_call;
///
/// async fn greet(name: String) -> String {
///     let call = current_call();
///     let peer = call.as_ref().and_then(|call| call.peer()).unwrap_or("somewhere");
///     format!("Hello, {name} at {peer}!")
/// }
/// ```
pub fn current_call() -> Option<Call> {
    CURRENT.with_borrow(Clone::clone)
}

/// When calls have to be over that are made for the call that is being served.
pub(crate) fn current_deadline() -> Option<Instant> {
    let deadline = CURRENT.with_borrow(|call| call.as_ref().and_then(Call::instant));
    deadline.map(|deadline| deadline.checked_sub(HOP).unwrap_or(deadline))
}

impl Call {
    /// The service that was called, where the client named one.
    pub fn service(&self) -> Option<&str> {
        self.0.service.as_deref()
    }

    /// The function that was called.
    pub fn function(&self) -> &str {
        &self.0.function
    }

    /// Whether nobody waits for an answer.
    pub fn is_oneway(&self) -> bool {
        self.0.kind == CallKind::Oneway
    }

    /// How values look in the bytes of this call.
    pub fn protocol(&self) -> Protocol {
        self.0.protocol
    }

    /// What came beside the call; nothing where headers do not travel.
    pub fn headers(&self) -> &Headers {
        &self.0.headers
    }

    /// Sets a header of the reply. It is left out where headers do not travel.
    pub fn set_reply_header(&self, name: &str, value: &str) {
        let mut headers = self.0.reply_headers.lock().unwrap_or_else(PoisonError::into_inner);
        headers.insert(name, value);
        self.0.has_reply_headers.store(true, Ordering::Relaxed);
    }

    /// Who calls, such as `tcp://127.0.0.1:5123`; `None` where that has no address.
    pub fn peer(&self) -> Option<&str> {
        self.0.peer.as_deref()
    }

    /// As whom the client was let in, where it [had to say so](crate::ServerBuilder::sasl_plain).
    pub fn user(&self) -> Option<&str> {
        self.0.user.as_deref()
    }

    /// When the client stops waiting, where it says so.
    pub fn deadline(&self) -> Option<std::time::Instant> {
        self.0.deadline.map(Instant::into_std)
    }

    /// How long the client still waits, where it says so.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// How many bytes the arguments have.
    pub fn request_bytes(&self) -> usize {
        self.0.request_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn limits(&self) -> Limits {
        self.0.limits
    }

    pub(crate) fn instant(&self) -> Option<Instant> {
        self.0.deadline
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// What can be changed, when nobody else has the call.
    pub(crate) fn inner_mut(&mut self) -> Option<&mut Inner> {
        Arc::get_mut(&mut self.0)
    }

    /// Whether this is the same call as another.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether this, which is over, can stand for another call of this kind that nothing came beside, of which nothing but the number
    /// of its bytes is to be noted anew. Nobody has it but for this and `held` others.
    #[inline]
    pub(crate) fn can_recur(&self, function: &[u8], kind: CallKind, protocol: Protocol, held: usize) -> bool {
        let inner = &*self.0;
        let is_plain = inner.service.is_none() && inner.deadline.is_none() && inner.headers.is_empty();
        is_plain
            && !inner.has_reply_headers.load(Ordering::Relaxed)
            && (inner.kind, inner.protocol) == (kind, protocol)
            && inner.function.as_bytes() == function
            && Arc::strong_count(&self.0) == 1 + held
            && {
                // What those did who had it is over before anything is changed.
                fence(Ordering::Acquire);
                true
            }
    }

    /// Notes how many bytes the arguments have.
    #[inline]
    pub(crate) fn set_request_bytes(&self, len: usize) {
        self.0.request_bytes.store(len, Ordering::Relaxed);
    }

    /// Whether nobody else has this.
    pub(crate) fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    pub(crate) fn take_reply_headers(&self) -> Headers {
        if !self.0.has_reply_headers.load(Ordering::Relaxed) {
            return Headers::new();
        }
        let mut headers = self.0.reply_headers.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *headers)
    }
}

/// Makes a call the current one as long as this lives.
pub(crate) struct Entered(Option<Call>);

impl Entered {
    pub(crate) fn new(call: Call) -> Self {
        Self(CURRENT.replace(Some(call)))
    }

    /// Gives the call back.
    pub(crate) fn leave(mut self) -> Option<Call> {
        let before = self.0.take();
        let call = CURRENT.replace(before);
        std::mem::forget(self);
        call
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.replace(self.0.take());
    }
}
