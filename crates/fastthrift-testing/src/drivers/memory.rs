use std::time::Duration;

use fastthrift_protocol::ApplicationException;
use fastthrift_rpc::{CallError, CallId, ConnectionError, Headers, ReplyError, RequestId};

use crate::Pair;
use crate::conversation::owned::{begin_call, incoming, outcome, reply_with};
use crate::conversation::{Driver, Incoming, Outcome, Outgoing};

/// The clock moves to the next deadline when nothing else can happen.
impl Driver for Pair {
    fn call(&mut self, call: Outgoing<'_>) -> Result<CallId, CallError> {
        begin_call(&mut self.client, call, self.now)
    }

    fn cancel(&mut self, call: CallId) -> bool {
        self.client.cancel(call)
    }

    fn event(&mut self) -> Result<Outcome, ConnectionError> {
        loop {
            if let Some(event) = Pair::event(self)? {
                return Ok(outcome(&self.client, event));
            }
            self.now = self.client.next_deadline().expect("nothing comes and no call has a deadline");
        }
    }

    fn failed_calls(&mut self) -> Vec<CallId> {
        self.client.drain_failed()
    }

    fn request(&mut self) -> Result<Option<Incoming>, ConnectionError> {
        let request = Pair::request(self)?;
        assert!(request.is_some() || self.server.is_finished(), "no request comes");
        Ok(request.map(|request| incoming(&self.server, request)))
    }

    fn reply(&mut self, request: RequestId, body: &[u8], headers: &Headers) -> Result<(), ReplyError> {
        reply_with(&mut self.server, request, body, headers)
    }

    fn reply_exception(&mut self, request: RequestId, exception: &ApplicationException) -> Result<(), ReplyError> {
        self.server.reply_exception(request, exception)
    }

    fn finish_oneway(&mut self, request: RequestId) -> Result<(), ReplyError> {
        self.server.finish_oneway(request)
    }

    fn send_raw_to_client(&mut self, bytes: &[u8]) {
        self.inject_to_client(bytes);
    }

    fn send_raw_to_server(&mut self, bytes: &[u8]) {
        self.inject_to_server(bytes);
    }

    fn close_server(&mut self) {
        Pair::close_server(self);
    }

    fn close_client(&mut self) {
        Pair::close_client(self);
    }

    fn now(&self) -> Duration {
        self.now
    }
}
