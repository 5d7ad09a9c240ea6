//! Tokens and comments, as the lexer finds them.

use fastthrift_schema::{SourceId, Span};

/// A range of bytes in the text of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextRange {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl TextRange {
    /// The text in this range; empty when `text` is not the one that the range was made for.
    pub fn of(self, text: &str) -> &str {
        text.get(index(self.start)..index(self.end)).unwrap_or_default()
    }

    /// The smallest range that holds this one and `other`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The same range, with the file.
    pub fn in_source(self, source: SourceId) -> Span {
        Span { source, start: self.start, end: self.end }
    }
}

/// An offset as an index.
pub(crate) fn index(offset: u32) -> usize {
    usize::try_from(offset).expect("invariant: a usize has at least 32 bits")
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Whether it is the first token of its line.
    pub starts_line: bool,
    /// Where it is.
    pub range: TextRange,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A name, with dots inside or not.
    Identifier,
    /// A word of the IDL.
    Keyword(Keyword),
    /// An integer, decimal or hexadecimal, with a sign or not.
    Integer,
    /// A number with a fraction or an exponent.
    Double,
    /// A quoted string.
    String,
    /// A `+` or `-` without a number.
    Sign,
    /// `:`
    Colon,
    /// `;`
    Semicolon,
    /// `,`
    Comma,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `(`
    LeftParenthesis,
    /// `)`
    RightParenthesis,
    /// `[`
    LeftBracket,
    /// `]`
    RightBracket,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `=`
    Equals,
    /// `*`
    Star,
    /// `&`
    Ampersand,
    /// Characters that make no token; reported already.
    Unknown,
    /// The end of the file, with an empty range.
    EndOfFile,
}

macro_rules! keywords {
    ($($variant:ident $text:literal)*) => {
        /// A word of the IDL.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Keyword {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl Keyword {
            /// The keyword that is written like this.
            pub fn find(text: &str) -> Option<Self> {
                // Every keyword has 2 to 12 lower-case letters, digits and `_`; most identifiers end the search here.
                if !(2..=12).contains(&text.len()) || !text.as_bytes()[0].is_ascii_lowercase() {
                    return None;
                }
                match text {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// How it is written.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

keywords! {
    Namespace "namespace" CppInclude "cpp_include" CppType "cpp_type" XsdAll "xsd_all" XsdOptional "xsd_optional"
    XsdNillable "xsd_nillable" XsdAttrs "xsd_attrs" Include "include" Void "void" Bool "bool" Byte "byte" I8 "i8" I16 "i16"
    I32 "i32" I64 "i64" Double "double" String "string" Binary "binary" Uuid "uuid" Map "map" List "list" Set "set"
    Oneway "oneway" Async "async" Typedef "typedef" Struct "struct" Union "union" Exception "exception" Extends "extends"
    Throws "throws" Service "service" Enum "enum" Const "const" Required "required" Optional "optional" True "true" False "false"
}

/// A comment, kept for documentation, formatter and lints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment {
    /// How it is written.
    pub kind: CommentKind,
    /// Where it is, with its marks and without the line break after it.
    pub range: TextRange,
    /// The index of the token that follows it.
    pub next_token: usize,
}

/// How a comment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentKind {
    /// `// text` or `# text`
    Line,
    /// `/* text */`, also when nothing but stars is inside
    Block,
    /// `/** text */`: documents what follows.
    Doc,
}
