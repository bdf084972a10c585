"""What is found by words: letters of every alphabet, large or small, in whatever bytes they were typed."""

import pytest

PROMPT, NOTE = "Ein Boot auf der Straße, é, ЛОДКА 100%_", "Très belle \u00c5"


@pytest.fixture
def found(session):
    job = session.submit(PROMPT, duration=4)
    job.result(60)
    job.note(NOTE)
    session.submit("a kite", duration=4).result(60)
    return lambda text: [found.request.prompt for found in session.jobs(text=text)]


def test_words_are_found_in_every_alphabet(found):
    for text in (
        "BOOT",
        "STRASSE",
        "straße",
        "É",
        "e\u0301",
        "E\u0301",
        "лодка",
        "100%_",
        "TRÈS",
        "tre\u0300s",
        "\u00e5",
        "A\u030a",
    ):
        assert found(text) == [PROMPT], text
    for text in ("boat", "ë", "лодки", "10_%", "1%"):
        assert found(text) == [], text
    assert found("KITE") == ["a kite"]
