use mlp::linalg::*;
use ndarray::*;
use std::time::Instant;
fn main() {
    let mnist = mlp::data::load(std::path::Path::new("data")).unwrap();
    for (m, k, n, real) in [
        (64, 784, 50, true),
        (32, 784, 50, true),
        (64, 50, 10, false),
        (128, 784, 512, true),
        (128, 784, 512, false),
        (64, 784, 512, true),
        (128, 512, 512, false),
        (64, 512, 512, false),
        (128, 512, 10, false),
        (100, 2500, 2000, false),
        (100, 784, 2500, true),
    ] {
        let ld = 1040.max(k.max(n) + 16);
        let mut x: Array2<f32> =
            Array2::from_shape_fn((m, ld), |(i, j)| ((i * 31 + j * 17) % 13) as f32 - 6.5);
        let mut x = x.slice_mut(s![.., ..k]);
        if real {
            mlp::data::batches::Scaling::UNIT.gather(
                &mnist.train,
                &mlp::data::batches::in_order(m),
                &mut x,
            );
        }
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
            (fl / best / 1e9, best * 1e6)
        };
        let (a, ta) = bench(&mut || matmul(&x, &w, &mut y));
        let (b, tb) = bench(&mut || matmul(&dy, &w.t(), &mut dx));
        let (c, tc) = bench(&mut || {
            for i in (0..k).step_by(48) {
                let r = i..(i + 48).min(k);
                matmul(
                    &x.slice(s![.., r.clone()]).t(),
                    &dy,
                    &mut dw.slice_mut(s![r, ..]),
                )
            }
        });
        println!(
            "{m}x{k}x{n} {real}: NN {a:.1} {ta:.1}us NT {b:.1} {tb:.1}us TN {c:.1} {tc:.1}us GF/s"
        );
    }
}
