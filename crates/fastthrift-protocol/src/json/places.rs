use crate::Limits;

/// What stands before the next value that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing: it is the outermost value, or a field's, whose name and type were read.
    Value,
    /// A comma: it is an element of a list or set.
    Element,
    /// A comma: it is a key of a map, but not the first.
    Key,
    /// A colon: it is a value of a map.
    MapValue,
    /// Nothing: it is the first key of a map.
    FirstKey,
    /// The next thing is a field, the first of its struct, or the end of the struct.
    FirstField,
    /// An error that could not be reported yet.
    Failed,
}

/// The places around the open structs and containers, to which their ends lead back.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// Two bits for each.
    words: [u64; WORDS],
    depth: usize,
}

const WORDS: usize = Limits::MAX_DEPTH as usize / 32;

impl Places {
    /// Keeps a place that a value was read from; there are never more than [`Limits::MAX_DEPTH`].
    #[inline]
    pub(super) fn push(&mut self, place: Place) {
        let bits = match place {
            Place::Element => 1,
            Place::Key => 2,
            Place::MapValue => 3,
            Place::Value | Place::FirstKey | Place::FirstField | Place::Failed => 0,
        };
        let shift = self.depth % 32 * 2;
        let word = &mut self.words[self.depth / 32 % WORDS];
        *word = *word & !(3 << shift) | bits << shift;
        self.depth += 1;
    }

    /// Returns the place that was kept last.
    #[inline]
    pub(super) fn pop(&mut self) -> Place {
        self.depth = self.depth.saturating_sub(1);
        match self.words[self.depth / 32 % WORDS] >> (self.depth % 32 * 2) & 3 {
            0 => Place::Value,
            1 => Place::Element,
            2 => Place::Key,
            _ => Place::MapValue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_in_reverse_down_to_the_greatest_depth() {
        let choices = [Place::Value, Place::Element, Place::Key, Place::MapValue];
        let mut places = Places::default();
        for round in 1..4 {
            for at in 0..512usize {
                places.push(choices[at * round * 7 / 3 % 4]);
            }
            for at in (0..512usize).rev() {
                assert_eq!(places.pop(), choices[at * round * 7 / 3 % 4]);
            }
        }
    }
}
