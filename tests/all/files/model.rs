//! Model files: what is saved is what is loaded, and whatever else is fed ends in a clear error.

use std::{collections::HashMap, fs};

use mlp::{
    data::{augment::Preset, batch::Preprocessing},
    files::model::{Fault, Metadata, Model, from_bytes, load, save, to_bytes},
    loss::LossKind,
    nn::{Activation, Architecture, Init, Mlp},
    rng::{Purpose, generator},
    train::Settings,
};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Value, json};

fn model() -> Model {
    let layers = vec![6, 4, 3, 10];
    let network = Mlp::kaiming(&layers, &mut generator(7, Purpose::Init));
    let settings = Settings {
        epochs: 3,
        patience: Some(2),
        target_accuracy: Some(0.9),
        batch_size: 50,
        learning_rate: 0.5,
        seed: 7,
        augmentation: Some(Preset::Ciresan2010.augmentation()),
        ..Settings::default()
    };
    let architecture = Architecture::relu(&layers);
    let mut metadata = Metadata::new(architecture, LossKind::Ce, Preprocessing::UNIT, settings);
    metadata.training.data_sha256 = "0123".into();
    metadata.training.epoch = Some(2);
    Model { network, metadata }
}

/// The model's tensors (name, shape, numbers) and metadata, changed, as a file.
fn changed(
    tensors: impl FnOnce(&mut Vec<(String, Vec<usize>, Vec<f32>)>),
    metadata: impl FnOnce(&mut Value),
) -> Vec<u8> {
    let bytes = to_bytes(&model());
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut parts: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, tensor)| {
            let numbers = tensor.data().as_chunks::<4>().0;
            let numbers = numbers.iter().map(|&b| f32::from_le_bytes(b)).collect();
            (name, tensor.shape().to_vec(), numbers)
        })
        .collect();
    tensors(&mut parts);
    let mut value = serde_json::to_value(model().metadata).unwrap();
    metadata(&mut value);
    write(&parts, HashMap::from([("mlp".into(), value.to_string())]))
}

fn write(parts: &[(String, Vec<usize>, Vec<f32>)], metadata: HashMap<String, String>) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = parts
        .iter()
        .map(|(_, _, v)| v.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = parts.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (
            name.as_str(),
            TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
        )
    });
    safetensors::serialize(views, Some(metadata)).unwrap()
}

fn fault(bytes: &[u8]) -> Fault {
    from_bytes::<f32>(bytes)
        .map(|_| ())
        .expect_err("a damaged file must not load")
}

fn message(bytes: &[u8]) -> String {
    fault(bytes).to_string()
}

#[test]
fn what_is_saved_is_what_is_loaded_and_saving_again_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    let model = model();
    save(&path, &model).unwrap();
    let loaded = load::<f32>(&path).unwrap();
    assert_eq!(loaded.metadata, model.metadata);
    assert_eq!(loaded.network.layers(), [6, 4, 3, 10]);
    for ((m, a), (n, b)) in model.network.params().zip(loaded.network.params()) {
        assert_eq!((m, a.name, &a.value), (n, b.name, &b.value));
    }
    for _ in 0..10 {
        assert!(to_bytes(&loaded) == fs::read(&path).unwrap());
    }
}

/// The model with another activation and dropout.
fn with_dropout() -> Model {
    let mut metadata = model().metadata;
    metadata.architecture.activation = Activation::ScaledTanh;
    metadata.architecture.dropout = vec![0.2, 0.0, 0.5];
    metadata.loss = LossKind::SmoothedCe(0.1);
    metadata.training.settings.init = Init::Uniform(0.05);
    let rng = &mut generator(7, Purpose::Init);
    let network = metadata.architecture.init(Init::Uniform(0.05), rng);
    Model { network, metadata }
}

#[test]
fn activation_dropout_loss_and_initialisation_are_kept_and_modules_counted_as_in_pytorch() {
    let model = with_dropout();
    let names: Vec<_> = model.network.modules().iter().map(|m| m.name()).collect();
    let expected = "Dropout Linear ScaledTanh Linear ScaledTanh Dropout Linear";
    assert_eq!(names.join(" "), expected);
    let bytes = to_bytes(&model);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for name in [
        "1.weight", "1.bias", "3.weight", "3.bias", "6.weight", "6.bias",
    ] {
        assert!(file.tensor(name).is_ok(), "{name}");
    }
    let loaded = from_bytes::<f32>(&bytes).unwrap();
    assert_eq!(loaded.metadata, model.metadata);
    let loaded_names: Vec<_> = loaded.network.modules().iter().map(|m| m.name()).collect();
    assert_eq!(loaded_names, names);
    assert!(to_bytes(&loaded) == bytes);
}

#[test]
fn a_model_of_before_there_was_a_choice_loads_and_is_written_as_it_was() {
    let bytes = to_bytes(&model());
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let json = &header.metadata().as_ref().unwrap()["mlp"];
    assert!(
        !json.contains("dropout") && !json.contains("init\""),
        "{json}"
    );
    let loaded = from_bytes::<f32>(&bytes).unwrap().metadata;
    assert_eq!(
        (loaded.architecture.dropout, loaded.training.settings.init),
        (vec![], Init::KaimingUniform)
    );
}

#[test]
fn tensors_are_named_and_shaped_as_in_pytorch() {
    let bytes = to_bytes(&model());
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut shapes: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, t)| (name, t.shape().to_vec()))
        .collect();
    shapes.sort();
    let expected = [
        ("0.bias", vec![4]),
        ("0.weight", vec![4, 6]),
        ("2.bias", vec![3]),
        ("2.weight", vec![3, 4]),
        ("4.bias", vec![10]),
        ("4.weight", vec![10, 3]),
    ];
    assert_eq!(
        shapes,
        expected.map(|(name, shape)| (name.to_owned(), shape))
    );
    // w[i][o] of ours is weight[o][i] of PyTorch's.
    let model = model();
    let w = &model.network.param(0, 0).value;
    let weight = file.tensor("0.weight").unwrap();
    let second = f32::from_le_bytes(weight.data()[4..8].try_into().unwrap());
    assert_eq!(second, w[[1, 0]]);
}

#[test]
fn a_cut_or_padded_file_is_refused_at_any_length() {
    let bytes = to_bytes(&model());
    assert!(matches!(fault(&[]), Fault::Empty));
    for length in 1..bytes.len() {
        assert!(
            matches!(fault(&bytes[..length]), Fault::Container(_)),
            "cut to {length}"
        );
    }
    let mut padded = bytes;
    for _ in 0..9 {
        padded.push(0);
        assert!(matches!(fault(&padded), Fault::Container(_)));
    }
}

#[test]
fn a_header_that_claims_a_huge_size_costs_nothing() {
    let mut bytes = u64::MAX.to_le_bytes().to_vec();
    bytes.extend(b"{}");
    assert!(matches!(fault(&bytes), Fault::Container(_)));
    let header =
        br#"{"0.weight":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    assert!(matches!(fault(&bytes), Fault::Container(_)));
}

#[test]
fn a_file_of_another_program_is_called_foreign() {
    let parts = [("0.weight".to_owned(), vec![1, 1], vec![1.0])];
    assert!(matches!(
        fault(&write(&parts, HashMap::new())),
        Fault::Foreign { .. }
    ));
    let pytorch = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    assert!(matches!(
        fault(&write(&parts, pytorch)),
        Fault::Foreign { .. }
    ));
    assert!(matches!(
        fault(b"PK\x03\x04 a zip file of torch.save"),
        Fault::Container(_)
    ));
}

#[test]
fn metadata_that_do_not_fit_are_named() {
    let mut bent = serde_json::to_value(model().metadata.training).unwrap();
    bent["augmentation"]["rotation"] = json!(-1);
    let mut unbound = serde_json::to_value(model().metadata.training).unwrap();
    unbound["extras"]["momentum"] = json!(1.0);
    let mut large = serde_json::to_value(model().metadata.training).unwrap();
    large["learning_rate"] = json!(1e308);
    let faults = [
        (json!({"format_version": 2}), "format version 2, expected 1"),
        (json!({"format_version": "1"}), "cannot be parsed"),
        (json!({"layers": [10]}), "layers [10], expected"),
        (json!({"layers": [6, 0, 10]}), "layers [6, 0, 10], expected"),
        (
            json!({"layers": [6, 4, 3, 9]}),
            "9 outputs, expected 10 for cross-entropy",
        ),
        (
            json!({"loss": "mse-digit"}),
            "10 outputs, expected 1 for mse, digit targets",
        ),
        (json!({"loss": "hinge"}), "unknown variant `hinge`"),
        (json!({"activation": "swish"}), "unknown variant `swish`"),
        (
            json!({"loss": {"smoothed-ce": 1.0}}),
            "label smoothing 1, expected",
        ),
        (
            json!({"dropout": [0.5]}),
            "1 dropout probabilities, expected 3",
        ),
        (json!({"dropout": [0, 0.5, 1]}), "at least 0 and below 1"),
        (
            json!({"dropout": [0, 0.5, -1e-9]}),
            "at least 0 and below 1",
        ),
        // A Linear is the second module then.
        (json!({"dropout": [0.5, 0, 0]}), "no tensor 1.weight"),
        (json!({"surprise": 1}), "unknown field `surprise`"),
        (json!({"training": large}), "number out of range"),
        (json!({"input_scale": null}), "invalid type: null"),
        (
            json!({"input_scale": 3e38}),
            "input_scale 3e38 and input_shift",
        ),
        (
            json!({"input_shift": -1e7}),
            "expected numbers from -1000000 to 1000000",
        ),
        (
            json!({"training": unbound}),
            "momentum 1.0, expected at least 0 and below 1",
        ),
        (
            json!({"training": bent}),
            "augmentation: rotation -1.0, expected 0 to 180 degrees",
        ),
    ];
    for (change, expected) in faults {
        let bytes = changed(
            |_| (),
            |metadata| {
                for (key, value) in change.as_object().unwrap() {
                    metadata[key] = value.clone();
                }
            },
        );
        let message = message(&bytes);
        assert!(message.contains(expected), "{change}: {message}");
    }
}

#[test]
fn layers_of_any_number_and_size_allocate_nothing() {
    for layers in [vec![usize::MAX, usize::MAX, 10], vec![1; 100_000]] {
        let bytes = changed(|_| (), |metadata| metadata["layers"] = json!(layers));
        let message = message(&bytes);
        assert!(message.len() < 200, "{} bytes of message", message.len());
    }
}

#[test]
fn tensors_that_do_not_fit_the_layers_are_named() {
    let missing = changed(|t| t.retain(|t| t.0 != "2.bias"), |_| ());
    assert!(
        message(&missing).contains("5 tensors, expected 6"),
        "{}",
        message(&missing)
    );
    let renamed = changed(
        |t| t.iter_mut().for_each(|t| t.0 = t.0.replace("2.", "3.")),
        |_| (),
    );
    assert!(
        message(&renamed).contains("no tensor 2.weight"),
        "{}",
        message(&renamed)
    );
    let transposed = changed(
        |t| {
            t.iter_mut()
                .filter(|t| t.0 == "2.weight")
                .for_each(|t| t.1.reverse())
        },
        |_| (),
    );
    let expected = "2.weight: shape [4, 3], expected [3, 4]";
    assert!(
        message(&transposed).contains(expected),
        "{}",
        message(&transposed)
    );
}

#[test]
fn a_weight_that_is_not_finite_is_named() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let bytes = changed(
            |t| {
                t.iter_mut()
                    .filter(|t| t.0 == "2.weight")
                    .for_each(|t| t.2[5] = value)
            },
            |_| (),
        );
        let expected = format!("2.weight: element 5 is {value}");
        assert!(message(&bytes).contains(&expected), "{}", message(&bytes));
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(from_bytes::<f32>(&bytes).is_err());
    }

    #[test]
    fn a_model_with_random_changes_is_refused_or_whole(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = to_bytes(&model());
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Ok(model) = from_bytes::<f32>(&bytes) {
            prop_assert_eq!(model.network.layers(), model.metadata.architecture.layers);
            prop_assert!(model.network.first_not_finite().is_none());
        }
    }
}
