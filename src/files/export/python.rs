//! What the scripts for NumPy and for PyTorch have in common.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Constants, ReadFault, plan::Plan};

/// Columns of base64 in a line.
const COLUMNS: usize = 100;

/// What a script says of itself: its first line, how it is used, and the model.
pub fn docstring(begins: &str, usage: &str, plan: &Plan) -> String {
    let about: Vec<_> = plan.about_lines().collect();
    format!("{begins}\n\n{usage}\n\n{}\n\"\"\"\n", about.join("\n"))
}

/// The size of an image, the classes, and how pixels become inputs.
pub fn settings(plan: &Plan) -> String {
    // A string of JSON is one of Python, too.
    let classes = serde_json::to_string(&plan.spec.classes).expect("plain data serialises");
    format!(
        "ROWS, COLS = {}, {}\nCLASSES = {classes}\nSCALE, SHIFT = {:?}, {:?}\n",
        plan.spec.rows, plan.spec.cols, plan.scale, plan.shift
    )
}

/// Every parameter, little-endian `f32` in base64.
pub fn parameters(plan: &Plan) -> String {
    let mut text = "PARAMETERS = {\n".to_owned();
    for (name, shape, values) in plan.parameters() {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let base64 = STANDARD.encode(bytes);
        let shape: Vec<_> = shape.iter().map(usize::to_string).collect();
        text += &format!("    \"{name}\": tensor([{}], \"\"\"\n", shape.join(", "));
        for line in base64.as_bytes().chunks(COLUMNS) {
            text += std::str::from_utf8(line).expect("base64 is ASCII");
            text.push('\n');
        }
        text += "\"\"\"),\n";
    }
    text + "}\n"
}

/// What [`settings`] and [`parameters`] wrote.
pub fn read(bytes: &[u8]) -> Result<Constants, ReadFault> {
    let missing = |what: &str| ReadFault::Missing(what.to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| ReadFault::Unknown("characters"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("SCALE, SHIFT = "));
    let numbers = line.and_then(|line| line.split_once(", "));
    let number = |text: &str| text.parse::<f32>().map_err(|_| missing("SCALE, SHIFT"));
    let (scale, shift) = numbers.ok_or_else(|| missing("SCALE, SHIFT"))?;
    let (_, list) = text
        .split_once("PARAMETERS = {\n")
        .ok_or_else(|| missing("PARAMETERS"))?;
    let (list, _) = list.split_once("\n}\n").ok_or(ReadFault::Truncated)?;
    let parameter = |entry: &str| {
        let entry = entry.trim_start().strip_prefix('"');
        let (name, rest) = entry.and_then(|entry| entry.split_once('"'))?;
        let (_, base64) = rest.split_once("\"\"\"")?;
        let base64: String = base64.split_whitespace().collect();
        let bytes = STANDARD.decode(base64).ok()?;
        let (numbers, rest) = bytes.as_chunks();
        let values = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes));
        rest.is_empty().then(|| (name.to_owned(), values.collect()))
    };
    let entries = list
        .split("\"\"\"),")
        .filter(|entry| !entry.trim().is_empty());
    let parameters = entries.map(|entry| parameter(entry).ok_or_else(|| missing("a parameter")));
    Ok(Constants {
        scale: number(scale)?,
        shift: number(shift)?,
        parameters: parameters.collect::<Result<_, _>>()?,
    })
}
