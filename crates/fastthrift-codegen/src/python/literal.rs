//! Values and texts as Python source.

use std::fmt::Write;

use fastthrift_schema::{Schema, TypeId, TypeKind, Value};

/// A text as a Python string literal in ASCII quotes.
pub(super) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character.is_control() || is_invisible(character) => {
                let _ = write!(out, "\\U{:08x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// Characters that change how the text around them is shown, or are not shown.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// A tuple of texts.
pub(super) fn string_tuple<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.map(string).collect();
    match texts.as_slice() {
        [one] => format!("({one},)"),
        _ => format!("({})", texts.join(", ")),
    }
}

/// The names and values of annotations as a dict; the last value of a name counts.
pub(super) fn annotations(annotations: &[fastthrift_schema::Annotation]) -> String {
    let entries: Vec<String> = annotations
        .iter()
        .map(|annotation| format!("{}: {}", string(&annotation.key), string(&annotation.value)))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

/// A constant's value as plain data, which its type gives a meaning: an enum's value is its name, a struct a dict of its fields by
/// their names in the IDL, a set a list, and a map a list of pairs where its keys are no scalars.
pub(super) fn value(schema: &Schema, ty: TypeId, value: &Value) -> String {
    match value {
        Value::Bool(value) => (if *value { "True" } else { "False" }).to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => double(*value),
        Value::String(value) => string(value),
        Value::Binary(value) => bytes(value),
        Value::Uuid(value) => string(&uuid(value)),
        Value::Enum { id, index } => string(&schema.enumeration(*id).values[*index].name),
        Value::List(values) | Value::Set(values) => {
            let (TypeKind::List(element) | TypeKind::Set(element)) = schema.resolve(ty) else {
                unreachable!("invariant: a constant was checked against its type")
            };
            let items: Vec<String> = values.iter().map(|item| self::value(schema, element, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let TypeKind::Map(key_type, value_type) = schema.resolve(ty) else {
                unreachable!("invariant: a constant was checked against its type")
            };
            map(schema, key_type, value_type, entries)
        }
        Value::Struct { id, fields } => {
            let structure = schema.structure(*id);
            let entries = fields.iter().map(|(place, value)| {
                let field = &structure.fields[*place];
                format!("{}: {}", string(&field.name), self::value(schema, field.ty, value))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

fn map(schema: &Schema, key_type: TypeId, value_type: TypeId, entries: &[(Value, Value)]) -> String {
    let is_plain = !matches!(
        schema.resolve(key_type),
        TypeKind::Double | TypeKind::Struct(_) | TypeKind::List(_) | TypeKind::Set(_) | TypeKind::Map(..)
    );
    let (open, between, close) = if is_plain { ("", ": ", "") } else { ("(", ", ", ")") };
    let entries: Vec<String> = entries
        .iter()
        .map(|(key, value)| {
            let (key, value) = (self::value(schema, key_type, key), self::value(schema, value_type, value));
            format!("{open}{key}{between}{value}{close}")
        })
        .collect();
    let entries = entries.join(", ");
    if is_plain { format!("{{{entries}}}") } else { format!("[{entries}]") }
}

fn double(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { format!("float(\"{value}\")") }
}

fn bytes(value: &[u8]) -> String {
    let mut out = String::from("b\"");
    for &byte in value {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x20..=0x7E => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push('"');
    out
}

fn uuid(value: &[u8; 16]) -> String {
    let hex = format!("{:032x}", u128::from_be_bytes(*value));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_as_they_were() {
        assert_eq!(string("a\"b\\c\n\u{7}\u{202e}ä"), r#""a\"b\\c\n\U00000007\U0000202eä""#);
        assert_eq!(bytes(b"a\"\\\0\xFF"), r#"b"a\"\\\x00\xff""#);
        assert_eq!(string_tuple(["a"].into_iter()), "(\"a\",)");
    }

    #[test]
    fn doubles_are_literals_of_python() {
        let literals = [0.1, 1e300, -0.0, 1.0, f64::INFINITY].map(double);
        assert_eq!(literals, ["0.1", "1e300", "-0.0", "1.0", "float(\"inf\")"]);
    }

    #[test]
    fn a_uuid_is_written_in_its_canonical_form() {
        let bytes = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        assert_eq!(uuid(&bytes), "01234567-89ab-cdef-0123-456789abcdef");
    }
}
