"""A limit is held against the worst case known; where nobody knows a price nothing is sent, and the line says how to go on."""

import pytest
from tracking.doubles import record, until

from seedance_nb.api.catalog import Catalog
from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.errors import BudgetExceeded
from seedance_nb.grids.opening import open_grid
from seedance_nb.simulator import Fault
from seedance_nb.tracking import prices

SERVICE = "https://a.example"
LISTED = Catalog().merged([{"id": "seedance-2.0", "pricing": {"rates": {"480p": 5, "1080p": 16}}}])


def request(**changes):
    return VideoRequest(**{"prompt": "a boat", "duration": 5, "resolution": "720p", **changes})


@pytest.fixture
def no_prices(simulator):
    """The service gives no list of models."""
    simulator.add_fault(Fault("models", "status", times=None))
    return simulator


def accepted(simulator):
    return len(simulator.scenario.accepted)


def charged(ledger, credits, **changes):  # noqa: A002 - the field's own word
    """A row of what such a request was charged."""
    wanted = request(**changes)
    row = record(base_url=SERVICE, request=wanted, status=Status.SUCCEEDED, credits=credits)
    ledger.claim(row, False, lambda: None)


@pytest.mark.parametrize(
    ("seen", "catalog", "wanted", "most"),
    [
        pytest.param([], Catalog(), {}, 40, id="exactly the published sample"),
        pytest.param([], Catalog(), {"media_urls": ("https://a/1.png",)}, 64, id="the published sample with one image"),
        pytest.param([], Catalog(), {"media_urls": ("https://a/1.mp4",)}, None, id="a video is not published"),
        pytest.param([], Catalog(), {"media_urls": ("https://a/1.png",) * 2}, None, id="two images are not published"),
        pytest.param([], Catalog(), {"resolution": "1080p"}, None, id="another resolution"),
        pytest.param([], Catalog(), {"resolution": None}, None, id="a resolution that the service chooses"),
        pytest.param([], Catalog(), {"model": "seedance-2.0-fast"}, None, id="another model"),
        pytest.param([], Catalog(), {"duration": None}, 120, id="a duration that the service chooses: the longest"),
        pytest.param([], Catalog(), {"model": "new", "duration": None}, None, id="of a model nobody knows"),
        pytest.param([], LISTED, {"resolution": "480p"}, 25, id="listed"),
        pytest.param([], LISTED, {"resolution": None}, 80, id="the highest that is listed"),
        pytest.param(
            [], LISTED, {"resolution": "480p", "media_urls": ("https://a/1.png",)}, None, id="media are not listed"
        ),
        pytest.param([(60, {}), (50, {})], Catalog(), {}, 60, id="the highest ever charged, not the last"),
        pytest.param([(60, {"resolution": "480p"})], LISTED, {"resolution": "480p"}, 60, id="dearer than listed"),
        pytest.param(
            [(80, {"resolution": "1080p"})], Catalog(), {"resolution": "480p"}, 80, id="what a higher resolution cost"
        ),
        pytest.param(
            [(20, {"resolution": "480p"})], Catalog(), {"resolution": "1080p"}, None, id="a lower one is no bound"
        ),
        pytest.param(
            [(80, {"resolution": "1080p"})], Catalog(), {"resolution": None}, 80, id="the highest resolution bounds all"
        ),
        pytest.param(
            [(64, {"media_urls": ("https://a/1.mp4",)})],
            Catalog(),
            {"media_urls": ("https://a/2.mp4",)},
            64,
            id="files like it",
        ),
        pytest.param(
            [(20, {"resolution": "1080p"})],
            Catalog(),
            {"media_urls": ("https://a/2.mp4",)},
            None,
            id="no files are no bound",
        ),
        pytest.param([], Catalog(), {"extra": {"motion": "high"}}, None, id="a field of no list may cost anything"),
        pytest.param([], Catalog(), {"extra": {"seed": 7}}, 40, id="a seed costs nothing"),
        pytest.param(
            [], LISTED, {"resolution": "480p", "extra": {"n": 4}}, None, id="such a field is in no list of prices"
        ),
        pytest.param([(40, {})], Catalog(), {"extra": {"n": 4}}, None, id="those without it are no bound"),
        pytest.param(
            [(80, {"resolution": "1080p"})], Catalog(), {"extra": {"n": 4}}, None, id="nor are dearer ones without it"
        ),
        pytest.param([(160, {"extra": {"n": 4}})], Catalog(), {}, 40, id="nor are those with it for those without"),
        pytest.param([(160, {"extra": {"n": 4}})], Catalog(), {"extra": {"n": 5}}, None, id="nor with another value"),
        pytest.param(
            [(160, {"extra": {"n": 4, "seed": 1}}), (150, {"extra": {"n": 4}})],
            Catalog(),
            {"extra": {"seed": 2, "n": 4.0}},
            160,
            id="the very same ones are",
        ),
        pytest.param(
            [(60, {"extra": {"seed": 1}}), (50, {})], Catalog(), {"extra": {"seed": 2}}, 60, id="whatever the seed was"
        ),
        pytest.param([(30, {"model": "new", "duration": 6})], Catalog(), {"model": "new"}, 25, id="by the second"),
    ],
)
def test_the_worst_case_known(ledger, seen, catalog, wanted, most):
    for take, (cost, changes) in enumerate(seen):
        charged(ledger, cost, **{"prompt": f"boat {take}", **changes})
    [found] = ledger.experience.highest_rates(SERVICE, [request(**wanted)])
    assert prices.most(request(**wanted), catalog, found) == most


@pytest.mark.parametrize("options", [{"resolution": "1080p"}, {"resolution": None}, {"model": "seedance-1.5-pro"}])
def test_where_nobody_knows_a_price_a_limit_sends_nothing_and_says_how_to_go_on(make_session, no_prices, options):
    session = make_session(max_credits=1000)
    with pytest.raises(BudgetExceeded, match="nobody knows what this costs") as caught:
        session.submit("a boat [fail]", **options)
    for cure in ("%seedance models", "without max_credits", "nothing was sent"):
        assert cure in str(caught.value)
    grid = open_grid(session, ["a boat [fail]"], **{k: [v] for k, v in options.items()})
    with pytest.raises(BudgetExceeded, match="nobody knows what 1 of them cost"):
        grid.submit()
    assert accepted(no_prices) == 0


@pytest.mark.parametrize(
    ("seen", "wanted", "rate"),
    [
        ([(50, {}), (160, {"extra": {"n": 4}})], {}, 10),
        ([(50, {}), (160, {"extra": {"n": 4}})], {"extra": {"seed": 3}}, 10),
        ([(50, {"extra": {"seed": 1}})], {}, 10),
        ([(160, {"extra": {"n": 4}}), (50, {})], {"extra": {"n": 4, "seed": 2}}, 32),
        ([(160, {"extra": {"n": 4}}), (50, {})], {"extra": {"n": 5}}, None),
    ],
)
def test_what_is_expected_is_what_those_with_the_same_fields_of_no_list_cost_last(ledger, seen, wanted, rate):
    for take, (cost, changes) in enumerate(seen):
        charged(ledger, cost, **{"prompt": f"boat {take}", **changes})
    assert ledger.experience.rates(SERVICE, [request(**wanted)]) == [rate]


def test_under_a_limit_a_field_whose_price_nobody_knows_sends_nothing(make_session, no_prices):
    session = make_session(max_credits=1000)
    with pytest.raises(BudgetExceeded, match="nobody knows what this costs"):
        session.submit("a boat [fail]", extra={"motion": "high"})
    with pytest.raises(BudgetExceeded, match="nobody knows what 1 of them cost"):
        open_grid(session, ["a boat [fail]"], extra=[{"motion": "high"}]).submit()
    assert accepted(no_prices) == 0
    estimate = make_session().money.estimate(request(extra={"motion": "high"}))
    assert estimate.source.endswith("without what other fields may cost")
    session.submit("a boat [fail]", extra={"seed": 7})
    assert until(lambda: accepted(no_prices) == 1)


def test_one_with_such_a_field_is_priced_apart_from_one_without(make_session, no_prices):
    money = make_session().money
    for both in ([request(), request(extra={"motion": 1})], [request(extra={"motion": 1}), request()]):
        known = [40 if one.extra is None else None for one in both]
        assert money.most_credits(both) == known
        said = [found.source.endswith("without what other fields may cost") for found in money.estimates(both)]
        assert said == [one.extra is not None for one in both]


def test_what_was_charged_once_is_what_a_limit_is_held_against(make_session, no_prices):
    free = make_session()
    assert until(free.submit("a boat [fail]", resolution="1080p").done)
    with pytest.raises(BudgetExceeded, match="would cost about 80 credits"):
        free.submit("a plane [fail]", resolution="1080p", max_credits=79)
    free.submit("a plane [fail]", resolution="1080p", max_credits=80)
    assert until(lambda: accepted(no_prices) == 2)


def test_the_service_is_asked_for_its_prices_once_before_it_is_given_up(make_session, simulator):
    session = make_session(max_credits=100)
    with pytest.raises(BudgetExceeded, match="would cost about 160 credits"):
        session.submit("a boat [fail]", resolution="1080p", duration=10)
    session.submit("a boat [fail]", resolution="1080p")
    assert until(lambda: accepted(simulator) == 1)
    assert simulator.calls["models"] == 1


def test_what_the_ledger_has_is_free_and_asks_nobody(make_session, no_prices):
    with make_session() as before:
        clip = before.submit("a boat", resolution="1080p", duration=4).result(60)
    no_prices.calls.clear()
    assert make_session(max_credits=0).submit("a boat", resolution="1080p", duration=4).clip == clip
    assert no_prices.calls["models"] == 0


def test_a_charge_above_the_price_counts_and_the_next_is_refused(make_session, no_prices, tmp_path):
    session = make_session(max_credits=50)
    session.money.catalog = Catalog().merged([{"id": "seedance-2.0", "pricing": {"rates": {"1080p": 8}}}])
    assert until(session.submit("a boat [fail]", resolution="1080p").done)  # listed at 40, charged 80
    assert session.spent == 80
    with pytest.raises(BudgetExceeded):
        session.submit("a plane [fail]", resolution="480p", duration=4)
    assert accepted(no_prices) == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [("drop_after", None), ("status_after", None), ("status_after", {"success": True, "requestId": "req_1"})],
)
def test_what_may_have_been_charged_stays_set_aside(make_session, simulator, kind, body):
    http = {"http_status": 200, "body": body} if body else {}
    simulator.add_fault(Fault("create", kind, **http))
    session = make_session(max_credits=79)
    job = session.submit("a boat [stuck]", resolution="720p")
    assert until(lambda: job.status in (Status.UNKNOWN, Status.QUEUED, Status.PROCESSING))
    assert session.spent == 40
    with pytest.raises(BudgetExceeded):
        session.submit("a plane [fail]", resolution="720p")
