"""Code by digest: versions side by side, each running its own; gone when the last that needs it is gone."""

import gc
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from oneiric_core.artifacts.modules import load_code
from oneiric_core.components import CodeReference
from oneiric_core.errors import ActivationError, ArtifactError, UnsafeWheelError
from oneiric_core.testing import BadWheel, bad_wheel, make_wheel


def version(number: int) -> dict[str, str]:
    """A package whose every module knows its version, some of them imported only when they are needed."""
    return {
        "acme/__init__.py": f"VERSION = {number}\n",
        "acme/cache.py": (
            "import acme\n"
            "from acme.eager import EAGER\n"
            "class Cache:\n"
            "    def told(self):\n"
            "        import acme.late\n"
            "        from acme import later\n"
            "        from .inner import latest\n"
            "        return [acme.VERSION, EAGER, acme.late.LATE, later.LATER, latest.LATEST]\n"
        ),
        "acme/eager.py": f"EAGER = {number}\n",
        "acme/late.py": f"LATE = {number}\n",
        "acme/later.py": f"LATER = {number}\n",
        "acme/inner/latest.py": f"LATEST = {number}\n",
    }


def test_two_versions_live_side_by_side_each_running_its_own_code(bench: Any) -> None:
    """What the first imports for the first time when the second is in use is still its own."""
    first, second = bench.code(version(1)), bench.code(version(2), "2.0")
    installed, pins = sys.modules.get("acme"), (first.pin(), second.pin())
    one: Any = first.load("acme.cache:Cache")
    two: Any = second.load("acme.cache:Cache")
    assert two().told() == [2] * 5
    assert one().told() == [1] * 5
    assert sys.modules.get("acme") is installed
    del pins


def test_an_installed_version_lives_beside_it(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site").mkdir()
    for name, text in version(0).items():
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path / "site")
    info = tmp_path / "site" / "acme-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 0\n")
    (info / "RECORD").write_text("acme/__init__.py,,\n")
    installed: Any = __import__("acme.cache").cache.Cache()
    try:
        code = bench.code(version(1))
        pin = code.pin()
        brought: Any = code.load("acme.cache:Cache")
        assert (brought().told(), installed.told()) == ([1] * 5, [0] * 5)
        del pin, brought, code
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "acme"]:
            del sys.modules[name]


def test_nothing_is_imported_before_it_is_asked_for(bench: Any) -> None:
    code = bench.code({"acme/__init__.py": "raise RuntimeError('imported')\n", "acme/cache.py": "Cache = 1\n"})
    reference = code.reference("acme.cache:Cache")
    assert bench.left_behind() == []
    with pytest.raises(ActivationError, match=r"importing acme.cache raised RuntimeError: imported \(in acme 1.0"):
        reference.load()


def test_modules_leave_with_the_last_pin_and_are_garbage_with_the_last_instance(bench: Any) -> None:
    code = bench.code(version(1))
    first, second = code.pin(), code.pin()
    loaded: Any = code.load("acme.cache:Cache")
    module = weakref.ref(sys.modules[loaded.__module__])
    instance = loaded()
    del first
    assert loaded.__module__ in sys.modules
    del second
    assert bench.left_behind() == []
    assert module() is not None
    assert instance.told() == [1] * 5, "an instance that somebody still has runs its own code, also what it imports now"
    assert bench.left_behind() == []
    del instance, loaded, code
    gc.collect()
    assert module() is None


def test_the_same_bytes_are_the_same_code_whoever_brings_them(bench: Any) -> None:
    first, second = bench.code(version(1)), bench.code(version(1))
    pin = first.pin()
    assert first.load("acme.cache:Cache") is second.load("acme.cache:Cache")
    assert first.reference("acme.cache:Cache") == second.reference("acme.cache:Cache")
    assert first.reference("acme.cache:Cache") != bench.code(version(2)).reference("acme.cache:Cache")
    assert repr(first.reference("acme.cache:Cache")) == "acme.cache:Cache"
    del pin


def test_what_was_unloaded_is_loaded_anew(bench: Any) -> None:
    code = bench.code({"acme/__init__.py": "made = []\ndef answer():\n    made.append(1)\n    return len(made)\n"})
    assert [code.reference("acme:answer")(), code.reference("acme:answer")()] == [1, 2]
    del code
    gc.collect()
    again = bench.code({"acme/__init__.py": "made = []\ndef answer():\n    made.append(1)\n    return len(made)\n"})
    assert again.reference("acme:answer")() == 1


@pytest.mark.parametrize("path", ["os:system", "acme.gone:X", "acme_:X", "acmeevil.cache:Cache", "acme.cache.gone:X"])
def test_a_factory_lies_in_the_artifacts_own_packages(bench: Any, path: str) -> None:
    code = bench.code(version(1))
    assert isinstance(code.reference(" acme.cache : Cache "), CodeReference)
    with pytest.raises(ActivationError, match="is not in the artifact") as caught:
        code.reference(path)
    assert "acme 1.0" in str(caught.value)


@pytest.mark.parametrize(
    "path", ["acme:OrderedDict", "acme:system", "acme:os", "acme:os.system", "acme:Cache.__class__"]
)
def test_code_of_others_is_not_reached_through_it(bench: Any, path: str) -> None:
    files = {"acme/__init__.py": "import os\nfrom os import system\nfrom collections import OrderedDict\nX = 1\n"}
    code = bench.code(files)
    with pytest.raises(ActivationError):
        code.load(path)


@pytest.mark.parametrize("failure", ["raise ValueError('no')", "raise SystemExit", "import no_such_module", "x ="])
def test_a_failed_import_leaves_nothing_behind(bench: Any, failure: str) -> None:
    files = {"acme/__init__.py": "", "acme/cache.py": f"import acme.eager\n{failure}\n", "acme/eager.py": ""}
    with pytest.raises(ActivationError, match=r"importing acme\.cache raised"):
        bench.code(files).load("acme.cache:Cache")
    assert bench.left_behind() == []


def test_a_changed_file_does_not_run(bench: Any) -> None:
    """Whoever could change the tree after it was verified gets nowhere: each source is looked at as it is loaded."""
    code = bench.code(version(1))
    path = bench.store.trees.path(code.sha256) / "acme" / "cache.py"
    path.chmod(0o600)
    path.write_text("class Cache: changed = True\n")
    with pytest.raises(ActivationError, match="is not what was unpacked"):
        code.load("acme.cache:Cache")


def test_a_damaged_tree_is_unpacked_anew(bench: Any) -> None:
    sha256 = bench.code(version(1)).sha256
    tree = bench.store.trees.path(sha256)
    (tree / "acme").chmod(0o700)
    (tree / "acme" / "planted.py").write_text("")
    code = load_code(bench.store, sha256)
    assert not (tree / "acme" / "planted.py").exists()
    with pytest.raises(ActivationError):
        code.reference("acme.planted:x")


def test_a_hostile_wheel_is_refused_before_anything_is_written(bench: Any) -> None:
    with pytest.raises(UnsafeWheelError):
        load_code(bench.store, bench.add(bad_wheel(BadWheel.CLIMBING)))
    assert not (bench.store.root / "trees").exists() or not [*(bench.store.root / "trees").iterdir()]
    assert load_code(bench.store, bench.add(make_wheel())).wheel.top_levels == {"acme"}


def test_a_wheel_for_another_system_is_refused(bench: Any) -> None:
    with pytest.raises(ArtifactError, match="is a wheel for cp27-cp27m-plan9"):
        bench.code({"acme/__init__.py": ""}, tag="cp27-cp27m-plan9")


def test_an_artifact_that_is_not_there_is_an_error(bench: Any) -> None:
    with pytest.raises(ArtifactError, match="is not in the cache"):
        load_code(bench.store, "0" * 64)


def test_its_files_are_kept_from_eviction_while_it_is_alive(bench: Any) -> None:
    code = bench.code(version(1))
    locks = bench.store.root / "locks"
    pin = code.pin()
    held: Any = code.load("acme.cache:Cache")
    del code, pin
    gc.collect()
    assert [each.name.partition(".")[2] for each in locks.iterdir()] == ["using"]
    del held
    gc.collect()
    assert [*locks.iterdir()] == []


def test_many_threads_load_and_unload_one_artifact_at_once(bench: Any) -> None:
    sha256 = bench.code(version(1)).sha256
    barrier, wrong = threading.Barrier(4), []

    def work() -> None:
        barrier.wait()
        for _ in range(5):
            code = load_code(bench.store, sha256)
            pin = code.pin()
            loaded: Any = code.load("acme.cache:Cache")
            if loaded().told() != [1] * 5:
                wrong.append(loaded)
            del pin, loaded, code

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
