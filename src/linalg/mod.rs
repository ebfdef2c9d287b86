//! The matrix product behind every layer: the only place for cleverness.
//!
//! Everything here keeps one promise: each element of a product is one chain of fused
//! multiply-adds in increasing order of the summed index,
//!
//! ```text
//! c[i][j] ← fma(a[i][k−1], b[k−1][j], … fma(a[i][1], b[1][j], fma(a[i][0], b[0][j], c[i][j])))
//! ```
//!
//! whatever the sizes, the tiling, the instruction set or the share of the rows that a thread was
//! given. So splitting the work changes no bit of the result, and the tests compare with the plain
//! triple loop for equality. (A processor without FMA rounds the product first: equal to rounding.)
//!
//! How it gets fast:
//!
//! - A tile of `MR × NR` sums lives in vector registers while the summed index runs. Most of it is plain Rust
//!   over fixed-size arrays, which the compiler turns into vector code of whatever width the function
//!   around it is allowed to use; that function is chosen when the program runs.
//! - The `NR` columns of b that a tile needs are first copied into a panel that stays in the L1 cache
//!   and serves every tile above and below.
//! - Where much of a is zero, which a few of its rows tell, the k's with `a[i][k] = 0` are left out. That
//!   is exact, since fma(0, b, c) = c, but for the sign of a sum that is zero. Four of five pixels of MNIST are black, and ReLU makes about half of
//!   its outputs zero, and of their gradients.

mod dense;
mod dispatch;
mod elementary;
mod elementwise;
mod mask;
mod product;
mod random;
mod sparse;
pub mod team;

use ndarray::{Array1, Array2, ArrayRef2, NdFloat, s};
use ndarray_rand::rand_distr::uniform::SampleUniform;

use dense::InRegisters;
use dispatch::Set;
use elementary::Elementary;
use elementwise::{AddRows, AddScaled, Map, ScaleBytes, ScaleColumns, Update, ZipMap, ZipMap3};
use product::{Left, Product, Right};
use random::MapRandom;

/// The numbers a network can be made of: `f32` to train, `f64` to check the very same code.
pub trait Float: NdFloat + SampleUniform + Default + product::Scalar + Elementary {}
impl Float for f32 {}
impl Float for f64 {}

/// c += a·b
///
/// Shapes: a (M, K), b (K, N), c (M, N). Each of a and b may be a transposed view, but not both;
/// c and the untransposed form of a and b have contiguous rows. All elements of b are finite.
/// Panics if the shapes or layouts do not fit: that is a bug in the caller, not in the data.
pub fn add_matmul<F: Float>(a: &ArrayRef2<F>, b: &ArrayRef2<F>, c: &mut ArrayRef2<F>) {
    product(Set::detect(), a, b, c, true);
}

/// c = a·b; shapes and panics as [`add_matmul`].
pub fn matmul<F: Float>(a: &ArrayRef2<F>, b: &ArrayRef2<F>, c: &mut ArrayRef2<F>) {
    product(Set::detect(), a, b, c, false);
}

/// c = a·b, or c += a·b, with these instructions.
fn product<F: Float>(
    set: Set,
    a: &ArrayRef2<F>,
    b: &ArrayRef2<F>,
    c: &mut ArrayRef2<F>,
    add: bool,
) {
    let ((m, k), (k_b, n)) = (a.dim(), b.dim());
    let fits = k == k_b && c.dim() == (m, n);
    assert!(
        fits,
        "matmul: a ({m}, {k}) · b ({k_b}, {n}) against c {:?}",
        c.dim()
    );
    let (a_t, b_t) = (a.t(), b.t());
    let (a, b) = match (rows_contiguous(a), rows_contiguous(b)) {
        // x·w
        (true, true) => (Left::Rows(a), Right::Rows(b)),
        // xᵀ·dy
        (false, true) => (Left::Columns(&a_t), Right::Rows(b)),
        // dy·wᵀ
        (_, false) => (Left::Rows(a), Right::Columns(&b_t)),
    };
    F::multiply(set, Product { a, b, c, add });
}

fn rows_contiguous<F>(a: &ArrayRef2<F>) -> bool {
    a.ncols() <= 1 || a.strides()[1] == 1
}

/// y += alpha·x, element by element. Returns whether every element of the new y is finite.
///
/// Shapes: x and y alike, with contiguous rows. Panics if they are not.
pub fn add_scaled<F: Float>(alpha: F, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) -> bool {
    assert_eq!(x.dim(), y.dim(), "add_scaled: x against y");
    F::add_scaled(Set::detect(), AddScaled { alpha, x, y })
}

/// (v, w) = f(dw, v, w), element by element. Returns whether every element of the new w is finite.
///
/// Shapes and panics as [`add_scaled`].
pub fn update<F: Float>(
    dw: &ArrayRef2<F>,
    v: &mut ArrayRef2<F>,
    w: &mut ArrayRef2<F>,
    f: impl Fn(F, F, F) -> (F, F),
) -> bool {
    assert_eq!(dw.dim(), v.dim(), "update: dw against v");
    assert_eq!(dw.dim(), w.dim(), "update: dw against w");
    Set::detect().run(Update { dw, v, w, f })
}

/// y = f(x), element by element. Shapes and panics as [`add_scaled`].
pub fn map<F: Float>(x: &ArrayRef2<F>, y: &mut ArrayRef2<F>, f: impl Fn(F) -> F) {
    assert_eq!(x.dim(), y.dim(), "map: x against y");
    Set::detect().run(Map { x, y, f });
}

/// c = f(a, b), element by element. Shapes and panics as [`add_scaled`].
pub fn zip_map<F: Float>(
    a: &ArrayRef2<F>,
    b: &ArrayRef2<F>,
    c: &mut ArrayRef2<F>,
    f: impl Fn(F, F) -> F,
) {
    assert_eq!(a.dim(), b.dim(), "zip_map: a against b");
    assert_eq!(a.dim(), c.dim(), "zip_map: a against c");
    Set::detect().run(ZipMap { a, b, c, f });
}

/// out = f(a, b, c), element by element. An input that `f` ignores is not read. Shapes and panics as
/// [`add_scaled`].
pub fn zip_map3<F: Float>(
    a: &ArrayRef2<F>,
    b: &ArrayRef2<F>,
    c: &ArrayRef2<F>,
    out: &mut ArrayRef2<F>,
    f: impl Fn(F, F, F) -> F,
) {
    assert_eq!(a.dim(), b.dim(), "zip_map3: a against b");
    assert_eq!(a.dim(), c.dim(), "zip_map3: a against c");
    assert_eq!(a.dim(), out.dim(), "zip_map3: a against out");
    Set::detect().run(ZipMap3 { a, b, c, out, f });
}

/// y = f(x, 32 random bits), element by element: the bits at row r and column c follow from `key(r)` and
/// c alone. Shapes and panics as [`add_scaled`].
pub fn map_random<F: Float>(
    key: impl Fn(usize) -> u64,
    x: &ArrayRef2<F>,
    y: &mut ArrayRef2<F>,
    f: impl Fn(F, u32) -> F,
) {
    assert_eq!(x.dim(), y.dim(), "map_random: x against y");
    Set::detect().run(MapRandom { key, x, y, f });
}

/// `sums[0][j] = Σᵢ a[i][j]`, i in order.
///
/// Shapes: a (M, N), sums (1, N), with contiguous rows. Panics if they do not fit.
pub fn sum_rows<F: Float>(a: &ArrayRef2<F>, sums: &mut ArrayRef2<F>) {
    assert_eq!(sums.dim(), (1, a.ncols()), "sum_rows: sums against columns");
    sums.fill(F::zero());
    let sums = product::slice_mut(sums, 0);
    Set::detect().run(AddRows {
        w: a,
        sums,
        f: |v| v,
    });
}

/// `sums[j] += Σᵢ w[i][j]²`, i in order. Panics if there are not as many sums as columns, or rows are not
/// contiguous.
pub fn add_squares<F: Float>(w: &ArrayRef2<F>, sums: &mut [F]) {
    assert_eq!(w.ncols(), sums.len(), "add_squares: columns against sums");
    Set::detect().run(AddRows {
        w,
        sums,
        f: |v| v * v,
    });
}

/// `w[i][j] *= scales[j]`. Panics as [`add_squares`].
pub fn scale_columns<F: Float>(w: &mut ArrayRef2<F>, scales: &[F]) {
    assert_eq!(
        w.ncols(),
        scales.len(),
        "scale_columns: columns against scales"
    );
    Set::detect().run(ScaleColumns { w, scales });
}

/// tanh x, for [`map`]; in `f32` right to 3 units of the last place, and the same bits everywhere.
#[inline(always)]
pub fn tanh<F: Float>(x: F) -> F {
    x.hyperbolic_tangent()
}

/// 1 / (1 + e^−x), the logistic function, as [`tanh`]. (In `f32`, e^−87 is the least.)
#[inline(always)]
pub fn sigmoid<F: Float>(x: F) -> F {
    x.logistic()
}

/// Fused multiply-adds on registers alone, the most that a thread can do; returns the floating-point
/// operations done, two each.
pub fn multiply_add_in_registers(steps: usize) -> f64 {
    Set::detect().run(InRegisters { steps })
}

/// Name of the instructions that the kernels use here.
pub fn instructions() -> &'static str {
    Set::detect().name()
}

/// Asks for bytes that will be read soon: the memory takes longer to answer than the processor to work.
pub fn prefetch(bytes: &[u8]) {
    dispatch::prefetch(bytes);
}

/// Zeros that begin with a cache line, and long ones on a huge page.
pub fn zeros<F: Float>(shape: (usize, usize)) -> Array2<F> {
    const LINE: usize = 64;
    let len = shape.0 * shape.1;
    let room = Array1::<F>::zeros(len + LINE);
    let start = room.as_ptr().align_offset(LINE);
    let zeros = room.slice_move(s![start..start + len]);
    let zeros = zeros
        .into_shape_with_order(shape)
        .expect("as many elements");
    prefer_huge_pages(&zeros);
    zeros
}

/// Asks the system to keep a large matrix in pages of 2 MiB: the rows of a column lie in as many pages of
/// 4 KiB, more than a processor has at hand. Only advice: nothing changes but the time.
pub fn prefer_huge_pages<T>(matrix: &ArrayRef2<T>) {
    if let Some(elements) = matrix.as_slice() {
        dispatch::prefer_huge_pages(elements);
    }
}

/// x = scale·byte + shift, element by element. Panics if there are not as many bytes as elements.
pub fn scale_bytes<F: Float>(bytes: &[u8], scale: F, shift: F, x: &mut [F]) {
    assert_eq!(bytes.len(), x.len(), "scale_bytes: bytes against x");
    Set::detect().run(ScaleBytes {
        bytes,
        scale,
        shift,
        x,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, ArrayView2, s};
    use ndarray_rand::rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Random numbers, a share of them zero, in the middle of a wider matrix as in a tape.
    pub(super) fn random<F: Float>(
        shape: (usize, usize),
        zeros: f64,
        rng: &mut ChaCha8Rng,
    ) -> Array2<F> {
        let element = || match rng.random_bool(zeros) {
            true => F::zero(),
            false => F::from(rng.random_range(-1.0..1.0)).unwrap(),
        };
        Array2::from_shape_simple_fn((shape.0, shape.1 + 5), element)
            .slice_move(s![.., 2..2 + shape.1])
    }

    /// The promise, written down: one chain of `fma` an element.
    fn chain<F: Float>(
        a: &ArrayView2<F>,
        b: &ArrayView2<F>,
        c: &Array2<F>,
        fma: bool,
    ) -> Array2<F> {
        Array2::from_shape_fn(c.dim(), |(i, j)| {
            (0..a.ncols()).fold(c[[i, j]], |sum, k| match fma {
                true => a[[i, k]].mul_add(b[[k, j]], sum),
                false => a[[i, k]] * b[[k, j]] + sum,
            })
        })
    }

    fn every_product_is_the_chain<F: Float>(
        set: Set,
        (m, k, n): (usize, usize, usize),
        zeros: f64,
        rng: &mut ChaCha8Rng,
    ) {
        let what = format!("({m}, {k})·({k}, {n}), {zeros} zeros");
        let c = random::<F>((m, n), 0.0, rng);
        let (a, b) = (
            random::<F>((m, k), zeros, rng),
            random::<F>((k, n), zeros / 2.0, rng),
        );
        let (at, bt) = (
            a.t().as_standard_layout().to_owned(),
            b.t().as_standard_layout().to_owned(),
        );
        let fma = set.fused();
        let added = chain(&a.view(), &b.view(), &c, fma);
        let alone = chain(&a.view(), &b.view(), &Array2::zeros((m, n)), fma);
        for (form, a, b) in [
            ("a·b", a.view(), b.view()),
            ("aᵀ·b", at.t(), b.view()),
            ("a·bᵀ", a.view(), bt.t()),
        ] {
            for (add, expected) in [(true, &added), (false, &alone)] {
                let mut sum = c.clone();
                product(set, &a, &b, &mut sum, add);
                assert_eq!(sum, expected, "{form}, added {add}: {what}, {set:?}");
            }
        }
    }

    fn sizes_and_zeros() -> Vec<((usize, usize, usize), f64)> {
        let mut sizes = vec![
            (1, 1, 1),
            (6, 256, 16),
            (7, 257, 17),
            (131, 130, 129),
            (33, 784, 50),
            // More rows, and more than one part of k's, than are looked at together where zeros are left out;
            // squares that are not whole; more than one block of panels where none are.
            (260, 1100, 9),
            (70, 1100, 60),
            (1100, 70, 33),
            (0, 20, 30),
            (30, 0, 20),
            (30, 20, 0),
            (30, 800, 200),
        ];
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        sizes.extend((0..40).map(|_| {
            (
                rng.random_range(1..40),
                rng.random_range(1..300),
                rng.random_range(1..150),
            )
        }));
        let zeros = [0.0, 0.3, 0.8, 0.9, 1.0];
        sizes
            .into_iter()
            .flat_map(|size| zeros.map(|zeros| (size, zeros)))
            .collect()
    }

    #[test]
    fn every_product_is_one_chain_of_multiply_adds_bit_for_bit_on_every_instruction_set() {
        for set in Set::available() {
            let mut rng = ChaCha8Rng::seed_from_u64(2);
            for (size, zeros) in sizes_and_zeros() {
                every_product_is_the_chain::<f32>(set, size, zeros, &mut rng);
                every_product_is_the_chain::<f64>(set, size, zeros, &mut rng);
            }
        }
    }

    #[test]
    fn rows_computed_alone_are_the_rows_of_the_whole() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for zeros in [0.0, 0.45, 0.55, 0.9] {
            let (a, b) = (
                random::<f32>((64, 300), zeros, &mut rng),
                random((300, 70), 0.0, &mut rng),
            );
            let mut whole = Array2::zeros((64, 70));
            matmul(&a, &b, &mut whole);
            for share in [1, 5, 16, 33] {
                let mut parts = Array2::zeros((64, 70));
                for first in (0..64).step_by(share) {
                    let rows = s![first..(first + share).min(64), ..];
                    matmul(&a.slice(rows), &b, &mut parts.slice_mut(rows));
                }
                assert_eq!(whole, parts, "{zeros} zeros, {share} rows at a time");
            }
        }
    }

    #[test]
    fn add_scaled_adds_and_sees_what_is_not_finite_anywhere() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for shape in [(1, 1), (3, 16), (2, 50), (5, 33)] {
            let (x, y) = (
                random::<f32>(shape, 0.1, &mut rng),
                random::<f32>(shape, 0.1, &mut rng),
            );
            let mut sum = y.clone();
            assert!(add_scaled(-0.5, &x, &mut sum));
            assert_eq!(sum, &y + &(&x * -0.5));
            for index in x.indexed_iter().map(|(index, _)| index) {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut y = y.clone();
                    y[index] = bad;
                    assert!(
                        !add_scaled(-0.5, &x, &mut y),
                        "{bad} at {index:?} of {shape:?}"
                    );
                }
            }
            let huge = Array2::from_elem(shape, f32::MAX);
            assert!(!add_scaled(f32::MAX, &huge, &mut sum), "overflow");
        }
    }

    #[test]
    fn zip_map3_computes_every_element_from_its_three_on_every_instruction_set() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for shape in [(1, 1), (3, 16), (5, 43)] {
            let [a, b, c] = [(); 3].map(|()| random::<f32>(shape, 0.1, &mut rng));
            for set in Set::available() {
                let mut out = Array2::from_elem(shape, f32::NAN);
                set.run(ZipMap3 {
                    a: &a,
                    b: &b,
                    c: &c,
                    out: &mut out,
                    f: |a, b, c| (a - b) * c,
                });
                assert_eq!(out, (&a - &b) * &c, "{shape:?}, {set:?}");
            }
        }
    }

    #[test]
    fn columns_are_measured_and_scaled_the_same_on_every_instruction_set() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let w = random::<f32>((7, 43), 0.2, &mut rng);
        let mut sums = Array2::ones((1, 43));
        sum_rows(&w, &mut sums);
        for (j, sum) in sums.iter().enumerate() {
            assert_eq!(*sum, w.column(j).iter().fold(0.0, |sum, v| sum + v), "{j}");
        }
        let scales: Vec<f32> = (0..43).map(|j| j as f32 / 8.0).collect();
        let mut squares = vec![1.0; 43];
        for row in w.rows() {
            for (sum, v) in squares.iter_mut().zip(row) {
                *sum += v * v;
            }
        }
        for set in Set::available() {
            let (mut sums, mut scaled) = (vec![1.0; 43], w.clone());
            set.run(AddRows {
                w: &w,
                sums: &mut sums,
                f: |v| v * v,
            });
            set.run(ScaleColumns {
                w: &mut scaled,
                scales: &scales,
            });
            assert_eq!(sums, squares, "{set:?}");
            for ((i, j), v) in scaled.indexed_iter() {
                assert_eq!(*v, w[[i, j]] * scales[j], "({i}, {j}), {set:?}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "matmul: a (2, 3) · b (4, 5) against c (2, 5)")]
    fn shapes_that_do_not_fit_are_named() {
        let (a, b) = (Array2::<f32>::zeros((2, 3)), Array2::zeros((4, 5)));
        matmul(&a, &b, &mut Array2::zeros((2, 5)));
    }
}
