"""What processes of a pool run: they find it by this file's name, as some library may have a package `tests` of its own."""

from seedance_nb.tracking.session import Session


def fail(base_url, home, key):
    """Raise the GenerationFailed of a job."""
    with Session(api_key=key, base_url=base_url, home=home, poll_floor=0.02, poll_ceiling=0.1) as session:
        session.submit("a boat [fail]", aspect_ratio="1:1", resolution="480p", duration=4).result(60)
