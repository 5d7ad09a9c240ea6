//! Services: the trait of handlers, the server that dispatches to one, and clients.

use fastthrift_schema::{Definition, Field, Function, Service, ServiceId, Struct, StructKind, TypeId};

use crate::Writer;

use super::annotations;
use super::attributes;
use super::clients;
use super::doc::write_doc;
use super::ident::{Scope, camel};
use super::layout::{LIST_WIDTH, WIDTH, broken_type, call, promise, signature, typed, width};
use super::model::Model;
use super::names::{FunctionNames, ModuleId, ServiceNames};
use super::shape::Shape;
use super::value::Expr;

/// Writes a service, as far as the options want it.
pub(super) fn write_service(model: &Model<'_>, at: ModuleId, id: ServiceId, writer: &mut Writer) {
    let wanted = model.options.services;
    if wanted.is_none() {
        return;
    }
    let part = Part::new(model, at, id);
    part.write_signatures(writer);
    part.write_errors(writer);
    if wanted.servers {
        part.write_handler(writer);
        part.write_server(writer);
    }
    if wanted.clients {
        part.write_client(&part.names.client, &clients::AWAITED, writer);
    }
    if wanted.blocking {
        part.write_client(&part.names.blocking, &clients::BLOCKING, writer);
    }
}

/// The errors of a module's services that are `clippy`'s to find: what the IDL names and how large it makes things.
pub(super) const ALLOWED: [&str; 2] = [
    "#[allow(clippy::result_large_err, clippy::should_implement_trait)]",
    "#[allow(clippy::too_many_arguments, clippy::wrong_self_convention)]",
];

/// Whether a definition is a service.
pub(super) fn is_service(definition: Definition) -> bool {
    matches!(definition, Definition::Service(_))
}

/// A service while it is written.
pub(super) struct Part<'a> {
    pub(super) model: &'a Model<'a>,
    pub(super) at: ModuleId,
    pub(super) id: ServiceId,
    pub(super) service: &'a Service,
    pub(super) names: &'a ServiceNames,
}

/// A function while it is written.
pub(super) struct Call<'a> {
    pub(super) function: &'a Function,
    pub(super) names: &'a FunctionNames,
    pub(super) arguments: &'a Struct,
    pub(super) result: &'a Struct,
    /// The service that declares it.
    pub(super) owner: ServiceId,
}

/// A variant of a function's errors.
pub(super) struct Variant<'a> {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) field: &'a Field,
    /// Where it is in the result.
    pub(super) place: usize,
    /// Whether it is the first of its type.
    pub(super) is_first: bool,
}

impl<'a> Part<'a> {
    fn new(model: &'a Model<'a>, at: ModuleId, id: ServiceId) -> Self {
        Self { model, at, id, service: model.schema.service(id), names: model.names.service(id) }
    }

    /// The functions of a service whose types do not borrow.
    pub(super) fn calls_of(&self, owner: ServiceId) -> impl Iterator<Item = Call<'a>> {
        let model = self.model;
        let functions = model.schema.service(owner).functions.iter().zip(&model.names.service(owner).functions);
        let call = move |(function, names): (&'a Function, &'a FunctionNames)| Call {
            function,
            names,
            arguments: model.schema.structure(function.arguments),
            result: model.schema.structure(function.result),
            owner,
        };
        functions.map(call).filter(move |call| {
            let mut fields = call.arguments.fields.iter().chain(&call.result.fields);
            !fields.any(|field| model.type_traits(field.ty, &field.annotations).borrows)
        })
    }

    fn calls(&self) -> impl Iterator<Item = Call<'a>> {
        self.calls_of(self.id)
    }

    /// The way to a signature.
    pub(super) fn signature(&self, call: &Call<'_>) -> String {
        let service = self.model.schema.service(call.owner);
        let messages = &self.model.names.service(call.owner).messages;
        format!("{}::{}", self.model.path(self.at, service.program, messages), call.names.message)
    }

    fn write_signatures(&self, writer: &mut Writer) {
        writer.line(format!("/// What the functions of `{}` send and receive.", self.service.name));
        writer.line("#[doc(hidden)]");
        if self.calls().next().is_none() {
            return writer.line(format!("pub mod {} {{}}", self.names.messages));
        }
        writer.line(format!("pub mod {} {{", self.names.messages));
        writer.indented(|writer| {
            writer.line(format!("use {}::__private as p;", self.model.options.runtime));
            for call in self.calls() {
                writer.blank();
                write_signature(&call, writer);
            }
        });
        writer.line("}");
    }

    fn write_errors(&self, writer: &mut Writer) {
        for call in self.calls() {
            let Some(name) = &call.names.error else { continue };
            writer.blank();
            writer.line(format!("/// Why `{}` fails.", call.function.name));
            writer.line("#[derive(Debug, Clone)]");
            writer.line(format!("pub enum {name} {{"));
            let variants = self.variants(&call);
            writer.indented(|writer| {
                for variant in &variants {
                    write_doc(writer, variant.field.doc.as_deref());
                    writer.line(format!("{}({}),", variant.name, variant.ty));
                }
                writer.line("/// Anything else.");
                writer.line("Call(p::CallError),");
            });
            writer.line("}");
            writer.blank();
            let first = variants.iter().filter(|variant| variant.is_first);
            let first: Vec<_> = first.map(|variant| format!("{}({})", variant.name, variant.ty)).collect();
            let others: String =
                variants.iter().filter(|variant| !variant.is_first).flat_map(|variant| [" ", &*variant.name]).collect();
            writer.line(format!("p::function_error! {{ {name} {{ {} }}{others} }}", first.join(", ")));
        }
    }

    /// The exceptions of a function, named by their types.
    pub(super) fn variants(&self, call: &Call<'a>) -> Vec<Variant<'a>> {
        let mut scope = Scope::without(&["Call"]);
        let mut seen = Vec::new();
        let fields = call.result.fields.iter().enumerate().filter(|(_, field)| field.id.0 != 0);
        fields
            .map(|(place, field)| {
                let ty = self.model.ty(self.at, field.ty, &[]);
                let is_first = !seen.contains(&field.ty_of(self.model));
                seen.push(field.ty_of(self.model));
                let plain = ty.rsplit("::").next().unwrap_or_default().trim_end_matches('_').to_owned();
                let name = if is_first && scope.is_free(&plain) { plain } else { camel(&field.name) };
                Variant { name: scope.claim(&name), ty, field, place, is_first }
            })
            .collect()
    }

    pub(super) fn return_type(&self, call: &Call<'_>) -> String {
        let value = match call.function.returns {
            Some(ty) => self.model.ty(self.at, ty, &[]),
            None => "()".to_owned(),
        };
        format!("Result<{value}, {}>", self.error_type(call))
    }

    pub(super) fn error_type(&self, call: &Call<'_>) -> String {
        match &call.names.error {
            Some(name) => self.model.path(self.at, self.model.schema.service(call.owner).program, name),
            None => "p::CallError".to_owned(),
        }
    }

    fn write_handler(&self, writer: &mut Writer) {
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

    /// Short names for a function's signature and its errors.
    pub(super) fn write_aliases(&self, call: &Call<'_>, writer: &mut Writer) {
        typed(writer, "type Function =", &self.signature(call), ";");
        let error = self.error_type(call);
        if call.names.error.is_some() && error != "Error" {
            typed(writer, "type Error =", &error, ";");
        }
    }

    fn service_path(&self, id: ServiceId, name: &str) -> String {
        self.model.path(self.at, self.model.schema.service(id).program, name)
    }

    /// `&self` and the arguments, of which `ty` gives the types.
    pub(super) fn parameters(&self, call: &Call<'_>, ty: impl Fn(TypeId) -> String) -> Vec<String> {
        let names = self.model.names.fields(call.function.arguments);
        let typed = names.iter().zip(&call.arguments.fields).map(|(name, field)| format!("{name}: {}", ty(field.ty)));
        std::iter::once("&self".to_owned()).chain(typed).collect()
    }

    fn write_server(&self, writer: &mut Writer) {
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
        let name = "Function";
        let variables: Vec<String> = (0..call.arguments.fields.len()).map(|place| format!("a{place}")).collect();
        let pattern = nested(&variables);
        let types: Vec<String> = call
            .arguments
            .fields
            .iter()
            .map(|field| format!("Option<{}>", self.model.ty(self.at, field.ty, &[])))
            .collect();
        broken_type(writer, "type Arguments = ", &nested_types(&types), ";");
        let function = format!("p::arguments::<{name}, Arguments>");
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
                default.write(writer, "None => ", ",");
            });
            return writer.line("};");
        }
        let lacks_default = match self.model.shape(field.ty, &[]) {
            Shape::Struct(target) => !self.model.has_default(target),
            Shape::Custom(_) => true,
            _ => false,
        };
        if !lacks_default && field.requiredness != fastthrift_schema::Requiredness::Required {
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
            Some(place) => super::unions::arm(writer, "Ok(value)", &function, &reply(place, "value"), ""),
            None => writer.line("Ok(()) => p::reply_void(request),"),
        }
        if call.names.error.is_none() {
            return writer.line("Err(error) => request.fail(error),");
        }
        for variant in self.variants(call) {
            let pattern = format!("Err(Error::{}(error))", variant.name);
            super::unions::arm(writer, &pattern, &function, &reply(variant.place, "error"), "");
        }
        writer.line("Err(Error::Call(error)) => request.fail(error),");
    }
}

/// What tells two types of exceptions apart.
trait TypeOf {
    fn ty_of(&self, model: &Model<'_>) -> fastthrift_schema::TypeKind;
}

impl TypeOf for Field {
    fn ty_of(&self, model: &Model<'_>) -> fastthrift_schema::TypeKind {
        model.schema.resolve(self.ty)
    }
}

fn write_signature(call: &Call<'_>, writer: &mut Writer) {
    debug_assert!(call.arguments.kind == StructKind::Arguments, "functions have arguments");
    writer.line(format!("pub struct {};", call.names.message));
    writer.blank();
    writer.line(format!("impl p::Signature for {} {{", call.names.message));
    writer.indented(|writer| {
        let make = if call.function.is_oneway { "oneway" } else { "new" };
        let idempotent = if is_idempotent(call.function) { ".idempotent()" } else { "" };
        let function = format!("p::Function::{make}({:?}){idempotent}", call.function.name);
        Expr::Atom(function).write(writer, "const FUNCTION: p::Function = ", ";");
        fields_of(call.arguments).write(writer, "const ARGUMENTS: p::Fields = ", ";");
        fields_of(call.result).write(writer, "const RESULT: p::Fields = ", ";");
    });
    writer.line("}");
}

/// Whether the IDL says that a call does no harm when it is carried out twice: `(idempotent = "true")`.
fn is_idempotent(function: &Function) -> bool {
    let last = function.annotations.iter().rev().find(|annotation| &*annotation.key == "idempotent");
    last.is_some_and(|annotation| matches!(&*annotation.value, "true" | "1"))
        || annotations::flag(&function.annotations, "idempotent") == Some(true)
}

fn fields_of(structure: &Struct) -> Expr {
    let field = |field: &Field| {
        Expr::Pair(Box::new((Expr::Atom(field.id.to_string()), Expr::Atom(format!("{:?}", field.name)))))
    };
    Expr::Items("&[", structure.fields.iter().map(field).collect())
}

/// Values as a tuple; more than twelve as tuples of twelve.
pub(super) fn nested(values: &[String]) -> String {
    let tuple = |values: &[String]| match values {
        [one] => format!("({one},)"),
        several => format!("({})", several.join(", ")),
    };
    match values.split_at_checked(12) {
        Some((first, rest)) if !rest.is_empty() => format!("p::Then({}, {})", tuple(first), nested(rest)),
        _ => tuple(values),
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

/// Writes `head function(arguments);`, on two lines where one is too short.
pub(super) fn call_in(writer: &mut Writer, head: &str, function: &str, arguments: &[String]) {
    let joined = arguments.join(", ");
    let text = format!("{function}({joined});");
    let is_narrow = width(&joined) <= LIST_WIDTH;
    if is_narrow && writer.column() + width(head) + width(&text) > WIDTH && writer.column() + 4 + width(&text) <= WIDTH
    {
        writer.line(head.trim_end());
        return writer.indented(|writer| writer.line(text));
    }
    call(writer, &format!("{head}{function}"), arguments, ";");
}
