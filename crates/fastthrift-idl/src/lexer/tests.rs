use super::*;
use crate::Dialect;

fn lexed(text: &str) -> (Lexed, Vec<(Code, u32)>) {
    let mut sink = Sink::new(Dialect::Extended, 100);
    let text = Text::decode(text.as_bytes()).unwrap();
    let lexed = lex(&text, SourceId::new(0), &mut sink);
    let errors = sink.into_diagnostics().iter().map(|error| (error.code, error.span.start)).collect();
    (lexed, errors)
}

/// The tokens' texts without the end, of a text without errors.
fn words(text: &str) -> Vec<&str> {
    let (lexed, errors) = lexed(text);
    assert_eq!(errors, []);
    lexed.tokens.iter().map(|token| token.range.of(text)).filter(|word| !word.is_empty()).collect()
}

fn kinds(text: &str) -> Vec<TokenKind> {
    lexed(text).0.tokens.iter().map(|token| token.kind).collect()
}

#[test]
fn identifiers_hold_dots_and_digits_inside() {
    assert_eq!(words("a.b_1 a.1b _x list.of"), ["a.b_1", "a.1b", "_x", "list.of"]);
    assert_eq!(kinds("list.of")[0], TokenKind::Identifier);
    assert_eq!(kinds("list")[0], TokenKind::Keyword(Keyword::List));
}

#[test]
fn a_sign_belongs_to_the_number_after_it() {
    assert_eq!(words("1-2+0x1F -.5e-3"), ["1", "-2", "+0x1F", "-.5e-3"]);
    assert_eq!(
        kinds("- + 1e3 010"),
        [TokenKind::Sign, TokenKind::Sign, TokenKind::Double, TokenKind::Integer, TokenKind::EndOfFile]
    );
}

#[test]
fn an_exponent_without_a_mantissa_is_a_name() {
    assert_eq!(kinds("e10")[0], TokenKind::Identifier);
}

#[test]
fn either_quote_may_hold_the_other() {
    assert_eq!(words(r#""it's" '"' "\"" '\''"#), [r#""it's""#, r#"'"'"#, r#""\"""#, r"'\''"]);
}

#[test]
fn comments_are_kept_with_the_token_after_them() {
    let text = "a # one\r\n// two\n/* three */ b /**/ /** four */ /***/ c";
    let (lexed, _) = lexed(text);
    let comments: Vec<_> =
        lexed.comments.iter().map(|comment| (comment.kind, comment.range.of(text), comment.next_token)).collect();
    assert_eq!(
        comments,
        [
            (CommentKind::Line, "# one", 1),
            (CommentKind::Line, "// two", 1),
            (CommentKind::Block, "/* three */", 1),
            (CommentKind::Block, "/**/", 2),
            (CommentKind::Doc, "/** four */", 2),
            (CommentKind::Block, "/***/", 2),
        ]
    );
}

#[test]
fn the_first_token_of_a_line_says_so() {
    let starts: Vec<bool> = lexed("a b\n c /* \n */ d").0.tokens.iter().map(|token| token.starts_line).collect();
    assert_eq!(starts, [true, false, true, true, false]);
}

#[test]
fn what_is_not_closed_is_reported_where_it_is_opened() {
    assert_eq!(lexed("a /* b").1, [(Code::UnterminatedComment, 2)]);
    assert_eq!(lexed("a 'b").1, [(Code::UnterminatedString, 2)]);
    assert_eq!(lexed("a \"b\\").1, [(Code::BadEscape, 4)]);
    assert_eq!(lexed("a \"b\nc\" d").1, [(Code::NewlineInString, 2)]);
}

#[test]
fn a_long_run_of_one_character_is_one_token() {
    for byte in ["a", "1", "@", "\u{E4}", "."] {
        let text = byte.repeat(1 << 18);
        let (lexed, errors) = lexed(&text);
        assert!(lexed.tokens.len() <= 3 && errors.len() <= 1, "{byte}");
    }
}
