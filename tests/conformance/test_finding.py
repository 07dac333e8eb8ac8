"""Which components there are to judge, and that nobody's import decides over the run."""

import sys
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest

from oneiric_conformance import PROFILES, Package, Session
from oneiric_conformance.finding.packages import find_component, find_distribution, find_package
from oneiric_conformance.isolation.scout import scout
from oneiric_conformance.subject import EntryPointName
from oneiric_core import ConformanceError

pytestmark = pytest.mark.slow

_numbers = count(1)
DECLARED = """
    from oneiric_core import AdapterMetadata, TaskMetadata

    class Cache:
        metadata = AdapterMetadata(category="cache", provider="acme", factory="{module}:Cache", priority=3,
                                   capabilities=["kv"], extras={{"colour": "blue"}})

    class Count:
        metadata = TaskMetadata(key="count", provider="acme", factory="{module}:Count")
"""


class Site:
    """A directory of installed distributions that Python imports from, and a repository beside it."""

    def __init__(self, folder: Path) -> None:
        self.packages = folder / "site"
        self.rootdir = folder / "repository"
        self.packages.mkdir()
        self.rootdir.mkdir()

    def module(self, source: str) -> str:
        name = f"found_{next(_numbers)}"
        (self.packages / f"{name}.py").write_text(
            dedent(source).replace("{module}", name).replace("{{", "{").replace("}}", "}"), encoding="utf-8"
        )
        return name

    def install(self, name: str, points: dict[str, dict[str, str]], *, direct_url: str = "", record: str = "") -> None:
        info = self.packages / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(ini(points), encoding="utf-8")
        (info / "RECORD").write_text(record, encoding="utf-8")
        if direct_url:
            (info / "direct_url.json").write_text(f'{{"url": "{direct_url}", "dir_info": {{}}}}', encoding="utf-8")

    def project(self, text: str) -> Path:
        (self.rootdir / "pyproject.toml").write_text(dedent(text), encoding="utf-8")
        return self.rootdir

    def find(self, source: str, value: str, group: str = "oneiric.adapters") -> Package:
        """The package of one entry point; ``{module}`` in its value is where the source is."""
        self.install("acme", {group: {"one": value.replace("{module}", self.module(source))}})
        return find_package(self.project('[project]\nname = "acme"'))


def ini(points: dict[str, dict[str, str]]) -> str:
    return "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in points.items()
    )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(tmp_path)
    monkeypatch.syspath_prepend(str(made.packages))
    return made


def test_entry_points_of_the_project_become_subjects(site: Site) -> None:
    module = site.module(DECLARED)
    points = {"oneiric.adapters": {"cache": f"{module}:Cache.metadata"}, "oneiric.tasks": {"count": f"{module}:Count"}}
    site.install("acme-tools", {**points, "console_scripts": {"acme": f"{module}:main"}}, record=f"{module}.py,,\n")
    declared = "".join(
        f'[project.entry-points."{group}"]\n{entry} = "{value}"\n'
        for group, entries in points.items()
        for entry, value in entries.items()
    )
    package = find_package(site.project(f'[project]\nname = "Acme_Tools"\n{declared}'))
    assert (package.name, package.version, package.rootdir) == ("acme-tools", "1.2", site.rootdir)
    assert package.modules == {module}
    assert package.declared == package.installed
    cache, task = package.subjects
    assert (cache.id, task.id) == ("adapter/cache/acme", "task/count/acme")
    assert cache.factory == f"{module}:Cache"
    assert (cache.priority, cache.stack_level, cache.capabilities) == (3, None, {"kv"})
    assert cache.metadata["colour"] == "blue"
    assert cache.entry_point == EntryPointName("oneiric.adapters", "cache", f"{module}:Cache.metadata")


@pytest.mark.parametrize(
    "value",
    [
        "{module}:metadata",
        "{module}:Holder",
        "{module}:function",
        "{module}:listed",
        "{module}:nested",
        "{module}:generator",
    ],
)
def test_every_shape_of_announcement_is_followed(site: Site, value: str) -> None:
    source = """
        from oneiric_core import AdapterMetadata
        metadata = AdapterMetadata(category="cache", provider="acme", factory="a:b")
        class Holder:
            def __init__(self): raise RuntimeError("must not be built to be found")
        Holder.metadata = metadata
        def function(): return metadata
        listed = [metadata]
        nested = ((metadata,),)
        def generator(): yield metadata
    """
    assert [subject.id for subject in site.find(source, value).subjects] == ["adapter/cache/acme"]


@pytest.mark.parametrize(
    ("source", "group", "found"),
    [
        ("category, provider, factory = 'cache', 'acme', 'a:b'", "oneiric.adapters", "adapter/cache/acme"),
        ("action_type, provider, factory = 'mail', 'acme', 'a:b'", "oneiric.actions", "action/mail/acme"),
        ("key, provider, factory = 'count', 'acme', 'a:b'", "oneiric.tasks", "task/count/acme"),
        ("domain, key, provider, factory = 'event', 'x', 'acme', 'a:b'", "oneiric.events", "event/x/acme"),
        ("domain, key, provider, factory = Kind.EVENT, 'x', 'acme', 'a:b'", "oneiric.events", "event/x/acme"),
    ],
)
def test_declarations_of_other_makes_are_understood(site: Site, source: str, group: str, found: str) -> None:
    text = f"from enum import Enum\nclass Kind(Enum):\n    EVENT = 'event'\nclass Own:\n    {source}\nown = Own()"
    assert [subject.id for subject in site.find(text, "{module}:own", group).subjects] == [found]


def test_enumerations_are_taken_by_value_at_any_depth(site: Site) -> None:
    source = """
        from dataclasses import dataclass, field
        from enum import Enum
        class Kind(Enum): A = "a"
        @dataclass
        class Own:
            category: str = "cache"
            provider: Kind = Kind.A
            factory: str = "a:b"
            kinds: list = field(default_factory=lambda: [Kind.A, {"kind": Kind.A}])
        own = Own()
    """
    [subject] = site.find(source, "{module}:own").subjects
    assert subject.provider == "a"
    assert subject.metadata == {"kinds": ["a", {"kind": "a"}]}


def test_content_is_not_judged(site: Site) -> None:
    """One NaN must fail a check, and not lose the component."""
    source = """
        class Own:
            category, provider, factory = "CACHE !", "!", 17
            metadata = {"limit": float("nan"), 3: object}
            settings_model, priority = ["nonsense"], -1
        own = Own()
    """
    [subject] = site.find(source, "{module}:own").subjects
    assert subject.error == ""
    assert (subject.factory, subject.settings_model, subject.priority) == (17, ["nonsense"], -1)
    assert subject.metadata[3] is object
    assert subject.metadata["limit"] != subject.metadata["limit"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise ValueError('first\\nsecond')", "ValueError: first"),
        ("import missing_library", "ModuleNotFoundError: No module named 'missing_library'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "loading it raised KeyboardInterrupt"),
        ("class Own(BaseException): pass\nraise Own('x')", ".Own: x"),
        ("import os; os._exit(0)", "loading it ended the process with exit code 0"),
        ("import ctypes; ctypes.string_at(0)", "loading it crashed the interpreter"),
        ("other = 1", "AttributeError: "),
        ("own = 3", "declares no component"),
        ("own = []", "it declares no component"),
        ("def own(): raise ValueError('called')", "ValueError: called"),
        (
            "class Own:\n    provider = factory = ''\n    def to_candidate(self): raise ValueError('to')\nown = Own()",
            "ValueError: to",
        ),
        ("import time\ntime.sleep = None\nown = 3", "loading it replaced time.sleep"),
        ("class Rude(Exception):\n    def __str__(self): raise TypeError\ndef own(): raise Rude", ".Rude"),
    ],
)
def test_what_cannot_be_loaded_says_why_and_keeps_no_other_back(site: Site, source: str, error: str) -> None:
    broken, good = site.module(source), site.module(DECLARED)
    points = {"a": f"{broken}:own", "b": f"{good}:Cache"}
    site.install("acme", {"oneiric.adapters": points, "oneiric.tasks": {"c": f"{good}:Count"}})
    subjects = find_package(site.project('[project]\nname = "acme"')).subjects
    assert [subject.id for subject in subjects] == ["adapter/cache/acme", "oneiric.adapters/a", "task/count/acme"]
    assert error in subjects[1].error


def test_what_would_harm_the_kit_is_never_loaded_here(site: Site) -> None:
    module = site.module("import time\ntime.sleep = None")
    before = __import__("time").sleep
    site.install("acme", {"oneiric.adapters": {"a": f"{module}:own"}})
    find_package(site.project('[project]\nname = "acme"'))
    assert module not in sys.modules
    assert __import__("time").sleep is before


def test_an_entry_point_that_hangs_is_given_up(site: Site) -> None:
    hanging, good = site.module("import time\ntime.sleep(60)"), site.module(DECLARED)
    points = [EntryPointName("oneiric.adapters", "a", f"{hanging}:own"), EntryPointName("oneiric.adapters", "b", good)]
    answers = scout(points, seconds=0.5)
    assert answers[points[0]].startswith("loading it did not end within 0.5 s; it was at ")
    assert answers[points[1]] == ""


def test_what_came_before_an_error_is_kept(site: Site) -> None:
    source = f"{dedent(DECLARED)}\ndef own():\n    yield Cache\n    raise ValueError('then')"
    subjects = site.find(source, "{module}:own").subjects
    assert [(subject.id, subject.error) for subject in subjects] == [
        ("adapter/cache/acme", ""),
        ("oneiric.adapters/one", "ValueError: then"),
    ]


def test_a_project_is_known_by_where_it_was_installed_from(site: Site) -> None:
    module = site.module(DECLARED)
    site.install("other-name", {"oneiric.adapters": {"a": f"{module}:Cache"}}, direct_url=site.rootdir.as_uri())
    assert find_package(site.rootdir).name == "other-name"
    assert find_package(site.rootdir).declared is None
    assert find_package(site.project('[project]\nname = "renamed"\ndynamic = ["entry-points"]')).declared is None


@pytest.mark.parametrize(
    ("project", "told"),
    [
        (None, "there is no pyproject.toml in {rootdir}"),
        ("[tool.black]\n", "pyproject.toml has no [project] name"),
        ("[project\n", "pyproject.toml cannot be read"),
        ('[project]\nname = "acme"\n[project.entry-points."oneiric.tasks"]\na = "b:c"', "Run `pip install -e .`"),
        ('[project]\nname = "acme"', "is not installed"),
        ('[project]\nname = "empty"', "empty 1.2 announces no component in oneiric.adapters"),
        (
            '[project]\nname = "empty"\n[project.entry-points."oneiric.tasks"]\na = "b:c"',
            "declares 1. Run `pip install",
        ),
    ],
)
def test_nothing_to_judge_says_where_it_looked(site: Site, project: str | None, told: str) -> None:
    site.install("empty", {"console_scripts": {"empty": "os:getcwd"}})
    if project is not None:
        site.project(project)
    with pytest.raises(ConformanceError) as caught:
        find_package(site.rootdir)
    assert told.format(rootdir=site.rootdir) in str(caught.value)


def test_a_distribution_is_found_by_name(site: Site) -> None:
    site.install("Acme.Tools", {"oneiric.adapters": {"a": f"{site.module(DECLARED)}:Cache"}})
    package = find_distribution("acme_tools")
    assert (package.name, package.rootdir, len(package.subjects)) == ("acme-tools", None, 1)
    site.install("empty", {})
    for name, told in (("empty", "announces no component"), ("missing-one", "pip install missing-one")):
        with pytest.raises(ConformanceError, match=told):
            find_distribution(name)


def test_a_component_is_found_by_module_and_attribute(site: Site) -> None:
    subject = find_component(f"{site.module(DECLARED)}:Cache", site.rootdir)
    assert (subject.id, subject.entry_point, subject.error) == ("adapter/cache/acme", None, "")


def test_a_component_is_found_by_its_own_name(site: Site) -> None:
    """In this project first, and then in everything installed."""
    module = site.module(DECLARED)
    site.install("acme", {"oneiric.adapters": {"a": f"{module}:Cache"}})
    site.install("other", {"oneiric.tasks": {"a": f"{module}:Count"}})
    rootdir = site.project('[project]\nname = "acme"')
    assert find_component("adapter/cache/acme", rootdir).id == "adapter/cache/acme"
    assert find_component("task/count/acme", rootdir).id == "task/count/acme"
    with pytest.raises(ConformanceError, match="Did you mean adapter/cache/acme"):
        find_component("adapter/cache/acne", rootdir)


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        ("Nothing", "there is no"),
        ("DECLARED", "is no component"),
        ("both", "declares 2 components"),
        ("__name__", "names an internal attribute"),
    ],
)
def test_a_name_that_leads_to_no_component_is_refused(site: Site, attribute: str, told: str) -> None:
    module = site.module(f"{dedent(DECLARED)}\nDECLARED = 3\nboth = [Cache, Count]")
    with pytest.raises(ConformanceError, match=told):
        find_component(f"{module}:{attribute}", site.rootdir)
    with pytest.raises(ConformanceError, match="No module named 'missing_one'"):
        find_component("missing_one.cache:Cache", site.rootdir)


@pytest.mark.parametrize(
    "source", ["import missing_library", "raise SystemExit", "import os; os._exit(1)", "import sys; sys.stdout.close()"]
)
def test_a_named_module_that_is_broken_is_a_broken_subject(site: Site, source: str) -> None:
    module = site.module(source)
    subject = find_component(f"{module}:Cache", site.rootdir)
    assert subject.error
    assert subject.id == f"named/{module}:Cache"


def test_named_components_make_a_package(site: Site) -> None:
    module = site.module(DECLARED)
    package = find_package(site.rootdir, only=[f"{module}:Count", f"{module}:Cache"])
    assert [subject.id for subject in package.subjects] == ["adapter/cache/acme", "task/count/acme"]
    assert (package.name, package.modules) == (module.replace("_", "-"), {module})
    site.install("acme", {"oneiric.adapters": {"a": f"{module}:Cache"}})
    package = find_package(site.project('[project]\nname = "acme"'), only=["adapter/cache/acme"])
    assert (package.name, package.version, len(package.subjects)) == ("acme", "1.2", 1)


def test_nothing_is_said_of_what_nobody_asked_for(site: Site) -> None:
    """Its entry points are neither loaded nor compared with those installed."""
    module = site.module(DECLARED)
    site.install("acme", {"oneiric.adapters": {"a": f"{module}:Cache"}, "oneiric.tasks": {"b": f"{module}:Count"}})
    points = f'[project.entry-points."oneiric.adapters"]\na = "{module}:Cache"\nc = "{module}:NotInstalled"'
    rootdir = site.project(f'[project]\nname = "acme"\n{points}')
    for spec, found in (("adapter/cache/acme", 1), (f"{module}:Cache", 0)):
        package = find_package(rootdir, only=[spec])
        assert (len(package.declared or ()), len(package.installed), package.name) == (found, found, "acme")
        with Session(package, profile=PROFILES["quick"]) as session:
            planned = next(item for item in session.plan() if item.check == "META-001")
            assert session.judge(planned).reason == ""


def test_a_name_announced_twice_fails_where_it_is_announced_again(site: Site) -> None:
    """And the first component of that name is judged."""
    point = f"{site.module(DECLARED)}:Cache"
    site.install("acme", {"oneiric.adapters": {"a": point, "b": point, "c": point}})
    subjects = find_package(site.project('[project]\nname = "acme"')).subjects
    assert [subject.id for subject in subjects] == ["adapter/cache/acme", "oneiric.adapters/b", "oneiric.adapters/c"]
    assert [bool(subject.error) for subject in subjects] == [False, True, True]
    assert f"adapter/cache/acme is announced by [oneiric.adapters] a = {point}, too" in subjects[1].error
