//! Right answers pass, and of wrong ones the mistake is named.

use std::{collections::HashSet, fs, path::Path};

use mlp::check::mistakes::{NamedArray, Precision};
use ndarray::{Array2, ArrayD, Axis};

use mlp::learn::{
    self, Case, Exercise, Expected, Found, Language, Why, Wrong, exercise, exercises, judge,
    protocol,
};

use super::reply;

/// What is found in the answer of a solution, of which this is changed.
fn found(exercise: &Exercise, seed: u64, change: impl Fn(&Case, &mut String)) -> Found {
    let cases = exercise.cases(seed);
    let request = learn::request(exercise, &cases).unwrap();
    let mut text = reply(exercise.name, &request);
    change(&cases[cases.len() - 1], &mut text);
    judge(&cases, &protocol::reply(&text).unwrap())
}

fn wrong(found: Found) -> Wrong {
    match found {
        Found::Wrong(wrong) => *wrong,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_solution_in_rust_passes_whatever_the_numbers() {
    for exercise in exercises().iter().filter(|exercise| !exercise.trains()) {
        for seed in 0..20 {
            let found = found(exercise, seed, |_, _| {});
            assert!(
                matches!(found, Found::Passed { .. }),
                "{}: {found:?}",
                exercise.name
            );
        }
    }
}

#[test]
fn numbers_of_another_check_do_not_pass() {
    for exercise in exercises().iter().filter(|exercise| !exercise.trains()) {
        let request = |seed| learn::request(exercise, &exercise.cases(seed)).unwrap();
        assert_ne!(request(1), request(2));
        assert_eq!(request(1), request(1));
        let others = protocol::reply(&reply(exercise.name, &request(1))).unwrap();
        let found = judge(&exercise.cases(2), &others);
        assert!(
            matches!(found, Found::Wrong(_)),
            "{}: {found:?}",
            exercise.name
        );
    }
}

/// Every result by itself, a little off: it is that one that is wrong, up to the one before it all is right.
#[test]
fn the_result_that_is_wrong_is_the_one_that_is_named() {
    for exercise in exercises().iter().filter(|exercise| !exercise.trains()) {
        let cases = exercise.cases(3);
        let names: Vec<_> = cases[cases.len() - 1]
            .expected
            .iter()
            .map(|e| e.name.clone())
            .collect();
        for name in &names {
            let change = |_: &Case, text: &mut String| {
                // The last call's.
                let at = text.rfind(&format!("value\t{name}\t")).unwrap();
                let end = at + text[at..].find('\n').unwrap();
                let last = text[..end].rfind([' ', '\t']).unwrap() + 1;
                text.replace_range(last..end, "123.456");
            };
            let wrong = wrong(found(exercise, 3, change));
            let [off] = &wrong.results[..] else {
                panic!("{}: {wrong:?}", exercise.name)
            };
            assert_eq!(off.name, *name, "{}", exercise.name);
            assert!(
                matches!(off.why, Why::Numbers { found: 123.456, .. }),
                "{wrong:?}"
            );
        }
    }
}

#[test]
fn each_slip_is_named_by_the_numbers_that_it_gives() {
    let mut named = HashSet::new();
    for exercise in exercises() {
        let cases = exercise.cases(4);
        let Some(case) = cases.get(1).or(cases.first()) else {
            continue;
        };
        for Expected { name, slips, .. } in &case.expected {
            for (slip, value) in slips {
                let mut answer = protocol::Answer::default();
                for expected in &case.expected {
                    let value = if expected.name == *name {
                        value
                    } else {
                        &expected.value
                    };
                    answer.values.push(NamedArray {
                        name: expected.name.clone(),
                        shape: value.shape().to_vec(),
                        values: value.iter().copied().collect(),
                        precision: Precision::F64,
                    });
                }
                let reply = protocol::Reply {
                    answers: vec![answer],
                    fault: None,
                    done: true,
                };
                let wrong = wrong(judge(std::slice::from_ref(case), &reply));
                let off = wrong.results.iter().find(|off| off.name == *name).unwrap();
                let looks: Vec<_> = off
                    .looks_like
                    .iter()
                    .flatten()
                    .map(|l| &l.name[..])
                    .collect();
                assert!(
                    looks.contains(&slip.name),
                    "{}: {} in {looks:?}",
                    exercise.name,
                    slip.name
                );
                named.insert((exercise.name, slip.name));
            }
        }
    }
    assert!(named.len() > 70, "{}", named.len());
}

/// What Python answered to solutions with a mistake, recorded by `scripts/check_learn.py --record`.
#[test]
fn mistakes_in_python_are_named_from_what_was_recorded() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/learn"));
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let (head, text) = text.split_once('\n').unwrap();
        let [name, seed, expected] = head.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{head}")
        };
        let exercise = exercise(name).unwrap();
        let found = judge(
            &exercise.cases(seed.parse().unwrap()),
            &protocol::reply(text).unwrap(),
        );
        match (expected, found) {
            ("passed", found) => {
                assert!(matches!(found, Found::Passed { .. }), "{head}: {found:?}")
            }
            ("unwritten", found) => assert_eq!(found, Found::Unwritten, "{head}"),
            (fault, Found::Fault(found)) => assert_eq!(fault, found.kind, "{head}"),
            (mistake, found) => {
                let looks = wrong(found).explained().unwrap().looks_like.clone();
                assert!(
                    looks.iter().flatten().any(|l| l.name == mistake),
                    "{head}: {looks:?}"
                );
            }
        }
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn stubs_are_solutions_without_what_is_to_be_written() {
    for exercise in exercises() {
        for (language, unwritten) in [
            (Language::Python, "raise NotImplementedError"),
            (Language::Rust, "todo!()"),
        ] {
            let (stub, solution) = (exercise.stub(language), exercise.solution(language));
            assert!(stub.contains(unwritten) && !solution.contains(unwritten));
            assert!(stub.contains(exercise.name) && solution.contains(exercise.name));
            for text in [&stub, &solution] {
                let marks = ["# solution", "# end", "// solution", "// end"];
                assert!(
                    !text.lines().any(|line| marks.contains(&line.trim())),
                    "{text}"
                );
            }
            // What is not to be written is the same in both.
            let kept = stub.lines().filter(|line| !line.contains(unwritten));
            let mut whole = solution.lines();
            assert!(
                kept.into_iter()
                    .all(|line| whole.any(|other| other == line)),
                "{stub}"
            );
        }
        assert_eq!(exercise.hints.len(), 3);
        assert!(!exercise.stub(Language::Python).contains(exercise.hints[2]));
    }
    let numbers: Vec<_> = exercises().iter().map(|exercise| exercise.number).collect();
    assert_eq!(numbers, (1..=exercises().len()).collect::<Vec<_>>());
    for name in [
        "7",
        "07",
        "lin_grad",
        "07_lin_grad",
        "07_lin_grad.py",
        "07_lin_grad.rs",
    ] {
        assert_eq!(exercise(name).unwrap().number, 7, "{name}");
    }
    assert!(exercise("0").is_none() && exercise("lin.grad").is_none());
}

/// What is found where a function gives `result` of its arguments, in every call.
fn given(exercise: &str, result: impl Fn(&dyn Fn(&str) -> Array2<f64>) -> ArrayD<f64>) -> Found {
    let exercise = learn::exercise(exercise).unwrap();
    let cases = exercise.cases(5);
    let answers = cases.iter().map(|case| {
        let argument = |name: &str| {
            let (_, value) = case
                .arguments
                .iter()
                .find(|(known, _)| known == name)
                .unwrap();
            match value {
                protocol::Value::Floats(array) => array.clone().into_dimensionality().unwrap(),
                other => panic!("{other:?}"),
            }
        };
        let value = result(&argument);
        let array = NamedArray {
            name: case.expected[0].name.clone(),
            shape: value.shape().to_vec(),
            values: value.iter().copied().collect(),
            precision: Precision::F64,
        };
        protocol::Answer {
            values: vec![array],
            ..protocol::Answer::default()
        }
    });
    let reply = protocol::Reply {
        answers: answers.collect(),
        fault: None,
        done: true,
    };
    judge(&cases, &reply)
}

/// Of two numbers of an example many mistakes give the same; the batches that follow decide.
#[test]
fn what_fits_the_example_alone_is_not_named() {
    let greatest =
        |z: &Array2<f64>| z.map_axis(Axis(1), |row| row.fold(f64::MIN, |m, &z| m.max(z)));
    let found = wrong(given("logsumexp", |of| {
        greatest(&of("z")).insert_axis(Axis(1)).into_dyn()
    }));
    assert!(found.explained().is_none(), "{found:?}");
    let found = wrong(given("lin", |of| of("x").dot(&of("w")).into_dyn()));
    assert_eq!(
        found.explained().unwrap().looks_like[0][0].name,
        "bias-forgotten"
    );
}

#[test]
fn a_softmax_that_underflows_is_no_log_softmax() {
    let naive = |z: &Array2<f64>| {
        let mut p = z.clone();
        for mut row in p.rows_mut() {
            let m = row.fold(f64::MIN, |m, &z| m.max(z));
            row.mapv_inplace(|z| (z - m).exp());
            let sum = row.sum();
            row /= sum;
        }
        p.mapv(f64::ln)
    };
    let found = wrong(given("log_softmax", |of| naive(&of("z")).into_dyn()));
    assert!(
        matches!(found.results[0].why, Why::NotFinite { .. }),
        "{found:?}"
    );
    let losses = exercise("cross_entropy").unwrap().cases(6);
    let protocol::Value::Floats(z) = &losses[3].arguments[0].1 else {
        panic!()
    };
    let protocol::Value::Whole(target) = &losses[3].arguments[1].1 else {
        panic!()
    };
    let log_p = naive(&z.clone().into_dimensionality().unwrap());
    assert!(
        target
            .iter()
            .enumerate()
            .any(|(n, &class)| log_p[[n, class]].is_infinite())
    );
}
