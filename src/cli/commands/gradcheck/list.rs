//! `mlp gradcheck --list-mistakes`

use std::io::Write;

use mlp::check::mistakes::{Mistake, STUMBLES};
use serde_json::json;

use crate::cli::terminal::{
    Outcome,
    output::{BOLD, DIM, Output, next_step},
};

/// Prints the known mistakes.
pub(super) fn list_mistakes(out: &mut Output, json: bool) -> anyhow::Result<Outcome> {
    if json {
        let mistakes = Mistake::ALL.iter().map(|mistake| {
            json!({
                "name": mistake.name(), "what": mistake.what(),
                "question": mistake.question(), "mend": mistake.mend(),
                "inject": mistake.plantable(),
            })
        });
        for mistake in mistakes {
            out.json(mistake)?;
        }
    } else {
        for mistake in Mistake::ALL {
            writeln!(
                out,
                "{BOLD}{mistake}{BOLD:#}\n    {}\n    {DIM}asked as{DIM:#}  {}\n    {DIM}mended by{DIM:#} {}",
                mistake.what(),
                mistake.question(),
                mistake.mend(),
            )?;
        }
        writeln!(out, "\nErrors that come before any number:\n")?;
        for stumble in STUMBLES {
            writeln!(
                out,
                "{BOLD}{}{BOLD:#}\n    {}\n    {DIM}look at{DIM:#}    {}",
                stumble.message, stumble.meaning, stumble.look,
            )?;
        }
    }
    out.flush()?;
    next_step(format_args!(
        "mlp gradcheck --inject {}",
        Mistake::ReluMaskMissing
    ));
    Ok(Outcome::Done)
}
