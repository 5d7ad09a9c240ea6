//! Python: packages of modules, stubs, and what IDL names and types are called there.
//!
//! A generated module holds readable declarations, of which the native module makes the classes that loading the file would make. A
//! stub says to type checkers what these classes are.

pub mod docs;
pub mod names;

mod annotations;
mod clash;
mod imports;
#[cfg_attr(
    not(feature = "write"),
    allow(dead_code, reason = "what is on a disk is read where something is written to it")
)]
pub(crate) mod index;
mod layout;
mod literal;
mod module;
mod stub;
mod wire;

use std::collections::BTreeMap;

use fastthrift_schema::{Include, Schema};

use self::names::python_name;
use crate::Files;

pub use annotations::Annotations;
pub use clash::{Clash, Clashes};
pub use layout::live_module_names;

/// The package of a schema: a module and its stub for each file, the packages that they lie in, and `py.typed`.
///
/// What a file declares lies in the package that its `py` namespace names, or that is called as the file where it has none: in a module
/// of the file's name and an underscore before it, which the package hands on. So `orders.thrift` of the namespace `shop` is
/// `shop/_orders.py`, and `shop/__init__.py` has its names and those of the namespace's other files; [`write`](crate::write()) keeps
/// those of earlier runs there. With a `prefix`, such as `myapp.idl`, all lie in that package. A file with an empty text only has to be
/// there: whoever writes files leaves one of that name as it is.
///
/// # Errors
/// Something would have the name of something else.
pub fn package(schema: &Schema, prefix: Option<&str>) -> Result<Files, Clashes> {
    let modules = layout::package_modules(schema, prefix);
    clash::check(schema, &modules)?;
    let mut files = layout::package_files(&modules);
    let names: Vec<Known> = modules.iter().map(Known::generated).collect();
    let mut indexes: BTreeMap<&str, index::Index> = BTreeMap::new();
    for (program, module) in schema.programs().ids().zip(&modules) {
        let path = module.path();
        files.add(format!("{path}.py"), module::text(schema, program, &names));
        let stub = stub::text(schema, program, &names, &module::included(schema, program, &names));
        files.add(format!("{path}.pyi"), stub.source);
        indexes.entry(&module.package).or_default().add(&module.file, &stub.declared, &stub.included);
    }
    for (package, index) in indexes {
        let path = package.replace('.', "/");
        files.add(format!("{path}/__init__.py"), index.module());
        files.add(format!("{path}/__init__.pyi"), index.stub());
    }
    Ok(files)
}

/// Stubs for the modules that loading makes of a schema's files at run time, `<file>_thrift.pyi` each.
///
/// # Errors
/// Two files would have the same stub.
pub fn stubs(schema: &Schema) -> Result<Files, Clashes> {
    clash::check_stubs(schema)?;
    let names: Vec<Known> = live_module_names(schema, None).iter().map(|name| Known::live(name)).collect();
    let mut files = Files::new();
    for (program, name) in schema.programs().ids().zip(&names) {
        let attribute = |include: &Include| (include.program, python_name(&include.prefix));
        let included: Vec<_> = schema.program(program).includes.iter().map(attribute).collect();
        files.add(format!("{}.pyi", name.name), stub::text(schema, program, &names, &included).source);
    }
    Ok(files)
}

/// A module as others import it.
struct Known {
    /// Its whole name.
    name: String,
    /// What others call it, if that name is free.
    short: String,
}

impl Known {
    fn generated(module: &layout::Module) -> Self {
        Self { name: module.name(), short: python_name(module.short()) }
    }

    fn live(name: &str) -> Self {
        Self { name: name.to_owned(), short: name.to_owned() }
    }
}
