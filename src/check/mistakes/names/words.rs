//! What the name of an array says by itself, before shapes and the other names are looked at.

/// What a name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Whether it is marked as a gradient.
    pub gradient: bool,
    pub subject: Subject,
}

/// What a name is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Parameter(Parameter),
    /// The input or output of a module: `0.y`, `2.x`
    Module(usize, Side),
    /// One of several: `l1`, `z2`, `h1`
    Layer(Series, usize),
    /// The outputs of the network; whether they can be nothing else.
    Outputs {
        certain: bool,
    },
    /// The only hidden activation: `h`
    Hidden,
    P,
    LogP,
    Loss,
    /// Of no use, and why.
    Useless(&'static str),
    /// Nothing known, with its number if it has one.
    Unknown(Option<usize>),
}

/// What a name says of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parameter {
    pub bias: bool,
    /// The numbers in the name.
    pub numbers: Vec<usize>,
    /// The words around the numbers: `fc` in `fc1.weight`.
    pub layer: String,
    /// Whether it is written as in `torch.nn.Sequential`: `0.weight`
    pub canonical: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    X,
    Y,
}

/// How layers are counted in a notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    /// l1: the output of each module
    L,
    /// z1: the output of each Linear
    Z,
    /// a1 or h1: the output of each activation
    A,
}

pub(super) const NO_GRADIENT: &str = "not a gradient";
pub(super) const NOT_NEEDED: &str = "not needed";
pub(super) const THE_VALUE: &str = "the parameter itself, not its gradient";
const WHICH_MODULE: &str = "it does not say of which module: name it 0.dy, 1.dy and so on";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Weight,
    Bias,
    X,
    Y,
    L,
    Z,
    A,
    Logits,
    Out,
    P,
    LogP,
    Loss,
    Diff,
    Other,
}

fn known(word: &str) -> Option<Known> {
    Some(match word {
        "w" | "weight" | "weights" | "kernel" | "kernels" | "coef" | "coefs" => Known::Weight,
        "b" | "bias" | "biases" | "intercept" | "intercepts" => Known::Bias,
        "x" | "inp" | "input" | "inputs" => Known::X,
        "y" => Known::Y,
        "l" => Known::L,
        "z" => Known::Z,
        "a" | "h" | "act" | "relu" | "hidden" => Known::A,
        "logit" | "logits" => Known::Logits,
        "zout" | "out" | "output" | "outputs" | "res" | "pred" | "preds" | "scores" => Known::Out,
        "p" | "prob" | "probs" | "probabilities" | "softmax" | "sm" => Known::P,
        "logp" | "logprob" | "logprobs" | "logsoftmax" | "lsm" => Known::LogP,
        "loss" | "cost" => Known::Loss,
        "diff" => Known::Diff,
        "t" | "target" | "targets" | "label" | "labels" | "onehot" | "image" | "images" | "xb"
        | "yb" | "lr" | "learningrate" | "epoch" | "epochs" | "step" | "steps" | "seed" | "n"
        | "batch" | "batchsize" | "accuracy" | "acc" => Known::Other,
        _ => return None,
    })
}

/// What a word means, and whether it is marked as a gradient, as `dw` is.
fn meaning(word: &str) -> Option<(bool, Known)> {
    if let Some(known) = known(word) {
        return Some((false, known));
    }
    const BEFORE: [&str; 5] = ["dlossd", "dld", "grad", "d", "g"];
    let mut before = BEFORE
        .into_iter()
        .filter_map(|mark| word.strip_prefix(mark));
    let inner = before.find_map(known);
    let inner = inner.or_else(|| known(word.strip_suffix("grad")?));
    inner.map(|known| (true, known))
}

/// A word or a number of a name.
struct Token {
    text: String,
    /// What stands between it and the one before; nothing in `w1`.
    separator: Option<char>,
}

impl Token {
    fn number(&self) -> Option<usize> {
        self.text.parse().ok()
    }

    fn is_digits(&self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit())
    }

    fn is_del(&self) -> bool {
        matches!(&self.text[..], "∇" | "∂")
    }
}

/// The words and numbers: `dense_1/kernel` has three, `dW1` too.
fn tokens(name: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let (mut separator, mut before) = (None, ' ');
    for c in name.chars() {
        let del = matches!(c, '∇' | '∂');
        if !c.is_alphanumeric() && !del {
            separator = Some(c);
            before = c;
            continue;
        }
        let apart = separator.is_some()
            || del
            || matches!(before, '∇' | '∂')
            || c.is_ascii_digit() != before.is_ascii_digit()
            || (c.is_uppercase() && before.is_lowercase());
        let lower = c.to_lowercase();
        match tokens.last_mut() {
            Some(token) if !apart => token.text.extend(lower),
            _ => tokens.push(Token {
                text: lower.collect(),
                separator: separator.take(),
            }),
        }
        before = c;
    }
    tokens
}

/// Takes away what marks a gradient; true if there was something.
fn take_marks(tokens: &mut Vec<Token>) -> bool {
    // ∂L/∂w1, dL_dw1
    let loss = |text: &str| matches!(text, "l" | "loss");
    let begins_d = |token: &Token| token.text.starts_with('d') || token.is_del();
    let fraction = match &tokens[..] {
        [d, l, next, ..] if (d.text == "d" || d.is_del()) && loss(&l.text) && begins_d(next) => 2,
        [d, ld, _, ..] if d.text == "d" && matches!(&ld.text[..], "ld" | "lossd") => 2,
        [dl, next, ..] if matches!(&dl.text[..], "dl" | "dloss") && begins_d(next) => 1,
        _ => 0,
    };
    tokens.drain(..fraction);
    let length = tokens.len();
    let mut at = 0;
    tokens.retain(|token| {
        let (first, last) = (at == 0, at + 1 == length);
        at += 1;
        let mark = match &token.text[..] {
            "grad" | "grads" | "gradient" | "gradients" | "∇" | "∂" => true,
            "g" => length > 1 && (first || last),
            "d" => !last,
            _ => false,
        };
        !mark
    });
    fraction > 0 || tokens.len() < length
}

/// What a name says.
pub(super) fn said(name: &str) -> Said {
    // TensorFlow numbers the outputs of an operation.
    let name = match name.rsplit_once(':') {
        Some((before, output)) if output.parse::<usize>().is_ok() => before,
        _ => name,
    };
    let mut tokens = tokens(name);
    let marked = take_marks(&mut tokens);
    if let Some((fused, parameter)) = parameter(&tokens) {
        return Said {
            gradient: marked || fused,
            subject: Subject::Parameter(parameter),
        };
    }
    let (fused, subject) = intermediate(&tokens, marked);
    let gradient = marked || fused;
    let subject = match subject {
        // None of them has a gradient that is asked for.
        Subject::P | Subject::LogP | Subject::Loss if gradient => Subject::Useless(NOT_NEEDED),
        Subject::Useless(NO_GRADIENT) if gradient => Subject::Useless(NOT_NEEDED),
        subject => subject,
    };
    Said { gradient, subject }
}

fn parameter(tokens: &[Token]) -> Option<(bool, Parameter)> {
    let mut found = None;
    for (at, token) in tokens.iter().enumerate() {
        match meaning(&token.text) {
            Some((gradient, Known::Weight)) => found = Some((at, gradient, false)),
            Some((gradient, Known::Bias)) => found = Some((at, gradient, true)),
            _ => (),
        }
    }
    let (at, gradient, bias) = found?;
    let canonical = matches!(&tokens[at].text[..], "weight" | "bias")
        && at + 1 == tokens.len()
        && at > 0
        && tokens[at - 1].is_digits()
        && (at == 1 || matches!(tokens[at - 1].separator, Some('.' | '/')));
    let digits = tokens.iter().filter(|token| token.is_digits());
    let numbers = digits.map(Token::number).collect::<Option<Vec<_>>>()?;
    let others = tokens.iter().enumerate();
    let others = others.filter(|(other, token)| *other != at && !token.is_digits());
    let layer = others.map(|(_, token)| &token.text[..]).collect();
    Some((
        gradient,
        Parameter {
            bias,
            numbers,
            layer,
            canonical,
        },
    ))
}

fn intermediate(tokens: &[Token], marked: bool) -> (bool, Subject) {
    let number = tokens.iter().rev().find_map(Token::number);
    let unknown = (false, Subject::Unknown(number));
    let wrapper = |text: &str| {
        matches!(
            text,
            "module"
                | "model"
                | "net"
                | "network"
                | "layers"
                | "layer"
                | "seq"
                | "orig"
                | "mod"
                | "self"
                | "mlp"
        )
    };
    let tokens: Vec<_> = tokens.iter().filter(|t| !wrapper(&t.text)).collect();
    // `z_out` and `log_p` are one word each.
    let digits = tokens.iter().filter(|token| token.is_digits()).count();
    let first = tokens.first().is_some_and(|token| token.is_digits());
    let last = tokens.last().is_some_and(|token| token.is_digits());
    let words = tokens.iter().filter(|token| !token.is_digits());
    let word: String = words.map(|token| &token.text[..]).collect();
    let Some((gradient, known)) = meaning(&word) else {
        return unknown;
    };
    let subject = match (digits, number) {
        (0, _) => match known {
            Known::Z | Known::Logits => Subject::Outputs { certain: true },
            Known::Out => Subject::Outputs { certain: false },
            Known::A => Subject::Hidden,
            Known::P => Subject::P,
            Known::LogP => Subject::LogP,
            Known::Loss | Known::L => Subject::Loss,
            Known::Diff => Subject::Useless(NOT_NEEDED),
            Known::Y if gradient || marked => Subject::Useless(WHICH_MODULE),
            Known::X | Known::Y | Known::Other => Subject::Useless(NO_GRADIENT),
            Known::Weight | Known::Bias => return unknown,
        },
        (1, Some(number)) if first => match known {
            Known::X if number == 0 => Subject::Useless(NO_GRADIENT),
            Known::X => Subject::Module(number, Side::X),
            Known::Y | Known::Out => Subject::Module(number, Side::Y),
            _ => return unknown,
        },
        (1, Some(number)) if last => match known {
            Known::L => Subject::Layer(Series::L, number),
            Known::Z => Subject::Layer(Series::Z, number),
            Known::A => Subject::Layer(Series::A, number),
            _ => return unknown,
        },
        _ => return unknown,
    };
    (gradient, subject)
}
