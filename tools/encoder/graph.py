"""Write `bot/matching/encoder.onnx`: the encoder's sums without its weights.

Run from the checkout after `python -m tools.encoder.make` has made the weights: `python -m tools.encoder.graph`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bot.matching.encoder import SUMS, WEIGHTS

HEADS = 12
RUNTIME = "com.microsoft"
"""The domain of the operators that ONNX Runtime adds: attention, and products in eight bits."""


class Sums:
    """Collects operators and the names of weights."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.arrays = arrays
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def add(self, operator: str, *given: str, domain: str = "", out: tuple[str, ...] = (), **options: Any) -> str:
        """Add an operator and return the name of what comes out first."""
        out = out or (f"{operator.lower()}.{len(self.nodes)}",)
        self.nodes.append(helper.make_node(operator, list(given), list(out), domain=domain, **options))
        return out[0]

    def constant(self, name: str, value: Any) -> str:
        """Put a value into the file itself."""
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, name: str, shape: tuple[int, ...], kind: int = TensorProto.FLOAT) -> str:
        """Name a weight that is given at run time."""
        tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="given at run time")
        self.weights.append(tensor)
        return name

    def dense(self, state: str, name: str) -> str:
        """Multiply in eight bits and add a bias."""
        shape = self.arrays[name].shape
        weight = self.weight(name, shape, TensorProto.INT8)
        scale, bias = self.weight(f"{name}.scale", shape[1:]), self.weight(f"{name}.bias", shape[1:])
        return self.add("DynamicQuantizeMatMul", state, weight, scale, "", bias, domain=RUNTIME)

    def norm(self, state: str, name: str) -> str:
        """Centre and scale each piece."""
        shape = self.arrays[name].shape[1:]
        scale, shift = self.weight(f"{name}.scale", shape), self.weight(f"{name}.shift", shape)
        return self.add("LayerNormalization", state, scale, shift, epsilon=1e-12, axis=-1)


def sums(arrays: Mapping[str, Any]) -> bytes:
    """Return the file for weights of these shapes."""
    made = Sums(arrays)
    pieces, width = arrays["table"].shape
    made.weight("table", (pieces, width), TensorProto.INT8)
    made.weight("table.scale", (pieces, 1))
    made.weight("positions", arrays["positions"].shape)
    read = made.add("Cast", made.add("Gather", "table", "pieces"), to=TensorProto.FLOAT)
    state = made.add("Mul", read, made.add("Gather", "table.scale", "pieces"))
    made.constant("first", np.array([0], np.int64))
    made.constant("second", np.array([1], np.int64))
    length = made.add("Gather", made.add("Shape", "pieces"), "second")
    state = made.add("Add", state, made.add("Slice", "positions", "first", length))
    state = made.norm(state, "norm")
    for place in range(int(arrays["layers"])):
        parts = tuple(f"{place}.{name}" for name in ("query", "key", "value"))
        made.add("Split", made.dense(state, f"{place}.mix"), out=parts, axis=-1, num_outputs=3)
        seen = made.add("MultiHeadAttention", *parts, domain=RUNTIME, num_heads=HEADS)
        state = made.norm(made.add("Add", state, made.dense(seen, f"{place}.out")), f"{place}.norm1")
        inner = made.add("QuickGelu", made.dense(state, f"{place}.up"), domain=RUNTIME, alpha=1.702)
        state = made.norm(made.add("Add", state, made.dense(inner, f"{place}.down")), f"{place}.norm2")
    mean = made.add("ReduceMean", state, "second", keepdims=0)
    made.add("MatMul", mean, made.weight("project", arrays["project"].shape), out=("rows",))
    graph = helper.make_graph(
        made.nodes,
        "encoder",
        [helper.make_tensor_value_info("pieces", TensorProto.INT64, ["texts", "length"])],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["texts", arrays["project"].shape[1]])],
        made.weights,
    )
    versions = [helper.make_opsetid("", 18), helper.make_opsetid(RUNTIME, 1)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=versions, ir_version=9)
    return model.SerializeToString(deterministic=True)


def main() -> None:
    """Write the file and print its SHA-256."""
    with np.load(WEIGHTS, allow_pickle=False) as file:
        raw = sums({key: file[key] for key in file.files})
    SUMS.write_bytes(raw)
    print(f"{SUMS}: {len(raw)} bytes, sha256 {hashlib.sha256(raw).hexdigest()}")  # noqa: T201 - this is a command
    print("Put this sum into SUMS_SHA256 in bot/matching/encoder.py.")  # noqa: T201


if __name__ == "__main__":
    main()
