"""A real ipykernel, seen as a page sees it: cells are sent, messages come back, displays are kept by their ids.

    with Kernel(folder, {"SEEDANCE_BASE_URL": …}) as kernel:
        cell = kernel.run("1 + 1")
        assert cell.text == "2"

Nothing is slept through: every wait is for a message, with a limit.
"""

import contextlib
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from jupyter_client import KernelManager

PATIENCE = 60.0
"""Seconds after which something that should happen is taken not to."""
VIEW = "application/vnd.jupyter.widget-view+json"


def kernel_environment(folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a kernel that knows nothing of this machine's user."""
    # PYTHONASYNCIODEBUG, set to anything, makes ipykernel's own shutdown hang.
    strange = ("SEEDANCE_", "PYTHONASYNCIODEBUG", "JPY_")
    usual = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    own = {
        "SEEDANCE_HOME": str(folder / "home"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return {**usual, **own, **extra}


class Cell:
    """One cell that was sent: what the kernel said of it so far."""

    def __init__(self, kernel: "Kernel", msg_id: str) -> None:
        self.kernel, self.msg_id = kernel, msg_id

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Everything the kernel sent under this cell."""
        return [m for m in list(self.kernel.messages) if m["parent_header"].get("msg_id") == self.msg_id]

    @property
    def is_done(self) -> bool:
        """Whether it was answered, and all it had to show has come."""
        idle = any(m["msg_type"] == "status" and m["content"]["execution_state"] == "idle" for m in self.messages)
        return idle and self.msg_id in self.kernel.replies

    def wait(self, seconds: float = PATIENCE) -> Self:
        """Wait until it is done."""
        self.kernel.wait(lambda: self.is_done, seconds)
        return self

    @property
    def succeeded(self) -> bool:
        """Whether the kernel said ok."""
        return self.kernel.replies[self.msg_id]["content"]["status"] == "ok"

    @property
    def text(self) -> str:
        """What it printed, and the plain text of its value."""
        said = ""
        for message in self.messages:
            content = message["content"]
            if message["msg_type"] == "stream":
                said += content["text"]
            elif message["msg_type"] == "execute_result":
                said += content["data"]["text/plain"]
        return said

    @property
    def error(self) -> str:
        """The last line of what it shows as an error; empty if there is none."""
        errors = [m["content"]["traceback"] for m in self.messages if m["msg_type"] == "error"]
        return "\n".join(errors[-1]) if errors else ""

    @property
    def outputs(self) -> list[dict[str, str]]:
        """Its displays as a page shows them now: updates applied, wherever they came from."""
        page: dict[str, dict[str, str]] = {}
        for message in list(self.kernel.messages):
            content = message["content"]
            own = message["parent_header"].get("msg_id") == self.msg_id
            display_id = content.get("transient", {}).get("display_id", message["header"]["msg_id"])
            created = message["msg_type"] in ("display_data", "execute_result") and own
            if created or (message["msg_type"] == "update_display_data" and display_id in page):
                page[display_id] = content["data"]
        return list(page.values())


class Kernel:
    """A kernel in `folder`, from `with` to its end; `with_user` False is a program that cannot answer questions."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, with_user: bool = True) -> None:
        self._folder, self._with_user = folder, with_user
        self._environment = kernel_environment(folder, environment)
        self.manager = KernelManager(kernel_name="python3")
        self._log = (folder / "kernel.log").open("w+b")
        self.messages: list[dict[str, Any]] = []
        self.replies: dict[str, dict[str, Any]] = {}
        self._news = threading.Condition()
        self._listening = False

    def __enter__(self) -> Self:
        self.manager.start_kernel(cwd=str(self._folder), env=self._environment, stdout=self._log, stderr=self._log)
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
        self._log.close()

    @property
    def stderr(self) -> str:
        """What the process itself wrote, behind the notebook's back."""
        return (self._folder / "kernel.log").read_text("utf-8", "replace")

    def send(self, code: str) -> Cell:
        """Send a cell and do not wait for it."""
        return Cell(self, self._client.execute(code, allow_stdin=self._with_user, stop_on_error=True))

    def run(self, code: str, seconds: float = PATIENCE) -> Cell:
        """Send a cell and wait until it is done."""
        return self.send(code).wait(seconds)

    def value(self, expression: str) -> str:
        """The repr of an expression, computed without leaving a trace in the notebook."""
        msg_id = self._client.execute("", silent=True, store_history=False, user_expressions={"it": expression})
        self.wait(lambda: msg_id in self.replies)
        it = self.replies[msg_id]["content"]["user_expressions"]["it"]
        assert it["status"] == "ok", it["evalue"]
        found: str = it["data"]["text/plain"]
        return found

    def tab(self, code: str) -> list[str]:
        """What Tab offers at the end of this code."""
        msg_id = self._client.complete(code)
        self.wait(lambda: msg_id in self.replies)
        matches: list[str] = self.replies[msg_id]["content"]["matches"]
        return matches

    def shift_tab(self, code: str) -> str:
        """What Shift-Tab shows at the end of this code, without its colours."""
        msg_id = self._client.inspect(code)
        self.wait(lambda: msg_id in self.replies)
        found: str = self.replies[msg_id]["content"]["data"]["text/plain"]
        return re.sub(r"\x1b\[[0-9;]*m", "", found)

    def wait(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Wait until messages, or the world, make the condition true; returns what it gave."""
        end = time.monotonic() + seconds
        with self._news:
            while not (found := condition()):
                assert time.monotonic() < end, f"waited {seconds:g} s in vain; the process said: {self.stderr[-2000:]}"
                self._news.wait(0.05)
        return found

    @contextlib.contextmanager
    def busy(self, magic: str = "") -> Iterator[Cell]:
        """Inside, the kernel's main thread sits in a cell that never yields (perhaps under a cell magic)."""
        held = self._folder / "held"
        held.touch()
        cell = self.send(f"{magic}\nimport os, time\nwhile os.path.exists('held'): time.sleep(0.02)")
        self.wait(lambda: any(m["msg_type"] == "execute_input" for m in cell.messages))
        try:
            yield cell
            assert not cell.is_done, "the cell that should have blocked the kernel ended by itself"
        finally:
            held.unlink()
        cell.wait()

    def click(self, comm_id: str, content: dict[str, Any], *, subshell: str | None = None) -> None:
        """What a page sends when a widget is clicked; JupyterLab sends it to a subshell."""
        data = {"method": "custom", "content": content}
        message = self._client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self._client.shell_channel.send(message)

    def open_subshell(self) -> str:
        """A second shell, which answers while the first one is busy; the test is skipped where the kernel is too old to have any."""
        request = self._client.session.msg("kernel_info_request", {})
        self._client.control_channel.send(request)
        if "kernel subshells" not in self._answer(request)["content"].get("supported_features", ()):
            pytest.skip("this ipykernel has no subshells")
        message = self._client.session.msg("create_subshell_request", {})
        self._client.control_channel.send(message)
        subshell: str = self._answer(message)["content"]["subshell_id"]
        return subshell

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        while True:
            reply: dict[str, Any] = self._client.get_control_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return reply

    def interrupt(self) -> None:
        """The stop button."""
        self.manager.interrupt_kernel()

    def restart(self) -> None:
        """Kill the process, as `kill -9` does, and begin another one."""
        self._hang_up()
        self.manager.restart_kernel(now=True)
        self._listen()

    def shut_down(self) -> float:
        """Ask for the end, as closing a notebook does; returns the seconds it took."""
        process: Any = self.manager.provisioner
        began = time.monotonic()
        self._client.shutdown()
        while process.process.poll() is None:
            assert time.monotonic() - began < PATIENCE, "the kernel does not end"
            time.sleep(0.01)
        return time.monotonic() - began

    def _listen(self) -> None:
        self._client = self.manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        self._listening = True
        # The channels themselves, because the client's own methods leave an event loop behind in every thread.
        pumps = (
            (self._client.iopub_channel.get_msg, self._heard),
            (self._client.shell_channel.get_msg, self._answered),
        )
        self._threads = [threading.Thread(target=self._pump, args=pump, daemon=True) for pump in pumps]
        for thread in self._threads:
            thread.start()

    def _hang_up(self) -> None:
        self._listening = False
        for thread in self._threads:
            thread.join(5)
        self._client.stop_channels()

    def _pump(self, get: Callable[..., dict[str, Any]], take: Callable[[dict[str, Any]], None]) -> None:
        while self._listening:
            try:
                message = get(timeout=0.2)
            except queue.Empty:
                continue
            with self._news:
                take(message)
                self._news.notify_all()

    def _heard(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    def _answered(self, message: dict[str, Any]) -> None:
        self.replies[message["parent_header"].get("msg_id", "")] = message
