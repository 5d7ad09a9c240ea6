//! Typedefs: other names, and types of their own.

use fastthrift_schema::TypedefId;

use crate::Writer;

use super::attributes;
use super::doc::write_doc;
use super::layout::{field, typed};
use super::model::{self, Model};
use super::names::ModuleId;
use super::shape::Shape;

/// Writes a typedef.
pub(super) fn write_typedef(model: &Model<'_>, at: ModuleId, id: TypedefId, writer: &mut Writer) {
    let typedef = model.schema.typedef(id);
    let name = model.names.typedef(id);
    // What the typedef's own annotations want of its target is what all that use it get.
    let target = model.ty(at, typedef.target, &typedef.annotations);
    let traits = model.type_traits(typedef.target, &typedef.annotations);
    let lifetime = model::lifetime(traits.borrows);
    write_doc(writer, typedef.doc.as_deref());
    if !model.shapes().is_newtype(id) {
        attributes::write_attributes(writer, &typedef.annotations);
        return typed(writer, &format!("pub type {name}{lifetime} ="), &target, ";");
    }
    let shape = model.shape(typedef.target, &typedef.annotations);
    let is_copy = matches!(shape, Shape::Plain(_) | Shape::Uuid | Shape::Enum(_));
    let has_default = model.type_has_default(typedef.target, &typedef.annotations);
    // It can derive what the structs in it do.
    let is_key = model.holds_keys_alone(typedef.target);
    let is_total = is_key || !(model.options.keep_unknown_fields || model.options.keep_unknown_members);
    let derives = [
        ("Debug", true),
        ("Clone", true),
        ("Copy", is_copy),
        ("Default", has_default),
        ("PartialEq", true),
        ("Eq", traits.eq && is_total),
        ("PartialOrd", traits.ord && is_key),
        ("Ord", traits.ord && is_key),
        ("Hash", traits.hash && is_total),
    ];
    let derives = derives.into_iter().filter(|(_, wanted)| *wanted).map(|(derive, _)| derive.to_owned());
    attributes::write_derives(writer, derives, &typedef.annotations, &model.options.derives);
    attributes::write_attributes(writer, &typedef.annotations);
    field(writer, &format!("pub struct {name}{lifetime}"), "pub ", &target, ";");
    attributes::write_transparent(writer, name, &target, lifetime);
}
