"""Every error a user can meet, each with a text that names the cure.

    SeedanceError
    ├── ConfigurationError     no key, a broken key, a folder that cannot be written
    ├── InvalidRequest         refused before anything was sent (also a ValueError)
    ├── BudgetExceeded         sending it would cost more than max_credits
    ├── ApiError               the service refused: .http_status .code .message
    │   ├── AuthenticationError    401, 403
    │   ├── PaymentRequired        402
    │   ├── RateLimited            429: .retry_after
    │   └── ServerError            5xx, or an answer that cannot be read: .retry_after
    ├── ConnectionFailed       the request surely never left
    ├── OutcomeUnknown         a create that may have been accepted; it is never sent again by itself
    ├── GenerationFailed       the service made no video
    ├── GenerationCancelled
    ├── WaitTimeout            the wait ended, the job goes on (also a TimeoutError)
    └── ClipError              the video exists, its file could not be fetched or is no MP4
        └── ClipForgotten          its file was given up by `sd.forget`

`str(error)` is one line. `.job` is the job it happened to, or None.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

LONGEST = 600
"""Characters of an error."""
UNBOUNDED = 1 << 62
THEIRS = 200
"""Characters of somebody else's text inside a sentence of ours: a server's reason, another library's error, a path."""


class SeedanceError(Exception):
    """Base of all errors of this package; `.job` is the Job it happened to, where there is one."""

    _job: Any = None
    _job_again: Callable[[], Any] | None = None

    def __init__(self, message: str, *, job: Any = None) -> None:
        # Texts of a server can hold line breaks; an error is one line wherever it is shown.
        super().__init__(shortened(message, LONGEST))
        self.job = job

    @property
    def job(self) -> Any:
        """The Job it happened to, or None. One that was stored with its error is read from its ledger when it is asked for."""
        if self._job is None and self._job_again is not None:
            self._job = self._job_again()
        return self._job

    @job.setter
    def job(self, job: Any) -> None:
        self._job = job

    def __reduce__(self) -> tuple[Any, ...]:
        """The job is found again only when somebody asks for it: what a pool hands back must not fail for it."""
        state = {name: value for name, value in vars(self).items() if name != "_job"}
        if self._job is not None:
            try:
                function, arguments = self._job.__reduce__()
                state["_job_again"] = functools.partial(function, *arguments)
            except SeedanceError:
                pass  # a job that cannot be stored is left out of its error
        return _error_again, (type(self), self.args, state)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback: the one line that helps."""
        return [f"{type(self).__name__}: {self}"]


def _error_again(kind: type[SeedanceError], args: tuple[Any, ...], state: dict[str, Any]) -> SeedanceError:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error


class ConfigurationError(SeedanceError):
    """The key, the base URL or the folder cannot be used as they are."""


class InvalidRequest(SeedanceError, ValueError):  # noqa: N818 - the public name is a contract
    """The request breaks a documented rule; nothing was sent."""


class BudgetExceeded(SeedanceError):  # noqa: N818 - the public name is a contract
    """Sending this would spend more than `max_credits`; nothing was sent."""


class ApiError(SeedanceError):
    """The service refused.

    `.http_status` is the HTTP status or None, `.code` the service's own code or None, `.message` its own words.
    """

    def __init__(
        self,
        text: str,
        *,
        http_status: int | None = None,
        code: str | None = None,
        message: str | None = None,
        job: Any = None,
    ) -> None:
        super().__init__(text, job=job)
        self.http_status = http_status
        self.code = code
        self.message = one_line(message if message is not None else text)


class AuthenticationError(ApiError):
    """The key was refused (401, 403)."""


class PaymentRequired(ApiError):  # noqa: N818 - the public name is a contract
    """The account has too few credits (402)."""


class RateLimited(ApiError):  # noqa: N818 - the public name is a contract
    """Too many requests (429); `.retry_after` is the wait the service asked for, in seconds, or None."""

    retry_after: float | None = None


class ServerError(ApiError):
    """The service is in trouble (5xx), or answered something that cannot be read; `.retry_after` as for RateLimited."""

    retry_after: float | None = None


class ConnectionFailed(SeedanceError):  # noqa: N818 - the public name is a contract
    """The request surely never left this machine (name lookup, connect, TLS)."""


class OutcomeUnknown(SeedanceError):  # noqa: N818 - the public name is a contract
    """A create whose answer was lost or unreadable: it may have been accepted and charged."""


class GenerationFailed(SeedanceError):  # noqa: N818 - the public name is a contract
    """The service ended the generation without a video."""


class GenerationCancelled(SeedanceError):  # noqa: N818 - the public name is a contract
    """The generation was cancelled."""


class WaitTimeout(SeedanceError, TimeoutError):  # noqa: N818 - the public name is a contract
    """The wait ended before the job did; the job goes on."""


class ClipError(SeedanceError):
    """The generation succeeded but its file could not be downloaded, or is not a readable MP4."""


class ClipForgotten(ClipError):  # noqa: N818 - it says what is the case
    """Its file was freed on purpose, by `seedance_nb.forget`: nothing fetches it by itself any more."""


def shortened(text: object, limit: int = THEIRS) -> str:
    """The text as one line of at most `limit` characters; a longer one loses its middle.

    For sentences that join our words with somebody else's: what happened stands at the beginning, the charge and the cure at the
    end, and theirs in between. Theirs alone, quoted inside such a sentence, is shortened first, so that nothing of ours goes.
    """
    line = one_line(text, UNBOUNDED)
    head = (limit - 1) // 2
    return line if len(line) <= limit else f"{line[:head]}…{line[len(line) - (limit - 1 - head) :]}"


def one_line(text: object, limit: int = LONGEST) -> str:
    """Fold a text to one printable line of at most `limit` characters.

    Control characters (terminal escapes among them) and lone surrogates, which SQLite and UTF-8 refuse, become spaces
    or question marks.
    """
    try:
        text = str(text)
    except (ValueError, RecursionError):  # a number of more than 4300 digits, lists a thousand deep
        text = f"({type(text).__name__})"
    raw = text.encode("utf-8", "replace").decode("utf-8")
    folded = " ".join("".join(c if c.isprintable() else " " for c in raw).split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"
