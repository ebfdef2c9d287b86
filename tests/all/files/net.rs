//! Networks from files: every spelling, every error, and back again.

use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
};

use mlp::{
    check::{
        Pass,
        mistakes::{Objective, Reduction, Step},
    },
    files::net::{Net, from_bytes, read, to_bytes},
    nn::Activation,
};
use ndarray::{Array2, array};
use proptest::prelude::*;
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

/// Three rows, 2-3-1: no weight is square.
fn whole() -> Value {
    json!({
        "x": [[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]], "t": [[1.0], [0.0], [2.5]],
        "layers": [
            {"w": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], "b": [0.1, 0.2, 0.3], "activation": "tanh"},
            {"w": [[0.7, 0.8, 0.9]], "b": [0.5], "activation": "relu"},
        ],
        "loss": "mse", "lr": 0.5,
    })
}

/// `whole` with some fields replaced; null takes one away.
fn with(changes: Value) -> Value {
    let mut net = whole();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(net.as_object_mut().unwrap().remove(name)),
            value => net[name] = value.clone(),
        }
    }
    net
}

#[track_caller]
fn parsed(net: &Value) -> Net {
    match from_bytes(net.to_string().as_bytes()) {
        Ok(net) => net,
        Err(fault) => panic!("{net}: {fault}"),
    }
}

#[track_caller]
fn fault(net: &Value) -> String {
    match from_bytes(net.to_string().as_bytes()) {
        Ok(_) => panic!("{net} is taken"),
        Err(fault) => fault,
    }
}

/// All that a network is, to compare.
fn told(net: &Net) -> String {
    let numbers =
        |array: &Array2<f64>| format!("{:?} {:?}", array.dim(), array.iter().collect::<Vec<_>>());
    let problem = &net.problem;
    let steps = problem.steps.iter().map(|step| match step {
        Step::Linear { w, b } => format!("w {} b {}", numbers(w), numbers(b)),
        other => format!("{other:?}"),
    });
    format!(
        "x {}\nt {}\n{}\n{:?} {} {} {}",
        numbers(&problem.x),
        numbers(&problem.t),
        steps.collect::<Vec<_>>().join("\n"),
        problem.objective,
        net.learning_rate,
        net.train_biases,
        net.square
    )
}

#[test]
fn the_documented_form_is_read() {
    let net = parsed(&whole());
    assert_eq!(
        (net.learning_rate, net.train_biases, net.square),
        (0.5, true, false)
    );
    let problem = &net.problem;
    assert_eq!(problem.x, array![[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]]);
    assert_eq!(problem.t, array![[1.0], [0.0], [2.5]]);
    assert_eq!(problem.objective, Objective::Mse(Reduction::Mean));
    assert!(!problem.pixels && problem.classes.is_none() && problem.others.is_none());
    let Step::Linear { w, b } = &problem.steps[0] else {
        panic!("{problem:?}")
    };
    assert_eq!(*w, array![[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]); // (I, O)
    assert_eq!(*b, array![[0.1, 0.2, 0.3]]);
    let kinds = [&problem.steps[1], &problem.steps[3]];
    assert!(matches!(
        kinds,
        [
            Step::Activation(Activation::Tanh),
            Step::Activation(Activation::Relu)
        ]
    ));
    assert_eq!(problem.steps.len(), 4);
}

#[test]
fn other_spellings_are_the_same_network() {
    let same = told(&parsed(&whole()));
    let (w0, w1) = (
        json!([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]),
        json!([[0.7, 0.8, 0.9]]),
    );
    let (b0, b1) = (json!([0.1, 0.2, 0.3]), json!([0.5]));
    let in_out = [
        json!([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]),
        json!([[0.7], [0.8], [0.9]]),
    ];
    for net in [
        with(json!({"x": null, "inputs": whole()["x"]})),
        with(json!({"x": null, "X": whole()["x"]})),
        with(json!({"t": null, "y": whole()["t"]})),
        with(json!({"t": null, "targets": [1.0, 0.0, 2.5]})),
        with(json!({"t": [1, 0, 2.5], "reduction": "mean", "loss": "MSE", "note": "flat"})),
        with(json!({"lr": null, "learning_rate": 0.5})),
        with(json!({"train_biases": true, "orientation": "outputs-inputs"})),
        with(json!({"layers": [
            {"W": w0, "bias": b0, "act": "Tanh"}, {"weights": w1, "biases": 0.5, "activation": "ReLU"}]})),
        with(json!({"layers": [
            {"weight": in_out[0], "b": [b0], "activation": "tanh"}, {"w": in_out[1], "b": 0.5, "activation": "relu"}]})),
        with(json!({"orientation": "inputs-outputs", "layers": [
            {"w": in_out[0], "b": b0, "activation": "tanh"}, {"w": [0.7, 0.8, 0.9], "b": 0.5, "activation": "relu"}]})),
        with(
            json!({"layers": null, "weights": [w0, w1], "biases": [b0, b1], "activations": ["tanh", "relu"]}),
        ),
        with(
            json!({"layers": null, "weights": in_out, "biases": [b0, 0.5], "activations": "tanh",
            "last_activation": "relu"}),
        ),
        with(
            json!({"layers": [{"w": w0, "b": b0}, {"w": w1, "b": b1}], "activation": ["tanh"],
            "last_activation": "relu"}),
        ),
    ] {
        assert_eq!(told(&parsed(&net)), same, "{net}");
    }
    let mut marked = b"\xef\xbb\xbf \n".to_vec();
    marked.extend(whole().to_string().bytes());
    assert_eq!(told(&from_bytes(&marked).unwrap()), same);
}

#[test]
fn what_is_left_out_has_its_default() {
    let net = parsed(
        &json!({"x": [1, 2], "t": [3, 4], "layers": [{"w": [[1, 2], [3, 5]]}], "loss": "mse"}),
    );
    assert_eq!(
        (net.learning_rate, net.train_biases, net.square),
        (0.1, true, true)
    );
    assert_eq!(
        (net.problem.x, net.problem.t),
        (array![[1.0, 2.0]], array![[3.0, 4.0]])
    );
    let [Step::Linear { w, b }] = &net.problem.steps[..] else {
        panic!("{:?}", net.problem.steps)
    };
    assert_eq!(
        (w, b),
        (&array![[1.0, 3.0], [2.0, 5.0]], &array![[0.0, 0.0]])
    );

    // A symmetric weight is the same both ways; a file that says which has no doubt.
    let symmetric =
        json!({"x": [1, 2], "t": [3, 4], "layers": [{"w": [[1, 2], [2, 5]]}], "loss": "mse"});
    assert!(!parsed(&symmetric).square);
    let said = json!({"x": [1, 2], "t": [3, 4], "layers": [{"w": [[1, 2], [3, 5]]}], "loss": "mse",
        "orientation": "inputs-outputs"});
    let said = parsed(&said);
    assert!(!said.square);
    assert!(matches!(&said.problem.steps[0], Step::Linear { w, .. } if w[[0, 1]] == 2.0));

    // One input: a flat x has a row for each number. One output: a flat w.
    let line = parsed(
        &json!({"x": [1, 2, 3], "t": [2, 4, 6], "layers": [{"w": 2, "b": 1}], "loss": "mse"}),
    );
    assert_eq!(
        (line.problem.x.dim(), line.problem.t.dim()),
        ((3, 1), (3, 1))
    );
    let plane =
        parsed(&json!({"x": [1, 2, 3], "t": 6, "layers": [{"w": [1, 2, 3]}], "loss": "mse"}));
    assert_eq!(
        (plane.problem.x.dim(), plane.problem.t.dim()),
        ((1, 3), (1, 1))
    );

    let all = parsed(&with(
        json!({"activations": null, "layers": null, "biases": 0.25,
        "weights": [[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], [[0.7, 0.8, 0.9]]]}),
    ));
    assert_eq!(all.problem.steps.len(), 2, "no activations");
    assert!(
        matches!(&all.problem.steps[0], Step::Linear { b, .. } if *b == array![[0.25, 0.25, 0.25]])
    );
}

#[test]
fn losses_reductions_and_activations_go_by_their_names() {
    for (loss, reduction, expected) in [
        ("mse", "sum/2", Objective::Mse(Reduction::Half)),
        ("mse", "half", Objective::Mse(Reduction::Half)),
        ("mse", "half-sum", Objective::Mse(Reduction::Half)),
        ("mse", "sum", Objective::Mse(Reduction::Sum)),
        ("ce", "mean", Objective::Ce(Reduction::Mean)),
        ("cross_entropy", "sum", Objective::Ce(Reduction::Sum)),
        ("Cross-Entropy", "Mean", Objective::Ce(Reduction::Mean)),
    ] {
        let net = with(
            json!({"loss": loss, "reduction": reduction, "layers": [{"w": [[1, 2], [3, 4], [5, 6]]}],
            "t": [[1, 0, 0], [0, 1, 0], [0.5, 0.25, 0.25]]}),
        );
        assert_eq!(parsed(&net).problem.objective, expected, "{net}");
    }
    let all = Activation::ALL.into_iter();
    for activation in all.filter(|activation| *activation != Activation::Identity) {
        for name in [activation.flag(), activation.about().name] {
            let net = with(json!({"layers": [{"w": [[1, 2]], "activation": name}]}));
            let steps = parsed(&net).problem.steps;
            assert!(matches!(steps[1], Step::Activation(found) if found == activation));
        }
    }
    for name in [
        json!("none"),
        json!("linear"),
        json!("identity"),
        Value::Null,
    ] {
        let net = with(json!({"layers": [{"w": [[1, 2]], "activation": name}]}));
        assert_eq!(parsed(&net).problem.steps.len(), 1);
    }
}

#[test]
fn classes_become_one_hot_rows() {
    let net =
        |t: Value| with(json!({"loss": "ce", "layers": [{"w": [[1, 2], [3, 4], [5, 6]]}], "t": t}));
    let expected: Array2<f64> = array![[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    for t in [
        json!([2, 0, 1]),
        json!([[2], [0], [1]]),
        json!([2.0, 0.0, 1.0]),
    ] {
        assert_eq!(parsed(&net(t)).problem.t, expected);
    }
    let one = |t: Value| {
        let mut net = net(t);
        net["x"] = json!([1, 2]);
        net
    };
    for t in [json!([2]), json!(2), json!([0, 0, 1])] {
        assert_eq!(parsed(&one(t)).problem.t, array![[0.0, 0.0, 1.0]]);
    }
    for (t, expected) in [
        (
            json!([2, 0, 3]),
            "the class 3, expected whole numbers from 0 to 2",
        ),
        (json!([2, 0, 0.5]), "the class 0.5"),
        (json!([2, 0, -1]), "the class -1"),
        (
            json!([2, 0]),
            "a list of 2 numbers, but there are 3 rows of x and 3 outputs: expected 3×3, or 3 classes",
        ),
        (
            json!([[2, 0, 1], [0, 0, 1], [0, 0, 1]]),
            "the number 2, expected probabilities",
        ),
    ] {
        let fault = fault(&net(t));
        assert!(fault.contains(expected), "{fault}");
    }
}

#[test]
fn what_does_not_fit_is_said_with_what_was_expected() {
    for (changes, expected) in [
        (json!({"x": null}), "x is missing"),
        (json!({"t": null}), "t is missing"),
        (json!({"layers": null}), "layers is missing"),
        (
            json!({"loss": null}),
            "loss is missing: expected \"mse\", \"ce\" or \"bce\"",
        ),
        (
            json!({"momentum": 0.9}),
            "unknown field \"momentum\", expected some of x, t, layers",
        ),
        (json!({"X": [[1, 2]]}), "are given: keep one of them"),
        (
            json!({"weights": [[[1, 2]]]}),
            "both layers and weights are given",
        ),
        (json!({"layers": []}), "no layers"),
        (
            json!({"layers": {}}),
            "layers is an object, expected a list",
        ),
        (
            json!({"layers": [[[1, 2]]]}),
            "layers[0] is a list, expected {\"w\"",
        ),
        (json!({"layers": [{"b": [1]}]}), "layers[0] has no w"),
        (
            json!({"layers": [{"w": [[1, 2]], "v": 1}]}),
            "layers[0]: unknown field \"v\", expected some of w, b, activation",
        ),
        (
            json!({"layers": [{"w": [[1, 2, 3]]}]}),
            "layers[0].w is 1×3, but x has 2 numbers a row: expected (outputs, 2)",
        ),
        (
            json!({"layers": [{"w": [[1, 2], [1, 2], [1, 2], [1, 2]]}, {"w": [[1, 2], [3, 4], [5, 6]]}]}),
            "layers[1].w is 3×2, but the layer before has 4 outputs: expected (outputs, 4)",
        ),
        (
            json!({"layers": [{"w": [[1, 2]], "b": [1, 2]}]}),
            "layers[0].b is a list of 2 numbers, but layers[0].w makes 1 output: expected a number for each",
        ),
        (
            json!({"layers": [{"w": [[1, 2], [3]]}]}),
            "layers[0].w[1] has 1 entries, but those before have 2",
        ),
        (
            json!({"layers": [{"w": [[1, "a"]]}]}),
            "layers[0].w[0][1] is the text \"a\", expected a number",
        ),
        (
            json!({"layers": [{"w": [[1, 2]], "activation": "swish"}]}),
            "expected one of none, relu, tanh, scaled-tanh",
        ),
        (
            json!({"layers": [{"w": [[1, 2]], "activation": "softmax"}]}),
            "takes the softmax of the outputs itself",
        ),
        (
            json!({"layers": [{"w": [[1, 2]], "activation": 3}]}),
            "layers[0].activation is the number 3, expected a name",
        ),
        (
            json!({"activations": ["tanh", "relu"]}),
            "both in layers and beside them",
        ),
        (json!({"x": []}), "x has an empty list"),
        (json!({"x": [[1, 2], [3]]}), "x[1] has 1 entries"),
        (json!({"x": [[[[[1]]]]]}), "expected rows of numbers"),
        (
            json!({"x": [[[1, 2]]]}),
            "x is 1×1×2, expected N rows of numbers: flatten",
        ),
        (
            json!({"t": [[1, 2], [1, 2], [1, 2]]}),
            "t is 3×2, but there are 3 rows of x and 1 output: expected 3×1, or a list of 3",
        ),
        (json!({"t": [1, 2]}), "a list of 2 numbers"),
        (
            json!({"loss": "hinge"}),
            "no loss is called \"hinge\", expected mse, ce or bce",
        ),
        (
            json!({"reduction": "max"}),
            "expected mean, sum, or for mse sum/2",
        ),
        (
            json!({"loss": "bce", "reduction": "sum/2"}),
            "one of mse, expected mean or sum with bce",
        ),
        (
            json!({"loss": "bce", "t": [0, 1, 2]}),
            "t has the number 2, expected probabilities from 0 to 1 with the loss bce",
        ),
        (
            json!({"loss": "ce", "reduction": "sum/2"}),
            "the reduction sum/2 is one of mse",
        ),
        (
            json!({"lr": 0}),
            "lr is the number 0, expected a number above 0",
        ),
        (json!({"lr": "fast"}), "lr is the text \"fast\""),
        (
            json!({"orientation": "sideways"}),
            "expected outputs-inputs",
        ),
        (
            json!({"orientation": "inputs-outputs"}),
            "layers[0].w is 3×2, but x has 2 numbers a row: expected (2, outputs), as",
        ),
        (
            json!({"train_biases": "no"}),
            "train_biases is the text \"no\", expected true or false",
        ),
        (
            json!({"layers": null, "weights": [[[1, 2]]], "biases": [1, 2]}),
            "biases has 2 entries and weights has 1",
        ),
        (
            json!({"layers": null, "weights": [[1, 2]]}),
            "weights[0] is a list of 2 numbers, expected rows",
        ),
        (
            json!({"layers": null, "weights": [[[1, 2]]], "activations": ["relu", "relu"]}),
            "activations has 2 entries and there are 1 layers",
        ),
        (
            json!({"layers": null, "weights": [[[1, 2]]], "activations": ["relu"], "last_activation": "tanh"}),
            "activations has the last layer's as well",
        ),
    ] {
        let fault = fault(&with(changes));
        assert!(fault.contains(expected), "{expected}: {fault}");
    }
    for (bytes, expected) in [
        (&b""[..], "empty, expected a network as JSON"),
        (b" \n", "empty"),
        (
            b"{\"x\": [[NaN]]}",
            "not valid JSON (expected value at line 1",
        ),
        (b"{\"x\": 1e999}", "not valid JSON (number out of range"),
        (b"[1, 2]", "a list, expected an object"),
        (b"w = 3", "neither JSON nor an .npz or .safetensors file"),
        (b"PK\x03\x04 broken", "broken .npz file"),
    ] {
        let fault = from_bytes(bytes).unwrap_err();
        assert!(fault.contains(expected), "{expected}: {fault}");
    }
    let many =
        json!({"x": [[1.0]], "t": [1.0], "loss": "mse", "layers": vec![json!({"w": 1}); 101]});
    assert!(fault(&many).contains("101 layers, expected at most 100"));
    let rows = vec![[1]; 200_000];
    let wide = json!({"x": rows, "t": rows, "loss": "mse", "layers": [{"w": vec![[1]; 60]}, {"w": [vec![1; 60]]}]});
    assert!(fault(&wide).contains("more than 10000000 numbers in all"));
}

#[test]
fn a_file_is_named_in_its_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.json");
    assert!(read(&path).unwrap_err().to_string().contains("net.json: "));
    fs::write(&path, "{}").unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("net.json: x is missing"), "{error}");
    assert!(read(folder.path()).is_err());
}

#[test]
fn the_networks_of_the_examples_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nets");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let net = read(&file.unwrap().path()).unwrap();
        assert!(!net.square);
        count += 1;
    }
    assert!(count >= 2);
}

#[test]
fn what_is_exported_is_read_as_the_same() {
    let classes = with(
        json!({"loss": "ce", "t": [2, 0, 1], "reduction": "sum", "train_biases": false, "layers": [
        {"w": [[0.1, 0.2], [0.3, 0.4]], "b": 0.1}, {"w": [[0.3, 0.4], [0.7, 0.8], [0.1, 1e-300]], "activation": "gelu"}]}),
    );
    let half = with(json!({"reduction": "sum/2", "lr": 0.1, "orientation": "outputs-inputs"}));
    for net in [whole(), classes, half] {
        let net = Net {
            square: false,
            ..parsed(&net)
        };
        for npz in [true, false] {
            let bytes = to_bytes(&net, npz).unwrap();
            assert_eq!(told(&from_bytes(&bytes).unwrap()), told(&net));
        }
    }
}

/// An array of NumPy.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.bytes());
    npy.extend(data);
    npy
}

fn numbers(shape: &str, values: &[f64]) -> Vec<u8> {
    let bytes: Vec<_> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    npy("<f8", shape, &bytes)
}

fn word(text: &str) -> Vec<u8> {
    let bytes: Vec<_> = text
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    npy(&format!("<U{}", text.len()), "()", &bytes)
}

fn zipped(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, npy) in arrays {
        let options = SimpleFileOptions::default();
        file.start_file(format!("{name}.npy"), options).unwrap();
        file.write_all(npy).unwrap();
    }
    file.finish().unwrap().into_inner()
}

/// What `numpy.savez` writes of a network by other names.
fn saved(names: [&'static str; 4]) -> Vec<(&'static str, Vec<u8>)> {
    let [w0, b0, w1, b1] = names;
    vec![
        ("x", numbers("(3, 2)", &[1.0, 2.0, 3.0, 4.0, -1.0, 0.5])),
        ("y", numbers("(3,)", &[1.0, 0.0, 2.5])),
        (w1, numbers("(1, 3)", &[0.7, 0.8, 0.9])),
        (b1, numbers("()", &[0.5])),
        (w0, numbers("(3, 2)", &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])),
        (b0, numbers("(3,)", &[0.1, 0.2, 0.3])),
        ("activation", word("tanh")),
        ("last_activation", word("relu")),
        ("loss", word("mse")),
        ("lr", numbers("()", &[0.5])),
    ]
}

#[test]
fn arrays_of_numpy_are_read_under_usual_names() {
    let same = told(&parsed(&whole()));
    for names in [
        ["w1", "b1", "w2", "b2"],
        ["W1", "b1", "W2", "b2"],
        ["weight_0", "bias_0", "weight_1", "bias_1"],
        ["0.weight", "0.bias", "2.weight", "2.bias"],
        ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"],
        ["layers.9.w", "layers.9.b", "layers.10.w", "layers.10.b"],
    ] {
        let net = from_bytes(&zipped(&saved(names)));
        assert_eq!(told(&net.unwrap()), same, "{names:?}");
    }
    let usual = || saved(["w1", "b1", "w2", "b2"]);
    // NumPy's lists of texts end in zeros, and bytes may stand for letters.
    let mut listed = usual();
    listed.retain(|(name, _)| !name.contains("activation"));
    listed.push(("activations", npy("|S5", "(2,)", b"tanh\0relu\0")));
    assert_eq!(told(&from_bytes(&zipped(&listed)).unwrap()), same);

    let without = |name: &str| {
        let mut arrays = usual();
        arrays.retain(|(other, _)| *other != name);
        from_bytes(&zipped(&arrays)).unwrap_err()
    };
    assert!(without("x").contains("x is missing"));
    assert!(without("w2").contains("b2 is given without a weight"));
    assert!(without("loss").contains("loss is missing"));
    let mut silent = usual();
    silent.retain(|(name, _)| !name.contains("activation"));
    let fault = from_bytes(&zipped(&silent)).unwrap_err();
    assert!(fault.contains("add activation=\"relu\""), "{fault}");
    for (name, array, expected) in [
        (
            "m1",
            numbers("()", &[1.0]),
            "unknown array \"m1\", expected x, t, 0.weight",
        ),
        ("W2", numbers("()", &[1.0]), "both w2 and W2 are given"),
        ("t", numbers("()", &[1.0]), "two names"),
        ("reduction", word("mode"), "no reduction is called \"mode\""),
        ("optimiser", word("sgd"), "unknown field \"optimiser\""),
        ("note", npy("<U3", "(2,)", &[0; 12]), "do not fit shape"),
    ] {
        let mut arrays = usual();
        arrays.push((name, array));
        let fault = from_bytes(&zipped(&arrays)).unwrap_err();
        assert!(fault.contains(expected), "{expected}: {fault}");
    }
    let mut infinite = usual();
    infinite[3].1 = numbers("()", &[f64::INFINITY]);
    assert!(
        from_bytes(&zipped(&infinite))
            .unwrap_err()
            .contains("b2 has the number inf")
    );
}

/// Reads anything; a network that is read can be used.
fn survives(bytes: &[u8]) {
    if let Ok(net) = from_bytes(bytes) {
        let pass = Pass::new(&net.problem);
        pass.step(&net.problem, net.learning_rate, net.train_biases);
    }
}

#[test]
fn a_file_cut_off_anywhere_does_not_make_it_panic() {
    let net = parsed(&whole());
    let json = whole().to_string().into_bytes();
    for bytes in [
        json,
        to_bytes(&net, true).unwrap(),
        to_bytes(&net, false).unwrap(),
    ] {
        for length in 0..bytes.len() {
            survives(&bytes[..length]);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(at: prop::sample::Index, byte: u8, which in 0_usize..10) {
        let net = parsed(&whole());
        let json = whole().to_string().into_bytes();
        for mut bytes in [json, to_bytes(&net, true).unwrap(), to_bytes(&net, false).unwrap()] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            survives(&bytes);
        }
        // Within a zip that is sound, whose checksums would keep mutations out.
        let mut arrays = saved(["w1", "b1", "w2", "b2"]);
        let npy = &mut arrays[which].1;
        let at = at.index(npy.len());
        npy[at] = byte;
        survives(&zipped(&arrays));
    }

    #[test]
    fn no_values_make_it_panic(field in 0_usize..6, value in prop_oneof![
        Just(json!(null)), Just(json!([])), Just(json!({})), Just(json!("relu")), Just(json!(-1)), Just(json!(1e300)),
        Just(json!([[1e308, -1e308], [1e308, 1e308], [0, 0]])), Just(json!([[[]]])), Just(json!([1, 2, 3])), Just(json!(true)),
    ]) {
        let name = ["x", "t", "layers", "loss", "lr", "activations"][field];
        let mut net = whole();
        net[name] = value.clone();
        survives(net.to_string().as_bytes());
        for of in ["w", "b", "activation"] {
            let mut net = whole();
            net["layers"][field % 2][of] = value.clone();
            survives(net.to_string().as_bytes());
        }
    }
}
