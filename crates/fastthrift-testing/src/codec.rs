//! What must hold for the codecs whatever the bytes are. Each check panics when it does not; fuzz targets and the tests
//! that replay their corpus call the same ones.

use std::borrow::Cow;

use fastthrift_protocol::json::Lexer;
use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, DecodeErrorKind, Detection, InputProtocol,
    JsonReader, JsonWriter, Limits, MessageHeader, MessageScanner, OutputProtocol, Protocol, Scan, Scratch, TType,
    detect,
};

use crate::Tree;
use crate::arbitrary::Choices;
use crate::simple_json::write_tree_as_json;

/// Reads a struct as a tree, and says how many bytes it takes. It has to be in one of [`Protocol::TYPED`].
pub fn read_struct(protocol: Protocol, bytes: &[u8], limits: Limits) -> Result<(Tree, usize), DecodeError> {
    fn read<'de>(mut input: impl InputProtocol<'de>) -> Result<(Tree, usize), DecodeError> {
        let tree = Tree::read(&mut input, TType::Struct)?;
        Ok((tree, input.offset()))
    }
    match protocol {
        Protocol::Binary => read(BinaryReader::new(bytes, limits)),
        Protocol::Compact => read(CompactReader::new(bytes, limits)),
        Protocol::Json => read(JsonReader::new(bytes, &Scratch::new(), limits)),
        Protocol::SimpleJson => {
            let text = "SimpleJSON does not tell what its values are";
            Err(DecodeError::new(DecodeErrorKind::Invalid(text.into()), 0))
        }
    }
}

/// Writes a value. Both kinds of JSON take only what [`Tree::in_json`] gives; in `SimpleJSON`, fields are named by their ids.
pub fn write_tree(protocol: Protocol, tree: &Tree) -> Vec<u8> {
    let mut out = Vec::new();
    match protocol {
        Protocol::Binary => tree.write(&mut BinaryWriter::new(&mut out)),
        Protocol::Compact => tree.write(&mut CompactWriter::new(&mut out)),
        Protocol::Json => tree.write(&mut JsonWriter::new(&mut out)),
        Protocol::SimpleJson => write_tree_as_json(tree, &mut out),
    }
    out
}

/// Arbitrary bytes as a struct and as a message's header: reading and skipping agree on the result, down to the error
/// and its place; what is read can be written in every protocol and read back the same.
pub fn check_reader(protocol: Protocol, bytes: &[u8]) {
    check_struct(protocol, bytes);
    if let Ok((header, _)) = protocol.read_message_header(bytes, Limits::DEFAULT) {
        check_header(&header);
    }
}

fn check_struct(protocol: Protocol, bytes: &[u8]) {
    let read = read_struct(protocol, bytes, Limits::DEFAULT);
    let skipped = protocol.struct_len(bytes, Limits::DEFAULT);
    match (&read, &skipped) {
        (Ok((_, read)), Ok(skipped)) => assert_eq!(read, skipped, "reading and skipping end in different places"),
        (Err(read), Err(skipped)) => assert_eq!(kind_of(read), kind_of(skipped)),
        _ => panic!("reading gives {read:?}, skipping {skipped:?}"),
    }
    if let Ok((tree, _)) = read {
        check_round_trip(&tree);
    }
}

/// Writes a struct in every typed protocol; each must be read back the same, to the end.
pub fn check_round_trip(tree: &Tree) {
    for &protocol in Protocol::TYPED {
        let tree = expressible(protocol, tree).into_owned();
        let bytes = write_tree(protocol, &tree);
        let read = read_struct(protocol, &bytes, Limits::DEFAULT);
        assert_eq!(read.as_ref(), Ok(&(tree.clone(), bytes.len())), "{protocol}: {}", bytes.escape_ascii());
        assert_eq!(protocol.struct_len(&bytes, Limits::DEFAULT), Ok(bytes.len()));
    }
}

/// The same value with what this protocol cannot express replaced.
pub fn expressible(protocol: Protocol, tree: &Tree) -> Cow<'_, Tree> {
    match protocol {
        Protocol::Binary | Protocol::Compact => Cow::Borrowed(tree),
        Protocol::Json | Protocol::SimpleJson => Cow::Owned(tree.in_json()),
    }
}

/// Whether a name comes back from a header: in JSON it stands there as text, and is not unescaped.
fn is_expressible_name(protocol: Protocol, name: &[u8]) -> bool {
    match protocol {
        Protocol::Binary | Protocol::Compact => true,
        Protocol::Json | Protocol::SimpleJson => {
            let needs_escape = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
            std::str::from_utf8(name).is_ok() && !name.iter().any(needs_escape)
        }
    }
}

fn check_header(header: &MessageHeader<'_>) {
    for &protocol in Protocol::ALL {
        if !is_expressible_name(protocol, header.name) {
            continue;
        }
        let mut out = Vec::new();
        protocol.write_message_header(&mut out, header);
        assert_eq!(protocol.read_message_header(&out, Limits::DEFAULT), Ok((*header, out.len())));
        assert_eq!(detect(&out), Detection::Message(protocol));
    }
    let mut out = Vec::new();
    BinaryWriter::new(&mut out).old().write_message_header(header);
    assert_eq!(Protocol::Binary.read_message_header(&out, Limits::DEFAULT), Ok((*header, out.len())));
}

/// Some choices, then arbitrary bytes as a message: the scanner's result is that of reading the header and skipping the
/// body, whether the bytes come at once or in the pieces chosen.
pub fn check_scanner(choices_and_message: &[u8]) {
    let mut choices = Choices::new(choices_and_message);
    let protocols = [Protocol::Binary, Protocol::Compact, Protocol::Json, Protocol::SimpleJson].map(Some);
    let protocol = choices.one_of(&[&[None], &protocols[..]].concat());
    let message = match choices.below(4) {
        0 => usize::from(choices.byte()) * 4,
        _ => Limits::DEFAULT.message,
    };
    let limits = Limits { message, depth: 16, ..Limits::DEFAULT };
    let pieces: Vec<usize> = (0..choices.below(16)).map(|_| choices.below(64)).collect();
    check_scan(protocol, limits, &pieces, choices.rest());
}

/// Scans a message at once and in pieces of these lengths (the rest of it byte by byte when there are none), and
/// compares both with the reader's result.
pub fn check_scan(protocol: Option<Protocol>, limits: Limits, pieces: &[usize], bytes: &[u8]) {
    let scanner = || protocol.map_or_else(|| MessageScanner::detecting(limits), |p| MessageScanner::new(p, limits));
    let whole = scanner().scan(bytes);
    compare_with_reader(protocol, limits, bytes, &whole);

    let mut split = scanner();
    let ends = pieces.iter().chain(std::iter::repeat(&1)).scan(0, |end, piece| {
        *end += piece;
        Some(*end)
    });
    let ends = ends.take_while(|&end| end < bytes.len()).take(pieces.len().max(1000)).chain([bytes.len()]);
    let mut ended = None;
    for end in ends {
        match split.scan(&bytes[..end]) {
            Ok(Scan::NeedMore { at_least }) => assert!(at_least > 0),
            other => {
                ended = Some(other);
                break;
            }
        }
    }
    let in_pieces = ended.unwrap_or_else(|| split.scan(bytes));
    match (&whole, &in_pieces) {
        // Who has seen less of a message knows that it will be too large before it comes upon what else is wrong with it.
        (Err(_), Err(in_pieces)) if matches!(in_pieces.kind(), DecodeErrorKind::SizeLimit { .. }) => {}
        (Err(whole), Err(in_pieces)) => assert_eq!(kind_of(whole), kind_of(in_pieces)),
        _ => assert_eq!(whole, in_pieces, "{pieces:?}"),
    }
}

fn compare_with_reader(protocol: Option<Protocol>, limits: Limits, bytes: &[u8], scanned: &Result<Scan, DecodeError>) {
    let found = match (protocol, detect(bytes)) {
        (Some(protocol), _) | (None, Detection::Message(protocol)) => protocol,
        (None, Detection::Length) => Protocol::Binary,
        (None, Detection::NeedMore) => {
            let refused = limits.message <= bytes.len();
            return assert_eq!(scanned.is_err(), refused, "{scanned:?}");
        }
        (None, _) => return assert!(scanned.is_err() || limits.message < 2, "{scanned:?}"),
    };
    let read = skip_message(found, bytes, limits);
    let is_over_limit =
        matches!(scanned.as_ref().map_err(DecodeError::kind), Err(DecodeErrorKind::SizeLimit { what: "message", .. }));
    match read {
        Ok(len) if len <= limits.message => assert_eq!(scanned, &Ok(Scan::Complete { len })),
        Ok(len) => assert!(is_over_limit, "{len} bytes are over the limit, but {scanned:?}"),
        Err(error) if matches!(error.kind(), DecodeErrorKind::UnexpectedEnd { .. }) => {
            let is_complete = matches!(scanned, Ok(Scan::Complete { .. }));
            assert!(!is_complete || found.is_text(), "{error}, but {scanned:?}");
        }
        Err(_) if is_over_limit => {}
        // What is wrong between the brackets is not the scanner's to find.
        Err(_) if found.is_text() => {}
        Err(error) => {
            let scanned = scanned.as_ref().expect_err("the reader refuses it").kind().clone();
            assert_eq!(kind_of(&error), std::mem::discriminant(&scanned), "{error}, but {scanned}");
        }
    }
}

/// Reads over a message, and says how many bytes it takes.
fn skip_message(protocol: Protocol, bytes: &[u8], limits: Limits) -> Result<usize, DecodeError> {
    fn skip<'de>(mut input: impl InputProtocol<'de>) -> Result<usize, DecodeError> {
        input.read_message_header()?;
        input.skip(TType::Struct)?;
        input.read_message_end()?;
        Ok(input.offset())
    }
    match protocol {
        Protocol::Json => skip(JsonReader::new(bytes, &Scratch::new(), limits)),
        Protocol::SimpleJson => skip_simple_message(bytes, limits),
        // The scanner starts anew after the header: containers in the body are measured against the body's bytes.
        Protocol::Binary | Protocol::Compact => protocol
            .read_message_header(bytes, limits)
            .and_then(|(_, body)| protocol.struct_len(&bytes[body..], limits).map(|len| body + len)),
    }
}

fn skip_simple_message(bytes: &[u8], limits: Limits) -> Result<usize, DecodeError> {
    let (_, start) = Protocol::SimpleJson.read_message_header(bytes, limits)?;
    // A map whose keys are no scalars has two brackets for one level that the limit counts.
    let (scratch, limits) = (Scratch::new(), Limits { depth: 2 * limits.depth, ..limits });
    let mut lexer = Lexer::new(&bytes[start..], &scratch, limits);
    lexer.skip_value()?;
    lexer.expect(b']', "']' after the message")?;
    Ok(start + lexer.offset())
}

fn kind_of(error: &DecodeError) -> std::mem::Discriminant<DecodeErrorKind> {
    std::mem::discriminant(error.kind())
}
