use std::fmt;

use super::Severity;
use crate::Dialect;

macro_rules! codes {
    ($($variant:ident, $number:literal, $name:literal, $explanation:literal;)*) => {
        /// What a diagnostic is about. Numbers and names never change their meaning.
        ///
        /// The letter says how grave it is: `E` is an error (an option makes a missing include a warning), `W` a warning, and `P`
        /// (portability) is text that Apache Thrift 0.25 would refuse or read differently: a warning in [`Dialect::Extended`], an error
        /// in [`Dialect::Apache`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $explanation] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The number, such as `E0501`.
            pub fn number(self) -> &'static str {
                match self { $(Self::$variant => $number),* }
            }

            /// The short name, such as `unknown-type`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// One sentence that explains it.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $explanation),* }
            }
        }
    };
}

codes! {
    IllegalCharacter, "E0101", "illegal-character", "No token starts with this character.";
    BadIdentifier, "E0102", "bad-identifier", "An identifier starts with a letter or `_` and does not end with a dot.";
    BadNumber, "E0103", "bad-number", "A number is written as `12`, `-12`, `0x1F`, `1.5`, `.5` or `1e3`.";
    IntegerOverflow, "E0104", "integer-overflow", "An integer fits 64 bits with its sign.";
    BadEscape, "E0105", "bad-escape", r#"The escapes of a string are `\r \n \t \" \' \\`."#;
    UnterminatedString, "E0106", "unterminated-string", "A string ends with the quote that it began with.";
    NewlineInString, "E0107", "newline-in-string", "A string stands on one line.";
    UnterminatedComment, "E0108", "unterminated-comment", "A block comment ends with `*/`.";
    InvalidUtf8, "E0109", "invalid-utf8", "A file must be UTF-8; only comments and `binary` constants may hold other bytes.";
    FileTooLarge, "E0110", "file-too-large", "A file is no longer than the limit that the caller sets.";

    UnexpectedToken, "E0201", "unexpected-token", "This token cannot stand here.";
    ExpectedToken, "E0202", "expected-token", "The grammar demands another token here.";
    ExpectedIdentifier, "E0203", "expected-identifier", "A name is missing.";
    ExpectedType, "E0204", "expected-type", "A type is missing.";
    ExpectedValue, "E0205", "expected-value", "A constant value is missing.";
    ExpectedField, "E0206", "expected-field", "A field is written `1: required i32 name = 5`.";
    ExpectedString, "E0207", "expected-string", "A quoted string is missing.";
    BadFieldId, "E0208", "bad-field-id", "A field id is an integer.";
    KeywordAsName, "E0209", "keyword-as-name", "Keywords of the IDL can name fields and arguments, nothing else.";
    DottedDeclaration, "E0210", "dotted-declaration", "A declared name has no dot.";
    RemovedKeyword, "E0211", "removed-keyword", "This word was part of the IDL once and is no more.";
    VoidNotAllowed, "E0212", "void-not-allowed", "Only a function can be `void`.";
    Unclosed, "E0213", "unclosed", "A bracket is never closed.";
    NestingTooDeep, "E0214", "nesting-too-deep", "Types, constants, typedef chains and service ancestry are nested at most 128 deep.";

    MissingInclude, "E0301", "missing-include", "The included file is neither beside the including one nor in an include directory.";
    UnreadableInclude, "E0302", "unreadable-include", "The included file exists and cannot be read.";
    IncludeCycle, "E0303", "include-cycle", "A file must not include itself, directly or by others.";
    NeedsMissingInclude, "E0304", "needs-missing-include", "No code can be made of what needs an included file that is missing.";

    DuplicateType, "E0401", "duplicate-type", "Types and services of a file share one set of names.";
    DuplicateConstant, "E0402", "duplicate-constant", "A constant is defined once in a file.";
    DuplicateFieldName, "E0403", "duplicate-field-name", "Names of fields are unique in their struct, argument list or throws list.";
    DuplicateFieldId, "E0404", "duplicate-field-id", "Ids of fields are unique in their struct, argument list or throws list.";
    DuplicateEnumValue, "E0405", "duplicate-enum-value", "Names of values are unique in their enum.";
    DuplicateFunction, "E0406", "duplicate-function", "Names of functions are unique in their service.";
    DuplicateInheritedFunction, "E0407", "duplicate-inherited-function", "A service cannot define a function of its ancestors again.";
    AmbiguousName, "E0408", "ambiguous-name", "Two included files with the same prefix define this name.";

    UnknownType, "E0501", "unknown-type", "No type of this name is defined here or in a directly included file.";
    ConstantUsedAsType, "E0502", "constant-used-as-type", "A constant is no type.";
    ServiceUsedAsType, "E0503", "service-used-as-type", "A service is no type.";
    TypedefCycle, "E0504", "typedef-cycle", "A typedef must not lead back to itself.";
    UnknownConstant, "E0505", "unknown-constant", "No constant or enum value of this name is defined here or in a directly included file.";
    ConstantCycle, "E0506", "constant-cycle", "The value of a constant must not depend on itself.";
    UnqualifiedEnumValue, "E0507", "unqualified-enum-value", "A value of an enum is written with the enum's name before it.";
    UnknownEnumValue, "E0508", "unknown-enum-value", "The enum has no value of this name.";
    UnknownService, "E0509", "unknown-service", "No service of this name is defined here or in a directly included file.";
    NotAService, "E0510", "not-a-service", "A service extends services only.";
    ServiceCycle, "E0511", "service-cycle", "A service must not extend itself, directly or by others.";
    TypeUsedAsConstant, "E0512", "type-used-as-constant", "A type is no constant.";
    TypeTooLarge, "E0513", "type-too-large", "A typedef, with the typedefs in it, stands for at most 256 types.";

    ConstMismatch, "E0601", "const-mismatch", "The value is not of the declared type.";
    ConstOutOfRange, "E0602", "const-out-of-range", "The number does not fit the declared type.";
    NoSuchEnumNumber, "E0603", "no-such-enum-number", "The enum has no value with this number.";
    BadUuid, "E0604", "bad-uuid", "A uuid is written `\"01234567-89ab-cdef-0123-456789abcdef\"`, in braces or not.";
    StructKeyNotString, "E0605", "struct-key-not-string", "The keys of a struct's value are the names of its fields, as strings.";
    UnknownField, "E0606", "unknown-field", "The struct has no field of this name.";
    DuplicateKey, "E0607", "duplicate-key", "A key of a map, or a field of a struct, is given once.";
    SeveralUnionMembers, "E0608", "several-union-members", "The value of a union gives at most one member.";
    ConstantTooLarge, "E0609", "constant-too-large", "Constants made of other constants have at most 1,048,576 parts in all.";
    DefaultTooLarge, "E0610", "default-too-large", "The default values of a struct, with those of the structs in them, have at most 1,048,576 parts.";
    DefaultCycle, "E0611", "default-cycle", "A default value must not contain itself, by the default values of the structs in it.";

    FieldIdOutOfRange, "E0701", "field-id-out-of-range", "A field id fits 16 bits with its sign.";
    EnumValueOutOfRange, "E0702", "enum-value-out-of-range", "The number of an enum value fits 32 bits with its sign.";
    UnionTwoDefaults, "E0703", "union-two-defaults", "At most one member of a union has a default value.";
    ThrowsNotException, "E0704", "throws-not-exception", "Only exceptions can be thrown.";
    ThrowsNamedSuccess, "E0705", "throws-named-success", "`success` is the name of the returned value in the result.";
    ThrowsIdZero, "E0706", "throws-id-zero", "0 is the id of the returned value in the result.";
    OnewayThrows, "E0707", "oneway-throws", "A oneway function has no reply, so it throws nothing.";

    TooManyErrors, "E0901", "too-many-errors", "There are more errors than are shown.";

    SeparatorNotAllowed, "P0001", "separator-not-allowed", "Apache's compiler takes no separator after headers and blocks.";
    HeaderAfterDefinition, "P0002", "header-after-definition", "Apache's compiler takes headers before the first definition only.";
    AnnotationNotAllowed, "P0003", "annotation-not-allowed", "Apache's compiler takes no annotation on constants and on types that are named.";
    ForwardReference, "P0004", "forward-reference", "Apache's compiler wants what values, throws and extends refer to defined before.";
    NonpositiveFieldId, "P0005", "nonpositive-field-id", "Apache's compiler gives another id to fields whose written id is not positive.";
    TypeInIncludeToo, "P0006", "type-in-include-too", "Apache's compiler refuses a type that an included file with the same namespaces defines too.";

    DuplicateInclude, "W0301", "duplicate-include", "The file is included already.";
    UnusedInclude, "W0302", "unused-include", "Nothing of the included file is used.";
    AmbiguousPrefix, "W0303", "ambiguous-prefix", "Two included files have the same base name, so the same prefix.";
    UnknownNamespaceScope, "W0304", "unknown-namespace-scope", "No generator is known by this name.";
    UnknownNamespaceSubscope, "W0305", "unknown-namespace-subscope", "The generator knows no such part of its scope.";
    DeprecatedNamespaceScope, "W0306", "deprecated-namespace-scope", "The scope has a newer name.";
    CaseOnlyDifference, "W0401", "case-only-difference", "Two names differ in upper and lower case only.";
    ConstantShadowsType, "W0402", "constant-shadows-type", "A constant and a type have the same name.";
    DuplicateEnumNumber, "W0403", "duplicate-enum-number", "Two values of an enum have the same number.";
    ReservedWord, "W0404", "reserved-word", "The name is a reserved word of a target language, so generated code renames it.";
    ExceptionAsType, "W0501", "exception-as-type", "An exception is used where a struct would be expected.";
    ListOfByte, "W0502", "list-of-byte", "`binary` holds bytes better than a list does.";
    RequiredCycle, "W0503", "required-cycle", "Required fields lead from a struct back to itself, so it has no finite value.";
    EnumQualifierIgnored, "W0601", "enum-qualifier-ignored", "The value is written with the name of another enum.";
    MissingRequiredField, "W0602", "missing-required-field", "The value of a struct lacks a required field.";
    DuplicateSetElement, "W0603", "duplicate-set-element", "An element of a set is given more than once.";
    EmptyContainerForm, "W0604", "empty-container-form", "`{}` stands for an empty list or set, or `[]` for an empty map or struct.";
    ImplicitFieldId, "W0701", "implicit-field-id", "Fields without ids get negative ones, which change when fields are moved.";
    MixedFieldIds, "W0702", "mixed-field-ids", "Some fields of the list have ids and some do not.";
    RequiredWithDefault, "W0703", "required-with-default", "A required field is always sent, so its default value is of little use.";
    RequiredInUnion, "W0704", "required-in-union", "Members of a union are optional whatever is written.";
    OptionalArgument, "W0705", "optional-argument", "`optional` has no meaning in a list of arguments.";
    RequirednessInThrows, "W0706", "requiredness-in-throws", "`required` and `optional` have no meaning in a throws list.";
    DuplicateThrowsType, "W0707", "duplicate-throws-type", "An exception is declared twice, so callers cannot tell the two apart.";
    EmptyEnum, "W0708", "empty-enum", "The enum has no value.";
    NegativeEnumValue, "W0709", "negative-enum-value", "The specification wants numbers of enum values to be non-negative.";
    OnewayReturns, "W0710", "oneway-returns", "A oneway function has no reply, so what it returns is lost.";
    DeprecatedXsd, "W0801", "deprecated-xsd", "The `xsd_` words have no effect in any current generator but `xsd`.";
    DeprecatedAsync, "W0802", "deprecated-async", "`async` is called `oneway` now.";
    DeprecatedCppTypePosition, "W0803", "deprecated-cpp-type-position", "`cpp_type` of a list stands before the `<`.";
}

impl Code {
    /// How grave a diagnostic with this code is.
    pub fn severity(self, dialect: Dialect) -> Severity {
        match (self.number().as_bytes().first(), dialect) {
            (Some(b'W'), _) | (Some(b'P'), Dialect::Extended) => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// Whether it is about text that Apache Thrift 0.25 would refuse or read differently.
    pub fn is_portability(self) -> bool {
        self.number().starts_with('P')
    }

    /// The code with this number or short name.
    pub fn find(number_or_name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number_or_name || code.name() == number_or_name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}
