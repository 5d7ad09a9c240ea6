use fastthrift_schema::{ConstantId, Definition, EnumId, Span, TypeId, TypeKind, Value};

use super::constants::State;
use super::lookup::Lookup;
use super::uuid::parse_uuid;
use super::{At, Resolver, kind_of};
use crate::ast;
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::parser::MAX_NESTING;
use fastthrift_schema::nearest;

/// How many parts may be copied from constants to where they are named; without a limit ten lines could ask for 2^64 of them.
const MAX_COPIED: usize = 1 << 20;

impl Resolver<'_> {
    /// The value that a name stands for where a value of type `ty` is wanted.
    pub(super) fn named_value(&mut self, at: At, name: ast::Identifier, ty: TypeId, depth: usize) -> Option<Value> {
        let text = self.text(at.unit, name);
        let span = self.span(at.unit, name.range);
        let wanted = match self.out.types[self.true_type(ty)].kind {
            TypeKind::Enum(id) => Some(id),
            _ => None,
        };
        if let Some(value) = wanted.and_then(|id| self.own_enum_value(at, text, id, span)) {
            return Some(value);
        }
        match self.lookup_constant(at.unit, text, span) {
            Lookup::Found(constant) => {
                self.check_order(at, Definition::Constant(constant), span);
                self.copy(constant, ty, span, depth)
            }
            found => match wanted {
                Some(id) => self.enum_value(at, text, id, span, found == Lookup::Unknowable),
                None => self.number_of_enum_value(at, text, ty, span, found == Lookup::Unknowable),
            },
        }
    }

    /// `E.A` where a value of the enum `E` is wanted, with or without the prefix of a file before it.
    fn own_enum_value(&mut self, at: At, text: &str, id: EnumId, span: Span) -> Option<Value> {
        let (qualifier, last) = text.rsplit_once('.')?;
        let enum_name = qualifier.rsplit('.').next()?;
        if *enum_name != *self.out.enums[id].name {
            return None;
        }
        let &index = self.enum_names[id.index()].get(last)?;
        // This counts the include that the name leads to as used.
        self.lookup_type(at.unit, qualifier, span);
        Some(Value::Enum { id, index })
    }

    /// A name where a value of the enum `id` is wanted. Like Apache's compiler this looks at the last part only.
    fn enum_value(&mut self, at: At, text: &str, id: EnumId, span: Span, is_unknowable: bool) -> Option<Value> {
        let enum_name = self.out.enums[id].name.clone();
        let Some((qualifier, last)) = text.rsplit_once('.') else {
            if self.enum_names[id.index()].contains_key(text) {
                let message = format!("the enum value {} needs its enum's name before it", quote(text));
                let hint = format!("write {}", quote(&format!("{enum_name}.{text}")));
                self.sink.push(Diagnostic::new(Code::UnqualifiedEnumValue, span, message).hint(hint));
            } else if !is_unknowable {
                self.report_unknown_constant(at, text, span);
            }
            return None;
        };
        if let Some(&index) = self.enum_names[id.index()].get(last) {
            let other = self.lookup_type(at.unit, qualifier, span);
            if matches!(other, Lookup::Found(Definition::Enum(other)) if other != id) {
                let message = format!(
                    "{} names another enum than {}, of which the value is",
                    quote(qualifier),
                    quote(&enum_name)
                );
                self.report(Code::EnumQualifierIgnored, span, message);
            }
            return Some(Value::Enum { id, index });
        }
        if !self.units[self.enums[id.index()].at.unit].is_broken {
            self.report_unknown_enum_value(id, last, span);
        }
        None
    }

    /// A name where something else than an enum is wanted: `E.A` stands for its number.
    fn number_of_enum_value(
        &mut self,
        at: At,
        text: &str,
        ty: TypeId,
        span: Span,
        is_unknowable: bool,
    ) -> Option<Value> {
        if let Some((qualifier, last)) = text.rsplit_once('.') {
            match self.lookup_type(at.unit, qualifier, span) {
                Lookup::Found(Definition::Enum(id)) => {
                    self.check_order(at, Definition::Enum(id), span);
                    let Some(&index) = self.enum_names[id.index()].get(last) else {
                        self.report_unknown_enum_value(id, last, span);
                        return None;
                    };
                    return self.coerce(Value::Enum { id, index }, ty, span);
                }
                Lookup::Unknowable => return None,
                Lookup::Found(_) | Lookup::Missing => {}
            }
        }
        if !is_unknowable {
            self.report_unknown_constant(at, text, span);
        }
        None
    }

    fn report_unknown_enum_value(&mut self, id: EnumId, last: &str, span: Span) {
        let message = format!("the enum {} has no value {}", quote(&self.out.enums[id].name), quote(last));
        let mut diagnostic = Diagnostic::new(Code::UnknownEnumValue, span, message);
        if !self.sink.is_full() {
            let names = self.out.enums[id].values.iter().map(|value| &*value.name).collect();
            let near = nearest(last, names).map(|near| format!("{}.{near}", self.out.enums[id].name));
            diagnostic.hint = near.map(|near| format!("did you mean {}?", quote(&near)));
        }
        self.sink.push(diagnostic);
    }

    fn report_unknown_constant(&mut self, at: At, text: &str, span: Span) {
        if let Lookup::Found(definition) = self.lookup_type(at.unit, text, span) {
            let message = format!("expected a value, but {} is {}", quote(text), kind_of(definition));
            let diagnostic = Diagnostic::new(Code::TypeUsedAsConstant, span, message);
            self.sink.push(diagnostic.label(self.name_span(definition), "defined here"));
            return;
        }
        let mut diagnostic = Diagnostic::new(Code::UnknownConstant, span, format!("unknown constant {}", quote(text)));
        diagnostic.hint = match text {
            "True" | "TRUE" => Some("did you mean `true`?".to_owned()),
            "False" | "FALSE" => Some("did you mean `false`?".to_owned()),
            "inf" | "nan" | "Infinity" | "NaN" => Some("the IDL has no such number".to_owned()),
            _ => self.suggest_constant(at.unit, text),
        };
        self.sink.push(diagnostic);
    }

    /// The value of a constant where a value of type `ty` is wanted.
    fn copy(&mut self, constant: ConstantId, ty: TypeId, span: Span, depth: usize) -> Option<Value> {
        self.evaluate_constant(constant);
        let State::Done { size, depth: inner } = self.evaluation.states[constant.index()] else { return None };
        let name = || quote(&self.out.constants[constant].name);
        if depth + inner > MAX_NESTING {
            let message = format!("with {} in it, {} is nested more than {MAX_NESTING} deep", name(), self.path_text());
            self.report(Code::NestingTooDeep, span, message);
            return None;
        }
        let was_within = self.evaluation.copied <= MAX_COPIED;
        self.evaluation.copied = self.evaluation.copied.saturating_add(size);
        if self.evaluation.copied > MAX_COPIED {
            if was_within {
                let message =
                    format!("with {} here, constants made of others have more than {MAX_COPIED} parts", name());
                self.report(Code::ConstantTooLarge, span, message);
            }
            return None;
        }
        let value = self.out.constants[constant].value.clone();
        self.coerce(value, ty, span)
    }

    /// Makes a value of some type one of type `ty`, or reports that it is none.
    fn coerce(&mut self, value: Value, ty: TypeId, span: Span) -> Option<Value> {
        let true_type = self.true_type(ty);
        if true_type == self.error_type {
            return None;
        }
        match (self.out.types[true_type].kind, value) {
            (TypeKind::List(element), Value::List(values) | Value::Set(values)) => {
                self.coerce_all(values, element, span).map(Value::List)
            }
            (TypeKind::Set(element), Value::List(values) | Value::Set(values)) => {
                let mut values = self.coerce_all(values, element, span)?;
                let mut seen = std::collections::HashSet::new();
                values.retain(|value| seen.insert(fingerprint(value)));
                Some(Value::Set(values))
            }
            (TypeKind::Map(key, item), Value::Map(entries)) => {
                let pair = |(k, v)| Some((self.coerce(k, key, span)?, self.coerce(v, item, span)?));
                entries.into_iter().map(pair).collect::<Option<_>>().map(Value::Map)
            }
            (TypeKind::Struct(id), Value::Struct { id: other, fields }) if id == other => {
                Some(Value::Struct { id, fields })
            }
            (TypeKind::String, Value::Binary(bytes)) => match String::from_utf8(bytes.into()) {
                Ok(text) => Some(Value::String(text.into())),
                Err(_) => self.report_other_type(&Value::Binary(Box::default()), ty, span),
            },
            (TypeKind::Binary, Value::String(text)) => Some(Value::Binary(text.into_boxed_bytes())),
            (TypeKind::Uuid, Value::String(text)) => {
                let uuid = parse_uuid(&text);
                if uuid.is_none() {
                    self.report_bad_uuid(span, &text);
                }
                uuid.map(Value::Uuid)
            }
            (TypeKind::String, value @ Value::String(_))
            | (TypeKind::Binary, value @ Value::Binary(_))
            | (TypeKind::Uuid, value @ Value::Uuid(_))
            | (TypeKind::Double, value @ Value::Double(_)) => Some(value),
            (TypeKind::Enum(id), Value::Enum { id: other, index }) if id == other => Some(Value::Enum { id, index }),
            (kind, value) => self.number(value, kind, ty, span),
        }
    }

    fn coerce_all(&mut self, values: Vec<Value>, ty: TypeId, span: Span) -> Option<Vec<Value>> {
        values.into_iter().map(|value| self.coerce(value, ty, span)).collect()
    }

    /// Makes an integer, a bool, or an enum's value a number of the given kind.
    pub(super) fn number(&mut self, value: Value, kind: TypeKind, ty: TypeId, span: Span) -> Option<Value> {
        let number = match value {
            Value::Int(number) => number,
            Value::Bool(truth) => i64::from(truth),
            Value::Enum { id, index } if !matches!(kind, TypeKind::Enum(_)) => {
                i64::from(self.out.enums[id].values[index].value)
            }
            other => return self.report_other_type(&other, ty, span),
        };
        let limits = match kind {
            TypeKind::Bool => return Some(Value::Bool(number > 0)),
            TypeKind::I8 => i64::from(i8::MIN)..=i64::from(i8::MAX),
            TypeKind::I16 => i64::from(i16::MIN)..=i64::from(i16::MAX),
            TypeKind::I32 => i64::from(i32::MIN)..=i64::from(i32::MAX),
            TypeKind::I64 => i64::MIN..=i64::MAX,
            TypeKind::Double => return Some(Value::Double(to_double(number))),
            TypeKind::Enum(id) => return self.enum_of_number(id, number, span),
            _ => return self.report_other_type(&value, ty, span),
        };
        if limits.contains(&number) {
            return Some(Value::Int(number));
        }
        let message = format!(
            "{} is declared as {}, which {number} does not fit: it holds {} to {}",
            self.path_text(),
            self.type_text(ty),
            limits.start(),
            limits.end()
        );
        self.report(Code::ConstOutOfRange, span, message);
        None
    }

    fn enum_of_number(&mut self, id: EnumId, number: i64, span: Span) -> Option<Value> {
        let found = i32::try_from(number).ok().and_then(|number| self.enum_numbers[id.index()].get(&number).copied());
        if found.is_none() && !self.units[self.enums[id.index()].at.unit].is_broken {
            let message = format!(
                "{}: the enum {} has no value with the number {number}",
                self.path_text(),
                quote(&self.out.enums[id].name)
            );
            self.report(Code::NoSuchEnumNumber, span, message);
        }
        found.map(|index| Value::Enum { id, index })
    }

    fn report_other_type(&mut self, value: &Value, ty: TypeId, span: Span) -> Option<Value> {
        let what = match value {
            Value::Bool(_) => "a bool",
            Value::Int(_) => "an integer",
            Value::Double(_) => "a double",
            Value::String(_) => "a string",
            Value::Binary(_) => "binary",
            Value::Uuid(_) => "a uuid",
            Value::Enum { .. } => "a value of an enum",
            Value::List(_) => "a list",
            Value::Set(_) => "a set",
            Value::Map(_) => "a map",
            Value::Struct { .. } => "a struct",
        };
        let message = format!("{} is declared as {}, but its value is {what}", self.path_text(), self.type_text(ty));
        self.report(Code::ConstMismatch, span, message);
        None
    }
}

/// The double next to an integer.
#[allow(
    clippy::cast_precision_loss,
    reason = "the IDL writes doubles as integers, and rounds them as any decimal number"
)]
fn to_double(number: i64) -> f64 {
    number as f64
}

/// Bytes that are equal for equal values of one type and different for different ones.
pub(super) fn fingerprint(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_fingerprint(value, &mut bytes);
    bytes
}

fn write_fingerprint(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Bool(truth) => out.push(u8::from(*truth)),
        Value::Int(number) => out.extend(number.to_le_bytes()),
        // Adding 0.0 makes -0.0, which equals it, the same.
        Value::Double(number) => out.extend((number + 0.0).to_bits().to_le_bytes()),
        Value::String(text) => write_parts(&[text.as_bytes().to_vec()], out),
        Value::Binary(bytes) => write_parts(&[bytes.to_vec()], out),
        Value::Uuid(bytes) => out.extend(bytes),
        Value::Enum { index, .. } => out.extend(index.to_le_bytes()),
        Value::List(values) => write_parts(&values.iter().map(fingerprint).collect::<Vec<_>>(), out),
        Value::Set(values) => {
            let mut parts: Vec<_> = values.iter().map(fingerprint).collect();
            parts.sort_unstable();
            write_parts(&parts, out);
        }
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| {
                let mut bytes = fingerprint(key);
                write_fingerprint(value, &mut bytes);
                bytes
            };
            let mut parts: Vec<_> = entries.iter().map(entry).collect();
            parts.sort_unstable();
            write_parts(&parts, out);
        }
        Value::Struct { fields, .. } => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(place, _)| *place);
            out.extend(fields.len().to_le_bytes());
            for (place, value) in fields {
                out.extend(place.to_le_bytes());
                write_fingerprint(value, out);
            }
        }
    }
}

fn write_parts(parts: &[Vec<u8>], out: &mut Vec<u8>) {
    out.extend(parts.len().to_le_bytes());
    for part in parts {
        out.extend(part.len().to_le_bytes());
        out.extend(part);
    }
}
