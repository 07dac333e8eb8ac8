"""Text becomes a path through one door, and the door is judged for both families of systems."""

import ntpath
import posixpath
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oneiric_core.artifacts.confine import confine, sanitize_filename
from oneiric_core.errors import ArtifactError, PathTraversalError

ROOT = Path("/srv/root")

HOSTILE = {
    "empty": "",
    "dot": ".",
    "dots": "..",
    "dots inside": "a/../b",
    "dots at the end": "a/..",
    "dot inside": "a/./b",
    "empty name": "a//b",
    "trailing separator": "a/",
    "absolute": "/etc/passwd",
    "UNC": "//host/share/x",
    "UNC, Windows": "\\\\host\\share\\x",
    "drive": "C:\\x",
    "drive with slash": "C:/x",
    "drive-relative": "C:x",
    "long path": "\\\\?\\C:\\x",
    "device path": "\\\\.\\COM1",
    "backslash": "a\\b",
    "backslash dots": "..\\x",
    "file URL": "file://host/x",
    "file URL, local": "file:///etc/passwd",
    "stream": "x.whl:hidden",
    "stream, typed": "x::$DATA",
    "percent dots": "%2e%2e/x",
    "percent dot, mixed": ".%2E/x",
    "percent slash": "a%2fb",
    "percent slash dots": "..%2Fx",
    "percent backslash": "..%5cx",
    "percent twice": "%252e%252e/x",
    "percent slash twice": "..%252fx",
    "percent thrice": "%25252e%25252e/x",
    "percent colon": "C%3ax",
    "percent NUL": "x%00.whl",
    "percent u": "%u002e%u002e/x",
    "percent u slash": "a%u2215b",
    "percent u surrogate": "x%ud800",
    "overlong slash": "..%c0%afx",
    "overlong dot": "%c0%ae%c0%ae/x",
    "overlong of three bytes": "..%e0%80%afx",
    "overlong of four bytes": "..%f0%80%80%afx",
    "overlong as escaped bytes": "..\udcc0\udcafx",
    "fullwidth slash": "..\uff0fx",
    "fullwidth backslash": "..\uff3cx",
    "fullwidth dots": "\uff0e\uff0e/x",
    "one-dot leaders": "\u2024\u2024/x",
    "two-dot leader": "\u2025/x",
    "ellipsis": "\u2026/x",
    "fullwidth colon": "C\uff1ax",
    "account of": "\u2100",
    "fraction slash": "..\u2044x",
    "division slash": "..\u2215x",
    "big solidus": "..\u29f8x",
    "set minus": "..\u2216x",
    "fullwidth in percent": "..%ef%bc%8fx",
    "invisible between dots": ".\u200b./x",
    "invisible only": "\u200b",
    "right-to-left override": "\u202e..",
    "NUL": "x\0.whl",
    "newline": "x\ny",
    "delete": "x\x7fy",
    "C1 control": "x\x85y",
    "line separator": "x\u2028y",
    "lone surrogate": "x\ud800",
    "device": "NUL",
    "device, small": "con",
    "device with extension": "aux.txt",
    "device with extensions": "prn.tar.gz",
    "device with blank": "nul .txt",
    "device in a directory": "a/COM1/b",
    "device, superscript": "COM\u00b9",
    "device, fullwidth": "\uff23\uff2f\uff2e",
    "printer": "lpt9.log",
    "console input": "CONIN$",
    "clock": "clock$.txt",
    "trailing dot": "x.",
    "three dots": "...",
    "trailing space": "x ",
    "trailing no-break space": "x\u00a0",
    "trailing dot in a directory": "x./y",
    "percent trailing dot": "x%2e",
    "long name": "x" * 256,
    "long name in bytes": "\u00e9" * 128,
    "long path of short names": "/".join(["x" * 200] * 25),
}

PLAIN = [
    "x",
    "a/b/c.txt",
    ".hidden",
    "a..b",
    "..a/b",
    "acme_cache-1.0+local-py3-none-any.whl",
    "with blank.txt",
    "100%",
    "100%25",
    "50%off",
    "é/ü.txt",
    "½.txt",
    "日本語",
    "console",
    "null.txt",
    "com10",
    "x" * 255,
    "é" * 127,
    "~user",
    "-rf",
    "conX.txt",
    "nul\u1680.txt",  # a blank, but none that Windows drops
    "x" * 200 + "/" + "y" * 200,
]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_every_spelling_that_leaves_the_root_is_refused(text: str) -> None:
    with pytest.raises(PathTraversalError, match=r"^Path traversal: ") as caught:
        confine(ROOT, text)
    assert caught.value.evidence["text"] == text
    assert caught.value.evidence["rule"]
    assert isinstance(caught.value, ArtifactError | ValueError)


@pytest.mark.parametrize("text", PLAIN)
def test_plain_names_lie_below_the_root_as_written(text: str) -> None:
    assert confine(ROOT, text) == ROOT / text
    assert str(confine(ROOT, text)) == f"{ROOT}/{text}"


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("absolute", "is absolute"),
        ("UNC", "is absolute"),
        ("empty", "holds the name '', which stands for another directory"),
        ("dot inside", "holds the name '.', which stands for another directory"),
        ("dots", "holds the name '..', which stands for another directory"),
        ("drive-relative", "holds a colon, as drives, streams and URLs do"),
        ("percent slash", "holds a separator other than a plain /"),
        ("overlong slash", "decodes to bytes that are not UTF-8"),
        ("NUL", "holds control characters or surrogates"),
        ("device with extension", "holds 'aux.txt', a device on Windows"),
        ("trailing dot", "holds 'x.': Windows drops the trailing dot or space"),
        ("long name", "holds a name of more than 255 bytes"),
        ("long path of short names", "is longer than 4096 bytes"),
    ],
)
def test_a_refusal_names_the_rule(name: str, rule: str) -> None:
    with pytest.raises(PathTraversalError) as caught:
        confine(ROOT, HOSTILE[name])
    said = f"Path traversal: {HOSTILE[name][:100]!r} {rule}. Use a relative path of plain names with / between them."
    assert str(caught.value) == said
    assert dict(caught.value.evidence) == {"text": HOSTILE[name], "rule": rule}


def test_a_message_stays_short_however_long_the_text() -> None:
    with pytest.raises(PathTraversalError) as caught:
        confine(ROOT, "../" * 100_000)
    assert len(str(caught.value)) < 300


PREFIX = st.sampled_from(["", "/", "//", "\\", "\\\\", "C:", "C:\\", "\\\\?\\", "file://h/", "~/", "a", "\u200b", " "])
SEPARATOR = st.sampled_from(
    ["/", "\\", "%2f", "%2F", "%5c", "%252f", "%255C", "%c0%af", "%e0%80%af", "\uff0f", "\uff3c", "\u2044", "\u2215"]
)
DOTS = st.sampled_from(
    [
        "..",
        "...",
        "%2e%2e",
        ".%2e",
        "%252e%252e",
        "\uff0e\uff0e",
        "\u2025",
        "\u2024.",
        "%c0%ae%c0%ae",
        ".\u200b.",
        ".. ",
    ]
)
SUFFIX = st.sampled_from(["", "x", "x.", "x ", "x:y", "NUL", "etc/passwd", "\0", "%00"])


@st.composite
def climbing(draw: st.DrawFn) -> str:
    """Prefix, separator, dots, suffix and depth, in all combinations; always at least one step up."""
    separator = draw(SEPARATOR)
    steps = draw(st.lists(DOTS, min_size=1, max_size=5))
    inside = draw(st.lists(st.just("d"), max_size=2))
    return draw(PREFIX) + separator.join([*inside, *steps, draw(SUFFIX)])


@given(climbing())
def test_no_combination_of_spellings_climbs(text: str) -> None:
    with pytest.raises(PathTraversalError):
        confine(ROOT, text)


PIECES = st.sampled_from(
    [*"ab.%/\\: ~2ef5cC0", "..", "%2e", "%2f", "%5c", "%25", "\uff0f", "\u2025", "\u00bd", "NUL", "\u200b"]
)
READINGS = (lambda t: t, unquote, lambda t: unquote(unquote(t)), lambda t: unicodedata.normalize("NFKC", t))


@given(st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=12)))
@example("a%2e%2e")
def test_whatever_is_accepted_stays_inside_on_both_families_in_every_reading(text: str) -> None:
    """The systems' own rules for joining and normalising are the judges."""
    try:
        path = confine(ROOT, text)
    except PathTraversalError:
        return
    assert path.parts[: len(ROOT.parts)] == ROOT.parts
    for read in READINGS:
        for outer in READINGS:
            name = outer(read(text))
            assert "\0" not in name
            assert posixpath.normpath(posixpath.join("/r/s", name)).startswith("/r/s/")
            assert ntpath.normpath(ntpath.join("C:\\r\\s", name)).startswith("C:\\r\\s\\")
            assert len(ntpath.normpath(name).split("\\")) == len(text.split("/"))


@given(st.lists(PIECES, max_size=6).map("".join), st.lists(PIECES, max_size=6).map("".join))
def test_two_accepted_texts_never_mean_one_path(one: str, other: str) -> None:
    try:
        same = confine(ROOT, one) == confine(ROOT, other)
    except PathTraversalError:
        return
    assert same == (one == other)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("acme-1.0.whl", "acme-1.0.whl"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\x y", "C__x_y"),
        ("..", "_"),
        ("", "_"),
        ("\u200b", "_"),
        ("NUL.txt", "_NUL.txt"),
        ("COM\u00b9", "_COM1"),
        ("r\u00e9sum\u00e9.pdf", "r\u00e9sum\u00e9.pdf"),
        ("\uff41\uff42", "ab"),
        ("x" * 300, "x" * 255),
        ("x" * 254 + ".y", "x" * 254),
        ("\u00e9" * 200, "\u00e9" * 127),
        ("Xavier.X", "Xavier.X"),
    ],
)
def test_a_sanitised_name_resembles_its_text(text: str, name: str) -> None:
    assert sanitize_filename(text) == name


@given(st.one_of(st.text(), climbing(), st.sampled_from(list(HOSTILE.values()))))
@example("NUL." + "x" * 300)
@example("." * 255 + "NUL")
def test_sanitising_is_idempotent_and_its_result_is_one_safe_name(text: str) -> None:
    name = sanitize_filename(text)
    assert sanitize_filename(name) == name
    assert confine(ROOT, name).parent == ROOT


def test_a_path_may_have_4096_bytes_and_no_more(tmp_path: Path) -> None:
    """``PATH_MAX`` of Linux, which takes the longest of the common systems."""
    longest = "a" + "/".join(["a" * 127] * 32)
    assert len(longest) == 4096
    assert confine(tmp_path, longest) == tmp_path / longest
    with pytest.raises(PathTraversalError, match="is longer than 4096 bytes"):
        confine(tmp_path, f"a{longest}")
