//! Images and labels: how they come here, what is refused, and how they are distorted.

mod augment;
mod download;
mod files;
mod load;
