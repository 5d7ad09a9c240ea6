//! Whatever is written is read back the same, in every protocol.

use fastthrift_protocol::{DecodeErrorKind, Limits, MessageHeader, MessageType, Protocol};
use fastthrift_testing::arbitrary::{Choices, struct_tree};
use fastthrift_testing::codec::{check_round_trip, check_scan, expressible, read_struct, write_tree};
use fastthrift_testing::values::{check_decoder, check_value};
use proptest::collection::vec;
use proptest::prelude::*;

fn choices() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn wire_trees_come_back_in_every_protocol(bytes in choices()) {
        check_round_trip(&struct_tree(&mut Choices::new(&bytes), 6));
    }

    #[test]
    fn no_prefix_of_a_struct_is_one(bytes in vec(any::<u8>(), 0..150)) {
        let tree = struct_tree(&mut Choices::new(&bytes), 6);
        for &protocol in Protocol::TYPED {
            let whole = write_tree(protocol, &expressible(protocol, &tree));
            for end in 0..whole.len() {
                let error = read_struct(protocol, &whole[..end], Limits::DEFAULT).expect_err("a prefix");
                let is_end = matches!(error.kind(), DecodeErrorKind::UnexpectedEnd { needed: 1.. });
                prop_assert!(is_end, "{error}");
            }
        }
    }

    #[test]
    fn messages_end_at_the_same_place_however_they_are_split(
        bytes in choices(),
        name in vec(any::<u8>(), 0..40),
        sequence_id: i32,
        pieces in vec(0usize..50, 0..40),
    ) {
        let tree = struct_tree(&mut Choices::new(&bytes), 6);
        let header = MessageHeader { name: &name, message_type: MessageType::Call, sequence_id };
        for &protocol in Protocol::ALL {
            let mut message = Vec::new();
            protocol.write_message_header(&mut message, &header);
            message.extend(write_tree(protocol, &expressible(protocol, &tree)));
            protocol.write_message_end(&mut message);
            check_scan(Some(protocol), Limits::DEFAULT, &pieces, &message);
            message.extend(b"after");
            check_scan(None, Limits::DEFAULT, &pieces, &message);
        }
    }

    #[test]
    fn values_of_arbitrary_schemas_come_back_in_every_protocol(bytes in vec(any::<u8>(), 0..1500)) {
        check_value(&bytes);
    }

    #[test]
    fn any_struct_is_a_value_of_any_schema_or_an_error(schema in vec(any::<u8>(), 120), tree in choices()) {
        let tree = struct_tree(&mut Choices::new(&tree), 6);
        for (choice, protocol) in (0..).zip(Protocol::TYPED) {
            check_decoder(&[&[choice, 60][..], &schema, &write_tree(*protocol, &expressible(*protocol, &tree))].concat());
        }
    }
}
