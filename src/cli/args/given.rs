//! The flags that stand on the command line.

use clap::{ArgMatches, Command, FromArgMatches, parser::ValueSource};

use crate::cli::terminal::shell::shell_quote;

/// The flags that stand on the command line, as opposed to those that have a default, a variable or a recipe
/// behind them.
///
/// In the struct of a command, it is the first field: those after it take their values away.
#[derive(Clone, Debug)]
pub struct Given(ArgMatches);

impl Given {
    /// The first flag given that is none of these, by its name.
    pub fn other_than(&self, ids: &[&str]) -> Option<&str> {
        let mut given = self.0.ids().map(|id| id.as_str());
        given.find(|id| self.has(id) && !ids.contains(id))
    }

    /// Whether this one is given.
    pub fn has(&self, id: &str) -> bool {
        // Groups are listed too: those of flattened structs bear their names.
        id.starts_with(|c: char| c.is_ascii_lowercase())
            && self.0.value_source(id) == Some(ValueSource::CommandLine)
    }

    /// The values of this one as they were given; none for one that is no text.
    pub fn texts(&self, id: &str) -> Vec<Option<String>> {
        let values = self.0.get_raw(id).into_iter().flatten();
        values
            .map(|value| value.to_str().map(str::to_owned))
            .collect()
    }

    /// The value of this one, given or its default. Panics if it is of another type.
    pub fn value<T: Clone + Send + Sync + 'static>(&self, id: &str) -> Option<T> {
        self.0.get_one(id).cloned()
    }

    /// The flags of `T` that are given, as another command takes them, each after a blank; none if a value is
    /// no text.
    pub fn flags_of<T: clap::Args>(&self) -> Option<String> {
        let mut flags = String::new();
        let all = T::augment_args(Command::new(""));
        for arg in all.get_arguments() {
            let id = arg.get_id().as_str();
            let Some(name) = arg.get_long().filter(|_| self.has(id)) else {
                continue;
            };
            if !arg.get_action().takes_values() {
                flags += &format!(" --{name}");
                continue;
            }
            for value in self.0.get_raw(id).into_iter().flatten() {
                flags += &format!(" --{name} {}", shell_quote(value.to_str()?.as_ref()));
            }
        }
        Some(flags)
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Given {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
