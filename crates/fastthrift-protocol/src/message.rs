/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MessageType {
    /// A request that a reply answers.
    Call = 1,
    /// The result of a call: a value or a declared exception.
    Reply = 2,
    /// An application exception: the call could not be carried out.
    Exception = 3,
    /// A request without a reply.
    Oneway = 4,
}

impl MessageType {
    /// The type with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Call,
            2 => Self::Reply,
            3 => Self::Exception,
            4 => Self::Oneway,
            _ => return None,
        })
    }

    /// The number of this type, the same in every protocol.
    pub const fn to_number(self) -> u8 {
        self as u8
    }
}

/// What stands before a message's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageHeader<'a> {
    /// The function's name, `Service:function` when multiplexed. Bytes, since a peer may send anything.
    pub name: &'a [u8],
    /// What the message is for.
    pub message_type: MessageType,
    /// The number that pairs a reply with its call; signed, and echoed as it came.
    pub sequence_id: i32,
}
