//! What is called of each exercise, and what of it is written down.

/// The call of an exercise of this name, whose file is the module `exercise`.
macro_rules! driver {
    (lin) => {
        |a, out| {
            out.give(
                "y",
                &exercise::lin(&a.matrix("x"), &a.matrix("w"), &a.vector("b")),
            )
        }
    };
    (relu) => {
        |a, out| out.give("y", &exercise::relu(&a.matrix("x")))
    };
    (mse) => {
        |a, out| {
            out.give(
                "loss",
                &exercise::mse(&a.matrix("output"), &a.vector("target")),
            )
        }
    };
    (mse_onehot) => {
        |a, out| {
            out.give(
                "loss",
                &exercise::mse_onehot(&a.matrix("output"), &a.classes("target")),
            )
        }
    };
    (mse_grad) => {
        |a, out| {
            out.give(
                "dz",
                &exercise::mse_grad(&a.matrix("output"), &a.vector("target")),
            )
        }
    };
    (mse_onehot_grad) => {
        |a, out| {
            let dz = exercise::mse_onehot_grad(&a.matrix("output"), &a.classes("target"));
            out.give("dz", &dz);
        }
    };
    (lin_grad) => {
        |a, out| {
            let (dx, dw, db) = exercise::lin_grad(&a.matrix("x"), &a.matrix("w"), &a.matrix("dy"));
            out.give("dx", &dx);
            out.give("dw", &dw);
            out.give("db", &db);
        }
    };
    (relu_grad) => {
        |a, out| out.give("dx", &exercise::relu_grad(&a.matrix("x"), &a.matrix("dy")))
    };
    (forward_and_backward) => {
        |a, out| {
            let pass = exercise::forward_and_backward(
                &a.matrix("x"),
                (&a.matrix("w1"), &a.vector("b1")),
                (&a.matrix("w2"), &a.vector("b2")),
                &a.vector("target"),
            );
            out.give("l1", &pass.l1);
            out.give("l2", &pass.l2);
            out.give("z", &pass.z);
            out.give("loss", &pass.loss);
            out.give("dz", &pass.dz);
            out.give("dl2", &pass.dl2);
            out.give("dw2", &pass.dw2);
            out.give("db2", &pass.db2);
            out.give("dl1", &pass.dl1);
            out.give("dw1", &pass.dw1);
            out.give("db1", &pass.db1);
        }
    };
    (classes) => {
        |a, out| {
            let mut lin1 = exercise::Lin::new(a.matrix("w1"), a.vector("b1"));
            let mut lin2 = exercise::Lin::new(a.matrix("w2"), a.vector("b2"));
            let (mut relu, mut mse) = (exercise::Relu::default(), exercise::Mse::default());
            let target = a.vector("target");
            // Once with other rows: what a layer keeps must be that of its last call.
            let other = lin1.forward(&a.matrix("other"));
            let other = lin2.forward(&relu.forward(&other));
            mse.forward(&other, &target);
            let l1 = lin1.forward(&a.matrix("x"));
            out.give("l1", &l1);
            let l2 = relu.forward(&l1);
            out.give("l2", &l2);
            let z = lin2.forward(&l2);
            out.give("z", &z);
            out.give("loss", &mse.forward(&z, &target));
            let dz = mse.backward();
            out.give("dz", &dz);
            let dl2 = lin2.backward(&dz);
            out.give("dl2", &dl2);
            out.give("dw2", &lin2.dw);
            out.give("db2", &lin2.db);
            let dl1 = relu.backward(&dl2);
            out.give("dl1", &dl1);
            lin1.backward(&dl1);
            out.give("dw1", &lin1.dw);
            out.give("db1", &lin1.db);
        }
    };
    (module) => {
        |a, out| {
            /// A layer that is not the student's.
            struct Triple;
            impl exercise::Module for Triple {
                fn forward(&self, x: &ndarray::Array2<f64>) -> ndarray::Array2<f64> {
                    x * 3.0
                }
                fn bwd(
                    &mut self,
                    dy: &ndarray::Array2<f64>,
                    x: &ndarray::Array2<f64>,
                ) -> ndarray::Array2<f64> {
                    dy * 3.0 + x * 0.0
                }
            }
            let mut lin1 =
                exercise::Called::new(exercise::Lin::new(a.matrix("w1"), a.vector("b1")));
            let mut lin2 =
                exercise::Called::new(exercise::Lin::new(a.matrix("w2"), a.vector("b2")));
            let mut relu = exercise::Called::new(exercise::Relu);
            let target = a.vector("target");
            let mut mse = exercise::Called::new(exercise::Mse { target });
            let other = lin1.call(&a.matrix("other"));
            let other = lin2.call(&relu.call(&other));
            mse.call(&other);
            let l1 = lin1.call(&a.matrix("x"));
            out.give("l1", &l1);
            let l2 = relu.call(&l1);
            out.give("l2", &l2);
            let z = lin2.call(&l2);
            out.give("z", &z);
            out.give("loss", &mse.call(&z));
            let dz = mse.backward(&ndarray::Array2::ones((1, 1)));
            out.give("dz", &dz);
            let dl2 = lin2.backward(&dz);
            out.give("dl2", &dl2);
            out.give("dw2", &lin2.module.dw);
            out.give("db2", &lin2.module.db);
            let dl1 = relu.backward(&dl2);
            out.give("dl1", &dl1);
            lin1.backward(&dl1);
            out.give("dw1", &lin1.module.dw);
            out.give("db1", &lin1.module.db);
            let mut triple = exercise::Called::new(Triple);
            out.give("module", &triple.call(&a.matrix("x")));
            out.give("dmodule", &triple.backward(&a.matrix("x")));
        }
    };
    (layers) => {
        |a, out| {
            let count = a.layers();
            let weights = (1..=count).map(|k| a.matrix(&format!("w{k}"))).collect();
            let biases = (1..=count).map(|k| a.vector(&format!("b{k}"))).collect();
            let mut mlp = exercise::Mlp::new(weights, biases);
            mlp.forward(&a.matrix("other"));
            out.give("z", &mlp.forward(&a.matrix("x")));
            mlp.backward(&a.matrix("dz"));
            for k in 0..count {
                out.give(&format!("dw{}", k + 1), &mlp.dw[k]);
                out.give(&format!("db{}", k + 1), &mlp.db[k]);
            }
        }
    };
    (softmax) => {
        |a, out| out.give("p", &exercise::softmax(&a.matrix("z")))
    };
    (logsumexp) => {
        |a, out| out.give("lse", &exercise::logsumexp(&a.matrix("z")))
    };
    (log_softmax) => {
        |a, out| out.give("log_p", &exercise::log_softmax(&a.matrix("z")))
    };
    (nll) => {
        |a, out| {
            out.give(
                "loss",
                &exercise::nll(&a.matrix("log_p"), &a.classes("target")),
            )
        }
    };
    (cross_entropy) => {
        |a, out| {
            let (loss, dz) = exercise::cross_entropy(&a.matrix("z"), &a.classes("target"));
            out.give("loss", &loss);
            out.give("dz", &dz);
        }
    };
    (sgd) => {
        |a, out| {
            let mut params = [a.matrix("w1"), a.matrix("w2")];
            let mut grads = [a.matrix("dw1"), a.matrix("dw2")];
            exercise::sgd(&mut params, &mut grads, a.number("lr"));
            out.give("w1", &params[0]);
            out.give("w2", &params[1]);
            out.give("dw1", &grads[0]);
            out.give("dw2", &grads[1]);
        }
    };
    (train) => {
        |a, out| {
            let (w1, b1, w2, b2) = exercise::train(&a.matrix("x"), &a.classes("target"));
            out.give("w1", &w1);
            out.give("b1", &b1);
            out.give("w2", &w2);
            out.give("b2", &b2);
        }
    };
    (jacobian_sum) => {
        |a, out| out.give("J", &exercise::jacobian_sum(&a.vector("x"), &a.vector("a")))
    };
    (jacobian_product) => {
        |a, out| {
            out.give(
                "J",
                &exercise::jacobian_product(&a.vector("x"), &a.vector("a")),
            )
        }
    };
    (jacobian_matvec) => {
        |a, out| {
            let (x, u) = (a.vector("x"), a.vector("u"));
            let (j, dw) = exercise::jacobian_matvec(&a.matrix("w"), &x, &u);
            out.give("J", &j);
            out.give("dw", &dw);
        }
    };
    (jacobian_chain) => {
        |a, out| {
            let [w1, w2] = ["w1", "w2"].map(|name| a.matrix(name));
            out.give("J", &exercise::jacobian_chain(&w1, &w2, &a.vector("x")));
        }
    };
    (jacobian_softmax) => {
        |a, out| out.give("J", &exercise::jacobian_softmax(&a.vector("z")))
    };
}
