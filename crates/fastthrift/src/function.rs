use std::borrow::Cow;

use fastthrift_rpc::CallKind;

/// One function of a service, as the generated code of its clients describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    name: Cow<'static, str>,
    kind: CallKind,
    is_idempotent: bool,
}

impl Function {
    /// A function that is answered.
    pub const fn new(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), kind: CallKind::Call, is_idempotent: false }
    }

    /// A function that is not answered.
    pub const fn oneway(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), kind: CallKind::Oneway, is_idempotent: false }
    }

    /// A function whose name is known when the program runs.
    pub fn named(name: impl Into<Cow<'static, str>>, kind: CallKind) -> Self {
        Self { name: name.into(), kind, is_idempotent: false }
    }

    /// The same, marked as one that may be carried out more than once, so that a failed call may be made again.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self
    }

    /// The name under which it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is answered.
    pub const fn kind(&self) -> CallKind {
        self.kind
    }

    /// Whether it may be carried out more than once.
    pub const fn is_idempotent(&self) -> bool {
        self.is_idempotent
    }
}
