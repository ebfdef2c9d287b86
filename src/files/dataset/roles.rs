//! What a file or an array is for, by its name: `emnist-letters-train-images-idx3-ubyte.gz`, `x_test`, `kmnist-test-labels.npz`.

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Split {
    Train,
    Test,
    Valid,
}

impl Split {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
            Self::Valid => "validation",
        }
    }
}

/// What there is in a file or an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Images,
    Labels,
}

impl Part {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Labels => "labels",
        }
    }
}

/// What a name says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) split: Option<Split>,
    pub(super) part: Option<Part>,
    /// Whether the part is a guess, from `data`.
    pub(super) weak: bool,
    /// The rest of the name, the same for all files of a data set.
    pub(super) key: String,
}

fn split(word: &str) -> Option<Split> {
    Some(match word {
        "train" | "training" | "trn" | "tra" => Split::Train,
        "test" | "testing" | "t10k" | "tst" | "tes" => Split::Test,
        "val" | "valid" | "validation" | "dev" => Split::Valid,
        _ => return None,
    })
}

fn part(word: &str) -> Option<Part> {
    Some(match word {
        "images" | "image" | "imgs" | "img" | "x" | "pixels" => Part::Images,
        "labels" | "label" | "lbls" | "lbl" | "y" | "targets" | "target" => Part::Labels,
        _ => return None,
    })
}

/// The role of a folder: its whole name.
pub(super) fn folder(name: &str) -> Option<Split> {
    split(&name.to_lowercase())
}

/// The role that a name gives. Words that say how a file is stored are no part of it.
pub(super) fn role(name: &str) -> Role {
    let name = name.to_lowercase();
    let mut role = Role::default();
    let mut weak = None;
    let mut rest = Vec::new();
    for word in name.split(|c: char| !c.is_alphanumeric()) {
        if let Some(found) = split(word) {
            role.split.get_or_insert(found);
        } else if let Some(found) = part(word) {
            role.part = Some(found);
        } else if let Some((in_split, in_part)) = joined(word) {
            role.split.get_or_insert(in_split);
            role.part = Some(in_part);
        } else if word == "data" {
            weak = Some(Part::Images);
        } else if !is_storage(word) {
            rest.push(word);
        }
    }
    role.weak = role.part.is_none() && weak.is_some();
    role.part = role.part.or(weak);
    role.key = rest.join("-");
    role
}

/// Two words written as one, such as `xtrain`.
fn joined(word: &str) -> Option<(Split, Part)> {
    (1..word.len())
        .filter_map(|at| word.split_at_checked(at))
        .find_map(|(a, b)| match (split(a), part(b)) {
            (Some(split), Some(part)) => Some((split, part)),
            _ => Some((split(b)?, part(a)?)),
        })
}

fn is_storage(word: &str) -> bool {
    let digits = |rest: &str| rest.chars().all(|c| c.is_ascii_digit());
    word.strip_prefix("idx").is_some_and(digits)
        || matches!(
            word,
            "" | "ubyte"
                | "byte"
                | "int"
                | "float"
                | "double"
                | "short"
                | "gz"
                | "npz"
                | "npy"
                | "csv"
                | "tsv"
                | "txt"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_in_a_file() {
        use Part::*;
        use Split::*;
        for (name, split, part, key) in [
            ("train-images-idx3-ubyte", Some(Train), Some(Images), ""),
            ("t10k-labels.idx1-ubyte.gz", Some(Test), Some(Labels), ""),
            (
                "emnist-letters-test-labels-idx1-ubyte.gz",
                Some(Test),
                Some(Labels),
                "emnist-letters",
            ),
            (
                "qmnist-train-labels-idx2-int.gz",
                Some(Train),
                Some(Labels),
                "qmnist",
            ),
            ("kmnist-train-imgs.npz", Some(Train), Some(Images), "kmnist"),
            ("X_test", Some(Test), Some(Images), ""),
            ("ytrain.npy", Some(Train), Some(Labels), ""),
            ("val_labels", Some(Valid), Some(Labels), ""),
            ("data_labels", None, Some(Labels), ""),
            ("data", None, Some(Images), ""),
            ("mnist_train.csv", Some(Train), None, "mnist"),
            ("é", None, None, "é"),
        ] {
            let weak = name == "data";
            let expected = Role {
                split,
                part,
                weak,
                key: key.into(),
            };
            assert_eq!(role(name), expected, "{name}");
        }
    }
}
