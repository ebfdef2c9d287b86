//! Augmentation: the same bytes in any order and on any number of threads, and nothing where nothing is asked.

use mlp::{
    data::{
        COLS, Dataset, PIXELS, ROWS, Spec,
        augment::{Augmentation, Augmenter, Elastic, Preset},
        batch::{Preprocessing, in_order},
    },
    linalg::team::Team,
    loss::{CrossEntropy, LossKind},
    nn::Mlp,
    rng::{Purpose, generator},
    train::{Settings, train},
};
use ndarray::{Array2, Axis, s};

/// Strokes, none like another.
fn data(images: usize) -> Dataset {
    let stroke = |(n, p): (usize, usize)| {
        let (r, c) = (p / COLS, p % COLS);
        let inside = (6..22).contains(&r) && (4..24).contains(&c);
        if inside && (r * (n % 5 + 1) + c * (n % 3 + 1)) % 11 < 4 {
            200 + (n % 50) as u8
        } else {
            0
        }
    };
    Dataset::new(
        Array2::from_shape_fn((images, PIXELS), stroke),
        (0..images).map(|n| (n % 10) as u8).collect(),
        Spec::default(),
    )
}

fn ciresan(seed: u64) -> Augmenter {
    Augmenter::new(Preset::Ciresan2010.augmentation(), (ROWS, COLS), seed).unwrap()
}

fn gather(augmenter: &Augmenter, data: &Dataset, epoch: usize, order: &[u32]) -> Array2<f32> {
    let mut x = Array2::zeros((order.len(), data.images.ncols()));
    augmenter.gather(data, Preprocessing::UNIT, epoch, order, &mut x);
    x
}

#[test]
fn no_strength_is_plain_preprocessing_to_the_bit() {
    let (data, order) = (data(20), in_order(20));
    let still = Elastic {
        sigma: 4.0,
        alpha: 0.0,
    };
    for (deslant, elastic) in [(false, None), (false, Some(still)), (true, Some(still))] {
        let preprocessing = Preprocessing {
            scale: 1.0 / 77.3,
            shift: -0.42,
            deslant,
        };
        let mut plain = Array2::<f32>::zeros((20, PIXELS));
        preprocessing.gather(&data, &order, &mut plain);
        let nothing = Augmentation {
            elastic,
            ..Augmentation::default()
        };
        let augmenter = Augmenter::new(nothing, (ROWS, COLS), 1).unwrap();
        let mut x = Array2::zeros((20, PIXELS));
        augmenter.gather(&data, preprocessing, 3, &order, &mut x);
        assert_eq!(x, plain, "{elastic:?}");
    }
}

#[test]
fn an_image_depends_on_seed_epoch_and_index_and_on_nothing_else() {
    let data = data(64);
    let whole = gather(&ciresan(1), &data, 2, &in_order(64));
    let backwards: Vec<_> = in_order(64).into_iter().rev().collect();
    let reversed = gather(&ciresan(1), &data, 2, &backwards);
    assert_eq!(whole, reversed.slice(s![..;-1, ..]));

    let augmenter = ciresan(1);
    let mut parts = Array2::zeros(whole.raw_dim());
    Team::new(3).for_each(
        parts.axis_chunks_iter_mut(Axis(0), 7).enumerate(),
        |(n, mut x)| {
            let first = 7 * n as u32;
            let order: Vec<_> = (first..first + x.nrows() as u32).collect();
            augmenter.gather(&data, Preprocessing::UNIT, 2, &order, &mut x);
        },
    );
    assert_eq!(whole, parts);

    // The same picture everywhere: what differs is the distortion.
    let mut same = data.clone();
    for mut image in same.images.rows_mut() {
        image.assign(&data.images.row(0));
    }
    same.labels.fill(0);
    let one = |seed, epoch, index| gather(&ciresan(seed), &same, epoch, &[index]);
    let all = [one(1, 1, 0), one(2, 1, 0), one(1, 2, 0), one(1, 1, 1)];
    for (n, a) in all.iter().enumerate() {
        assert!(all[..n].iter().all(|b| a != b), "two of them are alike");
    }
}

#[test]
fn every_size_of_image_comes_out_finite_and_in_range() {
    let strong = Augmentation {
        rotation: 180.0,
        shear: 80.0,
        scale: 0.9,
        translation: 1000.0,
        ..Augmentation::default()
    };
    for size in [(1, 1), (1, 9), (9, 1), (2, 3), (40, 17)] {
        let pixels = size.0 * size.1;
        let data = Dataset::new(
            Array2::from_shape_fn((3, pixels), |(n, p)| (90 * n + 7 * p) as u8),
            vec![0, 1, 2],
            Spec::numbered(size.0, size.1, 3),
        );
        for (sigma, alpha) in [(1e-300, 1e4), (1e-3, 37.0), (5.0, 1e4), (1000.0, 37.0)] {
            let elastic = Some(Elastic { sigma, alpha });
            for augmentation in [strong.clone(), Augmentation::default()] {
                let augmentation = Augmentation {
                    elastic,
                    ..augmentation
                };
                let augmenter = Augmenter::new(augmentation, size, 1).unwrap();
                let x = gather(&augmenter, &data, 1, &in_order(3));
                let sound = |v: &f32| (0.0..=1.0).contains(v);
                assert!(x.iter().all(sound), "{size:?}, {elastic:?}: {x}");
            }
        }
    }
}

#[test]
fn elastic_distortion_keeps_mass_and_centre_on_average() {
    let blob = |(_, p): (usize, usize)| {
        let (y, x) = ((p / COLS) as f64 - 13.5, (p % COLS) as f64 - 13.5);
        (255.0 * (-(x * x + y * y) / 30.0).exp()) as u8
    };
    let images = Array2::from_shape_fn((1, PIXELS), blob);
    let data = Dataset::new(images, vec![0], Spec::default());
    let preset = Preset::Simard2003.augmentation();
    let augmenter = Augmenter::new(preset, (ROWS, COLS), 1).unwrap();
    let (mut mass, mut x, mut y) = (0.0, 0.0, 0.0);
    let images = 1_000;
    for epoch in 1..=images {
        for (p, &v) in gather(&augmenter, &data, epoch, &[0]).iter().enumerate() {
            let v = f64::from(v) / images as f64;
            mass += v;
            x += v * ((p % COLS) as f64 - 13.5);
            y += v * ((p / COLS) as f64 - 13.5);
        }
    }
    let plain = data
        .images
        .iter()
        .map(|&v| f64::from(v) / 255.0)
        .sum::<f64>();
    assert!((mass / plain - 1.0).abs() < 0.03, "{mass}, not {plain}");
    // A displacement of about 1.4 pixels, averaged over 1,000 images and the blob: 0.04 at the most.
    assert!(
        (x / mass).abs() < 0.15 && (y / mass).abs() < 0.15,
        "{x}, {y}"
    );
}

#[test]
fn training_gives_the_same_bytes_on_any_number_of_threads_and_others_than_without() {
    let (train_images, valid) = data(230).split_last(30).unwrap();
    let run = |threads, augmentation| {
        let settings = Settings {
            epochs: 2,
            batch_size: 32,
            learning_rate: 0.1,
            seed: 5,
            augmentation,
            ..Settings::default()
        };
        let loss = LossKind::Ce.build::<f32>();
        let network = Mlp::kaiming(&[PIXELS, 12, 10], &mut generator(5, Purpose::Init));
        let data = (&train_images, &valid);
        let trained = train(
            network,
            &*loss,
            data,
            &settings,
            Team::new(threads),
            &mut (),
        );
        let network = trained.unwrap().network;
        let values = network.values();
        values
            .flat_map(|value| value.iter().map(|v| v.to_bits()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let preset = || Some(Preset::Ciresan2010.augmentation());
    let one = run(1, preset());
    for threads in [2, 3] {
        assert_eq!(run(threads, preset()), one, "{threads} threads");
    }
    assert_ne!(run(1, None), one, "it does something");
    assert_eq!(run(1, None), run(1, Some(Augmentation::default())));
}

#[test]
fn training_refuses_what_makes_no_sense() {
    let images = data(20);
    let augmentation = Augmentation {
        rotation: f64::NAN,
        ..Augmentation::default()
    };
    let settings = Settings {
        epochs: 1,
        batch_size: 8,
        learning_rate: 0.1,
        seed: 1,
        augmentation: Some(augmentation),
        ..Settings::default()
    };
    let network = Mlp::kaiming(&[PIXELS, 10], &mut generator(1, Purpose::Init));
    let trained = train(
        network,
        &CrossEntropy,
        (&images, &images),
        &settings,
        Team::new(1),
        &mut (),
    );
    let error = trained.err().expect("an error").to_string();
    assert_eq!(
        error,
        "augmentation: rotation NaN, expected 0 to 180 degrees"
    );
}
