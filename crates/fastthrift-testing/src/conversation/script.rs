use std::time::Duration;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};
use fastthrift_rpc::{CallError, CallId, CallKind, ConnectionError, Dialect, Headers};

use super::{Driver, Incoming, Outcome, Outgoing, wire};

/// A driver and the words in which conversations are written: bodies are texts, and what goes wrong without being
/// expected panics.
pub struct Script<'d> {
    /// What carries the bytes.
    pub driver: &'d mut dyn Driver,
    /// How both sides speak.
    pub dialect: Dialect,
}

impl<'d> Script<'d> {
    /// A script over this driver.
    pub fn new(driver: &'d mut dyn Driver, dialect: Dialect) -> Self {
        Self { driver, dialect }
    }

    /// Calls a function.
    pub fn call(&mut self, function: &str, text: &str) -> CallId {
        self.try_call(function, text).expect("the call can be made")
    }

    /// Calls a function, which may fail.
    pub fn try_call(&mut self, function: &str, text: &str) -> Result<CallId, CallError> {
        self.send(None, function, CallKind::Call, text, None)
    }

    /// Calls a function with headers.
    pub fn call_with(&mut self, headers: &Headers, function: &str, text: &str) -> Result<CallId, CallError> {
        let body = wire::body(self.dialect.protocol, text);
        self.driver.call(Outgoing {
            service: None,
            function,
            kind: CallKind::Call,
            body: &body,
            timeout: None,
            headers,
        })
    }

    /// Calls a function of a service.
    pub fn call_of(&mut self, service: &str, function: &str, text: &str) -> CallId {
        self.send(Some(service), function, CallKind::Call, text, None).expect("the call can be made")
    }

    /// Calls a function and waits for so long at most.
    pub fn call_within(&mut self, timeout: Duration, function: &str, text: &str) -> CallId {
        self.send(None, function, CallKind::Call, text, Some(timeout)).expect("the call can be made")
    }

    /// Calls a oneway function.
    pub fn oneway(&mut self, function: &str, text: &str) {
        self.send(None, function, CallKind::Oneway, text, None).expect("the call can be made");
    }

    /// Waits for a request, checks its function and text, and gives it.
    pub fn expect_request(&mut self, function: &str, text: &str) -> Incoming {
        let request = self.driver.request().expect("the server's side is good").expect("the client is there");
        assert_eq!(
            (request.function.escape_ascii().to_string(), self.text(&request.body)),
            (function.into(), text.into())
        );
        request
    }

    /// Waits for an application exception of this kind in answer to this call.
    pub fn expect_exception(&mut self, call: CallId, kind: ApplicationExceptionKind) -> ApplicationException {
        match self.driver.event().expect("the client's side is good") {
            Outcome::Exception { call: answered, exception } => {
                assert_eq!((answered, exception.kind), (call, kind));
                exception
            }
            other => panic!("expected an exception in answer to {call:?}, got {other:?}"),
        }
    }

    /// Waits until this call has timed out.
    pub fn expect_time_out(&mut self, call: CallId) {
        assert_eq!(self.driver.event(), Ok(Outcome::TimedOut { call }));
    }

    /// Waits until the client's side has failed.
    pub fn expect_client_failure(&mut self) -> ConnectionError {
        let error = self.driver.event().expect_err("the client's side has to fail");
        assert_eq!(self.driver.event(), Err(error.clone()), "a failure is final");
        assert!(
            matches!(self.try_call("after", ""), Err(CallError::Connection(_))),
            "a failed connection takes no call"
        );
        error
    }

    /// Waits until the server's side has failed.
    pub fn expect_server_failure(&mut self) -> ConnectionError {
        self.driver.request().expect_err("the server's side has to fail")
    }

    fn send(
        &mut self,
        service: Option<&str>,
        function: &str,
        kind: CallKind,
        text: &str,
        timeout: Option<Duration>,
    ) -> Result<CallId, CallError> {
        let body = wire::body(self.dialect.protocol, text);
        self.driver.call(Outgoing { service, function, kind, body: &body, timeout, headers: Headers::none() })
    }

    fn text(&self, body: &[u8]) -> String {
        wire::text(self.dialect.protocol, body).expect("the body is a struct").0
    }
}
