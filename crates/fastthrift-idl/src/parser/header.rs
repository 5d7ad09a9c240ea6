use super::{Parsed, Parser};
use crate::ast::{CppInclude, Identifier, Include, Namespace};
use crate::diagnostics::{Code, Diagnostic};
use crate::token::{Keyword, TextRange, TokenKind};

impl Parser<'_> {
    pub(super) fn include(&mut self) -> Parsed<Include> {
        let start = self.bump().range;
        let path = self.text_literal("the path of the included file, a string")?;
        Ok(Include { path, range: self.since(start) })
    }

    pub(super) fn cpp_include(&mut self) -> Parsed<CppInclude> {
        let start = self.bump().range;
        let path = self.text_literal("the path of the included file, a string")?;
        Ok(CppInclude { path, range: self.since(start) })
    }

    pub(super) fn namespace(&mut self) -> Parsed<Namespace> {
        let start = self.bump().range;
        let scope = match self.eat(TokenKind::Star) {
            Some(range) => Identifier { range },
            None => self.identifier("a namespace's scope, such as `py`, or `*`")?,
        };
        let name = self.identifier("a namespace")?;
        let annotations = self.annotations()?;
        Ok(Namespace { scope, name, annotations, range: self.since(start) })
    }

    pub(super) fn check_header_position(&mut self, first_definition: Option<TextRange>) {
        let Some(definition) = first_definition else { return };
        let message = "headers after a definition are an extension that Apache's compiler refuses";
        let diagnostic = Diagnostic::new(Code::HeaderAfterDefinition, self.here().in_source(self.source), message);
        self.sink.push(diagnostic.label(definition.in_source(self.source), "the first definition"));
    }

    /// Separators between items: one a place is reported, however many stand there.
    pub(super) fn stray_separator(&mut self) {
        let separator = self.bump().range;
        let message = "a separator after a header or a block is an extension that Apache's compiler refuses";
        self.report_portability(Code::SeparatorNotAllowed, separator, message);
        while matches!(self.kind(), TokenKind::Comma | TokenKind::Semicolon) {
            self.bump();
        }
    }

    /// Whether a line begins with a word of former versions.
    pub(super) fn is_at_removed_word(&self) -> bool {
        let token = self.token();
        let is_candidate = token.kind == TokenKind::Identifier && token.starts_line;
        is_candidate && removed_word_hint(self.slice(token.range)).is_some()
    }

    /// Reports a header or definition of former versions of the IDL, if one stands here.
    pub(super) fn report_removed_word(&mut self) -> bool {
        let range = self.token().range;
        let word = self.slice(range);
        let Some(hint) = removed_word_hint(word).filter(|_| self.kind() == TokenKind::Identifier) else { return false };
        let message = format!("`{word}` is no longer part of the IDL");
        self.push(Diagnostic::new(Code::RemovedKeyword, range.in_source(self.source), message).hint(hint));
        true
    }
}

/// What to write instead of a word of former versions.
fn removed_word_hint(word: &str) -> Option<String> {
    match word {
        "senum" => Some("use `string`, or an `enum`".to_owned()),
        "slist" => Some("use `list<string>`".to_owned()),
        _ => removed_header(word).map(|scope| format!("write `{} {scope} ...`", Keyword::Namespace.text())),
    }
}

/// The scope that stands for a header of former versions.
fn removed_header(word: &str) -> Option<&'static str> {
    Some(match word {
        "cpp_namespace" => "cpp",
        "php_namespace" => "php",
        "py_module" => "py",
        "perl_package" => "perl",
        "ruby_namespace" => "rb",
        "smalltalk_category" => "st.category",
        "smalltalk_prefix" => "st.prefix",
        "java_package" => "java",
        "cocoa_prefix" | "cocoa_package" => "cocoa",
        "csharp_namespace" => "netstd",
        "delphi_namespace" => "delphi",
        "xsd_namespace" => "xsd",
        _ => return None,
    })
}
