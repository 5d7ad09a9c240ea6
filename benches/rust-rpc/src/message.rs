//! What is echoed: about a hundred bytes.

use fastthrift::{__private as p, Decode, DecodeError, Encode, EncodeError};

/// The message, as generated code has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// A number.
    pub id: i64,
    /// 36 characters.
    pub name: String,
    /// A number.
    pub ratio: f64,
    /// A number.
    pub count: i32,
    /// A flag.
    pub active: bool,
    /// 16 bytes.
    pub data: Vec<u8>,
}

/// The one that everybody sends.
pub fn message() -> Message {
    Message {
        id: 1_234_567_890_123,
        name: "0123456789abcdef0123456789abcdef0123".to_owned(),
        ratio: 0.75,
        count: 42,
        active: true,
        data: vec![7; 16],
    }
}

impl Encode for Message {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        p::write_field(&self.id, 1, "id", out)?;
        p::write_field(&self.name, 2, "name", out)?;
        out.write_run((self.ratio, self.count, self.active), [3, 4, 5]);
        p::write_field(&self.data, 6, "data", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for Message {
    const TTYPE: p::TType = p::TType::Struct;

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut this = Self::default();
        p::next_field(input, 1, "id", &mut this.id)?;
        p::next_field(input, 2, "name", &mut this.name)?;
        if P::HAS_RUNS {
            if let Some(run) = input.accept_run::<(f64, i32, bool)>([3, 4, 5]) {
                (this.ratio, this.count, this.active) = run;
            }
        } else {
            p::next_field(input, 3, "ratio", &mut this.ratio)?;
            p::next_field(input, 4, "count", &mut this.count)?;
            p::next_field(input, 5, "active", &mut this.active)?;
        }
        p::next_field(input, 6, "data", &mut this.data)?;
        while let Some(header) = input.read_field()? {
            input.skip(header.ttype)?;
        }
        input.end_struct(scope);
        Ok(this)
    }
}

/// A struct of one message, which is that of the arguments (field 1) or of the result (field 0).
pub struct Holder<M, const ID: i16>(pub M);

impl<M: Encode, const ID: i16> Encode for Holder<M, ID> {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        p::write_field(&self.0, ID, "message", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de, const ID: i16> Decode<'de> for Holder<Message, ID> {
    const TTYPE: p::TType = p::TType::Struct;

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut message = Message::default();
        p::next_field(input, ID, "message", &mut message)?;
        while let Some(header) = input.read_field()? {
            input.skip(header.ttype)?;
        }
        input.end_struct(scope);
        Ok(Self(message))
    }
}
