use std::fmt;

use fastthrift_protocol::{DecodeError, Limits, Protocol};
use fastthrift_schema::{self as schema, EnumId, StructId, TypeId, TypeKind};
pub use fastthrift_schema::{Requiredness, StructKind};

use super::build::ValueBuilder;
use super::error::UnknownName;
use super::{EnumValue, Idl, JsonStyle, StructValue, Value, ValueError, codec};

/// A type, with typedefs resolved.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Type {
    /// `bool`
    Bool,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `double`
    Double,
    /// `string`
    String,
    /// `binary`
    Binary,
    /// `uuid`
    Uuid,
    /// An enum.
    Enum(Enum),
    /// A struct, union or exception.
    Struct(Struct),
    /// `list<...>`
    List(Box<Type>),
    /// `set<...>`
    Set(Box<Type>),
    /// `map<..., ...>`
    Map(Box<Type>, Box<Type>),
}

/// A struct, union or exception of the IDL; also the arguments of a function.
#[derive(Clone)]
pub struct Struct {
    idl: Idl,
    id: StructId,
}

/// An enum of the IDL.
#[derive(Clone)]
pub struct Enum {
    idl: Idl,
    id: EnumId,
}

/// A field, or an argument.
#[derive(Clone)]
pub struct Field {
    idl: Idl,
    of: StructId,
    place: usize,
}

impl Type {
    pub(super) fn new(idl: &Idl, id: TypeId) -> Self {
        let boxed = |id| Box::new(Self::new(idl, id));
        match idl.schema().resolve(id) {
            TypeKind::Bool => Self::Bool,
            TypeKind::I8 => Self::I8,
            TypeKind::I16 => Self::I16,
            TypeKind::I32 => Self::I32,
            TypeKind::I64 => Self::I64,
            TypeKind::Double => Self::Double,
            TypeKind::String => Self::String,
            TypeKind::Binary => Self::Binary,
            TypeKind::Uuid => Self::Uuid,
            TypeKind::Enum(id) => Self::Enum(Enum::new(idl.clone(), id)),
            TypeKind::Struct(id) => Self::Struct(Struct::new(idl.clone(), id)),
            TypeKind::List(element) => Self::List(boxed(element)),
            TypeKind::Set(element) => Self::Set(boxed(element)),
            TypeKind::Map(key, value) => Self::Map(boxed(key), boxed(value)),
            TypeKind::Typedef(_) => unreachable!("invariant: resolve() follows typedefs to their end"),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::I8 => f.write_str("i8"),
            Self::I16 => f.write_str("i16"),
            Self::I32 => f.write_str("i32"),
            Self::I64 => f.write_str("i64"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Binary => f.write_str("binary"),
            Self::Uuid => f.write_str("uuid"),
            Self::Enum(ty) => f.write_str(ty.name()),
            Self::Struct(ty) => f.write_str(ty.name()),
            Self::List(element) => write!(f, "list<{element}>"),
            Self::Set(element) => write!(f, "set<{element}>"),
            Self::Map(key, value) => write!(f, "map<{key}, {value}>"),
        }
    }
}

impl Struct {
    pub(super) fn new(idl: Idl, id: StructId) -> Self {
        Self { idl, id }
    }

    fn schema(&self) -> &schema::Struct {
        self.idl.schema().structure(self.id)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.schema().name
    }

    /// What it was declared as.
    pub fn kind(&self) -> StructKind {
        self.schema().kind
    }

    /// Its doc comment.
    pub fn doc(&self) -> Option<&str> {
        self.schema().doc.as_deref()
    }

    /// The value of an annotation: of several with this key, the last one.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        annotation(&self.schema().annotations, key)
    }

    /// Its fields, in the order of the IDL.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        (0..self.schema().fields.len()).map(|place| Field { idl: self.idl.clone(), of: self.id, place })
    }

    /// A field.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn field(&self, name: &str) -> Result<Field, UnknownName> {
        let place = self.schema().fields.iter().position(|field| &*field.name == name);
        let place = place.ok_or_else(|| self.unknown_field(name))?;
        Ok(Field { idl: self.idl.clone(), of: self.id, place })
    }

    pub(super) fn unknown_field(&self, name: &str) -> UnknownName {
        UnknownName::new("field", self.name(), name, self.schema().fields.iter().map(|field| &*field.name))
    }

    /// A value of this type: checked, of the types that the IDL says, and with its default values.
    ///
    /// ```
    /// use fastthrift::dynamic::{Idl, fields};
    ///
    /// let idl: Idl = "enum Color { RED = 1 } struct Car { 1: required i8 seats, 2: Color color = Color.RED }".parse()?;
    /// let car = idl.structure("Car")?.value(fields! { seats: 4 })?;
    /// assert_eq!(car.to_string(), "Car {seats: 4, color: RED}");
    /// let error = idl.structure("Car")?.value(fields! { seats: 400 }).unwrap_err();
    /// assert_eq!(error.to_string(), "seats: 400 is outside the range of i8");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A value, wherever in it, is not of its type, or is missing.
    pub fn value(&self, fields: impl Into<StructValue>) -> Result<StructValue, ValueError> {
        let bytes = self.to_vec(Protocol::Binary, &fields.into())?;
        let limits = Limits { depth: Limits::MAX_DEPTH, ..Limits::DEFAULT };
        self.from_slice(Protocol::Binary, &bytes, limits)
            .map_err(|error| ValueError::new(super::ValueErrorKind::Invalid(error.to_string().into())))
    }

    /// Writes a value of this type.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn to_vec(&self, protocol: Protocol, value: &StructValue) -> Result<Vec<u8>, ValueError> {
        let mut out = Vec::new();
        codec::write(&self.idl, self.id, protocol, value, &mut out)?;
        Ok(out)
    }

    /// Reads a value of this type; bytes after it are ignored.
    ///
    /// # Errors
    /// The bytes are no value of this type, or are over a limit.
    pub fn from_slice(&self, protocol: Protocol, bytes: &[u8], limits: Limits) -> Result<StructValue, DecodeError> {
        codec::read(&self.idl, self.id, protocol, bytes, limits)
    }

    /// Writes a value of this type as JSON text with names.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn to_json(&self, value: &StructValue, style: JsonStyle) -> Result<String, ValueError> {
        codec::to_json(&self.idl, self.id, value, style)
    }

    /// Reads JSON text with names. Names that the IDL does not know are ignored.
    ///
    /// # Errors
    /// The text is no JSON, no value of this type, or over a limit.
    pub fn from_json(&self, text: &str, limits: Limits) -> Result<StructValue, DecodeError> {
        codec::from_json(&self.idl, self.id, text, limits)
    }
}

impl Enum {
    pub(super) fn new(idl: Idl, id: EnumId) -> Self {
        Self { idl, id }
    }

    fn schema(&self) -> &schema::Enum {
        self.idl.schema().enumeration(self.id)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.schema().name
    }

    /// Its doc comment.
    pub fn doc(&self) -> Option<&str> {
        self.schema().doc.as_deref()
    }

    /// The names and numbers, in the order of the IDL.
    pub fn values(&self) -> impl Iterator<Item = (&str, i32)> {
        self.schema().values.iter().map(|value| (&*value.name, value.value))
    }

    /// The value of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn value(&self, name: &str) -> Result<EnumValue, UnknownName> {
        let number = self.idl.plans().enumeration(self.id).number_of(name.as_bytes());
        let number =
            number.ok_or_else(|| UnknownName::new("value", self.name(), name, self.values().map(|(name, _)| name)))?;
        Ok(self.number(number))
    }

    /// The value of this number, which need not have a name.
    pub fn number(&self, number: i32) -> EnumValue {
        EnumValue::new(self.idl.clone(), self.id, number)
    }
}

impl Field {
    fn schema(&self) -> &schema::Field {
        &self.idl.schema().structure(self.of).fields[self.place]
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.schema().name
    }

    /// Its number on the wire.
    pub fn id(&self) -> i16 {
        self.schema().id.0
    }

    /// Its type.
    pub fn ty(&self) -> Type {
        Type::new(&self.idl, self.schema().ty)
    }

    /// Whether it must be set.
    pub fn requiredness(&self) -> Requiredness {
        self.schema().requiredness
    }

    /// Its default value.
    pub fn default_value(&self) -> Option<Value> {
        self.schema().default.as_ref().map(|value| ValueBuilder::constant(&self.idl, value))
    }

    /// Its doc comment.
    pub fn doc(&self) -> Option<&str> {
        self.schema().doc.as_deref()
    }

    /// The value of an annotation: of several with this key, the last one.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        annotation(&self.schema().annotations, key)
    }
}

pub(super) fn annotation<'a>(annotations: &'a [schema::Annotation], key: &str) -> Option<&'a str> {
    annotations.iter().rev().find(|annotation| &*annotation.key == key).map(|annotation| &*annotation.value)
}

macro_rules! debug_by_name {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.name()).finish()
            }
        }
    )*};
}

debug_by_name!(Struct Enum Field);
