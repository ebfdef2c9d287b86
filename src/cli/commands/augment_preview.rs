//! `mlp augment-preview`: what augmentation makes of the images, as a picture.

use std::{io::Write, path::PathBuf};

use anyhow::ensure;
use mlp::{
    data::{
        augment::{Augmenter, Preset},
        batch::Preprocessing,
    },
    picture::{
        palette::Theme,
        plot::{self, Augmented},
    },
};
use ndarray::Array2;
use serde_json::json;

use crate::cli::{
    args::{augment::AugmentArgs, common::JsonArg, data::DataArgs, number},
    terminal::{
        Outcome,
        describe::augmentation_text,
        json::{shortest, written},
        output::{BOLD, DIM, Output, named, next_step},
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
          value_parser = number::whole(0..=u32::MAX - 101))]
    index: u32,

    /// Images, one a row
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Picture",
          value_parser = number::whole(1..=100_u32))]
    images: u32,

    /// Epochs, one a column
    #[arg(long, value_name = "N", default_value_t = 12, help_heading = "Picture",
          value_parser = number::whole(1..=100_u32))]
    epochs: u32,

    /// The seed of the training that is previewed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number::whole(0..=u64::MAX), help_heading = "Picture")]
    seed: u64,

    #[command(flatten)]
    augment: AugmentArgs,

    /// Set every image upright after that, the original too, as mlp train --deslant does
    #[arg(long, help_heading = "Augmentation")]
    deslant: bool,

    #[command(flatten)]
    json: JsonArg,

    #[command(flatten)]
    data: DataArgs,
}

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
        ensure!(
            (self.index as usize) < data.len(),
            "--index {}: there are {} training images, counted from 0",
            self.index,
            data.len()
        );
        let (deslant, deslanted) = match self.deslant {
            true => (" --deslant", ", deslanted"),
            false => ("", ""),
        };
        let text = augmentation_text(&augmentation);
        let augmentation_json = shortest(&augmentation);
        let augmenter = Augmenter::new(augmentation, (data.rows(), data.cols()), self.seed)?;
        let last = (self.index + self.images).min(data.len() as u32);
        let images: Vec<_> = (self.index..last).collect();
        // From a grey value to itself: inputs that can be looked at.
        let grey = Preprocessing {
            scale: 1.0,
            shift: 0.0,
            deslant: self.deslant,
        };
        let mut seen = Vec::new();
        for epoch in 0..=self.epochs as usize {
            let mut x = Array2::zeros((images.len(), data.rows() * data.cols()));
            match epoch {
                0 => grey.gather(&data, &images, &mut x),
                _ => augmenter.gather(&data, grey, epoch, &images, &mut x),
            }
            seen.push(x);
        }
        let labels = images.iter().map(|&i| (i, data.labels[i as usize]));
        let picture = plot::augmented(&Augmented {
            title: &format!("{text}{deslanted}"),
            images: &labels.collect::<Vec<_>>(),
            epochs: &seen,
            pixels: (data.rows(), data.cols()),
        });
        let bytes = picture.png(Theme::Light)?;
        KIND.save(&self.out, &bytes)?;
        let (width, height) = picture.png_size();
        match self.json.json {
            true => out.json(json!({
                "files": [written(&self.out, &bytes)], "width": width, "height": height,
                "index": self.index, "images": images.len(), "epochs": self.epochs,
                "augmentation": augmentation_json, "deslant": self.deslant,
            }))?,
            false => writeln!(
                out,
                "saved {BOLD}{}{BOLD:#} {DIM}({width} x {height} pixels): training images {} to {}, then epochs 1 to {}: {text}{deslanted}{DIM:#}",
                named(&self.out),
                self.index,
                last - 1,
                self.epochs,
            )?,
        }
        let data = self.data.dir.flag();
        next_step(train_command(&format!("{flags}{deslant}{data}")));
        Ok(Outcome::Done)
    }
}

const KIND: Kind = Kind {
    flag: "--out",
    example: "grid.png",
    what: "PNG",
    is_one: |path| own_file::begins(path, b"\x89PNG\r\n\x1a\n"),
};
