//! Gradients and steps against differences, against PyTorch, and with mistakes planted in them.

mod against;
mod finite_differences;
mod golden;
mod golden_optim;
mod mistakes;
mod named_mistakes;
mod net;
mod slips;
