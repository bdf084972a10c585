"""What beside its jobs a ledger keeps: registrations, races, measurements, accounts, references; of both stores."""

import json

import pytest
from tracking.doubles import SERVICE, record

from seedance_nb.api.models import Status, VideoRequest
from seedance_nb.errors import ConfigurationError
from seedance_nb.tracking.ledger.contract import AccountNotKnown, Allowance, Wanted
from seedance_nb.tracking.ledger.races import Charge
from seedance_nb.tracking.ledger.vote import Choice, Vote


def claim(ledger, row):
    return ledger.claim(row, False, lambda: None)[0]


def test_a_registration_is_kept_once_and_told_of_the_votes_there_are(ledger):
    rows = [claim(ledger, record(prompt)) for prompt in ("a boat", "a kite")]
    ledger.add_votes([Vote("v1", "Ann", "overall", rows[0].key, rows[1].key, Choice.LEFT, 1.0)])
    hashes = [row.request.canonical_hash() for row in rows]
    told = []

    def write(texts, votes):
        told.append((list(texts), votes))
        return "the plan"

    ledger.registrations.add(hashes, write)
    ledger.registrations.add(hashes[:1], write)
    assert told == [([], 1), (["the plan"], 0)]
    assert ledger.registrations.texts() == ["the plan"]


@pytest.mark.parametrize("statement", ["UPDATE registrations SET text = 'another'", "DELETE FROM registrations"])
def test_a_registration_is_never_changed(ledger, statement):
    ledger.registrations.add([], lambda _texts, _votes: "the plan")
    with pytest.raises(ConfigurationError, match="never"), ledger.file.transaction() as db:
        db.execute(statement)
    assert ledger.registrations.texts() == ["the plan"]


def test_a_race_keeps_its_first_word_and_knows_what_it_was_charged(ledger):
    claim(ledger, record("before"))
    assert ledger.races.begin("race", {"by": "prompt"}, 1.0) == 1
    row = claim(ledger, record("a boat"))
    ledger.save(row.key, {"status": Status.QUEUED, "request_id": "req_1", "credits": 35.0})
    assert ledger.races.begin("race", {"by": "another"}, 2.0) == 1
    assert ledger.races.design("race") == {"by": "prompt"}
    assert ledger.races.decide("race", 1, {"dropped": ["b"]}, 3.0) == {"dropped": ["b"]}
    assert ledger.races.decide("race", 1, {"dropped": ["c"]}, 4.0) == {"dropped": ["b"]}
    assert ledger.races.rounds("race") == [{"dropped": ["b"]}]
    wanted = [row.request.canonical_hash()]
    assert ledger.races.charges("race", "mine", wanted) == [Charge(wanted[0], 1, 35.0)]
    assert ledger.races.charges("no race", "mine", wanted) == []


def test_what_was_measured_is_known_by_file_name_version_and_source(ledger):
    ledger.measurements.keep("motion", "1", "src", {"abc": {"motion": 0.5}, "def": {"motion": 1.0}})
    ledger.measurements.keep("motion", "1", "src", {"abc": {"motion": 0.75}})
    assert ledger.measurements.known("motion", "1", "src", ["abc", "xyz"]) == {"abc": {"motion": 0.75}}
    assert ledger.measurements.known("motion", "2", "src", ["abc"]) == {}


def test_the_reference_that_was_sent_last_is_known(ledger):
    for address in ("seedance-file:a", "seedance-file:b"):
        claim(ledger, record(address, request=VideoRequest(prompt=address, media_urls=(f"{address}.png",))))
    assert (
        ledger.browsing.last_reference("mine", ["seedance-file:a.png", "seedance-file:b.png"]) == "seedance-file:b.png"
    )
    assert ledger.browsing.last_reference("mine", ["seedance-file:c.png"]) is None


def test_what_another_key_has_is_asked_about_and_taken_over_once_that_was_said(ledger):
    theirs = claim(ledger, record(account="theirs"))
    ledger.save(theirs.key, {"status": Status.QUEUED, "request_id": "req_1"})
    with pytest.raises(AccountNotKnown):
        claim(ledger, record())
    ledger.accounts.answer("mine", "theirs", 1.0)
    assert ledger.accounts.account_of("mine") == "theirs"
    assert claim(ledger, record()).key == theirs.key
    assert [(known.name, known.jobs) for known in ledger.accounts.at(SERVICE)] == [("theirs", 1)]


def test_words_are_found_in_every_alphabet_also_beside_what_no_text_can_hold(ledger):
    row = claim(ledger, record("Ein Boot auf der Stra\u00dfe \u041b\u041e\u0414\u041a\u0410 100%_"))
    odd = claim(ledger, record("a\0kite"))
    ledger.save(row.key, {"noted": "Tr\u00e8s belle"})
    for text in ("STRASSE", "\u043b\u043e\u0434\u043a\u0430", "100%_", "TR\u00c8S", row.key):
        assert [found.key for found in ledger.browsing.page(Wanted(text=text), 10)] == [row.key], text
    assert ledger.browsing.page(Wanted(text="10_%"), 10) == []
    assert ledger.browsing.page(Wanted(text="kite"), 10)[:1] in ([], [odd])
    assert len(ledger.browsing.prompts()) == 2
    assert ledger.experience.rates(SERVICE, [row.request]) == [None]


def test_a_word_of_the_service_that_no_text_can_hold_harms_no_id(ledger):
    row = claim(ledger, record())
    ledger.save(row.key, {"status": Status.QUEUED, "request_id": "req_1", "status_text": "queued\0"})
    assert ledger.find("req_1").status is Status.QUEUED


def test_what_the_service_said_beyond_what_is_read_comes_back(ledger):
    row = claim(ledger, record())
    said = {"seed": 7, "text": "\0 \u00e9", "deep": {"list": [1, None, 2.5]}}
    ledger.save(row.key, {"answer_extra": said, "starred": True, "follower": "me"})
    found = ledger.find(row.key)
    assert (json.loads(json.dumps(found.answer_extra)), found.starred, found.follower) == (said, True, "me")


def test_what_the_service_refused_to_one_is_heeded_by_the_others(ledger):
    assert ledger.pace.of("mine", "me") == Allowance()
    ledger.pace.refused("mine", "another", 30.0, is_create=True)
    ledger.pace.refused("mine", "another", 5.0, is_create=True)
    assert 25 < ledger.pace.of("mine", "me").no_create_for <= 32
    assert ledger.pace.of("mine", "another").no_create_for == 0


def test_calls_and_creates_of_an_account_are_counted_together(ledger):
    ledger.pace.allow_calls("mine", 600.0)
    ledger.pace.allow_creates("mine", 1)
    allowed = ledger.pace.of("mine", "me")
    assert (allowed.calls_a_minute, allowed.creates_at_once) == (600.0, 1)
    granted, _ = ledger.pace.take("mine", 5)
    assert 0 < granted <= 5
    first, second = claim(ledger, record("a boat")), claim(ledger, record("a kite"))
    assert ledger.pace.take_off(first.key, "mine", 1000.0, 60.0) is True
    assert ledger.pace.take_off(second.key, "mine", 1001.0, 60.0) is False


def test_members_are_known_with_their_version(ledger):
    ledger.members.seen("ann", "1.0")
    ledger.members.seen("ann", "2.0")
    assert [(one.person, one.version) for one in ledger.members.all()] == [("ann", "2.0")]
