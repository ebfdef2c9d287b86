use proptest::prelude::*;

use super::*;
use crate::check::mistakes::Precision;

/// 784-50-10 with a ReLU, for 8 images.
fn usual() -> Shapes {
    Shapes {
        n: 8,
        inputs: 784,
        modules: vec![(true, 50), (false, 50), (true, 10)],
    }
}

/// 4-3-3-2, for 3 images: a square layer, and as many images as outputs.
fn square() -> Shapes {
    Shapes {
        n: 3,
        inputs: 4,
        modules: vec![(true, 3), (false, 3), (true, 3), (false, 3), (true, 2)],
    }
}

/// 6-4-1 with an activation at the end too, for 5 images.
fn narrow() -> Shapes {
    Shapes {
        n: 5,
        inputs: 6,
        modules: vec![(true, 4), (false, 4), (true, 1), (false, 1)],
    }
}

/// 784-10, for 8 images.
fn single() -> Shapes {
    Shapes {
        n: 8,
        inputs: 784,
        modules: vec![(true, 10)],
    }
}

/// An array, its shape, and what is expected: a place and how it is found, or `-` and a part of the reason.
type Case<'a> = &'a [(&'a str, &'a [usize], &'a str)];

#[track_caller]
fn check(shapes: &Shapes, case: Case) {
    let arrays = case.iter().map(|(name, shape, _)| NamedArray {
        name: (*name).to_owned(),
        shape: shape.to_vec(),
        values: Vec::new(),
        precision: Precision::F32,
    });
    let arrays: Vec<_> = arrays.collect();
    let matching = matching(&arrays, shapes);
    assert_eq!(
        matching.found.len() + matching.ignored.len(),
        case.len(),
        "{matching:?}"
    );
    assert!(matching.found.is_sorted_by_key(|found| found.what));
    for (index, (name, _, expected)) in case.iter().enumerate() {
        let found = matching.found.iter().find(|found| found.index == index);
        let ignored = matching.ignored.iter().find(|(other, _)| *other == index);
        let got = match (found, ignored) {
            (Some(found), None) => format!("{} {:?}", found.what, found.how),
            (None, Some((_, why))) => format!("- {why}"),
            both => panic!("{name}: {both:?}"),
        };
        let right = match expected.strip_prefix('-') {
            Some(why) => got.starts_with('-') && got.contains(why.trim()),
            None => got == *expected,
        };
        assert!(right, "{name}: {got:?}, expected {expected:?}");
    }
}

/// The four parameters of 784-50-10 under these names, found in the same way.
#[track_caller]
fn four(names: [&str; 4], how: &str) {
    let places = ["0.weight", "0.bias", "2.weight", "2.bias"];
    let expected = places.map(|place| format!("{place} {how}"));
    let shapes: [&[usize]; 4] = [&[50, 784], &[50], &[10, 50], &[10]];
    let case: Vec<_> = (0..4)
        .map(|i| (names[i], shapes[i], &expected[i][..]))
        .collect();
    check(&usual(), &case);
    let turned: [&[usize]; 4] = [&[784, 50], &[1, 50], &[50, 10], &[10, 1]];
    let case: Vec<_> = (0..4)
        .map(|i| (names[i], turned[i], &expected[i][..]))
        .rev()
        .collect();
    if how != "Order" {
        check(&usual(), &case);
    }
}

#[test]
fn names_of_a_sequential_are_known_whatever_stands_around_them() {
    for (before, after) in [
        ("", ""),
        ("module.", ""),
        ("model.", ".grad"),
        ("net.", "_grad"),
        ("layers.", ".g"),
        ("seq.", "_g"),
        ("_orig_mod.", ".gradient"),
        ("grad/", ""),
        ("grads.", ""),
        ("grad_", ""),
        ("_orig_mod.module.net.", ".grad"),
        ("classifier.", ""),
        ("∂L/∂", ""),
    ] {
        let name = |place: &str| format!("{before}{place}{after}");
        let names = ["0.weight", "0.bias", "2.weight", "2.bias"].map(name);
        four(names.each_ref().map(|name| &name[..]), "Name");
    }
}

#[test]
fn other_usual_names_are_known() {
    for names in [
        ["w1", "b1", "w2", "b2"],
        ["W1", "B1", "W2", "B2"],
        ["w_1", "b_1", "w_2", "b_2"],
        ["weight1", "bias1", "weight2", "bias2"],
        ["weights_1", "biases_1", "weights_2", "biases_2"],
        ["dw1", "db1", "dw2", "db2"],
        ["dW1", "dB1", "dW2", "dB2"],
        ["d_w1", "d_b1", "d_w2", "d_b2"],
        ["grad_w1", "grad_b1", "grad_w2", "grad_b2"],
        ["gradW1", "gradB1", "gradW2", "gradB2"],
        ["gw1", "gb1", "gw2", "gb2"],
        ["w1_grad", "b1_grad", "w2_grad", "b2_grad"],
        ["w1.g", "b1.g", "w2.g", "b2.g"],
        ["∇w1", "∇b1", "∇w2", "∇b2"],
        ["∂L/∂w1", "∂L/∂b1", "∂L/∂w2", "∂L/∂b2"],
        ["dL/dW1", "dL/db1", "dL/dW2", "dL/db2"],
        ["dL_dw1", "dL_db1", "dL_dw2", "dL_db2"],
        ["dldw1", "dldb1", "dldw2", "dldb2"],
        ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"],
        [
            "model.fc1.weight.grad",
            "model.fc1.bias.grad",
            "model.fc2.weight.grad",
            "model.fc2.bias.grad",
        ],
        [
            "linear1.weight",
            "linear1.bias",
            "linear2.weight",
            "linear2.bias",
        ],
        ["lin1.w", "lin1.b", "lin2.w", "lin2.b"],
        ["l1.weight", "l1.bias", "l2.weight", "l2.bias"],
        ["layers.0.w", "layers.0.b", "layers.1.w", "layers.1.b"],
        ["layers.0.w", "layers.0.b", "layers.2.w", "layers.2.b"],
        [
            "layers.0.fc1.weight",
            "layers.0.fc1.bias",
            "layers.1.fc2.weight",
            "layers.1.fc2.bias",
        ],
        [
            "layers.0.fc1.weight",
            "layers.0.fc1.bias",
            "layers.1.fc1.weight",
            "layers.1.fc1.bias",
        ],
        [
            "layer1.weight",
            "layer1.bias",
            "layer2.weight",
            "layer2.bias",
        ],
        [
            "layer1.0.weight",
            "layer1.0.bias",
            "layer2.0.weight",
            "layer2.0.bias",
        ],
        ["w0", "b0", "w1", "b1"],
        [
            "dense/kernel:0",
            "dense/bias:0",
            "dense_1/kernel:0",
            "dense_1/bias:0",
        ],
        [
            "dense_1/kernel",
            "dense_1/bias",
            "dense_2/kernel",
            "dense_2/bias",
        ],
        [
            "dense_6/kernel",
            "dense_6/bias",
            "dense_7/kernel",
            "dense_7/bias",
        ],
        [
            "params/Dense_0/kernel",
            "params/Dense_0/bias",
            "params/Dense_1/kernel",
            "params/Dense_1/bias",
        ],
        // Behind a Flatten, and with a Dropout in between.
        ["1.weight", "1.bias", "3.weight", "3.bias"],
        ["0.w", "0.b", "3.w", "3.b"],
        ["coefs_0", "intercepts_0", "coefs_1", "intercepts_1"],
        ["weights[0]", "biases[0]", "weights[1]", "biases[1]"],
        [
            "hidden.weight",
            "hidden.bias",
            "output.weight",
            "output.bias",
        ],
        ["w_hidden", "b_hidden", "w_out", "b_out"],
        ["fc1.weight", "fc1.bias", "out.weight", "out.bias"],
    ] {
        four(names, "Alias");
    }
}

#[test]
fn the_numbers_that_are_there_say_how_layers_are_counted() {
    let net = usual();
    check(
        &net,
        &[
            ("0.weight", &[50, 784], "0.weight Alias"),
            ("0.bias", &[50], "0.bias Alias"),
            ("1.weight", &[10, 50], "2.weight Alias"),
            ("1.bias", &[10], "2.bias Alias"),
        ],
    );
    check(&net, &[("w1", &[784, 50], "0.weight Alias")]);
    check(&net, &[("w1", &[50, 10], "2.weight Alias")]);
    check(&net, &[("w1", &[3, 3], "0.weight Alias")]);
    check(&net, &[("w2", &[3, 3], "2.weight Alias")]);
    check(&net, &[("1.weight", &[10, 50], "2.weight Alias")]);
    check(&net, &[("db1", &[8, 10], "2.bias Alias")]);
    let net = square();
    check(
        &net,
        &[
            ("w1", &[3, 4], "0.weight Alias"),
            ("w2", &[3, 3], "2.weight Alias"),
        ],
    );
    check(
        &net,
        &[
            ("w1", &[3, 3], "2.weight Alias"),
            ("w2", &[2, 3], "4.weight Alias"),
        ],
    );
    check(
        &net,
        &[
            ("fc.0.w", &[3, 4], "0.weight Alias"),
            ("fc.2.w", &[3, 2], "4.weight Alias"),
        ],
    );
    check(
        &net,
        &[
            ("fc.0.w", &[3, 4], "0.weight Alias"),
            ("fc.2.w", &[3, 3], "2.weight Alias"),
        ],
    );
    check(
        &net,
        &[("b1", &[3], "0.bias Alias"), ("b2", &[3], "2.bias Alias")],
    );
    check(
        &net,
        &[
            ("w1", &[4, 3], "0.weight Alias"),
            ("w3", &[3, 3], "2.weight Alias"),
        ],
    );
    check(
        &usual(),
        &[
            ("w1", &[50, 784], "0.weight Alias"),
            ("w2", &[10, 50], "2.weight Alias"),
            ("w3", &[10, 10], "- the network has 2 Linear modules"),
        ],
    );
    for name in [
        "w",
        "dw",
        "weight",
        "linear.weight",
        "fc.weight.grad",
        "w1",
        "w0",
        "1.weight",
    ] {
        check(&single(), &[(name, &[784, 10], "0.weight Alias")]);
    }
    check(
        &single(),
        &[
            ("0.bias", &[10], "0.bias Name"),
            ("b", &[10], "- is 0.bias already"),
        ],
    );
}

#[test]
fn a_wrong_shape_keeps_its_name_unless_it_fits_one_other_place() {
    check(
        &usual(),
        &[
            ("0.weight", &[10, 50], "0.weight Name"),
            ("0.bias", &[], "0.bias Name"),
            ("2.weight", &[8, 50, 10], "2.weight Name"),
            ("2.bias", &[4], "2.bias Name"),
        ],
    );
    check(
        &usual(),
        &[
            ("w1", &[10, 50], "2.weight Shape"),
            ("w2", &[50, 784], "0.weight Shape"),
            ("b1", &[50], "0.bias Alias"),
            ("b2", &[7], "2.bias Alias"),
        ],
    );
    check(&usual(), &[("dw2", &[50, 784], "0.weight Shape")]);
    check(
        &usual(),
        &[
            ("fc1.weight", &[50, 784], "0.weight Alias"),
            ("fc2.weight", &[784, 50], "2.weight Alias"),
        ],
    );
    // It fits another place, but that is named.
    check(
        &usual(),
        &[
            ("0.weight", &[2, 2], "0.weight Name"),
            ("dw2", &[50, 784], "2.weight Alias"),
        ],
    );
}

#[test]
fn the_gradient_is_taken_and_not_the_parameter() {
    const VALUE: &str = "- the parameter itself, not its gradient";
    check(
        &usual(),
        &[
            ("w1", &[784, 50], VALUE),
            ("b1", &[50], VALUE),
            ("w1.g", &[784, 50], "0.weight Alias"),
            ("b1.g", &[50], "0.bias Alias"),
            ("w2", &[50, 10], VALUE),
            ("b2", &[10], VALUE),
            ("w2.g", &[50, 10], "2.weight Alias"),
        ],
    );
    check(
        &usual(),
        &[
            ("0.weight", &[50, 784], VALUE),
            ("dw1", &[50, 784], "0.weight Alias"),
            ("0.bias", &[50], VALUE),
        ],
    );
    check(
        &usual(),
        &[
            ("w", &[50, 784], VALUE),
            ("dw", &[50, 784], "0.weight Shape"),
        ],
    );
    check(
        &usual(),
        &[
            (
                "w1",
                &[50, 784],
                "- w1 and fc1.weight could both be 0.weight: keep one of them",
            ),
            ("fc1.weight", &[50, 784], "- keep one of them"),
            ("b1", &[50], "0.bias Alias"),
        ],
    );
    check(
        &usual(),
        &[
            (
                "w1",
                &[3, 3],
                "- w1 and fc1.weight could both be 0.weight: keep one of them",
            ),
            ("fc1.weight", &[2, 2], "- keep one of them"),
        ],
    );
    check(
        &usual(),
        &[
            ("w1", &[50, 784], "- 0.weight is 0.weight already"),
            ("0.weight", &[50, 784], "0.weight Name"),
        ],
    );
}

#[test]
fn arrays_without_names_are_known_by_their_order() {
    let (w1, b1, w2, b2): (&[usize], &[usize], &[usize], &[usize]) =
        (&[50, 784], &[50], &[50, 10], &[10]);
    let places = |shape: &[usize]| match shape {
        [50, 784] => "0.weight Order",
        [50] => "0.bias Order",
        [50, 10] => "2.weight Order",
        _ => "2.bias Order",
    };
    for order in [
        [w1, b1, w2, b2],
        [b1, w1, b2, w2],
        [w1, w2, b1, b2],
        [b1, b2, w1, w2],
        [w2, b2, w1, b1],
        [b2, w2, b1, w1],
        [w2, w1, b2, b1],
        [b2, b1, w2, w1],
    ] {
        for names in [
            ["arr_0", "arr_1", "arr_2", "arr_3"],
            ["eins", "zwei", "drei", "vier"],
            ["grads_0", "grads_1", "grads_2", "grads_3"],
            ["0", "1", "2", "3"],
        ] {
            let case: Vec<_> = (0..4)
                .map(|i| (names[i], order[i], places(order[i])))
                .collect();
            check(&usual(), &case);
        }
    }
    check(
        &usual(),
        &[
            ("arr_0", w2, "2.weight Order"),
            ("arr_1", w1, "0.weight Order"),
        ],
    );
    check(
        &usual(),
        &[("arr_0", b1, "0.bias Order"), ("arr_1", b2, "2.bias Order")],
    );
    // By number, and a bias summed over everything.
    check(
        &usual(),
        &[
            ("arr_10", b2, "2.bias Order"),
            ("arr_9", w2, "2.weight Order"),
            ("arr_8", &[], "0.bias Order"),
            ("arr_7", w1, "0.weight Order"),
        ],
    );
    check(
        &square(),
        &[
            ("arr_0", &[3, 4], "0.weight Order"),
            ("arr_1", &[3], "0.bias Order"),
            ("arr_2", &[3, 3], "2.weight Order"),
            ("arr_3", &[3], "2.bias Order"),
            ("arr_4", &[2, 3], "4.weight Order"),
            ("arr_5", &[2], "4.bias Order"),
        ],
    );
    check(
        &narrow(),
        &[
            ("arr_0", &[1, 4], "2.weight Order"),
            ("arr_1", &[1], "2.bias Order"),
            ("arr_2", &[4, 6], "0.weight Order"),
            ("arr_3", &[4], "0.bias Order"),
        ],
    );
    check(
        &single(),
        &[("a", &[1, 10], "- "), ("foo", &[10, 784], "0.weight Shape")],
    );
    check(
        &single(),
        &[
            ("bar", &[1, 10], "0.bias Order"),
            ("foo", &[10, 784], "0.weight Order"),
        ],
    );
    // Half of them have names.
    check(
        &usual(),
        &[
            ("w1", w1, "0.weight Alias"),
            ("b1", b1, "0.bias Alias"),
            ("foo", w2, "2.weight Order"),
            ("bar", b2, "2.bias Order"),
        ],
    );
    // Layers with names of their own.
    check(
        &square(),
        &[
            ("top.w", &[2, 3], "4.weight Order"),
            ("middle.w", &[3, 3], "2.weight Order"),
            ("bottom.w", &[3, 4], "0.weight Order"),
        ],
    );
}

#[test]
fn a_shape_that_fits_one_place_is_enough_and_nothing_is_guessed() {
    check(
        &usual(),
        &[
            ("foo", &[10, 50], "2.weight Shape"),
            ("bar", &[50], "0.bias Shape"),
            (
                "baz",
                &[2, 2],
                "- its shape (2, 2) is that of no parameter that is missing",
            ),
        ],
    );
    check(
        &square(),
        &[("foo", &[3], "- fits both 0.bias and 2.bias: name it")],
    );
    check(
        &square(),
        &[("b1", &[3], "0.bias Alias"), ("foo", &[3], "2.bias Shape")],
    );
    check(
        &usual(),
        &[
            (
                "foo",
                &[10, 50],
                "- others could be 2.weight too: name them",
            ),
            (
                "bar",
                &[50, 10],
                "- others could be 2.weight too: name them",
            ),
        ],
    );
    check(
        &narrow(),
        &[("foo", &[1, 4], "- fits both 0.bias and 2.weight: name it")],
    );
    check(&narrow(), &[("w", &[1, 4], "2.weight Shape")]);
    check(
        &single(),
        &[
            ("w", &[10, 784], "0.weight Alias"),
            ("b", &[10], "0.bias Alias"),
            ("foo", &[10], "- all parameters are in the file already"),
        ],
    );
    check(&usual(), &[]);
}

#[test]
fn outputs_and_their_gradients_are_known() {
    // The lesson's names.
    check(
        &usual(),
        &[
            ("x", &[8, 784], "- not a gradient"),
            ("l1", &[8, 50], "0.y Alias"),
            ("l2", &[8, 50], "1.y Alias"),
            ("l3", &[8, 10], "2.y Alias"),
            ("l1.g", &[8, 50], "0.dy Alias"),
            ("l2_g", &[8, 50], "1.dy Alias"),
            ("dl3", &[8, 10], "2.dy Alias"),
            ("loss", &[], "loss Name"),
        ],
    );
    for name in [
        "z", "z_out", "out", "res", "output", "outputs", "logits", "preds",
    ] {
        let dz = format!("d{name}");
        let (g, grad) = (format!("{name}.g"), format!("grad_{name}"));
        check(
            &usual(),
            &[(name, &[8, 10], "2.y Alias"), (&dz, &[8, 10], "2.dy Alias")],
        );
        for name in [
            g,
            grad,
            format!("{name}_grad"),
            format!("{name}.grad"),
            format!("{name}_g"),
        ] {
            check(&usual(), &[(&name, &[8, 10], "2.dy Alias")]);
        }
    }
    for name in ["p", "probs", "softmax", "sm"] {
        check(&usual(), &[(name, &[8, 10], "p Name")]);
    }
    for name in ["logp", "log_p", "logP", "lsm", "log_softmax"] {
        check(&usual(), &[(name, &[8, 10], "logp Name")]);
    }
    for name in ["loss", "L", "l"] {
        check(&usual(), &[(name, &[1], "loss Name")]);
    }
    check(
        &usual(),
        &[
            ("0.y", &[8, 50], "0.y Name"),
            ("1.dy", &[8, 50], "1.dy Name"),
            ("2.y.grad", &[8, 10], "2.dy Name"),
            ("2.x", &[8, 50], "1.y Name"),
            ("1.dx", &[8, 50], "0.dy Name"),
            ("0.x", &[8, 784], "- not a gradient"),
            ("0.dx", &[8, 784], "- not needed"),
            ("7.y", &[8, 10], "- no such module"),
        ],
    );
    check(
        &usual(),
        &[
            ("a0", &[8, 784], "- not a gradient"),
            ("z1", &[8, 50], "0.y Alias"),
            ("a1", &[8, 50], "1.y Alias"),
            ("z2", &[8, 10], "2.y Alias"),
            ("dz1", &[8, 50], "0.dy Alias"),
            ("da1", &[8, 50], "1.dy Alias"),
            ("dz2", &[8, 10], "2.dy Alias"),
        ],
    );
    check(
        &usual(),
        &[
            ("z0", &[8, 50], "0.y Alias"),
            ("h0", &[8, 50], "1.y Alias"),
            ("z1", &[8, 10], "2.y Alias"),
            ("dL_dz1", &[8, 10], "2.dy Alias"),
            ("dh0", &[8, 50], "1.dy Alias"),
        ],
    );
    check(
        &usual(),
        &[("h", &[8, 50], "1.y Alias"), ("dh", &[8, 50], "1.dy Alias")],
    );
    check(
        &square(),
        &[("h", &[3, 3], "- it does not say of which layer")],
    );
    check(
        &narrow(),
        &[
            ("z", &[5], "3.y Alias"),
            ("z2", &[5, 1], "2.y Alias"),
            ("a2", &[5, 1], "- z is 3.y already"),
        ],
    );
}

#[test]
fn l_counts_linears_where_modules_are_impossible() {
    check(
        &usual(),
        &[("l1", &[8, 50], "0.y Alias"), ("l2", &[8, 10], "2.y Alias")],
    );
    check(
        &square(),
        &[
            ("dl1", &[3, 3], "0.dy Alias"),
            ("dl2", &[3, 3], "2.dy Alias"),
            ("dl3", &[3, 2], "4.dy Alias"),
        ],
    );
    check(&square(), &[("l2", &[3, 3], "1.y Alias")]);
}

#[test]
fn intermediates_of_impossible_shapes_are_ignored_unless_their_name_is_certain() {
    check(
        &usual(),
        &[
            (
                "z1",
                &[50, 8],
                "- its shape (50, 8) is not that of 0.y, (8, 50)",
            ),
            ("p", &[10], "- its shape (10) is not that of p, (8, 10)"),
            ("loss", &[8], "- its shape (8) is not that of loss, ()"),
            ("out", &[10, 8], "- its shape"),
            ("0.y", &[50, 8], "0.y Name"),
            ("dz", &[10, 8], "2.dy Alias"),
            ("dl1", &[50], "0.dy Alias"),
        ],
    );
    let one = Shapes { n: 1, ..usual() };
    check(
        &one,
        &[("z1", &[50], "0.y Alias"), ("p", &[1, 10], "p Name")],
    );
    check(
        &usual(),
        &[
            ("z", &[8, 10], "2.y Alias"),
            ("logits", &[8, 10], "- z is 2.y already"),
        ],
    );
    check(
        &usual(),
        &[
            ("z", &[10, 8], "- logits is 2.y already"),
            ("logits", &[8, 10], "2.y Alias"),
        ],
    );
}

#[test]
fn what_is_of_no_use_is_ignored_with_the_reason() {
    for name in [
        "x",
        "targets",
        "t",
        "y",
        "inp",
        "lr",
        "epoch",
        "step",
        "seed",
        "learning_rate",
    ] {
        check(&usual(), &[(name, &[8], "- not a gradient")]);
    }
    for name in [
        "diff", "ddiff", "diff.g", "dx", "inp.g", "dloss", "dp", "dL",
    ] {
        check(&usual(), &[(name, &[8, 10], "- not needed")]);
    }
    check(
        &usual(),
        &[("dy", &[8, 10], "- it does not say of which module")],
    );
    for name in [
        "",
        ".",
        "∂",
        "grad",
        "99999999999999999999",
        "w99999999999999999999",
        "_",
        "d",
        "g",
    ] {
        check(&usual(), &[(name, &[7, 7, 7], "- its shape (7, 7, 7)")]);
    }
}

proptest! {
    /// Whatever the names and shapes are, each array is found or ignored, and no place is given twice.
    #[test]
    fn each_array_is_found_or_ignored(
        arrays in proptest::collection::vec(
            (
                "((d|grad_|model\\.|g)?(w|b|z|l|a|h|fc|arr_|dense_)?[0-4]?(\\.weight|\\.bias|\\.g|\\.y|_x)?|.{0,6})",
                proptest::collection::vec(0_usize..6, 0..4),
            ),
            0..12,
        ),
        net in 0..4,
    ) {
        let net = match net {
            0 => square(),
            1 => narrow(),
            2 => single(),
            _ => Shapes { n: 2, inputs: 3, modules: vec![] },
        };
        let arrays: Vec<_> = arrays
            .into_iter()
            .map(|(name, shape)| NamedArray {
                name,
                shape,
                values: Vec::new(),
                precision: Precision::F32,
            })
            .collect();
        let matching = matching(&arrays, &net);
        let found = matching.found.iter().map(|found| found.index);
        let ignored = matching.ignored.iter().map(|(index, _)| *index);
        let mut all: Vec<_> = found.chain(ignored).collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..arrays.len()).collect::<Vec<_>>());
        prop_assert!(matching.found.windows(2).all(|two| two[0].what < two[1].what));
    }
}
