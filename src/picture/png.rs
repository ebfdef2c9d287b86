//! PNG files.

use base64::{Engine, engine::general_purpose::STANDARD};
use ndarray::Array2;
use png::{BitDepth, ColorType, Encoder, EncodingError};

/// Red, green and blue, and in an [`encoded`] file of four its opacity.
pub type Pixel<const N: usize> = [u8; N];

/// The bytes of a PNG with these pixels (rows, columns): N = 3 is RGB, N = 4 with opacity.
pub fn encoded<const N: usize>(pixels: &Array2<Pixel<N>>) -> Result<Vec<u8>, EncodingError> {
    let color = const {
        match N {
            3 => ColorType::Rgb,
            4 => ColorType::Rgba,
            _ => panic!("3 or 4 numbers a pixel"),
        }
    };
    let (rows, cols) = pixels.dim();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, cols as u32, rows as u32);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    let pixels = pixels.as_standard_layout();
    let pixels = pixels.as_slice().expect("standard layout");
    writer.write_image_data(pixels.as_flattened())?;
    writer.finish()?;
    Ok(file)
}

/// The same as the address of an image in a page or an SVG.
pub fn data_uri(pixels: &Array2<Pixel<4>>) -> String {
    let file = encoded(pixels).expect("memory takes all that is written");
    format!("data:image/png;base64,{}", STANDARD.encode(file))
}
