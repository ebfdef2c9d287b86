//! One array in NumPy's format: a magic, a header that is a Python dictionary, then the numbers.
//!
//! Source: NumPy's `numpy.lib.format` (versions 1 to 3).

use std::io::Read;

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use super::{Left, Number, literal::Literal};
use crate::check::mistakes::NamedArray;

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// What the header of an array says.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The type of the numbers.
    pub(crate) number: Number,
    /// Whether the first byte of a number is its highest.
    pub(crate) big_endian: bool,
    /// Whether the first axis runs fastest.
    pub(crate) fortran: bool,
    /// The sizes of the axes.
    pub(crate) shape: Vec<usize>,
    /// Where the numbers begin.
    pub(crate) start: usize,
}

impl Head {
    /// The bytes of all numbers; none if there are too many to count.
    pub(crate) fn bytes(&self) -> Option<usize> {
        let mut sizes = self.shape.iter();
        sizes.try_fold(self.number.bytes(), |all, &size| all.checked_mul(size))
    }
}

/// Bytes in which the header is looked for, and bytes that are turned into numbers at a time.
const START: u64 = 1 << 16;

/// The array, or why it cannot be used although the file is sound. An error says what is broken.
///
/// Reads no further than the header if the array is larger than what is left.
pub(super) fn read(
    mut reader: impl Read,
    name: &str,
    left: &mut Left,
) -> Result<Result<NamedArray, String>, String> {
    let mut bytes = Vec::new();
    let mut more = |bytes: &mut Vec<u8>| {
        let read = (&mut reader).take(START).read_to_end(bytes);
        read.map_err(|error| format!("cannot be read: {error}"))
    };
    more(&mut bytes)?;
    let head = match head(&bytes)? {
        Ok(head) => head,
        Err(why) => return Ok(Err(why)),
    };
    let shape = head.shape.clone();
    let too_many = || format!("shape {shape:?}: too many numbers to count");
    let expected = head.bytes().ok_or_else(too_many)?;
    left.take_bytes(expected as u64)?;
    let count = expected / head.number.bytes();
    left.take_elements(count)?;
    bytes.drain(..head.start);
    let mut values = Vec::new();
    let room = values.try_reserve_exact(count);
    room.map_err(|_| format!("{count} numbers, for which there is not enough memory"))?;
    let mut found = 0;
    loop {
        found += bytes.len();
        if found > expected {
            break;
        }
        // What is left of a number goes before the next bytes.
        let whole = bytes.len() / head.number.bytes() * head.number.bytes();
        let (numbers, _) = bytes.split_at(whole);
        head.number.values(numbers, head.big_endian, &mut values);
        bytes.drain(..whole);
        found -= bytes.len();
        if more(&mut bytes)? == 0 {
            found += bytes.len();
            break;
        }
    }
    if found != expected {
        let found = match found > expected {
            true => format!("more than {expected}"),
            false => found.to_string(),
        };
        return Err(format!(
            "{found} bytes of numbers, which do not fit shape {shape:?}"
        ));
    }
    if head.fortran {
        let array = ArrayD::from_shape_vec(IxDyn(&shape).f(), values)
            .map_err(|error| format!("shape {shape:?}: {error}"))?;
        values = array.iter().copied().collect();
    }
    Ok(Ok(NamedArray {
        name: name.to_owned(),
        shape,
        values,
        precision: head.number.precision(),
    }))
}

/// The header at the beginning of an array, which need not be whole; errors as those of [`read`].
pub(crate) fn head(bytes: &[u8]) -> Result<Result<Head, String>, String> {
    let (header, data) = split(bytes)?;
    let header = Literal::parse(&header).ok_or("its header is not a Python dictionary")?;
    let (number, big_endian) = match header.get("descr") {
        Some(Literal::Text(descr)) => match number(descr) {
            Ok(number) => number,
            Err(why) => return Ok(Err(why)),
        },
        Some(Literal::List(_)) => {
            return Ok(Err("it holds records of several fields".to_owned()));
        }
        _ => return Err("its header names no type".to_owned()),
    };
    let shape = match header.get("shape") {
        Some(Literal::List(sizes)) => sizes.iter().map(Literal::size).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let shape = shape.ok_or("its header names no shape")?;
    let Some(&Literal::Bool(fortran)) = header.get("fortran_order") else {
        return Err("its header does not say whether it is stored by columns".to_owned());
    };
    Ok(Ok(Head {
        number,
        big_endian,
        fortran,
        shape,
        start: bytes.len() - data.len(),
    }))
}

/// The header and the numbers.
fn split(bytes: &[u8]) -> Result<(String, &[u8]), String> {
    let cut = || "truncated".to_owned();
    let rest = bytes.strip_prefix(MAGIC).ok_or("not a NumPy array")?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (length, rest) = match version[0] {
        1 => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        other => {
            return Err(format!(
                "version {other} of NumPy's format, expected 1, 2 or 3"
            ));
        }
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    Ok((String::from_utf8_lossy(header).into_owned(), data))
}

/// Why elements of such types are of no use.
pub const TEXT: &str = "it holds text";
pub const OBJECTS: &str = "it holds Python objects";

/// What a type such as `<f4` says, and whether it is big-endian, or why its elements are of no use.
fn number(descr: &str) -> Result<(Number, bool), String> {
    // Without a letter for the order of the bytes, it is that of the machine.
    let (big_endian, rest) = match descr.strip_prefix('>') {
        Some(rest) => (true, rest),
        None => (false, descr.trim_start_matches(['<', '=', '|'])),
    };
    let kind = match rest {
        "b1" | "?" => Number::Bool,
        "i1" => Number::I8,
        "i2" => Number::I16,
        "i4" => Number::I32,
        "i8" => Number::I64,
        "u1" => Number::U8,
        "u2" => Number::U16,
        "u4" => Number::U32,
        "u8" => Number::U64,
        "f2" => Number::F16,
        "f4" => Number::F32,
        "f8" => Number::F64,
        _ => {
            let what = match rest.chars().next() {
                Some('O') => OBJECTS,
                Some('S' | 'U' | 'a') => TEXT,
                Some('M' | 'm') => "it holds dates",
                Some('c') => "it holds complex numbers",
                _ => {
                    return Err(format!(
                        "its elements are of type {descr:?}: convert it with .astype(\"float32\")"
                    ));
                }
            };
            return Err(what.to_owned());
        }
    };
    Ok((kind, big_endian))
}
