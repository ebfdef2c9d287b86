//! Arrays of others: under any name, in either orientation, of any precision, alone or with the numbers on the
//! way.

use mlp::{
    check::{
        mistakes::{
            Judged, Judgement, Mistake, NamedArray, Precision, Problem, Verdict, against,
            right_gradients,
        },
        random_images, random_network,
    },
    data::batch::Batch,
    loss::LossKind,
    nn::{Architecture, Mlp},
};
use ndarray::{Array1, Array2, Axis};

fn network() -> (Mlp<f64>, Batch) {
    let architecture = Architecture::relu(&[6, 4, 10]);
    let settings = mlp::check::Settings::default();
    (
        random_network(&architecture, &settings),
        random_images(5, 6, 1),
    )
}

fn array(name: &str, values: &Array2<f64>) -> NamedArray {
    NamedArray {
        name: name.to_owned(),
        shape: values.shape().to_vec(),
        values: values.iter().copied().collect(),
        precision: Precision::F64,
    }
}

fn vector(name: &str, values: &Array2<f64>) -> NamedArray {
    NamedArray {
        shape: vec![values.len()],
        ..array(name, values)
    }
}

/// The right gradients in PyTorch's shapes, under these names.
fn named(names: [&str; 4]) -> Vec<NamedArray> {
    let (network, images) = network();
    let right = right_gradients(&network, LossKind::Ce, &images, None);
    let arrays =
        right
            .iter()
            .zip(names)
            .map(|((known, gradient), name)| match known.ends_with("bias") {
                true => vector(name, gradient),
                false => array(name, &gradient.t().to_owned()),
            });
    arrays.collect()
}

const NAMES: [&str; 4] = ["0.weight", "0.bias", "2.weight", "2.bias"];

fn judged(arrays: &[NamedArray]) -> Judgement {
    let (network, images) = network();
    let problem = Problem::of_network(&network, LossKind::Ce, &images, None);
    against(arrays, &problem, None)
}

fn verdicts(judgement: &Judgement) -> Vec<Verdict> {
    let tensors = judgement.tensors.iter();
    tensors.map(|tensor| tensor.verdict.clone()).collect()
}

fn tensor<'a>(judgement: &'a Judgement, name: &str) -> &'a Judged {
    let found = judgement.tensors.iter().find(|tensor| tensor.name == name);
    found.unwrap_or_else(|| panic!("no {name}: {judgement:?}"))
}

#[test]
fn names_and_prefixes_do_not_matter() {
    for names in [
        NAMES,
        ["w1", "b1", "w2", "b2"],
        ["dW1", "db1", "dW2", "db2"],
        ["w1.g", "b1.g", "w2.g", "b2.g"],
        ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"],
        ["layers.0.w", "layers.0.b", "layers.1.w", "layers.1.b"],
        [
            "module.0.weight",
            "module.0.bias",
            "module.2.weight",
            "module.2.bias",
        ],
        ["arr_0", "arr_1", "arr_2", "arr_3"],
    ] {
        let judgement = judged(&named(names));
        assert_eq!(verdicts(&judgement), vec![Verdict::Right; 4], "{names:?}");
        assert!(judgement.passed() && judgement.wrong_from.is_none());
    }
}

#[test]
fn weights_of_the_lesson_are_right_and_a_part_is_judged_as_such() {
    let mut arrays = named(NAMES);
    for weight in [0, 2] {
        let [o, i] = arrays[weight].shape[..] else {
            unreachable!()
        };
        let turned = Array2::from_shape_vec((o, i), arrays[weight].values.clone()).unwrap();
        arrays[weight] = array(NAMES[weight], &turned.t().to_owned());
    }
    arrays.remove(1);
    arrays.push(NamedArray {
        name: "epoch".into(),
        shape: vec![],
        values: vec![3.0],
        precision: Precision::Integer,
    });
    let judgement = judged(&arrays);
    let expected = [
        Verdict::Transposed,
        Verdict::Missing,
        Verdict::Transposed,
        Verdict::Right,
    ];
    assert_eq!(verdicts(&judgement), expected);
    assert!(judgement.passed());
    assert_eq!(judgement.ignored.len(), 1, "{judgement:?}");
    assert_eq!(judgement.ignored[0].0, "epoch");
}

#[test]
fn other_shapes_are_told_in_words_and_the_numbers_are_judged_all_the_same() {
    let (network, images) = network();
    let right = right_gradients(&network, LossKind::Ce, &images, None);
    let change = |which: usize, shape: &[usize], values: Vec<f64>| {
        let mut arrays = named(NAMES);
        arrays[which].shape = shape.to_vec();
        arrays[which].values = values;
        tensor(&judged(&arrays), NAMES[which]).clone()
    };
    let hint = |tensor: &Judged| match &tensor.verdict {
        Verdict::Shape(hint) => hint.clone(),
        other => panic!("{other:?}"),
    };
    let all = |gradient: &Array2<f64>| gradient.iter().copied().collect::<Vec<_>>();
    // Five images, each with a fifth of the gradient.
    let by_image = |gradient: &Array2<f64>| {
        let fifth: Vec<_> = gradient.iter().map(|v| v / 5.0).collect();
        fifth.repeat(5)
    };
    let column = change(1, &[4, 1], all(&right[1].1));
    assert_eq!(column.verdict, Verdict::Right);
    assert!(column.note.is_some_and(|note| note.contains("column")));
    let scalar = change(1, &[], vec![right[1].1.sum()]);
    assert!(hint(&scalar).contains("summed over too many axes"));
    assert_eq!(scalar.looks_like[0].names(), [Mistake::BiasScalar]);
    let rows = change(1, &[5, 4], by_image(&right[1].1));
    assert!(hint(&rows).ends_with("sum over axis 0, the images of the batch"));
    assert_eq!(rows.looks_like[0].names(), [Mistake::BiasNotSummed]);
    let unsummed = change(0, &[5, 6, 4], by_image(&right[0].1));
    assert_eq!(unsummed.looks_like[0].names(), [Mistake::WeightNotSummed]);
    let other = change(0, &[2, 3], vec![0.0; 6]);
    assert!(hint(&other).contains("another network"));
    let not_finite = change(2, &[10, 4], vec![f64::NAN; 40]);
    assert_eq!(not_finite.verdict, Verdict::NotFinite);
    assert!(not_finite.wrong());
}

#[test]
fn the_parameters_themselves_are_no_gradients() {
    let (network, _) = network();
    let params = network
        .params()
        .zip(NAMES)
        .map(|((_, param), name)| match param.name {
            "bias" => vector(name, &param.value),
            _ => array(name, &param.value.t().to_owned()),
        });
    let judgement = judged(&params.collect::<Vec<_>>());
    for tensor in &judgement.tensors {
        let note = tensor.note.as_deref().unwrap_or_default();
        assert!(note.contains("the parameter itself"), "{tensor:?}");
    }
}

/// Every number of the passes by the lesson's names, with a mistake in the mask or without.
fn passes(mask: bool) -> Vec<NamedArray> {
    let (network, images) = network();
    let param = |m: usize, p: usize| network.param(m, p).value.clone();
    let (w1, b1, w2, b2) = (param(0, 0), param(0, 1), param(2, 0), param(2, 1));
    let l1 = images.x.dot(&w1) + &b1;
    let l2 = l1.mapv(|x| x.max(0.0));
    let z = l2.dot(&w2) + &b2;
    let e = z.mapv(f64::exp);
    let p = &e / &e.sum_axis(Axis(1)).insert_axis(Axis(1));
    let n = images.targets.len();
    let mut dz = p.clone();
    let mut losses = Array1::<f64>::zeros(n);
    for (row, &t) in images.targets.iter().enumerate() {
        dz[[row, usize::from(t)]] -= 1.0;
        losses[row] = -p[[row, usize::from(t)]].ln();
    }
    dz /= n as f64;
    let dl2 = dz.dot(&w2.t());
    let dl1 = match mask {
        true => &dl2 * &l1.mapv(|x| f64::from(x > 0.0)),
        false => dl2.clone(),
    };
    let sum = |dy: &Array2<f64>| dy.sum_axis(Axis(0)).insert_axis(Axis(0));
    let loss = Array2::from_elem((1, 1), losses.mean().unwrap());
    vec![
        array("l1", &l1),
        array("l2", &l2),
        array("z", &z),
        array("p", &p),
        NamedArray {
            shape: vec![],
            ..array("loss", &loss)
        },
        array("dw1", &images.x.t().dot(&dl1)),
        vector("db1", &sum(&dl1)),
        array("dw2", &l2.t().dot(&dz)),
        vector("db2", &sum(&dz)),
        array("dz", &dz),
        array("dl2", &dl2),
        array("dl1", &dl1),
    ]
}

#[test]
fn numbers_on_the_way_tell_where_it_goes_wrong() {
    let right = judged(&passes(true));
    assert!(right.passed(), "{right:?}");
    assert!(right.tensors.iter().all(Judged::right));

    let wrong = judged(&passes(false));
    assert_eq!(wrong.right_as_far_as.as_deref(), Some("dl2"));
    assert_eq!(wrong.wrong_from.as_deref(), Some("dl1"));
    let dl1 = tensor(&wrong, "dl1");
    assert_eq!(dl1.place, "0.dy");
    assert_eq!(dl1.looks_like[0].names(), [Mistake::ReluMaskMissing]);
    for follows in ["0.weight", "0.bias"] {
        let tensor = tensor(&wrong, follows);
        assert_eq!(tensor.follows.as_deref(), Some("dl1"));
        assert_eq!(tensor.looks_like[0].names(), [Mistake::ReluMaskMissing]);
    }
    let right = ["l1", "l2", "z", "p", "loss", "dz", "dl2", "2.bias"];
    assert!(right.iter().all(|name| tensor(&wrong, name).right()));
}

#[test]
fn a_dz_that_takes_its_mean_later_is_not_wrong() {
    let mut arrays = passes(true);
    let dz = arrays.iter_mut().find(|array| array.name == "dz").unwrap();
    dz.values.iter_mut().for_each(|v| *v *= 5.0);
    let judgement = judged(&arrays);
    assert!(judgement.passed(), "{judgement:?}");
    let note = tensor(&judgement, "dz").note.as_deref().unwrap_or_default();
    assert!(note.contains("the mean"), "{note}");
}

#[test]
fn half_precision_is_held_to_its_own_digits() {
    let mut arrays = named(NAMES);
    for array in &mut arrays {
        array.precision = Precision::F16;
        for v in &mut array.values {
            *v *= 1.0 + 2f64.powi(-12);
        }
    }
    assert_eq!(verdicts(&judged(&arrays)), vec![Verdict::Right; 4]);
    for array in &mut arrays {
        array.precision = Precision::F32;
    }
    assert!(
        judged(&arrays)
            .tensors
            .iter()
            .all(|t| t.verdict == Verdict::Wrong)
    );
}
