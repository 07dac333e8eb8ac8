"""What is no wheel, and where one will be."""

from pathlib import Path

import pytest

from oneiric_core import scan_wheel
from oneiric_core.errors import ArtifactError, ManifestError, UnsafeWheelError
from oneiric_core.publish import address_of, read_wheel
from oneiric_core.testing import BadWheel, bad_wheel, make_wheel

NAME = "zeta-1.0-py3-none-any.whl"


@pytest.mark.parametrize("name", ["zeta.zip", "zeta-1.0.whl"])
def test_what_has_not_the_name_of_a_wheel_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match="not the name of a wheel"):
        read_wheel(tmp_path / name)


@pytest.mark.parametrize(
    "content", [b"not a zip", make_wheel({"json/__init__.py": ""}, "zeta"), bad_wheel(BadWheel.PTH, name="zeta")]
)
def test_what_runtimes_would_refuse_is_not_offered_to_them(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / NAME
    path.write_bytes(content)
    with pytest.raises(UnsafeWheelError):
        read_wheel(path)


@pytest.mark.parametrize("name", ["sitecustomize", "oneiric_core", "Json"])
def test_names_that_every_runtime_has_taken_are_refused_in_what_is_offered(tmp_path: Path, name: str) -> None:
    path = tmp_path / NAME
    path.write_bytes(make_wheel({f"{name}/__init__.py": ""}, "zeta"))
    with pytest.raises(UnsafeWheelError, match=name) as refused:
        read_wheel(path)
    with pytest.raises(UnsafeWheelError) as there, path.open("rb") as file:
        scan_wheel(file)
    assert str(refused.value) == str(there.value)
    assert read_wheel(path, offered=False).name == "zeta"


def test_a_wheel_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(make_wheel({"zeta.py": ""}, "zeta", "1.1"))
    with pytest.raises(ArtifactError, match=r"is a wheel of zeta 1\.1"):
        read_wheel(path)


def test_a_wheel_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="No such file"):
        read_wheel(tmp_path / NAME)


def test_a_place_that_ends_in_a_slash_gets_the_name_of_the_wheel() -> None:
    assert address_of(NAME, "https://zeta.example/wheels/") == f"https://zeta.example/wheels/{NAME}"
    assert address_of(NAME, f"https://zeta.example/{NAME}") == f"https://zeta.example/{NAME}"
    assert address_of(NAME, f"file:///srv/{NAME}") == f"file:///srv/{NAME}"


@pytest.mark.parametrize(
    "url",
    ["zeta.example/", "ftp://zeta.example/", "https:///", "https://zeta.example/other.whl", f"s3://bucket/{NAME}", ""],
)
def test_a_place_that_nobody_could_fetch_it_from_is_refused(url: str) -> None:
    with pytest.raises(ManifestError):
        address_of(NAME, url)
