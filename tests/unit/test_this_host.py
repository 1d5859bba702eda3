"""What is known of this host."""

import pytest

from sdg.this_host import in_ci, is_loopback


@pytest.mark.parametrize("url", ["http://127.0.0.1:8", "http://127.0.0.2", "https://localhost:6443/x", "http://[::1]:1"])
def test_these_urls_lead_here(url):
    assert is_loopback(url)


@pytest.mark.parametrize("url", ["https://10.0.0.1", "https://localhost.example.com", "https://127.0.0.1.example.com", "", "no url"])
def test_these_do_not(url):
    assert not is_loopback(url)


@pytest.mark.parametrize(("said", "means"), [("1", True), (" True ", True), ("", False), ("0", False), ("false", False)])
def test_ci_is_what_says_so(said, means):
    assert in_ci({"CI": said}) is means


def test_no_variable_is_no_ci():
    assert not in_ci({})
