//! `--check`: answers, marked.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use mlp::explain::worksheet::read_answers;

use super::{
    Worksheet, answer_bytes, checksum,
    line::{self, BEGINNING, CHECKSUM},
    report::Report,
};
use crate::cli::terminal::{
    Outcome,
    output::{Output, named, next_step, note},
    shell::shell_quote,
};

impl Worksheet {
    pub(super) fn mark(&self, path: &Path, out: &mut Output) -> anyhow::Result<Outcome> {
        let name = named(path);
        let bytes = answer_bytes(path).with_context(|| name.clone())?;
        let answers = read_answers(&bytes).map_err(|fault| anyhow!("{name}: {fault}"))?;
        let heads = answers.head.iter();
        let Some(head) = heads.clone().find(|line| line.starts_with(BEGINNING)) else {
            bail!(
                "{name}: no line `# {BEGINNING} …` that says which sheet it is: copy it from the top of the sheet, \
                 above `name,answer`"
            );
        };
        let mut made = line::worksheet(head).map_err(|fault| anyhow!("{name}: {fault}"))?;
        if let Some(net) = &made.network.net {
            let net = match &self.network.net {
                Some(net) => net.clone(),
                None => beside(net, path),
            };
            let wanted = heads.clone().find_map(|line| line.strip_prefix(CHECKSUM));
            let found = checksum(&net)
                .context("the network of the sheet cannot be read: say where it is with --net")?;
            ensure!(
                wanted.is_none_or(|wanted| wanted.trim() == found),
                "{}: another file than the sheet was made of: put that one back, or name it with --net",
                named(&net)
            );
            made.network.net = Some(net);
        }
        let subject = made.subject()?;
        let sheet = made.sheet(&subject)?;
        let marks = sheet.mark(&answers);
        for text in &marks.notes {
            note(format_args!("{name}: {text}"));
        }
        let report = Report {
            head,
            marks: &marks,
            precision: sheet.precision(),
            answers: self.show_answers,
        };
        match self.json {
            true => out.json(report.json())?,
            false => report.print(out)?,
        }
        std::io::Write::flush(out)?;
        if marks.passed() {
            if let Some(seed) = made.network.seed {
                let again = another(head, seed);
                next_step(format_args!("{again} --answer-form answers.csv"));
            }
            return Ok(Outcome::Done);
        }
        if !self.show_answers {
            let path = shell_quote(path);
            next_step(format_args!("mlp worksheet --check {path} --show-answers"));
        }
        Ok(Outcome::Failed)
    }
}

/// A file as it is named from the working folder, or from that of the answers.
fn beside(net: &Path, answers: &Path) -> PathBuf {
    let there = answers.parent().unwrap_or(Path::new("")).join(net);
    match !net.exists() && there.exists() {
        true => there,
        false => net.to_owned(),
    }
}

/// The command of the next sheet.
fn another(line: &str, seed: u64) -> String {
    line.replace(
        &format!("--seed {seed}"),
        &format!("--seed {}", seed.wrapping_add(1)),
    )
}
