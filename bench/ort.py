"""Runs models with ONNX Runtime for the benchmark beside it.

Reads one JSON object a line from standard input and answers with one a line:
{"load": model, "threads": n, "inputs": {name: file.npy}} and {"run": seconds, "least": runs}.
"""

import json
import sys
import time

import numpy as np
import onnxruntime as ort


def load(request):
    options = ort.SessionOptions()
    options.intra_op_num_threads = request["threads"]
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    began = time.perf_counter()
    session = ort.InferenceSession(request["load"], options, providers=["CPUExecutionProvider"])
    loaded = time.perf_counter() - began
    feeds = {name: np.load(path) for name, path in request["inputs"].items()}
    return session, feeds, {"load_ms": 1e3 * loaded, "version": ort.__version__}


def run(session, feeds, request):
    times = []
    end = time.perf_counter() + request["run"]
    while time.perf_counter() < end or len(times) < request["least"]:
        began = time.perf_counter()
        session.run(None, feeds)
        times.append(1e3 * (time.perf_counter() - began))
    return {"ms": times}


def main():
    session, feeds = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if "load" in request:
            session, feeds, answer = load(request)
        else:
            answer = run(session, feeds, request)
        print(json.dumps(answer), flush=True)


main()
