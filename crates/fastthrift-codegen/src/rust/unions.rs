//! Unions: enums of their members.

use fastthrift_schema::{FieldId, StructId};

use crate::Writer;

use super::attributes;
use super::doc::write_doc;
use super::encoding::{write_head_of_decode, write_head_of_encode};
use super::layout::{LIST_WIDTH, WIDTH, call, field, implementation, width};
use super::model::{self, Model};
use super::names::ModuleId;
use super::value::Expr;

/// Writes a union.
pub(super) fn write_union(model: &Model<'_>, at: ModuleId, id: StructId, writer: &mut Writer) {
    let union = Union::new(model, at, id);
    union.write_definition(writer);
    union.write_encode(writer);
    union.write_decode(writer);
}

struct Union<'a> {
    model: &'a Model<'a>,
    at: ModuleId,
    id: StructId,
    name: &'a str,
    lifetime: &'static str,
    keeps_unknown: bool,
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    id: FieldId,
    /// Its name in the IDL, quoted.
    quoted: String,
    variant: &'a str,
}

impl<'a> Union<'a> {
    fn new(model: &'a Model<'a>, at: ModuleId, id: StructId) -> Self {
        let structure = model.schema.structure(id);
        let member = |place: usize| {
            let field = &structure.fields[place];
            Member { id: field.id, quoted: format!("{:?}", field.name), variant: &model.names.fields(id)[place] }
        };
        Self {
            model,
            at,
            id,
            name: model.names.structure(id),
            lifetime: model::lifetime(model.traits.borrows[id.index()]),
            keeps_unknown: model.options.keep_unknown_members && !model.is_key(id),
            members: model::by_id(structure).into_iter().map(member).collect(),
        }
    }

    fn write_definition(&self, writer: &mut Writer) {
        let structure = self.model.schema.structure(self.id);
        write_doc(writer, structure.doc.as_deref());
        let (traits, index) = (&self.model.traits, self.id.index());
        let is_key = self.model.is_key(self.id);
        let is_total = is_key || !(self.model.options.keep_unknown_fields || self.model.options.keep_unknown_members);
        let derives = [
            ("Debug", true),
            ("Clone", true),
            ("PartialEq", true),
            ("Eq", traits.eq[index] && is_total),
            ("PartialOrd", traits.ord[index] && is_key),
            ("Ord", traits.ord[index] && is_key),
            ("Hash", traits.hash[index] && is_total),
        ];
        let derives = derives.into_iter().filter(|(_, wanted)| *wanted).map(|(derive, _)| derive.to_owned());
        attributes::write_derives(writer, derives, &structure.annotations, &self.model.options.derives);
        attributes::write_attributes(writer, &structure.annotations);
        if self.members.is_empty() && !self.keeps_unknown {
            return writer.line(format!("pub enum {}{} {{}}", self.name, self.lifetime));
        }
        writer.line(format!("pub enum {}{} {{", self.name, self.lifetime));
        writer.indented(|writer| {
            for (place, member) in structure.fields.iter().enumerate() {
                write_doc(writer, member.doc.as_deref());
                attributes::write_attributes(writer, &member.annotations);
                let mut ty = self.model.ty(self.at, member.ty, &member.annotations);
                if self.model.facts.is_boxed(self.id, place) {
                    ty = format!("{}<{ty}>", self.model.prelude("Box"));
                }
                field(writer, &self.model.names.fields(self.id)[place], "", &ty, ",");
            }
            if self.keeps_unknown {
                writer.line("/// A member that is not known here, and its id; it is written again.");
                writer.line(format!("Unknown(i16, {}),", self.model.runtime("UnknownValue")));
            }
        });
        writer.line("}");
    }

    fn write_encode(&self, writer: &mut Writer) {
        let generics = if self.lifetime.is_empty() { "" } else { "<'de>" };
        writer.blank();
        implementation(writer, &format!("impl{generics} p::Encode"), &format!("{}{}", self.name, self.lifetime));
        writer.indented(|writer| {
            if self.members.is_empty() && !self.keeps_unknown {
                writer.line("const TTYPE: p::TType = p::TType::Struct;");
                writer.blank();
                writer.line("fn encode<P: p::OutputProtocol>(&self, _: &mut P) -> Result<(), p::EncodeError> {");
                writer.indented(|writer| writer.line("match *self {}"));
            } else {
                write_head_of_encode(writer);
                writer.indented(|writer| self.write_encode_body(writer));
            }
            writer.line("}");
        });
        writer.line("}");
    }

    fn write_encode_body(&self, writer: &mut Writer) {
        let is_recursive = self.model.facts.is_recursive(self.id);
        if is_recursive {
            writer.line("p::enter(out)?;");
        }
        writer.line("let scope = out.begin_struct();");
        writer.line("match self {");
        writer.indented(|writer| {
            for member in &self.members {
                let arguments = ["value".to_owned(), member.id.to_string(), member.quoted.clone(), "out".to_owned()];
                arm(writer, &format!("Self::{}(value)", member.variant), "p::write_field", &arguments, "?");
            }
            if self.keeps_unknown {
                writer.line("Self::Unknown(id, value) => value.write_field(*id, out)?,");
            }
        });
        writer.line("}");
        writer.line("out.end_struct(scope);");
        if is_recursive {
            writer.line("out.leave();");
        }
        writer.line("Ok(())");
    }

    fn write_decode(&self, writer: &mut Writer) {
        writer.blank();
        implementation(writer, "impl<'de> p::Decode<'de>", &format!("{}{}", self.name, self.lifetime));
        writer.indented(|writer| {
            write_head_of_decode(writer);
            let name = format!("{:?}", self.model.schema.structure(self.id).name);
            let arguments = ["Self::decode_option(input)?".to_owned(), name.clone(), "input".to_owned()];
            writer.indented(|writer| call(writer, "p::known_member", &arguments, ""));
            writer.line("}");
            writer.blank();
            writer.line("fn decode_option<P: p::InputProtocol<'de>>(");
            writer.indented(|writer| writer.line("input: &mut P,"));
            writer.line(") -> Result<Option<Self>, p::DecodeError> {");
            writer.indented(|writer| {
                self.write_members(writer);
                let arguments = ["input", &name, "read"].map(str::to_owned);
                call(writer, "p::union_members", &arguments, "");
            });
            writer.line("}");
        });
        writer.line("}");
    }

    fn write_members(&self, writer: &mut Writer) {
        let head = "let read = |input: &mut P, header: p::FieldHeader|";
        if self.members.is_empty() {
            let body = if self.keeps_unknown {
                "p::unknown_member(input, header, Self::Unknown)"
            } else {
                "p::skip_member(input, header.ttype)"
            };
            let head = "|input: &mut P, header: p::FieldHeader|";
            if writer.column() + 4 + width(head) + width(body) + 2 <= WIDTH {
                return Expr::Atom(format!("{head} {body}")).write(writer, "let read = ", ";");
            }
            writer.line(format!("let read = {head} {{"));
            writer.indented(|writer| writer.line(body));
            return writer.line("};");
        }
        writer.line(format!("{head} match header.id {{"));
        writer.indented(|writer| {
            for member in &self.members {
                let make = format!("Self::{}", member.variant);
                let arguments = ["input".to_owned(), "header.ttype".to_owned(), member.quoted.clone(), make];
                arm(writer, &member.id.to_string(), "p::member_as", &arguments, "");
            }
            if self.keeps_unknown {
                writer.line("_ => p::unknown_member(input, header, Self::Unknown),");
            } else {
                writer.line("_ => p::skip_member(input, header.ttype),");
            }
        });
        writer.line("};");
    }
}

/// Writes an arm whose body is a call, broken as rustfmt does.
pub(super) fn arm(writer: &mut Writer, pattern: &str, function: &str, arguments: &[String], tail: &str) {
    let joined = arguments.join(", ");
    let body = format!("{function}({joined}){tail}");
    // Neither one line nor one in a block has room for it.
    let is_long = writer.column() + 4 + width(&body) > WIDTH;
    if width(&joined) > LIST_WIDTH || is_long {
        return call(writer, &format!("{pattern} => {function}"), arguments, &format!("{tail},"));
    }
    let line = format!("{pattern} => {body},");
    if writer.column() + width(&line) <= WIDTH {
        return writer.line(line);
    }
    writer.line(format!("{pattern} => {{"));
    writer.indented(|writer| writer.line(body));
    writer.line("}");
}
