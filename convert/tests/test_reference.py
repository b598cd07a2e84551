"""Random calls of the standard's operators give what ONNX's reference evaluator gives; see tools/differential/reference.py."""

from __future__ import annotations

import sys

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "differential"))

import reference


def test_random_calls_equal_the_reference():
    out = reference.Outcome()
    for case in reference.cases(["-seed=1", "-rounds=12"]):
        reference.judge(case, out)
    assert not out.wrong, "\n".join(out.wrong)
    print(out)
    # Most calls are of use, and hardly an operator is left out.
    assert out.equal > 3000
    assert len(out.operators) > 190
