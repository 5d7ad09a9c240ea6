use fastthrift_protocol::MessageType;

use super::{Incoming, Scenario, Script};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "two services share a connection",
        configure: |client, _| client.service = Some("Calculator".into()),
        run: two_services,
    },
    Scenario {
        name: "a reply may repeat the service's name",
        configure: |client, _| client.service = Some("Calculator".into()),
        run: prefixed_reply,
    },
    Scenario { name: "a service ends at the first colon", configure: |_, _| (), run: first_colon },
];

fn two_services(script: &mut Script<'_>) {
    let add = script.call("add", "1 + 1");
    let get = script.call_of("Storage", "get", "key");
    let request = script.expect_request("add", "1 + 1");
    assert_eq!(service(&request), Some("Calculator"));
    script.reply(request.id, "2");
    let request = script.expect_request("get", "key");
    assert_eq!(service(&request), Some("Storage"));
    script.reply(request.id, "value");
    script.expect_reply(add, "2");
    script.expect_reply(get, "value");
}

fn prefixed_reply(script: &mut Script<'_>) {
    let call = script.call("add", "1 + 1");
    script.expect_request("add", "1 + 1");
    script.send_to_client("Calculator:add", MessageType::Reply, call.sequence_id(), "2");
    script.expect_reply(call, "2");
}

fn first_colon(script: &mut Script<'_>) {
    script.send_to_server("A:b:c", MessageType::Call, 5, "");
    let request = script.expect_request("b:c", "");
    assert_eq!(service(&request), Some("A"));
    script.reply(request.id, "");
    script.send_to_server("plain", MessageType::Call, 6, "");
    assert_eq!(script.expect_request("plain", "").service, None);
}

fn service(request: &Incoming) -> Option<&str> {
    request.service.as_deref().map(|name| std::str::from_utf8(name).expect("the service's name is text"))
}
