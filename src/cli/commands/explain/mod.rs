//! `mlp explain`: one image, or a batch, through the network and back, in numbers.

mod html;
mod images;
mod net;
mod pass;
mod svg;
mod table;

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, ensure};
use clap::ValueEnum;
use mlp::{
    data::{
        Dataset, Spec,
        batch::Preprocessing,
        photo::{self, Frame},
    },
    explain::{Numbers, Trace, judge},
    files::model::Metadata,
    loss::LossKind,
    nn::Mlp,
    picture::drawing,
    regular_file,
    rng::{Purpose, generator},
    train::Settings,
};
use ndarray::{Array1, Array2};

use images::Picked;

use crate::cli::{
    args::{
        self, Usage,
        architecture::ArchitectureArgs,
        common::JsonArg,
        data::DataArgs,
        hidden::Hidden,
        loss::{LossNameArgs, POSITIVE, TargetName},
        memory::{self, Use, check_size},
        model::{Normalize, load_any_model, unsaid},
        number,
        split::{SplitArg, check_fits},
    },
    terminal::{
        Outcome,
        describe::called,
        interrupt,
        output::{Output, named, next_step, note},
        shell::shell_quote,
    },
};

/// Follow one image through the network and back, in numbers
///
/// Forward, module by module: the formula, the shapes, the numbers; the softmax by hand; the loss. Then
/// backward: every gradient, and one step of SGD of one weight. With --logits, the softmax and the loss of
/// any numbers, without model and data. All numbers are those that the modules compute, in double precision,
/// so that you can follow with a pocket calculator.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp explain model.bin --index 0               the first test image
  mlp explain model.bin --index 0 --unit 0:7    how unit 7 of module 0 comes up
  mlp explain model.bin --images 0..3           three images as one batch
  mlp explain model.bin --image my5.png         a picture of your own
  mlp explain --hidden 4 --seed 1               a small network before training
  mlp explain --hidden 6,4 --activation tanh    another, with tanh for ReLU
  mlp explain --logits 0.1,0,0,0.2,0.3,0,0,0.3,0,0.2 --target 4
  mlp explain --net net.json --precision 9      a network of your own, all of it
  mlp explain --net net.json --svg net.svg      the same as on the board
  mlp explain model.bin --svg net.svg           the network as a drawing
  mlp explain model.bin --html page.html        a page with a pad to draw on
  mlp explain model.bin --json | jq .loss       for a program to read")]
pub struct Explain {
    /// A model that mlp train has saved
    #[arg(conflicts_with_all = ["hidden", "dropout", "seed"])]
    model: Option<PathBuf>,

    /// Without a model: hidden layers of a network with its first weights
    #[arg(
        long,
        value_name = "WIDTHS",
        default_value = "4",
        help_heading = "Network"
    )]
    hidden: Hidden,

    #[command(flatten)]
    architecture: ArchitectureArgs,

    #[command(flatten)]
    loss: LossNameArgs,

    /// Of a model of another program, with --activation and --loss: mean and standard deviation that its pixels
    /// of 0 to 1 were normalised by
    #[arg(
        long,
        value_name = "MEAN,STD",
        requires = "model",
        help_heading = "Network"
    )]
    normalize: Option<Normalize>,

    /// With --loss mse: onehot or digit [default: onehot]. With --logits: the class, from 0
    #[arg(long, value_name = "TARGET", help_heading = "Network")]
    target: Option<String>,

    /// Without a model: random seed of its weights
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number::whole(0..=u64::MAX), help_heading = "Network")]
    seed: u64,

    /// Explain these outputs of a network instead: softmax, cross-entropy and both kinds of mse
    #[arg(long, value_name = "NUMBERS", allow_hyphen_values = true, value_delimiter = ',', value_parser = number::finite, conflicts_with_all = ["model", "hidden", "activation", "dropout", "loss", "label_smoothing", "seed", "index", "split", "unit", "lr"], requires = "target", help_heading = "Numbers")]
    logits: Vec<f64>,

    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "hidden", "activation", "dropout", "loss", "label_smoothing", "seed", "logits", "target", "index", "split", "unit"], help = args::net::HELP, long_help = args::net::LONG_HELP, help_heading = "Network")]
    net: Option<PathBuf>,

    /// With --net: the row of x whose units --svg and --html show, from 0 [default: 0]
    #[arg(long, value_name = "N", value_parser = number::whole(0..=u32::MAX as usize), requires = "net", help_heading = "Output")]
    row: Option<usize>,

    /// A picture of your own, prepared as mlp predict does; --target says what it is
    #[arg(long, value_name = "FILE", requires = "model", conflicts_with_all = ["index", "split"], help_heading = "Image")]
    image: Option<PathBuf>,

    /// Which image, from 0
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = number::whole(0..=u32::MAX as usize), help_heading = "Image")]
    index: usize,

    /// Several images as the rows of X, at most 16, so that the sums over the batch are seen: 0..3 (which is 0,
    /// 1 and 2), 0..=2 or 4,7,9
    #[arg(long, value_name = "WHICH", conflicts_with_all = ["index", "image", "logits", "net"], help_heading = "Image")]
    images: Option<Picked>,

    #[command(flatten)]
    split: SplitArg,

    /// Follow this unit of a module: 0:7 is unit 7 of module 0 (repeat for several)
    #[arg(long, value_name = "MODULE:UNIT", help_heading = "Numbers")]
    unit: Vec<Unit>,

    /// Digits after the decimal point; numbers below 0.1 keep as many significant digits
    #[arg(long, value_name = "DIGITS", default_value_t = 4, value_parser = number::whole(1..=12_u8), help_heading = "Numbers")]
    precision: u8,

    /// The learning rate of the step at the end [default: 0.1, or with --net the file's]
    #[arg(long, value_name = "RATE", value_parser = number::learning_rate::<f64>, help_heading = "Numbers")]
    lr: Option<f64>,

    #[command(flatten)]
    json: JsonArg,

    /// Draw the network as well: an SVG file, for a browser, a slide or paper
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "logits",
        help_heading = "Output"
    )]
    svg: Option<PathBuf>,

    /// Write one page for a browser, complete in itself: the network drawn, every formula with its numbers,
    /// and a pad whose digits run through these weights; with --net, inputs and targets to change
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "logits"], help_heading = "Output")]
    html: Option<PathBuf>,

    /// Replace the files of --svg and --html whatever they are
    #[arg(long, help_heading = "Output")]
    force: bool,

    #[command(flatten)]
    data: DataArgs,
}

/// One image, and what it is called.
struct Chosen {
    image: Dataset,
    name: String,
    /// Its number among those of the data.
    index: Option<usize>,
}

/// The learning rate where nothing says another.
const LR: f64 = 0.1;

/// A unit: the index of its module, as in the names of parameters, and its own.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Unit {
    module: usize,
    unit: usize,
}

impl FromStr for Unit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text
            .split_once(':')
            .and_then(|(module, unit)| Some((module.parse().ok()?, unit.parse().ok()?)));
        match numbers {
            Some((module, unit)) => Ok(Self { module, unit }),
            None => Err("expected MODULE:UNIT such as 0:7, counted from 0"),
        }
    }
}

/// What is explained.
struct Subject {
    title: String,
    network: Mlp<f64>,
    /// All that is known of it.
    metadata: Metadata,
}

impl Explain {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let numbers = Numbers(self.precision.into());
        if !self.logits.is_empty() {
            return self.logits(numbers, out);
        }
        if let Some(picked) = &self.images {
            return self.batch(picked, numbers, out);
        }
        if self.force && self.svg.is_none() && self.html.is_none() {
            return Err(Usage::from("--force goes with --svg or --html").into());
        }
        if self.row.is_some() && self.svg.is_none() && self.html.is_none() {
            return Err(Usage::from("--row goes with --svg or --html").into());
        }
        if let Some(path) = &self.svg {
            svg::KIND.check_writable(path, self.force)?;
        }
        if let Some(path) = &self.html {
            html::KIND.check_writable(path, self.force)?;
        }
        if let Some(path) = &self.net {
            return self.net(path, numbers, out);
        }
        let subject = self.subject()?;
        let subject_said = subject.metadata.training.data_sha256.is_empty() && self.model.is_some();
        self.check_units(&subject)?;
        let Chosen {
            image: images,
            name,
            index,
        } = self.chosen(&subject)?;
        let mut x = Array2::zeros((1, subject.network.inputs()));
        let preprocessing = subject.metadata.preprocessing;
        preprocessing.gather(&images, &[0], &mut x);
        let target = images.labels[0];
        if let Some(path) = &self.html {
            let grey = images.images.row(0).to_vec();
            self.page(path, &subject, (&grey, target), &name, out)?;
        }
        let spec = subject.metadata.spec();
        let loss = subject.metadata.loss.build::<f64>();
        let mut trace = Trace::new(subject.network, &*loss, &x, target);
        let steepest = trace.steepest_weight();
        let step = pass::Step::new(&mut trace, &*loss, steepest, self.lr.unwrap_or(LR));
        if self.json.json {
            let split = index.is_some().then(|| self.split.split.name());
            let image = (split, index, &*name);
            out.json(pass::json(&trace, &*loss, image, &step, &self.unit))?;
        } else if self.html.is_none() {
            writeln!(
                out,
                "{}: {name}, {}{}{}",
                subject.title,
                said(&trace, &subject.metadata, self.nobody_said()),
                match subject.metadata.preprocessing.deslant {
                    true => "; deslanted, as in training",
                    false => "",
                },
                match subject.metadata.architecture.dropout.is_empty() {
                    true => "",
                    false => "; dropout is off",
                },
            )?;
            let page = pass::Page {
                trace: &trace,
                kind: subject.metadata.loss,
                numbers,
                units: &self.unit,
                pixels: (images.rows(), images.cols()),
                classes: &spec.classes,
            };
            page.digit(out)?;
            page.forward(out)?;
            page.judgement(out)?;
            page.backward(out)?;
            step.write(numbers, out)?;
        }
        out.flush()?;
        if let Some(path) = &self.svg {
            let units: Vec<_> = self.unit.iter().map(|u| (u.module, u.unit)).collect();
            let options = drawing::Options {
                title: &format!("{}, {name}", subject.title),
                kind: subject.metadata.loss,
                numbers,
                pixels: (images.rows(), images.cols()),
                classes: &spec.classes,
                units: &units,
            };
            svg::save(path, &drawing::network(&trace, &options))?;
        }
        match (&self.model, &self.image) {
            _ if self.html.is_some() => {}     // the page has said what is next
            (Some(_), _) if subject_said => {} // it would need the same flags
            (Some(path), Some(image)) => {
                let (model, image) = (shell_quote(path), shell_quote(image));
                next_step(format_args!(
                    "mlp explain {model} --image {image} --html page.html"
                ));
            }
            (Some(path), None) => next_step(format_args!(
                "mlp explain {} --index {}{}{}",
                shell_quote(path),
                self.index + 1,
                self.split.text(),
                self.data.dir.flag()
            )),
            (None, _) => next_step(format_args!(
                "mlp gradcheck --hidden 4{}",
                self.data.dir.flag()
            )),
        }
        Ok(Outcome::Done)
    }

    /// Whether the units that are followed are there.
    fn check_units(&self, subject: &Subject) -> anyhow::Result<()> {
        for &Unit { module, unit } in &self.unit {
            let outputs = subject.network.outputs();
            ensure!(
                outputs.get(module).is_some_and(|&width| unit < width),
                "--unit {module}:{unit}: no such unit; the modules 0 to {} have {outputs:?} units",
                outputs.len() - 1
            );
        }
        Ok(())
    }

    /// Whether the class of an image of one's own is what the network takes it for.
    fn nobody_said(&self) -> bool {
        self.image.is_some() && self.target.is_none()
    }

    /// The image to explain: one of the data, or the user's own.
    fn chosen(&self, subject: &Subject) -> anyhow::Result<Chosen> {
        if let Some(path) = &self.image {
            return self.own_image(path, subject);
        }
        let images = self.images(subject)?;
        ensure!(
            self.index < images.len(),
            "--index {}: there are {} {} images, counted from 0",
            self.index,
            images.len(),
            self.split.split.name()
        );
        Ok(Chosen {
            image: images.select(&[self.index]),
            name: format!("{} image {}", self.split.split.name(), self.index),
            index: Some(self.index),
        })
    }

    /// `--image`: prepared as mlp predict does. Its class is --target, or what the network takes it for.
    fn own_image(&self, path: &Path, subject: &Subject) -> anyhow::Result<Chosen> {
        let spec = subject.metadata.spec();
        let shown = named(path);
        let bytes = read_picture(path).with_context(|| shown.to_string())?;
        let grey = photo::decode(&bytes).with_context(|| shown.to_string())?;
        let frame = Frame {
            rows: spec.rows,
            cols: spec.cols,
        };
        let prepared = photo::prepare(&grey, frame);
        let words: Vec<_> = prepared.steps.iter().map(|step| &*step.words).collect();
        note(format_args!("{shown}: {}", words.join("; ")));
        for doubt in &prepared.doubts {
            note(format_args!("{shown}: {doubt}"));
        }
        let pixels = Array2::from_shape_vec((1, spec.pixels()), prepared.pixels)?;
        let mut image = Dataset::new(pixels, vec![0], spec.clone());
        let taken = match &self.target {
            Some(class) => match spec.label(class) {
                Some(label) => label,
                None => {
                    let text = format!(
                        "--target {class}: no such class, expected one of {}",
                        spec.classes.join(", ")
                    );
                    return Err(Usage(text).into());
                }
            },
            None => {
                let mut x = Array2::zeros((1, spec.pixels()));
                subject.metadata.preprocessing.gather(&image, &[0], &mut x);
                let outputs = subject.network.predict(&x);
                let decoding = subject.metadata.loss.decoding();
                decoding.class(outputs.row(0), spec.classes.len())
            }
        };
        image.labels[0] = taken;
        if self.nobody_said() {
            note(format_args!(
                "{shown}: nobody says what it is: the target is what the network takes it for, {}; --target names \
                 another",
                called(&spec, taken)
            ));
        }
        Ok(Chosen {
            image,
            name: shown,
            index: None,
        })
    }

    /// The images that one is taken of.
    fn images(&self, subject: &Subject) -> anyhow::Result<Dataset> {
        let metadata = &subject.metadata;
        let (data, dir) = self.data.load_those(&metadata.training.data_sha256)?;
        interrupt::release()?;
        let name = self.model.as_deref().unwrap_or(Path::new("this network"));
        check_fits(name, metadata, &data.train.spec, &dir)?;
        let images = self.split.split.of(data, &metadata.training.settings)?;
        Ok(metadata.relabelled(images))
    }

    fn subject(&self) -> anyhow::Result<Subject> {
        if let Some(path) = &self.model {
            if self.target.is_some() && self.image.is_none() {
                let text = "--target goes with --loss mse or with --logits; a model has its own";
                return Err(Usage::from(text).into());
            }
            let given = self.architecture.activation().is_some()
                || self.loss.given()
                || self.normalize.is_some();
            let said = match given {
                true => {
                    let kind = self.loss.kind(None)?;
                    Some(unsaid(self.architecture.activation(), kind, self.normalize))
                }
                false => None,
            };
            let needs = Use {
                batch: self.n(),
                bytes: memory::ONE_PASS,
                models: 1,
            };
            let model = load_any_model::<f64>(path, said, needs)?;
            self.check_page(&model.metadata.architecture.layers)?;
            return Ok(Subject {
                title: named(path),
                network: model.network,
                metadata: model.metadata,
            });
        }
        let target = match self.target.as_deref() {
            None => None,
            Some(name) => Some(TargetName::from_str(name, false).map_err(|_| {
                Usage::from("--target is onehot or digit, and goes with --loss mse; a class goes with --logits")
            })?),
        };
        let kind = self.loss.kind(target)?;
        let architecture = self.architecture.of(&self.hidden, kind, &Spec::default())?;
        check_size(&architecture.layers, self.n(), memory::ONE_PASS)?;
        self.check_page(&architecture.layers)?;
        let mut rng = generator(self.seed, Purpose::Init);
        let settings = Settings {
            valid: 0,
            ..Settings::default()
        };
        let metadata = Metadata {
            positive: kind.binary().then_some(POSITIVE),
            ..Metadata::new(architecture.clone(), kind, Preprocessing::UNIT, settings)
        };
        Ok(Subject {
            title: format!("a network before training, seed {}", self.seed),
            network: architecture.init(architecture.activation.about().init, &mut rng),
            metadata,
        })
    }

    /// N, the images at a time.
    fn n(&self) -> usize {
        self.images
            .as_ref()
            .map_or(1, |Picked(picked)| picked.len())
    }

    /// Whether a page can hold a network of these layers, if one is asked for.
    fn check_page(&self, layers: &[usize]) -> anyhow::Result<()> {
        match self.html {
            Some(_) => html::check_parameters(layers),
            None => Ok(()),
        }
    }

    /// `--logits`: no model, no data.
    fn logits(&self, numbers: Numbers, out: &mut Output) -> anyhow::Result<Outcome> {
        let usage = |text: String| Err(Usage(text).into());
        const MOST: usize = 256; // classes are bytes
        if self.logits.len() > MOST || self.logits.iter().any(|z| !z.is_finite()) {
            return usage(format!("--logits: expected up to {MOST} finite numbers"));
        }
        let target = match self.target.as_deref().map(str::parse::<u8>) {
            Some(Ok(target)) if usize::from(target) < self.logits.len() => target,
            _ => {
                let last = self.logits.len() - 1;
                return usage(format!(
                    "--target: expected the class of these logits, 0 to {last}"
                ));
            }
        };
        let outputs = Array1::from(self.logits.clone());
        if self.json.json {
            let judged = judge(&*LossKind::Ce.build::<f64>(), &outputs, target);
            out.json(table::json(&outputs, target, &judged))?;
        } else {
            table::cross_entropy(&outputs, target, LossKind::Ce, (numbers, &[]), out)?;
            writeln!(out)?;
            table::both_mse(&outputs, target, (numbers, &[]), out)?;
            writeln!(out)?;
            table::which_loss(out)?;
        }
        out.flush()?;
        next_step("mlp explain --hidden 4");
        Ok(Outcome::Done)
    }
}

/// What an image is and what the network answers: `a 5, taken for a 6: wrong`.
fn said(trace: &Trace, metadata: &Metadata, nobody_said: bool) -> String {
    let spec = metadata.spec();
    let outputs = &trace.modules.last().expect("a layer at the least").y;
    let answer = metadata
        .loss
        .decoding()
        .class(outputs.view(), spec.classes.len());
    let taken = format!("taken for {}", called(&spec, answer));
    let is = called(&spec, trace.target);
    match answer == trace.target {
        _ if nobody_said => taken,
        true => format!("{is}, {taken}: right"),
        false => format!("{is}, {taken}: wrong"),
    }
}

/// The bytes of a picture, no more than it may have.
fn read_picture(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = regular_file::open(path)?;
    let length = file.metadata()?.len();
    ensure!(
        length <= photo::MAX_BYTES as u64,
        "{length} bytes, expected a picture of at most {}",
        photo::MAX_BYTES
    );
    let mut bytes = Vec::new();
    // The file may grow: one byte more shows that it has.
    file.take(photo::MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_a_module_and_a_place() {
        assert_eq!("0:7".parse(), Ok(Unit { module: 0, unit: 7 }));
        for bad in ["7", "0:", ":7", "0:-1", "a:b"] {
            assert!(bad.parse::<Unit>().is_err(), "{bad}");
        }
    }
}
