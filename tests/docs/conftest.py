"""Documents as stories: every block of code in one is run, in order, in a directory that starts out empty.

- ``python`` blocks are executed; those with prompts are compared with what they print.
- blocks with a ``:caption:`` are files that the reader writes, and are written under that name.
- ``console`` blocks are run by a shell, line by line where there is a ``$``; the lines after it are what is printed,
  ``...`` standing for anything. A comment before the block says what is out of the ordinary: ``<!-- exit 1 -->`` (the
  commands end so), ``<!-- in acme -->`` (in the example repository), ``<!-- dry -->`` (make says what it would do).

``<!-- long -->`` anywhere in a document marks its test so. Any other block, one in another language say, is an error.
"""

import doctest
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from sybil import Document, Example, Region
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from sybil.parsers.myst.lexers import DirectiveLexer

ROOT = Path(__file__).resolve().parents[2]
FILES = ("json", "toml", "yaml")
LANGUAGES = ("python", "console", *FILES)
SECONDS = 300

_FENCES = FencedCodeBlockLexer(language=r"\w*", mapping={"language": "arguments", "source": "source"})
_DIRECTIVES = DirectiveLexer(directive=r"code-block|code", arguments=r"\w+")
_PROMPTS = DocTestStringParser(DocTestEvaluator(doctest.ELLIPSIS))
_SCRIPT = """#!{python}
import sys
from importlib.metadata import entry_points
(point, *_) = entry_points(group="console_scripts", name={name!r})
sys.exit(point.load()())
"""


class Story:
    """One document and the directory it happens in."""

    def __init__(self, document: Path, here: Path, tools: Path) -> None:
        self._document = document
        self._here = here
        self._tools = tools

    def tell(self) -> int:
        """Run all blocks; how many there were.

        :raises AssertionError: or what a block raises, at the first one that is not as it is written.
        """
        document = Document.parse(str(self._document), self._parse)
        examples = list(document.examples())
        for example in examples:
            example.evaluate()
        return len(examples)

    def _parse(self, document: Document) -> Iterable[Region]:
        for region in (*_FENCES(document), *_DIRECTIVES(document)):
            language, source = region.lexemes["arguments"], region.lexemes["source"]
            caption = (region.lexemes.get("options") or {}).get("caption")
            region.parsed = source
            if language not in LANGUAGES or (language in FILES and not caption):
                line = document.line_column(region.start)
                raise AssertionError(f"{document.path}, {line}: nothing runs a {language or 'plain'} block")
            if caption:
                region.evaluator = self._write
            elif language == "console":
                region.evaluator = self._run
            elif source.startswith(">>>"):
                for prompt in _PROMPTS(source, document.path):
                    prompt.adjust(region, source)
                    yield prompt
                continue
            else:
                region.evaluator = PythonEvaluator()
            yield region

    def _write(self, example: Example) -> None:
        path = self._here / example.region.lexemes["options"]["caption"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example.parsed, encoding="utf-8")

    def _run(self, example: Example) -> str:
        notes = re.search(r"((?:<!-- [\w ]+ -->\s*)*)$", example.document.text[: example.start])
        said = set(re.findall(r"<!-- ([\w ]+) -->", notes[1] if notes else ""))
        wanted = next((int(note.removeprefix("exit ")) for note in said if note.startswith("exit ")), 0)
        where = self._acme() if "in acme" in said else ROOT if "dry" in said else self._here
        for command, expected in _commands(example.parsed):
            done = subprocess.run(
                ["bash", "-euc", command],
                cwd=where,
                env=self._environment("n" if "dry" in said else ""),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            if done.returncode != wanted:
                return f"$ {command}\nended with {done.returncode}, not {wanted}:\n{done.stdout}"
            if expected and not _matches(expected, done.stdout):
                return f"$ {command}\nexpected:\n{expected}\nprinted:\n{done.stdout}"
        return ""

    def _acme(self) -> Path:
        copy = self._here / "acme"
        if not copy.exists():
            shutil.copytree(ROOT / "conformance" / "acme", copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            install = ["pip", "install", "--quiet", "--no-deps", "--editable", "."]
            subprocess.run(install, cwd=copy, env=self._environment(), check=True, timeout=SECONDS)
        return copy

    def _environment(self, make: str = "") -> dict[str, str]:
        """What a reader's shell would have, and nothing of the run this is part of."""
        return {
            "PATH": os.pathsep.join((str(self._tools), os.environ.get("PATH", os.defpath))),
            "HOME": str(self._here),
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "PYTEST_ADDOPTS": "-p no:asyncio",  # a plugin that the reader does not have
            "MAKEFLAGS": make,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this one upside down: no isolation
        }


def _commands(block: str) -> Iterable[tuple[str, str]]:
    """Each command of a console block with what it is said to print."""
    assert block.startswith("$ "), f"a console block starts with a command: {block}"
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        match = re.match(r"((?:.*\\\n)*.*)\n?", part)  # a line that ends in a backslash goes on
        assert match is not None
        yield match[1], part[match.end() :].strip("\n")


def _matches(expected: str, printed: str) -> bool:
    lines = (r"(?:.*\n)*?" if line.strip() == "..." else _line(line) for line in expected.splitlines())
    return re.fullmatch("".join(lines), printed.strip("\n") + "\n") is not None


def _line(text: str) -> str:
    return re.escape(text.rstrip()).replace(r"\.\.\.", ".*") + r"[ ]*\n"


@pytest.fixture
def tell(tmp_path: Path) -> Callable[[Path], int]:
    """Tell the story of a document, in an environment of its own that has what this one has; how many blocks it had."""
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    tools = home / "bin"
    (packages,) = home.glob("lib/python*/site-packages")
    shared = [ROOT, ROOT / "conformance", *(path for path in map(Path, sys.path) if path.name == "site-packages")]
    (packages / "shared.pth").write_text("".join(f"{path}\n" for path in shared), encoding="utf-8")
    for name in ("pip", "pytest", "oneiric-core"):
        script = tools / name
        script.write_text(_SCRIPT.format(python=tools / "python", name=name), encoding="utf-8")
        script.chmod(0o755)
    here = tmp_path / "here"
    here.mkdir()
    return lambda document: Story(document, here, tools).tell()
