//! Digits in pictures are read as well as MNIST's own images, and what is no digit is doubted.
//!
//! `cargo test --release --test all photos -- --ignored --nocapture` makes all pictures and prints the table;
//! without `--ignored` there are fewer and smaller ones.

mod generator;

use std::{env, fs::File, io::Read, path::Path, thread};

use flate2::read::GzDecoder;

use mlp::{
    data::{
        self, Dataset, Spec,
        batch::Preprocessing,
        photo::{Doubt, Frame, Prepared, decode, prepare},
    },
    linalg::team::Team,
    loss::{CrossEntropy, LossKind},
    nn::Mlp,
    rng::{Purpose, generator},
    train::{
        Settings,
        familiar::{Familiar, confidence, frame},
        metrics::{evaluate, predictions},
        train,
    },
};
use ndarray::Array2;
use ndarray_rand::rand::Rng;

use generator::{Kind, Other, digit, other, png};

/// How many pictures of each kind, how large, and how far below the original images they may be read.
struct Run {
    pictures: usize,
    sides: (f32, f32),
    points: f64,
    seeds: u64,
    /// Added to the seeds of the pictures: the preparation was made with those from 0 on.
    from: u64,
}

const ORDINARY: Run = Run {
    pictures: 80,
    sides: (150.0, 260.0),
    points: 3.0,
    seeds: 1,
    from: 2_100_000_000,
};
const FULL: Run = Run {
    pictures: 300,
    sides: (200.0, 2000.0),
    points: 2.0,
    seeds: 3,
    from: 4_200_000_000,
};

/// Results for 0..`count`, computed by two threads.
fn both<T: Send>(count: usize, f: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let half = |from: usize| (from..count).step_by(2).map(&f).collect::<Vec<_>>();
    let (even, odd) = thread::scope(|scope| {
        let odd = scope.spawn(|| half(1));
        (half(0), odd.join().unwrap())
    });
    let mut odd = odd.into_iter();
    let pairs = even.into_iter().flat_map(|first| [Some(first), odd.next()]);
    pairs.flatten().collect()
}

fn prepared(file: &[u8]) -> Prepared {
    prepare(&decode(file).unwrap(), Frame::MNIST)
}

/// Networks 784-50-10, one for each seed, and the validation images that they were not trained on.
fn networks(data: &Dataset, seeds: u64) -> (Vec<Mlp<f32>>, Dataset) {
    let (data, valid) = data.clone().split_last(10_000).unwrap();
    let network = |seed| {
        let settings = Settings {
            epochs: 4,
            batch_size: 25,
            learning_rate: 0.25,
            seed,
            ..Settings::default()
        };
        let network = Mlp::kaiming(&[784, 50, 10], &mut generator(seed, Purpose::Init));
        let trained = train(
            network,
            &CrossEntropy,
            (&data, &valid),
            &settings,
            Team::new(2),
            &mut (),
        );
        trained.unwrap().network
    };
    let networks = (1..=seeds).map(network).collect();
    (networks, valid)
}

/// The share of images that the bounds of a network's validation images refuse, in percent.
fn refused(network: &Mlp<f32>, bounds: &Familiar, images: &[Vec<u8>]) -> f64 {
    let pixels = Array2::from_shape_vec((images.len(), 784), images.concat()).unwrap();
    let data = Dataset::new(pixels, vec![0; images.len()], Spec::default());
    let predictions = predictions(
        network,
        &CrossEntropy,
        &data,
        Preprocessing::UNIT,
        &mut Team::new(2),
    );
    let rows = predictions.rows().into_iter().zip(data.images.rows());
    let against = rows.filter(|(p, image)| {
        let sure = confidence(LossKind::Ce, *p);
        !bounds
            .judge(sure, frame(image.view(), &data.spec))
            .is_empty()
    });
    100.0 * against.count() as f64 / images.len() as f64
}

/// Images 28×28 that are no digits, from a file like MNIST's.
fn foreign(path: &Path) -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = GzDecoder::new(File::open(path).unwrap());
    file.read_to_end(&mut bytes).unwrap();
    bytes[16..].chunks_exact(784).map(<[u8]>::to_vec).collect()
}

/// The mean accuracy of the networks, in percent.
fn accuracy(networks: &[Mlp<f32>], images: &[Vec<u8>], labels: &[u8]) -> f64 {
    let pixels: Vec<u8> = images.concat();
    let images = Array2::from_shape_vec((images.len(), 784), pixels).unwrap();
    let data = Dataset::new(images, labels.to_vec(), Spec::default());
    let of = |network: &Mlp<f32>| {
        evaluate(
            network,
            &CrossEntropy,
            &data,
            Preprocessing::UNIT,
            &mut Team::new(2),
        )
        .accuracy()
    };
    100.0 * networks.iter().map(of).sum::<f64>() / networks.len() as f64
}

/// The share of pictures with a doubt, in percent, and how often there is which.
fn doubted(all: &[Prepared]) -> (f64, String) {
    let some = all.iter().filter(|p| !p.doubts.is_empty()).count();
    let count = |is: fn(&Doubt) -> bool| all.iter().filter(|p| p.doubts.iter().any(is)).count();
    let names = [
        ("nothing", count(|d| matches!(d, Doubt::Nothing))),
        ("several", count(|d| matches!(d, Doubt::Several(_)))),
        ("faint", count(|d| matches!(d, Doubt::Faint))),
        ("cut off", count(|d| matches!(d, Doubt::CutOff))),
        ("no stroke", count(|d| matches!(d, Doubt::NoStroke))),
    ];
    let named = names.iter().filter(|(_, count)| *count > 0);
    let words: Vec<_> = named
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    (100.0 * some as f64 / all.len() as f64, words.join(", "))
}

/// The share of pictures that neither the preparation nor the model speaks against, in percent.
fn unseen(all: &[Prepared], refused: impl Fn(&[Vec<u8>]) -> f64) -> f64 {
    let clear = all.iter().filter(|p| p.doubts.is_empty());
    let images: Vec<_> = clear.map(|p| p.pixels.clone()).collect();
    if images.is_empty() {
        return 0.0;
    }
    let share = images.len() as f64 / all.len() as f64;
    share * (100.0 - refused(&images))
}

fn table(run: &Run) {
    let mnist = data::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data")).unwrap();
    let (networks, valid) = networks(&mnist.train, run.seeds);
    let network = &networks[0];
    let bounds = Familiar::measure(network, LossKind::Ce, &valid, Preprocessing::UNIT);
    let bounds = bounds.unwrap();
    let test = &mnist.test;
    // Spread over the whole file, whose second half is the easier one.
    let chosen: Vec<usize> = (0..run.pictures)
        .map(|n| n * test.len() / run.pictures)
        .collect();
    let labels: Vec<u8> = chosen.iter().map(|&i| test.labels[i]).collect();
    let originals: Vec<Vec<u8>> = chosen
        .iter()
        .map(|&i| test.images.row(i).to_vec())
        .collect();
    let original = accuracy(&networks, &originals, &labels);

    println!("| kind | images | original | prepared | points | doubted | |");
    println!("|---|---|---|---|---|---|---|");
    let mut failed = Vec::new();
    for original in &originals {
        assert_eq!(prepared(&png(original, 28, 28)).pixels, *original);
    }
    println!(
        "| 28×28 | {} | {original:.2} | {original:.2} | 0.00 | | identical |",
        run.pictures
    );
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let all = both(run.pictures, |n| {
            let mut rng = generator(run.from + (number * 100_000 + n) as u64, Purpose::Check);
            prepared(&digit(&originals[n], kind, run.sides, &mut rng))
        });
        let images: Vec<_> = all.iter().map(|p| p.pixels.clone()).collect();
        let found = accuracy(&networks, &images, &labels);
        let (share, words) = doubted(&all);
        println!(
            "| {} | {} | {original:.2} | {found:.2} | {:+.2} | {share:.1} % | {words} |",
            kind.words(),
            run.pictures,
            found - original
        );
        if original - found > run.points {
            failed.push(kind.words());
        }
    }
    for (number, kind) in Other::ALL.into_iter().enumerate() {
        let all = both(run.pictures, |n| {
            let mut rng = generator(
                run.from + (number * 100_000 + n) as u64 + (1 << 40),
                Purpose::Check,
            );
            prepared(&other(kind, run.sides, &mut rng))
        });
        let (share, words) = doubted(&all);
        println!(
            "| {} | {} | | | | {share:.1} % | {words}; {:.1} % refused by the model or doubted |",
            kind.words(),
            run.pictures,
            100.0 - unseen(&all, |images| refused(network, &bounds, images))
        );
        let least = match kind {
            Other::Letter => 0.0, // a letter is as good a stroke as a digit
            Other::Word | Other::Texture => 65.0,
            Other::Noise | Other::Blank => 95.0,
        };
        if share < least {
            failed.push(kind.words());
        }
    }
    let test_images: Vec<_> = test
        .images
        .rows()
        .into_iter()
        .map(|row| row.to_vec())
        .collect();
    let own = refused(network, &bounds, &test_images);
    println!(
        "| MNIST's test images, 28×28 | {} | | | | | {own:.2} % refused by the model |",
        test.len()
    );
    let mut rng = generator(run.from, Purpose::Check);
    let noise: Vec<Vec<u8>> = (0..run.pictures)
        .map(|_| (0..784).map(|_| rng.random()).collect())
        .collect();
    let share = refused(network, &bounds, &noise);
    println!(
        "| uniform noise, 28×28 | {} | | | | | {share:.2} % refused by the model |",
        run.pictures
    );
    // A folder with t10k-images-idx3-ubyte.gz of clothes.
    if let Some(folder) = env::var_os("FASHION_MNIST_DIR") {
        let clothes = foreign(&Path::new(&folder).join("t10k-images-idx3-ubyte.gz"));
        let share = refused(network, &bounds, &clothes);
        println!(
            "| clothes, 28×28 | {} | | | | | {share:.2} % refused by the model |",
            clothes.len()
        );
    }
    assert!(
        own < 2.5 && share > 95.0,
        "refused: {own} % of the digits, {share} % of noise"
    );
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn digits_in_pictures_are_read_like_the_images_they_show() {
    table(&ORDINARY);
}

#[test]
#[ignore = "ten minutes: the table of docs/data.md"]
fn all_pictures() {
    table(&FULL);
}
