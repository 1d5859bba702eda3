from __future__ import annotations

from collections.abc import Iterator

import pytest

from sdg.settings.document import config_schema, stacks_markdown
from sdg.settings.model import StackSettings
from sdg.settings.schema import keys_of, members
from sdg.settings.secrets import SECRET_KEYS


def every_field(model: type = StackSettings, path: str = "") -> Iterator[tuple[str, str | None]]:
    for name, field in model.model_fields.items():
        yield f"{path}{field.alias or name}", field.description
        for inner in members(field.annotation):
            yield from every_field(inner, f"{path}{field.alias or name}.")


@pytest.mark.parametrize("key", [*keys_of(StackSettings), *SECRET_KEYS])
def test_the_reference_names_every_top_level_key(key: str) -> None:
    assert f"`sdg:{key}`" in stacks_markdown()


def test_every_setting_of_what_can_be_deployed_is_described() -> None:
    # the kinds that are only known by name have nothing to describe but that name
    undescribed = {path for path, description in every_field() if not description}
    assert undescribed <= {"cluster.kind", "inference.provider"}


def test_the_reference_shows_limits_defaults_and_examples() -> None:
    text = stacks_markdown()
    assert "| `port` | whole number, at least 1024, at most 65535 | `9000` | Port of the API on localhost. |" in text
    assert "| `kubernetes` | text, as `>=1.30,<1.37` |" in text


def test_the_schema_knows_every_key_of_the_namespace_and_leaves_others_alone() -> None:
    config = config_schema()["properties"]["config"]
    assert set(config["properties"]) == {f"sdg:{key}" for key in (*keys_of(StackSettings), *SECRET_KEYS)}
    assert config["required"] == ["sdg:cluster"]
    assert config["patternProperties"] == {"^(?!sdg:)": {}}
