use crate::ast::{File, Item, TypeKind, ValueKind};
use crate::{Code, Options, Parsed, parse};

fn parsed(text: &str) -> Parsed {
    parse("a.thrift", text.as_bytes(), &Options::default())
}

/// The tree of a text without errors.
fn tree(text: &str) -> File {
    let parsed = parsed(text);
    assert_eq!(parsed.diagnostics, [], "{text}");
    parsed.file
}

fn codes(text: &str) -> Vec<Code> {
    parsed(text).diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn every_node_knows_its_range() {
    let text = "include \"a.thrift\"\nstruct S { 1: optional list<i32> a = [1] (k) }\n";
    let file = tree(text);
    let Item::Include(include) = &file.items[0] else { panic!() };
    assert_eq!((include.range.of(text), include.path.range.of(text)), ("include \"a.thrift\"", "\"a.thrift\""));
    let Item::Struct(structure) = &file.items[1] else { panic!() };
    assert_eq!(structure.range.of(text), text.lines().nth(1).unwrap());
    let field = &structure.fields[0];
    assert_eq!(field.range.of(text), "1: optional list<i32> a = [1] (k)");
    assert_eq!((field.ty.range.of(text), field.name.text(text)), ("list<i32>", "a"));
    let TypeKind::List(container) = &field.ty.kind else { panic!() };
    assert_eq!(container.element.range.of(text), "i32");
    let default = field.default.as_ref().unwrap();
    let ValueKind::List(values) = &default.kind else { panic!() };
    assert_eq!((default.range.of(text), values[0].range.of(text)), ("[1]", "1"));
}

#[test]
fn separators_are_optional_wherever_apache_has_them_optional() {
    for text in [
        "const i32 A = 1 const i32 B = 2; const i32 C = 3,",
        "typedef i32 A typedef i32 B; typedef i32 C,",
        "enum E { A B, C; D = 1 E = 2 }",
        "struct S { 1: i32 a 2: i32 b, 3: i32 c; }",
        "service S { void a() void b(), void c(1: i32 x 2: i32 y); }",
        "const list<i32> L = [1 2, 3; 4,] const map<i32, i32> M = {1: 2 3: 4; 5: 6,}",
        "struct S {} (a = \"1\" b, c = '2';)",
    ] {
        tree(text);
    }
}

#[test]
fn keywords_can_name_fields_and_arguments() {
    let names = "namespace include void bool byte i8 i16 i32 i64 double string binary uuid map list set oneway async typedef \
                 struct union exception extends throws service enum const required optional cpp_include";
    for name in names.split_ascii_whitespace() {
        tree(&format!("struct S {{ 1: i32 {name} }} service T {{ void f(1: i32 {name}) }}"));
    }
    for name in ["cpp_type", "xsd_all", "xsd_optional", "true", "false"] {
        assert_ne!(codes(&format!("struct S {{ 1: i32 {name} }}")), []);
    }
}

#[test]
fn fields_may_lack_everything_but_type_and_name() {
    let file = tree("struct S { i32 a required i32 b optional T & c }");
    let Item::Struct(structure) = &file.items[0] else { panic!() };
    assert_eq!(structure.fields.len(), 3);
    assert!(structure.fields[2].is_reference);
}

#[test]
fn reading_goes_on_in_the_same_body_after_an_error() {
    let parsed = parsed("struct S {\n 1: list< a\n 2: i32 b,\n 3: 4: i32 c, 5: i32 d }\nenum E { A = x, B }");
    assert_eq!(parsed.diagnostics.len(), 3);
    let Item::Struct(structure) = &parsed.file.items[0] else { panic!() };
    let names: Vec<_> = structure.fields.iter().map(|field| field.name.text(&parsed.source.text)).collect();
    assert_eq!(names, ["b", "d"]);
    let Item::Enum(enumeration) = &parsed.file.items[1] else { panic!() };
    assert_eq!(enumeration.values.len(), 1);
}

#[test]
fn a_comment_in_front_documents_a_node_and_one_behind_does_not() {
    let parsed = parsed("/** F */\ninclude 'x'\n/** no */ /** S */ struct S { 1: i32 a /** B */ 2: i32 b /** end */ }");
    let doc = |doc: Option<crate::ast::Doc>| doc.map(|doc| parsed.comments[doc.0].range.of(&parsed.source.text));
    let Item::Struct(structure) = &parsed.file.items[1] else { panic!() };
    assert_eq!(doc(parsed.file.doc), Some("/** F */"));
    assert_eq!(doc(structure.doc), Some("/** S */"));
    assert_eq!(doc(structure.fields[0].doc), None);
    assert_eq!(doc(structure.fields[1].doc), Some("/** B */"));
}

#[test]
fn the_first_comment_is_the_file_s_unless_a_definition_takes_it() {
    let doc = |text: &str| parsed(text).file.doc.is_some();
    assert!(doc("/** F */ namespace py a"));
    assert!(doc("/** F */ /** S */ struct S {}"));
    assert!(!doc("/** S */ struct S {}"));
    assert!(!doc("namespace py a /** x */ /** S */ struct S {}"));
    assert!(doc("/** F */"));
}

#[test]
fn deep_nesting_is_one_error_and_no_overflow() {
    let (deepest, deep) = (100_000, 10_000);
    for text in [
        format!("typedef {}i32", "list<".repeat(deepest)),
        format!("const i32 A = {}", "[".repeat(deepest)),
        format!("typedef {}", "map<i32,".repeat(deep)),
        format!("const i32 A = {}", "{1:".repeat(deep)),
        format!("const i32 A = {}", "[{".repeat(deep)),
        format!("struct S {{ {}", "1: i32 a xsd_attrs {".repeat(deep)),
    ] {
        let codes = codes(&text);
        assert!(codes.contains(&Code::NestingTooDeep) && codes.len() < 5, "{codes:?}");
    }
}

#[test]
fn other_long_repetitions_end_too() {
    for part in [
        "(",
        "{",
        "}",
        "struct",
        "struct A {",
        "1:",
        "service S {",
        "<",
        "]",
        "\"",
        "/*",
        "'\n",
        ";",
        "a.",
        "enum E {A",
        "const",
    ] {
        parsed(&part.repeat(10_000));
    }
}
