//! Fields that the schema does not know, kept to be written again.

use alloc::vec::Vec;

use fastthrift_protocol::{DecodeError, DecodeErrorKind, FieldHeader, InputProtocol, OutputProtocol, TType};

use super::place::{Place, Placed};
use super::room::vec_for;
use super::{Encode, EncodeError, EncodeErrorKind, checked_len};

/// The fields of a struct that its type does not know, in the order in which they came. They are written after the known ones, in
/// whichever protocol the struct is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnknownFields(Vec<(i16, UnknownValue)>);

/// A value of a type that is known from the wire alone.
///
/// Binary and Compact do not tell text from bytes; JSON does not either, so that there `binary` stays the base64 that came.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum UnknownValue {
    /// A `bool`.
    Bool(bool),
    /// An `i8`.
    I8(i8),
    /// An `i16`.
    I16(i16),
    /// An `i32` or an enum's number.
    I32(i32),
    /// An `i64`.
    I64(i64),
    /// A `double`.
    Double(f64),
    /// A `string` or `binary`.
    String(Vec<u8>),
    /// A `uuid`.
    Uuid([u8; 16]),
    /// A struct, union or exception.
    Struct(UnknownFields),
    /// A list; its elements are of this type.
    List(TType, Vec<UnknownValue>),
    /// A set; its elements are of this type.
    Set(TType, Vec<UnknownValue>),
    /// A map; its keys and values are of these types.
    Map(TType, TType, Vec<(UnknownValue, UnknownValue)>),
}

impl UnknownFields {
    /// None of them.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Their ids and values, in the order in which they came.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (i16, &UnknownValue)> {
        self.0.iter().map(|(id, value)| (*id, value))
    }

    /// Adds one.
    pub fn push(&mut self, id: i16, value: UnknownValue) {
        self.0.push((id, value));
    }

    /// Reads the value of a field whose header was read, and keeps it.
    #[cold]
    pub fn read<'de, P: InputProtocol<'de>>(&mut self, input: &mut P, header: FieldHeader) -> Result<(), DecodeError> {
        input.charge(size_of::<(i16, UnknownValue)>())?;
        let value = UnknownValue::read(input, header.ttype)?;
        self.push(header.id, value);
        Ok(())
    }

    /// Writes the fields, within a struct that is being written.
    #[inline]
    pub fn write<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        if self.is_empty() { Ok(()) } else { self.write_each(out) }
    }

    #[cold]
    fn write_each<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        self.0.iter().try_for_each(|(id, value)| value.write_field(*id, out))
    }
}

impl UnknownValue {
    /// The type on the wire.
    pub const fn ttype(&self) -> TType {
        match self {
            Self::Bool(_) => TType::Bool,
            Self::I8(_) => TType::I8,
            Self::I16(_) => TType::I16,
            Self::I32(_) => TType::I32,
            Self::I64(_) => TType::I64,
            Self::Double(_) => TType::Double,
            Self::String(_) => TType::String,
            Self::Uuid(_) => TType::Uuid,
            Self::Struct(_) => TType::Struct,
            Self::List(..) => TType::List,
            Self::Set(..) => TType::Set,
            Self::Map(..) => TType::Map,
        }
    }

    /// Reads a value of this type. Nesting is bounded by the reader's limit on depth.
    pub fn read<'de, P: InputProtocol<'de>>(input: &mut P, ttype: TType) -> Result<Self, DecodeError> {
        Ok(match ttype {
            TType::Bool => Self::Bool(input.read_bool()?),
            TType::I8 => Self::I8(input.read_i8()?),
            TType::I16 => Self::I16(input.read_i16()?),
            TType::I32 => Self::I32(input.read_i32()?),
            TType::I64 => Self::I64(input.read_i64()?),
            TType::Double => Self::Double(input.read_double()?),
            TType::String => Self::String(input.read_text()?.to_vec()),
            TType::Uuid => Self::Uuid(input.read_uuid()?),
            TType::Struct => Self::Struct(read_struct(input)?),
            TType::List => {
                let header = input.begin_list()?;
                Self::List(header.element, read_elements(input, header.element, header.len)?)
            }
            TType::Set => {
                let header = input.begin_set()?;
                Self::Set(header.element, read_elements(input, header.element, header.len)?)
            }
            TType::Map => read_map(input)?,
            TType::Stop => return Err(DecodeError::new(DecodeErrorKind::InvalidType(0), input.offset())),
        })
    }

    /// Writes the value as a field.
    pub fn write_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        if let Self::Bool(value) = self {
            out.write_bool_field(id, *value);
            return Ok(());
        }
        out.write_field(FieldHeader { ttype: self.ttype(), id });
        self.write(out)
    }

    /// Writes the value.
    pub fn write<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        match self {
            Self::Bool(value) => out.write_bool(*value),
            Self::I8(value) => out.write_i8(*value),
            Self::I16(value) => out.write_i16(*value),
            Self::I32(value) => out.write_i32(*value),
            Self::I64(value) => out.write_i64(*value),
            Self::Double(value) => out.write_double(*value),
            Self::Uuid(value) => out.write_uuid(value),
            Self::String(value) => return write_string(value, out),
            Self::Struct(fields) => return nested(out, |out| write_struct(fields, out)),
            Self::List(element, values) => {
                out.begin_list(*element, checked_len(values.len())?);
                return nested(out, |out| write_elements(*element, values, out));
            }
            Self::Set(element, values) => {
                out.begin_set(*element, checked_len(values.len())?);
                return nested(out, |out| write_elements(*element, values, out));
            }
            Self::Map(key, value, entries) => {
                out.begin_map(*key, *value, checked_len(entries.len())?);
                return nested(out, |out| {
                    entries.iter().try_for_each(|(a, b)| {
                        a.write_as(*key, out)?;
                        b.write_as(*value, out)
                    })
                });
            }
        }
        Ok(())
    }

    /// Writes an element of a container that was announced with this type.
    fn write_as<P: OutputProtocol>(&self, ttype: TType, out: &mut P) -> Result<(), EncodeError> {
        if self.ttype() == ttype { self.write(out) } else { Err(EncodeError::new(EncodeErrorKind::MixedTypes)) }
    }
}

fn read_struct<'de, P: InputProtocol<'de>>(input: &mut P) -> Result<UnknownFields, DecodeError> {
    let scope = input.begin_struct()?;
    let mut fields = UnknownFields::new();
    while let Some(header) = input.read_field()? {
        fields.read(input, header)?;
    }
    input.end_struct(scope);
    Ok(fields)
}

fn read_elements<'de, P: InputProtocol<'de>>(
    input: &mut P,
    element: TType,
    len: usize,
) -> Result<Vec<UnknownValue>, DecodeError> {
    let mut values = vec_for(input, len)?;
    for index in 0..len {
        let value = UnknownValue::read(input, element);
        values.push(value.map_err(|error| error.within_place(Place::Index(index)))?);
    }
    input.end_container();
    Ok(values)
}

fn read_map<'de, P: InputProtocol<'de>>(input: &mut P) -> Result<UnknownValue, DecodeError> {
    let header = input.begin_map()?;
    let mut entries = vec_for(input, header.len)?;
    for _ in 0..header.len {
        let key = UnknownValue::read(input, header.key)?;
        entries.push((key, UnknownValue::read(input, header.value)?));
    }
    input.end_container();
    Ok(UnknownValue::Map(header.key, header.value, entries))
}

fn write_string<P: OutputProtocol>(value: &[u8], out: &mut P) -> Result<(), EncodeError> {
    checked_len(value.len())?;
    if P::TEXT_IS_UTF8 && core::str::from_utf8(value).is_err() {
        out.write_binary(value);
    } else {
        out.write_text(value);
    }
    Ok(())
}

fn write_struct<P: OutputProtocol>(fields: &UnknownFields, out: &mut P) -> Result<(), EncodeError> {
    let scope = out.begin_struct();
    fields.write(out)?;
    out.end_struct(scope);
    Ok(())
}

fn write_elements<P: OutputProtocol>(element: TType, values: &[UnknownValue], out: &mut P) -> Result<(), EncodeError> {
    for (index, value) in values.iter().enumerate() {
        value.write_as(element, out).map_err(|error| error.within_place(Place::Index(index)))?;
    }
    Ok(())
}

/// Counts a level of nesting around what `write` does.
fn nested<P: OutputProtocol>(
    out: &mut P,
    write: impl FnOnce(&mut P) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    super::enter(out)?;
    write(out)?;
    out.leave();
    Ok(())
}

/// A struct of which nothing is known.
impl Encode for UnknownFields {
    const TTYPE: TType = TType::Struct;

    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        write_struct(self, out)
    }
}

impl<'de> super::Decode<'de> for UnknownFields {
    const TTYPE: TType = TType::Struct;

    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        read_struct(input)
    }
}
