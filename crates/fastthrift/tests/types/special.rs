use core::fmt;

use fastthrift::{__private as p, Decode, DecodeError, Encode, EncodeError, UnknownFields, UnknownValue};

/// An enum, open to numbers without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Color(pub i32);

impl Color {
    pub const RED: Self = Self(1);
    pub const BLUE: Self = Self(2);
}

impl Encode for Color {
    const TTYPE: p::TType = p::TType::I32;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        self.0.encode(out)
    }
}

impl<'de> Decode<'de> for Color {
    const TTYPE: p::TType = p::TType::I32;

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        input.read_i32().map(Self)
    }
}

/// A union that keeps a member it does not know.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    Number(i32),
    Flag(bool),
    Color(Color),
    Names(p::BTreeSet<String>),
    Unknown(i16, UnknownValue),
}

impl Encode for Choice {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        match self {
            Self::Number(value) => p::write_field(value, 1, "number", out)?,
            Self::Flag(value) => p::write_field(value, 2, "flag", out)?,
            Self::Color(value) => p::write_field(value, 3, "color", out)?,
            Self::Names(value) => p::write_field(value, 4, "names", out)?,
            Self::Unknown(id, value) => value.write_field(*id, out)?,
        }
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for Choice {
    const TTYPE: p::TType = p::TType::Struct;

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        Self::decode_option(input)?.ok_or_else(|| p::no_member("Choice", input))
    }

    fn decode_option<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Option<Self>, DecodeError> {
        p::union_members(input, "Choice", |input, header| {
            Ok(match header.id {
                1 => p::member(input, header.ttype, "number")?.map(Self::Number),
                2 => p::member(input, header.ttype, "flag")?.map(Self::Flag),
                3 => p::member(input, header.ttype, "color")?.map(Self::Color),
                4 => p::member(input, header.ttype, "names")?.map(Self::Names),
                id => Some(Self::Unknown(id, UnknownValue::read(input, header.ttype)?)),
            })
        })
    }
}

/// An exception.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Oops {
    pub message: String,
}

impl fmt::Display for Oops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Oops {}

impl Encode for Oops {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        p::write_field(&self.message, 1, "message", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for Oops {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            p::fill_next(fields, 1, "message", &mut self.message)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "message", &mut self.message)?,
                _ => fields.skip()?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}

/// A struct without fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Empty {}

impl Encode for Empty {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for Empty {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        while fields.other()?.is_some() {
            fields.skip()?;
        }
        fields.end(&[])
    }
}

/// Required, optional and defaulted fields, a union among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Strict {
    pub id: i64,
    pub color: Color,
    pub choice: Choice,
    pub maybe: Option<Choice>,
    pub limit: i32,
    pub flag: Option<bool>,
}

impl Encode for Strict {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        out.write_run((self.id, self.color.0), [1, 2]);
        p::write_field(&self.choice, 3, "choice", out)?;
        p::write_field(&self.maybe, 4, "maybe", out)?;
        p::write_field(&self.limit, 5, "limit", out)?;
        p::write_field(&self.flag, 6, "flag", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for Strict {
    const TTYPE: p::TType = p::TType::Struct;

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut id = None::<i64>;
        let mut color = Color::RED;
        let mut choice = None::<Choice>;
        let mut maybe = None::<Choice>;
        let mut limit = 10_i32;
        let mut flag = None::<bool>;
        if P::HAS_RUNS {
            if let Some(run) = input.accept_run::<(i64, i32)>([1, 2]) {
                (id, color) = (Some(run.0), Color(run.1));
            }
        } else {
            p::next_field(input, 1, "id", &mut id)?;
            p::next_field(input, 2, "color", &mut color)?;
        }
        p::next_field(input, 3, "choice", &mut choice)?;
        p::next_field(input, 4, "maybe", &mut maybe)?;
        p::next_field(input, 5, "limit", &mut limit)?;
        p::next_field(input, 6, "flag", &mut flag)?;
        if !input.accept_stop() {
            while let Some(header) = input.read_field()? {
                match header.id {
                    1 => id = p::found_field(input, header.ttype, "id", id)?,
                    2 => color = p::found_field(input, header.ttype, "color", color)?,
                    3 => choice = p::found_field(input, header.ttype, "choice", choice)?,
                    4 => maybe = p::found_field(input, header.ttype, "maybe", maybe)?,
                    5 => limit = p::found_field(input, header.ttype, "limit", limit)?,
                    6 => flag = p::found_field(input, header.ttype, "flag", flag)?,
                    _ => input.skip(header.ttype)?,
                }
            }
        }
        input.end_struct(scope);
        let id = p::required(id, "id", input)?;
        let choice = p::required(choice, "choice", input)?;
        Ok(Self { id, color, choice, maybe, limit, flag })
    }
}

/// A recursive type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    pub value: i32,
    pub next: Option<Box<Node>>,
    pub children: Vec<Node>,
}

impl Encode for Node {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        p::enter(out)?;
        let scope = out.begin_struct();
        p::write_field(&self.value, 1, "value", out)?;
        p::write_field(&self.next, 2, "next", out)?;
        p::write_field(&self.children, 3, "children", out)?;
        out.end_struct(scope);
        out.leave();
        Ok(())
    }
}

impl<'de> Decode<'de> for Node {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            p::fill_next(fields, 1, "value", &mut self.value)?;
            p::fill_next(fields, 2, "next", &mut self.next)?;
            p::fill_next(fields, 3, "children", &mut self.children)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "value", &mut self.value)?,
                2 => p::fill_found(fields, "next", &mut self.next)?,
                3 => p::fill_found(fields, "children", &mut self.children)?,
                _ => fields.skip()?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}

/// A struct that keeps the fields it does not know.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Keeper {
    pub id: i64,
    pub unknown: UnknownFields,
}

impl Encode for Keeper {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        p::write_field(&self.id, 1, "id", out)?;
        self.unknown.write(out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for Keeper {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            p::fill_next(fields, 1, "id", &mut self.id)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "id", &mut self.id)?,
                _ => fields.keep(id, &mut self.unknown)?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}
