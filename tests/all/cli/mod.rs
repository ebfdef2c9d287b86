//! The program as a user runs it.

mod augment;
mod checkpoint;
mod commands;
mod data;
mod explain;
mod lr_find;
mod mistakes;
mod net;
mod plot;
mod recipes;
