"""A person's own place for uploads on this machine: a function from a path to an address, and the server behind it."""

from __future__ import annotations

import http.server
import shutil
import threading
from pathlib import Path


class Published:
    """Serves the copies it is given; `went` are their names, `fetched` what somebody asked for."""

    def __init__(self, folder):
        self.folder, self.went, self.fetched = Path(folder), [], []

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        outer = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                super().__init__(*args, directory=str(outer.folder))

            def do_GET(self):
                outer.fetched.append(self.path.lstrip("/"))
                super().do_GET()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def __call__(self, path):
        self.went.append(path.name)
        copying = self.folder / f"{path.name}.{threading.get_ident()}"  # nobody may fetch half of it
        shutil.copyfile(path, copying)
        copying.replace(self.folder / path.name)
        return f"http://127.0.0.1:{self.server.server_port}/{path.name}"
