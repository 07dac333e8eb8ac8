"""Those who publish and those who read the same artifact at once never harm each other."""

import hashlib
import threading
from pathlib import Path

from oneiric_core.artifacts.store import BlobStore

DATA = b"the same bytes, again and again"
SHA256 = hashlib.sha256(DATA).hexdigest()
ROUNDS = 100


def test_an_artifact_published_again_is_never_taken_for_a_wrong_one(tmp_path: Path) -> None:
    """A reader may hold the file that a second publication has just replaced: it then looks at the new one."""
    store = BlobStore(tmp_path / "cache")
    store.add([DATA], SHA256)
    publishing = threading.Thread(target=lambda: [store.add([DATA], SHA256) for _ in range(ROUNDS)])
    publishing.start()
    found = []
    while publishing.is_alive():
        found.append(store.find(SHA256))
    publishing.join()
    assert len(found) > 10
    assert set(found) == {store.path(SHA256)}
    assert not (tmp_path / "cache" / "quarantine").exists()


def test_what_was_found_wrong_is_put_aside_while_others_publish(tmp_path: Path) -> None:
    """The control: a wrong file does go to quarantine, and a right one is there at the end."""
    store = BlobStore(tmp_path / "cache")
    store.add([DATA], SHA256)
    for _ in range(ROUNDS):
        path = store.path(SHA256)
        path.chmod(0o600)
        path.write_bytes(b"something else")
        publishing = threading.Thread(target=store.add, args=([DATA], SHA256))
        publishing.start()
        assert store.find(SHA256) in (None, path)
        publishing.join()
        assert store.find(SHA256) == path
        assert path.read_bytes() == DATA
