//! Measures the codecs beside their peers and prints one JSON object a case: what `benches/rust_codec.py` makes tables of.

mod cases;
mod footer;
mod measure;
mod ours;
mod peers;

use measure::{Plan, measure};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: f64| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let plan = Plan { rounds: number(25.0) as usize, batch_seconds: number(0.004) };
    let only = std::env::args().nth(3);
    cases::each(|mut case| {
        if only
            .as_deref()
            .is_some_and(|only| !format!("{} {} {}", case.name, case.protocol, case.direction).contains(only))
        {
            return;
        }
        let times = measure(&mut case.subjects, plan);
        let samples: Vec<_> = case
            .subjects
            .iter()
            .zip(&times)
            .map(|(subject, times)| format!("{:?}: {times:.3?}", subject.name))
            .collect();
        println!(
            r#"{{"case": {:?}, "protocol": {:?}, "direction": {:?}, "bytes": {}, "samples": {{{}}}}}"#,
            case.name,
            case.protocol,
            case.direction,
            case.bytes,
            samples.join(", ")
        );
    });
}
