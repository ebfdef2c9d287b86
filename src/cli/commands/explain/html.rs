//! `mlp explain --html`: the page.

use std::{io::Write, path::Path};

use anyhow::ensure;
use mlp::picture::{
    drawing::SmallNet,
    page::{BEGINNING, MAX_PARAMETERS, Page, SmallPage},
};

use crate::cli::{
    commands::explain::{Explain, LR, Subject},
    terminal::{
        describe::{called, layers_text},
        output::{BOLD, DIM, Output, named, next_step, note, thousands},
        own_file::{self, Kind},
        shell::shell_quote,
    },
};

/// How our pages are known.
pub(super) const KIND: Kind = Kind {
    flag: "--html",
    example: "page.html",
    what: "page of mlp explain",
    is_one: |path| own_file::begins(path, BEGINNING.as_bytes()),
};

/// A page that takes a browser a while.
const LARGE: usize = 10_000_000;

impl Explain {
    pub(super) fn page(
        &self,
        path: &Path,
        subject: &Subject,
        (pixels, label): (&[u8], u8),
        image: &str,
        out: &mut Output,
    ) -> anyhow::Result<()> {
        let layers = layers_text(&subject.network.layers());
        let summary = format!("{layers}, {}", subject.metadata.loss);
        let spec = subject.metadata.spec();
        let html = Page {
            title: &subject.title,
            summary: &summary,
            network: &subject.network,
            loss: subject.metadata.loss,
            spec: &spec,
            preprocessing: subject.metadata.preprocessing,
            image,
            pixels,
            label,
            learning_rate: self.lr.unwrap_or(LR),
            precision: self.precision.into(),
        }
        .html();
        let what = format!("{}, {image}, {}", subject.title, called(&spec, label));
        save(path, &html, &what, out)
    }

    /// `--net`: the page of a small network.
    pub(super) fn small_page(
        path: &Path,
        net: &SmallNet<'_>,
        out: &mut Output,
    ) -> anyhow::Result<()> {
        let html = SmallPage(net).html();
        save(path, &html, &format!("{}: {}", net.title, net.summary), out)
    }
}

/// Writes a page, whole or not at all, and says how to open it.
fn save(path: &Path, html: &str, what: &str, out: &mut Output) -> anyhow::Result<()> {
    KIND.save(path, html.as_bytes())?;
    writeln!(
        out,
        "saved {BOLD}{}{BOLD:#} {DIM}({} bytes): {what}{DIM:#}",
        named(path),
        thousands(html.len() as u64),
    )?;
    out.flush()?;
    if html.len() > LARGE {
        note("the page holds all weights of a large network: a browser takes a while to open it");
    }
    let opener = match () {
        _ if cfg!(windows) => "start",
        _ if cfg!(target_os = "macos") => "open",
        _ => "xdg-open",
    };
    next_step(format_args!("{opener} {}", shell_quote(path)));
    Ok(())
}

/// Refuses a batch that is too large for a page.
pub(super) fn check_rows(rows: usize) -> anyhow::Result<()> {
    ensure!(
        rows <= SmallPage::MOST_ROWS,
        "--html: {rows} rows of x, expected at most {}: explain fewer rows, or all without --html",
        SmallPage::MOST_ROWS
    );
    Ok(())
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
