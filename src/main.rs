//! jetlag.
fn main() {}
