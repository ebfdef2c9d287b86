//! `mlp export`: a model for other programs.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use mlp::{
    data::Dataset,
    files::{
        export::{self, Format, Run},
        model::{Metadata, Model},
    },
    train::metrics::images_at_a_time,
};
use serde_json::json;

use crate::cli::{
    args::{
        Usage,
        common::JsonArg,
        data::DataDir,
        memory::{RUNNING, Use},
        model::{ForeignArgs, load_any_model},
    },
    terminal::{
        Outcome,
        describe::images_text,
        hints, interrupt,
        output::{Output, named, next_step, note, scientific, thousands},
        own_file::{Kind, begins},
        progress::busy,
        shell::shell_quote,
    },
};

/// The most images that an exported file is run on.
const MOST_IMAGES: usize = 10_000;

/// Write a model as ONNX, a NumPy or PyTorch script, C or JSON
///
/// Every file takes raw pixels of 0 to 255 and needs nothing beside it: what makes inputs of pixels is inside,
/// --deslant included, and dropout is off. It is read again, and every parameter compared bit for bit; ONNX and
/// JSON are also run on the test images, where these are at hand.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp export model.bin --to onnx      model.onnx, for onnxruntime
  mlp export model.bin --to c         model.c: float mlp_predict(pixels)
  mlp export model.bin --to numpy     model_numpy.py, which needs NumPy alone
  mlp export model.bin --to pytorch   model_pytorch.py
  mlp export model.bin --to json --out net.json   every number")]
pub struct Export {
    /// A model that mlp train has saved
    #[arg(required = true, value_name = "MODEL")]
    models: Vec<PathBuf>,

    /// The format
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    to: Format,

    /// Where to write [default: model.onnx, model_numpy.py, model_pytorch.py, model.c or model.json]
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Replace whatever file is there
    #[arg(long, help_heading = "Output")]
    force: bool,

    #[command(flatten)]
    json: JsonArg,

    #[command(flatten)]
    data: DataDir,

    #[command(flatten)]
    foreign: ForeignArgs,
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    let names = PossibleValuesParser::new(Format::ALL.map(Format::name));
    names.map(|name| {
        let mut all = Format::ALL.into_iter();
        all.find(|format| format.name() == name)
            .expect("one of the names")
    })
}

impl Export {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let said = self.foreign.unsaid()?;
        let [path] = &self.models[..] else {
            let text = format!(
                "{} models: an exported file holds one network; export each, and average their probabilities",
                self.models.len()
            );
            return Err(Usage(text).into());
        };
        let to = self.to();
        check_ending(&to, self.to)?;
        self.check_writable(path, &to)?;
        let needs = Use {
            batch: images_at_a_time(1),
            bytes: RUNNING,
            models: 1,
        };
        let model = load_any_model::<f32>(path, said, needs)?;
        let wrong = || named(path);
        let bytes = export::to_bytes(&model, self.to).with_context(wrong)?;
        kind(self.to).save(&to, &bytes)?;
        drop(bytes);
        let images = match self.to {
            Format::Onnx | Format::Json => self.images(&model.metadata)?,
            Format::Numpy | Format::Pytorch | Format::C => None,
        };
        // What is on the disk, not what was meant to be.
        let written = fs::read(&to).with_context(|| named(&to))?;
        let run = busy("checking", || {
            export::verify(&model, self.to, &written, images.as_ref())
        });
        let run = run.with_context(|| named(&to))?;
        match self.json.json {
            true => self.print_json(&model, &to, written.len(), run, out)?,
            false => print(&model, &to, written.len(), run, out)?,
        }
        out.flush()?;
        if let Some(run) = run {
            if run.not_finite > 0 {
                note(format_args!(
                    "the outputs of the model are not finite for {} of {} images: its weights are too large, and there \
                     is nothing to compare",
                    thousands(run.not_finite as u64),
                    thousands(run.images as u64)
                ));
            }
            if run.compared() == 0 || run.same_classes < run.compared() {
                return Ok(Outcome::Failed);
            }
        }
        let evaluated = matches!(self.to, Format::Onnx | Format::Json);
        // What comes next would need the same flags.
        if said.is_none() || !evaluated {
            next_step(self.next(&to));
        }
        Ok(Outcome::Done)
    }

    fn to(&self) -> PathBuf {
        match &self.out {
            Some(out) => out.clone(),
            None => self.to.file_name().into(),
        }
    }

    /// Whether the file can be written, and is not the model itself.
    fn check_writable(&self, model: &Path, to: &Path) -> anyhow::Result<()> {
        let same = to.canonicalize().ok();
        ensure!(
            same.is_none() || same != model.canonicalize().ok(),
            "{}: is the model itself: choose another --out",
            named(to)
        );
        kind(self.to).check_writable(to, self.force)
    }

    /// Images to run the file on: the test images, or the training images where there are none. None, with a note,
    /// where no images of the model's kind are at hand: an export needs no download.
    fn images(&self, metadata: &Metadata) -> anyhow::Result<Option<Dataset>> {
        let recalled = self.data.recalled(&metadata.training.data_sha256);
        let data = match recalled {
            Some((data, _)) => Ok(data),
            None => self.data.load(),
        };
        interrupt::release()?;
        let why = match data {
            Ok(data) if !data.train.spec.is_like(&metadata.images) => format!(
                "{} has {}, the model is for {}",
                named(&self.data.path()),
                images_text(&data.train.spec),
                images_text(&metadata.images)
            ),
            Ok(data) => {
                let images = match data.test.is_empty() {
                    true => data.train,
                    false => data.test,
                };
                let n = images.len().min(MOST_IMAGES);
                return Ok(Some(images.select(&Vec::from_iter(0..n))));
            }
            Err(error) => hints::with_advice(&error),
        };
        note(format_args!("not run on images: {why}"));
        Ok(None)
    }

    fn print_json(
        &self,
        model: &Model,
        to: &Path,
        bytes: usize,
        run: Option<Run>,
        out: &mut Output,
    ) -> io::Result<()> {
        let run = run.map(|run| {
            let known = |number| (run.compared() > 0).then_some(number);
            json!({
                "images": run.images, "not_finite": run.not_finite, "same_classes": run.same_classes,
                "largest_difference": known(run.largest_difference),
                "largest_output": known(run.largest_output),
            })
        });
        out.json(json!({
            "files": [{"path": to.display().to_string(), "bytes": bytes}],
            "made_of": self.models[0].display().to_string(), "format": self.to.name(),
            "parameters": model.network.parameter_count(), "compared": run,
        }))
    }

    /// What to do with the file, or to compare it with.
    fn next(&self, to: &Path) -> String {
        let file = shell_quote(to);
        match self.to {
            Format::Onnx | Format::Json => {
                format!(
                    "mlp eval {}{}",
                    shell_quote(&self.models[0]),
                    self.data.flag()
                )
            }
            Format::Numpy | Format::Pytorch => format!("python3 {file} IMAGES LABELS"),
            Format::C => format!("cc -std=c99 -O2 -DMLP_MAIN {file} -o classify -lm"),
        }
    }
}

/// Wrong usage if a name ends as that of another format: the file would be taken for what it is not.
fn check_ending(to: &Path, format: Format) -> Result<(), Usage> {
    let ending = |path: &Path| Some(path.extension()?.to_str()?.to_lowercase());
    let own = ending(format.file_name().as_ref());
    let found = ending(to);
    let others = Format::ALL.into_iter().filter(|other| {
        let usual = ending(other.file_name().as_ref());
        usual != own && usual == found
    });
    let others: Vec<_> = others.map(|other| other.name()).collect();
    match others.is_empty() {
        true => Ok(()),
        false => Err(Usage(format!(
            "--out {}: the name of a file of --to {}, expected one such as {}",
            to.display(),
            others.join(" or "),
            format.file_name()
        ))),
    }
}

fn print(
    model: &Model,
    to: &Path,
    bytes: usize,
    run: Option<Run>,
    out: &mut Output,
) -> io::Result<()> {
    writeln!(
        out,
        "saved {} ({} bytes): all {} parameters read again, each bit as in the model",
        named(to),
        thousands(bytes as u64),
        thousands(model.network.parameter_count() as u64),
    )?;
    let Some(run) = run.filter(|run| run.compared() > 0) else {
        return Ok(());
    };
    writeln!(
        out,
        "run on {} images: {} classes as the model has them, outputs within {} (of up to {:.1})",
        thousands(run.compared() as u64),
        thousands(run.same_classes as u64),
        scientific(run.largest_difference, 1),
        run.largest_output,
    )
}

/// Replaced without --force is only an older export to the same format.
fn kind(format: Format) -> Kind {
    let is_one: fn(&Path) -> io::Result<bool> = match format {
        Format::Onnx => |path| begins(path, Format::Onnx.begins()),
        Format::Numpy => |path| begins(path, Format::Numpy.begins()),
        Format::Pytorch => |path| begins(path, Format::Pytorch.begins()),
        Format::C => |path| begins(path, Format::C.begins()),
        Format::Json => |path| begins(path, Format::Json.begins()),
    };
    Kind {
        flag: "--out",
        example: format.file_name(),
        what: "network that mlp exported in this format",
        is_one,
    }
}
