"""What IPython does to our lines and cells before the magic sees them, held back: what is typed arrives as it was typed.

IPython takes a line that ends in `?` for a call for help, wherever it begins; it strips `>>>` and `...` from the middle of a cell,
blanks from its empty lines, and knows no blank but the space behind a name. Each of its steps was looked at:

| Step | What becomes of a line of ours |
|---|---|
| help (`?`, `??` at the end) | a line that begins with our magic and a blank is never one; `%seedance?`, `?%seedance` are |
| a backslash at the end | joins the next line, as everywhere, under Windows line ends too; one that joins nothing is refused by the parser |
| line ends that are none in a notebook (U+2028, form feed …) | a blank |
| prompts of a terminal (`>>> `, `In [1]: `) | left alone below `%%seedance`; before our own first line still taken off |
| `x = %seedance …` | the same as without `x =` |
| automagic (`seedance a cat?`) | the same as with `%` |
| `!`, `$`, a `;` | nothing happens here: the parser of the magic reads them |

`%%time`, `%%capture` and their like send what they hold through the same steps, and so does `%time` with a line of ours behind it.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence
from typing import Any, Self

from IPython.core.inputtransformer2 import MagicAssign, TokenTransformBase, leading_empty_lines, leading_indent

MAGIC = "%seedance"
_CELL = re.compile(r"%%seedance(?=\s)")
_LINE_SIGNS = {"!", "!!", "%", "?", "??", ",", ";", "/"}
"""What begins a line that IPython reads to its end and no further, whatever brackets it opens."""
_AUTOMAGIC = re.compile(r"seedance[^\S\r\n]+(?![=,])\S")


class OurLine(TokenTransformBase):
    """Turns a line of our magic into the call before anything else is made of it; IPython itself finds no strings by it."""

    priority = 1  # before the help, which is 5

    def __init__(self, start: tuple[int, int], magic: tuple[int, int]) -> None:
        super().__init__(start)
        self.magic_line, self.magic_column = magic[0] - 1, magic[1]

    @classmethod
    def find(cls, tokens_by_line: Sequence[Sequence[Any]]) -> Self | None:
        """The first line of ours. IPython calls this with the tokens of what is left, grouped by Python's logical lines."""
        import tokenize

        for line in tokens_by_line:
            tokens = [token for token in line if token.type not in (tokenize.INDENT, tokenize.DEDENT)]
            if not tokens:
                continue
            first = tokens[0]
            if _is_ours(tokens, 0) or (_is_timed(tokens) and any(_is_ours(tokens, i) for i in range(2, len(tokens)))):
                return cls(first.start, first.start)
            assigned = MagicAssign.find([line])
            if assigned is not None:
                place = (assigned.start_line + 1, assigned.start_col)
                if any(token.start == place and _is_ours(tokens, i) for i, token in enumerate(tokens)):
                    return cls(first.start, place)
            if first.string in _LINE_SIGNS:
                # `!echo (` opens a bracket for Python, so that our next line seems to go on with it.
                for i, token in enumerate(tokens):
                    begins = not token.line[: token.start[1]].strip() and token.start[0] > first.start[0]
                    if begins and _is_ours(tokens, i):
                        return cls(first.start, token.start)
        return None

    def transform(self, lines: list[str]) -> list[str]:
        """The lines with ours as a call."""
        before = lines[self.magic_line][: self.magic_column]
        text, end = _joined(lines, self.magic_line, self.magic_column)
        name = re.match(r"%\w+", text)
        assert name is not None, text
        typed = text[name.end() + 1 :].rstrip()
        call = f"{before}get_ipython().run_line_magic({name.group()[1:]!r}, {typed!r})\n"
        return [*lines[: self.magic_line], call, *lines[end + 1 :]]


def our_cell(lines: list[str]) -> list[str]:
    """A cell of `%%seedance` as the call, before what stands below is taken for something else."""
    kept = leading_empty_lines(lines)
    if kept and kept[0][:1] in (" ", "\t"):
        kept = leading_indent(kept)
    if not kept or not _CELL.match(kept[0]):
        return lines
    typed = kept[0][len(MAGIC) + 1 :].strip()
    return [f"get_ipython().run_cell_magic('seedance', {typed!r}, {''.join(kept[1:])!r})\n"]


our_cell.has_side_effects = True  # type: ignore[attr-defined]  # IPython's word for: not where it asks whether a cell is whole


def install(shell: Any) -> None:
    """Read our lines first in this shell."""
    remove(shell)
    cleanup = shell.input_transformers_cleanup
    cleanup.insert(0, our_cell)
    cleanup.append(_automagic(shell))
    shell.input_transformer_manager.token_transformers.append(OurLine)


def remove(shell: Any) -> None:
    """Leave the shell as it was."""
    manager = shell.input_transformer_manager
    for steps in (shell.input_transformers_cleanup, manager.token_transformers):
        steps[:] = [step for step in steps if getattr(step, "__module__", None) != __name__]


def _automagic(shell: Any) -> Any:
    def with_percent(lines: list[str]) -> list[str]:
        """`seedance a cat?` as `%seedance a cat?`, where IPython would do so if there were no question mark."""
        alone = len(lines) == 1 and _AUTOMAGIC.match(lines[0]) is not None
        if not alone or not shell.automagic or "seedance" in shell.user_ns or hasattr(builtins, "seedance"):
            return lines
        return ["%" + lines[0]]

    return with_percent


def _is_ours(tokens: Sequence[Any], at: int) -> bool:
    """Whether `%seedance` and a blank stand at this token."""
    if at + 1 >= len(tokens) or tokens[at].string != "%":
        return False
    sign, name = tokens[at], tokens[at + 1]
    # By the text: from Python 3.12 on, a blank that is none for Python belongs to the name before it.
    typed = name.line[name.start[1] :]
    if not typed.startswith("seedance"):
        return False
    after = typed[len("seedance") :][:1]
    return sign.end == name.start and (after == "\\" or (after.isspace() and after not in "\r\n"))


def _is_timed(tokens: Sequence[Any]) -> bool:
    """Whether a magic begins the line that runs another line."""
    return len(tokens) > 3 and tokens[0].string == "%" and tokens[1].string in ("time", "timeit", "prun")


def _joined(lines: Sequence[str], row: int, column: int) -> tuple[str, int]:
    """The line from there on with those that a backslash joins to it, and the index of its last part."""
    text, piece = "", lines[row][column:]
    while row + 1 < len(lines):
        bare = piece.rstrip("\r\n")
        if bare != piece and not bare.endswith("\\"):
            break
        text += bare[:-1] + " "
        row += 1
        piece = lines[row]
    return text + piece.rstrip("\r\n"), row
