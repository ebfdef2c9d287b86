//! Records one after the other, as TensorFlow frames them ("TFRecord"): the length of the data in 8 bytes, the checksum
//! of these 8 bytes, the data, and their checksum.
//!
//! Source: TensorFlow, `tensorflow/core/lib/io/record_writer.h`.

/// The bytes before the data: their length and its checksum.
const HEAD: usize = 12;

/// The checksum behind the data.
const TAIL: usize = 4;

/// A record with these data.
pub fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let parts: [&[u8]; 4] = [
        &length,
        &masked(&length).to_le_bytes(),
        data,
        &masked(data).to_le_bytes(),
    ];
    parts.concat()
}

/// The data of whole records, in their order, up to the first that is torn or damaged.
pub fn records(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (head, behind) = rest.split_at_checked(HEAD)?;
        let (length, sum) = head.split_at(8);
        let number = u64::from_le_bytes(length.try_into().ok()?);
        let (data, behind) = behind.split_at_checked(usize::try_from(number).ok()?)?;
        let (tail, behind) = behind.split_at_checked(TAIL)?;
        rest = behind;
        let whole = masked(length).to_le_bytes() == sum && masked(data).to_le_bytes() == tail;
        whole.then_some(data)
    })
    .fuse()
}

/// The checksum as it is stored: turned by 15 bits, so that it differs from one over data that hold checksums.
fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C: the remainder of the bytes, lowest bit first, divided by Castagnoli's polynomial.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| crc >> 8 ^ TABLE[usize::from(crc as u8 ^ byte)];
    !bytes.iter().fold(!0, step)
}

/// The remainder of every byte.
static TABLE: [u32; 256] = {
    const POLYNOMIAL: u32 = 0x82f6_3b78; // with its bits reversed
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4, and the check value of the catalogues.
    #[test]
    fn the_checksum_is_that_of_the_published_examples() {
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        for (bytes, expected) in [
            (&[][..], 0),
            (&b"123456789"[..], 0xe306_9283),
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&ascending, 0x46dd_794e),
            (&descending, 0x113f_db5c),
        ] {
            assert_eq!(crc32c(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn whole_records_are_read_up_to_a_torn_or_damaged_one() {
        let bytes = [framed(b"one"), framed(b""), framed(b"three")].concat();
        let read = |bytes: &[u8]| records(bytes).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(read(&bytes), [&b"one"[..], b"", b"three"]);
        for end in 0..bytes.len() {
            let expected = [19, 35].iter().filter(|&&whole| whole <= end).count();
            assert_eq!(read(&bytes[..end]).len(), expected, "{end}");
        }
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 4;
            assert!(read(&damaged).len() < 3, "{place}");
        }
    }
}
