//! Runs a graph, with the operators that [`write`](super::write) uses.

use std::collections::HashMap;

use ndarray::{Array1, Array2, ArrayD, Axis, Ix2, Ix3, Zip, concatenate};

use super::{
    super::ReadFault,
    read::{Network, Node},
};
use crate::linalg::{
    functions::{exp, sigmoid, tanh},
    matmul,
};

impl Network {
    /// `logits` (N, O) and `class` (N) of `pixels` (N, rows, cols).
    pub fn run(&self, pixels: ArrayD<f32>) -> Result<(Array2<f32>, Array1<f32>), ReadFault> {
        let mut made = HashMap::from([("pixels".to_owned(), pixels)]);
        for node in &self.nodes {
            let outputs = self
                .outputs(node, &made)
                .ok_or_else(|| ReadFault::Node(node.name.clone()))?;
            made.extend(node.outputs.iter().cloned().zip(outputs));
        }
        let mut take = |name: &str| {
            let tensor = made.remove(name);
            tensor.ok_or_else(|| ReadFault::Missing(name.to_owned()))
        };
        let (logits, class) = (take("logits")?, take("class")?);
        let wrong = |_| ReadFault::Node("to class".into());
        Ok((
            logits.into_dimensionality().map_err(wrong)?,
            class.into_dimensionality().map_err(wrong)?,
        ))
    }

    /// What a node makes of what was made before it; none if its inputs are not there or do not fit.
    fn outputs(
        &self,
        node: &Node,
        made: &HashMap<String, ArrayD<f32>>,
    ) -> Option<Vec<ArrayD<f32>>> {
        let named = |name: &String| made.get(name).or_else(|| self.constants.get(name));
        let inputs: Vec<_> = node.inputs.iter().map(named).collect::<Option<_>>()?;
        match inputs[..] {
            [] => None,
            [x] if node.operator == "Split" => split(x, node.outputs.len()),
            [x] => Some(vec![unary(node, x)?]),
            [a, b] => Some(vec![binary(node, a, b)?]),
            [a, b, c] => Some(vec![ternary(&node.operator, a, b, c)?]),
            _ => None,
        }
    }
}

fn unary(node: &Node, x: &ArrayD<f32>) -> Option<ArrayD<f32>> {
    Some(match node.operator.as_str() {
        "Cast" | "Identity" => x.clone(),
        "Abs" => x.mapv(f32::abs),
        "Floor" => x.mapv(f32::floor),
        "Relu" => x.mapv(|x| x.max(0.0)),
        "Tanh" => x.mapv(tanh),
        "Sigmoid" => x.mapv(sigmoid),
        "LeakyRelu" => {
            let alpha = *node.floats.get("alpha")?;
            x.mapv(|x| if x > 0.0 { x } else { alpha * x })
        }
        "Flatten" => {
            let rows = *x.shape().first()?;
            let columns: usize = x.shape()[1..].iter().product();
            x.to_shape((rows, columns)).ok()?.into_owned().into_dyn()
        }
        "Softmax" => softmax(&x.view().into_dimensionality().ok()?.to_owned()).into_dyn(),
        "ArgMax" => {
            let rows = x.view().into_dimensionality::<Ix2>().ok()?;
            let first_of_largest = |row: ndarray::ArrayView1<f32>| {
                let mut best = (0, f32::NEG_INFINITY);
                for (class, &value) in row.iter().enumerate() {
                    if value > best.1 {
                        best = (class, value);
                    }
                }
                best.0 as f32
            };
            rows.map_axis(Axis(1), first_of_largest).into_dyn()
        }
        _ => return None,
    })
}

fn binary(node: &Node, a: &ArrayD<f32>, b: &ArrayD<f32>) -> Option<ArrayD<f32>> {
    let truth = |holds: bool| f32::from(u8::from(holds));
    match node.operator.as_str() {
        "Add" => elementwise(a, b, |a, b| a + b),
        "Sub" => elementwise(a, b, |a, b| a - b),
        "Mul" => elementwise(a, b, |a, b| a * b),
        "Div" => elementwise(a, b, |a, b| a / b),
        "Less" => elementwise(a, b, |a, b| truth(a < b)),
        "Greater" => elementwise(a, b, |a, b| truth(a > b)),
        "GreaterOrEqual" => elementwise(a, b, |a, b| truth(a >= b)),
        "MatMul" => product(a, b),
        "Concat" => concatenate(Axis(1), &[a.view(), b.view()]).ok(),
        "Unsqueeze" => {
            let mut x = a.clone();
            for &axis in b {
                let axis = axis as usize;
                if axis > x.ndim() {
                    return None;
                }
                x = x.insert_axis(Axis(axis));
            }
            Some(x)
        }
        "Squeeze" => {
            let axis = *b.first()? as usize;
            (a.shape().get(axis) == Some(&1)).then(|| a.clone().remove_axis(Axis(axis)))
        }
        _ => None,
    }
}

fn ternary(
    operator: &str,
    a: &ArrayD<f32>,
    b: &ArrayD<f32>,
    c: &ArrayD<f32>,
) -> Option<ArrayD<f32>> {
    match operator {
        "Gemm" => {
            let (x, w) = (two(a)?, two(b)?);
            if x.ncols() != w.ncols() {
                return None;
            }
            let mut y = Array2::zeros((x.nrows(), w.nrows()));
            matmul(&x, &w.t(), &mut y);
            elementwise(&y.into_dyn(), c, |y, b| y + b)
        }
        "Clip" => {
            let low = elementwise(a, b, f32::max)?;
            elementwise(&low, c, f32::min)
        }
        "Where" => {
            // One of the two is NaN where it is not chosen, so no sum of products will do.
            let chosen = elementwise(a, b, |a, b| if a != 0.0 { b } else { f32::NAN })?;
            let others = elementwise(a, c, |a, c| if a != 0.0 { f32::NAN } else { c })?;
            elementwise(&chosen, &others, |b, c| if b.is_nan() { c } else { b })
        }
        _ => None,
    }
}

/// f of every pair of elements, where an axis of length 1 stands for any length.
fn elementwise(
    a: &ArrayD<f32>,
    b: &ArrayD<f32>,
    f: impl Fn(f32, f32) -> f32,
) -> Option<ArrayD<f32>> {
    let dims = a.ndim().max(b.ndim());
    let size = |x: &ArrayD<f32>, axis: usize| match (axis + x.ndim()).checked_sub(dims) {
        Some(own) => x.shape()[own],
        None => 1,
    };
    let joint = |axis| match (size(a, axis), size(b, axis)) {
        (1, n) | (n, 1) => Some(n),
        (n, m) => (n == m).then_some(n),
    };
    let shape = (0..dims).map(joint).collect::<Option<Vec<_>>>()?;
    let (a, b) = (a.broadcast(shape.as_slice())?, b.broadcast(shape)?);
    Some(Zip::from(a).and(b).map_collect(|&a, &b| f(a, b)))
}

fn two(x: &ArrayD<f32>) -> Option<Array2<f32>> {
    let x = x.view().into_dimensionality::<Ix2>().ok()?;
    Some(x.as_standard_layout().into_owned())
}

/// The matrix product over the last two axes; all axes before them are the same in both.
fn product(a: &ArrayD<f32>, b: &ArrayD<f32>) -> Option<ArrayD<f32>> {
    let split_shape = |x: &ArrayD<f32>| {
        let at = x.ndim().checked_sub(2)?;
        let (before, last) = x.shape().split_at(at);
        Some((before.to_vec(), [last[0], last[1]]))
    };
    let ((before, [m, k]), (b_before, [b_k, n])) = (split_shape(a)?, split_shape(b)?);
    if before != b_before || k != b_k {
        return None;
    }
    let count: usize = before.iter().product();
    let three = |x: &ArrayD<f32>, rows, columns| {
        let x = x.to_shape((count, rows, columns)).ok()?;
        x.into_owned().into_dimensionality::<Ix3>().ok()
    };
    let (a, b) = (three(a, m, k)?, three(b, k, n)?);
    let mut y = ndarray::Array3::zeros((count, m, n));
    for ((a, b), mut y) in a.outer_iter().zip(b.outer_iter()).zip(y.outer_iter_mut()) {
        matmul(&a, &b, &mut y);
    }
    let shape = before.into_iter().chain([m, n]);
    y.into_shape_with_order(shape.collect::<Vec<_>>()).ok()
}

/// Equal parts of the columns.
fn split(x: &ArrayD<f32>, parts: usize) -> Option<Vec<ArrayD<f32>>> {
    let columns = *x.shape().get(1)?;
    if parts == 0 || !columns.is_multiple_of(parts) || columns == 0 {
        return None;
    }
    let parts = x.axis_chunks_iter(Axis(1), columns / parts);
    Some(parts.map(|part| part.to_owned()).collect())
}

fn softmax(z: &Array2<f32>) -> Array2<f32> {
    let mut p = z.clone();
    for mut row in p.rows_mut() {
        let most = row.fold(f32::NEG_INFINITY, |most, &z| most.max(z));
        row.mapv_inplace(|z| exp(z - most));
        let sum = row.sum();
        row.mapv_inplace(|p| p / sum);
    }
    p
}
