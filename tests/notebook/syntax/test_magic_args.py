"""What a line and a cell ask for, and back again."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

import seedance_nb
from seedance_nb.api.catalog import Catalog
from seedance_nb.api.fields import FIELDS
from seedance_nb.api.models import VideoRequest, make_request
from seedance_nb.notebook.syntax.arguments import (
    COMMANDS,
    Defaults,
    Line,
    build_parser,
    complete,
    help_text,
    parse,
    parse_words,
    request_options,
)
from seedance_nb.notebook.syntax.back_to_text import as_magic
from seedance_nb.notebook.syntax.filling import BadLine, interpolate

USUAL = {"model": ("seedance-2.0",), "aspect_ratio": ("16:9",), "duration": (5,), "resolution": ("720p",)}


def asks(*prompts, **changes):
    """The line that asks for these prompts with the usual settings, but for some."""
    of_request = {name: changes.pop(name) for name in FIELDS if name in changes}
    return Line(prompts=prompts, fields=USUAL | of_request, **changes)


def answer(function, *arguments):
    """What the function gives, or the text of its BadLine; anything else it raises is raised."""
    try:
        return function(*arguments)
    except BadLine as error:
        return str(error)


def refusal(line, cell=None):
    with pytest.raises(BadLine) as caught:
        parse(line, cell)
    return str(caught.value)


# -- prompts


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ("a paper boat", "a paper boat"),
        ("  a   paper\tboat  ", "a paper boat"),
        ('"a paper boat"', "a paper boat"),
        ("'a paper boat'", "a paper boat"),
        ("it's a boat that can't sink", "it's a boat that can't sink"),
        ('"it\'s a boat"', "it's a boat"),
        ("the 'big' boat", "the 'big' boat"),
        ('a "big" boat', 'a "big" boat'),
        ('"big" and "small"', '"big" and "small"'),
        ("the dogs' boats", "the dogs' boats"),
        ("'", "'"),
        ("10 % of {name} – 5 \\n", "10 % of {name} – 5 \\n"),
        ("a boat - and a plane", "a boat - and a plane"),
        ("-5 degrees", "-5 degrees"),
        ("-- -d 5 is not an option", "-d 5 is not an option"),
        ("a boat -- --fresh paint", "a boat --fresh paint"),
        ("-- jobs of the future", "jobs of the future"),
        ("-- -- twice", "-- twice"),
        ("a job is a job", "a job is a job"),
        ("ünï 🛶 船", "ünï 🛶 船"),
    ],
)
def test_a_line_is_its_prompt(line, prompt):
    assert parse(line) == asks(prompt)


def test_the_prompt_may_stand_below():
    assert parse("-d 4", "  a boat\n  in the rain\n") == asks("a boat\n  in the rain", duration=(4,))


def test_the_prompt_may_stand_on_the_line_of_an_empty_cell():
    assert parse("a boat", "\n") == asks("a boat")


def test_quotes_below_are_part_of_the_prompt():
    assert parse("", '"a boat"\n') == asks('"a boat"')


def test_prompts_below_are_separated_by_three_dashes_on_a_line_of_their_own():
    assert parse("", "one\n---\ntwo -- 2\n  ---\t\n----\n--- three\n") == asks("one", "two -- 2", "----\n--- three")


def test_empty_prompts_between_separators_are_none():
    assert parse("", "---\n\n---\none\n---\n \n").prompts == ("one",)


def test_an_escaped_separator_is_part_of_the_prompt():
    assert parse("", "one\n \\---\n\\\\---\ntwo").prompts == ("one\n ---\n\\---\ntwo",)


def test_a_line_without_a_prompt_has_none():
    assert parse("-d 4", " \n") == asks(duration=(4,))


# -- options


@pytest.mark.parametrize(
    ("option", "changes"),
    [
        ("-m seedance-1.5-pro", {"model": ("seedance-1.5-pro",)}),
        ("--model seedance-1.5-pro", {"model": ("seedance-1.5-pro",)}),
        ("-a 1:1", {"aspect_ratio": ("1:1",)}),
        ("--aspect-ratio 1:1", {"aspect_ratio": ("1:1",)}),
        ("-d 10", {"duration": (10,)}),
        ("-d10", {"duration": (10,)}),
        ("--duration 10", {"duration": (10,)}),
        ("--duration=10", {"duration": (10,)}),
        ("-r 480p", {"resolution": ("480p",)}),
        ("--resolution '480p'", {"resolution": ("480p",)}),
        ("-i https://h/a.png", {"media_urls": ("https://h/a.png",)}),
        ('-i "https://h/a b.png"', {"media_urls": ("https://h/a b.png",)}),
        ("-i https://h/a.png https://h/b.png", {"media_urls": ("https://h/a.png", "https://h/b.png")}),
        ("--media-url https://h/a.png -i https://h/b.png", {"media_urls": ("https://h/a.png", "https://h/b.png")}),
        ("-n 3", {"takes": 3}),
        ("--takes 3", {"takes": 3}),
        ("-o boat", {"out": "boat"}),
        ("--out boat", {"out": "boat"}),
        ("--metadata scene=4", {"metadata": {"scene": "4"}}),
        ('--metadata "scene name=the quay"', {"metadata": {"scene name": "the quay"}}),
        ("--metadata a=b=c --metadata d=", {"metadata": {"a": "b=c", "d": ""}}),
        ('--metadata scene="the quay"', {"metadata": {"scene": "the quay"}}),
        ("--set seed=7", {"extra": {"seed": 7}}),
        ("--set=seed=7 --set cfg_scale=7.5", {"extra": {"seed": 7, "cfg_scale": 7.5}}),
        ("--webhook-url https://h/ring?x=1", {"webhook_url": "https://h/ring?x=1"}),
        ("--webhook auto", {"webhook_url": "auto"}),
        ("--fresh", {"fresh": True}),
        ("--wait", {"wait": True}),
        ("--no-wait", {"wait": False}),
        ("--sample 2 -n 3", {"sample": 2, "takes": 3}),
        ("--timeout 2.5", {"timeout": 2.5}),
        ("--max-credits 40", {"max_credits": 40.0}),
        ("--dry-run", {"dry_run": True}),
        ("--raw", {"raw": True}),
        ("-q", {"quiet": True}),
        ("--quiet", {"quiet": True}),
        ("--save-to boats", {"save_to": "boats"}),
        ("--save-to=boats", {"save_to": "boats"}),
        ("--notify", {"notify": ()}),
        ("--notify='notify-send -t 9 Seedance'", {"notify": ("notify-send", "-t", "9", "Seedance")}),
        ("--notify=beep", {"notify": ("beep",)}),
        ('-a "" -d "" -r ""', {"aspect_ratio": (None,), "duration": (None,), "resolution": (None,)}),
    ],
)
@pytest.mark.parametrize("form", ["{} a boat's way", "a boat's way {}"])
def test_an_option_may_stand_before_or_behind_the_prompt(form, option, changes):
    assert parse(form.format(option)) == asks("a boat's way", **changes)


def test_every_option_is_in_the_tables_of_these_tests():
    tried = test_an_option_may_stand_before_or_behind_the_prompt.pytestmark[1].args[1]
    words = {word.partition("=")[0] for option, _ in tried for word in option.split()}

    assert {o for a in build_parser()._actions for o in a.option_strings} <= words | {
        "-h",
        "--help",
        "--story",
    }  # test_story_cells.py


def test_options_may_stand_in_the_middle_of_a_prompt():
    assert parse("a boat -d 4 at sea") == asks("a boat at sea", duration=(4,))


def test_what_the_line_leaves_out_comes_from_the_defaults():
    found = parse("a boat", None, Defaults("seedance-2.0-fast", None, None, "480p"))

    assert found == asks(
        "a boat",
        model=("seedance-2.0-fast",),
        aspect_ratio=(None,),
        duration=(None,),
        resolution=("480p",),
    )


@pytest.mark.parametrize("line", ["-h", "--help", "a boat -h", "jobs -h", "wait --help"])
def test_help_can_be_asked_for_anywhere(line):
    assert parse(line) == Line(command="help")


@pytest.mark.parametrize(
    ("line", "cell"),
    [
        ("a -m seedance-2.0,seedance-2.0-fast", None),
        ("a -a 16:9,9:16", None),
        ("a -a '16:9, 9:16'", None),
        ("a -d 5,10", None),
        ("a -r 480p,720p", None),
        ("a -n 2", None),
        ("", "a\n---\nb"),
    ],
)
def test_more_than_one_video_is_a_grid(line, cell):
    assert parse(line, cell).is_grid


@pytest.mark.parametrize(
    "line", ["a", "a -d 5", "a -n 1", "a, b and c", "a -i https://h/a.png https://h/b.png", "a -r 480p,"[:-1]]
)
def test_one_video_is_no_grid(line):
    assert not parse(line).is_grid


# -- sub-commands


@pytest.mark.parametrize("name", [n for n in COMMANDS if n not in ("attach", "cancel")])
def test_a_command_stands_alone(name):
    assert parse(name) == parse(f"  {name} ") == parse(name, "\n") == Line(command=name)


@pytest.mark.parametrize("name", ["attach", "cancel"])
@pytest.mark.parametrize("ids", [("all",), ("j1a2b3",), ("req_1", "a:b~c=d@e+f-9.x"), ("word",)])
def test_attach_and_cancel_take_ids(name, ids):
    assert parse(f"{name} {' '.join(ids)}") == Line(command=name, ids=ids)


@pytest.mark.parametrize("line", ["canel j1a2b3", "atach req_1", "stop req_1", "req_1 req_2", "a req_1"])
def test_ids_are_no_prompt_in_a_notebook_nor_in_a_shell(line):
    with pytest.raises(BadLine, match=r"is no prompt; did you mean %seedance (attach|cancel)"):
        parse(line)
    with pytest.raises(BadLine, match=r"is no prompt; did you mean %seedance (attach|cancel)"):
        parse_words(build_parser(), line.split(), str)


@pytest.mark.parametrize(
    "line", ["-- canel j1a2b3", "watch 4K rain", "stop motion 24fps", "channel 4 news", "a boat req_1", "show R2D2"]
)
def test_words_beside_ids_and_what_stands_behind_two_hyphens_are_a_prompt(line):
    words = line.removeprefix("-- ")
    assert parse(line).prompts == parse_words(build_parser(), line.split(), str)[0].prompts == (words,)


def test_wait_takes_a_timeout():
    assert parse("wait --timeout 5") == Line(command="wait", timeout=5.0)


@pytest.mark.parametrize(
    "line",
    [
        *(f"{name} boats" for name in COMMANDS if name not in ("attach", "cancel", "login")),
        "attach a boat to the quay",
        "cancel the wedding",
        "cancel all 3",
        'attach "req 1"',
        "demo --wait",
    ],
)
def test_a_word_too_many_is_an_error_that_says_how_to_make_it_a_prompt(line):
    text = refusal(line)

    suggested = re.search(r"write %seedance (-- .+)\. Nothing was sent$", text)
    assert suggested, text
    assert parse(suggested[1]).prompts[0].startswith(line.split()[0])


@pytest.mark.parametrize("name", ["attach", "cancel"])
def test_attach_and_cancel_without_an_id_say_which_there_are(name):
    assert refusal(name) == (
        f"say which: %seedance {name} ID… or %seedance {name} all; %seedance jobs lists them. Nothing was sent"
    )


def test_a_key_on_the_line_of_login_is_not_repeated():
    text = refusal("login sd2_live_secret")

    assert "sd2_live_secret" not in text
    assert "run %seedance login alone" in text


def test_a_command_with_a_prompt_below_is_refused():
    assert "first line is too much" in refusal("jobs", "a boat")


# -- refusals


BAD_LINES = {
    "a boat --durration 5": "did you mean --duration?",
    "a boat --dryrun": "did you mean --dry-run?",
    "a boat --web https://h": "did you mean --webhook?",
    "a boat --model-name x": "did you mean --model?",
    "a boat -model x": "did you mean --model?",
    "a boat -metadata a=b": "did you mean --metadata?",
    "a boat -raw": "did you mean --raw?",
    "a boat -x": "%seedance -h lists the options",
    "a boat --xyzzy": "%seedance -h lists the options",
    "--—\x1b[31m\u202e boat": "%seedance -h lists the options",
    "a boat -d": "-d/--duration: expected one argument",
    "a boat -d five": "-d/--duration wants whole seconds, for example -d 5",
    "a boat -d 5.5": "wants whole seconds",
    "a boat -d -5": "-d/--duration wants whole seconds",
    "a boat -d 5, 10": "write a list without blanks (-d 5,10)",
    "a boat -a 16:9, 1:1": "write a list without blanks",
    "a boat -i https://h/a.png, https://h/b.png": "several addresses with blanks alone",
    "a boat -n 0": "-n/--takes wants a whole number from 1",
    "a boat -n many": "-n/--takes wants a whole number",
    "a boat -o my-boat": "-o/--out wants the name of a variable",
    "a boat -o class": "-o/--out wants the name of a variable",
    "a boat --timeout soon": "--timeout wants a number",
    "a boat --timeout nan": "--timeout wants a number",
    "a boat --max-credits 1e9": "--max-credits wants a number",
    "a boat --metadata scene": "--metadata wants NAME=VALUE",
    "a boat --metadata =4": "--metadata wants NAME=VALUE",
    "wait --timeout soon": "--timeout wants a number",
    "attach": "say which",
    "jobs " + "x" * 2000: "write %seedance -- jobs",
    "a boat --" + "y" * 2000: "%seedance -h",
    "a boat --fresh=yes": "--fresh",
}


@pytest.mark.parametrize(
    ("line", "cure"), BAD_LINES.items(), ids=[line[:40].encode("unicode_escape").decode() for line in BAD_LINES]
)
def test_a_refusal_is_one_line_that_names_the_cure_and_says_that_nothing_was_sent(line, cure):
    text = refusal(line)

    assert cure in text
    assert text.endswith("Nothing was sent")
    assert text.isprintable()
    assert len(text) < 400


def test_a_prompt_on_the_line_and_another_below_is_refused():
    assert refusal("a boat", "a plane") == (
        "the prompt stands below, so 'a boat' on the first line is too much. Nothing was sent"
    )


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *COMMANDS,
                *(o for a in build_parser()._actions for o in a.option_strings),
                "all",
                "--",
                "---",
                "5",
                "5,",
                ",",
            ]
        ),
        st.text(max_size=8),
    ),
    max_size=8,
).map(" ".join)


@given(LINES, st.none() | st.text(max_size=20))
@example("-d=--", None)
def test_whatever_stands_there_is_understood_or_refused(line, cell):
    found = answer(parse, line, cell)

    assert isinstance(found, Line) or (found.isprintable() and found.endswith("Nothing was sent"))


# -- names from the notebook


class City:
    name = "Lisbon"

    def __repr__(self):
        return "City()"

    def __format__(self, spec):
        if spec == "boom":
            raise RuntimeError("two\nlines")
        return "a city"

    @property
    def broken(self):
        raise RuntimeError("no mayor")


NAMES = {
    "street": "Rua Augusta",
    "city": City(),
    "d": {"key": "value", "7": "seven"},
    "x": 3.14159,
    "w": 6,
    "rows": ["a", "b"],
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("down {street}", "down Rua Augusta"),
        ("in {city.name}", "in Lisbon"),
        ("a {d[key]}", "a value"),
        ("the {rows[1]}", "the b"),
        ("{x:.2f} m", "3.14 m"),
        ("{x:{w}.1f}|", "   3.1|"),
        ("{city!r}", "City()"),
        ("{street!r:>14}", " 'Rua Augusta'"),
        ("{city}", "a city"),
        ("{{street}} and {{ }}", "{street} and { }"),
        ("{street}{street}", "Rua AugustaRua Augusta"),
        ("{{{street}}}", "{Rua Augusta}"),
        ("100 %s $5 $y \\n", "100 %s $5 $y \\n"),
    ],
)
def test_names_in_braces_come_from_the_notebook(text, filled):
    assert interpolate(text, NAMES) == filled


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{stret}", "the notebook has no 'stret'; did you mean street? Or write {{ and }}"),
        ("{nothing_like_it}", "define it in a cell before, or write {{ and }}"),
        ("{_d}", "has no '_d'"),
        ("{}", "{} in the prompt is no name of the notebook"),
        ("{0}", "{0} in the prompt is no name of the notebook"),
        ("{a b}", "is no name of the notebook"),
        ("{x + 1}", "is no name of the notebook"),
        ("{street", "the braces in the prompt cannot be filled in"),
        ("street}", "the braces in the prompt cannot be filled in"),
        ("a { b", "the braces in the prompt cannot be filled in"),
        ("{x!z}", "the braces in the prompt cannot be filled in"),
        ("{x:q}", "the braces in the prompt cannot be filled in"),
        ("{city:boom}", "(two lines)"),
        ("{city.broken}", "no mayor"),
        ("{city.mayor}", "has no attribute 'mayor'"),
        ("{d[nokey]}", "{d[nokey]} in the prompt: there is no 'nokey'"),
        ("{rows[9]}", "list index out of range"),
        ("{x.}", "in the prompt"),
        ("{street.\n\x1b[0m}", "in the prompt"),
        ("{street[\n]}", "in the prompt"),
        ("{unknown[\n]}", "the notebook has no 'unknown'"),
    ],
)
def test_braces_that_cannot_be_filled_are_refused_in_one_line_with_the_cure(text, words):
    with pytest.raises(BadLine) as caught:
        interpolate(text, NAMES)

    line = str(caught.value)
    assert words in line
    assert line.endswith("write {{ and }} for literal braces, or use --raw. Nothing was sent")
    assert line.isprintable()


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["{", "}", "{{", "}}", "!", ":", ".", "[", "]", "street", "city", "broken", "boom", "x", "d", "0", "\n"]
        ),
        st.text(max_size=4),
    )
).map("".join)


@given(PIECES)
def test_interpolation_fills_in_or_refuses_and_nothing_else(text):
    assert isinstance(answer(interpolate, text, NAMES), str)


@given(st.text())
def test_text_without_braces_stays_as_it_is(text):
    bare = text.replace("{", "(").replace("}", ")")

    assert interpolate(bare, NAMES) == bare


@given(st.text())
def test_doubled_braces_are_the_text_itself(text):
    assert interpolate(text.replace("{", "{{").replace("}", "}}"), NAMES) == text


# -- back to text


def run_in_notebook(cell):
    """The (request, take) that running this cell asks for, through IPython's own reading of cells."""
    asked = []

    class Shell:
        def run_cell_magic(self, name, line, body):
            assert name == "seedance"
            found = parse(line, body, Defaults("another-model", "9:16", 15, "1080p"))
            assert not found.is_grid
            prompt = found.prompts[0] if found.raw else interpolate(found.prompts[0], {})
            request = make_request(**request_options(found) | {"prompt": prompt})
            asked.append((request, found.takes))

    def submit(prompt, take=1, **options):
        asked.append((make_request(prompt, **options), take))

    names = vars(seedance_nb)
    before = names.get("submit")
    names["submit"] = submit
    try:
        code = TransformerManager().transform_cell(cell)
        exec(code, {"get_ipython": Shell})
    finally:
        if before is None:
            del names["submit"]
        else:
            names["submit"] = before
    [found] = asked
    return found


SIGNS = ["{", "}", "{{x}}", "{x}", "'", '"', "-", "--", "---", "%", "%%", "%d", "\\", "#", "?", "!", "$x", "=", ","]
WORDS = ["boat", "é", "🛶", "-d 5", ">>> ", "... ", "In [1]: ", "\n---\n", "\n\\---\n"]
BLANKS = ["\n", " ", "\t", "\xa0", "\r\n", "\x0b", "\x1c", "\x85", "\u2028", "\x00", "\ud800"]
ODD_PIECES = st.sampled_from(SIGNS + WORDS + BLANKS)
TEXTS = st.lists(ODD_PIECES | st.text(max_size=3), min_size=1, max_size=8).map("".join)
PROMPTS = TEXTS.filter(str.strip)
URLS = TEXTS.map(lambda text: "https://h/" + "".join(text.split()))
REQUESTS = st.builds(
    make_request,
    PROMPTS,
    model=st.sampled_from(["seedance-2.0", "seedance-2.0-fast"]) | TEXTS.filter(str.strip),
    aspect_ratio=st.sampled_from(["16:9", "1:1", None]),
    duration=st.sampled_from([4, 15, None]),
    resolution=st.sampled_from(["480p", None]),
    media_urls=st.none() | st.lists(URLS, min_size=1, max_size=3),
    webhook_url=st.none() | URLS,
    metadata=st.none()
    | st.dictionaries(
        TEXTS.filter(lambda t: "\ud800" not in t),
        st.integers(-(2**53), 2**53) | TEXTS.filter(lambda t: "\ud800" not in t),
        max_size=3,
    ),
)


@given(REQUESTS, st.sampled_from([1, 1, 1, 2]))
def test_the_cell_of_a_request_asks_for_exactly_that_request_and_take(request, take):
    assert run_in_notebook(as_magic(request, take)) == (request, take)


@given(PROMPTS)
@example("one\n \ntwo")
@example("one\n---\n\\---\ntwo")
@example(">>> one")
def test_the_cell_of_a_prompt_asks_for_exactly_that_prompt(prompt):
    request = make_request(prompt)

    assert run_in_notebook(as_magic(request)) == (request, 1)


def test_the_cell_of_a_request_is_one_that_a_person_would_write():
    request = make_request(
        "a boat drifts down {street}\n---\nit's 100 % wet",
        media_urls=["https://h/a.png", "https://h/b.png"],
        metadata={"scene": "the quay"},
        webhook_url="https://h/ring",
    )

    assert as_magic(request) == (
        "%%seedance -m seedance-2.0 -a 16:9 -d 5 -r 720p -i https://h/a.png -i https://h/b.png"
        ' --metadata "scene=the quay" --webhook-url https://h/ring --raw\n'
        "a boat drifts down {street}\n\\---\nit's 100 % wet"
    )


@pytest.mark.parametrize(
    ("request_", "take"),
    [
        (VideoRequest(prompt="a boat"), 2),
        (VideoRequest(prompt="a boat", metadata={"scene": 4}), 1),
        (VideoRequest(prompt="a boat", metadata={"scene": {"n": [1, None, True]}}), 1),
        (VideoRequest(prompt="a boat", model="one,two"), 1),
        (VideoRequest(prompt=">>> a boat"), 1),
    ],
)
def test_what_the_magic_has_no_words_for_becomes_a_call(request_, take):
    cell = as_magic(request_, take)

    assert cell.startswith("import seedance_nb\n\nseedance_nb.submit(\n")
    assert run_in_notebook(cell) == (request_, take)


# -- completion and help


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%seedance j", ["jobs"]),
        ("%seedance ", list(COMMANDS)),
        ("%%seedance j", []),
        ("%seedance a boat j", []),
        ("%seedance attach ", ["all", "j1", "req_2"]),
        ("%seedance cancel r", ["req_2"]),
        ("%seedance attach j1 r", ["req_2"]),
        ("%seedance --du", ["--duration"]),
        ("%%seedance --w", ["--webhook-url", "--webhook", "--wait"]),
        ("%seedance a boat -m ", ["seedance-2.0", "seedance-2.0-fast", "seedance-1.5-pro"]),
        ("%seedance --model seedance-2.0-", ["seedance-2.0-fast"]),
        ("%%seedance -a ", ["16:9", "9:16", "1:1"]),
        ("%seedance --aspect-ratio 9", ["9:16"]),
        ("%seedance -d 1", ["10", "11", "12", "13", "14", "15"]),
        ("%seedance -d\t1", ["10", "11", "12", "13", "14", "15"]),
        ("%seedance -r 4", ["480p"]),
        ("%seedance -m seedance-2.0 ", []),
        ("%seedance", []),
    ],
)
def test_completion_offers_what_may_stand_there(line, words):
    assert complete(line, ["j1", "req_2"]) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%seedance -m seedance-1.5-pro -d ", ["5", "10"]),
        ("%seedance --model seedance-1.5-pro,seedance-9 -a ", ["16:9", "9:16", "1:1", "21:9"]),
        ("%seedance -m seedance-9 -r ", ["480p", "720p", "1080p"]),
        ("%seedance -a 2", ["21:9"]),
        ("%seedance -m seedance-9", ["seedance-9"]),
    ],
)
def test_completion_offers_what_the_named_model_takes_and_what_the_service_lists(line, words):
    catalog = Catalog().merged([{"id": "seedance-9", "aspectRatios": ["21:9"], "durations": {"min": 3, "max": 5}}])

    assert complete(line, [], catalog) == words


def test_the_help_names_every_option_and_command():
    text = help_text()

    missing = [o for a in build_parser()._actions for o in a.option_strings if not re.search(rf"(?<!\S){o}\b", text)]
    missing += [name for name in COMMANDS if not re.search(rf"^  {name} +\S", text, re.MULTILINE)]
    assert missing == []


# -- fields of the service that we do not know


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("seed=07", "07"),
        ('name="007"', "007"),
        ("name='007'", "007"),
        ('"name=soft light"', "soft light"),
        ('name="soft  light"', "soft  light"),
        ('camera={"pan":1}', {"pan": 1}),
        ("""'camera={"pan": {"x": 1}}'""", {"pan": {"x": 1}}),
        ("loop=true", True),
        ("seed=null", None),
        ("seed={n}", 7),
        ("seed={text}", "007"),
        ("camera={d}", {"pan": 1}),
        ("name=shot-{n}", "shot-7"),
        ("tags=[1,2]", [1, 2]),
        ('sizes="1,2"', "1,2"),
    ],
)
def test_set_takes_json_else_text(typed, value):
    found = parse(f"a boat --set {typed}", names={"n": 7, "text": "007", "d": {"pan": 1}})

    [read] = found.fields["extra"].values()
    assert (read, type(read), found.prompts) == (value, type(value), ("a boat",))


def test_set_says_what_only_looks_like_a_number():
    assert parse("a boat --set seed=07").notes == ('--set seed is sent as the text "07"; JSON\'s own would be 7',)
    assert parse('a boat --set seed="07" --set n=7').notes == ()


@pytest.mark.parametrize("raw", ["", " --raw"])
@pytest.mark.parametrize(
    "typed",
    ["seed", "=7", "seed=", "seed=1,2", "seed=1 --set seed=2", 'camera={"pan": {"x": 1}}', 'name="soft', "tags=[1, 2]"],
)
def test_set_refuses_what_cannot_be_meant_in_one_line(typed, raw):
    with pytest.raises(BadLine, match=r"Nothing was sent$") as refused:
        parse(f"a boat --set {typed}{raw}", names={})
    assert "\n" not in str(refused.value)


def test_a_name_may_hold_whom_to_tell():
    names = {"tell": print, "words": ["notify-send", "Seedance"], "number": 3}

    assert parse("a boat --notify={tell}", names=names).notify is print
    assert parse("a boat --notify={words}", names=names).notify == ("notify-send", "Seedance")
    assert parse("a boat", names=names).notify is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a boat --notify notify-send", "its command goes behind an =, --notify=notify-send"),
        ("a boat --notify --notify", "stands twice"),
        ("a boat --notify='a \" b'", "--notify: No closing quotation"),
    ],
)
def test_a_command_that_would_become_prompt_is_refused(line, words):
    assert words in refusal(line)


def test_a_pattern_has_the_names_of_clips_and_all_others_are_filled_in():
    names = {"folder": "out{1}", "model": "x"}
    found = parse('a boat --save-to "{folder}/{model}/{red|blue}-{take:02}.mp4"', names=names)

    assert (found.save_to, found.save_as) == (None, "out{{1}}/{model}/{red|blue}-{take:02}.mp4")
    assert any("{model} in --save-to is what the clip was made by" in note for note in found.notes)
    assert parse("a boat --save-to {folder}", names=names).save_to == "out{1}"
    assert parse("a boat --raw --save-to {take}", names=names).save_to == "{take}"
