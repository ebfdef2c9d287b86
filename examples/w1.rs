use mlp::linalg::*;
use ndarray::*;
fn main() {
    let mnist = mlp::data::load(std::path::Path::new("data")).unwrap();
    let which = std::env::args().nth(1).unwrap();
    let (m, k, n) = (
        64,
        784,
        std::env::args().nth(2).map_or(50, |s| s.parse().unwrap()),
    );
    let mut x: Array2<f32> = Array2::zeros((m, k));
    mlp::data::batches::Scaling::UNIT.gather(
        &mnist.train,
        &mlp::data::batches::in_order(m),
        &mut x,
    );
    let w: Array2<f32> =
        Array2::from_shape_fn((k, n), |(i, j)| ((i * 31 + j * 17) % 11) as f32 - 5.);
    let dy: Array2<f32> =
        Array2::from_shape_fn((m, n), |(i, j)| ((i * 31 + j * 17) % 11) as f32 - 5.);
    let mut y: Array2<f32> = Array2::zeros((m, n));
    let mut dw: Array2<f32> = Array2::zeros((k, n));
    let t = std::time::Instant::now();
    for _ in 0..10000 {
        if which == "nn" {
            matmul(&x, &w, &mut y);
        } else {
            for i in (0..k).step_by(48) {
                let r = i..(i + 48).min(k);
                matmul(
                    &x.slice(s![.., r.clone()]).t(),
                    &dy,
                    &mut dw.slice_mut(s![r, ..]),
                )
            }
        }
    }
    println!("{:?}", t.elapsed() / 10000);
}
