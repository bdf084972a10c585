"""%seedance in a real IPython shell without a kernel, against a simulator that counts what reaches it."""

import atexit
import re
import sys
from types import SimpleNamespace

import IPython
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from seedance_nb import errors
from seedance_nb.api.models import Status
from seedance_nb.notebook.magic.magic import SeedanceMagics
from seedance_nb.notebook.syntax import arguments as magic_args
from seedance_nb.simulator import Fault, Pace
from seedance_nb.tracking import session
from seedance_nb.tracking.following import following

KEY = "sd2_test_key"
SMALL = "-m seedance-2.0-fast -a 1:1 -d 4 -r 480p"
SMALL_CREDITS = 12
BOAT = f"%seedance a paper boat {SMALL} --wait"


class Shell:
    """An IPython shell with its history in memory; `run` gives what a user would see."""

    def __init__(self):
        config = Config()
        config.HistoryManager.hist_file = ":memory:"
        self.ip = InteractiveShell.instance(config=config)
        self.ip.colors = "nocolor"

    def run(self, cell):
        with capture_output() as seen:
            result = self.ip.run_cell(cell, store_history=True)
        displays = [output.data for output in seen.outputs]
        return SimpleNamespace(
            success=result.success,
            error=result.error_in_exec or result.error_before_exec,
            out=seen.stdout,
            err=seen.stderr,
            displays=displays,
            html="\n".join(data.get("text/html", "") for data in displays),
        )

    def value(self, expression):
        return eval(expression, self.ip.user_ns)

    def close(self):
        self.ip.run_line_magic("unload_ext", "seedance_nb")
        atexit.unregister(self.ip.atexit_operations)
        self.ip.atexit_operations()
        InteractiveShell.clear_instance()


@pytest.fixture
def open_shell(workplace, monkeypatch):
    """Opens the shell, with the extension loaded in the environment as it is then."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # the shell puts its own there
    opened = []

    def open_it():
        opened.append(Shell())
        opened[0].run("%load_ext seedance_nb")
        return opened[0]

    yield open_it
    for shell in opened:
        shell.close()


@pytest.fixture
def shell(open_shell, simulator, monkeypatch):
    """A shell with a key for the simulator."""
    monkeypatch.setenv("SEEDANCE_BASE_URL", simulator.base_url)
    monkeypatch.setenv("SEEDANCE_API_KEY", KEY)
    return open_shell()


@pytest.fixture
def bare_shell(open_shell, simulator, monkeypatch):
    """A shell without a key."""
    monkeypatch.setenv("SEEDANCE_BASE_URL", simulator.base_url)
    return open_shell()


@pytest.fixture
def impatient(workplace, monkeypatch):
    """Tries follow one another at once, and not for long. Asked for before the shell, which reads the project's file when it is opened."""
    with (workplace / "pyproject.toml").open("a") as file:
        file.write("tries_after_trouble = 2\npause_after_trouble = 0.01\n")
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(following, "DOWNLOAD_TRIES", 2)


def one_line(result):
    """The only line a failed cell shows; the receipt that a job leaves on a terminal stands before it."""
    assert not result.success
    lines = (result.out + result.err).rstrip("\n").split("\n")
    assert not any("Traceback" in line or 'File "' in line for line in lines), lines
    return lines[-1]


# -- a video


def test_a_line_makes_a_video(shell, simulator):
    result = shell.run(BOAT + " -o boat")

    boat = shell.value("boat")
    assert (result.success, result.err) == (True, "")
    assert boat.clip.bytes() == (simulator.folder / f"{boat.request_id}.mp4").read_bytes()
    assert (boat.clip.width, boat.clip.height) == (480, 480)
    assert simulator.calls["create"] == 1


def test_a_cell_makes_a_video_of_what_stands_below(shell):
    shell.run(f'%%seedance {SMALL} -o boat\nA paper boat,\n  it\'s "wet" & 100 % <mine>.')

    assert shell.value("boat").request.prompt == 'A paper boat,\n  it\'s "wet" & 100 % <mine>.'


def test_a_terminal_reads_what_was_asked_and_how_to_get_it_back(shell):
    result = shell.run(f"%seedance a paper boat {SMALL} -o boat")

    key = re.escape(shell.value("boat").key) + "|" + r"req_\d+"
    assert re.fullmatch(
        rf"a paper boat\nseedance-2\.0-fast · 1:1 · 4 s · 480p · take 1 · [^\n]+\n(get it back with %seedance attach ({key})|file \S+)\n",
        result.out,
    )
    assert result.displays == []


def test_without_wait_the_magic_does_not_wait(shell):
    shell.run(f"%seedance a [stuck] boat {SMALL} -o boat")

    assert not shell.value("boat").done()


def test_names_of_the_notebook_fill_prompt_addresses_and_metadata(shell):
    shell.run("street = 'Rua Augusta'; d = {'scene': 4}")

    shell.run(
        f"%seedance a boat down {{street}} {SMALL} -o boat --metadata scene={{d[scene]}}"
        " -i https://h/{street[0]}.png --webhook-url https://h/{d[scene]}"
    )

    request = shell.value("boat").request
    assert (request.prompt, request.metadata) == ("a boat down Rua Augusta", {"scene": "4"})
    assert (request.media_urls, request.webhook_url) == (("https://h/R.png",), "https://h/4")


def test_ipython_does_not_expand_the_line_itself(shell):
    shell.run("street = 'Rua Augusta'")

    shell.run(f"%seedance $lane $5 {{{{street}}}} {SMALL} -o boat")

    assert shell.value("boat").request.prompt == "$lane $5 {street}"


def test_raw_sends_braces_as_they_are(shell):
    shell.run(f"%seedance {{street}} --raw {SMALL} -o boat")

    assert shell.value("boat").request.prompt == "{street}"


def test_settings_of_the_notebook_fill_what_the_line_leaves_out(shell):
    shell.run("%config SeedanceMagics.model = 'seedance-2.0-fast'")
    shell.run("%config SeedanceMagics.duration = 4")
    shell.run("%config SeedanceMagics.aspect_ratio = ''")

    shell.run("%seedance a boat -r 480p -o boat")

    request = shell.value("boat").request
    assert (request.model, request.duration, request.aspect_ratio) == ("seedance-2.0-fast", 4, None)


# -- never twice


def test_the_same_line_again_sends_nothing_and_costs_nothing(shell, simulator):
    shell.run(BOAT + " -o first")
    sent = simulator.calls["create"]

    again = shell.run(BOAT + " -o second")

    first, second = shell.value("first"), shell.value("second")
    assert simulator.calls["create"] == sent == 1
    assert (second.reused, second.credits, second.clip.sha256) == (True, 0, first.clip.sha256)
    assert again.out.endswith(f"done: {first.clip.path} (0 credits, reused)\n")


def test_fresh_buys_another_take(shell, simulator):
    shell.run(BOAT)

    shell.run(BOAT + " --fresh -o second")

    assert (shell.value("second").take, simulator.calls["create"]) == (2, 2)


def test_a_failed_line_run_again_is_a_new_try(shell, simulator):
    for _ in range(2):
        shell.run(f"%seedance a [fail] boat {SMALL} --wait")

    assert simulator.calls["create"] == 2


@pytest.mark.parametrize(
    "line", [f"%seedance a boat {SMALL}", f"%seedance a boat {SMALL.replace('seedance-2.0-fast', 'my-model')}"]
)
def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(shell, simulator, line):
    result = shell.run(line + " --dry-run -o boat")

    assert (result.success, sum(simulator.calls.values())) == (True, 0)
    assert '"prompt": "a boat"' in result.out
    assert re.search(r"^would cost about [\d.]+ credits, by the documented sample", result.out, re.MULTILINE)
    assert result.out.endswith("dry run: nothing was sent\n")
    assert "boat" not in shell.ip.user_ns


def test_a_dry_run_of_what_the_ledger_has_says_that_it_is_free(shell):
    shell.run(BOAT + " -o boat")

    result = shell.run(BOAT + " --dry-run")

    assert f"would cost 0 credits: the ledger has it ({shell.value('boat').request_id}, succeeded)" in result.out


def test_a_dry_run_needs_no_key(bare_shell):
    assert bare_shell.run(f"%seedance a boat {SMALL} --dry-run").success


# -- what is refused before anything is sent

REFUSED = {
    "": ("%%seedance\n ", "UsageError", "the prompt is missing: write it on the line, or below %%seedance"),
    "quotes around nothing": ('%seedance ""', "UsageError", "the prompt is missing"),
    "options alone": ("%seedance -d 4", "UsageError", "the prompt is missing"),
    "blanks from a name": (
        "%seedance {nothing}",
        "InvalidRequest",
        "the prompt is empty; write what the video should show",
    ),
    "duration 3": ("%seedance a boat -d 3", "InvalidRequest", "seedance-2.0 cannot make 3 s; choose 4 to 15 seconds"),
    "duration 0": ("%seedance a boat -d 0", "InvalidRequest", "duration must be at least 1 second, not 0"),
    "ratio 4:3": (
        "%seedance a boat -a 4:3",
        "InvalidRequest",
        "aspect ratio '4:3' is not offered; choose 16:9, 9:16 or 1:1",
    ),
    "resolution": ("%seedance a boat -r 8k", "InvalidRequest", "choose 480p, 720p or 1080p"),
    "a file": ("%seedance a boat -i cat.png", "InvalidRequest", "there is no file cat.png"),
    "a http image": ("%seedance a boat -i http://h/cat.png", "InvalidRequest", "must be a public https:// address"),
    "webhook": (
        "%seedance a boat --webhook-url me",
        "InvalidRequest",
        "must be auto, or a full URL that starts with https://",
    ),
    "unknown option": ("%seedance a boat --durration 5", "UsageError", "did you mean --duration?"),
    "unknown name": ("%seedance a {strete}", "UsageError", "the notebook has no 'strete'; did you mean street?"),
    "lone brace": ("%seedance a { boat", "UsageError", "write {{ and }} for literal braces"),
    "no variable": ("%seedance a boat -o 1", "UsageError", "-o/--out wants the name of a variable"),
    "a word too many": ("%seedance jobs of mine", "UsageError", "%seedance -- jobs of mine"),
    "budget": ("%seedance a boat --max-credits 1", "BudgetExceeded", "max_credits"),
}


@pytest.mark.parametrize(("cell", "kind", "cure"), REFUSED.values(), ids=[name or "nothing below" for name in REFUSED])
def test_a_bad_line_is_one_line_that_names_the_cure_and_sends_nothing(shell, simulator, cell, kind, cure):
    shell.run("street = 'Rua Augusta'; nothing = '  '")

    result = shell.run(cell)

    assert one_line(result) == (result.out + result.err).strip()
    assert one_line(result).startswith(f"{kind}: ")
    assert cure in one_line(result)
    assert (type(result.error).__name__, sum(simulator.calls.values())) == (kind, 0)


def test_a_bad_line_raises_usage_error_itself(shell):
    assert type(shell.run("%seedance a boat --colour red").error) is UsageError


def test_without_a_key_nothing_is_sent_and_the_line_says_how_to_give_one(bare_shell):
    result = bare_shell.run("%seedance a boat")

    assert isinstance(result.error, errors.ConfigurationError)
    assert (
        one_line(result)
        == result.out.strip()
        == (
            "ConfigurationError: no API key: run %seedance login, or set SEEDANCE_API_KEY before Jupyter starts; "
            "%seedance demo tries everything without one. Nothing was submitted"
        )
    )


# -- what goes wrong later


def test_a_wrong_key_is_one_line_and_costs_nothing(shell, simulator):
    simulator.scenario.api_key = "another key"

    result = shell.run(BOAT + " -o boat")

    assert isinstance(result.error, errors.AuthenticationError)
    assert re.search(r"key.*(login|SEEDANCE_API_KEY)", one_line(result))
    assert re.search(r"nothing was (submitted|charged)", one_line(result))
    assert KEY not in result.out + result.err
    assert (shell.value("boat").status, shell.value("boat").credits) == (Status.REJECTED, 0)


def test_without_a_network_the_line_says_that_nothing_was_submitted(impatient, shell, simulator):
    simulator.stop()  # nobody listens on its port any more

    result = shell.run(BOAT + " -o boat")

    assert isinstance(result.error, errors.ConnectionFailed)
    assert one_line(result).startswith("ConnectionFailed: could not reach the service (")
    assert "nothing was submitted" in one_line(result)
    assert (shell.value("boat").status, shell.value("boat").credits) == (Status.REJECTED, 0)


def test_a_refused_create_repeats_the_services_reason_and_says_that_nothing_was_charged(shell, simulator):
    body = {"success": False, "error": {"code": "moderation", "message": "<b>no</b> boats\ntoday"}}
    simulator.add_fault(Fault("create", "status", http_status=422, body=body))

    result = shell.run(BOAT + " -o boat")

    assert isinstance(result.error, errors.ApiError)
    assert "<b>no</b> boats today" in one_line(result)
    assert re.search(r"nothing was (submitted|charged)", one_line(result))
    assert (shell.value("boat").status, shell.value("boat").credits) == (Status.REJECTED, 0)


def test_too_few_credits_is_one_line_and_costs_nothing(shell, simulator):
    simulator.scenario.credits = 1

    result = shell.run(BOAT)

    assert isinstance(result.error, errors.PaymentRequired)
    assert re.search(r"nothing was (submitted|charged)", one_line(result))


def test_an_unknown_model_is_warned_of_and_sent(shell, simulator):
    result = shell.run(f"%seedance a boat {SMALL.replace('-fast', '-fats')} -o boat --no-wait")

    assert (
        "note: model 'seedance-2.0-fats' is not known here and is sent as it is; did you mean seedance-2.0-fast?\n"
        in result.out
    )
    with pytest.raises(errors.ApiError, match="model must be one of"):
        shell.value("boat").result(10)
    assert simulator.calls["create"] == 1


def test_a_failed_generation_is_one_line_that_says_what_it_cost(shell):
    result = shell.run(f"%seedance a [fail] boat {SMALL} --wait -o boat")

    assert isinstance(result.error, errors.GenerationFailed)
    assert one_line(result) == (
        "GenerationFailed: the service could not make this video (the simulated rendering failed <as asked>); "
        "no real credits were charged; change the prompt or run it again"
    )
    assert (shell.value("boat").status, shell.value("boat").credits) == (Status.FAILED, SMALL_CREDITS)


def test_a_create_answered_with_a_page_is_unknown_and_not_sent_again(shell, simulator):
    simulator.add_fault(Fault("create", "html"))

    result = shell.run(BOAT + " -o boat")
    again = shell.run(BOAT)

    assert isinstance(result.error, errors.OutcomeUnknown)
    assert isinstance(again.error, errors.OutcomeUnknown)
    for failed in (result, again):
        assert "this may have been accepted and charged (the answer was not JSON)" in one_line(failed)
        assert "attach its id, or buy another take with --fresh" in one_line(failed)
    assert simulator.calls["create"] == 1


def test_a_look_answered_with_a_page_is_only_looked_at_again(shell, simulator):
    simulator.add_fault(Fault("get", "html", http_status=502))

    assert shell.run(BOAT).success


@pytest.mark.parametrize(
    "fault",
    [
        Fault("download", "status", times=None, http_status=200, body="<!doctype html><h1>Gateway</h1>"),
        Fault("download", "zero", times=None),
        Fault("download", "garbage", times=None),
    ],
    ids=["a page", "zero bytes", "garbage"],
)
def test_a_video_that_is_none_is_one_line_that_says_how_to_fetch_it(impatient, shell, simulator, fault):
    simulator.add_fault(fault)

    result = shell.run(BOAT + " -o boat")

    assert isinstance(result.error, errors.ClipError)
    boat = shell.value("boat")
    assert one_line(result).startswith("ClipError: the video was made but could not be downloaded (")
    assert f"it is paid for and kept: %seedance attach {boat.request_id}" in one_line(result)
    assert (boat.status, boat.credits, boat.clip) == (Status.SUCCEEDED, SMALL_CREDITS, None)


@pytest.mark.parametrize(
    "line",
    [BOAT, "%seedance attach KEY", "boat.download_again()"],
)
def test_a_video_that_did_not_arrive_is_fetched_without_a_new_create(impatient, shell, simulator, line):
    simulator.add_fault(Fault("download", "zero", times=None))
    shell.run(BOAT + " -o boat")
    simulator.clear_faults()

    assert shell.run(line.replace("KEY", shell.value("boat").key)).success
    assert shell.run("import seedance_nb; [again] = seedance_nb.jobs(); clip = again.result(10)").success

    assert shell.value("clip").seconds == pytest.approx(4, abs=0.1)
    assert simulator.calls["create"] == 1


@pytest.mark.parametrize("cell", ["%seedance a boat -d 3 --wait", f"%seedance a [fail] boat {SMALL} --wait"])
def test_a_failed_cell_counts_as_failed_so_that_run_all_stops(shell, cell):
    assert not shell.run(cell).success


def test_a_wait_that_takes_too_long_ends_and_says_how_to_go_on(shell):
    result = shell.run(f"%seedance a [stuck] boat {SMALL} --timeout 0.2 -o boat")

    assert isinstance(result.error, errors.WaitTimeout)
    assert re.search(r"no clip within 0\.2 s; .*%seedance attach (req_\d+|j\w+)", one_line(result))
    assert not shell.value("boat").done()


def test_quiet_shows_nothing(shell):
    result = shell.run(BOAT + " -q -o boat")

    assert (result.out, result.err, result.displays) == ("", "", [])
    assert shell.value("boat").clip is not None


# -- help and settings


def test_a_question_mark_shows_the_help(shell):
    shown = []
    shell.ip.set_hook("show_in_pager", lambda _self, data, **_: shown.append(data))

    shell.run("%seedance?")

    assert magic_args.help_text().strip().splitlines()[0] in shown[0]["text/plain"]
    assert "--max-credits" in shown[0]["text/plain"]


@pytest.mark.parametrize("line", ["%seedance -h", "%seedance help", "%seedance a boat --help", "%%seedance -h\na boat"])
def test_the_help_is_printed_and_nothing_is_sent(shell, simulator, line):
    result = shell.run(line)

    assert (result.out, sum(simulator.calls.values())) == (magic_args.help_text() + "\n", 0)


def test_nothing_at_all_welcomes(bare_shell):
    result = bare_shell.run("%seedance")

    assert result.success
    assert "%seedance a paper boat on a rainy street" in result.out


def test_the_settings_of_the_magic_are_shown_by_config(shell):
    result = shell.run("%config SeedanceMagics.model")

    assert "seedance-2.0" in repr(shell.ip.user_ns.get("_")) + result.out + str(result.displays)


def completed(shell, typed):
    """The lines that the tab key offers, as a kernel would."""
    shell.ip.Completer.use_jedi = False
    with provisionalcompleter():
        return [typed[: c.start] + c.text + typed[c.end :] for c in shell.ip.Completer.completions(typed, len(typed))]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("%seedance --dur", "%seedance --duration"),
        ("%%seedance --dur", "%%seedance --duration"),
        ("%seedance a boat -m seedance-2.0-f", "%seedance a boat -m seedance-2.0-fast"),
        ("%seedance job", "%seedance jobs"),
        ("%seedance -a 16", "%seedance -a 16:9"),
        ("%seedance -a 16:", "%seedance -a 16:9"),
        ("x = 1\n%seedance --dur", "x = 1\n%seedance --duration"),
    ],
)
def test_the_tab_key_completes(bare_shell, typed, line):
    assert line in completed(bare_shell, typed)


def test_the_tab_key_completes_ids_of_jobs(shell):
    shell.run(BOAT + " -o boat")

    assert completed(shell, "%seedance attach re") == [f"%seedance attach {shell.value('boat').request_id}"]


# -- commands


def test_jobs_lists_what_the_ledger_has_newest_first(shell):
    shell.run(f"%seedance a first boat {SMALL} --wait")
    shell.run(f"%seedance a [fail] boat {SMALL}  --wait")

    result = shell.run("%seedance jobs")

    assert [line for line in result.out.splitlines() if "boat" in line] == ["a [fail] boat", "a first boat"]
    assert "failed" in result.out


def test_cost_adds_up_by_day_and_model(shell):
    shell.run(BOAT)
    shell.run(BOAT)

    result = shell.run("%seedance cost")

    cells = re.findall(r"<td[^>]*>([^<]*)</td>", result.html)
    assert cells[1:6] == ["seedance-2.0-fast (simulated)", "", "1", str(SMALL_CREDITS), str(SMALL_CREDITS)]
    assert cells[6] == "All, simulated"
    assert f"This session: {SMALL_CREDITS} credits" in result.html


def test_cost_of_nothing_says_so(shell):
    assert "nothing spent yet" in shell.run("%seedance cost").html


def test_models_come_from_the_service(shell):
    html = shell.run("%seedance models").html

    assert "from the service" in html
    assert "seedance-1.5-pro" in html


def test_models_that_the_service_does_not_list_are_the_documented_ones(shell, simulator):
    simulator.add_fault(Fault("models", "status", times=None))

    html = shell.run("%seedance models").html

    assert "as documented; the service was not reached" in html
    assert "seedance-1.5-pro" in html


def test_a_terminal_is_told_where_the_file_is_when_it_is_done(shell):
    result = shell.run(BOAT + " -o boat")

    assert result.out.splitlines()[-1] == f"done: {shell.value('boat').clip.path}"


def test_wait_waits_for_everything(shell, simulator):
    simulator.scenario.pace = Pace(0, 1, 0)
    for name in ("one", "two"):
        shell.run(f"%seedance boat {name} {SMALL} -o {name}")

    result = shell.run("%seedance wait")

    assert result.out == "2 done\n"
    assert shell.value("one").clip.sha256 != shell.value("two").clip.sha256


def test_wait_counts_what_failed(shell, simulator):
    simulator.scenario.pace = Pace(1, 0.1, 0)
    shell.run(f"%seedance a [fail] boat {SMALL}")

    assert shell.run("%seedance wait").out == "0 done, 1 without a video: %seedance jobs says why\n"


def test_wait_for_nothing_says_so(shell):
    assert shell.run("%seedance wait").out == "nothing is running\n"


def test_wait_with_a_timeout_ends(shell):
    shell.run(f"%seedance a [stuck] boat {SMALL}")

    result = shell.run("%seedance wait --timeout 0.2")

    assert isinstance(result.error, errors.WaitTimeout)
    assert "%seedance wait waits on" in one_line(result)


def test_cancel_asks_the_service(shell, simulator):
    shell.run(f"%seedance a [stuck] boat {SMALL} -o boat")
    boat = shell.value("boat")
    wait_for(lambda: boat.request_id)

    result = shell.run(f"%seedance cancel {boat.request_id}")

    assert result.out == f"asked to cancel {boat.request_id}; %seedance jobs says whether the service did\n"
    with pytest.raises(errors.GenerationCancelled):
        boat.result(10)
    assert simulator.calls["cancel"] == 1


def test_cancel_all_cancels_what_runs_and_nothing_else(shell, simulator):
    shell.run(BOAT)
    for name in ("one", "two"):
        shell.run(f"%seedance a [stuck] boat {name} {SMALL} -o {name}")

    result = shell.run("%seedance cancel all")

    assert result.out.count("asked to cancel") == 2
    for name in ("one", "two"):
        with pytest.raises(errors.GenerationCancelled):
            shell.value(name).result(10)


def test_cancel_of_what_has_ended_sends_nothing(shell, simulator):
    shell.run(BOAT + " -o boat")

    result = shell.run(f"%seedance cancel {shell.value('boat').request_id}")

    assert "has ended already (done); there is nothing to cancel" in result.out
    assert simulator.calls["cancel"] == 0


@pytest.mark.parametrize(
    ("line", "words"), [("attach all", "nothing is unfinished"), ("cancel all", "nothing is running")]
)
def test_all_of_nothing_says_so(shell, line, words):
    assert words in shell.run(f"%seedance {line}").out


def test_attach_shows_a_job_of_the_ledger(shell, simulator):
    shell.run(BOAT + " -o boat")

    result = shell.run(f"%seedance attach {shell.value('boat').key}")

    assert result.out.startswith("a paper boat\n")
    assert simulator.calls["create"] == 1


def test_attach_adopts_an_id_that_only_the_service_knows(shell, simulator):
    shell.run(f"%seedance a boat {SMALL} --wait -o boat")
    shell.run("import seedance_nb; seedance_nb.configure(home='elsewhere', poll_floor=0.05)")

    shell.run(f"%seedance attach {shell.value('boat').request_id}")
    shell.run("[adopted] = seedance_nb.jobs(); clip = adopted.result(10)")

    assert shell.value("clip").sha256 == shell.value("boat").clip.sha256
    assert simulator.calls["create"] == 1


def test_attach_of_an_id_that_nobody_knows_is_one_line(shell):
    result = shell.run("%seedance attach req_0000000001")

    assert isinstance(result.error, errors.ApiError)
    assert one_line(result) == result.out.strip()


def test_demo_needs_no_key_and_costs_nothing(bare_shell, monkeypatch):
    monkeypatch.setenv("SEEDANCE_SIMULATOR_QUEUE_SECONDS", "0.01")
    monkeypatch.setenv("SEEDANCE_SIMULATOR_RENDER_SECONDS", "0.05")

    told = bare_shell.run("%seedance demo")
    result = bare_shell.run(BOAT + " -o boat")

    assert "no key, no cost" in told.out
    assert result.success
    assert bare_shell.value("boat").snapshot.simulated


# -- the key


@pytest.fixture
def typed(monkeypatch):
    """What is typed where a key is asked for."""

    def typing(answer):
        def ask(_prompt=""):
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr("getpass.getpass", ask)

    return typing


def test_login_makes_the_key_usable_and_shows_it_nowhere(bare_shell, simulator, typed):
    simulator.scenario.api_key = "sd2_typed_secret"
    typed(" sd2_typed_secret\n")

    result = bare_shell.run("%seedance login")
    made = bare_shell.run(BOAT + " -o boat")
    bare_shell.run("%seedance jobs")
    bare_shell.run("import seedance_nb; s = seedance_nb.configure(); shown = repr(s), repr(s.settings), repr(vars(s))")

    assert made.success
    assert re.fullmatch(
        r"the key is in use in this kernel; there is no keyring, .*\n|the key is in the keyring .*\n", result.out
    )
    history = "".join(str(entry) for entry in bare_shell.ip.history_manager.input_hist_raw)
    visible = repr(bare_shell.ip.user_ns) + history + result.out + result.err + made.out
    assert "sd2_typed_secret" not in visible


@pytest.mark.parametrize("bad", ["", "  ", "two words", "new\nline", "clé"])
def test_login_refuses_what_no_key_looks_like_without_repeating_it(shell, typed, bad):
    typed(bad)

    result = shell.run("%seedance login")

    assert isinstance(result.error, errors.ConfigurationError)
    assert "run %seedance login" in one_line(result)
    assert not bad.strip() or bad not in result.out


@pytest.mark.parametrize("nobody", [EOFError(), RuntimeError("no stdin")])
def test_login_where_nobody_can_type_names_the_other_way(shell, typed, nobody):
    typed(nobody)

    assert "set SEEDANCE_API_KEY instead" in one_line(shell.run("%seedance login"))


def test_login_to_the_simulator_is_not_needed(shell, typed):
    typed("sd2_typed_secret")
    shell.run("%seedance demo")

    assert "the simulator needs no key" in one_line(shell.run("%seedance login"))


# -- loading and unloading


def hooks(ip):
    return sum(
        "seedance" in getattr(function, "__module__", "")
        for name in ("pre_run_cell", "post_run_cell", "pre_execute", "post_execute")
        for function in ip.events.callbacks[name]
    )


def test_loading_twice_registers_everything_once(shell):
    ip = shell.ip
    before = hooks(ip)

    shell.run("%load_ext seedance_nb")
    shell.run("%reload_ext seedance_nb")
    IPython.get_ipython().extension_manager.loaded.discard("seedance_nb")
    shell.run("%load_ext seedance_nb")

    assert sum(isinstance(c, SeedanceMagics) for c in ip.configurables) == 1
    assert hooks(ip) == before == 2
    completers = ip.strdispatchers["complete_command"]
    assert len(list(completers.flat_matches("%seedance"))) == 1


def test_unloading_takes_everything_back(shell):
    shell.run(BOAT)

    shell.run("%unload_ext seedance_nb")

    ip = shell.ip
    assert "seedance" not in ip.magics_manager.magics["line"] | ip.magics_manager.magics["cell"]
    assert not any(isinstance(c, SeedanceMagics) for c in ip.configurables)
    assert hooks(ip) == 0
    assert session.existing() is None
    assert not list(ip.strdispatchers["complete_command"].flat_matches("%seedance"))


def test_after_unloading_it_can_be_loaded_again(shell, simulator):
    shell.run(BOAT)
    shell.run("%unload_ext seedance_nb")
    shell.run("%load_ext seedance_nb")

    result = shell.run(BOAT + " -o boat")

    assert (result.success, shell.value("boat").reused, simulator.calls["create"]) == (True, True, 1)


def test_loading_follows_what_was_left_unfinished_and_says_so_in_one_line(shell, simulator):
    shell.run(f"%seedance a [stuck] boat {SMALL} -o boat")
    wait_for(lambda: shell.value("boat").request_id)
    shell.run("%unload_ext seedance_nb")

    result = shell.run("%load_ext seedance_nb")

    assert result.out == "seedance: following 1 unfinished job from before; %seedance attach all shows it\n"
    assert simulator.calls["create"] == 1


def test_loading_without_a_key_says_nothing(bare_shell):
    result = bare_shell.run("%reload_ext seedance_nb")

    assert (result.success, result.out, result.err) == (True, "", "")


def wait_for(condition, seconds=10.0):
    import time

    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
    return found


def test_doctor_says_a_line_each_and_shows_no_key(shell):
    out = shell.run("%seedance doctor").out

    assert [line[:3].strip() for line in out.splitlines()] == ["ok"] * 13
    assert "sd2_test_key" not in out
