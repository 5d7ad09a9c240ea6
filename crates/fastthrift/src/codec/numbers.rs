//! `bool`, integers and `double`.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::hash::{Hash, Hasher};

use fastthrift_protocol::{DecodeError, InputProtocol, OutputProtocol, TType};

use super::place::{Place, Placed};
use super::{Decode, Encode, EncodeError};

/// The types of integers that are narrower than the type of so many bytes.
const fn width(ttype: TType) -> usize {
    match ttype {
        TType::I8 => 1,
        TType::I16 => 2,
        TType::I32 => 4,
        TType::I64 => 8,
        _ => usize::MAX,
    }
}

/// Reads an integer of a narrower type.
#[cold]
#[inline(never)]
fn narrower<'de, P: InputProtocol<'de>>(input: &mut P, found: TType) -> Result<i32, DecodeError> {
    match found {
        TType::I8 => input.read_i8().map(i32::from),
        TType::I16 => input.read_i16().map(i32::from),
        _ => input.read_i32(),
    }
}

macro_rules! number {
    ($type:ty, $ttype:ident, $write:ident, $write_field:ident, $write_all:ident, $read:ident, $read_all:ident $(, $narrow:expr)?) => {
        impl Encode for $type {
            const TTYPE: TType = TType::$ttype;

            #[inline]
            fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
                out.$write(*self);
                Ok(())
            }

            #[inline]
            fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
                out.$write_field(id, *self);
                Ok(())
            }

            #[inline]
            fn encode_elements<P: OutputProtocol>(values: &[Self], out: &mut P) -> Result<(), EncodeError> {
                out.$write_all(values);
                Ok(())
            }
        }

        impl<'de> Decode<'de> for $type {
            const TTYPE: TType = TType::$ttype;

            #[inline]
            fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
                input.$read()
            }

            fn decode_elements<P: InputProtocol<'de>>(
                input: &mut P,
                found: TType,
                len: usize,
            ) -> Result<Vec<Self>, DecodeError> {
                input.charge(len.saturating_mul(size_of::<Self>()))?;
                let mut values = Vec::new();
                if found == TType::$ttype || len == 0 {
                    let read = input.$read_all(&mut values, len);
                    read.map_err(|failed| failed.error.within_place(Place::Index(failed.index)))?;
                } else {
                    for index in 0..len {
                        let read = Self::decode_found(input, found);
                        values.push(read.map_err(|error| error.within_place(Place::Index(index)))?);
                    }
                }
                Ok(values)
            }

            $(
                #[inline]
                fn decode_found<P: InputProtocol<'de>>(input: &mut P, found: TType) -> Result<Self, DecodeError> {
                    if found == TType::$ttype {
                        return input.$read();
                    }
                    narrower(input, found).map($narrow)
                }

                #[inline]
                fn reads_as(found: TType) -> bool {
                    width(found) <= width(TType::$ttype)
                }
            )?
        }
    };
}

number!(bool, Bool, write_bool, write_bool_field, write_bools, read_bool, extend_bools);
number!(i8, I8, write_i8, write_i8_field, write_i8s, read_i8, extend_i8s);
// What is narrower than 16 bits fits them.
number!(i16, I16, write_i16, write_i16_field, write_i16s, read_i16, extend_i16s, |n| i16::try_from(n).unwrap_or(0));
number!(i32, I32, write_i32, write_i32_field, write_i32s, read_i32, extend_i32s, |n| n);
number!(i64, I64, write_i64, write_i64_field, write_i64s, read_i64, extend_i64s, i64::from);
number!(f64, Double, write_double, write_double_field, write_doubles, read_double, extend_doubles);

/// A `double` with an order and a hash, for keys of maps and elements of sets: by IEEE 754's total order, in which `-0.0` and `0.0`
/// differ and NaN equals itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Double(pub f64);

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Double {}

impl PartialOrd for Double {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Double {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Double {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl From<f64> for Double {
    fn from(value: f64) -> Self {
        Self(value)
    }
}

impl Encode for Double {
    const TTYPE: TType = TType::Double;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        self.0.encode(out)
    }
}

impl<'de> Decode<'de> for Double {
    const TTYPE: TType = TType::Double;

    #[inline]
    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        input.read_double().map(Self)
    }
}
