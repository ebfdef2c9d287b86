//! `--recipe`: flags that a name stands for.

use clap::{ArgMatches, Command, builder::PossibleValuesParser};
use mlp::train::recipes::{RECIPES, Recipe};

use crate::cli::args::{Usage, given::Given};

/// The names of the recipes.
pub fn recipe_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(RECIPES.map(|recipe| recipe.name))
}

/// The parser with the flags of the recipe that was asked for as defaults, so that any flag beside it takes
/// the place of its own; none if no recipe was asked for.
pub fn with_recipe(parser: Command, matches: &ArgMatches) -> Option<Command> {
    let train = matches.subcommand_matches("train")?;
    let recipe = Recipe::find(train.get_one::<String>("recipe")?)?;
    Some(parser.mut_subcommand("train", |train| {
        flags(recipe).fold(train, |train, (name, value)| {
            let same = |arg: &&clap::Arg| arg.get_long() == Some(name);
            let id = train.get_arguments().find(same).map(|arg| arg.get_id());
            let id = id.expect("recipes are tested").clone();
            train.mut_arg(id, |arg| arg.default_value(value.unwrap_or("true")))
        })
    }))
}

/// Every flag of a recipe without its dashes, with its value if it takes one.
fn flags(recipe: Recipe) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let mut words = recipe.words().peekable();
    std::iter::from_fn(move || {
        let name = words.next()?.trim_start_matches("--");
        let value = words.next_if(|word| !word.starts_with("--"));
        Some((name, value))
    })
}

/// What is wrong with the flags together, and which of them nobody has typed: they came with the recipe.
pub fn blame_recipe(usage: Usage, recipe: &str, given: &Given) -> Usage {
    let Usage(mut text) = usage;
    let named = |name: &str| {
        let of_flag = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let mut words = text.split(|c| !of_flag(c));
        words.any(|word| word.strip_prefix("--") == Some(name))
    };
    if named("recipe") {
        return Usage(text); // it speaks of the recipe itself
    }
    let recipe_flags = Recipe::find(recipe).into_iter().flat_map(flags);
    let blamed: Vec<_> = recipe_flags
        .filter(|(name, _)| named(name) && !given.has(&name.replace('-', "_")))
        .collect();
    for (name, value) in blamed {
        let value = value.unwrap_or_default();
        text += &format!("\n  --{name} {value} comes with --recipe {recipe}");
        if let Some(without) = without(name) {
            text += &format!(": to do without, add --{name} {without}");
        }
    }
    Usage(text)
}

/// The value of a flag that is as if it were not there.
fn without(name: &str) -> Option<&'static str> {
    match name {
        "warm-up" | "dropout" | "label-smoothing" | "alpha" | "momentum" => Some("0"),
        "valid" => Some("10000"),
        "loss" => Some("ce"),
        "schedule" => Some("constant"),
        "optimizer" => Some("sgd"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<ArgMatches, clap::Error> {
        crate::cli::parse(line.split(' ').map(Into::into).collect())
    }

    #[test]
    fn every_recipe_is_flags_that_train_takes_and_that_others_override() {
        for recipe in RECIPES {
            let line = format!("mlp train --recipe {} --epochs 77 --seed 3", recipe.name);
            let matches = parsed(&line).unwrap_or_else(|error| panic!("{}: {error}", recipe.name));
            let train = matches.subcommand_matches("train").unwrap();
            assert_eq!(train.get_one::<u32>("epochs"), Some(&77), "{}", recipe.name);
            for (name, value) in flags(recipe).filter(|(name, _)| *name != "epochs") {
                let id = name.replace('-', "_");
                let found: Vec<_> = train.get_raw(&id).unwrap().collect();
                assert_eq!(found, [value.unwrap_or("true")], "{}: {name}", recipe.name);
            }
            let names = RECIPES.iter().filter(|other| other.name == recipe.name);
            assert_eq!(names.count(), 1, "{}", recipe.name);
        }
    }

    #[test]
    fn other_commands_know_no_recipes() {
        for line in [
            "mlp",
            "mlp eval model.bin --recipe lesson",
            "mlp train --recipe nonsense",
            "mlp train --recipe",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
        assert!(parsed("mlp eval train").is_ok());
    }

    #[test]
    fn what_nobody_typed_is_laid_at_the_door_of_the_recipe() {
        let blamed = |line: &str, text: &str| {
            let matches = parsed(line).unwrap();
            let (_, train) = matches.subcommand().unwrap();
            let given = clap::FromArgMatches::from_arg_matches(train).unwrap();
            blame_recipe(text.into(), "srivastava2014", &given).0
        };
        let line = "mlp train --recipe srivastava2014 --epochs 1";
        let text = "--warm-up 2 is longer than --epochs 1";
        assert_eq!(
            blamed(line, text),
            format!(
                "{text}\n  --warm-up 2 comes with --recipe srivastava2014: to do without, add --warm-up 0"
            )
        );
        assert_eq!(blamed(&format!("{line} --warm-up 3"), text), text);
        assert_eq!(
            blamed(line, "--dropout-like is no flag"),
            "--dropout-like is no flag"
        );
    }
}
