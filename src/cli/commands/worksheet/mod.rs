//! `mlp worksheet`: a pass to compute by hand, on paper, and its marks.

mod check;
mod line;
mod report;

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{ArgGroup, ValueEnum};
use mlp::{
    atomic_file::folder_of,
    check::mistakes::{Objective, Problem, Reduction},
    data::{idx::hex, is_hidden},
    explain::worksheet::{Blanks, Made, Sheet, read_answers},
    files::net::Net,
    nn::Activation,
    picture::worksheet::{BEGINNING_HTML, BEGINNING_MARKDOWN, Page},
    regular_file,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::cli::{
    args::{
        Usage,
        architecture::activation_parser,
        hidden::Hidden,
        net::{load_net, net_text},
        number,
    },
    terminal::{
        Outcome,
        json::written,
        output::{BOLD, DIM, Output, named, next_step, note, thousands},
        own_file::{self, Kind},
        shell::shell_quote,
    },
};

/// Print both passes to compute by hand, and mark the answers
///
/// A page with what is given, every formula, and a box for each number: to print, with a pocket calculator. Each
/// seed makes another sheet, so every pupil can have one. An answer counts as right if it follows rightly from the
/// pupil's own earlier numbers, and a wrong one is told what it looks like.
#[derive(clap::Args, Clone)]
#[command(
    group = ArgGroup::new("writes").multiple(true).conflicts_with("check"),
    after_help = "\
Examples:
  mlp worksheet                            worksheet.html, to print
  mlp worksheet --seed 7 --no-answers      another one, for a pupil
  mlp worksheet --hidden 3 --activation tanh --loss mse --out tanh.md
  mlp worksheet --blank dz,dw,db           the forward pass is printed
  mlp worksheet --net net.json             a network of your own
  mlp worksheet --answer-form answers.csv  with a table to fill in
  mlp worksheet --check answers.csv        mark it

A class of 20:
  for i in $(seq 20); do mlp worksheet --seed $i --out sheet-$i.html; done"
)]
pub struct Worksheet {
    #[command(flatten)]
    network: NetworkArgs,

    /// What is left blank, some of z,h,p,loss,dz,dw,db,dh,step; or all, none; or a degree: 1, where each pass
    /// ends; 2, the backward pass and the step; 3, everything. The rest is printed, and what comes after a
    /// blank may tell it [default: all]
    #[arg(
        long,
        value_name = "PARTS",
        group = "writes",
        help_heading = "Worksheet"
    )]
    blank: Option<Blanks>,

    /// Decimal places of the answers [default: 4]
    #[arg(long, value_name = "PLACES", value_parser = number::whole(2..=8_u8), group = "writes", help_heading = "Worksheet")]
    precision: Option<u8>,

    /// Leave the answers off, which otherwise come last, on a page of their own
    #[arg(long, group = "writes", help_heading = "Worksheet")]
    no_answers: bool,

    /// Mark the answers in a table that --answer-form has made and somebody has filled in
    #[arg(long, value_name = "FILE", help_heading = "Marking")]
    check: Option<PathBuf>,

    /// Print the right answers beside those given
    #[arg(long, requires = "check", help_heading = "Marking")]
    show_answers: bool,

    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Where to write the worksheet: a page (.html), or Markdown (.md) [default: worksheet.html]
    #[arg(long, value_name = "FILE", group = "writes", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Write an empty table of answers as well (.csv), to fill in and mark with --check
    #[arg(long, value_name = "FILE", group = "writes", help_heading = "Output")]
    answer_form: Option<PathBuf>,

    /// Replace files whatever they are, filled-in answers as well
    #[arg(long, group = "writes", help_heading = "Output")]
    force: bool,
}

/// Which network.
#[derive(clap::Args, Clone)]
#[command(next_help_heading = "Network")]
struct NetworkArgs {
    /// A network of your own, as for mlp explain --net; up to 4 units a layer, 3 layers and 3 rows
    #[arg(long, value_name = "FILE", conflicts_with_all = ["inputs", "hidden", "outputs", "rows", "activation", "loss", "seed"])]
    net: Option<PathBuf>,

    /// Inputs, up to 4 [default: 2]
    #[arg(long, value_name = "N", value_parser = number::whole(1..=4_u8), group = "writes")]
    inputs: Option<u8>,

    /// Up to two hidden layers of up to 4 units, or none [default: 2]
    #[arg(long, value_name = "WIDTHS", group = "writes")]
    hidden: Option<Hidden>,

    /// Outputs, up to 4 [default: 2, or 1 with bce]
    #[arg(long, value_name = "N", value_parser = number::whole(1..=4_u8), group = "writes")]
    outputs: Option<u8>,

    /// Rows of the batch, up to 3 [default: 1]
    #[arg(long, value_name = "N", value_parser = number::whole(1..=3_u8), group = "writes")]
    rows: Option<u8>,

    /// Activation function of the hidden layers [default: relu]
    #[arg(long, value_name = "NAME", value_parser = activation_parser(), group = "writes")]
    activation: Option<Activation>,

    /// Cross-entropy, the mean squared error, or binary cross-entropy [default: ce]
    #[arg(long, value_enum, group = "writes")]
    loss: Option<LossName>,

    /// Random seed of the numbers: another seed, another sheet [default: 0]
    #[arg(long, value_name = "N", value_parser = number::whole(0..=u64::MAX), group = "writes")]
    seed: Option<u64>,

    /// Learning rate of the step [default: that of --net, or 0.1]
    #[arg(long, value_name = "RATE", value_parser = number::learning_rate::<f64>, group = "writes")]
    lr: Option<f64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LossName {
    Ce,
    Mse,
    Bce,
}

/// Decimal places where nothing is said.
const PRECISION: u8 = 4;
const LR: f64 = 0.1;
const DEFAULT_OUT: &str = "worksheet.html";
/// The table in advice.
const FORM: &str = "answers.csv";

const PAGE: Kind = Kind {
    flag: "--out",
    example: DEFAULT_OUT,
    what: "worksheet of mlp",
    is_one: |path| {
        Ok(own_file::begins(path, BEGINNING_HTML.as_bytes())?
            || own_file::begins(path, BEGINNING_MARKDOWN.as_bytes())?)
    },
};

const ANSWER_FORM: Kind = Kind {
    flag: "--answer-form",
    example: FORM,
    what: "table of answers that is still empty",
    is_one: is_empty_form,
};

/// Whether a file is a table of answers without any: those of a pupil are not overwritten.
fn is_empty_form(path: &Path) -> io::Result<bool> {
    let answers = read_answers(&answer_bytes(path)?);
    Ok(answers.is_ok_and(|table| {
        let ours = table
            .head
            .iter()
            .any(|line| line.starts_with(line::BEGINNING));
        ours && table.answers.iter().all(|answer| answer.text.is_empty())
    }))
}

/// The bytes of a file of answers, one more than it may have at most.
fn answer_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = mlp::explain::worksheet::MAX_BYTES as u64 + 1;
    regular_file::open(path)?
        .take(most)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a worksheet is made of.
struct Subject {
    problem: Problem,
    learning_rate: f64,
    train_biases: bool,
    /// The lines that say which sheet it is.
    head: Vec<String>,
    network: String,
}

impl Worksheet {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        match &self.check {
            Some(path) => self.mark(path, out),
            None => self.write(out),
        }
    }

    fn write(&self, out: &mut Output) -> anyhow::Result<Outcome> {
        let path = self.out.as_deref().unwrap_or(Path::new(DEFAULT_OUT));
        let markdown = is_markdown(path)?;
        PAGE.check_writable(path, self.force)?;
        if let Some(form) = &self.answer_form {
            if same_place(form, path) {
                let text = "--out and --answer-form name the same file: choose two names";
                return Err(Usage::from(text).into());
            }
            ANSWER_FORM.check_writable(form, self.force)?;
        }
        let subject = self.subject()?;
        let sheet = self.sheet(&subject)?;
        if let (true, Some(form)) = (sheet.blanks().is_empty(), &self.answer_form) {
            let text = format!(
                "{}: nothing is left blank, so there is nothing to fill in",
                named(form)
            );
            return Err(Usage(text).into());
        }
        let form = self.answer_form.as_deref().unwrap_or(Path::new(FORM));
        let page = Page {
            sheet: &sheet,
            network: &subject.network,
            head: &subject.head,
            check: &format!("mlp worksheet --check {}", shell_quote(form)),
            answers: !self.no_answers,
        };
        let text = match markdown {
            true => page.markdown(),
            false => page.html(),
        };
        PAGE.save(path, text.as_bytes())?;
        let mut files = vec![written(path, text.as_bytes())];
        if !self.json {
            writeln!(
                out,
                "saved {BOLD}{}{BOLD:#} {DIM}({} bytes): {}; {} blanks{DIM:#}",
                named(path),
                thousands(text.len() as u64),
                subject.network,
                sheet.blanks().len(),
            )?;
        }
        if let Some(form) = &self.answer_form {
            let table = sheet.answer_form(&subject.head);
            ANSWER_FORM.save(form, table.as_bytes())?;
            files.push(written(form, table.as_bytes()));
            if !self.json {
                writeln!(
                    out,
                    "saved {BOLD}{}{BOLD:#} {DIM}to fill in{DIM:#}",
                    named(form)
                )?;
            }
        }
        if self.json {
            out.json(
                json!({"files": files, "sheet": subject.head[0], "of": sheet.blanks().len()}),
            )?;
        }
        out.flush()?;
        if sheet.rounded {
            note("the numbers of the network are rounded to 6 decimal places on the sheet");
        }
        let next = match &self.answer_form {
            Some(form) => format!("mlp worksheet --check {}", shell_quote(form)),
            None => format!("{} --answer-form {FORM}", subject.head[0]),
        };
        next_step(next);
        Ok(Outcome::Done)
    }

    fn sheet(&self, subject: &Subject) -> anyhow::Result<Sheet> {
        let blanks = self.blank.clone().unwrap_or_default();
        let (problem, rate) = (subject.problem.clone(), subject.learning_rate);
        let precision = usize::from(self.precision.unwrap_or(PRECISION));
        let sheet = Sheet::new(problem, rate, subject.train_biases, blanks, precision)?;
        Ok(sheet)
    }

    fn subject(&self) -> anyhow::Result<Subject> {
        match &self.network.net {
            Some(path) => self.own(path),
            None => self.made(),
        }
    }

    /// A network of a file.
    fn own(&self, path: &Path) -> anyhow::Result<Subject> {
        let text = path.to_str().filter(|text| !text.contains(is_hidden));
        if text.is_none() {
            bail!(
                "{}: a name with characters that a table of answers cannot keep: rename the file",
                named(path)
            );
        }
        let Net {
            problem,
            learning_rate,
            train_biases,
            ..
        } = load_net(path)?;
        let learning_rate = self.network.lr.unwrap_or(learning_rate);
        Ok(Subject {
            network: described(&problem),
            head: vec![
                self.line(&format!("--net {}", shell_quote(path)), learning_rate),
                format!("{}{}", line::CHECKSUM, checksum(path)?),
            ],
            problem,
            learning_rate,
            train_biases,
        })
    }

    /// A network of a seed.
    fn made(&self) -> anyhow::Result<Subject> {
        let NetworkArgs {
            inputs,
            hidden,
            outputs,
            rows,
            activation,
            loss,
            seed,
            lr,
            ..
        } = &self.network;
        let loss = loss.unwrap_or(LossName::Ce);
        let (objective, name, outputs_of) = match loss {
            LossName::Ce => (Objective::Ce(Reduction::Mean), "ce", 2),
            LossName::Mse => (Objective::Mse(Reduction::Mean), "mse", 2),
            LossName::Bce => (Objective::Bce(Reduction::Mean), "bce", 1),
        };
        let (inputs, outputs) = (inputs.unwrap_or(2), outputs.unwrap_or(outputs_of));
        let (rows, seed) = (rows.unwrap_or(1), seed.unwrap_or(0));
        let hidden = hidden.clone().unwrap_or(Hidden(vec![2]));
        let activation = activation.unwrap_or_default();
        let learning_rate = lr.unwrap_or(LR);
        let widths: Vec<_> = hidden.0.iter().map(ToString::to_string).collect();
        let hidden_text = match widths.is_empty() {
            true => "none".to_owned(),
            false => widths.join(","),
        };
        let flags = format!(
            "--inputs {inputs} --hidden {hidden_text} --outputs {outputs} --rows {rows} --activation {} --loss {name} \
             --seed {seed}",
            activation.flag()
        );
        let problem = Made {
            layers: [
                &[usize::from(inputs)],
                &hidden.0[..],
                &[usize::from(outputs)],
            ]
            .concat(),
            rows: rows.into(),
            activation,
            objective,
            seed,
        }
        .problem()?;
        Ok(Subject {
            network: format!("{}; seed {seed}", described(&problem)),
            head: vec![self.line(&flags, learning_rate)],
            problem,
            learning_rate,
            train_biases: true,
        })
    }

    /// The command that makes the same sheet again.
    fn line(&self, network: &str, learning_rate: f64) -> String {
        format!(
            "{} {network} --lr {learning_rate} --blank {} --precision {}",
            line::BEGINNING,
            self.blank.clone().unwrap_or_default(),
            self.precision.unwrap_or(PRECISION),
        )
    }
}

/// Whether two names are those of one file, be it by a link.
fn same_place(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let folder = folder_of(path).canonicalize().ok();
        path.canonicalize()
            .ok()
            .or_else(|| Some(folder?.join(path.file_name()?)))
    };
    one == other || (place(one).is_some() && place(one) == place(other))
}

/// `2-2-2, ReLU, cross-entropy; 1 row`
fn described(problem: &Problem) -> String {
    let rows = match problem.n() {
        1 => "1 row".to_owned(),
        n => format!("{n} rows"),
    };
    format!("{}; {rows}", net_text(problem))
}

/// Whether a file is to be Markdown, by the ending of its name.
fn is_markdown(path: &Path) -> Result<bool, Usage> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    match ending.to_ascii_lowercase().as_str() {
        "html" | "htm" => Ok(false),
        "md" | "markdown" => Ok(true),
        _ => Err(Usage(format!(
            "--out {}: expected a name that ends in .html or .md",
            named(path)
        ))),
    }
}

/// The SHA-256 of a file.
fn checksum(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let file = regular_file::open(path).with_context(|| named(path))?;
    // What is larger is no network, and refused as such.
    file.take(64 << 20).read_to_end(&mut bytes)?;
    Ok(hex(&Sha256::digest(&bytes)))
}
