//! dx, dw and db, line by line.

use ndarray::{Array2, Axis, s};

use super::{
    Board, OPERATIONS, World,
    activation::{f, slope},
    one_image, picked,
};
use crate::{
    check::mistakes::{Mistake, Slip, Step, estimate::Estimate},
    nn::Activation,
};

impl Board<'_> {
    /// The right ∂L/∂y of module m.
    pub fn dy(&self, world: &World, m: usize) -> Estimate {
        let mut dy = self.dz(world, None, None, None);
        for m in (m + 1..self.problem.steps.len()).rev() {
            dy = self.dx(world, m, &dy, None, None);
        }
        dy
    }

    /// dx of module m from dy, or some columns of it.
    pub fn dx(
        &self,
        world: &World,
        m: usize,
        dy: &Estimate,
        slip: Option<&Slip>,
        columns: Option<&[usize]>,
    ) -> Estimate {
        match &self.steps(world)[m] {
            Step::Linear { w, .. } => self.dx_of_linear(world, (m, w), dy, slip, columns),
            Step::Activation(_) if world.left_out == Some(m) => dy.clone(),
            Step::Activation(activation) => {
                self.dx_of_activation(world, (m, *activation), dy, slip, columns)
            }
            Step::Mask(mask) => match slip.map(|slip| slip.mistake) {
                Some(Mistake::DropoutMaskMissing) => dy.clone(),
                Some(_) => self.masked(
                    &Estimate::exact(Array2::ones(dy.value.dim())),
                    &picked(mask, columns),
                ),
                None => self.masked(dy, &picked(mask, columns)),
            },
        }
    }

    fn dx_of_linear(
        &self,
        world: &World,
        (m, w): (usize, &Array2<f64>),
        dy: &Estimate,
        slip: Option<&Slip>,
        columns: Option<&[usize]>,
    ) -> Estimate {
        let back = |w: &Array2<f64>| {
            // Rows of w are columns of wᵀ.
            let turned = match columns {
                Some(columns) => w.select(Axis(0), columns).reversed_axes(),
                None => w.t().to_owned(),
            };
            Estimate::product(dy, &turned, self.u)
        };
        let reshaped = |w: &Array2<f64>, shape| {
            let numbers: Vec<_> = w.iter().copied().collect();
            Array2::from_shape_vec(shape, numbers).expect("as many numbers")
        };
        let (i, o) = w.dim();
        let own_gradient = || world.x[m].value.t().dot(&dy.value);
        match slip.map(|slip| (slip.mistake, slip.variant)) {
            None => back(w),
            Some((Mistake::WeightNotTransposed, _)) => back(&w.t().to_owned()),
            // (I, O) read as (O, I), or the transposed one the other way round.
            Some((Mistake::WeightReshaped, 0)) => back(&reshaped(w, (o, i)).reversed_axes()),
            Some((Mistake::WeightReshaped, _)) => back(&reshaped(&w.t().to_owned(), (i, o))),
            // The gradient that the program itself has: of this very dy.
            Some((Mistake::GradientForWeight, _)) => back(&own_gradient()),
            Some((Mistake::WeightUpdated, _)) => {
                let lr = slip.and_then(|slip| slip.amount).unwrap_or(0.0);
                back(&(w - own_gradient() * lr))
            }
            Some((Mistake::MisplacedBracket, variant)) => {
                let factor = self.problem.objective.factor(world.n, world.t.ncols());
                let z = match variant {
                    0 => world.x.last().expect("the batch at least"),
                    _ => &world.x[m],
                };
                let t_w = world.t.dot(&w.t());
                let u = self.u.unwrap_or(0.0);
                let all: Vec<usize> = (0..i).collect();
                let columns = columns.unwrap_or(&all);
                let z_at = |(n, column): (usize, usize)| match z.value.ncols() {
                    1 => (n, 0),
                    _ => (n, columns[column]),
                };
                let shape = Estimate::exact(Array2::zeros((z.value.nrows(), columns.len())));
                shape
                    .map(self.u, columns.len(), |at| {
                        let (z_value, off) = (z.value[z_at(at)], z.off(z_at(at)));
                        let t_w = t_w[(at.0, columns[at.1])];
                        (
                            z_value - t_w,
                            off + OPERATIONS * u * (z_value.abs() + t_w.abs()),
                        )
                    })
                    .times(factor)
            }
            _ => unreachable!("a slip in the dx of a linear layer"),
        }
    }

    fn dx_of_activation(
        &self,
        world: &World,
        (m, activation): (usize, Activation),
        dy: &Estimate,
        slip: Option<&Slip>,
        columns: Option<&[usize]>,
    ) -> Estimate {
        let (x, y) = (&world.x[m], &world.x[m + 1]);
        let width = dy.value.ncols();
        let at =
            |(n, column): (usize, usize)| (n, columns.map_or(column, |columns| columns[column]));
        let times = |f: &dyn Fn((usize, usize)) -> f64| {
            // The error of a slope is not followed where it is not the right one.
            dy.map(self.u, width, |here| {
                let slope = f(at(here));
                (dy.value[here] * slope, dy.off(here) * slope.abs())
            })
        };
        match slip.map(|slip| (slip.mistake, slip.variant)) {
            None => self.sloped(dy, activation, (x, y), width, at),
            Some((Mistake::ReluMaskMissing | Mistake::SlopeMissing, _)) => dy.clone(),
            Some((Mistake::ReluMaskAtZero, 0)) => times(&|at| {
                let below = slope(activation, -1.0, -1.0);
                if y.value[at] >= 0.0 { 1.0 } else { below }
            }),
            Some((Mistake::ReluMaskAtZero, _)) => times(&|at| {
                let below = slope(activation, -1.0, -1.0);
                if x.value[at] >= 0.0 { 1.0 } else { below }
            }),
            Some((Mistake::ReluMaskInverted, _)) => {
                times(&|at| slope(activation, -x.value[at], -x.value[at]))
            }
            Some((Mistake::ReluMaskOfGradient, _)) => dy.map(self.u, width, |here| {
                let slope = slope(activation, dy.value[here], dy.value[here]);
                (dy.value[here] * slope, dy.off(here))
            }),
            Some((
                Mistake::SharedRelu | Mistake::ReluMaskOfBefore | Mistake::ReluMaskOfAnother,
                other,
            )) => {
                let (x, y) = (&world.x[other], &world.x[other + 1]);
                self.sloped(dy, activation, (x, y), width, at)
            }
            Some((Mistake::UpstreamIgnored, _)) => {
                let ones = Estimate::exact(Array2::ones(dy.value.dim()));
                self.sloped(&ones, activation, (x, y), width, at)
            }
            Some((Mistake::SlopeFromX, _)) => {
                times(&|at| slope(activation, x.value[at], x.value[at]))
            }
            Some((Mistake::SlopeAtOutput, _)) => times(&|at| {
                let y = y.value[at];
                slope(activation, y, f(activation, y))
            }),
            _ => unreachable!("a slip in the dx of an activation"),
        }
    }

    /// dy times the slope of an activation at x, y; `at` says where in x and y an element of dy stands.
    pub(super) fn sloped(
        &self,
        dy: &Estimate,
        activation: Activation,
        (x, y): (&Estimate, &Estimate),
        width: usize,
        at: impl Fn((usize, usize)) -> (usize, usize),
    ) -> Estimate {
        let u = self.u.unwrap_or(0.0);
        dy.map(self.u, width, |here| {
            let there = at(here);
            let x_value = x.value[there];
            let right = slope(activation, x_value, y.value[there]);
            let value = dy.value[here] * right;
            if self.u.is_none() {
                return (value, 0.0);
            }
            let off = x.off(there);
            let moved = [x_value - off, x_value + off]
                .map(|x| (slope(activation, x, f(activation, x)) - right).abs());
            // A mask is not rounded; a slope is.
            let rounding = match activation.about().kink {
                true => 0.0,
                false => OPERATIONS * u,
            };
            let slope_off = moved[0].max(moved[1]) + rounding;
            let error = dy.off(here) * (right.abs() + slope_off)
                + dy.value[here].abs() * (slope_off + u * right.abs());
            (value, error)
        })
    }

    /// The x that dw of module m is made with.
    pub fn input(&self, world: &World, m: usize, slip: Option<&Slip>) -> Estimate {
        let Some(slip) = slip else {
            return world.x[m].clone();
        };
        match slip.mistake {
            Mistake::WeightNotSummed => one_image(&world.x[m], slip.variant),
            // Both keep the module whose input is taken as their variant.
            Mistake::BeforeActivationInDw | Mistake::AnotherInputInDw => {
                world.x[slip.variant].clone()
            }
            _ => unreachable!("a slip in the x of dw"),
        }
    }

    /// db of dy.
    pub fn bias(&self, dy: &Estimate, slip: Option<&Slip>) -> Estimate {
        match slip.map(|slip| (slip.mistake, slip.variant)) {
            None => dy.sum_rows(self.u),
            Some((Mistake::BiasNotSummed, variant)) => {
                let row = match variant {
                    0 => 0,
                    _ => dy.value.nrows() - 1,
                };
                let row = |a: &Array2<f64>| a.slice(s![row..=row, ..]).to_owned();
                Estimate {
                    value: row(&dy.value),
                    error: dy.error.as_ref().map(row),
                }
            }
            Some((Mistake::BiasScalar, _)) => {
                let sum = dy.sum_rows(self.u);
                let all = |a: &Array2<f64>| Array2::from_elem(a.dim(), a.sum());
                Estimate {
                    value: all(&sum.value),
                    error: sum.error.as_ref().map(all),
                }
            }
            _ => unreachable!("a slip in db"),
        }
    }
}
