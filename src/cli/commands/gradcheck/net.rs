//! `mlp gradcheck --net`: the gradients of any small network.

use std::path::Path;

use anyhow::ensure;
use mlp::check::{Group, Pass, Settings, check_problem, mistakes::Problem};

use crate::cli::{
    args::net::{load_net, net_text},
    terminal::progress,
};

/// The network of a file, checked.
pub(super) fn group(path: &Path, settings: &Settings) -> anyhow::Result<Group> {
    let net = load_net(path)?;
    let loss = Pass::new(&net.problem).loss;
    ensure!(
        loss.is_finite(),
        "{}: the loss is {loss}, expected a finite number: the numbers of the network are too large",
        path.display()
    );
    Ok(progress::busy("checking gradients", || {
        check(&net.problem, settings)
    }))
}

/// Every parameter of a problem against central differences.
pub(super) fn check(problem: &Problem, settings: &Settings) -> Group {
    Group {
        title: format!("network {}", net_text(problem)),
        tensors: check_problem(problem, settings),
        diagnosis: None,
    }
}
