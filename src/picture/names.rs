//! What layers and the values in them are called, in every picture.
//!
//! Layers are counted from 1. The row x goes into layer 1; layer n makes z of what comes in, and its activation
//! makes h of z: z₁, h₁, z₂, …; a gradient of the loss has a d before it, as in dz₁.

/// The name of a layer: `layer 1 of 2 (784 → 50)`, or `layer 1 of 2` where its widths are not known.
pub fn layer(number: usize, count: usize, widths: Option<(usize, usize)>) -> String {
    match widths {
        Some((inputs, outputs)) => format!("layer {number} of {count} ({inputs} → {outputs})"),
        None => format!("layer {number} of {count}"),
    }
}

/// A letter with the number of its layer, such as `dz₁`.
pub fn of_layer(letter: &str, number: usize) -> String {
    let digits = number.to_string();
    let low = digits.bytes().map(|d| 0x2080 + u32::from(d - b'0'));
    let low = low.map(|c| char::from_u32(c).expect("a subscript digit"));
    letter.chars().chain(low).collect()
}

/// What goes into a layer: `x`, `h₁`, …
pub fn input_of_layer(number: usize) -> String {
    match number {
        1 => "x".into(),
        _ => of_layer("h", number - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_counted_from_one() {
        assert_eq!(layer(1, 2, Some((784, 50))), "layer 1 of 2 (784 → 50)");
        assert_eq!(of_layer("dz", 12), "dz₁₂");
        assert_eq!([1, 2].map(input_of_layer), ["x", "h₁"]);
    }
}
