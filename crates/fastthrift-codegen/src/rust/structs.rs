//! Structs and exceptions.

use fastthrift_schema::{Field, Requiredness, Struct, StructId, StructKind, TypeKind, Value};

use crate::Writer;

use super::annotations;
use super::attributes;
use super::doc::write_doc;
use super::enums::is_zero;
use super::layout::{implementation, typed};
use super::model::{self, Model};
use super::names::ModuleId;
use super::shape::Shape;
use super::value::Expr;

/// Writes a struct or exception.
pub(super) fn write_struct(model: &Model<'_>, at: ModuleId, id: StructId, writer: &mut Writer) {
    let body = Body::new(model, at, id);
    body.write_definition(writer);
    body.write_default(writer);
    body.write_encode(writer);
    body.write_decode(writer);
    if body.structure.kind == StructKind::Exception {
        body.write_error(writer);
    }
}

/// A struct while it is written.
pub(super) struct Body<'a> {
    pub(super) model: &'a Model<'a>,
    pub(super) at: ModuleId,
    pub(super) id: StructId,
    pub(super) structure: &'a Struct,
    pub(super) name: String,
    pub(super) lifetime: &'static str,
    pub(super) keeps_unknown: bool,
    pub(super) fields: Vec<Member<'a>>,
}

/// A field while it is written; fields are in the order of their ids.
pub(super) struct Member<'a> {
    pub(super) field: &'a Field,
    pub(super) place: usize,
    /// Its name in the struct.
    pub(super) name: &'a str,
    /// The variable that it is read into.
    pub(super) slot: String,
    pub(super) kind: Slot,
    /// How it goes in a run, if it can.
    pub(super) fixed: Option<Fixed>,
}

/// What a field's variable holds until the struct is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Slot {
    /// The field as it is.
    Value,
    /// An option of a field that must come.
    Required,
    /// An option of a field that has its type's default if it does not come.
    OrDefault,
}

/// How a value of fixed size is held.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fixed {
    Plain,
    /// In the enum of this path.
    Enum(String),
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &'a Model<'a>, at: ModuleId, id: StructId) -> Self {
        let structure = model.schema.structure(id);
        let lifetime = model::lifetime(model.traits.borrows[id.index()]);
        let mut body = Self {
            model,
            at,
            id,
            structure,
            name: model.names.structure(id).to_owned(),
            lifetime,
            keeps_unknown: model.options.keep_unknown_fields && !model.is_key(id),
            fields: Vec::new(),
        };
        body.fields = model::by_id(structure).into_iter().map(|place| body.member(place)).collect();
        body
    }

    fn member(&self, place: usize) -> Member<'a> {
        let field = &self.structure.fields[place];
        let name = self.model.names.fields(self.id)[place].as_str();
        let slot = format!("f{}", field.id).replace('-', "_");
        let shape = self.model.shape(field.ty, &field.annotations);
        let is_optional = self.model.facts.is_optional(self.id, place);
        let is_boxed = self.model.facts.is_boxed(self.id, place);
        let fixed = match shape {
            _ if is_optional || is_boxed => None,
            Shape::Plain(_) => Some(Fixed::Plain),
            Shape::Enum(id) => {
                let enumeration = self.model.schema.enumeration(id);
                Some(Fixed::Enum(self.model.path(self.at, enumeration.program, self.model.names.enumeration(id))))
            }
            _ => None,
        };
        let kind = match field.requiredness {
            Requiredness::Required => Slot::Required,
            _ if is_optional || field.default.is_some() => Slot::Value,
            _ if matches!(shape, Shape::Struct(_)) => Slot::OrDefault,
            _ => Slot::Value,
        };
        Member { field, place, name, slot, kind, fixed }
    }

    fn write_definition(&self, writer: &mut Writer) {
        write_doc(writer, self.structure.doc.as_deref());
        let traits = &self.model.traits;
        let index = self.id.index();
        let is_key = self.model.is_key(self.id);
        // What is kept of unknown fields can be compared and no more.
        let is_total = is_key || !(self.model.options.keep_unknown_fields || self.model.options.keep_unknown_members);
        let derives = [
            ("Debug", true),
            ("Clone", true),
            ("Default", self.model.has_default(self.id) && !self.has_own_default()),
            ("PartialEq", true),
            ("Eq", traits.eq[index] && is_total),
            ("PartialOrd", traits.ord[index] && is_key),
            ("Ord", traits.ord[index] && is_key),
            ("Hash", traits.hash[index] && is_total),
        ];
        let derives = derives.into_iter().filter(|(_, wanted)| *wanted).map(|(derive, _)| derive.to_owned());
        attributes::write_derives(writer, derives, &self.structure.annotations, &self.model.options.derives);
        attributes::write_attributes(writer, &self.structure.annotations);
        if self.fields.is_empty() && !self.keeps_unknown {
            return writer.line(format!("pub struct {}{} {{}}", self.name, self.lifetime));
        }
        writer.line(format!("pub struct {}{} {{", self.name, self.lifetime));
        writer.indented(|writer| {
            for (place, field) in self.structure.fields.iter().enumerate() {
                write_doc(writer, field.doc.as_deref());
                attributes::write_attributes(writer, &field.annotations);
                let ty = self.model.field_type(self.at, self.id, place);
                typed(writer, &format!("pub {}:", self.model.names.fields(self.id)[place]), &ty, ",");
            }
            if self.keeps_unknown {
                writer.line("/// What came and is not known here; it is written again.");
                writer.line(format!("pub unknown_fields: {},", self.model.runtime("UnknownFields")));
            }
        });
        writer.line("}");
    }

    /// Whether the IDL gives a field a default that is not the one of its type.
    fn has_own_default(&self) -> bool {
        let is_own = |member: &Member<'_>| match &member.field.default {
            None => false,
            Some(value) => self.model.facts.is_optional(self.id, member.place) || !is_type_default(self.model, value),
        };
        self.fields.iter().any(is_own)
    }

    fn write_default(&self, writer: &mut Writer) {
        if !self.model.has_default(self.id) || !self.has_own_default() {
            return;
        }
        let generics = if self.lifetime.is_empty() { "" } else { "<'de>" };
        writer.blank();
        implementation(writer, &format!("impl{generics} Default"), &format!("{}{}", self.name, self.lifetime));
        writer.indented(|writer| {
            writer.line("fn default() -> Self {");
            let field = |place: usize| {
                let default = self.model.default_of(self.at, self.id, place);
                (self.model.names.fields(self.id)[place].clone(), default.unwrap_or_else(Expr::type_default))
            };
            let mut fields: Vec<_> = (0..self.structure.fields.len()).map(field).collect();
            if self.keeps_unknown {
                fields.push(("unknown_fields".to_owned(), Expr::type_default()));
            }
            writer.indented(|writer| Expr::Struct("Self".to_owned(), fields, false).write(writer, "", ""));
            writer.line("}");
        });
        writer.line("}");
    }

    /// What makes an exception an error. It says its message, if it has one.
    fn write_error(&self, writer: &mut Writer) {
        let generics = if self.lifetime.is_empty() { "" } else { "<'_>" };
        writer.blank();
        implementation(writer, "impl ::core::fmt::Display", &format!("{}{generics}", self.name));
        writer.indented(|writer| {
            writer.line("fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {");
            writer.indented(|writer| self.write_message(writer));
            writer.line("}");
        });
        writer.line("}");
        writer.blank();
        writer.line(format!("impl ::core::error::Error for {}{generics} {{}}", self.name));
    }

    fn write_message(&self, writer: &mut Writer) {
        let named = annotations::value(&self.structure.annotations, "message").unwrap_or("message");
        let is_text = |member: &&Member<'_>| self.model.schema.resolve(member.field.ty) == TypeKind::String;
        let message = self.fields.iter().filter(is_text).find(|member| &*member.field.name == named);
        match message {
            None => writer.line("::core::fmt::Debug::fmt(self, f)"),
            Some(message) if self.model.facts.is_optional(self.id, message.place) => {
                writer.line(format!("match &self.{} {{", message.name));
                writer.indented(|writer| {
                    writer.line("Some(message) => ::core::fmt::Display::fmt(message, f),");
                    writer.line("None => ::core::fmt::Debug::fmt(self, f),");
                });
                writer.line("}");
            }
            Some(message) => writer.line(format!("::core::fmt::Display::fmt(&self.{}, f)", message.name)),
        }
    }
}

/// Whether a value is the one that its type has anyway.
fn is_type_default(model: &Model<'_>, value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Double(value) => value.to_bits() == 0,
        Value::String(text) => text.is_empty(),
        Value::Binary(bytes) => bytes.is_empty(),
        Value::List(items) | Value::Set(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Enum { .. } => is_zero(model, value),
        Value::Uuid(bytes) => *bytes == [0; 16],
        Value::Struct { id, fields } => fields.is_empty() && model.has_default(*id),
    }
}
