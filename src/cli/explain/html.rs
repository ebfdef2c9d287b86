//! `mlp explain --html`: the page.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use anyhow::{Context, ensure};
use mlp::{
    atomic_file,
    data::shell_quote,
    page::{BEGINNING, MAX_PARAMETERS, Page},
};

use super::{
    super::{
        Outcome,
        network::layers_text,
        output::{BOLD, DIM, Output, next_step, note, thousands},
    },
    Explain, Subject,
};

/// A page that takes a browser a while.
const LARGE: usize = 10_000_000;

impl Explain {
    pub(super) fn page(
        &self,
        path: &Path,
        subject: &Subject,
        (pixels, label): (&[u8], u8),
        out: &mut Output,
    ) -> anyhow::Result<Outcome> {
        let layers = layers_text(&subject.network.layers());
        let image = format!("{} image {}", self.split.name(), self.index);
        let summary = format!("{layers}, {}", subject.kind);
        let html = Page {
            title: &subject.title,
            summary: &summary,
            network: &subject.network,
            loss: subject.kind,
            scaling: subject.scaling,
            image: &image,
            pixels,
            label,
            learning_rate: self.lr,
            precision: self.precision.into(),
        }
        .html();
        atomic_file::write(path, |file| file.write_all(html.as_bytes())).with_context(|| {
            format!(
                "{}: the page could not be saved, choose another --html",
                path.display()
            )
        })?;
        writeln!(
            out,
            "saved {BOLD}{}{BOLD:#} {DIM}({} bytes): {}, {image}, a {label}{DIM:#}",
            path.display(),
            thousands(html.len() as u64),
            subject.title,
        )?;
        out.flush()?;
        if html.len() > LARGE {
            note(
                "the page holds all weights of a large network: a browser takes a while to open it",
            );
        }
        let opener = match () {
            _ if cfg!(windows) => "start",
            _ if cfg!(target_os = "macos") => "open",
            _ => "xdg-open",
        };
        next_step(format_args!("{opener} {}", shell_quote(path)));
        Ok(Outcome::Done)
    }
}

/// Refuses a network that is too large for a page.
pub(super) fn check_parameters(layers: &[usize]) -> anyhow::Result<()> {
    let parameters: usize = layers.windows(2).map(|io| (io[0] + 1) * io[1]).sum();
    ensure!(
        parameters <= MAX_PARAMETERS,
        "--html: {} has {} parameters, expected at most {}: explain it without --html",
        layers_text(layers),
        thousands(parameters as u64),
        thousands(MAX_PARAMETERS as u64),
    );
    Ok(())
}

/// Refuses to write over a file that is no page of ours.
pub(super) fn check_writable(path: &Path, force: bool) -> anyhow::Result<()> {
    let mut start = [0; BEGINNING.len()];
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.with_context(|| format!("{}", path.display()))?,
    };
    ensure!(
        path.is_file()
            && (force || file.read_exact(&mut start).is_ok() && start == *BEGINNING.as_bytes()),
        "{}: there is something else than a page of mlp explain, which is not overwritten: choose another \
         --html, or replace it with --force",
        path.display()
    );
    Ok(())
}
