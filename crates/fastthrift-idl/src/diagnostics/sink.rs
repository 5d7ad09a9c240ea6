use fastthrift_schema::Span;

use super::{Code, Diagnostic, Severity};
use crate::Dialect;

/// How many warnings are kept; a file can be made of nothing else.
const MAX_WARNINGS: usize = 1_000;

/// Collects diagnostics, up to a limit.
#[derive(Debug)]
pub(crate) struct Sink {
    dialect: Dialect,
    max_errors: usize,
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    hidden_errors: usize,
    first_hidden: Option<Span>,
}

impl Sink {
    pub(crate) fn new(dialect: Dialect, max_errors: usize) -> Self {
        let kept = Vec::new();
        Self {
            dialect,
            max_errors: max_errors.max(1),
            kept,
            errors: 0,
            warnings: 0,
            hidden_errors: 0,
            first_hidden: None,
        }
    }

    /// Adds a diagnostic whose code decides how grave it is.
    pub(crate) fn push(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.severity = diagnostic.code.severity(self.dialect);
        self.keep(diagnostic);
    }

    /// Adds a diagnostic as a warning, because an option says so.
    pub(crate) fn push_as_warning(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.severity = Severity::Warning;
        self.keep(diagnostic);
    }

    fn keep(&mut self, diagnostic: Diagnostic) {
        match diagnostic.severity {
            Severity::Error if self.errors >= self.max_errors => {
                self.hidden_errors += 1;
                self.first_hidden.get_or_insert(diagnostic.span);
            }
            Severity::Error => {
                self.errors += 1;
                self.kept.push(diagnostic);
            }
            Severity::Warning if self.warnings >= MAX_WARNINGS => {}
            Severity::Warning => {
                self.warnings += 1;
                self.kept.push(diagnostic);
            }
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether further errors are only counted, so that no work need go into their text.
    pub(crate) fn is_full(&self) -> bool {
        self.errors >= self.max_errors
    }

    /// The diagnostics by file, line and column.
    pub(crate) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.kept.sort_by_key(|diagnostic| (diagnostic.span, diagnostic.code));
        if let Some(span) = self.first_hidden {
            let more = self.hidden_errors;
            let message = format!("{more} more error{} not shown", if more == 1 { " is" } else { "s are" });
            self.kept.push(Diagnostic::new(Code::TooManyErrors, span, message));
        }
        self.kept
    }
}
