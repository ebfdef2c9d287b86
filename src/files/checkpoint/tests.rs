//! What a checksum cannot keep out: checkpoints made wrong on purpose.

use serde_json::{Value, json};

use super::*;
use crate::{
    data::batch::Preprocessing, files::model::NamedTensor, loss::LossKind, nn::Architecture,
    train::Settings,
};

fn run() -> Run {
    Run {
        metadata: Metadata::new(
            Architecture::relu(&[4, 3, 10]),
            LossKind::Ce,
            Preprocessing {
                scale: 1.0,
                shift: 0.0,
                deslant: false,
            },
            Settings {
                epochs: 5,
                batch_size: 2,
                valid: 0,
                ..Settings::default()
            },
        ),
        out: None,
        run: None,
        from_folder: true,
        best: None,
    }
}

/// A checkpoint in the second epoch.
fn whole() -> Vec<u8> {
    let network = Mlp::kaiming(&[4, 3, 10], &mut generator(1, Purpose::Init));
    let mut progress = Progress::new(7, 1);
    (progress.epoch, progress.step, progress.loss) = (1, 3, 0.1 + 0.2);
    progress.best = Some(Best {
        epoch: 1,
        accuracy: 0.5,
        values: network.values().cloned().collect(),
    });
    to_bytes(&run(), &network, &progress)
}

/// Changes the header and the tensors, and signs the result with a new checksum.
fn forged(change: impl FnOnce(&mut Value, &mut Vec<NamedTensor>)) -> Vec<u8> {
    let bytes = whole();
    let (tensors, json) = open(&bytes, MAX_BYTES, KEY).unwrap();
    let mut json: Value = serde_json::from_str(&json).unwrap();
    let tensor = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        (
            name,
            view.shape().to_vec(),
            view.dtype(),
            view.data().to_vec(),
        )
    };
    let mut tensors: Vec<_> = tensors.tensors().into_iter().map(tensor).collect();
    change(&mut json, &mut tensors);
    let Ok((mut header, _)) = header_from(&json.to_string()) else {
        return container(tensors, KEY, json.to_string());
    };
    let parts = tensors
        .iter()
        .map(|(name, _, _, data)| (&name[..], &data[..]));
    header.sha256 = header.checksum(parts);
    container(tensors, KEY, header.json())
}

fn message(bytes: &[u8]) -> String {
    from_bytes(bytes).err().expect("it was taken").to_string()
}

#[test]
fn what_was_not_changed_is_taken() {
    let read = from_bytes(&forged(|_, _| {})).unwrap();
    assert_eq!(read.run, run());
    assert_eq!((read.progress.epoch, read.progress.step), (1, 3));
    assert_eq!(read.progress.loss.to_bits(), (0.1_f64 + 0.2).to_bits());
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    for (place, value, expected) in [
        ("/epoch", json!(5), "epoch 5, expected 0 to 4"),
        ("/epoch", json!(u64::MAX), "expected 0 to 4"),
        ("/epoch", json!(-1), "cannot be parsed"),
        ("/step", json!(5), "step 5, expected 0 to 4"),
        ("/correct", json!(8), "correct 8, expected 0 to 7"),
        ("/loss", json!(null), "cannot be parsed"),
        ("/time/secs", json!(u64::MAX), "time"),
        ("/shuffler", json!(-1), "cannot be parsed"),
        ("/best", json!([2, 0.5]), "best epoch 2, expected 1 to 1"),
        ("/best", json!([1, 1.5]), "best accuracy 1.5"),
        ("/best", json!(null), "9 tensors, expected 5"),
        ("/run/metadata/layers", json!([4, 2, 10]), "0.weight: shape"),
        ("/run/metadata/layers", json!([]), "layers []"),
        ("/run/metadata/input_scale", json!(null), "cannot be parsed"),
        (
            "/run/metadata/training/epochs",
            json!(0),
            "epochs 0, expected 1",
        ),
        (
            "/run/metadata/training/epochs",
            json!(u64::MAX),
            "epochs 18446",
        ),
        (
            "/run/metadata/training/batch_size",
            json!(0),
            "batch_size 0",
        ),
        (
            "/run/metadata/training/learning_rate",
            json!(-0.1),
            "learning_rate -0.1",
        ),
        ("/run/metadata/training/patience", json!(0), "patience 0"),
        (
            "/run/metadata/training/target_accuracy",
            json!(2.0),
            "target_accuracy 2.0",
        ),
        (
            "/checkpoint_version",
            json!(2),
            "checkpoint format 2, expected 1",
        ),
    ] {
        let forged = forged(|json, _| {
            let training = &mut json["run"]["metadata"]["training"];
            for field in ["patience", "target_accuracy"] {
                training[field] = Value::Null;
            }
            *json.pointer_mut(place).unwrap() = value.clone();
        });
        let found = message(&forged);
        assert!(found.contains(expected), "{place} {value}: {found}");
    }
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let find = |tensors: &mut Vec<NamedTensor>, name: &str| {
        tensors.iter().position(|tensor| tensor.0 == name).unwrap()
    };
    let with = |name: &'static str, change: fn(&mut NamedTensor)| {
        message(&forged(|_, tensors| {
            let place = find(tensors, name);
            change(&mut tensors[place]);
        }))
    };
    let order = "`order` is not an order of 7 images";
    assert!(with("order", |t| t.3[0] ^= 1).contains(order), "twice");
    assert!(with("order", |t| t.3[3] = 255).contains(order), "too high");
    assert!(with("order", |t| t.2 = Dtype::F32).contains(order));
    assert!(with("order", |t| t.1 = vec![1, 7]).contains(order));
    let empty = with("order", |t| (t.1, t.3) = (vec![0], vec![]));
    assert!(empty.contains("of 0 images"), "{empty}");
    let nan = with("best.2.bias", |t| t.3[..4].copy_from_slice(&[255; 4]));
    assert!(nan.contains("best.2.bias: element 0 is NaN"), "{nan}");
    let turned = with("best.0.weight", |t| t.1.reverse());
    assert!(turned.contains("best.0.weight: shape [4, 3]"), "{turned}");
    for name in ["0.bias", "best.0.bias", "order"] {
        let missing = message(&forged(|_, tensors| {
            let place = find(tensors, name);
            tensors.remove(place);
        }));
        assert!(
            missing.contains(name) || missing.contains("8 tensors"),
            "{missing}"
        );
    }
}

#[test]
fn a_change_that_is_not_signed_does_not_match_the_checksum() {
    let bytes = whole();
    let (_, json) = open(&bytes, MAX_BYTES, KEY).unwrap();
    let swap = |from: &str, to: &str| {
        let (tensors, _) = open(&bytes, MAX_BYTES, KEY).unwrap();
        let tensors = tensors.tensors().into_iter().map(|(name, view)| {
            let (shape, dtype) = (view.shape().to_vec(), view.dtype());
            (name, shape, dtype, view.data().to_vec())
        });
        let changed = json.replacen(from, to, 1);
        assert_ne!(changed, json);
        message(&container(tensors.collect(), KEY, changed))
    };
    let expected = "does not match its checksum";
    assert!(swap("\"epoch\":1", "\"epoch\":2").contains(expected));
    assert!(swap("\"seed\":1", "\"seed\":2").contains(expected));
    assert!(swap("\"sha256\":\"", "\"sha256\":\"0").contains(expected));
}
