//! How structs and exceptions are written and read.

use crate::Writer;

use super::layout::{LIST_WIDTH, STRUCT_WIDTH, WIDTH, call, implementation, signature, width};
use super::structs::{Body, Fixed, Member, Slot};
use super::value::Expr;

/// The longest run of fields of fixed size that is one call.
const LONGEST_RUN: usize = 12;
/// From this many fields on, most of them optional, a struct is read field by field alone.
const MANY_FIELDS: usize = 30;

impl<'a> Body<'a> {
    pub(super) fn write_encode(&self, writer: &mut Writer) {
        let generics = if self.lifetime.is_empty() { "" } else { "<'de>" };
        writer.blank();
        implementation(writer, &format!("impl{generics} p::Encode"), &format!("{}{}", self.name, self.lifetime));
        writer.indented(|writer| {
            write_head_of_encode(writer);
            writer.indented(|writer| {
                let is_recursive = self.model.facts.is_recursive(self.id);
                if is_recursive {
                    writer.line("p::enter(out)?;");
                }
                writer.line("let scope = out.begin_struct();");
                self.runs().for_each(|run| write_fields(run, writer));
                if self.keeps_unknown {
                    writer.line("self.unknown_fields.write(out)?;");
                }
                writer.line("out.end_struct(scope);");
                if is_recursive {
                    writer.line("out.leave();");
                }
                writer.line("Ok(())");
            });
            writer.line("}");
        });
        writer.line("}");
    }

    /// The fields, those together that are read and written as a run.
    pub(super) fn runs(&self) -> impl Iterator<Item = &[Member<'a>]> {
        let runs = self.fields.chunk_by(|a, b| a.fixed.is_some() && b.fixed.is_some());
        runs.flat_map(|run| run.chunks(LONGEST_RUN))
    }

    pub(super) fn write_decode(&self, writer: &mut Writer) {
        writer.blank();
        implementation(writer, "impl<'de> p::Decode<'de>", &format!("{}{}", self.name, self.lifetime));
        writer.indented(|writer| {
            if self.is_filled() {
                return self.write_decode_by_fill(writer);
            }
            write_head_of_decode(writer);
            writer.indented(|writer| {
                writer.line("let scope = input.begin_struct()?;");
                self.write_slots(writer);
                if self.is_read_by_loop() {
                    self.write_loop(writer);
                } else {
                    self.runs().for_each(|run| write_next_fields(run, writer));
                    writer.line("if !input.accept_stop() {");
                    writer.indented(|writer| self.write_loop(writer));
                    writer.line("}");
                }
                writer.line("input.end_struct(scope);");
                self.write_result(writer);
            });
            writer.line("}");
        });
        writer.line("}");
    }

    /// Whether no field is looked for where it is expected.
    pub(super) fn is_read_by_loop(&self) -> bool {
        let optional = self.fields.iter().filter(|field| self.model.facts.is_optional(self.id, field.place));
        self.fields.len() > MANY_FIELDS && optional.count() > self.fields.len() / 2
    }

    fn write_slots(&self, writer: &mut Writer) {
        for field in &self.fields {
            let value = match field.kind {
                Slot::Required | Slot::OrDefault => Expr::Atom("None".to_owned()),
                Slot::Value => {
                    let default = self.model.default_of(self.at, self.id, field.place);
                    default.unwrap_or_else(Expr::type_default)
                }
            };
            value.write(writer, &format!("let mut {} = ", field.slot), ";");
        }
        if self.keeps_unknown {
            writer.line(format!("let mut unknown_fields = {}::new();", self.model.runtime("UnknownFields")));
        }
    }

    fn write_loop(&self, writer: &mut Writer) {
        let other =
            if self.keeps_unknown { "unknown_fields.read(input, header)?" } else { "input.skip(header.ttype)?" };
        writer.line("while let Some(header) = input.read_field()? {");
        writer.indented(|writer| {
            if self.fields.is_empty() {
                return writer.line(format!("{other};"));
            }
            writer.line("match header.id {");
            writer.indented(|writer| {
                for field in &self.fields {
                    write_found_field(field, writer);
                }
                writer.line(format!("_ => {other},"));
            });
            writer.line("}");
        });
        writer.line("}");
    }

    fn write_result(&self, writer: &mut Writer) {
        let mut fields = Vec::new();
        for field in &self.fields {
            let value = match field.kind {
                Slot::Value => field.slot.clone(),
                Slot::OrDefault => format!("{}.unwrap_or_default()", field.slot),
                Slot::Required => {
                    let arguments = [field.slot.clone(), quoted(field), "input".to_owned()];
                    call(writer, &format!("let {} = p::required", field.slot), &arguments, "?;");
                    field.slot.clone()
                }
            };
            fields.push(if value == field.name { value } else { format!("{}: {value}", field.name) });
        }
        fields.extend(self.keeps_unknown.then(|| "unknown_fields".to_owned()));
        let joined = fields.join(", ");
        if fields.is_empty() {
            writer.line("Ok(Self {})");
        } else if width(&joined) <= STRUCT_WIDTH {
            writer.line(format!("Ok(Self {{ {joined} }})"));
        } else {
            writer.line("Ok(Self {");
            writer.indented(|writer| fields.iter().for_each(|field| writer.line(format!("{field},"))));
            writer.line("})");
        }
    }
}

/// The two lines with which an implementation of `Encode` for a struct begins.
pub(super) fn write_head_of_encode(writer: &mut Writer) {
    writer.line("const TTYPE: p::TType = p::TType::Struct;");
    writer.blank();
    open_encode(writer);
}

/// The two lines with which an implementation of `Decode` for a struct begins.
pub(super) fn write_head_of_decode(writer: &mut Writer) {
    writer.line("const TTYPE: p::TType = p::TType::Struct;");
    writer.blank();
    open_decode(writer);
}

/// Opens the function `encode`.
pub(super) fn open_encode(writer: &mut Writer) {
    let parameters = ["&self", "out: &mut P"].map(str::to_owned);
    signature(writer, "fn encode<P: p::OutputProtocol>", &parameters, " -> Result<(), p::EncodeError> {");
}

/// Opens the function `decode`.
pub(super) fn open_decode(writer: &mut Writer) {
    let parameters = ["input: &mut P".to_owned()];
    signature(writer, "fn decode<P: p::InputProtocol<'de>>", &parameters, " -> Result<Self, p::DecodeError> {");
}

/// The name of a field in the IDL, as errors have it.
pub(super) fn quoted(member: &Member<'_>) -> String {
    format!("{:?}", member.field.name)
}

fn write_fields(run: &[Member<'_>], writer: &mut Writer) {
    let [field] = run else { return write_run(run, writer) };
    let arguments = [format!("&self.{}", field.name), field.field.id.to_string(), quoted(field), "out".to_owned()];
    call(writer, "p::write_field", &arguments, "?;");
}

fn write_next_fields(run: &[Member<'_>], writer: &mut Writer) {
    if run.len() < 2 {
        return run.iter().for_each(|field| write_next_field(field, writer));
    }
    writer.line("if P::HAS_RUNS {");
    writer.indented(|writer| write_accept_run(run, writer));
    writer.line("} else {");
    writer.indented(|writer| run.iter().for_each(|field| write_next_field(field, writer)));
    writer.line("}");
}

fn write_run(run: &[Member<'_>], writer: &mut Writer) {
    let value = |member: &Member<'_>| match member.fixed {
        Some(Fixed::Enum(_)) => format!("self.{}.0", member.name),
        _ => format!("self.{}", member.name),
    };
    let values: Vec<_> = run.iter().map(value).collect();
    let (values_line, ids) = (format!("({})", values.join(", ")), ids(run));
    let arguments = format!("{values_line}, {ids}");
    if width(&arguments) <= LIST_WIDTH {
        return writer.line(format!("out.write_run({arguments});"));
    }
    writer.line("out.write_run(");
    writer.indented(|writer| {
        if width(&values_line) <= LIST_WIDTH + 2 {
            writer.line(format!("{values_line},"));
        } else {
            writer.line("(");
            writer.indented(|writer| values.iter().for_each(|value| writer.line(format!("{value},"))));
            writer.line("),");
        }
        id_list(run).write(writer, "", ",");
    });
    writer.line(");");
}

pub(super) fn id_list(run: &[Member<'_>]) -> Expr {
    Expr::Items("[", run.iter().map(|member| Expr::Atom(member.field.id.to_string())).collect())
}

pub(super) fn ids(run: &[Member<'_>]) -> String {
    id_list(run).flat()
}

fn write_accept_run(run: &[Member<'_>], writer: &mut Writer) {
    let is_plain = |member: &Member<'_>| member.kind == Slot::Value;
    let place = |member: &Member<'_>| match member.fixed {
        Some(Fixed::Enum(_)) => format!("{}.0", member.slot),
        _ => member.slot.clone(),
    };
    let places = run.iter().map(place).collect::<Vec<_>>().join(", ");
    let head = format!("if let Some(run) = input.accept_run({}) {{", ids(run));
    if width(&ids(run)) <= LIST_WIDTH && writer.column() + width(&head) <= WIDTH {
        writer.line(head);
    } else {
        id_list(run).write(writer, "let ids = ", ";");
        writer.line("if let Some(run) = input.accept_run(ids) {");
    }
    writer.indented(|writer| {
        if run.iter().all(is_plain) && width(&places) <= LIST_WIDTH {
            return writer.line(format!("({places}) = run;"));
        }
        let variables: Vec<_> = (0..run.len()).map(|place| format!("v{place}")).collect();
        writer.line(format!("let ({}) = run;", variables.join(", ")));
        for (member, variable) in run.iter().zip(&variables) {
            let value = match &member.fixed {
                Some(Fixed::Enum(path)) => format!("{path}({variable})"),
                _ => variable.clone(),
            };
            let value = if member.kind == Slot::Required { format!("Some({value})") } else { value };
            writer.line(format!("{} = {value};", member.slot));
        }
    });
    writer.line("}");
}

fn write_next_field(member: &Member<'_>, writer: &mut Writer) {
    let slot = format!("&mut {}", member.slot);
    let arguments = ["input".to_owned(), member.field.id.to_string(), quoted(member), slot];
    call(writer, "p::next_field", &arguments, "?;");
}

fn write_found_field(member: &Member<'_>, writer: &mut Writer) {
    let (id, slot) = (member.field.id, &member.slot);
    let arguments = ["input".to_owned(), "header.ttype".to_owned(), quoted(member), slot.clone()];
    let joined = arguments.join(", ");
    let line = format!("{id} => {slot} = p::found_field({joined})?,");
    if width(&joined) <= LIST_WIDTH && writer.column() + width(&line) <= WIDTH {
        return writer.line(line);
    }
    writer.line(format!("{id} => {{"));
    writer.indented(|writer| assign_call(writer, slot, "p::found_field", &arguments));
    writer.line("}");
}

/// Writes `variable = function(arguments)?`, broken as rustfmt does.
fn assign_call(writer: &mut Writer, variable: &str, function: &str, arguments: &[String]) {
    let joined = arguments.join(", ");
    let fits = |start: usize| width(&joined) <= LIST_WIDTH && start + width(function) + width(&joined) + 3 <= WIDTH;
    if !fits(writer.column() + width(variable) + 3) && fits(writer.column() + 4) {
        writer.line(format!("{variable} ="));
        return writer.indented(|writer| call(writer, function, arguments, "?"));
    }
    call(writer, &format!("{variable} = {function}"), arguments, "?");
}
