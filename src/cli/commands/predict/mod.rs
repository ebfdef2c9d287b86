//! `mlp predict`: what a model says of one's own pictures.

mod input;
mod print;

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use mlp::{
    data::{Dataset, Spec},
    files::model::Model,
    loss::{Decoding, LossKind},
    picture::plot,
    train::{
        familiar::{Unfamiliar, confidence, frame},
        metrics::predictions,
    },
};
use ndarray::{Array2, ArrayView1};

use crate::cli::{
    args::{
        Usage,
        common::ThreadArgs,
        memory::Use,
        model::{ForeignArgs, load_any_model},
    },
    terminal::{
        Outcome, hints, interrupt,
        output::{Output, complain, line, next_step, note},
        own_file::{self, Kind},
        progress::busy,
        shell::shell_quote,
    },
};

use input::{How, Input, is_model, is_picture};

/// Classify your own pictures
///
/// A photo or drawing becomes an image like those that the model was trained on, as the makers of MNIST did it: turned
/// upright, made grey, ink told from paper, uneven light and lines removed, the digit cut out, its box scaled to 20x20
/// and its centre of mass moved to the middle of 28x28. A picture of the model's own size is taken as it is.
///
/// Every class gets a probability, and together they are 1 whatever the picture shows: a softmax is no detector. A
/// picture that has no digit, or several, or of which the model is less sure than it was of 99 % of its validation
/// images, is said to be unlike them; many that are neither are let through.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp predict model.bin my5.png                a photo, a scan, a drawing
  mlp predict model.bin my5.jpg --show s.svg   every step of the preparation
  mlp predict model.bin digits/                all pictures of a folder
  mlp predict a.bin b.bin c.bin my5.png        a committee of three models
  mlp predict model.bin test.csv --csv         Kaggle's ImageId,Label
  mlp predict model.bin - < my5.png            from standard input
  mlp predict model.bin my5.png --json | jq .class

Exit code: 0 if every picture could be read, else 1.")]
pub struct Predict {
    /// A model (several are a committee), then pictures: png, jpg, gif, bmp, webp, pnm or tiff, files of many
    /// images (IDX, NumPy, CSV), folders, or - for standard input
    #[arg(required = true, value_name = "MODEL and PICTURES")]
    paths: Vec<PathBuf>,

    /// Take pictures as they are: of the model's size, light ink on black
    #[arg(long, help_heading = "Preparation")]
    raw: bool,

    /// Save the steps of the preparation of one picture as a drawing, an SVG
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    show: Option<PathBuf>,

    /// Replace the file at --show even if it is no picture
    #[arg(long, requires = "show", help_heading = "Output")]
    force: bool,

    /// Print a line of JSON for every picture
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Print ImageId,Label and a line for every picture, numbered from 1, as Kaggle takes it
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    csv: bool,

    #[command(flatten)]
    foreign: ForeignArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

/// What a model or a committee says of a picture.
struct Verdict {
    label: u8,
    /// The probability of every class, or the outputs where they are none.
    scores: Vec<f64>,
    /// What speaks against the picture; none if that cannot be told.
    against: Option<Vec<Unfamiliar>>,
}

/// The models, which agree on what they tell apart.
struct Committee {
    models: Vec<Model<f32>>,
    spec: Spec,
    kind: LossKind,
}

/// Pictures that are classified together.
const BLOCK: usize = 512;

const DRAWING: Kind = Kind {
    flag: "--show",
    example: "steps.svg",
    what: "picture",
    is_one: |path| own_file::begins(path, b"<svg"),
};

impl Predict {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let (models, pictures) = self.divide()?;
        if let Some(path) = &self.show {
            DRAWING.check_writable(path, self.force)?;
        }
        let committee = Committee::load(&models, &self.foreign, self.threads)?;
        let spec = &committee.spec;
        let positive = committee.models[0].metadata.positive;
        let found = input::list(&pictures);
        if self.show.is_some() && found.len() != 1 {
            let text = "--show draws the steps of one picture: name just one";
            return Err(Usage::from(text).into());
        }
        if !self.csv
            && !self.json
            && committee
                .models
                .iter()
                .any(|m| m.metadata.familiar.is_none())
        {
            note(
                "whether a picture is unlike those that the model was trained on cannot be told: its file does not \
                 say what they were like (it had too few validation images, or comes from elsewhere)",
            );
        }
        let how = How {
            positive,
            raw: self.raw,
            keep_steps: self.show.is_some(),
        };
        let mut printer = print::Printer::new(&self, &committee, out)?;
        let (mut failed, mut block, mut shown) = (0, Vec::new(), None);
        let mut sources = found.into_iter();
        loop {
            let source = sources.next();
            let over = source.is_none();
            if let Some(source) = source {
                interrupt::release()?;
                match source.and_then(|source| source.read(spec, how)) {
                    Ok(inputs) => block.extend(inputs),
                    Err(error) => {
                        failed += 1;
                        complain(hints::with_advice(&error));
                    }
                }
            }
            if block.len() >= BLOCK || over {
                let inputs = std::mem::take(&mut block);
                let verdicts = busy("classifying", || committee.judge(&inputs, self.threads));
                for (input, verdict) in inputs.iter().zip(&verdicts) {
                    printer.print(input, verdict)?;
                }
                shown = shown.or_else(|| inputs.into_iter().next());
            }
            if over {
                break;
            }
        }
        let count = printer.finish()?;
        if let (Some(path), Some(input)) = (&self.show, &shown) {
            self.draw(path, input, spec)?;
        }
        match failed {
            0 => {}
            1 => complain(format_args!("1 picture could not be read, {count} could")),
            n => complain(format_args!(
                "{n} pictures could not be read, {count} could"
            )),
        }
        if failed == 0 && !self.json && !self.csv {
            self.next(&models, shown.as_ref());
        }
        Ok(match failed {
            0 => Outcome::Done,
            _ => Outcome::Failed,
        })
    }

    /// The models come first, and what is no model is a picture.
    fn divide(&self) -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
        let is_one = |path: &&PathBuf| is_model(path);
        if let Some(first) = self.paths.first()
            && is_picture(first)
        {
            bail!(
                "{}: no model, expected first one that mlp train has saved, then pictures",
                first.display()
            );
        }
        let count = self.paths.iter().take_while(is_one).count().max(1);
        let (models, pictures) = self.paths.split_at(count);
        ensure!(
            !pictures.is_empty(),
            "{}: a model, and all that is given: name a picture after it",
            models[models.len() - 1].display()
        );
        Ok((models.to_vec(), pictures.to_vec()))
    }

    fn draw(&self, path: &Path, input: &Input, spec: &Spec) -> anyhow::Result<()> {
        let Some(prepared) = &input.prepared else {
            note("--show: the picture was taken as it is, there is nothing to draw");
            return Ok(());
        };
        let picture = plot::preparation(&input.name, prepared, (spec.rows, spec.cols));
        DRAWING.save(path, picture.svg().as_bytes())?;
        line(format_args!(
            "saved {}: open it in a browser",
            path.display()
        ));
        Ok(())
    }

    fn next(&self, models: &[PathBuf], first: Option<&Input>) {
        let Some(path) = first.and_then(|input| input.path.as_deref()) else {
            return;
        };
        if self.foreign.unsaid().is_ok_and(|said| said.is_some()) {
            return; // the command would need the same flags
        }
        let model = shell_quote(&models[0]);
        next_step(format_args!(
            "mlp explain {model} --image {}",
            shell_quote(path)
        ));
    }
}

impl Committee {
    fn load(paths: &[PathBuf], foreign: &ForeignArgs, threads: ThreadArgs) -> anyhow::Result<Self> {
        let said = foreign.unsaid()?;
        let needs = Use::classifying(paths.len(), threads.count());
        let models = paths
            .iter()
            .map(|path| load_any_model::<f32>(path, said, needs));
        let models = models.collect::<anyhow::Result<Vec<_>>>()?;
        let (spec, kind) = (models[0].metadata.spec(), models[0].metadata.loss);
        for (path, model) in paths.iter().zip(&models) {
            ensure!(
                models.len() == 1 || model.metadata.loss.probabilities(),
                "{}: trained with {}, so its outputs are no probabilities to average: a committee is of models \
                 trained with --loss ce",
                path.display(),
                model.metadata.loss
            );
            ensure!(
                model.metadata.spec() == spec,
                "{}: tells other classes apart, or images of another size, than {}",
                path.display(),
                paths[0].display()
            );
        }
        Ok(Self { models, spec, kind })
    }

    /// What comes of each picture.
    fn judge(&self, inputs: &[Input], threads: ThreadArgs) -> Vec<Verdict> {
        if inputs.is_empty() {
            return Vec::new();
        }
        let pixels: Vec<u8> = inputs
            .iter()
            .flat_map(|input| input.pixels.iter().copied())
            .collect();
        let shape = (inputs.len(), self.spec.pixels());
        let images = Array2::from_shape_vec(shape, pixels).expect("pixels of every image");
        let data = Dataset::new(images, vec![0; inputs.len()], self.spec.clone());
        let mut team = threads.team();
        let mut each = Vec::new();
        for Model { network, metadata } in &self.models {
            let (loss, preprocessing) = (metadata.loss.build::<f32>(), metadata.preprocessing);
            each.push(predictions(
                network,
                &*loss,
                &data,
                preprocessing,
                &mut team,
            ));
        }
        let verdict = |n: usize| {
            let rows: Vec<_> = each.iter().map(|predictions| predictions.row(n)).collect();
            self.verdict(&rows, data.images.row(n))
        };
        (0..inputs.len()).map(verdict).collect()
    }

    /// The mean of the predictions of all models, and what most of them find unfamiliar.
    fn verdict(&self, rows: &[ArrayView1<'_, f32>], image: ArrayView1<'_, u8>) -> Verdict {
        let members = rows.len() as f64;
        let mean = |c: usize| rows.iter().map(|row| f64::from(row[c])).sum::<f64>() / members;
        let mut scores: Vec<_> = (0..rows[0].len()).map(mean).collect();
        let (mut decoding, classes) = (self.kind.decoding(), self.spec.classes.len());
        if decoding == Decoding::Threshold {
            // The probability of class 1 becomes those of both.
            scores.insert(0, 1.0 - scores[0]);
            decoding = Decoding::Largest;
        }
        let label = decoding.class(ndarray::aview1(&scores), classes);
        let around = frame(image, &self.spec);
        let judged = self.models.iter().zip(rows).map(|(model, row)| {
            let bounds = model.metadata.familiar?;
            Some(bounds.judge(confidence(model.metadata.loss, *row), around))
        });
        let judged: Option<Vec<_>> = judged.collect();
        let against = judged.map(|judged| {
            let most = |what: &Unfamiliar| {
                let count = judged
                    .iter()
                    .filter(|against| against.contains(what))
                    .count();
                2 * count > judged.len()
            };
            let all = [Unfamiliar::Unsure, Unfamiliar::Frame];
            all.into_iter().filter(most).collect()
        });
        Verdict {
            label,
            scores,
            against,
        }
    }
}
