//! 12 layers: a network with any number of them

use ndarray::{Array1, Array2, Axis, Zip};

/// lin → relu → lin → relu → … → lin: a ReLU between any two linear layers, none behind the last
pub struct Mlp {
    /// weights[k] (I, O)
    pub weights: Vec<Array2<f64>>,
    /// biases[k] (O)
    pub biases: Vec<Array1<f64>>,
    /// The gradients of the weights, of their shapes.
    pub dw: Vec<Array2<f64>>,
    /// The gradients of the biases, of their shapes.
    pub db: Vec<Array1<f64>>,
    /// Room for what backward needs: what went into each layer,
    pub inputs: Vec<Array2<f64>>,
    /// and what each linear layer gave.
    pub sums: Vec<Array2<f64>>,
}

impl Mlp {
    pub fn new(weights: Vec<Array2<f64>>, biases: Vec<Array1<f64>>) -> Self {
        let dw = weights.iter().map(|w| Array2::zeros(w.dim())).collect();
        let db = biases.iter().map(|b| Array1::zeros(b.dim())).collect();
        let (inputs, sums) = (Vec::new(), Vec::new());
        Self {
            weights,
            biases,
            dw,
            db,
            inputs,
            sums,
        }
    }

    /// Returns the outputs z (N, C) of x (N, I), and keeps what backward needs of every layer.
    pub fn forward(&mut self, x: &Array2<f64>) -> Array2<f64> {
        // solution
        self.inputs.clear();
        self.sums.clear();
        let mut x = x.clone();
        for (k, (w, b)) in self.weights.iter().zip(&self.biases).enumerate() {
            if k > 0 {
                x.mapv_inplace(|x| x.max(0.0));
            }
            let y = x.dot(w) + b;
            self.inputs.push(x);
            self.sums.push(y.clone());
            x = y;
        }
        x
        // end
    }

    /// Leaves the gradients of weights[k] and biases[k] in dw[k] and db[k], given dz = ∂L/∂z (N, C).
    pub fn backward(&mut self, dz: &Array2<f64>) {
        // solution
        let mut dy = dz.clone();
        for k in (0..self.weights.len()).rev() {
            self.dw[k] = self.inputs[k].t().dot(&dy);
            self.db[k] = dy.sum_axis(Axis(0));
            if k > 0 {
                let dx = dy.dot(&self.weights[k].t());
                let sums = &self.sums[k - 1];
                dy = Zip::from(sums)
                    .and(&dx)
                    .map_collect(|&l, &d| if l > 0.0 { d } else { 0.0 });
            }
        }
        // end
    }
}
