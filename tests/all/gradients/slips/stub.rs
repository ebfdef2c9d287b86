#![allow(dead_code)]
#[path = "../../../../src/check/mistakes/list.rs"]
mod list;
pub use list::Mistake;
pub use mlp::check::mistakes::{Objective, Problem, Reduction, Step};
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    F64,
    F32,
    F16,
    Bf16,
    Integer,
}
pub struct NamedArray {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
    pub precision: Precision,
}
#[derive(Clone, Debug)]
pub enum Verdict {
    Right,
    Transposed,
    Missing,
    Shape(String),
    NotFinite,
    Wrong,
    Unsure,
}
#[derive(Clone, Debug)]
pub struct Slip {
    pub mistake: Mistake,
    pub place: Option<usize>,
}
#[derive(Clone, Debug)]
pub struct Explanation {
    pub slips: Vec<Slip>,
}
#[derive(Clone, Debug)]
pub struct Judged {
    pub name: String,
    pub verdict: Verdict,
    pub error: Option<f64>,
    pub looks_like: Vec<Explanation>,
}
pub struct Judgement {
    pub tensors: Vec<Judged>,
}
pub fn against(theirs: &[NamedArray], _: &Problem, _: Option<f64>) -> Judgement {
    Judgement {
        tensors: theirs
            .iter()
            .map(|t| Judged {
                name: t.name.clone(),
                verdict: Verdict::Wrong,
                error: None,
                looks_like: vec![],
            })
            .collect(),
    }
}
