//! Messages written by hand, as a peer that is not under test sends them.

use fastthrift_protocol::json::Lexer;
use fastthrift_protocol::{
    ApplicationException, BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, FieldHeader,
    InputProtocol, JsonReader, JsonWriter, Limits, MessageHeader, MessageType, OutputProtocol, Protocol, Scratch,
    TType, json,
};
use fastthrift_rpc::{Dialect, Framing};

const TEXT: FieldHeader = FieldHeader { ttype: TType::String, id: 1 };

/// A struct whose only field, number 1 and called `text`, is this text.
pub fn body(protocol: Protocol, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    match protocol {
        Protocol::Binary => write_text(&mut BinaryWriter::new(&mut out), text),
        Protocol::Compact => write_text(&mut CompactWriter::new(&mut out), text),
        Protocol::Json => write_text(&mut JsonWriter::new(&mut out), text),
        Protocol::SimpleJson => {
            out.extend_from_slice(b"{\"text\":");
            json::write_text(&mut out, text.as_bytes());
            out.push(b'}');
        }
    }
    out
}

/// A struct without fields: the result of a function that returns nothing.
pub fn empty_body(protocol: Protocol) -> Vec<u8> {
    match protocol {
        Protocol::Binary | Protocol::Compact => vec![0],
        Protocol::Json | Protocol::SimpleJson => b"{}".to_vec(),
    }
}

/// The text that [`body`] wrote, or nothing for an empty struct, and how long the struct is.
pub fn text(protocol: Protocol, bytes: &[u8]) -> Result<(String, usize), DecodeError> {
    match protocol {
        Protocol::Binary => read_text(BinaryReader::new(bytes, Limits::DEFAULT)),
        Protocol::Compact => read_text(CompactReader::new(bytes, Limits::DEFAULT)),
        Protocol::Json => read_text(JsonReader::new(bytes, &Scratch::new(), Limits::DEFAULT)),
        Protocol::SimpleJson => read_simple_text(bytes),
    }
}

/// A struct that is an application exception.
pub fn exception_body(protocol: Protocol, exception: &ApplicationException) -> Vec<u8> {
    let mut out = Vec::new();
    exception.encode(protocol, &mut out);
    out
}

/// A message whose body is a text.
pub fn text_message(dialect: Dialect, name: &str, message_type: MessageType, sequence_id: i32, text: &str) -> Vec<u8> {
    let header = MessageHeader { name: name.as_bytes(), message_type, sequence_id };
    message(dialect, &header, &body(dialect.protocol, text))
}

/// A message as it goes out, in its frame when the dialect has frames.
pub fn message(dialect: Dialect, header: &MessageHeader<'_>, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    dialect.protocol.write_message_header(&mut out, header);
    out.extend_from_slice(body);
    dialect.protocol.write_message_end(&mut out);
    match dialect.framing {
        Framing::Framed => frame(&out),
        Framing::Unframed => out,
        Framing::Header => header_frame(dialect.protocol, header.sequence_id, &out),
    }
}

/// A frame of the Header transport around these messages, without transforms and headers.
pub fn header_frame(protocol: Protocol, sequence_id: i32, messages: &[u8]) -> Vec<u8> {
    HeaderFront { sequence_id, ..HeaderFront::of(protocol) }.frame(messages)
}

/// What stands before the messages in a frame of the Header transport. All numbers of its block are below 128.
#[derive(Debug, Clone, Copy)]
pub struct HeaderFront<'a> {
    /// The flags.
    pub flags: u16,
    /// The frame's own sequence id.
    pub sequence_id: i32,
    /// The number of the protocol.
    pub protocol: u8,
    /// The numbers of the transforms that the messages went through.
    pub transforms: &'a [u8],
    /// The infos, as they are written.
    pub infos: &'a [u8],
}

impl HeaderFront<'_> {
    /// A front that names only the protocol.
    pub fn of(protocol: Protocol) -> Self {
        let protocol = match protocol {
            Protocol::Binary => 0,
            Protocol::Json => 1,
            Protocol::Compact => 2,
            Protocol::SimpleJson => 5,
        };
        Self { flags: 0, sequence_id: 0, protocol, transforms: &[], infos: &[] }
    }

    /// The frame around this content.
    ///
    /// # Panics
    /// When it is larger than a test's frames are.
    pub fn frame(&self, content: &[u8]) -> Vec<u8> {
        let transforms = u8::try_from(self.transforms.len()).expect("a test's transforms are few");
        let mut block = [&[self.protocol, transforms], self.transforms, self.infos].concat();
        block.resize(block.len().next_multiple_of(4), 0);
        let words = u16::try_from(block.len() / 4).expect("a test's headers are small").to_be_bytes();
        let (flags, sequence_id) = (self.flags.to_be_bytes(), self.sequence_id.to_be_bytes());
        frame(&[&[0x0f, 0xff], &flags[..], &sequence_id, &words, &block, content].concat())
    }
}

/// These bytes with their length before them.
///
/// # Panics
/// When there are more than a frame can hold.
pub fn frame(bytes: &[u8]) -> Vec<u8> {
    let length = i32::try_from(bytes.len()).expect("a test's frame is small");
    [&length.to_be_bytes(), bytes].concat()
}

fn write_text(out: &mut impl OutputProtocol, text: &str) {
    let scope = out.begin_struct();
    out.write_field(TEXT);
    out.write_text(text.as_bytes());
    out.end_struct(scope);
}

fn read_text<'de>(mut input: impl InputProtocol<'de>) -> Result<(String, usize), DecodeError> {
    let mut text = String::new();
    let scope = input.begin_struct()?;
    while let Some(field) = input.read_field()? {
        match field {
            TEXT => input.read_string()?.clone_into(&mut text),
            other => input.skip(other.ttype)?,
        }
    }
    input.end_struct(scope);
    Ok((text, input.offset()))
}

/// Reads what [`body`] and [`empty_body`] write.
fn read_simple_text(bytes: &[u8]) -> Result<(String, usize), DecodeError> {
    let scratch = Scratch::new();
    let mut lexer = Lexer::new(bytes, &scratch, Limits::DEFAULT);
    lexer.expect(b'{', "'{' of a struct")?;
    if lexer.accept(b'}') {
        return Ok((String::new(), lexer.offset()));
    }
    if lexer.text()? != b"text" {
        return Err(lexer.unexpected("the name of the text"));
    }
    lexer.expect(b':', "':'")?;
    let text = String::from_utf8_lossy(lexer.text()?).into_owned();
    lexer.expect(b'}', "'}' after the text")?;
    Ok((text, lexer.offset()))
}
