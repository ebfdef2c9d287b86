//! 10 classes: each layer remembers what its way back needs
//!
//! A network is then built and run like this:
//!
//!     let loss = mse.forward(&lin2.forward(&relu.forward(&lin1.forward(&x))), &target);
//!     lin1.backward(&relu.backward(&lin2.backward(&mse.backward())));
//!
//! and the gradients of the parameters are in lin1.dw, lin1.db, lin2.dw and lin2.db.

use ndarray::{Array1, Array2, Axis, Zip};

/// y = x·w + b
pub struct Lin {
    pub w: Array2<f64>,
    pub b: Array1<f64>,
    /// What went in.
    pub x: Array2<f64>,
    pub dw: Array2<f64>,
    pub db: Array1<f64>,
}

impl Lin {
    pub fn new(w: Array2<f64>, b: Array1<f64>) -> Self {
        let (x, dw, db) = (
            Array2::zeros((0, 0)),
            Array2::zeros((0, 0)),
            Array1::zeros(0),
        );
        Self { w, b, x, dw, db }
    }

    /// Returns y (N, O) of x (N, I), and keeps what backward needs.
    pub fn forward(&mut self, x: &Array2<f64>) -> Array2<f64> {
        // solution
        self.x = x.clone();
        x.dot(&self.w) + &self.b
        // end
    }

    /// Returns dx (N, I) of dy (N, O), and leaves the gradients of w and b in dw and db.
    pub fn backward(&mut self, dy: &Array2<f64>) -> Array2<f64> {
        // solution
        self.dw = self.x.t().dot(dy);
        self.db = dy.sum_axis(Axis(0));
        dy.dot(&self.w.t())
        // end
    }
}

/// y = x where x > 0, else 0
#[derive(Default)]
pub struct Relu {
    /// What went in.
    pub x: Array2<f64>,
}

impl Relu {
    /// Returns y of x, and keeps what backward needs.
    pub fn forward(&mut self, x: &Array2<f64>) -> Array2<f64> {
        // solution
        self.x = x.clone();
        x.mapv(|x| x.max(0.0))
        // end
    }

    /// Returns dx of dy.
    pub fn backward(&mut self, dy: &Array2<f64>) -> Array2<f64> {
        // solution
        Zip::from(&self.x)
            .and(dy)
            .map_collect(|&x, &dy| if x > 0.0 { dy } else { 0.0 })
        // end
    }
}

/// L = the mean over the N rows of (output − target)²
#[derive(Default)]
pub struct Mse {
    /// output − target (N, 1)
    pub diff: Array2<f64>,
}

impl Mse {
    /// Returns one number for output (N, 1) and target (N), and keeps what backward needs.
    pub fn forward(&mut self, output: &Array2<f64>, target: &Array1<f64>) -> f64 {
        // solution
        self.diff = output - &target.view().insert_axis(Axis(1));
        (&self.diff * &self.diff).sum() / target.len() as f64
        // end
    }

    /// Returns ∂L/∂output (N, 1).
    pub fn backward(&mut self) -> Array2<f64> {
        // solution
        &self.diff * (2.0 / self.diff.len() as f64)
        // end
    }
}
