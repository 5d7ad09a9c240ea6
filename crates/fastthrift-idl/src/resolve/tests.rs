use fastthrift_schema::{Definition, Requiredness, Schema, StructKind, TypeKind, Value};

use crate::{Code, Failure, MemoryLoader, Options, Outcome, compile};

fn outcome(text: &str) -> Outcome {
    let loader = MemoryLoader::new().with_file("main.thrift", text);
    compile(&loader, "main.thrift", &Options::default()).unwrap_or_else(|failure| panic!("{failure}"))
}

fn errors(text: &str) -> Vec<Code> {
    let loader = MemoryLoader::new().with_file("main.thrift", text);
    match compile(&loader, "main.thrift", &Options::default()) {
        Err(Failure::Invalid(report)) => report.errors().map(|error| error.code).collect(),
        Err(failure) => panic!("{failure}"),
        Ok(_) => Vec::new(),
    }
}

fn definition(schema: &Schema, name: &str) -> Definition {
    schema.root().definitions.iter().find(|(other, _)| &**other == name).unwrap().1
}

fn constant(outcome: &Outcome, name: &str) -> Value {
    match definition(&outcome.schema, name) {
        Definition::Constant(id) => outcome.schema.constant(id).value.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn functions_have_structs_for_arguments_and_results() {
    let outcome = outcome(
        "exception E {} service S { i32 f(1: optional i32 a, 2: required i32 b = 3) throws (1: E e), oneway void g() }",
    );
    let schema = &outcome.schema;
    let Definition::Service(id) = definition(schema, "S") else { panic!() };
    let [f, g] = &schema.service(id).functions[..] else { panic!() };
    let (arguments, result) = (schema.structure(f.arguments), schema.structure(f.result));
    assert_eq!((&*arguments.name, arguments.kind), ("f_args", StructKind::Arguments));
    assert_eq!((&*result.name, result.kind), ("f_result", StructKind::Result));
    let kinds: Vec<_> = arguments.fields.iter().map(|field| field.requiredness).collect();
    assert_eq!(kinds, [Requiredness::Default, Requiredness::Required]);
    assert_eq!(arguments.fields[1].default, Some(Value::Int(3)));
    let fields: Vec<_> = result.fields.iter().map(|field| (field.id.0, &*field.name, field.requiredness)).collect();
    assert_eq!(fields, [(0, "success", Requiredness::Optional), (1, "e", Requiredness::Optional)]);
    assert!(g.is_oneway && g.returns.is_none() && schema.structure(g.result).fields.is_empty());
}

#[test]
fn fields_without_ids_count_down_below_every_negative_id() {
    let outcome = outcome("struct S { i32 a, 1: i32 b, i32 c, -7: i32 d, i32 e } service T { void f(i32 x, i32 y) }");
    let Definition::Struct(id) = definition(&outcome.schema, "S") else { panic!() };
    let ids: Vec<_> =
        outcome.schema.structure(id).fields.iter().map(|field| (field.id.0, field.is_id_explicit)).collect();
    assert_eq!(ids, [(-1, false), (1, true), (-2, false), (-7, true), (-8, false)]);
}

#[test]
fn enum_values_count_on() {
    let outcome = outcome("enum E { A, B = 5, C, D = -3, F }");
    let Definition::Enum(id) = definition(&outcome.schema, "E") else { panic!() };
    let values: Vec<_> = outcome.schema.enumeration(id).values.iter().map(|value| value.value).collect();
    assert_eq!(values, [0, 5, 6, -3, -2]);
}

#[test]
fn members_of_unions_are_optional() {
    let outcome = outcome("union U { 1: i32 a, 2: required i32 b, 3: optional i32 c }");
    let Definition::Struct(id) = definition(&outcome.schema, "U") else { panic!() };
    assert!(outcome.schema.structure(id).fields.iter().all(|field| field.requiredness == Requiredness::Optional));
}

#[test]
fn values_are_those_of_the_declared_type() {
    let outcome = outcome(
        "enum E { A = 3, B = 4 }\nstruct P { 1: i32 x, 2: E e }\nconst E C = E.B\n\
         const i32 N = E.A\nconst double D = N\nconst binary Y = \"\\n\"\nconst set<i8> S = [2, 1, 2]\n\
         const map<string, P> M = {\"k\": {\"e\": C, \"x\": N}}\nconst bool T = 7\nconst list<E> L = [3, E.B, C]",
    );
    let Definition::Enum(e) = definition(&outcome.schema, "E") else { panic!() };
    let Definition::Struct(p) = definition(&outcome.schema, "P") else { panic!() };
    let (a, b) = (Value::Enum { id: e, index: 0 }, Value::Enum { id: e, index: 1 });
    assert_eq!(constant(&outcome, "N"), Value::Int(3));
    assert_eq!(constant(&outcome, "D"), Value::Double(3.0));
    assert_eq!(constant(&outcome, "Y"), Value::Binary(Box::from(*b"\n")));
    assert_eq!(constant(&outcome, "S"), Value::Set(vec![Value::Int(2), Value::Int(1)]));
    assert_eq!(constant(&outcome, "T"), Value::Bool(true));
    assert_eq!(constant(&outcome, "L"), Value::List(vec![a, b.clone(), b.clone()]));
    let point = Value::Struct { id: p, fields: vec![(1, b), (0, Value::Int(3))] };
    assert_eq!(constant(&outcome, "M"), Value::Map(vec![(Value::String("k".into()), point)]));
}

#[test]
fn values_and_types_may_come_from_included_files() {
    let loader = MemoryLoader::from_iter([
        ("main.thrift", "include 'sub/b.thrift'\nconst b.E C = b.E.Y\nconst i32 N = b.N\nstruct S extends_ {}"),
        ("sub/b.thrift", "enum E { X, Y }\nconst i32 N = 9"),
    ]);
    assert!(compile(&loader, "main.thrift", &Options::default()).is_err());
    let loader = loader.with_file("main.thrift", "include 'sub/b.thrift'\nconst b.E C = b.E.Y\nconst i32 N = b.N");
    let outcome = compile(&loader, "main.thrift", &Options::default()).unwrap();
    assert_eq!(constant(&outcome, "N"), Value::Int(9));
    assert!(matches!(constant(&outcome, "C"), Value::Enum { index: 1, .. }));
    let root = outcome.schema.root();
    assert_eq!((&*root.name, &*root.includes[0].prefix, &*root.includes[0].path), ("main", "b", "sub/b.thrift"));
}

#[test]
fn an_enum_s_value_is_found_by_its_last_part() {
    let loader = MemoryLoader::from_iter([
        (
            "main.thrift",
            "include 'objects.thrift'\nstruct S { 1: objects.Format f = Format.NONE, 2: objects.Format g = x.y.Z.ALL }",
        ),
        ("objects.thrift", "enum Format { NONE, ALL }"),
    ]);
    let outcome = compile(&loader, "main.thrift", &Options::default()).unwrap();
    let Definition::Struct(id) = definition(&outcome.schema, "S") else { panic!() };
    let defaults = outcome.schema.structure(id).fields.iter().map(|field| field.default.clone());
    let places: Vec<_> = defaults.map(|value| matches!(value, Some(Value::Enum { index, .. }) if index < 2)).collect();
    assert_eq!(places, [true, true]);
}

#[test]
fn annotations_cpp_types_and_xsd_words_are_kept() {
    let outcome = outcome(
        "struct S xsd_all { 1: list cpp_type 'v' <i32> (t) a xsd_optional xsd_attrs { 1: i32 x } (k = 'v', k = 'w') } (s)",
    );
    let Definition::Struct(id) = definition(&outcome.schema, "S") else { panic!() };
    let pairs = |annotations: &[fastthrift_schema::Annotation]| -> Vec<String> {
        annotations.iter().map(|annotation| format!("{}={}", annotation.key, annotation.value)).collect()
    };
    let structure = outcome.schema.structure(id);
    assert_eq!(pairs(&structure.annotations), ["s=1", "xsd_all=1"]);
    let field = &structure.fields[0];
    assert_eq!(pairs(&field.annotations), ["k=v", "k=w", "xsd_optional=1", "xsd_attrs=1: i32 x"]);
    assert_eq!(pairs(&outcome.schema.type_node(field.ty).annotations), ["t=1", "cpp_type=v"]);
}

#[test]
fn docs_are_cleaned_and_kept() {
    let outcome =
        outcome("/** File. */\nnamespace py a\n/**\n * One.\n *\n *  Two.\n */\nenum E {\n  /** Value. */ A }");
    let Definition::Enum(id) = definition(&outcome.schema, "E") else { panic!() };
    let enumeration = outcome.schema.enumeration(id);
    assert_eq!(outcome.schema.root().doc.as_deref(), Some("File."));
    assert_eq!(enumeration.doc.as_deref(), Some("One.\n\n Two."));
    assert_eq!(enumeration.values[0].doc.as_deref(), Some("Value."));
    assert_eq!(outcome.schema.root().namespace("py").map(|namespace| &*namespace.name), Some("a"));
}

#[test]
fn structs_may_hold_themselves() {
    let outcome = outcome("struct S { 1: optional S next, 2: list<T> all }\ntypedef S T");
    let Definition::Struct(id) = definition(&outcome.schema, "S") else { panic!() };
    let field = &outcome.schema.structure(id).fields[0];
    assert_eq!(outcome.schema.resolve(field.ty), TypeKind::Struct(id));
}

#[test]
fn long_chains_end_in_errors_and_in_time() {
    let chain = |line: &dyn Fn(usize) -> String| (0..5_000).map(line).collect::<String>();
    let deep = |codes: Vec<Code>| codes.contains(&Code::NestingTooDeep);
    assert!(deep(errors(&chain(&|n| format!("typedef T{} T{n}\n", n + 1)))));
    assert!(deep(errors(&chain(&|n| format!("typedef list<T{}> T{n}\n", n + 1)))));
    assert!(deep(errors(&format!("typedef i32 T0\n{}", chain(&|n| format!("typedef T{n} T{}\n", n + 1))))));
    assert!(deep(errors(&chain(&|n| format!("const i32 C{n} = C{}\n", n + 1)))));
    assert!(deep(errors(&chain(&|n| format!("service S{} extends S{n} {{}}\n", n + 1)))));
    let backwards = format!("const i32 C0 = 1\n{}", chain(&|n| format!("const i32 C{} = C{n}\n", n + 1)));
    assert_eq!(errors(&backwards), []);
    let nested = "struct S { 1: optional S s }\nconst S C0 = {}\n".to_owned()
        + &chain(&|n| format!("const S C{} = {{\"s\": C{n}}}\n", n + 1));
    assert!(deep(errors(&nested)));
    let cycle = chain(&|n| format!("typedef T{} T{n}\n", (n + 1) % 5_000));
    assert!(!errors(&cycle).is_empty());
}

#[test]
fn typedefs_that_double_end_in_an_error_and_in_time() {
    let doubling = |count: usize| {
        let lines = (0..count).map(|n| format!("typedef map<T{n}, T{n}> T{}\n", n + 1));
        lines.chain(["typedef i32 T0\n".to_owned()]).collect::<String>()
    };
    assert_eq!(errors(&doubling(7)), []);
    assert_eq!(errors(&doubling(8)), [Code::TypeTooLarge]);
    assert!(errors(&doubling(100)).iter().all(|&code| code == Code::TypeTooLarge));
}

#[test]
fn long_chains_of_includes_are_no_recursion() {
    let file =
        |n: usize| (format!("f{n}.thrift"), format!("include 'f{}.thrift'\nstruct S {{ 1: f{}.S s }}", n + 1, n + 1));
    let loader: MemoryLoader = (0..1_000).map(file).collect();
    let loader = loader.with_file("f1000.thrift", "struct S {}");
    let outcome = compile(&loader, "f0.thrift", &Options::default()).unwrap();
    assert_eq!(outcome.schema.programs().len(), 1_001);
    let loader = loader.with_file("f1000.thrift", "include 'f0.thrift'\nstruct S {}");
    let Err(Failure::Invalid(report)) = compile(&loader, "f0.thrift", &Options::default()) else { panic!() };
    assert!(report.errors().any(|error| error.code == Code::IncludeCycle));
}

#[test]
fn a_missing_root_is_told_from_text_that_is_wrong() {
    let failure = compile(&MemoryLoader::new(), "no.thrift", &Options::default()).unwrap_err();
    assert!(matches!(&failure, Failure::RootNotFound { path, .. } if path.ends_with("no.thrift")), "{failure}");
}

#[test]
fn a_diamond_of_includes_is_read_once_a_file() {
    let mut loader = MemoryLoader::new().with_file("l20.thrift", "struct S {}");
    for level in 0..20 {
        let text =
            format!("include 'l{0}.thrift'\ninclude 'm{0}.thrift'\nstruct S {{ 1: l{0}.S a, 2: m{0}.S b }}", level + 1);
        loader = loader.with_file(format!("l{level}.thrift"), text.clone()).with_file(format!("m{level}.thrift"), text);
    }
    let loader = loader.with_file("m20.thrift", "struct S {}");
    let outcome = compile(&loader, "l0.thrift", &Options::default()).unwrap();
    assert_eq!(outcome.schema.programs().len(), 41);
}

#[test]
fn the_same_text_gives_the_same_diagnostics() {
    let text =
        "struct A { 1: Missing a, 2: Missin b }\nstruct Missng {}\nconst i32 X = Y\nconst i32 YY = 1\nenum E {}\n"
            .repeat(3);
    let first = errors(&text);
    assert!(first.len() > 3);
    for _ in 0..5 {
        assert_eq!(errors(&text), first);
    }
}
