//! The product that goes through all of a: panels of b, and tiles of sums.

// Loops over the fixed sizes of arrays, as the formulas have them, are what becomes vector code.
#![allow(clippy::needless_range_loop)]

use std::hint::black_box;

use ndarray::ArrayRef2;

use super::{
    factors::{Left, Product, Right, parts, sizes},
    pack::{AHEAD, pack_transposed},
    scratch::{PANELS, Scratch, TILES},
};
use crate::linalg::{
    instructions::{Instructions, Kernel, Scalar, TILE, fill, fma, spill},
    memory::{prefetch, slice, slice_mut},
};

/// k's at a time. Of 768, a panel of b is larger than an L1 cache, and faster than shorter ones all the same.
const MOST_K: usize = 768;
/// Rows of a band that is copied into tiles.
const MANY_ROWS: usize = TILES / MOST_K * TILE;
/// Rows of a band that is read as it lies: they stay in the cache while every panel goes by, where all
/// rows of a large a would come from memory once a panel.
const FEW_ROWS: usize = 4 * TILE;

/// A band of rows of the left factor, as its tiles read it.
#[derive(Clone, Copy)]
enum Band<'a, F> {
    /// (M, K), of which the k's are some columns.
    Rows(&'a ArrayRef2<F>),
    /// Tile by tile, and in a tile k by k, `TILE` elements each.
    Tiles(&'a [[F; TILE]]),
}

/// Where a tile lies: its row in the band, the first row and the first k of the band, its column.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    i0: usize,
    k0: usize,
    j: usize,
}

/// All of a, in tiles of 6 rows.
#[inline(always)]
pub fn product<F: Scalar, I: Instructions, const WIDE: usize, const HALF: usize>(
    product: Product<'_, F>,
    scratch: &mut Scratch<F>,
) {
    let Product { a, b, c, add } = product;
    // dy·wᵀ: either w is transposed, K·N elements, or c in (w·dyᵀ)ᵀ, M·N: the fewer.
    let (a, b, transposed) = match (a, b) {
        (Left::Rows(a), Right::Columns(b)) if a.ncols() > a.nrows() => {
            (Left::Rows(b), Right::Columns(a), true)
        }
        _ => (a, b, false),
    };
    let (m, k, n) = sizes(a, b);
    if k == 0 && !add {
        c.fill(F::zero());
    }
    for (k0, kc) in parts(k, MOST_K) {
        let add = add || k0 > 0;
        let most_columns = PANELS / kc / WIDE * WIDE;
        for j0 in (0..n).step_by(most_columns) {
            let nc = most_columns.min(n - j0);
            pack::<F, I, WIDE, HALF>(b, (k0, kc), (j0, nc), scratch.panels.elements());
            let most_rows = match a {
                Left::Rows(_) => FEW_ROWS,
                Left::Columns(_) => MANY_ROWS,
            };
            for i0 in (0..m).step_by(most_rows) {
                let rows = most_rows.min(m - i0);
                let band = match a {
                    Left::Rows(a) => Band::Rows(a),
                    Left::Columns(a) => {
                        // The columns of a tape lie pages apart: a tile that walked them would wait for each.
                        pack_tiles(a, (i0, k0), (rows, kc), &mut scratch.tiles);
                        Band::Tiles(&scratch.tiles)
                    }
                };
                let (mut j, mut start) = (0, 0);
                while j < nc {
                    let width = panel_width::<WIDE, HALF>(nc - j);
                    let panel = &scratch.panels.elements()[start..start + kc * width];
                    let mut row = 0;
                    while row < rows {
                        let place = Place {
                            row,
                            i0,
                            k0,
                            j: j0 + j,
                        };
                        macro_rules! tile {
                            ($rows:literal) => {{
                                if width == WIDE {
                                    let (panel, _) = panel.as_chunks::<WIDE>();
                                    tile::<F, I, $rows, WIDE>(
                                        band, place, panel, c, transposed, add,
                                    );
                                } else {
                                    let (panel, _) = panel.as_chunks::<HALF>();
                                    tile::<F, I, $rows, HALF>(
                                        band, place, panel, c, transposed, add,
                                    );
                                }
                                row += $rows;
                            }};
                        }
                        match rows - row {
                            1 => tile!(1),
                            2 | 3 => tile!(2),
                            4 | 5 => tile!(4),
                            _ => tile!(6),
                        }
                    }
                    (j, start) = (j + width, start + kc * width);
                }
            }
        }
    }
}

/// The width of the next panel, of `columns` that are left: whole registers, and few of them idle.
#[inline(always)]
fn panel_width<const WIDE: usize, const HALF: usize>(columns: usize) -> usize {
    if columns > HALF { WIDE } else { HALF }
}

/// tiles: the elements of the rows from `i0` and the k's from `k0` on of a, given as its columns.
#[inline(always)]
fn pack_tiles<F: Scalar>(
    a: &ArrayRef2<F>,
    (i0, k0): (usize, usize),
    (rows, kc): (usize, usize),
    tiles: &mut [[F; TILE]],
) {
    for k in 0..kc {
        let column = &slice(a, k0 + k)[i0..i0 + rows];
        let (whole, rest) = column.as_chunks::<TILE>();
        for (tile, elements) in whole.iter().enumerate() {
            tiles[tile * kc + k] = *elements;
        }
        if !rest.is_empty() {
            fill(&mut tiles[whole.len() * kc + k], rest);
        }
    }
}

/// Panel by panel and in each k by k: `b[k0 + k][j0 + j..]`, as wide as [`panel_width`] says. Columns
/// beyond the last keep what they had, and are never stored.
#[inline(always)]
fn pack<F: Scalar, I: Instructions, const WIDE: usize, const HALF: usize>(
    b: Right<'_, F>,
    (k0, kc): (usize, usize),
    (j0, nc): (usize, usize),
    panels: &mut [F],
) {
    match b {
        Right::Rows(b) => {
            // Row by row, as b lies in memory.
            for k in 0..kc {
                if k + AHEAD < kc {
                    prefetch(&slice(b, k0 + k + AHEAD)[j0..j0 + nc]);
                }
                let row = &slice(b, k0 + k)[j0..j0 + nc];
                let (mut j, mut start) = (0, 0);
                while j < nc {
                    let width = panel_width::<WIDE, HALF>(nc - j);
                    let to = &mut panels[start + k * width..start + (k + 1) * width];
                    if width == WIDE {
                        fill::<F, WIDE>(to.first_chunk_mut().expect("of this width"), &row[j..]);
                    } else {
                        fill::<F, HALF>(to.first_chunk_mut().expect("of this width"), &row[j..]);
                    }
                    (j, start) = (j + width, start + kc * width);
                }
            }
        }
        Right::Columns(b) => {
            let (mut j, mut start) = (0, 0);
            while j < nc {
                let width = panel_width::<WIDE, HALF>(nc - j);
                let panel = &mut panels[start..start + kc * width];
                if width == WIDE {
                    let (panel, _) = panel.as_chunks_mut::<WIDE>();
                    pack_transposed::<F, I, WIDE>(b, k0, j0 + j, panel);
                } else {
                    let (panel, _) = panel.as_chunks_mut::<HALF>();
                    pack_transposed::<F, I, HALF>(b, k0, j0 + j, panel);
                }
                (j, start) = (j + width, start + kc * width);
            }
        }
    }
}

/// `MR × W` elements of c.
#[inline(always)]
fn tile<F: Scalar, I: Instructions, const MR: usize, const W: usize>(
    band: Band<'_, F>,
    Place { row, i0, k0, j }: Place,
    panel: &[[F; W]],
    c: &mut ArrayRef2<F>,
    transposed: bool,
    add: bool,
) {
    let i = i0 + row;
    let mut sums = match add {
        true => load::<F, MR, W>(c, transposed, (i, j)),
        false => [[F::zero(); W]; MR],
    };
    match band {
        Band::Rows(a) => {
            let mut rows = [&[][..]; MR];
            for r in 0..MR {
                rows[r] = &slice(a, i + r)[k0..k0 + panel.len()];
            }
            let column = |k: usize| {
                let mut column = [F::zero(); MR];
                for r in 0..MR {
                    column[r] = rows[r][k];
                }
                column
            };
            add_products::<F, I, MR, W>(column, panel, &mut sums);
        }
        Band::Tiles(tiles) => {
            // Rows beyond a whole tile may begin within one.
            let (tile, first) = (row / TILE, row % TILE);
            let tile = &tiles[tile * panel.len()..][..panel.len()];
            let column = |k: usize| {
                *tile[k][first..]
                    .first_chunk()
                    .expect("a tile holds the rows that are left")
            };
            add_products::<F, I, MR, W>(column, panel, &mut sums);
        }
    }
    store(c, transposed, (i, j), &sums);
}

/// `sums[r][s] += Σ column(k)[r]·panel[k][s]`, k in order.
#[inline(always)]
fn add_products<F: Scalar, I: Instructions, const MR: usize, const W: usize>(
    column: impl Fn(usize) -> [F; MR],
    panel: &[[F; W]],
    out: &mut [[F; W]; MR],
) {
    // A copy that nobody else looks at lives in registers.
    let mut sums = *out;
    for k in 0..panel.len() {
        let a = column(k);
        for r in 0..MR {
            for s in 0..W {
                sums[r][s] = fma::<F, I>(a[r], panel[k][s], sums[r][s]);
            }
        }
    }
    *out = sums;
}

/// A tile whose factors stay in registers, too: what the processor can do at best.
pub struct InRegisters {
    pub steps: usize,
}

impl Kernel for InRegisters {
    type Output = f64;

    #[inline(always)]
    fn run<I: Instructions, const WIDE: usize, const HALF: usize>(self) -> f64 {
        let (a, b) = black_box((0.5_f32, 0.25_f32));
        let mut sums = [[0.0_f32; WIDE]; TILE];
        for _ in 0..self.steps {
            for r in 0..TILE {
                for s in 0..WIDE {
                    sums[r][s] = fma::<f32, I>(sums[r][s], a, b);
                }
            }
        }
        black_box(sums);
        (2 * TILE * WIDE * self.steps) as f64
    }
}

/// The `MR × W` elements of c from (i, j) on, as far as there are any.
#[inline(always)]
fn load<F: Scalar, const MR: usize, const W: usize>(
    c: &ArrayRef2<F>,
    transposed: bool,
    (i, j): (usize, usize),
) -> [[F; W]; MR] {
    let mut sums = [[F::zero(); W]; MR];
    if transposed {
        for s in 0..W.min(c.nrows() - j) {
            let row = slice(c, j + s)[i..]
                .first_chunk::<MR>()
                .expect("rows of a tile");
            for r in 0..MR {
                sums[r][s] = row[r];
            }
        }
    } else {
        for r in 0..MR {
            fill(&mut sums[r], &slice(c, i + r)[j..]);
        }
    }
    sums
}

/// The reverse of [`load`].
#[inline(always)]
fn store<F: Scalar, const MR: usize, const W: usize>(
    c: &mut ArrayRef2<F>,
    transposed: bool,
    (i, j): (usize, usize),
    sums: &[[F; W]; MR],
) {
    if transposed {
        for s in 0..W.min(c.nrows() - j) {
            let row = slice_mut(c, j + s)[i..]
                .first_chunk_mut::<MR>()
                .expect("rows of a tile");
            for r in 0..MR {
                row[r] = sums[r][s];
            }
        }
    } else {
        for r in 0..MR {
            spill(&sums[r], &mut slice_mut(c, i + r)[j..]);
        }
    }
}
