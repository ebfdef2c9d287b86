//! `mlp lr-find`: a learning rate to begin with.

use std::{
    io::{self, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::error::ErrorKind;
use mlp::{
    atomic_file,
    data::shell_quote,
    lr_find::{DIVERGED, End, Plan, RangeTest, range_test},
    optim::Schedule,
    plot,
    team::Team,
    train::{Purpose, generator},
};
use serde_json::json;
use textplots::{Chart, LabelBuilder, LabelFormat, Plot, Shape};

use super::{
    Outcome,
    data::DataArgs,
    interrupt::{self, Interrupted},
    network::{TRAIN_BYTES, ThreadArgs, check_size},
    output::{BOLD, Output, next_step, progress_bar},
    own_file::Kind,
    settings::SettingsArgs,
};

/// Find a learning rate to begin with
///
/// The range test: trains for some steps at a learning rate that climbs from far too small to far too
/// large, and looks where the loss falls. Proposes a third of the rate with the lowest loss, from where on
/// steps are too long. Looks at training images alone, neither at those held back to validate on nor at the
/// test images, and keeps nothing of the network.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp lr-find                                     for the network of mlp train
  mlp lr-find --hidden 512,512 --batch-size 128   for another
  mlp lr-find --momentum 0.9 --augment ciresan2010   as it will be trained
  mlp lr-find --svg rates.svg                     a picture of it
  mlp lr-find --json | jq .suggestion             for a program to read

The test takes one step a rate, on one batch each: a hint, not the best rate. Try it, half and twice of it,
and compare validation accuracies.")]
pub struct LrFind {
    #[command(flatten)]
    settings: SettingsArgs,

    /// The first learning rate
    #[arg(long, value_name = "RATE", default_value_t = 1e-4, value_parser = rate, help_heading = "Range")]
    from: f32,

    /// The last one
    #[arg(long, value_name = "RATE", default_value_t = 10.0, value_parser = rate, help_heading = "Range")]
    to: f32,

    /// Steps from the first to the last
    #[arg(long, value_name = "N", default_value_t = 500, help_heading = "Range",
          value_parser = clap::value_parser!(u32).range(10..=100_000))]
    steps: u32,

    /// Where to save a picture
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    svg: Option<PathBuf>,

    /// Replace the file at --svg even if it is no picture
    #[arg(long, help_heading = "Output")]
    force: bool,

    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

fn rate(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(rate) if (1e-30..=1e30).contains(&rate) => Ok(rate),
        _ => Err("expected a number above 0, such as 0.001".into()),
    }
}

impl LrFind {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        if self.from >= self.to {
            let text = format!(
                "--from {:?} is not below --to {:?}: the rate climbs from the one to the other",
                self.from, self.to
            );
            return Err(clap::Error::raw(ErrorKind::ValueValidation, text).into());
        }
        let metadata = self.settings.metadata(1, self.from, Schedule::default())?;
        check_size(&metadata.layers, metadata.training.batch_size, TRAIN_BYTES)?;
        if let Some(path) = &self.svg {
            let kind = Kind {
                flag: "--svg",
                what: "a picture",
                begin: b"<svg",
            };
            kind.check_writable(path, self.force)?;
        }
        let data = self.data.load()?;
        let (train, _) = data.train.split_last(metadata.training.valid)?;
        let settings = metadata.settings();
        let mut init = generator(settings.seed, Purpose::Init);
        let network = metadata
            .architecture()
            .init(metadata.training.init, &mut init);
        let loss = metadata.loss.build::<f32>();
        let plan = Plan {
            rates: self.from..self.to,
            steps: self.steps as usize,
        };
        let bar = progress_bar(
            self.steps.into(),
            "learning rate {msg} {wide_bar} {pos}/{len} steps",
        );
        let team = Team::new(self.threads.count());
        let test = range_test(
            network,
            &*loss,
            &train,
            &settings,
            &plan,
            team,
            &mut |point| {
                bar.inc(1);
                bar.set_message(format!("{:.1e}, loss {:.3}", point.rate, point.loss));
                match interrupt::asked() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            },
        )?;
        bar.finish_and_clear();
        if test.end == End::Stopped {
            return Err(Interrupted("stopped before the end, nothing was found".into()).into());
        }
        let found = Found::new(test);
        if let Some(path) = &self.svg {
            let picture = plot::rates(&found.test, found.suggestion).svg();
            atomic_file::write::<io::Error>(path, |file| file.write_all(picture.as_bytes()))
                .with_context(|| format!("{}: the picture could not be saved", path.display()))?;
        }
        match self.json {
            true => found.print_json(out)?,
            false => found.print(out)?,
        }
        out.flush()?;
        if let Some(suggestion) = found.suggestion {
            let args = std::env::args_os().skip(1);
            let flags = flags_for_train(args.map(|arg| arg.to_string_lossy().into_owned()));
            next_step(format_args!("mlp train{flags} --lr {suggestion:?}"));
        }
        Ok(Outcome::Done)
    }
}

/// The flags of this command that `mlp train` takes too, as they were given, each after a space.
fn flags_for_train(args: impl Iterator<Item = String>) -> String {
    let mut flags = String::new();
    let mut args = args.filter(|arg| arg != "lr-find");
    while let Some(arg) = args.next() {
        match &arg[..] {
            "--json" | "--force" => {}
            "--from" | "--to" | "--steps" | "--svg" => drop(args.next()),
            _ if ["--from=", "--to=", "--steps=", "--svg="]
                .iter()
                .any(|flag| arg.starts_with(flag)) => {}
            _ => flags += &format!(" {}", shell_quote(Path::new(&arg))),
        }
    }
    flags
}

/// A range test and what follows from it.
struct Found {
    test: RangeTest,
    steepest: Option<f32>,
    lowest: Option<f32>,
    suggestion: Option<f32>,
}

impl Found {
    fn new(test: RangeTest) -> Self {
        let rate_at = |step: usize| test.points[step].rate;
        Self {
            steepest: test.steepest().map(rate_at),
            lowest: test.lowest().map(rate_at),
            suggestion: test.suggestion(),
            test,
        }
    }

    fn print_json(&self, out: &mut Output) -> anyhow::Result<()> {
        let points = self.test.points.iter().zip(&self.test.smooth);
        let points: Vec<_> = points
            .map(|(point, smooth)| json!({ "rate": point.rate, "loss": point.loss, "smooth": smooth }))
            .collect();
        let object = json!({
            "suggestion": self.suggestion,
            "steepest": self.steepest,
            "lowest": self.lowest,
            "diverged": self.test.end == End::Diverged,
            "points": points,
        });
        writeln!(out, "{object}")?;
        Ok(())
    }

    fn print(&self, out: &mut Output) -> anyhow::Result<()> {
        if let Some(chart) = chart(&self.test) {
            writeln!(out, "{chart}")?;
        }
        if let Some(last) = self.test.points.last()
            && self.test.end == End::Diverged
        {
            writeln!(
                out,
                "ended at {:.1e}: the loss was {DIVERGED} times its lowest, or not finite",
                last.rate
            )?;
        }
        for (what, rate) in [("falls fastest", self.steepest), ("is lowest", self.lowest)] {
            if let Some(rate) = rate {
                writeln!(out, "loss {what:<14} at {rate:.1e}")?;
            }
        }
        match self.suggestion {
            Some(rate) => writeln!(out, "rate to try             {BOLD}{rate:?}{BOLD:#}")?,
            None => writeln!(
                out,
                "the loss never fell: try another --from and --to, or more --steps"
            )?,
        }
        Ok(())
    }
}

/// The smoothed loss against the rate, for a terminal.
fn chart(test: &RangeTest) -> Option<String> {
    let (first, last) = (test.points.first()?.rate, test.points.last()?.rate);
    let most = 1.2 * test.smooth[0];
    let points: Vec<_> = test
        .points
        .iter()
        .zip(&test.smooth)
        .map(|(point, smooth)| (point.rate.log10(), smooth.min(most) as f32))
        .collect();
    let rate = |x: f32| format!("{:.0e}", 10_f32.powf(x));
    let mut chart = Chart::new(130, 50, first.log10(), last.log10());
    let line = Shape::Lines(&points);
    let chart = chart
        .lineplot(&line)
        .x_label_format(LabelFormat::Custom(Box::new(rate)))
        .y_label_format(LabelFormat::Custom(Box::new(|y| format!("{y:.2}"))));
    chart.borders();
    chart.figures();
    Some(chart.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn train_is_given_the_flags_that_it_takes() {
        let line =
            "lr-find --hidden 300,100 --from=1e-3 --to 3 --json --loss mse --svg a.svg --seed 2";
        let flags = flags_for_train(line.split(' ').map(String::from));
        assert_eq!(flags, " --hidden 300,100 --loss mse --seed 2");
    }
}
