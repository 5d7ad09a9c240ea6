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
pub(super) struct Running<F> {
    future: Pin<Box<Option<F>>>,
    call: Option<Call>,
}

impl<F: Future<Output = Response>> Running<F> {
    /// A place without a future.
    pub(super) fn empty() -> Self {
        Self { future: Box::pin(None), call: None }
    }

    /// Puts a future in that serves this call.
    pub(super) fn begin(&mut self, call: Call, future: F) {
        self.call = Some(call);
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

impl<F: Future<Output = Response>> Future for Running<F> {
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
            Ok(Poll::Ready(response)) => {
                this.call = None;
                this.future.as_mut().set(None);
                Poll::Ready(response)
            }
            Err(_) => Poll::Ready(this.end(ApplicationExceptionKind::INTERNAL_ERROR, "the handler panicked")),
        }
    }
}
