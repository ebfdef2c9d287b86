//! `mlp learn errors`: known errors and what they mean.

use std::io::Write;

use mlp::check::mistakes::{STUMBLES, Stumble};
use serde_json::json;

use super::print;
use crate::cli::{
    args::common::JsonArg,
    terminal::{Outcome, output::Output},
};

/// What an error of Python, PyTorch, Rust or ndarray means, and where to look
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn errors                 all that are known
  mlp learn errors \"operands could not be broadcast together\"")]
pub(super) struct Errors {
    /// The message, or a part of it
    message: Vec<String>,

    #[command(flatten)]
    json: JsonArg,
}

impl Errors {
    pub(super) fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let message = self.message.join(" ");
        let known: Vec<&Stumble> = match message.is_empty() {
            true => STUMBLES.iter().collect(),
            false => Stumble::of(&message).into_iter().collect(),
        };
        if self.json.json {
            let rows = known.iter().map(|stumble| {
                json!({"message": stumble.message, "meaning": stumble.meaning, "look": stumble.look})
            });
            for row in rows {
                out.json(row)?;
            }
        } else {
            for stumble in &known {
                print::stumble(stumble, out)?;
            }
            if known.is_empty() {
                writeln!(
                    out,
                    "no known error is like this one; its last line says most"
                )?;
            }
        }
        out.flush()?;
        Ok(match known.is_empty() {
            true => Outcome::Failed,
            false => Outcome::Done,
        })
    }
}
