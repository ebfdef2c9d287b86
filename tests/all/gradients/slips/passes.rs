//! Forward and backward passes as students write them: plain loops, every formula by hand, with slips where one
//! asks for them. No line is shared with the program.

#![expect(
    clippy::needless_range_loop,
    reason = "plain loops over indices, as on the board"
)]

use std::ops::{Add, Div, Mul, Neg, Sub};

use mlp::{check::mistakes::Mistake, nn::Activation};

/// A float: f32 or f64.
pub trait Real:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    fn of(value: f64) -> Self;
    fn to_f64(self) -> f64;
    fn exp(self) -> Self;
    fn tanh(self) -> Self;
}

macro_rules! real {
    ($($float:ty)*) => {$(
        impl Real for $float {
            fn of(value: f64) -> Self {
                value as $float
            }

            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            fn exp(self) -> Self {
                self.exp()
            }

            fn tanh(self) -> Self {
                self.tanh()
            }
        }
    )*};
}

real!(f32 f64);

/// Numbers in rows.
pub type Rows<F> = Vec<Vec<F>>;

/// The loss that the gradients are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Cross-entropy, the mean over N.
    Ce,
    /// (z − onehot(t))², the mean over N·C.
    MseOnehot,
    /// (z − t)² with one output, the mean over N.
    MseDigit,
}

impl Loss {
    pub fn outputs(self) -> usize {
        match self {
            Self::Ce | Self::MseOnehot => 10,
            Self::MseDigit => 1,
        }
    }
}

/// y = x·w + b, with w (I, O).
#[derive(Clone, Debug)]
pub struct Linear<F> {
    pub w: Rows<F>,
    pub b: Vec<F>,
}

/// Linear layers with one activation function between them. Modules are counted as in `torch.nn.Sequential`:
/// even ones are linear.
#[derive(Clone, Debug)]
pub struct Network<F> {
    pub layers: Vec<Linear<F>>,
    pub activation: Activation,
}

impl<F: Real> Network<F> {
    pub fn modules(&self) -> usize {
        2 * self.layers.len() - 1
    }

    /// The number of inputs of a module.
    pub fn inputs(&self, m: usize) -> usize {
        match m % 2 {
            0 => self.layers[m / 2].w.len(),
            _ => self.layers[m / 2].b.len(),
        }
    }

    /// Every number in another precision.
    pub fn cast<G: Real>(&self) -> Network<G> {
        let cast = |row: &Vec<F>| row.iter().map(|v| G::of(v.to_f64())).collect();
        let layers = self.layers.iter().map(|layer| Linear {
            w: layer.w.iter().map(cast).collect(),
            b: cast(&layer.b),
        });
        Network {
            layers: layers.collect(),
            activation: self.activation,
        }
    }
}

/// Images as bytes, with their digits.
#[derive(Clone, Debug)]
pub struct Images {
    pub pixels: Rows<u8>,
    pub digits: Vec<u8>,
}

/// A gradient in a file: layer `tensor / 2`, its weight if even, its bias if odd.
pub type Tensor = usize;

/// One slip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slip {
    pub mistake: Mistake,
    /// The module; none for a mistake in the loss or the data, and for one that is made in every such module.
    pub place: Option<usize>,
    /// Which way to make it, where there are several.
    pub variant: usize,
    /// λ, or the learning rate.
    pub number: f64,
    /// The one tensor whose own lines have it; none if it stands in a line that all below share.
    pub alone: Option<Tensor>,
}

/// A student's program: what it computes, and its slips.
pub struct Pass<'a, F> {
    pub network: &'a Network<F>,
    pub images: &'a Images,
    /// As many images that come next.
    pub next: &'a Images,
    pub loss: Loss,
    pub slips: &'a [Slip],
    /// Whether the pixels, divided by 255, were stored as float32 first.
    pub rounded_input: bool,
}

/// y = f(x)
fn f<F: Real>(activation: Activation, x: F) -> F {
    let (zero, one) = (F::of(0.0), F::of(1.0));
    match activation {
        Activation::Relu if x > zero => x,
        Activation::Relu => zero,
        Activation::LeakyRelu if x > zero => x,
        Activation::LeakyRelu => F::of(0.01) * x,
        Activation::Tanh => x.tanh(),
        Activation::ScaledTanh => F::of(1.7159) * (F::of(2.0) * x / F::of(3.0)).tanh(),
        Activation::Sigmoid => one / (one + (-x).exp()),
        Activation::Gelu => F::of(0.5) * x * (one + gelu_inner(x).tanh()),
        Activation::Identity => x,
    }
}

fn gelu_inner<F: Real>(x: F) -> F {
    F::of((2.0 / std::f64::consts::PI).sqrt()) * (x + F::of(0.044715) * x * x * x)
}

/// ∂y/∂x, for tanh and sigmoid written with y.
fn slope<F: Real>(activation: Activation, x: F, y: F) -> F {
    let (zero, one) = (F::of(0.0), F::of(1.0));
    match activation {
        Activation::Relu if x > zero => one,
        Activation::Relu => zero,
        Activation::LeakyRelu if x > zero => one,
        Activation::LeakyRelu => F::of(0.01),
        Activation::Tanh => one - y * y,
        Activation::ScaledTanh => {
            let a = F::of(1.7159);
            F::of(2.0) / F::of(3.0) / a * (a * a - y * y)
        }
        Activation::Sigmoid => y * (one - y),
        Activation::Gelu => {
            let t = gelu_inner(x).tanh();
            let inner =
                F::of((2.0 / std::f64::consts::PI).sqrt()) * (one + F::of(3.0 * 0.044715) * x * x);
            F::of(0.5) * (one + t) + F::of(0.5) * x * (one - t * t) * inner
        }
        Activation::Identity => one,
    }
}

/// Whether the slope is a mask by x > 0.
pub fn masks(activation: Activation) -> bool {
    matches!(activation, Activation::Relu | Activation::LeakyRelu)
}

fn sum<F: Real>(numbers: impl Iterator<Item = F>) -> F {
    numbers.fold(F::of(0.0), |sum, v| sum + v)
}

/// e^z / Σ e^z of one row.
fn softmax<F: Real>(z: &[F]) -> Vec<F> {
    let highest = z.iter().fold(z[0], |m, &z| if z > m { z } else { m });
    let e: Vec<F> = z.iter().map(|&z| (z - highest).exp()).collect();
    let all = sum(e.iter().copied());
    e.iter().map(|&e| e / all).collect()
}

fn transposed<F: Real>(rows: &Rows<F>) -> Rows<F> {
    let columns = 0..rows[0].len();
    columns
        .map(|c| rows.iter().map(|row| row[c]).collect())
        .collect()
}

/// dx from the gradient of p = softmax(z): dz[i] = p[i]·(dp[i] − Σ_j dp[j]·p[j])
fn through_softmax<F: Real>(p: &[F], dp: &[F]) -> Vec<F> {
    let mean = sum(p.iter().zip(dp).map(|(&p, &dp)| p * dp));
    p.iter().zip(dp).map(|(&p, &dp)| p * (dp - mean)).collect()
}

/// The gradient of a layer: dw (I, O), and db.
pub struct Gradient<F> {
    pub dw: Rows<F>,
    pub db: Vec<F>,
}

impl<F: Real> Pass<'_, F> {
    fn slip(&self, mistake: Mistake) -> Option<&Slip> {
        self.slips.iter().find(|slip| slip.mistake == mistake)
    }

    fn has(&self, mistake: Mistake) -> bool {
        self.slip(mistake).is_some()
    }

    fn slip_at(&self, mistake: Mistake, m: usize) -> Option<&Slip> {
        let mut slips = self.slips.iter();
        slips.find(|slip| slip.mistake == mistake && slip.place.is_none_or(|place| place == m))
    }

    fn at(&self, mistake: Mistake, m: usize) -> bool {
        self.slip_at(mistake, m).is_some()
    }

    /// The loss, made without any slip.
    pub fn loss(&self) -> f64 {
        let all = self.forward(&self.images.pixels);
        let z = all.last().unwrap();
        let (n, c) = (z.len() as f64, z[0].len());
        let t = self.targets(&self.images.digits, c);
        let mut total = 0.0;
        for (z, t) in z.iter().zip(&t) {
            let p = softmax(z);
            for c in 0..c {
                let (z, t, p) = (z[c].to_f64(), t[c].to_f64(), p[c].to_f64());
                total += match self.loss {
                    Loss::Ce if t == 0.0 => 0.0,
                    Loss::Ce => -t * p.ln(),
                    Loss::MseOnehot => (z - t) * (z - t) / 10.0,
                    Loss::MseDigit => (z - t) * (z - t),
                };
            }
        }
        total / n
    }

    /// The gradients of all layers.
    pub fn gradients(&self) -> Vec<Gradient<F>> {
        let both = || Images {
            pixels: [&self.images.pixels[..], &self.next.pixels].concat(),
            digits: [&self.images.digits[..], &self.next.digits].concat(),
        };
        if let Some(slip) = self.slip(Mistake::OtherImages) {
            return match slip.variant {
                0 => self.backward(&self.next.pixels, &self.next.digits),
                1 => self.backward(&both().pixels, &both().digits),
                // All but the last, all but the first, or the first so many.
                variant => {
                    let n = self.images.digits.len();
                    let rows = match variant {
                        2 if n > 1 => 0..n - 1,
                        3 => 1.min(n - 1)..n,
                        _ => 0..(variant - 3).clamp(1, 2 * n),
                    };
                    let both = both();
                    self.backward(&both.pixels[rows.clone()].to_vec(), &both.digits[rows])
                }
            };
        }
        let once = |images: &Images| self.backward(&images.pixels, &images.digits);
        if let Some(slip) = self.slip(Mistake::NotZeroed) {
            let first = once(self.images);
            let second = once(if slip.variant == 0 {
                self.images
            } else {
                self.next
            });
            let pairs = first.into_iter().zip(second);
            return pairs.map(|(a, b)| added(a, &b)).collect();
        }
        if self
            .slip(Mistake::AnotherBatch)
            .is_some_and(|slip| slip.variant == 2)
        {
            return self.backward(&self.next.pixels, &self.images.digits);
        }
        once(self.images)
    }

    /// What goes into every module, and at the end what comes out.
    fn forward(&self, pixels: &Rows<u8>) -> Vec<Rows<F>> {
        let divisor = match self.has(Mistake::PixelsTo255) {
            true => F::of(1.0),
            false => F::of(255.0),
        };
        let scaled = |row: &Vec<u8>| {
            let row = row.iter().map(|&k| F::of(k.into()) / divisor);
            match self.rounded_input {
                true => row.map(|x| F::of(f64::from(x.to_f64() as f32))).collect(),
                false => row.collect::<Vec<F>>(),
            }
        };
        let mut all: Vec<Rows<F>> = vec![pixels.iter().map(scaled).collect()];
        let activation = self.network.activation;
        for m in 0..self.network.modules() {
            let x = &all[m];
            let y = if m % 2 == 0 {
                let layer = &self.network.layers[m / 2];
                let times = match () {
                    () if self.at(Mistake::BiasTwice, m) => 2.0,
                    () if self.at(Mistake::BiasForgotten, m) => 0.0,
                    () => 1.0,
                };
                let outputs = layer.b.len();
                let mut y = Vec::with_capacity(x.len());
                for x in x {
                    let mut row: Vec<F> = layer.b.iter().map(|&b| F::of(times) * b).collect();
                    for (i, &x) in x.iter().enumerate() {
                        for o in 0..outputs {
                            row[o] = row[o] + x * layer.w[i][o];
                        }
                    }
                    y.push(row);
                }
                y
            } else if self.at(Mistake::ActivationForgotten, m) {
                x.clone()
            } else {
                apply(activation, x)
            };
            all.push(y);
        }
        if self.has(Mistake::ActivationAtEnd) {
            all.push(apply(activation, all.last().unwrap()));
        }
        all
    }

    /// What the outputs are compared with.
    fn targets(&self, digits: &[u8], c: usize) -> Rows<F> {
        let n = digits.len();
        let from = |i: usize| match self.slip(Mistake::LabelsShifted).map(|slip| slip.variant) {
            None => i,
            Some(0) => (i + 1) % n,
            Some(1) => (i + n - 1) % n,
            // Where there is no next or previous one, its own.
            Some(2) => (i + 1).min(n - 1),
            Some(_) => i.saturating_sub(1),
        };
        let other_encoding = self.has(Mistake::TargetEncoding);
        let mut t = Vec::new();
        for i in 0..n {
            let digit = digits[from(i)];
            let mut row = vec![F::of(0.0); c];
            match self.loss {
                Loss::Ce | Loss::MseOnehot if other_encoding => row.fill(F::of(digit.into())),
                Loss::Ce | Loss::MseOnehot => row[usize::from(digit)] = F::of(1.0),
                // One output against ten: the mean over them, of which one is 1.
                Loss::MseDigit if other_encoding => row[0] = F::of(0.1),
                Loss::MseDigit => row[0] = F::of(digit.into()),
            }
            t.push(row);
        }
        t
    }

    /// The factor before p − q, or z − t.
    fn factor(&self, n: usize, c: usize) -> F {
        let (n, c) = (n as f64, c as f64);
        let (top, bottom) = match self.loss {
            Loss::Ce => (1.0, n),
            Loss::MseOnehot | Loss::MseDigit => (2.0, n * c),
        };
        let onehot = self.loss == Loss::MseOnehot;
        let mut bottom = bottom;
        if let Some(slip) = self.slip(Mistake::MeanMissing) {
            bottom = if onehot && slip.variant == 0 { c } else { 1.0 };
        }
        if let Some(slip) = self.slip(Mistake::MeanTwice) {
            bottom *= if onehot && slip.variant == 1 {
                n * c
            } else {
                n
            };
        }
        if self.has(Mistake::MeanOverClasses) {
            bottom = c;
        }
        if self.has(Mistake::MeanOverOthers) {
            bottom = match self.loss {
                Loss::Ce => n * c,
                Loss::MseOnehot | Loss::MseDigit => n,
            };
        }
        let mut top = top;
        if self.has(Mistake::TwoMissing) {
            top /= 2.0;
        }
        if self.has(Mistake::Sign) {
            top = -top;
        }
        F::of(top) / F::of(bottom)
    }

    /// The probabilities of outputs z.
    fn probabilities(&self, z: &Rows<F>) -> Rows<F> {
        let p: Rows<F> = if self.has(Mistake::LogsumexpNotByRows) {
            let flat: Vec<F> = z.iter().flatten().copied().collect();
            let p = softmax(&flat);
            p.chunks(z[0].len()).map(<[F]>::to_vec).collect()
        } else if self.has(Mistake::SoftmaxOverBatch) {
            let columns: Rows<F> = transposed(z).iter().map(|column| softmax(column)).collect();
            transposed(&columns)
        } else {
            z.iter().map(|row| softmax(row)).collect()
        };
        match self.slip(Mistake::SoftmaxTwice) {
            Some(slip) if slip.variant == 0 => p.iter().map(|row| softmax(row)).collect(),
            _ => p,
        }
    }

    /// ∂L/∂z
    fn dz(&self, z: &Rows<F>, digits: &[u8]) -> Rows<F> {
        let (n, c) = (z.len(), z[0].len());
        let t = self.targets(digits, c);
        let factor = self.factor(n, c);
        let mut dz = Vec::new();
        if self.loss != Loss::Ce {
            for i in 0..n {
                let mut row = Vec::new();
                for j in 0..c {
                    let diff = if self.has(Mistake::ResForDiff) {
                        z[i][j]
                    } else if let Some(slip) = self.slip(Mistake::BroadcastNByN) {
                        // A mean over all N·N, or over N only.
                        let all = if slip.variant == 0 { n as f64 } else { 1.0 };
                        sum((0..n).map(|k| z[i][j] - t[k][j])) / F::of(all)
                    } else {
                        z[i][j] - t[i][j]
                    };
                    row.push(factor * diff);
                }
                dz.push(row);
            }
            return dz;
        }
        let p = self.probabilities(z);
        for i in 0..n {
            let mut row: Vec<F> = (0..c)
                .map(|j| {
                    if self.has(Mistake::TargetNotSubtracted) {
                        p[i][j]
                    } else if self.has(Mistake::OneOverP) {
                        -t[i][j] / p[i][j]
                    } else {
                        p[i][j] - t[i][j]
                    }
                })
                .collect();
            if self
                .slip(Mistake::SoftmaxTwice)
                .is_some_and(|slip| slip.variant == 1)
            {
                // p went into a loss that takes logits.
                let twice = softmax(&p[i]);
                let dp: Vec<F> = (0..c).map(|j| twice[j] - t[i][j]).collect();
                row = through_softmax(&p[i], &dp);
            }
            match self.slip(Mistake::SoftmaxSlopeBesides) {
                None => {}
                Some(slip) if slip.variant == 0 => {
                    for j in 0..c {
                        row[j] = row[j] * p[i][j] * (F::of(1.0) - p[i][j]);
                    }
                }
                Some(_) => row = through_softmax(&p[i], &row),
            }
            dz.push(row.iter().map(|&d| factor * d).collect());
        }
        dz
    }

    fn backward(&self, pixels: &Rows<u8>, digits: &[u8]) -> Vec<Gradient<F>> {
        let x = self.forward(pixels);
        let modules = self.network.modules();
        let outputs = x.last().unwrap();
        let z = match self.slip(Mistake::AnotherBatch) {
            Some(slip) if slip.variant == 0 => self.forward(&self.next.pixels).pop().unwrap(),
            Some(slip) if slip.variant == 1 => {
                let next = (0..outputs.len()).map(|i| outputs[(i + 1) % outputs.len()].clone());
                next.collect()
            }
            _ => outputs.clone(),
        };
        let mut dy = self.dz(&z, digits);
        if self.has(Mistake::ActivationAtEnd) {
            for (n, row) in dy.iter_mut().enumerate() {
                for (o, dy) in row.iter_mut().enumerate() {
                    let slope = slope(
                        self.network.activation,
                        x[modules][n][o],
                        x[modules + 1][n][o],
                    );
                    *dy = *dy * slope;
                }
            }
        }
        let mut gradients = Vec::new();
        for m in (0..modules).rev() {
            if m % 2 == 1 {
                dy = self.dx_of_activation(m, &x, &dy);
                continue;
            }
            let gradient = Gradient {
                dw: self.dw(m, &x, &dy),
                db: self.db(m, &dy),
            };
            if m > 0 {
                dy = match self.at(Mistake::MisplacedBracket, m) {
                    true => self.misplaced_bracket(m, &z, digits),
                    false => self.dx_of_linear(m, &dy, &gradient.dw),
                };
            }
            gradients.push(gradient);
        }
        gradients.reverse();
        gradients
    }

    fn dw(&self, m: usize, x: &[Rows<F>], dy: &Rows<F>) -> Rows<F> {
        let layer = &self.network.layers[m / 2];
        let (inputs, outputs) = (layer.w.len(), layer.b.len());
        let x = if m > 0 && self.at(Mistake::BeforeActivationInDw, m) {
            &x[m - 1]
        } else if let Some(slip) = self.slip_at(Mistake::AnotherInputInDw, m) {
            &x[slip.variant]
        } else {
            &x[m]
        };
        let n = dy.len();
        let images = match self.slip_at(Mistake::WeightNotSummed, m) {
            None => 0..n,
            Some(slip) if slip.variant == 0 => 0..1,
            Some(_) => n - 1..n,
        };
        let mut dw = vec![vec![F::of(0.0); outputs]; inputs];
        for n in images {
            for i in 0..inputs {
                for o in 0..outputs {
                    dw[i][o] = dw[i][o] + x[n][i] * dy[n][o];
                }
            }
        }
        if self
            .slip_at(Mistake::GradientZero, m)
            .is_some_and(|slip| slip.variant != 1)
        {
            dw = vec![vec![F::of(0.0); outputs]; inputs];
        }
        if let Some(slip) = self.slip(Mistake::WeightDecay) {
            for i in 0..inputs {
                for o in 0..outputs {
                    dw[i][o] = dw[i][o] + F::of(slip.number) * layer.w[i][o];
                }
            }
        }
        dw
    }

    fn db(&self, m: usize, dy: &Rows<F>) -> Vec<F> {
        let b = &self.network.layers[m / 2].b;
        let n = dy.len();
        let mut db: Vec<F> = (0..b.len())
            .map(|o| sum(dy.iter().map(|row| row[o])))
            .collect();
        if let Some(slip) = self.slip_at(Mistake::BiasNotSummed, m) {
            db = dy[if slip.variant == 0 { 0 } else { n - 1 }].clone();
        }
        if self.at(Mistake::BiasAveraged, m) {
            db = db.iter().map(|&db| db / F::of(n as f64)).collect();
        }
        if self.at(Mistake::BiasScalar, m) {
            db = vec![sum(db.iter().copied()); b.len()];
        }
        if self
            .slip_at(Mistake::GradientZero, m)
            .is_some_and(|slip| slip.variant != 0)
        {
            db = vec![F::of(0.0); b.len()];
        }
        if let Some(slip) = self.slip(Mistake::WeightDecay)
            && slip.variant == 0
        {
            for (db, &b) in db.iter_mut().zip(b) {
                *db = *db + F::of(slip.number) * b;
            }
        }
        db
    }

    fn dx_of_linear(&self, m: usize, dy: &Rows<F>, dw: &Rows<F>) -> Rows<F> {
        let w = &self.network.layers[m / 2].w;
        let (inputs, outputs) = (w.len(), w[0].len());
        let flat: Vec<F> = w.iter().flatten().copied().collect();
        let updated = self.slip_at(Mistake::WeightUpdated, m);
        let (reshaped, not_transposed, gradient) = (
            self.at(Mistake::WeightReshaped, m),
            self.at(Mistake::WeightNotTransposed, m),
            self.at(Mistake::GradientForWeight, m),
        );
        // What stands in row o and column i of "wᵀ".
        let w_t = |o: usize, i: usize| match () {
            () if reshaped => flat[o * inputs + i],
            () if not_transposed => w[o][i],
            () if gradient => dw[i][o],
            () => match updated {
                Some(slip) => w[i][o] - F::of(slip.number) * dw[i][o],
                None => w[i][o],
            },
        };
        let row = |dy: &Vec<F>| {
            let inputs = 0..inputs;
            inputs
                .map(|i| sum((0..outputs).map(|o| dy[o] * w_t(o, i))))
                .collect()
        };
        dy.iter().map(row).collect()
    }

    /// 2·(z − t·wᵀ)/N, with z as broad as t·wᵀ or a column.
    fn misplaced_bracket(&self, m: usize, z: &Rows<F>, digits: &[u8]) -> Rows<F> {
        let w = &self.network.layers[m / 2].w;
        let (n, c) = (z.len(), z[0].len());
        let t = self.targets(digits, c);
        let factor = self.factor(n, c);
        let row = |n: usize| {
            let inputs = w.iter().enumerate();
            inputs
                .map(|(i, w)| {
                    let tw = sum(t[n].iter().zip(w).map(|(&t, &w)| t * w));
                    factor * (z[n][if c == 1 { 0 } else { i }] - tw)
                })
                .collect()
        };
        (0..n).map(row).collect()
    }

    fn dx_of_activation(&self, m: usize, all: &[Rows<F>], dy: &Rows<F>) -> Rows<F> {
        if self.at(Mistake::ActivationForgotten, m) {
            return dy.clone();
        }
        let activation = self.network.activation;
        let (zero, one) = (F::of(0.0), F::of(1.0));
        let off = match activation {
            Activation::LeakyRelu => F::of(0.01),
            _ => zero,
        };
        let last = self.network.modules() - 2;
        let (x, y) = (&all[m], &all[m + 1]);
        let mask_of = if self.at(Mistake::SharedRelu, m) {
            Some(&all[last])
        } else if m >= 3 && self.at(Mistake::ReluMaskOfBefore, m) {
            Some(&all[m - 2])
        } else {
            let another = self.slip_at(Mistake::ReluMaskOfAnother, m);
            another.map(|slip| &all[slip.variant])
        };
        let mut dx = Vec::new();
        for n in 0..dy.len() {
            let mut row = Vec::new();
            for i in 0..dy[n].len() {
                let (x, y, dy) = (x[n][i], y[n][i], dy[n][i]);
                let mask = |on: bool| if on { one } else { off };
                let d = if self.at(Mistake::ReluMaskMissing, m) || self.at(Mistake::SlopeMissing, m)
                {
                    dy
                } else if self.at(Mistake::ReluMaskAtZero, m) {
                    dy * mask(y >= zero)
                } else if self.at(Mistake::ReluMaskInverted, m) {
                    dy * if x > zero { off } else { one }
                } else if self.at(Mistake::ReluMaskOfGradient, m) {
                    dy * mask(dy > zero)
                } else if let Some(of) = mask_of {
                    dy * mask(of[n][i] > zero)
                } else if self.at(Mistake::UpstreamIgnored, m) {
                    slope(activation, x, y)
                } else if self.at(Mistake::SlopeFromX, m) {
                    dy * slope(activation, x, x)
                } else if self.at(Mistake::SlopeAtOutput, m) {
                    dy * slope(activation, y, f(activation, y))
                } else {
                    dy * slope(activation, x, y)
                };
                row.push(d);
            }
            dx.push(row);
        }
        dx
    }
}

fn apply<F: Real>(activation: Activation, x: &Rows<F>) -> Rows<F> {
    let row = |row: &Vec<F>| row.iter().map(|&x| f(activation, x)).collect();
    x.iter().map(row).collect()
}

fn added<F: Real>(a: Gradient<F>, b: &Gradient<F>) -> Gradient<F> {
    let add = |a: &[F], b: &[F]| a.iter().zip(b).map(|(&a, &b)| a + b).collect();
    Gradient {
        dw: a.dw.iter().zip(&b.dw).map(|(a, b)| add(a, b)).collect(),
        db: add(&a.db, &b.db),
    }
}

/// Every tensor of a program, row by row as PyTorch stores it: a weight as (O, I).
pub fn tensors<F: Real>(pass: &Pass<F>) -> Vec<Vec<F>> {
    let gradients = pass.gradients();
    let both = gradients
        .iter()
        .flat_map(|layer| [transposed(&layer.dw).concat(), layer.db.clone()]);
    both.collect()
}
