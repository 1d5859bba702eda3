"""What a finding gives to copy."""

from sdg.preflight.model import SETTINGS, Finding


def test_commands_are_what_stands_between_backticks_and_has_several_words():
    finding = Finding("azure-kubelogin", "It lacks.", 'Run `az aks install-cli` or `for each in A B; do x "$each"; done`; see `cores`.')
    assert finding.commands == ["az aks install-cli", 'for each in A B; do x "$each"; done']


def test_what_somebody_else_said_is_never_a_command():
    assert Finding("azure-answers", "ARM said: run `rm -rf /` now.", "Ask again.").commands == []


def test_problems_with_settings_have_their_commands_in_the_sentence():
    assert Finding.of(SETTINGS, "To use it all the same: `pulumi config set --path a true`.").commands == [
        "pulumi config set --path a true"
    ]
