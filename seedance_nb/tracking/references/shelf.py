"""The copies of a person's own files that requests go by: kept under the name of their content until they are uploaded, and after.

What a cell points to may change or go away before its create is tried again; a copy does not.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ...api.content_addresses import content_address, digest_of_content, is_content, name_of_content
from ...api.fields import IMAGE_SUFFIXES, SOUND_SUFFIXES
from ...clips import boxes
from ...clips.clip import Clip
from ...clips.frames import frame
from ...errors import ClipError, ConfigurationError, InvalidRequest, SeedanceError, one_line
from .kinds import LARGEST, kind_of


class Picture(Protocol):
    """A picture of PIL, or an array of numpy: height x width, or x 3 or 4."""

    @property
    def __array_interface__(self) -> Any: ...


class Figure(Protocol):
    """A figure of matplotlib."""

    def savefig(self, *args: Any, **kwargs: Any) -> Any: ...


class Follows(Protocol):
    """A Job: its clip is meant, and waited for."""

    def result(self, timeout: float | None = None) -> Clip: ...


Reference = str | os.PathLike[str] | bytes | Clip | Picture | Figure | Follows
"""What a reference may be: an https address, a local path, bytes, a picture (PIL), an array (numpy), a figure (matplotlib), a Clip, a Job."""
_LARGEST = max(LARGEST.values())


class Shelf:
    """The folder of copies, made when the first one is put there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def among(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a request, or the axes of a grid, with own files among its `media_urls` put on the shelf."""
        plain = dict(options)
        if plain.get("media_urls") is not None:
            plain["media_urls"] = self.addresses(plain["media_urls"])
        return plain

    def addresses(self, given: Any) -> Any:
        """`media_urls` as `make_request` takes them: own files, pictures and clips put on the shelf, addresses as they are.

        Taken are one or several of: an https address, a local path (str or Path, `~` too), bytes, a picture (PIL), an array (numpy, height x
        width, or x 3 or 4; uint8, or floats from 0 to 1), a figure (matplotlib), a Clip, a Job whose clip is here. Lists in lists (axes of a
        grid) stay so. Raises InvalidRequest, in one line with the cure, for what cannot be a reference.
        """
        if given is None:
            return None
        if isinstance(given, str | os.PathLike | bytes | bytearray | memoryview) or _is_one(given):
            return self.address(given)
        if isinstance(given, Iterable) and not isinstance(given, dict | set | frozenset):
            return [self.addresses(each) for each in given]
        return given  # whoever makes the request says what is wrong with it

    def address(self, value: Any) -> str:
        """The address of one of them. Raises InvalidRequest, and ConfigurationError where it cannot be kept."""
        if isinstance(value, str) and value.strip().lower().startswith("file:/"):
            raise InvalidRequest(
                f"{one_line(value, 80)} is an address on this machine, which the service cannot fetch: give the path behind file://; nothing"
                " was sent and nothing charged"
            )
        if isinstance(value, str) and (is_content(value) or "://" in value or not value.strip()):
            return value
        if isinstance(value, str | os.PathLike):
            return self._put_file(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.keep(bytes(value), "the reference (bytes)")
        if hasattr(value, "read") and hasattr(value, "readable"):
            return self._put_open_file(value)
        clip = value
        if hasattr(value, "result") and hasattr(value, "request_id"):
            try:
                clip = value.result()
            except SeedanceError as error:
                raise InvalidRequest(
                    f"the job that is to be gone by has no clip ({one_line(error, 200)}): run it again or name another; nothing was sent and nothing charged for this one"
                ) from None
        if isinstance(clip, Clip):
            name = f"the clip {one_line(clip.path.name, 60)}"
            try:
                return self._put(clip.bytes(), name)
            except ClipError as error:
                raise InvalidRequest(f"{one_line(error, 200)}; nothing was sent and nothing charged") from None
        return self._put_picture(value)

    def last_frame(self, clip: Clip) -> str:
        """The address of the last frame of a clip, put on the shelf. Raises ClipError, and ConfigurationError where it cannot be kept.

        Which picture that is stays written beside it: another version of a library may turn a film into other pixels, and what begins with
        this frame must stay the same video.
        """
        known = self.folder / f"{clip.sha256}.last-frame"
        with contextlib.suppress(OSError, UnicodeDecodeError, ConfigurationError):
            address = known.read_text("ascii").strip()
            if is_content(address) and self.path(address):
                return address
        address = self._put_picture(clip.frame(-1))
        self._write(known, address.encode("ascii"))
        return address

    def keep(self, content: bytes, name: str) -> str:
        """The address of the content of a file, called `name` in what is said of it. Raises as `address` does."""
        return self._put(content, name)

    def path(self, address: str) -> Path:
        """The copy. Raises ConfigurationError when it is gone or not what it was."""
        path = self.folder / name_of_content(address)
        digest = digest_of_content(address)
        try:
            with path.open("rb") as file:
                good = digest is None or hashlib.file_digest(file, "sha256").hexdigest() == digest
        except OSError:
            good = False
        if not good:
            raise ConfigurationError(
                f"the copy {path.name} of a reference is gone or was changed in {self.folder}: run the cell again with the file itself; nothing"
                " was submitted and nothing charged"
            )
        return path

    def thumbnail(self, address: str, side: int = 120) -> str | None:
        """A small JPEG of a picture on the shelf, or of a video's first frame, as a data: address; None for a sound, or what is not there."""
        from PIL import Image, ImageOps

        if not is_content(address) or address.endswith(SOUND_SUFFIXES):
            return None
        try:
            path = self.path(address)
            with Image.open(path) if address.endswith(IMAGE_SUFFIXES) else frame(path, 0) as picture:
                shown = ImageOps.exif_transpose(picture)
                shown.thumbnail((side, side))
                small = io.BytesIO()
                shown.convert("RGB").save(small, "JPEG", quality=70)
        except Exception:  # it was good when it was put there; a card can do without
            return None
        return "data:image/jpeg;base64," + base64.b64encode(small.getvalue()).decode()

    def _put_file(self, given: str | os.PathLike[str]) -> str:
        name = one_line(os.fspath(given), 80)
        try:
            path = Path(given).expanduser()
            kind = path.stat()
            if stat.S_ISDIR(kind.st_mode):
                raise InvalidRequest(
                    f"{name} is a folder: name a picture, video or sound in it; nothing was sent and nothing charged"
                )
            if not stat.S_ISREG(kind.st_mode):
                raise InvalidRequest(
                    f"{name} is no file that can be read whole: name a picture, video or sound; nothing was sent and nothing charged"
                )
            if kind.st_size > _LARGEST:
                raise InvalidRequest(
                    f"{name} has {kind.st_size / 1e6:,.0f} MB, and a reference of more than {_LARGEST / 1e6:.0f} MB is not uploaded: make it"
                    " smaller; nothing was sent and nothing charged"
                )
            content = path.read_bytes()
        except InvalidRequest:
            raise
        except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: no such user behind the ~
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                where = "" if Path(os.fspath(given)).is_absolute() else f" in {one_line(Path.cwd(), 80)}"
                said = (
                    f"there is no file {name}{where}: a reference is a path, an https:// address, a picture or a clip"
                )
            else:
                said = f"{name} cannot be read ({one_line(getattr(error, 'strerror', None) or error, 80)}): copy it to where you may read it"
            raise InvalidRequest(f"{said}; nothing was sent and nothing charged") from None
        return self._put(content, name)

    def _put_open_file(self, file: Any) -> str:
        name = one_line(getattr(file, "name", None) or "the open file", 80)
        try:
            content = file.read(_LARGEST + 1)
        except (OSError, ValueError) as error:  # ValueError: it is closed, or its bytes are no text
            raise InvalidRequest(
                f"{name} cannot be read ({one_line(error, 80)}): give its path; nothing was sent and nothing charged"
            ) from None
        if not isinstance(content, bytes):
            raise InvalidRequest(
                f"{name} is open as text: give its path, or open it with 'rb'; nothing was sent and nothing charged"
            )
        return self._put(content, name)

    def _put(self, content: bytes, name: str) -> str:
        kind = kind_of(content, name)
        address = content_address(hashlib.sha256(content).hexdigest(), kind.suffix)
        is_new = not (self.folder / name_of_content(address)).exists()
        self._keep(address, content)
        if kind.suffix in (".mp4", ".m4v"):
            copy = self.folder / name_of_content(address)
            try:
                boxes.check(copy)
            except ClipError as error:
                if is_new:
                    copy.unlink(missing_ok=True)
                raise InvalidRequest(
                    f"{name} is a video that cannot be played ({one_line(error, 100)}): fetch or save it anew; nothing was sent and nothing"
                    " charged"
                ) from None
        return address

    def _put_picture(self, value: Any) -> str:
        """Named by its pixels: the same picture written by another version of a library is other bytes."""
        from PIL import ImageOps

        picture = ImageOps.exif_transpose(_picture_of(value))  # a photo lies on its side otherwise
        if picture.mode[0] in "IF":
            raise InvalidRequest(
                f"a picture of mode {picture.mode} holds more than 8 bits, and what is black and white in it is not known: make it 8 bits"
                " (picture.point(…).convert('L')); nothing was sent and nothing charged"
            )
        mode = "RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB"
        picture = picture.convert(mode)
        told = f"{mode} {picture.width} {picture.height}\n".encode()
        address = content_address(hashlib.sha256(told + picture.tobytes()).hexdigest(), ".png", of_pixels=True)
        written = io.BytesIO()
        picture.save(written, "PNG")
        kind_of(written.getvalue(), "the picture")
        return self._keep(address, written.getvalue())

    def _keep(self, address: str, content: bytes) -> str:
        place = self.folder / name_of_content(address)
        with contextlib.suppress(OSError):
            if place.exists() and (digest_of_content(address) is None or place.read_bytes() == content):
                return address
        self._write(place, content)
        return address

    def _write(self, place: Path, content: bytes) -> None:
        """The whole file at once, or ConfigurationError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, part = tempfile.mkstemp(dir=self.folder, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(part).replace(place)
            except BaseException:
                Path(part).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise ConfigurationError(
                f"a copy of the reference cannot be kept in {self.folder} ({one_line(error.strerror or error, 80)}): make room there, or set"
                " SEEDANCE_HOME to another folder; nothing was sent and nothing charged"
            ) from None


def _is_one(value: Any) -> bool:
    """Whether this is one picture or clip, although it can be iterated over perhaps."""
    return any(
        all(hasattr(value, name) for name in names)
        for names in (
            ("tobytes", "getbands"),  # a picture of PIL
            ("__array_interface__", "dtype"),
            ("savefig", "canvas"),
            ("sha256", "path"),
            ("request_id", "clip"),
            ("read", "readable"),  # an open file
        )
    )


def _picture_of(value: Any) -> Any:
    """A picture of PIL. Raises InvalidRequest."""
    from PIL import Image

    if isinstance(value, Image.Image):
        return value
    if hasattr(value, "savefig"):
        drawn = io.BytesIO()
        value.savefig(drawn, format="png")
        drawn.seek(0)
        return Image.open(drawn)
    if not hasattr(value, "__array_interface__"):
        raise InvalidRequest(
            f"a reference is an https:// address, a path, bytes, a picture, an array, a figure, a Clip or a Job, not"
            f" {type(value).__name__}; nothing was sent and nothing charged"
        )
    import numpy as np

    array = np.asarray(value)
    shape = " x ".join(map(str, array.shape))
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or 0 in array.shape:
        raise InvalidRequest(
            f"an array as a reference is height x width, or x 3 or 4, not {shape}; nothing was sent and nothing charged"
        )
    if array.dtype.kind == "f" and np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1:
        array = np.round(array * 255).astype(np.uint8)
    if array.dtype != np.uint8:
        raise InvalidRequest(
            f"an array as a reference holds whole numbers 0 to 255 (uint8) or floats 0 to 1, not {array.dtype} of this range: convert it;"
            " nothing was sent and nothing charged"
        )
    return Image.fromarray(array)
