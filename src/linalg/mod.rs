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
//! It stands in layers, each of which uses those before it: how matrices lie in `memory`; what the
//! `instructions` of processors can do; `kernels`, which go element by element; `products`. The names here, the
//! [`functions`] and the [`team`] of threads are what others see.
//!
//! How it gets fast:
//!
//! - A tile of sums, a few rows by a few registers, stays in registers while the summed index runs. Most of it is
//!   plain Rust over fixed-size arrays, which the compiler turns into vector code of whatever width the function
//!   around it is allowed to use; that function is chosen when the program runs.
//! - The columns of b that a tile needs are first copied into a panel that stays in the cache and serves every tile
//!   above and below.
//! - Where much of a is zero, which a few of its rows tell, the k's with `a[i][k] = 0` are left out. That
//!   is exact, since fma(0, b, c) = c, but for the sign of a sum that is zero. Four of five pixels of MNIST are
//!   black, and ReLU makes about half of its outputs zero, and of their gradients.

pub mod functions;
mod instructions;
mod kernels;
mod memory;
mod products;
pub mod team;

use ndarray::ArrayRef2;
use ndarray_rand::rand_distr::uniform::SampleUniform;

pub use instructions::NoSuchInstructions;
use instructions::Set;
use kernels::{
    AddRows, AddScaled, Elementary, GatherRows, Map, MapRandom, ScaleColumns, Update, Update2,
    ZipMap, ZipMap3,
};
pub use memory::{side_by_side, stored, zeros, zeros_with_rows_apart};
use products::{InRegisters, Left, Multiply, Product, Right};

/// The numbers a network can be made of: `f32` to train, `f64` to check the very same code.
pub trait Float: SampleUniform + Default + Elementary + Multiply {}
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
    Set::detect().run(AddScaled { alpha, x, y })
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

/// (m, v, w) = f(dw, m, v, w), element by element. Returns whether every element of the new v and the new w is finite.
///
/// Shapes and panics as [`add_scaled`].
pub fn update2<F: Float>(
    dw: &ArrayRef2<F>,
    m: &mut ArrayRef2<F>,
    v: &mut ArrayRef2<F>,
    w: &mut ArrayRef2<F>,
    f: impl Fn(F, F, F, F) -> (F, F, F),
) -> bool {
    assert_eq!(dw.dim(), m.dim(), "update2: dw against m");
    assert_eq!(dw.dim(), v.dim(), "update2: dw against v");
    assert_eq!(dw.dim(), w.dim(), "update2: dw against w");
    Set::detect().run(Update2 { dw, m, v, w, f })
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
    let sums = memory::slice_mut(sums, 0);
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

/// Σ v and Σ v·c over the places c of x, with v = `x[c]` − zero. The order of the sums does not depend on the
/// processor.
#[inline]
pub fn moments<F: Float>(x: &[F], zero: F) -> [F; 2] {
    kernels::moments(x, zero)
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

/// Has the kernels use these instructions, `avx512`, `avx2` or `portable`, and not the widest that this processor
/// has. They give the same bits. Panics if a kernel has run already.
pub fn choose_instructions(name: &str) -> Result<(), NoSuchInstructions> {
    Set::choose(name)
}

/// `x[n] = scale·rows[order[n]] + shift`, element by element; each row is handed to `then` while a cache has it.
///
/// Shapes: rows (any, M) of bytes, order (N), x (N, M), with contiguous rows. Panics if they do not fit.
pub fn gather_rows<F: Float>(
    rows: &ArrayRef2<u8>,
    order: &[u32],
    scale: F,
    shift: F,
    x: &mut ArrayRef2<F>,
    then: impl Fn(&mut [F]),
) {
    let shape = (order.len(), rows.ncols());
    assert_eq!(x.dim(), shape, "gather_rows: x against rows to gather");
    Set::detect().run(GatherRows {
        rows,
        order,
        scale,
        shift,
        x,
        then,
    });
}

#[cfg(test)]
mod tests;
