//! What it costs to distort an image, on one thread: `cargo bench --bench augment`.
//! Beside it, what it costs to gather one as it is.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mlp::data::{
    COLS, Dataset, PIXELS, ROWS, Spec,
    augment::{Augmentation, Augmenter, Preset},
    batch::{Preprocessing, in_order},
};
use ndarray::Array2;

const IMAGES: usize = 256;

fn augment(criterion: &mut Criterion) {
    // The work does not depend on what is in the pixels: no branch looks at them.
    let data = Dataset::new(
        Array2::from_shape_fn((IMAGES, PIXELS), |(n, p)| (n * p % 256) as u8),
        (0..IMAGES).map(|n| (n % 10) as u8).collect(),
        Spec::default(),
    );
    let order = in_order(IMAGES);
    let mut x = Array2::zeros((IMAGES, PIXELS));
    let mut group = criterion.benchmark_group("augment");
    group.throughput(Throughput::Elements(IMAGES as u64));
    group.bench_function("plain gather", |bencher| {
        bencher.iter(|| Preprocessing::UNIT.gather(&data, black_box(&order), &mut x));
    });
    let nothing = ("nothing", Augmentation::default());
    let presets = Preset::ALL.map(|preset| (preset.name(), preset.augmentation()));
    for (name, augmentation) in [nothing].into_iter().chain(presets) {
        let augmenter = Augmenter::new(augmentation, (ROWS, COLS), 1).expect("presets are sound");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                augmenter.gather(&data, Preprocessing::UNIT, 1, black_box(&order), &mut x)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, augment);
criterion_main!(benches);
