//! `mlp sweep`: which settings are best on the validation images

mod grid;
mod runs;
mod summary;

use std::{collections::HashMap, io::Write, mem, path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use mlp::{
    data::Dataset,
    files::sweep::{Record, RunLine, SweepError, fits_in_a_line, run_sha256},
};
use serde_json::json;

use crate::cli::{
    args::{
        Usage,
        available::{available, threads_that_fit},
        common::{JsonArg, ThreadArgs},
        data::DataArgs,
        memory::{self, check_size},
        number,
        settings::Facts,
    },
    terminal::{
        Outcome,
        describe::layers_text,
        interrupt::{self, Interrupted},
        output::{BOLD, Output, named, named_line, next_step, note, percent, thousands},
        own_file::check_name,
        progress::progress_bar,
        shell::{shell_quote, train_command},
    },
};

use grid::{Configuration, Grid, LEFT_OUT};
use runs::{Divided, Done, Job, run_all};
use summary::{Found, Summary};

/// Train with several settings and compare them
///
/// Every combination of the lists is trained with several seeds, as mlp train does it; runs go side by side, one thread
/// each. The test images are not used. A finished run is a line in the file of --out, and the same command does not
/// repeat it: it goes on where it was stopped, by Ctrl-C or otherwise. With --hidden, 50,100 is two networks; a dash joins
/// the layers of one, as in 500-150.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp sweep --lr 0.03,0.1 --hidden 50,100 --seeds 3 --minutes 5
  mlp sweep --hidden none,50,500-150       three networks, the last with two
  mlp sweep --activation relu,tanh --batch-size 16,64 --epochs 5
  mlp sweep --optimizer sgd,adam           each at its own default rate
  mlp sweep --momentum 0,0.9 --schedule cosine --lr 0.01,0.03,0.1
  mlp sweep --seeds 10                     how far apart are runs of the same?
  mlp sweep --lr 0.03,0.1 --json | jq .winner

All other flags are those of mlp train, and hold for every run.")]
pub struct Sweep {
    #[command(flatten)]
    grid: Grid,

    /// Runs of each configuration, with one seed after the other
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Sweep",
          value_parser = number::whole(1..=MOST as u32))]
    seeds: u32,

    /// Begin no further run after so many minutes; those that have begun come to their end
    #[arg(long, value_name = "MINUTES", help_heading = "Sweep", value_parser = number::minutes)]
    minutes: Option<f64>,

    /// Where finished runs are kept: a line of JSON each, of any number of sweeps
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = "sweep.jsonl",
        help_heading = "Output"
    )]
    out: PathBuf,

    #[command(flatten)]
    json: JsonArg,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

/// The most runs of a sweep.
const MOST: usize = 10_000;

/// All that the runs need, and what is known of them.
struct Prepared {
    configurations: Vec<Configuration>,
    /// Every run, a seed after the other, so that each configuration has a run before any has two.
    jobs: Vec<Job>,
    images: Divided,
    /// Images to train on, and to validate.
    counts: (usize, usize),
    /// The share of the validation images that the most frequent class has.
    guessing: f64,
    official: bool,
    folder: PathBuf,
    /// Runs at a time.
    threads: usize,
    /// The widths of all networks, each once.
    networks: Vec<Vec<usize>>,
    epochs: usize,
    facts: Facts,
    data_sha256: String,
}

impl Sweep {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        self.check_number()?;
        let configurations = self.grid.configurations()?;
        for configuration in &configurations {
            check_length(&configuration.flags)?;
            let metadata = configuration.metadata(&Facts::assumed(), 1)?;
            if metadata.training.settings.valid == 0 {
                let text = "a sweep compares on the validation images: leave out --valid 0";
                return Err(Usage::from(text).into());
            }
        }
        check_name(&self.out).map_err(|why| Usage(format!("--out {}: {why}", named(&self.out))))?;
        let mut prepared = self.prepare(configurations)?;
        let mut record = Record::open(&self.out)?;
        let all = prepared.jobs.len();
        let mut lines = self.take_finished(&mut prepared, &record)?;
        if !self.json.json {
            self.print_start(&prepared, lines.len(), out)?;
        }
        let done = self.train(&prepared, &mut record)?;
        lines.extend(done.lines);
        let (epochs, valid) = (prepared.epochs, prepared.counts.1);
        let summary = self.summary(prepared.configurations, lines, (epochs, valid))?;
        let known = (all, prepared.counts, prepared.guessing);
        self.conclude(&summary, known, done.failed, out)
    }

    /// Whether so many runs may be meant.
    fn check_number(&self) -> Result<(), Usage> {
        let runs = self.grid.size()?.saturating_mul(self.seeds as usize);
        match runs <= MOST {
            true => Ok(()),
            false => Err(Usage(format!(
                "{} runs, expected at most {}: choose fewer values, or fewer --seeds",
                thousands(runs as u64),
                thousands(MOST as u64)
            ))),
        }
    }

    fn seeds(&self) -> Vec<u64> {
        let first = self.grid.first_seed();
        (0..u64::from(self.seeds))
            .map(|n| first.wrapping_add(n))
            .collect()
    }

    /// Loads the data, and makes a job of every run.
    fn prepare(&self, configurations: Vec<Configuration>) -> anyhow::Result<Prepared> {
        let data = self.data.load()?;
        let (facts, checksum, official) =
            (Facts::from(&data), data.checksum.clone(), data.official);
        let mut notes: Vec<_> = configurations
            .iter()
            .flat_map(|c| c.notes(&facts))
            .collect();
        notes.sort();
        notes.dedup();
        notes.iter().for_each(note);
        let (mut jobs, mut networks, mut largest) = (Vec::new(), Vec::new(), 1);
        for (s, seed) in self.seeds().into_iter().enumerate() {
            for (c, configuration) in configurations.iter().enumerate() {
                let mut metadata = configuration.metadata(&facts, seed)?;
                metadata.training.data_sha256.clone_from(&checksum);
                if metadata.training.settings.valid == 0 {
                    return Err(Usage(format!(
                        "a sweep compares on the validation images, and of {} images none are held out by default: \
                         say how many with --valid",
                        facts.images
                    ))
                    .into());
                }
                if s == 0 {
                    let layers = &metadata.architecture.layers;
                    let batch = metadata.training.settings.batch_size;
                    let bytes = memory::training(&metadata.training.settings);
                    check_size(layers, batch, bytes)?;
                    largest = largest.max(memory::needed(layers, batch, bytes));
                    if !networks.contains(layers) {
                        networks.push(layers.clone());
                    }
                }
                jobs.push(Job {
                    place: (c, s),
                    run_sha256: run_sha256(&metadata),
                    flags: configuration.flags.clone(),
                    metadata,
                    steps: 0, // known when the images are divided
                });
            }
        }
        let metadata = jobs[0].metadata.clone();
        let images = Divided::new(data, &metadata)?;
        let [train, valid] = &*images.of(&metadata)?;
        let counts = (train.len(), valid.len());
        let guessing = self.guessing(valid)?;
        for job in &mut jobs {
            let settings = &job.metadata.training.settings;
            job.steps = (settings.epochs * counts.0.div_ceil(settings.batch_size)) as u64;
        }
        Ok(Prepared {
            configurations,
            jobs,
            counts,
            guessing,
            images,
            official,
            folder: self.data.dir.path(),
            threads: self.threads_for(largest),
            networks,
            epochs: metadata.training.settings.epochs,
            facts,
            data_sha256: checksum,
        })
    }

    /// The share of the most frequent class; an error if there is no other, so that nothing can be compared.
    fn guessing(&self, valid: &Dataset) -> anyhow::Result<f64> {
        let counts = valid.histogram();
        let (class, &most) = counts
            .iter()
            .enumerate()
            .max_by_key(|(_, count)| **count)
            .context("a data set has classes")?;
        ensure!(
            most < valid.len(),
            "{}: {} to validate, all of class {}: whatever always says {} is right there, so nothing can be \
             compared: hold out others, with --valid-random or a larger --valid",
            self.data.dir.path().display(),
            several(valid.len(), "image"),
            valid.spec.class(class as u8),
            valid.spec.class(class as u8),
        );
        Ok(most as f64 / valid.len() as f64)
    }

    /// How many runs go side by side, of which the largest takes so many bytes.
    fn threads_for(&self, largest: u64) -> usize {
        let asked = self.threads.count();
        let in_memory = usize::try_from(available().bytes / largest).unwrap_or(usize::MAX);
        let threads = asked.min(threads_that_fit()).min(in_memory).max(1);
        if threads < asked && in_memory < asked {
            note(format_args!(
                "{threads} runs at a time, not {asked}: the memory holds no more; the results are the same"
            ));
        }
        threads
    }

    /// Takes the runs that are in the record out of the jobs.
    fn take_finished(&self, prepared: &mut Prepared, record: &Record) -> anyhow::Result<Vec<Line>> {
        let (mut lines, mut left) = (Vec::new(), Vec::new());
        for job in mem::take(&mut prepared.jobs) {
            match record.get(&job.run_sha256) {
                None => left.push(job),
                Some(line) => {
                    if let Some(fault) = contradiction(&job, line, prepared) {
                        return Err(record.contradiction(&job.run_sha256, fault).into());
                    }
                    lines.push((job.place, line.clone()));
                }
            }
        }
        prepared.jobs = left;
        Ok(lines)
    }

    fn train(&self, prepared: &Prepared, record: &mut Record) -> anyhow::Result<Done> {
        interrupt::last_words(&format!(
            "the runs that were finished are kept in {}",
            self.out.display()
        ));
        let bar = progress_bar(
            prepared.jobs.iter().map(|job| job.steps).sum(),
            "{bar:20} {percent:>3} %  {msg}  {eta} to go",
        );
        let time = self
            .minutes
            .map(|minutes| Duration::from_secs_f64(60.0 * minutes));
        let threads = (prepared.threads, time);
        run_all(&prepared.jobs, &prepared.images, record, threads, bar)
    }

    /// What has come of every configuration.
    fn summary(
        &self,
        configurations: Vec<Configuration>,
        lines: Vec<Line>,
        (epochs, valid): (usize, usize),
    ) -> anyhow::Result<Summary> {
        let seeds = self.seeds.try_into().unwrap_or(usize::MAX);
        let mut by_place: HashMap<_, _> = lines.into_iter().collect();
        let found = configurations.into_iter().enumerate();
        let found = found.map(|(c, configuration)| Found {
            runs: (0..seeds).map(|s| by_place.remove(&(c, s))).collect(),
            flags: configuration.flags,
            values: configuration.values,
        });
        Ok(Summary::new(
            found.collect(),
            self.grid.names()?,
            epochs,
            valid,
        ))
    }

    /// What there is to say before the first run.
    fn print_start(
        &self,
        prepared: &Prepared,
        there: usize,
        out: &mut Output,
    ) -> anyhow::Result<()> {
        let (train, valid) = prepared.counts;
        let count = |n: usize| thousands(n as u64);
        let data = match prepared.official {
            true => "official MNIST from ",
            false => "",
        };
        let text = format!(
            "{data}{}: {} images to train on, {} to validate",
            named(&prepared.folder),
            count(train),
            count(valid)
        );
        named_line(out, "data", &text)?;
        for (n, name) in self.grid.names()?.iter().enumerate() {
            let mut values: Vec<&str> = Vec::new();
            for configuration in &prepared.configurations {
                let value = &*configuration.values[n];
                if value != LEFT_OUT && !values.contains(&value) {
                    values.push(value);
                }
            }
            let between = if values.iter().any(|value| value.contains(',')) {
                "; "
            } else {
                ", "
            };
            named_line(
                out,
                "grid",
                &format!("--{name}: {BOLD}{}{BOLD:#}", values.join(between)),
            )?;
        }
        named_line(out, "networks", &networks(&prepared.networks))?;
        let configurations = prepared.configurations.len();
        let runs = configurations * self.seeds as usize;
        let text = format!(
            "{}, each with {} from {} on: {} of {}, {} at a time",
            several(configurations, "configuration"),
            several(self.seeds as usize, "seed"),
            self.grid.first_seed(),
            several(runs, "run"),
            several(prepared.epochs, "epoch"),
            prepared.threads,
        );
        named_line(out, "runs", &text)?;
        let there = match there {
            0 => String::new(),
            there => format!(", where {there} of them are already"),
        };
        named_line(out, "kept in", &format!("{}{there}", named(&self.out)))?;
        Ok(out.flush()?)
    }

    /// Says what was found, and what to type next.
    fn conclude(
        &self,
        summary: &Summary,
        (all, (train, valid), guessing): (usize, (usize, usize), f64),
        failed: Option<SweepError>,
        out: &mut Output,
    ) -> anyhow::Result<Outcome> {
        let finished = summary.finished();
        let best = summary.winner();
        // What has learned nothing is not recommended, even if all others are worse.
        let winner = best.filter(|best| best.mean() > Some(guessing));
        match self.json.json {
            true => out.json(json!({
                "train_images": train, "valid_images": valid, "seeds": self.seeds(),
                "runs": all, "runs_finished": finished, "record": self.out.display().to_string(),
                "configurations": summary.json(),
                "guessing": guessing, "winner": winner.map(|winner| &winner.flags),
            }))?,
            false if finished > 0 => summary.print(out)?,
            false => {}
        }
        out.flush()?;
        if let Some(error) = failed {
            return Err(error).context("the table is whole, but the record has a gap");
        }
        if interrupt::asked() {
            return Err(Interrupted(format!(
                "{finished} of {all} runs are finished, and kept in {}: the same command goes on",
                self.out.display()
            ))
            .into());
        }
        if finished < all {
            note(format_args!(
                "the time of --minutes is up, and {} of {all} runs have not begun: the same command goes on with them",
                all - finished
            ));
        }
        let Some(winner) = winner else {
            note(match best.and_then(Found::mean) {
                Some(mean) => format!(
                    "no better than guessing: the best configuration has {} of the validation images right, and always \
                     saying their most frequent class gets {}; there is none to choose: try other rates, such as \
                     --lr 0.03,0.1, or more --epochs",
                    percent(mean),
                    percent(guessing)
                ),
                None if finished == 0 => "no run has begun, so there is none to choose".to_owned(),
                None => "every configuration has a run that diverged, so there is none to choose"
                    .to_owned(),
            });
            return Ok(Outcome::Failed);
        };
        let flags = winner
            .flags
            .iter()
            .map(|word| match word.starts_with("--") {
                true => format!(" {word}"),
                false => format!(" {}", shell_quote(word.as_ref())),
            });
        let seed = match self.grid.first_seed() {
            1 => String::new(),
            seed => format!(" --seed {seed}"),
        };
        if let Some(data) = self.grid.given().flags_of::<DataArgs>() {
            next_step(train_command(&(flags.collect::<String>() + &seed + &data)));
        }
        Ok(Outcome::Done)
    }
}

/// Every run is to be a line that can be read again.
fn check_length(flags: &[String]) -> Result<(), Usage> {
    match fits_in_a_line(flags) {
        true => Ok(()),
        false => Err(Usage(format!(
            "{} …: a configuration of {} characters is too long for a line of --out: write shorter values",
            flags.first().map_or("", String::as_str),
            thousands(flags.iter().map(|flag| flag.chars().count() as u64).sum())
        ))),
    }
}

/// What a line says that is not so of the run that has its hash, if anything.
fn contradiction(job: &Job, line: &RunLine, prepared: &Prepared) -> Option<String> {
    let settings = &job.metadata.training.settings;
    let (seed, most) = (settings.seed, settings.epochs);
    let may_end_early = settings.patience.is_some() || settings.target_accuracy.is_some();
    let fewest = match line.fault {
        None if !may_end_early => most,
        _ => 0, // where it did not come to an end, or had not to
    };
    // Flags may say the same in other words, such as 0.10 for 0.1.
    let is_same = || {
        let read = Configuration::from_flags(&line.flags).ok();
        let metadata = read.and_then(|read| read.metadata(&prepared.facts, seed).ok());
        metadata.is_some_and(|mut metadata| {
            metadata
                .training
                .data_sha256
                .clone_from(&prepared.data_sha256);
            run_sha256(&metadata) == job.run_sha256
        })
    };
    let said = |what: &str, found: &str, expected: &str| {
        Some(format!(
            "{what} {found}, expected {expected} by its run_sha256"
        ))
    };
    if line.seed != seed {
        said("seed", &line.seed.to_string(), &seed.to_string())
    } else if !(fewest..=most).contains(&line.epochs) {
        said("epochs", &line.epochs.to_string(), &most.to_string())
    } else if line.flags != job.flags && !is_same() {
        let words = |flags: &[String]| format!("{:?}", flags.join(" "));
        said("flags", &words(&line.flags), &words(&job.flags))
    } else {
        None
    }
}

/// A run that is finished, and its place.
type Line = ((usize, usize), RunLine);

/// `784-50-10, 784-100-10`, and how many more there are.
fn networks(networks: &[Vec<usize>]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<_> = networks
        .iter()
        .take(SHOWN)
        .map(|n| layers_text(n))
        .collect();
    match networks.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{}, … {more} more", shown.join(", ")),
    }
}

/// `1 run`, `12 runs`
fn several(n: usize, what: &str) -> String {
    format!(
        "{} {what}{}",
        thousands(n as u64),
        if n == 1 { "" } else { "s" }
    )
}
