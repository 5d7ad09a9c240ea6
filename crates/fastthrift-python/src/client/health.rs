//! The function that tells whether a connection is good.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;

use super::policies::Pool;
use crate::given::refused;
use crate::registry::Registry;
use crate::service::{FunctionInfo, ServiceHandle};

/// The function that tells whether a connection is good, and how long it has for that.
pub(crate) struct Health {
    pub(crate) info: Arc<FunctionInfo>,
    pub(crate) timeout: Duration,
}

impl Health {
    /// The one that a pool names. An error where the service has none that can be called so.
    pub(super) fn new(handle: &Bound<'_, ServiceHandle>, pool: &Pool) -> PyResult<Option<Self>> {
        let Some(name) = pool.health_check.as_deref() else { return Ok(None) };
        let registry = handle.get().registry.bind(handle.py());
        Ok(Some(Self { info: function(registry, handle.get(), name)?, timeout: pool.check_timeout }))
    }
}

fn function(registry: &Bound<'_, Registry>, handle: &ServiceHandle, name: &str) -> PyResult<Arc<FunctionInfo>> {
    let lineage: Vec<_> = registry.get().schema().lineage(handle.id).map(|(id, _)| id).collect();
    for id in lineage {
        for info in &Registry::service(registry, id)?.functions {
            if *info.name != *name {
                continue;
            }
            if info.is_oneway || !info.argument_names.is_empty() {
                let text =
                    format!("the health check {name:?} has to be a function without arguments that is not oneway");
                return Err(refused(&text));
            }
            return Ok(info.clone());
        }
    }
    Err(refused(&format!("the service has no function {name:?} to check its health with")))
}
