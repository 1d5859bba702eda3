"""Which keys Cloud Functions take, and how functions are referred to."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdg.nvcf.keys import kind_of, problem
from sdg.nvcf.reference import FunctionReference

ID = "0a1b2c3d-0000-4000-8000-00000000abcd"
VERSION = "9f8e7d6c-0000-4000-8000-00000000dcba"
LEGACY = base64.b64encode(b"planted0planted0planted0pl:0a1b2c3d-0000-4000-8000-00000000abcd").decode()
INVOKED = f"https://{ID}.invocation.api.nvcf.nvidia.com/v1"


@pytest.mark.parametrize(
    ("key", "kind"),
    [("nvapi-planted0planted0", "current"), (LEGACY, "legacy"), ("hf_planted0planted0", "foreign"), ("of-a-form-to-come", "unknown")],
)
def test_a_key_shows_its_kind(key, kind):
    assert kind_of(key) == kind


@pytest.mark.parametrize("key", ["nvapi-planted0planted0", "of-a-form-to-come"])
def test_a_key_whose_form_says_nothing_against_it_is_left_to_nvidia(key):
    assert problem(key) is None


@pytest.mark.parametrize(("key", "says"), [(LEGACY, "legacy API key"), ("hf_planted0planted0", "Hugging Face token")])
def test_a_key_that_would_be_refused_is_named_with_what_to_do_and_not_shown(key, says):
    told = problem(key, "sdg:nvcfApiKey")
    assert told.startswith(("sdg:nvcfApiKey is a", "sdg:nvcfApiKey has"))
    assert says in told
    assert "https://org.ngc.nvidia.com/service-keys" in told
    assert key not in told


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc", "Zs"])))
def test_any_text_has_a_kind(key):
    assert kind_of(key) in {"current", "legacy", "foreign", "unknown"}


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (ID, FunctionReference(ID, None, INVOKED)),
        (ID.upper(), FunctionReference(ID, None, INVOKED)),
        (f"{ID}/{VERSION}", FunctionReference(ID, VERSION, INVOKED)),
        (f"https://api.nvcf.nvidia.com/v2/nvcf/pexec/functions/{ID}", FunctionReference(ID, None, INVOKED)),
        (f"https://api.nvcf.nvidia.com/v2/nvc/functions/{ID}/versions/{VERSION}", FunctionReference(ID, VERSION, INVOKED)),
        (f"https://{ID}.invocation.api.nvcf.nvidia.com", FunctionReference(ID, None, INVOKED)),
        (f"https://{ID}.invocation.api.nvcf.nvidia.com/v1/", FunctionReference(ID, None, INVOKED)),
        ("https://functions.example.com/qwen/v1", FunctionReference(None, None, "https://functions.example.com/qwen/v1")),
        ("https://functions.example.com", FunctionReference(None, None, "https://functions.example.com/v1")),
    ],
)
def test_a_reference_says_where_clients_ask(text, reference):
    assert FunctionReference.of(text) == reference


@pytest.mark.parametrize(
    "text",
    ["", "qwen3-vl", f"{ID}/", f"http://{ID}.invocation.api.nvcf.nvidia.com", "https://api.nvcf.nvidia.com/v2/nvcf/functions", "https://"],
)
def test_what_refers_to_no_function_is_refused(text):
    with pytest.raises(ValueError, match="function"):
        FunctionReference.of(text)
