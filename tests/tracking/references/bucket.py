"""A server on this machine that speaks S3 over HTTP and stores what it is given."""

from __future__ import annotations

import itertools

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
        return [
            found["Key"]
            for found in self.client.list_objects_v2(Bucket="films", Prefix=self.prefix).get("Contents", [])
        ]
