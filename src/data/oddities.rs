//! What is sound in a data set, but may mislead whoever trains on it.

use std::{
    collections::HashSet,
    fmt,
    hash::{BuildHasher, RandomState},
};

use super::Dataset;

/// Something odd. Displays what was found, and what it does to a network.
#[derive(Clone, Debug, PartialEq)]
pub enum Oddity {
    /// The validation images are not of the same classes as the training images.
    OtherClasses {
        /// A class of which the two have very different shares.
        class: String,
        /// Its share of the training images, 0 to 1.
        train: f64,
        /// Its share of the validation images, 0 to 1.
        valid: f64,
    },
    /// Every training image is of one class.
    OneClass(String),
    /// Classes without a training image.
    Missing(Vec<String>),
    /// The largest class has many times the images of the smallest.
    Unbalanced {
        /// The class with the most images, and how many.
        most: (String, usize),
        /// The class with the fewest, and how many.
        fewest: (String, usize),
    },
    /// Images of a single grey value, of all.
    Blank(usize, usize),
    /// Test images that are training images too, of all test images.
    Duplicates(usize, usize),
    /// Most images have a light border.
    LightBorder,
}

/// How many times the images of the smallest class the largest may have.
const BALANCE: usize = 15;
/// A share of classes is other if it is so many times as large, or as small.
const TIMES: f64 = 3.0;

/// What is odd about images to train on, to validate on and to test on; the last two may be empty.
pub fn oddities(train: &Dataset, valid: &Dataset, test: &Dataset) -> Vec<Oddity> {
    let mut odd = Vec::new();
    let histogram = train.histogram();
    let name = |class: usize| train.spec.classes[class].clone();
    let present: Vec<_> = (0..train.classes()).filter(|&c| histogram[c] > 0).collect();
    if let [only] = present[..] {
        odd.push(Oddity::OneClass(name(only)));
    } else if present.len() < train.classes() {
        let missing = (0..train.classes()).filter(|&c| histogram[c] == 0);
        odd.push(Oddity::Missing(missing.map(name).collect()));
    }
    odd.extend(other_classes(train, valid));
    let by_count = |&class: &usize| histogram[class];
    if let (Some(most), Some(fewest)) = (
        present.iter().copied().max_by_key(by_count),
        present.iter().copied().min_by_key(by_count),
    ) && histogram[most] > BALANCE * histogram[fewest]
    {
        odd.push(Oddity::Unbalanced {
            most: (name(most), histogram[most]),
            fewest: (name(fewest), histogram[fewest]),
        });
    }
    let blank = train.images.rows().into_iter();
    let blank = blank.filter(|image| image.iter().all(|grey| *grey == image[0]));
    let blank = blank.count();
    if blank > 0 {
        odd.push(Oddity::Blank(blank, train.len()));
    }
    let duplicates = duplicates(train, test);
    if duplicates > 0 {
        odd.push(Oddity::Duplicates(duplicates, test.len()));
    }
    if has_light_border(train) {
        odd.push(Oddity::LightBorder);
    }
    odd
}

/// The class whose shares differ most, if they differ much.
fn other_classes(train: &Dataset, valid: &Dataset) -> Option<Oddity> {
    if valid.is_empty() {
        return None;
    }
    let share = |count: usize, all: usize| count as f64 / all as f64;
    let (of_train, of_valid) = (train.histogram(), valid.histogram());
    let classes = 0..train.classes();
    let differ = |&class: &usize| {
        let (t, v) = (of_train[class], of_valid[class]);
        // As many as the share of all would give, and what chance does to that many times over.
        let expected = share(t + v, train.len() + valid.len()) * valid.len() as f64;
        let (found, chance) = (v as f64, 6.0 * expected.sqrt() + 5.0);
        let is_other = found > TIMES * expected || found < expected / TIMES;
        is_other && (found - expected).abs() > chance
    };
    let off = |class: &usize| {
        let train = share(of_train[*class], train.len());
        (train - share(of_valid[*class], valid.len())).abs()
    };
    let class = classes
        .filter(differ)
        .max_by(|a, b| off(a).total_cmp(&off(b)))?;
    Some(Oddity::OtherClasses {
        class: train.spec.classes[class].clone(),
        train: share(of_train[class], train.len()),
        valid: share(of_valid[class], valid.len()),
    })
}

/// How many test images are, pixel by pixel, among the training images. Blank ones do not count.
fn duplicates(train: &Dataset, test: &Dataset) -> usize {
    if test.is_empty() || train.images.ncols() != test.images.ncols() {
        return 0;
    }
    let state = RandomState::new();
    let hash = |image: ndarray::ArrayView1<'_, u8>| match image.as_slice() {
        Some(pixels) => state.hash_one(pixels),
        None => state.hash_one(image.to_vec()),
    };
    // Of 2⁶⁴ values, no two of 10⁶ images share one by chance.
    let seen: HashSet<_> = train.images.rows().into_iter().map(hash).collect();
    let images = test.images.rows().into_iter();
    let images = images.filter(|image| image.iter().any(|grey| *grey != image[0]));
    images.filter(|image| seen.contains(&hash(*image))).count()
}

/// Whether the outermost pixels of most of the first images are light.
fn has_light_border(data: &Dataset) -> bool {
    const LOOKED_AT: usize = 1000;
    let (rows, cols) = (data.rows(), data.cols());
    let is_light = |image: ndarray::ArrayView1<'_, u8>| {
        let border = (0..rows * cols).filter(|p| {
            let (row, col) = (p / cols, p % cols);
            row == 0 || col == 0 || row + 1 == rows || col + 1 == cols
        });
        let (mut sum, mut count) = (0_usize, 0_usize);
        for p in border {
            sum += usize::from(image[p]);
            count += 1;
        }
        sum > 160 * count
    };
    let looked_at = data.len().min(LOOKED_AT);
    let images = data.images.rows().into_iter().take(looked_at);
    2 * images.filter(|image| is_light(*image)).count() > looked_at && looked_at > 0
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        match self {
            Self::OtherClasses {
                class,
                train,
                valid,
            } => write!(
                f,
                "{} of the training images are of class {class}, but {} of the validation images: is the file \
                 sorted by class? The validation accuracy then says little",
                percent(*train),
                percent(*valid)
            ),
            Self::OneClass(class) => write!(
                f,
                "every training image is of class {class}: a network can only learn to say {class}"
            ),
            Self::Missing(classes) => {
                let (shown, more) = classes.split_at(classes.len().min(10));
                let more = match more.len() {
                    0 => String::new(),
                    n => format!(" and {n} more"),
                };
                write!(f, "no training image of class {}{more}", shown.join(", "))
            }
            Self::Unbalanced {
                most: (large, most),
                fewest: (small, fewest),
            } => write!(
                f,
                "{most} training images of class {large}, but {fewest} of class {small}: a network learns the many \
                 first"
            ),
            Self::Blank(blank, all) => write!(
                f,
                "{blank} of {all} training images are of a single grey value: there is nothing to see in them"
            ),
            Self::Duplicates(duplicates, all) => write!(
                f,
                "{duplicates} of {all} test images are training images too: the test accuracy will be better than \
                 on new images"
            ),
            Self::LightBorder => f.write_str(
                "most images are dark on a light ground, the opposite of MNIST: a network trained on these expects \
                 the same of every image",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Spec;
    use ndarray::Array2;

    /// Images of these classes, no two alike.
    fn data(labels: Vec<u8>, first: usize) -> Dataset {
        let pixel = |(n, p): (usize, usize)| match p {
            12 => 255,
            5..8 => ((n + first) >> (8 * (p - 5))) as u8,
            _ => 0,
        };
        let images = Array2::from_shape_fn((labels.len(), 25), pixel);
        Dataset::new(images, labels, Spec::numbered(5, 5, 4))
    }

    fn mixed(n: usize, first: usize) -> Dataset {
        data((0..n).map(|n| (n % 4) as u8).collect(), first)
    }

    #[test]
    fn nothing_is_odd_about_mixed_classes() {
        let sets = [(400, 0), (100, 1000), (50, 2000)].map(|(n, first)| mixed(n, first));
        assert_eq!(oddities(&sets[0], &sets[1], &sets[2]), []);
        let small = [mixed(8, 0), mixed(2, 100)];
        assert_eq!(
            oddities(
                &small[0],
                &small[1],
                &Dataset::empty(Spec::numbered(5, 5, 4))
            ),
            []
        );
    }

    #[test]
    fn a_file_sorted_by_class_shows_in_the_validation_images() {
        let sorted = data((0..400).map(|n| (n / 100) as u8).collect(), 0);
        let (train, valid) = sorted.split_last(100).unwrap();
        let none = Dataset::empty(train.spec.clone());
        let odd = oddities(&train, &valid, &none);
        assert!(odd.contains(&Oddity::Missing(vec!["3".into()])), "{odd:?}");
        assert!(
            odd.iter().any(|o| matches!(o, Oddity::OtherClasses { .. })),
            "{odd:?}"
        );
    }

    #[test]
    fn one_class_blank_images_duplicates_and_light_borders_are_seen() {
        let none = Dataset::empty(Spec::numbered(5, 5, 4));
        let one = data(vec![2; 20], 0);
        assert_eq!(oddities(&one, &none, &none), [Oddity::OneClass("2".into())]);

        let train = mixed(40, 0);
        assert_eq!(
            oddities(&train, &none, &mixed(10, 35)),
            [Oddity::Duplicates(5, 10)]
        );

        let mut blank = mixed(40, 0);
        blank.images.slice_mut(ndarray::s![..3, ..]).fill(0);
        assert_eq!(oddities(&blank, &none, &none), [Oddity::Blank(3, 40)]);

        let mut light = mixed(40, 0);
        light.images.mapv_inplace(|grey| 255 - grey);
        assert_eq!(oddities(&light, &none, &none), [Oddity::LightBorder]);

        let rare = data((0..120).map(|n| u8::from(n % 60 == 0)).collect(), 0);
        let odd = oddities(&rare, &none, &none);
        assert!(
            odd.iter().any(|o| matches!(o, Oddity::Unbalanced { .. })),
            "{odd:?}"
        );
    }
}
