//! The exercises of `mlp learn`: their solutions in Rust, compiled here, and what is said of wrong ones.
#![allow(dead_code)] // the solutions are whole files, and so is what runs them

mod answers;

#[macro_use]
#[path = "../../../src/learn/harness/drivers.rs"]
mod drivers;
#[path = "../../../src/learn/harness/run.rs"]
mod run;

#[path = "../../../src/learn/exercises/10_classes.rs"]
mod classes;
#[path = "../../../src/learn/exercises/17_cross_entropy.rs"]
mod cross_entropy;
#[path = "../../../src/learn/exercises/09_forward_and_backward.rs"]
mod forward_and_backward;
#[path = "../../../src/learn/exercises/23_jacobian_chain.rs"]
mod jacobian_chain;
#[path = "../../../src/learn/exercises/22_jacobian_matvec.rs"]
mod jacobian_matvec;
#[path = "../../../src/learn/exercises/21_jacobian_product.rs"]
mod jacobian_product;
#[path = "../../../src/learn/exercises/24_jacobian_softmax.rs"]
mod jacobian_softmax;
#[path = "../../../src/learn/exercises/20_jacobian_sum.rs"]
mod jacobian_sum;
#[path = "../../../src/learn/exercises/12_layers.rs"]
mod layers;
#[path = "../../../src/learn/exercises/01_lin.rs"]
mod lin;
#[path = "../../../src/learn/exercises/07_lin_grad.rs"]
mod lin_grad;
#[path = "../../../src/learn/exercises/15_log_softmax.rs"]
mod log_softmax;
#[path = "../../../src/learn/exercises/14_logsumexp.rs"]
mod logsumexp;
#[path = "../../../src/learn/exercises/11_module.rs"]
mod module;
#[path = "../../../src/learn/exercises/03_mse.rs"]
mod mse;
#[path = "../../../src/learn/exercises/05_mse_grad.rs"]
mod mse_grad;
#[path = "../../../src/learn/exercises/04_mse_onehot.rs"]
mod mse_onehot;
#[path = "../../../src/learn/exercises/06_mse_onehot_grad.rs"]
mod mse_onehot_grad;
#[path = "../../../src/learn/exercises/16_nll.rs"]
mod nll;
#[path = "../../../src/learn/exercises/02_relu.rs"]
mod relu;
#[path = "../../../src/learn/exercises/08_relu_grad.rs"]
mod relu_grad;
#[path = "../../../src/learn/exercises/18_sgd.rs"]
mod sgd;
#[path = "../../../src/learn/exercises/13_softmax.rs"]
mod softmax;
#[path = "../../../src/learn/exercises/19_train.rs"]
mod train;

/// A match of names with the calls of their solutions.
macro_rules! replies {
    ($of:ident, $request:ident, $($name:ident,)*) => {
        match $of {
            $(stringify!($name) => {
                use self::$name as exercise;
                run::reply($request, driver!($name))
            })*
            other => panic!("no solution of {other}"),
        }
    };
}

/// What the solution of an exercise answers.
pub fn reply(name: &str, request: &str) -> String {
    replies! {
        name, request,
        lin,
        relu,
        mse,
        mse_onehot,
        mse_grad,
        mse_onehot_grad,
        lin_grad,
        relu_grad,
        forward_and_backward,
        classes,
        module,
        layers,
        softmax,
        logsumexp,
        log_softmax,
        nll,
        cross_entropy,
        sgd,
        train,
        jacobian_sum,
        jacobian_product,
        jacobian_matvec,
        jacobian_chain,
        jacobian_softmax,
    }
}
