"""The sound of several clips as one track: each from where its shot begins to where the next one does, and silence where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...clips import playing
from ...clips.clip import Clip
from ...clips.previews import SOUND_BITS, SOUND_RATES
from ...errors import ClipError
from ..films.frames import readable
from ..films.sound import has_sound, shifted

if TYPE_CHECKING:
    import av
    import numpy as np

STEP = 1024
"""Samples handed to the encoder at once."""


class Soundtrack:
    """AAC, at the rate of the first clip that has a sound; stereo, unless all are mono."""

    def __init__(self, writer: av.container.OutputContainer, heard: Sequence[Clip]) -> None:
        self._writer, self._written = writer, 0
        kinds = [_kind(clip) for clip in heard]
        rates = [rate for rate, _ in kinds if rate in SOUND_RATES]
        self._rate = rates[0] if rates else SOUND_RATES[-1]
        self._layout = "mono" if all(channels == 1 for _, channels in kinds) else "stereo"
        self._channels = 1 if self._layout == "mono" else 2
        self._out: Any = writer.add_stream("aac", rate=self._rate, layout=self._layout)
        self._out.bit_rate = SOUND_BITS

    def add(self, clip: Clip, until: float) -> None:
        """What is heard of a clip, from where the track ends now to `until`, in seconds of the film. Raises ClipError."""
        import av
        import numpy as np

        wanted = max(0, round(until * self._rate) - self._written)
        samples = self._samples(clip, wanted) if has_sound(clip) else np.zeros((self._channels, wanted), np.float32)
        for start in range(0, wanted, STEP):
            part = np.ascontiguousarray(samples[:, start : start + STEP])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=self._layout)
            frame.sample_rate, frame.time_base = self._rate, Fraction(1, self._rate)
            frame.pts = self._written + start
            self._writer.mux(self._out.encode(frame))
        self._written += wanted

    def end(self) -> None:
        """Write what the encoder still holds."""
        self._writer.mux(self._out.encode(None))

    def _samples(self, clip: Clip, wanted: int) -> np.ndarray[Any, Any]:
        """Exactly so many samples from the first picture on: channels x samples, silence where nothing is heard."""
        import av
        import numpy as np

        made = np.zeros((self._channels, wanted), np.float32)
        with readable(clip) as reader:
            pictures, stream = playing.picture_stream(reader), playing.sound_stream(reader)
            begin = float((pictures.start_time or 0) * (pictures.time_base or 0))
            resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=self._rate)
            at: int | None = None

            def put(frames: Sequence[Any]) -> None:
                nonlocal at
                for frame in frames:
                    part = frame.to_ndarray()
                    assert at is not None
                    begins, ends = max(0, at), min(wanted, at + part.shape[1])
                    if begins < ends:
                        made[:, begins:ends] = part[:, begins - at : ends - at]
                    at += part.shape[1]

            for frame in shifted(reader, stream, begin):
                at = round(frame.time * self._rate) if at is None else at
                if at >= wanted:
                    break
                put(resampler.resample(frame))
            if at is None:
                raise ClipError(f"the sound of {clip.path.name} cannot be decoded; job.download_again() brings it back")
            put(resampler.resample(None))
        return made


def _kind(clip: Clip) -> tuple[int, int]:
    """(samples a second, channels)."""
    with readable(clip) as reader:
        context = playing.sound_stream(reader).codec_context
        return int(context.sample_rate or 0), int(context.layout.nb_channels)
