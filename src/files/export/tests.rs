use ndarray::{Array2, array};
use ndarray_rand::rand::Rng;

use super::*;
use crate::{
    data::{Dataset, Spec, batch::Preprocessing},
    files::model::Metadata,
    loss::LossKind,
    nn::{Activation, Architecture, Linear, Mlp},
    rng::{Purpose, generator},
    train::Settings,
};

const LOSSES: [LossKind; 5] = [
    LossKind::Ce,
    LossKind::SmoothedCe(0.1),
    LossKind::MseOnehot,
    LossKind::MseDigit,
    LossKind::Bce,
];

/// A model for images of 6x5 with random weights, of two hidden layers with dropout before them.
fn model(activation: Activation, loss: LossKind, deslant: bool) -> Model {
    let classes = if loss.binary() { 2 } else { 4 };
    let architecture = Architecture {
        layers: vec![30, 7, 3, loss.outputs(classes)],
        activation,
        dropout: vec![0.25, 0.0, 0.5],
    };
    let preprocessing = Preprocessing {
        scale: 1.0 / 77.0,
        shift: -0.4,
        deslant,
    };
    let settings = Settings::default();
    let mut metadata = Metadata::new(architecture, loss, preprocessing, settings);
    metadata.images = Spec::numbered(6, 5, classes);
    metadata.images.classes[0] = "a \"*/ \\ é".into();
    metadata.training.data_sha256 = "0123".into();
    let network = metadata.first_network();
    Model { network, metadata }
}

/// Random images; some are black, white or of one row.
fn images(spec: &Spec) -> Dataset {
    let mut rng = generator(3, Purpose::Shuffle);
    let mut images = Array2::from_shape_simple_fn((60, spec.pixels()), || {
        if rng.random::<f32>() < 0.6 {
            0
        } else {
            rng.random()
        }
    });
    images.row_mut(0).fill(0);
    images.row_mut(1).fill(255);
    images.row_mut(2).fill(0);
    images[[2, 7]] = 200;
    Dataset::new(images, vec![0; 60], spec.clone())
}

#[test]
fn every_format_holds_every_model_and_gives_its_classes() {
    for activation in Activation::ALL {
        for loss in LOSSES {
            for deslant in [false, true] {
                let model = model(activation, loss, deslant);
                let images = images(&model.metadata.images);
                for format in Format::ALL {
                    let what = format!("{activation:?} {loss:?} {deslant} {format:?}");
                    let bytes = to_bytes(&model, format).unwrap();
                    assert!(bytes.starts_with(format.begins()), "{what}");
                    let run = verify(&model, format, &bytes, Some(&images)).unwrap();
                    let is_run = matches!(format, Format::Onnx | Format::Json);
                    assert_eq!(run.is_some(), is_run, "{what}");
                    let Some(run) = run else { continue };
                    assert_eq!((run.images, run.same_classes), (60, 60), "{what}");
                    assert!(run.largest_difference < 2e-5, "{what}: {run:?}");
                    assert!(run.largest_output > 0.05, "{what}: {run:?}");
                }
            }
        }
    }
}

/// The classes that ONNX and JSON give one black image of one pixel, with these outputs.
fn classes(outputs: &[f32], loss: LossKind, classes: usize) -> Vec<u8> {
    let linear = Linear::new(Array2::zeros((1, outputs.len())), outputs.to_vec().into());
    let architecture = Architecture::relu(&[1, outputs.len()]);
    let settings = Settings::default();
    let mut metadata = Metadata::new(architecture, loss, Preprocessing::UNIT, settings);
    metadata.images = Spec::numbered(1, 1, classes);
    let network = Mlp::of_linears([linear]);
    let model = Model { network, metadata };
    let pixel = ndarray::ArrayD::zeros(vec![1, 1, 1]);
    let onnx = onnx::Network::read(&to_bytes(&model, Format::Onnx).unwrap()).unwrap();
    let json = json::Network::read(&to_bytes(&model, Format::Json).unwrap()).unwrap();
    let of_onnx = onnx.run(pixel).unwrap().1;
    let of_json = json.run(array![[0_u8]].view()).unwrap().1;
    [of_onnx[0] as u8, of_json[0] as u8].to_vec()
}

#[test]
fn numbers_between_two_classes_are_decided_as_the_program_does() {
    for (output, class) in [
        (2.5, 3),
        (0.5, 1),
        (0.499_999_97, 0),
        (-0.5, 0),
        (-7.0, 0),
        (3.49, 3),
        (8.6, 9),
        (1e9, 9),
    ] {
        assert_eq!(
            classes(&[output], LossKind::MseDigit, 10),
            [class; 2],
            "{output}"
        );
    }
    for (output, class) in [(0.0, 0), (-0.0, 0), (1e-30, 1), (-1.0, 0)] {
        assert_eq!(classes(&[output], LossKind::Bce, 2), [class; 2], "{output}");
    }
    assert_eq!(
        classes(&[1.0, 2.0, 2.0], LossKind::Ce, 3),
        [1; 2],
        "the first of equals"
    );
}

#[test]
fn a_parameter_that_differs_is_named() {
    let model = model(Activation::Relu, LossKind::Ce, false);
    let mut other = super::tests::model(Activation::Relu, LossKind::Ce, false);
    let value = &mut other.network.param_mut(6, 1).value;
    assert_eq!(model.network.param(6, 1).name, "bias");
    value[[0, 2]] = f32::from_bits(value[[0, 2]].to_bits() ^ 1);
    let mut brighter = super::tests::model(Activation::Relu, LossKind::Ce, false);
    brighter.metadata.preprocessing.shift = -0.5;
    for format in Format::ALL {
        for (other, name) in [(&other, "6.bias"), (&brighter, "shift")] {
            let bytes = to_bytes(other, format).unwrap();
            let error = verify(&model, format, &bytes, None).unwrap_err();
            let expected = ExportError::Differs { name: name.into() };
            assert_eq!(error, expected, "{format:?}");
        }
    }
}

#[test]
fn a_file_that_was_cut_is_refused_in_words() {
    let model = model(Activation::Gelu, LossKind::Ce, true);
    let images = images(&model.metadata.images);
    for format in Format::ALL {
        let bytes = to_bytes(&model, format).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        // After the last parameter a script goes on, and nothing of it is read.
        let read = match format {
            Format::Numpy | Format::Pytorch => text.find("\n}\n").unwrap(),
            Format::C => text.find("static void mlp_linear").unwrap() - 8,
            Format::Onnx => bytes.len() / 2,
            Format::Json => bytes.len() - 2,
        };
        for end in (0..read).step_by(read / 50) {
            let error = verify(&model, format, &bytes[..end], Some(&images));
            assert!(error.is_err(), "{format:?}, {end} of {}", bytes.len());
        }
    }
}

#[test]
fn no_damaged_graph_makes_it_panic() {
    let model = model(Activation::Gelu, LossKind::MseDigit, true);
    let images = images(&model.metadata.images);
    let bytes = to_bytes(&model, Format::Onnx).unwrap();
    let mut rng = generator(5, Purpose::Shuffle);
    for _ in 0..400 {
        let mut damaged = bytes.clone();
        let at = rng.random_range(0..damaged.len());
        damaged[at] ^= 1 << rng.random_range(0..8);
        let _ = verify(&model, Format::Onnx, &damaged, Some(&images));
    }
}

#[test]
fn what_no_format_can_hold_is_refused() {
    let mut wrong = model(Activation::Relu, LossKind::Ce, false);
    wrong.metadata.images = Spec::numbered(5, 5, 4);
    let mut not_finite = model(Activation::Relu, LossKind::Ce, false);
    not_finite.network.param_mut(1, 0).value[[2, 1]] = f32::NAN;
    for format in Format::ALL {
        let error = to_bytes(&wrong, format).unwrap_err().to_string();
        assert!(
            error.contains("30 inputs, expected 25 for images of 5x5"),
            "{error}"
        );
        let error = to_bytes(&not_finite, format).unwrap_err().to_string();
        assert!(error.starts_with("1.weight has an element"), "{error}");
    }
}

#[test]
fn nothing_from_a_file_ends_a_comment_or_a_string() {
    let mut model = model(Activation::Relu, LossKind::Ce, false);
    model.metadata.training.mlp_version = "*/ \"\"\" \\ 1\nint x;".into();
    let text = |format| String::from_utf8(to_bytes(&model, format).unwrap()).unwrap();
    assert!(text(Format::C).contains("1int x\n*/\n#include"));
    assert!(text(Format::C).contains("\"a \\\"*/ \\\\ \\303\\251\""));
    for format in [Format::Numpy, Format::Pytorch] {
        let text = text(format);
        assert!(text.contains("1int x\n\"\"\"\n"), "{format:?}");
        assert!(text.contains("[\"a \\\"*/ \\\\ é\",\"1\""), "{format:?}");
    }
}
