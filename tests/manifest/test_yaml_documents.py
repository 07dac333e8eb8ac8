"""YAML documents: the document model of JSON, and nothing that readers of YAML understand differently."""

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from oneiric_core.errors import ManifestError
from oneiric_core.manifest import JSON, YAML, Limits, parse_document
from oneiric_core.manifest.yaml_reader import read_yaml

SAFE = 2**53 - 1

# PyYAML writes U+0085 in a way that it does not itself read back, and a byte order mark in one that we refuse.
text_values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x85\ufeff"), max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text_values
    | st.sampled_from(
        ["no", "1:30", "017", "2026-01-01", "1_000", "~", "null", "", "=", "<<", "0x1F", "1e3", ".5", "-"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text_values, inner, max_size=4),
    max_leaves=20,
)
plain = st.text("0123456789_:.+-eExXobBoOnNyYaAfFtTzZ=<~ lsuirI", min_size=1, max_size=12) | st.from_regex(
    r"[-+]?[0-9]{1,4}[-:._eE][-+]?[0-9]{0,3}([-:.Tt ][0-9]{1,2})?Z?", fullmatch=True
)


def parse(text: str, limits: Limits | None = None) -> dict[str, Any]:
    return parse_document(text.encode("utf-8"), YAML, limits or Limits())


def unless_refused_for_a_quote(text: str) -> dict[str, Any] | None:
    """What ``text`` says, or None where a number stands in it that YAML 1.1 takes for text, such as 1e+16 or 08."""
    try:
        return parse(text)
    except ManifestError as refused:
        value = re.match(r"the value '([-+.0-9a-fA-FoxX]+)' is read differently", refused.what)
        if value and isinstance(yaml.safe_load(value[1]), str):
            return None
        raise


yamlish = st.text(
    st.sampled_from([*"ab1:-?,[]{}'\"#|>%@!&*~\n\n   \t\\.", "\x85", "\u2028", "\ufeff", "\x07", "é"]), max_size=40
)


@given(yamlish)
@example("a: x\x85y")
@example("{a: [b, c], d: 'e''f'}")
@example("a:\n\ufeffb: c")  # the C parser skips the mark and nests b below a
@example("a: |\n  b\n c")
def test_what_is_accepted_means_what_the_published_package_reads(text: str) -> None:
    """Or it reads nothing: PyYAML's own parser refuses some tabs that the C one takes for blanks."""
    try:
        read = parse_document(text.encode("utf-8"), YAML)
        theirs = yaml.safe_load(text)
    except (ManifestError, yaml.YAMLError):
        return
    assert read == theirs


@given(st.dictionaries(text_values, json_values), st.booleans())
def test_what_pyyaml_writes_of_json_values_is_read_as_it_was_or_refused_for_a_quote(
    document: dict[str, Any], flow: bool
) -> None:
    """PyYAML writes without quotes what YAML 1.1 takes for text and 1.2 for a number."""
    text = yaml.safe_dump(document, allow_unicode=True, default_flow_style=flow)
    if (read := unless_refused_for_a_quote(text)) is not None:
        assert read == document


@given(st.dictionaries(text_values.filter(str.isprintable), json_values))
def test_json_is_yaml_and_means_the_same(document: dict[str, Any]) -> None:
    text = json.dumps(document).encode("utf-8")
    assume(b"\\ud" not in text)  # YAML has no escapes in two halves
    if (read := unless_refused_for_a_quote(text.decode("ascii"))) is not None:
        assert read == parse_document(text, JSON)


@given(plain)
@example("no")
@example("0o17")
@example("08")
@example("190:20:30.15")
@example("2026-01-01 12:00:00")
@example("1e3")
@example("1.5e3")
@example("685.230_15e+03")
@example("0b1010")
@example("+12e03")
def test_an_accepted_plain_scalar_means_what_pyyaml_makes_of_it(text: str) -> None:
    """PyYAML is what the published package signs by."""
    assume(": " not in text and not text.endswith(":"))
    try:
        read = parse(f"a: {text}\n")
    except ManifestError:
        return
    theirs = yaml.safe_load(f"a: {text}\n")
    assert read == theirs
    assert type(read["a"]) is type(theirs["a"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("NULL", None),
        ("~", None),
        ("", None),
        ("-12", -12),
        ("1.50", 1.5),
        ("1.5e+3", 1500.0),
        ("'017'", "017"),
        ('"no"', "no"),
        ("1.2.3", "1.2.3"),
        ("10.0.0.1", "10.0.0.1"),
        ("-x", "-x"),
        (".hidden", ".hidden"),
        ("north", "north"),
        ("y", "y"),
        ("oneiric.remote.samples:demo", "oneiric.remote.samples:demo"),
        ("'>=3.11'", ">=3.11"),
        ("a\n  b", "a b"),
        ("|\n  x\n  y\n", "x\ny\n"),
        ('"\\uFEFF"', "\ufeff"),
    ],
)
def test_scalars_mean_what_they_look_like(text: str, value: object) -> None:
    read = parse(f"a: {text}\n")["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "Yes",
        "ON",
        "off",
        "1:30",
        "017",
        "08",
        "0o17",
        "0x1F",
        "0b1",
        "1_000",
        "1_0.5",
        "+1",
        ".5",
        "5.",
        "1e3",
        "1.5e3",
        "-.5",
        ".inf",
        "-.INF",
        ".NaN",
        "2026-01-01",
        "2026-1-1T1:00:00Z",
        "=",
        "<<",
        "190:20:30",
    ],
)
def test_what_yaml_readers_read_differently_must_be_quoted(text: str) -> None:
    with pytest.raises(ManifestError, match="line 2 column 4") as refused:
        parse(f"b: 1\na: {text}\n")
    assert refused.value.fix == "Quote it"
    assert parse(f"a: '{text}'\n") == {"a": text}


@pytest.mark.parametrize("text", ["9007199254740992", "-9007199254740992", "9" * 5000, "1.0e+400"])
def test_numbers_json_cannot_say_must_be_quoted(text: str) -> None:
    with pytest.raises(ManifestError, match="beyond"):
        parse(f"a: {text}\n")


@pytest.mark.parametrize(
    ("text", "what", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3\n", "'a' stands twice", 3, 1),
        ('{a: 1, "a": 2}', "'a' stands twice", 1, 8),
        ("a: &x 1\nb: *x\n", "anchor &x", 1, 4),
        ("a: *x\n", "alias *x", 1, 4),
        ("a: &x [1]\n", "anchor &x", 1, 4),
        ("a: !!str 1\n", "tag tag:yaml.org,2002:str", 1, 4),
        ("a: !!python/object/apply:os.system ['true']\n", "tag tag:yaml.org,2002:python", 1, 4),
        ("a: !local x\n", "tag !local", 1, 4),
        ("a: ! x\n", "tag !", 1, 4),
        ("a: !!map {}\n", "tag tag", 1, 4),
        ("a:\n  <<: {b: 1}\n", "'<<' is read differently", 2, 3),
        ("1: a\n", "key 1 is not text", 1, 1),
        ("on: a\n", "read differently", 1, 1),
        ("~: a\n", "key None is not text", 1, 1),
        ("? [a]\n: b\n", "key [] is not text", 1, 3),
        ("? {a: b}\n: b\n", "key {} is not text", 1, 3),
        ("a: 1\n---\nb: 2\n", "second document", 2, 1),
        ("%YAML 1.1\n---\na: 1\n", "directive", 1, 1),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", "directive", 1, 1),
        ("a: 1\n...\n%TAG !x! y\n---\nb: 1\n", "directive", 3, 1),
        ("a: [1\n", "not YAML", 2, 1),
        ("a: b: c\n", "not YAML", 1, 5),
        ("a:\n\t- b\n", "not YAML", 2, 1),
        ("a: 1\nb: \ufeff2\n", "byte order mark", 2, 4),
        ("- a\n", "list, not a mapping", 1, 1),
        ("", "NoneType, not a mapping", 1, 1),
        ("# nothing\n", "NoneType, not a mapping", 1, 1),
    ],
)
def test_what_is_not_plain_data_is_refused_with_its_place(text: str, what: str, line: int, column: int) -> None:
    with pytest.raises(ManifestError) as refused:
        parse(text)
    assert what in str(refused.value)
    assert (refused.value.evidence["line"], refused.value.evidence["column"]) == (line, column)


def never(*_: object) -> None:
    raise AssertionError("a parser has seen it")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("before", ["", "# a comment", "a: 1{end}..."])
def test_no_parser_ever_sees_a_directive(before: str, end: str) -> None:
    """libyaml compares each %TAG with all before it: a megabyte of them keeps it, and all of Python, for a minute."""
    tags = "".join(f"%TAG !{number}! x{end}" for number in range(3))
    start = f"{before.format(end=end)}{end}" if before else ""
    with pytest.raises(ManifestError, match="a line begins with %, as a directive does"):
        read_yaml(f"{start}{tags}---{end}a: 1", Limits(), parser=never)  # type: ignore[arg-type] # it is never called


def test_a_sign_of_percent_within_a_line_is_text_like_any_other() -> None:
    assert parse("a: 5%\nb:\n  - '%TAG'\nc: |\n  %TAG\n") == {"a": "5%", "b": ["%TAG"], "c": "%TAG\n"}


def test_control_characters_are_refused() -> None:
    with pytest.raises(ManifestError, match="not YAML"):
        parse("a: \0\n")


def test_nesting_is_read_up_to_its_limit_and_not_beyond() -> None:
    def nested(depth: int) -> str:
        return "a: " + "[" * (depth - 1) + "]" * (depth - 1)

    assert parse(nested(64))
    with pytest.raises(ManifestError, match="deeper than 64 levels, line 1 column 67"):
        parse(nested(65))


@pytest.mark.parametrize("text", ["[" * 200_000, "{" * 200_000, "- " * 200_000, "? " * 200_000, "a: {" * 100_000])
def test_however_deep_it_nests_it_is_refused_without_recursion(text: str) -> None:
    with pytest.raises(ManifestError):
        parse(text)


def test_values_are_bounded() -> None:
    assert parse("a: [b, c]", Limits(max_nodes=5)) == {"a": ["b", "c"]}
    with pytest.raises(ManifestError, match="more values than the 4 allowed"):
        parse("a: [b, c]", Limits(max_nodes=4))


@pytest.mark.parametrize("parser", [yaml.SafeLoader, yaml.CSafeLoader])
def test_both_parsers_of_pyyaml_give_the_same_refusals(parser: type[Any]) -> None:
    limits = Limits()
    assert read_yaml("a: [1, {b: 'c'}]", limits, parser=parser) == {"a": [1, {"b": "c"}]}
    for text in ('a: "\\uD800"', "a: &x 1", "a: b: c", "a: \0", "a: [1", "a: 1\na: 2"):
        with pytest.raises(ManifestError):
            read_yaml(text, limits, parser=parser)


@pytest.mark.parametrize("name", ["application/yaml", "application/x-yaml", "text/yaml", "Text/X-YAML; charset=utf-8"])
def test_yaml_goes_by_several_names(name: str) -> None:
    assert parse_document(b"a: b", name) == {"a": "b"}
