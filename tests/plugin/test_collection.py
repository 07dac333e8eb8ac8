"""How the suite stands in an author's own tree of tests, and how parts of it are named."""

import pytest

from oneiric_conformance import CHECKS

pytestmark = pytest.mark.slow

ASK = "--oneiric-conformance"
LIST = (ASK, "--collect-only", "-q")
META = "pyproject.toml::action/slug/third::META-002"


def name_of(check: str) -> str:
    """The function that decides a check."""
    return CHECKS[check].name


def counted(out: str) -> str:
    """The counts of pytest's last line, without its time and without what was deselected."""
    counts = out.strip().splitlines()[-1].rpartition(" in ")[0].strip("= ")
    return ", ".join(part for part in counts.split(", ") if "deselected" not in part)


def test_the_suite_stands_beside_the_authors_own_tests(author) -> None:
    done = author.pytest(*LIST)
    assert done.code == 0, done.out + done.err
    assert "tests/test_own.py::test_own" in done.ids
    assert META in done.ids


def test_without_being_asked_it_is_not_there(author) -> None:
    assert author.pytest("--collect-only", "-q", fresh=True).ids == ["tests/test_own.py::test_own"]


def test_testpaths_do_not_hide_it(author) -> None:
    author.publish('[tool.pytest.ini_options]\ntestpaths = ["tests"]')
    done = author.pytest(*LIST)
    assert META in done.ids
    assert "tests/test_own.py::test_own" in done.ids


def test_an_id_pasted_back_runs_exactly_that_check(author) -> None:
    done = author.pytest(ASK, META)
    assert "1 passed" in done.out
    assert done.code == 0


def test_each_id_is_listed_once(author) -> None:
    """Also where an argument is a directory above the file the suite hangs from."""
    for where in (("tests",), ("tests", ".")):
        ids = author.pytest(*LIST, *where).ids
        assert ids.count(META) == 1, where
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("expression", "kept", "dropped"),
    [
        ("META-002", "META-002", "HOT-001"),
        ("HOT", "HOT-001", "META-002"),
        ("action and META", "META-002", "HOT-001"),
        (name_of("META-002"), "META-002", "HOT-001"),
        ("should", "LIFE-008", "META-002"),
    ],
)
def test_k_selects_by_id_area_domain_level_and_function(author, expression: str, kept: str, dropped: str) -> None:
    ids = " ".join(author.pytest(*LIST, "-k", expression).ids)
    assert kept in ids
    assert dropped not in ids


def test_m_selects_the_suite_or_all_but_the_suite(author) -> None:
    author.publish("[tool.pytest.ini_options]\naddopts = '--strict-markers'")
    ours = author.pytest(*LIST, "-m", "oneiric_conformance").ids
    assert META in ours
    assert "tests/test_own.py::test_own" not in ours
    assert author.pytest(*LIST, "-m", "not oneiric_conformance").ids == ["tests/test_own.py::test_own"]


def test_deselect_takes_an_id(author) -> None:
    ids = author.pytest(*LIST, "--deselect", META).ids
    assert META not in ids
    assert any("META-003" in line for line in ids)


SETTINGS = """
[tool.pytest.ini_options]
python_files = ["check_*.py", "test_own.py"]
python_functions = ["verify_*", "test_own"]
python_classes = ["Spec*"]
addopts = "--import-mode=importlib -p no:cacheprovider --strict-config --strict-markers"
filterwarnings = ["error"]
xfail_strict = true
"""


def test_the_hosts_settings_do_not_lose_it(author) -> None:
    author.publish(SETTINGS)
    done = author.pytest(ASK, "-k", "META-002 or test_own", "-W", "error")
    assert done.code == 0, done.out + done.err
    assert counted(done.out) == "2 passed"


def test_a_module_scoped_autouse_fixture_of_the_host_does_no_harm(author) -> None:
    author.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(autouse=True, scope="module")
        def around(request):
            assert request.module.__name__
            yield
        """,
    )
    done = author.pytest(ASK, "-k", "META-002 or test_own")
    assert done.code == 0, done.out + done.err
    assert counted(done.out) == "2 passed"


def test_a_host_hook_may_ask_for_paths_relative_to_the_root(author) -> None:
    author.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(config, items):
            for item in items:
                item.path.relative_to(config.rootpath)
        """,
    )
    assert author.pytest(*LIST).code == 0


def test_it_is_found_from_a_subdirectory(author) -> None:
    done = author.pytest(*LIST, cwd=author.root / "tests")
    assert META in done.ids, done.out + done.err


def test_the_anchor_can_be_chosen(author) -> None:
    author.write("conformance.cfg", "")
    author.publish('[tool.pytest.ini_options]\noneiric_conformance_anchor = "conformance.cfg"')
    assert "conformance.cfg::action/slug/third::META-002" in author.pytest(*LIST).ids


def test_an_anchor_that_is_no_file_is_refused(author) -> None:
    author.publish('[tool.pytest.ini_options]\noneiric_conformance_anchor = "nowhere.cfg"')
    done = author.pytest(*LIST)
    assert done.code == 4
    assert "nowhere.cfg" in done.err


def test_last_failed_repeats_only_what_failed(author, with_component) -> None:
    with_component("broken", "raise RuntimeError('no luck today')\n")
    first = author.pytest(ASK, "-k", "META-001 or META-002")
    assert counted(first.out) == "2 failed, 1 passed"
    again = author.pytest(ASK, "--lf", "--collect-only", "-q")
    assert again.ids == [
        "pyproject.toml::third-party::META-001",
        "pyproject.toml::oneiric.actions/broken::META-001",
    ]


def test_stepwise_stops_at_the_first_failure(author, with_component) -> None:
    with_component("broken", "raise RuntimeError('no luck today')\n")
    assert "1 failed" in author.pytest(ASK, "--sw", "-k", "META-001").out


@pytest.mark.long
@pytest.mark.parametrize("how", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_xdist_judges_the_same_items(author, how: str) -> None:
    alone = author.pytest(ASK, "-k", "META or test_own")
    shared = author.pytest(ASK, "-k", "META or test_own", "-n", "2", "--dist", how, plugins=("xdist.plugin",))
    assert shared.code == alone.code == 0, shared.out + shared.err
    assert counted(shared.out) == counted(alone.out)


def test_collecting_is_the_same_every_time(author) -> None:
    """Workers of one run have to collect alike, whatever the hash seed."""
    listings = {tuple(author.pytest(*LIST, env={"PYTHONHASHSEED": seed}, fresh=True).ids) for seed in ("1", "2")}
    assert len(listings) == 1


def test_it_runs_where_plugins_are_found_by_entry_point(author) -> None:
    done = author.pytest(*LIST, autoload=True)
    assert META in done.ids, done.out + done.err


ELSEWHERE = """
import os
from types import SimpleNamespace

class Loose:
    metadata = SimpleNamespace(domain="action", key="loose", provider="third", factory="loose:Loose")
    async def execute(self, payload):
        return {"n": len(payload)}

def test_this_is_no_test_of_the_project():
    assert False
"""


def test_in_an_empty_directory_ids_can_be_pasted_back_as_well(bare, tmp_path_factory) -> None:
    """There is nothing to hang the suite from but the component's own module, which is not collected for itself."""
    bare.write("src/loose.py", ELSEWHERE)
    empty = tmp_path_factory.mktemp("empty")
    ask = (ASK, "--oneiric-component", "loose:Loose", "-p", "no:cacheprovider")
    ids = bare.pytest(*ask, "--collect-only", "-q", cwd=empty).ids
    assert {name.split("::")[0] for name in ids} == {(bare.root / "src" / "loose.py").as_posix()}
    assert not [name for name in ids if "test_this" in name]
    pasted = next(name for name in ids if name.endswith("::META-002"))
    done = bare.pytest(*ask, pasted, cwd=empty)
    assert counted(done.out) == "1 passed", done.out + done.err
    assert not list(empty.iterdir())


def test_what_a_component_forks_does_not_run_the_tests_once_more(author, with_component) -> None:
    with_component(
        "forking",
        """
        import os
        from types import SimpleNamespace
        class Forking:
            def init(self):
                self.child = os.fork()
            def cleanup(self):
                if getattr(self, "child", 0):
                    os.waitpid(self.child, 0)
            async def execute(self, payload):
                return {"n": len(payload)}
        declared = SimpleNamespace(domain="action", key="forking", provider="third", factory="forking:Forking")
        """,
    )
    author.write("tests/test_own.py", "def test_own():\n    open('ran', 'a').write('once ')\n")
    done = author.pytest(ASK, "-k", "forking and LIFE-001 or test_own", "--oneiric-profile", "quick")
    assert (author.root / "ran").read_text() == "once ", done.out + done.err


def test_another_runtime_is_judged_and_named(author) -> None:
    """It is the author's own, and lacks something; the line that repeats a check names it as well."""
    author.write(
        "src/theirs.py",
        """
        from oneiric_core.testing import CoreRuntime

        class Theirs(CoreRuntime):
            lacks = {"rotation": "its keys are in a file"}

            async def verify(self, document, media_type):
                raise RuntimeError("no idea")
        """,
    )
    options = ("--oneiric-conformance", "--oneiric-runtime", "theirs:Theirs", "--oneiric-profile", "quick")
    done = author.pytest(*options, "-rs", "-k", "SIG_012 or SIG-012 or SIG-004", "-p", "no:cacheprovider")
    assert done.code == 1, done.out + done.err
    assert "not-applicable: the runtime has no rotation: its keys are in a file" in done.out
    assert "oneiric: runtime: theirs:Theirs (from --oneiric-runtime)" in done.out
    assert "no idea" in done.out
    assert "--oneiric-runtime theirs:Theirs" in done.out
