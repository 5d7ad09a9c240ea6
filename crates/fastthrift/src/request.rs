//! Calls as interceptors and other layers see them.

use std::time::Duration;

use fastthrift_protocol::Protocol;
use fastthrift_rpc::Headers;

use crate::error::Invalid;
use crate::{CallError, Function, codec};

/// A call that is to be made, its arguments encoded.
#[derive(Debug, Clone)]
pub struct ClientRequest {
    /// The function that is called.
    pub function: Function,
    /// Its service, where the server has several.
    pub service: Option<String>,
    /// What travels beside the call, where headers do.
    pub headers: Headers,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// How the arguments are encoded, which is as the channel says.
    pub protocol: Protocol,
    /// The arguments' struct.
    pub body: Vec<u8>,
}

impl ClientRequest {
    /// Refuses arguments that are not encoded as the channel says of all that it sends.
    pub(crate) fn check_protocol(&self, spoken: Protocol) -> Result<(), CallError> {
        if self.protocol == spoken {
            return Ok(());
        }
        let text = format!("the arguments are in {}, and the channel speaks {spoken}", self.protocol);
        Err(CallError::encode(Invalid(text)))
    }
}

/// The reply to a call, its result encoded.
#[derive(Debug, Clone)]
pub struct ClientReply {
    /// How the result is encoded.
    pub protocol: Protocol,
    /// The result's struct; empty after a oneway, which has none.
    pub body: Vec<u8>,
    /// What came beside it.
    pub headers: Headers,
}

impl ClientReply {
    /// Whether the result is an exception that the function declares.
    pub fn is_declared_exception(&self) -> bool {
        is_declared_exception(self.protocol, &self.body)
    }
}

/// Whether the first field of a result's struct is another than 0, which is that of a value.
pub(crate) fn is_declared_exception(protocol: Protocol, body: &[u8]) -> bool {
    use fastthrift_protocol::{BinaryReader, CompactReader, InputProtocol, JsonReader, Limits, Scratch};
    fn first<'de>(mut reader: impl InputProtocol<'de>) -> bool {
        reader.begin_struct().is_ok() && matches!(reader.read_field(), Ok(Some(field)) if field.id != 0)
    }
    match protocol {
        Protocol::Binary => first(BinaryReader::new(body, Limits::DEFAULT)),
        Protocol::Compact => first(CompactReader::new(body, Limits::DEFAULT)),
        Protocol::Json => first(JsonReader::new(body, &Scratch::new(), Limits::DEFAULT)),
        Protocol::SimpleJson => false,
    }
}

impl ClientReply {
    /// The result's struct, decoded.
    pub fn result<R: codec::DecodeOwned>(&self, limits: codec::Limits) -> Result<R, CallError> {
        let (result, _) = codec::decode_prefix(self.protocol, &self.body, limits)?;
        Ok(result)
    }
}
