//! 11 module: what the layers have in common, written once
//!
//! A layer is then two formulas and nothing else; what it was called with is remembered for it.

use ndarray::{Array1, Array2, Axis, Zip};

/// Two formulas.
pub trait Module {
    /// y of x.
    fn forward(&self, x: &Array2<f64>) -> Array2<f64>;

    /// dx of dy, with the x that went in; keeps the gradients of parameters, if there are any.
    fn bwd(&mut self, dy: &Array2<f64>, x: &Array2<f64>) -> Array2<f64>;
}

/// A module that remembers its last call.
pub struct Called<M> {
    pub module: M,
    /// What went in.
    pub x: Array2<f64>,
}

impl<M: Module> Called<M> {
    pub fn new(module: M) -> Self {
        let x = Array2::zeros((0, 0));
        Self { module, x }
    }

    /// Returns y of x, and keeps x.
    pub fn call(&mut self, x: &Array2<f64>) -> Array2<f64> {
        // solution
        self.x = x.clone();
        self.module.forward(x)
        // end
    }

    /// Returns the bwd of the module, with what the last call left.
    pub fn backward(&mut self, dy: &Array2<f64>) -> Array2<f64> {
        // solution
        self.module.bwd(dy, &self.x)
        // end
    }
}

/// y = x·w + b
pub struct Lin {
    pub w: Array2<f64>,
    pub b: Array1<f64>,
    pub dw: Array2<f64>,
    pub db: Array1<f64>,
}

impl Lin {
    pub fn new(w: Array2<f64>, b: Array1<f64>) -> Self {
        let (dw, db) = (Array2::zeros((0, 0)), Array1::zeros(0));
        Self { w, b, dw, db }
    }
}

impl Module for Lin {
    fn forward(&self, x: &Array2<f64>) -> Array2<f64> {
        // solution
        x.dot(&self.w) + &self.b
        // end
    }

    fn bwd(&mut self, dy: &Array2<f64>, x: &Array2<f64>) -> Array2<f64> {
        // solution
        self.dw = x.t().dot(dy);
        self.db = dy.sum_axis(Axis(0));
        dy.dot(&self.w.t())
        // end
    }
}

/// y = x where x > 0, else 0
pub struct Relu;

impl Module for Relu {
    fn forward(&self, x: &Array2<f64>) -> Array2<f64> {
        // solution
        x.mapv(|x| x.max(0.0))
        // end
    }

    fn bwd(&mut self, dy: &Array2<f64>, x: &Array2<f64>) -> Array2<f64> {
        // solution
        Zip::from(x)
            .and(dy)
            .map_collect(|&x, &dy| if x > 0.0 { dy } else { 0.0 })
        // end
    }
}

/// L = the mean over the N rows of (output − target)²
pub struct Mse {
    /// target (N)
    pub target: Array1<f64>,
}

impl Module for Mse {
    /// The loss (1, 1) of x, the outputs (N, 1).
    fn forward(&self, x: &Array2<f64>) -> Array2<f64> {
        // solution
        let diff = &x.column(0) - &self.target;
        Array2::from_elem((1, 1), (&diff * &diff).sum() / diff.len() as f64)
        // end
    }

    /// ∂L/∂x (N, 1), times dy, which is 1: the gradient of the loss by itself.
    fn bwd(&mut self, dy: &Array2<f64>, x: &Array2<f64>) -> Array2<f64> {
        // solution
        let diff = x - &self.target.view().insert_axis(Axis(1));
        diff * (2.0 / x.len() as f64) * dy[[0, 0]]
        // end
    }
}
