//! Reads a graph that [`write`](super::write) wrote: the constants and the nodes.

use std::collections::HashMap;

use ndarray::ArrayD;

use super::super::{Constants, ReadFault};
use crate::files::protobuf::{Fields, Value};

/// A graph, ready to [run](Network::run).
pub struct Network {
    /// The constants by name, whole numbers as `f32`.
    pub(super) constants: HashMap<String, ArrayD<f32>>,
    /// The nodes in an order in which each finds its inputs.
    pub(super) nodes: Vec<Node>,
}

/// An operator with its inputs, outputs and options.
#[derive(Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) operator: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) ints: HashMap<String, i64>,
    pub(super) floats: HashMap<String, f32>,
}

impl Network {
    /// The graph in the bytes of a file.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadFault> {
        const GRAPH: u64 = 7;
        let graph = field(bytes, GRAPH)?.ok_or_else(|| ReadFault::Missing("the graph".into()))?;
        let mut network = Self {
            constants: HashMap::new(),
            nodes: Vec::new(),
        };
        for part in Fields::new(graph) {
            match part? {
                (1, Value::Bytes(bytes)) => network.nodes.push(node(bytes)?),
                (5, Value::Bytes(bytes)) => {
                    let (name, tensor) = tensor(bytes)?;
                    network.constants.insert(name, tensor);
                }
                _ => {}
            }
        }
        Ok(network)
    }

    /// How pixels become inputs, and the parameters under these names.
    pub fn constants(&self, names: &[String]) -> Result<Constants, ReadFault> {
        let named = |name: &str| {
            let tensor = self.constants.get(name);
            tensor.ok_or_else(|| ReadFault::Missing(name.to_owned()))
        };
        let number = |name: &str| Ok(named(name)?.iter().copied().next().unwrap_or(f32::NAN));
        let parameter = |name: &String| {
            Ok((
                name.clone(),
                named(name)?.iter().copied().collect::<Vec<_>>(),
            ))
        };
        Ok(Constants {
            scale: number("input_scale")?,
            shift: number("input_shift")?,
            parameters: names.iter().map(parameter).collect::<Result<_, _>>()?,
        })
    }
}

/// The message, or the text, in the first field of this number.
fn field(bytes: &[u8], number: u64) -> Result<Option<&[u8]>, ReadFault> {
    for field in Fields::new(bytes) {
        if let (found, Value::Bytes(bytes)) = field?
            && found == number
        {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn node(bytes: &[u8]) -> Result<Node, ReadFault> {
    let mut node = Node::default();
    for part in Fields::new(bytes) {
        match part? {
            (1, Value::Bytes(name)) => node.inputs.push(text(name)),
            (2, Value::Bytes(name)) => node.outputs.push(text(name)),
            (3, Value::Bytes(name)) => node.name = text(name),
            (4, Value::Bytes(name)) => node.operator = text(name),
            (5, Value::Bytes(option)) => read_option(option, &mut node)?,
            _ => {}
        }
    }
    Ok(node)
}

fn read_option(bytes: &[u8], node: &mut Node) -> Result<(), ReadFault> {
    let name = field(bytes, 1)?.map(text).unwrap_or_default();
    for part in Fields::new(bytes) {
        match part? {
            (2, Value::Float(value)) => drop(node.floats.insert(name.clone(), value)),
            (3, Value::Int(value)) => drop(node.ints.insert(name.clone(), value)),
            _ => {}
        }
    }
    Ok(())
}

/// A constant and its name.
fn tensor(bytes: &[u8]) -> Result<(String, ArrayD<f32>), ReadFault> {
    let (mut name, mut shape, mut kind, mut raw) = (String::new(), Vec::new(), 0, &[][..]);
    for part in Fields::new(bytes) {
        match part? {
            (1, Value::Int(size)) => {
                shape.push(usize::try_from(size).map_err(|_| ReadFault::Unknown("shape"))?);
            }
            (2, Value::Int(found)) => kind = found,
            (8, Value::Bytes(bytes)) => name = text(bytes),
            (9, Value::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let values = match kind {
        1 => numbers(raw, f32::from_le_bytes),
        7 => numbers(raw, |bytes| i64::from_le_bytes(bytes) as f32),
        _ => return Err(ReadFault::Unknown("type of numbers")),
    };
    let tensor =
        ArrayD::from_shape_vec(shape, values).map_err(|_| ReadFault::Node(name.clone()))?;
    Ok((name, tensor))
}

fn numbers<const BYTES: usize>(raw: &[u8], number: impl Fn([u8; BYTES]) -> f32) -> Vec<f32> {
    let (chunks, _) = raw.as_chunks();
    chunks.iter().map(|&bytes| number(bytes)).collect()
}
