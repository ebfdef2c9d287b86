//! From the bytes of a picture file to grey values.

use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageReader, Limits, error::ImageFormatHint,
    metadata::Orientation,
};

use super::Gray;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// The most pixels that a picture may have.
pub const MAX_PIXELS: u64 = 100_000_000;
/// The most memory that decoding may take, in bytes.
pub const MAX_MEMORY: u64 = 1 << 29;

/// Why a file cannot be read as a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PhotoError {
    /// There are no bytes.
    #[error("the file is empty, expected a picture: was it copied completely?")]
    Empty,
    /// The file is larger than [`MAX_BYTES`].
    #[error("the file has {found} bytes, expected at most {MAX_BYTES}: make the picture smaller")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
    },
    /// The first bytes are those of no picture that can be read.
    #[error(
        "the file starts with {start}, which is no picture that can be read: expected png, jpg, gif, bmp, webp, \
         pnm or tiff"
    )]
    UnknownFormat {
        /// Its first bytes, printable.
        start: String,
    },
    /// The header announces a picture without pixels, or with more than [`MAX_PIXELS`].
    #[error(
        "the header says {cols}×{rows} pixels, expected at least 1×1 and at most {} million pixels in all: scale \
         the picture first",
        MAX_PIXELS / 1_000_000
    )]
    Size {
        /// Rows in the header.
        rows: u64,
        /// Columns in the header.
        cols: u64,
    },
    /// The picture would take more than [`MAX_MEMORY`].
    #[error(
        "decoding would take more than {} MiB of memory: scale the picture, or store it with 8 bits a colour",
        MAX_MEMORY >> 20
    )]
    Memory,
    /// The format is known, this kind of it is not.
    #[error("{what}: this kind of picture cannot be read: store it as png")]
    Unsupported {
        /// What the decoder misses.
        what: String,
    },
    /// The file ends too early, or its content contradicts itself.
    #[error(
        "the picture is damaged ({what}), expected a whole {format} file: copy or store it again"
    )]
    Damaged {
        /// The format that its first bytes announce.
        format: &'static str,
        /// What the decoder found.
        what: String,
    },
}

/// Decodes a picture file: png, jpg, gif and webp (the first frame), bmp, pnm, tiff.
///
/// Colours become their luma, (299·red + 587·green + 114·blue) / 1000. Transparent parts become white, so black ink
/// on nothing is ink on paper; if that leaves nothing to see, such as white ink on nothing, they become black. The
/// orientation in the EXIF data is applied. Size and memory are checked from the header, before decoding.
///
/// Errors: [`PhotoError`].
pub fn decode(bytes: &[u8]) -> Result<Gray, PhotoError> {
    if bytes.is_empty() {
        return Err(PhotoError::Empty);
    }
    if bytes.len() > MAX_BYTES {
        return Err(PhotoError::TooLarge { found: bytes.len() });
    }
    // The decoders are not known to panic; should one, it is one more damaged file.
    catch_unwind(AssertUnwindSafe(|| decoded(bytes))).unwrap_or_else(|_| {
        Err(PhotoError::Damaged {
            format: "picture",
            what: "the decoder gave up".into(),
        })
    })
}

/// Whether a file is called like a picture that [`decode()`] reads.
pub fn is_picture_name(name: &str) -> bool {
    let name = name.to_lowercase();
    [
        ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".pbm", ".ppm",
        ".pnm",
    ]
    .iter()
    .any(|ending| name.ends_with(ending))
}

fn decoded(bytes: &[u8]) -> Result<Gray, PhotoError> {
    let unknown = || PhotoError::UnknownFormat {
        start: start_of(bytes),
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| unknown())?;
    let format = reader.format().ok_or_else(unknown)?;
    let name = format
        .extensions_str()
        .first()
        .copied()
        .unwrap_or("picture");
    let fail = |error| explained(error, name, bytes);

    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(fail)?;
    let (cols, rows) = decoder.dimensions();
    let (rows, cols) = (u64::from(rows), u64::from(cols));
    if rows == 0 || cols == 0 || rows * cols > MAX_PIXELS {
        return Err(PhotoError::Size { rows, cols });
    }
    limits
        .reserve(decoder.total_bytes())
        .map_err(|_| PhotoError::Memory)?;
    decoder.set_limits(limits).map_err(fail)?;
    if name == "jpg" && !is_whole_jpg(bytes) {
        // The decoder would fill up what is missing with grey.
        return Err(PhotoError::Damaged {
            format: name,
            what: "it ends before the end of the picture".into(),
        });
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(fail)?;
    let mut gray = to_gray(image);
    if !gray.is_sound() {
        return Err(PhotoError::Size { rows, cols });
    }
    turn(&mut gray, orientation);
    Ok(gray)
}

/// The first bytes, printable.
fn start_of(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(8)];
    format!("\"{}\"", shown.escape_ascii())
}

/// The decoder's error in this module's terms.
fn explained(error: ImageError, format: &'static str, bytes: &[u8]) -> PhotoError {
    match error {
        ImageError::Limits(_) => PhotoError::Memory,
        ImageError::Unsupported(what) => match what.format_hint() {
            ImageFormatHint::Unknown => PhotoError::UnknownFormat {
                start: start_of(bytes),
            },
            _ => PhotoError::Unsupported {
                what: what.to_string(),
            },
        },
        error => PhotoError::Damaged {
            format,
            what: error.to_string().trim_end_matches('.').into(),
        },
    }
}

/// Whether the end marker follows the first scan. Cameras may append more after it.
fn is_whole_jpg(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == 0xff {
            at += 1; // fill bytes
            continue;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        at += 2 + length;
        if marker == 0xda {
            break;
        }
    }
    let scan = bytes.get(at..).unwrap_or_default();
    scan.windows(2).any(|pair| pair == [0xff, 0xd9])
}

/// 0.299·red + 0.587·green + 0.114·blue, rounded.
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}

/// The nearest of 256 values to one of 65,536.
fn byte(value: u16) -> u8 {
    ((u32::from(value) + 128) / 257) as u8
}

fn to_gray(image: DynamicImage) -> Gray {
    let (rows, cols) = (image.height() as usize, image.width() as usize);
    let mut notes = Vec::new();
    let pixels: Vec<u8> = match image {
        DynamicImage::ImageLuma8(image) => image.into_raw(),
        DynamicImage::ImageRgb8(image) => {
            let pixels = image.as_raw().chunks_exact(3);
            pixels.map(|p| luma(p[0], p[1], p[2])).collect()
        }
        DynamicImage::ImageLuma16(image) => image.as_raw().iter().map(|&v| byte(v)).collect(),
        DynamicImage::ImageRgb16(image) => {
            let pixels = image.as_raw().chunks_exact(3);
            pixels
                .map(|p| luma(byte(p[0]), byte(p[1]), byte(p[2])))
                .collect()
        }
        DynamicImage::ImageLumaA8(image) => {
            let pixels = image.as_raw().chunks_exact(2);
            on_paper(pixels.map(|p| (p[0], p[1])), &mut notes)
        }
        DynamicImage::ImageRgba8(image) => {
            let pixels = image.as_raw().chunks_exact(4);
            on_paper(pixels.map(|p| (luma(p[0], p[1], p[2]), p[3])), &mut notes)
        }
        DynamicImage::ImageLumaA16(image) => {
            let pixels = image.as_raw().chunks_exact(2);
            on_paper(pixels.map(|p| (byte(p[0]), byte(p[1]))), &mut notes)
        }
        DynamicImage::ImageRgba16(image) => {
            let pixels = image.as_raw().chunks_exact(4);
            let pixels = pixels.map(|p| (luma(byte(p[0]), byte(p[1]), byte(p[2])), byte(p[3])));
            on_paper(pixels, &mut notes)
        }
        other => {
            let image = other.into_rgba8();
            let pixels = image.as_raw().chunks_exact(4);
            on_paper(pixels.map(|p| (luma(p[0], p[1], p[2]), p[3])), &mut notes)
        }
    };
    Gray {
        rows,
        cols,
        pixels,
        notes,
    }
}

/// Pixels of (grey, opacity) on white; on black if only that leaves something to see.
fn on_paper(pixels: impl Iterator<Item = (u8, u8)> + Clone, notes: &mut Vec<String>) -> Vec<u8> {
    if pixels.clone().all(|(_, opacity)| opacity == 255) {
        return pixels.map(|(grey, _)| grey).collect();
    }
    let over = |paper: u32| {
        let mix = move |(grey, opacity): (u8, u8)| {
            let opacity = u32::from(opacity);
            ((u32::from(grey) * opacity + paper * (255 - opacity) + 127) / 255) as u8
        };
        let mixed: Vec<u8> = pixels.clone().map(mix).collect();
        let (low, high) = mixed
            .iter()
            .fold((255, 0), |(low, high), &v| (v.min(low), v.max(high)));
        (mixed, high.saturating_sub(low))
    };
    const VISIBLE: u8 = 24;
    let (white, contrast) = over(255);
    if contrast < VISIBLE {
        let (black, on_black) = over(0);
        if on_black > contrast {
            notes.push("transparent parts made black".into());
            return black;
        }
    }
    notes.push("transparent parts made white".into());
    white
}

/// Turns the picture the way it was held.
fn turn(gray: &mut Gray, orientation: Orientation) {
    let (swap, flip_rows, flip_cols, words) = match orientation {
        Orientation::NoTransforms => return,
        Orientation::Rotate90 => (true, true, false, "turned 90° (EXIF)"),
        Orientation::Rotate180 => (false, true, true, "turned 180° (EXIF)"),
        Orientation::Rotate270 => (true, false, true, "turned 270° (EXIF)"),
        Orientation::FlipHorizontal => (false, false, true, "mirrored (EXIF)"),
        Orientation::FlipVertical => (false, true, false, "mirrored upside down (EXIF)"),
        Orientation::Rotate90FlipH => (true, false, false, "turned 90° and mirrored (EXIF)"),
        Orientation::Rotate270FlipH => (true, true, true, "turned 270° and mirrored (EXIF)"),
    };
    let (rows, cols) = (gray.rows, gray.cols);
    let (new_rows, new_cols) = if swap { (cols, rows) } else { (rows, cols) };
    let mut turned = Vec::with_capacity(gray.pixels.len());
    for r in 0..new_rows {
        for c in 0..new_cols {
            let (row, col) = if swap { (c, r) } else { (r, c) };
            let row = if flip_rows { rows - 1 - row } else { row };
            let col = if flip_cols { cols - 1 - col } else { col };
            turned.push(gray.pixels[row * cols + col]);
        }
    }
    (gray.rows, gray.cols, gray.pixels) = (new_rows, new_cols, turned);
    gray.notes.push(words.into());
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbaImage};
    use proptest::prelude::*;

    use super::*;

    /// The bytes of a picture in a format.
    fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Six grey values, 3 wide and 2 high.
    fn six() -> DynamicImage {
        image::GrayImage::from_raw(3, 2, vec![0, 50, 100, 150, 200, 250])
            .unwrap()
            .into()
    }

    #[test]
    fn grey_values_survive_every_format() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Bmp,
            ImageFormat::Tiff,
            ImageFormat::Pnm,
            ImageFormat::Gif,
            ImageFormat::WebP,
        ] {
            let image = match format {
                ImageFormat::Gif | ImageFormat::WebP => six().into_rgba8().into(),
                _ => six(),
            };
            let gray = decode(&file(&image, format)).unwrap();
            assert_eq!((gray.rows, gray.cols), (2, 3), "{format:?}");
            assert_eq!(gray.pixels, six().into_bytes(), "{format:?}");
        }
        let flat = DynamicImage::from(image::GrayImage::from_pixel(9, 7, image::Luma([90])));
        let gray = decode(&file(&flat, ImageFormat::Jpeg)).unwrap();
        assert_eq!((gray.rows, gray.cols), (7, 9));
        assert!(gray.pixels.iter().all(|&v| v.abs_diff(90) < 3));
    }

    #[test]
    fn colours_and_16_bits_become_luma() {
        let red = DynamicImage::from(image::RgbImage::from_pixel(2, 1, image::Rgb([255, 0, 0])));
        assert_eq!(
            decode(&file(&red, ImageFormat::Png)).unwrap().pixels,
            [76, 76]
        );
        let deep = DynamicImage::from(six().into_luma16());
        let gray = decode(&file(&deep, ImageFormat::Png)).unwrap();
        assert_eq!(gray.pixels, six().into_bytes());
    }

    #[test]
    fn ink_of_any_colour_on_nothing_can_be_seen() {
        for ink in [0, 255] {
            let mut image = RgbaImage::new(3, 1);
            image.put_pixel(1, 0, image::Rgba([ink, ink, ink, 255]));
            let gray = decode(&file(&image.into(), ImageFormat::Png)).unwrap();
            let paper = 255 - ink;
            assert_eq!(gray.pixels, [paper, ink, paper]);
            assert_eq!(gray.notes.len(), 1);
        }
    }

    #[test]
    fn pictures_are_turned_like_the_library_does() {
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let mut expected = six();
            expected.apply_orientation(orientation);
            let mut gray = to_gray(six());
            turn(&mut gray, orientation);
            assert_eq!(
                (gray.rows, gray.cols),
                (expected.height() as usize, expected.width() as usize)
            );
            assert_eq!(gray.pixels, expected.into_bytes(), "{exif}");
        }
    }

    #[test]
    fn what_is_no_picture_is_named() {
        let error = |bytes: &[u8]| decode(bytes).unwrap_err();
        assert!(matches!(error(b""), PhotoError::Empty));
        let text = error(b"hello world\n");
        assert!(text.to_string().contains("\"hello wo\""), "{text}");
        let large = vec![0; MAX_BYTES + 1];
        assert!(matches!(error(&large), PhotoError::TooLarge { .. }));
    }

    #[test]
    fn a_file_that_ends_too_early_is_damaged() {
        let noise = (0..64 * 64).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        let image: DynamicImage = image::GrayImage::from_raw(64, 64, noise.collect())
            .unwrap()
            .into();
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp] {
            let whole = file(&image, format);
            for share in [2, 3, 5] {
                let error = decode(&whole[..whole.len() * (share - 1) / share]).unwrap_err();
                assert!(
                    matches!(error, PhotoError::Damaged { .. }),
                    "{format:?}: {error}"
                );
            }
        }
    }

    #[test]
    fn size_and_memory_are_checked_before_decoding() {
        // Headers alone: 20,000×20,000; none; and 9,000×9,000 of 16 bytes a pixel.
        for (header, is) in [
            ("P5 20000 20000 255\n", "pixels"),
            ("P5 0 5 255\n", ""),
            (
                "P7\nWIDTH 12000\nHEIGHT 8000\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n",
                "",
            ),
        ] {
            let error = decode(header.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(is), "{error}");
        }
        // A png of 60,000×60,000 black pixels: its header is enough.
        let mut png = file(&six(), ImageFormat::Png);
        for at in [16, 20] {
            png[at..at + 4].copy_from_slice(&60_000_u32.to_be_bytes());
        }
        let checksum = {
            let mut crc = flate2::Crc::new();
            crc.update(&png[12..29]);
            crc.sum()
        };
        png[29..33].copy_from_slice(&checksum.to_be_bytes());
        let error = decode(&png).unwrap_err();
        assert!(
            matches!(error, PhotoError::Size { .. } | PhotoError::Memory),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), format in 0..8_usize) {
            let starts: [&[u8]; 8] = [
                b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM",
                b"RIFF\0\0\0\0WEBPVP8 ", b"P5 ", b"II*\0",
            ];
            let start = starts[format];
            bytes.splice(0..0, start.iter().copied());
            let _ = decode(&bytes);
        }

        #[test]
        fn no_change_of_a_file_panics(at in any::<prop::sample::Index>(), byte: u8, format in 0..5_usize) {
            let format = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Pnm][format];
            let mut bytes = file(&six(), format);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode(&bytes);
        }
    }
}
