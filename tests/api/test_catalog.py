import numpy as np
import pandas as pd
import pytest
from api.json_shapes import ANY_JSON, ANY_OBJECT, is_presentable
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_nb.api.catalog import DOCUMENTED, Catalog, Estimate, ModelFacts, read_model
from seedance_nb.api.models import VideoRequest, make_request
from seedance_nb.errors import InvalidRequest

CATALOG = Catalog()
FIVE = 5


def request(**changes):
    usual = {"prompt": "a cat", "aspect_ratio": "16:9", "duration": 5, "resolution": "720p"}
    return VideoRequest(**usual | changes)


# What is refused before it costs anything, and what only draws a warning


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aspect_ratio": None, "duration": None, "resolution": None},
        {"duration": 4},
        {"duration": 15},
        {"model": "seedance-2.0-fast", "duration": 7},
        {"model": "seedance-1.5-pro", "duration": 10},
        {"aspect_ratio": "1:1", "resolution": "1080p"},
        {"media_urls": ("https://a.example/x.PNG", "https://a.example/y.mp3?sig=1")},
        {"webhook_url": "https://b.example/hook", "metadata": {"k": [1, None, {"x": "y"}]}},
    ],
    ids=repr,
)
def test_a_documented_request_passes_without_a_warning(changes):
    assert CATALOG.check(request(**changes)) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompt": ""}, "the prompt is empty; write what the video should show"),
        ({"prompt": " \n"}, "the prompt is empty; write what the video should show"),
        ({"prompt": None}, "the prompt is empty; write what the video should show"),
        (
            {"prompt": " req_1234567890\n"},
            (
                "the prompt is the id of a job (req_1234567890), and a video of it was hardly meant: %seedance attach ID, or sd.jobs(text=ID),"
                " shows the job; nothing was sent"
            ),
        ),
        ({"prompt": "half \ud83d"}, "the prompt holds half a character (a lone surrogate); type it again"),
        ({"model": ""}, "the model must be a name; known are seedance-2.0, seedance-2.0-fast, seedance-1.5-pro"),
        ({"model": ["x"]}, "the model must be a name; known are seedance-2.0, seedance-2.0-fast, seedance-1.5-pro"),
        ({"aspect_ratio": "4:3"}, "aspect ratio '4:3' is not offered; choose 16:9, 9:16 or 1:1"),
        ({"resolution": "4k\n"}, "resolution '4k' is not offered; choose 480p, 720p or 1080p"),
        ({"duration": 3}, "seedance-2.0 cannot make 3 s; choose 4 to 15 seconds"),
        ({"duration": 16}, "seedance-2.0 cannot make 16 s; choose 4 to 15 seconds"),
        ({"model": "seedance-1.5-pro", "duration": 7}, "seedance-1.5-pro cannot make 7 s; choose 5 or 10 seconds"),
        ({"duration": 0}, "duration must be at least 1 second, not 0"),
        ({"model": "new", "duration": -5}, "duration must be at least 1 second, not -5"),
        ({"duration": 5.0}, "duration must be whole seconds, not '5.0'"),
        ({"duration": True}, "duration must be whole seconds, not 'True'"),
        ({"media_urls": ()}, "give 1 to 5 media URLs, not 0; leave them out for text only"),
        (
            {"media_urls": ("https://a.example/x.png",) * 6},
            "give 1 to 5 media URLs, not 6; leave them out for text only",
        ),
        ({"media_urls": ("http://a/x.png",)}, "media URL 'http://a/x.png' must be a public https:// address"),
        ({"media_urls": ("https://a/x y.png",)}, "media URL 'https://a/x y.png' must be a public https:// address"),
        ({"media_urls": ("https://[/x.png",)}, "media URL 'https://[/x.png' must be a public https:// address"),
        ({"media_urls": (5,)}, "media URL '5' must be a public https:// address"),
        ({"webhook_url": "b.example"}, "the webhook URL must be auto, or a full URL that starts with https://"),
        ({"webhook_url": 5}, "the webhook URL must be auto, or a full URL that starts with https://"),
        ({"metadata": ["k"]}, "metadata must be a dict of names and values"),
    ],
    ids=repr,
)
def test_what_is_surely_wrong_is_refused_in_one_line_with_the_cure(changes, said):
    with pytest.raises(InvalidRequest) as caught:
        CATALOG.check(request(**changes))

    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metadata": {"k": object()}}, "metadata.k: an object is no JSON value"),
        ({"metadata": {"k": [1, float("nan")]}}, r"metadata.k\[1\]: JSON has no nan"),
        ({"metadata": {"k": "\ud83d"}}, "metadata.k: half a character"),
        ({"metadata": {None: 1}}, "metadata: the name None is a NoneType"),
        ({"webhook_url": "https://b.example/\ud83d"}, "holds half a character"),
        ({"media_urls": ("https://b.example/\ud83d.png",)}, "holds half a character"),
        ({"model": "\ud83d"}, "holds half a character"),
    ],
    ids=["object", "nan", "surrogate", "key", "webhook", "media", "model"],
)
def test_what_cannot_be_written_as_json_is_refused_before_it_is_sent(changes, said):
    with pytest.raises(InvalidRequest, match=f"{said}.*nothing was sent") as caught:
        CATALOG.check(request(**changes))

    assert is_presentable(str(caught.value))


@pytest.mark.parametrize("value", [pd.NA, pd.NaT, np.array([1, 2]), {1}, b"x", FIVE, True, float("nan")], ids=repr)
@pytest.mark.parametrize(
    "field", ["model", "aspect_ratio", "resolution", "duration", "media_urls", "webhook_url", "metadata"]
)
def test_a_value_of_another_kind_is_refused_for_every_field_whoever_made_the_request(field, value):
    if field == "duration" and value is FIVE:
        return
    for make in (request, lambda **changes: make_request("a cat", **changes)):
        with pytest.raises(InvalidRequest) as caught:
            CATALOG.check(make(**{field: value}))
        assert is_presentable(str(caught.value))


def test_no_signature_of_an_address_stands_in_what_is_told_of_it():
    for url in ("http://u:secret@a/x.png?sig=secret", "https://a/x.tiff?X-Amz-Signature=secret"):
        try:
            said = str(CATALOG.check(request(media_urls=(url,))))
        except InvalidRequest as error:
            said = str(error)
        assert "secret" not in said


def test_an_address_without_its_signature_draws_a_warning():
    [warning] = CATALOG.check(request(media_urls=("https://a/x.png#unsigned",)))

    assert "has lost its signature" in warning


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"model": "seedance-2.0-fats"}, "model 'seedance-2.0-fats' is not known here and is sent as it is; did you mean seedance-2.0-fast?"),
        ({"model": "other"}, "model 'other' is not known here and is sent as it is; known are seedance-2.0, seedance-2.0-fast, seedance-1.5-pro"),
        (
            {"media_urls": ("https://a.example/x.tiff",)},
            "media URL 'https://a.example/x.tiff' has no known ending (.jpg .jpeg .png .webp .gif .bmp .mp4 .mov .m4v .mp3 .wav); sent as it is",
        ),
    ],
    ids=["near name", "far name", "ending"],
)  # fmt: skip
def test_what_only_the_service_can_judge_is_sent_with_a_warning(changes, warning):
    assert CATALOG.check(request(**changes)) == (warning,)


def test_an_unknown_model_may_have_durations_we_do_not_know():
    assert len(CATALOG.check(request(model="seedance-9", duration=60))) == 1


# What /models adds


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("seedance-3.0", ModelFacts("seedance-3.0", None, (), (), {}, documented=False)),
        ({"id": "a"}, ModelFacts("a", None, (), (), {}, documented=False)),
        ({"id": "", "model": "b"}, ModelFacts("b", None, (), (), {}, documented=False)),
        ({"id": 5, "slug": "c"}, ModelFacts("c", None, (), (), {}, documented=False)),
        (
            {
                "id": "d",
                "durations": [10, 5, 5, "x", -1, True],
                "aspectRatios": ["1:1", 7],
                "resolutions": ["720p"],
                "pricing": {"creditsPerSecond": {"720p": 8, "1080p": 16.5, "unit": 3, "480p": "x"}},
            },
            ModelFacts("d", (5, 10), ("1:1",), ("720p",), {"720p": 8.0, "1080p": 16.5}, documented=False),
        ),
        ({"id": "e", "duration": {"min": 4, "max": 6}}, ModelFacts("e", (4, 5, 6), (), (), {}, documented=False)),
        ({"id": "f", "duration": {"min": 1, "max": 10**9}}, ModelFacts("f", None, (), (), {}, documented=False)),
        ({"id": "g", "pricing": {"720p": -1}}, ModelFacts("g", None, (), (), {}, documented=False)),
        ({"id": "g", "pricing": {"720p": 0}}, ModelFacts("g", None, (), (), {}, documented=False)),
        (
            {"id": "g", "pricing": {"720p": float("nan"), "480p": 1e300, "1080p": float("inf")}},
            ModelFacts("g", None, (), (), {}, documented=False),
        ),
        ({"id": "two\nlines"}, ModelFacts("two lines", None, (), (), {}, documented=False)),
    ],
    ids=lambda value: value.name if isinstance(value, ModelFacts) else "",
)
def test_an_item_is_read_as_far_as_it_is_understood(item, expected):
    assert read_model(item) == expected


@pytest.mark.parametrize(
    "item", [None, 5, [], {}, {"id": ""}, {"id": "\x00"}, {"id": {"x": 1}}, {"title": "x"}], ids=repr
)
def test_an_item_without_a_name_is_passed_over(item):
    assert read_model(item) is None
    assert Catalog().merged([item]).models == DOCUMENTED


def test_a_listed_model_refines_what_is_documented_and_keeps_the_rest():
    merged = CATALOG.merged([{"id": "seedance-2.0", "durations": [5, 20], "pricing": {"720p": 9}}])

    assert merged.models["seedance-2.0"] == ModelFacts(
        "seedance-2.0", (5, 20), ("16:9", "9:16", "1:1"), ("480p", "720p", "1080p"), {"720p": 9.0}
    )
    assert merged.check(request(duration=20)) == ()


def test_a_new_model_is_known_from_then_on():
    merged = CATALOG.merged([{"id": "seedance-3.0", "durations": [30]}])

    assert merged.check(request(model="seedance-3.0", duration=30)) == ()
    with pytest.raises(InvalidRequest, match=r"seedance-3\.0 cannot make 5 s; choose 30 seconds"):
        merged.check(request(model="seedance-3.0"))


def test_merging_leaves_the_first_catalog_as_it_was():
    merged = CATALOG.merged(["seedance-3.0"])

    assert (CATALOG.answered, merged.answered) == (False, True)
    assert set(merged.models) - set(CATALOG.models) == {"seedance-3.0"}


@given(st.lists(ANY_JSON | ANY_OBJECT, max_size=5))
@settings(deadline=None, max_examples=60)
def test_any_list_of_models_is_survived_and_leaves_a_catalog_that_works(items):
    merged = CATALOG.merged(items)

    assert set(DOCUMENTED) <= set(merged.models)
    for name, facts in merged.models.items():
        assert name == facts.name
        assert all(map(is_presentable, (name, *facts.aspect_ratios, *facts.resolutions, *facts.credits_per_second)))
        try:
            warnings = merged.check(request(model=name))
        except InvalidRequest as error:
            warnings = (str(error),)
        assert all(map(is_presentable, warnings))


# What it will cost


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Estimate(40.0, "the documented sample")),
        ({"resolution": None}, Estimate(40.0, "the documented sample")),
        ({"media_urls": ("https://a.example/x.png",)}, Estimate(64.0, "the documented sample")),
        ({"duration": 10, "resolution": "1080p"}, Estimate(80.0, "the documented sample of seedance-2.0 at 720p, a guess here")),
        ({"model": "other"}, Estimate(40.0, "the documented sample of seedance-2.0 at 720p, a guess here")),
        ({"duration": None}, None),
    ],
    ids=repr,
)  # fmt: skip
def test_the_documented_samples_give_an_estimate(changes, expected):
    assert CATALOG.sample_estimate(request(**changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Estimate(45.0, "the service's price list", exact=True)),
        ({"resolution": "480p"}, None),
        ({"duration": None}, None),
        ({"media_urls": ("https://a.example/x.png",)}, None),
        ({"model": "other"}, None),
    ],
    ids=repr,
)
def test_a_listed_price_counts_only_where_it_is_understood(changes, expected):
    listed = CATALOG.merged([{"id": "seedance-2.0", "pricing": {"720p": 9}}])

    assert listed.listed_estimate(request(**changes)) == expected


@pytest.mark.parametrize(
    "model",
    [
        "Seedance-2.0",
        "seedance-2.0.",
        "seedance_2.0",
        "seedance–2.0",
        "ｓｅｅｄａｎｃｅ-2.0",
        " seedance-2.0",
        "seedance 2.0",
    ],
)
def test_a_model_that_differs_from_a_known_one_in_signs_alone_is_refused_with_its_name(model):
    with pytest.raises(InvalidRequest, match=r"write seedance-2\.0$"):
        CATALOG.check(request(model=model))


@pytest.mark.parametrize(
    "model", ["seedance-2.0,other", "seedance-2.0，other", "one other", "{model}", '"other', "другая", "a、b"]
)
def test_what_is_no_name_of_a_model_is_refused(model):
    with pytest.raises(InvalidRequest, match=r"is no name of a model; known are seedance-2\.0"):
        CATALOG.check(request(model=model))


def test_a_name_that_the_service_lists_is_sent_however_it_is_written():
    assert Catalog().merged([{"id": "Seedance 2.0, new"}]).check(request(model="Seedance 2.0, new")) == ()
