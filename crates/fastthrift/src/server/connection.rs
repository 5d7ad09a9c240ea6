//! The task of one connection.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};
use fastthrift_rpc::{CallKind, Request as Received, RequestId, ServerConfig, ServerConnection, Span};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::answers;
use super::budget::{Budget, Part};
use super::login::{Check, Desk};
use super::running::Running;
use super::service::{Answer, Request, Response, Service, UNREAD};
use super::watch::{Duty, Order, Progress, Watch};
use crate::Headers;
use crate::body::Body;
use crate::call::{self, Call};
use crate::transport::Stream;

/// The least room to receive into.
const READ_SIZE: usize = 8 << 10;

/// How often it is received before others have their turn.
const READS_A_TURN: usize = 16;

/// Calls and bodies whose memory is kept for later ones, and how large a body may be for that.
const SPARES: usize = 16;
const SPARE_BODY: usize = 64 << 10;

/// What all connections of a server have in common.
pub(super) struct Common<S> {
    pub(super) service: S,
    pub(super) max_in_flight: Option<usize>,
    pub(super) in_flight: Arc<AtomicUsize>,
    pub(super) keeps_time: bool,
    pub(super) budget: Option<Budget>,
    /// Who judges clients, which then have to say who they are.
    pub(super) check: Option<Check>,
}

/// What the handlers of one connection refer to: they count their references here, where no other connection does.
struct Own<S>(Arc<Common<S>>);

/// One connection: its bytes, its state machine and its handlers.
struct Connection<S, F, M> {
    common: Arc<Common<S>>,
    watch: Arc<Watch>,
    own: Arc<Own<S>>,
    make: M,
    rpc: ServerConnection,
    stream: Stream,
    peer: Option<Arc<str>>,
    /// There until the client said who it is, if it has to; and who it is.
    desk: Option<Desk>,
    user: Option<Arc<str>>,
    /// The place of the next handler's future.
    place: Running<F, Arc<Own<S>>>,
    /// The handlers that run on their own.
    detached: HashMap<RequestId, AbortHandle>,
    arrived: Vec<(RequestId, Response)>,
    /// The memory of calls that are over, of the last one at the end.
    spares: Vec<(Call, Vec<u8>)>,
    progress: Progress,
    /// Whether there may be a request to serve.
    has_news: bool,
    registered: Option<Waker>,
    needs_flush: bool,
    is_ending: bool,
    part: Part,
}

/// Serves one connection until it ends.
pub(super) async fn run<S: Service>(
    common: Arc<Common<S>>,
    watch: Arc<Watch>,
    config: ServerConfig,
    stream: Stream,
    peer: Option<Arc<str>>,
    number: u64,
) {
    let own = Arc::new(Own(Arc::clone(&common)));
    let desk = common.check.clone().map(Desk::new);
    let mut connection = Connection {
        common,
        watch,
        own,
        make: serve,
        rpc: ServerConnection::new(config),
        stream,
        peer,
        desk,
        user: None,
        place: Running::empty(),
        detached: HashMap::new(),
        arrived: Vec::new(),
        spares: Vec::new(),
        progress: Progress::default(),
        has_news: false,
        registered: None,
        needs_flush: false,
        is_ending: false,
        part: Part::new(number),
    };
    poll_fn(|cx| connection.poll(cx)).await;
}

/// Serves a request, and gives back what the next one is to be served with.
async fn serve<S: Service>(own: Arc<Own<S>>, request: Request) -> (Response, Arc<Own<S>>) {
    let response = own.0.service.serve(request).await;
    (response, own)
}

impl<S, F, M> Connection<S, F, M>
where
    S: Service,
    F: Future<Output = (Response, Arc<Own<S>>)> + Send + 'static,
    M: Fn(Arc<Own<S>>, Request) -> F,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.watch.register(cx.waker());
            self.registered = Some(cx.waker().clone());
        }
        for _ in 0..READS_A_TURN {
            if self.hear() == Order::Cut {
                return Poll::Ready(());
            }
            if std::mem::take(&mut self.has_news) {
                self.serve_all(cx);
            }
            let was_full = self.is_full();
            let Ok(is_all_sent) = self.send(cx) else { return Poll::Ready(()) };
            if was_full && !self.is_full() {
                // Requests that came already may have waited for that, and the bytes of the last one to be let go of.
                self.has_news = true;
                continue;
            }
            if is_all_sent && self.rpc.is_finished() {
                return self.end(cx);
            }
            match self.receive(cx) {
                Ok(true) => self.has_news = true,
                Ok(false) => {
                    self.note();
                    return Poll::Pending;
                }
                // Nobody is there any more who could be told.
                Err(_) => return Poll::Ready(()),
            }
        }
        self.note();
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes what was said from outside.
    fn hear(&mut self) -> Order {
        let Some(order) = self.watch.take(&mut self.arrived) else { return Order::Serve };
        self.has_news = true;
        let mut arrived = std::mem::take(&mut self.arrived);
        for (request, response) in arrived.drain(..) {
            self.detached.remove(&request);
            self.answer(request, response);
        }
        self.arrived = arrived;
        if order == Order::Drain {
            self.rpc.set_serving(false);
            self.rpc.receive_eof();
        }
        order
    }

    /// Serves the requests that came. After what cannot be read none comes, and the connection ends when all is sent.
    fn serve_all(&mut self, cx: &mut Context<'_>) {
        if let Some(request) = self.rpc.usual_request() {
            self.serve(&request, cx);
            if self.rpc.has_no_more() {
                return;
            }
        }
        loop {
            while let Ok(Some(request)) = self.rpc.poll_event() {
                self.serve(&request, cx);
            }
            if self.desk.is_none() || !self.let_in(cx) {
                return;
            }
        }
    }

    /// Lets a client in that says who it is; whether it was.
    #[cold]
    fn let_in(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(desk) = &mut self.desk else { return false };
        // It is asked again whenever this task is woken.
        self.has_news = desk.poll(&mut self.rpc, cx).is_pending();
        let Some(user) = self.rpc.peer_identity() else { return false };
        self.user = Some(user.into());
        self.desk = None;
        true
    }

    /// Serves a request that was handed out last, and answers it if that can be done at once.
    fn serve(&mut self, request: &Received, cx: &mut Context<'_>) {
        self.progress.served += 1;
        if let Some(response) = self.start(request, cx) {
            if response.arguments_len != UNREAD {
                self.rpc.body_read(response.arguments_len);
            }
            self.answer(request.id, response);
        }
    }

    /// Starts a request's handler. One that does not answer at once goes on as a task of its own.
    fn start(&mut self, received: &Received, cx: &mut Context<'_>) -> Option<Response> {
        let request = self.request(received);
        if let Some(refused) = self.refusal(&request) {
            // What is told may panic as what serves.
            let _ = catch_unwind(AssertUnwindSafe(|| self.common.service.refused(request.call(), &refused)));
            return Some(request.fail(refused.into()));
        }
        let own = self.place.take_kept().unwrap_or_else(|| Arc::clone(&self.own));
        self.place.prepare(request.call());
        self.place.begin((self.make)(own, request));
        match Pin::new(&mut self.place).poll(cx) {
            Poll::Ready(response) => Some(response),
            Poll::Pending => {
                self.detach(received);
                None
            }
        }
    }

    fn detach(&mut self, received: &Received) {
        let running = std::mem::replace(&mut self.place, Running::empty());
        let (watch, id) = (Arc::clone(&self.watch), received.id);
        let place = self.common.max_in_flight.map(|_| InFlight::new(&self.common.in_flight));
        let deadline = received.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let task = tokio::spawn(async move {
            let _place = place;
            watch.answer(id, finish(running, deadline).await);
        });
        self.detached.insert(id, task.abort_handle());
    }

    /// Why a request is not served.
    fn refusal(&self, request: &Request) -> Option<ApplicationException> {
        let common = &*self.common;
        if let Some(limit) = common.max_in_flight
            && common.in_flight.load(Ordering::Relaxed) >= limit
        {
            let text = format!("{limit} calls are served already");
            return Some(ApplicationException::new(ApplicationExceptionKind::LOADSHEDDING, text));
        }
        let service = request.call().service()?;
        if common.service.has(service) {
            return None;
        }
        let text = format!("there is no service '{}' here", service.escape_debug());
        Some(ApplicationException::new(ApplicationExceptionKind::UNKNOWN_METHOD, text))
    }

    /// What a handler gets of a request.
    fn request(&mut self, received: &Received) -> Request {
        let (spare, mut body) = self.spares.pop().map_or((None, Vec::new()), |(call, body)| (Some(call), body));
        let call = match spare {
            Some(call) if self.recurs(&call, received) => call,
            spare => self.renewed(spare, received),
        };
        call.set_request_bytes(received.body.len());
        // Last, because the request's other bytes may go with it.
        let body = if let Some((memory, start)) = self.rpc.take_body(received.body) {
            Body::part(memory, start)
        } else {
            body.clear();
            body.extend_from_slice(self.rpc.bytes(received.body));
            Body::new(body)
        };
        Request::new(call, body)
    }

    /// Whether the last call, which is over, can stand for one that was received.
    #[inline]
    fn recurs(&self, call: &Call, received: &Received) -> bool {
        let Received { service, function, kind, protocol, timeout, .. } = *received;
        let is_plain = service.is_none() && timeout.is_none() && self.rpc.request_headers().is_empty();
        is_plain && self.place.keeps(call) && call.can_recur(self.rpc.bytes(function), kind, protocol, 1)
    }

    /// A call that was received, in the memory of another where that is nobody else's.
    fn renewed(&mut self, spare: Option<Call>, received: &Received) -> Call {
        self.place.forget();
        let deadline = received.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let text = |span: Span| String::from_utf8_lossy(self.rpc.bytes(span));
        let headers = self.rpc.request_headers();
        let mut call = spare.filter(Call::is_unshared).unwrap_or_else(|| {
            Call::new(call::Inner {
                service: None,
                function: String::new(),
                kind: CallKind::Call,
                protocol: received.protocol,
                headers: Headers::new(),
                reply_headers: Headers::new().into(),
                has_reply_headers: AtomicBool::new(false),
                peer: self.peer.clone(),
                user: self.user.clone(),
                deadline: None,
                request_bytes: AtomicUsize::new(0),
                limits: self.rpc.config().limits,
            })
        });
        let inner = call.inner_mut().expect("invariant: this call is nobody else's");
        if inner.function.as_bytes() != self.rpc.bytes(received.function) {
            inner.function = text(received.function).into_owned();
        }
        inner.service = received.service.map(|span| text(span).into_owned());
        inner.kind = received.kind;
        inner.protocol = received.protocol;
        inner.deadline = deadline;
        if !(headers.is_empty() && inner.headers.is_empty()) {
            inner.headers = headers.clone();
        }
        if std::mem::take(inner.has_reply_headers.get_mut()) {
            // Those of a call over which none travelled.
            inner.reply_headers = Headers::new().into();
        }
        call
    }

    fn answer(&mut self, request: RequestId, response: Response) {
        let is_result = matches!(response.answer, Answer::Result);
        if !(is_result && self.rpc.reply_usual(request, &response.body)) {
            answers::send(&mut self.rpc, request, &response);
        }
        let Response { call, body, .. } = response;
        if self.spares.len() < SPARES && body.capacity() <= SPARE_BODY {
            self.spares.push((call, body));
        }
    }

    /// Whether so much waits to be sent that no further request is served.
    fn is_full(&self) -> bool {
        self.rpc.outbound().len() > self.rpc.config().max_outbound
    }

    /// Sends what is outbound; whether all of it went.
    fn send(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        while !self.rpc.outbound().is_empty() {
            match self.stream.poll_send(cx, self.rpc.outbound())? {
                Poll::Pending => return Ok(false),
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(sent) => {
                    self.rpc.advance_outbound(sent);
                    self.progress.moved += 1;
                    self.needs_flush = true;
                }
            }
        }
        if self.needs_flush {
            if self.stream.poll_flush(cx)?.is_pending() {
                return Ok(false);
            }
            self.needs_flush = false;
        }
        Ok(true)
    }

    /// Receives what there is; false when nothing came, and this task is woken when something does.
    ///
    /// A peer that sends nothing more still gets its answers.
    fn receive(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        if !self.rpc.wants_read() || !self.has_memory() {
            return Ok(false);
        }
        match self.stream.poll_receive(cx, self.rpc.receive_buffer(READ_SIZE))? {
            Poll::Pending => return Ok(false),
            Poll::Ready(0) => self.rpc.receive_eof(),
            Poll::Ready(count) => self.rpc.received(count),
        }
        self.progress.moved += 1;
        Ok(true)
    }

    /// Whether more may be received, of all that the server holds. When not, this task is woken from time to time.
    fn has_memory(&mut self) -> bool {
        let Some(budget) = &self.common.budget else { return true };
        budget.allows(&mut self.part, self.rpc.inbound_capacity() + self.rpc.outbound_capacity())
    }

    /// Ends the stream, so that the peer gets what was sent.
    fn end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.is_ending = true;
        self.stream.poll_end(cx).map(drop)
    }

    fn note(&self) {
        if !self.common.keeps_time {
            return;
        }
        let duty = if !self.rpc.outbound().is_empty() || self.is_ending {
            Duty::Take
        } else if self.rpc.open_requests() > 0 || self.desk.as_ref().is_some_and(Desk::is_judging) {
            Duty::Wait
        } else if self.rpc.is_mid_message() {
            Duty::Finish
        } else {
            Duty::Ask
        };
        self.watch.note(self.progress, duty);
    }
}

impl<S, F, M> Drop for Connection<S, F, M> {
    /// Ends the handlers whose answers nobody waits for any more.
    fn drop(&mut self) {
        for task in self.detached.values() {
            task.abort();
        }
        if let Some(budget) = &self.common.budget {
            budget.forget(&mut self.part);
        }
    }
}

/// The answer of a handler; another one when its time is over.
async fn finish<F, K>(mut running: Running<F, K>, deadline: Option<Instant>) -> Response
where
    F: Future<Output = (Response, K)>,
    K: Unpin,
{
    let Some(deadline) = deadline else { return running.await };
    match timeout_at(deadline, &mut running).await {
        Ok(response) => response,
        Err(_) => running.end(ApplicationExceptionKind::TIMEOUT, "the time for the call is over"),
    }
}

/// Counts a call as long as it is served.
struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
