//! Lines as rustfmt breaks them.

use crate::Writer;

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
    if fits(writer, &line) || parameters.is_empty() {
        return writer.line(line);
    }
    each(writer, &format!("{head}("), parameters);
    let end = format!("){tail}");
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
    match WIDTH.checked_sub(writer.column() + width(&line)) {
        Some(0) => {
            writer.line(format!("{head}({})", parameters.join(", ")));
            return writer.line(returns);
        }
        Some(_) => return writer.line(line),
        None => each(writer, &format!("{head}("), parameters),
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

/// Whether rustfmt leaves a type on one line, if the line is wide enough: the parts of a tuple may be as wide as those of any list.
fn stays_flat(ty: &str) -> bool {
    let Some(Brackets { open, parts, .. }) = bracketed(ty) else { return true };
    (!open.ends_with('(') || width(parts) <= LIST_WIDTH) && top_level(parts).into_iter().all(stays_flat)
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
    writer.indented(|writer| fill(writer, values));
}

/// Writes values with a comma after each, as many a line as there is room for.
pub(super) fn fill(writer: &mut Writer, values: &[String]) {
    let mut line = String::new();
    for value in values {
        if !line.is_empty() && writer.column() + width(&line) + width(value) + 2 > WIDTH {
            writer.line(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(value);
        line.push(',');
    }
    writer.line(line);
}

/// Writes `impl Trait for Type {`, broken before `for` when one line is too short.
pub(super) fn implementation(writer: &mut Writer, head: &str, of: &str) {
    let line = format!("{head} for {of} {{");
    if fits(writer, &line) {
        return writer.line(line);
    }
    writer.line(head);
    writer.indented(|writer| writer.line(format!("for {of}")));
    writer.line("{");
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

/// Writes `head type tail`, with the type on a line of its own or broken in its angle brackets when it is too wide.
pub(super) fn typed(writer: &mut Writer, head: &str, ty: &str, tail: &str) {
    let line = format!("{head} {ty}{tail}");
    if fits(writer, &line) && stays_flat(ty) {
        return writer.line(line);
    }
    if writer.column() + 4 + width(ty) + width(tail) <= WIDTH && stays_flat(ty) {
        writer.line(head);
        return writer.indented(|writer| writer.line(format!("{ty}{tail}")));
    }
    broken_type(writer, &format!("{head} "), ty, tail);
}

/// Writes `head type tail`, with the type broken in its brackets when it is too wide.
pub(super) fn broken_type(writer: &mut Writer, head: &str, ty: &str, tail: &str) {
    let line = format!("{head}{ty}{tail}");
    let Some(Brackets { open, parts, close }) = bracketed(ty).filter(|_| !fits(writer, &line) || !stays_flat(ty))
    else {
        return writer.line(line);
    };
    writer.line(format!("{head}{open}"));
    writer.indented(|writer| {
        for part in top_level(parts).into_iter().filter(|part| !part.is_empty()) {
            broken_type(writer, "", part, ",");
        }
    });
    writer.line(format!("{close}{tail}"));
}

/// A tuple, or a generic type, which is one with the tuple that is all that is in it.
struct Brackets<'a> {
    open: &'a str,
    parts: &'a str,
    close: &'a str,
}

fn bracketed(ty: &str) -> Option<Brackets<'_>> {
    if let Some(parts) = ty.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return Some(Brackets { open: "(", parts, close: ")" });
    }
    let start = ty.find('<')? + 1;
    let parts = ty[start..].strip_suffix('>')?;
    match bracketed(parts).filter(|inner| inner.open == "(" && top_level(parts).len() == 1) {
        Some(inner) => Some(Brackets { open: &ty[..=start], parts: inner.parts, close: ")>" }),
        None => Some(Brackets { open: &ty[..start], parts, close: ">" }),
    }
}

/// The parts of a list of types between the commas that are in no brackets.
fn top_level(types: &str) -> Vec<&str> {
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
