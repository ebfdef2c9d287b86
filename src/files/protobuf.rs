//! The encoding of Protocol Buffers, as far as ONNX and TensorBoard need it: numbers of 64 and 32 bits, and lengths with
//! bytes.
//!
//! Source: "Encoding", protobuf.dev.

use super::export::ReadFault;

const VARINT: u64 = 0;
const EIGHT_BYTES: u64 = 1;
const BYTES: u64 = 2;
const FOUR_BYTES: u64 = 5;

/// A message that is being written, field by field.
#[derive(Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// A whole number.
    pub fn int(mut self, field: u64, value: i64) -> Self {
        self.key(field, VARINT);
        self.varint(value.cast_unsigned());
        self
    }

    /// A number in `f32`.
    pub fn float(mut self, field: u64, value: f32) -> Self {
        self.key(field, FOUR_BYTES);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A number in `f64`.
    pub fn double(mut self, field: u64, value: f64) -> Self {
        self.key(field, EIGHT_BYTES);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A repeated field of numbers in `f64`, packed.
    pub fn doubles(self, field: u64, values: impl IntoIterator<Item = f64>) -> Self {
        let bytes = values.into_iter().flat_map(f64::to_le_bytes);
        self.bytes(field, bytes.collect::<Vec<_>>())
    }

    /// Bytes, text or the bytes of a message.
    pub fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.key(field, BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    /// A message within this one.
    pub fn message(self, field: u64, message: Self) -> Self {
        self.bytes(field, message.0)
    }

    /// A repeated field, one message after the other.
    pub fn messages(self, field: u64, messages: impl IntoIterator<Item = Self>) -> Self {
        let add = |this: Self, message| this.message(field, message);
        messages.into_iter().fold(self, add)
    }

    /// All that was written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// All that was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn key(&mut self, field: u64, kind: u64) {
        self.varint(field << 3 | kind);
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A whole number, or the bits of a number in `f64`.
    Int(i64),
    /// A number in `f32`.
    Float(f32),
    /// Bytes, text or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message, in their order. The message ends with the first error.
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The fields in these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), ReadFault> {
        let key = self.varint()?;
        let value = match key & 7 {
            VARINT => Value::Int(self.varint()?.cast_signed()),
            FOUR_BYTES => {
                let bytes = self.take(4)?;
                Value::Float(f32::from_le_bytes(bytes.try_into().expect("four bytes")))
            }
            BYTES => {
                let length = self.varint()?;
                let length = usize::try_from(length).map_err(|_| ReadFault::Truncated)?;
                Value::Bytes(self.take(length)?)
            }
            EIGHT_BYTES => {
                let bytes = self.take(8)?;
                Value::Int(i64::from_le_bytes(bytes.try_into().expect("eight bytes")))
            }
            _ => return Err(ReadFault::Unknown("kind of field")),
        };
        Ok((key >> 3, value))
    }

    fn varint(&mut self) -> Result<u64, ReadFault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ReadFault::Unknown("number of more than ten bytes"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ReadFault> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(ReadFault::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_have_its_bytes() {
        assert_eq!(
            Message::default().int(1, 150).into_bytes(),
            [0x08, 0x96, 0x01]
        );
        assert_eq!(
            Message::default().bytes(2, "testing").into_bytes(),
            [&[0x12, 7], "testing".as_bytes()].concat()
        );
        let inner = Message::default().int(1, 150);
        assert_eq!(
            Message::default().message(3, inner).into_bytes(),
            [0x1a, 3, 0x08, 0x96, 0x01]
        );
        // Negative numbers take ten bytes.
        assert_eq!(Message::default().int(1, -2).into_bytes().len(), 11);
    }

    #[test]
    fn what_was_written_is_read() {
        let written = Message::default()
            .int(1, i64::MIN)
            .int(20, 300)
            .float(2, -0.25)
            .double(3, 0.1)
            .bytes(16, b"x")
            .into_bytes();
        let read: Result<Vec<_>, _> = Fields::new(&written).collect();
        let expected = [
            (1, Value::Int(i64::MIN)),
            (20, Value::Int(300)),
            (2, Value::Float(-0.25)),
            (3, Value::Int(0.1_f64.to_bits().cast_signed())),
            (16, Value::Bytes(b"x")),
        ];
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn no_bytes_make_it_panic_or_run_forever() {
        let written = Message::default().bytes(1, [7; 20]).int(3, -1).into_bytes();
        for end in 1..written.len() {
            let fields = Fields::new(&written[..end]);
            assert!(fields.count() <= 2, "{end}");
        }
        for bytes in [
            &[0xff; 30][..],
            &[0x0f],
            &[
                0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
            ],
            &[0x0d, 1, 2],
            &[0x09, 1],
        ] {
            let last = Fields::new(bytes).last().unwrap();
            assert!(last.is_err(), "{bytes:?}");
        }
    }
}
