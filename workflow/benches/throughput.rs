//! How many durable steps a second.

fn main() {}
