//! Numbers as a file stores them, and what images and labels are made of them.

use crate::{data::MAX_SIDE, files::arrays::Number};

/// The most bytes of a file when unpacked, and the most pixels of a data set.
pub const MAX_BYTES: u64 = 4 << 30;

/// The most labels.
const MAX_LABELS: usize = 1 << 26;

/// An array of numbers, in the bytes of a file.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// The sizes of the axes.
    pub shape: Vec<usize>,
    pub(super) kind: Number,
    pub(super) big_endian: bool,
    pub(super) bytes: Vec<u8>,
}

/// The least and the greatest of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Range {
    pub(super) fn join(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }
}

impl Numbers {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.kind.bytes()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What the type of the numbers is called.
    pub fn type_name(&self) -> &'static str {
        type_name(self.kind)
    }

    /// Whether they are bytes from 0 to 255, as pixels are kept.
    pub(super) fn are_bytes(&self) -> bool {
        self.kind == Number::U8
    }

    /// Whether they may have digits after the point.
    pub(super) fn are_floats(&self) -> bool {
        matches!(
            self.kind,
            Number::F16 | Number::Bf16 | Number::F32 | Number::F64
        )
    }

    /// The least and the greatest; none if there are no numbers. An error if one is infinite or NaN.
    pub(super) fn range(&self) -> Result<Option<Range>, String> {
        if self.is_empty() {
            return Ok(None);
        }
        if self.are_bytes() {
            let low = self.bytes.iter().copied().min().unwrap_or(0);
            let high = self.bytes.iter().copied().max().unwrap_or(0);
            return Ok(Some(Range {
                low: low.into(),
                high: high.into(),
            }));
        }
        let mut range = Range {
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
        };
        let mut odd = None;
        self.each(|value| {
            range.low = range.low.min(value);
            range.high = range.high.max(value);
            if !value.is_finite() {
                odd = Some(value);
            }
        });
        match odd {
            Some(value) => Err(format!("{value} among the numbers, expected finite ones")),
            None => Ok(Some(range)),
        }
    }

    /// Calls `with` for every number.
    pub(super) fn each(&self, mut with: impl FnMut(f64)) {
        fn run<const N: usize>(
            numbers: &Numbers,
            value: fn([u8; N]) -> f64,
            mut with: impl FnMut(f64),
        ) {
            for &(mut number) in numbers.bytes.as_chunks::<N>().0 {
                if numbers.big_endian {
                    number.reverse();
                }
                with(value(number));
            }
        }
        use half::{bf16, f16};
        match self.kind {
            Number::Bool => run(self, |[v]| f64::from(u8::from(v != 0)), with),
            Number::U8 => run(self, |[v]| v.into(), with),
            Number::I8 => run(self, |v| i8::from_le_bytes(v).into(), with),
            Number::I16 => run(self, |v| i16::from_le_bytes(v).into(), with),
            Number::U16 => run(self, |v| u16::from_le_bytes(v).into(), with),
            Number::F16 => run(self, |v| f16::from_le_bytes(v).into(), with),
            Number::Bf16 => run(self, |v| bf16::from_le_bytes(v).into(), with),
            Number::I32 => run(self, |v| i32::from_le_bytes(v).into(), with),
            Number::U32 => run(self, |v| u32::from_le_bytes(v).into(), with),
            Number::F32 => run(self, |v| f32::from_le_bytes(v).into(), with),
            Number::I64 => run(self, |v| i64::from_le_bytes(v) as f64, with),
            Number::U64 => run(self, |v| u64::from_le_bytes(v) as f64, with),
            Number::F64 => run(self, f64::from_le_bytes, &mut with),
        }
    }

    /// The same numbers with the last axis running fastest, if now the first one does.
    pub(super) fn with_last_axis_fastest(mut self) -> Self {
        if self.shape.len() < 2 || self.is_empty() {
            return self;
        }
        let size = self.kind.bytes();
        let mut strides = Vec::new();
        let mut stride = size;
        for &axis in &self.shape {
            strides.push(stride);
            stride *= axis;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut index = vec![0; self.shape.len()];
        'all: loop {
            let at: usize = index
                .iter()
                .zip(&strides)
                .map(|(i, stride)| i * stride)
                .sum();
            bytes.extend_from_slice(&self.bytes[at..at + size]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.shape[axis] {
                    continue 'all;
                }
                index[axis] = 0;
            }
            break;
        }
        self.bytes = bytes;
        self
    }
}

pub(super) fn type_name(kind: Number) -> &'static str {
    match kind {
        Number::Bool => "bool",
        Number::I8 => "int8",
        Number::I16 => "int16",
        Number::I32 => "int32",
        Number::I64 => "int64",
        Number::U8 => "uint8",
        Number::U16 => "uint16",
        Number::U32 => "uint32",
        Number::U64 => "uint64",
        Number::F16 => "float16",
        Number::Bf16 => "bfloat16",
        Number::F32 => "float32",
        Number::F64 => "float64",
    }
}

/// A size as people write it: 60000×28×28.
pub(super) fn sizes(shape: &[usize]) -> String {
    let sizes: Vec<_> = shape.iter().map(usize::to_string).collect();
    match &sizes[..] {
        [] => "a single number".to_owned(),
        _ => sizes.join("×"),
    }
}

/// What an array of images has: their number, rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ImageShape {
    pub(super) count: usize,
    pub(super) rows: usize,
    pub(super) cols: usize,
}

/// Why an array is not one of grey images.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotImages {
    Colour,
    Fault(String),
}

impl ImageShape {
    /// What an array of this shape has, if it can be one of grey images: (N, rows, columns), or (N, pixels) of
    /// square images.
    pub(super) fn of(shape: &[usize]) -> Result<Self, NotImages> {
        let fault = |why: String| Err(NotImages::Fault(why));
        let (count, rows, cols) = match *shape {
            [count, rows, cols] | [count, rows, cols, 1] | [count, 1, rows, cols] => {
                (count, rows, cols)
            }
            [count, pixels] => match square(pixels) {
                Some(side) => (count, side, side),
                None => {
                    return fault(format!(
                        "{} numbers: {pixels} pixels an image, which are no square: \
                         expected images, rows and columns",
                        sizes(shape)
                    ));
                }
            },
            [_, _, _, 3 | 4] | [_, 3, _, _] => return Err(NotImages::Colour),
            _ => {
                return fault(format!(
                    "{} numbers, expected images, rows and columns",
                    sizes(shape)
                ));
            }
        };
        if ![rows, cols]
            .iter()
            .all(|side| (1..=MAX_SIDE).contains(side))
        {
            return fault(format!(
                "images of {rows}x{cols}, expected 1 to {MAX_SIDE} rows and columns"
            ));
        }
        let pixels = count.checked_mul(rows * cols);
        if pixels.is_none_or(|pixels| pixels as u64 > MAX_BYTES) {
            return fault(format!(
                "{count} images of {rows}x{cols}, expected at most {} GiB of pixels",
                MAX_BYTES >> 30
            ));
        }
        Ok(Self { count, rows, cols })
    }

    /// Pixels of an image.
    pub(super) fn pixels(self) -> usize {
        self.rows * self.cols
    }
}

/// The side of a square of so many pixels.
pub(super) fn square(pixels: usize) -> Option<usize> {
    let side = pixels.isqrt();
    (side * side == pixels && pixels > 0).then_some(side)
}

/// The labels in an array: one number each, the first of several as in QMNIST, or a 1 among zeros.
pub(super) fn labels(
    numbers: &Numbers,
    notes: &mut Vec<String>,
    name: &str,
) -> Result<Vec<i64>, String> {
    let width = match numbers.shape[..] {
        [_] | [_, 1] => 1,
        [_, width] if width > 1 => width,
        _ => {
            return Err(format!(
                "{} numbers, expected one label for each image",
                sizes(&numbers.shape)
            ));
        }
    };
    if numbers.len() > MAX_LABELS {
        return Err(format!(
            "{} numbers, expected at most {MAX_LABELS} labels",
            sizes(&numbers.shape)
        ));
    }
    let mut values = Vec::with_capacity(numbers.len());
    let mut odd = None;
    numbers.each(|value| {
        if value.fract() != 0.0 || value.abs() > 1e15 {
            odd.get_or_insert((values.len(), value));
        }
        values.push(value as i64);
    });
    if let Some((index, value)) = odd {
        return Err(format!(
            "label {} is {value}, expected a whole number",
            index / width
        ));
    }
    if width == 1 {
        return Ok(values);
    }
    let one_hot = |row: &[i64]| {
        let ones = row.iter().filter(|&&value| value == 1).count();
        ones == 1 && row.iter().all(|value| (0..=1).contains(value))
    };
    if values.chunks_exact(width).all(one_hot) {
        let rows = values.chunks_exact(width);
        notes.push(format!("{name}: each label is a 1 among {width} numbers"));
        return Ok(rows
            .filter_map(|row| row.iter().position(|&value| value == 1))
            .map(|class| class as i64)
            .collect());
    }
    if width != 8 {
        return Err(format!(
            "{} numbers, expected one label for each image",
            sizes(&numbers.shape)
        ));
    }
    notes.push(format!(
        "{name}: 8 numbers for each image, as in QMNIST: the first is the class"
    ));
    Ok(values.chunks_exact(width).map(|row| row[0]).collect())
}
