"""One system that answers requests, in a process of its own: `python -m bench.peer_systems NAME MODEL`.

MODEL is tako's bundle (a folder) for `tako`, the base's GGUF file for the three others, which run llama.cpp. Takes one
JSON object a line, `{"text": request, "call": the call as text}`, and answers with one: `ms` and `cpu_ms` from request
text to finished call, `prompt_ms` of them until the first token, `prompt` and `answer` (tokens), `call`. A process of
its own, so that memory is each system's alone; the caller asks one at a time.

llama.cpp is given every advantage that changes no answer: it computes the head for the last position alone, the
functions' description is tokenised beforehand, the greedy choice is one argmax, nothing holds its answer to a grammar,
and it stops after as many tokens as tako's call has in its own tokenizer, without having to say that it is done.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from actions.catalogue import CATALOGUE, NONE, Call, Function
from bench.stages import peak

CUE = "\nCall:"
CONTEXT = 2048  # positions, and the largest batch
INSTRUCTIONS = (
    "You are the assistant of a small device with a button, a microphone and a camera. Choose the function that does "
    "what the user asks for, or several, and write each call as name(argument, argument), with the arguments in the "
    "order given, in the language of the request, empty when the user did not say them.\nFunctions:\n"
)
DESCRIPTIONS = {  # arguments, as a developer would describe them
    "recipient": "Name, role or address of the person it goes to, as the user said it",
    "subject": "Subject line, if the user gave one",
    "body": "What the email says, written from the sender's point of view",
    "message": "What the message says, written from the sender's point of view",
    "query": "What to search for",
    "product": "The product to look for, with colour, size and brand",
    "item": "The thing the user speaks of, with its colour and where it was",
    "report": "Whether the user has found the item or lost it",
    "room": "The room to restyle, if the user named one",
    "style": "The style that the user wants",
    "items": "What to put on the shopping list, separated by semicolons",
    "order": "The dishes, and the restaurant if the user named one",
    "animal": "The kind of animal or breed",
    "request": "What the user wants to know about the animal",
    "question": "What the user wants to know about the picture",
}


class System(Protocol):
    """Something that turns a request into a call."""

    def ask(self, text: str, call: str) -> dict[str, Any]:
        """Figures of one request (see the module); `call`: as tako makes it, for systems that need its length."""


def as_text(calls: Sequence[Call]) -> str:
    """Calls as a model without functional tokens would write them: `send_text(mom, i am late)`."""
    return "; ".join(f"{call.name}({', '.join(call.args.values())})" for call in calls)


def schema(function: Function) -> dict[str, Any]:
    """A function as JSON schema, in the form that chat models are given tools."""
    properties: dict[str, Any] = {}
    for argument in function.arguments:
        properties[argument.name] = {"type": "string", "description": DESCRIPTIONS[argument.name]}
        if argument.choices:
            properties[argument.name]["enum"] = list(argument.choices)
    required = [argument.name for argument in function.arguments if argument.required]
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"name": function.name, "description": function.en.capitalize() + ".", "parameters": parameters}


def description() -> str:
    """The eleven functions as a prompt; `none` is no function that a developer would describe."""
    lines = [json.dumps(schema(function)) for function in CATALOGUE if function is not NONE]
    return INSTRUCTIONS + "\n".join(lines) + "\n\nRequest: "


class Tako:
    """The bundle, as the device runs it."""

    def __init__(self, folder: Path) -> None:
        from agent.onnx_decider import OnnxDecider

        self._decider = OnnxDecider(folder, threads=1)

    def ask(self, text: str, call: str) -> dict[str, Any]:
        from agent.prompt import encode_calls, encode_request
        from agent.types import Percept

        wall, cpu = time.perf_counter(), time.process_time()
        calls = self._decider.decide(Percept(text)).calls
        ms, cpu_ms = (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3
        tokenizer = self._decider.tokenizer
        return {
            "ms": ms,
            "cpu_ms": cpu_ms,
            "prompt": len(encode_request(tokenizer, text)),
            "answer": len(encode_calls(tokenizer, calls)),
            "call": as_text(calls),
        }


class LlamaCpp:
    """The base in llama.cpp; `prefix` is what stands before every request, `kept` whether its cache is kept."""

    def __init__(self, file: Path, prefix: str = "", kept: bool = False) -> None:
        self._library = importlib.import_module("llama_cpp")  # optional: `bench.peer` has said so if it is missing
        self._model = self._library.Llama(
            str(file),
            n_ctx=CONTEXT,
            n_batch=CONTEXT,
            n_threads=1,
            n_threads_batch=1,
            swa_full=True,  # a window that slides could not be taken back to the prefix
            verbose=False,
        )
        self._prefix: list[int] = self._model.tokenize(prefix.encode(), add_bos=True)
        self._kept = kept
        if kept:
            self._model.eval(self._prefix)

    def ask(self, text: str, call: str) -> dict[str, Any]:
        model = self._model
        count = len(model.tokenize(call.encode(), add_bos=False))
        wall, cpu = time.perf_counter(), time.process_time()
        request: list[int] = model.tokenize((text + CUE).encode(), add_bos=False)
        if self._kept:
            model.n_tokens = len(self._prefix)
            model.eval(request)
        else:
            model.reset()
            model.eval([*self._prefix, *request])
        answer = [self._best()]
        prompt_ms = (time.perf_counter() - wall) * 1e3
        while len(answer) < count:
            model.eval(answer[-1:])
            answer.append(self._best())
        said: bytes = model.detokenize(answer)
        return {
            "ms": (time.perf_counter() - wall) * 1e3,
            "cpu_ms": (time.process_time() - cpu) * 1e3,
            "prompt_ms": prompt_ms,
            "prompt": len(request) + (0 if self._kept else len(self._prefix)),
            "answer": len(answer),
            "call": said.decode(errors="replace"),
        }

    def _best(self) -> int:
        logits = self._library.llama_get_logits_ith(self._model.ctx, -1)
        return int(np.ctypeslib.as_array(logits, shape=(self._model.n_vocab(),)).argmax())


def make(name: str, model: Path) -> System:
    """A system by name: `tako`, `bare`, `described` or `kept`."""
    if name == "tako":
        return Tako(model)
    return LlamaCpp(model, "" if name == "bare" else description(), kept=name == "kept")


def main() -> None:
    name, model = sys.argv[1], Path(sys.argv[2])
    begun = time.perf_counter()
    system = make(name, model)
    print(json.dumps({"load": time.perf_counter() - begun}), flush=True)
    for line in sys.stdin:
        figures = system.ask(**json.loads(line))
        print(json.dumps({**figures, "peak": peak()}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
