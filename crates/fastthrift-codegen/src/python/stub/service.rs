use fastthrift_schema::{Function, Service, ServiceId};

use super::Stub;
use super::types::Scope;
use crate::python::names::{definition_name, field_names, function_name, receiver};

/// What each service's class has besides its functions.
const MEMBERS: [&str; 4] = ["Client", "AsyncClient", "_thrift_client", "_thrift_async_client"];

impl Stub<'_> {
    pub(super) fn service(&self, id: ServiceId, service: &Service) {
        let names: Vec<String> =
            service.functions.iter().map(|function| function_name(self.schema, id, &function.name)).collect();
        let name = definition_name(self.meaning(), &service.name);
        let base = service.extends.map(|base| {
            let base = self.schema.service(base);
            self.name(base.program, &base.name, &Scope::default())
        });
        // What the classes within a class know is what the module does: the class's own members are none of theirs.
        let scope = Scope::new(names.iter().cloned().chain(MEMBERS.map(str::to_owned)));
        let inner = Scope::new(names.iter().cloned());
        self.line("");
        let bases = match &base {
            Some(base) if !names.is_empty() => base.clone(),
            // mypy wants it said of a class whose abstract methods are inherited ones alone.
            Some(base) => format!("{base}, metaclass={}", self.other("ABCMeta")),
            None => format!("{}.Service, metaclass={}", self.other("fastthrift"), self.other("ABCMeta")),
        };
        self.line(format_args!("class {name}({bases}):"));
        self.indented(|| {
            self.doc(service.doc.as_deref());
            for (function, name) in service.functions.iter().zip(&names) {
                self.line(format_args!("@{}", self.other("abstractmethod")));
                self.method(function, name, Kind::Handler, &scope);
            }
            let own = self.name(service.program, &service.name, &scope);
            for (class, kind) in [("Client", Kind::Client), ("AsyncClient", Kind::AsyncClient)] {
                let getter = if class == "Client" { "_thrift_client" } else { "_thrift_async_client" };
                // A function of that name goes before, be it an inherited one.
                let functions = self.schema.lineage(id).flat_map(|(_, service)| &service.functions);
                if functions.map(|function| &*function.name).any(|name| name == class || name == getter) {
                    continue;
                }
                let base = base.as_ref().map_or_else(
                    || format!("{}.{}", self.other("generated"), kind.base()),
                    |base| format!("{base}.{class}"),
                );
                self.line(format_args!("class {class}({base}):"));
                self.indented(|| {
                    for (function, name) in service.functions.iter().zip(&names) {
                        self.method(function, name, kind, &inner);
                    }
                });
                self.line(format_args!("@{}", self.builtin("classmethod", &scope)));
                let class_type = self.builtin("type", &scope);
                self.line(format_args!("def {getter}(cls) -> {class_type}[{own}.{class}]: ..."));
            }
        });
    }

    fn method(&self, function: &Function, name: &str, kind: Kind, scope: &Scope) {
        let arguments = self.schema.structure(function.arguments);
        let names = field_names(arguments);
        let mut parameters = vec![receiver(&names)];
        // What has no default must be given, and so, in Python, must all before it.
        let needed = arguments.fields.iter().rposition(|field| field.default.is_none()).map_or(0, |last| last + 1);
        for (place, (field, name)) in arguments.fields.iter().zip(&names).enumerate() {
            let default = if place < needed || kind == Kind::Handler { "" } else { " = ..." };
            parameters.push(format!("{name}: {}{default}", self.ty(field.ty, scope)));
        }
        // A handler is called by place, so that its parameters may have other names.
        if kind == Kind::Handler {
            parameters.push("/".to_owned());
        }
        let returns = function.returns.map_or_else(|| "None".to_owned(), |ty| self.ty(ty, scope));
        let returns = match kind {
            Kind::Handler => format!("{returns} | {}[{returns}]", self.other("Awaitable")),
            Kind::Client => returns,
            Kind::AsyncClient => format!("{}[{returns}]", self.other("Awaitable")),
        };
        let doc = function.doc.as_deref().filter(|doc| !doc.trim().is_empty());
        // What every client has, as something else.
        let is_foreign = kind != Kind::Handler && name == "close";
        let start = if is_foreign {
            format!("def {name}(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]")
        } else {
            format!("def {name}(")
        };
        let end = if doc.is_some() { "" } else { " ..." };
        let end = format!(") -> {returns}:{end}");
        if is_foreign {
            self.out.borrow_mut().call_in_lines(&start, &parameters, &end);
        } else {
            self.out.borrow_mut().call(&start, &parameters, &end);
        }
        if doc.is_some() {
            self.indented(|| self.doc(doc));
        }
    }
}

/// Whose methods are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Handler,
    Client,
    AsyncClient,
}

impl Kind {
    fn base(self) -> &'static str {
        if self == Self::AsyncClient { "AsyncClient" } else { "Client" }
    }
}
