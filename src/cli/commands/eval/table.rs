//! Which label was taken for which.

use std::io::{self, Write};

use ndarray::{Array2, Axis};

use crate::cli::terminal::output::{BOLD, DIM, Output};

/// What share of each row (axis 1) or column (axis 0) stands on the diagonal; none of an empty one.
pub(super) fn share_right(confusion: &Array2<u32>, axis: Axis) -> Vec<Option<f64>> {
    let all = confusion.sum_axis(axis);
    let shares = confusion.diag().into_iter().zip(all);
    shares
        .map(|(&right, all)| (all > 0).then(|| f64::from(right) / f64::from(all)))
        .collect()
}

/// The most classes that have a column each.
pub(super) const MOST_COLUMNS: usize = 16;

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

/// Which label was taken for which, a row and a column for each.
pub(super) fn print_table(
    out: &mut Output,
    confusion: &Array2<u32>,
    names: &[String],
) -> io::Result<()> {
    let length = |name: &String| name.chars().count();
    // Long names stand beside the rows alone, with their numbers.
    let short = names.iter().all(|name| length(name) <= 5);
    let row_names: Vec<_> = match short {
        true => names.to_vec(),
        false => (0..)
            .zip(names)
            .map(|(n, name)| format!("{name} {n:>2}"))
            .collect(),
    };
    let wide = row_names.iter().map(length).max().unwrap_or(0).max(5);
    let counts = confusion.iter().map(|count| count.to_string().len());
    let names_wide = if short {
        names.iter().map(length).max()
    } else {
        None
    };
    // Columns never touch each other.
    let cell = counts.chain(names_wide).max().unwrap_or(0).max(4) + 1;
    let columns = (0..).zip(names).map(|(n, name): (usize, _)| match short {
        true => format!("{name:>cell$}"),
        false => format!("{n:>cell$}"),
    });
    let columns = columns.collect::<String>();
    let nothing = out.or_plain("·", ".");
    writeln!(out, "{DIM}{:wide$}  taken for", "")?;
    writeln!(
        out,
        "{:<wide$}{columns}    recall  precision{DIM:#}",
        "label"
    )?;
    let recall = share_right(confusion, Axis(1));
    let precision = share_right(confusion, Axis(0));
    for (class, row) in confusion.rows().into_iter().enumerate() {
        write!(out, "{DIM}{:>wide$}{DIM:#}", row_names[class])?;
        for (taken_for, count) in row.iter().enumerate() {
            match (class == taken_for, count) {
                (true, _) => write!(out, "{BOLD}{count:>cell$}{BOLD:#}")?,
                (false, 0) => write!(out, "{DIM}{nothing:>cell$}{DIM:#}")?,
                (false, _) => write!(out, "{count:>cell$}")?,
            }
        }
        let (recall, precision) = (percent(recall[class]), percent(precision[class]));
        writeln!(out, "{recall:>10}{precision:>11}")?;
    }
    Ok(())
}

/// Of many classes a line each: how often it is right, and what it is taken for most.
pub(super) fn print_list(
    out: &mut Output,
    confusion: &Array2<u32>,
    names: &[String],
) -> io::Result<()> {
    const SHOWN: usize = 3;
    let wide = names.iter().map(|name| name.chars().count()).max();
    let wide = wide.unwrap_or(0).max(5);
    writeln!(
        out,
        "{DIM}{:<wide$}  images    recall  precision  taken most for{DIM:#}",
        "label"
    )?;
    let recall = share_right(confusion, Axis(1));
    let precision = share_right(confusion, Axis(0));
    for (class, row) in confusion.rows().into_iter().enumerate() {
        let others = row.iter().enumerate();
        let mut others: Vec<_> = others.filter(|&(p, &n)| p != class && n > 0).collect();
        others.sort_by(|a, b| b.1.cmp(a.1));
        let others = others.iter().take(SHOWN);
        let others: Vec<_> = others
            .map(|(p, n)| format!("{} ({n})", names[*p]))
            .collect();
        writeln!(
            out,
            "{:<wide$}{:>8}{:>10}{:>11}  {DIM}{}{DIM:#}",
            names[class],
            row.sum(),
            percent(recall[class]),
            percent(precision[class]),
            others.join(", ")
        )?;
    }
    Ok(())
}
