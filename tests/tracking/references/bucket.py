"""A server on this machine that speaks S3 over HTTP and stores what it is given."""

from __future__ import annotations

import http.server
import itertools
import threading

from moto.server import ThreadedMotoServer

SECRET = "AKIAVERYSECRET"


def access() -> dict[str, str]:
    """Keys, where the library of the bucket looks for them."""
    return {"AWS_ACCESS_KEY_ID": SECRET, "AWS_SECRET_ACCESS_KEY": "much-more-secret", "AWS_DEFAULT_REGION": "us-east-1"}


_numbers = itertools.count(1)


class S3:
    """A place in a bucket of its own, on a port that changes with every start: what is stored outlives the server."""

    def __init__(self):
        self.prefix = f"refs{next(_numbers)}"

    def start(self):
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        _, self.port = self._server.get_host_and_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.client.create_bucket(Bucket="films")

    def stop(self):
        self._server.stop()

    @property
    def client(self):
        import botocore.session

        return botocore.session.get_session().create_client("s3", endpoint_url=self.endpoint)

    @property
    def place(self):
        return f"s3://films/{self.prefix}?endpoint_url={self.endpoint}"

    def objects(self):
        return list(self.written())

    def written(self):
        """When each object was written, by its name."""
        found = self.client.list_objects_v2(Bucket="films", Prefix=self.prefix).get("Contents", [])
        return {each["Key"]: each["LastModified"] for each in found}


class BadS3:
    """An S3 that answers badly: `refuses` with a code from the beginning, `runs_out` once the object is being written, or `cuts`: stores
    nine tenths of what it is given and says that all is well; `hangs` with the object half written. `writes` counts what was tried.
    """

    def __init__(self, how, code="AccessDenied", status=403):
        self.is_done = threading.Event()
        self.how, self.code, self.status, self.writes, self.stored = how, code, status, 0, {}

    def __enter__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in {"Content_Length": len(body), **headers}.items():
                    self.send_header(name.replace("_", "-"), str(value))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def refuse(self):
                words = f"<Error><Code>{outer.code}</Code><Message>no &lt;b&gt; {SECRET}</Message></Error>"
                self.answer(outer.status, words.encode(), Content_Type="application/xml")

            def do_HEAD(self):
                if outer.how == "refuses":
                    self.refuse()
                elif self.path in outer.stored:
                    size = len(outer.stored[self.path])
                    self.answer(200, Content_Length=size, ETag='"x"', Last_Modified="Thu, 26 Nov 2026 16:00:00 GMT")
                else:
                    self.answer(404)

            def do_GET(self):
                if outer.how == "refuses":
                    self.refuse()
                else:
                    self.answer(200, b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")

            def do_PUT(self):
                outer.writes += 1
                if outer.how == "hangs":
                    self.rfile.read(10)
                    outer.is_done.wait(60)
                    return
                data = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.how == "cuts":
                    outer.stored[self.path] = data[: len(data) * 9 // 10]
                    self.answer(200, ETag='"x"')
                else:
                    self.refuse()

            do_POST = do_PUT

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.place = f"s3://films/refs?endpoint_url=http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.is_done.set()
        self.server.shutdown()
        self.server.server_close()
