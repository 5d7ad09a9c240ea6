//! `string`, `binary` and `uuid`.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use fastthrift_protocol::{DecodeError, InputProtocol, OutputProtocol, TType, to_string, to_vec};

use super::{Decode, Encode, EncodeError, checked_len};

impl Encode for str {
    const TTYPE: TType = TType::String;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        checked_len(self.len())?;
        out.write_text(self.as_bytes());
        Ok(())
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the id is known where this is put")]
    fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        checked_len(self.len())?;
        out.write_text_field(id, self.as_bytes());
        Ok(())
    }
}

impl Encode for [u8] {
    const TTYPE: TType = TType::String;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        checked_len(self.len())?;
        out.write_binary(self);
        Ok(())
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        checked_len(self.len())?;
        out.write_binary_field(id, self);
        Ok(())
    }
}

macro_rules! encode_as {
    ($type:ty, $as:ty) => {
        impl Encode for $type {
            const TTYPE: TType = <$as as Encode>::TTYPE;

            #[inline]
            fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
                <$as as Encode>::encode(self, out)
            }

            #[inline(always)]
            fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
                <$as as Encode>::encode_field(self, id, out)
            }
        }
    };
}

encode_as!(String, str);
encode_as!(Cow<'_, str>, str);
encode_as!(Vec<u8>, [u8]);
encode_as!(Cow<'_, [u8]>, [u8]);

macro_rules! decode_text {
    ($type:ty, |$text:ident| $make:expr) => {
        impl<'de> Decode<'de> for $type {
            const TTYPE: TType = TType::String;

            #[inline]
            fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
                let $text = input.read_string()?;
                Ok($make)
            }
        }
    };
}

decode_text!(String, |text| to_string(text));
decode_text!(&'de str, |text| text);
decode_text!(Cow<'de, str>, |text| Cow::Borrowed(text));

macro_rules! decode_binary {
    ($type:ty, |$bytes:ident| $make:expr) => {
        impl<'de> Decode<'de> for $type {
            const TTYPE: TType = TType::String;

            #[inline]
            fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
                let $bytes = input.read_binary()?;
                Ok($make)
            }
        }
    };
}

decode_binary!(Vec<u8>, |bytes| to_vec(bytes));
decode_binary!(&'de [u8], |bytes| bytes);
decode_binary!(Cow<'de, [u8]>, |bytes| Cow::Borrowed(bytes));

impl Encode for [u8; 16] {
    const TTYPE: TType = TType::Uuid;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        out.write_uuid(self);
        Ok(())
    }
}

impl<'de> Decode<'de> for [u8; 16] {
    const TTYPE: TType = TType::Uuid;

    #[inline]
    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        input.read_uuid()
    }
}

#[cfg(feature = "uuid")]
impl Encode for uuid::Uuid {
    const TTYPE: TType = TType::Uuid;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        out.write_uuid(self.as_bytes());
        Ok(())
    }
}

#[cfg(feature = "uuid")]
impl<'de> Decode<'de> for uuid::Uuid {
    const TTYPE: TType = TType::Uuid;

    #[inline]
    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        input.read_uuid().map(Self::from_bytes)
    }
}

/// Shares the memory of the input where that is [`bytes::Bytes`] too: [`super::from_bytes`].
#[cfg(feature = "bytes")]
impl<'de> Decode<'de> for bytes::Bytes {
    const TTYPE: TType = TType::String;

    #[inline]
    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        input.read_bytes()
    }
}

#[cfg(feature = "bytes")]
impl Encode for bytes::Bytes {
    const TTYPE: TType = TType::String;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        checked_len(self.len())?;
        out.write_bytes(self);
        Ok(())
    }
}
