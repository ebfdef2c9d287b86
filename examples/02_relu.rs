//! A function of one's own as a module, checked: `cargo run --release --example 02_relu`

use mlp::{
    check::{Settings, check_module, off_zero},
    nn::ReLU,
    rng::{Purpose, generator},
};

fn main() {
    // Inputs away from 0, where ReLU has a kink and no derivative.
    let x = off_zero((6, 7), 0.01, &mut generator(1, Purpose::Check));
    for gradient in check_module(&mut ReLU, &x, &Settings::default()) {
        println!(
            "{}: {} elements, largest relative error {:.1e}: {}",
            gradient.name,
            gradient.checked,
            gradient.max_relative,
            if gradient.passed { "right" } else { "WRONG" }
        );
    }
}
