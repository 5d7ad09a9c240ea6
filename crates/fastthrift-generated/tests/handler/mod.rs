//! A handler of the generated `Calculator`.

use std::collections::BTreeMap;

use fastthrift::{CallError, VecSet};
use fastthrift_generated::cases::calls::{
    AddError, Base, Calculator, CheckError, Level, Number, Overflow, Point, Refused, Ticket,
};

/// Adds, greets and fails.
pub struct Handler;

fn overflow(message: &str) -> Overflow {
    Overflow { message: message.to_owned(), limit: 1 }
}

impl Base for Handler {
    async fn ping(&self) -> Result<(), CallError> {
        Ok(())
    }
}

impl Calculator for Handler {
    async fn add(&self, a: i32, b: i32) -> Result<i32, AddError> {
        a.checked_add(b).ok_or_else(|| overflow("too large").into())
    }

    async fn greet(&self, name: String) -> Result<String, CallError> {
        if name.is_empty() { Err(CallError::internal("nobody")) } else { Ok(format!("Hello, {name}!")) }
    }

    async fn check(&self, point: Point, number: Number, strict: bool) -> Result<(), CheckError> {
        match (point.x, number) {
            (0, _) => Err(overflow("first").into()),
            (1, Number::Whole(code)) => Err(Refused { code }.into()),
            (2, Number::Real(_)) => Err(CheckError::Third(overflow("third"))),
            _ if strict => Err(CallError::internal("strict").into()),
            _ => Ok(()),
        }
    }

    async fn log(&self, _: String, _: Level) -> Result<(), CallError> {
        Ok(())
    }

    async fn points(
        &self,
        mut points: Vec<Point>,
        named: BTreeMap<String, Point>,
        ids: VecSet<i32>,
        data: Vec<u8>,
        ticket: Ticket,
        id: [u8; 16],
    ) -> Result<Vec<Point>, CallError> {
        points.extend(named.into_values());
        let sizes = [ids.len(), data.len(), usize::from(id[15])].map(|size| i32::try_from(size).unwrap());
        points.push(Point { x: sizes.iter().sum(), y: i32::try_from(ticket.0).unwrap() });
        Ok(points)
    }

    async fn self_(&self, a: i32, b: i32, c: i32, d: i32, e: i32, f: i32) -> Result<Number, CallError> {
        Ok(Number::Whole([a, b, c, d, e, f].iter().fold(0, |all, one| all * 10 + one)))
    }

    async fn sum(
        &self,
        a: i64,
        b: i64,
        c: i64,
        d: i64,
        e: i64,
        f: i64,
        g: i64,
        h: i64,
        i: i64,
        j: i64,
        k: i64,
        l: i64,
        m: i64,
        n: i64,
    ) -> Result<i64, CallError> {
        Ok([a, b, c, d, e, f, g, h, i, j, k, l, m, n].iter().zip(1..).map(|(value, weight)| value * weight).sum())
    }
}
