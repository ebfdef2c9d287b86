//! The nodes and constants of a graph, and the message that they make.

use super::super::plan::Plan;
use crate::files::protobuf::Message;

/// The version of the operators: every onnxruntime since 1.12 (2022) runs it.
pub const OPSET: i64 = 17;
/// The version of the file format that came with [`OPSET`].
const IR_VERSION: i64 = 8;
/// `ir_version` and the name of the producer.
pub const BEGINS: &[u8] = &[0x08, IR_VERSION as u8, 0x12, 3, b'm', b'l', b'p'];

const UINT8: i64 = 2;
const FLOAT: i64 = 1;
const INT64: i64 = 7;

/// A graph that is being written.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<Message>,
    constants: Vec<(String, Message)>,
    outputs: Vec<String>,
}

impl Graph {
    /// A node with one output.
    pub fn node(&mut self, operator: &str, inputs: &[&str], output: &str) {
        self.push(operator, inputs, &[output], Vec::new());
    }

    /// A node with several outputs and one option.
    pub fn split(&mut self, input: &str, outputs: &[&str], axis: i64) {
        self.push("Split", &[input], outputs, vec![int("axis", axis)]);
    }

    /// A node with an option that is a whole number.
    pub fn node_with_int(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        option: (&str, i64),
    ) {
        self.node_with_ints(operator, inputs, output, &[option]);
    }

    /// A node with options that are whole numbers.
    pub fn node_with_ints(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        options: &[(&str, i64)],
    ) {
        let options = options.iter().map(|&(name, value)| int(name, value));
        self.push(operator, inputs, &[output], options.collect());
    }

    /// A node with an option in `f32`.
    pub fn node_with_float(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        (name, value): (&str, f32),
    ) {
        const KIND: i64 = 1;
        let option = Message::default()
            .bytes(1, name)
            .float(2, value)
            .int(20, KIND);
        self.push(operator, inputs, &[output], vec![option]);
    }

    fn push(&mut self, operator: &str, inputs: &[&str], outputs: &[&str], options: Vec<Message>) {
        let named = |field| move |node: Message, name: &&str| node.bytes(field, *name);
        let node = inputs.iter().fold(Message::default(), named(1));
        let node = outputs.iter().fold(node, named(2));
        let node = node.bytes(3, format!("to {}", outputs[0]));
        self.nodes
            .push(node.bytes(4, operator).messages(5, options));
        self.outputs
            .extend(outputs.iter().map(|name| (*name).to_owned()));
    }

    /// A constant of one number, once however often it is asked for.
    pub fn scalar(&mut self, name: &str, value: f32) {
        if !self.constants.iter().any(|(known, _)| known == name) {
            self.floats(name, &[], &[value]);
        }
    }

    /// A constant in `f32`.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, shape, FLOAT, &bytes);
    }

    /// A constant list of whole numbers.
    pub fn ints(&mut self, name: &str, values: &[i64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, &[values.len()], INT64, &bytes);
    }

    fn constant(&mut self, name: &str, shape: &[usize], kind: i64, bytes: &[u8]) {
        let dim = |tensor: Message, &size: &usize| tensor.int(1, size as i64);
        let tensor = shape.iter().fold(Message::default(), dim);
        let tensor = tensor.int(2, kind).bytes(8, name).bytes(9, bytes);
        self.constants.push((name.to_owned(), tensor));
    }

    /// The file.
    pub fn into_bytes(self, plan: &Plan) -> Vec<u8> {
        let (rows, cols) = (plan.spec.rows as i64, plan.spec.cols as i64);
        let input = value("pixels", UINT8, &[rows, cols]);
        let classes = plan.spec.classes.len() as i64;
        let mut outputs = vec![value("logits", FLOAT, &[plan.outputs() as i64])];
        if self.outputs.iter().any(|name| name == "probabilities") {
            outputs.push(value("probabilities", FLOAT, &[classes]));
        }
        outputs.push(value("class", INT64, &[]));
        let constants = self.constants.into_iter().map(|(_, tensor)| tensor);
        let graph = Message::default()
            .messages(1, self.nodes)
            .bytes(2, "mlp")
            .messages(5, constants)
            .messages(11, [input])
            .messages(12, outputs);
        Message::default()
            .int(1, IR_VERSION)
            .bytes(2, "mlp")
            .bytes(3, env!("CARGO_PKG_VERSION"))
            .bytes(6, DESCRIPTION)
            .message(7, graph)
            .message(8, Message::default().bytes(1, "").int(2, OPSET))
            .messages(14, metadata(plan))
            .into_bytes()
    }
}

const DESCRIPTION: &str = "pixels: grey values of 0 to 255 in uint8, (N, rows, cols). logits: the outputs of the \
    network. probabilities: a column a class, where the loss has them. class: the number of the class, whose name is \
    in the metadata.";

/// What is known about the model, as names and values.
fn metadata(plan: &Plan) -> Vec<Message> {
    let entry = |name: &str, value: &str| Message::default().bytes(1, name).bytes(2, value);
    let classes = serde_json::to_string(&plan.spec.classes).expect("plain data serialises");
    let about = plan.about.iter();
    let mut entries: Vec<_> = about.map(|(name, value)| entry(name, value)).collect();
    entries.push(entry("classes", &classes));
    entries
}

fn int(name: &str, value: i64) -> Message {
    const KIND: i64 = 2;
    Message::default()
        .bytes(1, name)
        .int(3, value)
        .int(20, KIND)
}

/// An input or an output: any number N of such arrays.
fn value(name: &str, kind: i64, shape: &[i64]) -> Message {
    let any = Message::default().bytes(2, "N");
    let sizes = shape.iter().map(|&size| Message::default().int(1, size));
    let shape = Message::default().messages(1, std::iter::once(any).chain(sizes));
    let tensor = Message::default().int(1, kind).message(2, shape);
    Message::default()
        .bytes(1, name)
        .message(2, Message::default().message(1, tensor))
}
