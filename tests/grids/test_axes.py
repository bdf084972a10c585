"""From a template and its axes to cells; every slip is one line that names its cure."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from seedance_nb.api.catalog import Catalog
from seedance_nb.errors import InvalidRequest
from seedance_nb.grids.axes import MOST_CELLS, lay_out


def cells(*args, **options):
    return lay_out(*args, **options).cells(Catalog())


def prompts(*args, **options):
    return [cell.request.prompt for cell in cells(*args, **options)]


# Product, zip, rows ----------------------------------------------------------------------------------


def test_every_value_meets_every_other_the_last_axis_and_then_the_take_fastest():
    made = cells("a {animal} {action}", animal=["cat", "dog"], action=["jumps", "sleeps"], takes=2)
    assert [(c.request.prompt, c.take) for c in made[:4]] == [
        ("a cat jumps", 1),
        ("a cat jumps", 2),
        ("a cat sleeps", 1),
        ("a cat sleeps", 2),
    ]
    assert (len(made), made[0].values) == (8, {"animal": "cat", "action": "jumps", "take": 1})  # noqa: PD011


def test_fields_of_a_request_are_axes_too_and_single_values_hold_for_all():
    made = cells(["a cat", "a dog"], model=["seedance-2.0", "seedance-2.0-fast"], duration=[4, 5], resolution="480p")
    assert {(c.request.model, c.request.duration, c.request.resolution) for c in made} == {
        (model, duration, "480p") for model in ("seedance-2.0", "seedance-2.0-fast") for duration in (4, 5)
    }
    assert lay_out(["a cat"], resolution="480p").names == ("prompt",)


def test_zip_puts_axes_side_by_side():
    assert prompts("a {x} {y}", x=["cat", "dog"], y=["jumps", "barks"], mode="zip") == ["a cat jumps", "a dog barks"]


def test_rows_hold_values_that_belong_together_and_meet_every_axis():
    made = cells(
        "a {x}", [{"x": "cat", "duration": 4}, {"x": "dog", "duration": 6}], model=["seedance-2.0", "seedance-2.0-fast"]
    )
    assert [(c.request.prompt, c.request.duration) for c in made] == [
        ("a cat", 4),
        ("a cat", 4),
        ("a dog", 6),
        ("a dog", 6),
    ]


def test_a_list_of_dicts_alone_is_rows_with_their_prompts():
    assert prompts([{"prompt": "a {x}", "x": "cat"}, {"prompt": "the {x}", "x": "dog"}]) == ["a cat", "the dog"]


def test_a_dataframe_is_rows_and_its_numbers_become_plain_ones():
    frame = pd.DataFrame({"prompt": ["a cat", "a dog"], "duration": [4, None], "resolution": ["480p", None]})
    made = cells(frame)
    assert [(c.request.duration, type(c.request.duration), c.request.resolution) for c in made] == [
        (4, int, "480p"),
        (5, int, "720p"),
    ]
    assert all(c.invalid is None for c in made)


def test_rows_that_name_their_takes_have_those():
    assert [c.take for c in cells("a {x}", [{"x": "cat", "take": 2}, {"x": "cat", "take": 4}])] == [2, 4]


def test_values_given_twice_count_once_in_a_product():
    assert prompts("a {x}", x=["cat", "dog", "cat"]) == ["a cat", "a dog"]


def test_where_sees_values_fields_take_and_the_finished_prompt():
    seen = []

    def where(c):
        seen.append((c.animal, c.model, c["duration"], c.take, c.prompt))
        return c.animal == "dog"

    assert prompts("a {animal}", animal=["cat", "dog"], where=where) == ["a dog"]
    assert seen[0] == ("cat", "seedance-2.0", 5, 1, "a cat")


def test_a_list_of_urls_is_one_request_and_a_list_of_lists_is_an_axis():
    one = cells("a cat", media_urls=["https://a/1.png", "https://a/2.png"])
    two = cells("a cat", media_urls=[["https://a/1.png"], ["https://a/2.png"]])
    assert [len(c.request.media_urls) for c in one] == [2]
    assert [c.request.media_urls for c in two] == [("https://a/1.png",), ("https://a/2.png",)]


def test_formats_conversions_and_double_braces_work_as_in_python():
    assert prompts("{n:02d} {{x}} {s!r}", n=[3], s=["a"]) == ["03 {x} 'a'"]


def test_raw_prompts_keep_their_braces():
    assert prompts(["a {cat}", "a }{"], raw=True) == ["a {cat}", "a }{"]


def test_a_cell_that_the_service_would_refuse_says_why_and_stops_no_other():
    made = cells("a cat", model=["seedance-2.0", "seedance-1.5-pro"], duration=[5, 6])
    assert [c.invalid for c in made[:3]] == [None, None, None]
    assert "seedance-1.5-pro cannot make 6 s; choose 5 or 10" in made[3].invalid


def test_a_value_that_makes_no_request_is_an_invalid_cell():
    made = cells([{"prompt": "a cat"}, {"prompt": 5}])
    assert (made[1].request, made[1].identity) == (None, None)
    assert "must be text" in made[1].invalid


# Slips, and their cures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda: prompts("a {animl}", animal=["cat"]), r"did you mean", id="a name nearly right"),
        pytest.param(
            lambda: prompts("a {x} {y}", x=["cat"]), r"\{y\} is no axis.*there are x", id="a name nobody gave"
        ),
        pytest.param(lambda: prompts("a { b", x=["cat"]), "a brace stands alone in 'a { b'", id="a brace alone"),
        pytest.param(
            lambda: prompts("a {n:d}", n=["one"]), r"\{n:d\} does not fit 'one'", id="a format that does not fit"
        ),
        pytest.param(lambda: prompts("a cat", modell=["x"]), "did you mean 'model'", id="a field misspelt"),
        pytest.param(
            lambda: prompts("a cat", animal=["cat"]), r"put \{animal\} into the prompt", id="an axis nothing uses"
        ),
        pytest.param(lambda: prompts("a {x}", x=[]), "the axis x is empty", id="an empty axis"),
        pytest.param(
            lambda: prompts("a {x}{y}", x=[1, 2], y=[1], mode="zip"), "x has 2, y has 1", id="zip of two lengths"
        ),
        pytest.param(lambda: prompts("a", mode="both"), "'product' or 'zip'", id="a mode there is not"),
        pytest.param(lambda: prompts("a", takes=0), "takes must be a whole number from 1", id="no takes"),
        pytest.param(lambda: prompts("a", takes=True), "takes must be a whole number", id="takes True"),
        pytest.param(lambda: prompts("a", []), "at least one row", id="no rows"),
        pytest.param(lambda: prompts("a", [{"take": 0}]), "takes must be", id="a row of take 0"),
        pytest.param(
            lambda: prompts("a", [{"x": 1}], mode="zip", model=["a"]), "rows are zipped already", id="rows and zip"
        ),
        pytest.param(
            lambda: prompts("a {x}", x=range(MOST_CELLS + 1)), "more than 10,000 cells", id="a million by mistake"
        ),
    ],
)
def test_a_slip_is_one_line_with_its_cure(make, words):
    with pytest.raises(InvalidRequest, match=words) as told:
        make()
    assert "\n" not in str(told.value)


def test_rows_without_a_prompt_say_so_in_every_cell():
    assert "it has no prompt" in cells([{"duration": 4}])[0].invalid


# More of it -------------------------------------------------------------------------------------------


def test_more_takes_and_values_stand_beside_what_was_there():
    axes = lay_out("a {x}", x=["cat"], takes=2)
    more = axes.extended(takes=3, x=["dog", "cat"], model="seedance-2.0-fast")
    before, after = ({c.identity for c in a.cells()} for a in (axes, more))
    assert (before < after, len(after)) == (True, 12)


def test_rows_that_name_their_takes_get_more_of_them():
    axes = lay_out("a {x}", [{"x": "cat", "take": 2}, {"x": "cat", "take": 4}, {"x": "dog"}])
    assert sorted((c.values["x"], c.take) for c in axes.extended(takes=3).cells()) == [  # noqa: PD011
        ("cat", 2),
        ("cat", 3),
        ("cat", 4),
        ("dog", 1),
        ("dog", 2),
        ("dog", 3),
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        pytest.param({"takes": 1}, "wants the new total", id="fewer takes"),
        pytest.param({"y": ["dog"]}, "this grid has no 'y'", id="a name it has not"),
    ],
)
def test_what_cannot_be_extended_says_why(more, words):
    with pytest.raises(InvalidRequest, match=words):
        lay_out("a {x}", x=["cat"], takes=2).extended(**more)


# Tables -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("Duration", "duration"),
        ("DURATION", "duration"),
        (" duration ", "duration"),
        ("durations", "duration"),
        ("seconds", "duration"),
        ("Length (s)", "duration"),
        ("duration_s", "duration"),
        ("aspect ratio", "aspect_ratio"),
        ("Aspect-Ratio", "aspect_ratio"),
        ("aspectRatio", "aspect_ratio"),
        ("ratio", "aspect_ratio"),
        ("ar", "aspect_ratio"),
        ("res", "resolution"),
        ("quality", "resolution"),
        ("Size", "resolution"),
        ("image", "media_urls"),
        ("image_url", "media_urls"),
        ("media-url", "media_urls"),
        ("mediaUrls", "media_urls"),
        ("First Frame", "media_urls"),
        ("Model", "model"),
        ("models", "model"),
        ("model name", "model"),
        ("Prompt", "prompt"),
        ("prompts", "prompt"),
        ("webhook", "webhook_url"),
        ("meta", "metadata"),
        ("Take", "take"),
        ("takes", "take"),
        ("durration", "duration"),
        ("Duratoin", "duration"),
        ("promt", "prompt"),
        ("modle", "model"),
        ("modell", "model"),
        ("resoltuion", "resolution"),
        ("aspect_ration", "aspect_ratio"),
        ("meda_urls", "media_urls"),
    ],
)
def test_a_column_that_is_nearly_a_field_is_refused_with_the_name_meant(column, meant):
    frame = pd.DataFrame({"prompt": ["a cat", "a dog"], column: ["x", "y"]})
    for rows in (frame, frame.to_dict("records")):
        with pytest.raises(
            InvalidRequest, match=rf"the column '.*' is no field of a request: name it '{meant}', .*nothing was sent$"
        ):
            lay_out(rows)
        with pytest.raises(InvalidRequest, match=f"name it '{meant}'"):
            lay_out(rows, raw=True)


@pytest.mark.parametrize(
    "label",
    [
        "mode",
        "animation",
        "prompt_id",
        "remodel",
        "mood",
        "taken",
        "time",
        "solution",
        "moment",
        "model_a",
        "prompt2",
        "prompt_b",
    ],
)
def test_a_column_that_only_sounds_like_a_field_is_a_label(label):
    cells = lay_out([{"prompt": "a cat", label: "x"}, {"prompt": "a dog", label: "y"}]).cells()

    assert [value for cell in cells for name, value in cell.values.items() if name == label] == ["x", "y"]  # noqa: PD011


@pytest.mark.parametrize(
    ("axis", "meant"),
    [("Duration", "duration"), ("ratio", "aspect_ratio"), ("num_takes", "takes"), ("images", "media_urls")],
)
@pytest.mark.parametrize("raw", [False, True])
def test_an_axis_that_is_nearly_a_field_is_refused_with_the_name_meant(axis, meant, raw):
    for value in ([4, 5], 4):
        with pytest.raises(InvalidRequest, match=f"the axis '{axis}' is no field of a request: name it '{meant}'"):
            lay_out("a cat", raw=raw, **{axis: value})


def test_what_cannot_be_seen_of_a_column_is_written_out():
    for column, shown in (("\ufeffprompt", r"'\\ufeffprompt'"), ("prompt ", "'prompt '")):
        with pytest.raises(InvalidRequest, match=f"the column {shown} is no field of a request: name it 'prompt'"):
            lay_out(pd.DataFrame({column: ["a cat"]}))


def test_a_name_that_a_prompt_uses_and_a_label_pass():
    frame = pd.DataFrame(
        {"prompt": ["a {Size} cat"] * 2, "Size": ["small", "big"], "mood": ["a", "b"], "scene no": [1, 2]}
    )

    made = cells(frame)
    assert [c.request.prompt for c in made] == ["a small cat", "a big cat"]
    assert [dict(c.values) for c in made][1] == {"prompt": "a {Size} cat", "Size": "big", "mood": "b", "scene no": 2}


@pytest.mark.parametrize(
    "column",
    [
        pytest.param([4, 10], id="ints"),
        pytest.param([4.0, 10.0], id="floats"),
        pytest.param(["4", "10"], id="texts of a CSV"),
        pytest.param(["4.0", " 10 "], id="texts with a point"),
        pytest.param(np.array([4, 10], dtype="int16"), id="numpy"),
        pytest.param([np.int64(4), np.float32(10)], id="numpy, mixed"),
        pytest.param([Decimal(4), Fraction(10)], id="exact ones"),
        pytest.param(pd.array([4, 10], dtype="Int64"), id="Int64"),
        pytest.param(pd.array([4, 10], dtype="Float64"), id="Float64"),
        pytest.param(pd.array(["4", "10"], dtype="string"), id="string"),
        pytest.param(pd.Categorical([4, 10]), id="category"),
    ],
)
def test_whole_numbers_are_whole_numbers_in_columns_and_axes(column):
    made = cells(pd.DataFrame({"prompt": ["a", "b"], "duration": column, "take": column}, index=[7, 3]))
    assert [(c.request.duration, c.take, c.values["duration"], type(c.request.duration)) for c in made] == [  # noqa: PD011
        (4, 4, 4, int),
        (10, 10, 10, int),
    ]
    assert [c.request.duration for c in cells("a", duration=column)] == [4, 10]
    assert [c.take for c in cells("a", takes=next(iter(column)))] == [1, 2, 3, 4]
    assert cells("a", duration=list(column)[1])[0].request.duration == 10


@pytest.mark.parametrize("value", [5.5, "5s", "five", True, pd.Timedelta(seconds=5), np.bool_(True)], ids=repr)
def test_what_is_no_whole_number_is_an_invalid_cell(value):
    [cell] = cells([{"prompt": "a cat", "duration": value}])
    assert cell.invalid.startswith("duration must be whole seconds")
    with pytest.raises(InvalidRequest, match="takes must be a whole number"):
        cells([{"prompt": "a cat", "take": value}])


@pytest.mark.parametrize("empty", [None, math.nan, np.nan, pd.NA, pd.NaT, "", "  ", Decimal("NaN")], ids=repr)
def test_an_empty_cell_of_a_field_is_the_default_and_the_plan_says_so(empty):
    fields = ("model", "duration", "aspect_ratio", "resolution", "media_urls", "metadata", "webhook_url")
    frame = pd.DataFrame([{"prompt": "a cat", "take": empty, **dict.fromkeys(fields, empty)}], dtype=object)

    [cell] = cells(frame)
    request = cell.request
    assert cell.invalid is None
    assert (request.duration, request.aspect_ratio, request.resolution, request.model, cell.take) == (
        5,
        "16:9",
        "720p",
        "seedance-2.0",
        1,
    )
    assert cell.note.startswith(
        "empty in its row, so left to the default: take counted, model seedance-2.0, duration 5, "
    )


def test_a_number_beside_a_missing_one_stays_the_number_that_was_typed():
    frame = pd.DataFrame({"prompt": ["{n} cats", "a cat"], "n": [3, None]})
    assert prompts(frame) == ["3 cats", "a cat"]


@pytest.mark.parametrize("empty", [None, math.nan, pd.NA, pd.NaT], ids=repr)
def test_a_missing_value_never_gets_into_a_prompt(empty):
    made = cells(pd.DataFrame({"prompt": ["a {mood} cat", "a {mood} cat"], "mood": ["wet", empty]}, dtype=object))
    assert (made[0].request.prompt, made[1].request) == ("a wet cat", None)
    assert made[1].invalid == "{mood} has no value in this cell; give it one, or leave the row out"


@pytest.mark.parametrize("empty", [None, math.nan, pd.NA, "", " \n"], ids=repr)
def test_a_row_without_a_prompt_is_an_invalid_cell(empty):
    frame = pd.DataFrame({"prompt": ["a cat", empty]}, dtype=object)
    assert [c.invalid is None for c in cells(frame)] == [True, False]
    assert [c.invalid is None for c in cells("a template", frame)] == [True, False]


@pytest.mark.parametrize("missing", [math.nan, pd.NA, pd.NaT], ids=repr)
def test_a_missing_value_in_an_axis_is_refused(missing):
    for value in ([4, missing], missing):
        with pytest.raises(InvalidRequest, match="a value of duration is missing"):
            lay_out("a cat", duration=value)
    assert [c.request.duration for c in cells("a cat", duration=[4, None])] == [4, None]


def test_columns_that_cannot_be_told_apart_are_refused():
    twice = pd.DataFrame([["a cat", 4, 10]], columns=["prompt", "duration", "duration"])
    levels = pd.DataFrame([["a cat", 4]], columns=pd.MultiIndex.from_tuples([("prompt", ""), ("duration", "s")]))
    for rows, words in (
        (twice, "two columns are named 'duration'"),
        ([{1: "a", "1": "b"}], "two columns are named '1'"),
        (levels, "several levels"),
    ):
        with pytest.raises(InvalidRequest, match=words):
            lay_out(rows)


def test_a_polars_frame_is_rows_too():
    class Polars:  # its two methods that count here: polars itself is no dependency
        columns = ["prompt", "duration"]

        def to_dict(self, as_series=True):
            raise AssertionError(as_series)

        def to_dicts(self):
            return [{"prompt": "a cat", "duration": 4}]

    assert [c.request.duration for c in cells(Polars())] == [4]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "half \ud83d"},
        pytest.param({"model": object()}, id="an object"),
        {"resolution": pd.Timestamp("2026")},
        {"model": "\ud83d"},
        {"webhook_url": {1}},
    ],
    ids=repr,
)
def test_a_value_that_cannot_be_written_makes_its_cell_invalid_and_stops_no_other(row):
    made = cells([{"prompt": "a cat", **row}, {"prompt": "a cat"}])
    assert (made[0].invalid is None, made[1].invalid, made[1].identity is None) == (False, None, False)
    assert made[0].identity != made[1].identity or "webhook_url" in row


# Signed addresses -------------------------------------------------------------------------------------

SIGNED = "https://a.example/x.png?X-Amz-Signature={}"


def test_cells_show_no_signature_and_send_it():
    [cell] = cells("a cat", media_urls=[SIGNED.format("secret")], metadata={"from": SIGNED.format("secret")})
    assert cell.to_send.media_urls == (SIGNED.format("secret"),)
    assert "secret" not in repr(cell)


def test_cells_that_differ_in_a_signature_or_a_tag_are_the_same_video():
    made = cells([{"prompt": "a cat", "media_urls": [SIGNED.format(n)], "metadata": {"run": n}} for n in (1, 2)])
    assert made[0].identity == made[1].identity
