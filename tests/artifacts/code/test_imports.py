"""Whatever code in an artifact does to find its own modules, data and name, it finds its own, or is told why not."""

import dataclasses
import gc
import importlib
import inspect
import logging
import pickle
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.errors import ActivationError

SIBLING = {"acme/other.py": "ANSWER = 'own'\n"}


@pytest.mark.parametrize(
    "statement",
    [
        "import acme.other as other",
        "import acme.other; other = acme.other",
        "import acme; import acme.other; other = acme.other",
        "from acme import other",
        "from acme.other import ANSWER; import acme; other = acme.other",
        "from . import other",
        "from .other import *; from . import other",
        "import importlib; other = importlib.import_module(__name__ + '.other')",
        "import importlib; other = importlib.import_module('.other', __package__)",
        "other = __import__('acme.other').other",
        "other = __import__('acme', fromlist=['other']).other",
        "other = __import__('other', globals(), locals(), (), 1)",
        "exec('import acme.other as other', globals())",
        "import pkgutil; [m] = pkgutil.walk_packages(__path__, __name__ + '.'); other = __import__(m[1], {}, {}, 'x')",
        "import importlib.util as u; other = u.module_from_spec(u.find_spec('.other', __name__)); other.ANSWER = 'own'",
    ],
)
def test_its_own_modules_are_found_however_it_imports_them(bench: Any, statement: str) -> None:
    inside = {"acme/__init__.py": f"{statement}\ndef answer():\n    return other.ANSWER\n", **SIBLING}
    assert bench.call(inside) == "own"
    if "*" not in statement and "exec" not in statement:
        lazily = f"def answer():\n    {statement}\n    return other.ANSWER\n"
        assert bench.call({"acme/__init__.py": lazily, **SIBLING}) == "own"


def test_modules_that_import_each_other_are_found(bench: Any) -> None:
    files = {
        "acme/__init__.py": "from acme.a import answer\n",
        "acme/a.py": "import acme.b\nVALUE = 1\ndef answer():\n    return acme.b.value()\n",
        "acme/b.py": "import acme.a as a\nfrom acme import a as b\ndef value():\n    return a.VALUE + b.VALUE\n",
    }
    assert bench.call(files, "acme.a:answer") == 2


def test_a_wheel_may_have_several_packages_modules_and_directories(bench: Any) -> None:
    files = {
        "acme/plain/deep/leaf.py": "import acme_tools, helper\ndef answer():\n    return acme_tools.N + helper.N\n",
        "acme_tools/__init__.py": "from helper import N as M\nN = M + 1\n",
        "helper.py": "N = 1\n",
    }
    assert bench.call(files, "acme.plain.deep.leaf:answer") == 3


def test_names_it_does_not_have_are_those_of_everybody(bench: Any) -> None:
    files = {"acme/__init__.py": "import json, pydantic.fields\ndef answer():\n    return json, pydantic.fields\n"}
    assert bench.call(files) == (importlib.import_module("json"), importlib.import_module("pydantic.fields"))


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("import acme.gone", ModuleNotFoundError),
        ("from acme import gone", ImportError),
        ("from . import gone", ImportError),
        ("from .gone import x", ModuleNotFoundError),
        ("from .. import other", ImportError),
        ("from ... import other", ImportError),
    ],
)
def test_modules_it_does_not_have_are_not_found(bench: Any, statement: str, kind: type[Exception]) -> None:
    text = (
        f"def answer():\n    try:\n        {statement}\n    except ImportError as error:\n        return type(error)\n"
    )
    assert bench.call({"acme/__init__.py": text, **SIBLING}) is kind
    assert bench.call({"helper.py": text.replace(statement, "from . import x")}, "helper:answer") is ImportError


@pytest.mark.parametrize(
    "statement",
    [
        "import importlib; importlib.import_module('zeta.other')",
        "import importlib.resources; importlib.resources.files('zeta')",
        "import pkgutil; pkgutil.get_data('zeta', 'other.py')",
        "import builtins; builtins.__import__('zeta.other')",
    ],
)
def test_to_ask_for_itself_by_its_public_name_is_an_error_that_says_so(bench: Any, statement: str) -> None:
    files = {"zeta/__init__.py": f"def answer():\n    {statement}\n", "zeta/other.py": ""}
    with pytest.raises(ModuleNotFoundError, match="by its public name, which code in an artifact does not have"):
        bench.call(files, "zeta:answer")
    with pytest.raises(ModuleNotFoundError, match="No module named 'zeta'"):
        importlib.import_module("zeta.other")


def test_it_may_ask_for_its_own_version_and_nobody_else_is_told(bench: Any) -> None:
    text = "from importlib.metadata import version\nVERSION = version('Acme')\ndef answer():\n    return VERSION\n"
    assert bench.call({"acme/__init__.py": text}, version="1.5") == "1.5"
    code = bench.code({"acme/__init__.py": text}, "2.5")
    pin = code.pin()
    assert code.load("acme:answer")
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("acme")
    assert importlib.metadata.version("pydantic")
    del pin


@pytest.mark.parametrize(
    "read",
    [
        "import importlib.resources as r; text = r.files(__package__).joinpath('data/a.txt').read_text()",
        "import importlib.resources as r; text = r.files(__name__ + '.data').joinpath('a.txt').read_text()",
        "import importlib.resources as r\n    from . import data\n    text = (r.files(data) / 'a.txt').read_text()",
        "import pkgutil; text = pkgutil.get_data(__name__, 'data/a.txt').decode()",
        "import pathlib; text = (pathlib.Path(__file__).parent / 'data/a.txt').read_text()",
        "import pathlib; text = (pathlib.Path(__path__[0]) / 'data/a.txt').read_text()",
    ],
)
def test_its_data_is_found(bench: Any, read: str) -> None:
    files = {"acme/__init__.py": f"def answer():\n    {read}\n    return text\n", "acme/data/a.txt": "data"}
    assert bench.call(files) == "data"


ITEM = """
import dataclasses, enum, typing
class Colour(enum.Enum):
    RED = 1
@dataclasses.dataclass
class Item:
    name: "str"
    colour: "Colour" = Colour.RED
class Pair(typing.NamedTuple):
    item: "Item"
class Cache:
    def item(self):
        return Item("a")
    def hints(self):
        return typing.get_type_hints(Item), typing.get_type_hints(Pair)
"""


def test_dataclasses_annotations_pickles_and_sources_work(bench: Any) -> None:
    code = bench.code({"acme/__init__.py": "", "acme/items.py": ITEM})
    pin = code.pin()
    made: Any = code.load("acme.items:Cache")
    item = made().item()
    assert dataclasses.asdict(item)["name"] == "a"
    assert made().hints()[0]["name"] is str
    assert pickle.loads(pickle.dumps(item)) == item  # noqa: S301 - our own
    assert inspect.getsource(made).startswith("class Cache:")
    assert inspect.getmodule(made) is sys.modules[made.__module__]
    assert Path(inspect.getfile(made)).is_relative_to(bench.store.root / "trees")
    assert made.__module__.endswith(".acme.items")
    del pin, item


def test_what_it_logs_reaches_who_listens_to_the_public_name(bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    text = "import logging\nlog = logging.getLogger(__name__)\ndef answer():\n    log.info('told')\n    return log\n"
    with caplog.at_level(logging.INFO, logger="acme"):
        log = bench.call({"acme/__init__.py": "", "acme/sub.py": text}, "acme.sub:answer")
    assert [record.getMessage() for record in caplog.records] == ["told"]
    assert log.parent.parent is logging.getLogger("acme")
    del log
    gc.collect()
    assert not [name for name in logging.root.manager.loggerDict if name.startswith("_oneiric_")]


def test_no_bytecode_is_written_into_the_tree(bench: Any) -> None:
    code = bench.code({"acme/__init__.py": "def answer(): pass\n"})
    assert code.load("acme:answer")
    assert sorted(each.name for each in bench.store.trees.path(code.sha256).rglob("*.pyc")) == []


EXTENSION = """
#include <Python.h>
static PyObject *encode(PyObject *self, PyObject *text) { return PyUnicode_FromFormat("<%U>", text); }
static PyMethodDef methods[] = {{"encode", encode, METH_O, ""}, {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "speed", "", 0, methods, MULTI ? slots : NULL};
PyMODINIT_FUNC PyInit_speed(void) { return MULTI ? PyModuleDef_Init(&module) : PyModule_Create(&module); }
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], dict[str, bytes]]:
    """A wheel's files with a module compiled just now, with multi-phase initialisation or not."""
    compiler = shutil.which("cc")
    include = Path(sysconfig.get_path("include"))
    if compiler is None or not (include / "Python.h").exists():
        pytest.skip("there is no C compiler here, or no Python.h for it")
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "speed.c").write_text(EXTENSION)

    def compile_it(multi: int) -> dict[str, bytes]:
        file = folder / f"speed{multi}.so"
        flags = ["-shared", "-fPIC", f"-DMULTI={multi}", f"-I{include}"]
        subprocess.run([compiler, *flags, str(folder / "speed.c"), "-o", str(file)], check=True)
        code = b"from acme import speed\ndef answer():\n    return speed.encode('a')\n"
        return {"acme/__init__.py": code, f"acme/speed{EXTENSION_SUFFIXES[0]}": file.read_bytes()}

    return compile_it


def test_compiled_code_with_multi_phase_initialisation_is_loaded(bench: Any, compiled: Any) -> None:
    files = compiled(1)
    assert bench.call(files) == "<a>"
    assert bench.call({**files, "acme/other.py": b""}, version="2.0") == "<a>"


def test_compiled_code_with_single_phase_initialisation_is_refused(bench: Any, compiled: Any) -> None:
    for _ in range(2):
        with pytest.raises(ActivationError, match="single-phase initialisation"):
            bench.call(compiled(0))
        assert not [name for name in sys.modules if name.endswith(".speed")]


def test_a_changed_extension_is_not_loaded(bench: Any, compiled: Any) -> None:
    code = bench.code(compiled(1))
    [path] = bench.store.trees.path(code.sha256).rglob("*.so")
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ActivationError, match="is not what was unpacked"):
        code.load("acme:answer")
