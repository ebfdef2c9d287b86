//! `mlp lr-find`: a learning rate to begin with.

use std::{
    io::Write,
    ops::{ControlFlow, Range, RangeInclusive},
    path::PathBuf,
};

use mlp::{
    files::model::Metadata,
    picture::plot,
    train::{
        lr_find::{Advice, DIVERGED, End, Plan, RangeTest, range_test},
        optim::Optimizer,
        schedule::Schedule,
    },
};
use serde_json::json;
use textplots::{Chart, LabelBuilder, LabelFormat, Plot, Shape};

use crate::cli::{
    args::{
        Usage,
        common::{JsonArg, ThreadArgs},
        data::DataArgs,
        given::Given,
        memory::{self, check_size},
        number,
        settings::{Facts, SettingsArgs},
    },
    terminal::{
        Outcome,
        interrupt::{self, Interrupted},
        output::{BOLD, Output, named, next_step, note},
        own_file::{self, Kind},
        progress::progress_bar,
        shell::train_command,
    },
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
  mlp lr-find                                        for what mlp train trains
  mlp lr-find --hidden 512,512 --batch-size 128      for another network
  mlp lr-find --momentum 0.9 --augment ciresan2010   as it will be trained
  mlp lr-find --svg rates.svg                        a picture of it
  mlp lr-find --json | jq .suggestion                for a program to read

The test takes one step a rate, on one batch each: a hint, not the best rate.
Try it, half and twice of it: mlp sweep compares them.")]
pub struct LrFind {
    #[command(flatten)]
    given: Given,

    #[command(flatten)]
    settings: SettingsArgs,

    /// The first learning rate [default: 1e-4, or 1e-6 with adam and adamw]
    #[arg(long, value_name = "RATE", value_parser = number::learning_rate::<f32>, help_heading = "Range")]
    from: Option<f32>,

    /// The last one [default: 10, or 1 with adam and adamw]
    #[arg(long, value_name = "RATE", value_parser = number::learning_rate::<f32>, help_heading = "Range")]
    to: Option<f32>,

    /// Steps from the first to the last
    #[arg(long, value_name = "N", default_value_t = 500, help_heading = "Range",
          value_parser = number::whole(10..=100_000_u32))]
    steps: u32,

    /// Where to save a picture
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    svg: Option<PathBuf>,

    /// Replace the file at --svg even if it is no picture
    #[arg(long, help_heading = "Output")]
    force: bool,

    #[command(flatten)]
    json: JsonArg,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

/// Far beyond any rate that trains, and no step between two of them leaves the range of `f32`.
const TESTED: RangeInclusive<f32> = 1e-10..=1e10;

const KIND: Kind = Kind {
    flag: "--svg",
    example: "rates.svg",
    what: "picture",
    is_one: |path| own_file::begins(path, b"<svg"),
};

impl LrFind {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let Range { start, end } = self.rates()?;
        if start >= end {
            return Err(Usage(format!(
                "--from {start:?} is not below --to {end:?}: the rate climbs from the one to the other"
            ))
            .into());
        }
        for (flag, rate) in [("--from", start), ("--to", end)] {
            if !TESTED.contains(&rate) {
                return Err(Usage(format!(
                    "{flag} {rate:e}: the test climbs from {:e} at the least to {:e} at the most",
                    TESTED.start(),
                    TESTED.end()
                ))
                .into());
            }
        }
        // Wrong usage comes before anything is read.
        let schedule = Schedule::default();
        self.settings
            .metadata(&Facts::assumed(), 1, start, schedule)?;
        if let Some(path) = &self.svg {
            KIND.check_writable(path, self.force)?;
        }
        let data = self.data.load()?;
        let facts = Facts::from(&data);
        let metadata = self.metadata(&facts)?;
        self.settings.notes(&facts).iter().for_each(note);
        let settings = &metadata.training.settings;
        let [train, ..] = settings.split(data)?;
        let train = metadata.relabelled(train);
        let network = metadata.first_network();
        let loss = metadata.loss.build::<f32>();
        let plan = Plan {
            rates: start..end,
            steps: self.steps as usize,
        };
        let bar = progress_bar(
            self.steps.into(),
            "learning rate {msg} {wide_bar} {pos}/{len} steps",
        );
        let team = self.threads.team();
        let test = range_test(
            network,
            &*loss,
            (&train, metadata.preprocessing),
            settings,
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
        match self.json.json {
            true => print_json(&test, out)?,
            false => print(&test, out)?,
        }
        if let Some(path) = &self.svg {
            KIND.save(path, plot::rates(&test).svg().as_bytes())?;
            if !self.json.json {
                writeln!(out, "saved {BOLD}{}{BOLD:#}", named(path))?;
            }
        }
        out.flush()?;
        let Advice::Try(rate) = test.advice() else {
            return Ok(Outcome::Failed);
        };
        if let Some(flags) = self.flags_for_train() {
            next_step(train_command(&format!("{flags} --lr {rate:?}")));
        }
        Ok(Outcome::Done)
    }

    /// The first and the last rate, or wrong usage.
    fn rates(&self) -> Result<Range<f32>, Usage> {
        let usual = match self.settings.optimizer()? {
            Optimizer::Sgd => 1e-4..10.0,
            Optimizer::Adam(_) | Optimizer::AdamW(_) => 1e-6..1.0,
        };
        Ok(self.from.unwrap_or(usual.start)..self.to.unwrap_or(usual.end))
    }

    /// What is to be trained, where it fits the memory.
    fn metadata(&self, data: &Facts) -> anyhow::Result<Metadata> {
        let schedule = Schedule::default();
        let metadata = self
            .settings
            .metadata(data, 1, self.rates()?.start, schedule)?;
        check_size(
            &metadata.architecture.layers,
            metadata.training.settings.batch_size,
            memory::training(&metadata.training.settings),
        )?;
        Ok(metadata)
    }

    /// The flags that `mlp train` takes too, as they were given; none if one is no text.
    fn flags_for_train(&self) -> Option<String> {
        let settings = self.given.flags_of::<SettingsArgs>()?;
        let data = self.given.flags_of::<DataArgs>()?;
        let threads = self.given.flags_of::<ThreadArgs>()?;
        Some(settings + &data + &threads)
    }
}

/// A rate as it is written shortest: as an `f64`, 0.1 would become 0.10000000149.
fn shortest(rate: f32) -> f64 {
    format!("{rate:?}").parse().expect("a number just written")
}

fn print_json(test: &RangeTest, out: &mut Output) -> anyhow::Result<()> {
    let rate = |step: usize| shortest(test.points[step].rate);
    let points = test.points.iter().zip(&test.smooth);
    let points: Vec<_> = points
        .map(|(point, smooth)| {
            let rate = shortest(point.rate);
            json!({ "learning_rate": rate, "loss": point.loss, "smooth": smooth })
        })
        .collect();
    let (suggestion, why) = match test.advice() {
        Advice::Try(rate) => (Some(shortest(rate)), None),
        Advice::NeverFell => (None, Some("never fell")),
        Advice::StillFalls => (None, Some("still falls")),
    };
    let object = json!({
        "suggestion": suggestion,
        "no_suggestion": why,
        "steepest": test.steepest().map(rate),
        "lowest": test.lowest().map(rate),
        "diverged": test.end == End::Diverged,
        "tested": points,
    });
    Ok(out.json(object)?)
}

fn print(test: &RangeTest, out: &mut Output) -> anyhow::Result<()> {
    let rate = |step: usize| test.points[step].rate;
    if let Some(chart) = chart(test) {
        writeln!(out, "{chart}")?;
    }
    if let Some(last) = test.points.last()
        && test.end == End::Diverged
    {
        writeln!(
            out,
            "ended at {:.1e}: the loss was {DIVERGED} times its lowest, or not finite",
            last.rate
        )?;
    }
    match test.advice() {
        Advice::Try(suggestion) => {
            let found = [
                ("falls fastest", test.steepest()),
                ("is lowest", test.lowest()),
            ];
            for (what, step) in found {
                if let Some(step) = step {
                    writeln!(out, "loss {what:<14} at {:.1e}", rate(step))?;
                }
            }
            writeln!(out, "rate to try             {BOLD}{suggestion:?}{BOLD:#}")?;
        }
        Advice::NeverFell => writeln!(
            out,
            "the loss did not fall by a tenth: try a smaller --from, a larger --to, or more --steps"
        )?,
        Advice::StillFalls => writeln!(
            out,
            "the loss still falls at the last rate: try a larger --to"
        )?,
    }
    Ok(())
}

/// The smoothed loss against the rate, for a terminal.
fn chart(test: &RangeTest) -> Option<String> {
    let (first, last) = (test.points.first()?.rate, test.points.last()?.rate);
    let most = 1.1 * test.ceiling();
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
        let given = |line: &str| {
            let words = ["mlp", "--color", "never", "lr-find"].into_iter();
            let words = words.chain(line.split(' ')).map(Into::into).collect();
            let matches = crate::cli::parse(words).unwrap();
            let (_, found) = matches.subcommand().unwrap();
            let found = <LrFind as clap::FromArgMatches>::from_arg_matches(found).unwrap();
            found.flags_for_train().unwrap()
        };
        let line = "--hidden 300,100 --from=1e-3 --to 3 --json --loss=mse --svg lr-find --seed 2 --deslant";
        let flags = " --hidden 300,100 --deslant --loss mse --seed 2";
        assert_eq!(given(line), flags);
        assert_eq!(given("--data-dir lr-find"), " --data-dir lr-find");
        let line = "--threads 2 --mirror http://a/b --mirror http://c/d";
        let flags = " --mirror http://a/b --mirror http://c/d --threads 2";
        assert_eq!(given(line), flags);
    }
}
