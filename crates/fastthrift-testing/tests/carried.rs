//! No bytes, however they were carried, break a connection.

use std::fs;
use std::path::Path;

use fastthrift_protocol::MessageType;
use fastthrift_testing::carried::{carried_client, carried_server, shaken_hands};
use fastthrift_testing::connections::CALLS;
use fastthrift_testing::conversation::{DIALECTS, wire};
use proptest::prelude::*;

const HTTP: [&str; 8] = [
    "POST /rpc HTTP/1.1\r\nHost: a\r\n",
    "POST / HTTP/1.0\r\nConnection: keep-alive\r\n",
    "GET /healthz HTTP/1.1\r\n\r\n",
    "Content-Length: 30\r\n",
    "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n",
    "HTTP/1.1 503 No\r\n\r\n",
    "\r\n",
];

/// A part of what a peer sends.
fn part() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(&HTTP[..]).prop_map(|text| text.as_bytes().to_vec()),
        (0..DIALECTS.len(), any::<bool>(), "[a-z]{0,9}").prop_map(|(dialect, is_reply, text)| {
            let message_type = if is_reply { MessageType::Reply } else { MessageType::Call };
            wire::text_message(DIALECTS[dialect], CALLS[0], message_type, 1, &text)
        }),
        prop::collection::vec(any::<u8>(), 0..40),
        (0..7_u8, prop_oneof![Just("PLAIN"), Just("GSSAPI"), Just("\0user\0secret"), Just("\x01"), Just("")]).prop_map(
            |(status, content)| {
                let size = u32::try_from(content.len()).expect("it is small");
                [&[status], &size.to_be_bytes()[..], content.as_bytes()].concat()
            }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_parts_of_messages_never_break_a_connection(
        choice in any::<u8>(),
        size in any::<u8>(),
        parts in prop::collection::vec(part(), 0..6),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = [vec![choice, size], parts.concat()].concat();
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        carried_server(&bytes);
        carried_client(&bytes);
        shaken_hands(&bytes);
    }
}

#[test]
fn the_corpus_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/carrier");
    let entries = fs::read_dir(&folder).expect("the corpus is there");
    let files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    assert!(files.len() >= 20, "the corpus has only {} files", files.len());
    for file in files {
        let bytes = fs::read(&file).expect("a readable file");
        carried_server(&bytes);
        carried_client(&bytes);
        shaken_hands(&bytes);
    }
}
