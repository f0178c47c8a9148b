"""The home moves onto the volume (``move.sh``): real files, a real file system on a loop device, cut anywhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.provisioning.test_preflight import ROLES

SCRIPT = (ROLES / "cluster/files/move.sh").read_text(encoding="utf-8")
STEP = re.compile(
    r"^(?: {4}){0,2}"
    r"(?=(?:away|type|label|case|mkfs|sync|sysctl|e2label|mkdir|mount|copied|compared|umount|chattr|rmdir|mv)\b|\[)"
)
"""Where a command of the script begins, at which it can be interrupted."""

ONTO, BACK = 'if [ "${1:-}" = back ]; then\n', "\nfi\n"
"""What the way back is between, which is no part of the other one."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0
        or sys.version_info < (3, 12)
        or not all(map(shutil.which, ("losetup", "mkfs.ext4", "rsync", "unshare"))),
        reason="a loop device takes root, its files e2fsprogs and rsync, mounts of its own Python 3.12",
    ),
]


@pytest.fixture(scope="module", autouse=True)
def own_mounts() -> Iterator[None]:
    """What is mounted here is in no namespace that another test makes meanwhile: there it would stay mounted, with
    what was written in its memory and not on the disk."""
    place, others = Path.cwd(), os.open("/proc/thread-self/ns/mnt", os.O_RDONLY)
    try:
        os.unshare(os.CLONE_NEWNS)
    except OSError as error:
        os.close(others)
        pytest.skip(f"no mounts of its own: {error}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    yield
    os.setns(others, os.CLONE_NEWNS)
    os.close(others)
    os.chdir(place)


@contextmanager
def device(image: Path) -> Iterator[str]:
    """A block device that has what the file *image* has."""
    made = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no loop device: {made.stderr.strip()}")
    try:
        yield made.stdout.strip()
    finally:
        subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


class Machine:
    """Its home, and an empty disk of so many MiB for the volume, each in a folder of ours."""

    def __init__(self, root: Path, mebibytes: int = 32) -> None:
        self.root, self.home = root, root / "var/lib/vermilion"
        self.image, self.cut = root / "disk", root / "disk-as-it-was-cut"
        self.aside = self.home.with_name("vermilion.before-cluster")
        (root / "opt/vermilion/releases/1.0").mkdir(parents=True)
        (root / "opt/vermilion/current").symlink_to("releases/1.0")
        (root / "bin").mkdir()
        for folder in ("trust", "state", "blobs/ab", "hsm/tokens"):
            (self.home / folder).mkdir(parents=True, mode=0o750)
        (self.home / "trust/log.vkey").write_text("log+0123+key\n")
        (self.home / "state/vermilion.db").write_bytes(os.urandom(3_000_000))
        (self.home / "blobs/ab/cd").write_bytes(b"%PDF " + b"\0" * 100_000)
        os.link(self.home / "blobs/ab/cd", self.home / "blobs/ab/same")
        (self.home / "hsm/tokens/pin").write_bytes(b"\xff\0\n")
        (self.home / "hsm/tokens/pin").chmod(0o600)
        (self.home / "blobs/名 字\n").write_text("a name of its own")
        (self.home / "newest").symlink_to("state/vermilion.db")
        os.setxattr(self.home / "state", "user.kept", b"\x01")
        os.chown(self.home / "state", 4321, 1234)
        os.utime(self.home / "state", ns=(1, 1_700_000_000_123_456_789))
        self.disk(mebibytes)

    def disk(self, mebibytes: int) -> None:
        self.image.unlink(missing_ok=True)
        self.image.touch()
        os.truncate(self.image, mebibytes << 20)

    def program(self, name: str, text: str) -> None:
        """In the place of the real one of that name, which *text* may call by its path."""
        (self.root / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.root / "bin" / name).chmod(0o755)

    def move(self, interrupted_at: int = 0, *, back: bool = False) -> subprocess.CompletedProcess[str]:
        """The script is run, or dies before that step of it; the disk has then what was handed to it so far."""
        head, _, rest = SCRIPT.partition(ONTO)
        inside, _, after = rest.partition(BACK)
        parts = ((head, True), (ONTO + inside + BACK, back), (after, not back))
        lines, number = ["export SCRIPT=$$"], 0
        for line, counts in ((line, counts) for part, counts in parts for line in part.splitlines()):
            if counts and STEP.match(line):
                number += 1
                if number == interrupted_at:
                    lines.append(f"{self._cut}; kill -9 $$")
            lines.append(line)
        self.steps = number
        with device(self.image) as here:
            text = "\n".join(lines).replace("/dev/drbd0", here)
            for place in ("/var/lib/vermilion", "/run/vermilion-volume", "/opt/vermilion"):
                text = text.replace(place, f"{self.root}{place}")
            (self.root / "run").mkdir(exist_ok=True)
            known = {**os.environ, "PATH": f"{self.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
            given = ("move.sh", "back", here) if back else ()
            told = subprocess.run(
                ["unshare", "--mount", "sh", "-c", text, *given],
                capture_output=True,
                text=True,
                check=False,
                env=known,
            )
        if told.returncode == -9:
            self.cut.rename(self.image)
        return told

    @property
    def _cut(self) -> str:
        return f"cp --sparse=always {self.image} {self.cut}"

    def cut_in(self, name: str, before: str) -> None:
        """The power is cut in the middle of the program *name*, after it did *before*."""
        self.program(name, f"rm $0\n{before}\n{self._cut}; kill -9 $SCRIPT")

    @contextmanager
    def volume(self) -> Iterator[Path]:
        place = self.root / "looked-at"
        place.mkdir(exist_ok=True)
        with ExitStack() as stack:
            here = stack.enter_context(device(self.image))
            subprocess.run(["mount", here, place], check=True, capture_output=True)
            stack.callback(subprocess.run, ["umount", place], check=True)
            yield place


def described(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything of each file below *folder*."""
    found = {}
    inodes: dict[int, str] = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        name, status = str(path.relative_to(folder)), path.lstat()
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        kept = {each: os.getxattr(path, each) for each in os.listxattr(path, follow_symlinks=False)}
        same = inodes.setdefault(status.st_ino, name)
        times = () if name == "." else (status.st_mtime_ns,)
        found[name] = (status.st_mode, status.st_uid, status.st_gid, *times, content, kept, same)
    return found


def is_moved(machine: Machine, before: dict[str, tuple[object, ...]]) -> bool:
    """Whether the home was put aside, all of it, and the volume has it; it never is in neither place."""
    if machine.home.exists():
        assert described(machine.home) == before and not machine.aside.exists()
        return False
    assert described(machine.aside) == before
    with machine.volume() as volume:
        found = described(volume)
        assert (volume / "release").read_text() == "1.0\n" and (volume / "release").stat().st_mode & 0o777 == 0o644
    assert {name: found[name] for name in before} == before
    assert set(found) - set(before) == {"release", "cluster", "lost+found"}
    return True


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_home_moves_with_all_that_a_file_has(machine: Machine) -> None:
    before = described(machine.home)
    done = machine.move()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert is_moved(machine, before)
    again = machine.move()
    assert again.returncode == 1 and "a home from an earlier conversion" in again.stderr


def test_a_volume_that_has_served_is_not_written_over(machine: Machine) -> None:
    machine.move()
    with machine.volume() as volume:
        (volume / "cluster/history.jsonl").write_text("{}\n")
        (volume / "blobs/newer").write_text("signed since")
    machine.aside.rename(machine.home)
    done = machine.move()
    assert done.returncode == 1 and "The volume has served already" in done.stderr
    with machine.volume() as volume:
        assert (volume / "blobs/newer").exists() and machine.home.exists()


def test_a_question_that_fails_makes_no_file_system(machine: Machine) -> None:
    machine.program("blkid", "exit 8")
    before = machine.image.read_bytes()
    assert machine.move().returncode != 0
    assert machine.image.read_bytes() == before


@pytest.mark.long
def test_cut_at_any_step_it_is_whole_and_goes_on(tmp_path: Path) -> None:
    counted, number, ends = 1, 0, []
    while number < counted:
        number += 1
        machine = Machine(tmp_path / str(number))
        before = described(machine.home)
        assert machine.move(interrupted_at=number).returncode == -9
        counted = machine.steps
        if not (moved := is_moved(machine, before)):
            done = machine.move()
            assert (done.returncode, done.stderr) == (0, ""), number
            assert is_moved(machine, before)
        ends.append(moved)
        shutil.rmtree(machine.root)
    assert number > 15 and ends[0] is False and ends[-1] is True, "from the first command to the last"


@pytest.mark.parametrize(
    ("program", "before"),
    [
        ("rsync", '/usr/bin/rsync --exclude=/state "$@"'),
        (
            "mkfs.ext4",
            '/usr/sbin/mkfs.ext4 "$@"; eval "disk=\\${$#}"; dd if=/dev/zero of=$disk bs=64k seek=4 count=8',
        ),
    ],
)
def test_cut_in_the_middle_of_a_step_it_goes_on(machine: Machine, program: str, before: str) -> None:
    """A copy of a part, and a file system of which not everything has reached the disk."""
    had = described(machine.home)
    machine.cut_in(program, before)
    assert machine.move().returncode == -9 and not is_moved(machine, had)
    (machine.home / "state/later").write_text("the appliance served on meanwhile")
    (machine.home / "blobs/ab/same").unlink()
    had = described(machine.home)
    done = machine.move()
    assert (done.returncode, done.stderr) == (0, "")
    assert is_moved(machine, had)


def test_what_changes_under_its_hands_stays_where_it_is(machine: Machine) -> None:
    machine.program("rsync", f'rm $0; /usr/bin/rsync "$@"; echo written >>{machine.home}/state/vermilion.db')
    done = machine.move()
    assert done.returncode == 1
    assert "differs (>f" in done.stderr and "state/vermilion.db" in done.stderr and "systemctl" in done.stderr
    before = described(machine.home)
    assert not is_moved(machine, before)
    assert machine.move().returncode == 0 and is_moved(machine, before)


def test_the_copy_is_compared_as_the_disk_has_it(machine: Machine) -> None:
    """What was just written would be read from memory, whatever the disk has made of it."""
    spoils = "import sys; f = open(sys.argv[1], 'r+b'); f.seek(f.read().index(b'log+0123+key')); f.write(b'?')"
    machine.program(
        "mount",
        f"""case "$*" in *ro,*) rm $0; for each in "$@"; do case $each in
/dev/*) python3 -c "{spoils}" $each ;; esac; done ;; esac
exec /usr/bin/mount "$@\"""",
    )
    before = described(machine.home)
    done = machine.move()
    assert done.returncode == 1 and "trust/log.vkey" in done.stderr and "differs" in done.stderr
    assert not is_moved(machine, before)
    assert machine.move().returncode == 0 and is_moved(machine, before), "though size and time are the same"


def test_a_disk_that_is_full_is_told_and_nothing_is_lost(machine: Machine) -> None:
    machine.disk(5)
    before = described(machine.home)
    (machine.home / "blobs/large").write_bytes(os.urandom(6 << 20))
    before = described(machine.home)
    for _ in range(2):
        done = machine.move()
        assert done.returncode == 1 and "No space left on device" in done.stderr
        assert done.stderr.strip().endswith("The home is where it was.")
        assert not is_moved(machine, before)
    machine.disk(32)
    assert machine.move().returncode == 0 and is_moved(machine, before)


def test_what_is_on_the_volume_already_is_not_overwritten(machine: Machine) -> None:
    subprocess.run(["mkfs.ext2", "-q", "-F", machine.image], check=True)
    before = machine.image.read_bytes()
    done = machine.move()
    assert done.returncode == 1 and "The volume holds ext2" in done.stderr
    assert machine.image.read_bytes() == before and machine.home.exists()


class Served(Machine):
    """The home is on the volume; where it was is a folder that nobody can put anything into."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        done = self.move()
        assert (done.returncode, done.stderr) == (0, "")
        shutil.rmtree(self.aside)
        with self.volume() as volume:
            (volume / "cluster/history.jsonl").write_text("{}\n")
            self.had = described(volume)
        self.had = {name: each for name, each in self.had.items() if name != "lost+found"}
        self.home.mkdir()
        self.hold("+i")

    def hold(self, how: str) -> None:
        subprocess.run(["chattr", how, self.home], check=True)

    def is_back(self) -> bool:
        """Whether all of it is where it was; what is there is all or nothing, and the disk has it always."""
        with self.volume() as volume:
            found = described(volume)
        assert {name: each for name, each in found.items() if name != "lost+found"} == self.had
        if not self.home.exists() or not any(self.home.iterdir()):
            return False
        assert described(self.home) == self.had
        return True

    def release(self) -> None:
        if self.home.exists():
            self.hold("-i")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    machine = Served(tmp_path)
    yield machine
    machine.release()


def test_the_home_comes_back_and_the_disk_stays_as_it_is(served: Served) -> None:
    disk = served.image.read_bytes()
    for _ in range(2):  # done again, it changes nothing
        done = served.move(back=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert served.image.read_bytes() == disk
    assert served.is_back()
    assert not served.home.with_name("vermilion.alone").exists()
    (served.home / "trust/new").write_text("it can be written to again")


@pytest.mark.long
def test_cut_at_any_step_of_the_way_back_it_is_whole_and_goes_on(tmp_path: Path) -> None:
    counted, number, ends = 1, 0, []
    while number < counted:
        number += 1
        machine = Served(tmp_path / str(number))
        try:
            assert machine.move(interrupted_at=number, back=True).returncode == -9
            counted = machine.steps
            ends.append(machine.is_back())
            done = machine.move(back=True)
            assert (done.returncode, done.stderr) == (0, ""), number
            assert machine.is_back()
        finally:
            machine.release()
        shutil.rmtree(machine.root)
    assert number > 12 and ends[0] is False and ends[-1] is True, "from the first command to the last"


def test_a_disk_that_is_not_the_volume_s_is_not_taken_for_it(served: Served) -> None:
    whole = served.image.read_bytes()
    for image, word in ((b"\0" * len(whole), "could not be mounted"), (whole, "has no home on it")):
        served.image.write_bytes(image)
        if image == whole:
            with served.volume() as volume:
                (volume / "trust/log.vkey").unlink()
        done = served.move(back=True)
        assert done.returncode == 1 and word in done.stderr and done.stderr.strip().endswith("run this again.")
        assert not any(served.home.iterdir())


def test_what_came_back_otherwise_than_it_is_on_the_disk_is_not_taken(served: Served) -> None:
    served.program("rsync", f'rm $0; /usr/bin/rsync "$@"; echo spoilt >>{served.home}.alone/state/vermilion.db')
    done = served.move(back=True)
    assert done.returncode == 1 and "differs (>f" in done.stderr and "state/vermilion.db" in done.stderr
    assert not served.is_back()
    assert served.move(back=True).returncode == 0 and served.is_back()
