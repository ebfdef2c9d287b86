//! One file of C99 that needs the standard library alone, and allocates nothing.

use std::fmt::Write;

use super::{
    Constants, ReadFault,
    plan::{Operation, Plan},
};
use crate::{
    loss::Decoding,
    nn::{Activation, ScaledTanh},
};

/// The first line.
pub const BEGINS: &str = "/* A network exported by mlp as C99.";

/// Numbers in a line.
const IN_A_LINE: usize = 8;

const HEAD: &str = "

   float mlp_predict(const unsigned char *pixels);
       The class, as a number; of a network with one output that is the number of
       the class itself, that output, such as 6.87.
   int mlp_class(const unsigned char *pixels);
       The class, whose name is mlp_classes[class].
   void mlp_logits(const unsigned char *pixels, float *logits);
       The MLP_OUTPUTS outputs of the network.

   pixels: MLP_ROWS * MLP_COLS grey values of 0 to 255, row by row. Nothing is
   allocated, and no state is kept: threads may call these at the same time.

   cc -O2 -c model.c                          to link with a program, and -lm
   cc -O2 -DMLP_MAIN model.c -o model -lm     a program that reads the bytes of
                                              images from stdin and prints the
                                              class and the outputs of each

";

const LINEAR: &str = "
static void mlp_linear(const float *w, const float *b, int inputs, int outputs, const float *x, float *y)
{
    for (int o = 0; o < outputs; o++) {
        float sum = 0.0f;
        for (int i = 0; i < inputs; i++) {
            sum += w[(long)o * inputs + i] * x[i];
        }
        y[o] = sum + b[o];
    }
}
";

const DESLANT: &str = "
/* Shears an image about its centre until it leans neither way, see mlp's src/data/deslant.rs. */
static void mlp_deslant(float *x)
{
    double mass = 0, down = 0, across = 0, down_down = 0, down_across = 0;
    for (int r = 0; r < MLP_ROWS; r++) {
        for (int c = 0; c < MLP_COLS; c++) {
            double v = x[r * MLP_COLS + c] - MLP_SHIFT;
            mass += v;
            down += v * r;
            across += v * c;
            down_down += v * r * r;
            down_across += v * r * c;
        }
    }
    double height = mass != 0 ? down_down - down / mass * down : 0;
    if (height == 0) {
        return;
    }
    double centre = down / mass;
    double slope = (down_across - centre * across) / height;
    slope = slope > 1 ? 1 : slope < -1 ? -1 : slope;
    for (int r = 0; r < MLP_ROWS; r++) {
        float row[MLP_COLS];
        for (int c = 0; c < MLP_COLS; c++) {
            double from = c + slope * (r - centre);
            double left = floor(from);
            float part = (float)(from - left);
            float a = left >= 0 && left < MLP_COLS ? x[r * MLP_COLS + (int)left] : MLP_SHIFT;
            float b = left >= -1 && left < MLP_COLS - 1 ? x[r * MLP_COLS + (int)left + 1] : MLP_SHIFT;
            row[c] = a + part * (b - a);
        }
        for (int c = 0; c < MLP_COLS; c++) {
            x[r * MLP_COLS + c] = row[c];
        }
    }
}
";

const MAIN: &str = "
#ifdef MLP_MAIN
#include <stdio.h>

int main(void)
{
    unsigned char pixels[MLP_ROWS * MLP_COLS];
    float logits[MLP_OUTPUTS];
    size_t read;
    while ((read = fread(pixels, 1, sizeof pixels, stdin)) == sizeof pixels) {
        mlp_logits(pixels, logits);
        printf(\"%d\", mlp_class(pixels));
        for (int o = 0; o < MLP_OUTPUTS; o++) {
            printf(\" %.9g\", logits[o]);
        }
        printf(\"\\n\");
    }
    if (read != 0) {
        fprintf(stderr, \"%lu bytes left, expected images of %d\\n\", (unsigned long)read, MLP_ROWS * MLP_COLS);
        return 1;
    }
    return 0;
}
#endif
";

/// The file.
pub fn write(plan: &Plan) -> String {
    let mut text = BEGINS.to_owned() + HEAD;
    for line in plan.about_lines() {
        text += &format!("   {line}\n");
    }
    text += "*/\n#include <math.h>\n\n";
    text += &settings(plan);
    for (name, shape, values) in plan.parameters() {
        array(&variable(&name), shape, values, &mut text);
    }
    text += LINEAR;
    if plan.deslant {
        text += DESLANT;
    }
    text += &logits(plan);
    text += decision(plan.loss.decoding());
    text + MAIN
}

/// The variable of a parameter: `w0` of `0.weight`.
fn variable(name: &str) -> String {
    match name.split_once('.') {
        Some((index, "weight")) => format!("w{index}"),
        Some((index, _)) => format!("b{index}"),
        None => name.to_owned(),
    }
}

/// The shortest number that is read as the same `f32`.
fn float(value: f32) -> String {
    format!("{value:?}f")
}

fn settings(plan: &Plan) -> String {
    let classes: Vec<_> = plan.spec.classes.iter().map(|name| string(name)).collect();
    format!(
        "enum {{ MLP_ROWS = {}, MLP_COLS = {}, MLP_OUTPUTS = {}, MLP_CLASSES = {} }};\n\
         #define MLP_SCALE {}\n#define MLP_SHIFT ({})\n\n\
         float mlp_predict(const unsigned char *pixels);\n\
         int mlp_class(const unsigned char *pixels);\n\
         void mlp_logits(const unsigned char *pixels, float *logits);\n\
         extern const char *const mlp_classes[MLP_CLASSES];\n\n\
         const char *const mlp_classes[MLP_CLASSES] = {{\n    {},\n}};\n",
        plan.spec.rows,
        plan.spec.cols,
        plan.outputs(),
        plan.spec.classes.len(),
        float(plan.scale),
        float(plan.shift),
        classes.join(",\n    "),
    )
}

/// A string of C. What is not plain ASCII is written byte by byte, and a question mark, too: two of them may begin a
/// trigraph.
fn string(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | b'?' => quoted += &format!("\\{}", byte as char),
            b' '..=b'~' => quoted.push(byte as char),
            _ => quoted += &format!("\\{byte:03o}"),
        }
    }
    quoted + "\""
}

fn array(name: &str, shape: Vec<usize>, values: &[f32], text: &mut String) {
    let size: Vec<_> = shape.iter().map(usize::to_string).collect();
    *text += &format!("\nstatic const float {name}[{}] = {{\n", size.join(" * "));
    for line in values.chunks(IN_A_LINE) {
        *text += "   ";
        for value in line {
            write!(text, " {value:?}f,").expect("a string takes everything");
        }
        text.push('\n');
    }
    *text += "};\n";
}

/// `mlp_logits`: x and y take turns.
fn logits(plan: &Plan) -> String {
    let widths = plan.linears().map(|(_, w, _)| w.nrows());
    let widest = widths.fold(plan.spec.pixels(), usize::max);
    let mut text = format!(
        "\nvoid mlp_logits(const unsigned char *pixels, float *logits)\n{{\n    \
         float one[{widest}], two[{widest}], *x = one, *y = two, *t;\n    \
         for (int i = 0; i < MLP_ROWS * MLP_COLS; i++) {{\n        \
         x[i] = MLP_SCALE * (float)pixels[i] + MLP_SHIFT;\n    }}\n"
    );
    if plan.deslant {
        text += "    mlp_deslant(x);\n";
    }
    for step in &plan.steps {
        match &step.operation {
            Operation::Dropout(_) | Operation::Activation(Activation::Identity) => {}
            Operation::Linear { w, .. } => {
                let (index, outputs, inputs) = (step.index, w.nrows(), w.ncols());
                text += &format!(
                    "    mlp_linear(w{index}, b{index}, {inputs}, {outputs}, x, y);\n    t = x, x = y, y = t;\n"
                );
            }
            Operation::Activation(activation) => {
                let width = width_at(plan, step.index);
                text += &format!(
                    "    for (int i = 0; i < {width}; i++) {{\n        x[i] = {};\n    }}\n",
                    formula(*activation)
                );
            }
        }
    }
    text + "    for (int o = 0; o < MLP_OUTPUTS; o++) {\n        logits[o] = x[o];\n    }\n}\n"
}

/// The number of elements that go through the module of this index.
fn width_at(plan: &Plan, index: usize) -> usize {
    let before = plan.linears().take_while(|(linear, ..)| *linear < index);
    before
        .last()
        .map_or(plan.spec.pixels(), |(_, w, _)| w.nrows())
}

/// y from `x[i]`.
fn formula(activation: Activation) -> String {
    match activation {
        Activation::Relu => "x[i] > 0 ? x[i] : 0".into(),
        Activation::Tanh => "tanhf(x[i])".into(),
        Activation::ScaledTanh => format!(
            "{} * tanhf({} * x[i])",
            float(ScaledTanh::A as f32),
            float(ScaledTanh::B as f32)
        ),
        Activation::Sigmoid => "1 / (1 + expf(-x[i]))".into(),
        Activation::LeakyRelu => "x[i] > 0 ? x[i] : 0.01f * x[i]".into(),
        Activation::Gelu => {
            "0.5f * x[i] * (1 + tanhf(0.7978846f * (x[i] + 0.044715f * x[i] * x[i] * x[i])))".into()
        }
        Activation::Identity => "x[i]".into(),
    }
}

/// `mlp_class` and `mlp_predict`.
fn decision(decoding: Decoding) -> &'static str {
    match decoding {
        Decoding::Largest => {
            "
int mlp_class(const unsigned char *pixels)
{
    float z[MLP_OUTPUTS];
    int best = 0;
    mlp_logits(pixels, z);
    for (int o = 1; o < MLP_OUTPUTS; o++) {
        best = z[o] > z[best] ? o : best;
    }
    return best;
}

float mlp_predict(const unsigned char *pixels)
{
    return (float)mlp_class(pixels);
}
"
        }
        Decoding::Threshold => {
            "
int mlp_class(const unsigned char *pixels)
{
    float z[MLP_OUTPUTS];
    mlp_logits(pixels, z);
    return z[0] > 0;
}

float mlp_predict(const unsigned char *pixels)
{
    return (float)mlp_class(pixels);
}
"
        }
        Decoding::Nearest => {
            "
int mlp_class(const unsigned char *pixels)
{
    float z = mlp_predict(pixels);
    z = z > 0 ? z : 0;
    z = z < MLP_CLASSES - 1 ? z : MLP_CLASSES - 1;
    return (int)floorf(z) + (z - floorf(z) >= 0.5f);
}

float mlp_predict(const unsigned char *pixels)
{
    float z[MLP_OUTPUTS];
    mlp_logits(pixels, z);
    return z[0];
}
"
        }
    }
}

/// How pixels become inputs, and the parameters of these names.
pub fn read(bytes: &[u8], names: &[String]) -> Result<Constants, ReadFault> {
    let text = std::str::from_utf8(bytes).map_err(|_| ReadFault::Unknown("characters"))?;
    let missing = |what: &str| ReadFault::Missing(what.to_owned());
    let number = |text: &str| {
        let text = text.trim().trim_matches(['(', ')']);
        text.strip_suffix('f')?.parse::<f32>().ok()
    };
    let defined = |name: &str| {
        let start = format!("#define {name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.and_then(number).ok_or_else(|| missing(name))
    };
    let mut rest = text;
    let mut parameter = |name: &String| {
        let start = format!("static const float {}[", variable(name));
        // In their order, so that a long file is read once.
        let (_, after) = rest.split_once(&start)?;
        let (_, after) = after.split_once("{\n")?;
        let (list, after) = after.split_once("};")?;
        rest = after;
        let items = list.split(',').filter(|item| !item.trim().is_empty());
        Some((name.clone(), items.map(number).collect::<Option<_>>()?))
    };
    let parameters = names
        .iter()
        .map(|name| parameter(name).ok_or_else(|| missing(name)));
    Ok(Constants {
        scale: defined("MLP_SCALE")?,
        shift: defined("MLP_SHIFT")?,
        parameters: parameters.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_class_ends_its_string() {
        for (name, expected) in [
            ("a", "\"a\""),
            ("\"", "\"\\\"\""),
            ("what??/", "\"what\\?\\?/\""),
            ("\\", "\"\\\\\""),
            ("é1", "\"\\303\\2511\""),
        ] {
            assert_eq!(string(name), expected);
        }
    }
}
