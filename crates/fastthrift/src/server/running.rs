//! A handler's method that runs.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};

use super::service::{Answer, Response, UNREAD};
use crate::Call;
use crate::call::Entered;

/// The place of a handler's future, which is used again and again, and the call that it serves.
///
/// What is referred to for each call and was for the last one stays here, so that no references are counted meanwhile: the call, and
/// what the future gives back of what it was made with.
pub(super) struct Running<F, K> {
    future: Pin<Box<Option<F>>>,
    /// The call that is served, or else the one that was last.
    call: Option<Call>,
    kept: Option<K>,
}

impl<F, K> Running<F, K> {
    /// A place without a future.
    pub(super) fn empty() -> Self {
        Self { future: Box::pin(None), call: None, kept: None }
    }

    /// Whether this was the last call, which is kept here.
    pub(super) fn keeps(&self, call: &Call) -> bool {
        self.call.as_ref().is_some_and(|kept| kept.is(call))
    }

    /// Forgets the last call.
    pub(super) fn forget(&mut self) {
        self.call = None;
    }

    /// Takes what the last future gave back.
    pub(super) fn take_kept(&mut self) -> Option<K> {
        self.kept.take()
    }

    /// Says which call is served next.
    pub(super) fn prepare(&mut self, call: &Call) {
        if !self.keeps(call) {
            self.call = Some(call.clone());
        }
    }

    /// Puts a future in that serves the call.
    pub(super) fn begin(&mut self, future: F) {
        self.future.as_mut().set(Some(future));
    }

    /// Ends the future without its answer, and answers with this instead.
    pub(super) fn end(&mut self, kind: ApplicationExceptionKind, text: &str) -> Response {
        let call = self.call.take().expect("invariant: what runs serves a call");
        // What a handler drops may panic as well as what it does.
        let _ = catch_unwind(AssertUnwindSafe(|| self.future.as_mut().set(None)));
        let is_oneway = call.is_oneway();
        let exception = ApplicationException::new(kind, text);
        let answer = if is_oneway { Answer::Nothing } else { Answer::Exception(Box::new(exception)) };
        Response { call, body: Vec::new(), answer, arguments_len: UNREAD }
    }
}

impl<F: Future<Output = (Response, K)>, K: Unpin> Future for Running<F, K> {
    type Output = Response;

    /// Polls the handler, with its call as the current one. A handler that panics has answered so.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let this = &mut *self;
        let call = this.call.take().expect("invariant: what is polled serves a call");
        let entered = Entered::new(call);
        let future = &mut this.future;
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let future = future.as_mut().as_pin_mut().expect("invariant: what is polled has a future");
            future.poll(cx)
        }));
        this.call = entered.leave();
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready((response, kept))) => {
                this.kept = Some(kept);
                this.future.as_mut().set(None);
                Poll::Ready(response)
            }
            Err(_) => Poll::Ready(this.end(ApplicationExceptionKind::INTERNAL_ERROR, "the handler panicked")),
        }
    }
}
