//! The exercises of `mlp learn`: their solutions in Rust, compiled here, and what is said of wrong ones.

mod answers;

#[macro_use]
#[path = "../../../src/learn/harness/drivers.rs"]
mod drivers;
#[path = "../../../src/learn/harness/run.rs"]
#[allow(dead_code)] // the program's own main
mod run;

/// A module with a solution, and its call.
macro_rules! solution {
    ($file:literal, $name:ident) => {
        mod $name {
            #[path = $file]
            #[allow(clippy::new_without_default)]
            mod exercise;

            pub fn drive(arguments: &super::run::Arguments, answer: &mut super::run::Answer) {
                let call: fn(&super::run::Arguments, &mut super::run::Answer) = driver!($name);
                call(arguments, answer);
            }
        }
    };
}

solution!("../../../../src/learn/exercises/01_lin.rs", lin);
solution!("../../../../src/learn/exercises/02_relu.rs", relu);
solution!("../../../../src/learn/exercises/03_mse.rs", mse);
solution!("../../../../src/learn/exercises/04_mse_onehot.rs", mse_onehot);
solution!("../../../../src/learn/exercises/05_mse_grad.rs", mse_grad);
solution!(
    "../../../../src/learn/exercises/06_mse_onehot_grad.rs",
    mse_onehot_grad
);
solution!("../../../../src/learn/exercises/07_lin_grad.rs", lin_grad);
solution!("../../../../src/learn/exercises/08_relu_grad.rs", relu_grad);
solution!(
    "../../../../src/learn/exercises/09_forward_and_backward.rs",
    forward_and_backward
);
solution!("../../../../src/learn/exercises/10_classes.rs", classes);
solution!("../../../../src/learn/exercises/11_module.rs", module);
solution!("../../../../src/learn/exercises/12_layers.rs", layers);
solution!("../../../../src/learn/exercises/13_softmax.rs", softmax);
solution!("../../../../src/learn/exercises/14_logsumexp.rs", logsumexp);
solution!(
    "../../../../src/learn/exercises/15_log_softmax.rs",
    log_softmax
);
solution!("../../../../src/learn/exercises/16_nll.rs", nll);
solution!(
    "../../../../src/learn/exercises/17_cross_entropy.rs",
    cross_entropy
);
solution!("../../../../src/learn/exercises/18_sgd.rs", sgd);
solution!("../../../../src/learn/exercises/19_train.rs", train);
solution!(
    "../../../../src/learn/exercises/20_jacobian_sum.rs",
    jacobian_sum
);
solution!(
    "../../../../src/learn/exercises/21_jacobian_product.rs",
    jacobian_product
);
solution!(
    "../../../../src/learn/exercises/22_jacobian_matvec.rs",
    jacobian_matvec
);
solution!(
    "../../../../src/learn/exercises/23_jacobian_chain.rs",
    jacobian_chain
);
solution!(
    "../../../../src/learn/exercises/24_jacobian_softmax.rs",
    jacobian_softmax
);

/// What the solution of an exercise answers.
pub fn reply(name: &str, request: &str) -> String {
    match name {
        "lin" => run::reply(request, lin::drive),
        "relu" => run::reply(request, relu::drive),
        "mse" => run::reply(request, mse::drive),
        "mse_onehot" => run::reply(request, mse_onehot::drive),
        "mse_grad" => run::reply(request, mse_grad::drive),
        "mse_onehot_grad" => run::reply(request, mse_onehot_grad::drive),
        "lin_grad" => run::reply(request, lin_grad::drive),
        "relu_grad" => run::reply(request, relu_grad::drive),
        "forward_and_backward" => run::reply(request, forward_and_backward::drive),
        "classes" => run::reply(request, classes::drive),
        "module" => run::reply(request, module::drive),
        "layers" => run::reply(request, layers::drive),
        "softmax" => run::reply(request, softmax::drive),
        "logsumexp" => run::reply(request, logsumexp::drive),
        "log_softmax" => run::reply(request, log_softmax::drive),
        "nll" => run::reply(request, nll::drive),
        "cross_entropy" => run::reply(request, cross_entropy::drive),
        "sgd" => run::reply(request, sgd::drive),
        "train" => run::reply(request, train::drive),
        "jacobian_sum" => run::reply(request, jacobian_sum::drive),
        "jacobian_product" => run::reply(request, jacobian_product::drive),
        "jacobian_matvec" => run::reply(request, jacobian_matvec::drive),
        "jacobian_chain" => run::reply(request, jacobian_chain::drive),
        "jacobian_softmax" => run::reply(request, jacobian_softmax::drive),
        other => panic!("no solution of {other}"),
    }
}
