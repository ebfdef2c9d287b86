//! `mlp bench`: how fast this machine trains.

use std::{io::Write, time::Duration};

use anyhow::ensure;
use mlp::{
    data::Dataset,
    linalg::{self, team::Team},
    train::bench::{PHASES, Speed, Workload, peak_flops, phases, speed},
};
use serde_json::json;

use crate::cli::{
    args::{
        common::{JsonArg, team_of},
        data::DataArgs,
        hidden::Hidden,
        memory::{self, check_size},
        number,
    },
    terminal::{
        Outcome,
        describe::layers_text,
        interrupt,
        output::{BOLD, DIM, Output, next_step, thousands},
        progress::progress_bar,
    },
};

/// Measure how fast this machine trains
///
/// Trains networks on the 60,000 training images for a moment each and throws them away. GFLOP/s count
/// every multiply-add of the dense network; products that leave out black pixels do less, so the share of
/// the peak, which is measured first, can exceed 100 %.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp bench                                    three networks, 1 thread and all
  mlp bench --hidden 300,100 --batch-size 32   a network of your own
  mlp bench --phases                           and where the time of a step goes
  mlp bench --json | jq '.speeds[].images_per_second'

Measure on an idle machine; the median counts, but other programs slow it down
all the same.")]
pub struct Bench {
    /// Widths of the hidden layers of one network to measure, instead of W1, W2 and W3: 50, or 500,150, or none
    #[arg(long, value_name = "WIDTHS", help_heading = "Network")]
    hidden: Option<Hidden>,

    /// Images a step of that network [default: 64]
    #[arg(long, value_name = "N", requires = "hidden", value_parser = number::whole(1..=60_000_u32), help_heading = "Network")]
    batch_size: Option<u32>,

    /// Numbers of threads to measure with [default: 1 and one for each processor]
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = number::whole(1..=1024_u16), help_heading = "Measuring")]
    threads: Vec<u16>,

    /// Seconds to train each network with each number of threads, and to classify as long again
    #[arg(
        long,
        value_name = "S",
        default_value_t = 2.0,
        value_parser = number::seconds,
        help_heading = "Measuring"
    )]
    seconds: f64,

    /// Show where the time of a step goes, on one thread
    #[arg(long, help_heading = "Measuring")]
    phases: bool,

    #[command(flatten)]
    json: JsonArg,

    #[command(flatten)]
    data: DataArgs,
}

/// A workload measured with a number of threads.
struct Row {
    workload: Workload,
    threads: usize,
    speed: Speed,
    peak: f64,
}

impl Row {
    fn flops(&self) -> f64 {
        self.speed.train * self.workload.train_flops()
    }
}

/// MNIST's training images.
const EPOCH: f64 = 60_000.0;

impl Bench {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let workloads = match &self.hidden {
            None => Workload::standard().to_vec(),
            Some(Hidden(hidden)) => {
                let batch_size = self.batch_size.unwrap_or(64) as usize;
                vec![Workload::new("own", hidden, batch_size, 0.01)]
            }
        };
        let data = self.data.load()?.train;
        interrupt::release()?;
        let workloads: Vec<_> = workloads.into_iter().map(|w| w.with(&data.spec)).collect();
        for workload in &workloads {
            check_size(&workload.layers, workload.batch_size, memory::TRAINING)?;
            ensure!(
                workload.batch_size <= data.len(),
                "batches of {} images, and the data set has {}: choose --hidden with a smaller --batch-size",
                workload.batch_size,
                data.len()
            );
        }
        let rows = self.measure(&workloads, &data)?;
        let time = Duration::from_secs_f64(self.seconds);
        let parts: Vec<_> = match self.phases {
            true => workloads
                .iter()
                .map(|w| (w, phases(w, &data, time)))
                .collect(),
            false => Vec::new(),
        };
        match self.json.json {
            true => print_json(out, &rows, &parts)?,
            false => print_tables(out, &rows, &parts)?,
        }
        out.flush()?;
        if !self.phases {
            next_step("mlp bench --phases");
        }
        Ok(Outcome::Done)
    }

    fn measure(&self, workloads: &[Workload], data: &Dataset) -> anyhow::Result<Vec<Row>> {
        let mut threads: Vec<usize> = self.threads.iter().map(|&t| t.into()).collect();
        if threads.is_empty() {
            threads = vec![1, Team::processors()];
            threads.dedup();
        }
        let time = Duration::from_secs_f64(self.seconds);
        let bar = progress_bar(
            (workloads.len() * threads.len()) as u64,
            "{spinner} measuring {msg} {wide_bar} {pos}/{len}",
        );
        let mut rows = Vec::new();
        for &threads in &threads {
            // Fewer, where the system allows no more.
            let threads = team_of(threads).threads();
            bar.set_message("the peak");
            let peak = peak_flops(threads);
            for workload in workloads {
                bar.set_message(format!("{}, threads {threads}", workload.name));
                rows.push(Row {
                    workload: workload.clone(),
                    threads,
                    speed: speed(workload, data, threads, time)?,
                    peak,
                });
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        Ok(rows)
    }
}

/// Milliseconds below a second, or seconds.
fn seconds_text(seconds: f64) -> String {
    match seconds < 10.0 {
        true => format!("{seconds:.3}"),
        false => format!("{seconds:.1}"),
    }
}

fn print_tables(
    out: &mut Output,
    rows: &[Row],
    parts: &[(&Workload, [f64; PHASES.len()])],
) -> anyhow::Result<()> {
    writeln!(out, "kernels: {}", linalg::instructions())?;
    let mut threads = 0;
    for row in rows {
        let Row {
            workload,
            speed,
            peak,
            ..
        } = row;
        if row.threads != threads {
            threads = row.threads;
            writeln!(
                out,
                "\n{BOLD}threads {threads}{BOLD:#}: peak {:.0} GFLOP/s\n\
                 {DIM}{:>30}  {:>9}  {:>10}  {:>8}  {:>7}  {:>11}{DIM:#}",
                peak / 1e9,
                "",
                "s/epoch",
                "images/s",
                "GFLOP/s",
                "of peak",
                "eval img/s"
            )?;
        }
        writeln!(
            out,
            "{:>30}  {:>9}  {:>10}  {:>8.1}  {:>5.0} %  {:>11}",
            format!("{}, batch {}", short(&workload.layers), workload.batch_size),
            seconds_text(EPOCH / speed.train),
            thousands(speed.train as u64),
            row.flops() / 1e9,
            100.0 * row.flops() / peak,
            thousands(speed.evaluate as u64),
        )?;
    }
    for (workload, seconds) in parts {
        let all: f64 = seconds.iter().sum();
        writeln!(
            out,
            "\n{BOLD}a step of {}, batch {}{BOLD:#}, one thread: {:.0} µs",
            layers_text(&workload.layers),
            workload.batch_size,
            all * 1e6
        )?;
        for (phase, seconds) in PHASES.iter().zip(seconds) {
            let share = 100.0 * seconds / all;
            writeln!(
                out,
                "  {phase:<28}{:>10.1} µs  {share:>4.1} %",
                seconds * 1e6
            )?;
        }
    }
    Ok(())
}

/// The layers, with the middle left out where they are many.
fn short(layers: &[usize]) -> String {
    let text = layers_text(layers);
    match layers {
        [first, second, .., last] if text.len() > 20 => {
            format!("{first}-{second}-…-{last}")
        }
        _ => text,
    }
}

fn print_json(
    out: &mut Output,
    rows: &[Row],
    parts: &[(&Workload, [f64; PHASES.len()])],
) -> anyhow::Result<()> {
    let speeds: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "workload": row.workload.name, "layers": row.workload.layers,
                "batch_size": row.workload.batch_size, "threads": row.threads,
                "images_per_second": row.speed.train, "seconds_per_epoch": EPOCH / row.speed.train,
                "flops_per_second": row.flops(), "peak_flops_per_second": row.peak,
                "share_of_peak": row.flops() / row.peak,
                "eval_images_per_second": row.speed.evaluate,
            })
        })
        .collect();
    let parts: Vec<_> = parts
        .iter()
        .map(|(workload, seconds)| {
            let phases = PHASES.iter().zip(seconds);
            let phases: Vec<_> = phases
                .map(|(phase, seconds)| json!({ "phase": phase, "seconds": seconds }))
                .collect();
            json!({ "workload": workload.name, "layers": workload.layers, "parts": phases })
        })
        .collect();
    let object = json!({
        "kernels": linalg::instructions(), "speeds": speeds, "phases": parts,
    });
    Ok(out.json(object)?)
}
