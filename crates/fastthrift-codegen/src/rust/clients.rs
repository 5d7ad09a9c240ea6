//! Clients, those that are awaited and those that block: they differ in a few words.

use fastthrift_schema::TypeId;

use crate::Writer;

use super::doc::write_doc;
use super::layout::{self, LIST_WIDTH, WIDTH, signature, width};
use super::options::Texts;
use super::services::{Call, Part, call_in, nested};
use super::shape::Shape;

/// What tells a client that is awaited from one that blocks.
pub(super) struct Way {
    /// How it calls, after the name of what it calls.
    manner: &'static str,
    /// What it calls through.
    channel: &'static str,
    /// What stands before the name of a method.
    keyword: &'static str,
    /// Where the functions are that call.
    calls: &'static str,
    /// What waits for the end of a call.
    wait: &'static str,
}

/// A client that is awaited.
pub(super) const AWAITED: Way =
    Way { manner: "", channel: "p::Channel", keyword: "async fn", calls: "p", wait: ".await" };

/// A client that blocks.
pub(super) const BLOCKING: Way = Way {
    manner: ", and blocks meanwhile",
    channel: "p::blocking::Channel",
    keyword: "fn",
    calls: "p::blocking",
    wait: "",
};

impl<'a> Part<'a> {
    /// Writes a client of this name.
    pub(super) fn write_client(&self, client: &str, way: &Way, writer: &mut Writer) {
        writer.blank();
        writer.line(format!("/// Calls `{}`{}.", self.service.name, way.manner));
        writer.line("#[derive(Debug, Clone)]");
        writer.line(format!("pub struct {client} {{"));
        writer.indented(|writer| writer.line(format!("channel: {},", way.channel)));
        writer.line("}");
        writer.blank();
        writer.line(format!("impl {client} {{"));
        writer.indented(|writer| {
            writer.line("/// Calls through this channel.");
            writer.line(format!("pub fn new(channel: {}) -> Self {{", way.channel));
            writer.indented(|writer| writer.line("Self { channel }"));
            writer.line("}");
            writer.blank();
            writer.line("/// What it calls through.");
            writer.line(format!("pub fn channel(&self) -> &{} {{", way.channel));
            writer.indented(|writer| writer.line("&self.channel"));
            writer.line("}");
            for (owner, _) in self.model.schema.lineage(self.id) {
                for call in self.calls_of(owner) {
                    writer.blank();
                    self.write_method(&call, way, writer);
                }
            }
        });
        writer.line("}");
    }

    fn write_method(&self, call: &Call<'a>, way: &Way, writer: &mut Writer) {
        write_doc(writer, call.function.doc.as_deref());
        let parameters = self.parameters(call, |ty| self.borrowed(ty));
        let tail = format!(" -> {} {{", self.return_type(call));
        signature(writer, &format!("pub {} {}", way.keyword, call.names.method), &parameters, &tail);
        writer.indented(|writer| {
            let names = self.model.names.fields(call.function.arguments);
            self.write_aliases(call, writer);
            if !names.is_empty() {
                write_tuple(writer, names);
            }
            let name = "Function_";
            let (calls, wait) = (way.calls, way.wait);
            let function = match (call.function.returns, &call.names.error) {
                _ if call.function.is_oneway => format!("{calls}::oneway::<{name}, _>"),
                (_, Some(_)) => format!("{calls}::call::<{name}, _, _>"),
                (Some(_), None) => format!("{calls}::call_value::<{name}, _, _>"),
                (None, None) => format!("{calls}::call_void::<{name}, _>"),
            };
            let values = if names.is_empty() { "()" } else { "arguments" };
            let values = ["&self.channel".to_owned(), values.to_owned()];
            if call.names.error.is_none() && wait.is_empty() {
                return layout::call(writer, &function, &values, "");
            }
            call_in(writer, "let call = ", &function, &values);
            if call.names.error.is_none() {
                return writer.line(format!("call{wait}"));
            }
            writer.line(format!("match call{wait}? {{"));
            self.write_outcome(call, name, writer);
        });
        writer.line("}");
    }

    /// What a client makes of the fields of a result: the arms of a `match`, and its end.
    fn write_outcome(&self, call: &Call<'a>, name: &str, writer: &mut Writer) {
        let variants = self.variants(call);
        let fields = &call.result.fields;
        let at = |place: usize, pattern: &str| {
            let parts: Vec<_> =
                (0..fields.len()).map(|at| if at == place { pattern } else { "_" }.to_owned()).collect();
            nested(&parts)
        };
        writer.indented(|writer| {
            for variant in &variants {
                let pattern = at(variant.place, "Some(error)");
                super::unions::arm(writer, &pattern, "Err", &[format!("Error_::{}(error)", variant.name)], "");
            }
            match fields.iter().position(|field| field.id.0 == 0) {
                Some(place) => {
                    let returned = format!("p::returned::<{name}, _>(value)?");
                    super::unions::arm(writer, &at(place, "value"), "Ok", &[returned], "");
                }
                None => writer.line("_ => Ok(()),"),
            }
        });
        writer.line("}");
    }

    /// The type of an argument of a client: what does not cost a copy.
    fn borrowed(&self, ty: TypeId) -> String {
        let of = |ty: TypeId| self.model.ty(self.at, ty, &[]);
        match self.model.shape(ty, &[]) {
            Shape::Plain(_) | Shape::Uuid | Shape::Enum(_) => of(ty),
            Shape::Text(Texts::Owned) => "&str".to_owned(),
            Shape::Bytes(Texts::Owned) => "&[u8]".to_owned(),
            Shape::List(element) => format!("&[{}]", of(element)),
            Shape::Newtype(id) => match self.model.shape(self.model.schema.typedef(id).target, &[]) {
                Shape::Plain(_) | Shape::Uuid | Shape::Enum(_) => of(ty),
                _ => format!("&{}", of(ty)),
            },
            _ => format!("&{}", of(ty)),
        }
    }
}

/// `let arguments = (values);`
fn write_tuple(writer: &mut Writer, values: &[String]) {
    let joined = values.join(", ");
    let line = format!("let arguments = {};", nested(values));
    if values.len() < 2 || (width(&joined) <= LIST_WIDTH && writer.column() + width(&line) <= WIDTH) {
        return writer.line(line);
    }
    if values.len() <= 12 {
        layout::values(writer, "let arguments = (", values);
        return writer.line(");");
    }
    let (first, rest) = values.split_at(12);
    writer.line("let arguments = p::Then(");
    writer.indented(|writer| {
        layout::values(writer, "(", first);
        writer.line("),");
        writer.line(format!("{},", nested(rest)));
    });
    writer.line(");");
}
