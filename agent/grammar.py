"""Which token may follow: the automaton of valid answers, made from the catalogue alone.

State by state an answer is functional tokens, arguments in order, `<end>`, then another call or `<eos>`. Arguments
with choices follow a tree of their spellings. `none` stands alone. A text token can never be a mark or a
functional token, and the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actions.catalogue import CATALOGUE, NONE, Argument
from agent.prompt import END, EOS, FIRST_FUNCTION, FIRST_TEXT_ID, SEP, words

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAX_CALLS = 5
MAX_ARGUMENT_TOKENS = 200

Tree = dict[int, "Tree"]


@dataclass(frozen=True)
class State:
    """Where in an answer decoding stands.

    `allowed` lists reserved ids, `text` says whether any text token may follow, `copied` whether it should be one of
    the request's.
    """

    allowed: tuple[int, ...]
    text: bool = False
    copied: bool = False


class Grammar:
    """Follows one answer token by token."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._choices: dict[tuple[str, str], Tree] = {}
        for function in CATALOGUE:
            for argument in function.arguments:
                if argument.choices:
                    self._choices[function.name, argument.name] = _tree(
                        [words(tokenizer, c) for c in argument.choices], after=_closing(function.arguments, argument)
                    )
        self.restart()

    def restart(self) -> None:
        self._calls = 0
        self._function = -1
        self._argument = 0
        self._length = 0
        self._tree: Tree | None = None
        self._only_none_follows = False
        self.finished = False

    def state(self) -> State:
        """What may follow now."""
        if self._function < 0:
            functions = tuple(
                FIRST_FUNCTION + i for i, f in enumerate(CATALOGUE) if self._calls == 0 or f.name != NONE.name
            )
            if self._calls == 0:
                return State(functions)
            if self._only_none_follows or self._calls >= MAX_CALLS:
                return State((EOS,))
            return State((EOS, *functions))
        if self._tree is not None:
            return State(tuple(self._tree))
        arguments = CATALOGUE[self._function].arguments
        argument = arguments[self._argument]
        text = self._length < MAX_ARGUMENT_TOKENS
        return State((_closing(arguments, argument),), text, copied=not argument.rewritten)

    def forced(self) -> int | None:
        """The only token that may follow, if there is only one."""
        state = self.state()
        return state.allowed[0] if len(state.allowed) == 1 and not state.text else None

    def allows(self, token: int) -> bool:
        state = self.state()
        return token in state.allowed or (state.text and token >= FIRST_TEXT_ID)

    def advance(self, token: int) -> None:
        """Takes one token. Raises `ValueError` when it may not follow."""
        if self.finished or not self.allows(token):
            raise ValueError(f"token {token} may not follow")
        if self._function < 0:
            if token == EOS:
                self.finished = True
                return
            self._function = token - FIRST_FUNCTION
            self._calls += 1
            self._only_none_follows = CATALOGUE[self._function].name == NONE.name
            self._begin_argument(0)
        elif token == END:
            self._function, self._tree = -1, None
        elif token == SEP:
            self._begin_argument(self._argument + 1)
        else:
            self._length += 1
            if self._tree is not None:
                self._tree = self._tree[token]

    def _begin_argument(self, index: int) -> None:
        function = CATALOGUE[self._function]
        self._argument, self._length = index, 0
        self._tree = self._choices.get((function.name, function.arguments[index].name))


def scores(logits: np.ndarray, state: State, strange: np.ndarray | None = None) -> np.ndarray:
    """The logits float32 (vocabulary,) as they count in a state.

    `strange`: float32 (vocabulary,), what each token loses where what was said is to be copied.
    """
    return logits - strange if strange is not None and state.copied else logits


def choose(logits: np.ndarray, state: State) -> int:
    """The most probable allowed token; logits: float32 (vocabulary,)."""
    best = max(state.allowed, key=lambda token: float(logits[token]))
    if state.text:
        text = FIRST_TEXT_ID + int(logits[FIRST_TEXT_ID:].argmax())
        if logits[text] > logits[best]:
            return text
    return best


def _closing(arguments: tuple[Argument, ...], argument: Argument) -> int:
    return END if argument is arguments[-1] else SEP


def _tree(spellings: list[list[int]], after: int) -> Tree:
    root: Tree = {}
    for spelling in spellings:
        node = root
        for token in spelling:
            node = node.setdefault(token, {})
        node[after] = {}
    return root
