//! The end of a large body, where it is found in little time.

use fastthrift_protocol::{
    BinaryReader, CompactReader, FieldHeader, InputProtocol, Limits, ListHeader, MapHeader, Protocol, TType,
};

/// How many values a body may hold to be looked through: more would take longer than a copy of it.
const FEW: usize = 256;

/// How many of these bytes are a body, if it is one of few values, however large they are; many numbers of a fixed size in a list count
/// as one. `None` says nothing of the bytes.
pub(crate) fn len_of_few(protocol: Protocol, bytes: &[u8], limits: Limits) -> Option<usize> {
    fn len<'de, R: InputProtocol<'de> + Clone>(reader: R, is_fixed: fn(TType) -> bool) -> Option<usize> {
        let mut walk = Walk { reader, left: FEW, is_fixed };
        walk.fields()?;
        Some(walk.reader.offset())
    }
    let is_number = |ttype| matches!(ttype, TType::Bool | TType::I8 | TType::Double | TType::Uuid);
    match protocol {
        Protocol::Binary => len(BinaryReader::new(bytes, limits), |ttype| {
            !matches!(ttype, TType::String | TType::Struct | TType::List | TType::Set | TType::Map)
        }),
        Protocol::Compact => len(CompactReader::new(bytes, limits), is_number),
        Protocol::Json | Protocol::SimpleJson => None,
    }
}

struct Walk<R> {
    reader: R,
    /// How many more values may be looked at.
    left: usize,
    is_fixed: fn(TType) -> bool,
}

impl<'de, R: InputProtocol<'de> + Clone> Walk<R> {
    /// Reads over a struct. Readers bound how deep that can go.
    fn fields(&mut self) -> Option<()> {
        let scope = self.reader.begin_struct().ok()?;
        while let Some(FieldHeader { ttype, .. }) = self.reader.read_field().ok()? {
            self.value(ttype)?;
        }
        self.reader.end_struct(scope);
        Some(())
    }

    fn value(&mut self, ttype: TType) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        let before = self.reader.clone();
        let (types, len) = match ttype {
            TType::Struct => return self.fields(),
            TType::List | TType::Set => {
                let is_list = ttype == TType::List;
                let header = if is_list { self.reader.begin_list() } else { self.reader.begin_set() };
                let ListHeader { element, len } = header.ok()?;
                ([element, TType::Bool], len)
            }
            TType::Map => {
                let MapHeader { key, value, len } = self.reader.begin_map().ok()?;
                ([key, value], len)
            }
            _ => return self.reader.skip(ttype).ok(),
        };
        if types.into_iter().all(self.is_fixed) {
            self.reader = before;
            return self.reader.skip(ttype).ok();
        }
        let types = if ttype == TType::Map { &types[..] } else { &types[..1] };
        for _ in 0..len {
            types.iter().try_for_each(|&ttype| self.value(ttype))?;
        }
        self.reader.end_container();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use fastthrift_protocol::{BinaryWriter, CompactWriter, OutputProtocol};

    use super::*;

    /// A struct with every kind of value, and this many texts in a list.
    fn write(mut out: impl OutputProtocol, texts: usize) {
        let scope = out.begin_struct();
        out.write_bool_field(1, true);
        out.write_field(FieldHeader { ttype: TType::List, id: 2 });
        out.begin_list(TType::Double, 1000);
        (0..1000).for_each(|_| out.write_double(0.5));
        out.write_field(FieldHeader { ttype: TType::Map, id: 3 });
        out.begin_map(TType::String, TType::I64, 1);
        out.write_text(b"key");
        out.write_i64(7);
        out.write_field(FieldHeader { ttype: TType::Set, id: 4 });
        out.begin_set(TType::String, texts);
        (0..texts).for_each(|_| out.write_text(b"text"));
        out.end_struct(scope);
    }

    #[test]
    fn the_end_of_few_values_is_found_and_many_are_left_alone() {
        for protocol in [Protocol::Binary, Protocol::Compact] {
            for texts in [0, 1, 200, 300] {
                let mut bytes = Vec::new();
                match protocol {
                    Protocol::Binary => write(BinaryWriter::new(&mut bytes), texts),
                    _ => write(CompactWriter::new(&mut bytes), texts),
                }
                let expected = Some(bytes.len()).filter(|_| texts < FEW);
                assert_eq!(len_of_few(protocol, &bytes, Limits::DEFAULT), expected, "{protocol} {texts}");
                bytes.extend_from_slice(b"another");
                assert_eq!(len_of_few(protocol, &bytes, Limits::DEFAULT), expected);
                assert_eq!(len_of_few(protocol, &bytes[..100], Limits::DEFAULT), None);
            }
        }
        assert_eq!(len_of_few(Protocol::Json, b"{}", Limits::DEFAULT), None);
    }
}
