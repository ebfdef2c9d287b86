//! MNIST on disk, checked, parsed and split.
