//! What is shown of a step: numbers, histograms, images and text.
//!
//! Source: TensorFlow, `summary.proto` and `tensor.proto`; TensorBoard, `plugins/hparams/plugin_data.proto`.

use serde_json::{Map, Value};

use crate::files::protobuf::Message;

/// Bars of a histogram, all of one width. TensorBoard draws 30.
const BARS: usize = 60;

/// What is shown of a step, each under its tag.
#[derive(Default)]
pub struct Summary(Vec<Message>);

impl Summary {
    /// A number, kept as `f32`.
    pub fn scalar(&mut self, tag: &str, value: f64) {
        self.0.push(named(tag).float(2, value as f32));
    }

    /// How often numbers of every size occur. Those that are not finite are left out.
    pub fn histogram(&mut self, tag: &str, values: impl Iterator<Item = f32> + Clone) {
        let values = values.map(f64::from).filter(|v| v.is_finite());
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
        let width = most - least;
        let bars = if width > 0.0 { BARS } else { 1 };
        let mut counts = vec![0_u64; bars];
        let [mut count, mut sum, mut squares] = [0.0; 3];
        for v in values {
            let bar = (v - least) / width * bars as f64;
            counts[(bar as usize).min(bars - 1)] += 1;
            count += 1.0;
            sum += v;
            squares += v * v;
        }
        if count == 0.0 {
            return;
        }
        let right = |bar: usize| match bar == bars {
            true => most,
            false => least + width * bar as f64 / bars as f64,
        };
        let numbers = [least, most, count, sum, squares];
        let message = (1..).zip(numbers);
        let message = message.fold(Message::default(), |m, (field, v)| m.double(field, v));
        let message = message
            .doubles(6, (1..=bars).map(right))
            .doubles(7, counts.into_iter().map(|count| count as f64));
        self.0.push(named(tag).message(5, message));
    }

    /// The bytes of a PNG of so many rows and columns, without opacity.
    pub fn image(&mut self, tag: &str, (rows, cols): (usize, usize), png: &[u8]) {
        const RGB: i64 = 3;
        let image = Message::default()
            .int(1, rows as i64)
            .int(2, cols as i64)
            .int(3, RGB)
            .bytes(4, png);
        self.0.push(named(tag).message(4, image));
    }

    /// Text in Markdown.
    pub fn text(&mut self, tag: &str, text: &str) {
        const STRING: i64 = 7;
        let one = Message::default().message(2, Message::default().int(1, 1));
        let tensor = Message::default()
            .int(1, STRING)
            .message(2, one)
            .bytes(8, text);
        let value = named(tag).message(8, tensor);
        self.0.push(value.message(9, plugin("text", &[])));
    }

    /// The settings of a run, for the table of runs. Only numbers, text and what is true or false can be compared there:
    /// anything else is given as its JSON.
    pub fn hyperparameters(&mut self, settings: &Map<String, Value>) {
        let entries = settings.iter().map(|(name, value)| {
            let kind = Message::default();
            let kind = match value {
                Value::Number(number) => kind.double(2, number.as_f64().unwrap_or(f64::NAN)),
                Value::String(text) => kind.bytes(3, text),
                Value::Bool(yes) => kind.int(4, i64::from(*yes)),
                other => kind.bytes(3, other.to_string()),
            };
            Message::default().bytes(1, name).message(2, kind)
        });
        let start = Message::default().messages(1, entries);
        let content = Message::default().int(1, 0).message(3, start).into_bytes();
        let value = named("_hparams_/session_start_info");
        self.0.push(value.message(9, plugin("hparams", &content)));
    }

    /// The message `Summary`.
    pub(super) fn into_message(self) -> Message {
        Message::default().messages(1, self.0)
    }
}

/// A value with its tag.
fn named(tag: &str) -> Message {
    Message::default().bytes(1, tag)
}

/// The metadata that say which part of TensorBoard shows a value.
fn plugin(name: &str, content: &[u8]) -> Message {
    let data = Message::default().bytes(1, name).bytes(2, content);
    Message::default().message(1, data)
}
