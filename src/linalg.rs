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
//! How it gets fast: a tile of `MR × NR` sums lives in vector registers while the summed index
//! runs; the `NR` columns of `b` it needs are first copied into a panel that stays in the L1 cache
//! and serves every row of `a`. The tile is plain Rust over fixed-size arrays, which the compiler
//! turns into vector code of whatever width the function around it is allowed to use.

use ndarray::{ArrayRef2, NdFloat};

/// The numbers a network can be made of: `f32` to train, `f64` to check the very same code.
pub trait Float: NdFloat + ndarray_rand::rand_distr::uniform::SampleUniform + Default {}
impl Float for f32 {}
impl Float for f64 {}

/// Rows of a tile.
const MR: usize = 6;
/// Summed indices a panel holds: 256 rows of 16 `f32` are 16 KiB, half of a small L1 cache.
const KC: usize = 256;

/// c += a·b
///
/// Shapes: a (M, K), b (K, N), c (M, N). Each of a and b may be a transposed view, but not both;
/// c and the untransposed form of a and b have contiguous rows.
/// Panics if the shapes or layouts do not fit: that is a bug in the caller, not in the data.
pub fn add_matmul<F: Float>(a: &ArrayRef2<F>, b: &ArrayRef2<F>, c: &mut ArrayRef2<F>) {
    let ((m, k), (k_b, n)) = (a.dim(), b.dim());
    assert!(
        k == k_b && c.dim() == (m, n),
        "matmul: a {:?} · b {:?} does not fit c {:?}",
        a.dim(),
        b.dim(),
        c.dim()
    );
    if rows_contiguous(b) {
        if rows_contiguous(a) {
            dispatch(Product {
                a: Left::Rows(a),
                b: Right::Rows(b),
                c,
                transposed: false,
            });
        } else {
            dispatch(Product {
                a: Left::Columns(&a.t()),
                b: Right::Rows(b),
                c,
                transposed: false,
            });
        }
    } else {
        // cᵀ += bᵀ·aᵀ: the rows of bᵀ are contiguous, and only the small aᵀ is transposed into panels.
        dispatch(Product {
            a: Left::Rows(&b.t()),
            b: Right::Columns(a),
            c,
            transposed: true,
        });
    }
}

/// c = a·b; shapes and panics as [`add_matmul`].
pub fn matmul<F: Float>(a: &ArrayRef2<F>, b: &ArrayRef2<F>, c: &mut ArrayRef2<F>) {
    c.fill(F::zero());
    add_matmul(a, b, c);
}

fn rows_contiguous<F>(a: &ArrayRef2<F>) -> bool {
    a.ncols() <= 1 || a.strides()[1] == 1
}

/// The left factor, by the direction in which it is contiguous.
enum Left<'a, F> {
    /// (M, K)
    Rows(&'a ArrayRef2<F>),
    /// (K, M): the rows of its transpose.
    Columns(&'a ArrayRef2<F>),
}

/// The right factor.
enum Right<'a, F> {
    /// (K, N)
    Rows(&'a ArrayRef2<F>),
    /// (N, K)
    Columns(&'a ArrayRef2<F>),
}

struct Product<'a, F> {
    a: Left<'a, F>,
    b: Right<'a, F>,
    c: &'a mut ArrayRef2<F>,
    transposed: bool,
}

fn dispatch<F: Float>(product: Product<'_, F>) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has just been found to have these features.
            return unsafe { avx512(product) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: as above.
            return unsafe { avx2(product) };
        }
        run::<F, 8, false>(product);
    }
    #[cfg(not(target_arch = "x86_64"))]
    run::<F, 8, { cfg!(target_feature = "neon") }>(product);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn avx512<F: Float>(product: Product<'_, F>) {
    run::<F, 32, true>(product);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<F: Float>(product: Product<'_, F>) {
    run::<F, 16, true>(product);
}

#[inline(always)]
fn run<F: Float, const NR: usize, const FMA: bool>(product: Product<'_, F>) {
    let Product {
        a,
        b,
        c,
        transposed,
    } = product;
    let (m, k) = match a {
        Left::Rows(a) => a.dim(),
        Left::Columns(a) => (a.ncols(), a.nrows()),
    };
    let n = match b {
        Right::Rows(b) => b.ncols(),
        Right::Columns(b) => b.nrows(),
    };
    let mut panel = [[F::zero(); NR]; KC];
    for k0 in (0..k).step_by(KC) {
        let kc = KC.min(k - k0);
        for j0 in (0..n).step_by(NR) {
            let nr = NR.min(n - j0);
            let panel = &mut panel[..kc];
            pack(&b, k0, j0, nr, panel);
            let mut i0 = 0;
            while i0 < m {
                let mr = MR.min(m - i0);
                macro_rules! go {
                    ($mr:literal) => {{
                        let mut acc = [[F::zero(); NR]; $mr];
                        load(c, transposed, i0, j0, nr, &mut acc);
                        match a {
                            Left::Rows(a) => {
                                let rows: [&[F]; $mr] = std::array::from_fn(|i| {
                                    &a.row(i0 + i).to_slice().expect("contiguous")[k0..k0 + kc]
                                });
                                tile::<F, $mr, NR, FMA>(
                                    |p| std::array::from_fn(|i| rows[i][p]),
                                    panel,
                                    &mut acc,
                                );
                            }
                            Left::Columns(a) => {
                                tile::<F, $mr, NR, FMA>(
                                    |p| {
                                        *a.row(k0 + p).to_slice().expect("contiguous")[i0..]
                                            .first_chunk()
                                            .expect("mr")
                                    },
                                    panel,
                                    &mut acc,
                                );
                            }
                        }
                        store(c, transposed, i0, j0, nr, &acc);
                    }};
                }
                match mr {
                    6 => go!(6),
                    5 => go!(5),
                    4 => go!(4),
                    3 => go!(3),
                    2 => go!(2),
                    _ => go!(1),
                }
                i0 += mr;
            }
        }
    }
}

#[inline(always)]
fn tile<F: Float, const M: usize, const N: usize, const FMA: bool>(
    a: impl Fn(usize) -> [F; M],
    panel: &[[F; N]],
    acc: &mut [[F; N]; M],
) {
    let mut sums = *acc;
    for (p, b) in panel.iter().enumerate() {
        let a = a(p);
        for i in 0..M {
            for j in 0..N {
                sums[i][j] = if FMA {
                    a[i].mul_add(b[j], sums[i][j])
                } else {
                    a[i] * b[j] + sums[i][j]
                };
            }
        }
    }
    *acc = sums;
}

#[inline(always)]
fn pack<F: Float, const N: usize>(
    b: &Right<'_, F>,
    k0: usize,
    j0: usize,
    nr: usize,
    panel: &mut [[F; N]],
) {
    match b {
        Right::Rows(b) => {
            for (p, line) in panel.iter_mut().enumerate() {
                let row = &b.row(k0 + p).to_slice().expect("contiguous")[j0..j0 + nr];
                if nr == N {
                    line.copy_from_slice(row)
                } else {
                    line[..nr].copy_from_slice(row)
                }
            }
        }
        Right::Columns(b) => {
            for j in 0..nr {
                let column = &b.row(j0 + j).to_slice().expect("contiguous")[k0..k0 + panel.len()];
                for (line, &v) in panel.iter_mut().zip(column) {
                    line[j] = v;
                }
            }
        }
    }
}

#[inline(always)]
fn load<F: Float, const M: usize, const N: usize>(
    c: &ArrayRef2<F>,
    transposed: bool,
    i0: usize,
    j0: usize,
    nr: usize,
    acc: &mut [[F; N]; M],
) {
    if transposed {
        for j in 0..nr {
            let row = &c.row(j0 + j).to_slice().expect("contiguous")[i0..i0 + M];
            for i in 0..M {
                acc[i][j] = row[i];
            }
        }
    } else {
        for i in 0..M {
            let row = &c.row(i0 + i).to_slice().expect("contiguous")[j0..j0 + nr];
            acc[i][..nr].copy_from_slice(row);
        }
    }
}

#[inline(always)]
fn store<F: Float, const M: usize, const N: usize>(
    c: &mut ArrayRef2<F>,
    transposed: bool,
    i0: usize,
    j0: usize,
    nr: usize,
    acc: &[[F; N]; M],
) {
    if transposed {
        for j in 0..nr {
            let mut row = c.row_mut(j0 + j);
            let row = &mut row.as_slice_mut().expect("contiguous")[i0..i0 + M];
            for i in 0..M {
                row[i] = acc[i][j];
            }
        }
    } else {
        for i in 0..M {
            let mut row = c.row_mut(i0 + i);
            row.as_slice_mut().expect("contiguous")[j0..j0 + nr].copy_from_slice(&acc[i][..nr]);
        }
    }
}

/// y += alpha·x, element by element. Returns whether every element of the new y is finite.
///
/// Panics if the shapes differ.
pub fn add_scaled<F: Float>(alpha: F, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) -> bool {
    assert_eq!(x.dim(), y.dim(), "add_scaled: x against y");
    let mut finite = true;
    for (x, mut y) in x.rows().into_iter().zip(y.rows_mut()) {
        let (x, y) = (
            x.to_slice().expect("contiguous"),
            y.as_slice_mut().expect("contiguous"),
        );
        finite &= add_scaled_row(alpha, x, y);
    }
    finite
}

fn add_scaled_row<F: Float>(alpha: F, x: &[F], y: &mut [F]) -> bool {
    const LANES: usize = 16;
    // 0·v is 0 unless v is infinite or NaN. A sum a lane, or the sums would have to wait for each other.
    let mut zeros = [F::zero(); LANES];
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y.as_chunks_mut::<LANES>();
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..LANES {
            y[lane] += alpha * x[lane];
            zeros[lane] += F::zero() * y[lane];
        }
    }
    for (&x, y) in x_rest.iter().zip(y_rest) {
        *y += alpha * x;
        zeros[0] += F::zero() * *y;
    }
    zeros.iter().all(|&z| z == F::zero())
}
