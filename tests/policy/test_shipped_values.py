"""The rule on what the program really gives to the charts: a false alarm here would stop every stack."""

from __future__ import annotations

import hmac

import pytest

from components.generated import GENERATORS
from policy.rules.no_key_in_plain_path import NO_KEY_IN_PLAIN_PATH as RULE
from sdg.catalog.versions import versions
from sdg.osmo import layout
from sdg.osmo.values import Images, operator_values, service_values, storage_choice
from sdg.settings.osmo import Osmo

FINGERPRINT = hmac.new(b"key", b"contents", "sha256").hexdigest()
IMAGES = Images(versions().registries.osmo, "6.3.1")


@pytest.mark.parametrize("credentials", ["none", "ngc"])
@pytest.mark.parametrize("profile", list(versions().profiles))
def test_the_values_of_the_service_chart_break_no_rule(judge, profile, credentials) -> None:
    values = service_values(
        Osmo.model_validate({"profile": profile, "images": {"credentials": credentials}}),
        images=IMAGES,
        storage=storage_choice("s3://osmo-workflows"),
        gpus="dedicated",
        storage_class="fast",
        database_password=GENERATORS["password"](),
        optix=False,
        secrets_fingerprint=FINGERPRINT,
    )
    assert judge(RULE, "kubernetes:helm.sh/v3:Release", {"chart": "service", "values": values}).violations == ()


def test_the_values_of_the_operator_chart_break_no_rule(judge) -> None:
    properties = {"chart": "backend-operator", "values": operator_values(Osmo(), images=IMAGES, token_fingerprint=FINGERPRINT)}
    assert judge(RULE, "kubernetes:helm.sh/v3:Release", properties).violations == ()


@pytest.mark.parametrize(("form", "label"), [("password", "password"), ("token", "token"), ("mek", "mek.yaml")])
def test_every_generated_secret_is_known_by_its_shape(judge, form, label) -> None:
    stray = {"metadata": {"name": "stray"}, "data": {label: GENERATORS[form]()}}
    assert judge(RULE, "kubernetes:core/v1:ConfigMap", stray).violations


def test_the_generated_mek_may_stand_in_its_config_map(judge) -> None:
    properties = {"metadata": {"name": layout.MEK_CONFIG_MAP}, "data": {"mek.yaml": GENERATORS["mek"]()}}
    assert judge(RULE, "kubernetes:core/v1:ConfigMap", properties).violations == ()
