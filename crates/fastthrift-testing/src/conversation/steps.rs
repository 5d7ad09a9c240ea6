//! Holding a conversation: what each word of `tests/conversations` does.

use std::collections::HashMap;
use std::time::Duration;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind, MessageType};
use fastthrift_rpc::{CallId, CallKind, ConnectionError, Dialect, Fault, Framing, Headers, RequestId};

use super::text::{Scenario, Step, number};
use super::{Outcome, Script, wire};

/// A conversation that is held, and the names that it gave so far.
pub(super) struct Held<'s, 'd> {
    script: Script<'d>,
    calls: HashMap<&'s str, CallId>,
    requests: HashMap<&'s str, RequestId>,
}

impl<'s, 'd> Held<'s, 'd> {
    /// Holds a conversation and panics where something else happens than it says.
    pub(super) fn hold(scenario: &'s Scenario, script: Script<'d>) {
        let framing = script.dialect.framing;
        let mut held = Self { script, calls: HashMap::new(), requests: HashMap::new() };
        for step in scenario.steps.iter().filter(|step| !step.is_setting()) {
            if step.framing.is_none_or(|only| only == framing) {
                eprintln!("  {}: {}", step.place, step.words.join(" "));
                held.step(step);
            }
        }
    }

    fn step(&mut self, step: &'s Step) {
        let words = step.words();
        match words[0] {
            "call" | "oneway" | "cancel" | "sequence" => self.client_speaks(&words),
            "request" | "no" | "reply" | "raise" | "finish" => self.server_speaks(&words),
            "result" | "exception" | "timeout" | "client" | "server" => self.expect(&words),
            _ => self.interfere(&words),
        }
    }

    fn client_speaks(&mut self, words: &[&'s str]) {
        match *words {
            ["call", "refused", function, text, error] => {
                expect_text(&self.script.try_call(function, text).expect_err("the call is refused"), error);
            }
            ["call", "refused", function, text, "headed", header, value, error] => {
                let headers = [(header, value)].into_iter().collect();
                let refused = self.script.call_with(&headers, function, text);
                expect_text(&refused.expect_err("the call is refused"), error);
            }
            ["call", name, function, text, "headed", header, value] => {
                let headers = [(header, value)].into_iter().collect();
                self.name_call(name, |script| {
                    script.call_with(&headers, function, text).expect("the call can be made")
                });
            }
            ["call", name, function, text] => self.name_call(name, |script| script.call(function, text)),
            ["call", name, function, text, "of", service] => {
                self.name_call(name, |script| script.call_of(service, function, text));
            }
            ["call", name, function, text, "within", timeout, "ms"] => {
                let timeout = Duration::from_millis(number(timeout));
                self.name_call(name, |script| script.call_within(timeout, function, text));
            }
            ["oneway", function, text] => self.script.oneway(function, text),
            ["cancel", name] => assert!(self.script.driver.cancel(self.calls[name])),
            ["cancel", name, "in", "vain"] => assert!(!self.script.driver.cancel(self.calls[name])),
            ["sequence", name, id] => assert_eq!(self.calls[name].sequence_id(), number(id)),
            _ => no_such_step(words),
        }
    }

    fn server_speaks(&mut self, words: &[&'s str]) {
        let driver = &mut *self.script.driver;
        match *words {
            ["request", name, function, text, ref rest @ ..] => self.expect_request(name, function, text, rest),
            ["no", "request"] => assert_eq!(driver.request(), Ok(None)),
            ["reply", name, "refused", error, "with", text] => {
                let body = self.body(text);
                let refused = self.script.driver.reply(self.requests[name], &body, Headers::none());
                expect_text(&refused.expect_err("the reply is refused"), error);
            }
            ["reply", name, "refused", error, "headed", header, value] => {
                let headers = [(header, value)].into_iter().collect();
                let refused = self.script.driver.reply(self.requests[name], &self.body("nothing"), &headers);
                expect_text(&refused.expect_err("the reply is refused"), error);
            }
            ["reply", name, text, ref rest @ ..] => {
                let (body, headers) = (self.body(text), headers(rest));
                self.script.driver.reply(self.requests[name], &body, &headers).expect("the request is open");
            }
            ["raise", name, "refused", error] => {
                let exception = ApplicationException::new(ApplicationExceptionKind::UNKNOWN, "");
                let refused = driver.reply_exception(self.requests[name], &exception);
                expect_text(&refused.expect_err("the exception is refused"), error);
            }
            ["raise", name, kind, text] => {
                let exception = ApplicationException::new(exception_kind(kind), text);
                driver.reply_exception(self.requests[name], &exception).expect("the request is open");
            }
            ["finish", name] => driver.finish_oneway(self.requests[name]).expect("the request is open"),
            ["finish", name, "refused", error] => {
                let refused = driver.finish_oneway(self.requests[name]);
                expect_text(&refused.expect_err("there is nothing to finish"), error);
            }
            _ => no_such_step(words),
        }
    }

    fn expect(&mut self, words: &[&'s str]) {
        match *words {
            ["result", name, text, ref rest @ ..] => {
                let (call, headers) = (self.calls[name], self.expected_headers(rest));
                let expected = Outcome::Reply { call, body: self.body(text), headers };
                assert_eq!(self.script.driver.event(), Ok(expected));
            }
            ["exception", name, kind, text] => {
                let exception = self.script.expect_exception(self.calls[name], exception_kind(kind));
                expect_text(&exception.message, text);
            }
            ["timeout", name] => self.script.expect_time_out(self.calls[name]),
            ["client", "fails", by, text, ref calls @ ..] => {
                let error = self.script.expect_client_failure();
                expect_error(&error, by, text);
                let failed: Vec<_> = calls.iter().map(|name| self.calls[name]).collect();
                assert_eq!(self.script.driver.failed_calls(), failed);
                assert_eq!(self.script.driver.failed_calls(), [], "each call is given once");
            }
            ["server", "fails", text] => expect_error(&self.script.expect_server_failure(), "peer", text),
            _ => no_such_step(words),
        }
    }

    fn interfere(&mut self, words: &[&'s str]) {
        match *words {
            ["send", "client", "cut", count, ref message @ ..] => {
                let bytes = self.message(self.script.dialect, message);
                self.script.driver.send_raw_to_client(&bytes[..bytes.len() - number::<usize>(count)]);
            }
            ["send", "client", "foreign", ref message @ ..] => {
                let bytes = self.message(other_framing(self.script.dialect), message);
                self.script.driver.send_raw_to_client(&bytes);
            }
            ["send", "client", ref message @ ..] => {
                let bytes = self.message(self.script.dialect, message);
                self.script.driver.send_raw_to_client(&bytes);
            }
            ["send", "server", "bytes", hex] => self.script.driver.send_raw_to_server(&from_hex(hex)),
            ["send", "server", ref message @ ..] => {
                let bytes = self.message(self.script.dialect, message);
                self.script.driver.send_raw_to_server(&bytes);
            }
            ["close", "client"] => self.script.driver.close_client(),
            ["close", "server"] => self.script.driver.close_server(),
            _ => no_such_step(words),
        }
    }

    fn name_call(&mut self, name: &'s str, call: impl FnOnce(&mut Script<'d>) -> CallId) {
        let made = call(&mut self.script);
        self.calls.insert(name, made);
    }

    fn expect_request(&mut self, name: &'s str, function: &str, text: &str, rest: &[&str]) {
        let (service, kind, timeout, headed) = match *rest {
            ["oneway"] => (None, CallKind::Oneway, None, &[][..]),
            ["of", service] => (Some(service.as_bytes()), CallKind::Call, None, &[][..]),
            ["within", timeout, "ms"] => (None, CallKind::Call, Some(number(timeout)), &[][..]),
            ref headed => (None, CallKind::Call, None, headed),
        };
        let request = self.script.expect_request(function, text);
        assert_eq!((request.service.as_deref(), request.kind), (service, kind));
        assert_eq!(request.headers, self.expected_headers(headed));
        if let Some(timeout) = timeout.filter(|_| self.script.dialect.framing == Framing::Header) {
            assert_eq!(request.timeout, Some(Duration::from_millis(timeout)));
        }
        self.requests.insert(name, request.id);
    }

    /// The headers that arrive: those that were sent, where any travel.
    fn expected_headers(&self, words: &[&str]) -> Headers {
        let sent = headers(words);
        if self.script.dialect.framing == Framing::Header { sent } else { Headers::new() }
    }

    fn body(&self, text: &str) -> Vec<u8> {
        if text == "nothing" {
            wire::empty_body(self.script.dialect.protocol)
        } else {
            wire::body(self.script.dialect.protocol, text)
        }
    }

    /// A message by hand: its type, function, sequence id and text.
    fn message(&self, dialect: Dialect, words: &[&str]) -> Vec<u8> {
        let [message_type, function, id, text] = *words else { no_such_step(words) };
        let message_type = match message_type {
            "call" => MessageType::Call,
            "reply" => MessageType::Reply,
            _ => no_such_step(words),
        };
        wire::text_message(dialect, function, message_type, self.sequence_id(id), text)
    }

    /// A number, or a call with or without a distance.
    fn sequence_id(&self, word: &str) -> i32 {
        let (name, distance) = word.split_once('+').unwrap_or((word, "0"));
        self.calls.get(name).map_or_else(|| number(word), |call| call.sequence_id() + number::<i32>(distance))
    }
}

fn headers(words: &[&str]) -> Headers {
    match *words {
        [] => Headers::new(),
        ["headed", name, value] => [(name, value)].into_iter().collect(),
        _ => no_such_step(words),
    }
}

fn expect_text(found: &impl ToString, part: &str) {
    let found = found.to_string();
    assert!(found.contains(part), "expected something with {part:?}, got {found:?}");
}

fn expect_error(error: &ConnectionError, by: &str, text: &str) {
    let by = if by == "network" { Fault::Network } else { Fault::Peer };
    assert_eq!(error.fault(), by, "{error}");
    expect_text(error, text);
}

fn exception_kind(name: &str) -> ApplicationExceptionKind {
    (0..=10)
        .map(ApplicationExceptionKind)
        .find(|kind| kind.name() == Some(name))
        .unwrap_or_else(|| panic!("there is no kind of exception called {name}"))
}

fn other_framing(dialect: Dialect) -> Dialect {
    let framing = match dialect.framing {
        Framing::Framed | Framing::Header => Framing::Unframed,
        Framing::Unframed => Framing::Framed,
    };
    Dialect { framing, ..dialect }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex is ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("two hex digits")).collect()
}

fn no_such_step(words: &[&str]) -> ! {
    panic!("there is no such step: {}", words.join(" "))
}
