//! Structs and exceptions.

use fastthrift_schema::{Field, Requiredness, Struct, StructId, StructKind, TypeKind, Value};

use crate::Writer;

use super::annotations;
use super::attributes;
use super::doc::write_doc;
use super::enums::is_zero;
use super::layout::{LIST_WIDTH, WIDTH, call, implementation, typed, width};
use super::model::{self, Model};
use super::names::ModuleId;
use super::shape::Shape;
use super::value::Expr;

/// The longest run of fields of fixed size that is one call.
const LONGEST_RUN: usize = 12;
/// From this many fields on, most of them optional, a struct is read field by field alone.
const MANY_FIELDS: usize = 30;

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
    model: &'a Model<'a>,
    at: ModuleId,
    id: StructId,
    structure: &'a Struct,
    name: String,
    lifetime: &'static str,
    keeps_unknown: bool,
    fields: Vec<Member<'a>>,
}

/// A field while it is written; fields are in the order of their ids.
struct Member<'a> {
    field: &'a Field,
    place: usize,
    /// Its name in the struct.
    name: &'a str,
    /// The variable that it is read into.
    slot: String,
    kind: Slot,
    /// How it goes in a run, if it can.
    fixed: Option<Fixed>,
}

/// What a field's variable holds until the struct is made.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Slot {
    /// The field as it is.
    Value,
    /// An option of a field that must come.
    Required,
    /// An option of a field that has its type's default if it does not come.
    OrDefault,
}

/// How a value of fixed size is held.
#[derive(Debug, Clone, PartialEq)]
enum Fixed {
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

    fn write_encode(&self, writer: &mut Writer) {
        let generics = if self.lifetime.is_empty() { "" } else { "<'de>" };
        writer.blank();
        implementation(writer, &format!("impl{generics} p::Encode"), &format!("{}{}", self.name, self.lifetime));
        writer.indented(|writer| {
            write_head_of_encode(writer);
            writer.indented(|writer| {
                let is_recursive = self.model.facts.is_recursive(self.id);
                if is_recursive {
                    writer.line("p::enter(out)?;");
                }
                writer.line("let scope = out.begin_struct();");
                self.runs().for_each(|run| write_fields(run, writer));
                if self.keeps_unknown {
                    writer.line("self.unknown_fields.write(out)?;");
                }
                writer.line("out.end_struct(scope);");
                if is_recursive {
                    writer.line("out.leave();");
                }
                writer.line("Ok(())");
            });
            writer.line("}");
        });
        writer.line("}");
    }

    /// The fields, those together that are read and written as a run.
    fn runs(&self) -> impl Iterator<Item = &[Member<'a>]> {
        let runs = self.fields.chunk_by(|a, b| a.fixed.is_some() && b.fixed.is_some());
        runs.flat_map(|run| run.chunks(LONGEST_RUN))
    }

    fn write_decode(&self, writer: &mut Writer) {
        writer.blank();
        implementation(writer, "impl<'de> p::Decode<'de>", &format!("{}{}", self.name, self.lifetime));
        writer.indented(|writer| {
            write_head_of_decode(writer);
            writer.indented(|writer| {
                writer.line("let scope = input.begin_struct()?;");
                self.write_slots(writer);
                let optional = self.fields.iter().filter(|field| self.model.facts.is_optional(self.id, field.place));
                if self.fields.len() > MANY_FIELDS && optional.count() > self.fields.len() / 2 {
                    self.write_loop(writer);
                } else {
                    self.runs().for_each(|run| write_next_fields(run, writer));
                    writer.line("if !input.accept_stop() {");
                    writer.indented(|writer| self.write_loop(writer));
                    writer.line("}");
                }
                writer.line("input.end_struct(scope);");
                self.write_result(writer);
            });
            writer.line("}");
        });
        writer.line("}");
    }

    fn write_slots(&self, writer: &mut Writer) {
        for field in &self.fields {
            let value = match field.kind {
                Slot::Required | Slot::OrDefault => Expr::Atom("None".to_owned()),
                Slot::Value => {
                    let default = self.model.default_of(self.at, self.id, field.place);
                    default.unwrap_or_else(Expr::type_default)
                }
            };
            value.write(writer, &format!("let mut {} = ", field.slot), ";");
        }
        if self.keeps_unknown {
            writer.line(format!("let mut unknown_fields = {}::new();", self.model.runtime("UnknownFields")));
        }
    }

    fn write_loop(&self, writer: &mut Writer) {
        let other =
            if self.keeps_unknown { "unknown_fields.read(input, header)?" } else { "input.skip(header.ttype)?" };
        writer.line("while let Some(header) = input.read_field()? {");
        writer.indented(|writer| {
            if self.fields.is_empty() {
                return writer.line(format!("{other};"));
            }
            writer.line("match header.id {");
            writer.indented(|writer| {
                for field in &self.fields {
                    write_found_field(field, writer);
                }
                writer.line(format!("_ => {other},"));
            });
            writer.line("}");
        });
        writer.line("}");
    }

    fn write_result(&self, writer: &mut Writer) {
        let mut fields = Vec::new();
        for field in &self.fields {
            let value = match field.kind {
                Slot::Value => field.slot.clone(),
                Slot::OrDefault => format!("{}.unwrap_or_default()", field.slot),
                Slot::Required => {
                    let arguments = [field.slot.clone(), quoted(field), "input".to_owned()];
                    call(writer, &format!("let {} = p::required", field.slot), &arguments, "?;");
                    field.slot.clone()
                }
            };
            fields.push(if value == field.name { value } else { format!("{}: {value}", field.name) });
        }
        fields.extend(self.keeps_unknown.then(|| "unknown_fields".to_owned()));
        let joined = fields.join(", ");
        if fields.is_empty() {
            writer.line("Ok(Self {})");
        } else if width(&joined) <= super::layout::STRUCT_WIDTH {
            writer.line(format!("Ok(Self {{ {joined} }})"));
        } else {
            writer.line("Ok(Self {");
            writer.indented(|writer| fields.iter().for_each(|field| writer.line(format!("{field},"))));
            writer.line("})");
        }
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

/// The two lines with which an implementation of `Encode` for a struct begins.
pub(super) fn write_head_of_encode(writer: &mut Writer) {
    writer.line("const TTYPE: p::TType = p::TType::Struct;");
    writer.blank();
    writer.line("fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), p::EncodeError> {");
}

/// The two lines with which an implementation of `Decode` for a struct begins.
pub(super) fn write_head_of_decode(writer: &mut Writer) {
    writer.line("const TTYPE: p::TType = p::TType::Struct;");
    writer.blank();
    writer.line("fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, p::DecodeError> {");
}

/// The name of a field in the IDL, as errors have it.
fn quoted(member: &Member<'_>) -> String {
    format!("{:?}", member.field.name)
}

fn write_fields(run: &[Member<'_>], writer: &mut Writer) {
    let [field] = run else { return write_run(run, writer) };
    let arguments = [format!("&self.{}", field.name), field.field.id.to_string(), quoted(field), "out".to_owned()];
    call(writer, "p::write_field", &arguments, "?;");
}

fn write_next_fields(run: &[Member<'_>], writer: &mut Writer) {
    if run.len() < 2 {
        return run.iter().for_each(|field| write_next_field(field, writer));
    }
    writer.line("if P::HAS_RUNS {");
    writer.indented(|writer| write_accept_run(run, writer));
    writer.line("} else {");
    writer.indented(|writer| run.iter().for_each(|field| write_next_field(field, writer)));
    writer.line("}");
}

fn write_run(run: &[Member<'_>], writer: &mut Writer) {
    let value = |member: &Member<'_>| match member.fixed {
        Some(Fixed::Enum(_)) => format!("self.{}.0", member.name),
        _ => format!("self.{}", member.name),
    };
    let values: Vec<_> = run.iter().map(value).collect();
    let (values_line, ids) = (format!("({})", values.join(", ")), ids(run));
    let arguments = format!("{values_line}, {ids}");
    if width(&arguments) <= LIST_WIDTH {
        return writer.line(format!("out.write_run({arguments});"));
    }
    writer.line("out.write_run(");
    writer.indented(|writer| {
        if width(&values_line) <= LIST_WIDTH + 2 {
            writer.line(format!("{values_line},"));
        } else {
            writer.line("(");
            writer.indented(|writer| values.iter().for_each(|value| writer.line(format!("{value},"))));
            writer.line("),");
        }
        id_list(run).write(writer, "", ",");
    });
    writer.line(");");
}

fn id_list(run: &[Member<'_>]) -> Expr {
    Expr::Items("[", run.iter().map(|member| Expr::Atom(member.field.id.to_string())).collect())
}

fn ids(run: &[Member<'_>]) -> String {
    id_list(run).flat()
}

fn write_accept_run(run: &[Member<'_>], writer: &mut Writer) {
    let is_plain = |member: &Member<'_>| member.kind == Slot::Value;
    let place = |member: &Member<'_>| match member.fixed {
        Some(Fixed::Enum(_)) => format!("{}.0", member.slot),
        _ => member.slot.clone(),
    };
    let places = run.iter().map(place).collect::<Vec<_>>().join(", ");
    let head = format!("if let Some(run) = input.accept_run({}) {{", ids(run));
    if width(&ids(run)) <= LIST_WIDTH && writer.column() + width(&head) <= WIDTH {
        writer.line(head);
    } else {
        id_list(run).write(writer, "let ids = ", ";");
        writer.line("if let Some(run) = input.accept_run(ids) {");
    }
    writer.indented(|writer| {
        if run.iter().all(is_plain) && width(&places) <= LIST_WIDTH {
            return writer.line(format!("({places}) = run;"));
        }
        let variables: Vec<_> = (0..run.len()).map(|place| format!("v{place}")).collect();
        writer.line(format!("let ({}) = run;", variables.join(", ")));
        for (member, variable) in run.iter().zip(&variables) {
            let value = match &member.fixed {
                Some(Fixed::Enum(path)) => format!("{path}({variable})"),
                _ => variable.clone(),
            };
            let value = if member.kind == Slot::Required { format!("Some({value})") } else { value };
            writer.line(format!("{} = {value};", member.slot));
        }
    });
    writer.line("}");
}

fn write_next_field(member: &Member<'_>, writer: &mut Writer) {
    let slot = format!("&mut {}", member.slot);
    let arguments = ["input".to_owned(), member.field.id.to_string(), quoted(member), slot];
    call(writer, "p::next_field", &arguments, "?;");
}

fn write_found_field(member: &Member<'_>, writer: &mut Writer) {
    let (id, slot) = (member.field.id, &member.slot);
    let arguments = ["input".to_owned(), "header.ttype".to_owned(), quoted(member), slot.clone()];
    let joined = arguments.join(", ");
    let line = format!("{id} => {slot} = p::found_field({joined})?,");
    if width(&joined) <= LIST_WIDTH && writer.column() + width(&line) <= WIDTH {
        return writer.line(line);
    }
    writer.line(format!("{id} => {{"));
    writer.indented(|writer| assign_call(writer, slot, "p::found_field", &arguments));
    writer.line("}");
}

/// Writes `variable = function(arguments)?`, broken as rustfmt does.
fn assign_call(writer: &mut Writer, variable: &str, function: &str, arguments: &[String]) {
    let joined = arguments.join(", ");
    let fits = |start: usize| width(&joined) <= LIST_WIDTH && start + width(function) + width(&joined) + 3 <= WIDTH;
    if !fits(writer.column() + width(variable) + 3) && fits(writer.column() + 4) {
        writer.line(format!("{variable} ="));
        return writer.indented(|writer| call(writer, function, arguments, "?"));
    }
    call(writer, &format!("{variable} = {function}"), arguments, "?");
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
