"""`%store` of a job in a real kernel, and its return in the next one."""

from notebook.kernel import Kernel

from seedance_nb.simulator import Pace, Simulator


def test_a_stored_job_comes_back_in_the_next_kernel(tmp_path):
    with Simulator(pace=Pace(0, 0.05, 0)) as simulator:
        access = {"SEEDANCE_BASE_URL": simulator.base_url, "SEEDANCE_API_KEY": "sd2_test_key"}
        with Kernel(tmp_path, access) as kernel:
            kernel.run("%load_ext seedance_nb")
            made = kernel.run("%seedance a paper boat -d 4 -a 1:1 -r 480p -o boat --wait")
            assert made.succeeded, made.error
            assert kernel.run("%store boat").text == "Stored 'boat' (Job)\n"
            digest = kernel.value("boat.clip.sha256")
            kernel.restart()
            kernel.run("%store -r boat")
            assert kernel.value("boat.clip.sha256") == digest
        assert len(simulator.scenario.accepted) == 1
        stored = [path.read_bytes() for path in (tmp_path / "ipython").rglob("autorestore/*")]
        assert stored
        assert not any(b"sd2_test_key" in content for content in stored)
