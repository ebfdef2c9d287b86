//! Every kind of data set, every error, and no panic whatever the bytes.

use std::{
    fs,
    io::{Cursor, Write},
};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

fn error(dir: &Path) -> String {
    let message = load(dir).unwrap_err().to_string();
    assert!(!message.ends_with('.'), "{message}");
    message
}

/// The error of a folder with these files, which has all the words.
fn assert_error(files: &[(&str, &[u8])], words: &[&str]) {
    let dir = folder(files);
    let message = error(dir.path());
    for word in words {
        assert!(message.contains(word), "{word:?} not in {message:?}");
    }
}

fn notes(splits: &Splits) -> String {
    splits.notes.join("\n")
}

/// An IDX file of this type, big-endian.
fn idx_of(kind: u8, shape: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend_from_slice(body);
    bytes
}

/// Three images of 2x2 and their labels.
fn images() -> Vec<u8> {
    idx_of(8, &[3, 2, 2], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255])
}

fn labels() -> Vec<u8> {
    idx_of(8, &[3], &[0, 1, 2])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = SimpleFileOptions::default();
        file.start_file(format!("{name}.npy"), options).unwrap();
        file.write_all(bytes).unwrap();
    }
    file.finish().unwrap().into_inner()
}

fn png(color: png::ColorType, rows: u32, cols: u32, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, cols, rows);
    encoder.set_color(color);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    file
}

fn grey(pixels: &[u8; 4]) -> Vec<u8> {
    png(png::ColorType::Grayscale, 2, 2, pixels)
}

/// A data set of MNIST's form: names and sizes are checked, so the files must be whole.
fn mnist_shaped(kind: FileKind) -> Vec<u8> {
    let shape: Vec<_> = std::iter::once(kind.count())
        .chain(kind.dims().into_iter().flatten())
        .collect();
    let body = (kind.content_bytes() - kind.header_bytes()) as usize;
    idx_of(8, &shape, &vec![0; body])
}

#[test]
fn idx_files_are_found_by_their_roles_whatever_their_names() {
    for (train, test) in [
        (
            ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
            ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        ),
        (
            ["my-train-images.idx", "my-train-labels.idx"],
            ["my-val-images.idx", "my-val-labels.idx"],
        ),
        (
            ["x_train.idx3-ubyte", "y_train.idx1-ubyte"],
            ["x_test.idx3-ubyte", "y_test.idx1-ubyte"],
        ),
    ] {
        let test_images = idx_of(8, &[1, 2, 2], &[9; 4]);
        let test_labels = gzip(&idx_of(8, &[1], &[2]));
        let dir = folder(&[
            (train[0], &images()),
            (train[1], &gzip(&labels())),
            (test[0], &test_images),
            (test[1], &test_labels),
        ]);
        let splits = load(dir.path()).unwrap();
        assert_eq!((splits.train.len(), splits.test.len()), (3, 1));
        assert_eq!(
            (
                splits.train.rows(),
                splits.train.cols(),
                splits.train.classes()
            ),
            (2, 2, 3)
        );
        assert_eq!(splits.train.images.row(2).to_vec(), [8, 9, 10, 255]);
        assert_eq!(splits.test.labels, [2]);
        assert!(!splits.official);
        // By the path of any of its files.
        let again = load(&dir.path().join(test[1])).unwrap();
        assert_eq!(again.checksum, splits.checksum);
        assert!(inspect(dir.path()).iter().all(|seen| seen.usable));
    }
}

#[test]
fn without_a_test_set_a_note_says_so() {
    let dir = folder(&[
        ("images-idx3-ubyte", &images()),
        ("labels-idx1-ubyte", &labels()),
    ]);
    let splits = load(dir.path()).unwrap();
    assert!(splits.test.is_empty());
    assert!(notes(&splits).contains("no test set in "), "{splits:?}");
    assert!(!notes(&splits).contains("--"));
}

#[test]
fn the_checksum_is_of_the_contents_packed_or_not() {
    let load_of = |images: &[u8]| {
        let dir = folder(&[
            ("images-idx3-ubyte", images),
            ("labels-idx1-ubyte", &labels()),
        ]);
        load(dir.path()).unwrap().checksum
    };
    let first = load_of(&images());
    assert_eq!(first.len(), 64);
    assert_eq!(first, load_of(&gzip(&images())));
    let mut other = images();
    other[17] ^= 1;
    assert_ne!(first, load_of(&other));
}

#[test]
fn all_types_of_idx_are_read() {
    let values = [0_i32, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100];
    let scaled = [0.0_f32, 0.5, 1.0, 0.2];
    let body =
        |bytes: fn(i32) -> Vec<u8>| values.iter().flat_map(|&v| bytes(v)).collect::<Vec<_>>();
    for (kind, body) in [
        (0x09, body(|v| vec![v as u8])),
        (0x0B, body(|v| (v as i16).to_be_bytes().to_vec())),
        (0x0C, body(|v| v.to_be_bytes().to_vec())),
        (0x0D, body(|v| (v as f32).to_be_bytes().to_vec())),
        (0x0E, body(|v| f64::from(v).to_be_bytes().to_vec())),
    ] {
        // As images, and as squares of pixels.
        for shape in [&[3, 2, 2][..], &[3, 4]] {
            let dir = folder(&[
                ("images.idx", &idx_of(kind, shape, &body)),
                ("labels.idx", &labels()),
            ]);
            let splits = load(dir.path()).unwrap();
            assert_eq!(
                splits.train.images.row(2).to_vec(),
                [8, 9, 10, 100],
                "{kind}"
            );
        }
    }
    let floats: Vec<_> = scaled.iter().flat_map(|v| v.to_be_bytes()).collect();
    let one = idx_of(8, &[1], &[0]);
    let dir = folder(&[
        ("images.idx", &idx_of(0x0D, &[1, 2, 2], &floats)),
        ("labels.idx", &one),
    ]);
    assert_eq!(
        load(dir.path()).unwrap().train.images.row(0).to_vec(),
        [0, 128, 255, 51]
    );
    let signed: Vec<_> = [-1.0_f32, 0.0, 1.0, -0.5]
        .iter()
        .flat_map(|v| v.to_be_bytes())
        .collect();
    let dir = folder(&[
        ("images.idx", &idx_of(0x0D, &[1, 2, 2], &signed)),
        ("labels.idx", &one),
    ]);
    let splits = load(dir.path()).unwrap();
    assert_eq!(splits.train.images.row(0).to_vec(), [0, 128, 255, 64]);
    assert!(notes(&splits).contains("pixels from -1 to 1: scaled to 0 to 255"));
}

#[test]
fn little_endian_idx_is_read_with_a_note() {
    let sizes = [3_u32, 2, 2].map(u32::to_le_bytes).concat();
    let pixels: Vec<_> = (0..12_i32).flat_map(i32::to_le_bytes).collect();
    for magic in [[3, 0x0C, 0, 0], [0, 0, 0x0C, 3]] {
        let file = [&magic[..], &sizes, &pixels].concat();
        let dir = folder(&[("images.idx", &file), ("labels.idx", &labels())]);
        let splits = load(dir.path()).unwrap();
        assert_eq!(splits.train.images.row(1).to_vec(), [4, 5, 6, 7]);
        assert!(notes(&splits).contains("little-endian"), "{splits:?}");
        let seen = inspect(dir.path());
        assert_eq!(
            seen[0].what,
            "IDX, int32, bytes reversed (little-endian), 3 dimensions: 3×2×2"
        );
    }
}

#[test]
fn labels_of_qmnist_and_labels_from_1_are_understood() {
    let table: Vec<_> = [
        2, 9, 9, 9, 9, 9, 9, 9, 0, 8, 8, 8, 8, 8, 8, 8, 1, 7, 7, 7, 7, 7, 7, 7,
    ]
    .iter()
    .flat_map(|v: &i32| v.to_be_bytes())
    .collect();
    let dir = folder(&[
        ("qmnist-train-images-idx3-ubyte", &images()),
        (
            "qmnist-train-labels-idx2-int",
            &idx_of(0x0C, &[3, 8], &table),
        ),
    ]);
    let splits = load(dir.path()).unwrap();
    assert_eq!(splits.train.labels, [2, 0, 1]);
    assert!(notes(&splits).contains("QMNIST"));

    let dir = folder(&[
        ("images.idx", &images()),
        ("labels.idx", &idx_of(8, &[3], &[3, 1, 2])),
    ]);
    let splits = load(dir.path()).unwrap();
    assert_eq!(splits.train.labels, [2, 0, 1]);
    assert_eq!(splits.train.spec.classes, ["1", "2", "3"]);
    assert!(notes(&splits).contains("labels 1 to 3, none 0"));

    let letters: Vec<u8> = (1..=26).collect();
    let dir = folder(&[
        ("images.idx", &idx_of(8, &[26, 2, 2], &[7; 104])),
        ("labels.idx", &idx_of(8, &[26], &letters)),
    ]);
    let splits = load(dir.path()).unwrap();
    assert_eq!(splits.train.spec.class(25), "Z");
    assert!(notes(&splits).contains("labels 1 to 26: EMNIST letters?"));
    assert!(
        inspect(dir.path())[1]
            .what
            .ends_with("labels 1 to 26: EMNIST letters?")
    );
    // 256 classes are allowed from 1 as well.
    let all: Vec<_> = (1..=256_i32).flat_map(i32::to_be_bytes).collect();
    let dir = folder(&[
        ("images.idx", &idx_of(8, &[256, 1, 1], &[7; 256])),
        ("labels.idx", &idx_of(0x0C, &[256], &all)),
    ]);
    assert_eq!(load(dir.path()).unwrap().train.classes(), 256);
}

#[test]
fn emnist_is_turned_upright_and_has_letters() {
    let dir = folder(&[
        (
            "emnist-letters-train-images-idx3-ubyte.gz",
            &gzip(&images()),
        ),
        (
            "emnist-letters-train-labels-idx1-ubyte.gz",
            &gzip(&idx_of(8, &[3], &[1, 2, 3])),
        ),
        ("emnist-letters-test-images-idx3-ubyte.gz", &gzip(&images())),
        (
            "emnist-letters-test-labels-idx1-ubyte.gz",
            &gzip(&idx_of(8, &[3], &[3, 2, 1])),
        ),
    ]);
    let splits = load(dir.path()).unwrap();
    assert_eq!(splits.train.images.row(0).to_vec(), [0, 2, 1, 3]);
    assert_eq!(splits.train.classes(), 26);
    assert_eq!(splits.test.spec.class(splits.test.labels[0]), "C");
    assert!(notes(&splits).contains("turned upright"));
}

#[test]
fn the_four_files_of_mnist_go_their_own_way() {
    let dir = tempfile::tempdir().unwrap();
    let fashion = dir.path().join("FashionMNIST/raw");
    fs::create_dir_all(&fashion).unwrap();
    for kind in FileKind::ALL {
        fs::write(fashion.join(kind.name()), mnist_shaped(kind)).unwrap();
    }
    let splits = load(&fashion).unwrap();
    assert_eq!(splits.train.spec.class(9), "Ankle boot");
    assert!(
        notes(&splits).contains("Fashion-MNIST"),
        "{}",
        notes(&splits)
    );
    let message = error(dir.path());
    assert!(
        message.contains("there is one in") && message.contains("raw"),
        "{message}"
    );

    // A truncated file of MNIST's is an error as ever.
    let file = fashion.join(FileKind::TestLabels.name());
    fs::write(&file, &mnist_shaped(FileKind::TestLabels)[..9000]).unwrap();
    assert!(error(&fashion).contains("truncated at byte 9000 of 10008 (8992 of 10000 labels)"));
    fs::remove_file(&file).unwrap();
    assert!(error(&fashion).contains("t10k-labels-idx1-ubyte(.gz) not found"));
    // The training set alone will do.
    fs::rename(
        fashion.join(FileKind::TestImages.name()),
        dir.path().join("elsewhere"),
    )
    .unwrap();
    assert!(!is_mnist(&fashion));
}

#[test]
fn what_is_wrong_with_idx_files_is_said() {
    let with = |images: &[u8], labels: &[u8], words: &[&str]| {
        assert_error(&[("images.idx", images), ("labels.idx", labels)], words);
    };
    let two = idx_of(8, &[2], &[0, 1]);
    with(
        &images(),
        &two,
        &["images.idx: 3 images, but", "labels.idx has 2 labels"],
    );
    with(
        &images()[..25],
        &labels(),
        &["truncated at byte 25 of 28 (2 of 3 whole images)"],
    );
    with(
        &images()[..9],
        &labels(),
        &["truncated at byte 9, inside the header"],
    );
    with(&[], &labels(), &["images.idx: empty, expected an IDX file"]);
    with(
        &[images(), vec![1]].concat(),
        &labels(),
        &["trailing bytes after byte 28"],
    );
    with(
        b"hello, world",
        &labels(),
        &["starts with 0x68656c6c", "magic number"],
    );
    with(
        &labels(),
        &labels(),
        &["3 numbers, expected images", "swapped?"],
    );
    with(
        &images(),
        &images(),
        &["3×2×2 numbers, expected one label", "swapped?"],
    );
    with(
        &idx_of(8, &[1, 600, 2], &[0; 1200]),
        &two,
        &["images of 600x2, expected 1 to 512"],
    );
    with(&idx_of(8, &[3, 0, 2], &[]), &labels(), &["images of 0x2"]);
    with(
        &idx_of(8, &[0, 2, 2], &[]),
        &idx_of(8, &[0], &[]),
        &["no images in it"],
    );
    with(
        &idx_of(8, &[3, 5], &[0; 15]),
        &labels(),
        &["5 pixels an image, which are no square"],
    );
    with(
        &idx_of(8, &[u32::MAX, 28, 28], &[]),
        &labels(),
        &["4294967295×28×28 numbers, expected at most 4 GiB"],
    );
    with(
        &idx_of(8, &[3, 2, 2, 3], &[0; 36]),
        &labels(),
        &["3×2×2×3 numbers: images in colour, expected grey"],
    );
    let int = |values: &[i32]| {
        values
            .iter()
            .flat_map(|v| v.to_be_bytes())
            .collect::<Vec<_>>()
    };
    let with_labels = |values: &[i32], words: &[&str]| {
        with(&images(), &idx_of(0x0C, &[3], &int(values)), words);
    };
    with_labels(
        &[0, -1, 2],
        &["labels.idx: label 1 is -1, expected 0 to 255"],
    );
    with_labels(&[0, 1, 300], &["label 2 is 300, expected 0 to 255"]);
    with_labels(&[0, 1, 256], &["is 256, expected 0 to 255"]);
    let halves: Vec<_> = [0.5_f32, 1.0, 2.0]
        .iter()
        .flat_map(|v| v.to_be_bytes())
        .collect();
    with(
        &images(),
        &idx_of(0x0D, &[3], &halves),
        &["label 0 is 0.5, expected a whole number"],
    );
    let pixels = int(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1000]);
    with(
        &idx_of(0x0C, &[3, 2, 2], &pixels),
        &labels(),
        &["pixels from 0 to 1000, expected 0 to 255"],
    );
    let normal: Vec<_> = [-0.5_f32, 0.0, 2.5, 1.0]
        .iter()
        .flat_map(|v| v.to_be_bytes())
        .collect();
    let one = idx_of(8, &[1], &[0]);
    with(
        &idx_of(0x0D, &[1, 2, 2], &normal),
        &one,
        &["pixels from -0.5 to 2.5", "undo the normalisation"],
    );
    let nan: Vec<_> = [f32::NAN, 0.0, 2.5, 1.0]
        .iter()
        .flat_map(|v| v.to_be_bytes())
        .collect();
    with(
        &idx_of(0x0D, &[1, 2, 2], &nan),
        &one,
        &["NaN among the numbers"],
    );
    let packed = gzip(&images());
    assert_error(
        &[
            ("images.idx.gz", &packed[..packed.len() - 3]),
            ("labels.idx", &labels()),
        ],
        &["images.idx.gz: gzip stream truncated"],
    );
    assert_error(
        &[
            ("train-images.idx", &images()),
            ("z-train-labels.idx", &labels()),
        ],
        &["training images are there, but no training labels with the same name"],
    );
    assert_error(
        &[
            ("test-images.idx", &images()),
            ("test-labels.idx", &labels()),
        ],
        &["a test set is there, but no training set"],
    );
    assert_error(
        &[
            ("train-images.idx", &images()),
            ("train-labels.idx", &labels()),
            ("test-images.idx", &idx_of(8, &[3, 1, 1], &[0; 3])),
            ("test-labels.idx", &labels()),
        ],
        &[
            "test-images.idx: images of 1x1, but those of",
            "train-images.idx are 2x2",
        ],
    );
}

#[test]
fn several_data_sets_are_named() {
    let dir = folder(&[
        ("a-train-images.idx", &images()),
        ("a-train-labels.idx", &labels()),
        ("b-train-images.idx", &images()),
        ("b-train-labels.idx", &idx_of(8, &[3], &[2, 2, 2])),
    ]);
    let message = error(dir.path());
    assert!(
        message.contains(": 2 data sets: ") && message.contains("pass one of them"),
        "{message}"
    );
    assert!(message.contains("a-train-images.idx") && message.contains("b-train-images.idx"));
    let b = load(&dir.path().join("b-train-images.idx")).unwrap();
    assert_eq!(b.train.labels, [2, 2, 2]);
    assert!(notes(&b).contains("2 of 3 classes have no image to train on: 0, 1"));

    let dir = folder(&[
        ("images.idx", &images()),
        ("images.idx.gz", &gzip(&images())),
        ("labels.idx", &labels()),
    ]);
    assert!(notes(&load(dir.path()).unwrap()).contains("images.idx.gz: a second copy, not used"));
    assert_error(
        &[
            ("images.idx", &images()),
            ("imgs.idx", &images()),
            ("labels.idx", &labels()),
        ],
        &["could be the images as well as", "rename one of them"],
    );
}

#[test]
fn archives_of_numpy_are_read() {
    let x = || {
        npy(
            "|u1",
            "False",
            "(3, 2, 2)",
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255],
        )
    };
    let y = |values: [i64; 3]| {
        npy(
            "<i8",
            "False",
            "(3,)",
            &values.map(i64::to_le_bytes).concat(),
        )
    };
    for names in [
        ["x_train", "y_train", "x_test", "y_test"],
        ["train_images", "train_labels", "test_images", "test_labels"],
        ["X_train", "Y_train", "X_val", "Y_val"],
        ["train_data", "train_target", "test_data", "test_target"],
    ] {
        let file = npz(&[
            (names[0], x()),
            (names[1], y([0, 1, 2])),
            (names[2], x()),
            (names[3], y([2, 1, 0])),
        ]);
        let dir = folder(&[("mnist.npz", &file)]);
        let splits = load(dir.path()).unwrap();
        assert_eq!(splits.train.images.row(1).to_vec(), [4, 5, 6, 7]);
        assert_eq!(
            (splits.train.labels, splits.test.labels),
            (vec![0, 1, 2], vec![2, 1, 0])
        );
        let seen = inspect(&dir.path().join("mnist.npz"));
        assert!(seen[0].usable);
        assert!(
            seen[0]
                .what
                .starts_with(&format!("NumPy archive: {} 3×2×2 uint8, ", names[0])),
            "{seen:?}"
        );
    }
    for names in [
        ["X", "y"],
        ["images", "labels"],
        ["data", "target"],
        ["arr_0", "arr_1"],
    ] {
        let dir = folder(&[("a.npz", &npz(&[(names[0], x()), (names[1], y([0, 1, 2]))]))]);
        assert_eq!(load(dir.path()).unwrap().train.len(), 3);
        let dir = folder(&[
            (&format!("{}.npy", names[0])[..], &x()),
            (&format!("{}.npy", names[1]), &y([0, 1, 2])),
        ]);
        // Two arrays in two files belong together only if their names say so.
        assert_eq!(load(dir.path()).is_ok(), names[0] != "arr_0");
    }
    let one = |array: Vec<u8>| npz(&[("arr_0", array)]);
    let dir = folder(&[
        ("kmnist-train-imgs.npz", &one(x())),
        ("kmnist-train-labels.npz", &one(y([0, 1, 9]))),
        ("kmnist-test-imgs.npz", &one(x())),
        ("kmnist-test-labels.npz", &one(y([0, 1, 2]))),
    ]);
    let splits = load(dir.path()).unwrap();
    assert_eq!((splits.test.len(), splits.train.spec.class(9)), (3, "wo"));
}

#[test]
fn arrays_too_large_together_are_refused_by_their_headers() {
    let gib = |descr: &str, shape: &str| npy(descr, "False", shape, &[]);
    let file = npz(&[
        ("x_train", gib("|u1", "(1048576, 32, 32)")),
        ("y_train", gib("<i8", "(134217728,)")),
        ("x_test", gib("|u1", "(1048576, 32, 32)")),
        ("y_test", gib("<i8", "(134217729,)")),
    ]);
    assert_error(
        &[("mnist.npz", &file)],
        &[
            "mnist.npz: y_test",
            "4294967304 bytes of numbers so far, expected at most 4 GiB",
        ],
    );
    // One byte less, and only what is missing is.
    let file = npz(&[
        ("x_train", gib("|u1", "(1048576, 32, 32)")),
        ("y_train", gib("|u1", "(1048576,)")),
    ]);
    assert_error(&[("mnist.npz", &file)], &["x_train", "truncated: 0 bytes"]);
}

#[test]
fn loose_images_are_counted_by_their_header_whatever_the_format() {
    let large = npy("|u1", "False", "(1048576, 32, 32)", &[]);
    let dir = folder(&[
        ("a.npy", &large),
        ("a.npz", &npz(&[("x", large.clone())])),
        ("a-idx3-ubyte", &idx_of(8, &[1 << 20, 32, 32], &[])),
    ]);
    for name in ["a.npy", "a.npz", "a-idx3-ubyte"] {
        let error = loose(&dir.path().join(name)).unwrap_err().to_string();
        assert!(
            error.contains("expected at most 536870912 at a time"),
            "{error}"
        );
    }
}

#[test]
fn arrays_of_other_types_orders_and_shapes_are_read() {
    // The same three images by columns.
    let columns = npy(
        "|u1",
        "True",
        "(3, 2, 2)",
        &[0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 255],
    );
    let one_hot = npy(
        "<f4",
        "False",
        "(3, 2)",
        &[1.0_f32, 0., 0., 1., 0., 1.].map(f32::to_le_bytes).concat(),
    );
    let dir = folder(&[("a.npz", &npz(&[("x", columns), ("y", one_hot)]))]);
    let splits = load(dir.path()).unwrap();
    assert_eq!(splits.train.images.row(1).to_vec(), [4, 5, 6, 7]);
    assert_eq!(splits.train.labels, [0, 1, 1]);
    assert!(notes(&splits).contains("each label is a 1 among 2 numbers"));

    // scikit-learn's digits, with all that is in them.
    let digits: Vec<_> = (0..64)
        .map(|p| f64::from(p % 17))
        .flat_map(f64::to_le_bytes)
        .collect();
    let dir = folder(&[(
        "digits.npz",
        &npz(&[
            ("data", npy("<f8", "False", "(1, 64)", &digits)),
            ("target", npy("<i8", "False", "(1,)", &3_i64.to_le_bytes())),
            ("frame", npy("|O", "False", "()", b"x")),
            ("images", npy("<f8", "False", "(1, 8, 8)", &digits)),
            ("target_names", npy("<i8", "False", "(2,)", &[0; 16])),
            ("DESCR", npy("<U3", "False", "()", &[0; 12])),
        ]),
    )]);
    let splits = load(dir.path()).unwrap();
    assert_eq!((splits.train.rows(), splits.train.labels[0]), (8, 3));
    assert_eq!(splits.train.images[[0, 16]], 255);
    assert!(notes(&splits).contains("scikit-learn"));

    let pixels = npy("|b1", "False", "(1, 2, 2, 1)", &[0, 1, 1, 0]);
    let label = || npy("|u1", "False", "(1, 1)", &[0]);
    let dir = folder(&[("a.npz", &npz(&[("x", pixels), ("y", label())]))]);
    assert_eq!(
        load(dir.path()).unwrap().train.images.row(0).to_vec(),
        [0, 255, 255, 0]
    );

    let colour = npy("|u1", "False", "(1, 2, 2, 3)", &[0; 12]);
    assert_error(
        &[("a.npz", &npz(&[("x", colour), ("y", label())]))],
        &["a.npz: x", "in colour"],
    );
    let short = npy("|u1", "False", "(2, 2, 2)", &[0; 7]);
    assert_error(
        &[("a.npz", &npz(&[("x", short), ("y", label())]))],
        &[
            "truncated: 7 bytes of numbers, expected 8",
            "1 whole images",
        ],
    );
    let long = npy("|u1", "False", "(1, 2, 2)", &[0; 5]);
    assert_error(
        &[("a.npz", &npz(&[("x", long), ("y", label())]))],
        &["more than 4 bytes"],
    );
    let huge = npy("<f8", "False", "(99999999, 512, 512)", &[]);
    assert_error(
        &[("a.npz", &npz(&[("x", huge), ("y", label())]))],
        &["at most 4 GiB"],
    );
    assert_error(
        &[("a.npz", &npz(&[("weight", label())]))],
        &["training labels"].map(|_| "labels are there"),
    );
    assert_error(&[("a.npz", b"PK\x03\x04 broken")], &["broken .npz file"]);
}

#[test]
fn tables_are_read_with_and_without_names() {
    let kaggle = "label,pixel0,pixel1,pixel2,pixel3\r\n1,0,1,2,3\r\n0,4,5,6,255\r\n";
    let test = "pixel0,pixel1,pixel2,pixel3\n0,1,2,3\n";
    let dir = folder(&[
        ("train.csv", kaggle.as_bytes()),
        ("test.csv", test.as_bytes()),
        ("sample_submission.csv", b"ImageId,Label\n1,0\n"),
    ]);
    let splits = load(dir.path()).unwrap();
    assert_eq!(splits.train.images.row(1).to_vec(), [4, 5, 6, 255]);
    assert_eq!(
        (splits.train.labels.clone(), splits.test.len()),
        (vec![1, 0], 0)
    );
    assert!(notes(&splits).contains("test.csv: no labels, so not used as a test set"));
    assert!(notes(&splits).contains("no test set in "));

    let plain = "5,0,1,2,3\n0,4,5,6,255";
    for text in [
        plain.to_owned(),
        plain.replace(',', ";"),
        plain.replace(',', "\t"),
        plain.replace(',', ", "),
    ] {
        let dir = folder(&[
            ("mnist_train.csv", text.as_bytes()),
            ("mnist_test.csv", &gzip(text.as_bytes())),
        ]);
        let splits = load(dir.path()).unwrap();
        assert_eq!(
            (splits.train.labels, splits.test.labels),
            (vec![5, 0], vec![5, 0]),
            "{text}"
        );
        assert_eq!(splits.test.images.row(1).to_vec(), [4, 5, 6, 255]);
    }
    let names = "\"label\",\"1x1\",\"1x2\",\"1x3\",\"2x1\",\"2x2\",\"2x3\"";
    let words = format!("{names}\nB,0.5,0,0,0,1,1\nA,0,0,0,0,0,0\n");
    let dir = folder(&[("a.csv", words.as_bytes())]);
    let splits = load(dir.path()).unwrap();
    assert_eq!((splits.train.rows(), splits.train.cols()), (2, 3));
    assert_eq!(splits.train.spec.classes, ["A", "B"]);
    assert_eq!(
        splits.train.images.row(0).to_vec(),
        [128, 0, 0, 0, 255, 255]
    );

    let last = "0,1,2,3,7\n0,4,5,6,8\n";
    let splits = load(folder(&[("a.csv", last.as_bytes())]).path()).unwrap();
    assert_eq!(splits.train.labels, [7, 8]);
    assert!(notes(&splits).contains("the last one is taken as the label"));
    let dir = folder(&[("train.csv", kaggle.as_bytes())]);
    assert!(
        inspect(dir.path())[0]
            .what
            .starts_with("CSV: 5 columns, with a line of names, the first is the label")
    );
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_line_and_column() {
    let with = |text: &str, words: &[&str]| assert_error(&[("train.csv", text.as_bytes())], words);
    with(
        "1,2,3,4,5\n1,2,3,4\n",
        &["line 2 has 4 columns, expected 5"],
    );
    with(
        "1,2,3,4,5\n1,2,3,4,5,6\n",
        &["line 2 has 6 columns, expected 5"],
    );
    with(
        "1,2,3,4,5\n1,2,x,4,5\n",
        &["line 2, column 3: \"x\", expected a pixel"],
    );
    with(
        "1,2,3,4,5\n1,2,,4,5\n",
        &["line 2, column 3: nothing, expected a pixel"],
    );
    with(
        "1,2,3,4,5\n,2,3,4,5\n",
        &["line 2, column 1: nothing, expected a label"],
    );
    with(
        "1,2,3,4,5\n1.5,2,3,4,5\n",
        &["column 1: 1.5, expected a whole number"],
    );
    with(
        "1,2,3,4,5,6,7\n",
        &["7 columns, expected a label and the pixels of a square image"],
    );
    with("label,a,b,c,d\n", &["no images in it"]);
    with(
        "a,b,c,d,e,f,g,h,i\n1,2,3,4,5,6,7,8,9\n",
        &["pixels are there, but no labels"],
    );
    with("1,2,3,4,500\n", &["pixels from 2 to 500"]);
    let many: String = (0..300).map(|n| format!("c{n},1,2,3,4\n")).collect();
    with(
        &many,
        &["line 257, column 1", "one more label after 256 others"],
    );
}

#[test]
fn folders_of_pictures_are_read() {
    let rgb = png(
        png::ColorType::Rgb,
        2,
        2,
        &[255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9],
    );
    let dir = folder(&[
        ("train/10/a.png", &grey(&[1, 2, 3, 4])),
        ("train/9/b.png", &grey(&[5, 6, 7, 8])),
        ("train/9/c.PNG", &rgb),
        ("train/9/.hidden.png", b"no"),
        ("train/9/notes.txt", b"no"),
        ("test/9/a.png", &grey(&[0, 0, 0, 1])),
        ("test/10/a.png", &grey(&[0, 0, 0, 2])),
    ]);
    let splits = load(dir.path()).unwrap();
    assert_eq!(splits.train.spec.classes, ["9", "10"]);
    assert_eq!(splits.train.labels, [0, 0, 1]);
    assert_eq!(splits.train.images.row(0).to_vec(), [5, 6, 7, 8]);
    assert_eq!(splits.train.images.row(1).to_vec(), [76, 150, 29, 9]);
    assert_eq!(splits.test.images.row(1).to_vec(), [0, 0, 0, 2]);
    assert!(notes(&splits).contains("1 that are no pictures skipped, such as"));
    let train = load(&dir.path().join("train")).unwrap();
    assert!(train.test.is_empty() && notes(&train).contains("no test set"));
    assert_eq!(
        inspect(&dir.path().join("train"))[0].what,
        "pictures: 2 folders, a class each: 9, 10"
    );

    assert_error(
        &[
            ("a/1.png", &grey(&[0; 4])),
            ("b/2.png", &png(png::ColorType::Grayscale, 1, 3, &[0; 3])),
        ],
        &[
            "1.png is 2x2, but",
            "2.png is 1x3",
            "mogrify -resize 2x2! -colorspace Gray",
        ],
    );
    assert_error(
        &[("a/1.png", &grey(&[0; 4])), ("b/2.png", b"no")],
        &["2.png: the file starts with"],
    );
    let cut = &grey(&[0; 4])[..40];
    assert_error(&[("a/1.png", cut)], &["1.png: the picture is damaged"]);
    let large = png(png::ColorType::Grayscale, 1, 600, &[0; 600]);
    assert_error(
        &[("a/1.png", &large)],
        &["a picture of 1x600, expected 1 to 512"],
    );
    assert_error(
        &[("test/a/1.png", &grey(&[0; 4]))],
        &["no training set: expected a folder called train"],
    );
}

#[test]
fn files_of_other_programs_are_named_with_the_line_that_converts_them() {
    let mut tar = vec![0; 600];
    tar[257..262].copy_from_slice(b"ustar");
    for (name, bytes, words) in [
        (
            "mnist.pkl.gz",
            gzip(b"((lp1\n"),
            &[
                "a Python pickle",
                "mnist.pkl.gz\")",
                "mnist.npz\"",
                "np.r_[a,c]",
            ][..],
        ),
        (
            "digits.pickle",
            b"\x80\x04\x95abc".to_vec(),
            &["a Python pickle", "digits.pickle\",\"rb\")"],
        ),
        (
            "training.pt",
            b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19".to_vec(),
            &["torch.save", "training.npz"],
        ),
        (
            "emnist-letters.mat",
            b"MATLAB 5.0 MAT-file".to_vec(),
            &["a file of MATLAB", "loadmat(", "transpose(0,2,1)"],
        ),
        (
            "usps.mat",
            b"MATLAB 7.3 MAT-file".to_vec(),
            &["a file of MATLAB", "h5py"],
        ),
        (
            "train-00000-of-00001.parquet",
            b"PAR1".to_vec(),
            &["a Parquet file", "read_parquet("],
        ),
        (
            "usps.h5",
            b"\x89HDF\r\n\x1a\n".to_vec(),
            &["an HDF5 file", "h5py.File("],
        ),
        (
            "mnist-test.tfrecord-00000-of-00001",
            b"x".to_vec(),
            &["a TFRecord file", "x_test="],
        ),
        (
            "data.arrow",
            b"ARROW1".to_vec(),
            &["an Arrow file", "from_file("],
        ),
        (
            "mnist_png.tar.gz",
            gzip(&tar),
            &["a tar archive", "tar -xf ", "mnist_png"],
        ),
        (
            "pictures.zip",
            b"PK\x03\x04".to_vec(),
            &["a zip archive", "unzip ", "pictures.zip -d "],
        ),
        (
            "train.xz",
            b"\xfd7zXZ\0".to_vec(),
            &["a packed file", "unxz -k "],
        ),
    ] {
        let dir = folder(&[(name, &bytes)]);
        let message = error(dir.path());
        assert!(matches!(
            load(dir.path()),
            Err(DatasetError::Foreign { .. })
        ));
        for word in words.iter().chain(&["this line converts it: "]) {
            assert!(message.contains(word), "{word:?} not in {message:?}");
        }
        let seen = inspect(&dir.path().join(name));
        assert!(!seen[0].usable && seen[0].what.contains("this line converts it"));
    }
    for name in ["cifar-10-python.tar.gz", "cifar-10-batches-py/data_batch_1"] {
        let dir = folder(&[(name, b"\x80\x04\x95abc")]);
        let message = error(&dir.path().join(name));
        assert!(
            message.contains("CIFAR, 3 channels: images in colour, expected grey ones"),
            "{message}"
        );
    }
    assert_error(
        &[("train.csv", b"<!DOCTYPE html>")],
        &["train.csv: a web page, not the data"],
    );
    // With what the line makes beside it, the folder is read.
    let x = npy("|u1", "False", "(1, 1, 1)", &[0]);
    let file = npz(&[
        ("x_train", x),
        ("y_train", npy("|u1", "False", "(1,)", &[0])),
    ]);
    let dir = folder(&[("mnist.pkl.gz", b"x"), ("mnist.npz", &file)]);
    assert_eq!(load(dir.path()).unwrap().train.len(), 1);
}

#[test]
fn the_line_is_one_for_a_shell_whatever_the_name() {
    let path = Path::new("it's a \"file\".pkl");
    let line = foreign::Foreign::Pickle.convert(path).unwrap();
    assert!(line.starts_with("python3 -c 'import "));
    assert!(
        line.contains(r#"open("it'\''s a \"file\".pkl","rb")"#),
        "{line}"
    );
}

#[test]
fn a_folder_without_data_says_what_was_looked_for_and_what_is_there() {
    let dir = folder(&[
        ("notes.txt", b"hello"),
        ("b.md", b"x"),
        ("pictures/readme", b"x"),
    ]);
    let message = error(dir.path());
    for word in [
        "no data set here, looked for IDX files",
        "found b.md, notes.txt",
    ] {
        assert!(message.contains(word), "{message}");
    }
    let empty = tempfile::tempdir().unwrap();
    assert!(error(empty.path()).contains("the folder is empty"));
    let missing = empty.path().join("nowhere");
    assert!(error(&missing).contains("none of the four MNIST files is here"));
    assert_eq!(inspect(&missing), []);
}

proptest! {
    #[test]
    fn idx_truncated_anywhere_is_an_error(at in 0..28_usize, packed: bool) {
        let mut file = images();
        file.truncate(at);
        if packed {
            file = gzip(&file);
        }
        let dir = folder(&[("images.idx", &file), ("labels.idx", &labels())]);
        prop_assert!(load(dir.path()).is_err());
    }

    #[test]
    fn gzip_and_npz_truncated_anywhere_are_errors(share in 0.0..1.0_f64) {
        let cut = |file: Vec<u8>| file[..(file.len() as f64 * share) as usize].to_vec();
        let dir = folder(&[("images.idx.gz", &cut(gzip(&images()))), ("labels.idx", &labels())]);
        prop_assert!(load(dir.path()).is_err());
        let arrays = [
            ("x", npy("|u1", "False", "(3, 2, 2)", &[7; 12])),
            ("y", npy("|u1", "False", "(3,)", &[0, 1, 2])),
        ];
        let dir = folder(&[("a.npz", &cut(npz(&arrays)))]);
        prop_assert!(load(dir.path()).is_err());
    }

    #[test]
    fn no_bytes_panic(
        kind in 7..16_u8, axes in 0..6_u8, body in proptest::collection::vec(any::<u8>(), 0..60), at in 0..200_usize, to: u8,
    ) {
        let _ = idx::read(&body[..]);
        let _ = idx::read(&[&[0, 0, kind, axes], &body[..]].concat()[..]);
        let _ = idx::read(&[&[axes, kind, 0, 0], &body[..]].concat()[..]);
        let _ = csv::read(&body);
        let mut file = npz(&[
            ("x", npy("|u1", "True", "(3, 2, 2)", &[7; 12])),
            ("y", npy("<f4", "False", "(3,)", &[0; 12])),
        ]);
        let at = at % file.len();
        file[at] = to;
        let _ = npz::list(Cursor::new(&file));
        for array in ["x", "y"] {
            let _ = npz::from_npz(Cursor::new(&file), array);
        }
        let name = ["images.idx", "a.csv", "a.npz", "x.npy", "a.pkl", "a.mat"][at % 6];
        let _ = load(folder(&[(name, &body), ("labels.idx", &labels())]).path());
    }

    #[test]
    fn no_table_panics(text in "[0-9a-z,;\t\"\n.x-]{0,80}") {
        let _ = csv::read(text.as_bytes());
        let _ = csv::describe(text.as_bytes());
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_that_took_the_place_of_a_file_is_neither_waited_for_nor_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let refused = |fault: String| assert!(fault.contains("not a regular file"), "{fault}");
    for path in [&*pipe, Path::new("/dev/zero")] {
        refused(pictures::picture(path).unwrap_err().to_string());
        refused(source::open(path).err().unwrap().to_string());
        refused(source::start(path).unwrap_err().to_string());
        refused(npz::list_file(path).unwrap_err());
        refused(npz::read(path, None).unwrap_err());
        refused(npz::read(path, Some("x")).unwrap_err());
        assert!(source::zip_names(path).is_empty());
    }
}

#[test]
fn a_table_of_one_endless_line_is_not_read_to_its_end() {
    use std::io::{self, Read};
    /// What comes after a line that is longer than any.
    struct Unread;
    impl Read for Unread {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("more was read than one line may have");
        }
    }
    let most = 1 << 40;
    let refused = |line: Vec<u8>| {
        let bytes = csv::bytes((&line[..]).chain(Unread), 0, most).unwrap();
        csv::read(&bytes).unwrap_err()
    };
    let columns = refused(b"1,".repeat(9 << 20));
    assert!(
        columns.contains("more than 262146 columns, expected"),
        "{columns}"
    );
    let mut one = b"1,".repeat(17);
    one.resize(18 << 20, b'1');
    let length = refused(one);
    assert!(length.contains("a first line of"), "{length}");

    // The largest image with a label and the number of its line.
    let mut line = b"0,".repeat(512 * 512);
    line.extend(b"7\n");
    let read = csv::bytes(&line.repeat(2)[..], 0, most).unwrap();
    assert_eq!(read.len(), 2 * line.len());
    assert_eq!(csv::read(&read).unwrap().pixels.shape, [2, 512, 512]);
}

#[test]
fn labels_of_text_are_answered_with_the_line_that_makes_numbers_of_them() {
    let pixels = || npy("|u1", "False", "(3, 4, 4)", &[7; 48]);
    let line = "from 0 on; of names NumPy makes them by np.unique(y, return_inverse=True)[1]";
    let text = npy("<U1", "False", "(3,)", b"a\0\0\0b\0\0\0c\0\0\0");
    let file = npz(&[("x", pixels()), ("y", text)]);
    assert_error(
        &[("small.npz", &file)],
        &["small.npz: y: it holds text, expected", line],
    );
    let objects = npy("|O", "False", "(3,)", b"\x80\x04");
    let file = npz(&[("x", pixels()), ("y", objects)]);
    assert_error(
        &[("small.npz", &file)],
        &["y: it holds Python objects, expected", line],
    );
    // Of images no such line helps.
    let file = npz(&[
        ("x", npy("|O", "False", "(3,)", b"\x80\x04")),
        ("y", npy("|u1", "False", "(3,)", &[0, 1, 2])),
    ]);
    let dir = folder(&[("small.npz", &file)]);
    let message = error(dir.path());
    assert!(message.ends_with("x: it holds Python objects"), "{message}");
}
