"""What a fork that has imported everything does to be a fresh ``python -m pytest``; conftest.py gives it REQUEST."""

import os
import sys
from typing import Any

import pytest


def main(asked: dict[str, Any]) -> int:
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    for number, name in ((1, "out"), (2, "err")):
        target = os.open(asked[name], os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(target, number)
        os.close(target)
    sys.path[:] = asked["path"]
    sys.argv[:] = ["pytest", *asked["args"]]
    try:
        return int(pytest.main(asked["args"]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main(globals()["REQUEST"]))
