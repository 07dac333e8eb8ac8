"""What an operator configures: a mapping in, frozen settings out, and no key that means nothing."""

import base64
import tomllib
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oneiric_core.components import Candidate
from oneiric_core.domains import DOMAINS, Domain
from oneiric_core.errors import SettingsError, TrustError, UntrustedKeyError
from oneiric_core.settings import Settings
from oneiric_core.testing import key_pair
from oneiric_core.trust import PublicKey, RefuseAll, TrustPolicy

FIRST, SECOND = key_pair("first of the settings"), key_pair("second of the settings")
PUBLISHED_SHAPE = """
[adapters.selections]
cache = "redis"

[adapters.provider_settings.redis]
url = "redis://cache:6379"
pool = { size = 10 }

[workflows.selections]
nightly = "acme"
"""


def read(text: str) -> Settings:
    return Settings.from_document(tomllib.loads(text))


def refused(text: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        read(text)
    return caught.value


def no_file(name: str) -> bytes:
    raise AssertionError(f"{name} was read")


def test_nothing_configured_trusts_nobody_and_selects_nothing() -> None:
    settings = read("")
    assert all(not settings.selections[domain] for domain in Domain)
    assert isinstance(settings.trust.policy(no_file), RefuseAll)
    assert (settings.remote.url, settings.factories.allow, settings.cache_dir) == (None, None, None)
    assert Settings().trust == settings.trust


def test_selections_and_provider_settings_have_the_published_shape() -> None:
    settings = read(PUBLISHED_SHAPE)
    assert settings.selections[Domain.ADAPTER] == {"cache": "redis"}
    assert settings.selections[Domain.WORKFLOW] == {"nightly": "acme"}
    cache = Candidate("adapter", "cache", "redis", dict)
    assert settings.for_candidate(cache) == {"url": "redis://cache:6379", "pool": {"size": 10}}
    assert settings.for_candidate(Candidate("adapter", "cache", "memory", dict)) == {}
    assert settings.for_candidate(Candidate("service", "cache", "redis", dict)) == {}


@pytest.mark.parametrize("domain", Domain)
def test_every_domain_has_its_section(domain: Domain) -> None:
    document = {DOMAINS[domain].plural: {"selections": {"k": "p"}, "provider_settings": {"p": {"a": 1}}}}
    settings = Settings.from_document(document)
    assert settings.selections[domain] == {"k": "p"}
    assert settings.for_candidate(Candidate(domain, "k", "p", dict)) == {"a": 1}


def test_nothing_is_shared_with_the_document_or_between_components() -> None:
    document: dict[str, Any] = {"adapters": {"provider_settings": {"redis": {"nodes": ["a"]}}}}
    settings = Settings.from_document(document)
    cache = Candidate("adapter", "cache", "redis", dict)
    settings.for_candidate(cache)["nodes"].append("b")
    document["adapters"]["provider_settings"]["redis"]["nodes"].append("c")
    assert settings.for_candidate(cache) == {"nodes": ["a"]}
    with pytest.raises(TypeError):
        settings.selections[Domain.ADAPTER]["cache"] = "x"  # type: ignore[index]  # that is the point


@pytest.mark.parametrize(
    ("text", "key", "fix"),
    [
        ("[adapter.selections]\ncache = 'redis'", "adapter", "Did you mean adapters?"),
        ("[adapters.selection]\ncache = 'redis'", "adapters.selection", "Did you mean adapters.selections?"),
        ("[trust]\ntreshold = 2", "trust.treshold", "Did you mean trust.threshold?"),
        ("[trust.certificate]\nlevl = 'core'", "trust.certificate.levl", "Did you mean trust.certificate.level?"),
        ("[remote]\nmanifest_url = 'https://a.example'", "remote.manifest_url", "Here it is remote.url"),
        ("[remote]\nsignature_threshold = 2", "remote.signature_threshold", "Here it is trust.threshold"),
        ("[zzz]\nname = 'x'", "zzz", "Use one of actions, adapters, cache_dir, "),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(text: str, key: str, fix: str) -> None:
    error = refused(text)
    assert error.evidence["key"] == key
    assert key in error.what
    assert error.fix.startswith(fix)


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("trust = 3", "trust", "write a table"),
        ("[adapters]\nselections = 3", "adapters.selections", "write a table"),
        ("[adapters.selections]\ncache = 3", "adapters.selections.cache", "write a text"),
        ("[adapters.selections]\ncache = ''", "adapters.selections.cache", "not empty"),
        ("[adapters.provider_settings]\nredis = 3", "adapters.provider_settings.redis", "write a table"),
        ("[trust]\nkeys = 'a.pem'", "trust.keys", "write a list"),
        ("[trust]\nkeys = ['']", "trust.keys.0", "not empty"),
        ("[trust]\nthreshold = 0", "trust.threshold", "greater than or equal to 1"),
        ("[trust]\nthreshold = true", "trust.threshold", "whole number"),
        ("[trust]\nrequire_expiry = 1", "trust.require_expiry", "true or false"),
        ("[trust]\nkeys = ['a.pem']\nroot = 'root.json'", "trust", "not both"),
        ("[remote]\nurl = 'https://a.example'\npath = 'a.json'", "remote", "not both"),
        ("[remote]\nrefresh_interval = 0", "remote.refresh_interval", "duration"),
        ("[remote]\nrefresh_interval = 'soon'", "remote.refresh_interval", "duration"),
        ("[remote]\nrefresh_interval = true", "remote.refresh_interval", "duration"),
        ("[remote]\nrefresh_interval = inf", "remote.refresh_interval", "duration"),
        ("[remote]\nrefresh_interval = nan", "remote.refresh_interval", "duration"),
        ("[remote]\nnetworks = ['10.0.0.1/8']", "remote.networks.0", "host bits"),
        ("[remote]\nnetworks = [10]", "remote.networks.0", "10.0.0.0/8"),
        ("[remote]\nattempts = 1000", "remote.attempts", "less than or equal to 20"),
        ("[lifecycle]\nhealth_timeout = -1", "lifecycle.health_timeout", "duration"),
    ],
)
def test_a_value_without_meaning_is_refused_by_the_path_of_its_key(text: str, key: str, said: str) -> None:
    error = refused(text)
    assert error.evidence["key"] == key
    assert key in error.what
    assert said in error.what


def test_several_mistakes_are_counted() -> None:
    assert "(and 2 more)" in refused("[trust]\na = 1\nb = 2\nthreshold = 'x'").what


@pytest.mark.parametrize("header", [{"X-Token": "hunter2\r\nHost: evil"}, {"X Token": "hunter2"}, {"X-Token": 5}])
def test_a_header_cannot_smuggle_another_and_its_value_is_never_told(header: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_document({"remote": {"headers": header}})
    assert str(caught.value.evidence["key"]).startswith("remote.headers.X")
    assert "hunter2" not in f"{caught.value!s}{caught.value!r}{caught.value.__cause__!s}"


def test_secrets_are_not_shown() -> None:
    text = "[adapters.provider_settings.redis]\npassword = 'hunter2'\n[remote]\nheaders = { Authorization = 'hunter2' }"
    settings = read(text)
    assert dict(settings.remote.headers) == {"Authorization": "hunter2"}
    assert "hunter2" not in repr(settings)


def test_trust_becomes_a_policy_with_keys_in_files_or_as_they_are() -> None:
    files = {"keys/second.pem": SECOND.public_pem.encode()}
    document = {
        "trust": {
            "keys": [FIRST.public_pem, "keys/second.pem"],
            "threshold": 2,
            "source": "acme",
            "require_expiry": True,
            "max_age": "30d",
        }
    }
    policy = Settings.from_document(document).trust.policy(files.__getitem__)
    wanted = [PublicKey(FIRST.public), PublicKey(SECOND.public)]
    assert policy == TrustPolicy(wanted, 2, "acme", require_expiry=True, max_age=timedelta(days=30))


def test_a_key_may_be_written_as_base64() -> None:
    written = base64.b64encode(FIRST.public).decode()
    policy = Settings.from_document({"trust": {"keys": [written]}}).trust.policy(no_file)
    assert policy == TrustPolicy([PublicKey(FIRST.public)])


def test_a_key_that_cannot_be_used_is_an_error_that_names_its_file() -> None:
    trust = Settings.from_document({"trust": {"keys": ["old.pem"]}}).trust
    with pytest.raises(UntrustedKeyError, match=r"old\.pem"):
        trust.policy(lambda _: b"-----BEGIN nonsense")


def test_a_threshold_that_is_never_met_is_an_error() -> None:
    trust = Settings.from_document({"trust": {"keys": [FIRST.public_pem], "threshold": 2}}).trust
    with pytest.raises(TrustError, match="threshold of 2"):
        trust.policy(no_file)


def test_the_remaining_sections() -> None:
    settings = read(
        """
        cache_dir = "cache"
        state_dir = "/var/lib/acme"
        [remote]
        url = "https://acme.example/manifest.json"
        refresh_interval = "5m"
        networks = ["10.0.0.0/8", "fd00::/8"]
        local_roots = ["wheels"]
        [factories]
        allow = ["acme", "zeta.components"]
        [lifecycle]
        activation_timeout = 60
        """
    )
    assert (settings.cache_dir, settings.state_dir) == ("cache", "/var/lib/acme")
    assert settings.remote.refresh_interval == 300
    assert settings.remote.networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.remote.local_roots == ("wheels",)
    assert settings.factories.allow == ("acme", "zeta.components")
    assert settings.timeouts.activation == 60
    assert settings.timeouts.drain == Settings().timeouts.drain


def test_an_empty_list_of_factories_allows_none_and_a_missing_one_the_default() -> None:
    assert read("[factories]\nallow = []").factories.allow == ()
    assert read("[factories]").factories.allow is None


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90s", 90),
        ("15m", 900),
        ("1.5h", 5400),
        (" 30d ", 2_592_000),
        ("2 w", 1_209_600),
    ],
)
def test_durations_are_seconds_or_have_a_unit(written: object, seconds: float) -> None:
    assert Settings.from_document({"remote": {"timeout": written}}).remote.timeout == seconds


@pytest.mark.parametrize("written", ["90", "h", "1.5", "-1h", "0s", "1h30m", "", True])
def test_any_other_duration_is_refused(written: object) -> None:
    with pytest.raises(SettingsError, match="write a duration over 0 as a number of seconds, or like '90s'"):
        Settings.from_document({"remote": {"timeout": written}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SECTIONS = st.sampled_from([*(spec.plural for spec in DOMAINS.values()), "trust", "remote", "factories", "lifecycle"])


@given(st.dictionaries(SECTIONS | st.text(max_size=8), JSON, max_size=4))
def test_any_mapping_gives_settings_or_an_error_that_names_the_key(document: dict[str, Any]) -> None:
    try:
        Settings.from_document(document)
    except SettingsError as error:
        key = str(error.evidence["key"])
        assert any(key == name or key.startswith(f"{name}.") for name in document)


@given(SECTIONS, st.text(min_size=1, max_size=12), JSON)
def test_a_key_that_means_nothing_is_never_ignored(section: str, name: str, value: Any) -> None:
    known = {"selections", "provider_settings", "keys", "root", "threshold", "source", "require_expiry", "max_age"}
    known |= {"url", "path", "refresh_interval", "headers", "timeout", "attempts", "networks", "local_roots", "allow"}
    assume(name not in known and not name.endswith(("_timeout", "_bytes")))
    with pytest.raises(SettingsError):
        Settings.from_document({section: {name: value}})
