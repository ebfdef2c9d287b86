//! What several tests share.

pub mod golden;
pub mod http_server;
pub mod mnist_files;
pub mod own_data;
pub mod program;
pub mod transcript;
