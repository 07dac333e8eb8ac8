"""What is no wheel, and where one will be."""

from pathlib import Path

import pytest

from oneiric_core.errors import ArtifactError, ManifestError
from oneiric_core.publish import address_of, read_wheel

NAME = "zeta-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("name", "said"),
    [("zeta.zip", "not the name of a wheel"), ("zeta-1.0.whl", "not the name of a wheel"), (NAME, "is not a wheel")],
)
def test_what_is_no_wheel_is_refused(tmp_path: Path, name: str, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"not a zip")
    with pytest.raises(ArtifactError, match=said):
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
