//! The types of this crate in the formats of serde: text as text, sets as sequences, numbers as numbers.

use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Double, VecSet};

impl<T: Serialize> Serialize for VecSet<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for VecSet<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

impl Serialize for Double {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self)
    }
}

#[cfg(feature = "bytes")]
mod text {
    use core::fmt;

    use serde::de::{Error, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::codec::Text;

    impl Serialize for Text {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self)
        }
    }

    impl<'de> Deserialize<'de> for Text {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_str(FindText)
        }
    }

    struct FindText;

    impl Visitor<'_> for FindText {
        type Value = Text;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
            Ok(Text::from(text))
        }
    }
}

#[cfg(all(test, feature = "std", feature = "bytes"))]
mod tests {
    use std::string::ToString;
    use std::vec;

    use super::*;
    use crate::codec::Text;

    #[test]
    fn values_go_to_json_and_come_back() {
        let value = (VecSet(vec![3, 1, 3]), Double(0.5), Text::from("long \u{e4} text of more than thirty bytes"));
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(json, "[[3,1,3],0.5,\"long \u{e4} text of more than thirty bytes\"]");
        assert_eq!(serde_json::from_str::<(VecSet<i32>, Double, Text)>(&json).unwrap(), value);
        let error = serde_json::from_str::<Text>("5").unwrap_err().to_string();
        assert!(error.contains("expected text"), "{error}");
    }
}
