//! Lines as rustfmt breaks them.

use crate::Writer;

use super::breaking::{self, Code};

/// How wide a line may be.
pub(super) const WIDTH: usize = 100;
/// How wide the arguments of a call may be on one line, and the elements of an array.
pub(super) const LIST_WIDTH: usize = 60;
/// How wide the fields of a struct may be on one line.
pub(super) const STRUCT_WIDTH: usize = 18;
/// How wide each element of an array may be for several of them to share a line.
pub(super) const SHORT: usize = 10;

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Writes `head(parameters)tail`, with a line each for the parameters when one line is too short; a brace that ends the tail has a line
/// of its own where it does not fit.
pub(super) fn signature(writer: &mut Writer, head: &str, parameters: &[String], tail: &str) {
    let line = format!("{head}({}){tail}", parameters.join(", "));
    if fits_flat(writer, &line, parameters) || parameters.is_empty() {
        return writer.line(line);
    }
    each_parameter(writer, &format!("{head}("), parameters);
    let end = format!("){tail}");
    let output = tail.strip_prefix(" -> ").and_then(|tail| tail.strip_suffix(" {"));
    if let Some(ty) = output.filter(|ty| !stays_flat(ty)) {
        return broken_type(writer, ") -> ", ty, " {");
    }
    // The room for a brace is counted without the indentation, and the line with it.
    let Some(end) = end.strip_suffix(" {").filter(|_| 2 * writer.column() + width(&end) > WIDTH) else {
        return writer.line(end);
    };
    if let Some(ty) = end.strip_prefix(") -> ").filter(|_| writer.column() + width(end) > WIDTH + 2) {
        return broken_type(writer, ") -> ", ty, " {");
    }
    writer.line(end);
    writer.line("{");
}

/// Writes the declaration of a method, `head(parameters) -> impl Future<Output = output> + Send;`.
pub(super) fn promise(writer: &mut Writer, head: &str, parameters: &[String], output: &str) {
    let returns = format!("-> impl p::Future<Output = {output}> + Send;");
    let line = format!("{head}({}) {returns}", parameters.join(", "));
    // There must be room for a brace, as if there were a body; a line that is too long for that alone is broken before the arrow.
    let is_flat = fits_flat(writer, "", parameters);
    match WIDTH.checked_sub(writer.column() + width(&line)).filter(|_| is_flat) {
        Some(0) => {
            writer.line(format!("{head}({})", parameters.join(", ")));
            return writer.line(returns);
        }
        Some(_) => return writer.line(line),
        None => each_parameter(writer, &format!("{head}("), parameters),
    }
    // Neither the parenthesis before the arrow nor the semicolon counts, nor do the five columns of `impl `.
    if writer.column() + width(&returns) <= WIDTH + 5 + 1 {
        return writer.line(format!(") {returns}"));
    }
    // The future alone may be a little wider than what fits, and then the bound after it goes to the next line.
    let future = format!("p::Future<Output = {output}>");
    if 2 * writer.column() + width(&future) + 5 <= WIDTH {
        writer.line(format!(") -> impl {future}"));
        return writer.line("+ Send;");
    }
    writer.line(") -> impl p::Future<");
    writer.indented(|writer| broken_type(writer, "Output = ", output, ","));
    writer.line("> + Send;");
}

fn fits(writer: &Writer, line: &str) -> bool {
    writer.column() + width(line) <= WIDTH
}

/// Whether rustfmt leaves a type on one line that is wide enough.
fn stays_flat(ty: &str) -> bool {
    !Code::ty(ty).lines(0, 2 * WIDTH).is_some_and(|text| text.contains('\n'))
}

/// Whether the line fits, and rustfmt leaves the types of the parameters on it.
fn fits_flat(writer: &Writer, line: &str, parameters: &[String]) -> bool {
    let is_flat = |parameter: &String| parameter.split_once(": ").is_none_or(|(_, ty)| stays_flat(ty));
    fits(writer, line) && parameters.iter().all(is_flat)
}

/// Writes what opens a list of parameters, and a line each for them.
fn each_parameter(writer: &mut Writer, open: &str, parameters: &[String]) {
    writer.line(open);
    writer.indented(|writer| {
        for parameter in parameters {
            match parameter.split_once(": ") {
                Some((name, ty)) => broken_type(writer, &format!("{name}: "), ty, ","),
                None => writer.line(format!("{parameter},")),
            }
        }
    });
}

/// Writes what opens a list, and its parts, a line each.
fn each(writer: &mut Writer, open: &str, parts: &[String]) {
    writer.line(open);
    writer.indented(|writer| parts.iter().for_each(|part| writer.line(format!("{part},"))));
}

/// Writes what opens a list of values, and the values: as many a line as there is room for when all are short and plain, otherwise a
/// line each.
pub(super) fn values(writer: &mut Writer, open: &str, values: &[String]) {
    let is_short = |value: &String| width(value) <= SHORT && !value.contains(['(', '[', '{', '<', ':']);
    if !values.iter().all(is_short) {
        return each(writer, open, values);
    }
    writer.line(open);
    writer.indented(|writer| writer.line(breaking::filled(values, writer.column())));
}

/// Writes `impl Trait for Type {`, broken before each of the two that does not fit one line, and then before the brace.
pub(super) fn implementation(writer: &mut Writer, head: &str, of: &str) {
    let (start, of_trait) = head.split_once(' ').unwrap_or((head, ""));
    let (indent, below) = (writer.column(), writer.column() + 4);
    let placed = |before: &str, used: usize, word: &str, ty: &str| {
        let code = Code::ty(ty);
        let room = WIDTH.saturating_sub(used + 1 + width(word));
        if let Some(ty) = code.lines(indent, room).filter(|text| !text.contains('\n') && width(text) <= room) {
            return format!("{before} {word}{ty}");
        }
        let text = code.lines(below, WIDTH.saturating_sub(below + width(word)));
        format!("{before}\n{:below$}{word}{}", "", text.as_deref().unwrap_or(ty))
    };
    let text = placed(start, indent + width(start), "", of_trait);
    // There must be room for the brace.
    let used = indent + head_width(writer, &text) + 2;
    let text = placed(&text, used, "for ", of);
    let end = if text.contains('\n') { format!("\n{:indent$}{{", "") } else { " {".to_owned() };
    writer.line(format!("{text}{end}"));
}

/// Writes `head(arguments)tail`, with a line each for the arguments when they are too wide for one.
pub(super) fn call(writer: &mut Writer, head: &str, arguments: &[String], tail: &str) {
    let joined = arguments.join(", ");
    let line = format!("{head}({joined}){tail}");
    if width(&joined) <= LIST_WIDTH && fits(writer, &line) {
        return writer.line(line);
    }
    values(writer, &format!("{head}("), arguments);
    writer.line(format!("){tail}"));
}

/// Writes `head type tail`, with the type on a line of its own or broken in its brackets when it is too wide.
pub(super) fn typed(writer: &mut Writer, head: &str, ty: &str, tail: &str) {
    assigned(writer, head, &Code::ty(ty), ty, tail);
}

/// Writes `head type tail`, with the type broken in its brackets when it is too wide.
pub(super) fn broken_type(writer: &mut Writer, head: &str, ty: &str, tail: &str) {
    broken(writer, head, &Code::ty(ty), ty, tail);
}

/// Writes `head code tail` with the code broken in its brackets where it must be; as it is where nothing can make it fit.
pub(super) fn broken(writer: &mut Writer, head: &str, code: &Code, flat: &str, tail: &str) {
    let room = WIDTH.saturating_sub(writer.column() + head_width(writer, head) + width(tail));
    let text = code.lines(writer.column(), room);
    writer.line(format!("{head}{}{tail}", text.as_deref().unwrap_or(flat)));
}

/// Writes `head code tail`, where the head ends before a space: with the code on a line of its own where that keeps it whole.
pub(super) fn assigned(writer: &mut Writer, head: &str, code: &Code, flat: &str, tail: &str) {
    let text = breaking::assigned(code, writer.column(), head_width(writer, head), width(tail));
    writer.line(format!("{head}{}{tail}", text.unwrap_or_else(|| format!(" {flat}"))));
}

/// Writes `head(type)tail`, with what stands before the type.
pub(super) fn field(writer: &mut Writer, head: &str, visibility: &'static str, ty: &str, tail: &str) {
    let flat = format!("{head}({visibility}{ty})");
    broken(writer, "", &Code::field(head, visibility, ty), &flat, tail);
}

/// How many columns the last line of what stands before something takes from the indentation on.
pub(super) fn head_width(writer: &Writer, head: &str) -> usize {
    breaking::last_width(head, writer.column())
}

/// The parts of a list of types between the commas that are in no brackets.
pub(super) fn top_level(types: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in types.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(types[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(types[start..].trim());
    parts
}
