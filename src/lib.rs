//! Backpropagation you can read, check and trust: an MNIST trainer whose forward and backward passes are
//! written by hand, and prove themselves.
//!
//! # The map of the house
//!
//! Data flows one way, and the modules stand in that order:
//!
//! ```text
//! data → batches → forward → loss → backward → SGD → metrics → model file
//!                     ↑ checked by gradcheck
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`data`] | finds, checks, downloads, parses and splits MNIST; [`data::batches`] makes batches of it |
//! | [`augment`] | distorts training images, every epoch anew |
//! | [`nn`] | the modules, [`Linear`](nn::Linear) and [`ReLU`](nn::ReLU), and the network of them, [`Mlp`](nn::Mlp) |
//! | [`loss`] | [`CrossEntropy`](loss::CrossEntropy) and [`Mse`](loss::Mse) |
//! | [`optim`] | [`Sgd`](optim::Sgd) |
//! | [`train`](mod@train) | the step, the loop, and what it reports |
//! | [`lr_find`] | a short training that finds a learning rate |
//! | [`metrics`] | loss, accuracy, confusion, confidence |
//! | [`model_file`] | `model.bin`, written and read |
//! | [`checkpoint`] | a training run that can go on after it was killed |
//! | [`gradcheck`] | every gradient against finite differences |
//! | [`explain`] | one image through the network and back, every number kept |
//! | [`draw`] | that, as a drawing |
//! | [`page`] | that, as a page with a pad to draw on |
//! | [`arrays`] | gradients that others wrote, and batches for them |
//! | [`mistakes`] | the known mistakes: planted, and named from the numbers |
//! | [`linalg`] | the matrix product, where the cleverness is |
//! | [`statistics`], [`run_file`] | what every layer does while it trains, and the record of a run |
//! | [`plot`] | pictures of runs and models |
//! | [`recipe`] | published results, as flags |
//! | [`team`], [`atomic_file`] | threads that share a step, and files that are whole or not there |
//!
//! Read [`nn`] first: its legend of symbols holds everywhere. Each derivation stands with its module;
//! [`lesson`] leads through them in the order of the lesson, with the mistakes that people make on the way
//! and the commands that show them.
//!
//! The library knows nothing of terminals and prints nothing; the program `mlp` is a thin layer over it.
//!
//! # A network in a few lines
//!
//! The check of a gradient that `mlp gradcheck` does, on a network of one's own:
//!
//! ```
//! use mlp::{
//!     gradcheck::{Settings, check_network, random_images},
//!     loss::CrossEntropy,
//!     nn::Mlp,
//!     train::{Purpose, generator},
//! };
//!
//! let network = Mlp::<f64>::kaiming(&[64, 20, 10], &mut generator(1, Purpose::Init));
//! let images = random_images(8, 64, 1);
//! for tensor in check_network(network, &CrossEntropy, &images.x, &images.targets, &Settings::default()) {
//!     assert!(tensor.passed, "{tensor:?}"); // 0.weight, 0.bias, 2.weight, 2.bias
//! }
//! ```
#![warn(missing_docs)]
#![deny(unsafe_code)] // allowed in two places: linalg, and the team of threads

pub mod arrays;
pub mod atomic_file;
pub mod augment;
pub mod bench;
pub mod checkpoint;
pub mod data;
pub mod draw;
pub mod explain;
pub mod gradcheck;
pub mod linalg;
pub mod loss;
pub mod lr_find;
pub mod metrics;
pub mod mistakes;
pub mod model_file;
pub mod nn;
pub mod optim;
pub mod page;
pub mod plot;
pub mod recipe;
pub mod run_file;
pub mod statistics;
pub mod team;
pub mod train;

#[doc = include_str!("lesson.md")]
pub mod lesson {}

/// The README's examples are compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
