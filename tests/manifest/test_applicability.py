"""An entry that cannot run here is skipped with its reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneiric_core.errors import ManifestError
from oneiric_core.manifest import RemoteManifest
from oneiric_core.manifest.applicability import Environment, why_not_here

INSTALLED = {"redis": "5.2", "acme-legacy": "1.0", "odd": "not a version", "early": "2.0rc1"}
HERE = Environment("3.11.4", "linux", INSTALLED.get)


def reason(**fields: object) -> str:
    entry = {"domain": "task", "key": "k", "provider": "p", "factory": "a:b"} | fields
    return why_not_here(RemoteManifest.from_document({"entries": [entry]}).entries[0], HERE)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"python_version": ">=3.11,<4", "os_platform": ["darwin", "linux"], "requires": ["redis>=5"]},
        {"python_version": None, "os_platform": None},
        {"os_platform": []},
        {"os_platform": ["Linux"]},
        {"requires": ["redis"]},
        {"requires": ["redis[hiredis]>=5,<6"]},
        {"requires": ["absent; python_version < '3.11'"]},
        {"requires": ["absent; sys_platform == 'win32'"]},
        {"requires": ["early>=2.0rc1"]},
        {"requires": ["odd"]},
        {"conflicts_with": ["redis<5", "absent"]},
        {"conflicts_with": ["redis; python_version < '3.11'"]},
        {"conflicts_with": ["odd>=1"]},
    ],
)
def test_an_entry_that_can_run_has_no_reason_not_to(fields: dict[str, object]) -> None:
    assert reason(**fields) == ""


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"python_version": ">=3.12"}, "it needs Python >=3.12, and this is 3.11.4"),
        ({"os_platform": ["windows", "macOS"]}, "it runs on win32, darwin, and this is linux"),
        ({"requires": ["redis", "absent>=1"]}, "it requires absent>=1, and here is no absent"),
        ({"requires": ["redis>=6"]}, "it requires redis>=6, and here is redis 5.2"),
        ({"requires": ["odd>=1"]}, "it requires odd>=1, and here is odd not a version"),
        ({"conflicts_with": ["acme-legacy<2"]}, "it conflicts with acme-legacy<2, and here is acme-legacy 1.0"),
        ({"conflicts_with": ["early<3"]}, "it conflicts with early<3, and here is early 2.0rc1"),
    ],
)
def test_an_entry_that_cannot_run_says_why(fields: dict[str, object], why: str) -> None:
    assert reason(**fields) == why


def test_a_name_for_windows_and_for_the_mac_is_understood() -> None:
    entry = {"domain": "task", "key": "k", "provider": "p", "factory": "a:b", "os_platform": ["Windows"]}
    parsed = RemoteManifest.from_document({"entries": [entry]}).entries[0]
    assert why_not_here(parsed, Environment("3.11.4", "win32", INSTALLED.get)) == ""
    assert "win32" in why_not_here(parsed, Environment("3.11.4", "darwin", INSTALLED.get))


@pytest.mark.parametrize(
    ("marker", "asked"),
    [
        ("python_version == '3.99'", True),
        ("python_full_version == '3.99.5'", True),
        ("sys_platform == 'plan9'", True),
        ("python_version == '3.99.5'", False),
        ("sys_platform == 'linux'", False),
    ],
)
def test_a_marker_is_about_the_environment_and_not_about_this_process(marker: str, asked: bool) -> None:
    entry = {"domain": "task", "key": "k", "provider": "p", "factory": "a:b", "requires": [f"absent; {marker}"]}
    parsed = RemoteManifest.from_document({"entries": [entry]}).entries[0]
    assert bool(why_not_here(parsed, Environment("3.99.5", "plan9", INSTALLED.get))) is asked


def test_an_early_release_is_one_that_can_run_things() -> None:
    """Of Python, and of what is required: whoever runs one has chosen it."""
    entry = {"domain": "task", "key": "k", "provider": "p", "factory": "a:b", "python_version": ">=3.13"}
    parsed = RemoteManifest.from_document({"entries": [entry | {"requires": ["early>=1"]}]}).entries[0]
    assert why_not_here(parsed, Environment("3.14.0rc1", "linux", INSTALLED.get)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "foo; sys_platform ~= 'linux'",
        "foo; 'linux' ~= sys_platform",
        "foo; sys_platform == 'win32' or sys_platform ~= 'linux'",
        "foo; os_name === 'posix' or os_name ~= 'posix'",
    ],
)
@pytest.mark.parametrize("field", ["requires", "conflicts_with"])
def test_a_marker_without_an_answer_is_a_reason_to_skip_the_entry(field: str, text: str) -> None:
    assert reason(**{field: [text]}) == f"it names {text}, and the marker has no meaning here"


def test_a_marker_is_not_asked_where_something_else_decides() -> None:
    fields = {"python_version": ">=3.12", "requires": ["foo; sys_platform ~= 'linux'"]}
    assert reason(**fields) == "it needs Python >=3.12, and this is 3.11.4"


marker_words = st.sampled_from(
    ["python_version", "python_full_version", "sys_platform", "os_name", "platform_release", "platform_version",
     "implementation_version", "extra", "extras", "dependency_groups", "'linux'", "'3.11'", "'5.10-foo'", "''"]
)  # fmt: skip
marker_signs = st.sampled_from(["==", "!=", "<", ">=", "~=", "===", "in", "not in"])
markers = st.lists(st.tuples(marker_words, marker_signs, marker_words).map(" ".join), min_size=1, max_size=3)


@given(
    st.sampled_from(["redis", "absent[x]>=1", "odd @ https://acme.test/p.whl", "early<1.*"]),
    markers.map(" or ".join) | markers.map(" and ".join) | st.text(max_size=20),
    st.sampled_from(["requires", "conflicts_with"]),
)
def test_whatever_an_entry_asks_there_is_an_answer(what: str, marker: str, field: str) -> None:
    entry = {"domain": "task", "key": "k", "provider": "p", "factory": "a:b", field: [f"{what}; {marker}"]}
    try:
        parsed = RemoteManifest.from_document({"entries": [entry]}).entries[0]
    except ManifestError:
        return
    assert isinstance(why_not_here(parsed, HERE), str)
