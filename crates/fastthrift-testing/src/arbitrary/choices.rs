/// Bytes read as a sequence of choices. Once they are used up, every choice is the first one.
#[derive(Debug, Clone)]
pub struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Takes the bytes to choose by.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether all bytes are used up.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that are not used yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let [byte] = self.bytes();
        byte
    }

    /// One of two.
    pub fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    /// A number below `end`, which is 1 to 256.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// One of the items, of which there is at least one.
    pub fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// The next `N` bytes, with zeros after the end.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let (taken, rest) = self.rest.split_at(self.rest.len().min(N));
        bytes[..taken.len()].copy_from_slice(taken);
        self.rest = rest;
        bytes
    }

    /// A number of any size, often one at the edge of a shorter type or of a variable-length encoding.
    pub fn number(&mut self) -> i64 {
        match self.below(4) {
            0 => i64::from(self.byte().cast_signed()),
            1 => {
                let power = 1i64 << self.below(63);
                let near = i64::from(self.byte() % 3) - 1;
                let edge = power.wrapping_add(near);
                if self.flag() { edge.wrapping_neg() } else { edge }
            }
            2 => i64::from(i32::from_le_bytes(self.bytes())),
            _ => self.one_of(&[i64::MIN, i64::MAX, i32::MIN.into(), i32::MAX.into(), i16::MIN.into(), i16::MAX.into()]),
        }
    }

    /// A number of any kind that floating point has.
    pub fn double(&mut self) -> f64 {
        match self.below(3) {
            0 => {
                self.one_of(&[0.0, -0.0, 1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::MAX])
            }
            1 => f64::from(i32::from_le_bytes(self.bytes())) / 8.0,
            _ => f64::from_bits(u64::from_le_bytes(self.bytes())),
        }
    }

    /// Bytes, mostly few, sometimes more than one length byte can say.
    pub fn binary(&mut self) -> Vec<u8> {
        let len = match self.byte() {
            250.. => 100 + self.below(256),
            short => usize::from(short) % 24,
        };
        (0..len).map(|_| self.byte()).collect()
    }

    /// Text, ASCII and not.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.binary()).into_owned()
    }
}
