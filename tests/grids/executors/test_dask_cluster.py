"""grid.measure on a Dask cluster of separate processes: clips go there by content, and what goes wrong there stops nothing."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from grids.executors import measured_there as there
from grids.stage import until

from seedance_nb.errors import InvalidRequest

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.slow
def test_64_clips_on_two_workers_give_what_one_machine_gives_bit_for_bit(many, client):
    local = many.measure(there.moved, name="local")

    found = many.measure(there.moved, client, name="there")

    assert found.failures == ()
    for part in ("light", "size"):
        values = found.values(f"there.{part}")
        assert len(values) == 64
        assert {key: value.hex() for key, value in values.items()} == {
            key: value.hex() for key, value in local.values(f"local.{part}").items()
        }


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle_changes_no_number_and_loses_no_clip(many, client, tmp_path):
    local = many.measure(there.moved, name="local")
    pids = client.run(os.getpid)
    killed = []

    def kill_in_the_middle():
        until(lambda: len(list(tmp_path.iterdir())) >= 12)
        killed.append(next(iter(pids.values())))
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    found = many.measure(there.Marking(tmp_path), client, name="there")
    killer.join()

    assert killed
    assert found.failures == ()
    assert found.values("there.light") == local.values("local.light")


def test_the_workers_see_no_folder_of_ours_and_are_no_process_of_ours(few, client):
    homes = few.measure(lambda path: float(str(path).startswith(os.environ.get("HOME", "?"))), client, name="home")
    pids = few.measure(there.process, client).values().values()

    assert homes.failures == ()
    assert os.getpid() not in pids
    ours = few.jobs[0].clip.path.parent
    same = few.measure(lambda path, ours=str(ours): float(str(path.parent) == ours), client, name="same")
    assert set(same.values().values()) == {0.0}


def test_what_raises_hangs_or_dies_on_one_clip_is_named_and_the_rest_goes_on(few, client):
    raises, hangs, dies, good = (job.key for job in few.jobs)

    found = few.measure(there.Fussy(raises, hangs, dies), client, name="fussy", timeout=5)

    reasons = {failure.job: failure.reason for failure in found.failures}
    assert set(reasons) == {raises, hangs, dies}
    assert reasons[raises] == "RuntimeError: no face in it"
    assert "no answer within 5 s" in reasons[hangs]
    assert "died by signal 11" in reasons[dies]
    assert found.values()[good] > 0


def test_what_a_cluster_found_is_known_to_the_ledger(few, client):
    few.measure(there.moved, client)

    assert "known to the ledger" in str(few.measure(there.moved))


def test_a_measure_that_compares_takes_has_them_all_at_the_worker(few, client):
    local = few.measure("difference", name="local")

    assert few.measure("difference", client, name="there").values() == local.values()


def test_a_worker_without_pyav_is_given_nothing_and_one_alone_is_named(few, tmp_path):
    from distributed import Client, LocalCluster

    (tmp_path / "av.py").write_text("raise ImportError('no decoder on this machine')\n")
    with (
        LocalCluster(
            n_workers=0,
            processes=True,
            protocol="tcp",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):
        lacking = start_worker(cluster.scheduler_address, PYTHONPATH=str(tmp_path))
        try:
            client.wait_for_workers(1, timeout=60)
            with pytest.raises(
                InvalidRequest,
                match=r"the only worker of tcp://.* can.* look into clips .*cannot import av .*pip install 'seedance_nb\[team\]' there",
            ):
                few.measure(there.moved, client, name="alone")
            whole = start_worker(cluster.scheduler_address)
            try:
                client.wait_for_workers(2, timeout=60)

                found = few.measure(there.moved, client, name="two")

                assert found.failures == ()
            finally:
                whole.kill()
                whole.wait()
        finally:
            lacking.kill()
            lacking.wait()


def start_worker(address, **environment):
    return start("dask_worker", address, "--no-nanny", "--nthreads", "1", **environment)


def start(command, *options, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{command}", *options, "--no-dashboard"],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_client_that_is_closed_or_a_cluster_instead_of_it_is_told_in_a_line(few, cluster):
    from distributed import Client

    client = Client(cluster)
    client.close()
    with pytest.raises(InvalidRequest, match="the Dask Client is closed; open another one"):
        few.measure(there.moved, client)
    with pytest.raises(InvalidRequest, match=r"is no executor; .*a dask.distributed.Client"):
        few.measure(there.moved, cluster)


@pytest.mark.slow
def test_a_scheduler_that_goes_away_in_the_middle_is_told_and_what_was_measured_is_kept(few, tmp_path):
    from distributed import Client

    where = tmp_path / "scheduler.json"
    scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(where))
    worker = client = None
    try:
        until(where.exists)
        client = Client(scheduler_file=str(where))
        worker = start_worker(client.scheduler.address)
        client.wait_for_workers(1, timeout=60)
        ender = threading.Thread(target=lambda: (until((tmp_path / "begun").exists), scheduler.kill()))
        ender.start()
        measure = there.Hanging(few.jobs[0].key, tmp_path / "begun")

        with pytest.raises(InvalidRequest, match=r"the Dask (scheduler|cluster) at tcp://"):
            few.measure(measure, client, name="slow")
        ender.join()

        again = few.measure(measure, name="slow", timeout=1)
        assert set(again.values()) - {failure.job for failure in again.failures} == {few.jobs[0].key}
        assert "known to the ledger" in str(again)
    finally:
        for process in (worker, scheduler):
            if process is not None:
                process.kill()
                process.wait()
        if client is not None:
            client.close(timeout=1)


def test_distributed_is_not_imported_by_measuring(tmp_path):
    script = (
        "import sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import seedance_nb as sd\n"
        "from seedance_nb.grids.executors import chosen\n"
        "from seedance_nb.grids.export import writing\n"
        "from seedance_nb.grids.measures import running\n"
        "chosen.check_executor(ThreadPoolExecutor())\n"
        "assert not {'distributed', 'dask'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)
