"""Jobs that fetch a model: which one, and where to."""

from __future__ import annotations

import pytest

from components.inference.nim_operator.download import download_spec
from rehearsal.nims.downloads import Download, download, refusal
from sdg.catalog.nims import nims
from sdg.settings.mirror import Mirror

MODEL = "Qwen/Qwen2.5-14B-Instruct"
TREE = "models--Qwen--Qwen2.5-14B-Instruct"
HOME = {"HF_HOME": "/model-store/huggingface"}


def pod(command, args=(), **env):
    container = {"name": "c", "command": list(command), "args": list(args)}
    return {"metadata": {"name": "p"}, "spec": {"containers": [{**container, "env": [{"name": k, "value": v} for k, v in env.items()]}]}}


def script(text, *behind, **env):
    return pod(["bash", "-c", text, *behind], **(env or HOME))


@pytest.mark.parametrize(
    "text",
    [
        f"hf download {MODEL}",
        f"set -e\npip install -q huggingface_hub[cli]\nhf download '{MODEL}' --quiet\ndu -sh /model-store",
        f"huggingface-cli download --repo-type model {MODEL}",
        f"hf download \\\n  {MODEL}",
        f'model={MODEL}\nhf download "$model"',
        f"MODEL='{MODEL}'; hf download ${{MODEL}} && echo done",
    ],
)
def test_a_script_is_read_as_a_shell_would(text):
    assert download(script(text)) == Download(MODEL, f"/model-store/huggingface/hub/{TREE}", tree=True)


def test_the_words_behind_a_script_are_its_arguments():
    found = download(
        script('model=$1 revision=$2\nhf download "$model" ${revision:+--revision "$revision"} 2>&1 | tee log', "name", MODEL, "")
    )
    assert found == Download(MODEL, f"/model-store/huggingface/hub/{TREE}", tree=True)


def test_a_model_may_be_named_by_a_variable_of_the_container():
    found = download(script('hf download "$MODEL_ID"', MODEL_ID=MODEL, HF_HUB_CACHE="/model-store/cache"))
    assert found == Download(MODEL, f"/model-store/cache/{TREE}", tree=True)


def test_a_local_folder_gets_the_files_flat_and_not_the_hubs_tree():
    assert download(script(f"hf download {MODEL} --local-dir /model-store/flat")) == Download(MODEL, "/model-store/flat", tree=False)
    assert download(script(f"hf download {MODEL} --local-dir=/model-store/flat")) == Download(MODEL, "/model-store/flat", tree=False)


@pytest.mark.parametrize("item", [pod(["sh", "-c", "echo hf"]), pod([]), script("curl https://huggingface.co/x/download")])
def test_other_programs_are_no_downloads(item):
    assert download(item) is None


@pytest.mark.parametrize("name", [name for name, nim in nims().items() if nim.hugging_face and nim.hugging_face.download == "job"])
def test_the_jobs_of_the_program_fetch_the_models_of_the_catalog_to_where_their_nims_look(name):
    nim = nims()[name]
    template = download_spec(name, nim.hugging_face, Mirror(), ())["template"]["spec"]
    found = download({"metadata": {"name": "p"}, "spec": template})
    assert found is not None
    assert found.model == nim.hugging_face.model
    assert found.folder == f"{nim.environment['HF_HOME']}/models--{found.model.replace('/', '--')}"


@pytest.mark.parametrize(
    ("status", "words"), [(429, "429 Client Error: Too Many Requests"), (401, "401 Client Error: Unauthorized"), (503, "503 Server")]
)
def test_a_refusal_has_the_words_of_the_hubs_client(status, words):
    assert words in refusal(MODEL, status)
