"""What the documents say is what happens."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
FOUND = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def has_blocks(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return len(re.findall(r"^```", text, re.MULTILINE)) > 2 * text.count("```{toctree}")


def marked(path: Path) -> Any:
    marks = [pytest.mark.long] if "<!-- long -->" in path.read_text(encoding="utf-8") else []
    return pytest.param(path, id=path.relative_to(ROOT).as_posix(), marks=marks)


DOCUMENTS = [marked(path) for path in sorted(FOUND) if "_build" not in path.parts and has_blocks(path)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_runs_as_it_is_written(document: Path, tell: Callable[[Path], int]) -> None:
    assert tell(document) > 0


def a_document(folder: Path, text: str) -> Path:
    path = folder / "document.md"
    path.write_text(text.replace("~~~", "```"), encoding="utf-8")
    return path


WRONG = {
    "a command that fails": ("~~~console\n$ false\n~~~\n", "ended with 1, not 0"),
    "a command that should fail": ("<!-- exit 1 -->\n~~~console\n$ true\n~~~\n", "ended with 0, not 1"),
    "another output": ("~~~console\n$ echo one\ntwo\n~~~\n", "expected:\ntwo"),
    "output that goes on": ("~~~console\n$ echo one; echo two\none\n~~~\n", "printed:\none\ntwo"),
    "a second command": ("~~~console\n$ true\n$ false\n~~~\n", "ended with 1"),
    "python that raises": ("~~~python\nassert 1 == 2, 'no'\n~~~\n", "no"),
    "a prompt with another answer": ("~~~python\n>>> 1 + 1\n3\n\n~~~\n", "Got:"),
    "a block nothing runs": ("~~~console\n$ true\n~~~\n\n~~~rust\nfn\n~~~\n", "nothing runs a rust block"),
    "a plain block": ("~~~\nplain\n~~~\n", "nothing runs a plain block"),
    "a target that make lacks": ("<!-- dry -->\n~~~console\n$ make nonsense\n~~~\n", "ended with 2"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_a_document_that_is_wrong_is_found_out(
    tmp_path: Path, tell: Callable[[Path], int], text: str, said: str
) -> None:
    with pytest.raises(AssertionError, match=re.escape(said)):
        tell(a_document(tmp_path, text))


def test_a_command_goes_on_after_a_backslash(tmp_path: Path, tell: Callable[[Path], int]) -> None:
    text = "~~~console\n$ echo one \\\n    two\none two\n$ echo \\\n  \\\n  three\nthree\n~~~\n"
    assert tell(a_document(tmp_path, text)) == 1


def test_files_are_written_and_dots_stand_for_anything(tmp_path: Path, tell: Callable[[Path], int]) -> None:
    text = (
        "~~~{code-block} python\n:caption: one/two.py\nprint('first')\nprint('second', 2)\n~~~\n"
        "~~~console\n$ python one/two.py\n...\nsecond ...\n~~~\n"
    )
    assert tell(a_document(tmp_path, text)) == 2
