//! The promise of every product, on every instruction set.

use super::*;
use ndarray::{Array2, ArrayView2, s};
use ndarray_rand::rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Random numbers, a share of them zero, in the middle of a wider matrix as in a tape.
fn random<F: Float>(shape: (usize, usize), zeros: f64, rng: &mut ChaCha8Rng) -> Array2<F> {
    let element = || match rng.random_bool(zeros) {
        true => F::zero(),
        false => F::from(rng.random_range(-1.0..1.0)).unwrap(),
    };
    Array2::from_shape_simple_fn((shape.0, shape.1 + 5), element).slice_move(s![.., 2..2 + shape.1])
}

/// The promise, written down: one chain of `fma` an element.
fn chain<F: Float>(a: &ArrayView2<F>, b: &ArrayView2<F>, c: &Array2<F>, fma: bool) -> Array2<F> {
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
        // squares that are not whole; more panels than are copied at once where none are.
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
fn update2_computes_the_same_bits_on_every_instruction_set() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    for shape in [(1, 1), (2, 17), (3, 50)] {
        let [dw, m, v, w] = [0; 4].map(|_| random::<f32>(shape, 0.2, &mut rng));
        let f = |dw: f32, m: f32, v: f32, w: f32| {
            let (m, v) = (0.9 * m + 0.1 * dw, 0.99 * (v * v) + 0.01 * (dw * dw));
            (m, v, w - 0.1 * m / (v.sqrt() + 1e-8))
        };
        for set in Set::available() {
            let [mut m2, mut v2, mut w2] = [&m, &v, &w].map(Array2::clone);
            let dw = &dw;
            let finite = set.run(Update2 {
                dw,
                m: &mut m2,
                v: &mut v2,
                w: &mut w2,
                f,
            });
            assert!(finite, "{set:?}");
            for ((i, j), &dw) in dw.indexed_iter() {
                let expected = f(dw, m[[i, j]], v[[i, j]], w[[i, j]]);
                assert_eq!((m2[[i, j]], v2[[i, j]], w2[[i, j]]), expected, "{set:?}");
            }
            type Step = fn(f32, f32, f32, f32) -> (f32, f32, f32);
            let bad: [Step; 2] = [
                |_, m, v, _| (m, v, f32::NAN),
                |_, m, _, w| (m, f32::INFINITY, w),
            ];
            for f in bad {
                let finite = set.run(Update2 {
                    dw,
                    m: &mut m2,
                    v: &mut v2,
                    w: &mut w2,
                    f,
                });
                assert!(!finite, "{set:?}");
            }
        }
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
