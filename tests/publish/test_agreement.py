"""A release whose parts are not about the same version and the same bytes is refused; and what its notes say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from oneiric_core.errors import ArtifactError, ManifestError
from oneiric_core.manifest import RemoteManifest
from oneiric_core.publish import Wheel, find_package, generate_manifest, read_wheel
from oneiric_core.publish.agreement import refuse_disagreement, version_of_tag
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


def manifest(wheel: Wheel, **changes: Any) -> RemoteManifest:
    document = generate_manifest([find_package("zeta")], version="2.1.0", source="zeta", wheels={WHERE: wheel})
    return RemoteManifest.from_document(document | {"entries": [entry | changes for entry in document["entries"]]})


def test_what_agrees_is_the_version(wheel: Wheel) -> None:
    assert refuse_disagreement("v2.1.0", [wheel]) == Version("2.1.0")
    assert refuse_disagreement("v2.1", [wheel], manifest(wheel)) == Version("2.1.0")
    assert refuse_disagreement("v2.1.0", [wheel], manifest(wheel, length=None))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"uri": "https://zeta.example/zeta-2.0.0-py3-none-any.whl"}, "from zeta-2.0.0-py3-none-any.whl, which is not"),
        ({"sha256": "0" * 64}, "from other bytes than zeta-2.1.0-py3-none-any.whl has"),
        ({"length": 1}, "from other bytes"),
        ({"uri": None}, "offers nothing from zeta-2.1.0-py3-none-any.whl"),
    ],
)
def test_a_manifest_about_something_else_is_refused(wheel: Wheel, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ManifestError, match=said):
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
