//! Right answers pass, and of wrong ones the mistake is named.

use std::{collections::HashSet, fs, path::Path};

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
            assert_eq!(wrong.results, [&name[..]], "{}", exercise.name);
            assert!(
                matches!(wrong.why, Why::Numbers { found: 123.456, .. }),
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
                    answer.values.push(mlp::check::mistakes::NamedArray {
                        name: expected.name.clone(),
                        shape: value.shape().to_vec(),
                        values: value.iter().copied().collect(),
                        precision: mlp::check::mistakes::Precision::F64,
                    });
                }
                let reply = protocol::Reply {
                    answers: vec![answer],
                    fault: None,
                    done: true,
                };
                let wrong = wrong(judge(std::slice::from_ref(case), &reply));
                let looks: Vec<_> = wrong
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
                let looks = wrong(found).looks_like;
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
