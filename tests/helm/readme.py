"""The table of values in the chart's README, as helm-docs makes it: of values.yaml and its comments `# -- `."""

import json
import re

import chart

BEGIN, END = "<!-- values of values.yaml -->\n", "<!-- end -->\n"


def described(yaml):
    """(path, text) of every key with a comment `# -- `, in their order."""
    above, text = [], None
    for line in yaml.splitlines():
        comment = re.match(r" *# (-- )?(.*)$", line)
        key = re.match(r"( *)([A-Za-z]+):", line)
        if comment and comment[1]:
            text = comment[2]
        elif comment and text:
            text += f" {comment[2]}"
        elif key:
            above = [each for each in above if each[0] < len(key[1])] + [(len(key[1]), key[2])]
            if text:
                yield ".".join(name for _, name in above), text
            text = None
        else:
            text = None


def leaves(value, path=""):
    """Paths of everything that is no map with keys of its own."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}" if path else key)
    else:
        yield path


def at(values, path):
    for key in path.split("."):
        values = values[key]
    return values


def kind(value):
    return {bool: "bool", int: "int", float: "float", str: "string", list: "list", dict: "object"}[type(value)]


def table():
    yaml = (chart.CHART / "values.yaml").read_text()
    [values] = json.loads(chart.read(yaml))
    rows = []
    for path, text in sorted(described(yaml)):
        value = at(values, path)
        shown = json.dumps(value, separators=(",", ":")).replace("|", "\\|")
        rows.append(f"| {path} | {kind(value)} | `{shown}` | {text} |")
    return "\n".join(["| Key | Type | Default | Description |", "|-----|------|---------|-------------|", *rows]) + "\n"


def undescribed():
    """Values that no comment describes, neither theirs nor that of what they are in."""
    yaml = (chart.CHART / "values.yaml").read_text()
    [values] = json.loads(chart.read(yaml))
    known = [path for path, _ in described(yaml)]
    return [leaf for leaf in leaves(values) if not any(f"{leaf}.".startswith(f"{path}.") for path in known)]


def updated(readme):
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{table()}{END}{after}"
