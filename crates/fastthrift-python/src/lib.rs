//! Python bindings: classes of loaded IDL files, codecs over their instances, clients and servers.

mod aio;
mod arguments;
mod arrays;
mod attributes;
mod build;
mod call;
mod class;
mod client;
mod codec;
mod collisions;
mod connection;
mod constant;
mod dicts;
mod endpoint;
mod enumeration;
mod error;
mod function;
mod functions;
mod generated;
mod given;
mod interceptors;
mod json;
mod keys;
mod load;
#[cfg(unix)]
mod memory;
mod module;
mod object;
mod output;
mod primitive;
mod process;
mod protocols;
mod reading;
mod records;
mod registry;
mod selection;
mod server;
mod service;
mod settings;
mod source;
mod target;
mod tls;
mod transports;
mod vectorcall;
mod views;
mod visit;
mod writing;

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

const IN_A_SUBINTERPRETER: &str = "fastthrift works in the main interpreter alone, and this is a subinterpreter: import it there, \
     or use processes (with mod_wsgi, `WSGIApplicationGroup %{GLOBAL}`)";

/// The native module of fastthrift; its public names are those of the package.
#[pymodule(gil_used = false)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    if !process::is_main_interpreter(module.py()) {
        // Its classes are those of one interpreter, and so are its threads.
        return Err(PyImportError::new_err(IN_A_SUBINTERPRETER));
    }
    let bases = class::bases(module.py())?;
    module.add("StructMeta", bases.meta.bind(module.py()))?;
    module.add("Struct", bases.structure.bind(module.py()))?;
    module.add("Union", bases.union.bind(module.py()))?;
    module.add("ThriftException", bases.exception.bind(module.py()))?;
    protocols::add_to(module)?;
    functions::add_to(module)?;
    records::add_to(module)?;
    json::add_to(module)?;
    dicts::add_to(module)?;
    module.add_function(wrap_pyfunction!(attributes::bind_classes, module)?)?;
    given::add_to(module)?;
    call::add_to(module)?;
    client::add_to(module)?;
    connection::add_to(module)?;
    server::add_to(module)?;
    tls::add_to(module)?;
    aio::add_to(module)?;
    generated::add_to(module)?;
    load::add_to(module)
}
