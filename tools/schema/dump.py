"""Writes the operator schemas of the pinned onnx package to testdata/schema.

The Go tests compare the operators' declarations with this dump, so that a
version, an attribute, a default or a type that is missing shows up without
Python on the machine. Nothing at run time reads it: the declarations are the
only source.

    python tools/schema/dump.py                    # write the dump
    python tools/schema/dump.py --check            # compare it with the package
    python tools/schema/dump.py --text schema.txt  # also write it for reading

The layout of the file is described in testdata/schema/README.md.
"""

import argparse
import gzip
import io
import json
import math
import struct
import sys
from pathlib import Path

import onnx
from onnx import AttributeProto, defs, helper, numpy_helper

VERSION = "1.23.2"
OUTPUT = Path(__file__).resolve().parents[2] / "testdata" / "schema" / f"onnx-{VERSION}.json.gz"

# onnx writes "any number" as the largest int32.
UNBOUNDED = 2**31 - 1

# The package still carries the drafts of this domain; it is not part of the
# inference standard, but a dump that leaves it out would not be complete.
DOMAIN_ORDER = ["", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training"]

OPTIONS = {
    defs.OpSchema.FormalParameterOption.Single: "single",
    defs.OpSchema.FormalParameterOption.Optional: "optional",
    defs.OpSchema.FormalParameterOption.Variadic: "variadic",
}


def shortest_float32(value: float):
    """Gives the shortest decimal that reads back as the same float32."""
    if math.isnan(value) or math.isinf(value):
        return str(value)  # JSON has neither
    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        try:
            back = struct.unpack("<f", struct.pack("<f", short))[0]
        except OverflowError:  # rounded up past the largest float32
            continue
        if back == value:
            return short
    raise ValueError(f"{value!r} is not a float32")


def default_value(attribute: AttributeProto):
    """Turns a default into plain JSON; tensors become dtype, dims and values."""
    value = helper.get_attribute_value(attribute)
    kind = attribute.type
    if kind == AttributeProto.FLOAT:
        return shortest_float32(value)
    if kind == AttributeProto.FLOATS:
        return [shortest_float32(v) for v in value]
    if kind == AttributeProto.STRING:
        return value.decode()
    if kind == AttributeProto.STRINGS:
        return [v.decode() for v in value]
    if kind == AttributeProto.TENSOR:
        array = numpy_helper.to_array(value)
        return {"dtype": str(array.dtype), "dims": list(array.shape), "values": array.ravel().tolist()}
    if kind == AttributeProto.INT:
        return value
    if kind == AttributeProto.INTS:
        return list(value)
    raise ValueError(f"default of kind {kind} in {attribute.name}")


def attribute_entry(attribute) -> dict:
    entry = {"name": attribute.name, "type": attribute.type.name.lower()}
    if attribute.required:
        entry["required"] = True
    # A default that is absent has the type UNDEFINED, not a null.
    if attribute.default_value.type != AttributeProto.UNDEFINED:
        entry["default"] = default_value(attribute.default_value)
    return entry


def parameter_entry(parameter) -> dict:
    entry = {"name": parameter.name, "type": parameter.type_str}
    option = OPTIONS[parameter.option]
    if option != "single":
        entry["option"] = option
    if option == "variadic":
        entry["homogeneous"] = parameter.is_homogeneous
        entry["min"] = parameter.min_arity
    return entry


def bounded(count: int) -> int:
    return -1 if count == UNBOUNDED else count


def schema_entry(schema) -> dict:
    entry = {"domain": schema.domain, "name": schema.name, "since": schema.since_version}
    if schema.deprecated:
        entry["deprecated"] = True
    entry["inputs"] = [parameter_entry(p) for p in schema.inputs]
    entry["outputs"] = [parameter_entry(p) for p in schema.outputs]
    entry["min_inputs"] = schema.min_input
    entry["max_inputs"] = bounded(schema.max_input)
    entry["min_outputs"] = schema.min_output
    entry["max_outputs"] = bounded(schema.max_output)
    entry["types"] = {
        t.type_param_str: sorted(t.allowed_type_strs)
        for t in sorted(schema.type_constraints, key=lambda t: t.type_param_str)
    }
    entry["attributes"] = [attribute_entry(a) for _, a in sorted(schema.attributes.items())]
    if schema.has_function:
        entry["function"] = "fixed"
    elif schema.has_context_dependent_function:
        entry["function"] = "context"
    return entry


def collect() -> dict:
    schemas = defs.get_all_schemas_with_history()
    domains = sorted({s.domain for s in schemas}, key=DOMAIN_ORDER.index)
    # Operators alphabetically, each one's newest version first.
    schemas.sort(key=lambda s: (DOMAIN_ORDER.index(s.domain), s.name, -s.since_version))
    return {
        "onnx": VERSION,
        "opsets": {d: max(s.since_version for s in schemas if s.domain == d) for d in domains}
        | {"": defs.onnx_opset_version()},
        "schemas": [schema_entry(s) for s in schemas],
    }


def to_json(dump: dict) -> bytes:
    """One schema a line, so that two dumps can be compared with diff."""
    out = io.StringIO()
    out.write('{"onnx":%s,"opsets":%s,"schemas":[\n' % (json.dumps(dump["onnx"]), json.dumps(dump["opsets"])))
    out.write(",\n".join(json.dumps(s, separators=(",", ":"), allow_nan=False) for s in dump["schemas"]))
    out.write("\n]}\n")
    return out.getvalue().encode()


def short_type(name: str) -> str:
    """tensor(float) as float: the text is for people, and nearly all are tensors."""
    return name[len("tensor(") : -1] if name.startswith("tensor(") and name.count("(") == 1 else name


def signature(parameters: list) -> str:
    parts = []
    for p in parameters:
        mark = {"single": "", "optional": "?", "variadic": "*"}[p.get("option", "single")]
        if mark == "*":
            mark += str(p["min"]) + ("" if p["homogeneous"] else "~")
        parts.append(f"{p['name']}:{short_type(p['type'])}{mark}")
    return ", ".join(parts) or "-"


def to_text(dump: dict) -> str:
    """One block an operator, versions newest first.

    After a parameter's type stand ? (optional) or *N (variadic, at least N),
    with ~ where the arguments may have different types. After an attribute's
    type stand =default, ! (required) or nothing (optional).
    """
    lines = [to_text.__doc__.strip(), ""]
    last = None
    for s in dump["schemas"]:
        key = (s["domain"], s["name"])
        if key != last:
            versions = [str(o["since"]) for o in dump["schemas"] if (o["domain"], o["name"]) == key]
            lines += ["", f"== {s['domain'] or 'ai.onnx'} {s['name']} [{', '.join(versions)}]"]
            last = key
        body = {"fixed": "  (function)", "context": "  (function, depends on context)"}.get(s.get("function"), "")
        lines.append(f"  v{s['since']}{'  DEPRECATED' if s.get('deprecated') else ''}{body}")
        count = "{min}..{max}".format
        lines.append(f"    in   {signature(s['inputs'])}   ({count(min=s['min_inputs'], max=s['max_inputs'])})")
        lines.append(f"    out  {signature(s['outputs'])}   ({count(min=s['min_outputs'], max=s['max_outputs'])})")
        for name, allowed in s["types"].items():
            lines.append(f"    type {name}: {' '.join(short_type(t) for t in allowed)}")
        for a in s["attributes"]:
            end = "!" if a.get("required") else f"={json.dumps(a['default'])}" if "default" in a else ""
            lines.append(f"    attr {a['name']}:{a['type']}{end}")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare the committed dump with the package, write nothing")
    parser.add_argument("--text", type=Path, help="also write the dump as text for reading to this file")
    args = parser.parse_args()

    if onnx.__version__ != VERSION:
        print(f"dump.py: onnx {VERSION} is needed, this is {onnx.__version__}", file=sys.stderr)
        return 2
    dump = collect()
    data = to_json(dump)
    if args.text:
        args.text.write_text(to_text(dump))
    if args.check:
        # Only what is inside counts: zlib's versions compress differently.
        if gzip.decompress(OUTPUT.read_bytes()) != data:
            print(f"dump.py: {OUTPUT} differs from onnx {VERSION}", file=sys.stderr)
            return 1
        return 0
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{OUTPUT}: {len(dump['schemas'])} schemas")
    return 0


if __name__ == "__main__":
    sys.exit(main())
