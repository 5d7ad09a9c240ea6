//! Text that is cheap to make: a few bytes are kept in place, more of them are shared.

#![expect(
    unsafe_code,
    reason = "what was checked to be UTF-8 when it came is not checked again each time it is looked at"
)]

use alloc::string::String;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::mem::MaybeUninit;
use core::ops::Deref;

use bytes::Bytes;
use fastthrift_protocol::{DecodeError, InputProtocol, OutputProtocol, TType, copy_bytes};

use super::{Decode, Encode, EncodeError};

/// An immutable `string` that takes no memory of its own: up to [`Text::INLINE`] bytes lie in it, more are shared with the frame that
/// they came in, see [`super::from_bytes`]. A clone is as cheap.
///
/// Use it where most values live no longer than their message: a longer text keeps its whole frame in memory.
#[derive(Clone)]
pub struct Text(Kept);

#[derive(Clone)]
enum Kept {
    /// The first bytes of these, which are UTF-8.
    Inline { len: u8, bytes: [u8; Text::INLINE] },
    /// These bytes, which are UTF-8.
    Shared(Bytes),
}

impl Text {
    /// How many bytes lie in the value itself.
    pub const INLINE: usize = 30;

    /// Empty text.
    pub const fn new() -> Self {
        Self(Kept::Inline { len: 0, bytes: [0; Self::INLINE] })
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        let bytes = match &self.0 {
            Kept::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Kept::Shared(bytes) => bytes,
        };
        // SAFETY: both are made of whole `str`s only.
        unsafe { core::str::from_utf8_unchecked(bytes) }
    }

    #[inline]
    fn inline(text: &str) -> Option<Self> {
        let mut bytes = [MaybeUninit::new(0); Self::INLINE];
        copy_bytes(text.as_bytes(), bytes.get_mut(..text.len())?);
        // SAFETY: all were stored before some were again.
        let bytes = bytes.map(|byte| unsafe { byte.assume_init() });
        u8::try_from(text.len()).ok().map(|len| Self(Kept::Inline { len, bytes }))
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::inline(text).unwrap_or_else(|| Self(Kept::Shared(Bytes::copy_from_slice(text.as_bytes()))))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::inline(&text).unwrap_or_else(|| Self(Kept::Shared(text.into_bytes().into())))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().into()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Encode for Text {
    const TTYPE: TType = TType::String;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        self.as_str().encode(out)
    }

    #[inline]
    fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        self.as_str().encode_field(id, out)
    }
}

impl<'de> Decode<'de> for Text {
    const TTYPE: TType = TType::String;

    #[inline]
    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let text = input.read_string()?;
        Ok(Self::inline(text).unwrap_or_else(|| Self(Kept::Shared(input.share_text(text)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Limits, Protocol, from_bytes, to_vec};

    #[test]
    fn text_of_every_length_is_the_same_however_it_is_kept() {
        for len in 0..70 {
            let text = "ä".repeat(len / 2) + &"x".repeat(len % 2);
            assert_eq!(Text::from(text.as_str()), *text);
            assert_eq!(String::from(Text::from(text.clone())), text);
            let bytes = Bytes::from(to_vec(Protocol::Compact, &Text::from(text.as_str())).unwrap());
            let (back, _) = from_bytes::<Text>(Protocol::Compact, &bytes, Limits::DEFAULT).unwrap();
            assert_eq!(back, *text);
            let is_shared = bytes.as_ptr_range().contains(&back.as_ptr());
            assert_eq!(is_shared, len > Text::INLINE);
        }
        assert!(size_of::<Text>() <= 40);
    }
}
