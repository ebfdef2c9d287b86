//! The cross-entropy of the lesson's worked example: `cargo run --release --example 03_loss`

use mlp::loss::{CrossEntropy, Loss};
use ndarray::{Array1, Array2, array};

fn main() {
    let logits = array![[0.1, 0., 0., 0.2, 0.3, 0., 0., 0.3, 0., 0.2]];
    let (mut p, mut losses) = (Array2::zeros((1, 10)), Array1::zeros(1));
    let mut dlogits = Array2::zeros((1, 10));

    CrossEntropy.forward(&logits, &[4], &mut p, &mut losses); // ℓ = −ln softmax(z)[4]
    CrossEntropy.backward(&p, &[4], 1, &mut dlogits); // dz = softmax(z) − onehot(4)

    println!("p    = {p:.4}\nloss = {losses:.4}\ndz   = {dlogits:.4}");
}
