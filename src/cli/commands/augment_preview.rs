//! `mlp augment-preview`: what augmentation makes of the images, as a picture.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use mlp::{
    atomic_file,
    data::{
        Dataset, FileKind,
        augment::{Augmenter, Preset},
        batch::Preprocessing,
    },
};
use ndarray::{Array2, s};

use crate::cli::{
    args::{augment::AugmentArgs, data::DataArgs},
    terminal::{
        Outcome,
        describe::augmentation_text,
        output::{BOLD, DIM, Output, next_step},
        own_file::{self, Kind},
        shell::train_command,
    },
};

/// Draw what augmentation makes of training images
///
/// One row an image: as it is on the left, then as `mlp train` with the same flags and seed sees it in
/// epoch 1, 2, 3 and so on.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp augment-preview --out grid.png                   as Cireşan et al. 2010
  mlp augment-preview --augment simard2003 --out e.png as Simard et al. 2003
  mlp augment-preview --rotation 30 --out turned.png   one's own
  mlp augment-preview --index 7 --images 1 --epochs 20 --out one.png")]
pub struct AugmentPreview {
    /// Where to save the picture, a PNG
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    out: PathBuf,

    /// Replace the file at --out even if it is no picture
    #[arg(long, help_heading = "Output")]
    force: bool,

    /// The first image, counted from 0 in the training file
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Picture",
          value_parser = clap::value_parser!(u32).range(..i64::from(FileKind::TrainImages.count())))]
    index: u32,

    /// Images, one a row
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Picture",
          value_parser = clap::value_parser!(u32).range(1..=100))]
    images: u32,

    /// Epochs, one a column
    #[arg(long, value_name = "N", default_value_t = 12, help_heading = "Picture",
          value_parser = clap::value_parser!(u32).range(1..=100))]
    epochs: u32,

    /// The seed of the training that is previewed
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Picture")]
    seed: u64,

    #[command(flatten)]
    augment: AugmentArgs,

    /// Set every image upright after that, the original too, as mlp train --deslant does
    #[arg(long, help_heading = "Augmentation")]
    deslant: bool,

    #[command(flatten)]
    data: DataArgs,
}

/// Pixels of the picture for one of the image, along each axis.
const ZOOM: usize = 3;
/// Grey between images, and twice as wide beside the originals.
const GAP: usize = 4;
const GAP_GREY: u8 = 96;

impl AugmentPreview {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let usual = Preset::Ciresan2010;
        let (augmentation, flags) = match self.augment.augmentation()? {
            Some(augmentation) => (augmentation, self.augment.flags()),
            None => (usual.augmentation(), format!(" --augment {}", usual.name())),
        };
        KIND.check_writable(&self.out, self.force)?;
        let data = self.data.load()?.train;
        let (deslant, deslanted) = match self.deslant {
            true => (" --deslant", ", deslanted"),
            false => ("", ""),
        };
        let text = augmentation_text(&augmentation);
        let augmenter = Augmenter::new(augmentation, (data.rows(), data.cols()), self.seed)?;
        let last = (self.index + self.images).min(data.len() as u32);
        let images: Vec<_> = (self.index..last).collect();
        // From a grey value to itself: inputs that can be looked at.
        let grey = Preprocessing {
            scale: 1.0,
            shift: 0.0,
            deslant: self.deslant,
        };
        let picture = grid(&data, grey, &augmenter, &images, self.epochs as usize);
        save(&self.out, &picture).with_context(|| {
            format!(
                "{}: the picture could not be saved, choose another --out",
                self.out.display()
            )
        })?;
        writeln!(
            out,
            "saved {BOLD}{}{BOLD:#} {DIM}({} x {} pixels): training images {} to {}, then epochs 1 to {}: {text}{deslanted}{DIM:#}",
            self.out.display(),
            picture.ncols(),
            picture.nrows(),
            self.index,
            last - 1,
            self.epochs,
        )?;
        let data = self.data.dir.flag();
        next_step(train_command(&format!("{flags}{deslant}{data}")));
        Ok(Outcome::Done)
    }
}

/// Grey values (rows, columns): the images one below the other, and each epoch's beside.
fn grid(
    data: &Dataset,
    grey: Preprocessing,
    augmenter: &Augmenter,
    images: &[u32],
    epochs: usize,
) -> Array2<u8> {
    let (rows, cols) = (data.rows(), data.cols());
    let (high, wide) = (ZOOM * rows + GAP, ZOOM * cols + GAP);
    let size = (high * images.len() + GAP, wide * (epochs + 1) + 2 * GAP);
    let mut picture = Array2::from_elem(size, GAP_GREY);
    let mut x = Array2::<f32>::zeros((images.len(), rows * cols));
    for column in 0..=epochs {
        match column {
            0 => grey.gather(data, images, &mut x),
            epoch => augmenter.gather(data, grey, epoch, images, &mut x),
        }
        let left = GAP + wide * column + if column > 0 { GAP } else { 0 };
        for (n, image) in x.rows().into_iter().enumerate() {
            let top = GAP + high * n;
            let cell = s![top..top + ZOOM * rows, left..left + ZOOM * cols];
            for ((r, c), pixel) in picture.slice_mut(cell).indexed_iter_mut() {
                *pixel = image[r / ZOOM * cols + c / ZOOM].round() as u8;
            }
        }
    }
    picture
}

const KIND: Kind = Kind {
    flag: "--out",
    example: "grid.png",
    what: "PNG",
    is_one: |path| own_file::begins(path, b"\x89PNG\r\n\x1a\n"),
};

fn save(path: &Path, picture: &Array2<u8>) -> anyhow::Result<()> {
    atomic_file::write(path, |file| {
        let (rows, cols) = picture.dim();
        let mut encoder = png::Encoder::new(file, cols as u32, rows as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(picture.as_slice().expect("contiguous"))?;
        writer.finish()?;
        Ok(())
    })
}
