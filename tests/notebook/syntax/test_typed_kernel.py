"""What is typed is what is paid for, in a real kernel against the simulator: creates are counted."""

import json

import pytest
from notebook.test_kernel import SMALL, opened

from seedance_nb.simulator import Pace, Simulator

REQUEST = "model='seedance-2.0-fast', aspect_ratio='1:1', duration=4, resolution='480p'"
CAT = "https://bucket.s3.amazonaws.com/cat.png"


@pytest.fixture(scope="module")
def studio():
    with Simulator(pace=Pace(0, 0.05, 0)) as running:
        yield running


@pytest.fixture(scope="module")
def kernel(tmp_path_factory, studio):
    with opened(tmp_path_factory.mktemp("notebook"), studio) as kernel:
        kernel.run("import seedance_nb as sd, pandas as pd, numpy as np")
        yield kernel


@pytest.fixture
def creates(studio):
    """The bodies accepted since the test began."""
    before = len(studio.scenario.accepted)
    return lambda: [entry.body for entry in studio.scenario.accepted[before:]]


def finished(kernel, code):
    """The cell, once what it asked for is made."""
    cell = kernel.run(code)
    assert cell.succeeded, cell.error
    assert kernel.run("%seedance wait").succeeded
    return cell


# The same words in other bytes (issue 10, number 6)


@pytest.mark.parametrize(
    ("one", "other", "sent"),
    [
        pytest.param(f"%%seedance {SMALL}\na red\nboat", f"%%seedance {SMALL}\r\na red\r\nboat\r\n", "a red\nboat", id="line ends"),
        pytest.param(f"%seedance a café {SMALL}", f"%seedance a cafe\u0301 {SMALL}", "a café", id="decomposed"),
        pytest.param(f"%%seedance {SMALL}\nzwei Boote", f"%%seedance {SMALL}\nzwei\u00a0Bo\u00adote", "zwei Boote", id="blanks"),
        pytest.param(
            f"sd.submit('tagged', {REQUEST}, metadata={{'a': 1, 'b': 2}})",
            f"sd.submit('\\ufefftagged\\u2028', {REQUEST}, metadata={{'b': 2, 'a': 1}})",
            "tagged",
            id="order of metadata",
        ),
    ],
)  # fmt: skip
def test_the_same_words_in_other_bytes_are_bought_once(kernel, creates, one, other, sent):
    finished(kernel, one)
    finished(kernel, other)

    assert [body["prompt"] for body in creates()] == [sent]


# What changes at every run (number 7)


def test_an_address_signed_anew_and_a_new_tag_are_bought_once_and_no_output_shows_a_signature(kernel, creates):
    outputs = []
    for run in (1, 2):
        kernel.run(f"url = '{CAT}?X-Amz-Date=2026010{run}T000000Z&X-Amz-Signature=SECRET{run}'")
        line = f"%%seedance {SMALL} -i {{url}} --metadata run={run} -o job"
        dry = kernel.run(f"{line} --dry-run\nthe cat moves")
        outputs += [
            dry,
            finished(kernel, f"{line}\nthe cat moves"),
            kernel.run("job"),
            kernel.run("print(repr(job.request))"),
        ]

    [body] = creates()
    assert body["mediaUrls"] == [f"{CAT}?X-Amz-Date=20260101T000000Z&X-Amz-Signature=SECRET1"]
    assert kernel.value("job.reused") == "True"
    assert "carries the metadata of its first run" in kernel.value("job.snapshot.warnings")
    # `execute_input` repeats the cell itself.
    shown = [m["content"] for cell in outputs for m in cell.messages if m["msg_type"] != "execute_input"]
    assert "SECRET" not in json.dumps(shown)


def test_a_manifest_of_signed_addresses_holds_no_signature_and_finds_its_videos(kernel, creates):
    finished(
        kernel,
        f"grid = sd.grid('a {{x}} cat moves', x=['wet', 'dry'], media_urls='{CAT}?sv=1&se=2026&sig=SECRET', {REQUEST})\ngrid.submit()",
    )
    for name in ("grid.json", "grid.csv", "grid.html"):
        assert kernel.run(f"grid.export({name!r})").succeeded
        assert kernel.value(f"'SECRET' in open({name!r}, encoding='utf-8').read()") == "False"
    assert (
        kernel.value("'SECRET' in grid.to_pandas().to_csv() + repr(grid.plan.lines) + repr(grid.picture())") == "False"
    )

    kernel.run("again = sd.grid('grid.json')")
    assert kernel.value("(again.plan.count('have it'), again.plan.new)") == "(2, 0)"
    kernel.run("more = sd.grid('grid.json', takes=2)")
    assert kernel.value("[line.standing for line in more.plan]") == "['have it', 'invalid', 'have it', 'invalid']"
    assert "has lost its signature: write its axes again" in kernel.value("more.plan.lines[1].why")
    finished(kernel, "more.submit()")

    assert len(creates()) == 2


# A table (number 8)


def test_a_table_is_paid_for_as_it_is_written_or_not_at_all(kernel, creates):
    refused = kernel.run(
        "sd.grid(pd.DataFrame({'prompt': ['a', 'b'], 'Duration': [10, 10], 'ratio': ['9:16', '9:16']})).submit()"
    )
    assert (
        refused.error
        == "InvalidRequest: the column 'Duration' is no field of a request: name it 'duration', or something else if it is a label; nothing was sent"
    )
    for call in (
        "sd.submit('a cat', Duration=10)",
        "sd.submit('a cat', duration='5s')",
        "sd.grid('a cat', ratio=['9:16']).submit()",
    ):
        assert kernel.run(call).error.startswith("InvalidRequest: ")
    assert creates() == []

    rows = (
        "{'prompt': 'row {n}', 'n': [1, 2], 'duration': [10, None], 'aspect_ratio': ['9:16', ''], 'take': ['2', 1.0]}"
    )
    finished(kernel, f"table = sd.grid(pd.DataFrame({rows}))\ntable.submit()")
    assert sorted((b["prompt"], b["duration"], b["aspectRatio"]) for b in creates()) == [
        ("row 1", 10, "9:16"),
        ("row 2", 5, "16:9"),
    ]
    assert "empty in its row, so left to the default: duration 5, aspect_ratio 16:9" in kernel.value("str(table.plan)")


@pytest.mark.parametrize("number", ["np.int64(4)", "'4'", "4.0", "np.float32(4)"])
def test_a_whole_number_is_a_whole_number_in_a_call(kernel, studio, number):
    finished(kernel, f"sd.submit('whole numbers', model='seedance-2.0-fast', duration={number}, take={number})")
    finished(kernel, "sd.submit('whole numbers', model='seedance-2.0-fast', duration=4, take=4)")

    bought = [entry.body for entry in studio.scenario.accepted if entry.body["prompt"] == "whole numbers"]
    assert [body["duration"] for body in bought] == [4]
