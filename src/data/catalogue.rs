//! Data sets that are known by name: what their images are, and where their files come from.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use super::{FileKind, MIRRORS};

/// A data set of small grey images, in MNIST's format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Named {
    /// Handwritten digits: LeCun, Cortes, Burges 1998.
    #[default]
    Mnist,
    /// Clothes: Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017.
    Fashion,
    /// Cursive Japanese characters: Clanuwat et al., "Deep Learning for Classical Japanese Literature", 2018.
    Kmnist,
    /// Handwritten letters: Cohen et al., "EMNIST: an extension of MNIST to handwritten letters", 2017.
    EmnistLetters,
    /// Digits and letters, as many of each: the same.
    EmnistBalanced,
    /// MNIST again, with all 60,000 test images: Yadav, Bottou, "Cold Case: the Lost MNIST Digits", 2019.
    Qmnist,
}

/// A file that can be fetched, and how it is known to be the right one.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Its name on the mirrors and on disk.
    pub name: String,
    /// Other names that it is known under on disk.
    pub aliases: Vec<String>,
    /// Its size, where it is known.
    pub bytes: Option<u64>,
    /// Its checksum.
    pub checksum: Checksum,
}

/// A checksum in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-256
    Sha256(&'static str),
    /// MD5, where its makers give no other: it tells a damaged file, not a forged one.
    Md5(&'static str),
}

impl Named {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Mnist,
        Self::Fashion,
        Self::Kmnist,
        Self::EmnistLetters,
        Self::EmnistBalanced,
        Self::Qmnist,
    ];

    /// The name that it is asked for by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::Fashion => "fashion",
            Self::Kmnist => "kmnist",
            Self::EmnistLetters => "emnist-letters",
            Self::EmnistBalanced => "emnist-balanced",
            Self::Qmnist => "qmnist",
        }
    }

    /// What its makers call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Mnist => "MNIST",
            Self::Fashion => "Fashion-MNIST",
            Self::Kmnist => "KMNIST",
            Self::EmnistLetters => "EMNIST Letters",
            Self::EmnistBalanced => "EMNIST Balanced",
            Self::Qmnist => "QMNIST",
        }
    }

    /// Addresses of web folders that hold its files, in the order to try; none if it comes only as a part of
    /// something larger, see [`Self::by_hand`].
    pub fn mirrors(self) -> &'static [&'static str] {
        match self {
            Self::Mnist => &MIRRORS,
            Self::Fashion => &["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"],
            Self::Kmnist => &["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
            Self::Qmnist => &["https://raw.githubusercontent.com/facebookresearch/qmnist/master/"],
            Self::EmnistLetters | Self::EmnistBalanced => &[],
        }
    }

    /// How to get it where no mirror has its files one by one.
    pub fn by_hand(self) -> Option<String> {
        match self {
            Self::EmnistLetters | Self::EmnistBalanced => Some(format!(
                "EMNIST comes as one archive of 536 MB: get https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip \
                 and unpack the four files gzip/{}-*.gz of it",
                self.name()
            )),
            _ => None,
        }
    }

    /// The data set of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|named| named.name() == name)
    }

    /// Where it is kept for all folders: in the user's cache, such as ~/.cache/mlp/fashion. None where a user has
    /// no home.
    pub fn cache(self) -> Option<PathBuf> {
        let places = etcetera::choose_base_strategy().ok()?;
        Some(places.cache_dir().join("mlp").join(self.name()))
    }

    /// Its files. Checksums: MNIST's see [`FileKind`]; the others as torchvision's `datasets/mnist.py` has
    /// them. EMNIST's files are not published one by one, so there are none to compare.
    pub fn archives(self) -> Vec<Archive> {
        let md5 = |sums: [&'static str; 4]| {
            let of = |(kind, sum): (FileKind, _)| Archive::of(kind, None, Checksum::Md5(sum));
            FileKind::ALL.into_iter().zip(sums).map(of).collect()
        };
        match self {
            Self::Mnist => {
                let of = |kind: FileKind| {
                    let official = kind.official();
                    let checksum = Checksum::Sha256(official.archive_sha256);
                    Archive::of(kind, Some(official.archive_bytes), checksum)
                };
                FileKind::ALL.map(of).into()
            }
            Self::Fashion => md5([
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ]),
            Self::Kmnist => md5([
                "bdb82020997e1d708af4cf47b453dcf7",
                "e144d726b3acfaa3e44228e80efcd344",
                "5c965bf0a639b31b8f53240b1b52f4d7",
                "7320c461ea6c1c855c0b718fb2a4b134",
            ]),
            Self::Qmnist => [
                (
                    "qmnist-train-images-idx3-ubyte.gz",
                    "ed72d4157d28c017586c42bc6afe6370",
                ),
                (
                    "qmnist-train-labels-idx2-int.gz",
                    "0058f8dd561b90ffdd0f734c6a30e5e4",
                ),
                (
                    "qmnist-test-images-idx3-ubyte.gz",
                    "1394631089c404de565df7b7aeaf9412",
                ),
                (
                    "qmnist-test-labels-idx2-int.gz",
                    "5b5b05890a5e13444e108efe57b788aa",
                ),
            ]
            .map(|(name, sum)| Archive {
                name: name.to_owned(),
                aliases: vec![name.trim_end_matches(".gz").to_owned()],
                bytes: None,
                checksum: Checksum::Md5(sum),
            })
            .into(),
            Self::EmnistLetters | Self::EmnistBalanced => Vec::new(),
        }
    }
}

impl Archive {
    fn of(kind: FileKind, bytes: Option<u64>, checksum: Checksum) -> Self {
        Self {
            name: kind.archive_name(),
            aliases: kind.names().into(),
            bytes,
            checksum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_set_comes_from_somewhere_and_its_files_are_told_apart() {
        for named in Named::ALL {
            assert_eq!(named.mirrors().is_empty(), named.by_hand().is_some());
            let archives = named.archives();
            assert_eq!(
                archives.len(),
                if named.mirrors().is_empty() { 0 } else { 4 }
            );
            for archive in &archives {
                let (sum, length) = match archive.checksum {
                    Checksum::Sha256(sum) => (sum, 64),
                    Checksum::Md5(sum) => (sum, 32),
                };
                assert!(sum.len() == length && sum.bytes().all(|b| b.is_ascii_hexdigit()));
            }
        }
    }
}
