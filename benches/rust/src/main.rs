mod pilota_types {
    #![allow(warnings)]
    include!(concat!(env!("OUT_DIR"), "/pilota.rs"));
}
mod apache_types {
    #![allow(warnings)]
    include!(concat!(env!("OUT_DIR"), "/apache_bench.rs"));
}
fn main() {}
