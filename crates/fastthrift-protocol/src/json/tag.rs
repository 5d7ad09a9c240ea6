//! The names of types, and the text before a field's value.

use crate::{FieldHeader, TType};

/// The name of a type. Empty containers that name no type get one all the same, since their readers look for it.
pub(super) const fn tag(ttype: TType) -> &'static str {
    match ttype {
        TType::Stop | TType::Bool => "tf",
        TType::I8 => "i8",
        TType::Double => "dbl",
        TType::I16 => "i16",
        TType::I32 => "i32",
        TType::I64 => "i64",
        TType::String => "str",
        TType::Struct => "rec",
        TType::Map => "map",
        TType::Set => "set",
        TType::List => "lst",
        TType::Uuid => "uid",
    }
}

/// The type of this name.
pub(super) fn from_tag(tag: &[u8]) -> Option<TType> {
    Some(match tag {
        b"tf" => TType::Bool,
        b"i8" => TType::I8,
        b"dbl" => TType::Double,
        b"i16" => TType::I16,
        b"i32" => TType::I32,
        b"i64" => TType::I64,
        b"str" => TType::String,
        b"rec" => TType::Struct,
        b"map" => TType::Map,
        b"set" => TType::Set,
        b"lst" => TType::List,
        b"uid" => TType::Uuid,
        _ => return None,
    })
}

/// `"1":{"i32":` and the like: the first `len` bytes of `word`, lowest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldText {
    pub(super) word: u128,
    pub(super) len: usize,
}

impl FieldText {
    /// The text before the value of a field whose id has one digit or two; `None` for other ids.
    #[inline]
    pub(super) fn of(header: FieldHeader) -> Option<Self> {
        let id = u16::try_from(header.id).ok()?;
        let (digits, digits_len) = match id {
            0..10 => (u128::from(id), 1),
            10..100 => (u128::from((id / 10) | ((id % 10) << 8)), 2),
            _ => return None,
        };
        let zeros = if digits_len == 1 { 0x30 } else { 0x3030 };
        let (tag, tag_len) = TAGS[usize::from(header.ttype.to_binary())];
        let middle = u128::from(u32::from_le_bytes(*b"\":{\""));
        let after = u128::from(tag) << 32 | middle;
        let word = u128::from(b'"') | (digits | zeros) << 8 | after << (8 + 8 * digits_len);
        Some(Self { word, len: 5 + digits_len + tag_len })
    }

    /// With these bytes before it, of which there are at most four.
    #[inline]
    pub(super) fn after<const N: usize>(self, bytes: [u8; N]) -> Self {
        let before = bytes.iter().rev().fold(0, |word, &byte| word << 8 | u128::from(byte));
        Self { word: self.word << (8 * N) | before, len: self.len + N }
    }
}

/// `i32":` for each type by its number, lowest byte first, and how long that is.
const TAGS: [(u64, usize); 17] = {
    let mut tags = [(0, 0); 17];
    let mut number = 1;
    while number < tags.len() {
        #[expect(clippy::cast_possible_truncation, reason = "17 fits, and a constant has no try_from")]
        if let Some(ttype) = TType::from_binary(number as u8) {
            let tag = tag(ttype).as_bytes();
            let mut bytes = [0; 8];
            let mut len = 0;
            while len < tag.len() {
                bytes[len] = tag[len];
                len += 1;
            }
            bytes[len] = b'"';
            bytes[len + 1] = b':';
            tags[number] = (u64::from_le_bytes(bytes), len + 2);
        }
        number += 1;
    }
    tags
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_field_is_that_of_its_id_and_type() {
        for number in 1..=16 {
            let Some(ttype) = TType::from_binary(number) else { continue };
            assert_eq!(from_tag(tag(ttype).as_bytes()), Some(ttype));
            for id in 0..100 {
                let text = FieldText::of(FieldHeader { ttype, id }).unwrap();
                let expected = format!("\"{id}\":{{\"{}\":", tag(ttype));
                assert_eq!(&text.word.to_le_bytes()[..text.len], expected.as_bytes());
                let text = text.after(*b"},");
                assert_eq!(&text.word.to_le_bytes()[..text.len], format!("}},{expected}").as_bytes());
            }
        }
        for id in [-1, 100, i16::MAX, i16::MIN] {
            assert!(FieldText::of(FieldHeader { ttype: TType::I32, id }).is_none());
        }
    }
}
