//! JSON to be read by people and by programs without a schema: field names instead of ids, no types, no counts.
//!
//! It needs a plan to be written and to be read, so it is a twin of [`crate::Encoder`] and [`crate::Decoder`] instead of a protocol
//! below them. With [`JsonStyle::SIMPLE_JSON`], what is written is the `SimpleJSON` protocol as Apache's Python library writes it
//! (`TSimpleJSONProtocol` in `lib/py/src/protocol/TJSONProtocol.py`), byte for byte wherever that is valid JSON:
//!
//! | type | JSON |
//! | --- | --- |
//! | struct, union, exception | an object; fields that are not set are left out |
//! | `bool` | `1` and `0`, or `true` and `false` |
//! | integer, `double` | a number, a double with as few digits as tell it from its neighbours |
//! | enum | its number or its name; a number without a name stays a number |
//! | `string`, `uuid` | a string |
//! | `binary` | base64, with padding |
//! | list, set | an array |
//! | map with keys of a type above `list` | an object; keys that are not strings stand in quotes |
//!
//! Apache's library writes three things that are no JSON, and cannot be read back. Here
//!
//! - NaN and the infinities are the strings `"NaN"`, `"Infinity"` and `"-Infinity"`, but `"nan"`, `"inf"` and `"-inf"` as keys, which
//!   are valid as Apache writes them;
//! - control characters in strings are escaped;
//! - a map whose keys are structs or containers is an array of pairs, `[[key,value],...]`, and `{}` when it is empty. (JSON text inside
//!   of a key would double its backslashes with each level.)
//!
//! What is read may have whitespace anywhere, fields in any order, fields that the schema does not know (they are skipped), and `null`
//! for a field that is not set. Booleans are `true` and `false` or `1` and `0`; numbers may stand in quotes; enums are names or numbers;
//! maps are objects or arrays of pairs whatever their keys are. Of a field or key that comes twice the last one wins.

mod decode;
mod encode;
mod style;

pub use decode::SimpleJsonDecoder;
pub use encode::SimpleJsonEncoder;
pub use style::{BoolStyle, EnumStyle, JsonStyle};
