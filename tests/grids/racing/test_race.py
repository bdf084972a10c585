"""A race on the simulator: what it buys, never twice and never too much; what it decides, once; where it goes on."""

import math

import pytest
from grids.racing.electorate import RATERS, clips_of, vote
from grids.stage import PATIENCE, accepted, bodies, most_of_one, small

from seedance_nb._version import __version__
from seedance_nb.clips.clip import Clip
from seedance_nb.errors import BudgetExceeded, InvalidRequest, SeedanceError
from seedance_nb.grids.racing.measuring import Measuring
from seedance_nb.simulator import Fault

CAT, DOG, HEN = "a cat", "a dog", "a hen"
PROMPTS = [CAT, DOG, HEN]
LEVELS = {"… cat": 3.0, "… dog": 0.0, "… hen": 0.0}
EQUAL = dict.fromkeys(LEVELS, 0.0)
PRICE = 20.0
"""Credits of a small clip."""


def race_in(session, prompts=PROMPTS, *, grid=None, by="prompt", max_credits=2000, **rules):
    return small(session, prompts, **(grid or {})).race(by=by, max_credits=max_credits, **rules)


def play_round(race, levels=LEVELS, *, seed=1):
    race.submit().result(PATIENCE)
    vote(race, levels, seed=seed)
    return race.step()


def play(race, levels=LEVELS):
    while race.end is None:
        before = len(race.rounds)
        play_round(race, levels, seed=before + 1)
        assert len(race.rounds) == before + (race.end != "undecided" or race.rounds[-1].end is None)
    return race


# What it buys -----------------------------------------------------------------------------------------


def test_a_race_is_a_plan_that_sends_nothing_and_says_what_it_costs(session, simulator):
    race = race_in(session)
    said = str(race)
    assert "A race of 3 prompts: 2 takes of each first" in said
    assert "0 of at most 2,000 credits spent" in said
    assert "race.submit() sends 6 clips: about 192 credits" in said
    assert (race.end, race.winner, race.rounds, race.left) == (None, None, (), tuple(LEVELS))
    race.step()
    assert race.rounds == ()
    assert not bodies(simulator)


def test_it_ends_with_the_best_and_buys_each_take_once_and_none_of_who_dropped_out(session, simulator):
    race = play(race_in(session))
    assert (race.end, race.winner) == ("winner", "… cat")
    assert str(race).startswith("“… cat” wins, after ")
    reached = dict.fromkeys(LEVELS, 0)
    for decided in race.rounds:
        reached |= dict.fromkeys(decided.racing, decided.takes)
    assert {label: accepted(simulator, f"a {label[2:]}") for label in LEVELS} == reached
    assert race.spent == PRICE * sum(reached.values())
    assert race.ranking().table[0].label == "… cat"


def test_running_everything_again_costs_nothing_and_votes_of_now_change_no_decision(session, session_of, simulator):
    race = play(race_in(session))
    words, before = race.words, len(bodies(simulator))
    cast = race.votes()
    session.ask_ledger(lambda ledger: [ledger.votes.withdraw(vote.id) for vote in cast])
    again = race_in(session_of(simulator))
    again.submit()
    again.run(PATIENCE).step()
    assert again.words == words
    assert len(bodies(simulator)) == before


def test_a_round_is_sent_once_however_often_it_is_asked_for(session, simulator):
    race = race_in(session)
    for _ in range(3):
        race.submit().result(PATIENCE)
    race.run(PATIENCE)
    assert len(bodies(simulator)) == 6
    assert "race.vote() asks for 30 more votes" in str(race)


def test_another_kernel_goes_on_where_it_was_left(session, session_of, simulator):
    play_round(race_in(session), EQUAL)
    other = race_in(session_of(simulator))
    assert len(other.rounds) == 1
    assert "3 takes each" in other.words[0]
    other.submit().result(PATIENCE)
    assert len(bodies(simulator)) == 9
    assert other.spent == 9 * PRICE


def test_takes_that_were_there_before_cost_nothing_and_do_not_count(session, simulator):
    small(session, PROMPTS, takes=2).submit().result(PATIENCE)
    race = race_in(session, max_credits=3 * PRICE)
    play_round(race, EQUAL)
    assert race.spent == 0
    race.submit().result(PATIENCE)
    assert (race.spent, len(bodies(simulator))) == (3 * PRICE, 9)


def test_a_grid_with_takes_of_its_own_races_from_two(session, simulator):
    race_in(session, grid={"takes": 5}).submit().result(PATIENCE)
    assert len(bodies(simulator)) == 6


# Money ------------------------------------------------------------------------------------------------


def test_where_nobody_knows_a_price_nothing_is_sent(session, simulator):
    with pytest.raises(BudgetExceeded, match="nobody knows what 6 of them cost"):
        race_in(session, grid={"model": "a-new-one"}, max_credits=1e6).submit()
    assert not bodies(simulator)


def test_a_first_round_over_the_limit_is_refused_whole(session, simulator):
    race = race_in(session, max_credits=6 * PRICE - 1)
    with pytest.raises(BudgetExceeded, match="nothing was sent"):
        race.submit()
    assert not bodies(simulator)


def test_the_money_of_all_rounds_together_is_kept_and_more_money_goes_on(session, session_of, simulator):
    race = race_in(session, max_credits=9 * PRICE)
    play_round(race, EQUAL)
    play_round(race, EQUAL, seed=2)
    assert race.end == "undecided"
    race.submit()
    race.run(PATIENCE)
    assert len(bodies(simulator)) == 9
    said = str(race)
    assert "Undecided for this money" in said
    assert "may cost 60 credits, and 0 of 180 are left" in said
    # Another kernel knows what was spent; its own limit a call would allow it.
    poorer = race_in(session_of(simulator), max_credits=11 * PRICE)
    assert poorer.end == "undecided"
    poorer.submit()
    assert len(bodies(simulator)) == 9
    richer = race_in(session, max_credits=12 * PRICE)
    assert richer.end is None
    richer.submit().result(PATIENCE)
    assert len(bodies(simulator)) == 12


def test_what_another_kernel_spent_in_this_round_counts(session, session_of, simulator):
    simulator.add_fault(Fault("create", "status", 1, match="dog", http_status=400, body={"error": "no dogs"}))
    race_in(session).submit().result(PATIENCE)
    with pytest.raises(BudgetExceeded, match="nothing was sent"):
        race_in(session_of(simulator), max_credits=5 * PRICE).submit()
    assert len(bodies(simulator)) == 5


def test_the_sessions_limit_holds_too(session_of, simulator):
    session_of(simulator).models()
    limited = session_of(simulator, max_credits=3 * PRICE)
    with pytest.raises(BudgetExceeded, match="session's limit"):
        race_in(limited).submit()
    assert not bodies(simulator)


def test_of_whom_no_clip_can_be_made_drops_out_and_nothing_more_is_bought(session, simulator):
    race = race_in(session, [CAT, DOG, "a hen [fail]"])
    levels = dict.fromkeys(race.left, 0.0)
    race.submit().result(PATIENCE)
    vote(race, levels)
    race.step()
    assert race.rounds[0].without_clips == race.rounds[0].dropped
    assert "no clip could be made" in str(race)
    race.submit().result(PATIENCE)
    assert accepted(simulator, "a hen [fail]") == 2
    assert accepted(simulator, CAT) == 3


def test_a_take_that_was_refused_is_tried_again_in_no_later_round(session, simulator):
    simulator.add_fault(Fault("create", "status", 1, match="dog", http_status=400, body={"error": "no dogs"}))
    race = play_round(race_in(session), EQUAL)
    assert race.left == tuple(LEVELS)
    tried = simulator.calls["create"]
    assert (tried, len(bodies(simulator))) == (6, 5)
    race.submit().result(PATIENCE)
    assert (simulator.calls["create"], len(bodies(simulator))) == (9, 8)


def test_where_only_one_has_clips_nobody_wins(session):
    race = race_in(session, [CAT, "a dog [fail]"])
    race.run(PATIENCE)
    assert (race.end, race.winner) == ("alone", None)
    assert "nothing was compared" in str(race)


# What it decides --------------------------------------------------------------------------------------


def test_a_round_is_decided_when_all_its_clips_and_votes_are_there_and_not_before(session):
    race = race_in(session)
    race.submit().result(PATIENCE)
    cast = vote(race, LEVELS)
    session.ask_ledger(lambda ledger: ledger.votes.withdraw(cast[0].id))
    assert race.step().rounds == ()
    assert "asks for 1 more vote" in str(race)
    session.ask_ledger(lambda ledger: ledger.votes.add([type(cast[0])(**{**fields(cast[0]), "id": "again"})]))
    assert len(race.step().rounds) == 1


def fields(vote):
    return {name: getattr(vote, name) for name in type(vote).__dataclass_fields__}


def test_one_rater_decides_nothing_about_people_but_may_about_themselves(session):
    race = race_in(session)
    race.submit().result(PATIENCE)
    vote(race, LEVELS, raters=RATERS[:1])
    assert race.step().rounds == ()
    assert "a second rater" in str(race)
    own = race_in(session, of="raters")
    assert len(own.step().rounds) == 1


def test_the_ballot_asks_about_who_is_left_only(session, tmp_path):
    race = race_in(session, max_credits=5000)
    while len(race.left) == 3:
        play_round(race, {"… cat": 0.0, "… dog": 0.0, "… hen": -5.0}, seed=len(race.rounds))
    assert race.left == ("… cat", "… dog")
    with pytest.raises(SeedanceError, match=r"race\.submit\(\) first"):
        race.vote(offline=tmp_path / "early.html")
    race.submit().result(PATIENCE)
    page = race.vote(offline=tmp_path / "ballot.html").read_text("utf-8")
    jobs = {job.request.prompt for job in race.grid.jobs}
    assert jobs == {CAT, DOG}
    assert set(clips_of(race).values()) == {"… cat", "… dog"}
    assert CAT not in page  # blind


def test_equals_tie_where_they_are_surely_close(session):
    race = play(race_in(session, [CAT, DOG], tie=3.0, max_credits=5000), dict.fromkeys(("… cat", "… dog"), 0.0))
    assert race.end == "tie"
    assert race.winner is None
    assert "tie within 95:5" in str(race)


def test_models_race_over_prompts_as_blocks(session, simulator):
    race = race_in(session, [CAT, DOG], grid={"model": ["seedance-2.0", "seedance-2.0-fast"]}, by="model")
    race.submit().result(PATIENCE)
    assert len(bodies(simulator)) == 8
    assert most_of_one(simulator) == 2
    vote(race, {"seedance-2.0": 0.0, "seedance-2.0-fast": 0.0})
    assert len(race.step().rounds) == 1


@pytest.mark.parametrize("how", ["by clip", "by file"])
def test_a_measure_stands_in_for_votes(session, simulator, how):
    grid = small(session, PROMPTS, takes=9)
    grid.submit().result(PATIENCE)
    value = {job.clip: (5.0 if job.request.prompt == CAT else 1.0) + 0.1 * (job.take % 3) for job in grid.jobs}
    measure = {"by clip": value, "by file": {str(clip.path): number for clip, number in value.items()}}
    race = race_in(session, measure=measure[how], max_credits=100)
    race.run(PATIENCE)
    assert (race.end, race.winner) == ("winner", "… cat")
    assert race.spent == 0
    assert len(bodies(simulator)) == 27


def test_a_shipped_measure_may_decide(session):
    """All films here are one: nobody is better, and no measure says so."""
    race = race_in(session, [CAT, DOG], measure="flicker", tie=1.0, max_credits=10 * PRICE)
    race.run(PATIENCE)
    assert len(race.rounds) >= 1
    assert race.winner is None


def test_a_function_measures_each_file_once(tmp_path):
    asked = []

    def measure(path):
        asked.append(path)
        return len(asked)

    clips = {key: Clip(tmp_path / f"{key}.mp4", None, 1, 1, 1, 24.0, 1.0, sha) for key, sha in (("a", "1"), ("b", "2"))}
    measuring = Measuring(measure)
    assert measuring.values(clips) == measuring.values(clips) == {"a": 1.0, "b": 2.0}
    assert asked == [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    with pytest.raises(InvalidRequest, match="return the one that is to race"):
        Measuring(lambda _: {"motion": 1.0}).values(clips)


def test_a_clip_that_cannot_be_measured_is_left_out_and_said(session):
    def measure(path):
        raise OSError("no such codec")

    race = race_in(session, measure=measure)
    race.run(PATIENCE)
    assert race.end is None
    assert "could not be measured: no such codec" in str(race)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"max_credits": None}, "say max_credits="),
        ({"error": 0.7}, "error is the share"),
        ({"error": 0}, "error is the share"),
        ({"tie": 0}, "tie is how far apart"),
        ({"showings": 1}, "showings is how often"),
        ({"of": "clips"}, "of must be 'levels' or 'raters'"),
        ({"aspect": " "}, "aspect must be the one question"),
        ({"by": "take"}, "a race buys takes itself"),
        ({"by": "promt"}, "did you mean"),
        ({"by": "model"}, "nothing to race"),
        ({"measure": 7}, "measure is a name, a function"),
        ({"measure": "flickr"}, "did you mean 'flicker'"),
        ({"measure": lambda: 1.0}, "called with one argument"),
        ({"measure": str}, "str is a class"),
        ({"by": 5}, "by= names an axis"),
        ({"by": ["prompt", None]}, "by= names an axis"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_sent(session, simulator, wrong, said):
    with pytest.raises(InvalidRequest, match=said):
        race_in(session, **wrong)
    assert not bodies(simulator)


def test_a_race_of_what_is_invalid_or_the_same_is_refused(session):
    with pytest.raises(InvalidRequest, match="all cells must be valid"):
        race_in(session, [CAT, ""])
    with pytest.raises(InvalidRequest, match="nothing to race"):
        race_in(session, [CAT])


# What is said of it ------------------------------------------------------------------------------------


def test_a_registered_race_is_no_deviation_however_many_takes_it_bought(session):
    race = race_in(session)
    made = race.register("Is a cat better?", raters=4)
    assert "as many takes of each as the race buys" in str(made)
    assert "every clip voted on 10 times a round" in str(made)
    play(race)
    assert race.register("Is a cat better?", raters=4).hash == made.hash
    assert race.ranking().deviations == ()
    said = race.methods(race.ranking())
    assert "Takes were bought in a race by prompt of 3, decided by votes on “overall”" in said
    assert "“… dog” and “… hen” after" in said or "“… hen” after" in said
    assert "It ended so: “… cat” wins" in said
    assert "The votes are as registered." in said
    with pytest.raises(InvalidRequest, match="decided by a measure"):
        race_in(session, measure="flicker").register("Is a cat better?")


def test_whom_a_registered_rule_leaves_out_decides_nothing(session):
    race = race_in(session)
    race.register("Is a cat better?", exclusion={"votes": 100})
    race.submit().result(PATIENCE)
    vote(race, LEVELS)
    assert "asks for 30 more votes" in str(race)
    assert race.step().rounds == ()


def test_methods_of_a_race_name_the_measure_and_its_version(session):
    race = race_in(session, measure="flicker", tie=1.0, max_credits=10 * PRICE)
    assert "Nothing has been submitted yet." in race.methods()
    race.run(PATIENCE)
    said = race.methods()
    assert f"by flicker of seedance_nb {__version__} in place of votes" in said
    assert "Takes were bought in a race" in said
    assert "Rankings are by" not in said


def test_a_measure_that_was_mended_goes_on_and_is_told(session):
    def sharpness(path):
        return 1.0

    def mended(path):
        return 2.0

    race = race_in(session, measure=sharpness, max_credits=9 * PRICE)
    race.run(PATIENCE)
    decided = race.rounds
    mended.__name__, mended.__qualname__ = sharpness.__name__, sharpness.__qualname__
    again = race_in(session, measure=mended, max_credits=9 * PRICE)
    assert again.rounds == decided
    assert "The race was begun with another measure: sharpness (source " in again.methods()
    assert "begun with" not in race.methods()


def test_another_kernel_has_the_clips_of_a_race_that_has_ended(session, session_of, simulator):
    play(race_in(session))
    grid = race_in(session_of(simulator)).grid
    assert all(clip is not None for clip in grid.result(PATIENCE))


def test_an_axis_that_is_named_twice_is_one(session):
    race = race_in(session, by=["prompt", "prompt"])
    assert "A race of 3 prompts" in str(race)
    assert race.rules == race_in(session).rules


@pytest.mark.parametrize("measure", [{}, {"no such clip": 1.0}, lambda _: math.nan, lambda _: 1 / 0])
def test_a_measure_that_says_nothing_decides_nothing_and_the_cure_is_named(session, simulator, measure):
    race = race_in(session, measure=measure)
    race.run(PATIENCE)
    assert (race.end, race.rounds, len(bodies(simulator))) == (None, (), 6)
    assert "The measure gives no finite numbers" in race.words[-1]
    assert "race.step() decides" not in str(race)


def test_a_race_that_is_undecided_has_the_clips_of_its_last_round(session, session_of, simulator):
    race = race_in(session, max_credits=6 * PRICE)
    play_round(race, EQUAL)
    assert race.end == "undecided"
    assert len(race.grid.result(PATIENCE)) == 6
    assert len(race_in(session_of(simulator), max_credits=6 * PRICE).grid.result(PATIENCE)) == 6


def test_a_ballot_takes_what_a_race_can_ask(session, tmp_path):
    race = race_in(session)
    race.submit().result(PATIENCE)
    assert race.vote("Ann", tmp_path / "a.html", gold=0.2, training=False).exists()
    with pytest.raises(TypeError, match="aspects"):
        race.vote(aspects="motion")
