//! The trait of a service's handlers, and the server that dispatches to one.

use fastthrift_schema::{Field, Requiredness};

use crate::Writer;

use super::attributes;
use super::doc::write_doc;
use super::layout::{WIDTH, promise, signature, typed, width};
use super::services::{Call, Part, call_in, nested};
use super::shape::Shape;
use super::unions::arm;
use super::value::Expr;

impl<'a> Part<'a> {
    /// Writes the trait of handlers.
    pub(super) fn write_handler(&self, writer: &mut Writer) {
        writer.blank();
        match &self.service.doc {
            Some(doc) => write_doc(writer, Some(doc)),
            None => writer.line(format!("/// What a server of `{}` does.", self.service.name)),
        }
        attributes::write_attributes(writer, &self.service.annotations);
        let bounds = match self.service.extends {
            Some(base) => self.service_path(base, &self.model.names.service(base).handler),
            None => "Send + Sync + 'static".to_owned(),
        };
        if self.calls().next().is_none() {
            return writer.line(format!("pub trait {}: {bounds} {{}}", self.names.handler));
        }
        writer.line(format!("pub trait {}: {bounds} {{", self.names.handler));
        writer.indented(|writer| {
            for (place, call) in self.calls().enumerate() {
                if place > 0 {
                    writer.blank();
                }
                write_doc(writer, call.function.doc.as_deref());
                let parameters = self.parameters(&call, |ty| self.model.ty(self.at, ty, &[]));
                promise(writer, &format!("fn {}", call.names.method), &parameters, &self.return_type(&call));
            }
        });
        writer.line("}");
    }

    /// Writes the server.
    pub(super) fn write_server(&self, writer: &mut Writer) {
        let (server, handler) = (&self.names.server, &self.names.handler);
        writer.blank();
        writer.line(format!("/// Serves `{}` by a handler.", self.service.name));
        writer.line("#[derive(Debug, Clone)]");
        writer.line(format!("pub struct {server}<H>(H);"));
        writer.blank();
        writer.line(format!("impl<H: {handler}> {server}<H> {{"));
        writer.indented(|writer| {
            writer.line("/// Serves by this handler.");
            writer.line("pub fn new(handler: H) -> Self {");
            writer.indented(|writer| writer.line("Self(handler)"));
            writer.line("}");
            writer.blank();
            writer.line("/// Serves the functions of the service, and of those that it extends.");
            writer.line("#[doc(hidden)]");
            let parameters = ["handler: &H", "request: p::Request", "service: &str"].map(str::to_owned);
            signature(writer, "pub async fn dispatch", &parameters, " -> p::Response {");
            writer.indented(|writer| self.write_dispatch(writer));
            writer.line("}");
        });
        writer.line("}");
        writer.blank();
        writer.line(format!("impl<H: {handler}> p::Service for {server}<H> {{"));
        writer.indented(|writer| {
            writer.line("fn name(&self) -> &'static str {");
            writer.indented(|writer| writer.line(format!("{:?}", self.service.name)));
            writer.line("}");
            writer.blank();
            writer.line("async fn serve(&self, request: p::Request) -> p::Response {");
            writer.indented(|writer| {
                let arguments = ["&self.0".to_owned(), "request".to_owned(), format!("{:?}", self.service.name)];
                call_in(writer, "let response = ", "Self::dispatch", &arguments);
                writer.line("response.await");
            });
            writer.line("}");
        });
        writer.line("}");
    }

    fn write_dispatch(&self, writer: &mut Writer) {
        let base = self.service.extends.map(|base| self.service_path(base, &self.model.names.service(base).server));
        let other = |writer: &mut Writer| match &base {
            Some(base) => {
                let arguments = ["handler", "request", "service"].map(str::to_owned);
                call_in(writer, "let response = ", &format!("{base}::<H>::dispatch"), &arguments);
                writer.line("response.await");
            }
            None => writer.line("request.unknown(service)"),
        };
        if self.calls().next().is_none() {
            if base.is_none() {
                writer.line("let _ = handler;");
            }
            return other(writer);
        }
        writer.line("match request.function() {");
        writer.indented(|writer| {
            for call in self.calls() {
                writer.line(format!("{:?} => {{", call.function.name));
                writer.indented(|writer| self.write_arm(&call, writer));
                writer.line("}");
            }
            if base.is_some() {
                writer.line("_ => {");
                writer.indented(other);
                writer.line("}");
            } else {
                writer.line("_ => request.unknown(service),");
            }
        });
        writer.line("}");
    }

    /// What becomes of a request for one function.
    fn write_arm(&self, call: &Call<'a>, writer: &mut Writer) {
        self.write_aliases(call, writer);
        let name = "Function_";
        let variables: Vec<String> = (0..call.arguments.fields.len()).map(|place| format!("a{place}")).collect();
        let pattern = nested(&variables);
        let types: Vec<String> = call
            .arguments
            .fields
            .iter()
            .map(|field| format!("Option<{}>", self.model.ty(self.at, field.ty, &[])))
            .collect();
        typed(writer, "type Arguments_ =", &nested_types(&types), ";");
        let function = format!("p::arguments::<{name}, Arguments_>");
        call_in(writer, "let arguments = ", &function, &["&request".to_owned()]);
        let arms = |writer: &mut Writer| {
            writer.indented(|writer| {
                writer.line("Ok(arguments) => arguments,");
                writer.line("Err(error) => return request.fail(error),");
            });
            writer.line("};");
        };
        let line = format!("let {pattern} = match arguments {{");
        if writer.column() + width(&line) <= WIDTH {
            writer.line(line);
            arms(writer);
        } else {
            writer.line(format!("let {pattern} ="));
            writer.indented(|writer| {
                writer.line("match arguments {");
                arms(writer);
            });
        }
        for (place, field) in call.arguments.fields.iter().enumerate() {
            self.write_argument(call, place, field, writer);
        }
        let method = format!("handler.{}", call.names.method);
        call_in(writer, "let reply = ", &method, &variables);
        writer.line("match reply.await {");
        writer.indented(|writer| self.write_replies(call, name, writer));
        writer.line("}");
    }

    /// Gives an argument that did not come its default, or refuses the call.
    fn write_argument(&self, call: &Call<'_>, place: usize, field: &Field, writer: &mut Writer) {
        let id = call.function.arguments;
        if let Some(default) =
            self.model.idl_default(self.at, id, place).filter(|_| !self.model.facts.is_optional(id, place))
        {
            if let Expr::Atom(value) = &default {
                return writer.line(format!("let a{place} = a{place}.unwrap_or({value});"));
            }
            writer.line(format!("let a{place} = match a{place} {{"));
            writer.indented(|writer| {
                writer.line(format!("Some(a{place}) => a{place},"));
                default.write_arm(writer, "None");
            });
            return writer.line("};");
        }
        let lacks_default =
            matches!(self.model.shape(field.ty, &[]), Shape::Custom(_)) || !self.model.type_has_default(field.ty, &[]);
        if !lacks_default && field.requiredness != Requiredness::Required {
            return writer.line(format!("let a{place} = a{place}.unwrap_or_default();"));
        }
        let arguments = [format!("a{place}"), format!("{:?}", field.name)];
        writer.line(format!("let a{place} = match p::argument({}) {{", arguments.join(", ")));
        writer.indented(|writer| {
            writer.line(format!("Ok(a{place}) => a{place},"));
            writer.line("Err(error) => return request.fail(error),");
        });
        writer.line("};");
    }

    fn write_replies(&self, call: &Call<'a>, name: &str, writer: &mut Writer) {
        let success = call.result.fields.iter().position(|field| field.id.0 == 0);
        let reply = |place: usize, value: &str| vec!["request".to_owned(), place.to_string(), format!("&{value}")];
        let function = format!("p::reply::<{name}, _>");
        match success {
            _ if call.function.is_oneway => writer.line("Ok(()) => request.finish(),"),
            Some(place) => arm(writer, "Ok(value)", &function, &reply(place, "value"), ""),
            None => writer.line("Ok(()) => p::reply_void(request),"),
        }
        if call.names.error.is_none() {
            return writer.line("Err(error) => request.fail(error),");
        }
        for variant in self.variants(call) {
            let pattern = format!("Err(Error_::{}(error))", variant.name);
            arm(writer, &pattern, &function, &reply(variant.place, "error"), "");
        }
        writer.line("Err(Error_::Call(error)) => request.fail(error),");
    }
}

/// Types as a tuple; more than twelve as tuples of twelve.
fn nested_types(types: &[String]) -> String {
    let tuple = |types: &[String]| match types {
        [one] => format!("({one},)"),
        several => format!("({})", several.join(", ")),
    };
    match types.split_at_checked(12) {
        Some((first, rest)) if !rest.is_empty() => format!("p::Then<{}, {}>", tuple(first), nested_types(rest)),
        _ => tuple(types),
    }
}
