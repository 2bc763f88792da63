"""The sentence encoder's sums by ONNX Runtime, in eight bits.

`encoder.onnx` holds the sums alone (`tools/encoder/graph.py` writes it); the weights come from
the arrays that NumPy would use. The runtime rounds what goes into each product to eight bits
over the whole of its input, so texts are computed one by one: company must not change a row.

From its first session on the runtime reports its use to its maker, over the network and from a
file in the home folder, unless a variable forbids that before it is loaded (Privacy.md in its
package). So it is loaded here alone, and forbidden here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bot.matching.transformer import Floats, weights

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

_SILENT = 3
"""The runtime tells errors only: its warnings go to standard error past the log."""


class Graph:
    """Turns the pieces of texts into rows; may be called from several threads at once."""

    def __init__(self, arrays: Mapping[str, Any], sums: Path) -> None:
        """Take the weights, and the path of `encoder.onnx`."""
        options = onnxruntime.SessionOptions()
        # A question is too small to share; many questions share the cores among themselves.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _SILENT
        given = _given(arrays)
        options.add_external_initializers(
            list(given), [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in given.values()]
        )
        self._session: Any = onnxruntime.InferenceSession(str(sums), options, providers=["CPUExecutionProvider"])

    def __call__(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Return a row a text."""
        rows = np.empty((len(texts), self._session.get_outputs()[0].shape[1]), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = self._session.run(None, {"pieces": np.array([text], dtype=np.int64)})[0]
        return rows


def _given(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return the weights under the names that the sums have for them."""
    given: dict[str, Any] = {
        "table": arrays["table"],
        "table.scale": _single(arrays["table_scale"])[:, None],
        "positions": _single(arrays["positions"]),
        "project": weights(arrays, "project"),
    }
    layers = range(int(arrays["layers"]))
    for name in ("norm", *(f"{place}.{norm}" for place in layers for norm in ("norm1", "norm2"))):
        given[f"{name}.scale"], given[f"{name}.shift"] = _single(arrays[name])
    for name in (f"{place}.{dense}" for place in layers for dense in ("mix", "out", "up", "down")):
        given[name] = arrays[name]
        given[f"{name}.scale"] = _single(arrays[f"{name}.scale"]).reshape(-1)
        given[f"{name}.bias"] = _single(arrays[f"{name}_bias"])
    return {name: np.ascontiguousarray(array) for name, array in given.items()}


def _single(array: Any) -> Any:
    return array.astype(np.float32)
