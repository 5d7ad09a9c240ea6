//! Services: what their functions send and receive, and the errors of those.

use fastthrift_schema::{Definition, Field, Function, Service, ServiceId, Struct, StructKind, TypeId};

use crate::Writer;

use super::annotations;
use super::clients;
use super::doc::write_doc;
use super::ident::{Scope, camel};
use super::layout::{LIST_WIDTH, WIDTH, call, typed, width};
use super::model::Model;
use super::names::{FunctionNames, ModuleId, ServiceNames};
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

    pub(super) fn calls(&self) -> impl Iterator<Item = Call<'a>> {
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

    /// Short names for a function's signature and its errors.
    pub(super) fn write_aliases(&self, call: &Call<'_>, writer: &mut Writer) {
        typed(writer, "type Function_ =", &self.signature(call), ";");
        if call.names.error.is_some() {
            typed(writer, "type Error_ =", &self.error_type(call), ";");
        }
    }

    pub(super) fn service_path(&self, id: ServiceId, name: &str) -> String {
        self.model.path(self.at, self.model.schema.service(id).program, name)
    }

    /// `&self` and the arguments, of which `ty` gives the types.
    pub(super) fn parameters(&self, call: &Call<'_>, ty: impl Fn(TypeId) -> String) -> Vec<String> {
        let names = self.model.names.fields(call.function.arguments);
        let typed = names.iter().zip(&call.arguments.fields).map(|(name, field)| format!("{name}: {}", ty(field.ty)));
        std::iter::once("&self".to_owned()).chain(typed).collect()
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
