//! A run that was stopped anywhere goes on from its checkpoint to the same bytes; what is no whole checkpoint is refused.

use std::{fs, ops::ControlFlow, path::Path, sync::LazyLock};

use mlp::{
    data::{Dataset, Spec, augment::Preset, batch::Preprocessing},
    files::{
        checkpoint::{
            Checkpoint, CheckpointError, Folder, LATEST, PREVIOUS, Run, from_bytes, to_bytes,
        },
        model::{self, Metadata, Model},
    },
    linalg::team::Team,
    loss::LossKind,
    nn::{Activation, Architecture, Init, Mlp},
    rng::{Purpose, generator},
    train::{
        End, Epoch, Observer, Progress, Settings, Step, Trained,
        optim::{Extras, Moments, Optimizer},
        resume,
        schedule::{Schedule, Shape},
    },
};
use ndarray::Array2;
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use crate::support::mnist_files::{assert_says, names_in};

/// Images with something to learn from: the brighter their left edge, the higher the label.
fn data(images: usize) -> Dataset {
    let labels: Vec<_> = (0..images).map(|n| (n * 7 % 10) as u8).collect();
    let pixel = |(n, p): (usize, usize)| match p % 28 {
        0..4 => 25 * labels[n],
        _ => (n * p % 97) as u8,
    };
    Dataset::new(
        Array2::from_shape_fn((images, 784), pixel),
        labels,
        Spec::default(),
    )
}

/// [`run`] at a constant rate, so that an epoch does not depend on how many follow.
fn constant(epochs: usize) -> Run {
    let mut run = run(epochs, None);
    run.metadata.training.settings.schedule = Schedule::default();
    run
}

/// 93 images in batches of 20: the last of an epoch has 13.
fn run(epochs: usize, preset: Option<Preset>) -> Run {
    Run {
        metadata: Metadata::new(
            Architecture {
                layers: vec![784, 5, 10],
                activation: Activation::Relu,
                dropout: vec![0.1, 0.2],
            },
            LossKind::Ce,
            Preprocessing::UNIT,
            Settings {
                epochs,
                batch_size: 20,
                learning_rate: 0.05,
                extras: Extras {
                    momentum: 0.5,
                    nesterov: true,
                    ..Extras::default()
                },
                schedule: Schedule {
                    shape: Shape::Cosine { end: 0.01 },
                    warm_up: 0.5,
                },
                valid: 30,
                seed: 3,
                augmentation: preset.map(Preset::augmentation),
                ..Settings::default()
            },
        ),
        out: Some("model.bin".into()),
        best: None,
        run: None,
        tensorboard: None,
        from_folder: true,
    }
}

fn new(run: &Run) -> Checkpoint {
    let architecture = &run.metadata.architecture;
    Checkpoint {
        network: architecture.init(Init::default(), &mut generator(3, Purpose::Init)),
        progress: Progress::new(93, 3),
        run: run.clone(),
    }
}

/// Stops after so many steps; takes down the validation accuracies.
struct Stop(usize, Vec<f64>);

impl Observer for Stop {
    fn step(&mut self, _: &Step) -> ControlFlow<()> {
        self.0 -= 1;
        match self.0 {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.1.push(epoch.valid.as_ref().unwrap().accuracy());
    }
}

fn go_on(from: Checkpoint, threads: usize, observer: &mut dyn Observer) -> Trained {
    let metadata = &from.run.metadata;
    let (train, valid) = data(123).split_last(30).unwrap();
    let loss = metadata.loss.build::<f32>();
    resume(
        (from.network, from.progress),
        &*loss,
        (&train, &valid),
        &metadata.training.settings,
        Team::new(threads),
        observer,
    )
    .unwrap()
}

fn bits(network: &Mlp<f32>) -> Vec<u32> {
    let values = network.values().flatten();
    values.map(|v| v.to_bits()).collect()
}

/// As a checkpoint is left on the disk and read again.
fn through_bytes(run: &Run, trained: &Trained) -> Checkpoint {
    from_bytes(&to_bytes(run, &trained.network, &trained.progress)).unwrap()
}

/// All but the time that it took.
#[track_caller]
fn assert_same_progress(mut found: Progress, mut expected: Progress) {
    (found.time, expected.time) = Default::default();
    assert_eq!(found, expected);
}

#[test]
fn a_run_stopped_after_any_step_goes_on_to_the_same_bits_at_any_number_of_threads() {
    for preset in [None, Some(Preset::Ciresan2010)] {
        let run = run(3, preset);
        let whole = go_on(new(&run), 2, &mut ());
        for steps in 1..=15 {
            let stopped = go_on(new(&run), 1, &mut Stop(steps, Vec::new()));
            assert_eq!(
                stopped.stopped,
                Some(((steps - 1) / 5 + 1, (steps - 1) % 5 + 1))
            );
            let read = through_bytes(&run, &stopped);
            assert_eq!(read.run, run);
            assert_eq!(bits(&read.network), bits(&stopped.network));
            assert_eq!(read.progress, stopped.progress);
            // And stopped a second time.
            let stopped = go_on(read, 3, &mut Stop(4, Vec::new()));
            let trained = go_on(through_bytes(&run, &stopped), 2, &mut ());
            assert!(bits(&trained.network) == bits(&whole.network), "{steps}");
            assert_same_progress(trained.progress, whole.progress.clone());
        }
    }
}

#[test]
fn adam_stopped_after_any_step_goes_on_to_the_same_bits_at_any_number_of_threads() {
    let moments = Moments {
        beta2: 0.9,
        ..Moments::default()
    };
    for optimizer in [Optimizer::Adam(moments), Optimizer::AdamW(moments)] {
        let mut run = run(2, None);
        let settings = &mut run.metadata.training.settings;
        settings.optimizer = optimizer;
        settings.extras = Extras {
            weight_decay: 0.01,
            clip_norm: Some(0.5),
            max_norm: Some(1.5),
            ..Extras::default()
        };
        let whole = go_on(new(&run), 1, &mut ());
        for threads in [2, 3] {
            let other = go_on(new(&run), threads, &mut ());
            assert!(bits(&other.network) == bits(&whole.network), "{threads}");
        }
        // Before the first step, too: all moments are 0 then.
        let Checkpoint {
            network, progress, ..
        } = new(&run);
        let first = from_bytes(&to_bytes(&run, &network, &progress)).unwrap();
        let trained = go_on(first, 2, &mut ());
        assert!(bits(&trained.network) == bits(&whole.network));
        for steps in 1..=10 {
            let stopped = go_on(new(&run), 3, &mut Stop(steps, Vec::new()));
            let read = through_bytes(&run, &stopped);
            assert_eq!(read.run, run);
            for which in [0, 1] {
                assert!(
                    read.network
                        .moments(which)
                        .eq(stopped.network.moments(which))
                );
            }
            let trained = go_on(read, 2, &mut ());
            assert!(bits(&trained.network) == bits(&whole.network), "{steps}");
            assert_same_progress(trained.progress, whole.progress.clone());
        }
    }
}

#[test]
fn more_epochs_than_were_asked_for_first_are_what_they_would_have_been() {
    let (short, long) = (constant(2), constant(4));
    let trained = go_on(new(&short), 2, &mut ());
    let mut read = through_bytes(&short, &trained);
    read.run = long.clone();
    let (longer, whole) = (go_on(read, 2, &mut ()), go_on(new(&long), 2, &mut ()));
    assert!(bits(&longer.network) == bits(&whole.network));
    assert_same_progress(longer.progress, whole.progress);
}

#[test]
fn patience_and_a_target_end_training_after_the_epoch_that_says_so_and_the_best_is_kept() {
    let whole = constant(40);
    let mut observer = Stop(usize::MAX, Vec::new());
    go_on(new(&whole), 2, &mut observer);
    let accuracies = observer.1;
    let best_of = |epochs: usize| {
        let all = accuracies[..epochs].iter();
        let highest = all.copied().fold(0.0, f64::max);
        let first = accuracies.iter().position(|&a| a == highest).unwrap() + 1;
        (first, highest)
    };
    let mut ends = Vec::new();
    for patience in 1..=4 {
        let mut run = whole.clone();
        run.metadata.training.settings.patience = Some(patience);
        let trained = go_on(new(&run), 2, &mut ());
        let waited = |epochs: &usize| epochs - best_of(*epochs).0 >= patience;
        let expected = (1..=40).find(waited).unwrap_or(40);
        assert_eq!(trained.progress.epoch, expected, "{accuracies:?}");
        let settings = run.metadata.training.settings;
        let end = trained.progress.end(&settings);
        assert!(end == Some(End::Patience) || expected == 40);

        let best = trained.progress.best.unwrap();
        assert_eq!((best.epoch, best.accuracy), best_of(expected));
        let mut run = whole.clone();
        run.metadata.training.settings.epochs = best.epoch;
        let network = go_on(new(&run), 2, &mut ()).network;
        assert!(network.values().eq(&best.values), "weights of the best");
        ends.push(expected);
    }
    assert!(ends[0] < ends[3], "patience does something: {ends:?}");

    let target = best_of(40).1;
    let mut run = whole.clone();
    run.metadata.training.settings.target_accuracy = Some(target);
    let progress = go_on(new(&run), 2, &mut ()).progress;
    assert_eq!(progress.epoch, best_of(40).0);
    let end = progress.end(&run.metadata.training.settings);
    assert_eq!(end, Some(End::TargetAccuracy));
}

/// A checkpoint, trained once for all tests.
fn some_bytes() -> &'static [u8] {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let run = run(3, Some(Preset::Simard2003));
        let trained = go_on(new(&run), 2, &mut Stop(8, Vec::new()));
        to_bytes(&run, &trained.network, &trained.progress)
    });
    &BYTES
}

#[test]
fn a_checkpoint_cut_off_anywhere_or_grown_is_refused() {
    let bytes = some_bytes();
    for length in (0..bytes.len()).step_by(13).chain([bytes.len() - 1]) {
        assert!(from_bytes(&bytes[..length]).is_err(), "{length}");
    }
    assert!(from_bytes(&[bytes, b"x"].concat()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_checkpoint_with_random_changes_is_refused_or_the_same(
        changes in prop::collection::vec((0_usize..50_000, any::<u8>()), 1..4),
        in_header in any::<bool>(),
    ) {
        let bytes = some_bytes();
        let mut changed = bytes.to_vec();
        for (place, byte) in changes {
            let length = if in_header { 2_000 } else { bytes.len() };
            changed[place % length] = byte;
        }
        // Blanks between the parts of the JSON may be others.
        if let Ok(read) = from_bytes(&changed) {
            let original = from_bytes(bytes).unwrap();
            prop_assert_eq!(read.run, original.run);
            prop_assert_eq!(read.progress, original.progress);
            prop_assert_eq!(bits(&read.network), bits(&original.network));
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(from_bytes(&bytes).is_err());
    }
}

/// A folder with two checkpoints, after 1 and 2 epochs.
fn two() -> (TempDir, Run) {
    let parent = tempdir().unwrap();
    let run = run(2, None);
    let start = new(&run);
    let start = (&run, &start.network, &start.progress);
    let folder = Folder::create(parent.path(), false, start).unwrap();
    for epochs in [1, 2] {
        let trained = go_on(new(&self::run(epochs, None)), 2, &mut ());
        folder
            .save(&run, &trained.network, &trained.progress)
            .unwrap();
    }
    (parent, run)
}

fn resumed(folder: &Path) -> (usize, Option<String>) {
    let resumed = Folder::resume(folder).unwrap();
    let damaged = resumed.damaged.map(|error| error.to_string());
    (resumed.checkpoint.progress.epoch, damaged)
}

#[track_caller]
fn assert_refused(folder: &Path, expected: &str) {
    match Folder::resume(folder) {
        Ok(_) => panic!("it was taken"),
        Err(error) => assert_says(&error.to_string(), expected),
    }
}

#[test]
fn the_latest_checkpoint_is_taken_or_the_one_before_if_it_is_damaged_or_missing() {
    let (folder, _) = two();
    assert_eq!(resumed(folder.path()), (2, None));
    assert_eq!(names_in(folder.path()), [".lock", LATEST, PREVIOUS]);

    // Killed between the two renames.
    fs::remove_file(folder.path().join(LATEST)).unwrap();
    assert_eq!(resumed(folder.path()), (1, None));

    let (folder, run) = two();
    let latest = folder.path().join(LATEST);
    let bytes = fs::read(&latest).unwrap();
    fs::write(&latest, &bytes[..bytes.len() / 2]).unwrap();
    let (epoch, damaged) = resumed(folder.path());
    assert_eq!(epoch, 1);
    assert_says(&damaged.unwrap(), "not a whole safetensors file");
    let aside = ".lock checkpoint.safetensors damaged.safetensors";
    assert_eq!(names_in(folder.path()).join(" "), aside);
    // The next one does not replace the only whole one by the damaged one.
    let resumed_again = Folder::resume(folder.path()).unwrap();
    let Checkpoint {
        network, progress, ..
    } = resumed_again.checkpoint;
    let folder = resumed_again.folder;
    folder.save(&run, &network, &progress).unwrap();
    let previous = fs::read(folder.path().join(PREVIOUS)).unwrap();
    assert_eq!(from_bytes(&previous).unwrap().progress.epoch, 1);
}

#[test]
fn two_damaged_checkpoints_another_version_and_other_files_are_refused() {
    let (folder, run) = two();
    let latest = folder.path().join(LATEST);
    let whole = fs::read(&latest).unwrap();

    // A model in place of the checkpoint.
    let network = new(&run).network;
    let metadata = run.metadata.clone();
    let model = model::to_bytes(&Model { network, metadata });
    fs::write(folder.path().join(PREVIOUS), &model).unwrap();
    fs::write(&latest, "my thesis").unwrap();
    assert_refused(
        folder.path(),
        "checkpoint.safetensors: not a whole safetensors",
    );
    assert_refused(
        folder.path(),
        "previous.safetensors: a safetensors file without",
    );
    assert_refused(folder.path(), "train again from the start");
    let foreign = model::from_bytes::<f32>(&whole).err().unwrap();
    assert_says(
        &foreign.to_string(),
        "a checkpoint of mlp, expected a model",
    );

    // Nothing is put aside that another version of the program can read.
    let version = |bytes: &[u8]| {
        let text = br#"\"checkpoint_version\":1"#;
        let at = bytes.windows(text.len()).position(|w| w == text).unwrap();
        let mut bytes = bytes.to_vec();
        bytes[at + text.len() - 1] = b'2';
        bytes
    };
    fs::write(&latest, version(&whole)).unwrap();
    fs::write(folder.path().join(PREVIOUS), &whole).unwrap();
    assert_refused(folder.path(), "checkpoint format 2, expected 1");
    assert_eq!(names_in(folder.path()), [".lock", LATEST, PREVIOUS]);

    let empty = tempdir().unwrap();
    assert_refused(
        empty.path(),
        "no checkpoint, expected a file checkpoint.safetensors",
    );
    assert_refused(&empty.path().join("nowhere"), "no checkpoint");
    assert_refused(&latest, "a file, expected the folder");
    assert!(names_in(empty.path()).is_empty());
}

#[test]
fn a_folder_is_of_one_run_and_one_process() {
    let (folder, _) = two();
    let (run, start) = (run(2, None), new(&run(2, None)));
    let start = (&run, &start.network, &start.progress);
    let create = |force| Folder::create(folder.path(), force, start);
    let error = create(false).unwrap_err();
    assert!(matches!(error, CheckpointError::Exists { .. }), "{error}");
    assert_says(&error.to_string(), "already holds checkpoints");

    let held = Folder::resume(folder.path()).unwrap();
    for error in [create(true).unwrap_err(), create(false).unwrap_err()] {
        assert!(matches!(error, CheckpointError::Locked { .. }), "{error}");
    }
    assert_refused(folder.path(), "another run is writing");
    drop(held);
    fs::write(folder.path().join(".mlp-killed.part"), "half").unwrap();
    create(true).unwrap();
    assert_eq!(
        names_in(folder.path()),
        [".lock", LATEST],
        "of the new run alone"
    );
    assert_eq!(resumed(folder.path()), (0, None));
}

#[test]
fn a_new_folder_has_its_first_checkpoint_from_the_beginning() {
    let parent = tempdir().unwrap();
    let (run, start) = (run(2, None), new(&run(2, None)));
    let start = (&run, &start.network, &start.progress);
    let folder = parent.path().join("runs/first");
    // What a process left that was killed before its folder was complete.
    let unfinished = parent.path().join("runs/.first.mlp-new");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join(PREVIOUS), "of another run").unwrap();
    let created = Folder::create(&folder, false, start).unwrap();
    assert_eq!(created.path(), folder);
    assert_eq!(names_in(&parent.path().join("runs")), ["first"]);
    assert_eq!(names_in(&folder), [".lock", LATEST]);
    assert_refused(&folder, "another run is writing");
    drop(created);
    assert_eq!(resumed(&folder), (0, None));
}
