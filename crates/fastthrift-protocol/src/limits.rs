/// The bounds that a reader enforces before it does what a peer asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message, and of one frame. Default 104 857 600 (100 MiB).
    pub message: usize,
    /// Bytes of one string or binary. Default 104 857 600.
    pub string: usize,
    /// Elements of one list, set or map. Default 16 777 216.
    pub container: usize,
    /// How deep structs and containers may nest. Default 64; more than [`Limits::MAX_DEPTH`] counts as that.
    pub depth: u32,
    /// Bytes of memory that the values built of one message may take, as the builder reckons them: one byte of a message can stand
    /// for a struct of many fields. Readers here build nothing, so it is for those who do. Default 2 147 483 648 (2 GiB).
    pub memory: usize,
}

impl Limits {
    /// The deepest nesting that any setting allows, so that a recursive walk stays within a thread's stack.
    pub const MAX_DEPTH: u32 = 512;

    /// The defaults, each given with its field.
    pub const DEFAULT: Self =
        Self { message: 100 << 20, string: 100 << 20, container: 16 << 20, depth: 64, memory: 2 << 30 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
