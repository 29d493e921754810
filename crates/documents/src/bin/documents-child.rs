//! The child on its own, for tests.

fn main() {
    std::process::exit(documents::child_main());
}
