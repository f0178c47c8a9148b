"""Makes settings and secrets of two machines equal, without a secret in the clear on any disk.

    equal.py give '{"folders": […], "files": […], "except": […], "secrets": PREFIX}'    what this machine has, as JSON on standard output
    equal.py take '{…the same…}' <JSON    this machine has the same afterwards; standard output names what was changed

Secrets are systemd's encrypted credentials below /etc/credstore.encrypted whose names begin with PREFIX. They are decrypted in
memory, and encrypted anew with the key of the machine that takes them.

Standard error is shown to people (tasks/equal.yml): it has names of files, and nothing of what is in them."""

import base64
import contextlib
import grp
import json
import os
import pathlib
import pwd
import stat
import subprocess
import sys
import tempfile

STORE = pathlib.Path("/etc/credstore.encrypted")


@contextlib.contextmanager
def named(name, done):
    """What fails on the way is one sentence that names the file."""
    try:
        yield
    except OSError as problem:
        sys.exit(f"{name} cannot be {done} on this machine: {problem}")
    except subprocess.CalledProcessError as problem:
        said = problem.stderr.decode(errors="replace").split("\n")
        sys.exit(f"{name} cannot be {done} on this machine: {next(filter(None, reversed(said)), 'systemd-creds failed without a word')}")


def regular(folder):
    return (path for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file() and not path.is_symlink())


def paths(what):
    """The files that are meant and there, but for those that are each machine's own."""
    found = {path for folder in what["folders"] for path in regular(folder)}
    found |= {path for path in map(pathlib.Path, what["files"]) if path.is_file()}
    return sorted(found - {pathlib.Path(each) for each in what["except"]})


def entry(look_up, wanted):
    """Of the user or the group: its name comes first. None where this machine has none such."""
    try:
        return look_up(wanted)
    except KeyError:
        return None


def described(path):
    with named(path, "read"):
        status = path.stat()
        return {
            "mode": stat.S_IMODE(status.st_mode),
            "owner": (entry(pwd.getpwuid, status.st_uid) or [str(status.st_uid)])[0],
            "group": (entry(grp.getgrgid, status.st_gid) or [str(status.st_gid)])[0],
            "content": base64.b64encode(path.read_bytes()).decode(),
        }


def as_here(each):
    """As the file can be here: root's where this machine does not know its owner, of root's group where it does not know its group. Nobody may
    read or write it by that who might not before; what would run as its owner loses that, since root may do more."""
    owner = each["owner"] if entry(pwd.getpwnam, each["owner"]) else "root"
    group = each["group"] if entry(grp.getgrnam, each["group"]) else "root"
    kept = 0o7777 if (owner, group) == (each["owner"], each["group"]) else 0o777
    return {**each, "owner": owner, "group": group, "mode": each["mode"] & kept}


def secret(name, store=STORE):
    """In Base64; None where this machine cannot open it, as when its key is another one."""
    asked = ["systemd-creds", "decrypt", f"--name={name.partition('.')[2]}", str(store / name), "-"]
    with named(name, "opened"):
        done = subprocess.run(asked, capture_output=True, check=False)
    return base64.b64encode(done.stdout).decode() if done.returncode == 0 else None


def secrets(prefix, store=STORE):
    """Name → secret in Base64, of each credential that begins with *prefix*."""
    return {path.name: secret(path.name, store) for path in sorted(store.glob(f"{prefix}*"))} if prefix else {}


def give(what, store=STORE):
    return {
        "files": {str(path): described(path) for path in paths(what)},
        "secrets": secrets(what["secrets"], store),
    }


def put(path, content, *, mode, owner="root", group="root"):
    """Writes the file, which is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(number, "wb") as opened:
        os.fchmod(number, mode)
        os.fchown(number, pwd.getpwnam(owner).pw_uid, grp.getgrnam(group).gr_gid)
        opened.write(content)
        opened.flush()
        os.fsync(number)
    os.replace(fresh, path)


def keep(name, content, store=STORE):
    asked = ["systemd-creds", "encrypt", "--with-key=host", f"--name={name.partition('.')[2]}", "-", "-"]
    with named(name, "sealed"):
        put(store / name, subprocess.run(asked, input=content, capture_output=True, check=True).stdout, mode=0o600)


def take(what, given, store=STORE):
    """The names of what was changed."""
    own, changed = give(what, store), []
    for name, each in given["files"].items():
        here = as_here(each)
        if own["files"].get(name) == here:
            continue
        with named(name, "written"):
            put(pathlib.Path(name), base64.b64decode(here["content"]), mode=here["mode"], owner=here["owner"], group=here["group"])
        if (belongs := f"{here['owner']}:{here['group']}") != (belonged := f"{each['owner']}:{each['group']}"):
            print(f"{name} belongs to {belonged} on the active node, which is not known here; it is {belongs} here", file=sys.stderr)
        changed.append(name)
    in_folders = [name for name in own["files"] if any(name.startswith(f"{each}/") for each in what["folders"])]
    for name in sorted(set(in_folders) - set(given["files"])):
        with named(name, "removed"):
            os.unlink(name)
        changed.append(name)
    for name, content in given["secrets"].items():
        if own["secrets"].get(name) != content:
            keep(name, base64.b64decode(content), store)
            changed.append(name)
    for name in sorted(set(own["secrets"]) - set(given["secrets"])) if what.get("whole", True) else []:
        with named(name, "removed"):
            os.unlink(store / name)
        changed.append(name)
    return changed


if __name__ == "__main__":
    meant = json.loads(sys.argv[2])
    if sys.argv[1] == "give":
        found = give(meant)
        if closed := [name for name, content in found["secrets"].items() if content is None]:
            sys.exit(f"{', '.join(closed)} in {STORE} cannot be opened on this machine")
        print(json.dumps(found))
    else:
        print("\n".join(take(meant, json.load(sys.stdin))))
