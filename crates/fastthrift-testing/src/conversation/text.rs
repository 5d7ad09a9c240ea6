//! The files of `tests/conversations`, which also say what their words mean.

use fastthrift_rpc::{ClientConfig, Framing, ServerConfig, Transform};

const FILES: [(&str, &str); 4] = [
    ("calls.txt", include_str!("../../../../tests/conversations/calls.txt")),
    ("services.txt", include_str!("../../../../tests/conversations/services.txt")),
    ("headers.txt", include_str!("../../../../tests/conversations/headers.txt")),
    ("broken.txt", include_str!("../../../../tests/conversations/broken.txt")),
];

/// One conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// What it shows, as a sentence.
    pub name: String,
    pub(super) steps: Vec<Step>,
}

/// A line of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The file and the number of the line.
    pub(super) place: String,
    /// The only framing in which it holds.
    pub(super) framing: Option<Framing>,
    pub(super) words: Vec<String>,
}

/// All conversations.
///
/// # Panics
/// When a file is not written as it has to be.
pub fn scenarios() -> Vec<Scenario> {
    FILES.iter().flat_map(|(file, text)| parse(file, text)).collect()
}

impl Scenario {
    /// Whether bytes are sent that no connection wrote, which a carrier would have to carry too.
    pub fn is_forged(&self) -> bool {
        self.steps.iter().any(|step| step.words()[0] == "send")
    }

    /// Changes the defaults that the connections are made with.
    ///
    /// # Panics
    /// When there is no such setting.
    pub fn configure(&self, client: &mut ClientConfig, server: &mut ServerConfig) {
        for step in self.steps.iter().filter(|step| step.is_setting()) {
            match step.words()[..] {
                ["client", "service", name] => client.service = Some(name.to_owned()),
                ["client", "message_limit", value] => client.limits.message = number(value),
                ["client", "max_abandoned", value] => client.max_abandoned = number(value),
                ["client", "first_sequence_id", value] => client.first_sequence_id = number(value),
                ["client", "transforms", names] => client.transforms = names.split(',').map(transform).collect(),
                ["server", "message_limit", value] => server.limits.message = number(value),
                ["server", "max_open", value] => server.max_open = number(value),
                _ => panic!("{}: there is no such setting", step.place),
            }
        }
    }
}

impl Step {
    pub(super) fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }

    /// Whether it says what a connection is made with.
    pub(super) fn is_setting(&self) -> bool {
        matches!(self.words()[..], ["client" | "server", setting, _] if setting != "fails")
    }
}

/// A number of a conversation's line.
pub(super) fn number<N: std::str::FromStr<Err: std::fmt::Debug>>(word: &str) -> N {
    word.parse().unwrap_or_else(|error| panic!("{word} is not such a number: {error:?}"))
}

fn transform(name: &str) -> Transform {
    [Transform::Zlib, Transform::Zstd]
        .into_iter()
        .find(|transform| transform.to_string() == name)
        .unwrap_or_else(|| panic!("there is no transform {name}"))
}

fn parse(file: &str, text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", index + 1);
        if let Some(name) = line.strip_prefix("== ") {
            scenarios.push(Scenario { name: name.to_owned(), steps: Vec::new() });
        } else if !line.is_empty() && !line.starts_with('#') {
            let scenario = scenarios.last_mut().unwrap_or_else(|| panic!("{place}: a line before any conversation"));
            scenario.steps.push(step(place, line));
        }
    }
    scenarios
}

fn step(place: String, line: &str) -> Step {
    let mut words = split(line);
    let framing = match words[0].as_str() {
        "framed" => Some(Framing::Framed),
        "unframed" => Some(Framing::Unframed),
        "header" => Some(Framing::Header),
        _ => None,
    };
    words.drain(..usize::from(framing.is_some()));
    Step { place, framing, words }
}

/// The words of a line: those between spaces, and texts, which may be repeated: `3*"x"` is `xxx`.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = rest.find([' ', '"']).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        if let Some(quoted) = behind.strip_prefix('"') {
            let (text, behind) = quoted.split_once('"').unwrap_or_else(|| panic!("a text does not end: {line}"));
            words.push(text.repeat(word.strip_suffix('*').map_or(1, number)));
            rest = behind.trim_start();
        } else {
            words.push(word.to_owned());
            rest = behind.trim_start();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_words_and_texts() {
        assert_eq!(split(r#"call A echo "one two""#), ["call", "A", "echo", "one two"]);
        assert_eq!(split(r#"reply R 3*"x" "" end"#), ["reply", "R", "xxx", "", "end"]);
    }

    #[test]
    fn a_conversation_is_its_settings_and_steps() {
        let scenarios = parse("file", "# words\n\n== one\nserver max_open 2\nunframed no request\n== two\n");
        assert_eq!(scenarios.iter().map(|each| &each.name[..]).collect::<Vec<_>>(), ["one", "two"]);
        let [setting, step] = &scenarios[0].steps[..] else { panic!("two lines") };
        assert!(setting.is_setting() && !step.is_setting());
        assert_eq!((step.framing, &step.place[..]), (Some(Framing::Unframed), "file:5"));
        let (mut client, mut server) = (ClientConfig::default(), ServerConfig::default());
        scenarios[0].configure(&mut client, &mut server);
        assert_eq!((client, server.max_open), (ClientConfig::default(), 2));
    }

    #[test]
    fn there_are_conversations_in_each_file() {
        for (file, text) in FILES {
            assert!(!parse(file, text).is_empty(), "{file}");
        }
    }
}
