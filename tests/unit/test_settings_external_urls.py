"""URLs of endpoints outside the stack: pods have to reach them."""

import pytest
from pydantic import ValidationError

from sdg.settings.inference import ExternalEndpoint


def endpoint(url):
    return ExternalEndpoint.model_validate({"url": url, "model": "m", "capabilities": ["chat"]})


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:12434/engines/v1",
        "http://LOCALHOST./v1",
        "https://models.localhost/v1",
        "http://127.0.0.1:8000/v1",
        "http://127.8.8.8/v1",
        "http://0.0.0.0:8000/v1",
        "http://[::1]:8000/v1",
        "http://[::]:8000/v1",
    ],
)
def test_an_address_that_every_pod_takes_for_its_own_is_refused_with_what_to_give(url):
    with pytest.raises(ValidationError, match=r"leads to the pod itself\. Give the machine's address"):
        endpoint(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.10:12434/engines/v1",
        "https://models.example.com/v1",
        "http://localhost.example.com",
        "http://[2001:db8::10]:8000/v1",
    ],
)
def test_an_address_of_a_machine_is_taken_as_it_is(url):
    assert endpoint(url).url == url


@pytest.mark.parametrize(
    "url", ["", "models.example.com/v1", "ftp://models.example.com", "http://", "http://[::1", "http://key@host/v1", "http://host/v1?key=1"]
)
def test_what_is_no_base_url_is_refused(url):
    with pytest.raises(ValidationError):
        endpoint(url)
