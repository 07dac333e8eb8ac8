"""A release whose parts are not about the same version and the same bytes is refused; and what its notes say."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from oneiric_core.errors import ArtifactError, ManifestError
from oneiric_core.manifest import RemoteManifest
from oneiric_core.publish import Wheel, find_package, generate_manifest, read_wheel
from oneiric_core.publish.agreement import Agreement, refuse_disagreement, version_of_tag
from oneiric_core.publish.notes import release_notes

MakeWheel = Callable[..., Path]
WHERE = "https://zeta.example/a%20b/zeta-2.1.0-py3-none-any.whl?x=y"


@pytest.mark.parametrize(
    ("tag", "version"),
    [("v1.4.0", "1.4.0"), ("refs/tags/v2.0rc1", "2.0rc1"), ("v1.0.post1", "1.0.post1"), ("v1!2.0", "1!2.0")],
)
def test_a_tag_names_a_version(tag: str, version: str) -> None:
    assert str(version_of_tag(tag)) == version


@pytest.mark.parametrize("tag", ["1.4.0", "v", "", "vnext", "v1.0+local", "refs/heads/v1.0", "V1.0", "release-1.0"])
def test_another_tag_does_not(tag: str) -> None:
    with pytest.raises(ManifestError, match="names no version"):
        version_of_tag(tag)


@pytest.fixture
def wheel(zeta: None, make_wheel: MakeWheel) -> Wheel:
    return read_wheel(make_wheel())


def manifest(wheel: Wheel, which: slice = slice(None), more: Sequence[dict[str, Any]] = (), **changes: Any) -> Any:
    """A manifest of the wheel; ``changes`` to those of its four entries that are meant."""
    document = generate_manifest([find_package("zeta")], version="2.1.0", source="zeta", wheels={WHERE: wheel})
    changed = [entry | changes for entry in document["entries"][which]]
    document["entries"][which] = changed
    return RemoteManifest.from_document(document | {"entries": [*document["entries"], *more]})


def test_what_agrees_is_the_version(wheel: Wheel) -> None:
    assert refuse_disagreement("v2.1.0", [wheel]) == Agreement(Version("2.1.0"))
    assert refuse_disagreement("v2.1", [wheel], manifest(wheel)) == Agreement(Version("2.1.0"))
    assert refuse_disagreement("v2.1.0", [wheel], manifest(wheel, length=None))
    assert refuse_disagreement("v2.1.0", [wheel], manifest(wheel, sha256=wheel.sha256.upper()))


ONE = slice(2, 3)


@pytest.mark.parametrize("which", [slice(None), ONE], ids=["all entries", "one of four"])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"uri": "https://zeta.example/zeta-2.0.0-py3-none-any.whl"},
            "from zeta-2.0.0-py3-none-any.whl, and zeta-2.1.0-py3-none-any.whl is what is released",
        ),
        ({"sha256": "0" * 64}, "from other bytes than zeta-2.1.0-py3-none-any.whl has"),
        ({"sha256": None}, "from other bytes"),
        ({"length": 1}, "from other bytes"),
        ({"uri": None}, "does not say that (adapter/cache|workflow/flow)/zeta is in zeta-2.1.0-py3-none-any.whl"),
        ({"uri": None, "factory": "zeta.make"}, "does not say that"),
        ({"version": "9.9.9"}, "in version 9.9.9, and zeta-2.1.0-py3-none-any.whl is 2.1.0"),
        ({"version": "not a version"}, "in version not a version"),
        ({"version": None}, "in version None"),
    ],
)
def test_a_manifest_about_something_else_is_refused(
    wheel: Wheel, changes: dict[str, Any], said: str, which: slice
) -> None:
    with pytest.raises(ManifestError, match=said):
        refuse_disagreement("v2.1.0", [wheel], manifest(wheel, which, **changes))


def test_what_is_of_another_package_is_told(wheel: Wheel) -> None:
    other = {"domain": "task", "key": "sum", "provider": "eta", "factory": "eta:make", "version": "7"}
    there = {**other, "provider": "theta", "uri": "https://theta.example/theta-7-py3-none-any.whl", "sha256": "0" * 64}
    found = refuse_disagreement("v2.1.0", [wheel], manifest(wheel, more=[other, there]))
    assert found.elsewhere == {"task/sum/eta": "", "task/sum/theta": "theta-7-py3-none-any.whl"}


def test_a_manifest_of_other_packages_only_is_refused(wheel: Wheel) -> None:
    changes = {"uri": "https://theta.example/theta.tar.gz", "factory": "theta:make"}
    with pytest.raises(ManifestError, match=r"offers nothing from zeta-2\.1\.0-py3-none-any\.whl"):
        refuse_disagreement("v2.1.0", [wheel], manifest(wheel, **changes))


def test_a_wheel_of_another_version_is_refused(wheel: Wheel) -> None:
    with pytest.raises(ManifestError, match=r"the tag says 2\.1\.1, and zeta-2\.1\.0-py3-none-any\.whl is 2\.1\.0"):
        refuse_disagreement("v2.1.1", [wheel])


def test_notes_are_made_of_what_changes_left_behind_and_leave_it_there(tmp_path: Path) -> None:
    (tmp_path / "towncrier.toml").write_text(
        '[tool.towncrier]\nname = "Zeta"\nfilename = "NEWS.md"\ndirectory = "news"\n'
    )
    fragments = tmp_path / "news"
    fragments.mkdir()
    (fragments / "+faster.feature.md").write_text("Twice as fast.")
    written = release_notes(tmp_path, Version("2.1.0"))
    assert "2.1.0" in written
    assert "Twice as fast." in written
    assert [path.name for path in fragments.iterdir()] == ["+faster.feature.md"]
    assert not (tmp_path / "NEWS.md").exists()


def test_a_project_without_notes_says_why(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"there is no pyproject\.toml or towncrier\.toml in"):
        release_notes(tmp_path, Version("1"))
    (tmp_path / "pyproject.toml").write_text("[tool")
    with pytest.raises(ArtifactError, match="towncrier makes no notes"):
        release_notes(tmp_path, Version("1"))
