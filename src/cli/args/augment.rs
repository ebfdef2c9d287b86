//! The flags that say how images are distorted: the same for every command that does it.

use mlp::data::augment::{Augmentation, Elastic, Preset};

use crate::cli::args::{Usage, number};

/// How training images are distorted.
#[derive(clap::Args)]
#[command(next_help_heading = "Augmentation")]
pub struct AugmentArgs {
    /// Distort every training image, differently in each epoch, as published work did; the flags below change
    /// single strengths, or set them without a preset
    #[arg(long, value_name = "PRESET", value_parser = PresetParser)]
    augment: Option<Preset>,

    /// Rotation, up to this many degrees either way
    #[arg(long, value_name = "DEGREES", value_parser = number::any)]
    rotation: Option<f64>,

    /// Horizontal shear, up to this many degrees either way
    #[arg(long, value_name = "DEGREES", value_parser = number::any)]
    shear: Option<f64>,

    /// Scaling of width and height, each up to this much larger or smaller: 0.15 for 15 %
    #[arg(long, value_name = "PART", value_parser = number::any)]
    scale: Option<f64>,

    /// Translation along each axis, up to this many pixels either way
    #[arg(long, value_name = "PIXELS", value_parser = number::any)]
    translation: Option<f64>,

    /// Elastic distortion: the smoothness of the displacements, in pixels
    #[arg(long, value_name = "PIXELS", value_parser = number::any)]
    sigma: Option<f64>,

    /// Elastic distortion: its strength, in pixels; 0 is none
    #[arg(long, value_name = "PIXELS", value_parser = number::any)]
    alpha: Option<f64>,
}

impl AugmentArgs {
    /// What the flags ask for, or wrong usage; none if no flag was given.
    pub fn augmentation(&self) -> Result<Option<Augmentation>, Usage> {
        if self.flags().is_empty() {
            return Ok(None);
        }
        let mut augmentation = self.augment.map(Preset::augmentation).unwrap_or_default();
        for (flag, strength) in [
            (self.rotation, &mut augmentation.rotation),
            (self.shear, &mut augmentation.shear),
            (self.scale, &mut augmentation.scale),
            (self.translation, &mut augmentation.translation),
        ] {
            *strength = flag.unwrap_or(*strength);
        }
        let published = augmentation.elastic;
        let sigma = self.sigma.or(published.map(|elastic| elastic.sigma));
        let alpha = self.alpha.or(published.map(|elastic| elastic.alpha));
        augmentation.elastic = match (sigma, alpha) {
            (_, Some(0.0)) | (None, None) => None,
            (Some(sigma), Some(alpha)) => Some(Elastic { sigma, alpha }),
            (None, Some(_)) => {
                return Err(
                    "an elastic distortion has --sigma and --alpha: give both, or --augment simard2003; the alpha of \
                     scikit-learn, its L2 penalty, is --weight-decay"
                        .into(),
                );
            }
            (Some(_), None) => {
                return Err(
                    "an elastic distortion has --sigma and --alpha: give both, or --augment simard2003"
                        .into(),
                );
            }
        };
        augmentation
            .validate()
            .map_err(|error| Usage(error.to_string()))?;
        Ok(Some(augmentation))
    }

    /// The flags that were given, as another command takes them, each after a blank.
    pub fn flags(&self) -> String {
        let preset = self
            .augment
            .map(|preset| format!(" --augment {}", preset.name()));
        let strengths = [
            ("rotation", self.rotation),
            ("shear", self.shear),
            ("scale", self.scale),
            ("translation", self.translation),
            ("sigma", self.sigma),
            ("alpha", self.alpha),
        ];
        let given =
            |(name, strength): (&str, Option<f64>)| strength.map(|v| format!(" --{name} {v}"));
        preset
            .into_iter()
            .chain(strengths.into_iter().filter_map(given))
            .collect()
    }
}

/// Presets by name, listed with what they do.
#[derive(Clone)]
struct PresetParser;

impl clap::builder::TypedValueParser for PresetParser {
    type Value = Preset;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Preset, clap::Error> {
        let names = clap::builder::PossibleValuesParser::new(Preset::ALL.map(Preset::name));
        let name = names.parse_ref(command, arg, value)?;
        let preset = Preset::ALL.into_iter().find(|p| p.name() == name);
        Ok(preset.expect("one of the names"))
    }

    fn possible_values(
        &self,
    ) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        let value =
            |preset: Preset| clap::builder::PossibleValue::new(preset.name()).help(preset.about());
        Some(Box::new(Preset::ALL.into_iter().map(value)))
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn refusal(line: &str) -> String {
        let parser = AugmentArgs::augment_args(Command::new("mlp"));
        let matches = parser.get_matches_from(line.split(' '));
        let args = AugmentArgs::from_arg_matches(&matches).unwrap();
        args.augmentation().unwrap_err().to_string()
    }

    #[test]
    fn alpha_alone_may_be_meant_as_an_l2_penalty() {
        let text = refusal("mlp --alpha 0.0001");
        assert!(
            text.contains("give both") && text.contains("is --weight-decay"),
            "{text}"
        );
        let text = refusal("mlp --sigma 5");
        assert!(text.contains("give both") && !text.contains("L2"), "{text}");
    }
}
