//! What stands around a value and is not seen on the wire.

use alloc::boxed::Box;
use alloc::sync::Arc;

use fastthrift_protocol::{DecodeError, InputProtocol, OutputProtocol, TType};

use super::{Decode, Encode, EncodeError, EncodeErrorKind};

macro_rules! encode_pointer {
    ($type:ty) => {
        impl<T: Encode + ?Sized> Encode for $type {
            const TTYPE: TType = T::TTYPE;

            #[inline]
            fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
                T::encode(self, out)
            }

            #[inline]
            fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
                T::encode_field(self, id, out)
            }
        }
    };
}

encode_pointer!(&T);
encode_pointer!(Box<T>);
encode_pointer!(Arc<T>);

macro_rules! decode_pointer {
    ($type:ident) => {
        impl<'de, T: Decode<'de>> Decode<'de> for $type<T> {
            const TTYPE: TType = T::TTYPE;

            #[inline]
            fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
                input.charge(size_of::<T>())?;
                T::decode(input).map(Self::new)
            }

            #[inline]
            fn decode_option<P: InputProtocol<'de>>(input: &mut P) -> Result<Option<Self>, DecodeError> {
                input.charge(size_of::<T>())?;
                Ok(T::decode_option(input)?.map(Self::new))
            }

            #[inline]
            fn decode_found<P: InputProtocol<'de>>(input: &mut P, found: TType) -> Result<Self, DecodeError> {
                input.charge(size_of::<T>())?;
                T::decode_found(input, found).map(Self::new)
            }

            #[inline]
            fn reads_as(found: TType) -> bool {
                T::reads_as(found)
            }
        }
    };
}

decode_pointer!(Box);
decode_pointer!(Arc);

/// A field that may be left out. Elements, keys and values may not: there, `None` is an error.
impl<T: Encode> Encode for Option<T> {
    const TTYPE: TType = T::TTYPE;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        match self {
            Some(value) => value.encode(out),
            None => Err(EncodeError::new(EncodeErrorKind::NotSet)),
        }
    }

    #[inline]
    fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        match self {
            Some(value) => value.encode_field(id, out),
            None => Ok(()),
        }
    }
}

impl<'de, T: Decode<'de>> Decode<'de> for Option<T> {
    const TTYPE: TType = T::TTYPE;

    #[inline]
    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        T::decode_option(input)
    }

    #[inline]
    fn decode_into<P: InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        match T::UNFILLED {
            Some(unfilled) => self.insert(unfilled()).fill(input),
            None => self.fill(input),
        }
    }
}
