//! Enums: a number with names.

use fastthrift_schema::{EnumId, Value};

use crate::Writer;

use super::annotations;
use super::attributes;
use super::doc::write_doc;
use super::layout::implementation;
use super::model::Model;
use super::value::Expr;

const DERIVES: [&str; 8] = ["Clone", "Copy", "Default", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"];

/// Writes an enum: a type of its numbers, known or not, with a constant for each value.
pub(super) fn write_enum(model: &Model<'_>, id: EnumId, writer: &mut Writer) {
    let enumeration = model.schema.enumeration(id);
    let name = model.names.enumeration(id);
    write_doc(writer, enumeration.doc.as_deref());
    let derives = DERIVES.iter().map(|derive| (*derive).to_owned());
    attributes::write_derives(writer, derives, &enumeration.annotations, &model.options.derives);
    attributes::write_attributes(writer, &enumeration.annotations);
    writer.line("#[repr(transparent)]");
    writer.line(format!("pub struct {name}(pub i32);"));
    writer.blank();
    writer.line(format!("impl {name} {{"));
    writer.indented(|writer| {
        for (value, name) in enumeration.values.iter().zip(model.names.values(id)) {
            write_doc(writer, value.doc.as_deref());
            for attribute in annotations::values(&value.annotations, "attr") {
                writer.line(format!("#[{attribute}]"));
            }
            writer.line(format!("pub const {name}: Self = Self({});", value.value));
        }
        write_names(model, id, writer);
    });
    writer.line("}");
    write_traits(name, writer);
}

/// The table of names, by ascending number, and how to look into it.
fn write_names(model: &Model<'_>, id: EnumId, writer: &mut Writer) {
    let mut values: Vec<_> =
        model.schema.enumeration(id).values.iter().map(|value| (value.value, &value.name)).collect();
    values.sort_by_key(|(number, _)| *number);
    let entry = |(number, name): &(i32, &std::sync::Arc<str>)| {
        Expr::Pair(Box::new((Expr::Atom(number.to_string()), Expr::Atom(format!("{name:?}")))))
    };
    if !values.is_empty() {
        writer.blank();
    }
    let table = Expr::Items("&[", values.iter().map(entry).collect());
    table.write(writer, "const NAMES: &'static [(i32, &'static str)] = ", ";");
    writer.blank();
    writer.line("/// The name that the IDL gives this number.");
    writer.line("pub fn name(self) -> Option<&'static str> {");
    writer.indented(|writer| writer.line("p::name_of(Self::NAMES, self.0)"));
    writer.line("}");
    writer.blank();
    writer.line("/// The value of this name.");
    writer.line("pub fn from_name(name: &str) -> Option<Self> {");
    writer.indented(|writer| writer.line("p::number_of(Self::NAMES, name).map(Self)"));
    writer.line("}");
}

fn write_traits(name: &str, writer: &mut Writer) {
    writer.blank();
    implementation(writer, "impl ::core::fmt::Debug", name);
    writer.indented(|writer| {
        writer.line("fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {");
        writer.indented(|writer| writer.line(format!("p::debug_enum(f, {name:?}, self.name(), self.0)")));
        writer.line("}");
    });
    writer.line("}");
    attributes::write_transparent(writer, name, "i32", "");
}

/// The first value of an enum with this number, as default values name it.
pub(super) fn is_zero(model: &Model<'_>, value: &Value) -> bool {
    match value {
        Value::Enum { id, index } => model.schema.enumeration(*id).values[*index].value == 0,
        _ => false,
    }
}
