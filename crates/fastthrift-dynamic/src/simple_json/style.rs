use fastthrift_protocol::Sink;

/// Choices in how JSON is written. Whatever they are, it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonStyle {
    /// How values of enums are written.
    pub enums: EnumStyle,
    /// How booleans are written.
    pub bools: BoolStyle,
    /// By how many spaces each level is indented, on lines of its own; `None` writes everything without any whitespace.
    pub indent: Option<u8>,
}

/// How values of enums are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnumStyle {
    /// As its name; as its number when it has none.
    Name,
    /// As its number.
    Number,
}

/// How booleans are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoolStyle {
    /// As `true` and `false`.
    Word,
    /// As `1` and `0`.
    Number,
}

impl JsonStyle {
    /// The `SimpleJSON` protocol: numbers for enums and booleans, no whitespace.
    pub const SIMPLE_JSON: Self = Self { enums: EnumStyle::Number, bools: BoolStyle::Number, indent: None };
    /// What people expect: names for enums, words for booleans.
    pub const READABLE: Self = Self { enums: EnumStyle::Name, bools: BoolStyle::Word, indent: None };

    /// Starts an item behind so many open brackets, behind a comma unless it is the first one.
    #[inline]
    pub(super) fn item(self, out: &mut impl Sink, is_first: bool, level: u32) {
        if !is_first {
            out.put([b',']);
        }
        self.line(out, level);
    }

    /// Ends an object or array behind so many open brackets that stay open.
    #[inline]
    pub(super) fn close(self, out: &mut impl Sink, bracket: u8, is_empty: bool, level: u32) {
        if !is_empty {
            self.line(out, level);
        }
        out.put([bracket]);
    }

    /// Writes what separates a key from its value.
    #[inline]
    pub(super) fn colon(self, out: &mut impl Sink) {
        match self.indent {
            None => out.put([b':']),
            Some(_) => out.put([b':', b' ']),
        }
    }

    #[inline]
    fn line(self, out: &mut impl Sink, level: u32) {
        if let Some(indent) = self.indent {
            out.put([b'\n']);
            for _ in 0..level.saturating_mul(indent.into()) {
                out.put([b' ']);
            }
        }
    }
}
