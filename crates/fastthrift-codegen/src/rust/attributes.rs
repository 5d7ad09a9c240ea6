//! Derives, attributes, and what several kinds of types have in common.

use std::collections::BTreeSet;

use fastthrift_schema::Annotation;

use crate::Writer;

use super::annotations;
use super::breaking::Code;
use super::encoding::{open_decode, open_encode};
use super::layout::{WIDTH, assigned, implementation, signature, width};

/// Writes a type's derives, and those that its annotations and the options ask for.
pub(super) fn write_derives(
    writer: &mut Writer,
    derives: impl Iterator<Item = String>,
    annotations: &[Annotation],
    more: &BTreeSet<String>,
) {
    let mut all: Vec<String> = derives.collect();
    let mut seen: BTreeSet<String> = all.iter().cloned().collect();
    let asked =
        annotations::values(annotations, "derive").flat_map(|list| list.split(',')).map(|one| one.trim().to_owned());
    for derive in more.iter().cloned().chain(asked) {
        if !derive.is_empty() && seen.insert(derive.clone()) {
            all.push(derive);
        }
    }
    let line = format!("#[derive({})]", all.join(", "));
    // rustfmt has no use for the last four columns.
    if writer.column() + width(&line) + 4 <= WIDTH {
        return writer.line(line);
    }
    writer.line("#[derive(");
    writer.indented(|writer| {
        let joined = all.join(", ");
        // The comma at the end does not count.
        if writer.column() + width(&joined) <= WIDTH {
            return writer.line(format!("{joined},"));
        }
        for derive in &all {
            writer.line(format!("{derive},"));
        }
    });
    writer.line(")]");
}

/// Writes the attributes that annotations ask for.
pub(super) fn write_attributes(writer: &mut Writer, annotations: &[Annotation]) {
    for attribute in annotations::values(annotations, "attr") {
        writer.line(format!("#[{attribute}]"));
    }
}

/// Writes what makes a type of one field travel as that field, and turn into it and back.
pub(super) fn write_transparent(writer: &mut Writer, name: &str, inner: &str, lifetime: &str) {
    let generics = if lifetime.is_empty() { String::new() } else { "<'de>".to_owned() };
    writer.blank();
    implementation(writer, &format!("impl{generics} From<{inner}>"), &format!("{name}{lifetime}"));
    writer.indented(|writer| {
        signature(writer, "fn from", &[format!("value: {inner}")], " -> Self {");
        writer.indented(|writer| writer.line("Self(value)"));
        writer.line("}");
    });
    writer.line("}");
    writer.blank();
    implementation(writer, &format!("impl{generics} From<{name}{lifetime}>"), inner);
    writer.indented(|writer| {
        writer.line(format!("fn from(value: {name}{lifetime}) -> Self {{"));
        writer.indented(|writer| writer.line("value.0"));
        writer.line("}");
    });
    writer.line("}");
    writer.blank();
    implementation(writer, &format!("impl{generics} p::Encode"), &format!("{name}{lifetime}"));
    writer.indented(|writer| {
        write_ttype(writer, inner, "p::Encode");
        writer.blank();
        open_encode(writer);
        writer.indented(|writer| writer.line("p::Encode::encode(&self.0, out)"));
        writer.line("}");
        writer.blank();
        write_encode_field(writer);
    });
    writer.line("}");
    writer.blank();
    implementation(writer, "impl<'de> p::Decode<'de>", &format!("{name}{lifetime}"));
    writer.indented(|writer| {
        write_ttype(writer, inner, "p::Decode<'de>");
        writer.blank();
        open_decode(writer);
        writer.indented(|writer| writer.line("p::Decode::decode(input).map(Self)"));
        writer.line("}");
    });
    writer.line("}");
}

fn write_ttype(writer: &mut Writer, inner: &str, of_trait: &str) {
    let flat = format!("<{inner} as {of_trait}>::TTYPE");
    assigned(writer, "const TTYPE: p::TType =", &Code::qualified(inner, of_trait, "TTYPE"), &flat, ";");
}

fn write_encode_field(writer: &mut Writer) {
    writer.line("fn encode_field<P: p::OutputProtocol>(");
    writer.indented(|writer| {
        for parameter in ["&self", "id: i16", "out: &mut P"] {
            writer.line(format!("{parameter},"));
        }
    });
    writer.line(") -> Result<(), p::EncodeError> {");
    writer.indented(|writer| writer.line("p::Encode::encode_field(&self.0, id, out)"));
    writer.line("}");
}
