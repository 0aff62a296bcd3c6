"""A small disk of one's own: a tmpfs of a few MiB in a mount namespace that ends with the process, so that nothing
stays mounted whatever happens. Linux; without root where the kernel lets users have namespaces."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MEBIBYTES = 16
_INSIDE = "BENCHMARKS_OWN_MOUNTS"


def why_not() -> str:
    """Why there can be no small disk here; empty if there can."""
    if not shutil.which("unshare"):
        return "no program `unshare` (util-linux) on this machine"
    words = [*_namespace(), "mount", "-t", "tmpfs", "-o", "size=1m", "small", "/mnt"]
    done = subprocess.run(words, capture_output=True, text=True)
    return " ".join(done.stderr.split()) if done.returncode else ""


def in_own_namespace(module: str, words: Sequence[str]) -> None:
    """Begins this program again where it may mount; returns if it is there already."""
    if not os.environ.get(_INSIDE):
        os.environ[_INSIDE] = "1"
        command = [*_namespace(), sys.executable, "-m", module, *words]
        os.execvp(command[0], command)


class SmallDisk:
    """A tmpfs at `place`, nearly all of it taken by a file that can be removed."""

    def __init__(self, place: Path, room: int) -> None:
        """room: bytes left free."""
        place.mkdir(parents=True)
        size = f"size={MEBIBYTES}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "small", str(place)], check=True)
        self.place, self._ballast = place, place / "ballast"
        with self._ballast.open("wb") as file:
            file.write(bytes(MEBIBYTES * 2**20 - room))

    def make_room(self) -> None:
        self._ballast.unlink()

    def free(self) -> int:
        """Bytes."""
        return shutil.disk_usage(self.place).free

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.place)], check=True)


def _namespace() -> list[str]:
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
