use fastthrift_protocol::{DecodeError, DecodeErrorKind, FieldHeader, InputProtocol, OutputProtocol, TType};

/// A value as the wire has it, without a schema. Two are equal when their bytes in a protocol are.
///
/// An empty container has elements of [`TType::Stop`], since Compact does not always keep their type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// `bool`
    Bool(bool),
    /// `i8`
    I8(i8),
    /// `i16`
    I16(i16),
    /// `i32`
    I32(i32),
    /// `i64`
    I64(i64),
    /// `double`, as its bits
    Double(u64),
    /// `uuid`
    Uuid([u8; 16]),
    /// `string`, or `binary` in a protocol that writes both alike
    String(Vec<u8>),
    /// The fields of a struct in the order of the wire; an id may come twice.
    Struct(Vec<(i16, Tree)>),
    /// A list and the type of its elements.
    List(TType, Vec<Tree>),
    /// A set and the type of its elements.
    Set(TType, Vec<Tree>),
    /// A map and the types of its keys and values.
    Map(TType, TType, Vec<(Tree, Tree)>),
}

impl Tree {
    /// A map; an empty one has no types.
    pub fn map(key: TType, value: TType, entries: Vec<(Tree, Tree)>) -> Self {
        if entries.is_empty() { Self::Map(TType::Stop, TType::Stop, entries) } else { Self::Map(key, value, entries) }
    }

    /// The type of the value.
    pub fn ttype(&self) -> TType {
        match self {
            Self::Bool(_) => TType::Bool,
            Self::I8(_) => TType::I8,
            Self::I16(_) => TType::I16,
            Self::I32(_) => TType::I32,
            Self::I64(_) => TType::I64,
            Self::Double(_) => TType::Double,
            Self::Uuid(_) => TType::Uuid,
            Self::String(_) => TType::String,
            Self::Struct(_) => TType::Struct,
            Self::List(..) => TType::List,
            Self::Set(..) => TType::Set,
            Self::Map(..) => TType::Map,
        }
    }

    /// The same value with what JSON cannot express replaced: bytes that are no text, and which NaN it is.
    #[must_use]
    pub fn in_json(&self) -> Self {
        let all = |items: &[Self]| items.iter().map(Self::in_json).collect();
        match self {
            Self::Double(bits) if f64::from_bits(*bits).is_nan() => Self::Double(f64::NAN.to_bits()),
            Self::String(bytes) => Self::String(String::from_utf8_lossy(bytes).into_owned().into_bytes()),
            Self::Struct(fields) => Self::Struct(fields.iter().map(|(id, value)| (*id, value.in_json())).collect()),
            Self::List(ttype, items) => Self::List(*ttype, all(items)),
            Self::Set(ttype, items) => Self::Set(*ttype, all(items)),
            Self::Map(key, value, entries) => {
                let entries = entries.iter().map(|(key, value)| (key.in_json(), value.in_json())).collect();
                Self::Map(*key, *value, entries)
            }
            other => other.clone(),
        }
    }

    /// Reads a value of this type.
    pub fn read<'de>(input: &mut impl InputProtocol<'de>, ttype: TType) -> Result<Self, DecodeError> {
        Ok(match ttype {
            TType::Stop => return Err(DecodeError::new(DecodeErrorKind::InvalidType(0), input.offset())),
            TType::Bool => Self::Bool(input.read_bool()?),
            TType::I8 => Self::I8(input.read_i8()?),
            TType::I16 => Self::I16(input.read_i16()?),
            TType::I32 => Self::I32(input.read_i32()?),
            TType::I64 => Self::I64(input.read_i64()?),
            TType::Double => Self::Double(input.read_double()?.to_bits()),
            TType::Uuid => Self::Uuid(input.read_uuid()?),
            TType::String => Self::String(input.read_text()?.to_vec()),
            TType::Struct => Self::Struct(read_fields(input)?),
            TType::List => {
                let header = input.begin_list()?;
                let (ttype, items) = read_items(input, header.element, header.len)?;
                Self::List(ttype, items)
            }
            TType::Set => {
                let header = input.begin_set()?;
                let (ttype, items) = read_items(input, header.element, header.len)?;
                Self::Set(ttype, items)
            }
            TType::Map => {
                let header = input.begin_map()?;
                let mut entries = Vec::new();
                for _ in 0..header.len {
                    let key = Self::read(input, header.key)?;
                    entries.push((key, Self::read(input, header.value)?));
                }
                input.end_container();
                Self::map(header.key, header.value, entries)
            }
        })
    }

    /// Writes the value.
    pub fn write(&self, out: &mut impl OutputProtocol) {
        match self {
            Self::Bool(value) => out.write_bool(*value),
            Self::I8(value) => out.write_i8(*value),
            Self::I16(value) => out.write_i16(*value),
            Self::I32(value) => out.write_i32(*value),
            Self::I64(value) => out.write_i64(*value),
            Self::Double(bits) => out.write_double(f64::from_bits(*bits)),
            Self::Uuid(value) => out.write_uuid(value),
            Self::String(value) => out.write_text(value),
            Self::Struct(fields) => {
                let scope = out.begin_struct();
                for (id, value) in fields {
                    value.write_field(out, *id);
                }
                out.end_struct(scope);
            }
            Self::List(ttype, items) => {
                out.begin_list(*ttype, items.len());
                write_items(out, items);
            }
            Self::Set(ttype, items) => {
                out.begin_set(*ttype, items.len());
                write_items(out, items);
            }
            Self::Map(key, value, entries) => {
                out.begin_map(*key, *value, entries.len());
                for (key, value) in entries {
                    key.write(out);
                    value.write(out);
                }
            }
        }
    }

    /// Writes the value as a field, with the combined call where there is one.
    fn write_field(&self, out: &mut impl OutputProtocol, id: i16) {
        match self {
            Self::Bool(value) => out.write_bool_field(id, *value),
            Self::I8(value) => out.write_i8_field(id, *value),
            Self::I16(value) => out.write_i16_field(id, *value),
            Self::I32(value) => out.write_i32_field(id, *value),
            Self::I64(value) => out.write_i64_field(id, *value),
            Self::Double(bits) => out.write_double_field(id, f64::from_bits(*bits)),
            Self::String(value) => out.write_text_field(id, value),
            other => {
                out.write_field(FieldHeader { ttype: other.ttype(), id });
                other.write(out);
            }
        }
    }
}

fn write_items(out: &mut impl OutputProtocol, items: &[Tree]) {
    for item in items {
        item.write(out);
    }
}

fn read_fields<'de>(input: &mut impl InputProtocol<'de>) -> Result<Vec<(i16, Tree)>, DecodeError> {
    let scope = input.begin_struct()?;
    let mut fields = Vec::new();
    while let Some(field) = input.read_field()? {
        fields.push((field.id, Tree::read(input, field.ttype)?));
    }
    input.end_struct(scope);
    Ok(fields)
}

fn read_items<'de>(
    input: &mut impl InputProtocol<'de>,
    ttype: TType,
    len: usize,
) -> Result<(TType, Vec<Tree>), DecodeError> {
    let items = (0..len).map(|_| Tree::read(input, ttype)).collect::<Result<Vec<_>, _>>()?;
    input.end_container();
    Ok((if items.is_empty() { TType::Stop } else { ttype }, items))
}
