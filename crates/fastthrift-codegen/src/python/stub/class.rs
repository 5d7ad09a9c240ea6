use fastthrift_schema::{Enum, Field, Requiredness, Struct, StructKind};

use super::Stub;
use super::types::Scope;
use crate::python::literal::string_tuple;
use crate::python::names::{UNION_NAMES, definition_name, enum_member_names, field_names, receiver};

/// A parameter of a constructor.
struct Parameter {
    name: String,
    ty: String,
    /// Whether it must be given.
    is_needed: bool,
}

impl Parameter {
    /// As it is written where a default is allowed.
    fn text(&self) -> String {
        let default = if self.is_needed { "" } else { " = ..." };
        format!("{}: {}{default}", self.name, self.ty)
    }
}

impl Stub<'_> {
    pub(super) fn structure(&self, structure: &Struct) {
        let names = field_names(structure);
        let of_all = if structure.kind == StructKind::Union { &UNION_NAMES[..] } else { &[] };
        let scope = Scope::new(names.iter().cloned().chain(of_all.iter().map(|&name| name.to_owned())));
        let base = match structure.kind {
            StructKind::Union => "Union",
            StructKind::Exception => "ThriftException",
            _ => "Struct",
        };
        let name = definition_name(self.meaning(), &structure.name);
        self.line("");
        self.line(format_args!("class {name}({}.{base}):", self.other("fastthrift")));
        self.indented(|| {
            self.doc(structure.doc.as_deref());
            self.fields(structure, &names, &scope);
            if structure.kind == StructKind::Union {
                self.union_members(structure, &names, &scope);
            } else {
                self.struct_members(structure, &names, &scope);
            }
        });
    }

    fn fields(&self, structure: &Struct, names: &[String], scope: &Scope) {
        let is_exception = structure.kind == StructKind::Exception;
        for (field, name) in structure.fields.iter().zip(names) {
            // What every exception of Python's has, as something else.
            let is_foreign = is_exception && matches!(name.as_str(), "args" | "with_traceback" | "add_note");
            let comment =
                if is_foreign { "  # type: ignore[assignment, unused-ignore]  # pyright: ignore" } else { "" };
            self.line(format_args!("{name}: {}{comment}", self.field(field, scope)));
            self.doc(field.doc.as_deref());
        }
    }

    /// The type of a field: `T`, or `T | None` where None says that it is not set.
    fn field(&self, field: &Field, scope: &Scope) -> String {
        let ty = self.ty(field.ty, scope);
        let is_always_there = field.requiredness == Requiredness::Required || field.default.is_some();
        if is_always_there { ty } else { format!("{ty} | None") }
    }

    fn parameters(&self, structure: &Struct, names: &[String], scope: &Scope) -> Vec<Parameter> {
        let fields = structure.fields.iter().zip(names);
        let parameter = |(field, name): (&Field, &String)| Parameter {
            name: name.clone(),
            ty: self.field(field, scope),
            is_needed: field.requiredness == Requiredness::Required && field.default.is_none(),
        };
        fields.map(parameter).collect()
    }

    /// The constructor and what else a struct or an exception has.
    fn struct_members(&self, structure: &Struct, names: &[String], scope: &Scope) {
        let parameters = self.parameters(structure, names, scope);
        self.line(format_args!("__match_args__ = {}", string_tuple(names.iter().map(String::as_str))));
        let receiver = receiver(names);
        let list = |parameters: &[String]| -> Vec<String> {
            std::iter::once(receiver.clone()).chain(parameters.iter().cloned()).collect()
        };
        let constructor = |parameters: &[String]| {
            self.out.borrow_mut().call("def __init__(", &list(parameters), ") -> None: ...");
        };
        let texts: Vec<String> = parameters.iter().map(Parameter::text).collect();
        let last_needed = parameters.iter().rposition(|parameter| parameter.is_needed).map_or(0, |place| place + 1);
        if parameters[..last_needed].iter().all(|parameter| parameter.is_needed) {
            constructor(&texts);
        } else {
            // A needed one comes after one with a default: all up to it by place, or any by name.
            let mut by_place: Vec<String> = parameters[..last_needed]
                .iter()
                .map(|parameter| format!("{}: {}", parameter.name, parameter.ty))
                .collect();
            by_place.extend(texts[last_needed..].iter().cloned());
            let by_name: Vec<String> = ["*".to_owned()].into_iter().chain(texts).collect();
            for texts in [by_name, by_place] {
                self.line(format_args!("@{}", self.other("overload")));
                constructor(&texts);
            }
        }
        self.replace(&parameters, &receiver);
    }

    /// `__replace__`, which `copy.replace` calls: any of the fields by name.
    fn replace(&self, parameters: &[Parameter], receiver: &str) {
        if parameters.is_empty() {
            return;
        }
        let changes = parameters.iter().map(|parameter| format!("{}: {} = ...", parameter.name, parameter.ty));
        let head = [receiver.to_owned(), "/".to_owned(), "*".to_owned()];
        let all: Vec<String> = head.into_iter().chain(changes).collect();
        // The base takes any field, since it knows none.
        self.out.borrow_mut().call_in_lines(
            "def __replace__(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]",
            &all,
            &format!(") -> {}: ...", self.other("Self")),
        );
    }

    /// The constructors of a union, one a member, and what says which is set.
    fn union_members(&self, structure: &Struct, names: &[String], scope: &Scope) {
        self.line("__match_args__ = (\"_which\", \"_value\")");
        let receiver = receiver(names);
        if names.is_empty() {
            return self.line("def __init__(self) -> None: ...");
        }
        let overload = format!("@{}", self.other("overload"));
        self.line(&overload);
        self.line(format_args!("def __init__({receiver}) -> None: ..."));
        let mut values = Vec::new();
        for (field, name) in structure.fields.iter().zip(names) {
            let ty = self.ty(field.ty, scope);
            self.line(&overload);
            self.line(format_args!("def __init__({receiver}, *, {name}: {ty}) -> None: ..."));
            if !values.contains(&ty) {
                values.push(ty);
            }
        }
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        self.line(format_args!("@{}", self.builtin("property", scope)));
        let literal = self.other("Literal");
        self.line(format_args!("def _which(self) -> {literal}[{}] | None: ...", quoted.join(", ")));
        self.line(format_args!("@{}", self.builtin("property", scope)));
        self.line(format_args!("def _value(self) -> {} | None: ...", values.join(" | ")));
    }

    pub(super) fn enumeration(&self, enumeration: &Enum) {
        let name = definition_name(self.meaning(), &enumeration.name);
        self.line("");
        self.line(format_args!("class {name}({}.ThriftEnum):", self.other("fastthrift")));
        self.indented(|| {
            self.doc(enumeration.doc.as_deref());
            for (value, name) in enumeration.values.iter().zip(enum_member_names(enumeration)) {
                // What every number or enum has, as something else.
                let comment = if is_of_enums(&name) {
                    "  # type: ignore[assignment, misc, override, unused-ignore]  # pyright: ignore"
                } else {
                    ""
                };
                self.line(format_args!("{name} = {}{comment}", value.value));
                self.doc(value.doc.as_deref());
            }
        });
    }
}

fn is_of_enums(name: &str) -> bool {
    matches!(
        name,
        "name"
            | "value"
            | "real"
            | "imag"
            | "numerator"
            | "denominator"
            | "conjugate"
            | "bit_length"
            | "bit_count"
            | "to_bytes"
            | "from_bytes"
            | "as_integer_ratio"
            | "is_integer"
    )
}
