use ndarray::{Array2, array};
use ndarray_rand::rand::Rng;

use super::*;
use crate::{
    check::{
        Pass,
        mistakes::{Mistake, Objective, Reduction},
    },
    nn::Activation,
    rng::{Purpose, generator},
};

const CE: Objective = Objective::Ce(Reduction::Mean);
const MSE: Objective = Objective::Mse(Reduction::Mean);
const BCE: Objective = Objective::Bce(Reduction::Mean);

fn made(layers: &[usize], rows: usize, objective: Objective, seed: u64) -> Made {
    Made {
        layers: layers.to_vec(),
        rows,
        activation: Activation::Relu,
        objective,
        seed,
    }
}

fn sheet_of(problem: Problem, precision: usize) -> Sheet {
    Sheet::new(problem, 0.1, true, Blanks::default(), precision).unwrap()
}

/// Sheets of many kinds.
fn all() -> Vec<(Problem, Sheet)> {
    let mut all = Vec::new();
    for (seed, activation) in (0..).zip(Activation::ALL) {
        for (layers, rows, objective) in [
            (&[2, 2, 2][..], 1, CE),
            (&[2, 2, 2], 2, MSE),
            (&[2, 3, 1], 2, BCE),
            (&[3, 2, 2, 3], 3, CE),
            (&[2, 2], 3, MSE),
        ] {
            let made = Made {
                activation,
                ..made(layers, rows, objective, seed)
            };
            let problem = made.problem().unwrap();
            all.push((problem.clone(), sheet_of(problem, 4)));
        }
    }
    all
}

fn line<'a>(sheet: &'a Sheet, name: &str) -> &'a Array2<f64> {
    let mut lines = sheet.lines();
    let found = lines.find_map(|(line, values)| (line.name == name).then_some(values));
    found.unwrap_or_else(|| panic!("no {name}"))
}

/// A pupil, who answers what `answer` makes of the name and of what follows from the numbers before.
fn pupil(sheet: &Sheet, answer: impl Fn(&str, f64) -> String) -> Marks {
    let mut own: Vec<Array2<f64>> = Vec::new();
    let mut answers = Vec::new();
    for (line, values) in sheet.lines() {
        if line.part.is_none() {
            own.push(values.clone());
            continue;
        }
        let inputs: Vec<_> = line.inputs.iter().map(|&i| &own[i]).collect();
        let mut value = line.op.value(&inputs);
        for (at, value) in value.indexed_iter_mut() {
            let name = line.element(at);
            let text = answer(&name, *value);
            *value = text.parse().unwrap_or(*value);
            answers.push(Answer {
                line: 0,
                name,
                text,
            });
        }
        own.push(value);
    }
    sheet.mark(&Answers {
        head: Vec::new(),
        answers,
    })
}

#[test]
fn the_lines_are_those_of_the_modules_that_train() {
    for (problem, sheet) in all() {
        let pass = Pass::new(&problem);
        let near = |name: &str, expected: &Array2<f64>| {
            let found = line(&sheet, name);
            assert_eq!(found.dim(), expected.dim(), "{name}");
            let off = (found - expected).mapv(f64::abs);
            assert!(off.iter().all(|off| *off < 1e-12), "{name}: {off}");
        };
        near("L", &array![[pass.loss]]);
        if problem.objective.probabilities() {
            near("p", &pass.predictions(problem.objective));
        }
        let (after, _) = pass.step(&problem, 0.1, true);
        let mut layer = 0;
        for (m, step) in problem.steps.iter().enumerate() {
            let name = match step {
                Step::Linear { .. } => {
                    layer += 1;
                    let [w, b] = pass.network.modules()[m].params().unwrap();
                    near(&format!("dw{layer}"), &w.grad);
                    near(&format!("db{layer}"), &b.grad);
                    let [w, b] = after.modules()[m].params().unwrap();
                    near(&format!("w{layer}_new"), &w.value);
                    near(&format!("b{layer}_new"), &b.value);
                    "z"
                }
                _ => "h",
            };
            near(&format!("{name}{layer}"), &pass.x[m + 1]);
            near(&format!("d{name}{layer}"), &pass.dx[m + 1]);
        }
    }
}

#[test]
fn sheets_of_many_seeds_are_pleasant_and_have_gradients() {
    for seed in 0..20 {
        for (layers, rows, objective) in [
            (&[2, 2, 2][..], 1, CE),
            (&[2, 2, 1], 1, BCE),
            (&[2, 2, 2], 2, MSE),
            (&[4, 4, 4, 4], 1, CE),
            (&[3, 4, 2], 2, CE),
            (&[1, 1, 1], 3, MSE),
            (&[1, 1], 1, BCE),
        ] {
            let problem = made(layers, rows, objective, seed).problem().unwrap();
            let again = made(layers, rows, objective, seed).problem().unwrap();
            let sheet = sheet_of(problem, 4);
            assert!(!sheet.rounded);
            let same = sheet_of(again, 4);
            assert!(sheet.lines().zip(same.lines()).all(|(a, b)| a.1 == b.1));
            for (line, values) in sheet.lines() {
                let pleasant = |v: &f64| (v * 10.0 - (v * 10.0).round()).abs() < 1e-9 && *v != 0.0;
                match (line.part, &*line.name) {
                    (None, "t") => {}
                    (None, _) => assert!(values.iter().all(pleasant), "{seed}: {values}"),
                    (Some(Part::Dw | Part::Db | Part::Dz), _) => {
                        assert!(values.iter().any(|v| v.abs() > 1e-3), "{seed}: {values}");
                    }
                    (Some(Part::Z), _) => assert!(values.iter().all(|v| v.abs() < 5.0)),
                    _ => {}
                }
            }
            if layers.len() > 2 && layers[1] > 1 {
                let z1 = line(&sheet, "z1");
                assert!(z1.iter().any(|z| *z > 0.09) && z1.iter().any(|z| *z < -0.09));
            }
        }
    }
    let [one, other] = [1, 2].map(|seed| made(&[2, 2, 2], 1, CE, seed).problem().unwrap());
    assert_ne!(
        (&one.x, line(&sheet_of(one.clone(), 4), "w1")),
        (&other.x, line(&sheet_of(other.clone(), 4), "w1"))
    );
}

#[test]
fn what_fits_no_page_is_refused() {
    for (layers, rows) in [
        (&[5, 2][..], 1),
        (&[2, 5, 2], 1),
        (&[2, 2, 2, 2, 2], 1),
        (&[2, 2], 4),
        (&[2, 0, 2], 1),
        (&[2], 1),
        (&[], 1),
        (&[2, 2], 0),
    ] {
        let error = made(layers, rows, MSE, 0).problem().err().unwrap();
        assert!(error.to_string().contains("fits a page"), "{error}");
    }
    let error = made(&[2, 1], 1, CE, 0).problem().err().unwrap();
    assert!(error.to_string().contains("at least 2 outputs"), "{error}");
    // p of the target is so small that its logarithm is anything.
    let mut problem = made(&[2, 2, 2], 1, CE, 0).problem().unwrap();
    problem.x *= 100.0;
    problem.t = 1.0 - problem.t;
    let error = Sheet::new(problem, 0.1, true, Blanks::default(), 2).err();
    assert!(matches!(error, Some(WorksheetError::Uncertain { .. })));
}

#[test]
fn right_answers_are_right_however_they_are_rounded() {
    for (_, sheet) in all() {
        let right = sheet.blanks();
        let exact = |name: &str| right.iter().find(|(known, _)| known == name).unwrap().1;
        type Way<'a> = &'a dyn Fn(&str, f64) -> String;
        let ways: [Way<'_>; 5] = [
            &|name, _| sheet.text(exact(name)),
            &|name, _| format!("{:.9}", exact(name)),
            &|_, own| sheet.text(own),
            &|_, own| format!("{own:.6}"),
            &|_, own| sheet.text(own).replace('.', ",").replace('-', "−"),
        ];
        for (way, answer) in ways.into_iter().enumerate() {
            let marks = pupil(&sheet, answer);
            let wrong: Vec<_> = marks
                .marks
                .iter()
                .filter(|m| m.verdict != Verdict::Right)
                .collect();
            assert!(marks.passed() && wrong.is_empty(), "way {way}: {wrong:?}");
            assert!(marks.notes.is_empty());
        }
    }
}

#[test]
fn every_planted_slip_is_wrong_and_counted_once() {
    for (_, sheet) in all().into_iter().step_by(13) {
        for (planted, right) in sheet.blanks() {
            for wrong in [right + 0.01, -right] {
                if (wrong - right).abs() < 0.005 {
                    continue; // 0
                }
                if planted.starts_with('p') && !(0.0..1.0).contains(&wrong) {
                    continue; // there is no logarithm to go on with
                }
                let marks = pupil(&sheet, |name, own| match name == planted {
                    true => sheet.text(wrong),
                    false => sheet.text(own),
                });
                let total = marks.marks.len();
                let bad: Vec<_> = marks.marks.iter().filter(|m| !m.verdict.right()).collect();
                assert_eq!(bad.len(), 1, "{planted} {wrong}: {bad:?}");
                assert_eq!((&bad[0].name, marks.right()), (&planted, total - 1));
                for mark in &marks.marks {
                    if let Verdict::Follows(from) = &mark.verdict {
                        assert_eq!(from, std::slice::from_ref(&planted));
                    }
                }
            }
        }
    }
}

#[test]
fn what_follows_from_a_mistake_says_so() {
    let sheet = sheet_of(made(&[2, 2, 2], 1, CE, 0).problem().unwrap(), 4);
    let marks = pupil(&sheet, |name, own| match name {
        "z1[0][0]" => "1.7".into(),
        "z2[0][0]" => String::new(),
        _ => sheet.text(own),
    });
    let of = |name: &str| marks.marks.iter().find(|mark| mark.name == name).unwrap();
    let follows = Verdict::Follows(vec!["z1[0][0]".into()]);
    assert_eq!(of("z1[0][0]").verdict, Verdict::Wrong);
    assert_eq!(of("h1[0][0]").verdict, follows);
    // Through an empty one.
    assert_eq!(of("z2[0][0]").verdict, Verdict::Empty);
    assert_eq!(of("p[0][0]").verdict, follows);
    assert_eq!((marks.right(), marks.empty()), (marks.marks.len() - 2, 1));
    assert!(!marks.passed());
}

/// The first wrong answer of somebody who makes this mistake in a whole line.
#[track_caller]
fn named(sheet: &Sheet, name: &str, wrong: &Array2<f64>) -> LooksLike {
    let marks = pupil(sheet, |element, own| match element.split_once('[') {
        Some((line, at)) if line == name => {
            let at: Vec<usize> = at
                .trim_end_matches(']')
                .split("][")
                .map(|i| i.parse().unwrap())
                .collect();
            let at = match at[..] {
                [column] => [0, column],
                _ => [at[0], at[1]],
            };
            sheet.text(wrong[at])
        }
        _ if element == name => sheet.text(wrong[[0, 0]]),
        _ => sheet.text(own),
    });
    let wrong = marks
        .marks
        .iter()
        .find(|mark| mark.verdict == Verdict::Wrong);
    wrong
        .expect("it is wrong")
        .looks_like
        .clone()
        .unwrap_or_else(|| panic!("{name} is known"))
}

#[test]
fn known_slips_are_named() {
    let sheet = sheet_of(made(&[2, 2, 2], 1, CE, 3).problem().unwrap(), 4);
    let v = |name: &str| line(&sheet, name).clone();
    for (name, wrong, mistake) in [
        ("z1", v("x").dot(&v("w1")), Mistake::BiasForgotten),
        ("dz2", v("t") - v("p"), Mistake::Sign),
        ("dz2", v("p"), Mistake::TargetNotSubtracted),
        (
            "dw2",
            v("z1").t().dot(&v("dz2")),
            Mistake::BeforeActivationInDw,
        ),
        ("dh1", v("dz2").dot(&v("w2")), Mistake::WeightNotTransposed),
        ("dz1", v("dh1"), Mistake::ReluMaskMissing),
    ] {
        assert_eq!(named(&sheet, name, &wrong).mistake, Some(mistake), "{name}");
    }
    for (name, wrong, what) in [
        ("L", v("L") / std::f64::consts::LN_10, "base 10"),
        ("p", v("z2").mapv(f64::exp), "not divided"),
        ("w1_new", v("w1") + v("dw1") * 0.1, "goes up"),
        ("w1_new", v("w1") - v("dw1"), "learning rate is missing"),
        ("L", v("L") + 0.0008, "last places"),
    ] {
        let looks = named(&sheet, name, &wrong);
        assert!(looks.what.contains(what), "{name}: {looks:?}");
    }
    let sheet = sheet_of(made(&[2, 2, 2], 2, MSE, 1).problem().unwrap(), 4);
    let v = |name: &str| line(&sheet, name).clone();
    assert_eq!(
        named(&sheet, "dz2", &(v("dz2") / 2.0)).mistake,
        Some(Mistake::TwoMissing)
    );
    assert_eq!(
        named(&sheet, "dz2", &(v("dz2") * 4.0)).mistake,
        Some(Mistake::MeanMissing)
    );
    assert_eq!(
        named(&sheet, "db2", &(v("db2") / 2.0)).mistake,
        Some(Mistake::BiasAveraged)
    );
}

#[test]
fn names_are_taken_however_they_are_written_and_others_are_answered() {
    let sheet = sheet_of(made(&[2, 2, 2], 1, CE, 0).problem().unwrap(), 4);
    let z = sheet.text(line(&sheet, "z1")[[0, 1]]);
    let answer = |name: &str, text: &str| Answer {
        line: 7,
        name: name.into(),
        text: text.into(),
    };
    for name in ["z1[0][1]", "Z1 [0] [1]", "z1[0,1]", "z1[1]", "z1_0_1"] {
        let marks = sheet.mark(&Answers {
            head: Vec::new(),
            answers: vec![answer(name, &z)],
        });
        assert_eq!((marks.right(), marks.notes.len()), (1, 0), "{name}");
    }
    let loss = sheet.text(line(&sheet, "L")[[0, 0]]);
    let marks = sheet.mark(&Answers {
        head: Vec::new(),
        answers: vec![
            answer("loss", &loss),
            answer("z1[0][3]", "1"),
            answer("w1[0][0]", "1"),
            answer("w1[0][1]", ""),
            answer("p[0][0]", "0.1"),
            answer("p[0][0]", ""),
            answer("p[0][1]", "0.1"),
            answer("p[0][1]", "0.2"),
            answer(&"q".repeat(100_000), "1"),
        ],
    });
    assert_eq!(marks.right(), 1);
    assert_eq!(marks.notes.len(), 4, "{:?}", marks.notes);
    assert!(
        marks.notes[0].contains("was z1[0][0] meant")
            || marks.notes[0].contains("was z1[0][1] meant")
    );
    assert!(marks.notes[1].contains("w1[0][0] is on the sheet"));
    assert!(marks.notes[2].contains("answered before"));
    assert!(marks.notes.iter().all(|note| note.len() < 200));
}

#[test]
fn too_few_places_are_no_mistake_but_not_enough() {
    let sheet = sheet_of(made(&[2, 2, 2], 1, CE, 0).problem().unwrap(), 4);
    let marks = pupil(&sheet, |name, own| match name {
        "L" => format!("{own:.2}"),
        _ => sheet.text(own),
    });
    let mark = marks.marks.iter().find(|mark| mark.name == "L").unwrap();
    assert_eq!(mark.verdict, Verdict::TooShort);
    let marks = pupil(&sheet, |name, own| match name {
        "L" => "abc".into(),
        _ => sheet.text(own),
    });
    let mark = marks.marks.iter().find(|mark| mark.name == "L").unwrap();
    assert!(matches!(mark.verdict, Verdict::Unreadable(_)));
    assert!(!marks.passed());
}

#[test]
fn a_form_has_a_line_for_every_blank_and_no_answers() {
    let blanks: Blanks = "1,p".parse().unwrap();
    let problem = made(&[2, 2, 2], 1, CE, 0).problem().unwrap();
    let sheet = Sheet::new(problem, 0.1, false, blanks, 4).unwrap();
    let form = sheet.answer_form(&["which".to_owned()]);
    let table = read_answers(form.as_bytes()).unwrap();
    assert_eq!(table.head, ["which"]);
    let names: Vec<_> = table.answers.iter().map(|answer| &*answer.name).collect();
    let expected = "p[0][0] p[0][1] L dw1[0][0] dw1[0][1] dw1[1][0] dw1[1][1] db1[0] db1[1] w1_new[0][0] w1_new[0][1] \
                    w1_new[1][0] w1_new[1][1]";
    assert_eq!(names.join(" "), expected);
    let marks = sheet.mark(&table);
    assert_eq!((marks.right(), marks.empty()), (0, names.len()));
}

#[test]
fn no_table_of_answers_makes_it_panic() {
    let sheet = sheet_of(made(&[1, 1], 1, MSE, 0).problem().unwrap(), 4);
    let form = sheet.answer_form(&["mlp worksheet".to_owned()]);
    let filled = form.replace(",\n", ",-0.25e1\n").into_bytes();
    let mut rng = generator(0, Purpose::Check);
    let signs = b"-+.,;:/e%0129[]#\"'= \n\r\t\xe2\x88\x92\xff\0";
    for _ in 0..2000 {
        let mut bytes = filled.clone();
        for _ in 0..rng.random_range(1..8) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = signs[rng.random_range(0..signs.len())];
        }
        if let Ok(answers) = read_answers(&bytes) {
            let marks = sheet.mark(&answers);
            assert_eq!(marks.marks.len(), sheet.blanks().len());
        }
    }
    // More lines than anybody wants to read of.
    let many = format!("name,answer\n{}", "q[0],1\n".repeat(1500));
    let marks = sheet.mark(&read_answers(many.as_bytes()).unwrap());
    assert_eq!(marks.notes.len(), 11);
    assert_eq!(marks.notes[10], "and 1490 more lines like these");
}

#[test]
fn a_letter_within_a_formula_is_not_the_target() {
    let gelu = Made {
        activation: Activation::Gelu,
        ..made(&[2, 2, 2], 1, CE, 0)
    };
    let sheet = sheet_of(gelu.problem().unwrap(), 4);
    let (dz1, _) = sheet.lines().find(|(line, _)| line.name == "dz1").unwrap();
    assert!(dz1.formula.contains("with u = tanh"), "{}", dz1.formula);
}
