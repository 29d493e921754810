//! A bare worker, for the crate's own tests; programs re-run themselves instead.

fn main() {
    std::process::exit(engine::worker_main());
}
