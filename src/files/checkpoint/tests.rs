//! What a checksum cannot keep out: checkpoints made wrong on purpose.

use std::{collections::HashMap, ops::ControlFlow, path::Path};

use serde_json::{Value, json};

use super::*;
use crate::{
    data::{
        Dataset, Spec,
        augment::{Augmentation, Elastic},
        batch::Preprocessing,
    },
    files::model::NamedTensor,
    linalg::team::Team,
    loss::LossKind,
    nn::Architecture,
    train::{
        Images, Observer, Settings, Step,
        familiar::Familiar,
        optim::{Extras, Moments, Optimizer},
        resume,
        schedule::{Schedule, Shape},
    },
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
        tensorboard: None,
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
    forged_from(&whole(), change)
}

/// The same of other bytes.
fn forged_from(bytes: &[u8], change: impl FnOnce(&mut Value, &mut Vec<NamedTensor>)) -> Vec<u8> {
    let (tensors, json) = open(bytes, MAX_BYTES, KEY).unwrap();
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
        ("/loss", json!(1e300), "loss 1e300, expected 0.0 to"),
        (
            "/shuffler",
            json!(u64::MAX),
            "shuffler 18446744073709551615, expected 0 to 896",
        ),
        ("/shuffler", json!(897), "shuffler 897, expected 0 to 896"),
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
fn the_optimiser_of_a_checkpoint_has_the_ranges_of_a_model() {
    for (place, value, expected) in [
        ("/extras/momentum", json!(1.0), "momentum 1.0, expected"),
        ("/extras/clip_norm", json!(0), "clip_norm 0.0, expected"),
        ("/extras/max_norm", json!(-1), "max_norm -1.0, expected"),
        ("/schedule/warm_up", json!(-1), "warm_up -1.0, expected"),
        ("/schedule/shape/step/every", json!(0), "every of the"),
        ("/schedule/shape/step/factor", json!(-1), "factor of the"),
    ] {
        let forged = forged_from(&full(), |json, _| {
            let training = &mut json["run"]["metadata"]["training"];
            *training.pointer_mut(place).unwrap() = value.clone();
        });
        let found = message(&forged);
        assert!(found.contains(expected), "{place} {value}: {found}");
    }
}

/// A checkpoint with every number that there can be in one.
fn full() -> Vec<u8> {
    full_by(Optimizer::Sgd)
}

/// The same of this optimiser.
fn full_by(optimizer: Optimizer) -> Vec<u8> {
    let mut run = run();
    let settings = &mut run.metadata.training.settings;
    settings.optimizer = optimizer;
    settings.extras = Extras {
        momentum: 0.5,
        nesterov: true,
        weight_decay: 0.1,
        clip_norm: Some(1.0),
        max_norm: Some(1.0),
    };
    settings.schedule = Schedule {
        shape: Shape::Step {
            every: 1.0,
            factor: 0.5,
        },
        warm_up: 1.0,
    };
    settings.augmentation = Some(Augmentation {
        half_angle_labels: vec![1],
        elastic: Some(Elastic {
            sigma: 1.0,
            alpha: 1.0,
        }),
        ..Augmentation::default()
    });
    (settings.patience, settings.target_accuracy) = (Some(3), Some(0.9));
    run.metadata.architecture.dropout = vec![0.1, 0.1];
    run.metadata.loss = LossKind::SmoothedCe(0.1);
    run.metadata.familiar = Some(Familiar {
        confidence: 0.5,
        frame: 1.0,
    });
    (run.metadata.training.stopped, run.metadata.training.epoch) = (Some((1, 3)), Some(1));
    let mut network = run.metadata.first_network();
    network.at_rest(); // which is not kept with Adam
    let mut progress = Progress::new(7, 1);
    progress.epoch = 1; // the next step shuffles
    progress.best = Some(Best {
        epoch: 1,
        accuracy: 0.5,
        values: network.values().cloned().collect(),
    });
    to_bytes(&run, &network, &progress)
}

/// The places of all numbers in a value.
fn numbers(value: &Value, place: String, all: &mut Vec<String>) {
    match value {
        Value::Number(_) => all.push(place),
        Value::Array(values) => {
            for (n, value) in values.iter().enumerate() {
                numbers(value, format!("{place}/{n}"), all);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                numbers(value, format!("{place}/{name}"), all);
            }
        }
        _ => {}
    }
}

/// Stops after one step.
struct OneStep;

impl Observer for OneStep {
    fn step(&mut self, _: &Step) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

/// Trains for one step more, and keeps what comes of it.
fn go_on(checkpoint: Checkpoint) {
    let Checkpoint {
        run,
        network,
        progress,
    } = checkpoint;
    let metadata = &run.metadata;
    let spec = Spec {
        rows: 2,
        cols: 2,
        ..Spec::default()
    };
    let pixels = ndarray::Array2::from_shape_fn((7, 4), |(n, p)| (30 * n + p) as u8);
    let data = Dataset::new(pixels, (0..7).collect(), spec.clone());
    let nothing = Dataset::empty(spec);
    let images = Images {
        train: &data,
        valid: &nothing,
        preprocessing: metadata.preprocessing,
    };
    let (loss, settings) = (metadata.loss.build::<f32>(), &metadata.training.settings);
    let (start, team) = ((network, progress), Team::new(1));
    // What does not converge, or cannot be augmented, is told in words.
    if let Ok(trained) = resume(start, &*loss, images, settings, team, &mut OneStep) {
        to_bytes(&run, &trained.network, &trained.progress);
    }
}

#[test]
fn no_number_makes_it_panic_nor_the_step_after_it() {
    no_number_panics(&full());
    no_number_panics(&full_by(Optimizer::Adam(Moments::default())));
}

fn no_number_panics(bytes: &[u8]) {
    let (_, json) = open(bytes, MAX_BYTES, KEY).unwrap();
    let mut places = Vec::new();
    numbers(
        &serde_json::from_str(&json).unwrap(),
        String::new(),
        &mut places,
    );
    assert!(places.len() > 40, "{places:?}");
    let mut taken = 0;
    for place in &places {
        for value in [
            json!(0),
            json!(1),
            json!(-1),
            json!(u32::MAX),
            json!(1_u64 << 32),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e-320),
            json!(0.5),
            json!(f32::MAX),
            json!(-f32::MAX),
            json!(1e39),
            json!(f64::MAX),
            json!(f64::MIN),
            json!(null),
        ] {
            let forged = forged_from(bytes, |json, _| {
                *json.pointer_mut(place).unwrap() = value.clone();
            });
            if let Ok(checkpoint) = from_bytes(&forged) {
                taken += 1;
                go_on(checkpoint);
            }
        }
    }
    assert!(taken > places.len(), "{taken} of {}", places.len());
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
fn moments_that_cannot_be_are_refused() {
    let bytes = full_by(Optimizer::AdamW(Moments::default()));
    assert!(from_bytes(&bytes).is_ok());
    let with = |name: &'static str, change: fn(&mut NamedTensor)| {
        message(&forged_from(&bytes, |_, tensors| {
            let tensor = tensors.iter_mut().find(|tensor| tensor.0 == name);
            change(tensor.unwrap());
        }))
    };
    let negative = with("second_moment.1.weight", |t| {
        t.3[..4].copy_from_slice(&(-1e-3_f32).to_le_bytes());
    });
    assert!(
        negative.contains("second_moment -0.001, expected 0.0 to"),
        "{negative}"
    );
    let renamed = with("first_moment.1.bias", |t| t.0 = "velocity.1.bias".into());
    assert!(
        renamed.contains("no tensor first_moment.1.bias"),
        "{renamed}"
    );
    let turned = with("first_moment.1.weight", |t| t.1.reverse());
    assert!(turned.contains("first_moment.1.weight: shape"), "{turned}");
    for (place, value, expected) in [
        (
            "beta1",
            json!(1),
            "beta1 1.0, expected at least 0 and below 1",
        ),
        ("eps", json!(0), "eps 0.0, expected above 0"),
        ("name", json!("adagrad"), "unknown variant `adagrad`"),
    ] {
        let found = message(&forged_from(&bytes, |json, _| {
            json["run"]["metadata"]["training"]["optimizer"][place] = value;
        }));
        assert!(found.contains(expected), "{place}: {found}");
    }
    // Of SGD, without momentum: what Adam has kept is too much.
    let found = message(&forged_from(&bytes, |json, _| {
        let training = json["run"]["metadata"]["training"].as_object_mut().unwrap();
        training.remove("optimizer");
        training.remove("extras");
    }));
    assert!(found.contains("17 tensors, expected 9"), "{found}");
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

/// A folder with these bytes as its latest checkpoint.
fn folder_of(bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(LATEST), bytes).unwrap();
    folder
}

#[test]
fn a_large_file_is_refused_by_its_header() {
    // A file with holes: reading it would take gigabytes.
    let refused = |bytes: &[u8], length: u64| {
        let folder = folder_of(bytes);
        let path = folder.path().join(LATEST);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(length).unwrap();
        load(&path).err().expect("it was taken").to_string()
    };
    let longer = refused(&whole(), 3 << 30);
    assert!(longer.contains("not a whole safetensors file"), "{longer}");
    let nothing = refused(&[], 3 << 30);
    assert!(
        nothing.contains("not a whole safetensors file"),
        "{nothing}"
    );
    let too_large = refused(&whole(), MAX_BYTES + 1);
    assert!(
        too_large.contains("expected at most 5368709120"),
        "{too_large}"
    );
    // A header that fits the length, but not the network.
    let header = |tensor: &str, dtype: &str, count: u64, bytes: u64| {
        let (_, json) = open(&whole(), MAX_BYTES, KEY).unwrap();
        let mut info = serde_json::to_value(HashMap::from([(
            "__metadata__",
            HashMap::from([(KEY, json)]),
        )]))
        .unwrap();
        info[tensor] = json!({"dtype": dtype, "shape": [count], "data_offsets": [0, bytes]});
        let info = info.to_string();
        let start = [&(info.len() as u64).to_le_bytes(), info.as_bytes()].concat();
        refused(&start, start.len() as u64 + bytes)
    };
    let order = header("order", "U32", 3 << 28, 3 << 30);
    assert!(order.contains("1 tensors, expected 9"), "{order}");
}

#[cfg(unix)]
#[test]
fn no_link_and_no_pipe_in_the_folder_leads_out_of_it() {
    use std::{fs, os::unix::fs::symlink};
    let other = tempfile::tempdir().unwrap();
    let mine = other.path().join("mine");
    fs::write(&mine, "mine").unwrap();
    let untouched = || {
        assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1);
    };
    let checkpoint = from_bytes(&whole()).unwrap();
    let save = |folder: &Folder| {
        let Checkpoint {
            run,
            network,
            progress,
        } = &checkpoint;
        folder.save(run, network, progress).unwrap();
    };

    // The lock is neither created nor opened elsewhere.
    for target in ["mine", "gone"] {
        let folder = folder_of(&whole());
        symlink(other.path().join(target), folder.path().join(".lock")).unwrap();
        let error = Folder::resume(folder.path()).err().unwrap().to_string();
        assert!(error.contains(".lock: a symbolic link"), "{error}");
        untouched();
    }

    // Checkpoints replace links, and damage is put aside as what it is.
    for target in ["mine", "gone"] {
        let folder = folder_of(&whole());
        for name in [PREVIOUS, "damaged.safetensors"] {
            symlink(other.path().join(target), folder.path().join(name)).unwrap();
        }
        let resumed = Folder::resume(folder.path()).unwrap();
        save(&resumed.folder);
        drop(resumed);
        fs::remove_file(folder.path().join(LATEST)).unwrap();
        symlink(&mine, folder.path().join(LATEST)).unwrap();
        let resumed = Folder::resume(folder.path()).unwrap();
        assert!(resumed.damaged.is_some());
        save(&resumed.folder);
        save(&resumed.folder);
        assert_eq!(load(&folder.path().join(LATEST)).unwrap().run, run());
        untouched();
    }

    // Nobody writes to these pipes.
    for name in [LATEST, PREVIOUS] {
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(folder.path().join(name))
            .status();
        assert!(made.unwrap().success());
        assert!(Folder::resume(folder.path()).is_err());
    }
}

#[cfg(unix)]
#[test]
fn a_new_folder_is_made_under_a_name_that_is_nobodys() {
    use std::{fs, os::unix::fs::symlink};
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    let checkpoint = from_bytes(&whole()).unwrap();
    let create = |path: &Path| {
        let Checkpoint {
            run,
            network,
            progress,
        } = &checkpoint;
        Folder::create(path, false, (run, network, progress)).map(drop)
    };

    let other = at("other");
    fs::create_dir(&other).unwrap();
    for name in [LATEST, PREVIOUS] {
        fs::write(other.join(name), "another run's").unwrap();
    }
    let unfinished = at(".new.mlp-new");
    for target in [&other, &at("gone")] {
        symlink(target, &unfinished).unwrap();
        let error = create(&at("new")).unwrap_err().to_string();
        assert!(
            error.contains(".new.mlp-new: a symbolic link, expected"),
            "{error}"
        );
        fs::remove_file(&unfinished).unwrap();
    }
    fs::write(&unfinished, "mine").unwrap();
    let error = create(&at("new")).unwrap_err().to_string();
    assert!(error.contains(".new.mlp-new: a file, expected"), "{error}");
    fs::remove_file(&unfinished).unwrap();
    assert!(!at("new").exists());
    for name in [LATEST, PREVIOUS] {
        let found = fs::read_to_string(other.join(name)).unwrap();
        assert_eq!(found, "another run's");
    }
    assert_eq!(fs::read_dir(&other).unwrap().count(), 2);

    // 255 bytes are the most that file systems allow.
    for length in [1, 246, 247, 255] {
        let path = at("runs").join("n".repeat(length));
        create(&path).unwrap();
        assert!(load(&path.join(LATEST)).is_ok(), "{length}");
    }
    assert_eq!(fs::read_dir(at("runs")).unwrap().count(), 4);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_into_a_folder_that_took_the_place_of_the_locked_one() {
    use std::{fs, os::unix::fs::symlink};
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    let (path, away, other) = (at("run"), at("away"), at("other"));
    let Checkpoint {
        run,
        network,
        progress,
    } = from_bytes(&whole()).unwrap();
    let create = |path: &Path| Folder::create(path, false, (&run, &network, &progress)).unwrap();
    let folder = create(&path);
    drop(create(&other));
    let before = fs::read(other.join(LATEST)).unwrap();
    fs::rename(&path, &away).unwrap();
    let refused = || {
        let error = folder.save(&run, &network, &progress).unwrap_err();
        assert!(
            error.to_string().contains("was moved or replaced while"),
            "{error}"
        );
    };
    refused();
    assert!(!path.exists());

    symlink(&other, &path).unwrap();
    refused();
    fs::remove_file(&path).unwrap();
    fs::rename(&other, &path).unwrap();
    refused();
    assert_eq!(fs::read(path.join(LATEST)).unwrap(), before);
    assert!(!path.join(PREVIOUS).exists());

    // A link to the lock does not stand for it.
    fs::remove_file(path.join(".lock")).unwrap();
    symlink(away.join(".lock"), path.join(".lock")).unwrap();
    refused();

    fs::rename(&path, &other).unwrap();
    fs::rename(&away, &path).unwrap();
    folder.save(&run, &network, &progress).unwrap();
    assert!(path.join(PREVIOUS).exists());
}
