//! `--hidden`: the widths of the hidden layers.

use std::str::FromStr;

use anyhow::{bail, ensure};
use mlp::{data::Spec, files::model::MAX_LAYERS, loss::LossKind};

/// The widths of the hidden layers: `50`, `500,150` or `none`.
#[derive(Clone, Debug)]
pub struct Hidden(pub Vec<usize>);

impl FromStr for Hidden {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let widths = text.split(',').map(|width| match width.trim().parse() {
            Ok(width @ 1..=100_000) => Ok(width),
            _ => bail!("expected widths from 1 to 100000 such as 50 or 500,150, or none"),
        });
        let widths = widths.collect::<anyhow::Result<Vec<_>>>()?;
        // Inputs and outputs are layers of a model, too.
        let most = MAX_LAYERS - 2;
        ensure!(
            widths.len() <= most,
            "{} hidden layers, expected at most {most}",
            widths.len()
        );
        Ok(Self(widths))
    }
}

impl Hidden {
    /// The widths of all layers of a network for these images.
    pub fn layers(&self, loss: LossKind, spec: &Spec) -> Vec<usize> {
        let outputs = loss.outputs(spec.classes.len());
        [&[spec.pixels()], &self.0[..], &[outputs]].concat()
    }
}
