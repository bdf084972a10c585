"""JSON as a hostile or broken service might send it, for property tests."""

import json

from hypothesis import strategies as st

ANY_TEXT = st.text(st.characters(), max_size=12) | st.sampled_from(
    ["", " ", "\x00", "\ud83d", "\x1b[31m", "a\nb", "\u202egpj", "queued", "succeeded", "req_1", "<b>", "9" * 300]
)
ANY_NUMBER = (
    st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from([10**30, -(10**400), 10**4299, 0, -1, True, False])
)
FIELDS = st.sampled_from(
    [
        *("requestId", "status", "success", "error", "code", "message", "detail", "type", "data", "output", "url"),
        *("creditsCharged", "duration", "model", "prompt", "aspectRatio", "resolution"),
        *(
            "id",
            "name",
            "slug",
            "durations",
            "min",
            "max",
            "aspectRatios",
            "resolutions",
            "pricing",
            "creditsPerSecond",
            "720p",
        ),
    ]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | ANY_NUMBER | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS | ANY_TEXT, inner, max_size=6),
    max_leaves=20,
)
ANY_OBJECT = st.dictionaries(FIELDS | ANY_TEXT, ANY_JSON, max_size=6)
_LETTERS = "AZaz09_"
REQUEST_IDS = st.builds(
    str.__add__, st.sampled_from(_LETTERS), st.text(_LETTERS + ".~:=@+-", max_size=20) | st.just("x" * 199)
)
ACCEPTED = {"success": True, "requestId": "req_1234567890", "status": "queued", "creditsCharged": 40}


@st.composite
def damaged_answers(draw):
    """The bytes of a valid answer with a few of them cut off, changed or doubled."""
    body = bytearray(json.dumps({**draw(ANY_OBJECT), **ACCEPTED}).encode())
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        length = draw(st.integers(0, 8))
        body[at : at + length] = draw(
            st.binary(max_size=8) | st.sampled_from([b"null", b'"', b"{", b"\xff\xfe", b"\x00"])
        )
    return bytes(body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body)


ANY_BYTES = st.binary(max_size=80) | ANY_JSON.map(lambda value: json.dumps(value).encode()) | damaged_answers()


def is_presentable(text):
    """One line, printable, and nothing that UTF-8 or SQLite refuses."""
    return text.isprintable() and len(text.splitlines()) <= 1 and text.encode() is not None
