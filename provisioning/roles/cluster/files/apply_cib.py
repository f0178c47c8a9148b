"""Brings the cluster's configuration (CIB) to what a file says, by the difference alone; a second run changes nothing.

    apply_cib.py FILE

FILE has our sets of options, all resources and our constraints. What others have put there stays: Pacemaker's own options, the
constraints of DRBD's fence handler and of a switch-over that is under way, and whether somebody has stopped or paused a resource."""

import copy
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

FOREIGN = ("drbd-fence-by-handler-", "cli-")
KEPT = ("target-role", "maintenance", "is-managed")
SETS = {"crm_config": "cluster_property_set", "rsc_defaults": "meta_attributes", "op_defaults": "meta_attributes"}


class Refused(Exception):
    """One sentence."""


def told(*command, given=None, accepted=(0,)):
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode not in accepted:
        words = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise Refused(f"{command[0]} refused ({done.returncode}): {words}")
    return done.stdout


def stripped(element):
    for each in element.iter():
        each.text = each.tail = None
    return element


def configuration(cib):
    found = cib.find("configuration")
    if found is None:
        raise Refused("the cluster has no configuration")
    return found


def section(parent, name):
    found = parent.find(name)
    return ElementTree.SubElement(parent, name) if found is None else found


def wanted(current, ours):
    """The whole CIB as it should be: *current* with *ours* in its place."""
    cib = copy.deepcopy(current)
    place = configuration(cib)
    for name, kind in SETS.items():
        for each in section(ours, name).iterfind(kind):
            there = section(place, name)
            for old in [found for found in there.iterfind(kind) if found.get("id") == each.get("id")]:
                there.remove(old)
            there.append(copy.deepcopy(each))
    resources = copy.deepcopy(section(ours, "resources"))
    for resource in section(place, "resources").iter():
        said = [nvpair for nvpair in resource.iterfind("meta_attributes/nvpair") if nvpair.get("name") in KEPT]
        same = [each for each in resources.iter() if each.get("id") == resource.get("id") and each.tag == resource.tag]
        for each in same if said else []:
            meta = each.find("meta_attributes")
            if meta is None:
                meta = ElementTree.Element("meta_attributes", {"id": f"{each.get('id')}-meta_attributes"})
                each.insert(0, meta)
            meta.extend(copy.deepcopy(said))
    place.remove(section(place, "resources"))
    constraints = section(place, "constraints")
    place.insert(list(place).index(constraints), resources)
    for each in list(constraints):
        if not str(each.get("id")).startswith(FOREIGN):
            constraints.remove(each)
    for number, each in enumerate(section(ours, "constraints")):
        constraints.insert(number, copy.deepcopy(each))
    return cib


def verify(file):
    """Raises :class:`Refused` for errors; warnings may be about a node that is away just now."""
    asked = ["crm_verify", "--verbose", "--xml-file", str(file)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    wrong = [line for line in done.stderr.splitlines() if line.startswith("error")]
    if wrong:
        raise Refused(f"crm_verify says {wrong[0]}")


def apply(file):
    """Whether something had to be changed."""
    ours = stripped(ElementTree.parse(file).getroot())
    current = stripped(ElementTree.fromstring(told("cibadmin", "--query")))
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        before, after = pathlib.Path(folder, "before.xml"), pathlib.Path(folder, "after.xml")
        before.write_bytes(ElementTree.tostring(current))
        after.write_bytes(ElementTree.tostring(wanted(current, ours)))
        verify(after)
        change = told("crm_diff", "--original", str(before), "--new", str(after), "--no-version", accepted=(0, 1))
        if "<change " not in change:
            return False
        told("cibadmin", "--patch", "--xml-pipe", given=change)
    return True


if __name__ == "__main__":
    try:
        print("changed" if apply(sys.argv[1]) else "as it was")
    except Refused as refusal:
        sys.exit(f"The cluster's configuration was not changed: {refusal}")
