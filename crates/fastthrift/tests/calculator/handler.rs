//! A handler for tests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastthrift::{CallError, current_call};
use tokio::time::sleep;

use super::{AddError, Base, Calculator, Overflow};

/// Serves `Calculator`. What `greet` does depends on the name.
#[derive(Debug, Default)]
pub struct Handler {
    /// What was logged.
    pub lines: Arc<Mutex<Vec<String>>>,
    /// How many calls of `greet` run.
    pub running: Arc<AtomicUsize>,
}

/// Counts as long as it lives.
struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Base for Handler {
    async fn ping(&self) -> Result<(), CallError> {
        Ok(())
    }
}

impl Calculator for Handler {
    async fn add(&self, a: i32, b: i32) -> Result<i32, AddError> {
        let sum = a.checked_add(b);
        Ok(sum.ok_or_else(|| Overflow { message: "too large".to_owned(), limit: i32::MAX })?)
    }

    async fn greet(&self, name: String) -> Result<String, CallError> {
        self.running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(&self.running);
        match name.as_str() {
            "never" => std::future::pending().await,
            "later" => sleep(Duration::from_millis(5)).await,
            "slowly" => sleep(Duration::from_millis(100)).await,
            "panic" => panic!("a handler that panics"),
            "error" => return Err(CallError::internal("no names today")),
            "deadline" => {
                let remaining = current_call().and_then(|call| call.remaining());
                return Ok(if remaining.is_some() { "there is one" } else { "there is none" }.to_owned());
            }
            "token" => {
                let call = current_call().unwrap();
                call.set_reply_header("answer", "42");
                return Ok(call.headers().find_ignoring_case("token").unwrap_or("none").to_owned());
            }
            "user" => return Ok(current_call().and_then(|call| Some(call.user()?.to_owned())).unwrap_or_default()),
            "large" => return Ok("x".repeat(1 << 20)),
            _ => {}
        }
        Ok(format!("Hello, {name}!"))
    }

    async fn log(&self, line: String) -> Result<(), CallError> {
        self.lines.lock().unwrap().push(line);
        Ok(())
    }
}
