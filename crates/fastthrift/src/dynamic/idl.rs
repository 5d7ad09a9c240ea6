use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use fastthrift_dynamic::Plans;
use fastthrift_idl::fs::FileLoader;
use fastthrift_idl::{Diagnostic, Dialect, Failure, Loader, MemoryLoader, Options, Outcome, compile_all};
use fastthrift_schema::{Arena, Definition, Program, ProgramId, Schema, Source, StructId};

use super::build::ValueBuilder;
use super::error::UnknownName;
use super::{Enum, Service, Struct, Value};

/// What `.thrift` files say. Clones share it.
///
/// Names are those of the file that was loaded, and with the prefix of a file those of all files that it includes, directly or not:
/// `"Calculator"`, `"shared.Point"`.
#[derive(Clone)]
pub struct Idl(Arc<Inner>);

struct Inner {
    plans: Plans,
    roots: usize,
    /// The default values of each struct's fields, made when they are first asked for.
    defaults: Box<[OnceLock<Defaults>]>,
    warnings: Vec<Diagnostic>,
}

/// The default values of a struct's fields.
type Defaults = Box<[Option<Value>]>;

/// How IDL is loaded.
///
/// ```no_run
/// use fastthrift::dynamic::{Dialect, Idl};
///
/// let idl = Idl::builder().include_dir("idl/shared").dialect(Dialect::Apache).load("idl/calculator.thrift")?;
/// # Ok::<(), fastthrift::dynamic::IdlError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct IdlBuilder {
    include_dirs: Vec<PathBuf>,
    options: Options,
}

impl Idl {
    /// Loads a file and all that it includes. Includes are looked for beside the including file.
    ///
    /// # Errors
    /// All that is wrong with the files at once, or that the first one cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Failure> {
        Self::builder().load(path)
    }

    /// How to load, when it is to be said: folders of includes, the dialect, files from elsewhere.
    pub fn builder() -> IdlBuilder {
        IdlBuilder::default()
    }

    fn new(outcome: Outcome, roots: usize) -> Self {
        let Outcome { schema, warnings } = outcome;
        let defaults = schema.structs().iter().map(|_| OnceLock::new()).collect();
        Self(Arc::new(Inner { plans: Plans::new(schema), roots, defaults, warnings }))
    }

    pub(super) fn schema(&self) -> &Arc<Schema> {
        self.0.plans.schema()
    }

    pub(super) fn plans(&self) -> &Plans {
        &self.0.plans
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The default value of the field at this place of the IDL's order, with structs and enums in it that know no type: they
    /// would keep this alive for ever.
    pub(super) fn default_of(&self, id: StructId, place: usize) -> Option<&Value> {
        let schema = self.schema();
        let defaults = self.0.defaults[id.index()].get_or_init(|| {
            let fields = schema.structure(id).fields.iter();
            fields.map(|field| Some(super::build::loose(schema, field.default.as_ref()?))).collect()
        });
        defaults[place].as_ref()
    }

    /// What somebody should look at in the files.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.0.warnings
    }

    /// The files, to which diagnostics point.
    pub fn sources(&self) -> &Arena<Source> {
        self.schema().sources()
    }

    /// A service.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn service(&self, name: &str) -> Result<Service, UnknownName> {
        self.find("service", name, |idl, definition| match definition {
            Definition::Service(id) => Some(Service::new(idl, id)),
            _ => None,
        })
    }

    /// A struct, union or exception; a typedef of one stands for it.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn structure(&self, name: &str) -> Result<Struct, UnknownName> {
        self.find("struct", name, |idl, definition| match definition {
            Definition::Struct(id) => Some(Struct::new(idl.clone(), id)),
            Definition::Typedef(id) => match idl.schema().resolve(idl.schema().typedef(id).target) {
                fastthrift_schema::TypeKind::Struct(id) => Some(Struct::new(idl.clone(), id)),
                _ => None,
            },
            _ => None,
        })
    }

    /// An enum.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn enumeration(&self, name: &str) -> Result<Enum, UnknownName> {
        self.find("enum", name, |idl, definition| match definition {
            Definition::Enum(id) => Some(Enum::new(idl.clone(), id)),
            _ => None,
        })
    }

    /// The value of a constant.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn constant(&self, name: &str) -> Result<Value, UnknownName> {
        self.find("constant", name, |idl, definition| match definition {
            Definition::Constant(id) => Some(ValueBuilder::constant(idl, &idl.schema().constant(id).value)),
            _ => None,
        })
    }

    /// The services of the files that were loaded, without those that these include.
    pub fn services(&self) -> impl Iterator<Item = Service> {
        self.definitions().filter_map(|definition| match definition {
            Definition::Service(id) => Some(Service::new(self, id)),
            _ => None,
        })
    }

    /// The structs, unions and exceptions of the files that were loaded, without those that these include.
    pub fn structs(&self) -> impl Iterator<Item = Struct> {
        self.definitions().filter_map(|definition| match definition {
            Definition::Struct(id) => Some(Struct::new(self.clone(), id)),
            _ => None,
        })
    }

    /// The enums of the files that were loaded, without those that these include.
    pub fn enums(&self) -> impl Iterator<Item = Enum> {
        self.definitions().filter_map(|definition| match definition {
            Definition::Enum(id) => Some(Enum::new(self.clone(), id)),
            _ => None,
        })
    }

    /// Names and values of the constants of the files that were loaded, without those that these include.
    pub fn constants(&self) -> impl Iterator<Item = (&str, Value)> {
        self.definitions().filter_map(|definition| match definition {
            Definition::Constant(id) => {
                let constant = self.schema().constant(id);
                Some((&*constant.name, ValueBuilder::constant(self, &constant.value)))
            }
            _ => None,
        })
    }

    fn definitions(&self) -> impl Iterator<Item = Definition> {
        let roots = self.schema().programs().iter().take(self.0.roots);
        roots.flat_map(|program| program.definitions.iter().map(|(_, definition)| *definition))
    }

    fn find<T>(
        &self,
        what: &'static str,
        name: &str,
        pick: impl Fn(&Self, Definition) -> Option<T>,
    ) -> Result<T, UnknownName> {
        let found = self.named(name).find_map(|definition| pick(self, definition));
        found.ok_or_else(|| {
            let roots = self.schema().programs().iter().take(self.0.roots);
            let of = roots.clone().next().map_or("", |program| &program.name);
            let known = roots.flat_map(|program| &program.definitions);
            let known = known.filter(|(_, definition)| pick(self, *definition).is_some()).map(|(name, _)| &**name);
            UnknownName::new(what, of, name, known)
        })
    }

    /// What a name stands for in the files that were loaded, or, where it has a prefix, in any file of that name.
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Definition> + 'a {
        let schema = self.schema();
        let roots = (0..self.0.roots).map(move |place| (ProgramId::new(place), name));
        let others = schema.programs().ids().filter_map(move |id| {
            let rest = name.strip_prefix(&*schema.program(id).name)?.strip_prefix('.')?;
            Some((id, rest))
        });
        roots.chain(others).filter_map(move |(id, name)| definition(schema.program(id), name))
    }
}

fn definition(program: &Program, name: &str) -> Option<Definition> {
    program.definitions.iter().find(|(known, _)| &**known == name).map(|(_, definition)| *definition)
}

/// Reads IDL that includes no other: `"struct Point { 1: i32 x }".parse::<Idl>()`.
impl FromStr for Idl {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        Self::builder().parse(text)
    }
}

impl std::fmt::Debug for Idl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let files = self.schema().sources().iter().map(|source| &*source.name);
        f.debug_tuple("Idl").field(&files.collect::<Vec<_>>()).finish()
    }
}

impl IdlBuilder {
    /// One more folder in which includes are looked for, after that of the including file.
    pub fn include_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.include_dirs.push(path.into());
        self
    }

    /// Which grammar is accepted. Default: Apache's and more, with a warning for what is more.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.options.dialect = dialect;
        self
    }

    /// Takes an include that is not found for a warning instead of an error.
    pub fn allow_missing_includes(mut self) -> Self {
        self.options.allow_missing_includes = true;
        self
    }

    /// The size in bytes above which a file is refused. Default 64 MiB.
    pub fn max_file_size(mut self, bytes: usize) -> Self {
        self.options.max_file_size = bytes;
        self
    }

    /// Loads a file and all that it includes.
    ///
    /// # Errors
    /// All that is wrong with the files at once, or that the first one cannot be read.
    pub fn load(self, path: impl AsRef<Path>) -> Result<Idl, Failure> {
        self.load_all(&[path])
    }

    /// Loads several files and all that they include, each once. Where files have the same name for something, that of the first
    /// file is meant.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_all<P: AsRef<Path>>(self, paths: &[P]) -> Result<Idl, Failure> {
        let loader = FileLoader::new(self.include_dirs.iter());
        self.load_from(&loader, paths)
    }

    /// Loads files that this loader finds: from memory ([`MemoryLoader`]), an archive, a registry of schemas. Folders of includes
    /// are the loader's own business.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_from<P: AsRef<Path>>(self, loader: &dyn Loader, paths: &[P]) -> Result<Idl, Failure> {
        let outcome = compile_all(loader, paths, &self.options)?;
        let roots = paths.iter().filter_map(|path| loader.resolve(path.as_ref(), None).ok());
        let roots: HashSet<_> = roots.map(|name| name.identity).collect();
        Ok(Idl::new(outcome, roots.len()))
    }

    /// Reads IDL that includes no other.
    ///
    /// # Errors
    /// All that is wrong with it at once.
    pub fn parse(self, text: &str) -> Result<Idl, Failure> {
        let name = "text.thrift";
        self.load_from(&MemoryLoader::new().with_file(name, text), &[name])
    }
}
