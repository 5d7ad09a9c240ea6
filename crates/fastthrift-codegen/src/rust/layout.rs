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

/// Writes `head(parameters)tail`, with a line each for the parameters when one line is too short.
pub(super) fn signature(writer: &mut Writer, head: &str, parameters: &[String], tail: &str) {
    let line = format!("{head}({}){tail}", parameters.join(", "));
    if writer.column() + width(&line) <= WIDTH || parameters.is_empty() {
        return writer.line(line);
    }
    writer.line(format!("{head}("));
    writer.indented(|writer| parameters.iter().for_each(|parameter| writer.line(format!("{parameter},"))));
    writer.line(format!("){tail}"));
}

/// Writes `impl Trait for Type {`, broken before `for` when one line is too short.
pub(super) fn implementation(writer: &mut Writer, head: &str, of: &str) {
    let line = format!("{head} for {of} {{");
    if writer.column() + width(&line) <= WIDTH {
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
    if width(&joined) <= LIST_WIDTH && writer.column() + width(&line) <= WIDTH {
        return writer.line(line);
    }
    writer.line(format!("{head}("));
    writer.indented(|writer| arguments.iter().for_each(|argument| writer.line(format!("{argument},"))));
    writer.line(format!("){tail}"));
}

/// Writes `head type tail`, with the type on a line of its own or broken in its angle brackets when it is too wide.
pub(super) fn typed(writer: &mut Writer, head: &str, ty: &str, tail: &str) {
    let line = format!("{head} {ty}{tail}");
    if writer.column() + width(&line) <= WIDTH {
        return writer.line(line);
    }
    if writer.column() + 4 + width(ty) + width(tail) <= WIDTH {
        writer.line(head);
        return writer.indented(|writer| writer.line(format!("{ty}{tail}")));
    }
    broken_type(writer, &format!("{head} "), ty, tail);
}

/// Writes `head type tail`, with the type broken in its brackets when it is too wide.
pub(super) fn broken_type(writer: &mut Writer, head: &str, ty: &str, tail: &str) {
    let line = format!("{head}{ty}{tail}");
    let Some((open, arguments, close)) = bracketed(ty).filter(|_| writer.column() + width(&line) > WIDTH) else {
        return writer.line(line);
    };
    writer.line(format!("{head}{open}"));
    writer.indented(|writer| {
        for argument in top_level(arguments).into_iter().filter(|argument| !argument.is_empty()) {
            broken_type(writer, "", argument, ",");
        }
    });
    writer.line(format!("{close}{tail}"));
}

/// A tuple, or a generic type: what opens its parts, the parts, and what closes them.
fn bracketed(ty: &str) -> Option<(&str, &str, &str)> {
    if let Some(parts) = ty.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return Some(("(", parts, ")"));
    }
    let start = ty.find('<')? + 1;
    Some((&ty[..start], ty[start..].strip_suffix('>')?, ">"))
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
