//! A network for data of one's own: exclusive or. `cargo run --release --example 05_xor`

use mlp::{
    loss::CrossEntropy,
    nn::{Activation, Architecture},
    rng::{Purpose, generator},
    train::{Settings, fit},
};
use ndarray::array;

fn main() -> anyhow::Result<()> {
    let x = array![[0., 0.], [0., 1.], [1., 0.], [1., 1.]];
    let classes = [0, 1, 1, 0];
    let architecture = Architecture {
        activation: Activation::Tanh,
        ..Architecture::relu(&[2, 8, 2])
    };
    let init = architecture.activation.about().init;
    let network = architecture.init(init, &mut generator(1, Purpose::Init));
    let settings = Settings {
        epochs: 500,
        batch_size: 4,
        learning_rate: 0.5,
        ..Settings::default()
    };

    let network = fit(network, &CrossEntropy, (&x, &classes), &settings)?.network;

    println!("outputs, one row for each of 00, 01, 10, 11, one column for each class:");
    println!("{:.3}", network.predict(&x));
    Ok(())
}
