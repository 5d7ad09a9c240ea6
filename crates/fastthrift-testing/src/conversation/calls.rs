use std::time::Duration;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};
use fastthrift_rpc::{CallKind, ReplyError};

use super::{Outcome, Scenario, Script, wire};

/// Long enough for sockets on a busy machine, short enough to wait for.
const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(30);

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "a call gets its reply", configure: |_, _| (), run: plain_call },
    Scenario { name: "a function without result replies with an empty struct", configure: |_, _| (), run: void_call },
    Scenario {
        name: "a oneway has no reply and the next call gets its own",
        configure: |_, _| (),
        run: oneway_then_call,
    },
    Scenario { name: "exceptions reach the call that raised them", configure: |_, _| (), run: exceptions },
    Scenario { name: "pipelined calls are served and answered in order", configure: |_, _| (), run: pipelined },
    Scenario {
        name: "replies out of order reach their own calls",
        configure: |_, server| server.max_open = 8,
        run: out_of_order,
    },
    Scenario { name: "a late reply never reaches the next call", configure: |_, _| (), run: late_reply },
    Scenario { name: "a cancelled call gets no event", configure: |_, _| (), run: cancelled },
    Scenario {
        name: "a call after too many unanswered ones fails",
        configure: |client, server| (client.max_abandoned, server.max_open) = (2, 8),
        run: too_many_abandoned,
    },
    Scenario {
        name: "sequence ids wrap through the negative numbers",
        configure: |client, _| client.first_sequence_id = i32::MAX - 1,
        run: wrapping,
    },
    Scenario {
        name: "a message over the limit is not sent and the connection stays good",
        configure: |client, server| (client.limits.message, server.limits.message) = (200, 200),
        run: too_large,
    },
    Scenario {
        name: "requests are served after the client has closed its side",
        configure: |_, _| (),
        run: half_closed,
    },
];

fn plain_call(script: &mut Script<'_>) {
    for round in 0..3 {
        let text = format!("round {round}");
        let call = script.call("echo", &text);
        script.serve("echo", &text, &text);
        script.expect_reply(call, &text);
    }
}

fn void_call(script: &mut Script<'_>) {
    let call = script.call("ping", "");
    let request = script.expect_request("ping", "");
    script.driver.reply(request.id, &wire::empty_body()).expect("the request is open");
    assert_eq!(script.driver.event(), Ok(Outcome::Reply { call, body: wire::empty_body() }));
}

fn oneway_then_call(script: &mut Script<'_>) {
    script.oneway("log", "something");
    let call = script.call("echo", "hello");
    let request = script.expect_request("log", "something");
    assert_eq!(request.kind, CallKind::Oneway);
    let exception = ApplicationException::new(ApplicationExceptionKind::INTERNAL_ERROR, "nobody hears it");
    assert_eq!(script.driver.reply(request.id, &wire::empty_body()), Err(ReplyError::Oneway));
    assert_eq!(script.driver.reply_exception(request.id, &exception), Err(ReplyError::Oneway));
    assert_eq!(script.driver.finish_oneway(request.id), Ok(()));
    assert_eq!(script.driver.finish_oneway(request.id), Err(ReplyError::NotOpen));
    script.serve("echo", "hello", "hello");
    script.expect_reply(call, "hello");
}

fn exceptions(script: &mut Script<'_>) {
    let declared = script.call("divide", "by zero");
    script.serve("divide", "by zero", "a declared exception is a result");
    script.expect_reply(declared, "a declared exception is a result");
    for kind in [ApplicationExceptionKind::UNKNOWN_METHOD, ApplicationExceptionKind::INTERNAL_ERROR] {
        let call = script.call("unknown", "");
        let request = script.expect_request("unknown", "");
        let exception = ApplicationException::new(kind, "no such function");
        assert_eq!(script.driver.finish_oneway(request.id), Err(ReplyError::AwaitsReply));
        script.driver.reply_exception(request.id, &exception).expect("the request is open");
        assert_eq!(script.driver.reply_exception(request.id, &exception), Err(ReplyError::NotOpen));
        assert_eq!(script.expect_exception(call, kind), exception);
    }
    plain_call(script);
}

fn pipelined(script: &mut Script<'_>) {
    let texts: Vec<_> = (0..20).map(|number| format!("call {number}")).collect();
    let calls: Vec<_> = texts.iter().map(|text| script.call("echo", text)).collect();
    for text in &texts {
        script.serve("echo", text, text);
    }
    for (call, text) in calls.into_iter().zip(&texts) {
        script.expect_reply(call, text);
    }
}

fn out_of_order(script: &mut Script<'_>) {
    let first = script.call("slow", "one");
    let second = script.call("fast", "two");
    let slow = script.expect_request("slow", "one");
    let fast = script.expect_request("fast", "two");
    script.reply(fast.id, "two is done");
    script.expect_reply(second, "two is done");
    script.reply(slow.id, "one is done");
    script.expect_reply(first, "one is done");
}

fn late_reply(script: &mut Script<'_>) {
    let late = script.call_within(SHORT, "echo", "late");
    let request = script.expect_request("echo", "late");
    script.expect_time_out(late);
    assert!(!script.driver.cancel(late), "nobody waits for a call that timed out");
    let next = script.call_within(LONG, "echo", "next");
    script.reply(request.id, "late");
    script.serve("echo", "next", "next");
    script.expect_reply(next, "next");
}

fn cancelled(script: &mut Script<'_>) {
    let cancelled = script.call("echo", "cancelled");
    assert!(script.driver.cancel(cancelled));
    assert!(!script.driver.cancel(cancelled));
    let next = script.call("echo", "next");
    script.serve("echo", "cancelled", "cancelled");
    script.serve("echo", "next", "next");
    script.expect_reply(next, "next");
}

fn too_many_abandoned(script: &mut Script<'_>) {
    for text in ["one", "two", "three"] {
        let call = script.call("stuck", text);
        script.driver.cancel(call);
    }
    let waiting = script.call("echo", "waits");
    let error = script.expect_client_failure();
    assert!(error.to_string().starts_with("more than 2 calls"), "{error}");
    assert_eq!(script.driver.failed_calls(), [waiting]);
}

fn wrapping(script: &mut Script<'_>) {
    let calls: Vec<_> = (0..4).map(|number| script.call("echo", &number.to_string())).collect();
    let ids: Vec<_> = calls.iter().map(|call| call.sequence_id()).collect();
    assert_eq!(ids, [i32::MAX - 1, i32::MAX, i32::MIN, i32::MIN + 1]);
    for (number, call) in calls.into_iter().enumerate() {
        let text = number.to_string();
        script.serve("echo", &text, &text);
        script.expect_reply(call, &text);
    }
}

fn too_large(script: &mut Script<'_>) {
    let error = script.try_call("echo", &"x".repeat(300)).expect_err("the limit is lower");
    assert!(error.to_string().ends_with("is over the limit of 200"), "{error}");
    let call = script.call("echo", "short");
    let request = script.expect_request("echo", "short");
    let long = wire::body(script.dialect.protocol, &"y".repeat(300));
    assert!(matches!(script.driver.reply(request.id, &long), Err(ReplyError::TooLarge { limit: 200, .. })));
    script.reply(request.id, "the request was still open");
    script.expect_reply(call, "the request was still open");
}

fn half_closed(script: &mut Script<'_>) {
    let first = script.call("echo", "one");
    let second = script.call("echo", "two");
    script.driver.close_client();
    script.serve("echo", "one", "one");
    script.serve("echo", "two", "two");
    assert_eq!(script.driver.request(), Ok(None));
    script.expect_reply(first, "one");
    script.expect_reply(second, "two");
}
