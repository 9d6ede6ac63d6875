"""Reads a store by docs/store-format.md alone: a second implementation, which shares nothing with ours.

read_store.py ROOT prints one JSON object: what is ready, what differs from its manifests and records, and who holds the lock.
"""

import hashlib
import json
import os
import re
import stat
import sys
from datetime import datetime, timezone

ROOT = sys.argv[1]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
PLAIN = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+/,@:%~")
differences = set()


def differ(package, path, kind):
    differences.add((package, path, kind))


def read(path):
    with open(os.path.join(ROOT, path), "rb") as file:
        return file.read()


def exists(path):
    return os.path.lexists(os.path.join(ROOT, path))


def names(folder):
    try:
        return sorted(name for name in os.listdir(os.path.join(ROOT, folder)) if NAME.fullmatch(name))
    except FileNotFoundError:
        return []


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# Manifests


def encode(data):
    return "".join(chr(byte) if byte in PLAIN else "\\%03o" % byte for byte in data)


def decode(text):
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), text.encode("ascii"))


def parse_manifest(data):
    """Entries by their path in bytes. Raises ValueError for what is not spelled as the one manifest of its entries."""
    entries, files, size = {}, 0, 0
    for line in data.decode("ascii").split("\n")[3:-1]:
        path, *words = line.split(" ")
        entry = dict(word.split("=", 1) for word in words)
        entries[decode(path[2:])] = entry
        files += entry["type"] != "dir"
        size += int(entry.get("size", 0))
    keywords = {"dir": ["type", "mode"], "file": ["type", "mode", "size", "sha256"], "link": ["type", "link"]}
    lines = ["#mtree", "# prestage tree 1 files=%d bytes=%d" % (files, size), ". type=dir mode=0755"]
    for path in sorted(entries, key=lambda path: encode(path)):
        entry = dict(entries[path])
        if "link" in entry:
            entry["link"] = encode(decode(entry["link"]))
        if "mode" in entry and not re.fullmatch("0[0-7]{3}", entry["mode"]):
            raise ValueError("mode")
        lines.append(" ".join(["./" + encode(path)] + ["%s=%s" % (key, entry[key]) for key in keywords[entry["type"]]]))
    if "".join(line + "\n" for line in lines).encode("ascii") != data:
        raise ValueError("spelling")
    return entries, files, size


# Verification


def kind_of(stats):
    if stat.S_ISDIR(stats.st_mode):
        return "dir"
    if stat.S_ISREG(stats.st_mode):
        return "file"
    return "link" if stat.S_ISLNK(stats.st_mode) else "other"


def listing(folder):
    """Paths in bytes below a folder, with their lstat."""
    found = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        found[name] = os.lstat(path)
        if stat.S_ISDIR(found[name].st_mode):
            found.update({name + b"/" + inner: stats for inner, stats in listing(path).items()})
    return found


def inside(path, folders):
    return any(path.startswith(folder + b"/") for folder in folders)


def verify_tree(package, tree, digest):
    try:
        manifest = read("trees/%s.mtree" % tree)
        if sha256(manifest) != digest:
            differ(package, "trees/%s.mtree" % tree, "manifest")
        entries, files, size = parse_manifest(manifest)
    except (OSError, ValueError, KeyError):
        differ(package, "trees/%s.mtree" % tree, "manifest")
        return None
    root = os.fsencode(os.path.join(ROOT, "trees", tree))
    if not os.path.isdir(root):
        differ(package, "trees/%s" % tree, "missing")
        return None
    there = listing(root)
    missing = [path for path in entries if path not in there]
    for path in missing:
        if not inside(path, missing):
            differ(package, path.decode(), "missing")
    extra = [path for path in there if path not in entries]
    for path in extra:
        if not inside(path, extra):
            differ(package, path.decode(), "extra")
    for path, entry in entries.items():
        if path not in there:
            continue
        full, stats, name = os.path.join(root, path), there[path], path.decode()
        if kind_of(stats) != entry["type"]:
            differ(package, name, "type")
        elif entry["type"] == "link":
            if os.readlink(full) != decode(entry["link"]):
                differ(package, name, "link")
        else:
            if stat.S_IMODE(stats.st_mode) != int(entry["mode"], 8):
                differ(package, name, "mode")
            if entry["type"] == "file" and stats.st_size != int(entry["size"]):
                differ(package, name, "size")
            elif entry["type"] == "file":
                with open(full, "rb") as file:
                    if sha256(file.read()) != entry["sha256"]:
                        differ(package, name, "digest")
    return {"digest": digest, "files": files, "bytes": size}


def release_digest(record):
    canonical = {
        "format": 1,
        "name": record["name"],
        "packages": [
            {"id": item["id"], "destination": item["destination"], "digest": item["recipe"]}
            for item in record["packages"]
        ],
        "scripts": [{"path": item["path"], "sha256": item["sha256"]} for item in record["scripts"]],
    }
    return sha256(json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def verify_release(release):
    folder = "releases/%s" % release
    try:
        record = json.loads(read(folder + "/release.json"))
        if record["format"] != 1 or record["release"] != release:
            raise ValueError("another")
    except (OSError, ValueError, KeyError):
        differ("", folder + "/release.json", "record")
        return None
    expected = {"release.json": None}
    for item in record["packages"]:
        expected[item["destination"]] = "../" * (item["destination"].count("/") + 2) + "trees/" + item["tree"]
    for script in record["scripts"]:
        expected[".prestage/scripts/" + script["path"]] = None
        path = "%s/.prestage/scripts/%s" % (folder, script["path"])
        if not exists(path):
            differ("", path, "missing")
        elif sha256(read(path)) != script["sha256"]:
            differ("", path, "digest")
    for item in record["packages"]:
        path = "%s/%s" % (folder, item["destination"])
        if not exists(path):
            differ(item["id"], path, "missing")
        elif os.readlink(os.path.join(ROOT, path)) != expected[item["destination"]]:
            differ(item["id"], path, "link")
    there = listing(os.fsencode(os.path.join(ROOT, folder)))
    for path in (path.decode() for path in there):
        if path not in expected and not any(known.startswith(path + "/") for known in expected):
            differ("", "%s/%s" % (folder, path), "extra")
    trees = {item["tree"]: verify_tree(item["id"], item["tree"], item["digest"]) for item in record["packages"]}
    return {"name": record["name"], "createdAt": record["createdAt"], "digest": release_digest(record), "trees": trees}


# The lock


def this_machine():
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    return sha256(("%s %s" % (boot, os.readlink("/proc/self/ns/pid"))).encode())[:16], boot[:8]


def process(holder):
    """gone, running, or unknown: by its id and its start."""
    machine, boot = this_machine()
    if holder["machine"] != machine:
        return "unknown"
    try:
        with open("/proc/%d/stat" % holder["pid"]) as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "gone"
    if fields[0] in "ZX":
        return "gone"
    if "pidStartedAt" not in holder:
        return "unknown"
    return "running" if holder["pidStartedAt"] == "%s:%s" % (boot, fields[22 - 3]) else "gone"


def lock():
    """By one look, as who may not wait."""
    if not exists(".lock"):
        return None
    try:
        holder = json.loads(read(".lock"))
        age = datetime.now(timezone.utc) - datetime.fromisoformat(holder["heartbeatAt"].replace("Z", "+00:00"))
        state = process(holder)
        silent = age.total_seconds() * 1000 > 3 * holder["leaseMs"]
        stale = state == "gone" or (state == "unknown" and silent)
        return {
            "run": holder["run"],
            "purpose": holder["purpose"],
            "host": holder["host"],
            "pid": holder["pid"],
            "stale": stale,
        }
    except (ValueError, KeyError, TypeError):
        return "not understood"


current = os.path.basename(os.readlink(os.path.join(ROOT, "current"))) if exists("current") else None
releases = {release: verify_release(release) for release in names("releases")}
ready = [
    name
    for name in names("trees")
    if os.path.isdir(os.path.join(ROOT, "trees", name)) and exists("trees/%s.mtree" % name)
]
print(
    json.dumps(
        {"current": current, "releases": releases, "trees": ready, "lock": lock(), "differences": sorted(differences)}
    )
)
