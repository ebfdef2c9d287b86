//! A network as arrays of NumPy's `.npz` or of `.safetensors`.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read, Write},
};

use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Number, Value, json};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{
    Net,
    build::{Layer, Numbers, Raw, objective_names, quoted},
    json::{BIAS, SETTINGS, T, WEIGHT, X, fields, settings},
};
use crate::{
    check::mistakes::{NamedArray, Step},
    files::{
        arrays,
        model::{self, NamedTensor},
    },
};

/// The key of the settings in the metadata of a `.safetensors` file.
pub const METADATA: &str = "mlp-net";

/// The most bytes that all the arrays of a file may unpack to.
const MAX_UNPACKED: u64 = 128 << 20;

/// What stands in an `.npz` or a `.safetensors` file.
pub(super) fn raw(bytes: &[u8]) -> Result<Raw, String> {
    if bytes.starts_with(b"PK") {
        let texts = text_arrays(bytes)?;
        return from_arrays(read_arrays(bytes, &texts)?, texts);
    }
    let metadata = SafeTensors::read_metadata(bytes).map_err(|error| {
        format!("neither JSON nor an .npz or .safetensors file ({error}): expected {{\"x\": …, \"t\": …, \"layers\": […], \"loss\": …}}")
    })?;
    let metadata = metadata.1.metadata().as_ref();
    let texts = match metadata.and_then(|metadata| metadata.get(METADATA)) {
        None => Map::new(),
        Some(json) => serde_json::from_str(json).map_err(|error| {
            format!("its metadata {METADATA} are not an object of JSON ({error})")
        })?,
    };
    from_arrays(read_arrays(bytes, &texts)?, texts)
}

/// The arrays of numbers in a file; all others must be texts.
fn read_arrays(bytes: &[u8], texts: &Map<String, Value>) -> Result<Vec<NamedArray>, String> {
    let read = arrays::from_bytes(bytes)?;
    let mut others = read.ignored.iter();
    match others.find(|(name, _)| !texts.contains_key(name)) {
        Some((name, why)) => Err(format!("{}: {why}", quoted(name))),
        None => Ok(read.arrays),
    }
}

/// The arrays of text in an `.npz` file.
fn text_arrays(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    let broken = |error: &dyn std::fmt::Display| format!("broken .npz file: {error}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut texts = Map::new();
    let mut left = MAX_UNPACKED;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| broken(&error))?;
        let name = file.name().map_err(|error| broken(&error))?.into_owned();
        let mut npy = Vec::new();
        let mut file = file.take(left + 1);
        file.read_to_end(&mut npy).map_err(|error| broken(&error))?;
        let after = left.checked_sub(npy.len() as u64);
        left = after.ok_or_else(|| {
            format!("more than {MAX_UNPACKED} bytes when unpacked, expected a small network")
        })?;
        let name = name.strip_suffix(".npy").unwrap_or(&name);
        if let Some(text) = text_array(&npy) {
            let text = text.map_err(|fault| format!("{}: {fault}", quoted(name)))?;
            texts.insert(name.to_owned(), text);
        }
    }
    Ok(texts)
}

/// A text or a list of texts, of an array of NumPy; none if it holds something else.
fn text_array(npy: &[u8]) -> Option<Result<Value, String>> {
    let rest = npy.strip_prefix(b"\x93NUMPY")?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (length, rest) = match version[0] {
        1 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        _ => {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            (usize::try_from(u32::from_le_bytes(*length)).ok()?, rest)
        }
    };
    let (header, data) = rest.split_at_checked(length)?;
    let header = std::str::from_utf8(header).ok()?;
    let (_, descr) = header.split_once("descr")?;
    let descr = descr.split(['\'', '"']).nth(2)?;
    let (kind, width) = descr.split_at_checked(2)?;
    let size = match kind {
        "<U" | ">U" | "=U" => 4,
        "|S" => 1,
        _ => return None,
    };
    Some(texts(header, data, (kind, size), width))
}

fn texts(
    header: &str,
    data: &[u8],
    (kind, size): (&str, usize),
    width: &str,
) -> Result<Value, String> {
    let shape = header.split_once("shape").and_then(|(_, rest)| {
        let inside = rest.split_once('(')?.1.split_once(')')?.0;
        let sizes = inside.split(',').map(str::trim).filter(|s| !s.is_empty());
        sizes
            .map(|s| s.parse().ok())
            .collect::<Option<Vec<usize>>>()
    });
    let shape = shape.ok_or("its header names no shape")?;
    let count = match shape[..] {
        [] => 1,
        [count] => count,
        _ => return Err(format!("texts of shape {shape:?}, expected a list")),
    };
    let width: usize = width
        .trim()
        .parse()
        .map_err(|_| "texts of no known length".to_owned())?;
    let bytes = width.checked_mul(size).filter(|&bytes| bytes > 0);
    let bytes = bytes.ok_or("texts of no length")?;
    if count.checked_mul(bytes) != Some(data.len()) {
        return Err(format!(
            "{} bytes of text, which do not fit shape {shape:?}",
            data.len()
        ));
    }
    let letter = |bytes: &[u8]| match (bytes, kind) {
        (&[a, b, c, d], ">U") => char::from_u32(u32::from_be_bytes([a, b, c, d])),
        (&[a, b, c, d], _) => char::from_u32(u32::from_le_bytes([a, b, c, d])),
        (&[byte], _) => byte.is_ascii().then_some(char::from(byte)),
        _ => None,
    };
    let text = |bytes: &[u8]| {
        let letters = bytes.chunks(size).map(letter);
        let text: Option<String> = letters.collect();
        let text = text.ok_or("its letters are not Unicode")?;
        Ok(Value::String(text.trim_end_matches('\0').to_owned()))
    };
    let list = data
        .chunks(bytes)
        .map(text)
        .collect::<Result<Vec<_>, &str>>()?;
    match (shape.is_empty(), &list[..]) {
        (true, [text]) => Ok(text.clone()),
        _ => Ok(Value::Array(list)),
    }
}

/// The number of a layer and whether it is its weight, from the name of an array: `0.weight`, `fc1.bias`, `w1`, `b_2`.
fn place(name: &str) -> Option<(usize, bool)> {
    let is_weight = |kind: &str| {
        let same = |(name, others): (&str, &[&str])| name == kind || others.contains(&kind);
        match (same(WEIGHT), same(BIAS)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    };
    if let Some((before, kind)) = name.rsplit_once('.')
        && let Some(weight) = is_weight(kind)
    {
        return Some((digits(before).1?, weight));
    }
    let (kind, number) = digits(name);
    let weight = is_weight(kind.trim_end_matches(['_', '.']))?;
    // A name without a number is that of the only layer.
    match kind.len() == name.len() {
        true => Some((0, weight)),
        false => Some((number?, weight)),
    }
}

/// A name without the digits at its end, and these as a number.
fn digits(name: &str) -> (&str, Option<usize>) {
    let before = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (before, name[before.len()..].parse().ok())
}

fn from_arrays(arrays: Vec<NamedArray>, mut texts: Map<String, Value>) -> Result<Raw, String> {
    let (mut x, mut t) = (None, None);
    let mut params: BTreeMap<(usize, bool), (String, Numbers)> = BTreeMap::new();
    for NamedArray {
        name,
        shape,
        values,
        ..
    } in arrays
    {
        let is = |(first, others): (&str, &[&str])| first == name || others.contains(&&name[..]);
        let numbers = Numbers { shape, values };
        let slot = match () {
            _ if is(X) => &mut x,
            _ if is(T) => &mut t,
            _ if SETTINGS.into_iter().any(is) => {
                let value = match (&name[..], &numbers.values[..]) {
                    ("train_biases", &[value]) => Value::Bool(value != 0.0),
                    (_, &[value]) => Number::from_f64(value).map_or(Value::Null, Value::Number),
                    _ => return Err(format!("{name} is an array, expected a single value")),
                };
                texts.insert(name, value);
                continue;
            }
            _ => {
                let place = place(&name).ok_or_else(|| {
                    let settings = SETTINGS.map(|(name, _)| name).join(", ");
                    format!(
                        "unknown array {}, expected x, t, 0.weight, 0.bias, … or w1, b1, …, and {settings}",
                        quoted(&name)
                    )
                })?;
                if let Some((other, _)) = params.insert(place, (name.clone(), numbers)) {
                    return Err(format!(
                        "both {other} and {name} are given: keep one of them"
                    ));
                }
                continue;
            }
        };
        if slot.replace(numbers).is_some() {
            return Err(format!("{name} is given under two names: keep one of them"));
        }
    }
    let x = x.ok_or("x is missing: the inputs (N, I)")?;
    let t = t.ok_or("t is missing: what the outputs should be, (N, C)")?;
    let mut layers = Vec::new();
    while let Some(((number, is_weight), (name, values))) = params.pop_last() {
        // Sorted: of one number, the weight comes last.
        if !is_weight {
            return Err(format!("{name} is given without a weight of that number"));
        }
        layers.push(Layer {
            w: (name, values),
            b: params.remove(&(number, false)),
            activation: None,
        });
    }
    layers.reverse();
    let settings = settings(fields(texts, "", &SETTINGS)?, layers.len())?;
    // Arrays say nothing of what stands between them, and nobody means nothing.
    if settings.activations.is_none() && layers.len() > 1 {
        return Err(
            "nothing says what is between the layers: add activation=\"relu\", or another, or \"none\""
                .into(),
        );
    }
    for (number, activation) in settings.activations.iter().flatten().enumerate() {
        layers[number].activation = *activation;
    }
    Ok(settings.with(x, t, layers))
}

/// The bytes of an `.npz` (else `.safetensors`) file, from which [`from_bytes`](super::from_bytes) reads the
/// same network: x, targets (N, C), the parameters as `torch.nn.Sequential` names and shapes them, all in
/// float64, and the settings.
pub fn to_bytes(net: &Net, npz: bool) -> io::Result<Vec<u8>> {
    let problem = &net.problem;
    let tensor = |name: &str, shape: &[usize], values: &mut dyn Iterator<Item = &f64>| {
        let bytes = values.flat_map(|v| v.to_le_bytes()).collect();
        (name.to_owned(), shape.to_vec(), Dtype::F64, bytes)
    };
    let (n, c) = problem.t.dim();
    let mut tensors: Vec<NamedTensor> = vec![
        tensor("x", &[n, problem.x.ncols()], &mut problem.x.iter()),
        tensor("targets", &[n, c], &mut problem.t.iter()),
    ];
    let mut activations: Vec<&str> = Vec::new();
    for (m, step) in problem.steps.iter().enumerate() {
        match step {
            Step::Linear { w, b } => {
                let (i, o) = w.dim();
                tensors.push(tensor(&format!("{m}.weight"), &[o, i], &mut w.t().iter()));
                tensors.push(tensor(&format!("{m}.bias"), &[o], &mut b.iter()));
                activations.push("none");
            }
            Step::Activation(activation) => {
                if let Some(of_last) = activations.last_mut() {
                    *of_last = activation.flag();
                }
            }
            Step::Mask(_) => {
                let text = "dropout cannot be written to a file of a network";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
        }
    }
    let (loss, reduction) = objective_names(problem.objective);
    let train_biases = net.train_biases.to_string();
    if !npz {
        let settings = json!({
            "activations": activations, "loss": loss, "reduction": reduction, "lr": net.learning_rate,
            "orientation": "outputs-inputs", "train_biases": net.train_biases,
        });
        return Ok(model::container(tensors, METADATA, settings.to_string()));
    }
    tensors.push(tensor("lr", &[], &mut [net.learning_rate].iter()));
    let numbers = arrays::to_npz(&tensors)?;
    let mut file = ZipWriter::new_append(Cursor::new(numbers))?;
    let words = [
        ("loss", loss),
        ("reduction", reduction),
        ("orientation", "outputs-inputs"),
        ("train_biases", &train_biases[..]),
    ];
    for (name, word) in words {
        write_texts(&mut file, name, &[word], true)?;
    }
    write_texts(&mut file, "activations", &activations, false)?;
    Ok(file.finish()?.into_inner())
}

/// An array of texts, or a single one, as `numpy.savez` writes it.
fn write_texts(
    file: &mut ZipWriter<Cursor<Vec<u8>>>,
    name: &str,
    texts: &[&str],
    single: bool,
) -> io::Result<()> {
    let lengths = texts.iter().map(|text| text.chars().count());
    let width = lengths.max().unwrap_or(0).max(1);
    let shape = match single {
        true => String::new(),
        false => format!("{},", texts.len()),
    };
    let dictionary =
        format!("{{'descr': '<U{width}', 'fortran_order': False, 'shape': ({shape}), }}");
    // The letters start at a multiple of 64 bytes.
    const BEFORE: usize = 10;
    let padding = 63 - (BEFORE + dictionary.len()) % 64;
    let length = u16::try_from(dictionary.len() + padding + 1).map_err(io::Error::other)?;
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    file.start_file(format!("{name}.npy"), options)?;
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&length.to_le_bytes())?;
    writeln!(file, "{dictionary}{:padding$}", "")?;
    for text in texts {
        let letters = text.chars().chain(std::iter::repeat('\0')).take(width);
        for letter in letters {
            file.write_all(&u32::from(letter).to_le_bytes())?;
        }
    }
    Ok(())
}
