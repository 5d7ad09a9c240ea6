//! Generated code and a schema at run time read the same bytes alike, whatever they are: a check that panics where they do not. A fuzz
//! target and the tests call it.

use std::collections::BTreeMap;

use fastthrift::{
    BinaryReader, CompactReader, Decode, DecodeError, DecodeErrorKind, DecodeOwned, Encode, InputProtocol, JsonReader,
    Limits, Protocol, Scratch, from_bytes, from_slice_borrowed, to_vec,
};
use fastthrift_dynamic::{Plans, StructValue, Value, decode_value};
use fastthrift_idl::{MemoryLoader, Options, compile};
use fastthrift_schema::{Requiredness, Schema, StructId, StructKind};

/// The IDL that the types below were generated of.
const IDL: &str = include_str!("../../fastthrift-codegen/tests/rust/types.thrift");

/// What was written of a value that was read, and how many bytes were read.
type Trip = Result<(Vec<u8>, usize), DecodeError>;

/// Reads a value and writes it again.
type ReadAndWrite = fn(Protocol, &[u8]) -> Trip;

/// The generated types of one struct: how each reads a value and writes it again.
struct Shape {
    name: &'static str,
    variants: [(Variant, ReadAndWrite); 4],
}

/// Which options a type was generated with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Owned,
    /// Text shares the input's memory, and what is unknown is kept.
    Shared,
    Borrowed,
    /// Unknown members of unions are kept.
    Bare,
}

macro_rules! shapes {
    ($($name:ident $(<$lifetime:lifetime>)?),*) => {
        &[$(Shape {
            name: stringify!($name),
            variants: [
                (Variant::Owned, owned::<crate::cases::shapes::types::$name>),
                (Variant::Shared, shared::<crate::hashed::shapes::types::$name>),
                (Variant::Borrowed, |protocol, bytes| {
                    borrowed::<crate::borrowed::shapes::types::$name $(<$lifetime>)?>(protocol, bytes, &Scratch::new())
                }),
                (Variant::Bare, owned::<crate::bare::shapes::types::$name>),
            ],
        }),*]
    };
}

const SHAPES: &[Shape] = shapes![Everything<'_>, Numbers<'_>, Choice<'_>, Key<'_>, Lost<'_>, Second];

fn owned<T: DecodeOwned + Encode>(protocol: Protocol, bytes: &[u8]) -> Trip {
    borrowed::<T>(protocol, bytes, &Scratch::new())
}

fn shared<T: DecodeOwned + Encode>(protocol: Protocol, bytes: &[u8]) -> Trip {
    let bytes = bytes.to_vec().into();
    let (value, read) = from_bytes::<T>(protocol, &bytes, Limits::DEFAULT)?;
    drop(bytes);
    Ok((written(protocol, &value), read))
}

fn borrowed<'de, T: Decode<'de> + Encode>(protocol: Protocol, bytes: &'de [u8], scratch: &'de Scratch) -> Trip {
    let (value, read) = from_slice_borrowed::<T>(protocol, bytes, scratch, Limits::DEFAULT)?;
    Ok((written(protocol, &value), read))
}

fn written<T: Encode>(protocol: Protocol, value: &T) -> Vec<u8> {
    to_vec(protocol, value).expect("what was read can be written")
}

/// The schema of all these types, to read their values by.
#[derive(Debug)]
pub struct Reference {
    plans: Plans,
}

impl Default for Reference {
    fn default() -> Self {
        let loader = MemoryLoader::new().with_file("types.thrift", IDL);
        let compiled = compile(&loader, "types.thrift", &Options::default()).expect("the IDL is right");
        Self { plans: Plans::new(compiled.schema) }
    }
}

impl Reference {
    /// The schema.
    pub fn schema(&self) -> &Schema {
        self.plans.schema()
    }

    /// The plans of the schema's structs.
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// The structs that [`Self::check`] can choose, in the order of its second byte.
    pub fn structs(&self) -> Vec<StructId> {
        SHAPES.iter().map(|shape| self.id_of(shape)).collect()
    }

    /// A byte that chooses the protocol, one that chooses the struct, and any bytes as its value.
    ///
    /// # Panics
    /// When a generated type takes what the schema does not allow or refuses what it does, reads another value, or does not read what
    /// it wrote as the same value again.
    pub fn check(&self, input: &[u8]) {
        let [protocol, shape, bytes @ ..] = input else { return };
        let protocol = Protocol::TYPED[usize::from(*protocol) % Protocol::TYPED.len()];
        let shape = &SHAPES[usize::from(*shape) % SHAPES.len()];
        let expected = self.read(protocol, shape, bytes);
        for (variant, trip) in &shape.variants {
            let found = trip(protocol, bytes);
            let case = format!("{variant:?} {} in {protocol}: {}", shape.name, bytes.escape_ascii());
            match (&expected, found) {
                (Ok((value, end)), Ok((again, read))) => {
                    assert_eq!(read, *end, "{case}");
                    self.check_written(protocol, shape, *variant, value, &again, &case);
                    self.check_again(protocol, shape, *trip, &again, &case);
                }
                (Ok(_), Err(error)) => assert!(may_refuse(*variant, &error), "{case}: {error}"),
                (Err(error), Ok(_)) => panic!("{case}: should be refused: {error}"),
                (Err(_), Err(_)) => {}
            }
        }
    }

    /// What was written has all that was read.
    fn check_written(
        &self,
        protocol: Protocol,
        shape: &Shape,
        variant: Variant,
        value: &Value,
        again: &[u8],
        case: &str,
    ) {
        match self.read(protocol, shape, again) {
            Ok((back, end)) => {
                assert_eq!(end, again.len(), "{case}");
                let (value, back) = (normal(value, protocol), normal(&back, protocol));
                assert!(self.covers(&value, &back), "{case}: {value:?} became {back:?} in {variant:?}");
            }
            Err(error) => assert!(is_too_deep(&error), "{case}: wrote {}: {error}", again.escape_ascii()),
        }
    }

    /// What was written is read as the same value.
    fn check_again(&self, protocol: Protocol, shape: &Shape, trip: ReadAndWrite, again: &[u8], case: &str) {
        match trip(protocol, again) {
            Ok((third, read)) => {
                assert_eq!(read, again.len(), "{case}");
                let both = [again, &third].map(|bytes| self.read(protocol, shape, bytes));
                let [second, third] = both.map(|read| read.map(|(value, _)| normal(&value, protocol)));
                assert_eq!(second, third, "{case}");
            }
            Err(error) => assert!(is_too_deep(&error), "{case}: {error}"),
        }
    }

    fn id_of(&self, shape: &Shape) -> StructId {
        let named = |id: &StructId| &*self.schema().structure(*id).name == shape.name;
        self.schema().structs().ids().find(named).expect("the IDL has it")
    }

    fn read(&self, protocol: Protocol, shape: &Shape, bytes: &[u8]) -> Result<(Value, usize), DecodeError> {
        fn read<'de>(
            plans: &Plans,
            id: StructId,
            mut input: impl InputProtocol<'de>,
        ) -> Result<(Value, usize), DecodeError> {
            let value = decode_value(plans, id, &mut input)?;
            Ok((value, input.offset()))
        }
        let (plans, id, limits) = (&self.plans, self.id_of(shape), Limits::DEFAULT);
        match protocol {
            Protocol::Binary => read(plans, id, BinaryReader::new(bytes, limits)),
            Protocol::Compact => read(plans, id, CompactReader::new(bytes, limits)),
            _ => read(plans, id, JsonReader::new(bytes, &Scratch::new(), limits)),
        }
    }

    /// Whether `found` is `expected`, but for fields that did not come and have a default.
    fn covers(&self, expected: &Value, found: &Value) -> bool {
        match (expected, found) {
            (Value::Struct(expected), Value::Struct(found)) => self.covers_fields(expected, found),
            (Value::List(expected), Value::List(found)) => {
                expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| self.covers(a, b))
            }
            (Value::Map(expected), Value::Map(found)) => {
                expected.len() == found.len()
                    && expected.iter().zip(found).all(|(a, b)| a.0 == b.0 && self.covers(&a.1, &b.1))
            }
            _ => expected == found,
        }
    }

    fn covers_fields(&self, expected: &StructValue, found: &StructValue) -> bool {
        let definition = self.schema().structure(expected.id);
        definition.fields.iter().zip(expected.fields.iter().zip(&found.fields)).all(|(field, pair)| match pair {
            (None, None) => true,
            (Some(expected), Some(found)) => self.covers(expected, found),
            (None, Some(_)) => {
                definition.kind != StructKind::Union
                    && (field.requiredness == Requiredness::Default || field.default.is_some())
            }
            (Some(expected), None) => self.is_without_member(expected),
        })
    }

    /// Whether this is a union of which no member came that is known: generated code takes that for an absent field.
    fn is_without_member(&self, value: &Value) -> bool {
        let Value::Struct(StructValue { id, fields }) = value else { return false };
        self.schema().structure(*id).kind == StructKind::Union && fields.iter().all(Option::is_none)
    }
}

/// Where generated code may refuse what the schema allows: a union without a member that it knows cannot be an enum, and one that keeps
/// unknown members counts them.
fn may_refuse(variant: Variant, error: &DecodeError) -> bool {
    let DecodeErrorKind::Invalid(text) = error.kind() else { return false };
    let keeps_members = matches!(variant, Variant::Shared | Variant::Bare);
    text.ends_with("holds no member that is known") || (keeps_members && text.contains("holds more than one member"))
}

/// A value that was as deep as may be is too deep where a default struct is added to it.
fn is_too_deep(error: &DecodeError) -> bool {
    matches!(error.kind(), DecodeErrorKind::DepthLimit(_))
}

/// The value with sets and maps in an order, each key once with the value that came last, and in JSON one NaN.
fn normal(value: &Value, protocol: Protocol) -> Value {
    let each = |value: &Value| normal(value, protocol);
    let key = |value: &Value| format!("{value:?}");
    match value {
        Value::Double(number) if number.is_nan() && protocol == Protocol::Json => Value::Double(f64::NAN),
        Value::Struct(StructValue { id, fields }) => Value::Struct(StructValue {
            id: *id,
            fields: fields.iter().map(|field| field.as_ref().map(each)).collect(),
        }),
        Value::List(items) => Value::List(items.iter().map(each).collect()),
        Value::Set(items) => {
            let unique: BTreeMap<String, Value> = items.iter().map(each).map(|item| (key(&item), item)).collect();
            Value::Set(unique.into_values().collect())
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (each(key), each(value)));
            let unique: BTreeMap<String, (Value, Value)> = entries.map(|entry| (key(&entry.0), entry)).collect();
            Value::Map(unique.into_values().collect())
        }
        other => other.clone(),
    }
}
