//! `mlp export-batch`: a batch and a network, for a notebook to compute gradients of.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use mlp::files::{self, arrays};
use serde_json::{Value, json};

use crate::cli::{
    args::{
        Usage,
        common::JsonArg,
        data::DataDir,
        memory::{self, Use},
        model::load_model,
        net::{self, load_net},
        number,
    },
    terminal::{
        Outcome,
        json::written,
        output::{Output, named, next_step, thousands},
        own_file::Kind,
        shell::shell_quote,
    },
};

/// Write a batch and a model's parameters for code of your own
///
/// The file has x (N, 784), the pixels as the network gets them; targets (N), the digits; and the parameters
/// under the names of the model file, such as 0.weight (outputs, inputs) and 0.bias (outputs). Save your
/// gradients of the mean loss under the same names, then run mlp gradcheck --against. With --net, the network,
/// the batch and the loss of a file of your own, with x (N, I), targets (N, C) and all numbers in float64.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp export-batch model.bin --out batch.npz           for numpy.load
  mlp export-batch model.bin --out batch.safetensors   for PyTorch
  mlp export-batch model.bin --batch-size 64           the first 64 images
  mlp export-batch --net net.json --out batch.npz      a network of your own
  mlp gradcheck --model model.bin --against grads.npz  with your gradients")]
pub struct ExportBatch {
    /// A model that mlp train has saved
    #[arg(required_unless_present = "net")]
    model: Option<PathBuf>,

    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "batch_size"], help = net::HELP, long_help = net::LONG_HELP)]
    net: Option<PathBuf>,

    /// Images in the batch; the same number as for mlp gradcheck
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = number::whole(1..=10_000_u16))]
    batch_size: u16,

    /// Where to write: NumPy's format if the name ends in .npz, else safetensors
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = "batch.npz",
        help_heading = "Output"
    )]
    out: PathBuf,

    /// Replace the file if it is there
    #[arg(long, help_heading = "Output")]
    force: bool,

    #[command(flatten)]
    json: JsonArg,

    #[command(flatten)]
    data: DataDir,
}

impl ExportBatch {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        anyhow::ensure!(
            self.force || !self.out.exists(),
            "{}: is there already: choose another --out, or replace it with --force",
            self.out.display()
        );
        let same = |from: &Option<PathBuf>| {
            let from = from.as_ref().and_then(|from| from.canonicalize().ok());
            from.is_some() && from == self.out.canonicalize().ok()
        };
        anyhow::ensure!(
            !same(&self.model) && !same(&self.net),
            "{}: is the file that the batch is made of: choose another --out",
            self.out.display()
        );
        BATCH.check_writable(&self.out, self.force)?;
        let path = match (&self.net, &self.model) {
            (None, Some(path)) => path,
            (Some(path), _) => return self.net(path, out),
            (None, None) => return Err(Usage::from("expected a model or --net").into()),
        };
        let n = usize::from(self.batch_size);
        let needs = Use {
            batch: n,
            bytes: memory::RUNNING,
            models: 1,
        };
        let model = load_model::<f32>(path, needs)?;
        let images = self.data.first_images(n, 1, Some(&model.metadata))?;
        let bytes = arrays::batch_bytes(&model, &images, self.npz())?;
        BATCH.save(&self.out, &bytes)?;
        let (inputs, parameters) = (model.network.inputs(), model.network.parameter_count());
        match self.json.json {
            true => out.json(self.report(&bytes, path, ([n, inputs], &[n]), parameters))?,
            false => writeln!(
                out,
                "saved {} ({} bytes): x ({n}, {inputs}), targets ({n}) and {} parameters of {}",
                named(&self.out),
                thousands(bytes.len() as u64),
                thousands(parameters as u64),
                path.display(),
            )?,
        }
        out.flush()?;
        next_step(format_args!(
            "mlp gradcheck --model {} --batch-size {n}{} --against YOUR_GRADIENTS.npz",
            shell_quote(path),
            self.data.flag()
        ));
        Ok(Outcome::Done)
    }

    fn npz(&self) -> bool {
        self.out.extension() == Some("npz".as_ref())
    }

    /// What was written, with the shapes of x and of the targets.
    fn report(
        &self,
        bytes: &[u8],
        from: &Path,
        (x, targets): ([usize; 2], &[usize]),
        parameters: usize,
    ) -> Value {
        json!({
            "files": [written(&self.out, bytes)], "made_of": from.display().to_string(),
            "x_shape": x, "targets_shape": targets, "parameters": parameters,
        })
    }

    /// `--net`: all that a file of a network says.
    fn net(&self, path: &Path, out: &mut Output) -> anyhow::Result<Outcome> {
        let net = load_net(path)?;
        let bytes = files::net::to_bytes(&net, self.npz())?;
        BATCH.save(&self.out, &bytes)?;
        let problem = &net.problem;
        let shapes = problem.parameters().into_iter().map(|(_, shape)| shape);
        let parameters: usize = shapes.map(|shape| shape.iter().product::<usize>()).sum();
        let (n, inputs, outputs) = (problem.n(), problem.x.ncols(), problem.c());
        match self.json.json {
            true => {
                out.json(self.report(&bytes, path, ([n, inputs], &[n, outputs]), parameters))?
            }
            false => writeln!(
                out,
                "saved {} ({} bytes): x ({n}, {inputs}), targets ({n}, {outputs}) and {} parameters of {}, in float64",
                named(&self.out),
                thousands(bytes.len() as u64),
                thousands(parameters as u64),
                named(path),
            )?,
        }
        out.flush()?;
        next_step(format_args!("mlp gradcheck --net {}", shell_quote(path)));
        Ok(Outcome::Done)
    }
}

const BATCH: Kind = Kind {
    flag: "--out",
    example: "batch.npz",
    what: "batch",
    is_one: |_| Ok(false),
};
