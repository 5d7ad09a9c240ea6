use fastthrift_protocol::{ApplicationExceptionKind, MessageType};
use fastthrift_rpc::{ConnectionErrorKind, Fault, Framing};

use super::{Scenario, Script};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a reply to a call never made ends the connection",
        configure: |_, _| (),
        run: unknown_sequence_id,
    },
    Scenario { name: "a second reply to a call ends the connection", configure: |_, _| (), run: second_reply },
    Scenario { name: "a reply of another name ends the connection", configure: |_, _| (), run: wrong_name },
    Scenario { name: "a request instead of a reply ends the connection", configure: |_, _| (), run: request_to_client },
    Scenario { name: "a reply to a oneway ends the connection", configure: |_, _| (), run: reply_to_oneway },
    Scenario {
        name: "a reply instead of a request is answered and ends the connection",
        configure: |_, server| server.max_open = 2,
        run: reply_to_server,
    },
    Scenario { name: "a message cut off ends both sides", configure: |_, _| (), run: cut_off },
    Scenario { name: "the end of the connection reaches every waiting call", configure: |_, _| (), run: closed },
    Scenario {
        name: "a request over the limit ends the connection",
        configure: |_, server| server.limits.message = 300,
        run: oversized_request,
    },
    Scenario {
        name: "a reply over the limit ends the connection",
        configure: |client, _| client.limits.message = 64,
        run: oversized_reply,
    },
    Scenario { name: "a negative length ends the connection", configure: |_, _| (), run: negative_length },
    Scenario { name: "a peer that speaks HTTP is told from one that speaks Thrift", configure: |_, _| (), run: http },
    Scenario { name: "a client told to speak otherwise sees what came", configure: |_, _| (), run: other_framing },
];

fn unknown_sequence_id(script: &mut Script<'_>) {
    let call = script.call("echo", "hello");
    script.expect_request("echo", "hello");
    script.send_to_client("echo", MessageType::Reply, call.sequence_id() + 7, "hello");
    let error = script.expect_client_failure();
    assert_eq!(*error.kind(), ConnectionErrorKind::UnknownSequenceId(call.sequence_id() + 7));
    assert_eq!(error.fault(), Fault::Peer);
    assert_eq!(script.driver.failed_calls(), [call]);
    assert_eq!(script.driver.failed_calls(), []);
}

fn second_reply(script: &mut Script<'_>) {
    let call = script.call("echo", "hello");
    script.serve("echo", "hello", "hello");
    script.expect_reply(call, "hello");
    script.send_to_client("echo", MessageType::Reply, call.sequence_id(), "again");
    let error = script.expect_client_failure();
    assert_eq!(*error.kind(), ConnectionErrorKind::UnknownSequenceId(call.sequence_id()));
}

fn wrong_name(script: &mut Script<'_>) {
    let call = script.call("echo", "hello");
    script.expect_request("echo", "hello");
    script.send_to_client("ohce", MessageType::Reply, call.sequence_id(), "hello");
    let error = script.expect_client_failure();
    assert_eq!(error.to_string(), "expected the reply to 'echo', got one to 'ohce'");
    assert_eq!(script.driver.failed_calls(), [call]);
}

fn request_to_client(script: &mut Script<'_>) {
    let call = script.call("echo", "hello");
    script.expect_request("echo", "hello");
    script.send_to_client("echo", MessageType::Call, call.sequence_id(), "hello");
    let error = script.expect_client_failure();
    let sequence_id = call.sequence_id();
    assert_eq!(*error.kind(), ConnectionErrorKind::MessageType { found: MessageType::Call, sequence_id });
}

fn reply_to_oneway(script: &mut Script<'_>) {
    script.oneway("log", "something");
    let request = script.expect_request("log", "something");
    script.driver.finish_oneway(request.id).expect("the request is open");
    script.send_to_client("log", MessageType::Reply, 1, "");
    let error = script.expect_client_failure();
    assert_eq!(*error.kind(), ConnectionErrorKind::UnknownSequenceId(1));
}

fn reply_to_server(script: &mut Script<'_>) {
    let call = script.call("echo", "hello");
    script.expect_request("echo", "hello");
    script.send_to_server("echo", MessageType::Reply, call.sequence_id(), "hello");
    let error = script.expect_server_failure();
    let sequence_id = call.sequence_id();
    assert_eq!(*error.kind(), ConnectionErrorKind::MessageType { found: MessageType::Reply, sequence_id });
    assert!(error.is_answered());
    script.expect_exception(call, ApplicationExceptionKind::INVALID_MESSAGE_TYPE);
}

fn cut_off(script: &mut Script<'_>) {
    let call = script.call("echo", "hello");
    script.serve("echo", "hello", "hello");
    script.expect_reply(call, "hello");
    let waiting = script.call("echo", "waits");
    script.expect_request("echo", "waits");
    let reply = script.message("echo", MessageType::Reply, waiting.sequence_id(), "cut off");
    script.driver.send_raw_to_client(&reply[..reply.len() - 3]);
    script.driver.close_server();
    let error = script.expect_client_failure();
    assert!(matches!(error.kind(), ConnectionErrorKind::CutOff { .. }), "{error}");
    assert_eq!(error.fault(), Fault::Network);
    assert_eq!(script.driver.failed_calls(), [waiting]);
}

fn closed(script: &mut Script<'_>) {
    let calls = [script.call("echo", "one"), script.call("echo", "two")];
    script.expect_request("echo", "one");
    script.driver.close_server();
    let error = script.expect_client_failure();
    assert_eq!(*error.kind(), ConnectionErrorKind::Closed { waiting: 2 });
    assert_eq!(script.driver.failed_calls(), calls);
}

fn oversized_request(script: &mut Script<'_>) {
    let call = script.call("echo", &"x".repeat(400));
    let error = script.expect_server_failure();
    assert!(error.to_string().contains("over the limit of 300"), "{error}");
    if error.is_answered() {
        let exception = script.expect_exception(call, ApplicationExceptionKind::PROTOCOL_ERROR);
        assert!(exception.message.contains("over the limit of 300"), "{exception}");
    } else {
        assert_eq!(script.dialect.framing, Framing::Framed, "without a frame the header was read");
    }
}

fn oversized_reply(script: &mut Script<'_>) {
    let call = script.call("echo", "");
    script.serve("echo", "", &"x".repeat(100));
    let error = script.expect_client_failure();
    assert!(error.to_string().contains("over the limit of 64"), "{error}");
    assert_eq!(script.driver.failed_calls(), [call]);
}

fn negative_length(script: &mut Script<'_>) {
    script.driver.send_raw_to_server(&[0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0]);
    let error = script.expect_server_failure();
    assert_eq!(*error.kind(), ConnectionErrorKind::FrameLength(-2));
}

fn http(script: &mut Script<'_>) {
    script.driver.send_raw_to_server(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let error = script.expect_server_failure();
    assert!(error.to_string().ends_with("the peer speaks HTTP"), "{error}");
}

fn other_framing(script: &mut Script<'_>) {
    let call = script.call("echo", "hello");
    script.expect_request("echo", "hello");
    let framing = match script.dialect.framing {
        Framing::Framed => Framing::Unframed,
        Framing::Unframed => Framing::Framed,
    };
    let bytes = Script { driver: script.driver, dialect: fastthrift_rpc::Dialect { framing, ..script.dialect } };
    let bytes = bytes.message("echo", MessageType::Reply, call.sequence_id(), "hello");
    script.driver.send_raw_to_client(&bytes);
    let error = script.expect_client_failure();
    assert_eq!(error.fault(), Fault::Peer);
    let text = error.to_string();
    assert!(text.contains("the peer speaks"), "{text}");
}
