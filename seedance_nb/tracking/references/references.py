"""The references of requests: from what a person gave to the addresses that are sent, and no address in between."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...api.content_addresses import is_content
from ...api.models import VideoRequest
from ...api.signed_addresses import seconds_left, without_signature
from ...errors import ConfigurationError, one_line
from ...upload_places import HOW, Uploads, shown_place
from . import uploads as sending
from .shelf import Shelf

Progress = Callable[[int, int, int], object]
"""Told which reference, from 1, and how many bytes of it have gone, of how many."""


class References:
    """The shelf of copies and the place they are uploaded to. Everything may be called from any thread; uploading takes as long as it takes.

    `place` says where uploads go just now, None where nobody has chosen; `allow_http` lets the service fetch from this machine, which is
    right where the service itself is on it.
    """

    def __init__(self, shelf: Shelf, place: Callable[[], Uploads | None], *, allow_http: bool = False) -> None:
        self.shelf, self._place, self._allow_http = shelf, place, allow_http

    def check(self, request: VideoRequest) -> None:
        """Raises ConfigurationError where the request goes by own files and there is no place the service could fetch them from."""
        if own_files(request):
            sending.check(self._need_place(), allow_http=self._allow_http)

    def notes(self, request: VideoRequest) -> tuple[str, ...]:
        """What is odd about addresses that were given: a signature that runs out before the job may have its turn. They are sent as given."""
        left = [(address, seconds_left(address)) for address in request.media_urls or ()]
        return tuple(
            f"{one_line(without_signature(address), 80)} {'runs out in ' + format(seconds, '.0f') + ' s' if seconds > 0 else 'has run out'}, so"
            " the service may not be able to fetch it: sign it for a day"
            for address, seconds in left
            if seconds is not None and seconds < sending.SHORTEST_SECONDS
        )

    def publish(self, request: VideoRequest, progress: Progress) -> tuple[str, ...]:
        """Upload what is not there yet; returns where each own file is, in words. Raises ConfigurationError: nothing was submitted."""
        said = []
        for number, address in enumerate(own_files(request), 1):
            place, path = self._need_place(), self.shelf.path(address)
            sent = sending.publish(place, path, lambda done, whole, number=number: progress(number, done, whole))  # type: ignore[misc]
            which = f"reference {number}" if len(own_files(request)) > 1 else "the reference"
            said.append(f"{which} {'was uploaded to' if sent else 'is at'} {shown_place(place)}")
        return tuple(said)

    def addressed(self, request: VideoRequest) -> VideoRequest:
        """The request as it is sent: own files by addresses that the service can fetch, signed anew. Raises ConfigurationError."""
        if not own_files(request):
            return request
        place = self._need_place()

        def sent(address: str) -> str:
            if not is_content(address):
                return address
            return sending.address_of(place, self.shelf.path(address), allow_http=self._allow_http)

        return msgspec.structs.replace(request, media_urls=tuple(map(sent, request.media_urls or ())))

    def _need_place(self) -> Uploads:
        place = self._place()
        if place is None:
            raise ConfigurationError(
                f"the service fetches references from https:// addresses only, and no place to upload to is set: {HOW}; nothing was submitted and nothing charged"
            )
        return place


def own_files(request: VideoRequest) -> tuple[str, ...]:
    """The references of a request that are files of the person's, each once."""
    return tuple(dict.fromkeys(filter(is_content, request.media_urls or ())))
