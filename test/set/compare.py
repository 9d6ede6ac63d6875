"""Reads changes of configuration files, one JSON object a line, by parsers that are not ours, and writes a line for each:
what is wrong about it, or nothing. A change is right where a reader finds after it what it found before, but for the value
that was set, and that one as it was given. A file that a reader could not read before is none of its business."""

import configparser
import io
import json
import sys
import tomllib

import yaml
from ruamel.yaml import YAML


def read_ini(text):
    parser = configparser.RawConfigParser(strict=False, interpolation=None, default_section="\0")
    parser.optionxform = str
    parser.read_string(text)
    return {section: dict(parser.items(section)) for section in parser.sections()}


def read_yaml_1_2(text):
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)
    return reader.load(io.StringIO(text))


READERS = {
    "ini": {"configparser": read_ini},
    "json": {"json": json.loads},
    "toml": {"tomllib": tomllib.loads},
    "yaml": {"PyYAML (1.1)": yaml.safe_load, "ruamel.yaml (1.2)": read_yaml_1_2},
}


def with_value(tree, path, value):
    if not path:
        return value
    name, *rest = path
    if isinstance(tree, list):
        return [with_value(item, rest, value) if str(at) == name else item for at, item in enumerate(tree)]
    tree = {} if tree is None else dict(tree)
    tree[name] = with_value(tree.get(name), rest, value)
    return tree


def same(one, other):
    """Types and order count; 1 is not true, and 1.0 is 1."""
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or (one != one and other != other)
    return type(one) is type(other) and one == other


def in_order(tree):
    return {key: in_order(tree[key]) for key in sorted(tree)} if isinstance(tree, dict) else tree


def fault(change):
    for name, read in READERS[change["format"]].items():
        try:
            before = read(change["before"])
        except Exception:
            continue
        try:
            after = read(change["after"])
        except Exception as error:
            return f"{name} cannot read it: {error}"
        expected = with_value(before, change["path"], change["value"])
        if change["format"] == "toml":  # where keys of the root come before all tables
            expected, after = in_order(expected), in_order(after)
        if not same(expected, after):
            return f"{name} reads {after!r}, and should read {expected!r}"
    return ""


for line in sys.stdin:
    print(json.dumps(fault(json.loads(line))), flush=True)
