//! A linear layer forward and back, by hand: `cargo run --release --example 01_linear`

use mlp::nn::{Linear, Module};
use ndarray::{Array2, array};

fn main() {
    // Two images of two pixels, and the gradient ∂L/∂y that comes back for them.
    let (x, dy) = (array![[1., 2.], [3., 4.]], array![[1., 0.], [0., 1.]]);
    let mut linear = Linear::new(array![[1., -1.], [2., 0.5]], array![0.5, -0.5]);

    let (mut y, mut dx) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
    linear.forward(&x, &mut y); // y = x·w + b
    linear.backward_input(&x, &y, &dy, &mut dx); // dx = dy·wᵀ
    linear.w.backward(&x, &dy); // dw = xᵀ·dy
    linear.b.backward(&x, &dy); // db = Σₙ dy

    println!("y  =\n{y}\ndx =\n{dx}");
    println!("dw =\n{}\ndb =\n{}", linear.w.grad, linear.b.grad);
}
