//! From root files to the syntax trees of all files that it includes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::Path;
use std::sync::Arc;

use fastthrift_schema::{Arena, Source, SourceId, Span};

use crate::ast::{File, Include, Item};
use crate::diagnostics::{Code, Diagnostic, Sink, quote};
use crate::lexer::lex;
use crate::loader::{FileName, Loader, NotFound};
use crate::parser::{Syntax, parse};
use crate::text::Text;
use crate::token::{Comment, TextRange};
use crate::{Failure, Options};

/// One file, read.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) name: FileName,
    pub(crate) source: SourceId,
    pub(crate) text: Text,
    pub(crate) file: File,
    pub(crate) comments: Vec<Comment>,
    /// The `include` headers in order; a target is the index of a unit, and none when the file is missing.
    pub(crate) includes: Vec<Included>,
    /// Whether parts could not be read.
    pub(crate) is_broken: bool,
    /// Whether the end of the file could not be read, so that any name may seem to be missing.
    pub(crate) is_cut: bool,
    /// The names in the definitions that could not be read.
    pub(crate) lost: Vec<TextRange>,
}

/// An `include` header and where it leads.
#[derive(Debug)]
pub(crate) struct Included {
    pub(crate) path: Arc<str>,
    pub(crate) prefix: Arc<str>,
    pub(crate) range: TextRange,
    pub(crate) path_range: TextRange,
    pub(crate) target: Option<usize>,
}

impl Unit {
    pub(crate) fn slice(&self, range: TextRange) -> &str {
        range.of(&self.text.text)
    }

    pub(crate) fn span(&self, range: TextRange) -> Span {
        range.in_source(self.source)
    }
}

/// The files of a run; the roots are the first.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) units: Vec<Unit>,
    pub(crate) sources: Arena<Source>,
}

/// Reads the root files and all that they include, each file once; the roots are the first.
pub(crate) fn load<P: AsRef<Path>>(
    loader: &dyn Loader,
    roots: &[P],
    options: &Options,
    sink: &mut Sink,
) -> Result<Files, Failure> {
    let mut run =
        Run { loader, options, sink, files: Files::default(), known: HashMap::new(), waiting: VecDeque::new() };
    for root in roots {
        run.add_root(root.as_ref())?;
    }
    while let Some(unit) = run.waiting.pop_front() {
        run.follow_includes(unit);
    }
    Ok(run.files)
}

fn root_unreadable(root: &Path, error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::RootNotFound { path: root.into(), searched: Vec::new() },
        _ => Failure::RootUnreadable { path: root.into(), error },
    }
}

/// Why a file cannot be read that is not there.
pub(crate) const NOT_THERE: &str = "no such file";

/// Why a file cannot be read.
pub(crate) fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => NOT_THERE.to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

struct Run<'a> {
    loader: &'a dyn Loader,
    options: &'a Options,
    sink: &'a mut Sink,
    files: Files,
    known: HashMap<Arc<Path>, usize>,
    waiting: VecDeque<usize>,
}

impl Run<'_> {
    fn add_root(&mut self, root: &Path) -> Result<(), Failure> {
        let name = self
            .loader
            .resolve(root, None)
            .map_err(|NotFound { searched }| Failure::RootNotFound { path: root.into(), searched })?;
        if !self.known.contains_key(&name.identity) {
            let bytes = self.loader.read(&name).map_err(|error| root_unreadable(root, error))?;
            self.known.insert(name.identity.clone(), self.files.units.len());
            self.add(name, &bytes);
        }
        Ok(())
    }

    /// Parses a file and returns its index.
    fn add(&mut self, name: FileName, bytes: &[u8]) -> usize {
        let text = Text::decode(bytes).filter(|text| text.text.len() <= self.options.max_file_size);
        let is_too_large = text.is_none();
        let encoding = wide_encoding(bytes).filter(|_| !is_too_large);
        let text = text.filter(|_| encoding.is_none()).unwrap_or_else(Text::empty);
        let source = self.files.sources.push(Source::new(name.display.clone(), text.text.clone()));
        if is_too_large {
            let message = format!("the file has {} bytes; the limit is {}", bytes.len(), self.options.max_file_size);
            let span = Span { source, start: 0, end: 0 };
            self.sink.push(Diagnostic::new(Code::FileTooLarge, span, message));
        }
        if let Some(encoding) = encoding {
            let message = format!("the file is not UTF-8 but {encoding}");
            let span = Span { source, start: 0, end: 0 };
            self.sink.push(Diagnostic::new(Code::InvalidUtf8, span, message).hint("save it as UTF-8"));
        }
        let lexed = lex(&text, source, self.sink);
        let Syntax { file, is_broken, lost } = parse(&text, &lexed, source, self.sink);
        let includes = file.items.iter().filter_map(|item| match item {
            Item::Include(include) => Some(included(include, &text)),
            _ => None,
        });
        let includes = includes.collect();
        let is_cut = lexed.is_cut || is_too_large || encoding.is_some();
        let is_broken = is_broken || lexed.is_broken || is_cut;
        let index = self.files.units.len();
        self.files.units.push(Unit {
            name,
            source,
            text,
            file,
            comments: lexed.comments,
            includes,
            is_broken,
            is_cut,
            lost,
        });
        self.waiting.push_back(index);
        index
    }

    fn follow_includes(&mut self, unit: usize) {
        for include in 0..self.files.units[unit].includes.len() {
            let target = self.include(unit, include);
            self.files.units[unit].includes[include].target = target;
        }
    }

    fn include(&mut self, unit: usize, include: usize) -> Option<usize> {
        let including = &self.files.units[unit];
        let header = &including.includes[include];
        let (path, span) = (header.path.clone(), including.span(header.path_range));
        match self.loader.resolve(Path::new(&*path), Some(&including.name)) {
            Ok(name) => match self.known.get(&name.identity) {
                Some(&index) => Some(index),
                None => self.read(name, span),
            },
            Err(NotFound { searched }) => {
                self.report_missing(&path, span, &searched);
                None
            }
        }
    }

    fn read(&mut self, name: FileName, span: Span) -> Option<usize> {
        match self.loader.read(&name) {
            Ok(bytes) => {
                self.known.insert(name.identity.clone(), self.files.units.len());
                Some(self.add(name, &bytes))
            }
            Err(error) => {
                let reason = unreadable(&error);
                let message = format!("cannot read the included file {}: {reason}", quote(&name.display));
                self.sink.push(Diagnostic::new(Code::UnreadableInclude, span, message));
                None
            }
        }
    }

    fn report_missing(&mut self, path: &str, span: Span, searched: &[String]) {
        let message = format!("cannot find the included file {}", quote(path));
        let mut diagnostic = Diagnostic::new(Code::MissingInclude, span, message);
        if !searched.is_empty() {
            let mut seen = HashSet::new();
            let distinct = searched.iter().filter(|place| seen.insert(place.as_str()));
            let places: Vec<String> = distinct.take(8).map(|place| quote(place)).collect();
            diagnostic = diagnostic.hint(format!("looked for {}", places.join(", ")));
        }
        if self.options.allow_missing_includes {
            self.sink.push_as_warning(diagnostic);
        } else {
            self.sink.push(diagnostic);
        }
    }
}

/// The encoding of a text whose first bytes say that its characters are of two or four bytes each.
fn wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Some("UTF-32"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, 1..=0xFF, ..] | [1..=0xFF, 0, 1..=0xFF, 0, ..] => Some("UTF-16"),
        _ => None,
    }
}

fn included(include: &Include, text: &Text) -> Included {
    let path = String::from_utf8_lossy(&text.literal_bytes(include.path.range)).into_owned();
    let prefix = file_stem(&path).into();
    Included { path: path.into(), prefix, range: include.range, path_range: include.path.range, target: None }
}

/// The base name of a path without its last extension: the prefix by which includers know a file.
pub(crate) fn file_stem(path: &str) -> &str {
    let base = path.rsplit(['/', '\\']).next().unwrap_or_default();
    base.rsplit_once('.').map_or(base, |(stem, _)| stem)
}
