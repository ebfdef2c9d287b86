//! What the classes of known data sets are called.

use std::path::Path;

/// A data set that is known by its name or its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Fashion,
    Kuzushiji,
    Emnist(Emnist),
}

/// The parts of EMNIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Emnist {
    Letters,
    Balanced,
    ByClass,
    ByMerge,
    Digits,
}

/// The checksum of Fashion-MNIST's four files, as [`crate::data::load`] makes it.
const FASHION: &str = "d1fd84a877f3b78fa9a171b3de73f93e7b6f69ed94bada3feae9d96821401f5c";

const FASHION_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// お, き, す, つ, な, は, ま, や, れ, を.
const KUZUSHIJI_CLASSES: [&str; 10] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];

impl Known {
    /// The data set with four files of MNIST's shape that have this checksum.
    pub(super) fn by_checksum(checksum: &str) -> Option<Self> {
        (checksum == FASHION).then_some(Self::Fashion)
    }

    /// The data set that a file or one of the folders that it is in is called after.
    pub(super) fn by_name(path: &Path) -> Option<Self> {
        let mut names = path.components().rev();
        names.find_map(|name| {
            let name = name.as_os_str().to_string_lossy().to_lowercase();
            if name.starts_with("fashion") {
                return Some(Self::Fashion);
            }
            if name.starts_with("kmnist") || name.starts_with("kuzushiji-mnist") {
                return Some(Self::Kuzushiji);
            }
            if !name.starts_with("emnist") {
                return None;
            }
            let parts = [
                ("letters", Emnist::Letters),
                ("balanced", Emnist::Balanced),
                ("byclass", Emnist::ByClass),
                ("bymerge", Emnist::ByMerge),
                ("digits", Emnist::Digits),
                ("emnist-mnist", Emnist::Digits),
                ("emnist_mnist", Emnist::Digits),
            ];
            let part = parts.iter().find(|(part, _)| name.contains(part))?;
            Some(Self::Emnist(part.1))
        })
    }

    /// Whether labels of so many classes can be its own. A folder may be called after it for another reason.
    pub(super) fn has(self, classes: usize) -> bool {
        match self {
            Self::Fashion | Self::Kuzushiji => classes == 10,
            Self::Emnist(_) => classes <= self.classes().len(),
        }
    }

    /// What it is called.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Fashion => "Fashion-MNIST",
            Self::Kuzushiji => "Kuzushiji-MNIST",
            Self::Emnist(Emnist::Letters) => "EMNIST Letters",
            Self::Emnist(Emnist::Balanced) => "EMNIST Balanced",
            Self::Emnist(Emnist::ByClass) => "EMNIST ByClass",
            Self::Emnist(Emnist::ByMerge) => "EMNIST ByMerge",
            Self::Emnist(Emnist::Digits) => "EMNIST Digits",
        }
    }

    /// The names of its classes.
    pub(super) fn classes(self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let letters = |ranges: &[(char, char)], more: &str| {
            let ranges = ranges.iter().flat_map(|&(a, b)| a..=b);
            ranges.chain(more.chars()).map(String::from).collect()
        };
        match self {
            Self::Fashion => words(&FASHION_CLASSES),
            Self::Kuzushiji => words(&KUZUSHIJI_CLASSES),
            Self::Emnist(Emnist::Letters) => capitals(),
            Self::Emnist(Emnist::Balanced | Emnist::ByMerge) => {
                letters(&[('0', '9'), ('A', 'Z')], "abdefghnqrt")
            }
            Self::Emnist(Emnist::ByClass) => letters(&[('0', '9'), ('A', 'Z'), ('a', 'z')], ""),
            Self::Emnist(Emnist::Digits) => letters(&[('0', '9')], ""),
        }
    }
}

/// A to Z.
pub(super) fn capitals() -> Vec<String> {
    ('A'..='Z').map(String::from).collect()
}

/// Whether a file has EMNIST's images as they are distributed: rows and columns exchanged.
pub(super) fn is_transposed(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().to_lowercase().starts_with("emnist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_the_names_that_their_makers_gave_them() {
        for (path, count, last) in [
            ("a/emnist-letters-train-images-idx3-ubyte", 26, "Z"),
            ("emnist-balanced-test-labels-idx1-ubyte.gz", 47, "t"),
            ("emnist-bymerge-train.csv", 47, "t"),
            ("emnist-byclass-train.csv", 62, "z"),
            ("emnist-mnist-train-images-idx3-ubyte", 10, "9"),
            (
                "data/FashionMNIST/raw/train-images-idx3-ubyte",
                10,
                "Ankle boot",
            ),
            ("kmnist/train.npz", 10, "wo"),
        ] {
            let classes = Known::by_name(Path::new(path)).unwrap().classes();
            assert_eq!(classes.len(), count, "{path}");
            assert_eq!(classes[count - 1], last, "{path}");
        }
        for path in [
            "qmnist-train-images-idx3-ubyte",
            "mnist/train.csv",
            "emnist/x.npz",
        ] {
            assert_eq!(Known::by_name(Path::new(path)), None, "{path}");
        }
        assert!(is_transposed(Path::new("a/EMNIST-letters-train.csv")));
        assert!(!is_transposed(Path::new("emnist/train.csv")));
    }
}
