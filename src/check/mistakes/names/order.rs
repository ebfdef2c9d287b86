//! The orders in which people write gradients down.

use super::{Shapes, What};

/// All usual orders of the parameters, the most usual first; also of the weights alone and the biases alone.
pub(super) fn orders(shapes: &Shapes) -> Vec<Vec<What>> {
    let forwards = shapes.linears();
    let backwards: Vec<_> = forwards.iter().rev().copied().collect();
    let mut orders = Vec::new();
    for linears in [forwards, backwards] {
        let weights: Vec<_> = linears.iter().map(|&m| What::Weight(m)).collect();
        let biases: Vec<_> = linears.iter().map(|&m| What::Bias(m)).collect();
        let pairs = |first: &[What], second: &[What]| {
            let pairs = first.iter().zip(second);
            pairs
                .flat_map(|(&first, &second)| [first, second])
                .collect()
        };
        orders.extend([
            pairs(&weights, &biases),
            [&weights[..], &biases].concat(),
            pairs(&biases, &weights),
            [&biases[..], &weights].concat(),
            weights,
            biases,
        ]);
    }
    orders
}
