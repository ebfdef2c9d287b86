//! Whose tensor is whose: finds the network's parameters, outputs and gradients among arrays of any names.
//!
//! A name is believed first, then the order of the arrays, then a shape that fits only one place. Where two
//! places are possible and nothing tells which is meant, nothing is guessed.

mod order;
mod shapes;
mod words;

use std::collections::{BTreeMap, BTreeSet};

pub use shapes::Shapes;

use self::words::{Parameter, Said, Series, Side, Subject, said};
use super::NamedArray;

/// What an array in a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// dw of module m
    Weight(usize),
    /// db of module m
    Bias(usize),
    /// y of module m: a number of the forward pass
    Y(usize),
    /// ∂L/∂y of module m
    Dy(usize),
    /// The predictions: softmax of the outputs
    P,
    /// ln p
    LogP,
    /// The loss
    Loss,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Weight(m) => write!(f, "{m}.weight"),
            Self::Bias(m) => write!(f, "{m}.bias"),
            Self::Y(m) => write!(f, "{m}.y"),
            Self::Dy(m) => write!(f, "{m}.dy"),
            Self::P => f.write_str("p"),
            Self::LogP => f.write_str("logp"),
            Self::Loss => f.write_str("loss"),
        }
    }
}

/// How an array was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum How {
    /// By its name, such as `0.weight`; what stands before and behind it may differ
    Name,
    /// By another usual name, such as `w1` or `fc1.weight`
    Alias,
    /// By its place among the others
    Order,
    /// By its shape, which only one place has
    Shape,
}

/// An array that was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// What it is.
    pub what: What,
    /// Which of the arrays it is, counted from 0.
    pub index: usize,
    /// How it was recognised.
    pub how: How,
}

/// What the arrays of a file are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// Those that were recognised, in the order of [`What`]; nothing is there twice.
    pub found: Vec<Match>,
    /// The other arrays, and why each is of no use.
    pub ignored: Vec<(usize, String)>,
}

/// Finds out what each array is. Each is either found or ignored.
pub fn matching(arrays: &[NamedArray], shapes: &Shapes) -> Matching {
    let all = arrays.iter().map(|array| said(&array.name)).collect();
    let mut matcher = Matcher {
        arrays,
        shapes,
        said: all,
        places: BTreeMap::new(),
        ignored: BTreeMap::new(),
    };
    matcher.parameters();
    matcher.intermediates();
    matcher.unnamed();
    let found = matcher.places.iter();
    let found = found.map(|(&what, &(index, how))| Match { what, index, how });
    Matching {
        found: found.collect(),
        ignored: matcher.ignored.into_iter().collect(),
    }
}

struct Matcher<'a> {
    arrays: &'a [NamedArray],
    shapes: &'a Shapes,
    said: Vec<Said>,
    places: BTreeMap<What, (usize, How)>,
    ignored: BTreeMap<usize, String>,
}

/// A place that an array may have because of its name.
#[derive(Clone, Copy)]
struct Claim {
    index: usize,
    what: What,
    how: How,
}

impl Matcher<'_> {
    fn shape(&self, index: usize) -> &[usize] {
        &self.arrays[index].shape
    }

    fn fits(&self, index: usize, what: What) -> bool {
        self.shapes.fits(self.shape(index), what)
    }

    fn name(&self, index: usize) -> &str {
        &self.arrays[index].name
    }

    fn ignore(&mut self, index: usize, why: impl Into<String>) {
        self.ignored.insert(index, why.into());
    }

    fn place(&mut self, claim: Claim) {
        self.places.insert(claim.what, (claim.index, claim.how));
    }

    fn is_left(&self, index: usize) -> bool {
        !self.ignored.contains_key(&index)
            && !self.places.values().any(|&(placed, _)| placed == index)
    }

    /// The arrays whose names say that they are parameters.
    fn named_parameters(&self) -> Vec<(usize, Parameter)> {
        let all = self.said.iter().enumerate();
        let parameters = all.filter_map(|(index, said)| match &said.subject {
            Subject::Parameter(parameter) => Some((index, parameter.clone())),
            _ => None,
        });
        parameters.collect()
    }

    /// Whoever saves a parameter beside its gradient saves parameters: those that are not marked are ignored.
    fn take_values(&mut self, named: &mut Vec<(usize, Parameter)>) {
        let marked = |index: usize| self.said[index].gradient;
        let values = named.iter().filter(|(index, _)| !marked(*index));
        let values: BTreeSet<_> = values.map(|(_, parameter)| parameter).collect();
        let mut gradients = named.iter().filter(|(index, _)| marked(*index));
        let both = gradients.any(|(_, parameter)| values.contains(parameter));
        if !both {
            return;
        }
        let (gradients, values) = named.drain(..).partition(|(index, _)| marked(*index));
        *named = gradients;
        let values: Vec<_> = values;
        for (index, _) in values {
            self.ignore(index, words::THE_VALUE);
        }
    }

    fn parameters(&mut self) {
        let mut named = self.named_parameters();
        self.take_values(&mut named);
        let mut groups: BTreeMap<(bool, &str), Vec<(usize, &Parameter)>> = BTreeMap::new();
        for (index, parameter) in &named {
            let key = (parameter.canonical, &parameter.layer[..]);
            groups.entry(key).or_default().push((*index, parameter));
        }
        let mut claims = Vec::new();
        let mut unnumbered = Vec::new();
        for ((canonical, _), group) in &groups {
            match numbers(group) {
                Some((numbers, last)) => {
                    claims.extend(self.numbered(group, &numbers, *canonical && last));
                }
                None => unnumbered.extend(group.iter().copied()),
            }
        }
        claims.extend(self.by_words(&mut unnumbered, &claims));
        let left = self.settle(claims);
        self.one_layer_each(&unnumbered);
        let unnumbered: Vec<_> = unnumbered.iter().map(|(index, _)| *index).collect();
        let kinds: BTreeMap<_, _> = named.iter().map(|(i, p)| (*i, p.bias)).collect();
        // What is in a place of another shape goes to the place of its own.
        let rest = left.into_iter().chain(unnumbered);
        let rest: Vec<_> = rest.filter(|&index| self.is_left(index)).collect();
        self.by_shape(&rest, |index, what| {
            kinds.get(&index).copied() == Some(matches!(what, What::Bias(_)))
        });
    }

    /// The place of each parameter of a group, by its number.
    fn numbered(
        &mut self,
        group: &[(usize, &Parameter)],
        numbers: &[usize],
        canonical: bool,
    ) -> Vec<Claim> {
        let linears = self.shapes.linears();
        let different: BTreeSet<_> = numbers.iter().copied().collect();
        let all = different.len() == linears.len();
        let bases: [&dyn Fn(usize) -> Option<usize>; 5] = [
            &|n| linears.contains(&n).then_some(n),
            &|n| linears.get(n.checked_sub(1)?).copied(),
            &|n| linears.get(n).copied(),
            &|n| n.checked_sub(1).filter(|m| linears.contains(m)),
            // Keras goes on counting: the second network begins with dense_2.
            &|n| {
                linears
                    .get(different.iter().position(|d| all && *d == n)?)
                    .copied()
            },
        ];
        // Whoever writes 0.weight counts modules; all others count from 1, unless something tells.
        let preference: [usize; 5] = match canonical {
            true => [4, 3, 2, 1, 0],
            false => [3, 4, 2, 1, 0],
        };
        let what = |parameter: &Parameter, m| match parameter.bias {
            true => What::Bias(m),
            false => What::Weight(m),
        };
        let best = (0..bases.len()).max_by_key(|&base| {
            let members = group.iter().zip(numbers);
            let places = members.filter_map(|((index, parameter), &n)| {
                Some((*index, what(parameter, bases[base](n)?)))
            });
            let places: Vec<_> = places.collect();
            let fit = places
                .iter()
                .filter(|&&(index, what)| self.fits(index, what));
            (places.len(), fit.count(), preference[base])
        });
        let base = best.unwrap_or_default();
        let mut claims = Vec::new();
        for ((index, parameter), &n) in group.iter().zip(numbers) {
            let Some(m) = bases[base](n) else {
                let layers = linears.len();
                let s = if layers == 1 { "" } else { "s" };
                let why =
                    format!("there is no such layer: the network has {layers} Linear module{s}");
                self.ignore(*index, why);
                continue;
            };
            let how = match canonical && base == 0 {
                true => How::Name,
                false => How::Alias,
            };
            claims.push(Claim {
                index: *index,
                what: what(parameter, m),
                how,
            });
        }
        claims
    }

    /// The places that words such as `output` name; takes these parameters away from the list.
    fn by_words(&self, unnumbered: &mut Vec<(usize, &Parameter)>, claims: &[Claim]) -> Vec<Claim> {
        let linears = self.shapes.linears();
        let (Some(&first), Some(&last)) = (linears.first(), linears.last()) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        unnumbered.retain(|&(index, parameter)| {
            let m = match &parameter.layer[..] {
                _ if first == last => first,
                "out" | "output" | "o" | "last" | "final" | "head" | "classifier" | "logits"
                | "ho" | "fcout" => last,
                "first" | "input" | "in" | "ih" => first,
                "hidden" | "h" if linears.len() == 2 => first,
                _ => return true,
            };
            let what = match parameter.bias {
                true => What::Bias(m),
                false => What::Weight(m),
            };
            let how = How::Alias;
            let taken = claims.iter().any(|claim| claim.what == what);
            if taken && !self.fits(index, what) {
                return true;
            }
            found.push(Claim { index, what, how });
            false
        });
        found
    }

    /// Gives each claimed place to one array. What remains has a name whose place another array fits.
    fn settle(&mut self, claims: Vec<Claim>) -> Vec<usize> {
        let claims = self.without_values(claims);
        let mut by_place: BTreeMap<What, Vec<Claim>> = BTreeMap::new();
        for claim in claims {
            by_place.entry(claim.what).or_default().push(claim);
        }
        let (mut left, mut unfit) = (Vec::new(), Vec::new());
        for (what, rivals) in by_place {
            let (fit, others): (Vec<_>, Vec<_>) = rivals
                .into_iter()
                .partition(|claim| self.fits(claim.index, what));
            let Some(best) = fit.iter().map(|claim| claim.how).min() else {
                unfit.push((what, others));
                continue;
            };
            let (best, worse): (Vec<_>, Vec<_>) =
                fit.into_iter().partition(|claim| claim.how == best);
            match best[..] {
                [one] => self.place(one),
                _ => self.ignore_rivals(&best, what),
            }
            for claim in worse {
                let why = format!("{} is {what} already", self.name(best[0].index));
                self.ignore(claim.index, why);
            }
            left.extend(others.iter().map(|claim| claim.index));
        }
        left.extend(self.settle_unfit(unfit));
        left
    }

    /// The same as [`Self::take_values`] for different names, such as w1 beside fc1.weight.grad.
    fn without_values(&mut self, claims: Vec<Claim>) -> Vec<Claim> {
        let (gradients, values): (Vec<Claim>, Vec<Claim>) = claims
            .iter()
            .partition(|claim| self.said[claim.index].gradient);
        let places: BTreeSet<_> = values.iter().map(|claim| claim.what).collect();
        if !gradients.iter().any(|claim| places.contains(&claim.what)) {
            return claims;
        }
        for claim in values {
            self.ignore(claim.index, words::THE_VALUE);
        }
        gradients
    }

    /// Names whose shape is wrong: a shape that fits one other place is believed, or else the name.
    fn settle_unfit(&mut self, unfit: Vec<(What, Vec<Claim>)>) -> Vec<usize> {
        let all = unfit.iter().flat_map(|(_, claims)| claims);
        let (aliases, names): (Vec<&Claim>, Vec<&Claim>) =
            all.partition(|claim| claim.how == How::Alias);
        let mut free = self.free();
        free.retain(|what| names.iter().all(|claim| claim.what != *what));
        let bias = |what| matches!(what, What::Bias(_));
        let mut moves: BTreeMap<What, Vec<usize>> = BTreeMap::new();
        for claim in aliases {
            let mut places = free
                .iter()
                .copied()
                .filter(|&what| bias(what) == bias(claim.what) && self.fits(claim.index, what));
            if let (Some(what), None) = (places.next(), places.next()) {
                moves.entry(what).or_default().push(claim.index);
            }
        }
        for (what, claimants) in moves {
            if let [index] = claimants[..] {
                let how = How::Shape;
                self.place(Claim { index, what, how });
            }
        }
        let mut left = Vec::new();
        for (what, mut rivals) in unfit {
            rivals.retain(|claim| self.is_left(claim.index));
            match rivals[..] {
                [] => (),
                _ if self.places.contains_key(&what) => {
                    left.extend(rivals.iter().map(|claim| claim.index));
                }
                [one] => self.place(one),
                _ => self.ignore_rivals(&rivals, what),
            }
        }
        left
    }

    fn ignore_rivals(&mut self, rivals: &[Claim], what: What) {
        let names: Vec<_> = rivals.iter().map(|claim| self.name(claim.index)).collect();
        let why = match &names[..] {
            [a, b] => format!("{a} and {b} could both be {what}: keep one of them"),
            _ => format!("{} could all be {what}: keep one of them", names.join(", ")),
        };
        for claim in rivals {
            self.ignore(claim.index, why.clone());
        }
    }

    /// The parameters that no array has yet.
    fn free(&self) -> Vec<What> {
        let all = self.shapes.parameters().into_iter();
        all.filter(|what| !self.places.contains_key(what)).collect()
    }

    /// Layers without numbers, as many as are left: in the order of the file, or from the last layer back.
    fn one_layer_each(&mut self, unnumbered: &[(usize, &Parameter)]) {
        let mut layers: Vec<&str> = Vec::new();
        for (_, parameter) in unnumbered {
            if !layers.contains(&&parameter.layer[..]) {
                layers.push(&parameter.layer);
            }
        }
        let free = self.free();
        let modules = free.iter().filter_map(|what| match what {
            What::Weight(m) | What::Bias(m) => Some(*m),
            _ => None,
        });
        let modules: BTreeSet<_> = modules.collect();
        if layers.len() != modules.len() {
            return;
        }
        let forwards: Vec<_> = modules.iter().copied().collect();
        let backwards: Vec<_> = modules.iter().rev().copied().collect();
        for order in [forwards, backwards] {
            let claims = unnumbered.iter().filter_map(|(index, parameter)| {
                let layer = layers.iter().position(|layer| *layer == parameter.layer)?;
                let what = match parameter.bias {
                    true => What::Bias(order[layer]),
                    false => What::Weight(order[layer]),
                };
                let (index, how) = (*index, How::Order);
                Some(Claim { index, what, how })
            });
            let claims: Vec<_> = claims.collect();
            let places: BTreeSet<_> = claims.iter().map(|claim| claim.what).collect();
            let fit =
                |claim: &Claim| free.contains(&claim.what) && self.fits(claim.index, claim.what);
            if places.len() == claims.len() && claims.iter().all(fit) {
                claims.into_iter().for_each(|claim| self.place(claim));
                return;
            }
        }
    }

    /// Places the arrays whose shape fits only one parameter that is left, and ignores the others.
    fn by_shape(&mut self, arrays: &[usize], may: impl Fn(usize, What) -> bool) {
        let possible = |matcher: &Self, index: usize| -> Vec<What> {
            let free = matcher.free().into_iter().filter(|&what| may(index, what));
            free.filter(|&what| matcher.shapes.fits_exactly(matcher.shape(index), what))
                .collect()
        };
        let mut left = arrays.to_vec();
        loop {
            let mut sure: BTreeMap<What, Vec<usize>> = BTreeMap::new();
            for &index in &left {
                if let [what] = possible(self, index)[..] {
                    sure.entry(what).or_default().push(index);
                }
            }
            let alone = sure
                .into_iter()
                .find_map(|(what, claimants)| match claimants[..] {
                    [index] => Some((index, what)),
                    _ => None,
                });
            let Some((index, what)) = alone else {
                break;
            };
            let how = How::Shape;
            self.place(Claim { index, what, how });
            left.retain(|&other| other != index);
        }
        for &index in &left {
            let places = possible(self, index);
            let why = match &places[..] {
                [] if self.free().is_empty() => "all parameters are in the file already".to_owned(),
                [] => format!(
                    "its name does not say what it is, and its shape {} is that of no parameter that is missing",
                    shapes::text(self.shape(index))
                ),
                [one] => format!("others could be {one} too: name them"),
                several => {
                    let names: Vec<_> = several.iter().map(ToString::to_string).collect();
                    let all = if names.len() == 2 { "both " } else { "" };
                    format!("fits {all}{}: name it", names.join(" and "))
                }
            };
            self.ignore(index, why);
        }
    }

    /// Outputs of modules and their gradients, predictions and the loss.
    fn intermediates(&mut self) {
        let all = self.said.clone();
        let layers = all.iter().enumerate();
        let layers = layers.filter_map(|(index, said)| match said.subject {
            Subject::Layer(series, k) => Some((index, series, k)),
            _ => None,
        });
        let layers: Vec<_> = layers.collect();
        let z_from_0 = self.z_from_0(&layers);
        let l_modules = self.l_counts_modules(&layers);
        let last = self.shapes.modules.len().checked_sub(1);
        for (index, Said { gradient, subject }) in all.into_iter().enumerate() {
            let y = |m| if gradient { What::Dy(m) } else { What::Y(m) };
            let (what, certain, how) = match subject {
                Subject::Parameter(_) | Subject::Unknown(_) => continue,
                Subject::Useless(why) => {
                    self.ignore(index, why);
                    continue;
                }
                Subject::Module(m, side) => {
                    let m = m - usize::from(side == Side::X);
                    (Some(m), true, How::Name)
                }
                Subject::Outputs { certain } => (last, certain, How::Alias),
                Subject::Hidden => {
                    let hidden = self.shapes.activations();
                    let [Some(m)] = hidden[..hidden.len().saturating_sub(1)] else {
                        self.ignore(index, "it does not say of which layer: name it 1.y or 1.dy");
                        continue;
                    };
                    (Some(m), false, How::Alias)
                }
                Subject::Layer(Series::A, 0) if !z_from_0 => {
                    self.ignore(
                        index,
                        if gradient {
                            words::NOT_NEEDED
                        } else {
                            words::NO_GRADIENT
                        },
                    );
                    continue;
                }
                Subject::Layer(series, k) => {
                    let k = match series == Series::L || !z_from_0 {
                        true => k.checked_sub(1),
                        false => Some(k),
                    };
                    let m = k.and_then(|k| match series {
                        Series::L if l_modules => Some(k),
                        Series::L | Series::Z => self.shapes.linears().get(k).copied(),
                        Series::A => self.shapes.activations().get(k).copied().flatten(),
                    });
                    (m, series == Series::L, How::Alias)
                }
                Subject::P => {
                    self.claim(index, What::P, false, How::Name);
                    continue;
                }
                Subject::LogP => {
                    self.claim(index, What::LogP, false, How::Name);
                    continue;
                }
                Subject::Loss => {
                    self.claim(index, What::Loss, false, How::Name);
                    continue;
                }
            };
            match what.filter(|&m| m < self.shapes.modules.len()) {
                Some(m) => self.claim(index, y(m), certain, how),
                None => self.ignore(index, "the network has no such module"),
            }
        }
    }

    /// Takes a place for an intermediate, if its shape is possible or its name certain.
    fn claim(&mut self, index: usize, what: What, certain: bool, how: How) {
        if !self.fits(index, what) && !certain {
            // A name that only seems to be one of these, such as gradA.
            let free = self.free();
            if how == How::Alias && free.iter().any(|&what| self.fits(index, what)) {
                self.said[index].subject = Subject::Unknown(None);
                return;
            }
            let (yours, expected) = (shapes::text(self.shape(index)), self.shapes.expected(what));
            self.ignore(
                index,
                format!("its shape {yours} is not that of {what}, {expected}"),
            );
            return;
        }
        let claim = Claim { index, what, how };
        let Some(&(other, how_other)) = self.places.get(&what) else {
            self.place(claim);
            return;
        };
        let rank = |index, how| (!self.fits(index, what), how, index);
        let (better, worse) = match rank(index, how) < rank(other, how_other) {
            true => (index, other),
            false => (other, index),
        };
        let why = format!("{} is {what} already", self.name(better));
        if better == index {
            self.place(claim);
        }
        self.ignore(worse, why);
    }

    /// Whether z0 is the output of the first Linear, and not z1.
    fn z_from_0(&self, layers: &[(usize, Series, usize)]) -> bool {
        let z = layers.iter().any(|(_, series, _)| *series == Series::Z);
        layers.iter().any(|&(index, series, k)| match series {
            Series::Z => k == 0,
            // Beside z1, a0 are the images.
            Series::A => k == 0 && !z && !self.shapes.is_images(self.shape(index)),
            Series::L => false,
        })
    }

    /// Whether l1, l2 … are the outputs of modules, and not of Linears alone.
    fn l_counts_modules(&self, layers: &[(usize, Series, usize)]) -> bool {
        let linears = self.shapes.linears();
        let fits = |module: &dyn Fn(usize) -> Option<usize>| {
            let l = layers.iter().filter(|(_, series, _)| *series == Series::L);
            l.filter(|&&(index, _, k)| {
                let m = k.checked_sub(1).and_then(module);
                m.is_some_and(|m| self.fits(index, What::Y(m)))
            })
            .count()
        };
        let modules = self.shapes.modules.len();
        fits(&|k| (k < modules).then_some(k)) >= fits(&|k| linears.get(k).copied())
    }

    /// Arrays whose names say nothing.
    fn unnamed(&mut self) {
        let all = self.said.iter().enumerate();
        let unknown = all.filter_map(|(index, said)| match said.subject {
            Subject::Unknown(number) => Some((number, index)),
            _ => None,
        });
        let mut unknown: Vec<_> = unknown.collect();
        // arr_10 comes after arr_9.
        let numbers: BTreeSet<_> = unknown.iter().filter_map(|(number, _)| *number).collect();
        if numbers.len() == unknown.len() {
            unknown.sort_unstable();
        }
        let unknown: Vec<_> = unknown.into_iter().map(|(_, index)| index).collect();
        if unknown.len() > 1 {
            let free = self.free();
            let mut orders = order::orders(self.shapes);
            for order in &mut orders {
                order.retain(|what| free.contains(what));
            }
            orders.retain(|order| order.len() == unknown.len());
            let fit = |fits: &dyn Fn(usize, What) -> bool| {
                let mut orders = orders.iter();
                let fit = orders.find(|order| {
                    let mut pairs = unknown.iter().zip(*order);
                    pairs.all(|(&index, &what)| fits(index, what))
                });
                fit.cloned()
            };
            let exact = |index, what| self.shapes.fits_exactly(self.shape(index), what);
            let order = fit(&exact).or_else(|| fit(&|index, what| self.fits(index, what)));
            if let Some(order) = order {
                for (&index, what) in unknown.iter().zip(order) {
                    let how = How::Order;
                    self.place(Claim { index, what, how });
                }
                return;
            }
        }
        self.by_shape(&unknown, |_, _| true);
    }
}

/// The number of each parameter's layer, and whether it is the last in the name; nothing if they have none.
///
/// Of several numbers in a name, it is the last one that differs.
fn numbers(group: &[(usize, &Parameter)]) -> Option<(Vec<usize>, bool)> {
    let numbered = group.iter().filter(|(_, p)| !p.numbers.is_empty());
    let columns = numbered.clone().map(|(_, p)| p.numbers.len()).min()?;
    // Counted from the end: layers.0.fc1 beside fc1.
    let column = |p: &Parameter, back: usize| p.numbers.iter().rev().nth(back).copied();
    let differs = |back: usize| {
        let all = numbered.clone().map(|(_, p)| column(p, back));
        all.collect::<BTreeSet<_>>().len() > 1
    };
    let back = (0..columns).find(|&back| differs(back)).unwrap_or_default();
    // Keras writes dense, dense_1, dense_2.
    let least = numbered.clone().filter_map(|(_, p)| column(p, back)).min();
    let before = least.unwrap_or_default().saturating_sub(1);
    let all = group.iter().map(|(_, p)| column(p, back).unwrap_or(before));
    Some((all.collect(), back == 0))
}

#[cfg(test)]
mod tests;
