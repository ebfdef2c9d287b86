//! Backpropagation you can read, check and trust: an MNIST trainer whose forward and backward passes are
//! written by hand, and prove themselves.
//!
//! # Where to begin
//!
//! - **You learn backpropagation:** [`lesson`], step by step; beside it [`nn::Linear`], [`nn::ReLU`] and [`loss::Mse`],
//!   whose code is as short as their formulas. [`learn`] has exercises for you to write.
//! - **You teach it:** [`explain`] has every number of one image's way through the network and back, [`picture`] draws it,
//!   [`explain::worksheet`] leaves boxes in place of the numbers, and [`check::mistakes`] names what goes wrong.
//! - **You build on it:** [`train::fit`] trains on arrays of your own, [`nn::Mlp::predict`] uses what it learned, and
//!   [`files`] keeps it; the numbered examples lead from one linear layer to there.
//!
//! # Map of the crate
//!
//! Data flows one way, and the modules are listed in that order: a later one uses earlier ones, never the other
//! way round.
//!
//! ```text
//! data → batches → forward → loss → backward → SGD → metrics → model file
//!                     ↑ checked by check, shown by explain
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`rng`] | seeded generators, one for each purpose, and the noise of a step |
//! | [`atomic_file`] | files that are either complete or not there |
//! | [`linalg`] | products, elementwise kernels and the team of threads: where the cleverness is |
//! | [`data`] | finds, checks, downloads, parses and splits MNIST; distorts it; makes batches of it |
//! | [`nn`] | the modules, [`Linear`](nn::Linear) and [`ReLU`](nn::ReLU), and the network of them, [`Mlp`](nn::Mlp) |
//! | [`loss`] | [`CrossEntropy`](loss::CrossEntropy) and [`Mse`](loss::Mse) |
//! | [`train`](mod@train) | the step, the loop, the optimiser, what is measured, and published results |
//! | [`check`] | every gradient against finite differences, and the known mistakes, planted and named |
//! | [`files`] | models, checkpoints, records of runs, anybody's data sets, networks of one's own, and arrays from and for other programs |
//! | [`explain`] | one image through the network and back, with every number kept |
//! | [`picture`] | that, as a drawing and as a page with a pad; plots of runs and models |
//! | [`learn`] | exercises in Python and Rust, and what is right and wrong in a student's answers |
//!
//! Read [`nn`] first: its legend of symbols holds everywhere. Each module has its derivation;
//! [`lesson`] leads through them in the order of the lesson, with the mistakes that people make on the way
//! and the commands that show them.
//!
//! The library knows nothing of terminals and prints nothing; the program `mlp` is a thin layer over it.
//!
//! # A network in a few lines
//!
//! The gradient check of `mlp gradcheck`, on a network of your own:
//!
//! ```
//! use mlp::{check::{Settings, check_network, random_images}, loss::CrossEntropy, nn::Mlp, rng::{Purpose, generator}};
//!
//! let network = Mlp::<f64>::kaiming(&[64, 20, 10], &mut generator(1, Purpose::Init));
//! let images = random_images(8, 64, 1);
//! for tensor in check_network(network, &CrossEntropy, &images.x, &images.targets, &Settings::default()) {
//!     assert!(tensor.passed, "{tensor:?}"); // 0.weight, 0.bias, 2.weight, 2.bias
//! }
//! ```
#![warn(missing_docs)]
#![deny(unsafe_code)] // allowed in one place: linalg

pub mod atomic_file;
pub mod check;
pub mod data;
pub mod explain;
pub mod files;
pub mod learn;
pub mod linalg;
pub mod loss;
pub mod nn;
pub mod picture;
pub mod regular_file;
pub mod rng;
pub mod train;

// Where links lead here. The first definition counts; on a code host it is the one in the file.
/// [`Linear`]: crate::nn::Linear
/// [`ReLU`]: crate::nn::ReLU
/// [`Mse`]: crate::loss::Mse
/// [`Target::Digit`]: crate::loss::Target
/// [`Module`]: crate::nn::Module
/// [`Param`]: crate::nn::Param
/// [`nn`]: crate::nn
/// [`Tape`]: crate::nn::Tape
/// [`Mlp`]: crate::nn::Mlp
/// [`Init`]: crate::nn::Init
/// [`Tanh`]: crate::nn::Tanh
/// [`ScaledTanh`]: crate::nn::ScaledTanh
/// [`Sigmoid`]: crate::nn::Sigmoid
/// [`Dropout`]: crate::nn::Dropout
/// [`Identity`]: crate::nn::Identity
/// [`CrossEntropy`]: crate::loss::CrossEntropy
/// [`BinaryCrossEntropy`]: crate::loss::BinaryCrossEntropy
/// [`SmoothedCrossEntropy`]: crate::loss::SmoothedCrossEntropy
/// [`Sgd`]: crate::train::optim::Sgd
/// [`Adam`]: crate::train::optim::Adam
/// [`train`]: mod@crate::train
/// [`data::batch`]: crate::data::batch
/// [`metrics`]: crate::train::metrics
/// [`gradcheck`]: crate::check
/// [`mistakes`]: crate::check::mistakes
/// [`mistakes::against()`]: crate::check::mistakes::against()
#[doc = include_str!("../docs/lesson.md")]
pub mod lesson {}

/// The README's examples are compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
