//! Augmentation: every epoch sees every training image distorted afresh, so that a network learns what a
//! digit is and not which pixels it happened to have.
//!
//! An [`Augmentation`] says how strongly; [`Preset`] holds the strengths of published work; an [`Augmenter`]
//! does the work, from the stored grey values straight into the rows of a batch. A distorted image is
//!
//! ```text
//! x[p] = scale·image(q) + shift,   q = A⁻¹·(p − t) + d[p]
//! ```
//!
//! where p and q are positions relative to the centre of the image, A = rotation·shear·scaling, t is a
//! translation and d the elastic displacement. `image` is interpolated bilinearly between pixels and is black
//! outside. If the network expects upright images, x is [deslanted](crate::data::deslant) afterwards.
//!
//! Sources: P. Simard, D. Steinkraus, J. Platt, "Best Practices for Convolutional Neural Networks Applied
//! to Visual Document Analysis", 2003, section 2; D. Cireşan et al., "Deep, Big, Simple Neural Nets for
//! Handwritten Digit Recognition", 2010, section 2.

mod distort;
mod elastic;

use serde::{Deserialize, Serialize};

pub use distort::Augmenter;

/// How strongly images are distorted. Every number is a bound: each image draws its own value, uniformly
/// between minus and plus the bound. The default, all zero, changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Rotation about the centre, in degrees: 0 to 180.
    pub rotation: f64,
    /// How far upright lines lean, in degrees: 0 to 80. x moves by tan(angle)·y.
    pub shear: f64,
    /// Whether a coin toss for each image chooses between rotation and shear, instead of both.
    pub rotation_or_shear: bool,
    /// Labels whose rotation and shear are halved: Cireşan's 1 and 7, which are easily confused.
    pub half_angle_labels: Vec<u8>,
    /// Scaling of width and height, each by a factor of its own, 1 ± scale: 0 to 0.9.
    pub scale: f64,
    /// Shift along x and, independently, along y, in pixels: 0 to 1000.
    pub translation: f64,
    /// Elastic distortion: every pixel moves on its own, but much like its neighbours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elastic: Option<Elastic>,
}

/// Elastic distortion: two displacement fields of smoothed noise
///
/// The x and y of every displacement are drawn uniformly from (−1, 1). Each of the two fields is then
/// smoothed by a Gaussian of standard deviation `sigma`, whose kernel sums to 1, and multiplied by `alpha`.
///
/// Outside the image the fields are zero. Well inside it, a displacement has a standard deviation of
/// α / (2σ·√(3π)) pixels along each axis, 1.4 for Simard's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elastic {
    /// Standard deviation of the Gaussian in pixels, above 0, up to 1000: over this distance displacements
    /// are alike.
    pub sigma: f64,
    /// Strength of the displacements in pixels, 0 to 10,000.
    pub alpha: f64,
}

/// An [`Augmentation`] with a number out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("augmentation: {field} {found:?}, expected {expected}")]
pub struct AugmentError {
    /// The name of the number.
    pub field: &'static str,
    /// Its value.
    pub found: f64,
    /// What it may be.
    pub expected: &'static str,
}

impl Augmentation {
    /// Errors if a number is out of range or NaN.
    pub fn validate(&self) -> Result<(), AugmentError> {
        let check = |field, found, within: bool, expected| match within {
            true => Ok(()),
            false => Err(AugmentError {
                field,
                found,
                expected,
            }),
        };
        let up_to = |field, found, most: f64, expected| {
            check(field, found, (0.0..=most).contains(&found), expected)
        };
        up_to("rotation", self.rotation, 180.0, "0 to 180 degrees")?;
        up_to("shear", self.shear, 80.0, "0 to 80 degrees")?;
        up_to("scale", self.scale, 0.9, "0 to 0.9, where 0.15 is ± 15 %")?;
        up_to("translation", self.translation, 1e3, "0 to 1000 pixels")?;
        if let Some(Elastic { sigma, alpha }) = self.elastic {
            let sound = sigma > 0.0 && sigma <= 1e3;
            check("sigma", sigma, sound, "a number above 0, up to 1000 pixels")?;
            up_to("alpha", alpha, 1e4, "0 to 10000 pixels")?;
        }
        Ok(())
    }
}

/// The distortions of published work, as far as it states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998, section III-A:
    /// translation, scaling, squeezing (here: two independent scale factors) and horizontal shear. The paper
    /// gives no magnitudes: these are ours.
    Lecun1998,
    /// Simard et al., 2003: elastic distortion, σ 4, α 34.
    Simard2003,
    /// The affine distortions that Simard et al. compare with: translation, rotation and skewing. The paper
    /// gives no magnitudes: these are ours.
    Simard2003Affine,
    /// Cireşan et al., 2010: rotation or horizontal shear ±15° (7.5° for 1 and 7), scale ±15 to 20 %, elastic
    /// with σ 5 to 6 and α 36 to 38. Out of these ranges we take 17.5 %, 5 and 37.
    Ciresan2010,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 4] = [
        Self::Lecun1998,
        Self::Simard2003,
        Self::Simard2003Affine,
        Self::Ciresan2010,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lecun1998 => "lecun1998",
            Self::Simard2003 => "simard2003",
            Self::Simard2003Affine => "simard2003-affine",
            Self::Ciresan2010 => "ciresan2010",
        }
    }

    /// A short description.
    pub fn about(self) -> &'static str {
        match self {
            Self::Lecun1998 => "affine: translation, scale, shear (strengths ours)",
            Self::Simard2003 => "elastic: sigma 4, alpha 34",
            Self::Simard2003Affine => "affine: translation, rotation, shear (strengths ours)",
            Self::Ciresan2010 => "affine and elastic: rotation or shear, scale, sigma 5, alpha 37",
        }
    }

    /// Its strengths.
    pub fn augmentation(self) -> Augmentation {
        match self {
            Self::Lecun1998 => Augmentation {
                shear: 10.0,
                scale: 0.1,
                translation: 1.0,
                ..Augmentation::default()
            },
            Self::Simard2003 => Augmentation {
                elastic: Some(Elastic {
                    sigma: 4.0,
                    alpha: 34.0,
                }),
                ..Augmentation::default()
            },
            Self::Simard2003Affine => Augmentation {
                rotation: 10.0,
                shear: 10.0,
                translation: 1.0,
                ..Augmentation::default()
            },
            Self::Ciresan2010 => Augmentation {
                rotation: 15.0,
                shear: 15.0,
                rotation_or_shear: true,
                half_angle_labels: vec![1, 7],
                scale: 0.175,
                elastic: Some(Elastic {
                    sigma: 5.0,
                    alpha: 37.0,
                }),
                ..Augmentation::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_make_no_sense_are_named() {
        type Change = fn(&mut Augmentation, f64);
        let changes: [(&str, Change, f64); 6] = [
            ("rotation", |a, v| a.rotation = v, 181.0),
            ("shear", |a, v| a.shear = v, 90.0),
            ("scale", |a, v| a.scale = v, 1.0),
            ("translation", |a, v| a.translation = v, 1e9),
            ("sigma", |a, v| a.elastic.as_mut().unwrap().sigma = v, 1e9),
            ("alpha", |a, v| a.elastic.as_mut().unwrap().alpha = v, 1e9),
        ];
        for (field, change, too_much) in changes {
            for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY, -0.1, too_much] {
                let mut augmentation = Preset::Ciresan2010.augmentation();
                change(&mut augmentation, bad);
                let error = augmentation.validate().unwrap_err().to_string();
                let expected = format!("augmentation: {field} {bad:?}, expected ");
                assert!(error.starts_with(&expected), "{error}");
            }
        }
        let mut augmentation = Preset::Simard2003.augmentation();
        augmentation.elastic.as_mut().unwrap().sigma = 0.0;
        assert!(augmentation.validate().is_err(), "σ = 0 has no Gaussian");
    }

    #[test]
    fn presets_are_sound_and_survive_json() {
        for preset in Preset::ALL {
            let augmentation = preset.augmentation();
            assert_eq!(augmentation.validate(), Ok(()), "{preset:?}");
            let json = serde_json::to_string(&augmentation).unwrap();
            let read: Augmentation = serde_json::from_str(&json).unwrap();
            assert_eq!(read, augmentation, "{json}");
        }
    }

    #[test]
    fn what_is_not_written_is_zero_and_what_is_unknown_an_error() {
        let read = |json| serde_json::from_str::<Augmentation>(json);
        assert_eq!(read("{}").unwrap(), Augmentation::default());
        let elastic = r#"{"elastic": {"sigma": 4, "alpha": 34}}"#;
        assert_eq!(read(elastic).unwrap(), Preset::Simard2003.augmentation());
        for bad in [
            r#"{"rotatoin": 15}"#,
            r#"{"elastic": {"sigma": 4, "alpha": 34, "x": 1}}"#,
            r#"{"elastic": {"sigma": 4}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
