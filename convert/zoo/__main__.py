"""``python convert/zoo export OUT`` and ``python convert/zoo table OUT``; see docs/exported.md."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path


def main() -> int:
    """Runs the command line; the exit code is 1 where an architecture isn't as PyTorch has it."""
    parser = argparse.ArgumentParser(prog="zoo", description="Architectures as PyTorch's exporters emit them.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    export = verbs.add_parser("export", help="export the architectures and write cases that `ingot test` reads")
    export.add_argument("out", type=Path, help="folder for the cases")
    export.add_argument("--only", default="", help="a regular expression that names LIBRARY/NAME.EXPORTER must match")
    export.add_argument("--opset", type=int, help="the opset to export to (default 20)")
    table = verbs.add_parser("table", help="run the cases, print a table of the largest differences")
    table.add_argument("out", type=Path, help="folder that `export` wrote")
    table.add_argument("--ingot", default="ingot", help="the program `ingot`")
    table.add_argument("--only", default="", help="as above")
    args = parser.parse_args()
    if args.verb == "table":
        from table import write

        return write(args.out, args.ingot, args.only)
    return run(args.out, args.only, args.opset)


def run(out: Path, only: str, opset: int | None) -> int:
    """Exports what matches and adds the records to those of earlier calls."""
    from export import EXPORTERS, export, quiet
    from timm_zoo import ZOO as TIMM
    from torchvision_zoo import ZOO as TORCHVISION
    from transformers_zoo import ZOO as TRANSFORMERS

    quiet()
    out.mkdir(parents=True, exist_ok=True)
    path = out / "zoo.json"
    records = json.loads(path.read_text()) if path.exists() else {}
    for entry in [*TORCHVISION, *TIMM, *TRANSFORMERS]:
        for exporter in EXPORTERS:
            name = f"{entry.name}.{exporter}"
            if not re.search(only, f"{entry.library}/{name}"):
                continue
            record = records[name] = export(entry, exporter, out, opset)
            path.write_text(json.dumps(records, indent=1) + "\n")
            print(f"{name:34}", f"{record['nodes']} nodes" if record["ok"] else record["reason"], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
