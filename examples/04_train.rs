//! A network trained on MNIST, and measured on the test images: `cargo run --release --example 04_train`

use std::path::Path;

use mlp::{
    data::{self, batch::Preprocessing},
    linalg::team::Team,
    loss::CrossEntropy,
    nn::Mlp,
    rng::{Purpose, generator},
    train::{Settings, metrics::evaluate, train},
};

fn main() -> anyhow::Result<()> {
    let mnist = data::load(Path::new("data"))?;
    let (training, validation) = mnist.train.split_last(10_000)?;
    let network = Mlp::kaiming(&[784, 50, 10], &mut generator(1, Purpose::Init));
    let settings = Settings {
        epochs: 3,
        ..Settings::default()
    };

    let images = (&training, &validation);
    let trained = train(
        network,
        &CrossEntropy,
        images,
        &settings,
        Team::new(2),
        &mut (),
    )?;

    let (network, unit) = (trained.network, Preprocessing::UNIT);
    let measured = evaluate(
        &network,
        &CrossEntropy,
        &mnist.test,
        unit,
        &mut Team::new(2),
    );
    println!("test accuracy {:.2} %", 100.0 * measured.accuracy());
    Ok(())
}
