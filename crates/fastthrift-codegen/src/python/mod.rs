//! Python: packages of modules, stubs, and what IDL names and types are called there.
//!
//! A generated module holds readable declarations, of which the native module makes the classes that loading the file would make. A
//! stub says to type checkers what these classes are.

pub mod docs;
pub mod names;

mod annotations;
mod imports;
mod layout;
mod literal;
mod module;
mod stub;
mod wire;

use fastthrift_schema::Schema;

use crate::Files;

pub use annotations::Annotations;
pub use layout::live_module_names;

/// The package of a schema: a module and its stub for each file, the packages that they lie in, and `py.typed`.
///
/// A module is called as its file's `py` namespace says, or as the file where it has none; where two files say the same, each gets a
/// module of its file's name in that package. With a `prefix`, such as `myapp.idl`, all lie in that package. A file with an empty text
/// only has to be there: whoever writes files leaves one of that name as it is.
pub fn package(schema: &Schema, prefix: Option<&str>) -> Files {
    let names = layout::package_module_names(schema, prefix);
    let mut files = layout::package_files(&names);
    for (program, name) in schema.programs().ids().zip(&names) {
        let path = layout::module_path(name, &names);
        files.add(format!("{path}.py"), module::text(schema, program, &names));
        files.add(format!("{path}.pyi"), stub::text(schema, program, &names));
    }
    files
}

/// Stubs for the modules that loading makes of a schema's files at run time, `<file>_thrift.pyi` each.
pub fn stubs(schema: &Schema) -> Files {
    let names = live_module_names(schema, None);
    let mut files = Files::new();
    for (program, name) in schema.programs().ids().zip(&names) {
        files.add(format!("{name}.pyi"), stub::text(schema, program, &names));
    }
    files
}
