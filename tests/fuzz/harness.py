"""Feeds arbitrary bytes to one of the readers and holds what comes back against a second opinion.

    python tests/fuzz/harness.py json --seconds 600 --found /tmp/found/json

A reader gives a value or one of its own errors, never another exception, and what it accepts means what a plain
reader makes of it. With ``--replay`` the kept corpus is tried without a fuzzer, which needs no atheris.
"""

import argparse
import base64
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

HERE = Path(__file__).resolve().parent
BOUNDS = ("-max_len=4096", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1")


def load_targets(*, instrumented: bool) -> dict[str, Callable[[bytes], None]]:
    """By name; the readers are imported here, so that the fuzzer can watch their branches."""
    if instrumented:
        import atheris  # noqa: PLC0415 - only where it is installed

        watching = atheris.instrument_imports(include=["oneiric_core.manifest", "oneiric_core.trust"])
    else:
        watching = nullcontext()
    with watching:
        import yaml  # noqa: PLC0415 - see above

        from oneiric_core.errors import ManifestError, SignatureError  # noqa: PLC0415
        from oneiric_core.manifest import JSON, YAML, Limits, parse_document  # noqa: PLC0415
        from oneiric_core.testing import PUBLISHER  # noqa: PLC0415
        from oneiric_core.trust import MANIFEST_PAYLOAD, PublicKey, TrustPolicy, read_envelope  # noqa: PLC0415

    limits = Limits(max_depth=8, max_nodes=200)  # small, so that short inputs reach them
    policy = TrustPolicy([PublicKey(PUBLISHER.public)], unsafe_allow_published_keys=True)

    def read_json(data: bytes) -> None:
        try:
            document = parse_document(data, JSON, limits)
        except ManifestError:
            return
        assert document == json.loads(data)

    def read_yaml(data: bytes) -> None:
        try:
            document = parse_document(data, YAML, limits)
        except ManifestError:
            return
        try:
            theirs = yaml.safe_load(data)
        except yaml.YAMLError:  # its own parser refuses some tabs that the C one takes for blanks
            return
        assert document == theirs

    def open_envelope(data: bytes) -> None:
        try:
            envelope = read_envelope(data, MANIFEST_PAYLOAD, limits)
            assert envelope.payload == base64.b64decode(json.loads(data)["payload"], validate=True)
            assert read_envelope(json.dumps(envelope.to_document()).encode(), MANIFEST_PAYLOAD, limits) == envelope
            signers = policy.check_signatures(envelope.message, envelope.signatures)
        except (ManifestError, SignatureError):
            return
        assert envelope.payload == b'{"source":"acme","entries":[]}', f"{signers} never signed {envelope.payload!r}"

    return {"json": read_json, "yaml": read_yaml, "envelope": open_envelope}


def replay(targets: dict[str, Callable[[bytes], None]]) -> int:
    """Try every kept input, and give their number."""
    files = [(name, path) for name in targets for path in sorted((HERE / "corpus" / name).iterdir())]
    for name, path in files:
        targets[name](path.read_bytes())
    return len(files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", choices=["json", "yaml", "envelope"], nargs="?")
    parser.add_argument("--seconds", type=int, default=20, help="stop after so long (default 20)")
    parser.add_argument("--runs", type=int, default=-1, help="stop after so many inputs (default: no bound)")
    parser.add_argument("--found", type=Path, help="keep inputs that reach something new, and failing ones, here")
    parser.add_argument("--replay", action="store_true", help="try the kept corpus of all readers, without a fuzzer")
    options = parser.parse_args()
    if options.replay:
        sys.stdout.write(f"{replay(load_targets(instrumented=False))} inputs\n")
        return
    if options.reader is None:
        parser.error("name a reader, or say --replay")

    import atheris  # noqa: PLC0415 - only where it is installed

    target = load_targets(instrumented=True)[options.reader]
    with tempfile.TemporaryDirectory() as scratch:
        found = options.found or Path(scratch)
        found.mkdir(parents=True, exist_ok=True)
        arguments = [
            f"-max_total_time={options.seconds}",
            f"-runs={options.runs}",
            f"-artifact_prefix={found}/",
            f"-dict={HERE / 'tokens' / options.reader}.dict",
        ]
        atheris.Setup([sys.argv[0], *BOUNDS, *arguments, str(found), str(HERE / "corpus" / options.reader)], target)
        atheris.Fuzz()  # ends the process


if __name__ == "__main__":
    main()
