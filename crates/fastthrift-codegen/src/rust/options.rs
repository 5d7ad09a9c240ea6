use std::collections::BTreeSet;

/// How Rust is generated. What an annotation says about one definition wins over this.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// What maps are. Default: [`Maps::BTree`].
    pub maps: Maps,
    /// What sets are. Default: [`Sets::BTree`].
    pub sets: Sets,
    /// How text and bytes are held. Default: [`Texts::Owned`].
    pub texts: Texts,
    /// What a field that is neither `required` nor `optional` is. Default: [`Unmarked::Value`].
    pub unmarked: Unmarked,
    /// Which typedefs are types of their own instead of other names. Default: [`Newtypes::Annotated`].
    pub newtypes: Newtypes,
    /// Whether structs keep the fields that their IDL does not know, and write them again. Default: no.
    pub keep_unknown_fields: bool,
    /// Whether unions keep a member that their IDL does not know, and write it again. Default: no.
    pub keep_unknown_members: bool,
    /// What is generated for services. Default: all but clients that block.
    pub services: Services,
    /// Whether the code does without `std`: constants that need memory are functions, and names of `alloc` are spelt out. Default: no.
    pub no_std: bool,
    /// Traits to derive on every type, such as `serde::Serialize`. Default: none.
    pub derives: BTreeSet<String>,
    /// The path of the runtime crate. Default: `::fastthrift`.
    pub runtime: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            maps: Maps::default(),
            sets: Sets::default(),
            texts: Texts::default(),
            unmarked: Unmarked::default(),
            newtypes: Newtypes::default(),
            keep_unknown_fields: false,
            keep_unknown_members: false,
            services: Services::default(),
            no_std: false,
            derives: BTreeSet::new(),
            runtime: "::fastthrift".to_owned(),
        }
    }
}

/// What a map is in Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Maps {
    /// `BTreeMap`: in the order of its keys.
    #[default]
    BTree,
    /// `HashMap`.
    Hash,
    /// `Vec<(K, V)>`: in the order of the wire, with what comes twice twice. The fastest to read. A map whose keys have no order, such
    /// as `double`, is always one.
    Pairs,
}

/// What a set is in Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Sets {
    /// `BTreeSet`: in order.
    #[default]
    BTree,
    /// `HashSet`.
    Hash,
    /// A list that travels as a set, in the order of the wire, with what comes twice twice. A set whose elements have no order, such as
    /// `double`, is always one.
    List,
}

/// How `string` and `binary` are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Texts {
    /// `String` and `Vec<u8>`.
    #[default]
    Owned,
    /// `fastthrift::Text` and `bytes::Bytes`, which share the memory of what they were read from and cost nothing to clone. Needs the
    /// feature `bytes` of the runtime crate.
    Shared,
    /// `&'de str` and `&'de [u8]`: types that hold any have a lifetime. Nothing is generated for functions of services that use such types.
    Borrowed,
}

/// What a field is that is neither `required` nor `optional`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Unmarked {
    /// Its type: always written, and its default when it did not come.
    #[default]
    Value,
    /// An `Option`: written when it is there, so that what did not come is not sent on.
    Option,
}

/// Which typedefs become types of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Newtypes {
    /// Those that say so: `typedef i64 UserId (rust.newtype)`.
    #[default]
    Annotated,
    /// All but those that say `rust.newtype = "false"`.
    All,
}

/// What is generated for services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Services {
    /// The trait of handlers, and the server that dispatches to one.
    pub servers: bool,
    /// Clients that are awaited.
    pub clients: bool,
    /// Clients that block, for programs without tokio. Needs the feature `blocking` of the runtime crate.
    pub blocking: bool,
}

impl Default for Services {
    fn default() -> Self {
        Self { servers: true, clients: true, blocking: false }
    }
}

impl Services {
    /// Nothing: types and constants alone.
    pub const NONE: Self = Self { servers: false, clients: false, blocking: false };
    /// Clients that block, and nothing that needs tokio.
    pub const BLOCKING: Self = Self { servers: false, clients: false, blocking: true };

    pub(super) fn is_none(self) -> bool {
        self == Self::NONE
    }
}
