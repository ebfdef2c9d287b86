use mlp::linalg::*;
use ndarray::*;
use std::time::Instant;
fn main() {
    for (m, k, n) in [
        (64, 784, 50),
        (64, 50, 10),
        (128, 784, 512),
        (64, 784, 512),
        (128, 512, 512),
        (64, 512, 512),
        (128, 512, 10),
        (100, 2500, 2000),
    ] {
        let ld = 1040.max(k.max(n) + 16);
        let x: Array2<f32> =
            Array2::from_shape_fn((m, ld), |(i, j)| ((i * 31 + j * 17) % 13) as f32 - 6.);
        let x = x.slice(s![.., ..k]);
        let w: Array2<f32> =
            Array2::from_shape_fn((k, n), |(i, j)| ((i * 31 + j * 17) % 11) as f32 - 5.);
        let dy: Array2<f32> =
            Array2::from_shape_fn((m, ld), |(i, j)| ((i * 31 + j * 17) % 11) as f32 - 5.);
        let dy = dy.slice(s![.., ..n]);
        let mut y0: Array2<f32> = Array2::zeros((m, ld));
        let mut y = y0.slice_mut(s![.., ..n]);
        let mut dx0: Array2<f32> = Array2::zeros((m, ld));
        let mut dx = dx0.slice_mut(s![.., ..k]);
        let mut dw: Array2<f32> = Array2::zeros((k, n));
        let fl = 2.0 * (m * k * n) as f64;
        let mut bench = |f: &mut dyn FnMut()| {
            let reps = (2e8 / fl).ceil() as usize;
            let mut best = f64::MAX;
            for _ in 0..15 {
                let t = Instant::now();
                for _ in 0..reps {
                    f()
                }
                best = best.min(t.elapsed().as_secs_f64() / reps as f64);
            }
            fl / best / 1e9
        };
        let a = bench(&mut || matmul(&x, &w, &mut y));
        let b = bench(&mut || matmul(&dy, &w.t(), &mut dx));
        let c = bench(&mut || matmul(&x.t(), &dy, &mut dw));
        println!("{m}x{k}x{n}: NN {a:.1} NT {b:.1} TN {c:.1} GF/s");
    }
}
