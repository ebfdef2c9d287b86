//! The program as a user runs it.

mod adam;
mod augment;
mod checkpoint;
mod commands;
mod data;
mod explain;
mod export;
mod foreign;
mod from;
mod hostile;
mod json;
mod learn;
mod lr_find;
mod mistakes;
mod net;
mod own_data;
mod plot;
mod predict;
mod recipes;
mod shell;
mod sweep;
mod system;
mod tensorboard;
mod worksheet;
