"""A program in a terminal of its own, driven by pexpect, but not started by it.

pexpect forks this process, in which simulators and their threads run: now and then the copy hangs on a lock that one of them held.
`subprocess` runs nothing of Python between fork and exec.
"""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

from pexpect import fdpexpect

_TAKES_ITS_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal(fdpexpect.fdspawn):
    """`Terminal([program, …], rows=, columns=, timeout=, cwd=, env=)`: what pexpect can do with it, and how it ended."""

    def __init__(self, command, *, rows, columns, timeout, cwd, env):
        ours, theirs = pty.openpty()
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKES_ITS_TERMINAL, *command],
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, cwd=cwd, env=env,
        )  # fmt: skip
        os.close(theirs)
        super().__init__(ours, timeout=timeout, encoding="utf-8")

    def sendintr(self):
        self.send("\x03")

    def wait(self):
        return self.process.wait(self.timeout)

    def close(self):
        super().close()
        self.process.kill()
        self.process.wait()
