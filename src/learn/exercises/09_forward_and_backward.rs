//! 09 forward_and_backward: a network of two layers, there and back

use ndarray::{Array1, Array2, Axis, Zip};

/// All that one batch makes of a network, and all the gradients.
pub struct Pass {
    /// l1 = x·w1 + b1 (N, H)
    pub l1: Array2<f64>,
    /// l2 = relu(l1) (N, H)
    pub l2: Array2<f64>,
    /// z = l2·w2 + b2 (N, 1)
    pub z: Array2<f64>,
    /// The mean over the rows of (z − target)²
    pub loss: f64,
    /// ∂L/∂z (N, 1)
    pub dz: Array2<f64>,
    /// ∂L/∂l2 (N, H)
    pub dl2: Array2<f64>,
    /// ∂L/∂l1 (N, H)
    pub dl1: Array2<f64>,
    /// ∂L/∂w2 (H, 1)
    pub dw2: Array2<f64>,
    /// ∂L/∂b2 (1)
    pub db2: Array1<f64>,
    /// ∂L/∂w1 (I, H)
    pub dw1: Array2<f64>,
    /// ∂L/∂b1 (H)
    pub db1: Array1<f64>,
}

/// The pass of a batch through the network lin → relu → lin → mse, and back.
///
/// x (N, I), w1 (I, H), b1 (H), w2 (H, 1), b2 (1), target (N).
///
/// Example: x = [[2]], w1 = [[1]], b1 = [1], w2 = [[3]], b2 = [1] and target = [8] give l1 = l2 = 3, z = 10,
/// loss = 4, dz = 4, dl2 = dl1 = 12, dw2 = 12, db2 = 4, dw1 = 24, db1 = 12.
pub fn forward_and_backward(
    x: &Array2<f64>,
    (w1, b1): (&Array2<f64>, &Array1<f64>),
    (w2, b2): (&Array2<f64>, &Array1<f64>),
    target: &Array1<f64>,
) -> Pass {
    // solution
    let n = target.len() as f64;
    let l1 = x.dot(w1) + b1;
    let l2 = l1.mapv(|l| l.max(0.0));
    let z = l2.dot(w2) + b2;
    let diff = &z - &target.view().insert_axis(Axis(1));
    let loss = (&diff * &diff).sum() / n;

    let dz = diff * (2.0 / n);
    let dl2 = dz.dot(&w2.t());
    let dl1 = Zip::from(&l1)
        .and(&dl2)
        .map_collect(|&l, &d| if l > 0.0 { d } else { 0.0 });
    Pass {
        dw2: l2.t().dot(&dz),
        db2: dz.sum_axis(Axis(0)),
        dw1: x.t().dot(&dl1),
        db1: dl1.sum_axis(Axis(0)),
        l1,
        l2,
        z,
        loss,
        dz,
        dl2,
        dl1,
    }
    // end
}
