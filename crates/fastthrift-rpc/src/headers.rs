use std::fmt;
use std::time::Duration;

/// The name of the header in which a client says how long it waits: whole milliseconds, in decimal digits.
pub(crate) const TIMEOUT: &str = "client_timeout";

/// The names and values that travel beside a message, in the order in which they came or were inserted.
///
/// From a peer there are at most [`Self::MAX_LEN`], and their names and values together take at most
/// [`Self::MAX_BYTES`] on the wire; more end the connection. What a peer sends that is not UTF-8 is read with U+FFFD in
/// the place of the bytes that are none: other libraries put raw bytes there, and a call is not lost for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// All names and values, one behind the other.
    text: String,
    /// Where each name and its value end in `text`.
    ends: Vec<(usize, usize)>,
}

/// More headers than may travel with one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadersError {
    /// There are too many.
    TooMany {
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// They are too long.
    TooLarge {
        /// Their size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// One has characters in its name or value that HTTP has no place for.
    NotForHttp {
        /// Which one, counted from 0.
        index: usize,
    },
    /// One has a name that only the connection itself may send.
    Reserved {
        /// Which one, counted from 0.
        index: usize,
    },
}

/// What [`Headers::none`] gives.
static NONE: Headers = Headers::new();

impl Headers {
    /// How many headers may travel with one message.
    pub const MAX_LEN: usize = 256;
    /// How many bytes the headers of one message may take.
    pub const MAX_BYTES: usize = 64 << 10;

    /// No headers.
    pub const fn new() -> Self {
        Self { text: String::new(), ends: Vec::new() }
    }

    /// No headers, for whoever has none to give.
    pub fn none() -> &'static Self {
        &NONE
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Sets a header. One with exactly this name is replaced; the new one comes last.
    pub fn insert(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.push(name, value);
    }

    /// Removes all headers with exactly this name; false when there are none.
    pub fn remove(&mut self, name: &str) -> bool {
        if self.find(name).is_none() {
            return false;
        }
        *self = self.iter().filter(|(found, _)| *found != name).collect();
        true
    }

    /// The value of the header with exactly this name; of the last one, when a peer sent several.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.iter().rfind(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The value of the header with this name, however its ASCII letters are cased; of the last one.
    pub fn find_ignoring_case(&self, name: &str) -> Option<&str> {
        self.iter().rfind(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Each name and value. A peer may have sent a name more than once.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + ExactSizeIterator {
        (0..self.ends.len()).map(|index| {
            let start = index.checked_sub(1).map_or(0, |before| self.ends[before].1);
            let (name, value) = self.ends[index];
            (&self.text[start..name], &self.text[name..value])
        })
    }

    /// Removes all, and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a header, whether or not there is one with this name.
    pub fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        let name = self.text.len();
        self.text.push_str(value);
        self.ends.push((name, self.text.len()));
    }

    /// Adds a header as it came.
    pub(crate) fn push_bytes(&mut self, name: &[u8], value: &[u8]) {
        self.push(&String::from_utf8_lossy(name), &String::from_utf8_lossy(value));
    }

    /// How long the peer waits, if it says so: a count of milliseconds from 1 to 2^32 - 1 in the header `client_timeout`.
    pub fn timeout(&self) -> Option<Duration> {
        read_timeout(self.find(TIMEOUT)?)
    }

    /// How many bytes the names and values take.
    pub(crate) fn size(&self) -> usize {
        self.text.len()
    }
}

/// Whole milliseconds in digits, which do not begin with a sign; `None` for anything else, for 0 and for what a `u32` cannot hold.
pub(crate) fn read_timeout(text: &str) -> Option<Duration> {
    let milliseconds: u32 = text.parse().ok().filter(|_| !text.starts_with('+'))?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()))
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut headers = Self::new();
        for (name, value) in pairs {
            headers.push(name, value);
        }
        headers
    }
}

impl std::error::Error for HeadersError {}

impl fmt::Display for HeadersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { count, limit } => write!(f, "{count} headers are over the limit of {limit}"),
            Self::TooLarge { size, limit } => write!(f, "headers of {size} bytes are over the limit of {limit}"),
            Self::NotForHttp { index } => {
                write!(
                    f,
                    "header number {} has a name or a value that cannot be sent over HTTP",
                    index.saturating_add(1)
                )
            }
            Self::Reserved { index } => {
                write!(f, "header number {} is one that only the connection itself sends", index.saturating_add(1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_by_its_name_and_the_last_one_counts() {
        let headers: Headers = [("a", "1"), ("", ""), ("a", "2"), ("B", "ü")].into_iter().collect();
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("a", "1"), ("", ""), ("a", "2"), ("B", "ü")]);
        assert_eq!((headers.find("a"), headers.find(""), headers.find("b")), (Some("2"), Some(""), None));
        assert_eq!(headers.find_ignoring_case("b"), Some("ü"));
    }

    #[test]
    fn an_inserted_header_replaces_those_of_its_name() {
        let mut headers: Headers = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        headers.insert("a", "4");
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("b", "2"), ("a", "4")]);
        assert!(headers.remove("b") && !headers.remove("b"));
        assert_eq!(headers.len(), 1);
        headers.clear();
        assert!(headers.is_empty() && headers == *Headers::none());
    }

    #[test]
    fn a_time_that_is_zero_or_cannot_be_read_is_none() {
        let timeout = |text| [(TIMEOUT, text)].into_iter().collect::<Headers>().timeout();
        assert_eq!((timeout("1500"), timeout("4294967296")), (Some(Duration::from_millis(1500)), None));
        for text in ["0", "", "-1", "+5000", "1.5", "soon"] {
            assert_eq!(timeout(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let mut headers = Headers::new();
        headers.push_bytes(b"raw", b"a\xffb");
        assert_eq!(headers.find("raw"), Some("a\u{fffd}b"));
    }
}
