"""What is written into the ONNX file beside the graph, and what is taken out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import onnx


def set_properties(model: onnx.ModelProto, properties: dict[str, str]) -> None:
    """Adds string pairs, replacing those of the same key, sorted by key."""
    kept = {p.key: p.value for p in model.metadata_props}
    kept.update(properties)
    del model.metadata_props[:]
    for key in sorted(kept):
        model.metadata_props.add(key=key, value=kept[key])


def remove_properties(model: onnx.ModelProto, keys: Iterable[str]) -> None:
    drop = set(keys)
    kept = {p.key: p.value for p in model.metadata_props if p.key not in drop}
    del model.metadata_props[:]
    set_properties(model, kept)


def strip(model: onnx.ModelProto) -> None:
    """Removes what exporters leave behind: stack traces, paths of this machine, the traces of rewriting.

    On small models this is half of the file.
    """
    for graph in _graphs(model.graph):
        _clear(graph)
    for function in model.functions:
        _clear(function)
        for node in function.node:
            _clear(node)
    del model.metadata_props[:]
    model.doc_string = ""
    model.producer_name, model.producer_version = "pytorch", model.producer_version.partition("+")[0]


def _clear(owner: Any) -> None:
    owner.doc_string = ""
    if hasattr(owner, "metadata_props"):
        del owner.metadata_props[:]


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and those inside its nodes; clears nodes, values and tensors on the way."""
    yield graph
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        _clear(value)
    for node in graph.node:
        _clear(node)
        for attribute in node.attribute:
            attribute.doc_string = ""
            inner = [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else attribute.graphs
            for child in inner:
                yield from _graphs(child)
