//! `mlp plot`: pictures of runs and of a model.

use std::{
    ffi::OsStr,
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{bail, ensure};
use clap::ValueEnum;
use mlp::{
    files::{model::Unsaid, run::Record},
    picture::{
        palette,
        plot::{self, MAX_RUNS, Picture, Wrong},
    },
    regular_file,
    train::metrics::{Evaluation, classes, evaluate, losses, predictions},
};
use serde_json::json;

use crate::cli::{
    args::{
        Usage,
        common::{JsonArg, ThreadArgs},
        data::DataArgs,
        memory::Use,
        model::{ForeignArgs, load_any_model},
        split::{SplitArg, measured_images},
    },
    terminal::{
        Outcome,
        json::written,
        output::{BOLD, DIM, Output, named, next_step, note, thousands},
        own_file::{self, Kind},
        shell::{free_name, shell_quote, train_command},
    },
};

/// Draw runs or a model
///
/// Of runs that mlp train --run has kept: loss and accuracy against epochs, together, and the statistics of
/// the layers of each. Of a model: the weights of its first layer, what it takes for what, and the images
/// with the highest loss. SVG follows the theme of the viewer.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp plot run                          loss, accuracy and layers of a run
  mlp plot first second third           several runs together
  mlp plot model.bin                    weights, confusion, most wrong images
  mlp plot model.bin --split valid      on the images held back in training
  mlp plot run --format png --theme dark --out slides")]
pub struct Plot {
    /// Folders of runs (or files of lines of mlp train --json), or one model
    #[arg(required = true, value_name = "RUN or MODEL")]
    paths: Vec<PathBuf>,

    /// Folder to save the pictures in
    #[arg(
        long,
        short,
        value_name = "DIR",
        default_value = "plots",
        help_heading = "Output"
    )]
    out: PathBuf,

    /// Which files
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Format::Svg, Format::Png], help_heading = "Output")]
    format: Vec<Format>,

    /// Colours of PNG files
    #[arg(long, value_enum, default_value_t = Theme::Light, help_heading = "Output")]
    theme: Theme,

    /// Replace files that are no pictures
    #[arg(long, help_heading = "Output")]
    force: bool,

    #[command(flatten)]
    json: JsonArg,

    #[command(flatten)]
    split: SplitArg,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    foreign: ForeignArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Svg,
    Png,
}

#[derive(Clone, Copy, ValueEnum)]
enum Theme {
    Light,
    Dark,
}

/// The most wrong images that are drawn.
const WORST: usize = 24;

impl Plot {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let runs: Vec<_> = self.paths.iter().filter(|path| is_run(path)).collect();
        let formats = self.formats();
        self.check_places(&formats, runs.len())?;
        let said = self.foreign.unsaid()?;
        if said.is_some() && !runs.is_empty() {
            let text = "--activation, --loss and --normalize say what a model of another program does not: leave them out \
                        for runs";
            return Err(Usage::from(text).into());
        }
        let (pictures, next) = match (runs.len(), &self.paths[..]) {
            (0, [model]) => (
                self.model(model, said)?,
                format!(
                    "mlp explain {}{}{}",
                    shell_quote(model),
                    self.split.text(),
                    self.data.dir.flag()
                ),
            ),
            (0, _) => bail!("several models: one at a time, or runs"),
            (n, paths) if n < paths.len() => {
                bail!("runs and a model: draw them one after the other")
            }
            _ => self.runs()?,
        };
        let mut files = Vec::new();
        for (name, picture) in &pictures {
            for (format, kind) in &formats {
                files.push((self.file(name, *format), *format, kind, picture));
            }
        }
        let theme = match self.theme {
            Theme::Light => palette::Theme::Light,
            Theme::Dark => palette::Theme::Dark,
        };
        let mut saved = Vec::new();
        for (path, format, kind, picture) in files {
            let bytes = match format {
                Format::Svg => picture.svg().into_bytes(),
                Format::Png => picture.png(theme)?,
            };
            kind.save(&path, &bytes)?;
            if self.json.json {
                let mut file = written(&path, &bytes);
                file["title"] = picture.title.as_str().into();
                saved.push(file);
                continue;
            }
            writeln!(
                out,
                "saved {BOLD}{}{BOLD:#} {DIM}({}){DIM:#}",
                named(&path),
                picture.title
            )?;
        }
        if self.json.json {
            out.json(json!({ "files": saved }))?;
        }
        out.flush()?;
        // What comes next would need the same flags.
        if said.is_none() {
            next_step(next);
        }
        Ok(Outcome::Done)
    }

    /// The formats asked for.
    fn formats(&self) -> Vec<(Format, Kind)> {
        let kind = |is_one| Kind {
            flag: "--out",
            example: "plots",
            what: "picture",
            is_one,
        };
        let formats = [
            (Format::Svg, kind(|path| own_file::begins(path, b"<svg"))),
            (Format::Png, kind(|path| own_file::begins(path, b"\x89PNG"))),
        ];
        let asked = |(format, _): &(Format, Kind)| self.format.contains(format);
        formats.into_iter().filter(asked).collect()
    }

    /// Where a picture is saved.
    fn file(&self, name: &str, format: Format) -> PathBuf {
        let extension = match format {
            Format::Svg => "svg",
            Format::Png => "png",
        };
        self.out.join(format!("{name}.{extension}"))
    }

    /// Whether all pictures that there can be of so many runs, or of a model, may be written.
    fn check_places(&self, formats: &[(Format, Kind)], runs: usize) -> anyhow::Result<()> {
        own_file::check_folder(&self.out, "--out")?;
        let names: Vec<String> = match runs {
            0 => ["weights", "confusion", "wrong"].map(str::to_owned).into(),
            1 => ["curves", "layers"].map(str::to_owned).into(),
            _ => {
                let layers = (1..=runs).map(|n| format!("layers-{n}"));
                layers.chain(["curves".to_owned()]).collect()
            }
        };
        for name in &names {
            for (format, kind) in formats {
                kind.check_writable(&self.file(name, *format), self.force)?;
            }
        }
        Ok(())
    }

    /// The pictures of the runs, and what to do next.
    fn runs(&self) -> anyhow::Result<(Vec<(String, Picture)>, String)> {
        ensure!(
            self.paths.len() <= MAX_RUNS,
            "{} runs, expected at most {MAX_RUNS}, so that their colours can be told apart",
            self.paths.len()
        );
        let mut runs = Vec::new();
        for path in &self.paths {
            let record = Record::read(path)?;
            ensure!(
                !record.epochs.is_empty(),
                "{}: no epoch was finished in this run, so there is nothing to draw",
                path.display()
            );
            runs.push((named(path), record));
        }
        let mut pictures = vec![("curves".to_owned(), plot::curves(&runs))];
        for (n, (name, run)) in runs.iter().enumerate() {
            let file = match runs.len() {
                1 => "layers".to_owned(),
                _ => format!("layers-{}", n + 1),
            };
            match plot::layers(name, run) {
                Some(picture) => pictures.push((file, picture)),
                None => note(format_args!(
                    "{name}: no statistics of layers: they come with mlp train --run"
                )),
            }
        }
        // Runs may have been started elsewhere, or have saved over each other's models.
        let mut models: Vec<&Path> = Vec::new();
        for model in runs.iter().filter_map(|(_, run)| run.model.as_deref()) {
            if model.is_file() && !models.contains(&model) {
                models.push(model);
            }
        }
        let next = match models[..] {
            [] => {
                let run = free_name(Path::new("another"));
                train_command(&format!(" --run {}", shell_quote(&run)))
            }
            [model] => format!("mlp eval {}{}", shell_quote(model), self.data.dir.flag()),
            [first, second, ..] => {
                format!("mlp compare {} {}", shell_quote(first), shell_quote(second))
            }
        };
        Ok((pictures, next))
    }

    fn model(
        &self,
        path: &PathBuf,
        said: Option<Unsaid>,
    ) -> anyhow::Result<Vec<(String, Picture)>> {
        let needs = Use::classifying(1, self.threads.count());
        let model = load_any_model::<f32>(path, said, needs)?;
        let (models, split) = ([model], self.split.split);
        let data = measured_images(std::slice::from_ref(path), &models, &self.data, split)?;
        let [model] = models;
        let (network, kind) = (&model.network, model.metadata.loss);
        let (loss, preprocessing) = (kind.build::<f32>(), model.metadata.preprocessing);
        let mut team = self.threads.team();
        let result = evaluate(network, &*loss, &data, preprocessing, &mut team);
        let taken = classes(network, &*loss, &data, preprocessing, &mut team);
        let outputs = predictions(network, &*loss, &data, preprocessing, &mut team);
        let each = losses(network, &*loss, &data, preprocessing, &mut team);
        let mut wrong = Vec::new();
        for (index, (row, &label)) in outputs.rows().into_iter().zip(&data.labels).enumerate() {
            let class = taken[index];
            let outputs = row.iter().map(|&p| f64::from(p));
            if class != label {
                wrong.push(Wrong {
                    index,
                    pixels: data.images.row(index),
                    label,
                    class,
                    loss: each[index],
                    outputs: match kind.binary() {
                        true => outputs.flat_map(|p| [1.0 - p, p]).collect(),
                        false => outputs.collect(),
                    },
                });
            }
        }
        wrong.sort_by(|a, b| b.loss.total_cmp(&a.loss));
        wrong.truncate(WORST);
        let split = split.name();
        let title = summary(&result, split);
        let mut pictures = vec![(
            "confusion".to_owned(),
            plot::confusion(&result.confusion, &data.spec.classes, &title),
        )];
        let probabilities = kind.probabilities();
        let title = format!(
            "the {} {split} images with the highest loss of those taken for another {}",
            wrong.len(),
            match data.spec.is_mnist() {
                true => "digit",
                false => "class",
            }
        );
        pictures.push((
            "wrong".into(),
            plot::worst(
                &wrong,
                &data.spec.classes,
                probabilities,
                &title,
                data.cols(),
            ),
        ));
        if let Some(w) = network.values().next() {
            pictures.insert(
                0,
                (
                    "weights".into(),
                    plot::weights(w, network.layers().len() - 1, (data.rows(), data.cols())),
                ),
            );
        }
        Ok(pictures)
    }
}

fn summary(result: &Evaluation, split: &str) -> String {
    format!(
        "{} of {} {split} images wrong: {:.2} % right",
        thousands((result.images() - result.correct()).into()),
        thousands(result.images().into()),
        100.0 * result.accuracy()
    )
}

/// Whether this is a folder or a file of JSON lines; a model begins with the length of its header.
fn is_run(path: &Path) -> bool {
    let mut first = [0];
    let reads = |mut file: File| file.read_exact(&mut first).is_ok();
    path.is_dir()
        || path.extension() == Some(OsStr::new("jsonl"))
        || (regular_file::open(path).is_ok_and(reads) && first == *b"{")
}
