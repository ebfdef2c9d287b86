//! Tables of numbers, a line for each image: its label and its pixels.
//!
//! With or without a line of names, separated by commas, semicolons or tabs.

use std::io::{self, Read};

use super::{
    Labels,
    numbers::{Numbers, square},
};
use crate::{
    data::{MAX_CLASSES, MAX_SIDE},
    files::arrays::Number,
};

/// The fewest columns: images of 2x2.
const MIN_COLUMNS: usize = 4;
/// The most columns: the number of the line, its label and the largest image.
const MAX_COLUMNS: usize = 2 + MAX_SIDE * MAX_SIDE;
/// The most bytes of the first line: 64 a column.
const MAX_LINE: usize = 64 * (MAX_COLUMNS + 1);

/// What a table has.
#[derive(Debug)]
pub struct Table {
    /// The pixels (N, rows, columns).
    pub pixels: Numbers,
    /// The labels; none if there are only pixels.
    pub labels: Option<Labels>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// How a table is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    delimiter: u8,
    /// Whether the first line has names.
    names: bool,
    columns: usize,
    label: Option<usize>,
    /// A column of numbers of the lines.
    ignored: Option<usize>,
    rows: usize,
    cols: usize,
}

impl Layout {
    fn pixels(&self) -> usize {
        self.rows * self.cols
    }
}

/// Whether a file can be a table of images by its beginning; `named` if its name says that it is a table.
pub(super) fn is_table(start: &[u8], named: bool) -> bool {
    let Some(line) = first_line(start) else {
        return false;
    };
    let delimiter = delimiter(line);
    let fields: Vec<_> = fields(line, delimiter).collect();
    if named {
        return fields.len() >= MIN_COLUMNS;
    }
    let numbers = fields.iter().filter(|f| number(f).is_some()).count();
    fields.len() >= 17 && numbers + 1 >= fields.len()
}

/// The layout in words, from the beginning of a file.
pub(super) fn describe(start: &[u8]) -> Result<String, String> {
    let layout = layout(start)?;
    let names = match layout.names {
        true => ", with a line of names",
        false => "",
    };
    let label = match layout.label {
        Some(0) => "the first is the label".to_owned(),
        Some(column) if column + 1 == layout.columns => "the last is the label".to_owned(),
        Some(column) => format!("column {} is the label", column + 1),
        None => "no labels".to_owned(),
    };
    Ok(format!(
        "CSV: {} columns{names}, {label}, images of {}x{}",
        layout.columns, layout.rows, layout.cols
    ))
}

/// The bytes of a file, no more than `most` of them, with room for so many at once.
///
/// Of a file whose first line is longer than any, only that much is read: enough for [`read`] to refuse it.
pub(super) fn bytes(mut reader: impl Read, room: usize, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let start = most.min(MAX_LINE as u64);
    (&mut reader).take(start).read_to_end(&mut bytes)?;
    if bytes.trim_ascii_start().contains(&b'\n') {
        bytes.reserve(room.saturating_sub(bytes.len()));
        reader.take(most - start).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The table in the bytes of a file; an error names the line and the column.
pub fn read(bytes: &[u8]) -> Result<Table, String> {
    let mut layout = layout(bytes)?;
    let mut notes = Vec::new();
    if !layout.names && layout.label == Some(0) && label_is_last(bytes, &layout) {
        layout.label = Some(layout.columns - 1);
        notes.push(
            "the first column is 0 nearly throughout: the last one is taken as the label"
                .to_owned(),
        );
    }
    let mut pixels = Pixels::Bytes(Vec::new());
    let mut labels = LabelColumn::default();
    let mut count = 0;
    let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut seen_names = !layout.names;
    for (index, line) in body.split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii_end_keeping(layout.delimiter);
        if line.is_empty() {
            continue;
        }
        if !seen_names {
            seen_names = true;
            continue;
        }
        let number = index + 1;
        let columns = row(line, &layout, &mut pixels, &mut labels)
            .map_err(|(column, fault)| format!("line {number}, column {column}: {fault}"))?;
        if columns != layout.columns {
            return Err(format!(
                "line {number} has {columns} columns, expected {} as before",
                layout.columns
            ));
        }
        count += 1;
    }
    let (kind, bytes) = match pixels {
        Pixels::Bytes(bytes) => (Number::U8, bytes),
        Pixels::Floats(values) => (
            Number::F32,
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        ),
    };
    Ok(Table {
        pixels: Numbers {
            shape: vec![count, layout.rows, layout.cols],
            kind,
            big_endian: false,
            bytes,
        },
        labels: layout.label.map(|_| labels.finish()).transpose()?,
        notes,
    })
}

/// Reads one line; returns the number of its columns, or the column that is wrong.
fn row(
    line: &[u8],
    layout: &Layout,
    pixels: &mut Pixels,
    labels: &mut LabelColumn,
) -> Result<usize, (usize, String)> {
    let mut columns = 0;
    for field in line.split(|&byte| byte == layout.delimiter) {
        let column = columns;
        columns += 1;
        if columns > layout.columns {
            continue;
        }
        if Some(column) == layout.label {
            labels
                .add(unquoted(field))
                .map_err(|fault| (columns, fault))?;
        } else if Some(column) != layout.ignored {
            pixels.add(field).map_err(|fault| (columns, fault))?;
        }
    }
    Ok(columns)
}

/// Pixels: bytes as long as that is what they are.
enum Pixels {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

impl Pixels {
    fn add(&mut self, field: &[u8]) -> Result<(), String> {
        if let Self::Bytes(bytes) = self {
            // One to three digits are by far the most common.
            if let 1..=3 = field.len()
                && field.iter().all(u8::is_ascii_digit)
            {
                let value = field
                    .iter()
                    .fold(0_u32, |all, digit| 10 * all + u32::from(digit - b'0'));
                if let Ok(value) = u8::try_from(value) {
                    bytes.push(value);
                    return Ok(());
                }
            }
        }
        let field = unquoted(field);
        let Some(value) = number(field) else {
            return Err(match field {
                [] => "nothing, expected a pixel".to_owned(),
                _ => format!("{:?}, expected a pixel", short(field)),
            });
        };
        match self {
            Self::Bytes(bytes) if value.fract() == 0.0 && (0.0..=255.0).contains(&value) => {
                bytes.push(value as u8);
            }
            Self::Bytes(bytes) => {
                let mut floats: Vec<_> = bytes.iter().map(|&byte| f32::from(byte)).collect();
                floats.push(value as f32);
                *self = Self::Floats(floats);
            }
            Self::Floats(floats) => floats.push(value as f32),
        }
        Ok(())
    }
}

/// The labels read so far: numbers as long as all are.
#[derive(Default)]
struct LabelColumn {
    numbers: Vec<i64>,
    /// The labels as they are written, each once; only if one is no number.
    names: Vec<String>,
    named: Vec<u16>,
}

impl LabelColumn {
    fn add(&mut self, field: &[u8]) -> Result<(), String> {
        if field.is_empty() {
            return Err("nothing, expected a label".to_owned());
        }
        if self.names.is_empty() {
            match number(field) {
                Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                    self.numbers.push(value as i64);
                    return Ok(());
                }
                Some(value) => return Err(format!("{value}, expected a whole number as a label")),
                None => {}
            }
            for label in std::mem::take(&mut self.numbers) {
                self.name(&label.to_string())?;
            }
        }
        self.name(&short(field))
    }

    fn name(&mut self, name: &str) -> Result<(), String> {
        let index = match self.names.iter().position(|known| known == name) {
            Some(index) => index,
            None if self.names.len() == MAX_CLASSES => {
                return Err(format!(
                    "{name:?} is one more label after {MAX_CLASSES} others: at most so many classes"
                ));
            }
            None => {
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
        };
        self.named.push(index as u16);
        Ok(())
    }

    fn finish(self) -> Result<Labels, String> {
        if self.names.is_empty() {
            return Ok(Labels::Numbers(self.numbers));
        }
        Ok(Labels::Named {
            names: self.names,
            indices: self.named,
        })
    }
}

/// How the table is written, by its first two lines.
fn layout(bytes: &[u8]) -> Result<Layout, String> {
    let line = first_line(bytes).ok_or("empty, expected a table of numbers")?;
    let delimiter = delimiter(line);
    let first: Vec<_> = fields(line, delimiter).take(MAX_COLUMNS + 1).collect();
    if first.len() > MAX_COLUMNS {
        return Err(format!(
            "more than {MAX_COLUMNS} columns, expected a label and the pixels of an image of at most \
             {MAX_SIDE}x{MAX_SIDE}"
        ));
    }
    if line.len() >= MAX_LINE {
        return Err(format!(
            "a first line of {MAX_LINE} bytes or more, expected a label and pixels"
        ));
    }
    let words = first.iter().filter(|field| number(field).is_none()).count();
    let mut layout = Layout {
        delimiter,
        names: words > 1 || words == 1 && label_name(first[0]),
        columns: first.len(),
        label: None,
        ignored: None,
        rows: 0,
        cols: 0,
    };
    let all = layout.columns;
    if layout.names {
        layout.label = first.iter().position(|name| label_name(name));
        let mut odd = first.iter().position(|name| {
            let name = name.to_ascii_lowercase();
            matches!(
                &name[..],
                b"" | b"id" | b"index" | b"unnamed: 0" | b"imageid"
            )
        });
        odd = odd.filter(|&column| Some(column) != layout.label);
        layout.ignored = odd;
    }
    let rest = all - usize::from(layout.ignored.is_some());
    if layout.label.is_none() && square(rest).is_none() && square(rest - 1).is_some() {
        layout.label = Some(usize::from(layout.ignored == Some(0)));
    }
    let pixels = rest - usize::from(layout.label.is_some());
    let named = layout
        .names
        .then(|| last_position(&first, pixels))
        .flatten();
    let Some((rows, cols)) = named.or(square(pixels).map(|side| (side, side))) else {
        return Err(format!(
            "{all} columns, expected a label and the pixels of a square image, such as 785 columns for 28x28"
        ));
    };
    if rows > MAX_SIDE || cols > MAX_SIDE {
        return Err(format!(
            "images of {rows}x{cols}, expected 1 to {MAX_SIDE} rows and columns"
        ));
    }
    (layout.rows, layout.cols) = (rows, cols);
    Ok(layout)
}

/// Rows and columns, where the last pixel is called such as `28x28`.
fn last_position(names: &[&[u8]], pixels: usize) -> Option<(usize, usize)> {
    names.iter().rev().take(2).find_map(|name| {
        let (rows, cols) = std::str::from_utf8(name).ok()?.split_once('x')?;
        let (rows, cols): (usize, usize) = (rows.parse().ok()?, cols.parse().ok()?);
        (rows.checked_mul(cols)? == pixels).then_some((rows, cols))
    })
}

fn label_name(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        &name[..],
        b"label"
            | b"labels"
            | b"class"
            | b"classes"
            | b"target"
            | b"targets"
            | b"y"
            | b"digit"
            | b"letter"
    )
}

/// Whether the first column is nearly always 0, so that it is a pixel, and the last one is not.
fn label_is_last(bytes: &[u8], layout: &Layout) -> bool {
    let (mut lines, mut first_zero, mut last_zero) = (0, 0, 0);
    for line in bytes.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        lines += 1;
        first_zero += usize::from(line.starts_with(&[b'0', layout.delimiter]));
        let mut from_the_end = line.rsplit(|&byte| byte == layout.delimiter);
        last_zero += usize::from(from_the_end.next() == Some(b"0"));
    }
    let of_few = first_zero == lines && last_zero < lines;
    let of_many = lines >= 100 && 20 * (lines - first_zero) <= lines && 2 * last_zero <= lines;
    // A few images of class 0 have the label in front.
    lines > 1 && (of_few || of_many) && layout.pixels() < layout.columns
}

/// The first line that is not empty.
fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.find(|line| !line.is_empty())?;
    let text = std::str::from_utf8(line).ok()?;
    text.chars()
        .all(|c| !c.is_control() || c == '\t')
        .then_some(line)
}

fn delimiter(line: &[u8]) -> u8 {
    let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
    let mut delimiters = [b',', b';', b'\t'];
    // The first of the most frequent.
    delimiters.sort_by_key(|&delimiter| std::cmp::Reverse(count(delimiter)));
    delimiters[0]
}

fn fields(line: &[u8], delimiter: u8) -> impl Iterator<Item = &[u8]> {
    line.split(move |&byte| byte == delimiter).map(unquoted)
}

fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    let inner = field
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    inner.unwrap_or(field)
}

fn number(field: &[u8]) -> Option<f64> {
    let first = field
        .iter()
        .find(|byte| !matches!(byte, b'+' | b'-' | b'.'))?;
    // Rust reads `inf` and `nan` as numbers.
    if !first.is_ascii_digit() {
        return None;
    }
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// A field for a message.
fn short(field: &[u8]) -> String {
    String::from_utf8_lossy(field).chars().take(40).collect()
}

trait TrimEnd {
    fn trim_ascii_end_keeping(&self, delimiter: u8) -> &[u8];
}

impl TrimEnd for [u8] {
    /// Without the spaces at its end, but with a tab that separates columns.
    fn trim_ascii_end_keeping(&self, delimiter: u8) -> &[u8] {
        let mut line = self;
        while let [rest @ .., last] = line {
            if !last.is_ascii_whitespace() || *last == delimiter {
                break;
            }
            line = rest;
        }
        line
    }
}
