//! 19 train: all of it together, on real MNIST

use ndarray::{Array1, Array2, Axis, Zip};

/// A network lin → relu → lin that reads digits, trained on these images.
///
/// x (50000, 784), pixels from 0 to 1. target: 50000 digits. Returns w1 (784, H), b1 (H), w2 (H, 10) and b2 (10), in
/// this order; H is yours to choose. To pass, relu(x·w1 + b1)·w2 + b2 must have its largest output at the right digit
/// for 95 % of 10,000 images that are not among these. Your function has two minutes. ndarray has no random numbers:
/// any numbers that differ from unit to unit will do to begin with.
pub fn train(
    x: &Array2<f64>,
    target: &[usize],
) -> (Array2<f64>, Array1<f64>, Array2<f64>, Array1<f64>) {
    // solution
    let (hidden, lr, batch_size) = (50, 0.3, 50);
    // Numbers from −1 to 1 without a pattern that a layer could notice.
    let mut state = 1_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1_u64 << 30) as f64 - 1.0
    };
    let mut weight = |i: usize, o: usize| {
        Array2::from_shape_simple_fn((i, o), || random() * (6.0 / i as f64).sqrt())
    };
    let (mut w1, mut w2) = (weight(784, hidden), weight(hidden, 10));
    let (mut b1, mut b2) = (Array1::zeros(hidden), Array1::zeros(10));
    for _epoch in 0..3 {
        for begin in (0..x.nrows()).step_by(batch_size) {
            let rows: Vec<_> = (begin..(begin + batch_size).min(x.nrows())).collect();
            let batch = x.select(Axis(0), &rows);
            let l1 = batch.dot(&w1) + &b1;
            let l2 = l1.mapv(|l| l.max(0.0));
            let mut dz = l2.dot(&w2) + &b2;
            for (mut row, &n) in dz.rows_mut().into_iter().zip(&rows) {
                let m = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
                row.mapv_inplace(|z| (z - m).exp());
                let sum = row.sum();
                row /= sum;
                row[target[n]] -= 1.0;
            }
            dz /= rows.len() as f64;
            let dl2 = dz.dot(&w2.t());
            let dl1 = Zip::from(&l1)
                .and(&dl2)
                .map_collect(|&l, &d| if l > 0.0 { d } else { 0.0 });
            w2.scaled_add(-lr, &l2.t().dot(&dz));
            b2.scaled_add(-lr, &dz.sum_axis(Axis(0)));
            w1.scaled_add(-lr, &batch.t().dot(&dl1));
            b1.scaled_add(-lr, &dl1.sum_axis(Axis(0)));
        }
    }
    (w1, b1, w2, b2)
    // end
}
