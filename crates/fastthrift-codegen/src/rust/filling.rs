//! How a struct is read that has a default: into its own fields, where it lies.

use crate::Writer;

use super::encoding::{id_list, ids, open_decode, quoted};
use super::layout::{LIST_WIDTH, WIDTH, call, signature, width};
use super::structs::{Body, Fixed, Member, Slot};
use super::unions::arm;
use super::value::Expr;

/// So many required fields have a bit each.
const MOST_REQUIRED: usize = 64;

impl Body<'_> {
    /// Whether the struct is read where it lies.
    pub(super) fn is_filled(&self) -> bool {
        self.model.has_default(self.id) && self.required().count() <= MOST_REQUIRED
    }

    fn required(&self) -> impl Iterator<Item = &Member<'_>> {
        self.fields.iter().filter(|field| field.kind == Slot::Required)
    }

    /// Writes the items of `Decode` for such a struct.
    pub(super) fn write_decode_by_fill(&self, writer: &mut Writer) {
        writer.line("const TTYPE: p::TType = p::TType::Struct;");
        writer.line("const UNFILLED: Option<fn() -> Self> = Some(Self::default);");
        writer.blank();
        open_decode(writer);
        writer.indented(|writer| writer.line("p::filled(input)"));
        writer.line("}");
        writer.blank();
        let parameters = ["&mut self", "input: &mut P"].map(str::to_owned);
        signature(writer, "fn fill<P: p::InputProtocol<'de>>", &parameters, " -> Result<(), p::DecodeError> {");
        writer.indented(|writer| {
            writer.line("let fields = &mut p::Filling::begin(input)?;");
            if self.is_read_by_loop() || self.fields.is_empty() {
                self.write_others(writer);
            } else {
                self.write_turns(writer);
            }
            let required = self.required().map(|field| Expr::Atom(quoted(field))).collect();
            Expr::Call("fields.end".to_owned(), Box::new(Expr::Items("&[", required))).write(writer, "", "");
        });
        writer.line("}");
    }

    fn write_next(&self, run: &[Member<'_>], writer: &mut Writer) {
        if run.len() < 2 {
            return run.iter().for_each(|field| self.write_next_field(field, writer));
        }
        writer.line("if P::HAS_RUNS {");
        writer.indented(|writer| self.write_run(run, writer));
        writer.line("} else {");
        writer.indented(|writer| run.iter().for_each(|field| self.write_next_field(field, writer)));
        writer.line("}");
    }

    fn write_run(&self, run: &[Member<'_>], writer: &mut Writer) {
        let bits = run.iter().filter_map(|field| self.bit(field)).fold(0_u64, |bits, bit| bits | 1 << bit);
        let arguments = format!("{}, {bits:#b}", ids(run));
        let head = format!("if let Some(run) = fields.run({arguments}) {{");
        if width(&arguments) <= LIST_WIDTH && writer.column() + width(&head) <= WIDTH {
            writer.line(head);
        } else {
            id_list(run).write(writer, "let ids = ", ";");
            writer.line(format!("if let Some(run) = fields.run(ids, {bits:#b}) {{"));
        }
        writer.indented(|writer| write_places(run, writer));
        writer.line("}");
    }

    /// The bit of a required field.
    fn bit(&self, member: &Member<'_>) -> Option<usize> {
        self.required().position(|required| required.place == member.place)
    }

    fn write_next_field(&self, member: &Member<'_>, writer: &mut Writer) {
        let (function, arguments) = self.filling_call("p::fill_next", Some(member.field.id.to_string()), member);
        call(writer, &function, &arguments, "?;");
    }

    fn write_found_field(&self, member: &Member<'_>, writer: &mut Writer) {
        let (function, arguments) = self.filling_call("p::fill_found", None, member);
        arm(writer, &member.field.id.to_string(), &function, &arguments, "?");
    }

    /// A function that reads a field into its place, with its arguments.
    fn filling_call(&self, name: &str, id: Option<String>, member: &Member<'_>) -> (String, Vec<String>) {
        let mut arguments = vec!["fields".to_owned()];
        arguments.extend(id);
        arguments.extend([quoted(member), format!("&mut self.{}", member.name)]);
        let Some(bit) = self.bit(member) else { return (name.to_owned(), arguments) };
        arguments.push(bit.to_string());
        (format!("{name}_required"), arguments)
    }

    /// Writes turns of fields in the order of their ids and one that is not.
    fn write_turns(&self, writer: &mut Writer) {
        writer.line("loop {");
        writer.indented(|writer| {
            self.runs().for_each(|run| self.write_next(run, writer));
            writer.line("let Some(id) = fields.other()? else { break };");
            self.write_match(writer);
            writer.line("fields.resume();");
        });
        writer.line("}");
    }

    fn write_others(&self, writer: &mut Writer) {
        let names_id = self.keeps_unknown || !self.fields.is_empty();
        let head =
            if names_id { "while let Some(id) = fields.other()? {" } else { "while fields.other()?.is_some() {" };
        writer.line(head);
        writer.indented(|writer| {
            if self.fields.is_empty() {
                return writer.line(format!("{};", self.unknown()));
            }
            self.write_match(writer);
        });
        writer.line("}");
    }

    fn write_match(&self, writer: &mut Writer) {
        writer.line("match id {");
        writer.indented(|writer| {
            self.fields.iter().for_each(|field| self.write_found_field(field, writer));
            writer.line(format!("_ => {},", self.unknown()));
        });
        writer.line("}");
    }

    /// What is done with a field that is not known.
    fn unknown(&self) -> &'static str {
        if self.keeps_unknown { "fields.keep(id, &mut self.unknown_fields)?" } else { "fields.skip()?" }
    }
}

/// Writes where the values of a run go.
fn write_places(run: &[Member<'_>], writer: &mut Writer) {
    let place = |member: &Member<'_>| match member.fixed {
        Some(Fixed::Enum(_)) => format!("self.{}.0", member.name),
        _ => format!("self.{}", member.name),
    };
    let places: Vec<_> = run.iter().map(place).collect();
    let joined = places.join(", ");
    if width(&joined) <= LIST_WIDTH {
        return writer.line(format!("({joined}) = run;"));
    }
    writer.line("(");
    writer.indented(|writer| places.iter().for_each(|place| writer.line(format!("{place},"))));
    writer.line(") = run;");
}
