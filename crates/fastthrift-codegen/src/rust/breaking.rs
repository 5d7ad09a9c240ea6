//! Expressions and types as rustfmt breaks them: what it does with lists in brackets, whatever the brackets.

use super::layout::{LIST_WIDTH, SHORT, STRUCT_WIDTH, WIDTH, top_level, width};

/// One step of indentation.
const STEP: usize = 4;

/// Code that can be broken.
#[derive(Debug, Clone)]
pub(super) enum Code {
    /// What is not broken.
    Atom(String),
    /// What stands in between, and is broken by itself: `&type`, `&[type]`, `&[values]`.
    Between(&'static str, Box<Code>, &'static str),
    /// A call, a macro, an array, a tuple, a generic type.
    List(List),
    /// `<type as Trait>::ITEM`
    Qualified(Box<[Code; 2]>, &'static str),
    /// `Path { fields }`, with what gives the other fields, if anything.
    Struct(String, Vec<(String, Code)>, Option<&'static str>),
}

/// Code in brackets, with commas between.
#[derive(Debug, Clone)]
pub(super) struct List {
    kind: Kind,
    /// What stands before the brackets.
    head: String,
    items: Vec<Code>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Call,
    Macro,
    Array,
    Tuple,
    TupleType,
    /// The only field of a variant or struct.
    Field,
    Generic,
}

impl Kind {
    fn brackets(self) -> (&'static str, &'static str) {
        match self {
            Self::Call | Self::Tuple | Self::TupleType | Self::Field => ("(", ")"),
            Self::Macro | Self::Array => ("[", "]"),
            Self::Generic => ("<", ">"),
        }
    }

    /// How wide the items may be on one line.
    fn limit(self) -> usize {
        if self == Self::Generic { WIDTH } else { LIST_WIDTH }
    }

    fn is_type(self) -> bool {
        matches!(self, Self::Generic | Self::TupleType | Self::Field)
    }
}

impl Code {
    fn list(kind: Kind, head: impl Into<String>, items: Vec<Self>) -> Self {
        Self::List(List { kind, head: head.into(), items })
    }

    /// `function(arguments)`
    pub(super) fn call(function: &str, arguments: Vec<Self>) -> Self {
        Self::list(Kind::Call, function, arguments)
    }

    /// `(a, b)`
    pub(super) fn tuple(items: Vec<Self>) -> Self {
        Self::list(Kind::Tuple, "", items)
    }

    /// `vec![items]`, `&[items]` or `[items]`, by what stands before the items.
    pub(super) fn items(open: &str, items: Vec<Self>) -> Self {
        match open {
            "vec![" => Self::list(Kind::Macro, "vec!", items),
            "&[" => Self::Between("&", Box::new(Self::list(Kind::Array, "", items)), ""),
            _ => Self::list(Kind::Array, "", items),
        }
    }

    /// An expression that is not broken, but for a call without arguments.
    pub(super) fn atom(text: &str) -> Self {
        match text.strip_suffix("()").filter(|function| !function.contains(['.', '"', '('])) {
            Some(function) => Self::call(function, Vec::new()),
            None => Self::Atom(text.to_owned()),
        }
    }

    /// `Name(type)`, of which `visibility` stands before the type.
    pub(super) fn field(name: &str, visibility: &'static str, ty: &str) -> Self {
        Self::list(Kind::Field, name, vec![Self::Between(visibility, Box::new(Self::ty(ty)), "")])
    }

    /// `<type as Trait>::ITEM`
    pub(super) fn qualified(ty: &str, of_trait: &str, item: &'static str) -> Self {
        Self::Qualified(Box::new([Self::ty(ty), Self::ty(of_trait)]), item)
    }

    /// A type.
    pub(super) fn ty(text: &str) -> Self {
        let parts = |text| top_level(text).into_iter().filter(|part| !part.is_empty()).map(Self::ty).collect();
        let between = |open: &str, close: &str| text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        if let Some(types) = between("(", ")").filter(|types| !types.is_empty()) {
            return Self::list(Kind::TupleType, "", parts(types));
        }
        if let Some(element) = between("&[", "]") {
            return Self::Between("&[", Box::new(Self::ty(element)), "]");
        }
        if let Some(target) = between("&", "").filter(|target| !target.starts_with('\'')) {
            return Self::Between("&", Box::new(Self::ty(target)), "");
        }
        match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
            Some((head, types)) if !head.is_empty() => Self::list(Kind::Generic, head, parts(types)),
            _ => Self::Atom(text.to_owned()),
        }
    }

    /// The code in so many columns after an indentation, with that before each line but the first; none where it does not fit.
    pub(super) fn lines(&self, indent: usize, room: usize) -> Option<String> {
        match self {
            Self::Atom(text) if width(text) <= room || text.starts_with('"') => Some(text.clone()),
            Self::Atom(text) => {
                let (receiver, method) = text.strip_suffix("()")?.rsplit_once('.')?;
                (width(receiver) <= room).then(|| format!("{receiver}{}.{method}()", line_break(indent + STEP)))
            }
            Self::Between(open, inner, close) => {
                let room = room.checked_sub(width(open) + width(close))?;
                let inner = inner.lines(indent, room)?;
                // rustfmt writes another space here.
                let space = if *open == "pub " && inner.contains('\n') { " " } else { "" };
                Some(format!("{open}{space}{inner}{close}"))
            }
            Self::List(list) => list.lines(indent, room),
            Self::Qualified(parts, item) => {
                let [ty, of_trait] = &**parts;
                let mut text = format!("<{} as ", ty.lines(indent, room.checked_sub(1)?)?);
                let left = |text: &str| room.checked_sub(last_width(text, indent));
                text += &of_trait.lines(indent, left(&text)?.checked_sub(3)?)?;
                text += ">::";
                left(&text).is_some_and(|left| width(item) <= left).then(|| text + item)
            }
            Self::Struct(path, fields, base) => structure(path, fields, *base, indent, room),
        }
    }

    /// Whether it may begin on the line of the brackets that it is alone in, and end on that of the other.
    fn overflows(&self) -> bool {
        match self {
            Self::Atom(_) | Self::Qualified(..) => false,
            Self::Between(_, inner, close) => close.is_empty() && inner.overflows(),
            // Types do in other types as tuples alone, and there are no calls among them.
            Self::List(list) => list.kind != Kind::Generic,
            Self::Struct(..) => true,
        }
    }

    fn is_call(&self) -> bool {
        matches!(self, Self::List(list) if matches!(list.kind, Kind::Call | Kind::Macro))
    }

    fn is_short(&self) -> bool {
        matches!(self, Self::Atom(text) if width(text) <= SHORT && !text.contains(['(', ':']))
    }
}

impl List {
    fn lines(&self, indent: usize, room: usize) -> Option<String> {
        let inside = room.checked_sub(width(&self.head))?;
        let (open, close) = self.kind.brackets();
        let (is_flat, items) = self.arranged(indent, inside.saturating_sub(2))?;
        let first = items.lines().next().map_or(1, width);
        if is_flat && first < inside {
            return Some(format!("{}{open}{items}{close}", self.head));
        }
        let (start, end) = (line_break(indent + STEP), line_break(indent));
        let start = if items.is_empty() { "" } else { &start };
        Some(format!("{}{open}{start}{items}{end}{close}", self.head))
    }

    /// The items, and whether they begin on the line of the bracket, where there are so many columns for them.
    fn arranged(&self, indent: usize, room: usize) -> Option<(bool, String)> {
        let below = WIDTH.saturating_sub(indent + STEP + 1);
        let limit = room.min(self.kind.limit());
        if let [only] = &*self.items {
            let flat = only.lines(indent + STEP, below).filter(|text| !text.contains('\n'));
            if let Some(text) = self.overflowing(only, indent, room)
                && text.lines().next().is_some_and(|first| width(first) <= limit)
            {
                let text = if text.matches('\n').count() == 1 { flat.unwrap_or(text) } else { text };
                return Some((true, text + self.comma()));
            }
            if let Some(text) = flat.filter(|text| room > 0 && width(text) <= room) {
                return Some((true, text + self.comma()));
            }
        }
        let items: Vec<String> =
            self.items.iter().map(|item| item.lines(indent + STEP, below)).collect::<Option<_>>()?;
        let joined = items.join(", ");
        if width(&joined) <= limit && !joined.contains('\n') {
            return Some((true, joined));
        }
        if self.items.iter().all(Code::is_short) && !self.kind.is_type() {
            return Some((false, filled(&items, indent + STEP)));
        }
        Some((false, items.join(&format!(",{}", line_break(indent + STEP))) + ","))
    }

    /// The only item, where it may be broken between the brackets. Calls in calls are kept narrow.
    fn overflowing(&self, only: &Code, indent: usize, room: usize) -> Option<String> {
        if self.kind == Kind::Field || !(self.joins_head() || only.overflows()) {
            return None;
        }
        only.lines(indent, if only.is_call() { room.min(self.kind.limit()) } else { room })
    }

    /// Whether the only item overflows whatever it is, since so little stands before it.
    fn joins_head(&self) -> bool {
        !self.kind.is_type() && width(&self.head) < STEP
    }

    /// What is after the only item of a tuple.
    fn comma(&self) -> &'static str {
        if matches!(self.kind, Kind::Tuple | Kind::TupleType) { "," } else { "" }
    }
}

fn structure(path: &str, fields: &[(String, Code)], base: Option<&str>, indent: usize, room: usize) -> Option<String> {
    let inside = room.checked_sub(width(path) + 2)?;
    if fields.is_empty() && base.is_none() {
        return Some(format!("{path} {{}}"));
    }
    let column = indent + STEP;
    let mut parts = Vec::new();
    for (name, value) in fields {
        let beside = WIDTH.checked_sub(column + 1 + width(name) + 2).and_then(|room| value.lines(column, room));
        parts.push(if let Some(value) = beside {
            format!("{name}: {value}")
        } else {
            let value = value.lines(column + STEP, WIDTH.checked_sub(column + STEP)?)?;
            format!("{name}:{}{value}", line_break(column + STEP))
        });
    }
    parts.extend(base.map(str::to_owned));
    let joined = parts.join(", ");
    if inside.checked_sub(3).is_some_and(|room| width(&joined) <= room.min(STRUCT_WIDTH)) && !joined.contains('\n') {
        return Some(format!("{path} {{ {joined} }}"));
    }
    let (start, end) = (line_break(column), line_break(indent));
    let comma = if base.is_none() { "," } else { "" };
    Some(format!("{path} {{{start}{}{comma}{end}}}", parts.join(&format!(",{start}"))))
}

/// Items with a comma after each, as many a line as there is room for.
pub(super) fn filled(items: &[String], indent: usize) -> String {
    let (mut text, mut column) = (String::new(), indent);
    for item in items {
        if text.is_empty() {
        } else if column + width(item) + 2 > WIDTH {
            text.push_str(&line_break(indent));
            column = indent;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(item);
        text.push(',');
        column += width(item) + 1;
    }
    text
}

/// How many columns the last line takes, from the indentation on if it is not the first.
pub(super) fn last_width(text: &str, indent: usize) -> usize {
    text.rsplit_once('\n').map_or_else(|| width(text), |(_, last)| width(last).saturating_sub(indent))
}

fn line_break(indent: usize) -> String {
    format!("\n{:indent$}", "")
}

/// What comes after `=`, with the space or the line before it: on the next line where that keeps it whole, or in fewer lines.
pub(super) fn assigned(code: &Code, indent: usize, head: usize, tail: usize) -> Option<String> {
    let room = WIDTH.saturating_sub(indent + head + 1 + tail);
    let beside = code.lines(indent, room);
    if let Some(text) = beside.as_ref().filter(|text| !text.contains('\n') && width(text) <= room) {
        return Some(format!(" {text}"));
    }
    let room = WIDTH.saturating_sub(indent + STEP + tail);
    let below = code.lines(indent + STEP, room);
    let (beside, below) = match (beside, below) {
        (Some(beside), Some(below)) => (beside, below),
        (Some(beside), None) => return Some(format!(" {beside}")),
        (None, below) => return below.map(|below| format!("{}{below}", line_break(indent + STEP))),
    };
    let fits = below.lines().next().is_none_or(|line| width(line) <= room);
    Some(if is_better(&below, &beside) && fits {
        format!("{}{below}", line_break(indent + STEP))
    } else {
        format!(" {beside}")
    })
}

/// The body of an arm of a `match`, of which so much stands before it and a comma after it: in a block where that keeps it whole, or
/// in fewer lines.
pub(super) fn arm(code: &Code, indent: usize, head: usize) -> Option<String> {
    let room = WIDTH.saturating_sub(indent + head + 1);
    let beside = code.lines(indent, room);
    if let Some(text) = beside.as_ref().filter(|text| !text.contains('\n') && width(text) <= room) {
        return Some(format!("{text},"));
    }
    let below = code.lines(indent + STEP, WIDTH.saturating_sub(indent + STEP));
    match (beside, below) {
        (Some(beside), Some(below)) if !is_better(&below, &beside) => Some(format!("{beside},")),
        (_, Some(below)) => Some(format!("{{{}{below}{}}}", line_break(indent + STEP), line_break(indent))),
        (beside, None) => beside.map(|beside| format!("{beside},")),
    }
}

/// Whether code on the next line is better than beside what is before it.
fn is_better(below: &str, beside: &str) -> bool {
    let ends = |text: &str, end: char| text.lines().next().is_some_and(|line| line.ends_with(end));
    let count = |text: &str| text.matches('\n').count();
    !below.contains('\n')
        || count(beside) > count(below) + 1
        || ['(', '{', '['].into_iter().any(|open| ends(beside, open) && !ends(below, open))
}
