import io

from rich.console import Console

from cli import report

CHECK = {"name": "node-ready", "subject": "node/gpu-0", "status": "failed", "observed": "Ready=False (KubeletNotReady)"}


def state(*resources):
    return {"deployment": {"resources": list(resources)}}


def test_gates_are_found_by_their_checks_in_the_order_of_the_update():
    first = {"outputs": {"gate": "cluster-gate", "checks": []}}
    second = {"outputs": {"gate": "smoke-gate", "checks": [CHECK]}}
    assert [gate["gate"] for gate in report.gates(state(first, {"type": "pulumi:pulumi:Stack"}, second))] == ["cluster-gate", "smoke-gate"]


def test_a_stack_without_resources_has_no_gates():
    assert report.gates({"deployment": {}}) == []


def test_a_log_line_that_looks_like_markup_is_shown_as_it_is():
    console = Console(width=200, record=True, file=io.StringIO())
    report.show_gates([{"gate": "smoke-gate", "checks": [CHECK | {"observed": "[hello] boom [/INST]"}]}], console)
    assert "[hello] boom [/INST]" in console.export_text()


def test_a_red_check_shows_where_what_and_what_was_seen():
    console = Console(width=200, record=True, file=io.StringIO())
    report.show_gates([{"gate": "cluster-gate", "checks": [CHECK]}], console)
    printed = console.export_text()
    assert all(text in printed for text in ("cluster-gate", "node-ready", "node/gpu-0", "failed", "Ready=False (KubeletNotReady)"))


def test_it_is_told_on_which_node_a_workflow_ran():
    hello = {"name": "verify-hello", "tasks": [{"name": "hello", "node": "cpu-0"}]}
    never = {"name": "verify-gpu", "tasks": [{"name": "gpu", "node": ""}]}
    records = [{"gate": "cluster-gate", "evidence": {"nodes": 2}}, {"gate": "smoke-gate", "evidence": {"workflows": [hello, never]}}]
    assert list(report.placements(records)) == [("verify-hello", "cpu-0")]
