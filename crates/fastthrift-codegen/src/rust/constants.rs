//! Constants.

use fastthrift_schema::{ConstantId, TypeId, Value};

use crate::Writer;

use super::attributes;
use super::breaking::Code;
use super::doc::write_doc;
use super::layout::{WIDTH, broken_type, head_width, width};
use super::model::Model;
use super::names::ModuleId;
use super::shape::Shape;
use super::value::{Expr, byte_literal};

/// Writes a constant: a `const` of what needs no memory, and text and lists of it as slices; else what is made when it is first used.
pub(super) fn write_constant(model: &Model<'_>, at: ModuleId, id: ConstantId, writer: &mut Writer) {
    let constant = model.schema.constant(id);
    let name = model.names.constant(id);
    if let Some((ty, value)) = model.fixed(at, &constant.value, constant.ty) {
        write_doc(writer, constant.doc.as_deref());
        attributes::write_attributes(writer, &constant.annotations);
        return value.write(writer, &format!("pub const {name}: {ty} = "), ";");
    }
    // A union without a member has no value in Rust, so there is no constant of it.
    let Some(value) = model.expression(at, &constant.value, constant.ty, &constant.annotations) else { return };
    let ty = model.ty(at, constant.ty, &constant.annotations).replace("'de", "'static");
    write_doc(writer, constant.doc.as_deref());
    attributes::write_attributes(writer, &constant.annotations);
    if model.options.no_std {
        let name = super::ident::writable(&name.to_lowercase());
        broken_type(writer, &format!("pub fn {name}() -> "), &ty, " {");
        writer.indented(|writer| value.write(writer, "", ""));
        return writer.line("}");
    }
    let start = format!("pub static {name}: ");
    let room = WIDTH.saturating_sub(writer.column() + width(&start) + 2);
    let ty = format!("LazyLock<{ty}>");
    let head = format!("{start}{} =", Code::ty(&ty).lines(writer.column(), room).unwrap_or(ty));
    // What is empty is made by a function that there is.
    let flat = value.flat();
    if let Some(function) = flat.strip_suffix("::new()") {
        return Expr::Atom(format!("LazyLock::new({function}::new)")).write(writer, &format!("{head} "), ";");
    }
    // A closure that fits one line is one; else its body is a block.
    let call = format!("LazyLock::new(|| {flat});");
    let around = width(&call) - width(&flat);
    let room = |before: usize| WIDTH.saturating_sub(writer.column() + before + around);
    if value.stays_flat(room(head_width(writer, &head) + 1)) {
        return writer.line(format!("{head} {call}"));
    }
    if value.stays_flat(room(4)) {
        writer.line(head);
        return writer.indented(|writer| writer.line(call));
    }
    if let Expr::Struct(path, ..) = &value {
        let call = "LazyLock::new(|| ";
        let line = format!(" {call}{path} {{");
        // What ends the line must have room twice.
        if writer.column() + head_width(writer, &head) + width(&line) + 2 <= WIDTH {
            return value.write(writer, &format!("{head} {call}"), ");");
        }
        writer.line(head);
        return writer.indented(|writer| value.write(writer, call, ");"));
    }
    let open = " LazyLock::new(|| {";
    if writer.column() + head_width(writer, &head) + width(open) + 4 <= WIDTH {
        writer.line(format!("{head}{open}"));
        writer.indented(|writer| value.write(writer, "", ""));
        return writer.line("});");
    }
    writer.line(head);
    writer.indented(|writer| {
        writer.line("LazyLock::new(|| {");
        writer.indented(|writer| value.write(writer, "", ""));
        writer.line("});");
    });
}

impl Model<'_> {
    /// Type and value of what a `const` can be.
    fn fixed(&self, at: ModuleId, value: &Value, ty: TypeId) -> Option<(String, Expr)> {
        let shape = self.shape(ty, &[]);
        if let Shape::Newtype(id) = shape {
            let target = self.schema.typedef(id).target;
            if !matches!(self.shape(target, &[]), Shape::Plain(_) | Shape::Uuid | Shape::Enum(_)) {
                return None;
            }
            return Some((self.ty(at, ty, &[]), self.expression(at, value, ty, &[])?));
        }
        Some(match value {
            Value::String(text) if matches!(shape, Shape::Text(_)) => {
                ("&str".to_owned(), Expr::Atom(format!("{text:?}")))
            }
            Value::Binary(bytes) if matches!(shape, Shape::Bytes(_)) => {
                ("&[u8]".to_owned(), Expr::Atom(byte_literal(bytes)))
            }
            Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Uuid(_) | Value::Enum { .. }
                if matches!(shape, Shape::Plain(_) | Shape::Uuid | Shape::Enum(_)) =>
            {
                (self.ty(at, ty, &[]), Expr::Atom(self.scalar(at, value)))
            }
            Value::List(items) => {
                let Shape::List(element) = shape else { return None };
                let items: Vec<_> = items.iter().map(|item| self.fixed(at, item, element)).collect::<Option<_>>()?;
                let ty = match items.first() {
                    Some((ty, _)) => ty.clone(),
                    None => return None,
                };
                (format!("&[{ty}]"), Expr::Items("&[", items.into_iter().map(|(_, value)| value).collect()))
            }
            _ => return None,
        })
    }
}
