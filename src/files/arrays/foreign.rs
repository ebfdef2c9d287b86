//! Files of other kinds: what they are, and the line that saves the gradients in a way that can be read.

/// Saves gradients that are variables.
pub(super) const SAVEZ: &str =
    r#"np.savez("grads.npz", **{"0.weight": dw1, "0.bias": db1, "2.weight": dw2, "2.bias": db2})"#;

/// Saves the gradients of a network of PyTorch.
const SAVE_FILE: &str = r#"safetensors.torch.save_file({name: p.grad.contiguous() for name, p in net.named_parameters()}, "grads.safetensors")"#;

/// The same without safetensors.
const SAVEZ_TORCH: &str =
    r#"np.savez("grads.npz", **{name: p.grad.numpy() for name, p in net.named_parameters()})"#;

/// What a file is that is neither `.safetensors` nor `.npz` nor `.npy`, and what to do; `error` is what
/// safetensors says of it.
pub(super) fn fault(bytes: &[u8], error: &dyn std::fmt::Display) -> String {
    if bytes.is_empty() {
        return format!("an empty file, expected gradients: save them with `{SAVEZ}`");
    }
    if let Some(pickle) = pickle(bytes) {
        return pickle;
    }
    let what = if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        "an HDF5 file, as Keras writes it"
    } else if bytes.starts_with(b"\x1f\x8b") {
        return "packed with gzip: unpack it first with gunzip".to_owned();
    } else if bytes.starts_with(b"MATLAB ") {
        "a file of MATLAB"
    } else if is_text(bytes) {
        "text, which rounds numbers and has no names or shapes"
    } else {
        return format!(
            "neither a .safetensors file nor an .npz file ({error}): save the gradients with `{SAVEZ}`"
        );
    };
    format!("{what}, expected a .safetensors, .npz or .npy file: save the gradients with `{SAVEZ}`")
}

/// What is said of a file of `torch.save`.
fn torch() -> String {
    format!(
        "a file of torch.save, which only Python can read: save the gradients with `{SAVE_FILE}` or with `{SAVEZ_TORCH}`"
    )
}

/// What is said of a Python pickle, which `torch.save` once wrote too.
fn pickle(bytes: &[u8]) -> Option<String> {
    let &[0x80, protocol @ 2..=5, ref rest @ ..] = bytes else {
        return None;
    };
    // A broken .safetensors file can begin with the same bytes: those of its header's length.
    if rest.starts_with(&[0; 6]) {
        return None;
    }
    /// The long number at the beginning of old files of `torch.save`.
    const TORCH: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    let beginning = &rest[..rest.len().min(1 << 16)];
    if rest.starts_with(TORCH) || beginning.windows(5).any(|five| five == b"torch") {
        return Some(torch());
    }
    Some(format!(
        "a Python pickle (protocol {protocol}), which only Python can read: save the gradients with `{SAVEZ}`"
    ))
}

/// What a zip is that has no arrays in it, judged by the names of its entries.
pub(super) fn zip<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    let mut all = names.clone();
    // PyTorch writes `archive/data.pkl` beside `archive/data/0`.
    if all.any(|name| name == "data.pkl" || name.ends_with("/data.pkl")) {
        return Some(torch());
    }
    if names.clone().any(|name| name.ends_with(".npy")) {
        return None;
    }
    let has = |end: &str| names.clone().any(|name| name.ends_with(end));
    let what = if has("[Content_Types].xml") {
        "a document of Word, Excel or PowerPoint".to_owned()
    } else if has("model.weights.h5") {
        "a model of Keras".to_owned()
    } else {
        match names.clone().next() {
            Some(first) => format!("a zip of other files, the first of which is {first:?}"),
            None => "an empty .npz file".to_owned(),
        }
    };
    Some(format!(
        "{what}, expected arrays of NumPy: save the gradients with `{SAVEZ}`"
    ))
}

/// Whether a file begins with words, numbers and punctuation.
fn is_text(bytes: &[u8]) -> bool {
    let beginning = &bytes[..bytes.len().min(512)];
    let text = match std::str::from_utf8(beginning) {
        Ok(text) => text,
        // The 512 bytes may end within a letter.
        Err(error) if error.error_len().is_none() => {
            let (valid, _) = beginning.split_at(error.valid_up_to());
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || c.is_whitespace())
}
