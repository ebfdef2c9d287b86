//! The four official files: names, shapes, sizes, checksums, and the mirrors that serve them.

use super::{COLS, PIXELS, ROWS};

/// The official mirrors, in the order to try.
pub const MIRRORS: [&str; 2] = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

/// One of the four files of the data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    /// 60,000 training images.
    TrainImages,
    /// 60,000 training labels.
    TrainLabels,
    /// 10,000 test images.
    TestImages,
    /// 10,000 test labels.
    TestLabels,
}

/// Size and checksums of an official file, as on the mirrors.
#[derive(Debug)]
pub struct Official {
    /// Bytes of the gzip archive.
    pub archive_bytes: u64,
    /// SHA-256 of the gzip archive, in hex.
    pub archive_sha256: &'static str,
    /// SHA-256 of the content (IDX), in hex.
    pub content_sha256: &'static str,
}

impl FileKind {
    /// All four, images before their labels.
    pub const ALL: [Self; 4] = [
        Self::TrainImages,
        Self::TrainLabels,
        Self::TestImages,
        Self::TestLabels,
    ];

    /// The name of the unpacked file, as on the mirrors.
    pub fn name(self) -> &'static str {
        match self {
            Self::TrainImages => "train-images-idx3-ubyte",
            Self::TrainLabels => "train-labels-idx1-ubyte",
            Self::TestImages => "t10k-images-idx3-ubyte",
            Self::TestLabels => "t10k-labels-idx1-ubyte",
        }
    }

    /// The name of the gzip archive, as on the mirrors.
    pub fn archive_name(self) -> String {
        format!("{}.gz", self.name())
    }

    /// Every name that the file is looked for under, in this order. The names with a dot are an older spelling.
    pub fn names(self) -> [String; 4] {
        let dotted = self.name().replacen("-idx", ".idx", 1);
        [
            self.name().to_owned(),
            self.archive_name(),
            dotted.clone(),
            dotted + ".gz",
        ]
    }

    /// Whether it holds images rather than labels.
    pub fn is_images(self) -> bool {
        matches!(self, Self::TrainImages | Self::TestImages)
    }

    /// The plural of what it holds: `images` or `labels`.
    pub fn items(self) -> &'static str {
        if self.is_images() { "images" } else { "labels" }
    }

    /// How many images or labels it holds.
    pub fn count(self) -> u32 {
        match self {
            Self::TrainImages | Self::TrainLabels => 60_000,
            Self::TestImages | Self::TestLabels => 10_000,
        }
    }

    /// The first four bytes, big-endian: unsigned bytes (0x08) in 3 dimensions or 1.
    pub fn magic(self) -> u32 {
        if self.is_images() { 0x0803 } else { 0x0801 }
    }

    /// The dimensions of one item; none for a label.
    pub fn dims(self) -> Option<[u32; 2]> {
        self.is_images().then_some([ROWS as u32, COLS as u32])
    }

    /// Bytes before the first item.
    pub fn header_bytes(self) -> u64 {
        if self.is_images() { 16 } else { 8 }
    }

    /// Bytes of one item.
    pub fn item_bytes(self) -> u64 {
        if self.is_images() { PIXELS as u64 } else { 1 }
    }

    /// Bytes of the whole content, header included.
    pub fn content_bytes(self) -> u64 {
        self.header_bytes() + u64::from(self.count()) * self.item_bytes()
    }

    /// Size and checksums of the official file.
    pub fn official(self) -> &'static Official {
        match self {
            Self::TrainImages => &Official {
                archive_bytes: 9_912_422,
                archive_sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                content_sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            },
            Self::TrainLabels => &Official {
                archive_bytes: 28_881,
                archive_sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                content_sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            },
            Self::TestImages => &Official {
                archive_bytes: 1_648_877,
                archive_sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                content_sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            },
            Self::TestLabels => &Official {
                archive_bytes: 4_542,
                archive_sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                content_sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            },
        }
    }
}
