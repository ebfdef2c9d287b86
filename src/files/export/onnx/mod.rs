//! ONNX: a graph that onnxruntime and many other programs run.
//!
//! Input: `pixels`, uint8 (N, rows, cols). Outputs: `logits`, float (N, O); `probabilities`, float (N, C), where the
//! loss has them; `class`, int64 (N).
//!
//! Source: onnx/onnx.proto and docs/Operators.md of the ONNX repository.

mod deslant;
mod graph;
mod read;
mod run;

pub use graph::{BEGINS, OPSET};
pub use read::Network;

use graph::Graph;

use super::plan::{Operation, Plan};
use crate::{
    loss::Decoding,
    nn::{Activation, ScaledTanh},
};

/// The bytes of the file.
pub fn write(plan: &Plan) -> Vec<u8> {
    let mut graph = Graph::default();
    inputs(plan, &mut graph);
    let last = plan.steps.len() - 1;
    let mut x = "inputs".to_owned();
    for (at, step) in plan.steps.iter().enumerate() {
        let y = match at == last {
            true => "logits".to_owned(),
            false => format!("y{}", step.index),
        };
        match &step.operation {
            Operation::Dropout(_) if at != last => continue,
            Operation::Dropout(_) => graph.node("Identity", &[&x], &y),
            Operation::Linear { .. } => {
                let (w, b) = (
                    format!("{}.weight", step.index),
                    format!("{}.bias", step.index),
                );
                graph.node_with_int("Gemm", &[&x, &w, &b], &y, ("transB", 1));
            }
            Operation::Activation(activation) => apply(*activation, &x, &y, &mut graph),
        }
        x = y;
    }
    for (name, shape, values) in plan.parameters() {
        graph.floats(&name, &shape, values);
    }
    outputs(plan, &mut graph);
    graph.into_bytes(plan)
}

/// `pixels` to `inputs`, (N, I).
fn inputs(plan: &Plan, graph: &mut Graph) {
    const FLOAT: i64 = 1;
    graph.node_with_int("Cast", &["pixels"], "grey", ("to", FLOAT));
    graph.floats("input_scale", &[], &[plan.scale]);
    graph.floats("input_shift", &[], &[plan.shift]);
    graph.node("Mul", &["grey", "input_scale"], "scaled");
    graph.node("Add", &["scaled", "input_shift"], "images");
    match plan.deslant {
        true => deslant::write(plan, graph),
        false => graph.node_with_int("Flatten", &["images"], "inputs", ("axis", 1)),
    }
}

/// y from x, element by element.
fn apply(activation: Activation, x: &str, y: &str, graph: &mut Graph) {
    let inner = |name: &str| format!("{y}.{name}");
    match activation {
        Activation::Relu => graph.node("Relu", &[x], y),
        Activation::Tanh => graph.node("Tanh", &[x], y),
        Activation::Sigmoid => graph.node("Sigmoid", &[x], y),
        Activation::LeakyRelu => graph.node_with_float("LeakyRelu", &[x], y, ("alpha", 0.01)),
        Activation::Identity => graph.node("Identity", &[x], y),
        Activation::ScaledTanh => {
            graph.scalar("scaled_tanh_a", ScaledTanh::A as f32);
            graph.scalar("scaled_tanh_b", ScaledTanh::B as f32);
            graph.node("Mul", &[x, "scaled_tanh_b"], &inner("scaled"));
            graph.node("Tanh", &[&inner("scaled")], &inner("tanh"));
            graph.node("Mul", &[&inner("tanh"), "scaled_tanh_a"], y);
        }
        // x·(1 + tanh(root·(x + cubic·x³)))·0.5; the operator Gelu is younger than the opset.
        Activation::Gelu => {
            graph.scalar("gelu_root", GELU_ROOT);
            graph.scalar("gelu_cubic", GELU_CUBIC);
            graph.scalar("one", 1.0);
            graph.scalar("half", 0.5);
            graph.node("Mul", &[x, x], &inner("square"));
            graph.node("Mul", &[&inner("square"), x], &inner("cube"));
            graph.node("Mul", &[&inner("cube"), "gelu_cubic"], &inner("cubic"));
            graph.node("Add", &[x, &inner("cubic")], &inner("sum"));
            graph.node("Mul", &[&inner("sum"), "gelu_root"], &inner("argument"));
            graph.node("Tanh", &[&inner("argument")], &inner("tanh"));
            graph.node("Add", &[&inner("tanh"), "one"], &inner("factor"));
            graph.node("Mul", &[x, &inner("factor")], &inner("double"));
            graph.node("Mul", &[&inner("double"), "half"], y);
        }
    }
}

/// √(2/π) and the factor of x³ in [`GELU`](crate::nn::GELU).
const GELU_ROOT: f32 = 0.797_884_6;
const GELU_CUBIC: f32 = 0.044_715;

/// `logits` to `probabilities` and `class`.
fn outputs(plan: &Plan, graph: &mut Graph) {
    const INT64: i64 = 7;
    match plan.loss.decoding() {
        Decoding::Largest => {
            if plan.loss.probabilities() {
                graph.node_with_int("Softmax", &["logits"], "probabilities", ("axis", 1));
            }
            let options = [("axis", 1), ("keepdims", 0)];
            graph.node_with_ints("ArgMax", &["logits"], "class", &options);
            return;
        }
        Decoding::Threshold => {
            graph.scalar("zero", 0.0);
            graph.scalar("one", 1.0);
            graph.node("Sigmoid", &["logits"], "probability_of_1");
            graph.node("Sub", &["one", "probability_of_1"], "probability_of_0");
            let both = ["probability_of_0", "probability_of_1"];
            graph.node_with_int("Concat", &both, "probabilities", ("axis", 1));
            graph.node("Greater", &["logits", "zero"], "decided");
        }
        // Rounded half up, exactly: Round would round half to even.
        Decoding::Nearest => {
            graph.scalar("zero", 0.0);
            graph.scalar("half", 0.5);
            graph.scalar("last_class", (plan.spec.classes.len() - 1) as f32);
            graph.node("Clip", &["logits", "zero", "last_class"], "clipped");
            graph.node("Floor", &["clipped"], "below");
            graph.node("Sub", &["clipped", "below"], "fraction");
            graph.node("GreaterOrEqual", &["fraction", "half"], "is_up");
            graph.node_with_int("Cast", &["is_up"], "up", ("to", 1));
            graph.node("Add", &["below", "up"], "decided");
        }
    }
    graph.node_with_int("Cast", &["decided"], "class_column", ("to", INT64));
    graph.ints("class_axis", &[1]);
    graph.node("Squeeze", &["class_column", "class_axis"], "class");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Elementwise;

    #[test]
    fn the_constants_of_gelu_are_those_of_the_module() {
        for x in [-2.5_f32, -0.3, 0.0, 0.7, 3.0] {
            let t = (GELU_ROOT * (x + GELU_CUBIC * x * x * x)).tanh();
            let y = crate::nn::GELU::y(x);
            assert!((x * (1.0 + t) * 0.5 - y).abs() < 1e-6, "{x}");
        }
    }
}
