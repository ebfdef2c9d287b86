//! The grid of a sweep: flags of `mlp train`, of which some take several values.

use std::collections::HashSet;

use clap::{Arg, ArgMatches, Command, FromArgMatches, ValueHint, builder::StringValueParser};
use mlp::files::model::Metadata;

use crate::cli::args::{
    Usage,
    given::Given,
    run::RunArgs,
    settings::{Facts, SettingsArgs},
};

/// A flag of `mlp train` that takes a list of values here.
struct Axis {
    /// As the parser knows it.
    id: &'static str,
    /// What is expected, if one value may itself be a list, which has a dash here where `mlp train` has a comma.
    list: Option<&'static str>,
    help: &'static str,
}

/// The flags that take a list. Any other flag of [`RunArgs`] becomes one by a row of its own.
const AXES: [Axis; 9] = [
    Axis {
        id: "hidden",
        list: Some("widths such as 50 or 500-150, or none"),
        help: "Hidden layers: 50,100 is two networks of one hidden layer each; a dash joins the layers of one, as in \
               500-150; or none",
    },
    Axis {
        id: "activation",
        list: None,
        help: "Activation functions, such as relu,tanh [default: relu]",
    },
    Axis {
        id: "lr",
        list: None,
        help: "Learning rates, such as 0.03,0.1 [default: as mlp train]",
    },
    Axis {
        id: "batch_size",
        list: None,
        help: "Batch sizes, such as 16,64",
    },
    Axis {
        id: "optimizer",
        list: None,
        help: "Optimisers, such as sgd,adam [default: sgd]",
    },
    Axis {
        id: "momentum",
        list: None,
        help: "Momenta of sgd, such as 0,0.9 [default: 0]",
    },
    Axis {
        id: "weight_decay",
        list: None,
        help: "Weight decays, such as 0,1e-5 [default: 0, or 0.01 with adamw]",
    },
    Axis {
        id: "dropout",
        list: Some("probabilities such as 0.5 or 0.2-0.5"),
        help: "Dropout probabilities, such as 0,0.5; a dash joins those of one network, as in 0.2-0.5 [default: 0]",
    },
    Axis {
        id: "label_smoothing",
        list: None,
        help: "Label smoothing, such as 0,0.1 [default: 0]",
    },
];

impl Axis {
    /// The flag as it is taken here.
    fn taken(&self, arg: Arg) -> Arg {
        arg.value_name("LIST")
            .value_parser(StringValueParser::new())
            .value_hint(ValueHint::Other) // no files
            .help(self.help)
            .help_heading("Grid: lists of values, separated by commas")
    }

    /// The values in a list, as `mlp train` takes them.
    fn values(&self, flag: &str, text: &str) -> Result<Vec<String>, Usage> {
        let mut values = Vec::new();
        for value in text.split(',').map(str::trim) {
            if value.is_empty() || value.contains(char::is_whitespace) {
                return Err(Usage(format!(
                    "--{flag} {text}: expected values with a comma between each two"
                )));
            }
            let value = match self.list {
                None => value.to_owned(),
                Some(expected) => {
                    let list = commas(value);
                    // The parser of `mlp train` would show its commas, which nobody has typed.
                    if parsed(vec![format!("--{flag}={list}")]).is_err() {
                        return Err(Usage(format!("--{flag} {value}: expected {expected}")));
                    }
                    list
                }
            };
            if values.contains(&value) {
                return Err(Usage(format!("--{flag} {text}: {value} is there twice")));
            }
            values.push(value);
        }
        Ok(values)
    }
}

/// `500,150` for `500-150`. A dash of an exponent, as in 1e-3, stays.
fn commas(value: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        let in_number = text.is_empty() || text.ends_with(['e', 'E']);
        text.push(if c == '-' && !in_number { ',' } else { c });
    }
    text
}

/// The flags as they were given.
pub(super) struct Grid(Given);

/// One way to train.
pub(super) struct Configuration {
    /// The flags of `mlp train` for it, but for the seed.
    pub(super) flags: Vec<String>,
    /// Its values of the flags with several, in the order of [`Grid::names`].
    pub(super) values: Vec<String>,
    args: RunArgs,
}

impl Configuration {
    /// One way to train, as its flags say it, or wrong usage.
    pub(super) fn from_flags(flags: &[String]) -> Result<Self, clap::Error> {
        let mut words: Vec<String> = Vec::new();
        for flag in flags {
            match words.last_mut() {
                Some(word) if !flag.starts_with("--") => *word += &format!("={flag}"),
                _ => words.push(flag.clone()),
            }
        }
        Ok(Self {
            flags: flags.to_vec(),
            values: Vec::new(),
            args: parsed(words)?,
        })
    }

    /// All that is known of a run before its data are, or wrong usage.
    pub(super) fn metadata(&self, data: &Facts, seed: u64) -> Result<Metadata, Usage> {
        let mut metadata = self.args.metadata(data)?;
        metadata.training.settings.seed = seed;
        Ok(metadata)
    }

    /// What is other than the flags say.
    pub(super) fn notes(&self, data: &Facts) -> Vec<String> {
        let settings: &SettingsArgs = &self.args.settings;
        settings.notes(data)
    }
}

/// All flags of a run, in their order.
fn run_flags() -> Vec<Arg> {
    let all = <RunArgs as clap::Args>::augment_args(Command::new(""));
    all.get_arguments().cloned().collect()
}

fn axis(id: &str) -> Option<&'static Axis> {
    AXES.iter().find(|axis| axis.id == id)
}

impl Grid {
    /// The flags as they were given.
    pub(super) fn given(&self) -> &Given {
        &self.0
    }

    /// The flags with several values.
    pub(super) fn names(&self) -> Result<Vec<String>, Usage> {
        let words = self.words()?;
        let several = words.iter().filter_map(|values| values.first());
        let names = several.filter(|value| value.on_axis);
        Ok(names.map(|value| value.flag.clone()).collect())
    }

    /// The seed of the first run of each configuration.
    pub(super) fn first_seed(&self) -> u64 {
        self.0.value("seed").unwrap_or(1)
    }

    /// How many configurations there are, at most.
    pub(super) fn size(&self) -> Result<usize, Usage> {
        let mut size = 1_usize;
        for values in self.words()? {
            size = size.saturating_mul(values.len());
        }
        Ok(size)
    }

    /// Every combination, those of the last axis next to each other.
    pub(super) fn configurations(&self) -> anyhow::Result<Vec<Configuration>> {
        let mut combinations: Vec<Vec<Word>> = vec![Vec::new()];
        for values in self.words()? {
            let longer = combinations.iter().flat_map(|words| {
                values.iter().map(|value| {
                    let mut longer = words.clone();
                    longer.push(value.clone());
                    longer
                })
            });
            combinations = longer.collect();
        }
        if self.names()?.iter().any(|name| name == "optimizer") {
            combinations.iter_mut().for_each(|words| leave_out(words));
            let mut seen = HashSet::new();
            combinations
                .retain(|words| seen.insert(words.iter().map(Word::word).collect::<Vec<_>>()));
        }
        let mut configurations = Vec::new();
        for words in combinations {
            let kept = || words.iter().filter(|word| !word.left_out);
            let flags = kept().flat_map(|word| {
                let flag = format!("--{}", word.flag);
                [Some(flag), word.text.clone()].into_iter().flatten()
            });
            let on_axes = words.iter().filter(|word| word.on_axis);
            configurations.push(Configuration {
                args: parsed(kept().map(Word::word).collect())?,
                flags: flags.collect(),
                values: on_axes.map(Word::shown).collect(),
            });
        }
        check_different(&configurations)?;
        Ok(configurations)
    }

    /// For each flag that was given, in the order of the flags, what it may be.
    fn words(&self) -> Result<Vec<Vec<Word>>, Usage> {
        let mut all = Vec::new();
        for arg in run_flags() {
            let id = arg.get_id().as_str();
            let Some(flag) = arg.get_long().filter(|_| self.0.has(id) && id != "seed") else {
                continue;
            };
            let word = |text, on_axis| Word {
                flag: flag.to_owned(),
                text,
                on_axis,
                left_out: false,
            };
            if !arg.get_action().takes_values() {
                all.push(vec![word(None, false)]);
                continue;
            }
            for text in self.0.texts(id) {
                let text = text.ok_or_else(|| Usage(format!("--{flag}: expected text")))?;
                all.push(match axis(id) {
                    None => vec![word(Some(text), false)],
                    Some(axis) => {
                        let values = axis.values(flag, &text)?;
                        let several = values.len() > 1;
                        let values = values.into_iter();
                        values.map(|value| word(Some(value), several)).collect()
                    }
                });
            }
        }
        Ok(all)
    }
}

/// A flag with a value, if it takes one.
#[derive(Clone)]
struct Word {
    flag: String,
    text: Option<String>,
    on_axis: bool,
    /// Whether it means nothing beside the others.
    left_out: bool,
}

/// The value of what is left out.
pub(super) const LEFT_OUT: &str = "–";

/// Where optimisers are compared, each takes the flags that it has.
fn leave_out(words: &mut [Word]) {
    let optimizer = words.iter().find(|word| word.flag == "optimizer");
    let not_its: &[&str] = match optimizer.and_then(|word| word.text.as_deref()) {
        Some("sgd") => &["beta1", "beta2", "eps"],
        Some("adam" | "adamw") => &["momentum", "nesterov"],
        _ => &[], // which is not known, and refused elsewhere
    };
    for word in words {
        word.left_out = not_its.contains(&&*word.flag);
    }
}

impl Word {
    /// Its value in a table.
    fn shown(&self) -> String {
        match &self.text {
            Some(text) if !self.left_out => text.clone(),
            _ => LEFT_OUT.to_owned(),
        }
    }

    /// As one word for the parser, so that a value may begin with a dash. Nothing if it is left out.
    fn word(&self) -> String {
        match &self.text {
            _ if self.left_out => String::new(),
            None => format!("--{}", self.flag),
            Some(text) => format!("--{}={text}", self.flag),
        }
    }
}

/// What `mlp train` would make of these words.
fn parsed(words: Vec<String>) -> Result<RunArgs, clap::Error> {
    let parser = Command::new("mlp sweep").no_binary_name(true);
    let parser = <RunArgs as clap::Args>::augment_args(parser);
    RunArgs::from_arg_matches(&parser.try_get_matches_from(words)?)
}

/// No two configurations may be the same in other words, such as 0.1 and 0.10.
fn check_different(configurations: &[Configuration]) -> Result<(), Usage> {
    let mut seen = HashSet::new();
    for configuration in configurations {
        let metadata = configuration.metadata(&Facts::assumed(), 1)?;
        let json = serde_json::to_string(&metadata).expect("plain data serialises");
        if !seen.insert(json) {
            return Err(Usage(format!(
                "{}: the same as another configuration in other words: leave one out",
                configuration.flags.join(" ")
            )));
        }
    }
    Ok(())
}

impl FromArgMatches for Grid {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Given::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Grid {
    fn augment_args(command: Command) -> Command {
        let command = <RunArgs as clap::Args>::augment_args(command);
        let command = command.mut_arg("seed", |arg| {
            arg.help("Random seed of the first run of each configuration; the next runs have the next seeds")
        });
        AXES.iter().fold(command, |command, axis| {
            command.mut_arg(axis.id, |arg| axis.taken(arg))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(line: &str) -> Grid {
        let words = line.split(' ').filter(|word| !word.is_empty());
        let parser = Command::new("mlp").no_binary_name(true);
        let parser = <Grid as clap::Args>::augment_args(parser);
        Grid::from_arg_matches(&parser.try_get_matches_from(words).unwrap()).unwrap()
    }

    fn flags(line: &str) -> Vec<String> {
        let configurations = grid(line).configurations().unwrap();
        configurations.iter().map(|c| c.flags.join(" ")).collect()
    }

    #[test]
    fn every_combination_is_there_in_words_of_train() {
        let line =
            "--lr 0.03,0.1 --hidden 50,500-150,none --epochs 3 --nesterov --momentum 0.9 --seed 4";
        let expected: Vec<_> = ["50", "500,150", "none"]
            .into_iter()
            .flat_map(|hidden| {
                ["0.03", "0.1"].map(|lr| {
                    format!("--hidden {hidden} --momentum 0.9 --nesterov --epochs 3 --lr {lr}")
                })
            })
            .collect();
        assert_eq!(flags(line), expected);
        let grid = grid(line);
        assert_eq!((grid.size().unwrap(), grid.first_seed()), (6, 4));
        assert_eq!(grid.names().unwrap(), ["hidden", "lr"]);
        let configurations = grid.configurations().unwrap();
        assert_eq!(configurations[3].values, ["500,150", "0.1"]);
        let metadata = configurations[3].metadata(&Facts::assumed(), 5).unwrap();
        assert_eq!(metadata.architecture.layers, [784, 500, 150, 10]);
        let settings = metadata.training.settings;
        assert_eq!(
            (settings.seed, settings.learning_rate, settings.epochs),
            (5, 0.1, 3)
        );
        assert_eq!(flags(""), [""]);
    }

    #[test]
    fn each_optimiser_takes_the_flags_that_it_has() {
        let line = "--optimizer sgd,adam --momentum 0,0.9 --beta1 0.8 --weight-decay 1e-5";
        let expected = [
            "--optimizer sgd --momentum 0 --weight-decay 1e-5",
            "--optimizer sgd --momentum 0.9 --weight-decay 1e-5",
            "--optimizer adam --beta1 0.8 --weight-decay 1e-5",
        ];
        assert_eq!(flags(line), expected);
        let configurations = grid(line).configurations().unwrap();
        assert_eq!(configurations[2].values, ["adam", "–"]);
        let alone = grid("--optimizer adam --momentum 0.9");
        assert!(alone.configurations().is_err());
    }

    #[test]
    fn a_dash_joins_the_layers_of_one_network_and_the_exponent_keeps_its_own() {
        assert_eq!(commas("500-150-50"), "500,150,50");
        assert_eq!(commas("0.2-5e-1"), "0.2,5e-1");
        assert_eq!(commas("-0.2"), "-0.2");
        assert_eq!(
            flags("--hidden 8-8 --dropout 0.2-0.5,0.1"),
            [
                "--hidden 8,8 --dropout 0.2,0.5",
                "--hidden 8,8 --dropout 0.1"
            ]
        );
    }

    #[test]
    fn what_train_would_refuse_is_refused_in_its_words() {
        let refused = |line: &str| match grid(line).configurations() {
            Ok(_) => panic!("{line}: taken"),
            Err(error) => error.to_string(),
        };
        for (line, said) in [
            ("--lr 0.1,x", "expected a number above 0"),
            ("--lr 0.1,,0.2", "comma between"),
            ("--lr 0.1,0.1", "0.1 is there twice"),
            ("--lr 0.1,0.10", "the same as another"),
            ("--hidden 50,0", "expected widths"),
            (
                "--hidden 500-",
                "--hidden 500-: expected widths such as 50 or 500-150",
            ),
            (
                "--hidden 8 --dropout 0.2-x",
                "--dropout 0.2-x: expected prob",
            ),
            ("--activation relu,tann", "possible values"),
            (
                "--nesterov --momentum 0.9 --label-smoothing 0.1 --loss mse",
                "--loss ce",
            ),
            ("--warm-up 3 --epochs 2", "is longer than"),
            ("--batch-size=-5", "whole number"),
        ] {
            let text = refused(line);
            assert!(text.contains(said), "{line}: {text}");
        }
    }

    /// A flag whose row has a wrong name would panic only when it is used.
    #[test]
    fn every_axis_is_a_flag_of_train() {
        for Axis { id, .. } in &AXES {
            assert!(run_flags().iter().any(|arg| arg.get_id() == id), "{id}");
        }
    }
}
