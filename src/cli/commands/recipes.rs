//! `mlp recipes`: published results, and the flags that lead to them.

use std::io::Write;

use mlp::train::recipes::{RECIPES, Recipe, Run, median};
use serde_json::json;

use crate::cli::{
    args::recipe::recipe_parser,
    terminal::{
        Outcome,
        output::{BOLD, DIM, Output, next_step},
        shell::train_command,
    },
};

/// List the recipes for published results
///
/// A recipe stands for flags of mlp train; any flag beside it takes the place of its own.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp recipes                           all of them
  mlp recipes lesson                    one
  mlp train --recipe lesson             train by it
  mlp train --recipe lesson --epochs 5  with other flags
  mlp recipes --json | jq .flags   for a program to read")]
pub struct Recipes {
    /// Show this one only
    #[arg(value_parser = recipe_parser(), hide_possible_values = true)]
    name: Option<String>,

    /// Print a JSON object for each, one a line
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Print the table of published and measured errors as Markdown
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    markdown: bool,
}

impl Recipes {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let asked = |recipe: &Recipe| self.name.as_deref().is_none_or(|name| name == recipe.name);
        let recipes = Vec::from_iter(RECIPES.into_iter().filter(asked));
        if self.json {
            let recipe = |recipe: &Recipe| {
                json!({
                    "name": recipe.name, "source": recipe.source,
                    "published_percent": recipe.published, "published_error": published(recipe),
                    "flags": recipe.words().collect::<Vec<_>>(),
                    "members": recipe.members,
                    "measured": recipe.measured().iter().map(|run| json!({
                        "seed": run.seed, "accuracy": run.accuracy(),
                        "accuracy_interval_95": run.accuracy_interval(), "process_seconds": run.seconds,
                    })).collect::<Vec<_>>(),
                })
            };
            for one in &recipes {
                out.json(recipe(one))?;
            }
        } else if self.markdown {
            writeln!(
                out,
                "| recipe | published test error % | ours %, median (all seeds) | 95 % interval | seconds |"
            )?;
            writeln!(out, "|---|--:|---|---|--:|")?;
            for recipe in &recipes {
                markdown(recipe, out)?;
            }
        } else {
            for recipe in &recipes {
                writeln!(
                    out,
                    "{BOLD}{}{BOLD:#}\n    {}\n    {DIM}published error %{DIM:#}  {}\n    {DIM}measured error %{DIM:#}   {}\n    {DIM}mlp train{DIM:#} {}",
                    recipe.name,
                    recipe.source,
                    recipe.published,
                    measured(recipe),
                    flags(*recipe),
                )?;
                if recipe.members > 1 {
                    writeln!(
                        out,
                        "    {DIM}a committee{DIM:#}: train {} of them, with --seed 1 to {0}, then mlp eval all the models",
                        recipe.members
                    )?;
                }
            }
        }
        out.flush()?;
        next_step(train_command(&format!(" --recipe {}", recipes[0].name)));
        Ok(Outcome::Done)
    }
}

/// In words, what came of a recipe here.
fn measured(recipe: &Recipe) -> String {
    let runs = recipe.measured();
    let Some(run) = median(&runs) else {
        return "not run yet: scripts/reproduce.sh".into();
    };
    let (low, high) = run.interval();
    let (seeds, plural) = (runs.len(), if runs.len() == 1 { "" } else { "s" });
    format!(
        "{:.2}, 95 % interval {low:.2} to {high:.2}; median of {seeds} seed{plural}, {}",
        run.error(),
        seconds(run)
    )
}

/// A row of the table.
fn markdown(recipe: &Recipe, out: &mut Output) -> anyhow::Result<()> {
    let runs = recipe.measured();
    let name = match recipe.members {
        1 => recipe.name.to_string(),
        members => format!("{}, {members} networks", recipe.name),
    };
    let Some(run) = median(&runs) else {
        let published = recipe.published;
        return Ok(writeln!(out, "| {name} | {published} | not run yet | | |")?);
    };
    let (low, high) = run.interval();
    let errors: Vec<_> = runs
        .iter()
        .map(|run| format!("{:.2}", run.error()))
        .collect();
    writeln!(
        out,
        "| {name} | {} | {:.2} ({}) | {low:.2} to {high:.2} | {} |",
        recipe.published,
        run.error(),
        errors.join(", "),
        seconds(run),
    )?;
    Ok(())
}

fn seconds(run: &Run) -> String {
    match run.seconds < 10.0 {
        true => format!("{:.1} s", run.seconds),
        false => format!("{:.0} s", run.seconds),
    }
}

/// The published error as a share of all images, where it is one number.
fn published(recipe: &Recipe) -> Option<f64> {
    let percent: f64 = recipe.published.parse().ok()?;
    // In hundredths of a per cent, so that 1.53 % is 0.0153 to the last digit.
    Some((100.0 * percent).round() / 10_000.0)
}

fn flags(recipe: Recipe) -> String {
    recipe.words().collect::<Vec<_>>().join(" ")
}
