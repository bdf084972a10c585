"""What is typed is what is paid for: lines and cells in a real kernel, against a simulator that counts what it accepted."""

import IPython
import pytest
from notebook.kernel import Kernel
from notebook.test_kernel import KEY

from seedance_nb.simulator import Pace, Simulator

PATIENCE = 60.0


LONG = 10_000.0  # seconds that no test waits for


@pytest.fixture(scope="module")
def studio():
    """What it accepts is never finished: no film is made for a prompt that is only read."""
    with Simulator(pace=Pace(0, LONG, 0)) as running:
        yield running


@pytest.fixture(scope="module")
def kernel(tmp_path_factory, studio):
    """One kernel for all tests of this file."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "pyproject.toml").write_text("[tool.seedance_nb]\npoll_floor = 60.0\npoll_ceiling = 60.0\n")
    with Kernel(folder, {"SEEDANCE_BASE_URL": studio.base_url, "SEEDANCE_API_KEY": KEY}) as opened:
        opened.run("%load_ext seedance_nb")
        for name, value in (
            ("model", "seedance-2.0-fast"),
            ("aspect_ratio", "1:1"),
            ("resolution", "480p"),
            ("duration", 4),
        ):
            opened.run(f"%config SeedanceMagics.{name} = {value!r}")
        yield opened


@pytest.fixture
def counted(studio):
    """How many creates there may be: what comes unasked, and be it late, fails the next test."""
    expected, studio.expected = getattr(studio, "expected", 0), studio.calls["create"]
    assert studio.expected == expected
    yield studio
    assert studio.calls["create"] == studio.expected


@pytest.fixture
def sent(kernel, counted):
    """Runs a cell that must succeed; gives what the service accepted because of it, of which there must be so many."""

    def run(cell, creates=1):
        done = kernel.run(cell, PATIENCE)
        assert done.succeeded, done.error or done.text
        before, counted.expected = counted.expected, counted.expected + creates
        kernel.wait(lambda: len(counted.scenario.accepted) >= counted.expected, PATIENCE)
        run.said = done.text
        return [entry.body for entry in counted.scenario.accepted[before:]]

    return run


@pytest.fixture
def unsent(kernel, counted):
    """Runs a cell that sends nothing; gives what it says."""
    return lambda cell: kernel.run(cell, PATIENCE)


@pytest.fixture
def refused(unsent):
    """Runs a cell that must fail in one line without sending anything; gives the line."""

    def run(cell):
        done = unsent(cell)
        assert not done.succeeded, done.text
        told = [
            row
            for row in (done.text + done.error).strip().splitlines()
            if not row.startswith(("CPU times:", "Wall time:"))
        ]
        assert len(told) == 1, told
        return told[0]

    return run


# -- 1: what IPython does to a line first

LINES = {
    "%seedance why?": "why?",
    "%seedance why??": "why??",
    "%seedance is it so? -d 5": "is it so?",
    "  %seedance indented?": "indented?",
    "%seedance\ttab?": "tab?",
    "%seedance\u00a0no-break?": "no-break?",
    "%seedance who sees *?": "who sees *?",
    '%seedance it\'s "so" (': 'it\'s "so" (',
    "%seedance a smiley :(\n%seedance? # nothing": None,
    "%seedance 007 and 0b12?": "007 and 0b12?",
    '%seedance """quoted?': None,
    "%seedance a = b?": "a = b?",
    "%seedance a = !echo": "a = !echo",
    "%seedance a = %b": "a = %b",
    "%seedance 猫はどこ？": "猫はどこ？",
    "%seedance hello !": "hello !",
    "%seedance a \\\n  long boat": "a long boat",
    "%seedance a \\\r\n  Windows boat": "a Windows boat",
    "%seedance cut\u2028in two?": "cut in two?",
    "seedance automagic why?": "automagic why?",
    "seedance automagic a = !b": "automagic a = !b",
    "nothing = %seedance assigned, or not?": "assigned, or not?",
    "%time %seedance timed?": "timed?",
    "%%time\n%seedance within a cell that is timed?": "within a cell that is timed?",
    "%%time\n%%seedance\nbelow a cell that is timed?": "below a cell that is timed?",
    "%%capture caught\n%seedance caught?": "caught?",
    "for _ in range(1):\n    %seedance in a loop?": "in a loop?",
    "if True:\n    %seedance in a branch?\nelse:\n    pass": "in a branch?",
    "!echo '(' > /dev/null\n%seedance behind a bracket?": "behind a bracket?",
    "!true :(\n%seedance behind an open bracket?": "behind an open bracket?",
    "%seedance open ( bracket?\nafter = 1": "open ( bracket?",
    "%seedance half :(\nprint?": "half :(",
    "\n\n%%seedance\n\nbelow empty lines?": "below empty lines?",
    "%%seedance -d 5\nquestions below?\nand again?": "questions below?\nand again?",
    "%%seedance -d 5\na robot says\n>>> hello\n... and waits": "a robot says\n>>> hello\n... and waits",
    "%%seedance -d 5\n...: dots at the start": "...: dots at the start",
    "%%seedance\t-d 5\na tab on the first line": "a tab on the first line",
    "%%seedance \\\n-d 5\na backslash on the first line": "a backslash on the first line",
    "  %%seedance -d 5\n  an indented cell": "an indented cell",
    "In [1]: %%seedance -d 5\n   ...: pasted from a terminal?": "pasted from a terminal?",
    ">>> %seedance pasted from a doctest?": "pasted from a doctest?",
    "%seedance not for display;": "not for display",
    "%seedance who is not for display?; -d 5;": "who is not for display?;",
    '%seedance "kept;"': "kept;",
}


@pytest.mark.parametrize(("cell", "prompt"), [pair for pair in LINES.items() if pair[1]])
def test_a_line_of_ours_arrives_as_it_was_typed(sent, cell, prompt):
    assert [body["prompt"] for body in sent(cell)] == [prompt]


@pytest.mark.parametrize(
    "cell",
    [
        "%seedance?",
        "%seedance??",
        "?%seedance",
        "??%seedance",
        "%%seedance?",
        "%seedance ?",
        "%seedance help?",
        "%seedance jobs?",
    ],
)
def test_a_question_about_the_magic_stays_help(kernel, unsent, cell):
    done = unsent(cell)

    payload = kernel.replies[done.msg_id]["content"]["payload"]
    shown = done.text + "".join(page["data"]["text/plain"] for page in payload)
    assert ("no_var_expand" if cell.count("?") == 2 else "--max-credits") in shown


def test_text_that_only_looks_like_our_line_is_not_touched(kernel, unsent):
    cell = 'text = """\n%seedance why?\n  %seedance in a string?\nx = %seedance assigned?\n"""\n100\\\n%len("abc")'

    done = unsent(cell)

    assert kernel.value("text") == repr("\n%seedance why?\n  %seedance in a string?\nx = %seedance assigned?\n")
    assert done.text == "1"


def test_other_magics_and_help_work_as_before(kernel, unsent):
    assert "list of str" not in unsent("%who_ls str").error
    assert unsent("len?").succeeded
    assert unsent("%%bash\necho '%seedance why?'").text == "%seedance why?\n"


@pytest.mark.parametrize("cell", ["%seedance a cat \\", "%seedance a cat \\ \n1"])
def test_a_backslash_that_joins_nothing_is_refused(refused, cell):
    assert "backslash" in refused(cell)


def test_a_variable_of_the_same_name_keeps_automagic_away(kernel, unsent):
    done = unsent("seedance = 5\nseedance\n")
    assert done.text == "5"
    unsent("seedance -1")
    kernel.run("del seedance")


def test_unloading_gives_ipythons_own_reading_back(kernel, unsent):
    steps = "[len(get_ipython().input_transformers_cleanup), len(get_ipython().input_transformer_manager.token_transformers)]"
    loaded = kernel.value(steps)
    kernel.run("%load_ext seedance_nb\n%reload_ext seedance_nb")
    again = kernel.value(steps)
    kernel.run("%unload_ext seedance_nb")
    try:
        unloaded = kernel.value(steps)
        done = unsent("%seedance why?")
        assert "why" in done.text + done.error
    finally:
        kernel.run("%load_ext seedance_nb")
    assert (loaded, again, unloaded) == ("[6, 5]", "[6, 5]", "[4, 4]")


# -- 2: the names of the function that runs the line

MAKE = "mood = 'sunny'; moods = ['wild', 'calm']; street = 'Rua'\n"
SCOPES = {
    "def make(mood):\n    %seedance a boat in {mood} light\nmake('stormy')": ["a boat in stormy light"],
    "def make(mood):\n    %seedance on {street} in {mood} air\nmake('foggy')": ["on Rua in foggy air"],
    "for mood in moods:\n    %seedance a loop in {mood} light": ["a loop in wild light", "a loop in calm light"],
    "def make():\n    for mood in moods:\n        %seedance an inner loop in {mood} light\nmake()": [
        "an inner loop in wild light",
        "an inner loop in calm light",
    ],
    "_ = [get_ipython().run_line_magic('seedance', 'a list in {m} light') for m in moods]": [
        "a list in wild light",
        "a list in calm light",
    ],
    "def make(mood):\n    return [get_ipython().run_line_magic('seedance', '{n} in a {mood} list') for n in 'ab']\n_ = make('dark')": [
        "a in a dark list",
        "b in a dark list",
    ],
    "_ = list(get_ipython().run_line_magic('seedance', 'drawn in {m} light') for m in moods)": [
        "drawn in wild light",
        "drawn in calm light",
    ],
    "def make(mood):\n    def inner():\n        mood\n        %seedance closed over {mood}\n    inner()\nmake('night')": [
        "closed over night"
    ],
    "def make(mood):\n    def inner():\n        %seedance inside, on {street}\n    inner()\nmake('night')": [
        "inside, on Rua"
    ],
    "exec(\"get_ipython().run_line_magic('seedance', 'executed in {mood} light')\", {'mood': 'red', 'get_ipython': get_ipython})": [
        "executed in red light"
    ],
    "def make(mood):\n    exec(\"get_ipython().run_line_magic('seedance', 'executed inside in {mood} light')\")\nmake('blue')": [
        "executed inside in blue light"
    ],
    "class Film:\n    mood = 'green'\n    %seedance in a class of {mood} light": ["in a class of green light"],
    "def make(mood):\n    class Film:\n        %seedance in a class inside {mood} light\nmake('grey')": [
        "in a class inside grey light"
    ],
    "class Film:\n    def make(self, mood):\n        %seedance a method in {mood} light\nFilm().make('pink')": [
        "a method in pink light"
    ],
    "async def make(mood):\n    %seedance awaited in {mood} light\nawait make('brown')": ["awaited in brown light"],
    "def make(mood):\n    %seedance yielded in {mood} light\n    yield\n_ = list(make('gold'))": [
        "yielded in gold light"
    ],
    "import threading\ndef make(mood):\n    %seedance threaded in {mood} light -q\nt = threading.Thread(target=make, args=['odd']); t.start(); t.join()": [
        "threaded in odd light"
    ],
    "def make(mood):\n    %time %seedance timed in {mood} light\nmake('late')": ["timed in late light"],
    "def make(mood):\n    get_ipython().run_cell_magic('seedance', '-d 4', 'a cell in {mood} light')\nmake('violet')": [
        "a cell in violet light"
    ],
    "%seedance only {mood} light": ["only sunny light"],
}


@pytest.mark.parametrize(("cell", "prompts"), SCOPES.items(), ids=[prompts[0] for prompts in SCOPES.values()])
def test_names_of_the_running_function_come_first(kernel, sent, cell, prompts):
    kernel.run(MAKE)

    assert sorted(body["prompt"] for body in sent(cell, len(prompts))) == sorted(prompts)


UNCLEAR = {
    "an outer function's": "def make(mood):\n    def inner():\n        %seedance a boat in {mood} light\n    inner()\nmake('stormy')",
    "one that has returned": "def make(mood):\n    def inner():\n        %seedance a boat in {mood} light\n    return inner\nmake('stormy')()",
    "a lambda's": "def make(mood):\n    (lambda: get_ipython().run_line_magic('seedance', 'a boat in {mood} light'))()\nmake('stormy')",
    "a generator's": "def make(mood):\n    return list(get_ipython().run_line_magic('seedance', '{n} {mood}') for n in 'ab')\nmake('stormy')",
    "not yet there": "def make():\n    %seedance a boat in {mood} light\n    mood = 'stormy'\nmake()",
    "deleted": "def make(mood):\n    del mood\n    %seedance a boat in {mood} light\nmake('stormy')",
    "timed inside": "def make(mood):\n    def inner():\n        %time %seedance a boat in {mood} light\n    inner()\nmake('stormy')",
    "of unknown source": "exec(\"\"\"def make(mood):\n    def inner():\n        get_ipython().run_line_magic('seedance', 'a boat in {mood} light')\n    inner()\n\"\"\", globals())\nmake('stormy')",
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_a_name_that_means_something_else_here_is_never_the_notebooks(kernel, refused, unsent, case):
    kernel.run(MAKE)
    cell = UNCLEAR[case]
    if case == "timed inside" and IPython.version_info < (8,):  # its %time shows an error and goes on
        assert "{mood} in the prompt: it" in unsent(cell).text
        return

    assert "{mood} in the prompt: it" in refused(cell).replace("inner() stands", "it stands")


# -- 3: one rule for the whole line

VALUES = """
import numpy, pandas
model, ratio, seconds, lines, n, two = 'seedance-2.0', '9:16', 5, '720p', 30, 2
url, hook, tag = 'https://h/a cat.png'.replace(' ', '-'), 'https://h/ring', 'quay --fresh "x" {model}'
class Shot: pass
shot = Shot(); shot.model, shot.seconds = 'seedance-2.0', numpy.int64(6)
table = {'ratio': '9:16', 'my key': 'seedance-2.0'}
odd = 'a "boat" -d 9 --fresh, {ratio} {{x}} -- %s $n'
models, lengths = ['seedance-2.0', 'seedance-2.0-fast'], (4, 5)
moods = ['calm', '{ratio} wild']
none, nan, empty = None, float('nan'), []
frame = pandas.DataFrame({'a': [1]})
"""
FILLED = {
    "-m {model}": {"model": "seedance-2.0"},
    "--model={shot.model}": {"model": "seedance-2.0"},
    "-m {table[my key]}": {"model": "seedance-2.0"},
    '-m "{model}"': {"model": "seedance-2.0"},
    "-m seedance-{two:.1f}": {"model": "seedance-2.0"},
    "-a {ratio}": {"aspectRatio": "9:16"},
    "-a {table[ratio]}": {"aspectRatio": "9:16"},
    "-d {seconds}": {"duration": 5},
    "-d{seconds}": {"duration": 5},
    "-d {shot.seconds}": {"duration": 6},
    "-r {lines}": {"resolution": "720p"},
    "-i {url}": {"mediaUrls": ["https://h/a-cat.png"]},
    "--webhook-url {hook}": {"webhookUrl": "https://h/ring"},
    "--metadata tag={tag}": {"metadata": {"tag": 'quay --fresh "x" {model}'}},
    "--metadata {lines}={seconds}": {"metadata": {"720p": "5"}},
    "--max-credits {n}": {},
    "--timeout {n} --no-wait": {},
    "-i {url} -i https://h/b.png": {"mediaUrls": ["https://h/a-cat.png", "https://h/b.png"]},
}


@pytest.fixture
def valued(kernel):
    done = kernel.run(VALUES)
    assert done.succeeded, done.error


@pytest.mark.parametrize(("options", "body"), FILLED.items())
@pytest.mark.parametrize("form", ["%seedance a line, NAME {}", "%%seedance {}\na cell, NAME"])
def test_every_option_is_filled_as_the_prompt_is(valued, sent, form, options, body):
    name = f"{list(FILLED).index(options)}"

    [accepted] = sent(form.format(options).replace("NAME", name))

    assert {name: accepted.get(name) for name in body} == body


def test_a_value_stays_one_value_and_is_never_read_again(valued, sent):
    odd = 'a "boat" -d 9 --fresh, {ratio} {{x}} -- %s $n'

    assert [body["prompt"] for body in sent("%seedance line: {odd}")] == [f"line: {odd}"]
    assert [body["prompt"] for body in sent("%%seedance\ncell: {odd}")] == [f"cell: {odd}"]
    assert [body["prompt"] for body in sent("%seedance {odd} -d 6")] == [odd]
    grid = sent("%seedance grid: {odd} -n 2", 2)
    assert {body["prompt"] for body in grid} == {f"grid: {odd}"}
    assert {body["duration"] for body in grid} == {4}


def test_a_list_is_an_axis(valued, sent):
    made = sent("%seedance a listed boat -m {models} -d {lengths}", 4)

    assert sorted((body["model"], body["duration"]) for body in made) == [
        ("seedance-2.0", 4),
        ("seedance-2.0", 5),
        ("seedance-2.0-fast", 4),
        ("seedance-2.0-fast", 5),
    ]


@pytest.mark.parametrize("values", ["numpy.arange(4, 6)", "pandas.Series([4, 5])", "range(4, 6)", "[4.0, '5']"])
def test_whatever_lists_durations_is_an_axis(valued, kernel, sent, values):
    kernel.run(f"them = {values}")

    made = sent(f"%seedance {values.translate(str.maketrans('', '', '[](){}'))} boats -d {{them}}", 2)

    assert sorted(body["duration"] for body in made) == [4, 5]


def test_a_list_that_is_the_whole_prompt_is_several_prompts(valued, sent):
    assert sorted(body["prompt"] for body in sent("%seedance {moods}", 2)) == ["calm", "{ratio} wild"]


def test_a_list_of_addresses_is_one_video(valued, kernel, sent):
    kernel.run("urls = ['https://h/1.png', 'https://h/2.png']")

    [body] = sent("%seedance a boat of two pictures -i {urls}")

    assert body["mediaUrls"] == ["https://h/1.png", "https://h/2.png"]


NOT_FILLED = {
    "%seedance a {moods} boat": "is a list of 2",
    "%seedance a {none} boat": "{none} in the prompt is empty (None)",
    "%seedance {none}": "is empty",
    "%seedance a {none!s} boat": "is empty",
    "%seedance a {nan:.1f} boat": "is empty (nan)",
    "%seedance a boat -d {none}": "{none} in -d/--duration is empty",
    "%seedance a boat -m {none}": "{none} in -m/--model is empty",
    "%seedance a boat -d {empty}": "is an empty list",
    "%seedance a {frame} boat": "is a DataFrame",
    "%seedance a {numpy} boat": "is a module",
    "%seedance a {shot} boat": "is a Shot, which has no text of its own",
    "%seedance a {print} boat": "{print}",
    "%seedance a {Shot} boat": "has no text of its own",
    "%seedance a {table} boat": "is a dict",
    "%seedance a boat -m {table}": "is a dict",
    "%seedance a boat -d {ratio}": "wants whole seconds",
    "%seedance a boat -d {n:.1f}": "wants whole seconds",
    "%seedance a boat -m {modle}": "{modle} in -m/--model: the notebook has no 'modle'; did you mean model",
    "%seedance a boat --max-credits {lengths}": "{lengths} in --max-credits is a list",
    "%seedance a boat --max-credits {ratio}": "--max-credits wants a number",
    "%seedance a boat --max-credits {nan}": "is empty",
    "%seedance a boat -o {ratio}": "-o/--out wants the name of a variable",
    "%seedance a $ratio boat": "write {ratio}",
    "%seedance a ${ratio} boat": "write {ratio}",
    "%seedance a boat -m $model": "write {model}",
    "%%seedance\na $ratio boat": "write {ratio}",
    "%%seedance --metadata tag=$tag\na boat": "write {tag}",
    "%seedance a boat -m {models} --raw": "{models}",
    "%seedance a boat -a {ratio} --raw": "{ratio}",
    "%seedance a boat -d {seconds} --raw": "wants whole seconds",
}


@pytest.mark.parametrize(("cell", "words"), NOT_FILLED.items())
def test_what_has_no_text_of_its_own_is_refused_with_the_cure(valued, refused, cell, words):
    assert words in refused(cell)


def test_raw_and_money_are_text(valued, sent):
    assert [body["prompt"] for body in sent("%seedance a {mood} for $ratio --raw")] == ["a {mood} for $ratio"]
    assert [body["prompt"] for body in sent("%seedance for $5, ${seconds} and $cash")] == ["for $5, $5 and $cash"]


# -- 4: habits of keyboards

MEANT = {
    "%seedance a comma -m seedance-2.0，seedance-2.0-fast": {"model": {"seedance-2.0", "seedance-2.0-fast"}},
    "%seedance a list comma -d 4、5": {"duration": {4, 5}},
    "%seedance wide digits -d ５": {"duration": {5}},
    "%seedance a wide ratio -a ９：１６": {"aspectRatio": {"9:16"}},
    "%seedance a times ratio -a 9×16": {"aspectRatio": {"9:16"}},
    "%seedance an x ratio -a 9x16": {"aspectRatio": {"9:16"}},
    "%seedance wide lines -r ７２０Ｐ": {"resolution": {"720p"}},
    "%seedance a dash in a model -m seedance–2.0": {"model": {"seedance-2.0"}},
    "%seedance an unseen sign -d \u200b5": {"duration": {5}},
    "%seedance glued -d5": {"duration": {5}},
    "%seedance equal -d=5": {"duration": {5}},
    "%seedance wide\u3000blanks\u00a0-d\u30005": {"duration": {5}, "prompt": {"wide blanks"}},
    "%seedance “smart quotes”": {"prompt": {"smart quotes"}},
    '%seedance "half smart quotes”': {"prompt": {"half smart quotes"}},
    "%seedance ‘single smart quotes -d 9’ -d 5": {"prompt": {"single smart quotes -d 9"}, "duration": {5}},
    "%seedance quoted values -m “seedance-2.0”": {"model": {"seedance-2.0"}},
    '%seedance quoted after = --model="seedance-2.0"': {"model": {"seedance-2.0"}},
    "%seedance a boat — drifting – slowly": {"prompt": {"a boat — drifting – slowly"}},
    "%seedance “big” and “small”… it’s 5″ −5°": {"prompt": {"“big” and “small”… it’s 5″ −5°"}},
    "%seedance the sea —a mirror— glitters": {"prompt": {"the sea —a mirror— glitters"}},
    "%seedance #1 fan of #cats": {"prompt": {"#1 fan of #cats"}},
    "%seedance -d 5 10 boats on a lake": {"prompt": {"10 boats on a lake"}, "duration": {5}},
    "%seedance a family 👩‍👩‍👧 می‌خواهم": {"prompt": {"a family 👩‍👩‍👧 می‌خواهم"}},
    "%%seedance\n“Typography” – it’s … —fresh—, ‘so’ –d 4 # all the same": {
        "prompt": {"“Typography” – it’s … —fresh—, ‘so’ –d 4 # all the same"}
    },
    "%%seedance\r\none of two\r\n---\r\nthe other": {"prompt": {"one of two", "the other"}},
    "%%seedance\none of three\n\u3000---\u00a0\nanother of three\n\u200b---\u200b\n\ufeff---\nthe third": {
        "prompt": {"one of three", "another of three", "the third"}
    },
    "%%seedance\nlines\r\n\\---\r\nof one": {"prompt": None},
}


@pytest.mark.parametrize(("cell", "bodies"), MEANT.items())
def test_what_can_only_be_meant_one_way_is_read_so(sent, cell, bodies):
    made = sent(cell, max(len(values or "x") for values in bodies.values()))

    for name, values in bodies.items():
        assert values is None or {body[name] for body in made} == values


SLIPS = {
    "%seedance a cat –d 4": "looks like -d",
    "%seedance a cat —wait": "looks like --wait",
    "%seedance a cat －d 4": "looks like -d",
    "%seedance a cat －－dry-run": "looks like --dry-run",
    "%seedance a cat −n 2": "looks like -n",
    "%seedance a cat ‑d4": "looks like -d",
    "%seedance a cat —duration 5": "looks like --duration",
    "%seedance a cat —duraton 5": "looks like --duration",
    "%seedance a cat —max–credits 5": "looks like --max-credits",
    "%seedance a cat –ar 9:16": "looks like -a",
    "%seedance a cat \u200b-d 4": "looks like -d",
    "%seedance a cat - d 4": "without the blank",
    "%seedance a cat – d 4": "without the blank",
    "%seedance a cat-d 4": "a blank before the hyphen",
    "%seedance a cat -d 4  # first try": "looks like a comment",
    "%seedance a cat # first try": "the beginning of a comment",
    "%seedance a cat -d 4 #first try": "looks like a comment",
    "%seedance a cat ＃ first try": "the beginning of a comment",
    "%seedance a cat -D 4": "did you mean --duration? (-d)",
    "%seedance a cat --Duration 4": "did you mean --duration?",
    "%seedance a cat -d 4.": "wants whole seconds",
    "%seedance a cat -d 4 , 5": "a list has no blanks",
    "%seedance a cat -d 4 ，5": "a list has no blanks",
    "%seedance a cat -d 4，": "ends with a comma",
    "%seedance a cat -d 4 5": "has one value",
    "%seedance a cat -m seedance-2.0 seedance-2.0-fast": "has one value",
    "%seedance a cat -d 4 s": "whole seconds alone",
    "%seedance a cat -m Seedance-2.0": "write seedance-2.0",
    "%seedance a cat -m seedance-2.0.": "write seedance-2.0",
    "%seedance a cat -m seedance_2.0": "write seedance-2.0",
    '%seedance "a cat -d 4': "a quote is open",
    "%seedance “a cat -d 4": "a quote is open",
    '%seedance a cat --metadata "a=b c': "a quote is open",
    "%seedance a cat.-d 4": "a blank before the hyphen",
    "%seedance a cat -d 4 -d 6": "--duration stands twice",
    "%seedance a cat -a 1:1 --aspect-ratio=9:16": "--aspect-ratio stands twice",
    "%seedance a cat -d4 -d6": "--duration stands twice",
    "%seedance -i https://h/a.png，https://h/b.png a cat": "with blanks alone",
    "%seedance -i https://h/a.png,https://h/b.png a cat": "with blanks alone",
    "url = 'https://h/a.png'\n%seedance -i {url} {url} a cat": "write -i before each",
    "%seedance costs": "did you mean the command cost?",
    "%seedance cancell all": "did you mean the command cancel?",
    "%seedance canel req_1": "did you mean %seedance cancel req_1?",
    "%seedance cansel req_1 req_2": "did you mean %seedance cancel req_1 req_2?",
    "%seedance Attch j1a2b3": "did you mean %seedance attach j1a2b3?",
    "%seedance cancle req_1 --wait": "did you mean %seedance cancel req_1?",
    "%seedance stop req_1": "did you mean %seedance cancel req_1?",
    "%seedance status req_1": "did you mean %seedance attach req_1?",
    "%seedance please req_1": "did you mean %seedance attach req_1 or %seedance cancel",
    "%seedance req_1234567890": "did you mean %seedance attach req_1234567890 or",
    "%seedance req_1 req_2 -d 5": "did you mean %seedance attach req_1 req_2 or",
    "%seedance 0d9c3a52-1f2e-4b6a-9c1d-aa0f4e6b7c8d": "did you mean %seedance attach",
    "%%seedance\nreq_1234567890": "the prompt is the id of a job",
}


@pytest.mark.parametrize(("cell", "words"), SLIPS.items())
def test_what_may_be_a_slip_is_refused_with_the_cure(refused, cell, words):
    assert words in refused(cell)


NOTED = {
    "%seedance a note for display;": "note: the ; at the end of the line is not sent",
    "%seedance a noted cat #first try": "note: '#first try' is sent as part of the prompt",
    "%%seedance\nnoted dashes\n———\nof one prompt": "note: the line ——— is part of the prompt",
    "%%seedance\nnoted dashes\n--\nof one prompt": "note: the line -- is part of the prompt",
}


@pytest.mark.parametrize(("cell", "note"), NOTED.items())
def test_what_is_sent_although_it_may_be_a_slip_is_noted_above_the_card(sent, cell, note):
    sent(cell)

    assert sent.said.startswith(note)


@pytest.mark.parametrize("cell", ["%seedance Jobs", "%seedance JOBS", "%seedance jobs;", "%seedance Cost"])
def test_a_command_is_one_in_capitals_too(kernel, unsent, cell):
    assert unsent(cell).succeeded


# -- 5: settings of other services

FOREIGN = {
    "a cat --ratio 9:16 --dur 10 --camerafixed true": [
        "--ratio 9:16 (-a/",
        "--dur 10 (-d/",
        "--camerafixed true (no such setting",
    ],
    "a cat --ar 16:9 --v 6 --no text": ["--ar 16:9 (-a/", "--v 6 (no such", "--no text (no such"],
    "a cat --rs 720p --fps 24 --seed 11 --wm false": [
        "--rs 720p (-r/",
        "--fps 24",
        "--seed 11 (the service has no seed",
        "--wm false",
    ],
    '{{"prompt": "a cat", "duration": 10, "aspect_ratio": "9:16", "negative_prompt": "dogs"}}': [
        '"duration": 10 (-d/',
        '"aspect_ratio": "9:16" (-a/',
        '"negative_prompt": "dogs" (no such',
    ],
    "a cat, duration: 10 seconds, resolution=1080p, fps: 24": [
        "duration: 10 seconds (-d/",
        "resolution=1080p (-r/",
        "fps: 24",
    ],
    "a cat [9:16]": ["[9:16] (-a/"],
    "a cat —ar 9:16 –d 5": ["—ar 9:16 (-a/", "–d 5 (-d/"],
    "a cat -d 5 --fresh": ["-d 5 (-d/", "--fresh (an option of %seedance"],
}


@pytest.mark.parametrize(("prompt", "words"), FOREIGN.items())
def test_foreign_settings_below_are_sent_as_written_with_a_note_that_names_our_option(kernel, sent, prompt, words):
    [body] = sent(f"%%seedance -o foreign\n{prompt}")

    assert body["prompt"] == prompt.replace("{{", "{").replace("}}", "}")
    assert (body["duration"], body["aspectRatio"]) == (4, "1:1")
    assert sent.said.startswith("note: in the prompt as words, and no settings: ")
    assert [word for word in words if word not in sent.said] == []
    assert words[0] in kernel.value("foreign.snapshot.warnings[0]").replace('\\"', '"').replace("\\'", "'")


def test_foreign_settings_are_noted_in_a_grid_its_plan_and_a_dry_run(unsent, sent):
    planned = unsent("%%seedance -n 2 --dry-run\na gridded cat --ar 9:16")
    tried = unsent("%%seedance --dry-run\na dry cat --ar 9:16")
    sent("%%seedance -n 2\na gridded cat --ar 9:16", 2)

    assert sent.said.startswith("note: in the prompt as words")
    assert planned.text.startswith("note: in the prompt as words")
    assert "--ar 9:16 (-a/" in str(planned.outputs)
    assert "note: in the prompt as words" in tried.text


def test_a_submit_in_python_notes_them_on_its_card(kernel, sent):
    [body] = sent(
        "import seedance_nb as sd; submitted = sd.submit('submitted --ar 9:16', model='seedance-2.0-fast', resolution='480p')"
    )

    assert body["aspectRatio"] == "16:9"
    assert "--ar 9:16 (-a/" in kernel.value("submitted.snapshot.warnings[0]")


NEAR_MISSES = {
    "--ratio 9:16": "did you mean --aspect-ratio? (-a)",
    "--ar 9:16": "did you mean --aspect-ratio? (-a)",
    "-ar 9:16": "did you mean --aspect-ratio? (-a)",
    "--aspect 9:16": "did you mean --aspect-ratio? (-a)",
    "--aspectRatio 9:16": "did you mean --aspect-ratio? (-a)",
    "--dur 5": "did you mean --duration? (-d)",
    "-dur 5": "did you mean --duration? (-d)",
    "--seconds 5": "did you mean --duration? (-d)",
    "--rs 720p": "did you mean --resolution? (-r)",
    "-rs 720p": "did you mean --resolution? (-r)",
    "--n 2": "did you mean --takes? (-n)",
    "--num 2": "did you mean --takes? (-n)",
    "--image https://h/a.png": "did you mean --media-url? (-i)",
    "--seed 5": "the service has no seed; -n N makes independent takes",
    "-seed 5": "the service has no seed; -n N makes independent takes",
    "--fps 24": "no such setting here",
    "--no text": "no such setting here",
    "--v 6": "no such setting here",
    "--camerafixed true": "no such setting here",
    "--wm false": "no such setting here",
}


@pytest.mark.parametrize(("options", "hint"), NEAR_MISSES.items())
def test_a_foreign_option_on_the_line_gets_the_right_hint(refused, options, hint):
    assert hint in refused(f"%seedance a cat {options}")


@pytest.mark.parametrize(
    "prompt",
    [
        "style: noir, camera: dolly in, a model: tall; no text, mode of life",
        "the sea —no people— at 9:16 in the morning, quality time, 24 fps look",
        "-no smoking sign, size: large, ratio of light to dark, a seed in the wind",
    ],
)
def test_prose_is_not_taken_for_settings(kernel, sent, prompt):
    sent(f"%%seedance\n{prompt}")

    assert "note" not in sent.said
