import pytest
from tracking.doubles import VideoHost


@pytest.fixture
def host():
    serving = VideoHost()
    yield serving
    serving.close()
